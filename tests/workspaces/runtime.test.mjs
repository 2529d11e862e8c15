// The broker and the local runtime with real supervisors and sandboxes: what coditectd's keeper relies on.
import assert from "node:assert/strict";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { callers, idle, isRoot, phases, program, runs, Server, sessionA, sessionB, setUp, until } from "./runtime.mjs";

const groups = (session) =>
  ["/sys/fs/cgroup/pids/coditect", "/sys/fs/cgroup/memory/coditect", "/sys/fs/cgroup/coditect"].map((top) => join(top, session)).filter((group) => existsSync(group));

for (const caller of callers) {
  const tested = (name, body) => test(`${caller.name}: ${name}`, { timeout: 120_000 }, body);

  tested("a workspace starts, says what it is, ends in order, and all of it goes", async (t) => {
    const { place, data, options } = setUp(t, caller, { sessions: [sessionA] });
    const node = program(join(place, "node/bin/node"), "#!/bin/sh\necho the node of this test\n");
    program(join(place, "ide/app"), "#!/bin/sh\n");
    const server = await Server.start(t, caller, { ...options, node, ide: join(place, "ide"), origin: "http://coditect.localhost:8080" });
    assert.equal((await server.look(sessionA)).phase, phases.gone);

    assert.deepEqual(await server.startWorkspace(sessionA, { name: "Project «A» $(x)", memory: 1 << 28 }), { error: "OK", text: "" });
    const state = await server.until(sessionA, phases.running);
    assert.equal(state.generation, 1);
    assert.equal(state.exit_code, -1);
    assert.match(state.limits, caller.root ? /^(cgroup[12]|rlimit)$/ : /^rlimit$/);
    assert.equal(state.door, join(server.introduction.data, `run/${sessionA}/door/door.sock`));

    const tree = join(data, `workspaces/${sessionA}/tree`);
    const inside = (name) => readFileSync(join(tree, name), "utf8");
    await until("it is up", () => existsSync(join(tree, "up")));
    assert.equal(inside("token"), "tok");
    const words = inside("arguments").split("\n");
    assert.equal(words[words.indexOf("--node") + 1], "/opt/coditect/node/bin/node");
    assert.equal(words[words.indexOf("--ide") + 1], "/opt/coditect/ide");
    const environment = inside("environment").split("\n");
    for (const line of [`SESSION_ID=${sessionA}`, "SESSION_NAME=Project «A» $(x)", `USER_ID=usr-${sessionA}`, "TENANT_ID=ten-a", "GENERATION=1", "PLATFORM_ORIGIN=http://coditect.localhost:8080"]) {
      assert.ok(environment.includes(line), line);
    }
    assert.equal(environment.includes(`MEMORY_LIMIT=${1 << 28}`), state.limits === "rlimit");
    assert.equal((await server.remove(sessionA)).error, "busy");
    assert.equal(inside("token"), "tok");

    assert.equal((await server.stop(sessionA)).error, "OK");
    assert.equal((await server.until(sessionA, phases.ended)).exit_code, 7);
    assert.equal(inside("stopped"), "stopped");
    await until("the supervisor is gone", () => !runs(state.pid));
    assert.equal((await server.stop(sessionA)).error, "not_found");
    assert.equal((await server.remove(sessionA)).error, "OK");
    assert.deepEqual([readdirSync(join(data, "workspaces")), readdirSync(join(data, "run"))], [[], ["wire"]]);
    assert.equal((await server.look(sessionA)).phase, phases.gone);
  });

  tested("what runs outlives a crash of the server, and the next one finds it", async (t) => {
    const { data, options } = setUp(t, caller, { sessions: [sessionA] });
    const first = await Server.start(t, caller, options);
    await first.startWorkspace(sessionA, { generation: 41 });
    const before = await first.until(sessionA, phases.running);
    const { codi2 } = JSON.parse(readFileSync(join(data, `run/${sessionA}/state`), "utf8"));
    await first.crash();
    assert.ok(runs(before.pid) && runs(codi2));

    const second = await Server.start(t, caller, options);
    const after = await second.look(sessionA);
    assert.deepEqual(after, { ...before, door: after.door });
    assert.equal(after.generation, 41);
    assert.ok(runs(codi2));
    assert.equal((await second.stop(sessionA)).error, "OK");
    assert.equal((await second.until(sessionA, phases.ended)).exit_code, 7);
  });

  tested("force kills at once, with everything inside", async (t) => {
    const stubborn = idle({ first: "for start_new_session in (False, True): subprocess.Popen(['sleep', '1000'], start_new_session=start_new_session)", last: "pass" });
    const { data, options } = setUp(t, caller, { sessions: [sessionA], codi2: stubborn });
    const server = await Server.start(t, caller, options);
    await server.startWorkspace(sessionA);
    const { pid } = await server.until(sessionA, phases.running);
    await until("it is up", () => existsSync(join(data, `workspaces/${sessionA}/tree/up`)));
    const { codi2 } = JSON.parse(readFileSync(join(data, `run/${sessionA}/state`), "utf8"));
    const children = () => readFileSync(`/proc/${codi2}/task/${codi2}/children`, "utf8").trim().split(" ").map(Number);
    const inside = children();
    assert.ok(inside.length >= 2);
    assert.equal((await server.stop(sessionA)).error, "OK");
    await server.until(sessionA, phases.stopping);
    assert.equal((await server.stop(sessionA, /* force= */ true)).error, "OK");
    await until("all is gone", () => [pid, codi2, ...inside].every((one) => !runs(one)));
    assert.equal((await server.look(sessionA)).phase, phases.gone);

    // Nobody was left to clean up: the next start does, and a removal.
    if (caller.root && groups(sessionA).length > 0) {
      await server.startWorkspace(sessionA, { generation: 2 });
      await until("it runs again", async () => { const s = await server.look(sessionA); return s.phase === phases.running && s.generation === 2; });
      await server.stop(sessionA, /* force= */ true);
      await server.until(sessionA, phases.gone);
      assert.notDeepEqual(groups(sessionA), []);
    }
    await until("its lock is free", async () => (await server.remove(sessionA)).error === "OK");
    if (caller.root) assert.deepEqual(groups(sessionA), []);
  });

  tested("two at once do not touch each other", async (t) => {
    const look = "ls /var/tmp /run/coditect; cat /proc/[0-9]*/environ";
    const curious = idle({ first: `subprocess.run("(${look}) > /workspace/seen 2>&1", shell=True)` });
    const { data, options } = setUp(t, caller, { sessions: [sessionA, sessionB], codi2: curious });
    const server = await Server.start(t, caller, options);
    assert.equal((await server.startWorkspace(sessionA, { token: "token-of-a" })).error, "OK");
    assert.equal((await server.startWorkspace(sessionB, { token: "token-of-b", uid: caller.other })).error, "OK");
    const a = await server.until(sessionA, phases.running);
    const b = await server.until(sessionB, phases.running);
    assert.notEqual(a.pid, b.pid);
    for (const session of [sessionA, sessionB]) await until("it is up", () => existsSync(join(data, `workspaces/${session}/tree/up`)));
    for (const [session, other] of [[sessionA, sessionB], [sessionB, sessionA]]) {
      assert.doesNotMatch(readFileSync(join(data, `workspaces/${session}/tree/seen`), "utf8"), new RegExp(`${other}|coditect-runtime`));
    }
    await server.stop(sessionA);
    await server.until(sessionA, phases.ended);
    assert.equal((await server.look(sessionB)).phase, phases.running);
    if (caller.root) {
      assert.equal(statSync(join(data, `workspaces/${sessionB}/tree`)).uid, caller.other);
      assert.equal(statSync(join(data, `workspaces/${sessionB}/tree`)).mode & 0o777, 0o700);
      assert.equal(statSync(join(data, `run/${sessionB}/door`)).mode & 0o777, 0o710);
      assert.equal((await server.remove(sessionA, caller.other)).error, "io"); // not whose it is
    }
    assert.equal((await server.remove(sessionA)).error, "OK");
  });

  tested("a second start of what runs is refused by its supervisor and changes nothing", async (t) => {
    const { data, options } = setUp(t, caller, { sessions: [sessionA] });
    const server = await Server.start(t, caller, options);
    await server.startWorkspace(sessionA);
    const before = await server.until(sessionA, phases.running);
    await server.startWorkspace(sessionA);
    await until("the second gave up", () => readFileSync(join(data, `run/${sessionA}/log`), "utf8").includes("runs already"));
    assert.deepEqual(await server.look(sessionA), before);
  });

  tested("a start of a newer generation takes the place of what an older one left", async (t) => {
    const { options } = setUp(t, caller, { sessions: [sessionA] });
    const server = await Server.start(t, caller, options);
    await server.startWorkspace(sessionA);
    const before = await server.until(sessionA, phases.running);
    await server.startWorkspace(sessionA, { generation: 2 });
    await until("the newer runs", async () => { const s = await server.look(sessionA); return s.phase === phases.running && s.generation === 2; });
    assert.ok(!runs(before.pid));
  });

  tested("signals reach the server, and its end is the broker's", async (t) => {
    const { options } = setUp(t, caller);
    const asked = await Server.start(t, caller, options);
    asked.child.kill("SIGTERM");
    assert.deepEqual(await asked.ended, { code: 143, signal: null });
    assert.ok(!runs(asked.introduction.pid));

    const killed = await Server.start(t, caller, options);
    process.kill(killed.introduction.pid, "SIGKILL");
    assert.deepEqual(await killed.ended, { code: 137, signal: null });

    const orphan = await Server.start(t, caller, options);
    orphan.child.kill("SIGKILL"); // the broker: its server must not go on without it
    await until("the server follows", () => !runs(orphan.introduction.pid));
    assert.equal((await (await Server.start(t, caller, options)).end()).code, 0);
  });

  tested("what cannot be is refused in one line", async (t) => {
    const { place, options } = setUp(t, caller);
    mkdirSync(join(place, "empty"));
    const cases = [
      [{ node: join(place, "empty") }, /is no Node\.js: there is no .*\/empty\/bin\/node/],
      [{ node: "bin/node" }, /is no Node\.js/],
      ...(caller.root ? [[{ ide: join(place, "nothing") }, /nothing cannot be read: No such file/]] : []),
    ];
    for (const [more, message] of cases) {
      const server = await Server.start(t, caller, { ...options, ...more });
      assert.equal((await server.ended).code, 1);
      assert.equal(server.log.trim().split("\n").length, 1, server.log);
      assert.match(server.log, message);
    }
    const server = await Server.start(t, caller, { ...options, supervisor: options.supervisor });
    for (const more of [{ session: "../x" }, { user: "" }, { name: "x".repeat(401) }, { name: "a\u0000b" }, { name: "two\nlines" }, { generation: 0 }, ...(caller.root ? [{ uid: 0 }, { uid: 1000 }] : [])]) {
      const { error, text } = await server.startWorkspace(sessionA, more);
      assert.equal(error, "invalid", JSON.stringify(more));
      assert.notEqual(text, "");
    }
  });

  tested("a Node.js of the system is named, not shown", async (t) => {
    const { data, options } = setUp(t, caller, { sessions: [sessionA] });
    const system = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path));
    if (!system) return t.skip("none here");
    const server = await Server.start(t, caller, { ...options, node: system });
    await server.startWorkspace(sessionA);
    await until("it is up", () => existsSync(join(data, `workspaces/${sessionA}/tree/up`)));
    assert.match(readFileSync(join(data, `workspaces/${sessionA}/tree/arguments`), "utf8"), new RegExp(`--node\n${system}\n`));
  });
}

test("the server gives up root and sees what it must, nothing else", { skip: isRoot ? false : "needs root" }, async (t) => {
  const [caller] = callers;
  const { place, data, options } = setUp(t, caller, { sessions: [sessionA] });
  mkdirSync(join(place, "web"));
  writeFileSync(join(place, "web/index.html"), "web");
  writeFileSync(join(place, "private"), "private", { mode: 0o600 });
  mkdirSync(join(data, "store"), { mode: 0o700 });
  writeFileSync(join(data, "store/store.db"), "made as root", { mode: 0o600 });
  linkSync(join(place, "private"), join(data, "store/link")); // as a server that was taken over would plant it
  symlinkSync(join(place, "private"), join(data, "store/symlink"));
  const server = await Server.start(t, caller, { ...options, "server-user": "daemon", web: join(place, "web"), ide: join(place, "web") });
  assert.notEqual(server.introduction.uid, 0);
  await server.startWorkspace(sessionA);
  await server.until(sessionA, phases.running);
  await until("it is up", () => existsSync(join(data, `workspaces/${sessionA}/tree/up`)));
  const { introduction } = server;
  const reads = async (path) => (await server.ask({ do: "read", path })).error;
  assert.equal(await reads(join(introduction.web, "index.html")), "OK");
  assert.equal(await reads(join(introduction.ide, "index.html")), "OK");
  assert.equal(await reads(join(introduction.data, "store/store.db")), "OK");
  assert.notEqual(await reads(join(introduction.data, "store/link")), "OK");
  assert.equal(statSync(join(place, "private")).uid, 0);
  assert.equal(await reads(join(introduction.data, `run/${sessionA}/state`)), "OK");
  assert.notEqual(await reads(join(place, "web/index.html")), "OK");
  assert.notEqual(await reads(join(place, "private")), "OK");
  assert.notEqual(await reads(join(introduction.data, `workspaces/${sessionA}/tree/token`)), "OK");
  assert.notEqual(await reads(join(introduction.data, `run/${sessionA}/log`)), "OK");
  assert.notEqual(await reads("/etc/shadow"), "OK");
});

test("without its user the server stays root, and says so", { skip: isRoot ? false : "needs root" }, async (t) => {
  const [caller] = callers;
  const { options } = setUp(t, caller);
  const server = await Server.start(t, caller, { ...options, "server-user": "no-such-user" });
  assert.equal(server.introduction.uid, 0);
  await until("it is said", () => /there is no user no-such-user, so the server stays root: run useradd --system no-such-user/.test(server.log)); // by another pipe
});
