// A session that begins with a git repository: the real codi2, git, and a git server on the loopback, without a sandbox.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { git, serve } from "./repository.mjs";
import { lose, snapshot, until, World } from "./world.mjs";

const reaches = (world, state) => until(async () => `the source is ${state}`, async () => (await world.source()).state === state);
const names = (world) => fs.readdirSync(world.tree()).sort();

async function begin(t, url, env = {}) {
  const world = new World(t);
  await world.startServer({ SOURCE_URL: url, ...env });
  return world;
}

/** Until somebody calls the second. */
function gate() {
  let open;
  const closed = new Promise((resolve) => (open = resolve));
  return [closed, open];
}

/** codi2 clones, and gets nothing until what this gives is called. */
async function held(world, repository) {
  const [closed, release] = gate();
  repository.hold = closed;
  await world.startCodi2();
  await until("it clones", () => repository.asked === 1);
  return release;
}

test("a repository is cloned, and is in the store when that is said", { timeout: 60_000 }, async (t) => {
  const repository = await serve(t);
  const world = await begin(t, repository.url);
  fs.writeFileSync(world.path("gitconfig"), "[core]\n\tsshCommand = false\n[init]\n\ttemplateDir = /nowhere\n[url \"file:///nowhere\"]\n\tinsteadOf = http://\n");
  fs.mkdirSync(world.path("bin"));
  fs.writeFileSync(world.path("bin/git"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  await world.startCodi2([], { GIT_CONFIG_GLOBAL: world.path("gitconfig"), GIT_DIR: "/nowhere", PATH: `${world.path("bin")}:${process.env.PATH}` });
  await reaches(world, "done");
  assert.deepEqual(names(world), ["example"]);
  assert.equal(fs.readFileSync(world.tree("example/src/a.txt"), "utf8"), "one\n");
  assert.equal(git(world.tree("example"), "status", "--porcelain"), "");
  assert.equal(git(world.tree("example"), "remote", "get-url", "origin").trim(), repository.url);
  const before = snapshot(world.tree());
  assert.deepEqual(Object.keys(await world.stored()).sort(), Object.keys(before).sort(), "all of it is in the store, .git too");
  await until("it is told", async () => /The repository is in example\./.test((await world.status()).message));
  await lose(world, ["tree", "index"]);
  assert.deepEqual(snapshot(world.tree()), before);
  assert.equal(repository.asked, 1, "what was lost with the disk comes from the store");
});

test("a branch, and a folder of that name that is there already", { timeout: 60_000 }, async (t) => {
  const repository = await serve(t);
  const world = await begin(t, repository.url, { SOURCE_BRANCH: "next" });
  fs.mkdirSync(world.tree("example"));
  fs.writeFileSync(world.tree("example/README.md"), "mine");
  fs.mkdirSync(world.tree(".coditect-clone/half"), { recursive: true }); // of one that was cut
  await world.startCodi2();
  await reaches(world, "done");
  assert.deepEqual(names(world), ["example", "example-2"]);
  assert.equal(fs.readFileSync(world.tree("example/README.md"), "utf8"), "mine");
  assert.equal(fs.readFileSync(world.tree("example-2/next.txt"), "utf8"), "two\n");
});

test("what fails is told, leaves nothing, and another attempt brings it", { timeout: 60_000 }, async (t) => {
  const repository = await serve(t);
  const world = await begin(t, repository.url);
  let attempt = 0;
  const fails = async (why) => {
    attempt += 1;
    await until(`attempt ${attempt} failed`, async () => { const now = await world.source(); return now.state === "failed" && now.attempt === attempt; });
    await until("it is told", async () => { const { message } = await world.status(); assert.match(message, why); return true; });
    assert.deepEqual(names(world), []);
  };
  repository.refuse = 404;
  await world.startCodi2();
  await fails(/There is no such repository, or it is private/);
  for (const [status, why] of [[401, /or it is private/], [500, /trouble of its own/]]) {
    repository.refuse = status;
    world.server.kill("SIGUSR1");
    await fails(why);
  }
  await repository.close();
  world.server.kill("SIGUSR1");
  await fails(/Nobody answers/);
  await repository.reopen();
  repository.refuse = 0;
  world.server.kill("SIGUSR1");
  await reaches(world, "done");
  assert.deepEqual(names(world), ["example"]);
});

test("killed while it clones: once more, and once only", { timeout: 60_000 }, async (t) => {
  const repository = await serve(t);
  const world = await begin(t, repository.url);
  const release = await held(world, repository);
  await world.kill("codi2");
  assert.equal((await world.source()).state, "cloning");
  repository.hold = Promise.resolve();
  release();
  await world.startCodi2();
  await reaches(world, "done");
  assert.deepEqual(names(world), ["example"]);
});

test("killed when it stood there and nobody had heard it: it is not cloned again", { timeout: 60_000 }, async (t) => {
  const repository = await serve(t);
  const world = await begin(t, repository.url);
  const release = await held(world, repository);
  await world.kill("server");
  release();
  await until("it stands", () => fs.existsSync(world.tree("example/README.md")));
  await world.kill("codi2");
  await world.startServer({ SOURCE_URL: repository.url });
  await world.startCodi2();
  await reaches(world, "done");
  assert.deepEqual(names(world), ["example"]);
  assert.equal(repository.asked, 1);
});

test("asked to end while it clones: at once, and it is not taken for a failure", { timeout: 60_000 }, async (t) => {
  const repository = await serve(t);
  const world = await begin(t, repository.url);
  const release = await held(world, repository);
  t.after(release);
  world.codi2.kill("SIGTERM");
  await world.codi2.ended;
  assert.equal((await world.source()).state, "cloning");
  assert.equal(repository.asked, 1);
});

test("the server is away while it is cloned: it hears of it later", { timeout: 60_000 }, async (t) => {
  const repository = await serve(t);
  const world = await begin(t, repository.url);
  const release = await held(world, repository);
  await world.kill("server");
  release();
  await until("it stands", () => fs.existsSync(world.tree("example/README.md")));
  await world.startServer({ SOURCE_URL: repository.url });
  await reaches(world, "done");
  assert.deepEqual(names(world), ["example"]);
  assert.equal(repository.asked, 1);
});

test("the disk is lost while it is stored: it is cloned again beside what was, and that is told", { timeout: 60_000 }, async (t) => {
  const repository = await serve(t);
  const world = await begin(t, repository.url, { WIRE_QUOTA: "1" });
  await world.startCodi2();
  await until("it stands, and has no room in the store", async () => /storage is full/.test((await world.status()).message) && fs.existsSync(world.tree("example/README.md")));
  await world.kill("codi2");
  await world.kill("server");
  for (const name of ["tree", "index"]) fs.rmSync(world.path(name), { recursive: true });
  world.disk();
  await world.startServer({ SOURCE_URL: repository.url });
  assert.deepEqual([(await world.source()).state, (await world.source()).folder], ["cloning", "example"]);
  const text = "what was stored by then";
  assert.ok(await world.change({ change: "put", path: "example/README.md", base: 0, author: { kind: "terminal", id: "ses-test.1" }, kind: "file", mode: 0o644, mtime: 1e15, size: text.length, hash: createHash("sha256").update(text).digest("hex"), bytes: Buffer.from(text).toString("base64") }));
  await world.startCodi2();
  await reaches(world, "done");
  assert.deepEqual([names(world), fs.readdirSync(world.tree("example"))], [["example", "example-2"], ["README.md"]]);
  assert.equal(git(world.tree("example-2"), "status", "--porcelain"), "");
  await until("it is told", async () => /is in example-2\. The disk was lost .*: example holds what was, and it was cloned again/.test((await world.status()).message));
  assert.equal((await world.source()).folder, "example-2");
});

test("what the disk does not hold for certain is not put in place", { timeout: 60_000 }, async (t) => {
  const repository = await serve(t);
  const world = await begin(t, repository.url);
  await world.startCodi2([], { FAULT_FLUSH: "1", LD_PRELOAD: join(process.env.CODITECT_BUILD, "tests/codi2/faults.so"), ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0` });
  await reaches(world, "failed");
  assert.deepEqual(names(world), []);
});
