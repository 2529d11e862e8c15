// How far behind the store the workspaces are, as /metrics says it: while the store takes nothing, and while one is not heard of.
import assert from "node:assert/strict";
import { test } from "node:test";
import { halt, resume } from "../api/halt.mjs";
import { freePort, newSession, serverForFile, until } from "../api/harness.mjs";
import { inside, open, stateOf, sync } from "./inside.mjs";

const port = await freePort();
const server = await serverForFile({ args: ["--rate-factor", "100000", "--quota-session", "1", "--metrics-listen", `127.0.0.1:${port}`] });
const ada = await server.account("ada");
const { id } = await newSession(ada);
await open(ada, id);

async function metric(name) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)[1]);
}
const lag = () => metric("coditect_mirror_lag_seconds");

/** True once the lag has been seen to grow with the clock, from less than a second beyond `least` on. */
async function grows(least) {
  await until(`it is more than ${least} s`, async () => (await lag()) > least);
  const [at, first] = [Date.now(), await lag()];
  await until("it is a second more", async () => (await lag()) > first + 1);
  assert.ok((await lag()) - first <= (Date.now() - at) / 1000 + 0.1, "it grows as time does");
}

test("the age of what a full store does not take, and nothing when it is taken", { timeout: 60_000 }, async () => {
  inside(server, id, "echo taken > small");
  sync(server, id);
  await until("all is stored", async () => (await lag()) === 0);
  inside(server, id, "head -c 2000000 /dev/urandom > much");
  await grows(2);
  assert.ok((await metric("coditect_mirror_pending_changes")) > 0);
  assert.ok((await lag()) < 60, "not since something else");
  inside(server, id, "rm much; echo taken too > small");
  sync(server, id);
  await until("all is stored", async () => (await lag()) === 0);
});

test("a workspace that is not heard of counts from its last word, also one that had stored everything", { timeout: 90_000 }, async (t) => {
  const { codi2 } = stateOf(server, id);
  await until("all is stored", async () => (await lag()) === 0);
  await halt(t, codi2);
  try {
    assert.equal(await metric("coditect_mirror_pending_changes"), 0);
    await until("it was silent for too long", async () => (await lag()) > 0, 45_000);
    await grows(30);
  } finally {
    resume(codi2);
  }
  await until("it was heard of again", async () => (await lag()) === 0);
});
