// Lists of names that JSON writes six times as long, in paths of the longest: a page has an end by its bytes, the next one goes on
// behind it, and no limit that may be asked for makes a reply that is too large.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { encodeBytes, newSession, serverForFile } from "./harness.mjs";

const FILES = 450;
const DEPTH = 15; // folders of 255 bytes: with a name of 255 below them 4,095
const REPLY = 8 << 20; // bytes

const server = await serverForFile();
const ada = await server.account("ada");

async function pages(path, limit) {
  const all = [];
  for (let cursor = ""; ;) {
    const reply = await ada.get(`${path}limit=${limit}${cursor}`);
    assert.equal(reply.status, 200, reply.text());
    assert.ok(reply.body.length < REPLY);
    all.push(...reply.data);
    if (reply.json.page.next === null) return all;
    assert.ok(reply.data.length > 0);
    cursor = `&cursor=${reply.json.page.next}`;
  }
}

for (const byte of [0x01, 0xff]) {
  test(`${FILES} paths of 4,095 bytes, of bytes ${byte}: listed, followed, in the history, copied, sent as an archive`, { timeout: 300_000 }, async () => {
    const session = await newSession(ada);
    const base = `/sessions/${session.id}`;
    const folder = Buffer.alloc(255, byte);
    const nameOf = (i) => Buffer.concat([folder.subarray(4), Buffer.from(String(i).padStart(4, "0"))]);
    const above = Array.from({ length: DEPTH }, () => encodeBytes(folder)).join("/");
    for (let i = 0; i < FILES; i += 25) {
      await Promise.all(Array.from({ length: 25 }, async (_, k) => assert.equal((await ada.write(`${base}/files/${above}/${encodeBytes(nameOf(i + k))}`, `${i + k}`)).status, 200)));
    }
    const pathOf = (entry) => entry.path_b64 ? Buffer.from(entry.path_b64, "base64").toString("hex") : Buffer.from(entry.path).toString("hex");
    const wanted = Array.from({ length: FILES }, (_, i) => Buffer.concat([...Array.from({ length: DEPTH }, () => Buffer.concat([folder, Buffer.from("/")])), nameOf(i)]).toString("hex"));
    const filesOf = (list) => list.filter(({ type }) => type === "file").map(pathOf).sort();
    for (const limit of [1000, 7]) {
      const all = await pages(`${base}/files?recursive=true&`, limit);
      assert.equal(all.length, FILES + DEPTH);
      assert.deepEqual(filesOf(all), wanted);
    }
    assert.deepEqual(filesOf(await pages(`${base}/files?path=${above}&`, 1000)), wanted, "of the innermost folder alone");
    for (const order of ["newest", "oldest"]) assert.deepEqual(filesOf(await pages(`${base}/changes?order=${order}&`, 500)), wanted, order);
    assert.equal((await pages(`${base}/history/${above}/${encodeBytes(nameOf(7))}?`, 500)).length, 1);
    const archive = await ada.get(`${base}/archive`);
    assert.equal(archive.status, 200);
    assert.equal(execFileSync("tar", ["-tzf", "-"], { input: archive.body, maxBuffer: 64 << 20, stdio: ["pipe", "pipe", "ignore"] }).toString().trim().split("\n").length, FILES + DEPTH);
    const copied = await ada.post(`${base}/files:copy`, { from_b64: folder.toString("base64url"), to: "copy" }, { headers: { "Idempotency-Key": `copy-${byte}` } });
    assert.equal(copied.status, 201, copied.text());
    assert.equal((await pages(`${base}/files?recursive=true&path=copy&`, 1000)).length, FILES + DEPTH - 1);
  });
}
