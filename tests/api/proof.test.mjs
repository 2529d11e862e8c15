// The proof of the thin thread: what was acknowledged is there after kill -9, byte for byte, and nobody else sees it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import { bytesOf, newSession, serverForFile, sha256 } from "./harness.mjs";

const server = await serverForFile();
const LARGE = 150 * 1024 * 1024;

async function putLarge(client, path) {
  const hash = createHash("sha256");
  function* hashed() {
    for (const piece of bytesOf(LARGE)) {
      hash.update(piece);
      yield piece;
    }
  }
  const reply = await client.write(path, Readable.from(hashed()), { headers: { "Content-Length": LARGE } });
  assert.equal(reply.status, 200, reply.text());
  return { entry: reply.data, hash: hash.digest("hex") };
}

async function hashOf(client, path) {
  const hash = createHash("sha256");
  let size = 0;
  const reply = await client.get(path, {
    sink: (piece) => {
      hash.update(piece);
      size += piece.length;
    },
  });
  assert.equal(reply.status, 200);
  return { size, hash: hash.digest("hex") };
}

test("files of 0 B, 4 KiB and 150 MiB survive kill -9 and restart", { timeout: 600_000 }, async () => {
  const ada = await server.account("ada");
  const session = await newSession(ada);
  const files = `/sessions/${session.id}/files`;
  const small = Buffer.concat([...bytesOf(4096, 7)]);

  const empty = await ada.write(`${files}/empty`, Buffer.alloc(0));
  assert.equal(empty.data.size, 0);
  assert.equal(empty.data.hash, sha256(""));
  const four = await ada.write(`${files}/dir/four.bin`, small);
  assert.equal(four.data.hash, sha256(small));
  const { entry, hash } = await putLarge(ada, `${files}/large.bin`);
  assert.equal(entry.size, LARGE);
  assert.equal(entry.hash, hash);

  await server.kill9();
  await server.run();

  assert.equal((await ada.get(`${files}/empty`)).body.length, 0);
  assert.deepEqual((await ada.get(`${files}/dir/four.bin`)).body, small);
  assert.deepEqual(await hashOf(ada, `${files}/large.bin`), { size: LARGE, hash });
  const listed = await ada.get(`${files}?recursive=true`);
  assert.deepEqual(listed.data.map((one) => one.path), ["dir", "dir/four.bin", "empty", "large.bin"]);
  const seen = (await ada.get(`/sessions/${session.id}`)).data;
  assert.equal(seen.bytes, LARGE + 4096);
  assert.equal(seen.files, 3);
});

test("a login made before the kill is still one", async () => {
  const ada = await server.account("ada");
  await server.kill9();
  await server.run();
  assert.equal((await ada.get("/users/me")).data.email, ada.email);
  const again = await server.anonymous().post("/auth/refresh", { refresh_token: ada.login.refresh_token });
  assert.equal(again.status, 200, again.text());
});

test("another account gets the same 404 for an id as for none", async () => {
  const ada = await server.account("ada");
  const eve = await server.account("eve");
  const session = await newSession(ada);
  await ada.write(`/sessions/${session.id}/files/secret.txt`, "secret");
  const nobody = session.id.replace(/.{4}$/, (tail) => (tail === "zzzz" ? "yyyy" : "zzzz"));
  const shape = (reply) => {
    const { request_id: _, ...error } = reply.json.error;
    const { date: _date, "x-request-id": _id, "ratelimit-remaining": _left, "ratelimit-reset": _reset, ...headers } = reply.headers;
    return { status: reply.status, error, headers };
  };
  const attempts = (id) => [
    ["GET", `/sessions/${id}`],
    ["PUT", `/sessions/${id}`, { json: { name: "mine" } }],
    ["DELETE", `/sessions/${id}`],
    ["POST", `/sessions/${id}/open`],
    ["POST", `/sessions/${id}/pause`],
    ["POST", `/sessions/${id}/restore`],
    ["GET", `/sessions/${id}/files`],
    ["GET", `/sessions/${id}/files/secret.txt`],
    ["PUT", `/sessions/${id}/files/secret.txt`, { body: "mine" }],
    ["DELETE", `/sessions/${id}/files/secret.txt`],
    ["POST", `/sessions/${id}/files:mkdir`, { json: { path: "d" } }],
    ["POST", `/sessions/${id}/files:move`, { json: { from: "secret.txt", to: "mine.txt" } }],
    ["GET", `/sessions/${id}/history/secret.txt`],
    ["GET", `/sessions/${id}/diff/secret.txt?from=0`],
    ["POST", `/sessions/${id}/history/secret.txt:restore`, { json: { version: 1 } }],
  ];
  const theirs = attempts(session.id);
  const none = attempts(nobody);
  const malformed = attempts("ses-nothing");
  for (const [i, [method, path, options]] of theirs.entries()) {
    const one = shape(await eve.request(method, path, options));
    assert.equal(one.status, 404, `${method} ${path}`);
    assert.deepEqual(one, shape(await eve.request(none[i][0], none[i][1], none[i][2])), `${method} ${path}`);
    assert.equal((await eve.request(malformed[i][0], malformed[i][1], malformed[i][2])).status, 404);
  }
  assert.equal((await eve.get("/sessions")).data.length, 0);
  assert.equal((await ada.get(`/sessions/${session.id}/files/secret.txt`)).body.toString(), "secret");
  assert.equal((await ada.get(`/sessions/${session.id}`)).data.name, "Project A");
});
