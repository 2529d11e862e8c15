// Deletions that nobody saw: few are believed, many are held back until a person chooses; what was seen is believed always.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { describe, test } from "node:test";
import { halt, resume } from "../api/halt.mjs";
import { linked, until, World } from "./world.mjs";

const LIMIT = 1000;

/** A tree of folders with `count` files in all, in the store; codi2 does not run when this returns. */
async function filled(t, count) {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree("d"));
  for (let i = 0; i < count; i++) fs.writeFileSync(world.tree(`d/f${i}`), `${i}`);
  fs.writeFileSync(world.tree("other"), "stays");
  await world.sync();
  await world.kill("codi2");
  return world;
}

const remove = (world, from, to) => { for (let i = from; i < to; i++) fs.rmSync(world.tree(`d/f${i}`)); };
const choose = (world, choice) => world.door("POST", "/held-back", {}, JSON.stringify({ choice }));
const stored = async (world) => Object.keys(await world.stored()).length;
const onDisk = (world) => fs.readdirSync(world.tree("d")).length;

test("up to 1,000 are deletions", { timeout: 120_000 }, async (t) => {
  const world = await filled(t, LIMIT + 100);
  remove(world, 0, LIMIT);
  await world.startCodi2();
  await world.sync();
  assert.equal(await stored(world), 102);
  const { state, held_back } = await world.status();
  assert.deepEqual([state, held_back], ["persisted", undefined]);
  const refused = await choose(world, "delete");
  assert.deepEqual([refused.status, refused.body.error.code], [409, "conflict"]);
});

test("more are held back, shown, and then deleted when that is chosen", { timeout: 120_000 }, async (t) => {
  const world = await filled(t, LIMIT + 100);
  remove(world, 0, LIMIT + 1);
  await world.startCodi2();
  await world.sync();
  assert.equal(await stored(world), LIMIT + 102);
  const status = await world.status();
  assert.deepEqual([status.state, status.held_back], ["conflict", LIMIT + 1]);
  assert.match(status.message, /missing/);
  for (const text of ["", "{}", '{"choice":"perhaps"}']) assert.equal((await world.door("POST", "/held-back", {}, text)).status, 400);

  fs.writeFileSync(world.tree("d/new"), "other work goes on");
  fs.rmSync(world.tree("other")); // seen
  await world.sync();
  assert.equal(await stored(world), LIMIT + 102); // one more, one less
  fs.writeFileSync(world.tree("d/f0"), "one is back, by hand");
  await world.kill("codi2");
  await world.startCodi2(); // a new start is no answer, though they are fewer now
  await until("all is looked at", async () => (await world.status()).held_back === LIMIT);
  assert.equal(await stored(world), LIMIT + 102);
  assert.equal((await choose(world, "delete")).status, 202);
  await until("the choice is carried out", async () => (await world.status()).state === "persisted");
  assert.equal(await stored(world), 102);
  assert.deepEqual([(await world.status()).message, (await choose(world, "delete")).status], [undefined, 409]);
});

test("what is held back stays so, however few are left of it", { timeout: 120_000 }, async (t) => {
  const world = await filled(t, LIMIT + 100);
  remove(world, 0, LIMIT + 1);
  await world.startCodi2();
  await world.sync();
  for (let i = 0; i < 500; i++) fs.writeFileSync(world.tree(`d/f${i}`), `${i}`);
  await world.sync();
  fs.mkdirSync(world.tree("e"));
  fs.renameSync(world.tree("d"), world.tree("e/d")); // the folder that lacks them moves
  fs.renameSync(world.tree("e/d"), world.tree("d"));
  await world.sync();
  assert.equal(await stored(world), LIMIT + 103);
  assert.equal((await choose(world, "delete")).status, 202);
  await until("the choice is carried out", async () => (await world.status()).state === "persisted");
  await world.sync();
  assert.equal(await stored(world), LIMIT + 103 - 501);
  assert.equal((await world.status()).message, undefined);
});

test("they are restored when that is chosen, also by a server that was away", { timeout: 120_000 }, async (t) => {
  const world = await filled(t, LIMIT + 100);
  fs.writeFileSync(world.tree("d/f1099"), "changed while away");
  remove(world, 0, LIMIT + 50);
  await world.startCodi2();
  await world.sync();
  assert.equal((await world.status()).held_back, LIMIT + 50);
  await world.kill("server");
  fs.writeFileSync(world.tree("x"), "so that it learns of it");
  await until("offline", async () => fs.existsSync(world.tree("x")) && world.mirrorIsOffline());
  const chosen = await choose(world, "restore");
  assert.deepEqual([chosen.status, chosen.body.held_back], [202, LIMIT + 50]);
  await world.startServer();
  await until("restored", async () => (await world.status()).state === "persisted");
  await world.sync();
  assert.equal(onDisk(world), LIMIT + 100);
  assert.equal(fs.readFileSync(world.tree("d/f7"), "utf8"), "7");
  assert.equal(fs.readFileSync(world.tree("d/f1099"), "utf8"), "changed while away");
  assert.equal(await stored(world), LIMIT + 103);
});

test("what is seen is deleted, however many", { timeout: 120_000 }, async (t) => {
  const world = await filled(t, LIMIT + 100);
  await world.startCodi2();
  await world.sync();
  fs.rmSync(world.tree("d"), { recursive: true });
  await world.sync();
  assert.deepEqual(Object.keys(await world.stored()), ["other"]);
  await until("it says so", async () => (await world.status()).state === "persisted");
});

/** Everything below the root goes, as by `rm -rf * .[!.]*`. */
const removeAll = (world) => { for (const name of fs.readdirSync(world.tree())) fs.rmSync(world.tree(name), { recursive: true }); };
/** The root itself is another one, as on a new disk; the file system may give it the old one's inode. */
const loseTree = (world) => { fs.rmSync(world.tree(), { recursive: true }); world.disk(); };
const loseIndex = (world) => { fs.rmSync(world.path("index"), { recursive: true }); world.disk(); };
const NONE = [];
const ALL = ["d", "d/e", "d/e/f", "d/f0", "d/f1", "other"];
const WITHOUT_D = ["other"];

describe("what a person deletes is deleted, and kept in the history; what a disk loses comes back; neither is taken for the other", { concurrency: 4 }, () => {
  const rows = [
    ["all, while it runs", { runs: removeAll }, NONE],
    ["all, while it is away", { away: removeAll }, NONE],
    ["a folder while it runs, then the disk is lost", { runs: (world) => fs.rmSync(world.tree("d"), { recursive: true }), away: (world) => { loseTree(world); loseIndex(world); } }, WITHOUT_D],
    ["a folder while it is away, then the disk is lost: nobody knows of it", { away: (world) => { fs.rmSync(world.tree("d"), { recursive: true }); loseTree(world); loseIndex(world); } }, ALL],
    ["the disk", { away: (world) => { loseTree(world); loseIndex(world); } }, ALL],
    ["the tree, whose index is there", { away: loseTree }, ALL],
    ["the index, whose tree is there", { away: loseIndex }, ALL],
    ["the index, and a person deleted all: nobody knows of it", { away: (world) => { removeAll(world); loseIndex(world); } }, ALL],
    ["the disk twice, the second time before all of it is back", { away: (world) => { loseTree(world); loseIndex(world); }, soon: (world) => { loseTree(world); loseIndex(world); } }, ALL],
    ["the tree while the restore is unfinished, whose index is there", { away: (world) => { loseTree(world); loseIndex(world); }, soon: loseTree }, ALL],
    ["all, right after it came back", { away: (world) => { loseTree(world); loseIndex(world); }, restored: removeAll }, NONE],
  ];
  for (const [what, { runs, away, soon, restored }, left] of rows) {
    test(what, { timeout: 120_000 }, async (t) => {
      const world = new World(t);
      await world.startServer();
      await world.startCodi2();
      fs.mkdirSync(world.tree("d/e"), { recursive: true });
      for (const path of ["d/e/f", "d/f0", "d/f1", "other"]) fs.writeFileSync(world.tree(path), path);
      const before = await world.sync();
      const was = await world.stored();
      if (runs) { runs(world); await world.sync(); }
      if (away) { await world.kill("codi2"); away(world); await world.startCodi2(); }
      if (soon) { await world.kill("codi2"); soon(world); await world.startCodi2(); }
      const settled = () => until("it is in step", async () => (await world.status()).state === "persisted", 60);
      await settled();
      if (restored) { restored(world); await world.sync(); await settled(); }
      await world.sync();
      const found = fs.readdirSync(world.tree(), { recursive: true }).sort();
      assert.deepEqual(found, left);
      const now = await world.stored();
      assert.deepEqual(now, Object.fromEntries(left.map((path) => [path, was[path]])));
      for (const path of left) if (!path.startsWith("d") || path.includes("f")) assert.equal(fs.readFileSync(world.tree(path), "utf8"), path);
      assert.deepEqual(await world.stored(before), was, "the moment before is what it was");
      const deletions = (await world.events()).filter(({ op }) => op === "delete").map(({ path }) => path);
      assert.equal(deletions.length > 0, left.length < ALL.length, `deleted: ${deletions}`);
    });
  }
});

test("a folder seen to be replaced took its files with it; one replaced unseen did not", { timeout: 120_000 }, async (t) => {
  const world = await filled(t, LIMIT + 100);
  fs.rmSync(world.tree("d"), { recursive: true });
  fs.mkdirSync(world.tree("d"));
  await world.startCodi2();
  await world.sync();
  assert.equal((await world.status()).held_back, LIMIT + 100);
  assert.equal((await choose(world, "restore")).status, 202);
  await until("restored", async () => (await world.status()).state === "persisted");
  await world.sync();
  assert.equal(onDisk(world), LIMIT + 100);
  fs.renameSync(world.tree("d"), world.path("elsewhere"));
  fs.mkdirSync(world.tree("d"));
  fs.writeFileSync(world.tree("d/new"), "new");
  await world.sync();
  assert.deepEqual(Object.keys(await world.stored()), ["d", "d/new", "other"]);
  await until("it says so", async () => (await world.status()).state === "persisted");
});

test("after more events than the kernel keeps, everything is looked at", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree("d"));
  const names = ["d/gone", "d/one", "d/other"];
  for (const name of names) fs.writeFileSync(world.tree(name), name);
  await world.sync();
  await halt(t, world.codi2.pid);
  const queue = Number(fs.readFileSync("/proc/sys/fs/inotify/max_queued_events", "utf8"));
  for (let i = 0; i < queue; i++) fs.utimesSync(world.tree(names[1 + (i % 2)]), i, i); // two alike in turn would be one event
  fs.writeFileSync(world.tree("d/late"), "its event is lost");
  fs.rmSync(world.tree("d/gone"));
  resume(world.codi2.pid);
  await world.sync();
  assert.deepEqual(Object.keys(await world.stored()), ["d", "d/late", "d/one", "d/other"]);
  const { notices } = await world.status();
  assert.match(notices.map(({ text }) => text).join(), /^More changed at once than the system reports, so all files of this workspace are looked at again/);
});

test("a deletion whose answer was lost is one deletion, and takes nothing that was made since", { timeout: 60_000 }, async (t) => {
  const { world, link } = await linked(t);
  for (const name of ["gone", "again", "others"]) fs.writeFileSync(world.tree(name), name);
  await world.sync();
  const deletions = async (name) => (await world.events()).filter(({ op, path }) => op === "delete" && path === name).length;
  const lost = async (name) => {
    link("lose");
    fs.rmSync(world.tree(name));
    await until("the store has it", async () => (await deletions(name)) > 0);
  };
  await lost("gone");
  await world.sync();
  assert.equal(await deletions("gone"), 1);

  await lost("again");
  await world.kill("codi2"); // the index may know of it or not
  fs.writeFileSync(world.tree("again"), "made again");
  await world.startCodi2(["--wire", world.path("link.sock")]);
  await world.sync();
  assert.equal(fs.readFileSync(world.tree("again"), "utf8"), "made again");

  await lost("others");
  await world.kill("codi2");
  const text = "made again by others";
  assert.ok(await world.change({ change: "put", path: "others", base: 0, author: { kind: "api", id: "usr-other" }, kind: "file", mode: 0o644, mtime: 1e15, size: text.length, hash: createHash("sha256").update(text).digest("hex"), bytes: Buffer.from(text).toString("base64") }));
  await world.startCodi2(["--wire", world.path("link.sock")]);
  await world.sync();
  await until("it is here", () => fs.readFileSync(world.tree("others"), "utf8") === text);
  await world.sync();
  assert.deepEqual([await deletions("again"), await deletions("others")], [1, 1]);
  assert.deepEqual(Object.keys(await world.stored()), ["again", "others"]);
});
