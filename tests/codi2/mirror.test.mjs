// The mirror: the real codi2 and the server's side of the wire, without a sandbox. What is on the disk is in the store after
// a barrier; what is in the store comes back to an empty disk; nothing that was acknowledged is lost when either is killed.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { test } from "node:test";
import { halt, resume } from "../api/halt.mjs";
import { World, fill, lose, snapshot, timeOf, until } from "./world.mjs";

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

test("a touch is kept: of a file, and of a link", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.writeFileSync(world.tree("file"), "built");
  fs.symlinkSync("file", world.tree("link"));
  await world.sync();
  const old = await world.stored();
  for (const [name, time] of [["file", 1_000_000], ["link", 2_000_000]]) fs.lutimesSync(world.tree(name), time, time);
  await world.sync();
  const touched = await world.stored();
  for (const name of ["file", "link"]) assert.notEqual(touched[name], old[name]);
  await lose(world, ["tree", "index"]);
  assert.deepEqual([timeOf(world.tree("file")), timeOf(world.tree("link"))], ["1000000000000", "2000000000000"]);
  const count = (await world.events()).length;
  await world.sync();
  assert.deepEqual([await world.stored(), (await world.events()).length], [touched, count], "what came back is no change");
});

test("a touch is kept while the index is lost; what nobody touched is no change", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  for (const name of ["touched", "still"]) fs.writeFileSync(world.tree(name), name);
  await world.sync();
  const before = await world.stored();
  const { length } = await world.events();
  await world.kill("codi2");
  fs.rmSync(world.path("index"), { recursive: true });
  world.disk();
  fs.lutimesSync(world.tree("touched"), 1_000_000, 1_000_000);
  await world.startCodi2();
  await world.sync();
  const after = await world.stored();
  assert.equal(after.touched, before.touched.replace(/\d+$/, "1000000000000"));
  assert.equal(after.still, before.still);
  assert.equal((await world.events()).length, length + 1);
});

test("a time before 1970 is kept, and holds nothing up", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.writeFileSync(world.tree("file"), "old");
  fs.symlinkSync("file", world.tree("link"));
  for (const name of ["file", "link"]) execFileSync("touch", ["-h", "-d", "1969-12-31 23:59:58.5000005 UTC", world.tree(name)]);
  await world.sync();
  const count = (await world.events()).length;
  await lose(world, ["tree", "index"]);
  for (const name of ["file", "link"]) assert.equal(timeOf(world.tree(name)), "-1500000");
  await world.sync();
  assert.equal((await world.events()).length, count, "what came back is no change");
});

test("mode and time of what others write are those of the disk, also ones that it has no room for", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.writeFileSync(world.tree("file"), "ours");
  await world.sync();
  const [{ version }] = await world.entries();
  const author = { kind: "api", id: "usr-other" };
  const put = (path, mode, mtime, base = 0) => ({ change: "put", path, base, author, kind: "file", mode, mtime, size: 1, hash: createHash("sha256").update("x").digest("hex"), bytes: Buffer.from("x").toString("base64") });
  const ends = { first: -62167219200e6, last: 253402300799e6 }; // of the years 0 and 9999
  assert.ok(await world.change(put("file", 0o755, -1500000, version), put("first", 0o600, ends.first), put("last", 0o4755, ends.last),
    { change: "put", path: "folder", base: 0, author, kind: "dir", mode: 0o700, mtime: 1 }, { change: "put", path: "link", base: 0, author, kind: "symlink", mode: 0o777, mtime: 2_000_000_000_000_000, target: "/gone" }));
  await until("all of it is here", () => fs.readlinkSync(world.tree("link")) === "/gone");
  const modeOf = (name) => fs.statSync(world.tree(name)).mode & 0o7777;
  assert.deepEqual(["file", "first", "last", "folder"].map(modeOf), [0o755, 0o600, 0o4755, 0o700]);
  assert.deepEqual([timeOf(world.tree("file")), timeOf(world.tree("link"))], ["-1500000", "2000000000000000"]);
  const stored = await world.stored();
  const count = (await world.events()).length;
  await world.sync();
  assert.deepEqual([await world.stored(), (await world.events()).length], [stored, count], "what came is no change");
});

test("the holes of a file come back as holes", { timeout: 60_000 }, async (t) => {
  const SIZE = 32 << 20;
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const write = (name, pieces) => {
    const fd = fs.openSync(world.tree(name), "w");
    for (const [bytes, at] of pieces) fs.writeSync(fd, bytes, 0, bytes.length, at);
    fs.ftruncateSync(fd, SIZE);
    fs.closeSync(fd);
  };
  write("holes", [[randomBytes(1000), 5_000_000], [Buffer.from("end"), SIZE - 3]]);
  write("only a hole", []);
  await world.sync();
  const before = snapshot(world.tree());
  await lose(world, ["tree", "index"]);
  assert.ok(JSON.stringify(snapshot(world.tree())) === JSON.stringify(before), "what came back differs");
  const taken = ["holes", "only a hole"].map((name) => fs.statSync(world.tree(name)).blocks * 512);
  assert.ok(taken[0] <= 4 * 64 * 1024 && taken[1] === 0, `they take ${taken} bytes`); // a chunk at each of two places, or two
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

const git = (world, ...args) => execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "core.fsync=none", ...args], { cwd: world.tree(), stdio: "pipe" });
const kept = async (world) => { await world.sync(); return Object.keys(await world.stored()).filter((path) => !/(^|\/)\.git(\/|$)/.test(path)).sort(); };

test("what git tracks is kept below names that are not; .gitignore is not asked", { timeout: 120_000 }, async (t) => {
  for (const version of [2, 4]) {
    const world = new World(t);
    await world.startServer();
    await world.startCodi2();
    git(world, "init", "-q");
    git(world, "update-index", "--index-version", String(version), "--force-write-index");
    for (const path of ["dist/sub", "node_modules/x", "web/dist"]) fs.mkdirSync(world.tree(path), { recursive: true });
    for (const path of [".gitignore", "secret.env", "dist/a", "dist/b", "dist/sub/c", "node_modules/x/i.js", "web/dist/d"]) {
      fs.writeFileSync(world.tree(path), path === ".gitignore" ? "*.env\ndist\n" : path);
    }
    assert.deepEqual(await kept(world), [".gitignore", "secret.env", "web"]);
    assert.deepEqual((await world.status()).not_kept, ["/workspace/dist", "/workspace/node_modules", "/workspace/web/dist"]);

    git(world, "add", "-f", "dist/a", "dist/sub/c", "web/dist/d");
    const tracked = [".gitignore", "dist", "dist/a", "dist/sub", "dist/sub/c", "secret.env", "web", "web/dist", "web/dist/d"];
    await until("what is tracked is kept", async () => JSON.stringify(await kept(world)) === JSON.stringify(tracked));
    assert.deepEqual((await world.status()).not_kept, ["/workspace/dist/b", "/workspace/node_modules"]);

    fs.writeFileSync(world.tree("dist/a"), "changed");
    fs.writeFileSync(world.tree("dist/e"), "new and not tracked");
    fs.rmSync(world.tree("web/dist/d"));
    git(world, "rm", "-q", "--cached", "dist/sub/c");
    const later = tracked.filter((path) => path !== "web/dist/d");
    assert.deepEqual(await kept(world), later); // what was kept once stays in step

    const before = fs.readFileSync(world.tree("dist/a"));
    await lose(world, ["tree", "index"]);
    assert.deepEqual(await kept(world), later);
    assert.deepEqual(fs.readFileSync(world.tree("dist/a")), before);

    fs.rmSync(world.tree("node_modules"), { recursive: true, force: true });
    await world.sync();
    assert.deepEqual((await world.status()).not_kept, []);
  }
});

test("a hostile repository excepts nothing and runs nothing", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  git(world, "init", "-q");
  fs.mkdirSync(world.tree("dist"));
  fs.writeFileSync(world.tree("dist/a"), "a");
  git(world, "add", "-f", "dist/a");
  git(world, "config", "core.fsmonitor", `touch ${world.path("ran")}; true`);
  git(world, "config", "filter.x.clean", `touch ${world.path("ran")}`);
  fs.writeFileSync(world.tree(".gitattributes"), "* filter=x\n");
  fs.truncateSync(world.tree(".git/index"), 90);
  await world.startCodi2();
  assert.deepEqual(await kept(world), [".gitattributes"]);
  fs.rmSync(world.tree(".git/index"));
  fs.symlinkSync("/dev/zero", world.tree(".git/index"));
  fs.mkdirSync(world.tree("other"));
  fs.symlinkSync("/", world.tree("other/.git"));
  assert.deepEqual(await kept(world), [".gitattributes", "other"]);
  assert.ok(!fs.existsSync(world.path("ran")));
});

test(".coditect/ignore says the same", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree("dist"));
  for (const path of ["dist/a", "old.log"]) fs.writeFileSync(world.tree(path), path);
  fs.mkdirSync(world.tree(".coditect"));
  fs.writeFileSync(world.tree(".coditect/ignore"), "!dist/\n*.log\n");
  await until("dist is kept", async () => (await kept(world)).includes("dist/a"));
  fs.writeFileSync(world.tree("new.log"), "new");
  const before = [".coditect", ".coditect/ignore", "dist", "dist/a", "old.log"];
  assert.deepEqual((await kept(world)).filter((path) => path !== "old.log"), before.filter((path) => path !== "old.log"));
  assert.deepEqual((await world.status()).not_kept.includes("/workspace/new.log"), true);
});

test("a file changed on both sides at once: ours stays, theirs is in the history, and it is told", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree("d"));
  for (const path of ["both", "theirs", "d/new"]) fs.writeFileSync(world.tree(path), "before");
  await world.sync();
  const versions = Object.fromEntries((await world.entries()).map((e) => [e.path, e.version]));
  const hash = (text) => createHash("sha256").update(text).digest("hex");
  const put = (path, text) => world.change({ change: "put", path, base: versions[path], author: { kind: "api", id: "usr-other" }, kind: "file", mode: 0o644, mtime: 1, size: text.length, hash: hash(text), bytes: Buffer.from(text).toString("base64") });
  await halt(t, world.codi2.pid);
  fs.writeFileSync(world.tree("both"), "ours");
  fs.writeFileSync(world.tree("d/newer"), "made while the folder is deleted elsewhere");
  assert.ok(await put("both", "from outside"));
  assert.ok(await put("theirs", "from outside"));
  assert.ok(await world.change({ change: "delete", path: "d", base: versions.d, author: { kind: "api", id: "usr-other" } }));
  resume(world.codi2.pid);
  await until("theirs is here", async () => fs.readFileSync(world.tree("theirs"), "utf8") === "from outside");
  await until("the folder went but for what is new", async () => !fs.existsSync(world.tree("d/new")));
  await until("both sides are equal", async () => { await world.sync(); return JSON.stringify(Object.keys(await world.stored())) === JSON.stringify(["both", "d", "d/newer", "theirs"]); });
  assert.equal(fs.readFileSync(world.tree("both"), "utf8"), "ours");
  assert.equal((await world.stored()).both.split(" ")[2], hash("ours"));
  const past = (await world.events()).filter((e) => e.path === "both").map((e) => [e.author.kind, e.hash]);
  assert.deepEqual(past, [["terminal", hash("before")], ["api", hash("from outside")], ["terminal", hash("ours")]]);
  const { notice } = await world.status();
  assert.match(notice.text, /^both was changed here and elsewhere/);
  assert.equal(notice.path, "/workspace/both");
});

test("of ten files changed on both sides each is told, also to who looks later", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const names = Array.from({ length: 10 }, (_, i) => `f${i}`);
  for (const name of names) fs.writeFileSync(world.tree(name), "before");
  await world.sync();
  const versions = Object.fromEntries((await world.entries()).map((e) => [e.path, e.version]));
  const hash = createHash("sha256").update("theirs").digest("hex");
  await halt(t, world.codi2.pid);
  for (const name of names) fs.writeFileSync(world.tree(name), "ours");
  assert.ok(await world.change(...names.map((path) => ({ change: "put", path, base: versions[path], author: { kind: "api", id: "usr-other" }, kind: "file", mode: 0o644, mtime: 1, size: 6, hash, bytes: Buffer.from("theirs").toString("base64") }))));
  resume(world.codi2.pid);
  await world.sync();
  const { notices } = await world.status();
  assert.deepEqual(notices.map(({ path }) => path).sort(), names.map((name) => `/workspace/${name}`));
  assert.equal(new Set(notices.map(({ number }) => number)).size, 10);
});

test("a name of a person's that begins as those of codi2's drafts is a name as any", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree(".coditect-plans"));
  fs.mkdirSync(world.tree("d"));
  for (const name of [".coditect-notes", ".coditect-plans/a", ".coditect-0123456789ABCDEF", "d/old", ".coditect-0123456789abcdef"]) fs.writeFileSync(world.tree(name), name);
  await world.sync();
  const names = [".coditect-0123456789ABCDEF", ".coditect-notes", ".coditect-plans", ".coditect-plans/a", "d", "d/old"];
  assert.deepEqual(Object.keys(await world.stored()).sort(), names, "all but what is named as a draft");
  await halt(t, world.codi2.pid);
  fs.writeFileSync(world.tree("d/.coditect-new"), "written while the folder is deleted elsewhere");
  const { version } = (await world.entries()).find(({ path }) => path === "d");
  assert.ok(await world.change({ change: "delete", path: "d", base: version, author: { kind: "api", id: "usr-other" } }));
  resume(world.codi2.pid);
  await until("both are equal", async () => { await world.sync(); return Object.keys(await world.stored()).sort().join() === [...names.slice(0, 5), "d/.coditect-new"].join(); });
  await until("the disk, too", () => fs.readdirSync(world.tree("d")).join() === ".coditect-new");
});

test("a draft of a codi2 that was killed goes; one that is being made, as the IDE saves, stays", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  const [old, young] = ["d/.coditect-0123456789abcdef", ".coditect-fedcba9876543210"];
  fs.mkdirSync(world.tree("d"));
  fs.writeFileSync(world.tree(old), "half");
  await world.startCodi2();
  fs.writeFileSync(world.tree(young), "half");
  await world.sync();
  await world.sync();
  assert.deepEqual([old, young].map((name) => fs.existsSync(world.tree(name))), [false, true]);
});

test("others delete a folder that became deeper than any path of the store: what is too deep stays, and codi2 lives", { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  const deep = `a/${"a/".repeat(1900)}`;
  await world.startServer();
  fs.mkdirSync(world.tree("d"));
  fs.writeFileSync(world.tree("d/file"), "x");
  fs.mkdirSync(world.path("away", deep), { recursive: true });
  await world.startCodi2();
  await world.sync();
  const { version } = (await world.entries()).find(({ path }) => path === "d");
  await halt(t, world.codi2.pid);
  fs.renameSync(world.path("away/a"), world.tree("d/a"));
  assert.ok(await world.change({ change: "delete", path: "d", base: version, author: { kind: "api", id: "usr-other" } }));
  resume(world.codi2.pid);
  await until("it has heard", () => !fs.existsSync(world.tree("d/file")), 60);
  await world.status();
  assert.ok(fs.existsSync(world.tree("d", deep)));
  await world.kill("codi2");
  execFileSync("rm", ["-rf", world.tree("d")]); // deeper than fs.rmSync goes
});

test(".coditectignore adds to what is not kept, and takes back", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.mkdirSync(world.tree("dist"));
  fs.mkdirSync(world.tree("data"));
  for (const path of ["dist/a", "data/b", "old.log"]) fs.writeFileSync(world.tree(path), path);
  assert.deepEqual(await kept(world), ["data", "data/b", "old.log"]);
  fs.writeFileSync(world.tree(".coditectignore"), "!dist/\n*.log\ndata/\n");
  await until("dist is kept", async () => (await kept(world)).includes("dist/a"));
  fs.writeFileSync(world.tree("new.log"), "new");
  fs.writeFileSync(world.tree("data/new"), "new");
  assert.deepEqual(await kept(world), [".coditectignore", "data", "data/b", "dist", "dist/a", "old.log"]);
  assert.deepEqual((await world.status()).not_kept, ["/workspace/data/new", "/workspace/new.log"]);
  fs.rmSync(world.tree(".coditectignore"));
  await until("the rules are gone", async () => (await kept(world)).includes("new.log"));
  fs.writeFileSync(world.tree(".coditectignore"), "x\n".repeat(40_000)); // too large: not used
  fs.writeFileSync(world.tree("x"), "x");
  assert.ok((await kept(world)).includes("x"));
});

const mapper = `
import mmap, sys
f = open(sys.argv[1], "r+b")
memory = mmap.mmap(f.fileno(), 0)
for line in sys.stdin:
    memory[0:1] = line[0].encode()
    print(line[0], flush=True)
`;

test("what is written through memory is seen, though it makes no event", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.writeFileSync(world.tree("data"), "-".repeat(8192));
  await world.sync();
  const child = spawn("python3", ["-c", mapper, world.tree("data")], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const write = (letter) => new Promise((resolve) => { child.stdout.once("data", resolve); child.stdin.write(`${letter}\n`); });
  const hash = (letter) => createHash("sha256").update(letter + "-".repeat(8191)).digest("hex");
  const stored = async () => (await world.stored()).data.split(" ")[2];
  for (const letter of "AB") { // B into a page that A made dirty
    await write(letter);
    await until(`${letter} is stored`, async () => (await stored()) === hash(letter), 15);
  }
  for (const letter of "CDE") {
    await write(letter);
    await world.sync();
    assert.equal(await stored(), hash(letter), "a barrier covers it");
  }
  await write("F");
  child.kill("SIGKILL");
  await until("F is stored", async () => (await stored()) === hash("F"), 15);
});

test("what makes no event at all is found by the sweep", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2(["--sweep", "2"]);
  fs.writeFileSync(world.tree("file"), "old");
  fs.linkSync(world.tree("file"), world.path("another name outside"));
  await world.sync();
  const old = (await world.stored()).file;
  fs.writeFileSync(world.path("another name outside"), "new"); // inotify tells of the name that was used
  await until("it is found", async () => (await world.stored()).file !== old, 15);
  await world.kill("codi2");
  for (const wrong of ["0", "86401", "soon"]) {
    world.spawnCodi2(["--sweep", wrong]);
    assert.equal(await world.codi2.ended, 2);
  }
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

test("a barrier does not wait for others to be done", { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  await world.sync();
  const author = { kind: "api", id: "usr-other" };
  const bytes = Buffer.from("x").toString("base64");
  const hash = createHash("sha256").update("x").digest("hex");
  let made = 0;
  const make = (count) => world.change(...Array.from({ length: count }, () => ({ change: "put", path: `others-${++made}/f`, base: 0, author, kind: "file", mode: 0o644, mtime: 1, size: 1, hash, bytes })));
  await halt(t, world.codi2.pid);
  for (let i = 0; i < 3; i++) assert.ok(await make(200)); // in folders that nobody told of: each is work for more than a round
  resume(world.codi2.pid);
  let over = false;
  const others = (async () => { while (!over) await make(2); })();
  for (let i = 0; i < 3; i++) {
    fs.writeFileSync(world.tree("mine"), `${i}`);
    await world.sync();
    assert.match((await world.stored()).mine, new RegExp(createHash("sha256").update(`${i}`).digest("hex")));
  }
  over = true;
  await others;
  await until("all of theirs is here", () => fs.readdirSync(world.tree()).length === made + 1, 90);
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
