// The mirror: the real codi2 and the server's side of the wire, without a sandbox. What is on the disk is in the store after
// a barrier; what is in the store comes back to an empty disk; nothing that was acknowledged is lost when either is killed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

const build = process.env.CODITECT_BUILD ?? "";
assert.notEqual(build, "", "CODITECT_BUILD must name the build directory");
const token = "right";
const running = new Set();
after(() => { for (const child of running) child.kill("SIGKILL"); });

function start(program, args, stdio) {
  const child = spawn(join(build, program), args, { stdio });
  running.add(child);
  child.ended = new Promise((resolve) => child.on("exit", (code) => { running.delete(child); resolve(code); }));
  return child;
}

async function until(what, predicate, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await Promise.resolve().then(predicate).catch(() => undefined);
    if (value) return value;
    assert.ok(Date.now() < deadline, `${what} within ${seconds} s`);
    await wait(10);
  }
}

function call(socketPath, method, path, headers = {}) {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers, agent: false }, (reply) => {
      let text = "";
      reply.setEncoding("utf8").on("data", (piece) => (text += piece)).on("end", () => resolve({ status: reply.statusCode, body: JSON.parse(text) }));
    });
    sent.on("error", reject).end();
  });
}

/** A store, a server, and a disk that can be lost. */
class World {
  constructor(t) {
    this.place = fs.mkdtempSync(join(tmpdir(), "coditect-mirror-"));
    this.disk();
    t.after(async () => {
      this.codi2?.kill("SIGKILL");
      this.server?.kill("SIGKILL");
      await Promise.all([this.codi2?.ended, this.server?.ended]);
      fs.rmSync(this.place, { recursive: true, force: true });
    });
  }
  path(...parts) { return join(this.place, ...parts); }
  tree(...parts) { return join(this.place, "tree", ...parts); }
  disk() { for (const name of ["tree", "index"]) fs.mkdirSync(this.path(name), { recursive: true }); }
  async startServer() {
    this.server = start("tests/codi2/wire-server", [this.path("store"), this.path("wire.sock"), token], ["ignore", "pipe", "inherit"]);
    await new Promise((resolve, reject) => {
      this.server.stdout.once("data", resolve);
      this.server.once("exit", () => reject(new Error("the server ended")));
    });
  }
  async startCodi2() {
    this.codi2 = start("src/codi2/codi2", [
      "--workspace", this.path("tree"), "--workspace-index", this.path("index"), "--home", "", "--token-fd", "3", "--generation", "1",
      "--wire", this.path("wire.sock"), "--door", this.path("door.sock"), "--session-id", "ses-test",
    ], ["ignore", "inherit", "inherit", "pipe"]);
    this.codi2.stdio[3].end(token);
    await until("the door", () => call(this.path("door.sock"), "GET", "/health"));
  }
  async kill(name) {
    this[name].kill("SIGKILL");
    await this[name].ended;
  }
  async sync() {
    const { status, body } = await call(this.path("door.sock"), "POST", "/sync");
    assert.equal(status, 200, JSON.stringify(body));
    return body.seq;
  }
  status() { return call(this.path("door.sock"), "GET", "/status").then((answer) => answer.body); }
  /** What the store holds: path → kind, with the hash of files. */
  async stored() {
    const all = {};
    let next = "";
    do {
      const { status, body } = await call(this.path("wire.sock"), "GET", `/wire/tree?root=workspace&at=0&cursor=${next}`, { Authorization: `Bearer ${token}` });
      assert.equal(status, 200, JSON.stringify(body));
      for (const e of body.entries) all[e.path ?? Buffer.from(e.path_b64, "base64").toString("latin1")] = `${e.kind} ${e.mode.toString(8)} ${e.hash ?? e.target ?? ""}`;
      next = body.next ? Buffer.from(body.next, "base64").toString("base64url") : "";
    } while (next);
    return all;
  }
}

/** Everything below a folder: path → kind, mode, content. */
function snapshot(root) {
  const all = {};
  const visit = (path) => {
    for (const name of fs.readdirSync(join(root, path)).sort()) {
      const at = path ? `${path}/${name}` : name;
      const facts = fs.lstatSync(join(root, at));
      if (facts.isDirectory()) { all[at] = `dir ${(facts.mode & 0o777).toString(8)}`; visit(at); }
      else if (facts.isSymbolicLink()) all[at] = `link ${fs.readlinkSync(join(root, at))}`;
      else all[at] = `file ${(facts.mode & 0o777).toString(8)} ${fs.readFileSync(join(root, at)).toString("base64")}`;
    }
  };
  visit("");
  return all;
}

function fill(world) {
  fs.mkdirSync(world.tree("src/deep/er"), { recursive: true });
  fs.mkdirSync(world.tree("empty"));
  fs.writeFileSync(world.tree("nothing"), "");
  fs.writeFileSync(world.tree("small.txt"), "hello");
  fs.writeFileSync(world.tree("src/deep/er/chunk"), randomBytes(40_000));
  fs.writeFileSync(world.tree("large.bin"), randomBytes(3_000_000));
  fs.writeFileSync(world.tree("src/run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  fs.writeFileSync(world.tree("naïve – 文件.txt"), "unicode");
  fs.symlinkSync("small.txt", world.tree("link"));
  fs.symlinkSync("/etc/passwd", world.tree("out"));
}

async function lose(world, what) {
  await world.kill("codi2");
  for (const name of what) fs.rmSync(world.path(name), { recursive: true });
  world.disk();
  await world.startCodi2();
  await until("restored", async () => (await world.status()).state === "persisted");
}

test("what is made on the disk survives the loss of disk, index, or both", { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fill(world);
  await world.sync();
  const before = snapshot(world.tree());
  const stored = await world.stored();
  assert.deepEqual(Object.keys(stored).sort(), Object.keys(before).sort());
  for (const what of [["tree"], ["index"], ["tree", "index"]]) {
    await t.test(`lost: ${what.join(" and ")}`, async () => {
      await lose(world, what);
      assert.deepEqual(snapshot(world.tree()), before);
      assert.deepEqual(await world.stored(), stored);
    });
  }
});

test("changes, moves and deletions reach the store, also those made while codi2 was away", { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fill(world);
  await world.sync();
  fs.renameSync(world.tree("src"), world.tree("lib"));
  fs.appendFileSync(world.tree("lib/run.sh"), "exit 0\n");
  fs.writeFileSync(world.tree("small.tmp"), "saved by rename");
  fs.renameSync(world.tree("small.tmp"), world.tree("small.txt"));
  fs.chmodSync(world.tree("large.bin"), 0o600);
  fs.rmSync(world.tree("nothing"));
  fs.rmdirSync(world.tree("empty"));
  fs.writeFileSync(world.tree("empty"), "a file now");
  await world.sync();
  const keys = () => Object.keys(snapshot(world.tree())).sort();
  assert.deepEqual(Object.keys(await world.stored()).sort(), keys());
  await world.kill("codi2");
  fs.rmSync(world.tree("lib"), { recursive: true });
  fs.writeFileSync(world.tree("while-away"), "x");
  await world.startCodi2();
  await world.sync();
  const before = snapshot(world.tree());
  assert.deepEqual(Object.keys(await world.stored()).sort(), keys());
  await lose(world, ["tree", "index"]);
  assert.deepEqual(snapshot(world.tree()), before);
});

test("node_modules is not kept, and said so", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree("node_modules/x"), { recursive: true });
  fs.writeFileSync(world.tree("node_modules/x/index.js"), "1");
  fs.writeFileSync(world.tree("kept"), "1");
  await world.sync();
  assert.deepEqual(Object.keys(await world.stored()), ["kept"]);
  assert.ok((await world.status()).not_kept.some((path) => path.startsWith("/workspace/node_modules")));
});

test("server and codi2 are killed under writes: nothing that a barrier covered is lost", { timeout: 180_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const acknowledged = {};
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 20; i++) {
      fs.mkdirSync(world.tree(`r${round}`), { recursive: true });
      fs.writeFileSync(world.tree(`r${round}/f${i}`), randomBytes(1 + 700 * i));
    }
    await until("a barrier", () => world.sync().then(() => true), 60);
    Object.assign(acknowledged, snapshot(world.tree()));
    fs.writeFileSync(world.tree(`r${round}/unacknowledged`), "maybe");
    await world.kill(round % 2 ? "server" : "codi2");
    if (round % 2) await world.startServer();
    else await world.startCodi2();
  }
  await lose(world, ["tree", "index"]);
  const after_ = snapshot(world.tree());
  for (const [path, content] of Object.entries(acknowledged)) assert.equal(after_[path], content, path);
});

test("control: what no barrier covered is lost with the disk, and these tests would see it", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.writeFileSync(world.tree("acknowledged"), "kept");
  await world.sync();
  await world.kill("codi2");
  fs.writeFileSync(world.tree("unacknowledged"), "lost");
  const before = snapshot(world.tree());
  for (const name of ["tree", "index"]) fs.rmSync(world.path(name), { recursive: true });
  world.disk();
  await world.startCodi2();
  await until("restored", async () => (await world.status()).state === "persisted");
  assert.notDeepEqual(snapshot(world.tree()), before);
  assert.deepEqual(Object.keys(snapshot(world.tree())), ["acknowledged"]);
});

test("5,000 files are persisted and restored", { timeout: 300_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  for (let i = 0; i < 5000; i++) {
    if (i % 100 === 0) fs.mkdirSync(world.tree(`d${i / 100}`));
    fs.writeFileSync(world.tree(`d${Math.floor(i / 100)}/f${i}`), `${i} `.repeat(i % 400));
  }
  let begin = Date.now();
  await until("persisted", () => world.sync().then(() => true), 120);
  t.diagnostic(`5,000 files persisted in ${Date.now() - begin} ms`);
  const before = snapshot(world.tree());
  begin = Date.now();
  await lose(world, ["tree", "index"]);
  t.diagnostic(`restored in ${Date.now() - begin} ms`);
  assert.deepEqual(snapshot(world.tree()), before);
});
