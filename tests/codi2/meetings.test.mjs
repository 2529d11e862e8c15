// What others change meets what stands here: a pipe makes way, since it is no content; a deletion that met a change is told.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { test } from "node:test";
import { World, linked, lose, snapshot, until } from "./world.mjs";

const sha = (text) => createHash("sha256").update(text).digest("hex");
const author = { kind: "api", id: "" };
const FOLDER = { change: "put", base: 0, author, kind: "dir", mode: 0o755, mtime: 0 };
const file = (path, text, base = 0) => ({ change: "put", base, author, path, kind: "file", mode: 0o644, mtime: 1e15, size: text.length, hash: sha(text), bytes: Buffer.from(text).toString("base64") });
const link = (path, target) => ({ change: "put", base: 0, author, path, kind: "symlink", mode: 0o777, mtime: 1e15, target, hash: sha(target) });
const versionOf = async (world, path) => (await world.entries()).find((entry) => entry.path === path).version;
const pipe = (path) => execFileSync("mkfifo", ["-m", "640", path]);

async function started(t) {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  return world;
}

/** All goes on, both sides are one, and nobody deleted anything. */
async function agrees(world, there) {
  await until("theirs is here", there);
  fs.writeFileSync(world.tree("other"), "the person's");
  await world.sync();
  assert.deepEqual(Object.keys(await world.stored()).sort(), Object.keys(snapshot(world.tree())).sort());
  assert.equal((await world.status()).state, "persisted");
  assert.deepEqual((await world.events()).filter((event) => event.op === "delete").map((event) => event.path), []);
}

const made = {
  "a file": [(world) => [file("f", "theirs")], (world) => fs.lstatSync(world.tree("f")).isFile()],
  "a link": [(world) => [link("f", "there")], (world) => fs.lstatSync(world.tree("f")).isSymbolicLink()],
  "a folder": [(world) => [{ ...FOLDER, path: "f" }], (world) => fs.lstatSync(world.tree("f")).isDirectory()],
  "a folder with a file": [(world) => [{ ...FOLDER, path: "f" }, file("f/in", "theirs")], (world) => fs.existsSync(world.tree("f/in"))],
  "a file below it": [(world) => [file("f/in/it", "theirs")], (world) => fs.existsSync(world.tree("f/in/it"))],
};
for (const [what, [changes, there]] of Object.entries(made)) {
  test(`a pipe makes way for ${what} of others, and that is told`, { timeout: 60_000 }, async (t) => {
    const world = await started(t);
    pipe(world.tree("f"));
    await world.sync();
    assert.equal((await world.status()).not_kept.length, 1);
    await world.change(...changes(world));
    await agrees(world, () => there(world));
    const status = await world.status();
    assert.deepEqual(status.not_kept ?? [], []);
    assert.match(status.notice.text, /^f was a pipe, socket or device here/);
  });
}

test("a file that became a pipe while others changed it, and one in whose place a pipe stands when the index is lost", { timeout: 60_000 }, async (t) => {
  const world = await started(t);
  fs.writeFileSync(world.tree("f"), "mine");
  fs.writeFileSync(world.tree("g"), "mine, too");
  await world.sync();
  const base = await versionOf(world, "f");
  process.kill(world.codi2.pid, "SIGSTOP");
  await until("it stands", () => /^State:\tT/m.test(fs.readFileSync(`/proc/${world.codi2.pid}/status`, "utf8")));
  fs.rmSync(world.tree("f"));
  pipe(world.tree("f"));
  await world.change(file("f", "theirs", base));
  process.kill(world.codi2.pid, "SIGCONT");
  await agrees(world, () => fs.lstatSync(world.tree("f")).isFile() && fs.readFileSync(world.tree("f"), "utf8") === "theirs");
  await world.kill("codi2");
  fs.rmSync(world.tree("g"));
  pipe(world.tree("g"));
  await lose(world, ["index"]);
  await agrees(world, () => fs.lstatSync(world.tree("g")).isFile());
});

const meetings = {
  "changed here, deleted elsewhere": [(world) => fs.writeFileSync(world.tree("d/f"), "ours"), async (world) => ({ change: "delete", base: await versionOf(world, "d/f"), author, path: "d/f" }), { "d/f": "ours" }, /^d\/f was deleted elsewhere while it was changed here/],
  "deleted here, changed elsewhere": [(world) => fs.rmSync(world.tree("d/f")), async (world) => file("d/f", "theirs", await versionOf(world, "d/f")), { "d/f": "theirs" }, /^d\/f was deleted or moved here while it was changed elsewhere/],
  "moved here, changed elsewhere": [(world) => fs.renameSync(world.tree("d/f"), world.tree("m")), async (world) => file("d/f", "theirs", await versionOf(world, "d/f")), { "d/f": "theirs", m: "before" }, /^d\/f was deleted or moved here/],
  "in a folder that was deleted elsewhere": [(world) => fs.writeFileSync(world.tree("d/f"), "ours"), async (world) => ({ change: "delete", base: await versionOf(world, "d"), author, path: "d" }), { "d/f": "ours" }, /^d was deleted elsewhere\. What was changed/],
  "in a folder that was deleted here": [(world) => fs.rmSync(world.tree("d"), { recursive: true }), async (world) => file("d/f", "theirs", await versionOf(world, "d/f")), { "d/f": "theirs" }, /^d was deleted or moved here while something in it/],
};
for (const [what, [ours, theirs, left, told]] of Object.entries(meetings)) {
  test(`what stays of two changes is told: ${what}`, { timeout: 60_000 }, async (t) => {
    const { world, link: wire } = await linked(t);
    fs.mkdirSync(world.tree("d"));
    fs.writeFileSync(world.tree("d/f"), "before");
    fs.writeFileSync(world.tree("quiet"), "of nobody else");
    await world.sync();
    assert.equal((await world.status()).notice, undefined);
    const change = await theirs(world);
    wire("cut");
    ours(world);
    await until("it waits", () => world.mirrorIsOffline());
    await world.change(change);
    wire("flow");
    await until("it is persisted", async () => (await world.status()).state === "persisted");
    await world.sync();
    assert.deepEqual(Object.keys(await world.stored()).sort(), Object.keys(snapshot(world.tree())).sort());
    const files = Object.fromEntries(Object.keys(left).map((path) => [path, fs.readFileSync(world.tree(path), "utf8")]));
    assert.deepEqual(files, left);
    await until("it is told", async () => (await world.status()).notice !== undefined);
    assert.match((await world.status()).notice.text, told);
  });
}

test("a deletion by others of what nobody touched here is told to nobody", { timeout: 60_000 }, async (t) => {
  const world = await started(t);
  fs.mkdirSync(world.tree("d"));
  fs.writeFileSync(world.tree("d/f"), "before");
  await world.sync();
  await world.change({ change: "delete", base: await versionOf(world, "d"), author, path: "d" });
  await until("it is gone", () => !fs.existsSync(world.tree("d")));
  await world.sync();
  assert.equal((await world.status()).notice, undefined);
});

/** What is here, there and told once others' content met ours. */
async function meet(t, isHeard, ours, mode = 0o644) {
  const before = "before";
  const { world, link: wire } = await linked(t);
  fs.writeFileSync(world.tree("f"), before, { mode: 0o644 });
  await world.sync();
  const theirs = { ...file("f", "theirs, and longer", await versionOf(world, "f")), mtime: 3e15, mode };
  wire(isHeard ? "cut" : "deaf");
  await until("nothing is heard", () => wire.cuts > 0);
  if (!isHeard) assert.ok(await world.change(theirs));
  ours(world.tree("f"));
  if (isHeard) {
    await until("it waits", () => world.mirrorIsOffline());
    assert.ok(await world.change(theirs));
    wire("flow");
  }
  await until("they met", async () => fs.readFileSync(world.tree("f"), "utf8") !== before || (await world.status()).notice !== undefined);
  wire("flow");
  await world.sync();
  const [stored] = (await world.entries()).filter((entry) => entry.path === "f");
  const facts = fs.statSync(world.tree("f"));
  const text = fs.readFileSync(world.tree("f"), "utf8");
  assert.deepEqual([facts.mode & 0o777, sha(text)], [stored.mode, stored.hash]);
  return { text, mode: stored.mode.toString(8), time: facts.mtimeMs, notice: (await world.status()).notice?.text };
}
for (const [isHeard, when] of [[true, "theirs is heard of first"], [false, "ours is sent first"]]) {
  test(`others' content comes over a mere mode, and nobody is told: ${when}`, { timeout: 120_000 }, async (t) => {
    const theirs = { text: "theirs, and longer", mode: "644", time: 3e12, notice: undefined };
    assert.deepEqual(await meet(t, isHeard, (path) => fs.chmodSync(path, 0o755)), { ...theirs, mode: "755" });
    const touched = await meet(t, isHeard, (path) => fs.utimesSync(path, 2e9, 2e9)); // somebody may be writing to it
    assert.deepEqual([touched.text, touched.notice === undefined], ["before", false]);
    const both = await meet(t, isHeard, (path) => fs.chmodSync(path, 0o755), 0o600);
    assert.deepEqual([both.text, both.mode, both.notice === undefined], ["before", "755", false]);
    const changed = await meet(t, isHeard, (path) => fs.writeFileSync(path, "hereby"));
    assert.equal(changed.text, "hereby");
    assert.match(changed.notice, /^f was changed here and elsewhere/);
  });
}
