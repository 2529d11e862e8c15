// Files: bytes, names, folders, versions.
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { test } from "node:test";
import { bytesOf, encodeBytes, newSession, serverForFile, sha256 } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");

async function tree() {
  const session = await newSession(ada);
  return { session, base: `/sessions/${session.id}`, files: `/sessions/${session.id}/files` };
}

test("write, read, overwrite, delete", async () => {
  const { files } = await tree();
  const one = await ada.write(`${files}/src/hello.c`, "int main;\n");
  assert.equal(one.status, 200);
  assert.deepEqual(
    { path: one.data.path, type: one.data.type, size: one.data.size, mode: one.data.mode, hash: one.data.hash },
    { path: "src/hello.c", type: "file", size: 10, mode: 0o644, hash: sha256("int main;\n") },
  );
  assert.equal(one.headers.etag, `"${one.data.version}"`);

  const read = await ada.get(`${files}/src/hello.c`);
  assert.equal(read.body.toString(), "int main;\n");
  assert.equal(read.headers.etag, one.headers.etag);
  assert.equal(read.headers["content-type"], "application/octet-stream");
  assert.match(read.headers["content-security-policy"], /sandbox/);
  assert.equal(read.headers["content-disposition"], "attachment");

  const two = await ada.write(`${files}/src/hello.c`, "int main(void);\n");
  assert.ok(two.data.version > one.data.version);
  assert.equal((await ada.get(`${files}/src/hello.c?version=${one.data.version}`)).body.toString(), "int main;\n");
  assert.equal((await ada.get(`${files}/src/hello.c?version=${two.data.version + 100}`)).status, 404);

  const gone = await ada.delete(`${files}/src/hello.c`);
  assert.ok(gone.data.version > two.data.version);
  assert.equal((await ada.get(`${files}/src/hello.c`)).status, 404);
  assert.equal((await ada.delete(`${files}/src/hello.c`)).status, 404);
  assert.equal((await ada.get(`${files}/src/hello.c?version=${one.data.version}`)).body.toString(), "int main;\n");
});

test("sizes around the edges of chunks and lanes, with length and chunked", async () => {
  const { files } = await tree();
  const KiB = 1024;
  const sizes = [0, 1, 511, 512, 513, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, KiB * KiB - 1, KiB * KiB, KiB * KiB + 1, 3 * KiB * KiB + 7];
  for (const size of sizes) {
    const bytes = Buffer.concat([...bytesOf(size, size + 1)]);
    const chunked = await ada.write(`${files}/c-${size}`, Readable.from([...bytesOf(size, size + 1)]));
    const sized = await ada.write(`${files}/s-${size}`, bytes);
    for (const reply of [chunked, sized]) {
      assert.equal(reply.status, 200, reply.text());
      assert.equal(reply.data.size, size);
      assert.equal(reply.data.hash, sha256(bytes));
    }
    assert.deepEqual((await ada.get(`${files}/c-${size}`)).body, bytes);
    assert.deepEqual((await ada.get(`${files}/s-${size}`)).body, bytes);
  }
});

test("an upload that breaks off leaves nothing", async () => {
  const { files } = await tree();
  await ada.write(`${files}/kept.bin`, "before");
  const cut = (headers, bytes) =>
    new Promise((resolve) => {
      const options = { host: "127.0.0.1", port: server.port, method: "PUT", path: `/api/v5${files}/kept.bin` };
      const request = httpRequest({ ...options, headers: { Authorization: `Bearer ${ada.token}`, ...headers } });
      request.on("error", () => {});
      request.on("close", resolve);
      request.write(bytes, () => request.destroy());
    });
  await cut({ "Content-Length": 8 << 20 }, Buffer.alloc(2 << 20, 1));
  await cut({ "Content-Length": 1000 }, Buffer.alloc(500, 1));
  await cut({ "Transfer-Encoding": "chunked" }, Buffer.alloc(2 << 20, 1));
  assert.equal((await ada.get(`${files}/kept.bin`)).body.toString(), "before");
});

test("listing: one folder, everything below, in byte order, in pages", async () => {
  const { files } = await tree();
  const paths = ["a.txt", "b/c.txt", "b/d/e.txt", "B.txt", "z", "é", "b.txt"];
  for (const path of paths) await ada.write(`${files}/${path.split("/").map(encodeURIComponent).join("/")}`, path);
  const names = async (query) => (await ada.get(`${files}${query}`)).data.map((one) => one.path);
  assert.deepEqual(await names(""), ["B.txt", "a.txt", "b", "b.txt", "z", "é"]);
  assert.deepEqual(await names("?path="), await names(""));
  assert.deepEqual(await names("?path=b"), ["b/c.txt", "b/d"]);
  assert.deepEqual(await names("?path=b%2Fd"), ["b/d/e.txt"]);
  const all = await names("?recursive=true");
  assert.deepEqual(all.toSorted(), [...paths, "b", "b/d"].toSorted());
  for (const [query, want] of [["recursive=true", all], ["recursive=false", await names("")], ["path=b&recursive=true", ["b/c.txt", "b/d", "b/d/e.txt"]]]) {
    const seen = [];
    let next = "";
    do {
      const page = await ada.get(`${files}?${query}&limit=2${next && `&cursor=${next}`}`);
      assert.ok(page.data.length <= 2);
      seen.push(...page.data.map((one) => one.path));
      next = page.json.page.next ?? "";
    } while (next !== "");
    assert.deepEqual(seen, want, query);
  }
  assert.equal((await ada.get(`${files}?path=nothing`)).status, 404);
  assert.equal((await ada.get(`${files}?path=a.txt`)).code, "not_directory");
  assert.equal((await ada.get(`${files}/b`)).code, "is_directory");
  for (const bad of ["path=..", "path=%2F", "path=a%00", "path=a//b", "limit=1001", "cursor=!!", "recursive=1", "path=a&path_b64=YQ"]) {
    assert.equal((await ada.get(`${files}?${bad}`)).status, 400, bad);
  }
});

test("names of any bytes", async () => {
  const { files, base } = await tree();
  const names = ["ünï", "日本語", "🙂", " ", " x ", "a b", "#", "?", "%", "%2F", "a%b", "a+b", "a&b=c", "-rf", "\n", "\t", "\u202e", "~", "...", "CON", "a:b", "\\", "é", "e\u0301", "'\"", "a;b", ":mkdir", "x:restore"];
  const bytes = [...names.map((name) => Buffer.from(name)), Buffer.from([0xff]), Buffer.from([0x61, 0xc3]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([1, 2, 127])];
  for (const name of bytes) {
    const put = await ada.write(`${files}/${encodeBytes(name)}`, name);
    assert.equal(put.status, 200, `${encodeBytes(name)}: ${put.text()}`);
    assert.deepEqual((await ada.get(`${files}/${encodeBytes(name)}`)).body, name);
  }
  const listed = (await ada.get(`${files}?limit=1000`)).data;
  const seen = listed.map((one) => (one.path_b64 ? Buffer.from(one.path_b64, "base64url") : Buffer.from(one.path)));
  assert.deepEqual(seen, bytes.toSorted(Buffer.compare));
  const odd = listed.filter((one) => one.path_b64);
  assert.equal(odd.length, 3);
  assert.ok(odd.every((one) => one.path.includes("\ufffd")));

  const b64 = Buffer.from([0xff]).toString("base64url");
  const moved = await ada.post(`${files}:move`, { from_b64: b64, to: "readable" });
  assert.equal(moved.data.path, "readable");
  assert.deepEqual((await ada.get(`${files}/readable`)).body, Buffer.from([0xff]));
  const folder = await ada.post(`${files}:mkdir`, { path_b64: b64 });
  assert.equal(folder.data.path_b64, b64);
  assert.deepEqual((await ada.get(`${files}?path_b64=${b64}`)).data, []);
  assert.equal((await ada.get(`${files}?path=%FF`)).status, 200);
  for (const path_b64 of ["Li4", "YS8vYg", "AA", "Lw", "=", "YQ=="]) {
    assert.equal((await ada.post(`${files}:mkdir`, { path_b64 })).status, 400, path_b64);
  }
  assert.equal((await ada.post(`${files}:mkdir`, { path: "a", path_b64: "YQ" })).status, 400);
  assert.equal((await ada.post(`${files}:mkdir`, {})).status, 400);
  assert.equal((await ada.get(`${base}/history/${encodeBytes("日本語")}`)).data.length, 1);
});

test("limits: 255 bytes a name, 4,096 a path, and one more of each", async () => {
  const { files } = await tree();
  const name = "n".repeat(255);
  assert.equal((await ada.write(`${files}/${name}`, "x")).status, 200);
  assert.equal((await ada.write(`${files}/${name}n`, "x")).status, 400);
  assert.equal((await ada.write(`${files}/${encodeURIComponent("é".repeat(127))}n`, "x")).status, 200);
  assert.equal((await ada.write(`${files}/${encodeURIComponent("é".repeat(128))}`, "x")).status, 400);
  const deep = Array.from({ length: 16 }, () => "d".repeat(255)).join("/");
  assert.equal(deep.length, 4095);
  assert.equal((await ada.write(`${files}/${deep}`, "deep")).status, 200);
  assert.equal((await ada.get(`${files}/${deep}`)).body.toString(), "deep");
  assert.equal((await ada.write(`${files}/${deep}/x`, "x")).status, 400);
  const many = Array.from({ length: 257 }, () => "d").join("/");
  assert.equal((await ada.write(`${files}/${many}`, "x")).status, 400);
});

test("If-Match, If-None-Match", async () => {
  const { files } = await tree();
  const put = (headers, body = "x") => ada.write(`${files}/f`, body, { headers });
  assert.equal((await put({ "If-Match": "*" })).status, 412, "there is none yet");
  const one = await put({ "If-None-Match": "*" });
  assert.equal(one.status, 200);
  assert.equal((await put({ "If-None-Match": "*" })).status, 412);
  const two = await put({ "If-Match": one.headers.etag });
  assert.equal(two.status, 200);
  assert.equal((await put({ "If-Match": one.headers.etag }, "lost")).status, 412);
  assert.equal((await put({ "If-Match": `W/${two.headers.etag}` }, "lost")).status, 412);
  assert.equal((await put({ "If-Match": "nonsense" }, "lost")).status, 412);
  assert.equal((await put({ "If-None-Match": two.headers.etag })).status, 400);
  const large = Readable.from([...bytesOf(2 << 20)]);
  assert.equal((await put({ "If-Match": one.headers.etag }, large)).status, 412);
  assert.equal((await put({ "If-Match": "*" })).status, 200);

  const read = await ada.get(`${files}/f`);
  const same = await ada.get(`${files}/f`, { headers: { "If-None-Match": read.headers.etag } });
  assert.equal(same.status, 304);
  assert.equal(same.body.length, 0);
  assert.equal((await ada.get(`${files}/f`, { headers: { "If-None-Match": `"1", W/${read.headers.etag}` } })).status, 304);
  assert.equal((await ada.get(`${files}/f`, { headers: { "If-None-Match": '"999"' } })).status, 200);
  assert.equal((await ada.delete(`${files}/f`, { headers: { "If-Match": one.headers.etag } })).status, 412);
  assert.equal((await ada.delete(`${files}/f`, { headers: { "If-Match": read.headers.etag } })).status, 200);
  assert.equal((await ada.delete(`${files}/f`, { headers: { "If-Match": "*" } })).status, 412);
});

test("Range and HEAD", async () => {
  const { files } = await tree();
  const bytes = Buffer.concat([...bytesOf(200_000, 3)]);
  const put = await ada.write(`${files}/f`, bytes);
  const range = (value, headers) => ada.get(`${files}/f`, { headers: { Range: value, ...headers } });
  const size = bytes.length;
  for (const [value, from, to] of [["bytes=0-99", 0, 99], ["bytes=65000-66000", 65_000, 66_000], [`bytes=${size - 1}-`, size - 1, size - 1], ["bytes=-5", size - 5, size - 1], ["bytes=100-9999999", 100, size - 1]]) {
    const reply = await range(value);
    assert.equal(reply.status, 206, value);
    assert.equal(reply.headers["content-range"], `bytes ${from}-${to}/${size}`);
    assert.deepEqual(reply.body, bytes.subarray(from, to + 1), value);
  }
  const beyond = await range(`bytes=${size}-`);
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers["content-range"], `bytes */${size}`);
  assert.equal((await range("bytes=nonsense")).status, 200);
  assert.equal((await range("bytes=0-9", { "If-Range": '"999"' })).status, 200);
  assert.equal((await range("bytes=0-9", { "If-Range": put.headers.etag })).status, 206);

  const head = await ada.head(`${files}/f`);
  assert.equal(head.status, 200);
  assert.equal(head.headers["content-length"], String(size));
  assert.equal(head.headers.etag, put.headers.etag);
  assert.equal(head.body.length, 0);
  assert.equal((await ada.head(`${files}/none`)).status, 404);
  await ada.write(`${files}/empty`, "");
  assert.equal((await ada.get(`${files}/empty`, { headers: { Range: "bytes=0-" } })).status, 416);
  assert.equal((await ada.head("/users/me")).status, 200);
});

test("mkdir, move, delete of folders", async () => {
  const { files, base } = await tree();
  const made = await ada.post(`${files}:mkdir`, { path: "a/b/c" });
  assert.equal(made.status, 201);
  assert.equal(made.data.type, "dir");
  assert.equal((await ada.post(`${files}:mkdir`, { path: "a/b/c" })).code, "exists");
  await ada.write(`${files}/a/b/c/f.txt`, "f");
  assert.equal((await ada.post(`${files}:mkdir`, { path: "a/b/c/f.txt/g" })).code, "not_directory");
  assert.equal((await ada.write(`${files}/a/b`, "x")).code, "is_directory");

  const moved = await ada.post(`${files}:move`, { from: "a/b", to: "x/y" });
  assert.equal(moved.status, 200, moved.text());
  assert.equal(moved.data.path, "x/y");
  assert.equal((await ada.get(`${files}/x/y/c/f.txt`)).body.toString(), "f");
  assert.equal((await ada.get(`${files}/a/b/c/f.txt`)).status, 404);
  assert.equal((await ada.post(`${files}:move`, { from: "x", to: "x/y/z" })).status, 400);
  assert.equal((await ada.post(`${files}:move`, { from: "none", to: "some" })).status, 404);

  await ada.write(`${files}/one`, "1");
  await ada.write(`${files}/two`, "2");
  assert.equal((await ada.post(`${files}:move`, { from: "one", to: "two" })).code, "exists");
  const replaced = await ada.post(`${files}:move`, { from: "one", to: "two", overwrite: true });
  assert.equal(replaced.status, 200, replaced.text());
  assert.equal((await ada.get(`${files}/two`)).body.toString(), "1");
  assert.ok((await ada.get(`${base}/history/two`)).data.length >= 2);

  assert.equal((await ada.delete(`${files}/x`)).code, "not_empty");
  assert.equal((await ada.delete(`${files}/x?recursive=true`)).status, 200);
  assert.equal((await ada.get(`${files}/x/y/c/f.txt`)).status, 404);
  assert.equal((await ada.delete(`${files}/a`)).status, 200, "an empty folder needs no recursive");
});

test("history, restore, and history through a rename", async () => {
  const { files, base } = await tree();
  const versions = [];
  for (const text of ["one", "two", "three"]) versions.push((await ada.write(`${files}/f`, text)).data.version);
  await ada.post(`${files}:move`, { from: "f", to: "g" });
  const history = await ada.get(`${base}/history/g`);
  assert.deepEqual(history.data.map((one) => one.op), ["move", "write", "write", "write"]);
  assert.deepEqual(history.data.slice(1).map((one) => one.version), versions.toReversed());
  assert.deepEqual(history.data[0].author, { kind: "api", id: ada.user.id });
  assert.equal(history.data[3].hash, sha256("one"));

  const page = await ada.get(`${base}/history/g?limit=2`);
  const rest = await ada.get(`${base}/history/g?limit=2&cursor=${page.json.page.next}`);
  assert.deepEqual([...page.data, ...rest.data], history.data);
  assert.equal((await ada.get(`${base}/history/g?limit=501`)).status, 400);
  assert.equal((await ada.get(`${base}/history/never`)).status, 404);

  const back = await ada.post(`${base}/history/g:restore`, { version: versions[0] });
  assert.equal(back.status, 200, back.text());
  assert.equal((await ada.get(`${files}/g`)).body.toString(), "one");
  assert.equal((await ada.get(`${base}/history/g`)).data[0].op, "restore");
  assert.equal((await ada.post(`${base}/history/g:restore`, { version: 999_999 })).status, 404);
  assert.equal((await ada.post(`${base}/history/g:restore`, { version: 0 })).status, 400);

  await ada.delete(`${files}/g`);
  const deleted = (await ada.get(`${base}/history/g`)).data;
  assert.equal(deleted[0].op, "delete");
  const undone = await ada.post(`${base}/history/g:restore`, { version: deleted[1].version });
  assert.equal(undone.status, 200, undone.text());
  assert.equal((await ada.get(`${files}/g`)).body.toString(), "one");
});

test("Idempotency-Key of mkdir and move", async () => {
  const { files } = await tree();
  const post = (verb, json, key) => ada.request("POST", `${files}:${verb}`, { json, headers: { "Idempotency-Key": key } });
  assert.equal((await post("mkdir", { path: "d" }, "k1")).status, 201);
  const again = await post("mkdir", { path: "d" }, "k1");
  assert.equal(again.status, 201, again.text());
  assert.equal(again.data.path, "d");
  assert.equal((await post("mkdir", { path: "e" }, "k1")).status, 409);
  await ada.write(`${files}/from`, "x");
  assert.equal((await post("move", { from: "from", to: "to" }, "k2")).status, 200);
  const twice = await post("move", { from: "from", to: "to" }, "k2");
  assert.equal(twice.status, 200, twice.text());
  assert.equal(twice.data.path, "to");
});
