// A person's programs delete and move folders while codi2 is not there; at its next start, when nothing is watched yet, that is told from
// what others did meanwhile.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { expected, told } from "./model.mjs";
import { linked, owner, put, until } from "./world.mjs";

const LIMIT = { timeout: 60_000 };
const author = { kind: "api", id: "usr-other" };
const start = (world) => world.startCodi2(["--wire", world.path("link.sock")], {}, owner);

async function paths(world) {
  await until("both sides are equal", async () => {
    await world.sync();
    assert.deepEqual(await told(world), expected(world.tree()));
    return true;
  });
  return Object.keys(await world.stored()).sort();
}

test("a folder that was made on the way to a file, and went while nobody looked, is not back when all is compared", LIMIT, async (t) => {
  const { world, link } = await linked(t);
  fs.mkdirSync(world.tree("one"));
  await world.sync();
  assert.ok(await world.change(put("deleted/way/f", "theirs"), put("moved/way/f", "theirs"), put("replaced/way/f", "theirs"), put("shut/way/f", "theirs")));
  await until("theirs is here", () => ["deleted", "moved", "replaced", "shut"].every((name) => fs.existsSync(world.tree(name, "way/f"))));
  await world.sync();
  link("deaf");
  fs.renameSync(world.tree("one"), world.tree("other")); // heard of, but not in the order of the store's changes: the next start compares
  await world.sync();
  await world.kill("codi2");
  link("flow");
  fs.rmSync(world.tree("deleted/way"), { recursive: true });
  fs.renameSync(world.tree("moved/way"), world.tree("away"));
  fs.rmSync(world.tree("replaced/way"), { recursive: true });
  fs.writeFileSync(world.tree("replaced/way"), "mine");
  fs.rmSync(world.tree("shut/way"), { recursive: true });
  fs.chmodSync(world.tree("shut"), 0);
  await start(world);
  await until("it is compared", async () => (await world.status()).pending === 0);
  fs.chmodSync(world.tree("shut"), 0o755);
  assert.deepEqual(await paths(world), ["away", "away/f", "deleted", "moved", "other", "replaced", "replaced/way", "shut"]);
  assert.equal((await world.status()).notices, undefined, "nobody else changed anything");
});

test("what others wrote or moved into a folder that is not there, while nobody looked, comes, however deep that lies", LIMIT, async (t) => {
  const { world } = await linked(t);
  fs.mkdirSync(world.tree("top/in/folder"), { recursive: true });
  fs.writeFileSync(world.tree("top/in/folder/f"), "one");
  fs.writeFileSync(world.tree("moved"), "one");
  await world.sync();
  const { version } = (await world.entries()).find(({ path }) => path === "moved");
  await world.kill("codi2");
  fs.rmSync(world.tree("top/in"), { recursive: true });
  assert.ok(await world.change(put("top/in/folder/theirs", "theirs"), { change: "move", path: "moved", to: "top/new/moved", base: version, to_base: 0, author }));
  await start(world);
  assert.deepEqual(await paths(world), ["top", "top/in", "top/in/folder", "top/in/folder/theirs", "top/new", "top/new/moved"]);
  assert.deepEqual((await world.status()).notices.map(({ text }) => text.split(" was ")[0]), ["top/in"]);
});
