// What goes wrong around a workspace is shown in the status, holds no truth back, and is over without anybody's help.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { linked, snapshot, until, World } from "./world.mjs";

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
  await persisted(world);
});

test("more files with several names than can be watched: the same", { timeout: 60_000, skip: noLimit }, async (t) => {
  const world = new World(t);
  await world.startServer();
  for (let i = 0; i < 2 * WATCHES; i++) {
    fs.writeFileSync(world.tree(`a${i}`), "1");
    fs.linkSync(world.tree(`a${i}`), world.tree(`b${i}`));
  }
  await world.startCodi2([], {}, limited);
  await world.sync();
  assert.match((await world.status()).message, /Not every file with several names can be watched/);
  for (let i = WATCHES / 2; i < 2 * WATCHES; i++) for (const name of ["a", "b"]) fs.rmSync(world.tree(`${name}${i}`));
  await until("all files are watched", async () => { await world.sync(); return (await world.status()).message === undefined; });
  await persisted(world);
});

const faulty = (settings) => ({ LD_PRELOAD: join(process.env.CODITECT_BUILD, "tests/codi2/faults.so"), ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0`, ...settings });

/** Made elsewhere: its place alone is heard of, and what is in it is had by listing it. */
function putFolder(world, name) {
  fs.mkdirSync(world.path("aside"));
  for (let i = 0; i < 5; i++) fs.writeFileSync(world.path("aside", `f${i}`), "1");
  fs.renameSync(world.path("aside"), world.tree(name));
}

test("a folder that cannot be read to its end: it is said, none of it is taken for deleted, all else goes on, and it ends with that", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  putFolder(world, "before");
  await world.startCodi2([], faulty({ FAULT_LIST: world.tree("list") }));
  await world.sync();
  fs.renameSync(world.tree("before"), world.tree("list"));
  putFolder(world, "list/in");
  await until("it is said", async () => /^A folder cannot be listed whole/.test(await said(world)));
  assert.notEqual((await world.status()).state, "persisted");
  fs.writeFileSync(world.tree("elsewhere"), "goes on");
  await until("all else goes on", async () => "elsewhere" in (await world.stored()));
  const stored = Object.keys(await world.stored());
  for (let i = 0; i < 5; i++) assert.ok(stored.includes(`list/f${i}`) || stored.includes(`before/f${i}`), `${stored}`);
  fs.renameSync(world.tree("list"), world.tree("after"));
  await persisted(world);
  await world.sync();
  assert.deepEqual(Object.keys(await world.stored()), Object.keys(snapshot(world.tree())));
});

test("more names in a folder than are looked at: it is said, what was found is stored, and it ends with them", { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2(["--sweep", "1"], faulty({ FAULT_CROWD: world.tree("crowd") }));
  await world.sync();
  putFolder(world, "crowd");
  await until("it is said", async () => /^A folder cannot be listed whole/.test(await said(world)), 90);
  await until("what was found is stored", async () => "crowd/f4" in (await world.stored()), 90);
  fs.renameSync(world.tree("crowd"), world.tree("clear"));
  await until("it is over", async () => (await said(world)) === "", 90);
});

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
const said = async (world) => (await world.status()).message ?? "";
const persisted = (world) => until("it goes on by itself", async () => { const { state, pending, message } = await world.status(); return state === "persisted" && pending === 0 && message === undefined; });
/** A file that is there at once: of one that is looked at while it is written a part is stored, which takes room. */
function appear(world, name, bytes) {
  fs.writeFileSync(world.path("draft"), bytes);
  fs.renameSync(world.path("draft"), world.tree(name));
}
const storedSize = async (world, name) => (await world.entries()).find(({ path }) => path === name)?.size;

test("the session's storage is full: it is said, nothing is cut short, and it ends with what takes the room", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer({ WIRE_QUOTA: "1000000" });
  await world.startCodi2();
  appear(world, "a", randomBytes(600_000));
  for (const name of ["moved", "left"]) fs.mkdirSync(world.tree(name));
  for (const name of ["kept", "tiny", "moved/in", "left/out", "left/gone", "turned"]) fs.writeFileSync(world.tree(name), "before");
  for (let i = 0; i < 300; i++) fs.writeFileSync(world.tree(`old ${i}`), "");
  await world.sync();
  const large = randomBytes(600_000);
  appear(world, "large", large);
  await until("it is told", async () => /^Your storage is full\. What you change stays/.test(await said(world)));
  await until("it says so", async () => { const { state, pending } = await world.status(); return state === "offline" && pending > 0; });
  assert.equal((await world.door("POST", "/sync")).status, 503, "a barrier says so, and does not wait for nothing");
  assert.equal((await world.door("POST", "/sync?root=workspace")).status, 409);
  assert.deepEqual([await storedSize(world, "large"), await storedSize(world, "a")], [undefined, 600_000]);
  fs.writeFileSync(world.tree("kept"), "changed");
  fs.renameSync(world.tree("moved"), world.tree("here"));
  fs.writeFileSync(world.tree("here/new"), "below what moved");
  fs.renameSync(world.tree("left/out"), world.tree("out"));
  fs.rmSync(world.tree("left"), { recursive: true });
  fs.rmSync(world.tree("turned"));
  fs.mkdirSync(world.tree("turned"));
  fs.writeFileSync(world.tree("turned/new"), "a folder now");
  fs.rmSync(world.tree("tiny"));
  assert.equal((await world.door("POST", "/sync")).status, 503);
  assert.match(await said(world), /^Your storage is full/, "also when a file has become a folder");
  assert.equal(await storedSize(world, "tiny"), 6, "what is deleted does not go without what is written, when that is all");
  for (let i = 0; i < 300; i++) fs.rmSync(world.tree(`old ${i}`));
  assert.equal((await world.door("POST", "/sync")).status, 503);
  assert.equal(Object.keys(await world.stored()).filter((path) => path.startsWith("old ")).length, 300, "nor do many, in one batch");
  fs.rmSync(world.tree("a"));
  await persisted(world);
  const stored = await world.stored();
  assert.deepEqual(Object.keys(stored).sort(), ["here", "here/in", "here/new", "kept", "large", "out", "turned", "turned/new"]);
  assert.deepEqual([stored.large.split(" ")[2], stored.kept.split(" ")[2]], [hash(large), hash("changed")]);
  const events = await world.events();
  for (const [from, path] of [["moved", "here"], ["left/out", "out"]]) {
    const last = events.filter((e) => e.path === path || e.path === from).at(-1);
    assert.deepEqual([last.op, last.from, last.path], ["move", from, path]);
  }
});

test("the tenant's history fills its room: it is said, and goes on by itself when what waits needs none, or there is more", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer({ WIRE_STORED: "1000000" });
  await world.startCodi2();
  let last;
  for (let i = 0; i < 3; i++) { // one file, which never grows
    appear(world, "doc", last = randomBytes(300_000));
    await world.sync();
  }
  const full = () => until("it is told", async () => /^Your storage is full\. What you change stays/.test(await said(world)));
  const inStore = async () => (await world.stored()).doc.split(" ")[2];
  const next = randomBytes(300_000);
  appear(world, "doc", next);
  await full();
  assert.equal((await world.door("POST", "/sync")).status, 503);
  assert.equal(await inStore(), hash(last), "not a part of it");
  appear(world, "doc", last);
  fs.writeFileSync(world.tree("few"), "bytes");
  await persisted(world);
  fs.rmSync(world.tree("few"));
  fs.mkdirSync(world.tree("folder"));
  await persisted(world);
  appear(world, "doc", next);
  await full();
  await world.kill("server");
  await world.startServer({ WIRE_STORED: "2000000" });
  await persisted(world);
  assert.equal(await inStore(), hash(next));
});

test("a file that changes while it is read is read again: no mixture becomes a version", { timeout: 60_000 }, async (t) => {
  const { world, link } = await linked(t);
  await world.sync();
  const draft = world.tree(".coditect-0123456789abcdef"); // so that it is there at once
  fs.writeFileSync(draft, randomBytes(12_000_000));
  link("hold");
  await until("it is held", () => link.cuts > 0);
  fs.renameSync(draft, world.tree("large"));
  const fds = `/proc/${world.codi2.pid}`;
  const reading = () => fs.readdirSync(`${fds}/fd`).find((fd) => { try { return fs.readlinkSync(`${fds}/fd/${fd}`).endsWith("/tree/large"); } catch { return false; } });
  await until("it is being read", () => { const fd = reading(); return fd && Number(/pos:\s+(\d+)/.exec(fs.readFileSync(`${fds}/fdinfo/${fd}`, "utf8"))[1]) > 1_000_000; });
  const after = randomBytes(12_000_000);
  const fd = fs.openSync(world.tree("large"), "r+");
  fs.writeSync(fd, after);
  fs.closeSync(fd);
  link("flow");
  await world.sync();
  const versions = (await world.events()).filter(({ path }) => path === "large");
  assert.deepEqual(versions.map((one) => one.hash), [hash(after)]);
});

test("the workspace's disk is read-only: it is said, and over when it is not", { timeout: 60_000, skip: process.getuid() !== 0 && "mounting wants root" }, async (t) => {
  const world = new World(t);
  const small = fs.mkdtempSync(join(tmpdir(), "coditect-small-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "none", small]);
  t.after(() => { execFileSync("umount", ["-l", small]); fs.rmdirSync(small); });
  await world.startServer();
  await world.startCodi2(["--workspace", small]);
  fs.writeFileSync(join(small, "file"), "before");
  await world.sync();
  const { version } = (await world.entries()).find(({ path }) => path === "file");
  const remount = (how) => until("remounted", () => spawnSync("mount", ["-o", `remount,${how}`, small]).status === 0); // not while something is open for writing
  await remount("ro");
  assert.ok(await world.change({ change: "put", base: version, author: { kind: "api", id: "" }, path: "file", kind: "file", mode: 0o644, mtime: 1e15, size: 5, hash: hash("after"), bytes: Buffer.from("after").toString("base64") }));
  await until("it is told", async () => /disk cannot be read or written/.test(await said(world)));
  await until("it says so", async () => (await world.status()).state === "offline");
  assert.equal(fs.readFileSync(join(small, "file"), "utf8"), "before");
  await remount("rw");
  await persisted(world);
  assert.equal(fs.readFileSync(join(small, "file"), "utf8"), "after");
});

test("the server is away while much changes: it is said, it waits on the disk, and is stored by itself", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree("moved"));
  for (const name of ["moved/in", "gone", "changed"]) fs.writeFileSync(world.tree(name), name);
  await world.sync();
  await world.kill("server");
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 200; j++) fs.writeFileSync(world.tree(`new ${j}`), `${i} ${j}`);
    fs.appendFileSync(world.tree("changed"), `${i}`);
    await until("it is told", async () => { const { state, pending } = await world.status(); return state === "offline" && pending >= 200; });
  }
  fs.renameSync(world.tree("moved"), world.tree("here"));
  fs.rmSync(world.tree("gone"));
  await world.kill("codi2"); // its memory is none of what waits
  await world.startCodi2();
  await until("it is told again", async () => (await world.status()).state === "offline");
  await world.startServer();
  await persisted(world);
  const stored = await world.stored();
  assert.deepEqual([Object.keys(stored).length, stored["here/in"].split(" ")[2], stored.changed.split(" ")[2], stored["new 7"].split(" ")[2]], [203, hash("moved/in"), hash("changed012"), hash("2 7")]);
});

/** Of its own, in bytes: what it maps of files is the kernel's to take away. */
const memoryOf = (pid) => 1024 * Number(/RssAnon:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

test("what changes while the server is away waits on the disk alone: memory does not grow with it", { timeout: 180_000 }, async (t) => {
  const FILES = 500;
  const world = new World(t);
  await world.startServer();
  await world.startCodi2([], { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:quarantine_size_mb=0:thread_local_quarantine_size_kb=0` });
  await world.sync();
  await world.kill("server");
  const noise = randomBytes(200_000);
  let n = 0;
  const work = async () => {
    for (let i = 0; i < FILES; i++) {
      fs.writeFileSync(world.tree(`f${i}`), `${n++}`);
      if (i % 10 === 0) fs.writeFileSync(world.tree(`large ${i}`), noise.fill(n % 256, n % 1000)); // 10 MB a round
    }
    await until("all of it is seen", async () => { const { state, pending } = await world.status(); return state === "offline" && pending >= FILES; });
  };
  for (let i = 0; i < 3; i++) await work();
  const before = memoryOf(world.codi2.pid);
  for (let i = 0; i < 20; i++) await work();
  const more = memoryOf(world.codi2.pid) - before;
  t.diagnostic(`${more >> 10} KiB more after ${20 * FILES} more changes and ${20 * FILES / 10 * 200} KB`);
  assert.ok(more < 8 << 20, `${more} bytes`);
  await world.startServer();
  await persisted(world);
  const stored = await world.stored();
  assert.equal(Object.keys(stored).length, FILES + FILES / 10);
  assert.equal(stored.f499.split(" ")[2], hash(`${n - 1}`));
  assert.equal(stored["large 490"].split(" ")[2], hash(fs.readFileSync(world.tree("large 490"))));
});

test("the workspace's disk is full: it is said, and over when there is room", { timeout: 60_000, skip: process.getuid() !== 0 && "mounting wants root" }, async (t) => {
  const world = new World(t);
  const small = fs.mkdtempSync(join(tmpdir(), "coditect-small-"));
  // Room for the log of the index, which is written back at 4 MB: the more rounds a slow machine makes of it the longer it becomes.
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "none", small]);
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
  await until("it says so", async () => (await world.status()).state === "offline");
  fs.rmSync(filler);
  await until("it goes on", () => world.sync().then(() => true));
  const { state, message } = await world.status();
  assert.deepEqual([state, message], ["persisted", undefined]);
  assert.equal(Object.keys(await world.stored()).length, 400);
});

test("the server is away: whoever asks for it waits longer each time, and once it is back all goes on soon", { timeout: 60_000 }, async (t) => {
  const { world, link } = await linked(t);
  await world.sync();
  const gaps = (call) => {
    const times = link.refused.filter((one) => one.call === call).map((one) => one.at);
    return times.slice(1).map((time, i) => time - times[i]);
  };
  const grown = async (call) => { // 0.1, 0.2, 0.4, 0.8, 1.6 s after another, or half of that
    await until(`tries of ${call}`, () => gaps(call).length >= 5);
    const five = gaps(call).slice(0, 5);
    t.diagnostic(`${call}: ${five.map(Math.round)} ms`);
    assert.ok(five[4] >= 790 && five[4] > 2 * Math.min(five[0], five[1]), `${call}: tried after ${five}`);
    return five;
  };
  link("refuse");
  const [listener, reporter] = await Promise.all(["GET /wire/changes", "POST /wire/status"].map(grown));
  assert.notDeepEqual(listener.map(Math.round), reporter.map(Math.round)); // by chance, each its own
  fs.writeFileSync(world.tree("a"), "a change asks for the server as well");
  await grown("POST /wire/hello");
  const back = performance.now();
  link("flow");
  await persisted(world);
  await until("the others' changes come again", async () => {
    await world.change({ change: "put", path: "b", base: 0, author: { kind: "api", id: "usr-other" }, kind: "file", mode: 0o644, mtime: 1e15, size: 1, hash: hash("b"), bytes: Buffer.from("b").toString("base64") });
    return fs.existsSync(world.tree("b"));
  });
  const took = performance.now() - back;
  t.diagnostic(`all went on after ${Math.round(took)} ms`);
  assert.ok(took < 15_000, `it took ${took} ms`); // the longest pause is 10 s
});

test("what changes here while the server is silent about others' changes is not called persisted", { timeout: 60_000 }, async (t) => {
  const { world, link } = await linked(t);
  fs.writeFileSync(world.tree("theirs"), "one");
  await world.sync();
  await persisted(world);
  const [theirs] = await world.entries();

  link("mute"); // it hears that there is something, and asks in vain what
  assert.ok(await world.change({ change: "delete", path: "theirs", base: theirs.version, author: { kind: "api", id: "usr-other" } }));
  await until("it has asked", () => link.cuts > 0);
  fs.writeFileSync(world.tree("ours"), "two");
  await until("it says so", async () => (await world.status()).state === "persisting", 20);
  assert.ok((await world.status()).pending > 0);
  link("flow");
  await world.sync();
  await persisted(world);
  assert.deepEqual((await world.entries()).map(({ path }) => path), ["ours"]);
});
