// The store is put back as it was at an older moment, and goes on from there before the workspace hears of it: what codi2's index says
// of versions then speaks of changes that never were. Nothing that either side has may be lost.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { test } from "node:test";
import { expected, told } from "./model.mjs";
import { World, until } from "./world.mjs";

const author = { kind: "api", id: "usr-other" };
const text = (words) => { const bytes = Buffer.from(words); return { kind: "file", size: bytes.length, bytes: bytes.toString("base64"), hash: execFileSync("sha256sum", { input: bytes }).toString().slice(0, 64) }; };

/** What others write: as many changes as `paths`. */
async function others(world, paths) {
  const bases = Object.fromEntries((await world.entries()).map(({ path, version }) => [path, version]));
  for (const path of paths) assert.ok(await world.change({ change: "put", path, base: bases[path] ?? 0, author, mode: 0o644, mtime: 1e15, ...text(`others' ${path}`) }), path);
}

async function stopServer(world) {
  await world.kill("server");
  const database = fs.readdirSync(world.path("store")).find((name) => name.endsWith(".db"));
  execFileSync("python3", ["-c", "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('pragma wal_checkpoint(truncate)')", world.path("store", database)]);
}

const before = ["same", "changed", "deleted", "renamed", "touched", "folder/deleted", "folder/same", "moved/one", "emptied/one", "theirs"];

/** After the backup, on the disk and in the store that is lost. */
async function work(world) {
  fs.writeFileSync(world.tree("changed"), "mine");
  fs.rmSync(world.tree("deleted"));
  fs.renameSync(world.tree("renamed"), world.tree("renamed-to"));
  fs.utimesSync(world.tree("touched"), 1e9, 1e9);
  fs.writeFileSync(world.tree("folder/new"), "mine");
  fs.rmSync(world.tree("folder/deleted"));
  fs.renameSync(world.tree("moved"), world.tree("moved-to"));
  fs.rmSync(world.tree("emptied"), { recursive: true });
  fs.mkdirSync(world.tree("made/deep"), { recursive: true });
  fs.writeFileSync(world.tree("made/deep/file"), "mine");
  fs.symlinkSync("made", world.tree("link"));
  for (let i = 0; i < 20; i++) fs.writeFileSync(world.tree(`new-${i}`), `mine ${i}`);
  await world.sync();
}

/** Both sides have the same, and all that was made after the backup is there, with what others did. */
async function isWhole(world, mine, theirs) {
  await until("both sides are equal", async () => {
    await world.sync();
    assert.deepEqual(await told(world), expected(world.tree()));
    return true;
  }, 60);
  const events = await world.events();
  for (const [path, words] of Object.entries(mine)) assert.equal(fs.readFileSync(world.tree(path), "utf8"), words, path);
  for (const path of theirs) assert.ok(events.some((event) => event.path === path && event.author.id === author.id), `${path} is in the history`);
}

const mine = { changed: "mine", same: "one", "renamed-to": "one", touched: "one", "folder/new": "mine", "folder/same": "one", "moved-to/one": "one", "made/deep/file": "mine",
  ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`new-${i}`, `mine ${i}`])) };

for (const more of [0, 5, 500]) for (const codi2 of ["lives", "starts anew"]) test(`the store goes on from an older moment by ${more} changes, codi2 ${codi2}`, { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  for (const path of before) {
    fs.mkdirSync(world.tree(path, ".."), { recursive: true });
    fs.writeFileSync(world.tree(path), "one");
  }
  await world.sync();
  await stopServer(world);
  fs.cpSync(world.path("store"), world.path("backup"), { recursive: true });
  await world.startServer();
  await until("it is back", async () => (await world.status()).state === "persisted");
  await work(world);
  if (codi2 === "lives") process.kill(world.codi2.pid, "SIGSTOP"); else await world.kill("codi2");
  await stopServer(world);
  fs.rmSync(world.path("store"), { recursive: true });
  fs.renameSync(world.path("backup"), world.path("store"));
  await world.startServer();
  const paths = ["changed", "theirs", "new-3", "folder/theirs", "made/theirs", ...Array.from({ length: more }, (_, i) => `theirs-${i}`)].slice(0, more);
  await others(world, paths);
  if (codi2 === "lives") process.kill(world.codi2.pid, "SIGCONT"); else await world.startCodi2();
  await isWhole(world, mine, paths);
  if (more > 0) assert.equal(fs.readFileSync(world.tree("theirs"), "utf8"), "others' theirs");
});
