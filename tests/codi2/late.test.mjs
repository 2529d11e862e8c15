// A batch that codi2 has given up comes to the server late. When codi2 has greeted again and gone on it changes nothing; when it has
// not, the batch is heard of before anything else is sent.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { expected, told } from "./model.mjs";
import { linked, put, until } from "./world.mjs";

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

test("what no answer told of is heard before anything else is sent, however much others changed before it", { timeout: 60_000 }, async (t) => {
  const { world, link } = await linked(t);
  fs.mkdirSync(world.tree("d"), { mode: 0o755 });
  await world.sync();
  link("deaf");
  const put = (path) => ({ change: "put", path, base: 0, author: { kind: "api", id: "usr-other" }, kind: "symlink", mode: 0o777, mtime: 1, target: "x" });
  for (let page = 0; page < 3; page++) assert.ok(await world.change(...Array.from({ length: 500 }, (_, i) => put(`others/${page}-${i}`))));
  link("late");
  fs.chmodSync(world.tree("d"), 0o700);
  await until("the batch is kept back, and given up", async () => (await world.status()).state === "offline");
  link("deliver");
  await until("it has arrived", () => link.answers.length > 0);
  assert.deepEqual([link.answers, (await world.stored()).d], [[200], "dir 700 "]);
  fs.chmodSync(world.tree("d"), 0o755);
  fs.writeFileSync(world.tree("f"), "one");
  link("flow");
  await until("both sides are equal", async () => {
    await world.sync();
    assert.deepEqual(await told(world), expected(world.tree()));
    return true;
  }, 15);
});

for (const [what, change, here] of [
  ["what others wrote", (version) => put("f", "theirs", version), { f: "theirs" }],
  ["that others deleted it", (base) => ({ change: "delete", path: "f", base, author: { kind: "api", id: "usr-other" } }), {}],
]) {
  test(`on top of what no answer told of ${what} is no conflict`, { timeout: 60_000 }, async (t) => {
    const { world, link } = await linked(t);
    await world.sync();
    link("late");
    fs.writeFileSync(world.tree("f"), "mine");
    await until("the batch is kept back, and given up", async () => link.cuts === 1 && (await world.status()).state === "offline");
    link("deliver");
    await until("it has arrived", () => link.answers.length > 0);
    const [{ version }] = await world.entries();
    assert.ok(await world.change(change(version)));
    const count = (await world.events()).length;
    link("flow");
    await until("it is here", () => fs.existsSync(world.tree("f")) ? fs.readFileSync(world.tree("f"), "utf8") === here.f : !here.f);
    await world.sync();
    assert.deepEqual(Object.fromEntries(fs.readdirSync(world.tree()).map((name) => [name, fs.readFileSync(world.tree(name), "utf8")])), here);
    assert.deepEqual(await told(world), expected(world.tree()));
    assert.equal((await world.events()).length, count, "the workspace has changed nothing");
    assert.equal((await world.status()).notices, undefined);
  });
}
