// What the mirror does not keep, and why, as the door tells it; nothing of it holds up the rest.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { test } from "node:test";
import { World, owner, until } from "./world.mjs";

const unkept = async (world) => {
  const { status, body } = await world.door("GET", "/not-kept");
  assert.equal(status, 200);
  return body;
};
const whys = async (world) => Object.fromEntries((await unkept(world)).not_kept.map(({ path, why }) => [path.replace("/workspace/", ""), why]));

test("each thing that is not kept has its reason; barriers and other files wait for none", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2([], {}, owner);
  assert.deepEqual(await unkept(world), { at: 0, not_kept: [], more: false });

  fs.mkdirSync(world.tree("node_modules/x"), { recursive: true });
  fs.mkdirSync(world.tree("shut"));
  fs.writeFileSync(world.tree("shut/inside"), "1");
  fs.chmodSync(world.tree("shut"), 0);
  fs.writeFileSync(world.tree("secret"), "1", { mode: 0 });
  fs.writeFileSync(world.tree("huge"), "");
  fs.truncateSync(world.tree("huge"), 65 * 2 ** 30);
  execFileSync("mkfifo", [world.tree("pipe")]);
  fs.writeFileSync(world.tree("kept"), "1");
  await world.sync();
  const all = { huge: "too_large", node_modules: "ignored", pipe: "special", secret: "unreadable", shut: "unreadable" };
  await until("all are told", async () => Object.keys(await whys(world)).length === 5);
  assert.deepEqual(await whys(world), all);
  assert.ok("kept" in (await world.stored()));
  const status = await world.status();
  assert.equal(status.state, "persisted");
  assert.deepEqual(status.failed.map(({ path }) => path), ["/workspace/huge", "/workspace/secret", "/workspace/shut"]);
  assert.equal(status.failed_count, 3);
  assert.equal(status.not_kept_at, (await unkept(world)).at);
  assert.ok(status.not_kept_at <= status.revision);

  fs.chmodSync(world.tree("shut"), 0o755);
  fs.chmodSync(world.tree("secret"), 0o600);
  fs.truncateSync(world.tree("huge"), 3);
  fs.rmSync(world.tree("pipe"));
  await until("they are kept", async () => Object.keys(await whys(world)).length === 1);
  await world.sync();
  assert.deepEqual(await whys(world), { node_modules: "ignored" });
  const stored = Object.keys(await world.stored());
  for (const path of ["huge", "secret", "shut/inside"]) assert.ok(stored.includes(path), path);
  assert.deepEqual((await world.status()).failed, []);
});

test("a file shut after it was kept is told while it is shut, and keeps what was stored", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2([], {}, owner);
  fs.writeFileSync(world.tree("a"), "one");
  await world.sync();
  const before = await world.stored();
  fs.chmodSync(world.tree("a"), 0);
  await until("it is told", async () => (await whys(world)).a === "unreadable");
  await world.sync();
  assert.deepEqual(await world.stored(), before);
  fs.chmodSync(world.tree("a"), 0o644);
  await until("it is kept", async () => Object.keys(await whys(world)).length === 0);
  await world.sync();
  assert.deepEqual(await world.stored(), before);
});

test("a file of rules that is shut is not used, and that is told while it is shut", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2([], {}, owner);
  const says = (words) => until(`it says ${words}`, async () => words.test((await world.status()).message ?? ""));
  fs.writeFileSync(world.tree(".coditectignore"), "left-out\n", { mode: 0 });
  await says(/^\.coditectignore cannot be read: none of its rules is used\.$/);
  fs.writeFileSync(world.tree("left-out"), "1");
  await until("it is stored", async () => "left-out" in (await world.stored()));
  fs.chmodSync(world.tree(".coditectignore"), 0o644);
  await says(/^$/);
});

test("a deletion in the store takes what can be made again, and nothing that a person left out", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  const write = (path) => {
    fs.mkdirSync(world.tree(path, ".."), { recursive: true });
    fs.writeFileSync(world.tree(path), path);
  };
  fs.writeFileSync(world.tree(".coditectignore"), "*.dat\n/results/raw/\n");
  for (const path of ["results/report", "results/only-here.dat", "results/raw/a/b", "results/node_modules/x", "plain/report", "plain/node_modules/x"]) write(path);
  await world.startCodi2();
  await world.sync();
  const versions = Object.fromEntries((await world.entries()).map(({ path, version }) => [path, version]));
  assert.deepEqual(Object.keys(versions).sort(), [".coditectignore", "plain", "plain/report", "results", "results/report"]);
  for (const path of ["results", "plain"]) assert.ok(await world.change({ change: "delete", path, base: versions[path], author: { kind: "api", id: "usr-other" } }));
  await until("plain went", () => !fs.existsSync(world.tree("plain")));
  await until("what can be made again went", () => !fs.existsSync(world.tree("results/report")) && !fs.existsSync(world.tree("results/node_modules")));
  await world.sync();
  for (const path of ["results/only-here.dat", "results/raw/a/b"]) assert.equal(fs.readFileSync(world.tree(path), "utf8"), path);
  assert.deepEqual(Object.keys(await world.stored()).sort(), [".coditectignore", "results"], "the folder is there again, for what is in it");
});
