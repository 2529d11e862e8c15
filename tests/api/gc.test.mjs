// What nothing names goes, by itself, and nothing else does: uploads that were cut off, beside people who save.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Client, Server, bytesOf, movableClock, newSession, serverForFile, until } from "./harness.mjs";

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

test("the disk of a session that is purged goes with it, that of another stays", async (t) => {
  const day = 86_400;
  const clock = movableClock(t);
  const other = await Server.start({ args: ["--rate-factor", "100000", "--store-collect", "1", "--store-pace", "1000000000"], env: clock.env });
  t.after(() => other.stop());
  let eve = await other.account("eve");
  const login = async () => { // tokens end while the clock moves on
    const { data } = await other.anonymous().post("/auth/login", { email: eve.email, password: eve.password });
    return Object.assign(new Client(other, data.token), { email: eve.email, password: eve.password });
  };
  const is = (id, state) => until(`${id} is ${state}`, async () => (await eve.get(`/sessions/${id}`)).data.workspace.state === state, 60_000);
  const withDisk = async (name) => {
    const { id } = await newSession(eve, name);
    await eve.write(`/sessions/${id}/files/folder/file`, name);
    await eve.post(`/sessions/${id}/open`, {});
    return { id, disk: join(other.data, "workspaces", id), file: join(other.data, "workspaces", id, "tree/folder/file") };
  };
  const all = [await withDisk("First"), await withDisk("Second"), await withDisk("Third")];
  const [first, second, third] = all;
  for (const { id } of all) {
    await is(id, "running");
    await eve.post(`/sessions/${id}/pause`, {});
  }
  for (const { id, file } of all) {
    await is(id, "stopped");
    assert.ok(existsSync(file));
  }
  assert.equal((await eve.delete(`/sessions/${first.id}`)).status, 200);
  clock.jump(2 * day);
  eve = await login();
  assert.equal((await eve.delete(`/sessions/${second.id}`)).status, 200);
  clock.jump(31 * day);
  await until("the first one's disk is gone", () => !existsSync(first.disk));
  assert.ok(existsSync(second.file), "it can still be restored");
  clock.jump(33 * day);
  await until("the second one's too", () => !existsSync(second.disk));
  assert.ok(existsSync(third.file));
});

test("a clock that is wrong for a moment takes nothing of the past away", { timeout: 60_000 }, async (t) => {
  const day = 86_400;
  const clock = movableClock(t);
  const other = await Server.start({ args: ["--rate-factor", "100000", "--store-collect", "1"], env: clock.env, t });
  let eve = await other.account("eve");
  const kept = await newSession(eve, "kept");
  const deleted = await newSession(eve, "deleted");
  for (let i = 0; i < 5; i++) await eve.write(`/sessions/${kept.id}/files/file`, `${i}`);
  await eve.write(`/sessions/${kept.id}/files/gone`, "gone");
  await eve.delete(`/sessions/${kept.id}/files/gone`);
  assert.equal((await eve.delete(`/sessions/${deleted.id}`)).status, 200);
  clock.jump(400 * day);
  await until("it is told of", () => other.log.includes("the clock has leapt by"));
  await wait(3000); // every duty ran
  clock.jump(0);
  await until("so is its end", () => other.log.includes("go by the clock again"));
  const { data } = await other.anonymous().post("/auth/login", { email: eve.email, password: eve.password });
  eve = Object.assign(new Client(other, data.token), { email: eve.email });
  assert.equal((await eve.get(`/sessions/${kept.id}/history/file`)).data.length, 5);
  assert.equal((await eve.get(`/sessions/${kept.id}/history/gone`)).status, 200);
  assert.equal((await eve.post(`/sessions/${deleted.id}/restore`)).status, 200);
});
