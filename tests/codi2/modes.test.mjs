// The bits of a mode that say in whose name a program runs: a write takes them, unless who writes may set them for anybody.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { test } from "node:test";
import { World, remove, snapshot, until } from "./world.mjs";

/** As in a workspace, where nobody has the capability. */
const owner = process.getuid() === 0 ? ["setpriv", "--bounding-set=-fsetid"] : [];

test("what comes back to an empty disk has all bits of its mode, and is no change", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2([], {}, owner);
  const make = (name, mode, content) => { fs.writeFileSync(world.tree(name), content); fs.chmodSync(world.tree(name), mode); };
  for (const mode of [0o4755, 0o2755, 0o6711, 0o444]) {
    make(`small-${mode.toString(8)}`, mode, "small");
    make(`large-${mode.toString(8)}`, mode, randomBytes(300_000));
  }
  make("empty", 0o4755, "");
  for (const mode of [0o2775, 0o1777]) {
    fs.mkdirSync(world.tree(`folder-${mode.toString(8)}`));
    fs.chmodSync(world.tree(`folder-${mode.toString(8)}`), mode);
  }
  await world.sync();
  const [here, there, changes] = [snapshot(world.tree()), await world.stored(), (await world.events()).length];
  assert.match(there["large-6711"], /^file 6711 /);
  await world.kill("codi2");
  for (const name of ["tree", "index"]) remove(world.path(name));
  world.disk();
  await world.startCodi2([], {}, owner);
  await until("restored", async () => (await world.status()).state === "persisted");
  await world.sync();
  assert.deepEqual(snapshot(world.tree()), here);
  assert.deepEqual(await world.stored(), there);
  assert.equal((await world.events()).length, changes, "nothing was stored as a change");
});
