// A session as an archive, both ways, against tar, unzip and Python's tarfile.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { bytesOf, Client, encodeBytes, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const scratch = mkdtempSync(join(tmpdir(), "coditect-archive-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;

async function tree(name) {
  const session = await newSession(ada, name);
  return { base: `/sessions/${session.id}`, files: `/sessions/${session.id}/files`, archive: `/sessions/${session.id}/archive` };
}

const send = (to, bytes) => ada.request("POST", to, { body: bytes });

/** Unpacked by the system's own program: path → what is there, as latin1 so that names stay bytes. */
function unpack(command, bytes) {
  const dir = join(scratch, String(folders++));
  execFileSync("mkdir", [dir]);
  execFileSync(command[0], command.slice(1), { cwd: dir, input: bytes, stdio: ["pipe", "pipe", "ignore"], env: { ...process.env, LC_ALL: "C.UTF-8" } });
  const found = {};
  const walk = (below) => {
    for (const name of readdirSync(Buffer.from(join(dir, below), "latin1"), { encoding: "latin1" })) {
      const path = below === "" ? name : `${below}/${name}`;
      const full = Buffer.from(join(dir, path), "latin1");
      const stat = lstatSync(full);
      if (stat.isSymbolicLink()) found[path] = { link: readlinkSync(full) };
      else if (stat.isDirectory()) {
        found[path] = "folder";
        walk(path);
      } else found[path] = { mode: stat.mode & 0o7777, mtime: stat.mtimeMs / 1000, bytes: readFileSync(full) };
    }
  };
  walk("");
  return found;
}
const untar = (bytes) => unpack(["tar", "-xzpf", "-"], bytes);
const unzip = (bytes) => unpack(["python3", "-c", "import sys,io,zipfile; zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())).extractall()"], bytes);

/** An archive of what Python says; `add(name, content, **fields)` is there, and tarfile as t. */
const pack = (code, format = "PAX_FORMAT") => execFileSync("python3", ["-c", `
import io, sys, tarfile as t
out = t.open(fileobj=sys.stdout.buffer, mode="w|gz", format=t.${format})
def add(name, content=b"", **fields):
    info = t.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items(): setattr(info, key, value)
    out.addfile(info, io.BytesIO(content))
${code}
out.close()
`], { maxBuffer: 64 << 20 });

test("what is there goes out and comes in again: names, bytes, modes, times, links, empty folders", async () => {
  const { files, base, archive } = await tree("Näme / \"x\"");
  const large = Buffer.concat([...bytesOf(3_000_001, 7)]);
  await ada.write(`${files}/src/large.bin`, large);
  await ada.write(`${files}/${encodeBytes("Grüße")}/${encodeBytes("你好.txt")}`, "hello\n");
  await ada.write(`${files}/${encodeBytes([0x62, 0xff, 0x61, 0x64])}`, "not UTF-8");
  await ada.write(`${files}/empty`, "");
  await ada.post(`${base}/files:mkdir`, { path: "nothing/in/it" });
  assert.equal((await send(archive, pack(`add("run.sh", b"#!/bin/sh\\n", mode=0o755, mtime=1_000_000_000); add("link", type=t.SYMTYPE, linkname="src/large.bin")`))).status, 200);

  const reply = await ada.get(archive);
  assert.equal(reply.headers["content-type"], "application/gzip");
  assert.equal(reply.headers["content-disposition"], "attachment; filename*=UTF-8''N%C3%A4me%20-%20%22x%22.tar.gz");
  const found = untar(reply.body);
  const latin = (text) => Buffer.from(text).toString("latin1");
  assert.deepEqual(Object.keys(found).sort(), [latin("Grüße"), latin("Grüße/你好.txt"), "b\u00ffad", "empty", "link", "nothing", "nothing/in", "nothing/in/it", "run.sh", "src", "src/large.bin"].sort());
  assert.ok(found["src/large.bin"].bytes.equals(large));
  assert.equal(found[latin("Grüße/你好.txt")].bytes.toString(), "hello\n");
  assert.equal(found["b\u00ffad"].bytes.toString(), "not UTF-8");
  assert.equal(found.empty.bytes.length, 0);
  assert.deepEqual({ ...found["run.sh"], bytes: undefined }, { mode: 0o755, mtime: 1_000_000_000, bytes: undefined });
  assert.deepEqual(found.link, { link: "src/large.bin" });
  assert.equal(found["nothing/in/it"], "folder");

  const copy = await tree();
  const counts = { files: 5, folders: 5, links: 1, bytes: 3_000_001 + 6 + 9 + 10 };
  assert.deepEqual((await send(copy.archive, reply.body)).data, counts);
  assert.deepEqual(untar((await ada.get(copy.archive)).body), found);

  const zip = await ada.get(`${archive}?format=zip`);
  assert.equal(zip.headers["content-type"], "application/zip");
  const unzipped = unzip(zip.body);
  assert.equal(unzipped[latin("Grüße/你好.txt")].bytes.toString(), "hello\n");
  assert.ok(unzipped["src/large.bin"].bytes.equals(large));
  const fromZip = await tree();
  assert.deepEqual((await send(fromZip.archive, zip.body)).data, counts);
  const whole = (all) => Object.entries(all).map(([name, one]) => [name, one.mtime === undefined ? one : { ...one, mtime: Math.floor(one.mtime) }]);
  assert.deepEqual(whole(untar((await ada.get(fromZip.archive)).body)), whole(found), "zip has whole seconds");
  assert.deepEqual(readdirSync(server.data).filter((name) => name.startsWith("unpack")), []);

  const head = await ada.head(archive);
  assert.deepEqual([head.status, head.body.length, head.headers["content-type"]], [200, 0, "application/gzip"]);
});

test("times before 1970 and after 2038, and all bits of a mode, go in and come out", async () => {
  const { archive } = await tree();
  const times = [-86_400 * 36_525, -86_400, -1, 0, 1, 2 ** 31 - 1, 2 ** 31, 4_000_000_000, 7_258_118_400];
  const modes = [0o644, 0o400, 0o4755, 0o2775, 0o1777, 0o7777];
  const code = [...times.map((time, i) => `add("t${i}", b"x" * ${i === 3 ? 100_000 : 1}, mtime=${time})`), ...modes.map((mode, i) => `add("m${i}", mode=${mode}); add("d${i}", type=t.DIRTYPE, mode=${mode | 0o700})`),
    `add("link", type=t.SYMTYPE, linkname="t0", mtime=-5)`];
  assert.equal((await send(archive, pack(code.join("\n")))).status, 200);
  const listed = (bytes) => JSON.parse(execFileSync("python3", ["-c", `
import io, json, sys, tarfile
print(json.dumps({m.name: [m.mtime, m.mode] for m in tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()))}))`], { input: bytes }));
  const { body } = await ada.get(archive);
  const found = listed(body);
  assert.deepEqual(times.map((_, i) => found[`t${i}`][0]), times);
  assert.equal(found.link[0], -5);
  assert.deepEqual(modes.map((_, i) => [found[`m${i}`][1], found[`d${i}`][1]]), modes.map((mode) => [mode, mode | 0o700]));
  const copy = await tree();
  assert.equal((await send(copy.archive, body)).status, 200);
  assert.deepEqual(listed((await ada.get(copy.archive)).body), found);
});

test("a client that goes away in the middle leaves nothing behind", async () => {
  const { files, archive } = await tree();
  for (let i = 0; i < 4; i++) await ada.write(`${files}/${i}`, Buffer.concat([...bytesOf(4_000_000, i + 1)]));
  for (const format of ["tgz", "zip"]) {
    for (let i = 0; i < 5; i++) {
      const error = await new Promise((resolve) => {
        const request = httpRequest({ host: "127.0.0.1", port: server.port, path: `/api/v5${archive}?format=${format}`, headers: { Authorization: `Bearer ${ada.token}` } });
        request.on("response", (reply) => reply.once("data", () => request.destroy()).on("error", resolve));
        request.on("error", resolve);
        request.end();
      });
      assert.ok(error);
    }
  }
  assert.equal(Object.keys(untar((await ada.get(archive)).body)).length, 4);
});

test("an empty session is an empty archive", async () => {
  const { archive } = await tree();
  assert.deepEqual(untar((await ada.get(archive)).body), {});
  assert.deepEqual((await send(archive, (await ada.get(archive)).body)).data, { files: 0, folders: 0, links: 0, bytes: 0 });
});

test("a moment of the past, more than a page of it", async () => {
  const { files, archive } = await tree();
  await send(archive, pack(`[add(f"many/{i:04}", b"x") for i in range(450)]`));
  const { data: old } = await ada.write(`${files}/a`, "old");
  await ada.write(`${files}/a`, "new");
  await ada.delete(`${files}/many?recursive=true`);
  await ada.write(`${files}/many`, "a file now");
  const now = untar((await ada.get(archive)).body);
  assert.deepEqual(Object.entries(now).map(([name, { bytes }]) => [name, bytes.toString()]), [["a", "new"], ["many", "a file now"]]);
  const then = untar((await ada.get(`${archive}?at=${old.version}`)).body);
  assert.equal(Object.keys(then).length, 452);
  assert.deepEqual([then.a.bytes.toString(), then["many/0449"].bytes.toString()], ["old", "x"]);
  assert.equal((await ada.get(`${archive}?at=999999`)).status, 404);
  for (const bad of ["at=0", "at=x", "format=rar", "format="]) assert.equal((await ada.get(`${archive}?${bad}`)).status, 400, bad);
});

test("a folder has the mode that its entry says, also when a file in it comes first", async () => {
  const { archive, base } = await tree();
  const bytes = pack(`add("d/x", b"x"); add("d", type=t.DIRTYPE, mode=0o700); add("e", type=t.DIRTYPE, mode=0o750)`);
  const modes = async () => Object.fromEntries((await ada.get(`${base}/files`)).data.map(({ path, mode, version }) => [path, [mode, version]]));
  assert.equal((await send(archive, bytes)).status, 200);
  const first = await modes();
  assert.deepEqual([first.d[0], first.e[0]], [0o700, 0o750]);
  assert.equal((await send(archive, bytes)).status, 200);
  assert.deepEqual(await modes(), first, "nothing about them has changed");
});

test("a backslash in a zip archive's name is one, unless Windows wrote it", async () => {
  const { archive, files } = await tree();
  const names = ["\\y", "c\\..\\d", "disk\\x2dby", "in/a\\b"];
  for (const name of names) assert.equal((await ada.write(`${files}/${encodeURIComponent(name).replaceAll("%2F", "/")}`, name)).status, 200);
  const paths = async (to) => (await ada.get(`${to}?recursive=true`)).data.filter(({ type }) => type === "file").map(({ path }) => path).sort();
  const own = await tree();
  assert.equal((await send(own.archive, (await ada.get(`${archive}?format=zip`)).body)).status, 200);
  assert.deepEqual(await paths(own.files), [...names].sort());
  for (const [system, wanted] of [[3, "disk\\x2dby"], [0, "disk/x2dby"]]) {
    const other = await tree();
    const made = zipped(`i = zipfile.ZipInfo("disk\\\\x2dby"); i.create_system = ${system}; z.writestr(i, "x")`);
    assert.equal((await send(other.archive, made)).status, 200);
    assert.deepEqual(await paths(other.files), [wanted]);
  }
  const many = zipped(`for k in range(20): z.writestr("\\\\" * 60_000 + str(k), "x")`);
  const answers = (await Promise.all([many, zipped(`z.writestr("a/b", "x"); z.writestr("a\\\\b", "y")`)].map((bytes) => send(archive, bytes)))).map((reply) => `${reply.status} ${reply.text()}`);
  assert.match(answers.join("\n"), /^413 .*more names with backslashes.*\n400 .*slashes and backslashes alone/);
});

test("the formats of tar; a folder to unpack into; what is replaced is in the history", async () => {
  const { files, base, archive } = await tree();
  const name = `${"long/".repeat(30)}name`;
  for (const format of ["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"]) {
    const bytes = pack(`add("./"); add("./a/", type=t.DIRTYPE, mode=0o755); add("./a/b", b"${format}"); add("a/hard", type=t.LNKTYPE, linkname="./a/b"); add("${name}", b"long")`, format);
    const reply = await send(`${archive}?path=in/here`, bytes);
    assert.deepEqual([reply.status, reply.data], [200, { files: 3, folders: 1, links: 0, bytes: 2 * format.length + 4 }], reply.text());
    for (const one of ["b", "hard"]) assert.equal((await ada.get(`${files}/in/here/a/${one}`)).body.toString(), format);
    assert.equal((await ada.get(`${files}/in/here/${name}`)).body.toString(), "long");
  }
  const { data } = await ada.get(`${base}/history/in/here/a/b`);
  assert.equal(data.length, 3);
  assert.equal((await send(`${archive}?path=plain`, gunzipSync(pack(`add("a", b"x")`)))).status, 200, "tar without gzip");
  assert.equal((await ada.get(`${files}/plain/a`)).body.toString(), "x");
});

test("nothing leads outside", async () => {
  const outside = [
    `add("../evil", b"x")`, `add("/etc/passwd", b"x")`, `add("a/../../evil", b"x")`, `add("a//b", b"x")`, `add("..", type=t.DIRTYPE)`, `add("a/./b", b"x")`,
    `add("x" * 256, b"x")`, `add("a/" * 300 + "b", b"x")`,
    `add("dev", type=t.CHRTYPE, devmajor=1, devminor=3)`, `add("dev", type=t.BLKTYPE)`, `add("fifo", type=t.FIFOTYPE)`,
    `add("hard", type=t.LNKTYPE, linkname="/etc/passwd")`, `add("hard", type=t.LNKTYPE, linkname="../../x")`, `add("hard", type=t.LNKTYPE, linkname="missing")`, `add("self", type=t.LNKTYPE, linkname="self")`,
    `add("link", type=t.SYMTYPE, linkname="x" * 5000)`,
  ];
  for (const code of outside) {
    const { archive } = await tree();
    const reply = await send(`${archive}?path=in`, pack(`add("before", b"x"); ${code}; add("after", b"x")`));
    assert.equal(reply.status, 400, `${code}: ${reply.text()}`);
    assert.match(reply.json.error.message, /^In the archive, entry 2: /);
    assert.deepEqual(Object.keys(untar((await ada.get(archive)).body)), ["in", "in/before"], code);
  }
  const { archive } = await tree();
  const through = await send(archive, pack(`add("out", type=t.SYMTYPE, linkname="/etc"); add("out/passwd", b"x")`));
  assert.deepEqual([through.status, through.code], [409, "not_directory"]);
  assert.deepEqual(untar((await ada.get(archive)).body), { out: { link: "/etc" } });
  const zip = execFileSync("python3", ["-c", "import sys,zipfile,io; b=io.BytesIO(); z=zipfile.ZipFile(b,'w'); z.writestr('../evil','x'); z.close(); sys.stdout.buffer.write(b.getvalue())"]);
  assert.equal((await send(archive, zip)).status, 400);
});

test("a file in the way of a folder, and a folder in the way of a file", async () => {
  const { files, archive } = await tree();
  await ada.write(`${files}/file`, "kept");
  await ada.write(`${files}/folder/file`, "kept");
  for (const code of [`add("file", type=t.DIRTYPE)`, `add("file/below", b"x")`, `add("folder", b"x")`]) {
    const reply = await send(archive, pack(code));
    assert.equal(reply.status, 409, `${code}: ${reply.text()}`);
    assert.match(reply.json.error.message, /entry 1/);
  }
  assert.equal((await ada.get(`${files}/file`)).body.toString(), "kept");
  assert.equal((await ada.get(`${files}/folder/file`)).body.toString(), "kept");
});

test("bombs: too many entries, too much from too little", async () => {
  const { archive, files } = await tree();
  const many = await send(archive, pack(`[add("./") for i in range(100_001)]`));
  assert.deepEqual([many.status, many.code], [413, "too_large"]);
  // Each file is a header of the next, not packed, and then all of the next: 200 files of a mebibyte in 20 KB.
  const shared = await send(archive, execFileSync("python3", ["-c", `
import struct, sys, zlib
def fields(packed, content): return (0, 8, 0, 0, zlib.crc32(content), len(packed), len(content), 4, 0)
content = bytes(1 << 20)
pack = zlib.compressobj(9, zlib.DEFLATED, -15)
packed = pack.compress(content) + pack.flush()
known = []
for i in range(200):
    name = b"%04d" % (200 - i)
    known.insert(0, (name, fields(packed, content)))
    local = struct.pack("<4s5H3I2H", b"PK\\3\\4", 20, *known[0][1]) + name
    if i < 199:
        packed = struct.pack("<BHH", 0, len(local), len(local) ^ 0xffff) + local + packed
        content = local + content
names = b"".join(struct.pack("<4s6H3I5H2I", b"PK\\1\\2", 20, 20, *one, 0, 0, 0, 0, i * (len(local) + 5)) + name for i, (name, one) in enumerate(known))
sys.stdout.buffer.write(local + packed + names + struct.pack("<4s4H2IH", b"PK\\5\\6", 0, 0, 200, 200, len(names), len(local + packed), 0))`]));
  assert.deepEqual([shared.status, shared.code], [413, "too_large"], shared.text());
});

test("what we pack comes in again, however well it packs", async () => {
  const { archive, files } = await tree();
  const size = 40 << 20;
  await ada.write(`${files}/zeros`, Buffer.alloc(size));
  await ada.write(`${files}/lines`, Buffer.alloc(size, "the same line\n"));
  for (const format of ["tgz", "zip"]) {
    const packed = await ada.get(`${archive}?format=${format}`);
    assert.ok(packed.body.length < (2 * size) / 200);
    const again = await tree();
    const reply = await send(again.archive, packed.body);
    assert.deepEqual([reply.status, reply.data?.bytes], [200, 2 * size], reply.text());
  }
});

test("what is no archive, or not a whole one", async () => {
  const { archive, files } = await tree();
  const good = pack(`add("a", b"x" * 100_000)`);
  for (const bad of ["hello", Buffer.alloc(100_000, 0x41), Buffer.concat([...bytesOf(5000, 3)]), gzipSync("hello"), good.subarray(0, 60), good.subarray(0, good.length - 40), Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4]), ...bytesOf(2000, 4)])]) {
    const reply = await send(archive, bad);
    assert.equal(reply.status, 400, `${bad.length}: ${reply.text()}`);
    assert.match(reply.json.error.message, /damaged, or is no tar/);
  }
  assert.equal((await send(archive, "")).status, 400);
  assert.equal((await ada.get(`${files}/a`)).status, 404);
});

const zipped = (code) => execFileSync("python3", ["-c", `
import sys, zipfile, io
b = io.BytesIO()
z = zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED)
${code}
z.close()
sys.stdout.buffer.write(b.getvalue())`], { maxBuffer: 64 << 20 });

test("what is damaged, cut off or encrypted is never stored as something else", async () => {
  const { archive, files } = await tree();
  const refused = async (what, bytes, says) => {
    const reply = await send(archive, bytes);
    assert.deepEqual([reply.status, reply.code], [400, "invalid"], `${what}: ${reply.text()}`);
    assert.match(reply.json.error.message, says, what);
  };
  const wrong = (bytes, at) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const gz = gzipSync(gunzipSync(pack(`add("a", b"x" * 1000)`)), { level: 0 });
  await refused("a bit of a file in a tar.gz", wrong(gz, gz.indexOf("xxxx")), /damaged/);
  await refused("the check sum of a tar.gz", wrong(gz, gz.length - 6), /damaged/);
  const stored = zipped(`z.writestr(zipfile.ZipInfo("a"), b"hello world")`);
  await refused("a bit of a file in a zip", wrong(stored, stored.indexOf("hello")), /damaged/);
  const { version } = (await ada.write(`${files}/before`, "")).data;
  const longer = gzipSync(gunzipSync(pack(`add("a", b"x" * 1000); add("b", b"x" * 200_000)`)), { level: 0 });
  await refused("the same of a longer one", wrong(longer, longer.length - 6), new RegExp(`damaged.* Its entries up to number 1 are in the session, which was at version ${version} before\\.$`));
  assert.deepEqual((await ada.get(files)).data.map(({ path, size }) => [path, size]), [["a", 1000], ["before", 0]]);
  assert.equal((await ada.delete(`${files}/a`)).status, 200);
  await refused("its third entry", pack(`add("x"); add("y"); add("../z")`), / entry 3: .* up to number 2 are in the session/);
  await refused("its first", pack(`add("../z"); add("x")`), /entry 1: its name is no path below the session's root\.$/);

  await refused("a tar.gz without its end", gz.subarray(0, gz.length - 4), /damaged/);
  const tar = gunzipSync(pack(`add("a", b"first"); add("b", b"second")`));
  await refused("a tar that ends between two entries", tar.subarray(0, 1024), /cut off/);
  await refused("the same, packed", gzipSync(tar.subarray(0, 1024)), /cut off/);
  assert.equal((await send(archive, Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700)), Buffer.alloc(100)]))).status, 200, "two members and padding");
  assert.equal((await ada.get(`${files}/b`)).body.toString(), "second");

  const secret = stored.map((byte, i) => (i === 6 || i === stored.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 8 ? byte | 1 : byte));
  await refused("encrypted", secret, /entry 1: it is encrypted/);
});

/** One block of a tar header, by hand; the rest of it is zeros. */
function header(name, size, type, more = () => {}) {
  const block = Buffer.alloc(512);
  block.write(name, 0, "latin1");
  block.write("0000644\0", 100);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write(type, 156);
  block.write("ustar  \0", 257);
  more(block);
  block.fill(" ", 148, 156);
  block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

test("a tar archive ends where its zeros begin, and nowhere before", async () => {
  const { archive, files } = await tree();
  const refused = async (what, bytes, says) => {
    for (const [how, sent] of [["plain", bytes], ["packed", gzipSync(bytes)]]) {
      const reply = await send(archive, sent);
      assert.deepEqual([reply.status, reply.code], [400, "invalid"], `${what}, ${how}: ${reply.text()}`);
      assert.match(reply.json.error.message, says, what);
    }
  };
  const body = (text) => Buffer.concat([Buffer.from(text), Buffer.alloc(511 - (text.length + 511) % 512)]);
  const [a, b] = [Buffer.concat([header("a", 1024, "0"), Buffer.alloc(1024)]), Buffer.concat([header("b", 6, "0"), body("second")])];
  const zeros = Buffer.alloc(1024);
  await refused("cut off behind a file that ends in zeros", a, /cut off/);
  await refused("cut off behind a name alone", Buffer.concat([a, header("././@LongLink", 2, "L"), body("b\0")]), /cut off|damaged/);
  await refused("cut off behind a global header", Buffer.concat([a, header("pax", 13, "g"), body("13 comment=x\n")]), /cut off|damaged/);
  await refused("a header that became zeros", Buffer.concat([a, Buffer.alloc(512), body("second"), zeros]), /more behind/);
  await refused("the same of a longer file", Buffer.concat([b, Buffer.alloc(512), Buffer.alloc(600), body("second"), a, zeros]), /more behind/);
  await refused("two archives in one", Buffer.concat([b, zeros, a, zeros]), /more behind/);

  const make = (command) => execFileSync("sh", ["-c", `cd "$0" && mkdir -p good && cd good && head -c 5000 /dev/zero >z && : >e && mkdir -p d && truncate -s 1M hole && printf x | dd of=hole bs=1 seek=500000 conv=notrunc 2>/dev/null && ln -sf z l && ln -f z h && ${command}; rm -rf ../good`, scratch], { maxBuffer: 64 << 20 });
  const good = { "one block of zeros": Buffer.concat([a, b, Buffer.alloc(512)]), "two": Buffer.concat([b, a, zeros]), "many": Buffer.concat([b, Buffer.alloc(1 << 20)]), "none in it": Buffer.alloc(10240), "a global header alone": Buffer.concat([header("pax", 13, "g"), body("13 comment=x\n"), zeros]) };
  for (const format of ["v7", "ustar", "gnu", "posix"]) good[`tar, ${format}`] = make(`tar --format=${format} -cf - .`);
  for (const options of ["--sparse --format=gnu", "--sparse --format=posix", "--sparse --format=posix --sparse-version=0.1", "--sparse --format=posix --sparse-version=0.0", "-b1"]) good[`tar ${options}`] = make(`tar ${options} -cf - .`);
  for (const format of ["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"]) good[`tarfile ${format}`] = gunzipSync(pack(`add("z", bytes(5000)); add("e")`, format));
  good["of git"] = make("git init -q . && git add z && git -c user.name=a -c user.email=a@b commit -qm x && git archive HEAD");
  good["empty, of git"] = make("git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && git archive HEAD");
  await ada.write(`${files}/zeros`, Buffer.alloc(100_000));
  good["our own"] = gunzipSync((await ada.get(archive)).body);
  for (const [i, [what, bytes]] of Object.entries(good).entries()) {
    const reply = await send(`${archive}?path=${encodeURIComponent(what)}`, i % 2 ? gzipSync(bytes) : bytes);
    assert.equal(reply.status, 200, `${what}: ${reply.text()}`);
  }
  const hole = (await ada.get(`${files}/${encodeURIComponent("tar --sparse --format=posix")}/hole`)).body;
  assert.deepEqual([hole.length, hole[500_000]], [1 << 20, 0x78]);
});

test("an entry that cannot be read as it is meant is refused, and none is left out", async () => {
  const refused = async (what, bytes, says, there) => {
    const { archive } = await tree();
    const reply = await send(archive, bytes);
    assert.deepEqual([reply.status, reply.code], [400, "invalid"], `${what}: ${reply.text()}`);
    assert.match(reply.json.error.message, says, what);
    assert.deepEqual(Object.keys(untar((await ada.get(archive)).body)), there, what);
  };
  const noUtf8 = zipped(`z.writestr("before", "x"); z.writestr("QQé", "x"); z.writestr("after", "x")`);
  for (let at = noUtf8.indexOf("QQé"); at >= 0; at = noUtf8.indexOf("QQé", at)) noUtf8.set([0xff, 0xfe, 0xfd, 0xfc], at);
  await refused("a name that says it is UTF-8, and is not", noUtf8, /entry 2: its name is no path/, ["before"]);
  await refused("a file without a name", zipped(`z.writestr("before", "x"); z.writestr(zipfile.ZipInfo(""), "x")`), /entry 2: its name is no path/, ["before"]);
  await refused("a file called .", gunzipSync(pack(`add("before"); add(".", b"x")`)), /entry 2: its name is no path/, ["before"]);
  await refused("a link to nothing", pack(`add("before"); add("link", type=t.SYMTYPE)`), /entry 2: it is a link to nothing/, ["before"]);
  const one = Buffer.concat([Buffer.from("x"), Buffer.alloc(511)]);
  for (const lines of ["99 path=renamed\n", "-5 path=renamed\n", "16 path=renamed", "0 path=renamed\n"]) {
    const bytes = Buffer.concat([header("before", 1, "0"), one, header("pax", lines.length, "x"), Buffer.from(lines), Buffer.alloc(512 - lines.length), header("short", 1, "0"), one, Buffer.alloc(1024)]);
    await refused(`a name that is ${lines}`, bytes, /damaged/, ["before"]);
  }

  const { archive } = await tree();
  const linked = await send(archive, pack(`add("link", type=t.SYMTYPE, linkname="elsewhere"); add("same", type=t.LNKTYPE, linkname="link")`));
  assert.deepEqual(linked.data, { files: 0, folders: 0, links: 2, bytes: 0 });
  assert.deepEqual(untar((await ada.get(archive)).body), { link: { link: "elsewhere" }, same: { link: "elsewhere" } });
});

test("a header without end is not held in memory, and nothing behind the end is taken", async () => {
  const { archive } = await tree();
  const resident = () => Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${server.serverPid}/status`, "utf8"))[1]);
  const extension = Buffer.alloc(512);
  for (let i = 0; i < 21; i++) extension.write("00000000000\0".repeat(2), i * 24);
  extension[504] = 1;
  const old = Buffer.concat([header("hole", 0, "S", (block) => { block.write("00000000000\0".repeat(2), 386); block[482] = 1; }), ...Array(8 * 8192).fill(extension)]);
  const map = Buffer.from("0\n0\n".repeat(4 << 20));
  const pax = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n24 GNU.sparse.name=hole\n25 GNU.sparse.realsize=0\n";
  const lines = Buffer.concat([header("pax", pax.length, "x"), Buffer.from(pax), Buffer.alloc(512 - pax.length), header("hole", map.length + 512, "0"), Buffer.from("4194304\n"), map, Buffer.alloc(504 + 1024)]);
  const before = resident();
  for (const [what, bytes] of [["old", old], ["pax", lines]]) {
    const reply = await send(archive, gzipSync(bytes));
    assert.deepEqual([reply.status, reply.code], [413, "too_large"], `${what}: ${reply.text()}`);
    assert.match(reply.json.error.message, /a header that is larger/, what);
  }
  assert.ok(resident() - before < 150_000, `${resident() - before} KiB more`);

  const comment = Buffer.concat([header("pax", 13, "x"), Buffer.from("13 comment=x\n"), Buffer.alloc(499)]);
  const linked = Buffer.concat([header("a", 0, "0"), comment, header("link", 100 << 20, "1", (block) => block.write("a", 157)), Buffer.alloc(100 << 20), header("../b", 0, "0"), Buffer.alloc(1024)]);
  const far = await send(archive, gzipSync(linked));
  assert.equal(far.status, 400, far.text());
  assert.match(far.json.error.message, /There is more behind the archive's end: .* Its entries up to number 2 are in the session, which was at version \d+ before\.$/);
});

test("what begins with PK is a zip archive only with a zip's mark", async () => {
  const { archive, files } = await tree();
  for (const name of ["PKGBUILD", "PK", "PK-INFO"]) {
    const reply = await send(archive, gunzipSync(pack(`add("${name}", b"name")`)));
    assert.equal(reply.status, 200, `${name}: ${reply.text()}`);
    assert.equal((await ada.get(`${files}/${name}`)).body.toString(), "name");
  }
  const empty = zipped("");
  const reply = await new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port: server.port, method: "POST", path: `/api/v5${archive}`, headers: { Authorization: `Bearer ${ada.token}`, Expect: "100-continue" } });
    request.on("response", (answer) => answer.resume().on("end", () => resolve(answer))).on("error", reject);
    request.on("continue", () => request.write(empty.subarray(0, 3), () => setImmediate(() => request.end(empty.subarray(3)))));
    request.flushHeaders();
  });
  assert.equal(reply.statusCode, 200, "one of nothing that comes in two pieces");
});

test("a file that is one hole has its size", async () => {
  const { archive, files } = await tree();
  const sparse = (size) => execFileSync("sh", ["-c", `cd "$0" && truncate -s ${size} hole && tar --sparse -cf - hole && rm hole`, scratch]);
  assert.deepEqual((await send(archive, sparse("1M"))).data, { files: 1, folders: 0, links: 0, bytes: 1 << 20 });
  assert.ok((await ada.get(`${files}/hole`)).body.equals(Buffer.alloc(1 << 20)));
  const bomb = await send(archive, sparse("5G"));
  assert.deepEqual([bomb.status, bomb.code], [413, "too_large"], bomb.text());
  assert.equal((await ada.get(`${files}/hole`)).body.length, 1 << 20);
});

test("a zip archive's list of names is counted before it is held in memory", async () => {
  const { archive } = await tree();
  const reply = await send(archive, execFileSync("python3", ["-c", `
import struct, sys
name = struct.pack("<4s6H3I5H2I", b"PK\\1\\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
names = name * 300_000
local = struct.pack("<4s5H3I2H", b"PK\\3\\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
sys.stdout.buffer.write(local + names + struct.pack("<4s4H2IH", b"PK\\5\\6", 0, 0, 65535, 65535, len(names), len(local), 0))`], { maxBuffer: 64 << 20 }));
  assert.deepEqual([reply.status, reply.code], [413, "too_large"], reply.text());
  const nothing = await send(archive, zipped(""));
  assert.deepEqual([nothing.status, nothing.data?.files], [200, 0], "and one of nothing is one");
});

test("somebody else's session is no session", async () => {
  const { archive, files } = await tree();
  await ada.write(`${files}/a`, "mine");
  const eve = await server.account("eve");
  assert.equal((await eve.get(archive)).status, 404);
  assert.equal((await eve.request("POST", archive, { body: pack(`add("b", b"x")`) })).status, 404);
  assert.equal((await server.anonymous().get(archive)).status, 401);
  assert.equal((await server.anonymous().request("POST", archive, { body: "x" })).status, 401);
  assert.deepEqual(Object.keys(untar((await ada.get(archive)).body)), ["a"]);
});

test("the home is the caller's own, empty before a session was open, and opened by no key", async () => {
  for (const [format, type, command] of [["tgz", "application/gzip", ["tar", "xzf", "-"]], ["zip", "application/zip", undefined]]) {
    const reply = await ada.get(`/users/me/home/archive?format=${format}`);
    assert.deepEqual([reply.status, reply.headers["content-type"], reply.headers["content-disposition"]], [200, type, `attachment; filename*=UTF-8''home.${format === "zip" ? "zip" : "tar.gz"}`]);
    if (command) assert.deepEqual(unpack(command, reply.body), {});
    else assert.equal(reply.body.readUInt32LE(0), 0x06054b50, "the end of an empty zip archive");
  }
  assert.equal((await ada.get("/users/me/home/archive?format=rar")).status, 400);
  const { key } = (await ada.post("/auth/keys", { name: "mine" })).data;
  assert.equal((await new Client(server, key).get("/users/me/home/archive")).status, 403);
});
