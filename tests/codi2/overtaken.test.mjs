// Others change something in a folder that is deleted or moved here before that is heard of; the store's answer stands a page or more
// behind their change. Both sides are the same all the same: the store's.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { test } from "node:test";
import { expected, told } from "./model.mjs";
import { linked, until } from "./world.mjs";

const PAGE = 500; // changes
const author = { kind: "api", id: "usr-other" };
const put = (path, text, base = 0) => ({ change: "put", path, base, author, kind: "file", mode: 0o644, mtime: 1, size: text.length, hash: createHash("sha256").update(text).digest("hex"), bytes: Buffer.from(text).toString("base64") });

/** `elsewhere` comes first of `pages` pages of changes of others; `here` is in the store behind them, and they are heard of then. */
async function overtaken(t, { pages, elsewhere, here }) {
  const { world, link } = await linked(t);
  fs.mkdirSync(world.tree("d/sub"), { recursive: true });
  for (const name of ["d/known", "d/sub/gone", "last"]) fs.writeFileSync(world.tree(name), "one");
  await world.sync();
  const entries = await world.entries();
  const base = (path) => entries.find((entry) => entry.path === path).version;
  link("deaf");
  assert.ok(await world.change(...elsewhere(base)));
  for (let page = 0; page < pages; page++) assert.ok(await world.change(...Array.from({ length: PAGE }, (_, i) => put(`others/${page}-${i}`, "x"))));
  here(world);
  await world.sync();
  assert.ok(await world.change({ change: "delete", path: "last", base: base("last"), author }));
  link("flow");
  await until("it has heard", () => !fs.existsSync(world.tree("last")), 60);
  await until("both sides are equal", async () => {
    await world.sync();
    assert.deepEqual(await told(world), expected(world.tree()));
    return true;
  });
  return Object.keys(await world.stored()).filter((path) => !/^others/.test(path)).sort();
}

const news = () => [put("d/x", "two"), put("d/new/y", "two")];
const move = (world) => fs.renameSync(world.tree("d"), world.tree("e"));
const remove = (world) => fs.rmSync(world.tree("d"), { recursive: true });
const LIMIT = { timeout: 120_000 };

test("what others wrote into a folder that was deleted here went with it", LIMIT, async (t) => {
  assert.deepEqual(await overtaken(t, { pages: 1, elsewhere: news, here: remove }), []);
});

test("what others wrote into a folder that was moved here went along", LIMIT, async (t) => {
  assert.deepEqual(await overtaken(t, { pages: 1, elsewhere: news, here: move }), ["e", "e/known", "e/new", "e/new/y", "e/sub", "e/sub/gone", "e/x"]);
});

test("what others deleted in a folder that was moved here, or moved out of it, is not where it went", LIMIT, async (t) => {
  const elsewhere = (base) => [{ change: "delete", path: "d/sub", base: base("d/sub"), author }, { change: "move", path: "d/known", to: "out", base: base("d/known"), to_base: 0, author }];
  assert.deepEqual(await overtaken(t, { pages: 1, elsewhere, here: move }), ["e", "out"]);
});

test("a folder within, more pages behind than are read in one go", LIMIT, async (t) => {
  const here = (world) => fs.renameSync(world.tree("d/sub"), world.tree("sub"));
  const elsewhere = () => [put("d/sub/x", "two")];
  const paths = await overtaken(t, { pages: 3, elsewhere, here });
  assert.deepEqual(paths.filter((path) => path !== "d/sub"), ["d", "d/known", "sub", "sub/gone", "sub/x"]); // d/sub may have been told of
});
