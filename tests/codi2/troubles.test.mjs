// What goes wrong around a workspace is shown in the status, holds no truth back, and is over without anybody's help.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { World, until } from "./world.mjs";

const WATCHES = 8;
/** A user namespace has limits of its own. */
const noLimit = spawnSync("unshare", ["-Ur", "true"]).status !== 0 && "there are no user namespaces";
const limited = ["unshare", "-Ur", "sh", "-c", `echo ${WATCHES} > /proc/sys/user/max_inotify_watches && exec "$@"`, "sh"];

test("more folders than can be watched: it is said, barriers tell the truth all the same, and it ends with them", { timeout: 60_000, skip: noLimit }, async (t) => {
  const world = new World(t);
  await world.startServer();
  for (let i = 0; i < 2 * WATCHES; i++) fs.mkdirSync(world.tree(`d${i}`));
  await world.startCodi2([], {}, limited);
  await world.sync();
  assert.match((await world.status()).message, /Not every folder can be watched/);
  for (let i = 0; i < 2 * WATCHES; i++) fs.writeFileSync(world.tree(`d${i}/file`), "unseen");
  await world.sync();
  assert.equal(Object.keys(await world.stored()).filter((path) => path.endsWith("/file")).length, 2 * WATCHES);
  for (let i = WATCHES / 2; i < 2 * WATCHES; i++) fs.rmSync(world.tree(`d${i}`), { recursive: true });
  await until("all folders are watched", async () => { await world.sync(); return (await world.status()).message === undefined; });
  fs.writeFileSync(world.tree("d0/file"), "seen");
  await world.sync();
  assert.equal((await world.status()).state, "persisted");
});

test("the workspace's disk is full: it is said, and over when there is room", { timeout: 60_000, skip: process.getuid() !== 0 && "mounting wants root" }, async (t) => {
  const world = new World(t);
  const small = fs.mkdtempSync(join(tmpdir(), "coditect-small-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", small]);
  t.after(() => { execFileSync("umount", ["-l", small]); fs.rmdirSync(small); });
  await world.startServer();
  await world.startCodi2(["--workspace-index", small]);
  await world.sync();
  const filler = join(small, "filler");
  const fd = fs.openSync(filler, "w");
  try { for (;;) fs.writeSync(fd, Buffer.alloc(4096)); } catch (error) { assert.equal(error.code, "ENOSPC"); }
  fs.closeSync(fd);
  for (let i = 0; i < 400; i++) fs.writeFileSync(world.tree(`file ${i}`), `${i}`);
  await until("it is told", async () => /disk is full/.test((await world.status()).message ?? ""));
  assert.equal((await world.status()).state, "offline");
  fs.rmSync(filler);
  await until("it goes on", () => world.sync().then(() => true));
  const { state, message } = await world.status();
  assert.deepEqual([state, message], ["persisted", undefined]);
  assert.equal(Object.keys(await world.stored()).length, 400);
});
