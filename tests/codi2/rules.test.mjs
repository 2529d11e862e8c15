// What a tenant leaves out: taken up while a workspace runs, before the session's own files, remembered, and never a reason to
// delete anything.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { createServer, request } from "node:http";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { hashOf } from "./model.mjs";
import { git } from "./repository.mjs";
import { call, lose, snapshot, until, World } from "./world.mjs";

const names = async (world, seq) => Object.keys(await world.stored(seq)).sort();
const unkept = async (world) => (await world.door("GET", "/not-kept")).body.not_kept.map(({ path }) => path.replace("/workspace/", "")).sort();
const write = (world, ...paths) => {
  for (const path of paths) {
    fs.mkdirSync(world.tree(path, ".."), { recursive: true });
    fs.writeFileSync(world.tree(path), path);
  }
};
/** What the tenant's owner sets; it is served when this is over. */
const setRules = async (world, text) => {
  fs.writeFileSync(world.path("store/rules"), text);
  world.server.kill("SIGUSR2");
  const ask = () => call(world.path("wire.sock"), "GET", "/wire/rules", { Authorization: "Bearer right" });
  await until("they are served", async () => (await ask()).body.ignore === text);
};

/**
 * What stands between codi2 and the server: GET /wire/rules is answered by `reply` (undefined: by the server); `isOld`: a server
 * that knows nothing of rules. `asked` counts the questions.
 */
async function standBetween(t, world) {
  const between = { reply: undefined, isOld: false, asked: 0, args: ["--wire", world.path("between.sock")] };
  const server = createServer((near, answer) => {
    const isRules = near.url.startsWith("/wire/rules");
    if (isRules) between.asked += 1;
    const reply = isRules ? (between.isOld ? [404, '{"success":false,"error":{"code":"not_found","message":"x","request_id":"x"}}'] : between.reply) : undefined;
    if (reply !== undefined) return answer.writeHead(reply[0], { "Content-Type": "application/json" }).end(reply[1]);
    const path = between.isOld ? near.url.replace(/&rules=\d+/, "") : near.url;
    const far = request({ socketPath: world.path("wire.sock"), method: near.method, path, headers: near.headers, agent: false }, (got) => {
      const parts = [];
      got.on("data", (part) => parts.push(part)).on("end", () => {
        let body = Buffer.concat(parts);
        if (between.isOld && near.url.startsWith("/wire/changes") && near.method === "GET") body = Buffer.from(body.toString().replace(/,"rules":\d+/, ""));
        const headers = { "Content-Length": body.length };
        if (got.headers["content-type"] !== undefined) headers["Content-Type"] = got.headers["content-type"];
        answer.writeHead(got.statusCode, headers).end(body);
      });
    });
    far.on("error", () => answer.destroy());
    answer.on("close", () => far.destroy());
    near.pipe(far);
    return undefined;
  });
  server.listen(world.path("between.sock"));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return between;
}

test("taken up while it runs: what is stored stays in step, what is new is left out, what is kept again is stored", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  write(world, "old.log", "data/old", "a.c");
  await world.sync();
  const before = await names(world);
  assert.deepEqual(before, ["a.c", "data", "data/old", "old.log"]);

  await setRules(world, "*.log\n/data/\n");
  write(world, "probe.c");
  await until("the rules are in force", async () => {
    write(world, "first.log");
    await world.sync();
    const told = (await unkept(world)).includes("first.log");
    if (!told) fs.rmSync(world.tree("first.log"));
    return told;
  });
  const disk = snapshot(world.tree());
  write(world, "new.log", "data/new", "b.c");
  fs.appendFileSync(world.tree("old.log"), "more");
  await world.sync();
  const now = await world.stored();
  assert.ok(!("new.log" in now) && !("data/new" in now) && "b.c" in now);
  assert.notEqual(now["old.log"], (await world.stored(4))["old.log"], "what is stored stays in step");
  for (const path of before) assert.ok(path in now, `${path} stays`);
  assert.deepEqual(await unkept(world), ["data/new", "first.log", "new.log"]);
  for (const path of Object.keys(disk)) assert.ok(fs.existsSync(world.tree(path)), `${path} stays on the disk`);

  await setRules(world, "");
  await until("they are kept again", async () => "new.log" in (await world.stored()));
  await world.sync();
  const all = await world.stored();
  for (const path of ["new.log", "data/new", "first.log"]) assert.ok(path in all, path);
  assert.deepEqual(await unkept(world), []);
  assert.ok((await world.events()).every(({ op, path }) => op !== "delete" || path === "first.log"), "nothing was deleted for rules");
});

test("built-in, then the tenant's, then the session's: the later wins; files of rules are always kept", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await setRules(world, "!dist/\n*.log\n*.bin\n.coditect*\n");
  write(world, "dist/made", "a.log", "b.bin", "node_modules/x/y");
  fs.mkdirSync(world.tree(".coditect"));
  fs.writeFileSync(world.tree(".coditect/ignore"), "!a.log\ndist/\n");
  write(world, ".coditect/else");
  await world.startCodi2();
  await until("the rules are in force", async () => (await unkept(world)).includes("b.bin"));
  await world.sync();
  assert.deepEqual(await names(world), [".coditect", ".coditect/ignore", "a.log"]);
  assert.deepEqual(await unkept(world), [".coditect/else", "b.bin", "dist", "node_modules"]);
  fs.rmSync(world.tree(".coditect/ignore"));
  await until("the tenant's word counts", async () => (await names(world)).includes("dist/made"));
});

test("a deletion in the store takes what can be made again, and nothing that a tenant left out", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await setRules(world, "*.dat\n");
  await world.startCodi2();
  write(world, "results/report", "results/only-here.dat", "results/node_modules/x", "plain/report", "plain/node_modules/x");
  await until("the rules are in force", async () => (await unkept(world)).includes("results/only-here.dat"));
  await world.sync();
  const versions = Object.fromEntries((await world.entries()).map(({ path, version }) => [path, version]));
  for (const path of ["results", "plain"]) assert.ok(await world.change({ change: "delete", path, base: versions[path], author: { kind: "api", id: "usr-other" } }));
  await until("plain went", () => !fs.existsSync(world.tree("plain")));
  await until("the report went", () => !fs.existsSync(world.tree("results/report")));
  await world.sync();
  assert.equal(fs.readFileSync(world.tree("results/only-here.dat"), "utf8"), "results/only-here.dat");
  assert.deepEqual(fs.readdirSync(world.tree("results")), ["only-here.dat"]);
  assert.deepEqual(await names(world), ["results"], "the folder is there again, for what is in it");
});

test("an answer that says nothing of rules leaves those that are known, also over a new start", { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  const between = await standBetween(t, world);
  const start = () => world.startCodi2(between.args);
  await setRules(world, "*.log\n");
  write(world, "a.log");
  await start();
  await until("the rules are in force", async () => (await unkept(world)).includes("a.log"));
  await world.sync();
  assert.deepEqual(await names(world), []);

  const failure = (code) => `{"success":false,"error":{"code":"${code}","message":"x","request_id":"x"}}`;
  // As it starts, the first one; then each time that the server names another mark than it knows.
  const answers = [[500, failure("internal")], [404, failure("not_found")], [200, '{"ignore":7}'], [200, `{"ignore":"${"x".repeat(70_000)}"}`]];
  await world.kill("codi2");
  for (const [i, reply] of answers.entries()) {
    between.reply = reply;
    const asked = between.asked;
    if (i === 0) await start();
    else await setRules(world, `*.log\n# ${i}\n`);
    await until("it was asked", () => between.asked > asked);
    write(world, `${i}.log`, `${i}.c`);
    await world.sync();
    assert.ok(`${i}.c` in (await world.stored()), "the rest is stored");
    assert.ok(!(`${i}.log` in (await world.stored())), `after ${reply[1].slice(0, 80)}`);
  }
  between.reply = undefined;
  between.isOld = true;
  await world.kill("codi2");
  await start();
  write(world, "old.log", "old.c");
  await world.sync();
  assert.ok((await unkept(world)).includes("old.log") && "old.c" in (await world.stored()));

  await world.kill("codi2"); // started while the server is away, which then answers all but that
  await world.kill("server");
  await start();
  write(world, "away.log", "away.c");
  await world.startServer();
  await until("the rest is stored", async () => "away.c" in (await world.stored()), 60);
  await world.sync();
  assert.ok((await unkept(world)).includes("away.log") && !("away.log" in (await world.stored())));
  await world.kill("server");
  between.isOld = false;
  await world.startServer();
  await setRules(world, ""); // changed by a server that was away
  await until("it is heard of", async () => "old.log" in (await world.stored()), 60);
});

test("the disk is lost: what was stored before a rule comes back and stays in step", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  write(world, "old.log");
  await world.sync();
  await setRules(world, "*.log\n");
  await lose(world, ["tree", "index"]);
  assert.equal(fs.readFileSync(world.tree("old.log"), "utf8"), "old.log");
  write(world, "new.log");
  fs.appendFileSync(world.tree("old.log"), "more");
  await world.sync();
  assert.deepEqual(await unkept(world), ["new.log"]);
  const [old] = await world.entries();
  assert.deepEqual([old.path, old.size], ["old.log", 11]);
});

test("the wire: rules and their mark", { timeout: 30_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  const get = (what) => call(world.path("wire.sock"), "GET", `/wire/${what}`, { Authorization: "Bearer right" });
  assert.deepEqual((await get("rules?root=workspace")).body, { ignore: "", quiet: "" });
  const { rules } = (await get("changes?since=0")).body;
  assert.ok(Number.isSafeInteger(rules) || rules > 0);
  await setRules(world, "*.log\n");
  await until("served", async () => (await get("rules")).body.ignore === "*.log\n");
  const { rules: mark } = (await get("changes?since=0")).body;
  assert.notEqual(mark, rules);
  // Exactly, which a number of JavaScript is not; an older codi2, which knows of one list, reckons it so.
  const exactly = BigInt(`0x${hashOf("*.log\n").slice(0, 16)}`) & (2n ** 63n - 1n);
  assert.equal(Number(exactly), mark);
  const asked = get(`changes?since=0&wait=30000&rules=${exactly}`);
  assert.equal(await Promise.race([asked, wait(300)]), undefined, "it waits");
  fs.writeFileSync(world.path("store/quiet"), "*.db\n");
  world.server.kill("SIGUSR2");
  assert.notEqual((await asked).body.rules, mark, "what is quiet ends the wait, too");
  assert.deepEqual((await get("rules")).body, { ignore: "*.log\n", quiet: "*.db\n" });
  assert.equal((await get("changes?since=0&wait=30000&rules=1")).body.events.length, 0, "another mark: no wait");
  assert.equal((await get("changes?since=0&rules=-1")).status, 400);
  assert.equal((await get("changes?since=0&rules=9999999999999999999")).status, 400);
});

test("a disk that is lost while git runs comes back without git's lock", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  write(world, "repo/Cargo.lock", "repo/a");
  git(world.tree("repo"), "init", "-q");
  const kept = ["annex/objects/1/SHA256E-1.lock", "hooks/yarn.lock", "modules/hooks/hooks/a.lock", "modules/sub.lock", "modules/sub/annex/yarn.lock", "wt/Cargo.lock"].map((path) => `repo/.git/${path}`);
  write(world, ...kept.map((path) => (path.endsWith("sub.lock") ? `${path}/HEAD` : path)));
  write(world, ...["modules/sub/index.lock", "modules/hooks/index.lock", "modules/a/modules/annex/HEAD.lock", "refs/heads/hooks/x.lock", "worktrees/x/HEAD.lock"].map((path) => `repo/.git/${path}`));
  for (const name of ["user.name", "user.email"]) git(world.tree("repo"), "config", name, "ada@example.com");
  git(world.tree("repo"), "add", "-A");
  git(world.tree("repo"), "commit", "-qm", "first");
  write(world, "repo/b");
  git(world.tree("repo"), "add", "b");
  const index = () => hashOf(fs.readFileSync(world.tree("repo/.git/index")));
  await world.sync();
  assert.equal((await world.stored())["repo/.git/index"].split(" ")[2], index(), "what a lock was renamed to is stored");

  const running = spawn("git", ["commit", "-qam", "second", "-e"], { cwd: world.tree("repo"), env: { ...process.env, GIT_EDITOR: "sleep 600; :" }, stdio: "ignore", detached: true });
  t.after(() => { if (running.exitCode === null) process.kill(-running.pid, "SIGKILL"); });
  await until("git holds its lock", () => fs.existsSync(world.tree("repo/.git/COMMIT_EDITMSG")) && fs.existsSync(world.tree("repo/.git/index.lock")));
  await world.sync();
  const locks = (await names(world)).filter((path) => path.endsWith(".lock"));
  assert.deepEqual(locks, [...kept, "repo/Cargo.lock"]);
  assert.deepEqual(await unkept(world), []);
  await lose(world, ["tree", "index"]);
  git(world.tree("repo"), "commit", "-qam", "third");
  assert.equal(git(world.tree("repo"), "status", "--porcelain"), "");
});

test("a branch that is named as something that can be made again is kept", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  write(world, "repo/a", "node_modules/sub/.git/HEAD");
  git(world.tree("repo"), "init", "-q");
  git(world.tree("repo"), "add", "-A");
  git(world.tree("repo"), "commit", "-qm", "first");
  for (const name of ["target/one", "dist/one"]) git(world.tree("repo"), "branch", name);
  await world.sync();
  assert.deepEqual(await unkept(world), ["node_modules"]);
  await lose(world, ["tree", "index"]);
  assert.equal(git(world.tree("repo"), "branch", "--format=%(refname:short)"), "dist/one\nmain\ntarget/one\n");
});

test("a file of rules that is not used, or not to its end, is told as long as that is so", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const says = (words) => until(`it says ${words}`, async () => words.test((await world.status()).message ?? ""));
  fs.writeFileSync(world.tree(".coditectignore"), `left-out\n#${"x".repeat(64 * 1024)}\n`);
  await world.sync();
  await says(/^\.coditectignore is larger than 64 KiB: none of its rules is used\.$/);
  write(world, "left-out");
  await world.sync();
  assert.deepEqual(await names(world), [".coditectignore", "left-out"]);
  await world.kill("codi2");
  await world.startCodi2();
  await says(/^\.coditectignore is larger/);
  fs.writeFileSync(world.tree(".coditectignore"), `new\n${"x\n".repeat(10_000)}`);
  await says(/^\.coditectignore has rules that are not used/);
  fs.writeFileSync(world.tree(".coditectignore"), "new\n");
  await says(/^$/);
  write(world, "new");
  await world.sync();
  assert.deepEqual(await names(world), [".coditectignore", "left-out"]);
});
