// The machine's wall clock jumps by a day, forward and back, while a workspace runs and saves: durations are measured by another
// clock, so nothing is lost, sent again, held up or taken for idle.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { call, Client, movableClock, newSession, Server } from "../api/harness.mjs";
import { open, stateOf, workspaceOf } from "../workspaces/inside.mjs";
import { withTerminals, works } from "../workspaces/terminal.mjs";
import { World, lose, snapshot, until } from "./world.mjs";

const DAY = 86_400;

/** more: of the environment. */
async function jumpAbout(t, more = {}) {
  const world = new World(t);
  const offset = fs.openSync(world.path("offset"), "w");
  t.after(() => fs.closeSync(offset));
  const jump = (seconds) => fs.writeSync(offset, new BigInt64Array([BigInt(seconds)]), 0, 8, 0); // in place: it is mapped
  const env = {
    LD_PRELOAD: join(process.env.CODITECT_BUILD, "tests/codi2/clock.so"),
    CLOCK_OFFSET: world.path("offset"),
    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0`,
    ...more,
  };
  jump(0);
  await world.startServer(env);
  await world.startCodi2(["--sweep", "1"], env);
  fs.writeFileSync(world.tree("swept"), "");
  fs.linkSync(world.tree("swept"), world.path("outside"));
  const dateOf = async () => Date.parse((await world.door("GET", "/health")).headers.date) / 1000;
  const began = await dateOf();
  for (const days of [0, 1, -1, 2, 0]) {
    jump(days * DAY);
    await until("the jump is seen", async () => Math.abs((await dateOf()) - began - days * DAY) < DAY / 4);
    fs.writeFileSync(world.tree(`at ${days}`), `${days}`);
    fs.appendFileSync(world.tree("log"), `${days}\n`);
    const seq = await world.sync();
    const old = (await world.stored()).swept;
    fs.writeFileSync(world.path("outside"), `${days}`); // under this name it makes no event: a sweep finds it
    await until("a sweep came by", async () => (await world.stored()).swept !== old);
    assert.equal(await world.sync(), seq + 1, "nothing else is sent again");
    const { activity } = await until("persisted", async () => { // a further sweep may be looking
      const status = await world.status();
      return status.state === "persisted" && status.pending === 0 && status;
    });
    assert.deepEqual([activity.idle_ms, activity.awake], [0, ["browser"]]);
  }
  const before = snapshot(world.tree());
  await lose(world, ["tree", "index"]);
  assert.deepEqual(snapshot(world.tree()), before);
}

test("the clock jumps by a day, forward and back", { timeout: 60_000 }, (t) => jumpAbout(t));

test("control: durations by a clock that jumps are found out", { timeout: 60_000 }, (t) => assert.rejects(() => jumpAbout(t, { CLOCK_EVERY: "1" }), /browser/));

test("the server's clock jumps by a day, forward and back, under a workspace", { timeout: 120_000 }, async (t) => {
  const clock = movableClock(t);
  const server = await Server.start({ env: clock.env, args: ["--rate-factor", "100000", ...withTerminals()] });
  const { email, password, ...first } = await server.account("ada");
  const enter = async () => { // a token of a day ago is no token any more, nor is one of tomorrow
    const { status, data } = await new Client(server).post("/auth/login", { email, password });
    assert.equal(status, 200);
    return new Client(server, data.token);
  };
  const session = (await newSession(new Client(server, first.token))).id;
  await open(new Client(server, first.token), session);
  const state = stateOf(server, session);
  await works(server, session, "mkfifo /tmp/never; setsid bash -c 'echo $$ > bystander; exec cat /tmp/never' > /dev/null 2>&1 & until [ -s bystander ]; do :; done");
  const dateOf = async () => Date.parse((await call(server.port, "GET", "/health")).headers.date) / 1000;
  const began = await dateOf();
  for (const days of [1, -1, 0]) {
    clock.jump(days * DAY);
    await until("the jump is seen", async () => Math.abs((await dateOf()) - began - days * DAY) < DAY / 4);
    const ada = await enter();
    for (let round = 0; round < 3; round++) { // the keeper looks meanwhile
      await works(server, session, `printf %s '${days} ${round}' > saved; kill -0 $(cat bystander)`);
      await until("it is in the store", async () => (await ada.get(`/sessions/${session}/files/saved`)).body.toString() === `${days} ${round}`);
      await ada.write(`/sessions/${session}/files/sent`, `${days} ${round}`);
      await until("it arrives", async () => (await works(server, session, "cat sent 2> /dev/null || :")) === `${days} ${round}`);
    }
    assert.equal((await workspaceOf(ada, session)).state, "running");
    assert.deepEqual(stateOf(server, session), state, `${days} days: the same workspace`);
  }
  assert.doesNotMatch(server.log, /"level":"error"/);
  await server.stop();
});
