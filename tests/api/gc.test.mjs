// What nothing names goes, by itself, and nothing else does: uploads that were cut off, beside people who save.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { test } from "node:test";
import { bytesOf, newSession, serverForFile, until } from "./harness.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--store-collect", "1", "--store-spare", "0"] });
const ada = await server.account("ada");

const noise = (length, seed) => Buffer.concat([...bytesOf(length, seed)]);
const gone = () => [...server.log.matchAll(/(\d+) chunks that nothing named are gone/g)].reduce((sum, [, n]) => sum + Number(n), 0);

/** An upload that ends in its middle. */
const cutOff = (path, bytes) => new Promise((resolve) => {
  const upload = request({
    port: server.port, host: "127.0.0.1", method: "PUT", path: `/api/v5${path}`,
    headers: { authorization: `Bearer ${ada.token}`, "content-length": 2 * bytes.length },
  });
  upload.on("error", resolve).on("response", resolve);
  upload.write(bytes, () => upload.destroy()); // by then the server has read what the kernel had no room for
});

/** What nothing names yet is not spared here: a commit that finds its content collected says so, and it is sent again. */
const save = (path, bytes) => until(`${path} is saved`, async () => {
  const { status } = await ada.write(path, bytes);
  assert.ok(status === 200 || status === 409, status);
  return status === 200;
}, 30_000);

test("what a cut off upload left goes, what is named stays", async () => {
  const session = await newSession(ada);
  const kept = noise(3 << 20, 1);
  await save(`/sessions/${session.id}/files/kept`, kept);
  let round = 0;
  await until("more than 100 chunks were collected", async () => {
    await cutOff(`/sessions/${session.id}/files/lost`, randomBytes(4 << 20));
    // Beside the collector: new content under one name, so that references come and stay.
    await save(`/sessions/${session.id}/files/saved`, noise(90_000, ++round));
    return gone() > 100;
  }, 60_000);
  assert.ok((await ada.get(`/sessions/${session.id}/files/kept`)).body.equals(kept));
  assert.ok((await ada.get(`/sessions/${session.id}/files/saved`)).body.equals(noise(90_000, round)));
  const versions = (await ada.get(`/sessions/${session.id}/history/saved?limit=100`)).data;
  assert.equal(versions.length, Math.min(round, 100));
  for (const [i, { version }] of versions.entries()) {
    const { body } = await ada.get(`/sessions/${session.id}/files/saved?version=${version}`);
    assert.ok(body.equals(noise(90_000, round - i)), `version ${version}`);
  }
  assert.equal((await ada.get(`/sessions/${session.id}/files/lost`)).status, 404);
});
