// When the last device of a person goes, what does nothing for them is paused at once; what works goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, newSession, serverForFile, until } from "../api/harness.mjs";
import { inside, open, processesOf, workspaceOf } from "./inside.mjs";

const server = await serverForFile();

test("logged out everywhere: an idle workspace is paused, a busy one goes on", { timeout: 180_000 }, async () => {
  const ada = await server.account("ada");
  const quiet = (await newSession(ada, "quiet")).id;
  const busy = (await newSession(ada, "busy")).id;
  for (const id of [quiet, busy]) await open(ada, id);
  inside(server, quiet, "echo kept > a.txt");
  inside(server, busy, "nohup bash -c 'while :; do :; done' >/dev/null 2>&1 &");
  await until("it works", async () => /process bash/.test((await workspaceOf(ada, busy)).awake), 90_000);

  assert.equal((await ada.post("/auth/logout", { everywhere: true })).status, 200);
  await until("what is idle has ended", async () => processesOf(server, quiet).length === 0);
  const { email, password } = ada;
  const again = new Client(server, (await server.anonymous().post("/auth/login", { email, password })).data.token);
  assert.equal((await again.get(`/sessions/${quiet}`)).data.status, "paused");
  const paused = (await again.get("/audit?action=session.pause")).data.map(({ target, actor_id, outcome }) => ({ target, actor_id, outcome }));
  assert.deepEqual(paused, [{ target: quiet, actor_id: undefined, outcome: "ok" }], "the server did it, not she");
  assert.equal((await again.get(`/sessions/${quiet}/files/a.txt`)).body.toString(), "kept\n");
  const { state, awake } = await workspaceOf(again, busy);
  assert.equal(state, "running");
  assert.match(awake, /process bash/);
});
