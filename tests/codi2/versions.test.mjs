// Whose a version is, and which states of a file become versions.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { expected, told } from "./model.mjs";
import { linked, until, World } from "./world.mjs";

const hash = (text) => createHash("sha256").update(text).digest("hex");
const saving = (world, path, text) => world.door("POST", "/saving", {}, JSON.stringify({ path, hash: hash(text) })).then(({ status }) => status);
const past = async (world, path) => (await world.door("GET", `/past?path=${encodeURIComponent(path)}`)).body.versions.map(({ size, author }) => ({ size, by: author.kind, id: author.id }));

const becomeEqual = (world) => until("both sides are equal", async () => {
  await world.sync();
  assert.deepEqual(await told(world), expected(world.tree()));
  return true;
});

test("what the editor saves is the person's, by its content, also when the answer was lost", { timeout: 60_000 }, async (t) => {
  const { world, link } = await linked(t);
  await world.sync();
  const save = async (name, text) => {
    assert.equal(await saving(world, name, text), 204);
    fs.writeFileSync(world.tree(".coditect-0123456789abcdef"), text); // as the IDE does: never mirrored
    fs.renameSync(world.tree(".coditect-0123456789abcdef"), world.tree(name));
    await world.sync();
  };
  fs.writeFileSync(world.tree("a"), "by a program");
  await world.sync();
  await save("a", "by the editor");
  assert.equal(await saving(world, "a", "a save that failed"), 204);
  fs.writeFileSync(world.tree("a"), "by a program again");
  await world.sync();
  fs.writeFileSync(world.tree("a"), "by the editor"); // what was saved long ago
  await world.sync();
  const versions = await past(world, "a");
  assert.deepEqual(versions.map(({ by }) => by), ["terminal", "terminal", "user", "terminal"]);
  assert.match(versions[2].id, /^usr-[0-9a-z]+$/, "the person, without the disk");

  const before = (await world.events()).length;
  link("lose");
  await save("a", "while an answer is lost");
  await world.kill("codi2");
  await world.startCodi2();
  await world.sync();
  assert.equal((await world.events()).length, before + 1, "our own change is known again");
  assert.equal((await past(world, "a"))[0].by, "user");
  assert.equal(fs.readFileSync(world.tree("a"), "utf8"), "while an answer is lost");
});

test("what is no save is refused, and many are no more than some", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  assert.deepEqual(await Promise.all([saving(world, "/etc/passwd", "x"), saving(world, "../x", "x"), saving(world, "", "x"), saving(world, "x/".repeat(2100) + "x", "x")]), [400, 400, 400, 400]);
  for (const body of ["", "[]", '{"path":"a"}', '{"path":"a","hash":"12"}', '{"path":1,"hash":2}']) {
    assert.equal((await world.door("POST", "/saving", {}, body)).status, 400, body);
  }
  assert.equal((await world.door("POST", "/saving?root=home", {}, JSON.stringify({ path: "a", hash: hash("x") }))).status, 404);
  assert.equal((await world.door("POST", "/saving", {}, "x".repeat(32 * 1024 + 1))).status, 413);
  for (let i = 0; i <= 256; i++) assert.equal(await saving(world, `${i}`, "x"), 204);
  for (const name of ["0", "256"]) fs.writeFileSync(world.tree(name), "x");
  await world.sync();
  assert.deepEqual([(await past(world, "0"))[0].by, (await past(world, "256"))[0].by], ["terminal", "user"], "the oldest was forgotten");
});

const newest = async (world, name) => (await world.door("GET", `/past?path=${name}`)).body.versions?.[0]?.size;

/** Empties a file or makes it, waits until codi2 has seen it so, and lets `then` go on. */
async function emptied(world, name, then) {
  const fd = fs.openSync(world.tree(name), "w");
  try {
    await until("it is seen", async () => (await world.status()).pending > 0 || (await newest(world, name)) === 0); // or, on a machine that stood still, a version already
    return await then(fd);
  } finally {
    fs.closeSync(fd);
  }
}

test("a file that is emptied to be written has no version between; one that stays empty, and a barrier, have", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  await world.sync();
  const sizes = async (name) => (await past(world, name)).map(({ size }) => size);
  let quick = 0;
  for (let i = 1; quick < 3; i++) { // on a machine that stands still for a second it waits in vain: that is no round
    assert.ok(i < 20, "never quick enough");
    fs.writeFileSync(world.tree(`f${i}`), "before");
    await world.sync();
    const began = Date.now();
    await emptied(world, `f${i}`, (fd) => fs.writeSync(fd, "written"));
    const took = Date.now() - began;
    await world.sync();
    if (took > 700) continue;
    quick++;
    assert.deepEqual(await sizes(`f${i}`), [7, 6]);
  }
  await emptied(world, "log", () => until("it is a version", async () => (await world.door("GET", "/past?path=log")).status === 200));
  await world.sync();
  assert.deepEqual(await sizes("log"), [0], "open, but empty for long");

  fs.writeFileSync(world.tree("b"), "before");
  await world.sync();
  await emptied(world, "b", () => world.sync());
  assert.deepEqual(await sizes("b"), [0, 6], "a barrier takes what is there");

  for (let i = 0; i < 40; i++) fs.writeFileSync(world.tree(`empty${i}`), "");
  const began = process.hrtime.bigint();
  await until("they are persisted", async () => { const { state, pending } = await world.status(); return state === "persisted" && pending === 0 && (await world.door("GET", "/past?path=empty39")).status === 200; });
  t.diagnostic(`40 empty files, closed: ${(process.hrtime.bigint() - began) / 1_000_000n} ms`);
});

/**
 * Both sides change something of which codi2 hears by the refusal of its own change alone: behind a barrier, so that it goes on after
 * the refusal (where the machine lets it: else it hears of it first, and nothing is proved). They are equal in the end; gives the
 * world.
 */
async function whileDeaf(t, { before, here, elsewhere }) {
  const { world, link } = await linked(t);
  before(world);
  fs.writeFileSync(world.tree("other"), "one");
  await world.sync();
  const entries = await world.entries();

  link("hold");
  await until("it is held", () => link.cuts > 0);
  fs.writeFileSync(world.tree("other"), "two");
  await wait(300); // it is on its way
  const barrier = world.sync(); // of the next round
  await wait(300);
  here(world);
  const base = (path) => entries.find((entry) => entry.path === path).version;
  assert.ok(await world.change({ ...elsewhere(base), author: { kind: "api", id: "usr-other" } }));
  link("deaf");
  await barrier;
  link("flow");
  await becomeEqual(world);
  return world;
}

test("what was written anew where others had moved something away stays there", { timeout: 60_000 }, async (t) => {
  const world = await whileDeaf(t, {
    before: (world) => fs.writeFileSync(world.tree("here"), "one"),
    here: (world) => fs.writeFileSync(world.tree("here"), "two"),
    elsewhere: (base) => ({ change: "move", path: "here", to: "there", base: base("here"), to_base: 0 }),
  });
  const text = (name) => fs.readFileSync(world.tree(name), "utf8");
  assert.deepEqual([text("here"), text("there"), text("other")], ["two", "one", "two"]);
});

test("a folder that was kept anew where others had deleted all is on both sides, or on none", { timeout: 60_000 }, async (t) => {
  await whileDeaf(t, {
    before: (world) => {
      fs.mkdirSync(world.tree("a/b"), { recursive: true });
      fs.writeFileSync(world.tree("a/file"), "one");
    },
    here: (world) => fs.chmodSync(world.tree("a/b"), 0o700),
    elsewhere: (base) => ({ change: "delete", path: "a", base: base("a") }),
  });
});

test("a folder that was moved into one that others had deleted keeps what is in it", { timeout: 60_000 }, async (t) => {
  const { world, link } = await linked(t);
  for (const folder of ["a", "p/q"]) fs.mkdirSync(world.tree(folder), { recursive: true });
  for (const name of ["a/file", "p/c", "p/q/d", "last"]) fs.writeFileSync(world.tree(name), "one");
  await world.sync();
  const entries = await world.entries();
  const byOthers = async (path) => assert.ok(await world.change({ change: "delete", path, base: entries.find((entry) => entry.path === path).version, author: { kind: "api", id: "usr-other" } }));

  link("deaf");
  await until("it is deaf", () => link.cuts > 0);
  await byOthers("a");
  fs.renameSync(world.tree("p"), world.tree("a/p"));
  await world.sync();
  await byOthers("last");
  link("flow");
  await until("it has heard", () => !fs.existsSync(world.tree("last")));
  await becomeEqual(world);
  assert.deepEqual(Object.keys(await world.stored()).sort(), ["a", "a/p", "a/p/c", "a/p/q", "a/p/q/d"]);
});

test("what came into a folder after others had deleted it goes when they delete it, too", { timeout: 60_000 }, async (t) => {
  const { world, link } = await linked(t);
  fs.mkdirSync(world.tree("a/b"), { recursive: true });
  for (const name of ["a/file", "a/b/old", "last"]) fs.writeFileSync(world.tree(name), "one");
  await world.sync();
  const version = async (path) => (await world.entries()).find((entry) => entry.path === path).version;
  const byOthers = async (path) => assert.ok(await world.change({ change: "delete", path, base: await version(path), author: { kind: "api", id: "usr-other" } }));

  link("deaf"); // it hears of all the deletions at once
  await until("it is deaf", () => link.cuts > 0);
  await byOthers("a");
  for (const name of ["a/b/goes", "a/b/stays"]) fs.writeFileSync(world.tree(name), "two");
  await world.sync();
  await byOthers("a/b/goes");
  await byOthers("last");
  link("flow");
  await until("it has heard", () => !fs.existsSync(world.tree("last")));
  await becomeEqual(world);
  const paths = Object.keys(await world.stored()).filter((path) => path.startsWith("a"));
  assert.deepEqual(paths, ["a", "a/b", "a/b/stays"]);
  assert.deepEqual((await past(world, "a/b/stays")).map(({ size }) => size), [3], "it was not sent again");
  assert.deepEqual((await world.status()).notices ?? [], [], "nobody is told of a conflict");
});
