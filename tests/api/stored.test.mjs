// What a tenant may have in the store with all its history: the history of one file fills it, 507 says what makes room, and what
// does makes it. And the count itself: shared by forks, kept over restarts, made up for a store from before there was one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Client, Server, bytesOf, movableClock, newSession, serverForFile, until } from "./harness.mjs";

const most = 1 << 20;
const day = 86_400;
const noise = (length, seed) => Buffer.concat([...bytesOf(length, seed)]);
const stored = async (who) => (await who.get("/tenant")).data.usage.stored;
const refusal = /^The storage limit of your organization with its history is reached: older versions and deleted sessions count\. Have a shorter history kept, delete sessions for good, or have the limit raised\.$/;

async function refused(reply) {
  const { status, code, json } = await reply;
  assert.deepEqual([status, code], [507, "quota"]);
  assert.match(json.error.message, refusal);
}

test("history fills it; what needs no room goes on; older versions and sessions that go make room", { timeout: 120_000 }, async (t) => {
  const clock = movableClock(t);
  const server = await Server.start({ t, env: clock.env, args: ["--rate-factor", "100000", "--quota-tenant-stored", "1", "--store-collect", "1", "--store-spare", "0", "--store-pace", "1000000000",
    "--history-all", "172800", "--history-hourly", "172800", "--history-daily", "172800"] });
  let ada = await server.account("ada");
  const later = async (days) => { // tokens end while the clock moves on
    clock.jump(days * day);
    const { data } = await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
    ada = Object.assign(new Client(server, data.token), { email: ada.email, password: ada.password });
  };
  const { id } = await newSession(ada);
  const files = `/sessions/${id}/files`;
  const write = (path, body) => ada.write(`${files}/${path}`, body, { expected5xx: true });
  assert.deepEqual(await stored(ada), { used: 0, limit: most });
  for (let i = 0; i < 3; i++) assert.equal((await write("doc", noise(300_000, i))).status, 200);
  const { used } = await stored(ada);
  assert.ok(used > 900_000 && used < 910_000, `${used}`);
  assert.equal((await ada.get("/tenant")).data.usage.bytes.used, 300_000);
  await refused(write("doc", noise(300_000, 3)));
  await refused(write("new", noise(300_000, 3)));
  assert.ok((await ada.get(`${files}/doc`)).body.equals(noise(300_000, 2)), "it is what it was");
  assert.equal((await ada.get(`${files}/new`)).status, 404);

  const [, before] = (await ada.get(`/sessions/${id}/history/doc`)).data;
  const goesOn = {
    "a few bytes": () => write("few", "hello"),
    "what is there already": () => write("again", noise(300_000, 1)),
    "a copy": () => ada.post(`${files}:copy`, { from: "doc", to: "copy" }),
    "another name": () => ada.post(`${files}:move`, { from: "copy", to: "renamed" }),
    "an older version": () => ada.post(`/sessions/${id}/history/doc:restore`, { version: before.version }),
    "a deletion": () => ada.delete(`${files}/again`),
  };
  for (const [what, call] of Object.entries(goesOn)) {
    const reply = await call();
    assert.ok(reply.status < 300, `${what}: ${reply.text()}`);
  }
  const fork = await ada.post(`/sessions/${id}/fork`, { name: "Fork" });
  assert.equal(fork.status, 202);
  await until("it is whole", async () => (await ada.get(`/sessions/${fork.data.id}`)).data.status === "active");
  assert.equal((await stored(ada)).used, used, "and nothing of that takes room");
  const eve = await server.account("eve");
  const theirs = await newSession(eve);
  assert.equal((await eve.write(`/sessions/${theirs.id}/files/f`, noise(900_000, 1))).status, 200, "a tenant's limit is its own");

  // Of what has no room the store has a part until that is collected; nobody sees it.
  await refused(ada.request("PUT", `${files}/streamed`, { body: randomBytes(3 * most), expected5xx: true }));
  assert.equal((await ada.get(`${files}/streamed`)).status, 404);
  await until("what came of it is gone", async () => (await stored(ada)).used === used);

  await later(10); // the versions before are older than any that are kept
  await until("they are gone", async () => (await stored(ada)).used < 650_000);
  assert.equal((await write("doc", noise(300_000, 5))).status, 200);
  assert.equal((await ada.delete(`/sessions/${id}`)).status, 200);
  assert.equal((await ada.delete(`/sessions/${fork.data.id}`)).status, 200);
  assert.ok((await stored(ada)).used > 600_000, "they can be restored");
  await later(60);
  await until("sessions that cannot be restored any more are gone", async () => (await stored(ada)).used === 0);
  const next = await newSession(ada);
  assert.equal((await ada.write(`/sessions/${next.id}/files/doc`, noise(900_000, 6))).status, 200);
});

const shared = await serverForFile({ args: ["--rate-factor", "100000"] });

test("without a limit it is counted and shown all the same, and goes on after a kill", async () => {
  const ada = await shared.account("kill");
  const { id } = await newSession(ada);
  assert.deepEqual(await stored(ada), { used: 0 });
  assert.equal((await ada.write(`/sessions/${id}/files/a`, noise(40_000, 1))).status, 200);
  assert.deepEqual(await stored(ada), { used: 40_000 });
  await shared.kill9();
  await shared.run();
  assert.deepEqual(await stored(ada), { used: 40_000 });
  assert.equal((await ada.write(`/sessions/${id}/files/b`, noise(40_000, 1))).status, 200);
  assert.equal((await ada.write(`/sessions/${id}/files/c`, noise(30_000, 2))).status, 200);
  assert.deepEqual(await stored(ada), { used: 70_000 });
});

test("two at once: not more than there is room for", async (t) => {
  const server = await Server.start({ t, args: ["--rate-factor", "100000", "--quota-tenant-stored", "1"] });
  const ada = await server.account("ada");
  const { id } = await newSession(ada);
  const replies = await Promise.all(Array.from({ length: 8 }, (_, i) => ada.write(`/sessions/${id}/files/${i}`, noise(200_000, i), { expected5xx: true })));
  const done = replies.filter(({ status }) => status === 200).length;
  assert.ok(done > 0 && done < 8, `${done}`);
  for (const { status, code } of replies) assert.ok(status === 200 || (status === 507 && code === "quota"), `${status}`);
  const { used, limit } = await stored(ada);
  assert.ok(used >= done * 200_000 && used <= limit, `${used}`);
});

/** As a program of before left the store. */
const forget = (data) => execFileSync("python3", ["-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/store/store.db")
assert db.execute("DELETE FROM kv WHERE instr(key, CAST('/held/' AS BLOB))").rowcount > 0
db.commit()
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")`, data]);

test("a store from before is counted by the server, beside those who write", { timeout: 120_000 }, async (t) => {
  const collecting = (every) => ["--rate-factor", "100000", "--store-collect", every];
  const server = await Server.start({ t, args: collecting("3600") });
  const ada = await server.account("ada");
  const { id } = await newSession(ada);
  const write = (path, seed) => ada.write(`/sessions/${id}/files/${path}`, noise(90_000, seed));
  for (let i = 0; i < 5; i++) assert.equal((await write("doc", i)).status, 200);
  const before = await stored(ada);
  await server.kill9();
  forget(server.data);
  server.checkStore();
  await server.run();
  assert.equal(await stored(ada), undefined, "nobody knows yet");
  assert.equal((await write("more", 9)).status, 200);
  await server.end("SIGTERM");
  server.args = collecting("1");
  await server.run();
  await until("it is counted", async () => (await stored(ada)) !== undefined, 90_000);
  const now = await stored(ada);
  assert.ok(now.used > before.used + 90_000 && now.used < before.used + 91_000, `${now.used}`);
});
