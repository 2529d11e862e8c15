// cp, both ways, against the real server, and out of a server that means harm.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, lutimesSync, mkdirSync, readFileSync, readdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { bytesOf, newSession, serverForFile } from "../api/harness.mjs";
import { Cli, person } from "./cli.mjs";

const server = await serverForFile();
const ada = await person(server, "ada");
const local = (...names) => join(ada.files, ...names);

async function session() {
  const { id } = await newSession(ada.person);
  return { at: (path = "") => `${id}:${path}` };
}

/** A tree with what is awkward; returns its name. */
let trees = 0;
function plant() {
  const name = `tree${trees++}`;
  mkdirSync(local(name, "empty/deep"), { recursive: true });
  mkdirSync(local(name, "ünï 漢"), { recursive: true });
  writeFileSync(local(name, "zero"), "");
  writeFileSync(local(name, "new\nline"), "1");
  writeFileSync(local(name, "ünï 漢", ".hidden"), "2");
  writeFileSync(local(name, "large"), Buffer.concat([...bytesOf(2_000_000, trees)]));
  writeFileSync(Buffer.concat([Buffer.from(local(name, "raw")), Buffer.from([0xff])]), "3");
  return name;
}

const same = (one, other) => execFileSync("diff", ["-r", "--no-dereference", local(one), local(other)], { encoding: "latin1" });

test("a tree goes there and comes back the same", async () => {
  const { at } = await session();
  const tree = plant();
  const up = (await ada.ok("cp", "-r", "--json", tree, at())).json;
  assert.deepEqual(up, { files: 5, folders: 4, symlinks: 0, bytes: 2_000_003, skipped: 0, failed: 0 });
  const down = (await ada.ok("cp", "-r", "--json", at(tree), "back")).json;
  assert.equal(down.files, 5);
  assert.equal(down.bytes, 2_000_003);
  same(tree, "back");
  assert.ok(existsSync(local("back/empty/deep")));
  assert.equal((await ada.ok("cp", "-r", tree, at())).stderr, "", "again, over what is there");
  assert.equal((await ada.ok("cp", "-r", at(tree), "back")).stderr, "", "into the folder that is there");
  same(tree, `back/${tree}`);
});

test("where things land is as with cp", async () => {
  const { at } = await session();
  const list = async () => (await ada.ok("files", "ls", "-rq", at())).stdout.split("\n").slice(0, -1);
  mkdirSync(local("d"));
  writeFileSync(local("d/f"), "f");
  writeFileSync(local("g"), "g");
  await ada.ok("cp", "-r", "d", at("new"));
  assert.deepEqual(await list(), ["new", "new/f"], "a name that is free becomes the copy's");
  await ada.ok("cp", "-r", "d/", at("new"));
  assert.deepEqual(await list(), ["new", "new/d", "new/d/f", "new/f"], "a folder takes it");
  await ada.ok("cp", "-r", "d/.", at("dot"));
  await ada.ok("cp", "g", at("dot/other"));
  await ada.ok("cp", "g", "d/f", at("dot"));
  assert.deepEqual((await list()).filter((path) => path.startsWith("dot/")), ["dot/f", "dot/g", "dot/other"]);
  await ada.ok("cp", at("dot/other"), "fetched");
  assert.equal(readFileSync(local("fetched"), "utf8"), "g");
  mkdirSync(local("into"));
  await ada.ok("cp", at("dot/other"), at("dot/g"), "into");
  assert.deepEqual(readdirSync(local("into")), ["g", "other"]);
  await ada.ok("cp", "-r", at(), "whole");
  assert.deepEqual(readdirSync(local("whole")), ["dot", "new"]);
});

test("what cannot be copied is named, the rest goes on, and the status says so", async () => {
  const { at } = await session();
  mkdirSync(local("mixed/sub"), { recursive: true });
  writeFileSync(local("mixed/sub/kept"), "kept");
  symlinkSync("sub/kept", local("mixed/link"));
  symlinkSync("/nowhere", local("mixed/dangling"));
  execFileSync("mkfifo", [local("mixed/fifo")]);
  const end = await ada.fails(1, /mixed\/fifo: what is neither file, folder nor link is left out/, "cp", "-r", "mixed", at());
  assert.match(end.stderr, /1 of 6 were not copied/);
  assert.equal((await ada.ok("files", "cat", at("mixed/sub/kept"))).stdout, "kept");
  const followed = await ada.fails(1, /mixed\/dangling: No such file/, "cp", "-rL", "mixed", at("followed"));
  assert.match(followed.stderr, /2 of 6 were not copied/);
  assert.equal((await ada.ok("files", "cat", at("followed/link"))).stdout, "kept");

  await ada.fails(5, /is a folder; -r/, "cp", "mixed", at());
  await ada.fails(5, /is a folder; -r/, "cp", at("mixed"), "x");
  await ada.fails(4, /Not found/, "cp", at("missing"), "x");
  await ada.fails(4, /No such file/, "cp", "missing", at());
  await ada.fails(2, /one side must be in a session/, "cp", "a", "b");
  await ada.fails(2, /one side must be of this machine/, "cp", at("a"), at("b"));
  await ada.fails(5, /no folder/, "cp", at("a"), at("b"), "missing");
  const under = await ada.fails(5, /mixed\/sub: A part of the path is not a folder/, "cp", "-r", "mixed/sub", at("mixed/sub/kept/x"));
  assert.match(under.stderr, /1 of 1 were not copied/);
});

test("a link in a circle ends", async () => {
  const { at } = await session();
  mkdirSync(local("circle"));
  symlinkSync(".", local("circle/again"));
  const end = await ada.fails(5, /too deep/, "cp", "-rL", "circle", at());
  assert.match(end.stderr, /not copied/);
});

/** What is kept of each entry: mode, time in milliseconds, and where a link leads. Of `top` itself, too, as "". */
function factsOf(top, path = "", facts = {}) {
  const at = join(top, path);
  const entry = lstatSync(at);
  facts[path] = [Math.floor(entry.mtimeMs), entry.isSymbolicLink() ? readlinkSync(at) : (entry.mode & 0o7777).toString(8)];
  if (entry.isDirectory()) for (const name of readdirSync(at)) factsOf(top, join(path, name), facts);
  return facts;
}

test("modes, times and links go there and come back", async () => {
  const { at } = await session();
  const top = local("kept");
  mkdirSync(join(top, "d/shut"), { recursive: true });
  mkdirSync(join(top, "empty"));
  for (const path of ["run", "secret", "d/f", "d/shut/f", "now"]) writeFileSync(join(top, path), path);
  for (const [path, target] of [["dangling", "gone"], ["absolute", "/etc/passwd"], ["d/up", "../.."], ["folder", "d"], ["ünï", "x\n y"]]) symlinkSync(target, join(top, path));
  for (const [path, mode] of [["run", 0o755], ["secret", 0o600], ["d/f", 0o444], ["empty", 0o700], ["d/shut", 0o500], ["d", 0o750], ["", 0o700]]) chmodSync(join(top, path), mode);
  for (const [path, time] of [["run", "1969-07-20T20:17:40.123Z"], ["secret", "2040-01-01T00:00:00.001Z"], ["dangling", "1969-12-31T23:59:59.999Z"], ["absolute", "2001-02-03T04:05:06Z"],
    ["empty", "1969-01-01T00:00:00Z"], ["d/shut", "1999-12-31T23:59:59Z"], ["d", "2038-01-19T03:14:08Z"], ["", "1985-10-26T01:21:00Z"]]) {
    lutimesSync(join(top, path), new Date(time), new Date(time));
  }
  const there = factsOf(top);
  assert.deepEqual(there.run, [Date.parse("1969-07-20T20:17:40.123Z"), "755"]);
  const up = (await ada.ok("cp", "-r", "--json", "kept", at())).json;
  assert.deepEqual(up, { files: 5, folders: 4, symlinks: 5, bytes: 23, skipped: 0, failed: 0 });
  const listed = (await ada.ok("files", "ls", "-r", at())).stdout;
  assert.match(listed, /^-rwxr-xr-x +3 B +1969-07-20 20:17:40 +\d+ +kept\/run$/m);
  assert.match(listed, /^drwx------ +- +1969-01-01 00:00:00 +\d+ +kept\/empty$/m);
  assert.equal((await ada.ok("cp", "-r", "--json", at("kept"), "kept.back")).json.symlinks, 5);
  assert.deepEqual(factsOf(local("kept.back")), there);
  same("kept", "kept.back");
  await ada.ok("cp", "-r", at("kept"), "kept.back");
  assert.deepEqual(factsOf(local("kept.back/kept")), there, "into a folder that is there");

  await ada.ok("cp", "kept/folder/f", "kept/run", at("alone/"));
  await ada.ok("cp", at("alone/run"), "run.back");
  assert.deepEqual(factsOf(local("run.back"))[""], there.run);
  for (const path of ["kept/d/shut", "kept.back/d/shut", "kept.back/kept/d/shut"]) chmodSync(local(path), 0o700); // so that they can be removed
});

test("a link that is named is copied as one with -r, and followed without", async () => {
  const { at } = await session();
  mkdirSync(local("named"));
  writeFileSync(local("named/f"), "f");
  symlinkSync("named", local("to-folder"));
  symlinkSync("named/f", local("to-file"));
  await ada.ok("cp", "-r", "to-folder", "to-file", at("r/"));
  assert.equal((await ada.ok("files", "cat", at("r/to-folder"))).stdout, "named");
  assert.equal((await ada.ok("files", "cat", at("r/to-file"))).stdout, "named/f");
  await ada.ok("cp", "to-file", at("plain/"));
  assert.equal((await ada.ok("files", "cat", at("plain/to-file"))).stdout, "f");
  await ada.fails(5, /is a folder; -r/, "cp", "to-folder", at("plain/"));
  await ada.ok("cp", "-rL", "to-folder", at("followed"));
  await ada.ok("cp", "-r", "to-folder/", at("slash"));
  for (const folder of ["followed", "slash"]) assert.equal((await ada.ok("files", "cat", at(`${folder}/f`))).stdout, "f");
});

// ---- a server of our own making ----

const id = `ses-${"0".repeat(26)}`;
const entry = (path, values) => ({ path, type: "file", size: 4, mode: 0o644, mtime: "2026-11-21T04:05:06.789Z", version: 1, ...values });
const folder = (path, mode = 0o755) => entry(path, { type: "dir", mode, size: 0 });

/** A session with these entries; answer(request, response) may take a request over by returning true. */
async function made(entries, answer = () => false) {
  const fake = createServer((request, response) => {
    request.resume();
    if (answer(request, response)) return;
    const { pathname, searchParams } = new URL(request.url, "http://x");
    const json = (status, value) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    if (!pathname.endsWith("/files")) {
      const found = entries.find(({ path, path_b64 }) => {
        const bytes = path_b64 === undefined ? Buffer.from(path) : Buffer.from(path_b64, "base64url");
        return pathname.endsWith([...bytes].map((c) => (/[A-Za-z0-9._~/-]/.test(String.fromCharCode(c)) ? String.fromCharCode(c) : `%${c.toString(16).toUpperCase().padStart(2, "0")}`)).join(""));
      });
      response.end(found?.target ?? "evil");
    } else if (entries.some(({ path, type }) => path === searchParams.get("path") && type !== "dir")) {
      json(409, { success: false, error: { code: "not_directory", message: "No folder.", request_id: "req-1" } });
    } else {
      json(200, { success: true, data: entries, page: { next: null } });
    }
  });
  await new Promise((resolve) => fake.listen(0, "127.0.0.1", resolve));
  after(() => fake.close().closeAllConnections()); // a test that failed would hold the run up
  const cli = new Cli({ port: fake.address().port });
  cli.keep({ url: cli.url, email: "a@b.example", token: "t", refresh_token: "r", expires_at: 4e9 });
  mkdirSync(join(cli.files, "in"));
  return Object.assign(cli, {
    below: (...names) => join(cli.files, "in", ...names),
    close: () => {
      fake.closeAllConnections();
      fake.close();
    },
  });
}

test("modes and symbolic links come as they are, less the umask", async () => {
  const cli = await made([folder("d", 0o555), entry("d/tool", { mode: 0o6755 }), entry("d/secret", { mode: 0o600 }),
    entry("link", { type: "symlink", target: "d/tool" }), entry("out", { type: "symlink", target: "/etc/passwd" })]);
  const end = await cli.run(["cp", "-r", `${id}:`, "in/t"], { before: ["bash", "-c", 'umask 027; exec "$@"', "-"] });
  assert.equal(end.status, 0, end.stderr);
  assert.equal(statSync(cli.below("t/d")).mode & 0o7777, 0o550);
  assert.equal(statSync(cli.below("t/d/tool")).mode & 0o7777, 0o750, "never setuid");
  assert.equal(statSync(cli.below("t/d/secret")).mode & 0o7777, 0o600);
  assert.equal(readlinkSync(cli.below("t/link")), "d/tool");
  assert.equal(readlinkSync(cli.below("t/out")), "/etc/passwd");
  const one = await cli.run(["cp", `${id}:out`, "in/alone"]);
  assert.equal(one.status, 0, one.stderr);
  assert.equal(readlinkSync(cli.below("alone")), "/etc/passwd");
  chmodSync(cli.below("t/d"), 0o755);
  cli.close();
});

test("nothing is written outside the target, whatever the server names", async () => {
  for (const path of ["../evil", "a/../../evil", "/evil", "..", ".", "a//b", "", "a/", `${"n".repeat(300)}`]) {
    const cli = await made([entry(path)]);
    const end = await cli.run(["cp", "-r", `${id}:`, "in/t"]);
    assert.notEqual(end.status, 0, path);
    assert.deepEqual(readdirSync(cli.files), ["in"], path);
    assert.deepEqual(readdirSync(cli.below()), ["t"], path);
    assert.deepEqual(readdirSync(cli.below("t")).filter((name) => name !== "a"), [], path);
    cli.close();
  }
  const bytes = await made([entry("a\ufffd", { path_b64: Buffer.from("../evil").toString("base64url") })]);
  assert.notEqual((await bytes.run(["cp", "-r", `${id}:`, "in/t"])).status, 0);
  assert.equal(existsSync(bytes.below("evil")), false);
  bytes.close();
});

test("no symbolic link is followed while writing, neither the server's nor one that lay there", async () => {
  const cli = await made([entry("link", { type: "symlink", target: ".." }), entry("link/evil"), folder("mine"), entry("mine/evil"), entry("name")]);
  mkdirSync(cli.below("t"));
  symlinkSync("..", cli.below("t/mine"));
  symlinkSync("../precious", cli.below("t/name"));
  writeFileSync(cli.below("precious"), "precious");
  const end = await cli.run(["cp", "-r", `${id}:`, "in/t/."]);
  assert.notEqual(end.status, 0);
  assert.deepEqual(readdirSync(cli.below()), ["precious", "t"]);
  assert.equal(readFileSync(cli.below("precious"), "utf8"), "precious");
  assert.ok(lstatSync(cli.below("t/name")).isFile(), "the name is replaced, not what it led to");
  cli.close();
});

test("a list without an end of its own ends with the run, in bounded memory", async () => {
  let pages = 0;
  const cli = await made([], (request, response) => {
    if (++pages > 30) {
      response.destroy();
      return true;
    }
    const data = Array.from({ length: 500 }, (_, i) => folder(`d${pages}-${i}`));
    response.end(JSON.stringify({ success: true, data, page: { next: `c${pages}` } }));
    return true;
  });
  const end = await cli.run(["files", "ls", "-q", `${id}:`]);
  assert.equal(end.status, 6, end.stderr);
  assert.equal(end.stdout.trimEnd().split("\n").length, 30 * 500);
  cli.close();
});

test("a busy server is waited for; one that stays busy is status 6", async () => {
  const times = new Map();
  let patience = 1;
  let after = "1";
  const cli = await made([entry("f")], (request, response) => {
    const count = (times.get(request.url) ?? 0) + 1;
    times.set(request.url, count);
    if (count > patience) return false;
    response.writeHead(count % 2 === 1 ? 429 : 503, { "Retry-After": after, "Content-Type": "application/json" });
    response.end(JSON.stringify({ success: false, error: { code: "rate_limited", message: "Wait a little.", request_id: "req-1" } }));
    return true;
  });
  const end = await cli.run(["files", "cat", `${id}:f`]);
  assert.equal(end.status, 0, end.stderr);
  assert.equal(end.stdout, "evil");
  patience = Infinity;
  after = "301";
  const over = await cli.run(["files", "cat", `${id}:g`]);
  assert.equal(over.status, 6, over.stderr);
  assert.match(over.stderr, /Wait a little/);
  cli.close();
});

test("what a server says cannot move the terminal", async () => {
  const cli = await made([], (request, response) => {
    response.writeHead(404, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ success: false, error: { code: "not_found", message: "\x1b]0;x\x07\u009b31m", fields: { "\x1b": "\n" }, request_id: "req-1" } }));
    return true;
  });
  const end = await cli.run(["files", "ls", `${id}:`]);
  assert.equal(end.status, 4);
  assert.match(end.stderr, /\\x1b\]0;x\\a\\u009b31m/);
  assert.doesNotMatch(end.stderr, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  cli.close();
});

test("of a refusal that names more fields than there is room for, the message is said", async () => {
  let fields;
  const cli = await made([], (request, response) => {
    response.writeHead(409, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ success: false, error: { code: "conflict", message: "Not so.", fields, request_id: "req-1" } }));
    return true;
  });
  fields = { name: "is taken" };
  await cli.fails(5, /: Not so\. \(name is taken\)\n$/, "files", "ls", `${id}:`);
  fields = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`field${i}`, "is wrong"]));
  await cli.fails(5, /: Not so\.\n$/, "files", "ls", `${id}:`);
  cli.close();
});
