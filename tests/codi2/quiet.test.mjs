// Files that are quiet: stored once they are still, counted as not stored until then, and taken by every barrier.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { hashOf } from "./model.mjs";
import { call, until, World } from "./world.mjs";

const versions = async (world, path) => (await world.events()).filter((event) => event.path === path);
const newest = async (world, path) => (await world.entries()).find((entry) => entry.path === path);
const isStored = async (world, path) => (await newest(world, path))?.hash === hashOf(fs.readFileSync(world.tree(path)));
/** In seconds; what is quiet is not stored before 10. */
const SOON = 8;
const quiet = async (world) => (await world.status()).quiet ?? 0;

/** A world that has stored everything once, and knows what is quiet. */
async function begin(t, lines = "*.log\n") {
  const world = new World(t);
  await world.startServer();
  fs.writeFileSync(world.tree(".coditectquiet"), lines);
  await world.startCodi2();
  await world.sync();
  return world;
}

test("a file that is written all the time makes no version each time, and holds nothing up", { timeout: 60_000 }, async (t) => {
  const world = await begin(t);
  const said = [];
  const well = () => said.filter((one) => one === "persisted 0 1").length;
  for (let i = 0; i < 40 || (well() < 35 && i < 200); i++) { // a slow machine is asked more often
    fs.appendFileSync(world.tree("a.log"), `line ${i}\n`);
    if (i === 20) {
      fs.writeFileSync(world.tree("a.c"), "saved meanwhile");
      await until("what is not quiet is stored", () => isStored(world, "a.c"), SOON);
    }
    await wait(90);
    const { state, pending, quiet } = await world.status();
    said.push(`${state} ${pending} ${quiet}`);
  }
  assert.deepEqual(await versions(world, "a.log"), []);
  assert.ok(well() >= 35 && well() >= 0.8 * said.length, said.join(", "));
  await world.sync();
  assert.equal(await quiet(world), 0);
  assert.ok(await isStored(world, "a.log"), "the barrier takes the last bytes");
  assert.equal((await versions(world, "a.log")).length, 1);

  const since = performance.now();
  fs.appendFileSync(world.tree("a.log"), "the last line\n");
  await until("it waits", async () => (await quiet(world)) === 1);
  await until("it is stored once it is still", () => isStored(world, "a.log"), 15);
  const took = performance.now() - since;
  assert.ok(took > 9_900, `after ${took} ms`);
  await until("nothing waits", async () => (await quiet(world)) === 0);
  assert.equal((await versions(world, "a.log")).length, 2);
});

test("killed while a file waits: it is stored as soon as codi2 is there again, and before it ends", { timeout: 60_000 }, async (t) => {
  const world = await begin(t);
  fs.writeFileSync(world.tree("a.log"), "one");
  await until("it waits", async () => (await quiet(world)) === 1);
  await world.kill("codi2");
  assert.equal(await newest(world, "a.log"), undefined);
  await world.startCodi2();
  await until("it is stored", () => isStored(world, "a.log"), SOON);

  await until("everything was stored", async () => (await world.status()).state === "persisted");
  fs.writeFileSync(world.tree("a.log"), "two");
  await until("it waits", async () => (await quiet(world)) === 1);
  world.codi2.kill("SIGTERM");
  assert.equal(await world.codi2.ended, 0);
  assert.ok(await isStored(world, "a.log"));
});

test("the tenant's patterns, then the session's: the later wins, and what is quiet no more is stored at once", { timeout: 60_000 }, async (t) => {
  const world = await begin(t, "!kept.log\n");
  const tenants = async (text) => {
    fs.writeFileSync(world.path("store/quiet"), text);
    world.server.kill("SIGUSR2");
  };
  await tenants("*.log\n/data/\n");
  fs.mkdirSync(world.tree("data"));
  await until("they are in force", async () => {
    fs.writeFileSync(world.tree("data/first.db"), String(performance.now()));
    await wait(200);
    return (await quiet(world)) === 1;
  });
  for (const name of ["a.log", "kept.log", "data/b.db"]) fs.writeFileSync(world.tree(name), name);
  await until("taken back", () => isStored(world, "kept.log"), SOON);
  /** Also on a machine on which that takes so long that they would be stored as still. */
  const areQuiet = async (...names) => {
    for (const name of names) fs.appendFileSync(world.tree(name), ".");
    await wait(100);
    return (await quiet(world)) === names.length;
  };
  await until("three wait", () => areQuiet("data/first.db", "data/b.db", "a.log"));
  assert.equal(await newest(world, "a.log"), undefined);

  fs.mkdirSync(world.tree(".coditect"));
  fs.writeFileSync(world.tree(".coditect/quiet"), "!a.log\n");
  await until("taken back while it waits", () => isStored(world, "a.log"), SOON);
  await until("two wait", () => areQuiet("data/first.db", "data/b.db"));
  fs.writeFileSync(world.tree(".coditect/quiet"), "!a.log\n.coditect*\nquiet\n");
  await until("a file of rules does not wait", () => isStored(world, ".coditect/quiet"), SOON);
  fs.writeFileSync(world.tree(".coditectquiet"), "!kept.log\n# rules\n");
  await until("nor does the other", () => isStored(world, ".coditectquiet"), SOON);
  await world.kill("codi2"); // the tenant's are known before the server speaks
  await world.startCodi2();
  await world.sync();
  fs.writeFileSync(world.tree("data/b.db"), "again");
  await until("it waits", async () => (await quiet(world)) === 1);
  await tenants("");
  await until("nothing is quiet", () => isStored(world, "data/b.db"), SOON);
});

test("what a person saves in the editor is stored at once, and its barrier leaves the rest", { timeout: 60_000 }, async (t) => {
  const world = await begin(t);
  fs.writeFileSync(world.tree("a.log"), "a program's");
  fs.writeFileSync(world.tree("b.log"), "a program's");
  await until("they wait", async () => (await quiet(world)) === 2);
  assert.equal((await world.door("POST", "/saving", {}, JSON.stringify({ path: "b.log", hash: hashOf("a person's") }))).status, 204);
  fs.writeFileSync(world.tree("b.log"), "a person's");
  assert.equal((await world.door("POST", "/sync?quiet=left")).status, 200);
  assert.ok(await isStored(world, "b.log"));
  const [saved] = await versions(world, "b.log");
  assert.equal(saved.author.kind, "user");
  assert.equal(await quiet(world), 1);
  assert.equal(await newest(world, "a.log"), undefined);
  fs.writeFileSync(world.tree("b.log"), "a program's again");
  await until("that waits", async () => (await quiet(world)) === 2);
  await world.sync();
  assert.ok(await isStored(world, "a.log") && await isStored(world, "b.log"));

  const text = "stored so soon that its times prove nothing";
  await world.door("POST", "/saving", {}, JSON.stringify({ path: "a.log", hash: hashOf(text) }));
  fs.writeFileSync(world.tree("a.log"), text);
  await until("it is stored", () => isStored(world, "a.log"));
  fs.closeSync(fs.openSync(world.tree("a.log"), "a")); // an event, and no change
  assert.equal((await world.door("POST", "/sync?quiet=left")).status, 200);
  assert.equal(await quiet(world), 0, "what is stored does not wait");
});

test("a new name is stored at once, and so are deletions and other names", { timeout: 60_000 }, async (t) => {
  const world = await begin(t, "*.log*\n");
  for (const name of ["a.log", "b.log", "linked.log"]) fs.writeFileSync(world.tree(name), name);
  fs.linkSync(world.tree("linked.log"), world.tree("plain"));
  await world.sync();

  fs.appendFileSync(world.tree("a.log"), "not stored yet");
  await until("it waits", async () => (await quiet(world)) === 1);
  fs.renameSync(world.tree("a.log"), world.tree("a.log.1")); // as logrotate does
  await until("the new name", () => isStored(world, "a.log.1"), SOON);
  await until("the old one is gone", async () => (await newest(world, "a.log")) === undefined, SOON);
  await until("nothing waits", async () => (await quiet(world)) === 0, SOON);

  fs.writeFileSync(world.tree("a.log"), "the next one");
  await world.sync();
  fs.appendFileSync(world.tree("a.log"), "not stored yet");
  await until("it waits", async () => (await quiet(world)) === 1);
  fs.renameSync(world.tree("a.log"), world.tree("a.log.1")); // over a name that the store has
  await until("the old one is gone again", async () => (await newest(world, "a.log")) === undefined, SOON);
  assert.ok(await isStored(world, "a.log.1"), "the new name came with it");
  await until("nothing waits", async () => (await quiet(world)) === 0, SOON);

  fs.appendFileSync(world.tree("b.log"), "not stored yet");
  await until("it waits", async () => (await quiet(world)) === 1);
  fs.rmSync(world.tree("b.log"));
  await until("it is gone", async () => (await newest(world, "b.log")) === undefined, SOON);
  await until("nothing waits", async () => (await quiet(world)) === 0, SOON);

  for (let i = 0; i < 3; i++) { // by the name that is quiet
    fs.appendFileSync(world.tree("linked.log"), `line ${i}\n`);
    await until("the other name is stored", () => isStored(world, "plain"), SOON);
  }
  assert.equal(await quiet(world), 1);
  assert.equal(await isStored(world, "linked.log"), false);
});

test("a save is stored however long the server is away", { timeout: 90_000 }, async (t) => {
  const world = await begin(t);
  const save = async (name) => {
    assert.equal((await world.door("POST", "/saving", {}, JSON.stringify({ path: name, hash: hashOf(name) }))).status, 204);
    fs.writeFileSync(world.tree(name), name);
  };
  await world.kill("server");
  await save("first.log"); // a round takes it, and fails
  await until("it is offline", () => world.mirrorIsOffline());
  await save("second.log"); // no round gets as far as to look at it
  for (let i = 0; i < 300; i++) await world.door("POST", "/saving", {}, JSON.stringify({ path: "a.c", hash: hashOf(String(i)) }));
  await wait(11_000);
  await world.startServer();
  assert.equal((await world.door("POST", "/sync?quiet=left")).status, 200);
  assert.ok(await isStored(world, "first.log") && await isStored(world, "second.log"));
});

test("what is quiet waits, too, when the server was away", { timeout: 60_000 }, async (t) => {
  const world = await begin(t);
  await world.kill("server");
  fs.writeFileSync(world.tree("a.c"), "x");
  await until("it is offline", () => world.mirrorIsOffline());
  fs.writeFileSync(world.tree("a.log"), "x");
  await world.startServer();
  await until("the rest is stored", () => isStored(world, "a.c"));
  await until("it waits", async () => (await quiet(world)) === 1);
  await call(world.path("door.sock"), "POST", "/sync");
  assert.ok(await isStored(world, "a.log"));
});

test("what is written on and on is never more than a minute behind, also when each state is another file", { timeout: 60_000 }, async (t) => {
  const RATE = 10; // of codi2's clock
  const MINUTE = 60_000 / RATE;
  const SLACK = 5_000; // a busy machine's, of the test's own time: less than a second minute
  const world = new World(t);
  await world.startServer();
  fs.writeFileSync(world.tree(".coditectquiet"), "*.log*\n");
  await world.startCodi2([], {
    LD_PRELOAD: join(process.env.CODITECT_BUILD, "tests/codi2/clock.so"),
    CLOCK_RATE: String(RATE),
    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0`,
  });
  await world.sync();
  const files = ["grows.log", "replaced.log"].map((name) => ({ name, text: "", written: [], hashes: [], worst: 0 }));
  const began = performance.now();
  for (let i = 0; performance.now() < began + 3.5 * MINUTE; i++) {
    for (const file of files) {
      file.text += `line ${i}\n`;
      file.hashes.push(hashOf(file.text));
      file.written.push(performance.now());
    }
    fs.appendFileSync(world.tree("grows.log"), `line ${i}\n`);
    fs.writeFileSync(world.tree("replaced.log.new"), files[1].text);
    fs.renameSync(world.tree("replaced.log.new"), world.tree("replaced.log"));
    await wait(50);
    for (const file of files) {
      const missing = file.hashes.indexOf((await newest(world, file.name))?.hash) + 1; // the first line that the store has not
      if (missing < file.written.length) file.worst = Math.max(file.worst, performance.now() - file.written[missing]);
    }
  }
  for (const { name, worst } of files) {
    assert.ok(worst < MINUTE + SLACK, `${name}: ${worst} ms behind`);
    assert.ok(worst > MINUTE / 2, `${name}: it waits, ${worst} ms`);
    const { length } = (await versions(world, name)).filter((event) => event.hash !== undefined);
    assert.ok(length >= 2 && length <= 4, `${name}: ${length} versions`);
  }
});
