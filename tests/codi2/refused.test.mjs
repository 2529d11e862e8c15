// What the store does not take: a batch that is too much for it, a move that it will not have, a change that it refuses for a reason
// that nobody foresaw. Nothing of it holds up the rest, and what is left out is told.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { createServer, request } from "node:http";
import { test } from "node:test";
import { World, snapshot, until } from "./world.mjs";

const whys = async (world) => Object.fromEntries((await world.status()).failed.map(({ path, why }) => [path.replace("/workspace/", ""), why]));
const folders = (count, name = "d") => Array(count).fill(name).join("/");

/** The store has what the disk has. */
async function assertSame(world) {
  const hashed = (line) => line.replace(/^(file \d+) (\S*)/, (_, facts, text) => `${facts} ${createHash("sha256").update(text, "base64").digest("hex")}`);
  const here = Object.entries(snapshot(world.tree())).map(([path, line]) => `${path} ${hashed(line)}`);
  assert.deepEqual(Object.entries(await world.stored()).map(([path, line]) => `${path} ${line.trim()}`).sort(), here.sort());
}

/** Between codi2 and the server: `refuse` says, of a batch's changes, with which code it is refused; undefined: it is not. `asked`: of each its size. */
async function between(t, world, refuse) {
  const socketPath = world.path("between.sock");
  const asked = [];
  const server = createServer((from, to) => {
    const pieces = [];
    from.on("data", (piece) => pieces.push(piece)).on("end", () => {
      const body = Buffer.concat(pieces);
      const changes = from.url.startsWith("/wire/changes?") && from.method === "POST" ? JSON.parse(body).changes : [];
      if (changes.length > 0) asked.push(changes.length);
      const code = changes.length > 0 ? refuse(changes) : undefined;
      if (code) return to.writeHead(400, { "Content-Type": "application/json" }).end(JSON.stringify({ error: { code, message: "no" } }));
      return request({ socketPath: world.path("wire.sock"), method: from.method, path: from.url, headers: from.headers }, (reply) => {
        to.writeHead(reply.statusCode, reply.headers);
        reply.pipe(to);
      }).on("error", () => to.destroy()).end(body);
    });
  });
  await new Promise((resolve) => { server.listen(socketPath, resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { asked, args: ["--wire", socketPath] };
}

test("many files far down are more than one batch, and all are stored", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  const deep = folders(12, "folder");
  fs.mkdirSync(world.tree(deep), { recursive: true });
  for (let i = 0; i < 600; i++) fs.writeFileSync(world.tree(deep, `f${i}`), String(i).padEnd(600, "x"));
  await world.startCodi2();
  await world.sync();
  await assertSame(world);
});

test("a batch that is too large all the same goes in halves", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  const way = await between(t, world, (changes) => (changes.length > 7 ? "too_large" : undefined));
  for (let i = 0; i < 100; i++) fs.writeFileSync(world.tree(`f${i}`), "1");
  await world.startCodi2(way.args);
  await world.sync();
  assert.equal(way.asked[0], 100, "the test's own: they came together");
  await assertSame(world);
  for (let i = 0; i < 100; i++) fs.rmSync(world.tree(`f${i}`));
  await world.sync();
  assert.deepEqual(await world.stored(), {});
});

test("a change that is refused alone is left out and told, until it is taken", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  let cursed = "cursed";
  const way = await between(t, world, (changes) => (changes.some((one) => one.path === cursed) ? "invalid" : undefined));
  await world.startCodi2(way.args);
  for (const name of ["a", "b", "cursed", "d", "e"]) fs.writeFileSync(world.tree(name), name);
  await world.sync();
  await until("it is told", async () => (await whys(world)).cursed === "refused");
  assert.deepEqual(Object.keys(await world.stored()).sort(), ["a", "b", "d", "e"]);
  fs.writeFileSync(world.tree("f"), "1");
  await world.sync();
  assert.ok("f" in (await world.stored()));
  cursed = "";
  fs.appendFileSync(world.tree("cursed"), "more");
  await world.sync();
  assert.deepEqual(await whys(world), {});
  await assertSame(world);
});

test("a server that takes nothing is not believed: all waits, and is stored when it takes it", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  let refuses = true;
  const way = await between(t, world, () => (refuses ? "invalid" : undefined));
  await world.startCodi2(way.args);
  for (const name of ["a", "b", "c"]) fs.writeFileSync(world.tree(name), name);
  await until("it is asked", () => way.asked.includes(1));
  await until("it waits", async () => (await world.status()).state === "offline");
  assert.deepEqual(await whys(world), {});
  refuses = false;
  await until("all is stored", async () => (await world.status()).state === "persisted");
  await assertSame(world);
});

/** Moves `a`, which once went 200 folders down, under `far`; the paths that the store says were moved. */
async function movedDown(world, far) {
  fs.mkdirSync(world.tree("a", folders(200)), { recursive: true });
  fs.mkdirSync(world.tree("a/b/c"), { recursive: true });
  fs.mkdirSync(world.tree(far), { recursive: true });
  fs.writeFileSync(world.tree("a/one"), "one");
  fs.writeFileSync(world.tree("a/b/c/two"), "two");
  await world.sync();
  fs.rmSync(world.tree("a/d"), { recursive: true });
  await world.sync();
  fs.renameSync(world.tree("a"), world.tree(far, "a"));
  fs.writeFileSync(world.tree("kept"), "1");
  await world.sync();
  await assertSame(world);
  assert.deepEqual(await whys(world), {});
  return (await world.events()).filter(({ op }) => op === "move").map(({ path }) => path).sort();
}

test("a folder moves at once, however far down it once went", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const far = folders(100, "far");
  assert.deepEqual(await movedDown(world, far), [`${far}/a`]);
});

test("a move that the store will not have is told as a creation and a deletion; what is in it keeps its past", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  const way = await between(t, world, (changes) => (changes.some(({ path, to }) => path === "a" && to !== undefined) ? "limit" : undefined));
  await world.startCodi2(way.args);
  const far = folders(100, "far");
  assert.deepEqual(await movedDown(world, far), [`${far}/a/b`, `${far}/a/one`]);
});
