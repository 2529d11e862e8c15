// The web app's files: found by name, never outside, with the headers that a page needs.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { after, test } from "node:test";
import { call, serverForFile } from "./harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "coditect-web-"));
chmodSync(folder, 0o755); // the server is somebody else when root starts it
mkdirSync(join(folder, "assets"));
writeFileSync(join(folder, "index.html"), "<!doctype html><title>app</title>");
writeFileSync(join(folder, "assets/index-1a2b.js"), "export {};");
writeFileSync(join(folder, "assets/large-3c4d.js"), "export const large = 1;".repeat(100));
writeFileSync(join(folder, "assets/huge-5e6f.js"), "x".repeat(3_000_000));
writeFileSync(join(folder, "assets/large-3c4d.js.gz"), gzipSync("export const large = 1;".repeat(100)));
writeFileSync(join(folder, ".hidden"), "hidden");
symlinkSync("/etc/passwd", join(folder, "link.txt"));
after(() => rmSync(folder, { recursive: true }));

const server = await serverForFile({ args: ["--web", folder] });
const get = (path, headers = {}, method = "GET") => call(server.port, method, path, { headers, agent: server.agent });
const page = { Accept: "text/html,application/xhtml+xml" };

test("files, types and how long they are kept", async () => {
  const index = await get("/");
  assert.equal(index.status, 200);
  assert.equal(index.headers["content-type"], "text/html; charset=utf-8");
  assert.equal(index.headers["cache-control"], "no-cache");
  assert.equal((await get("/index.html")).text(), index.text());
  const script = await get("/assets/index-1a2b.js");
  assert.equal(script.text(), "export {};");
  assert.match(script.headers["content-type"], /^text\/javascript/);
  assert.match(script.headers["cache-control"], /immutable/);
  const again = await get("/assets/index-1a2b.js", { "If-None-Match": script.headers.etag });
  assert.equal(again.status, 304);
  const head = await get("/", {}, "HEAD");
  assert.equal(head.headers["content-length"], String(index.body.length));
  assert.equal(head.body.length, 0);
});

test("what the build compressed is sent compressed to whoever takes it", async () => {
  const plain = await get("/assets/large-3c4d.js");
  assert.equal(plain.headers["content-encoding"], undefined);
  assert.match(plain.headers.vary, /Accept-Encoding/);
  const small = await get("/assets/large-3c4d.js", { "Accept-Encoding": "gzip, deflate, br" });
  assert.equal(small.headers["content-encoding"], "gzip");
  assert.match(small.headers["content-type"], /^text\/javascript/);
  assert.ok(small.body.length < plain.body.length);
  assert.equal(gunzipSync(small.body).toString(), plain.body.toString());
  assert.notEqual(small.headers.etag, plain.headers.etag);
  const again = await get("/assets/large-3c4d.js", { "Accept-Encoding": "gzip", "If-None-Match": small.headers.etag });
  assert.equal(again.status, 304);
  const none = await get("/assets/index-1a2b.js", { "Accept-Encoding": "gzip" });
  assert.equal(none.headers["content-encoding"], undefined);
});

test("large files come whole, many at once, and in parts", async () => {
  const all = await Promise.all(Array.from({ length: 12 }, () => get("/assets/huge-5e6f.js")));
  for (const reply of all) assert.equal(reply.body.length, 3_000_000);
  const part = await get("/assets/huge-5e6f.js", { Range: "bytes=2999990-" });
  assert.equal(part.status, 206);
  assert.equal(part.body.length, 10);
  assert.equal((await get("/assets/huge-5e6f.js", { Range: "bytes=3000000-" })).status, 416);
});

test("addresses of the app's own pages answer the app, to browsers", async () => {
  assert.equal((await get("/sessions/ses-x?tab=files", page)).status, 200);
  assert.equal((await get("/sessions/ses-x/files/src/main.c", page)).status, 200);
  assert.equal((await get("/login", page)).headers["content-type"], "text/html; charset=utf-8");
  for (const path of ["/ide", "/ide/ses-x", "/theia"]) {
    assert.equal((await get(path, page)).headers["content-type"], "text/html; charset=utf-8", path); // which leads to the session
    assert.equal((await get(path)).status, 404, path);
  }
  for (const headers of [{}, { Accept: "*/*" }, page]) {
    const reference = await get("/docs/api", headers);
    assert.deepEqual([reference.status, reference.text()], [200, (await get("/")).text()], JSON.stringify(headers));
  }
  assert.equal((await get("/docs/api/none")).status, 404);
  assert.equal((await get("/login")).status, 404);
  for (const path of ["/assets/none.js", "/api/none", "/ws/none"]) {
    assert.equal((await get(path, page)).status, 404, path);
  }
});

test("nothing else is found", async () => {
  for (const path of ["/.hidden", "/link.txt", "/../index.html", "/assets/../index.html", "/assets/%2e%2e/index.html", "//index.html", "/assets/", "/etc/passwd"]) {
    assert.equal((await get(path)).status, 404, path);
  }
});

test("methods and headers", async () => {
  const post = await get("/", {}, "POST");
  assert.equal(post.status, 405);
  assert.equal(post.headers.allow, "GET, HEAD");
  const { headers } = await get("/");
  const policy = headers["content-security-policy"];
  assert.match(policy, /script-src 'self';/);
  assert.match(policy, /connect-src 'self' http:\/\/coditect\.localhost:\*;/); // a page by localhost asks whether it can move
  assert.match(policy, /frame-ancestors 'none'/);
  assert.match(policy, /frame-src http:\/\/\*\.ide\.coditect\.localhost:\*/);
  assert.equal(headers["x-frame-options"], "DENY");
  assert.equal(headers["cross-origin-opener-policy"], "same-origin");
});
