// Paths of the longest and deepest kind, of names that are no text: deleted by their folder, brought back, forked, and out and in
// again as an archive, each time to the last byte.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBytes, newSession, serverForFile, until } from "./harness.mjs";

const FILES = 160; // more than one page of a return to a moment
const server = await serverForFile();
const ada = await server.account("ada");

/** Folders, as bytes, and the name of file number i in the last of them: together 4,096 bytes, or as deep as may be. */
const shapes = [
  {
    name: "paths of 4,096 bytes, of names of 255 that are no UTF-8",
    folders: [...Array.from({ length: 14 }, (_, i) => Buffer.alloc(255, 0xff - i)), Buffer.alloc(254, 0xc3), Buffer.alloc(1, 0xfe)],
    file: (i) => Buffer.from(String(i).padStart(255, "\x80"), "latin1"),
    bytes: 4096,
  },
  { name: "200 levels", folders: Array.from({ length: 199 }, (_, i) => Buffer.from(`${i} \xe4`.padEnd(19, "\x01"), "latin1")), file: (i) => Buffer.from(`\xff${i}`.padEnd(20, "."), "latin1"), bytes: 4000 },
  { name: "256 levels", folders: Array.from({ length: 255 }, () => Buffer.from("d")), file: (i) => Buffer.from(`${i}`), bytes: undefined },
];
const joined = (names) => names.map(encodeBytes).join("/");

/** All that is there, byte for byte of its name. */
async function content(base, query = "") {
  const all = [];
  for (let cursor = ""; cursor !== undefined;) {
    const reply = await ada.get(`${base}/files?recursive=true&limit=1000${query}${cursor}`);
    assert.equal(reply.status, 200, reply.text());
    for (const one of reply.data) {
      const path = one.path_b64 === undefined ? Buffer.from(one.path) : Buffer.from(one.path_b64, "base64url");
      all.push(`${path.toString("hex")} ${one.type} ${one.mode} ${one.type === "dir" ? "" : one.mtime.slice(0, 19)} ${one.hash ?? ""}`);
    }
    cursor = reply.json.page.next === null ? undefined : `&cursor=${reply.json.page.next}`;
  }
  return all.sort();
}

async function totals(base) {
  const { files, bytes } = (await ada.get(base)).data;
  return { files, bytes };
}

/** Back to a moment, however long that takes. */
async function rewind(base, key, body) {
  let reply;
  await until("it went back", async () => {
    reply = await ada.post(`${base}/files:restore`, body, { headers: { "Idempotency-Key": `${base.slice(-20)}-${key}` } });
    return reply.status !== 200 || reply.data.done;
  }, 120_000);
  return reply;
}

for (const { name, folders, file, bytes } of shapes) {
  test(name, { timeout: 600_000 }, async () => {
    const base = `/sessions/${(await newSession(ada)).id}`;
    const above = joined(folders);
    const length = folders.reduce((sum, one) => sum + one.length + 1, 0) + file(0).length;
    if (bytes !== undefined) assert.equal(length, bytes);
    for (let i = 0; i < FILES; i += 20) {
      await Promise.all(Array.from({ length: 20 }, async (_, k) => {
        const reply = await ada.write(`${base}/files/${above}/${encodeBytes(file(i + k))}`, `${i + k}`);
        assert.equal(reply.status, 200, reply.text());
      }));
    }
    const before = await content(base);
    assert.equal(before.length, FILES + folders.length);
    const had = await totals(base);
    const moment = (await ada.get(`${base}/changes?limit=1`)).data[0].version;

    const moved = await ada.post(`${base}/files:move`, { from_b64: folders[0].toString("base64url"), to: `${"x/".repeat(60)}${"y".repeat(200)}` });
    assert.deepEqual([moved.status, moved.code], [409, "limit"]);

    for (const [what, back] of [
      ["the session goes back", () => rewind(base, "all", { at: moment })],
      ["the folder goes back", () => rewind(base, "folder", { at: moment, path_b64: folders[0].toString("base64url") })],
      ["the folder as it died", async () => {
        const [last] = (await ada.get(`${base}/history/${encodeBytes(folders[0])}`)).data;
        assert.equal(last.op, "delete");
        return ada.post(`${base}/history/${encodeBytes(folders[0])}:restore`, { version: last.version });
      }],
    ]) {
      const gone = await ada.delete(`${base}/files/${encodeBytes(folders[0])}?recursive=true`);
      assert.equal(gone.status, 200, gone.text());
      assert.deepEqual([await content(base), await totals(base)], [[], { files: 0, bytes: 0 }]);
      const reply = await back();
      assert.equal(reply.status, 200, `${what}: ${reply.text()}`);
      assert.deepEqual(await content(base), before, what);
      assert.deepEqual(await totals(base), had, what);
    }
    assert.deepEqual(await content(base, `&at=${moment}`), before, "the moment itself");

    for (const body of [{}, { at: moment }]) {
      const fork = await ada.post(`${base}/fork`, body);
      assert.equal(fork.status, 202, fork.text());
      const copy = `/sessions/${fork.data.id}`;
      await until("the fork is whole", async () => (await ada.get(copy)).data.status !== "forking", 60_000);
      assert.deepEqual(await content(copy), before);
      assert.deepEqual(await totals(copy), had);
    }

    for (const format of ["tgz", "zip"]) {
      const archive = await ada.get(`${base}/archive?format=${format}`);
      assert.equal(archive.status, 200);
      const copy = `/sessions/${(await newSession(ada)).id}`;
      const reply = await ada.request("POST", `${copy}/archive`, { body: archive.body });
      assert.equal(reply.status, 200, reply.text());
      assert.deepEqual(await content(copy), before, format);
    }
  });
}
