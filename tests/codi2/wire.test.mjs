// What codi2 says on the wire besides content: hello as a root's first word, and how it goes. The server is a small one that
// writes down what it hears.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { World, until } from "./world.mjs";

/** A server with nothing in its store. */
class Ear {
  heard = [];
  welcome = { version: 1, seq: 0 };
  helloCode = 200;
  mute = false;
  changes; // what answers POST changes, when somebody does: a function of refuse, reply and the batch
  constructor(t, world) {
    this.path = world.path("wire.sock");
    this.server = createServer((req, res) => this.#answer(req, res));
    t.after(() => this.close());
  }
  listen() { return new Promise((resolve) => this.server.listen(this.path, resolve)); }
  close() { this.server.closeAllConnections(); this.server.close(); }
  calls(name) { return this.heard.filter((call) => call.name === name); }
  statuses() { return this.calls("POST status").map((call) => ({ at: call.at, ...call.body })); }
  #answer(req, res) {
    let text = "";
    req.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => {
      const url = new URL(req.url, "http://wire");
      const name = `${req.method} ${url.pathname.replace("/wire/", "")}`;
      if (name === "GET source") return res.writeHead(404).end(); // asked by a thread of its own: no root's word
      this.heard.push({ name, root: url.searchParams.get("root"), token: req.headers.authorization, body: req.headers["content-type"] === "application/json" ? JSON.parse(text) : undefined, at: Date.now() });
      const reply = (code, body) => res.writeHead(code, { "Content-Type": "application/json" }).end(body && JSON.stringify(body));
      const refuse = (code, word) => reply(code, { success: false, error: { code: word, message: "", request_id: "req-0" } });
      if (this.mute) return undefined;
      if (name === "POST hello") return this.helloCode === 200 ? reply(200, this.welcome) : refuse(this.helloCode, { 409: "stale", 501: "not_implemented" }[this.helloCode]);
      if (name === "GET tree") return reply(200, { entries: [], seq: 0, next: null });
      if (name === "GET changes") return setTimeout(() => reply(200, { events: [], seq: 0, more: false }), Math.min(200, Number(url.searchParams.get("wait"))));
      if (name === "POST status") return reply(204);
      if (name === "POST chunks:missing") return reply(200, this.heard.at(-1).body);
      if (name.startsWith("PUT chunks/")) return reply(204);
      if (name === "POST changes" && this.changes) return this.changes(refuse, reply, this.heard.at(-1).body);
      return refuse(404, "not_found");
    });
  }
}

async function set(t) {
  const world = new World(t);
  const ear = new Ear(t, world);
  await ear.listen();
  return { world, ear };
}

test("a root's first word is hello, again when the link was lost", { timeout: 60_000 }, async (t) => {
  const { world, ear } = await set(t);
  await world.startCodi2();
  await until("persisted", async () => (await world.status()).state === "persisted");
  const roots = ear.heard.filter((call) => call.name !== "POST status");
  assert.equal(roots[0].name, "POST hello");
  assert.deepEqual([roots[0].root, roots[0].token, roots[0].body.version, roots[0].body.generation], ["workspace", "Bearer right", 1, 1]);
  assert.match(roots[0].body.program, /^codi2 \d+\.\d+/);
  assert.equal(ear.calls("POST hello").length, 1);

  ear.close();
  fs.writeFileSync(world.tree("f"), "x");
  await until("offline", async () => (await world.status()).state === "offline");
  const back = new Ear(t, world);
  await back.listen();
  await until("a batch", () => back.calls("POST changes").length > 0);
  const again = back.heard.filter(({ name }) => !["POST status", "GET changes"].includes(name));
  assert.equal(again[0].name, "POST hello");
});

test("a newer workspace, and another version of the wire, end it with a code of their own", { timeout: 60_000 }, async (t) => {
  for (const [change, code] of [[{ helloCode: 409 }, 3], [{ helloCode: 501 }, 4], [{ welcome: { version: 2, seq: 0 } }, 4]]) {
    const { world, ear } = await set(t);
    Object.assign(ear, change);
    world.spawnCodi2();
    assert.equal(await world.codi2.ended, code);
    assert.deepEqual(new Set(ear.heard.map((call) => call.name).filter((name) => name !== "POST status")), new Set(["POST hello"]));
  }
});

test("the real server calls an older generation stale", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  world.spawnCodi2(["--generation", "2"]);
  assert.equal(await world.codi2.ended, 3);
});

test("an older server, which takes no chunks together, gets them one by one", { timeout: 60_000 }, async (t) => {
  const { world, ear } = await set(t);
  let seq = 0;
  ear.changes = (refuse, reply, batch) => reply(200, { outcome: "applied", versions: batch.changes.map(() => ++seq), seq });
  for (const name of ["a", "b", "c"]) fs.writeFileSync(world.tree(name), name.repeat(1000));
  await world.startCodi2();
  await world.sync();
  assert.equal(ear.calls("POST chunks").length, 1);
  assert.equal(ear.heard.filter((call) => call.name.startsWith("PUT chunks/")).length, 3);
});

test("from its first word on, an IDE that does not listen yet is said to start", { timeout: 60_000 }, async (t) => {
  for (let round = 0; round < 8; round++) {
    const { world, ear } = await set(t);
    fs.mkdirSync(world.path("bundle/app/lib/backend"), { recursive: true });
    fs.writeFileSync(world.path("bundle/app/lib/backend/main.js"), "setInterval(() => {}, 1000);");
    fs.mkdirSync(world.path("ide"), { mode: 0o700 });
    fs.writeFileSync(world.path("ide/ide.sock"), ""); // as a killed run leaves it
    await world.startCodi2(["--node", process.execPath, "--ide", world.path("bundle")]);
    await until("a report", () => ear.statuses().some(({ state }) => state === "persisted"));
    for (const { state, ide } of ear.statuses()) assert.equal(ide, "starting", state);
    world.codi2.kill("SIGTERM");
    await world.codi2.ended;
  }
});

test("asked to end it persists, and its last word says how that went", { timeout: 90_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  await world.sync();
  fs.writeFileSync(world.tree("late"), "written just before");
  world.codi2.kill("SIGTERM");
  assert.equal(await world.codi2.ended, 0);
  assert.deepEqual(Object.keys(await world.stored()), ["late"]);

  const { world: other, ear } = await set(t); // this server takes no changes
  await other.startCodi2();
  await until("a report", () => ear.statuses().length > 0);
  fs.writeFileSync(other.tree("waits"), "x");
  other.codi2.kill("SIGTERM");
  assert.equal(await other.codi2.ended, 5);
  const last = ear.statuses().at(-1);
  assert.deepEqual([last.state, last.pending > 0], ["offline", true]);
  assert.equal(fs.readFileSync(other.tree("waits"), "utf8"), "x");
});

test("a server that refuses for good is not waited for at the end: the session is deleted, the token is none of its own", { timeout: 90_000 }, async (t) => {
  for (const [code, word] of [[409, "stale"], [401, "unauthenticated"]]) {
    const { world, ear } = await set(t);
    await world.startCodi2();
    await until("persisted", async () => (await world.status()).state === "persisted");
    const held = new Promise((resolve) => { ear.changes = resolve; });
    fs.writeFileSync(world.tree("waits"), "x");
    const refuse = await held; // a change is under way while it is asked to end
    ear.changes = (again) => again(code, word);
    world.codi2.kill("SIGTERM");
    await until("the end has begun", () => fs.readFileSync(`/proc/${world.codi2.pid}/status`, "utf8").match(/^ShdPnd:\s+0+$/m));
    refuse(code, word);
    const before = ear.calls("POST changes").length;
    const began = Date.now();
    assert.equal(await world.codi2.ended, 5);
    assert.ok(Date.now() - began < 15_000, `${word}: ${Date.now() - began} ms of the 18 s that a server has that may come back`);
    assert.ok(ear.calls("POST changes").length <= before + 2, "once more for the barrier");
    assert.equal(fs.readFileSync(world.tree("waits"), "utf8"), "x");
  }
});

// Each has a server of its own and does nothing but wait for 20 s.
describe("what takes its time", { concurrency: true }, () => {
  test("it says how it goes: at each change, at most once a second, at the latest after 20 s", { timeout: 90_000 }, async (t) => {
    const { world, ear } = await set(t);
    await world.startCodi2();
    const first = await until("a report", () => ear.statuses().find(({ state }) => state === "persisted"));
    assert.deepEqual([first.pending, first.ide, first.not_kept, first.held_back, first.restoring], [0, "none", [], undefined, undefined]);
    assert.deepEqual(Object.keys(first.activity).sort(), ["awake", "idle_ms"]);

    const gaps = () => ear.statuses().slice(1).map(({ at }, i) => at - ear.statuses()[i].at);
    const still = await until("one that no change brought", () => gaps().find((gap) => gap > 15_000), 60);
    assert.ok(still < 30_000, `${still} ms`);

    const before = ear.statuses().length;
    const began = Date.now();
    for (let i = 0; i < 30; i++) { // changes that cannot be kept: state and pending go to and fro
      fs.writeFileSync(world.tree(`f${i}`), "x");
      await wait(100);
    }
    await until("a change is told", () => ear.statuses().at(-1).state !== "persisted");
    const reports = ear.statuses().slice(before);
    const seconds = (Date.now() - began) / 1000;
    assert.ok(reports.length >= 2 && reports.length <= seconds + 2, `${reports.length} in ${seconds} s`);
  });

  test("a server that does not answer holds the end up for less than the 30 s that there are", { timeout: 90_000 }, async (t) => {
    const { world, ear } = await set(t);
    await world.startCodi2();
    await until("persisted", async () => (await world.status()).state === "persisted");
    ear.mute = true;
    fs.writeFileSync(world.tree("waits"), "x");
    await until("it is told", () => ear.calls("POST changes").length > 0);
    const began = Date.now();
    world.codi2.kill("SIGTERM");
    assert.equal(await world.codi2.ended, 5);
    assert.ok(Date.now() - began < 29_000, `${Date.now() - began} ms`);
  });
});
