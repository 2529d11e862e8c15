// What real programs do to a tree, with nothing left out: npm with node_modules, git from branch to branch, tar. After each the store
// says what the disk says, also when codi2 was killed meanwhile; and a disk that is lost comes back as it was.
import { execFile, execFileSync } from "node:child_process";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { expected, same, told } from "./model.mjs";
import { git } from "./repository.mjs";
import { lose, snapshot, until, World } from "./world.mjs";

const run = promisify(execFile);

/** A workspace that keeps everything; `stored(what)`: both sides are alike now. */
async function keeping(t) {
  const world = new World(t);
  await world.startServer();
  fs.writeFileSync(world.tree(".coditectignore"), "!node_modules/\n");
  await world.startCodi2();
  return Object.assign(world, {
    alike: async (what) => { await world.sync(); same(await told(world), expected(world.tree()), what); },
    comesBack: async () => {
      const before = snapshot(world.tree());
      await lose(world, ["tree", "index"]);
      same(snapshot(world.tree()), before, "after the loss of the disk");
    },
  });
}

/** A tarball as npm packs it, of so many modules and a program. */
function pack(world, name, version, modules) {
  const place = world.path(`packed-${name}-${version}`);
  fs.mkdirSync(join(place, "package/lib/deep"), { recursive: true });
  fs.writeFileSync(join(place, "package/package.json"), JSON.stringify({ name, version, bin: { [name]: "cli.js" } }));
  fs.writeFileSync(join(place, "package/cli.js"), `#!/usr/bin/env node\n// ${version}\n`, { mode: 0o755 });
  for (let i = 0; i < modules; i++) fs.writeFileSync(join(place, `package/lib/${i % 2 ? "deep/" : ""}m${i}.js`), `// ${name} ${version} ${i}\n`.repeat(1 + i * 7));
  const file = world.path(`${name}-${version}.tgz`);
  execFileSync("tar", ["-C", place, "-czf", file, "package"]);
  return file;
}

test("npm installs, changes and removes packages that are not left out", { timeout: 180_000 }, async (t) => {
  const world = await keeping(t);
  const names = Array.from({ length: 6 }, (_, i) => `part${i}`);
  const at = (version, some) => Object.fromEntries(some.map((name, i) => [name, `file:${pack(world, name, version, 12 + 9 * i)}`]));
  fs.mkdirSync(world.tree("app"));
  const env = { ...process.env, HOME: world.path(), npm_config_cache: world.path("npm"), npm_config_update_notifier: "false" };
  const install = (dependencies) => {
    fs.writeFileSync(world.tree("app/package.json"), JSON.stringify({ name: "app", version: "1.0.0", dependencies }));
    return run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: world.tree("app"), env });
  };
  const installing = install(at("1.0.0", names));
  await until("some of it is there", () => fs.existsSync(world.tree("app/node_modules")), 90);
  await world.kill("codi2");
  await world.startCodi2();
  await installing;
  await world.alike("npm install");
  const stored = await world.stored();
  assert.match(stored["app/node_modules/.bin/part0"], /^symlink \d+ \.\.\/part0\/cli\.js /);
  assert.match(stored["app/node_modules/part5/cli.js"], /^file 755 /);
  assert.ok(Object.keys(stored).filter((path) => path.startsWith("app/node_modules/")).length > 200);
  await install({ ...at("2.0.0", names.slice(0, 3)), ...at("1.0.0", names.slice(3, 5)) });
  await world.alike("other versions, and one package less");
  assert.ok(!Object.keys(await world.stored()).some((path) => path.startsWith("app/node_modules/part5")));
  await world.comesBack();
});

test("git goes from branch to branch and back", { timeout: 180_000 }, async (t) => {
  const world = await keeping(t);
  const cwd = world.tree("repository");
  fs.mkdirSync(cwd);
  const commit = (text) => { git(cwd, "add", "-A"); git(cwd, "commit", "-qm", text); };
  const put = (path, text, mode = 0o644) => { fs.mkdirSync(join(cwd, path, ".."), { recursive: true }); fs.writeFileSync(join(cwd, path), text, { mode }); };
  git(cwd, "init", "-q");
  for (let i = 0; i < 300; i++) put(`d${i % 9}/f${i}`, `main ${i}\n`);
  put("thing", "a file here\n");
  put("run", "#!/bin/sh\n");
  commit("main");
  git(cwd, "checkout", "-qb", "other");
  for (let i = 0; i < 300; i += 2) put(`d${i % 9}/f${i}`, `other ${i}\n`);
  fs.rmSync(join(cwd, "d3"), { recursive: true });
  fs.rmSync(join(cwd, "thing"));
  put("thing/inside", "a folder there\n");
  fs.chmodSync(join(cwd, "run"), 0o755);
  fs.symlinkSync("thing/inside", join(cwd, "link"));
  commit("other");
  await world.alike("two branches");
  for (const [i, branch] of ["main", "other", "main", "other"].entries()) {
    git(cwd, "checkout", "-q", branch);
    if (i === 1) { await world.kill("codi2"); await world.startCodi2(); }
    if (i === 2) git(cwd, "checkout", "-q", "other"); // at once back, and there again
    if (i === 2) git(cwd, "checkout", "-q", "main");
    await world.alike(`at ${branch}`);
  }
  await world.comesBack();
  assert.equal(git(cwd, "status", "--porcelain"), "");
  git(cwd, "fsck", "--strict");
});

test("tar unpacks an archive, and another over it", { timeout: 180_000 }, async (t) => {
  const world = await keeping(t);
  const from = world.path("from");
  fs.mkdirSync(join(from, "a/b/empty"), { recursive: true });
  for (let i = 0; i < 200; i++) fs.writeFileSync(join(from, `a/b/f${i}`), `${i}`.repeat(1 + i * 20), { mode: i % 3 ? 0o640 : 0o755 });
  fs.linkSync(join(from, "a/b/f1"), join(from, "a/hard"));
  fs.symlinkSync("b/f2", join(from, "a/soft"));
  fs.truncateSync(join(from, "a/b/f3"), 3_000_000);
  for (const [name, time] of [["f4", 0], ["f5", 4_000_000_000], ["f6", 1.5], ["f7", -86_400]]) fs.utimesSync(join(from, "a/b", name), time, time);
  fs.chmodSync(join(from, "a/b/empty"), 0o500);
  const archive = (name) => { const file = world.path(name); execFileSync("tar", ["-C", from, "--format=pax", "-cSf", file, "."]); return file; };
  const unpack = (file) => run("tar", ["-C", world.tree(), "-xpf", file]);
  const first = archive("first.tar");
  const unpacking = unpack(first);
  await world.kill("codi2");
  await world.startCodi2();
  await unpacking;
  await world.alike("unpacked");
  fs.rmSync(join(from, "a/soft"));
  fs.mkdirSync(join(from, "a/soft"));
  for (let i = 0; i < 200; i += 5) fs.writeFileSync(join(from, `a/b/f${i}`), "newer");
  await unpack(archive("second.tar"));
  await world.alike("unpacked over it");
  await world.comesBack();
});
