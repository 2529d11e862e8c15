// The store's disk loses a bit of what one file is: that file is told, and not restored; everything else comes back and goes on, nothing
// is taken for a deletion, and once the store is mended the file comes by itself.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { expected, told } from "./model.mjs";
import { World, call, linked, put, snapshot, until } from "./world.mjs";

const author = { kind: "api", id: "usr-other" };

async function stopServer(world) {
  await world.kill("server");
  const database = fs.readdirSync(world.path("store")).find((name) => name.endsWith(".db"));
  execFileSync("python3", ["-c", "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('pragma wal_checkpoint(truncate)')", world.path("store", database)]);
}

/** One bit of these bytes, wherever the store has them, while no server runs; the same again mends it. */
function flip(world, part, change = (byte) => byte ^ 1) {
  let found = 0;
  const visit = (folder) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) { visit(path); continue; }
      const bytes = fs.readFileSync(path);
      for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + 1)) {
        bytes[at] = change(bytes[at]);
        found++;
      }
      fs.writeFileSync(path, bytes);
    }
  };
  visit(world.path("store"));
  assert.ok(found > 0, "the store has these bytes as they are");
}
const damagedOf = (part) => Buffer.concat([Buffer.from([part[0] ^ 1]), part.subarray(1)]);

const failed = async (world) => Object.fromEntries((await world.status()).failed.map(({ path, why }) => [path.replace("/workspace/", ""), why]));
const isSettled = async (world) => { const { state, pending } = await world.status(); return state === "persisted" && pending === 0; };
const ofPath = async (world, path) => (await world.events()).filter((event) => event.path === path);

function loseDisk(world) {
  for (const name of ["tree", "index"]) fs.rmSync(world.path(name), { recursive: true });
  world.disk();
}

/** relay.sock: the server, but of what is damaged it says that. */
async function relay(t, world, isDamaged) {
  const between = createServer((req, res) => {
    if (isDamaged(req.url)) {
      res.writeHead(500, { "Content-Type": "application/json" });
      res.end('{"success":false,"error":{"code":"corrupt","message":"Stored data is damaged.","request_id":"req-1"}}');
      return;
    }
    req.pipe(request({ socketPath: world.path("wire.sock"), method: req.method, path: req.url, headers: req.headers, agent: false }, (reply) => {
      res.writeHead(reply.statusCode, reply.headers);
      reply.pipe(res);
    }).on("error", () => res.destroy()));
  });
  t.after(() => { between.closeAllConnections(); between.close(); });
  await new Promise((resolve) => between.listen(world.path("relay.sock"), resolve));
}

test("a restore leaves out what is damaged, goes on, and brings it once the store is mended", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree("folder"));
  const parts = { chunk: randomBytes(3000), "folder/small": randomBytes(200), large: randomBytes(300_000), overwritten: randomBytes(3000) };
  for (const [name, bytes] of Object.entries(parts)) fs.writeFileSync(world.tree(name), bytes);
  for (let i = 0; i < 8; i++) {
    fs.writeFileSync(world.tree(`whole-${i}`), randomBytes(3000));
    fs.writeFileSync(world.tree(`folder/tiny-${i}`), `tiny ${i}`);
  }
  fs.symlinkSync("somewhere-that-is-told-nowhere-else", world.tree("link"));
  parts.link = Buffer.from("somewhere-that-is-told-nowhere-else");
  const target = randomBytes(700).toString("base64"); // no text that is packed to fewer bytes
  fs.symlinkSync(target, world.tree("long-link"));
  await world.sync();
  const before = snapshot(world.tree());
  const stored = await world.stored();
  const count = (await world.events()).length;
  await world.kill("codi2");
  await stopServer(world);
  const needles = Object.values(parts).map((bytes) => bytes.subarray(-40)); // of the large file that is its last chunk
  for (const needle of needles) flip(world, needle);
  loseDisk(world);

  await world.startServer();
  await world.startCodi2();
  await until("the rest is here", () => isSettled(world), 60);
  const damaged = Object.keys(parts).sort();
  const rest = Object.fromEntries(Object.entries(before).filter(([path]) => !damaged.includes(path)));
  assert.deepEqual(snapshot(world.tree()), rest);
  assert.deepEqual(await failed(world), Object.fromEntries(damaged.map((path) => [path, "damaged"])));
  assert.equal((await world.status()).damaged_count, damaged.length);
  assert.equal((await world.door("GET", "/await?path=chunk")).status, 204, "nobody waits for what cannot come");
  fs.writeFileSync(world.tree("new"), "new");
  await world.sync();
  assert.equal((await world.events()).length, count + 1, "nothing was deleted, and what is new is stored");

  fs.writeFileSync(world.tree("overwritten"), "mine");
  await world.sync();
  assert.equal((await ofPath(world, "overwritten")).length, 2, "what is written there stands on top of the damaged version");
  assert.match((await world.status()).message, /overwritten was changed here and elsewhere/);
  await until("it is not damaged any more", async () => !("overwritten" in await failed(world)));

  await world.kill("codi2");
  await world.startCodi2();
  await until("it is told after a new start", async () => (await isSettled(world)) && "chunk" in await failed(world));
  await world.sync();
  assert.deepEqual(Object.keys(await failed(world)).sort(), damaged.filter((path) => path !== "overwritten"));
  assert.equal((await world.events()).length, count + 2);

  await stopServer(world);
  for (const needle of needles) flip(world, damagedOf(needle));
  await world.startServer();
  await until("it comes by itself", async () => (await isSettled(world)) && Object.keys(await failed(world)).length === 0, 60);
  const mended = snapshot(world.tree());
  for (const path of Object.keys(before).filter((one) => one !== "overwritten")) assert.equal(mended[path], before[path], path);
  const now = await world.stored();
  for (const path of Object.keys(stored).filter((one) => one !== "overwritten")) assert.equal(now[path], stored[path], path);
  assert.equal((await world.events()).length, count + 2);
});

test("a change by others that is damaged leaves what is here, which is no change; what is done to it is told and kept beside", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const names = ["edited", "deleted", "moved", "untouched", "replaced-by-link"];
  for (const name of names) fs.writeFileSync(world.tree(name), `${name} as it was`);
  await world.sync();
  await world.kill("codi2");
  const versionsOf = async () => Object.fromEntries((await world.entries()).map(({ path, version }) => [path, version]));
  const versions = await versionsOf();
  const theirs = Object.fromEntries([...names, "new"].map((name) => [name, randomBytes(100)]));
  const mtime = 1e15;
  for (const [path, bytes] of Object.entries(theirs)) {
    const hash = execFileSync("sha256sum", { input: bytes }).toString().slice(0, 64);
    const one = path === "replaced-by-link"
      ? { kind: "symlink", target: "nowhere-that-is-known-elsewhere" }
      : { kind: "file", hash, size: bytes.length, bytes: bytes.toString("base64") };
    if (path === "replaced-by-link") assert.ok(await world.change({ change: "delete", path, base: versions[path], author }));
    assert.ok(await world.change({ change: "put", path, base: path === "replaced-by-link" ? 0 : versions[path] ?? 0, author, mode: 0o644, mtime, ...one }), path);
  }
  theirs["replaced-by-link"] = Buffer.from("nowhere-that-is-known-elsewhere");
  await stopServer(world);
  for (const bytes of Object.values(theirs)) flip(world, bytes);
  await world.startServer();
  await world.startCodi2();
  await until("they are told", async () => (await isSettled(world)) && Object.keys(await failed(world)).length === 6, 60);
  await world.sync();
  const count = (await world.events()).length;
  assert.deepEqual(Object.values(await failed(world)), Array(6).fill("damaged"));
  for (const name of ["edited", "deleted", "moved", "untouched"]) assert.equal(fs.readFileSync(world.tree(name), "utf8"), `${name} as it was`);
  assert.ok(!fs.existsSync(world.tree("new")));

  fs.writeFileSync(world.tree("edited"), "mine");
  fs.rmSync(world.tree("deleted"));
  await world.sync();
  assert.deepEqual((await ofPath(world, "edited")).map(({ op }) => op), ["write", "write", "write"], "theirs is between");
  assert.deepEqual((await ofPath(world, "deleted")).map(({ op }) => op), ["write", "write"], "what they wrote is not deleted");
  assert.ok("deleted" in await failed(world));
  const moved = (await world.entries()).find(({ path }) => path === "moved");
  assert.ok(await world.change({ change: "move", path: "moved", to: "elsewhere", base: moved.version, to_base: 0, author }));
  await until("it is told where it is now", async () => { const now = await failed(world); return "elsewhere" in now && !("moved" in now); });
  await world.sync();
  assert.deepEqual((await ofPath(world, "elsewhere")).map(({ op }) => op), ["move"], "the older content is no version on top of theirs");
  const before = await versionsOf();

  await stopServer(world);
  for (const bytes of Object.values(theirs)) flip(world, damagedOf(bytes));
  await world.startServer();
  await until("all is here", async () => (await isSettled(world)) && Object.keys(await failed(world)).length === 0, 60);
  await world.sync();
  for (const [path, name] of [["untouched", "untouched"], ["deleted", "deleted"], ["elsewhere", "moved"], ["new", "new"]]) assert.deepEqual(fs.readFileSync(world.tree(path)), theirs[name], path);
  assert.equal(fs.readlinkSync(world.tree("replaced-by-link")), String(theirs["replaced-by-link"]));
  assert.equal(fs.readFileSync(world.tree("edited"), "utf8"), "mine");
  assert.deepEqual(await versionsOf(), before);
  assert.equal((await world.events()).length, count + 2);
});

test("what is damaged in the store comes back with a disk that has it", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const parts = { chunk: randomBytes(3000), large: randomBytes(300_000) };
  for (const [name, bytes] of Object.entries(parts)) fs.writeFileSync(world.tree(name), bytes);
  await world.sync();
  await world.kill("codi2");
  await stopServer(world);
  for (const bytes of Object.values(parts)) flip(world, bytes.subarray(-40));
  loseDisk(world);
  await world.startServer();
  await world.startCodi2();
  await until("both are told", async () => (await isSettled(world)) && Object.keys(await failed(world)).length === 2, 60);

  // Somebody has the same bytes elsewhere, and writes them here.
  for (const [name, bytes] of Object.entries(parts)) fs.writeFileSync(world.tree(name), bytes);
  await world.sync();
  await until("they are not damaged any more", async () => Object.keys(await failed(world)).length === 0, 60);
  const comesBack = async () => {
    await world.kill("codi2");
    loseDisk(world);
    await world.startCodi2();
    await until("all is here", () => isSettled(world), 60);
    for (const [name, bytes] of Object.entries(parts)) assert.ok(fs.existsSync(world.tree(name)) && fs.readFileSync(world.tree(name)).equals(bytes), name);
    assert.deepEqual(await failed(world), {});
  };
  await comesBack();

  // Found while the workspace is away; its disk is compared without an index, as after each boot of its machine.
  await world.kill("codi2");
  await stopServer(world);
  flip(world, parts.chunk.subarray(-40));
  await world.startServer();
  const hash = createHash("sha256").update(parts.chunk).digest("hex");
  const status = async () => (await call(world.path("wire.sock"), "GET", `/wire/chunks/${hash}`, { Authorization: `Bearer ${world.token}` })).status;
  assert.equal(await status(), 500);
  const versions = (await world.events()).length;
  fs.rmSync(world.path("index"), { recursive: true });
  world.disk();
  await world.startCodi2();
  await until("it is whole", async () => (await isSettled(world)) && (await status()) === 200, 60);
  assert.equal((await world.events()).length, versions, "nothing changed");
  await comesBack();
});

test("what is found damaged while a workspace runs that has it is mended by that, bit by bit", { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2(["--sweep", "1"]);
  const parts = { chunk: randomBytes(3000), large: randomBytes(300_000) };
  for (let i = 0; i < 1500; i++) fs.writeFileSync(world.tree(`among ${i}`), Buffer.alloc(1000, `${i} `)); // more than are offered in one go
  for (const [name, bytes] of Object.entries(parts)) fs.writeFileSync(world.tree(name), bytes);
  await world.sync();
  const versions = Object.fromEntries((await world.entries()).map(({ path, version }) => [path, version]));
  const isWhole = (name) => new Promise((resolve) => { // one that is not is broken off
    const path = `/wire/past/content?path=${name}&version=${versions[name]}`;
    request({ socketPath: world.path("wire.sock"), path, headers: { Authorization: `Bearer ${world.token}` }, agent: false }, (reply) => {
      reply.on("error", () => {}).on("close", () => resolve(reply.complete && reply.statusCode === 200)).resume();
    }).on("error", () => resolve(false)).end();
  });
  for (const name of Object.keys(parts)) assert.ok(await isWhole(name));
  await stopServer(world);
  for (const bytes of Object.values(parts)) flip(world, bytes.subarray(-40));
  await world.startServer();
  const events = await world.events();
  for (const name of Object.keys(parts)) assert.ok(!(await isWhole(name)), "whoever reads it finds it");
  for (const name of Object.keys(parts)) await until(`${name} is whole`, () => isWhole(name), 60);
  assert.deepEqual(await world.events(), events, "nothing changed");
  await world.kill("codi2");
  loseDisk(world);
  await world.startCodi2();
  await until("all is here", () => isSettled(world), 60);
  for (const [name, bytes] of Object.entries(parts)) assert.ok(fs.readFileSync(world.tree(name)).equals(bytes), name);
});

test("what is damaged is asked for again by the clock", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.writeFileSync(world.tree("a"), randomBytes(3000));
  await world.sync();
  const before = snapshot(world.tree());
  await world.kill("codi2");
  loseDisk(world);

  let damaged = true;
  await relay(t, world, (url) => damaged && url.startsWith("/wire/chunks"));
  await world.startCodi2(["--wire", world.path("relay.sock")], {
    LD_PRELOAD: join(process.env.CODITECT_BUILD, "tests/codi2/clock.so"),
    CLOCK_RATE: "20", // a minute is three seconds
    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0`,
  });
  await until("it is told", async () => (await failed(world)).a === "damaged");
  assert.deepEqual(snapshot(world.tree()), {});
  damaged = false;
  await until("it is here", async () => (await isSettled(world)) && Object.keys(await failed(world)).length === 0);
  assert.deepEqual(snapshot(world.tree()), before);
  assert.equal((await world.events()).length, 1);
});

test("an older store is put back beside a living workspace: what the disk has is in it again", { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree("folder"));
  for (const name of ["same", "changed", "folder/deleted"]) fs.writeFileSync(world.tree(name), "one");
  await world.sync();
  await stopServer(world);
  fs.cpSync(world.path("store"), world.path("backup"), { recursive: true });
  await world.startServer();
  fs.writeFileSync(world.tree("changed"), "two");
  fs.writeFileSync(world.tree("folder/new"), "two");
  fs.rmSync(world.tree("folder/deleted"));
  await world.sync();
  await stopServer(world);
  fs.rmSync(world.path("store"), { recursive: true });
  fs.renameSync(world.path("backup"), world.path("store"));
  await world.startServer();
  await until("both sides are equal, and have all", async () => {
    await world.sync();
    assert.deepEqual(await told(world), expected(world.tree()));
    assert.ok("folder/new" in await world.stored());
    return true;
  }, 60);
  assert.equal(fs.readFileSync(world.tree("changed"), "utf8"), "two");
  assert.equal(fs.readFileSync(world.tree("folder/new"), "utf8"), "two");
  assert.equal(fs.readFileSync(world.tree("folder/deleted"), "utf8"), "one", "who deleted it that store does not know");
});

test("while something is damaged a new start hears first what this disk sent and was not told of", { timeout: 120_000 }, async (t) => {
  const { world, link } = await linked(t);
  const start = () => world.startCodi2(["--wire", world.path("link.sock")]);
  const bytes = randomBytes(3000);
  fs.writeFileSync(world.tree("bad"), bytes);
  fs.writeFileSync(world.tree("good"), "good");
  await world.sync();
  await world.kill("codi2");
  await stopServer(world);
  flip(world, bytes.subarray(-40));
  loseDisk(world);
  await world.startServer();
  await start();
  await until("it is told", async () => (await isSettled(world)) && (await failed(world)).bad === "damaged", 60);
  link("late");
  fs.writeFileSync(world.tree("deleted"), "mine");
  await until("the batch is kept back, and given up", async () => link.cuts === 1 && (await world.status()).state === "offline");
  link("deliver");
  await until("it has arrived", () => link.answers.length > 0);
  assert.deepEqual(link.answers, [200]);
  await world.kill("codi2");
  fs.rmSync(world.tree("deleted"));
  link("flow");
  await start();
  await world.sync();
  assert.deepEqual(Object.keys(snapshot(world.tree())), ["good"]);
  assert.deepEqual((await ofPath(world, "deleted")).map(({ op }) => op), ["write", "delete"]);
});

test("while something is damaged a new start compares, also where the log of changes cannot be read", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.writeFileSync(world.tree("a"), randomBytes(3000));
  await world.sync();
  await world.kill("codi2");
  loseDisk(world);
  let since; // which changes are asked for
  let rotten; // which cannot be read
  await relay(t, world, (url) => {
    const [, asked] = /^\/wire\/changes\?.*&since=(\d+)/.exec(url) ?? [];
    since = asked ?? since;
    return url.startsWith("/wire/chunks") || (asked !== undefined && asked === rotten);
  });
  const start = () => world.startCodi2(["--wire", world.path("relay.sock")]);
  await start();
  await until("it is told", async () => (await isSettled(world)) && (await failed(world)).a === "damaged" && Number(since) > 0);
  await world.kill("codi2");
  rotten = since;
  assert.ok(await world.change({ change: "put", path: "theirs", base: 0, author, kind: "symlink", mode: 0o777, mtime: 1, target: "x" }));
  await start();
  await until("theirs is here", () => fs.lstatSync(world.tree("theirs"), { throwIfNoEntry: false }));
  fs.writeFileSync(world.tree("mine"), "mine");
  await until("mine is there", async () => "mine" in await world.stored());
});

test("a log of changes that cannot be read is gone past by comparing all", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  let since;
  let rotten;
  await relay(t, world, (url) => {
    const [, asked] = /^\/wire\/changes\?.*&since=(\d+)/.exec(url) ?? [];
    since = asked ?? since;
    return asked !== undefined && asked === rotten;
  });
  await world.startCodi2(["--wire", world.path("relay.sock")]);
  fs.writeFileSync(world.tree("a"), "one");
  await world.sync();
  await until("it has heard of its own", async () => Number(since) > 0);
  await world.kill("codi2");
  rotten = since;
  assert.ok(await world.change(put("theirs", "theirs"), put("a", "two", (await world.entries())[0].version)));
  await world.startCodi2(["--wire", world.path("relay.sock")]);
  await until("theirs is here", () => fs.existsSync(world.tree("theirs")) && fs.readFileSync(world.tree("a"), "utf8") === "two");
  fs.writeFileSync(world.tree("mine"), "mine");
  await until("mine is there", async () => "mine" in await world.stored());
});
