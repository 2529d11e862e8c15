// An index whose file is damaged, found so at the start or in a run: it is as if it had been lost, and nothing else is.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { test } from "node:test";
import { World, snapshot, until } from "./world.mjs";

const LIMIT = { timeout: 60_000 };
const FILES = 300; // more than a page of the database

const garbage = (n) => Buffer.alloc(n, "no page of any database ");

async function begin(t) {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  for (let i = 0; i < FILES; i++) fs.writeFileSync(world.tree(`file-${i}`), `content ${i}`);
  await world.sync();
  return world;
}

/** All is in the log of SQLite's until it is brought into the file. */
function settle(world) {
  const code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('pragma wal_checkpoint(truncate)'); c.close()";
  assert.equal(spawnSync("python3", ["-c", code, world.path("index/index.db")]).status, 0);
}

/** Every page but the first, which says what the file is, and those behind it. */
function breakPages(path, from) {
  const { size } = fs.statSync(path);
  const fd = fs.openSync(path, "r+");
  for (let at = from; at < size; at += 4096) fs.writeSync(fd, garbage(4096), 0, 4096, at);
  fs.closeSync(fd);
}

async function isWhole(world, changes) {
  fs.writeFileSync(world.tree("later"), "later");
  await world.sync();
  const stored = await world.stored();
  assert.deepEqual(Object.keys(stored), Object.keys(snapshot(world.tree())));
  assert.equal(Object.keys(stored).length, FILES + 1);
  assert.equal((await world.events()).length, changes + 2, "what changed meanwhile, and what is new");
  await until("it is persisted", async () => (await world.status()).state === "persisted");
}

const damages = {
  "is no database": (world) => { for (const name of fs.readdirSync(world.path("index"))) fs.writeFileSync(world.path("index", name), garbage(50_000)); },
  "has broken pages": (world) => { settle(world); breakPages(world.path("index/index.db"), 4096); },
};
for (const [words, damage] of Object.entries(damages)) {
  test(`at the start the index ${words}`, LIMIT, async (t) => {
    const world = await begin(t);
    const changes = (await world.events()).length;
    await world.kill("codi2");
    fs.writeFileSync(world.tree("file-1"), "changed");
    damage(world);
    await world.startCodi2();
    await isWhole(world, changes);
  });
}

test("in a run the index is found to have broken pages", LIMIT, async (t) => {
  const world = await begin(t);
  const changes = (await world.events()).length;
  await world.kill("codi2");
  settle(world);
  await world.startCodi2();
  await world.sync();
  settle(world);
  breakPages(world.path("index/index.db"), 4096);
  fs.writeFileSync(world.path("index/index.db-wal"), ""); // nothing in it hides the pages
  fs.writeFileSync(world.tree("file-1"), "changed");
  await isWhole(world, changes);
});
