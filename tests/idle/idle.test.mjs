// A workspace that nobody uses is paused, after it said when, and with everything persisted. Minutes long, since the start of
// a workspace counts as use for five.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, serverForFile, until } from "../api/harness.mjs";
import { inside, open, processesOf, reaches, workspaceOf } from "../workspaces/inside.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--idle", "1"] });
const minutes = (n) => n * 60_000;

test("a workspace that nobody uses is paused; one that works is not", { timeout: minutes(10) }, async () => {
  const ada = await server.account("ada");
  const idle = (await newSession(ada, "idle")).id;
  const busy = (await newSession(ada, "busy")).id;
  await open(ada, idle);
  await open(ada, busy);
  inside(server, idle, "echo kept > a.txt");
  inside(server, busy, "nohup bash -c 'while :; do :; done' >/dev/null 2>&1 &");
  let announced;
  await until("it says when", async () => {
    announced ??= (await workspaceOf(ada, idle)).pauses_at;
    return announced !== undefined;
  }, minutes(7));
  await until("it is paused", async () => (await ada.get(`/sessions/${idle}`)).data.status === "paused", minutes(2));
  assert.ok(Date.parse(announced) <= Date.now(), "not before it said");
  await reaches(ada, idle, "stopped");
  assert.equal(processesOf(server, idle).length, 0);
  assert.equal((await ada.get(`/sessions/${idle}/files/a.txt`)).body.toString(), "kept\n");
  const working = await workspaceOf(ada, busy);
  assert.equal(working.state, "running");
  assert.match(working.awake, /process bash/);
  assert.equal(working.pauses_at, undefined);
});
