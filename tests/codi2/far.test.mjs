// Paths as long as the store takes them, which the kernel does not take in one go, and longer ones.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { World, until } from "./world.mjs";

const whys = async (world) => Object.fromEntries((await world.status()).failed.map(({ path, why }) => [path.replace("/workspace/", ""), why]));
const other = { kind: "api", id: "usr-other" };
const folders = (count, name = "d") => Array(count).fill(name).join("/");

/** In a folder that is too far down to be named in one go. */
function below(world, path, act) {
  const before = process.cwd();
  process.chdir(world.tree());
  try {
    for (const name of path.split("/")) process.chdir(name);
    return act();
  } finally {
    process.chdir(before);
  }
}

test("a path of too many names, told of by an event, is a bad name, and gone with the file", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const deep = folders(256);
  fs.mkdirSync(world.tree(deep), { recursive: true });
  await world.sync();
  assert.ok(deep in (await world.stored()));
  fs.writeFileSync(world.tree(deep, "f"), "1");
  fs.writeFileSync(world.tree("kept"), "1");
  await world.sync();
  assert.ok("kept" in (await world.stored()));
  assert.deepEqual(await whys(world), { [`${deep}/f`]: "bad_name" });
  fs.rmSync(world.tree(deep, "f"));
  await until("it is told no more", async () => Object.keys(await whys(world)).length === 0);
});

test("the longest paths come from the store, are watched there, and go back to it", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const name = "n".repeat(203);
  const deep = `${folders(19, name)}/${"m".repeat(4090 - 20 * 204 + 204 - 1)}`;
  assert.equal(deep.length, 4090 - 1);
  const longest = `${folders(19, name)}/${"l".repeat(4096 - 19 * 204)}`;
  assert.equal(longest.length, 4096);
  const put = (path) => world.change({ change: "put", path, kind: "dir", mode: 0o755, mtime: 1, base: 0, author: other });
  assert.ok(await put(deep));
  assert.ok(await put(longest));
  fs.writeFileSync(world.tree("kept"), "1");
  await world.sync();
  assert.ok("kept" in (await world.stored()));
  for (const path of [deep, longest]) await until("it came", () => below(world, path, () => true));
  await world.sync();
  below(world, deep, () => fs.writeFileSync("file", "1"));
  await world.sync();
  assert.match((await world.stored())[`${deep}/file`] ?? "", /^file /);
  below(world, folders(19, name), () => { fs.rmdirSync("l".repeat(220)); fs.writeFileSync("l".repeat(220), "1"); });
  await world.sync();
  assert.match((await world.stored())[longest] ?? "", /^file /);
  assert.deepEqual(await whys(world), {});
  assert.equal((await world.status()).message ?? "", "", "every folder is watched");
});
