// A batch that codi2 has given up comes to the server late, when codi2 has greeted again and gone on: it changes nothing.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { linked, until } from "./world.mjs";

/** `before` is sent and does not arrive, `after` is in the store when it does. */
async function late(t, before, after) {
  const { world, link } = await linked(t);
  fs.writeFileSync(world.tree("f"), "one");
  await world.sync();
  link("late");
  before(world);
  await until("the batch is kept back, and given up", async () => link.cuts === 1 && (await world.status()).state === "offline");
  link("flow");
  after(world);
  await world.sync();
  const [events, stored] = [await world.events(), await world.stored()];
  link("deliver");
  await until("it has arrived", () => link.answers.length > 0);
  assert.deepEqual([link.answers, await world.events(), await world.stored()], [[412], events, stored]);
  await world.sync();
  return Object.keys(stored).sort();
}

test("what was deleted meanwhile is not written", { timeout: 60_000 }, async (t) => {
  assert.deepEqual(await late(t, (world) => fs.writeFileSync(world.tree("g"), "two"), (world) => fs.rmSync(world.tree("g"))), ["f"]);
});

test("what is back meanwhile is not deleted", { timeout: 60_000 }, async (t) => {
  const [away, back] = [(world) => fs.renameSync(world.tree("f"), world.path("f")), (world) => fs.renameSync(world.path("f"), world.tree("f"))];
  assert.deepEqual(await late(t, away, back), ["f"]);
});

test("a server that was started anew knows no connection, is greeted, and takes what there is", { timeout: 60_000 }, async (t) => {
  const { world } = await linked(t);
  await world.sync();
  await world.kill("server");
  await world.startServer();
  fs.writeFileSync(world.tree("f"), "one");
  await until("a barrier", () => world.sync().then(() => true));
  assert.deepEqual(Object.keys(await world.stored()), ["f"]);
});
