// Others change something in a folder that is deleted or moved here before that is heard of; the store's answer stands a page or more
// behind their change. Both sides are the same all the same: the store's.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { expected, told } from "./model.mjs";
import { linked, put, until } from "./world.mjs";

const PAGE = 500; // changes
const author = { kind: "api", id: "usr-other" };

/** `elsewhere` comes first of `pages` pages of changes of others; `here` is in the store behind them, and they are heard of then. */
async function overtaken(t, { pages, elsewhere, here, prepare = () => {} }) {
  const { world, link } = await linked(t);
  for (const name of ["d/sub", "aside"]) fs.mkdirSync(world.tree(name), { recursive: true });
  for (const name of ["d/known", "d/sub/gone", "last", "aside/file"]) fs.writeFileSync(world.tree(name), "one");
  prepare(world);
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
  return Object.keys(await world.stored()).filter((path) => !/^(others|aside)/.test(path)).sort();
}

const news = () => [put("d/x", "two"), put("d/new/y", "two")];
const move = (world) => fs.renameSync(world.tree("d"), world.tree("e"));
/** At once: into a folder that goes file by file others' changes may come meanwhile. */
const remove = (world) => fs.renameSync(world.tree("d"), world.path("gone"));
const LIMIT = { timeout: 120_000 };

test("what others wrote into a folder that was deleted here stays with it, and all else is gone", LIMIT, async (t) => {
  const here = (world) => fs.rmSync(world.tree("d"), { recursive: true });
  assert.deepEqual(await overtaken(t, { pages: 1, elsewhere: news, here }), ["d", "d/new", "d/new/y", "d/x"]);
});

test("the same behind more of others' changes than the store looks through", LIMIT, async (t) => {
  assert.deepEqual(await overtaken(t, { pages: 9, elsewhere: news, here: remove }), ["d", "d/new", "d/new/y", "d/x"]);
});

test("what others changed in a folder that was deleted here is what stays of it; what they deleted in it stays deleted", LIMIT, async (t) => {
  const elsewhere = (base) => [put("d/sub/gone", "two", base("d/sub/gone")), { change: "delete", path: "d/known", base: base("d/known"), author }];
  assert.deepEqual(await overtaken(t, { pages: 0, elsewhere, here: remove }), ["d", "d/sub", "d/sub/gone"]);
});

test("a folder in which others only deleted goes as a whole", LIMIT, async (t) => {
  const elsewhere = (base) => [{ change: "delete", path: "d/known", base: base("d/known"), author }];
  assert.deepEqual(await overtaken(t, { pages: 0, elsewhere, here: remove }), []);
});

test("what others moved into a folder that was deleted here stays with it", LIMIT, async (t) => {
  const elsewhere = (base) => [{ change: "move", path: "aside", to: "d/sub/aside", base: base("aside"), to_base: 0, author }];
  assert.deepEqual(await overtaken(t, { pages: 0, elsewhere, here: remove }), ["d", "d/sub", "d/sub/aside", "d/sub/aside/file"]);
});

test("others' new mode of a folder that was deleted or moved here leaves both sides equal", LIMIT, async (t) => {
  const elsewhere = (base) => [{ change: "put", path: "d", base: base("d"), author, kind: "dir", mode: 0o700, mtime: 1 }];
  assert.deepEqual(await overtaken(t, { pages: 0, elsewhere, here: remove }), ["d"]);
  assert.deepEqual(await overtaken(t, { pages: 0, elsewhere, here: move }), ["d", "e", "e/known", "e/sub", "e/sub/gone"]);
});

test("a folder that others made on the way to a file, and deleted before it was told of, is gone", LIMIT, async (t) => {
  const { world, link } = await linked(t);
  await world.sync();
  link("deaf");
  assert.ok(await world.change(put("d/new/y", "two")));
  const { version } = (await world.entries()).find(({ path }) => path === "d/new");
  assert.ok(await world.change({ change: "delete", path: "d/new", base: version, author }, put("last", "one")));
  link("flow");
  await until("it has heard", () => fs.existsSync(world.tree("last")));
  await world.sync();
  assert.deepEqual(Object.keys(expected(world.tree())), ["d", "last"]);
  assert.deepEqual(await told(world), expected(world.tree()));
});

test("who deleted a folder that others wrote into is told, and its mode is as it was", LIMIT, async (t) => {
  let told;
  const here = (world) => { remove(world); told = world; };
  const prepare = (world) => fs.chmodSync(world.tree("d"), 0o750);
  await overtaken(t, { pages: 0, elsewhere: news, here, prepare });
  assert.match((await told.status()).notices.map(({ text }) => text).join(), /^d was deleted or moved here while something in it was changed elsewhere\./);
  assert.match((await told.stored()).d, /^dir 750 /);
});

test("what was seen going is not held back for that, however much it is", LIMIT, async (t) => {
  const prepare = (world) => { for (let i = 0; i < 1100; i++) fs.writeFileSync(world.tree(`d/sub/f${i}`), "one"); };
  assert.deepEqual(await overtaken(t, { pages: 0, elsewhere: news, here: remove, prepare }), ["d", "d/new", "d/new/y", "d/x"]);
});

/** Whoever looks sees d as a folder or as a file. */
function replace(world) {
  world.codi2.kill("SIGSTOP");
  remove(world);
  fs.writeFileSync(world.tree("d"), "a file");
  world.codi2.kill("SIGCONT");
}

async function checkReplaced(world) {
  const texts = (await world.status()).notices.map(({ text }) => text);
  assert.equal(texts.filter((text) => /^d was changed here and elsewhere at the same time\./.test(text)).length, 1, texts.join());
  assert.ok((await world.events()).some(({ op, path }) => op === "write" && path === "d/new/y"));
}

test("a file that took the place of a folder that others wrote into stands, is told, and theirs is in the history", LIMIT, async (t) => {
  let told;
  const here = (world) => { replace(world); told = world; };
  assert.deepEqual(await overtaken(t, { pages: 0, elsewhere: news, here }), ["d"]);
  await checkReplaced(told);
});

test("the same when what others wrote comes before the file is stored", LIMIT, async (t) => {
  const { world, link } = await linked(t);
  fs.mkdirSync(world.tree("d"));
  await world.sync();
  link("mute");
  assert.ok(await world.change(...news()));
  await until("it has asked what is new", () => link.cuts > 0);
  replace(world);
  link("flow");
  await until("both sides are equal", async () => {
    await world.sync();
    assert.deepEqual(Object.keys(await told(world)), ["d"]);
    assert.deepEqual(await told(world), expected(world.tree()));
    return true;
  });
  await checkReplaced(world);
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

/** Others' change is in the store, and not heard of, when `here` is done; and it has come in full when that is sent, if `comes`. */
async function both(t, { elsewhere, here = () => {}, comes }) {
  const { world, link } = await linked(t);
  await world.sync();
  link(comes ? "mute" : "deaf");
  await elsewhere(world);
  if (comes) await until("it has asked what is new", () => link.cuts > 0);
  here(world.tree("d"));
  if (!comes) await world.sync();
  link("flow");
  await until("both sides are equal", async () => {
    await world.sync();
    assert.deepEqual(await told(world), expected(world.tree()));
    return fs.existsSync(world.tree("d"));
  });
  return world;
}

const write = (world) => world.change(...news());
const file = (path) => fs.writeFileSync(path, "ours");

for (const comes of [true, false]) {
  test(`a file that was made where others made a folder stands, and is told${comes ? "; theirs came first" : ""}`, LIMIT, async (t) => {
    const world = await both(t, { elsewhere: write, here: file, comes });
    assert.match((await world.stored()).d, /^file /);
    await checkReplaced(world);
  });

  test(`a folder that was made where others made a file stands, and is told${comes ? "; theirs came first" : ""}`, LIMIT, async (t) => {
    const world = await both(t, { elsewhere: (its) => its.change(put("d", "theirs")), here: (path) => fs.mkdirSync(path), comes });
    assert.match((await world.stored()).d, /^dir /);
    assert.match((await world.status()).notices.map(({ text }) => text).join(), /^d was changed here and elsewhere/);
  });
}

test("the mode that others gave a folder which they had made on the way to a file comes with it", LIMIT, async (t) => {
  const mode = { change: "put", path: "d/new", base: 0, author, kind: "dir", mode: 0o750, mtime: 1 };
  const elsewhere = (world) => world.change(...news(), mode); // at once: they come at once
  const world = await both(t, { elsewhere, comes: true });
  assert.match((await world.stored())["d/new"], /^dir 750 /);
});
