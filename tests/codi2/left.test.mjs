// A workspace that lost its index and nothing else: what its disk was left with while others went on follows the store, and what
// was changed here goes on top (ADR 8).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { createServer, request } from "node:http";
import { test } from "node:test";
import { World, put, snapshot, until } from "./world.mjs";

test("without its index a disk does not put what it was left with over what the store has since", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  for (const name of ["left", "twice", "brought-back", "put-back", "new-here"]) fs.writeFileSync(world.tree(name), `${name} 1`);
  await world.sync();
  const base = Object.fromEntries((await world.entries()).map((e) => [e.path, e]));
  fs.writeFileSync(world.tree("twice"), "twice 2");
  await world.sync();
  base.twice = (await world.entries()).find((e) => e.path === "twice");
  await world.kill("codi2");
  execFileSync("cp", ["-p", world.tree("put-back"), world.path("put-back.bak")]);
  const hash = (text) => createHash("sha256").update(text).digest("hex");
  for (const path of Object.keys(base)) {
    const text = `${path} of others`;
    assert.ok(await world.change({ change: "put", path, base: base[path].version, author: { kind: "api", id: "usr-other" }, kind: "file", mode: 0o644, mtime: base[path].mtime + 1, size: text.length, hash: hash(text), bytes: Buffer.from(text).toString("base64") }));
  }
  const changed = Date.now();
  await until("files' times are later than that", () => { // they move on in steps
    fs.writeFileSync(world.path("clock"), "");
    return fs.statSync(world.path("clock")).ctimeMs > changed + 1;
  });
  fs.writeFileSync(world.tree("brought-back"), "brought-back 1"); // by a program, now: as it was, and yet a change
  fs.renameSync(world.path("put-back.bak"), world.tree("put-back")); // as it was, with its time
  fs.writeFileSync(world.tree("new-here"), "new-here 2");
  fs.rmSync(world.path("index"), { recursive: true });
  world.disk();
  await world.startCodi2();
  await world.sync();
  const expected = { left: "left of others", twice: "twice of others", "brought-back": "brought-back 1", "put-back": "put-back 1", "new-here": "new-here 2" };
  for (const [path, text] of Object.entries(expected)) assert.equal(fs.readFileSync(world.tree(path), "utf8"), text);
  const stored = await world.stored();
  for (const [path, text] of Object.entries(expected)) assert.match(stored[path], new RegExp(hash(text)));
  const { notices } = await world.status();
  assert.deepEqual(notices.map(({ path }) => path).sort(), ["brought-back", "new-here", "put-back"].map((name) => `/workspace/${name}`), "what went on top is told");
  for (const { text } of notices) assert.match(text, /^\S+ differs from what was stored\. What you have here stays on top; the other version is in its history\.$/);
});

test("without its index a disk follows what others wrote, also what came when the store had gone on", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const hash = (text) => createHash("sha256").update(text).digest("hex");
  const author = { kind: "api", id: "usr-other" };
  const put = (path, base, text) => ({ change: "put", path, base, author, kind: "file", mode: 0o644, mtime: 1.7e15 + base, size: text.length, hash: hash(text), bytes: Buffer.from(text).toString("base64") });
  const link = (path, base, target) => ({ change: "put", path, base, author, kind: "symlink", mode: 0o777, mtime: 1.7e15 + base, target });
  assert.ok(await world.change(put("late", 0, "late 1"), put("gone", 0, "gone 1"), link("link", 0, "old"), link("long", 0, "old".repeat(1000)), put("turned", 0, "turned 1")));
  await until("they are here", () => fs.readdirSync(world.tree()).length === 5);
  await world.sync();
  const base = Object.fromEntries((await world.entries()).map((e) => [e.path, e.version]));
  await world.kill("codi2");
  const before = Object.fromEntries(["late", "gone"].map((name) => [name, fs.readFileSync(world.tree(name))]));
  assert.ok(await world.change(put("late", base.late, "late 2"), { change: "delete", path: "gone", base: base.gone, author }, link("link", base.link, "new"), link("long", base.long, "new".repeat(1000)), { change: "delete", path: "turned", base: base.turned, author }));
  assert.ok(await world.change(link("turned", 0, "a link now")));
  const changed = Date.now();
  await until("what was on its way is here", () => {
    for (const [name, bytes] of Object.entries(before)) {
      fs.writeFileSync(world.tree(name), bytes);
      fs.utimesSync(world.tree(name), 1.7e9, 1.7e9);
    }
    return fs.statSync(world.tree("late")).ctimeMs > changed + 1;
  });
  const count = (await world.events()).length;
  fs.rmSync(world.path("index"), { recursive: true });
  world.disk();
  await world.startCodi2();
  await world.sync();
  assert.deepEqual(fs.readdirSync(world.tree()).sort(), ["late", "link", "long", "turned"]);
  assert.equal(fs.readFileSync(world.tree("late"), "utf8"), "late 2");
  assert.deepEqual(["link", "long", "turned"].map((name) => fs.readlinkSync(world.tree(name))), ["new", "new".repeat(1000), "a link now"]);
  assert.equal((await world.events()).length, count, "the workspace has changed nothing");
});

test("without its index a disk does not bring back folders that others deleted or moved away", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  for (const name of ["turned/deep/er", "turned/empty", "part/in", "part/other", "own", "built/node_modules", "new"]) fs.mkdirSync(world.tree(name), { recursive: true });
  for (const name of ["turned/a", "turned/deep/er/b", "part/in/changed", "part/in/c", "part/other/d", "own/e", "built/f"]) fs.writeFileSync(world.tree(name), `${name} 1`);
  fs.symlinkSync("a", world.tree("turned/link"));
  await world.sync();
  const base = Object.fromEntries((await world.entries()).map((e) => [e.path, e.version]));
  await world.kill("codi2");
  const author = { kind: "api", id: "usr-other" };
  const gone = ["part", "built"].map((path) => ({ change: "delete", path, base: base[path], author }));
  gone.push({ change: "delete", path: "own", base: base.own, author: { kind: "terminal", id: `${world.session}.0123456789abcdef` } });
  assert.ok(await world.change(...gone, { change: "move", path: "turned", to: "web", base: base.turned, to_base: 0, author }));
  const changed = Date.now();
  await until("files' times are later than that", () => {
    fs.writeFileSync(world.path("clock"), "");
    return fs.statSync(world.path("clock")).ctimeMs > changed + 1;
  });
  fs.writeFileSync(world.tree("part/in/changed"), "part/in/changed 2");
  fs.writeFileSync(world.tree("new/g"), "new");
  fs.writeFileSync(world.tree("built/node_modules/made"), "again");
  fs.mkdirSync(world.tree("fresh/x"), { recursive: true });
  fs.writeFileSync(world.tree("fresh/x/h"), "new");
  fs.rmSync(world.path("index"), { recursive: true });
  world.disk();
  await world.startCodi2();
  await world.sync();
  const expected = ["built", "fresh", "fresh/x", "fresh/x/h", "new", "new/g", "own", "own/e", "part", "part/in", "part/in/changed", "web", "web/a", "web/deep", "web/deep/er", "web/deep/er/b", "web/empty", "web/link"];
  assert.deepEqual(Object.keys(await world.stored()).sort(), expected);
  assert.deepEqual(Object.keys(snapshot(world.tree())).sort(), [...expected, "built/node_modules", "built/node_modules/made"].sort());
  assert.equal(fs.readFileSync(world.tree("part/in/changed"), "utf8"), "part/in/changed 2");
  const { versions } = (await world.door("GET", "/past?path=part")).body;
  assert.deepEqual(versions.map(({ op }) => op), ["write", "delete", "write"], "the history has it");
});

test("without its index a disk does not put a folder that others replaced over what stands there", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  for (const name of ["cfg/deep", "link", "mine", "old"]) fs.mkdirSync(world.tree(name), { recursive: true });
  for (const name of ["cfg/a", "cfg/deep/b", "link/c", "mine/d", "mine/e", "old/f"]) fs.writeFileSync(world.tree(name), `${name} 1`);
  await world.sync();
  const base = Object.fromEntries((await world.entries()).map((e) => [e.path, e.version]));
  await world.kill("codi2");
  const author = { kind: "api", id: "usr-other" };
  const text = "a file now";
  const file = { change: "put", base: 0, author, kind: "file", mode: 0o644, mtime: 1.7e15, size: text.length, hash: createHash("sha256").update(text).digest("hex"), bytes: Buffer.from(text).toString("base64") };
  assert.ok(await world.change(...["cfg", "link", "mine", "old"].map((path) => ({ change: "delete", path, base: base[path], author }))));
  assert.ok(await world.change({ ...file, path: "cfg" }, { ...file, path: "mine" }, { change: "put", path: "link", base: 0, author, kind: "symlink", mode: 0o777, mtime: 1.7e15, target: "cfg" }));
  const changed = Date.now();
  await until("files' times are later than that", () => {
    fs.writeFileSync(world.path("clock"), "");
    return fs.statSync(world.path("clock")).ctimeMs > changed + 1;
  });
  fs.writeFileSync(world.tree("mine/d"), "mine/d 2");
  const count = (await world.events()).length;
  fs.rmSync(world.path("index"), { recursive: true });
  world.disk();
  await world.startCodi2();
  await world.sync();
  assert.deepEqual(fs.readdirSync(world.tree()).sort(), ["cfg", "link", "mine"]);
  assert.equal(fs.readFileSync(world.tree("cfg"), "utf8"), text);
  assert.equal(fs.readlinkSync(world.tree("link")), "cfg");
  assert.deepEqual(fs.readdirSync(world.tree("mine")), ["d"], "what was changed here keeps its folder");
  assert.deepEqual(Object.keys(await world.stored()).sort(), ["cfg", "link", "mine", "mine/d"]);
  assert.ok((await world.events()).slice(count).every(({ path }) => path === "mine" || path === "mine/d"), "nothing else was changed from here");
  const { notices } = await world.status();
  assert.deepEqual(notices.map(({ path, text }) => [path, text.split(" ").slice(0, 2).join(" ")]), [["/workspace/mine", "mine differs"]]);
});

test("without its index a disk that has no room for both lets go of what was left before it fetches", { timeout: 60_000, skip: process.getuid() !== 0 && "mounting wants root" }, async (t) => {
  t.after(() => execFileSync("umount", ["-l", world.tree()])); // before the world removes it
  const world = new World(t);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", world.tree()]);
  await world.startServer();
  await world.startCodi2();
  const bytes = randomBytes(600 * 1024);
  fs.writeFileSync(world.tree("left"), bytes);
  await world.sync();
  const [{ version }] = await world.entries();
  await world.kill("codi2");
  assert.ok(await world.change({ change: "move", path: "left", to: "arrived", base: version, to_base: 0, author: { kind: "api", id: "usr-other" } }));
  fs.rmSync(world.path("index"), { recursive: true });
  world.disk();
  await world.startCodi2();
  await until("it is here", () => fs.existsSync(world.tree("arrived")));
  await world.sync();
  assert.deepEqual(fs.readdirSync(world.tree()), ["arrived"]);
  assert.ok(fs.readFileSync(world.tree("arrived")).equals(bytes));
});

test("without its index a disk does not bring back what others deleted or moved away", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  for (const name of ["d", "whole"]) fs.mkdirSync(world.tree(name));
  for (const name of ["d/gone", "d/left", "d/changed", "d/put-back", "d/stays", "d/own", "whole/in"]) fs.writeFileSync(world.tree(name), `${name} 1`);
  await world.sync();
  const base = Object.fromEntries((await world.entries()).map((e) => [e.path, e.version]));
  await world.kill("codi2");
  execFileSync("cp", ["-p", world.tree("d/put-back"), world.path("put-back.bak")]);
  const author = { kind: "api", id: "usr-other" };
  const gone = ["d/gone", "d/changed", "d/put-back", "whole"].map((path) => ({ change: "delete", path, base: base[path], author }));
  gone.push({ change: "delete", path: "d/own", base: base["d/own"], author: { kind: "terminal", id: `${world.session}.0123456789abcdef` } }); // it saw it gone once
  assert.ok(await world.change(...gone, { change: "move", path: "d/left", to: "arrived", base: base["d/left"], to_base: 0, author }));
  const changed = Date.now();
  await until("files' times are later than that", () => {
    fs.writeFileSync(world.path("clock"), "");
    return fs.statSync(world.path("clock")).ctimeMs > changed + 1;
  });
  fs.writeFileSync(world.tree("d/changed"), "d/changed 2");
  fs.renameSync(world.path("put-back.bak"), world.tree("d/put-back")); // as it was, with its time
  fs.writeFileSync(world.tree("d/new"), "d/gone 1");
  fs.rmSync(world.path("index"), { recursive: true });
  world.disk();
  await world.startCodi2();
  await world.sync();
  const expected = ["arrived", "d", "d/changed", "d/new", "d/own", "d/put-back", "d/stays"];
  assert.deepEqual(Object.keys(snapshot(world.tree())).sort(), expected);
  assert.deepEqual(Object.keys(await world.stored()).sort(), expected);
  assert.equal(fs.readFileSync(world.tree("arrived"), "utf8"), "d/left 1");
  assert.equal(fs.readFileSync(world.tree("d/changed"), "utf8"), "d/changed 2");
  const { versions } = (await world.door("GET", "/past?path=d/gone")).body;
  assert.deepEqual(versions.map(({ op }) => op), ["delete", "write"], "the history has it");
});

/** A server before the wire's; `first` is done before the first question for changes behind a comparison. */
async function between(t, world, first) {
  let state = "nothing";
  const server = createServer(async (req, res) => {
    if (req.url.startsWith("/wire/tree")) state = state === "nothing" ? "compares" : state;
    if (state === "compares" && /^\/wire\/changes\?(?!.*wait=[1-9])/.test(req.url) && req.method === "GET") {
      state = "compared";
      await first();
    }
    req.pipe(request({ socketPath: world.path("wire.sock"), method: req.method, path: req.url, headers: req.headers, agent: false }, (reply) => {
      res.writeHead(reply.statusCode, reply.headers);
      reply.pipe(res);
    }).on("error", () => res.destroy()));
  });
  t.after(() => { server.closeAllConnections(); server.close(); });
  await new Promise((resolve) => server.listen(world.path("between.sock"), resolve));
}

test("without its index a disk follows what others do while it is compared", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  for (const name of ["written", "deleted", "stays"]) fs.writeFileSync(world.tree(name), `${name} 1`);
  fs.symlinkSync("one", world.tree("link"));
  await world.sync();
  const base = Object.fromEntries((await world.entries()).map((e) => [e.path, e.version]));
  await world.kill("codi2");
  fs.rmSync(world.path("index"), { recursive: true });
  world.disk();
  const author = { kind: "api", id: "usr-other" };
  let count;
  await between(t, world, async () => {
    assert.ok(await world.change(put("written", "theirs", base.written), { change: "delete", path: "deleted", base: base.deleted, author },
      { change: "put", path: "link", base: base.link, author, kind: "symlink", mode: 0o777, mtime: 1, target: "two" }));
    count = (await world.events()).length;
  });
  await world.startCodi2(["--wire", world.path("between.sock")]);
  await until("it is here", () => fs.readFileSync(world.tree("written"), "utf8") === "theirs" && !fs.existsSync(world.tree("deleted")));
  await world.sync();
  assert.deepEqual(fs.readdirSync(world.tree()).sort(), ["link", "stays", "written"]);
  assert.equal(fs.readlinkSync(world.tree("link")), "two");
  assert.equal((await world.events()).length, count, "the workspace has changed nothing");
  assert.equal((await world.status()).notices, undefined);
});
