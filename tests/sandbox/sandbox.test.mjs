// The real supervisor with a hostile program in codi2's place: what it tries is refused, and nothing is left behind.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { build, folder, isRoot, limits, place, runs, start, uid, until } from "./sandbox.mjs";

test("a hostile program inside gets nowhere", { timeout: 120_000 }, async (t) => {
  const secret = join(place, "server-data");
  writeFileSync(secret, "secret");
  const other = folder(join(place, "ses-other", "tree"), true);
  const listener = createServer((socket) => socket.end("host")).listen(0, "127.0.0.1");
  t.after(() => listener.close());
  await new Promise((resolve) => listener.once("listening", resolve));
  const workspace = start("ses-probe", {
    environment: { PROBE_SECRET: secret, PROBE_OTHER: other, PROBE_PORT: String(listener.address().port), PROBE_MEMORY_MB: "1024" },
  });
  const results = join(workspace.tree, "probe");
  await until("the probe's results", () => existsSync(results), 90);
  const lines = Object.fromEntries(readFileSync(results, "utf8").trim().split("\n").map((line) => line.split(" ")));

  const expected = {
    pid: ["1"], token: ["right"], descriptors: ["none"], "kill-codi2": ["alive"],
    "read-memory-of-codi2": ["EACCES", "EPERM"], "read-environment-of-codi2": ["EACCES", "EPERM"],
    "trace-codi2": ["EPERM"], "enter-namespace-of-1": ["EACCES", "EPERM"],
    "read-server-data": ["ENOENT"], "read-other-workspace": ["ENOENT"], "read-shadow": ["ENOENT"],
    "write-usr": ["EROFS"], "write-root": ["EROFS"], "write-etc": ["EROFS"], "write-sysctl": ["EACCES", "EROFS", "EPERM"],
    "open-disk": ["ENOENT"],
    "connect-host-loopback": ["ECONNREFUSED"], "connect-host-gateway": ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "EINPROGRESS"],
    mount: ["EPERM"], "become-root": ["EPERM", "EINVAL"], "shed-groups": ["EPERM"],
  };
  for (const [name, allowed] of Object.entries(expected)) {
    await t.test(name, () => assert.ok(allowed.includes(lines[name]), `${name}: ${lines[name]}`));
  }
  await t.test("processes of the host are not seen", () => assert.ok(Number(lines["processes-seen"]) <= 4));
  await t.test("forking ends at the limit", () => {
    assert.ok(Number(lines.forks) > 0 && Number(lines.forks) <= limits.processes, lines.forks);
  });
  const byGroup = workspace.state().limits.startsWith("cgroup");
  await t.test("memory ends at the limit", { skip: byGroup ? false : "no control groups here" }, () => {
    assert.equal(lines["fill-memory"], "killed");
  });

  workspace.child.kill("SIGTERM");
  assert.equal((await workspace.ended).code, 0);
  assert.deepEqual([workspace.state().phase, workspace.state().exit_code], ["ended", 7]);
});

test("the state names the processes, and all die with the supervisor", async () => {
  const workspace = start("ses-killed");
  const state = await until("running", () => existsSync(join(workspace.run, "state")) && workspace.state().phase === "running" && workspace.state());
  assert.equal(state.pid, workspace.child.pid);
  assert.equal(state.generation, 3);
  assert.ok(runs(state.codi2) && runs(state.sandbox));
  workspace.child.kill("SIGKILL");
  await until("everything is gone", () => !runs(state.codi2) && !runs(state.sandbox), 30);
});

test("killed at whatever moment of its start, a supervisor leaves no process", { timeout: 120_000 }, async () => {
  const mark = `mark-${process.pid}`;
  const left = () => readdirSync("/proc").filter((pid) => {
    try {
      if (!/^\d+$/.test(pid) || !runs(pid)) return false;
      const [, user] = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
      return (isRoot && Number(user) === uid) || readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark);
    } catch {
      return false;
    }
  });
  for (let delay = 0; delay < 60; delay += 1.5) {
    const workspace = start("ses-cut-short", { arguments: [mark] });
    await wait(delay);
    workspace.child.kill("SIGKILL");
    await workspace.ended;
  }
  await until("nothing is left", () => left().length === 0, 30);
});

test("a second supervisor of a running session is refused and harms nothing", async () => {
  const first = start("ses-twice");
  await until("running", () => existsSync(join(first.run, "state")) && first.state().phase === "running");
  const second = start("ses-twice");
  assert.equal((await second.ended).code, 2);
  assert.deepEqual([first.state().pid, first.state().phase], [first.child.pid, "running"]);
  first.child.kill("SIGTERM");
  assert.equal((await first.ended).code, 0);
});

test("control groups of a killed supervisor go at the next start, and by --clear", { skip: isRoot ? false : "only root makes them" }, async () => {
  const groups = ["/sys/fs/cgroup/pids/coditect", "/sys/fs/cgroup/memory/coditect", "/sys/fs/cgroup/coditect"].map((top) => join(top, "ses-groups"));
  const present = () => groups.filter((group) => existsSync(group));
  const killed = async (more) => {
    const workspace = start("ses-groups", more);
    await until("running", () => existsSync(join(workspace.run, "state")) && workspace.state().pid === workspace.child.pid && workspace.state().phase === "running");
    const { limits } = workspace.state();
    workspace.child.kill("SIGKILL");
    await workspace.ended;
    return limits;
  };
  if ((await killed()) === "rlimit") return;
  assert.notEqual(present().length, 0);
  await killed({ processes: 0 });
  const pids = present().map((group) => join(group, "pids.max")).find((file) => existsSync(file));
  assert.equal(readFileSync(pids, "utf8"), "max\n"); // not what the killed one had set
  execFileSync(join(build, "src/workspace/coditect-workspace"), ["--clear", "ses-groups"]);
  assert.deepEqual(present(), []);
  execFileSync(join(build, "src/workspace/coditect-workspace"), ["--clear", "ses-groups"]);
});

test("the log keeps its newest part", async () => {
  const log = join(folder(join(place, "ses-log")), "log");
  const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i} ${"x".repeat(80)}`).join("\n") + "\n";
  writeFileSync(log, lines);
  const workspace = start("ses-log", { log: openSync(log, "a+") });
  await until("running", () => existsSync(join(workspace.run, "state")) && workspace.state().phase === "running");
  workspace.child.kill("SIGTERM");
  await workspace.ended;
  const text = readFileSync(log, "utf8");
  assert.ok(text.length <= 300 << 10, `${text.length}`);
  assert.match(text, /^line \d+ x+\n/);
  assert.match(text, /^line 39999 x+$/m);
});

test("without user namespaces it says so, and what to do", { timeout: 60_000 }, async () => {
  for (const network of [true, false]) {
    const workspace = start(`ses-refused-${network}`, { network, before: [join(build, "tests/sandbox/no-namespaces")] });
    assert.equal((await workspace.ended).code, 1);
    assert.equal(workspace.state().phase, "ended");
    assert.match(workspace.state().error, /^the kernel refuses user namespaces: boot one with CONFIG_USER_NS; in a container, start it with --privileged$/);
  }
});

test("a missing bubblewrap or slirp4netns is named", async () => {
  const cases = [[["/usr/bin/slirp4netns"], /^bubblewrap cannot be executed: install the Debian package bubblewrap$/], [["/usr/bin/bwrap"], /is the package slirp4netns installed/]];
  for (const [[present], message] of cases) {
    const path = folder(join(place, `path-${present.length}`), false);
    symlinkSync(present, join(path, basename(present)));
    const workspace = start(`ses-poor-${present.length}`, { env: { PATH: path } });
    assert.equal((await workspace.ended).code, 1);
    assert.match(workspace.state().error, message);
  }
});

test("a workspace that is asked to end while it begins ends in order", async () => {
  const slow = join(place, "slow");
  writeFileSync(slow, "#!/bin/sh\nsleep 0.7\ntrap 'exit 9' TERM\nwhile :; do sleep 0.1; done\n", { mode: 0o755 });
  const workspace = start("ses-slow", { codi2: slow });
  await until("running", () => existsSync(join(workspace.run, "state")) && workspace.state().phase === "running");
  workspace.child.kill("SIGTERM"); // not seen: the first process of a namespace has no default action
  await workspace.ended;
  assert.equal(workspace.state().exit_code, 9);
});

test("a workspace that ignores SIGTERM is killed after its grace", async () => {
  const stubborn = join(place, "stubborn");
  writeFileSync(stubborn, "#!/bin/bash\ntrap '' TERM\n: > /workspace/up\nwhile :; do read -rt 1 < <(:) ; wait; done\n", { mode: 0o755 });
  const workspace = start("ses-stubborn", { codi2: stubborn });
  await until("it is up", () => existsSync(join(workspace.tree, "up")));
  workspace.child.kill("SIGTERM");
  await workspace.ended;
  assert.equal(workspace.state().phase, "ended");
  assert.equal(workspace.state().exit_signal, 9);
});

test("what cannot be started says why", async () => {
  const workspace = start("ses-none", { codi2: "/nonexistent/codi2" });
  assert.notEqual((await workspace.ended).code, 0);
  assert.equal(workspace.state().phase, "ended");
  assert.match(workspace.state().error, /codi2 cannot be executed/);
});

test("a wrong configuration is refused by name", () => {
  const program = join(build, "src/workspace/coditect-workspace");
  const cases = [
    ["", /no JSON/], ["{}", /session|generation/], ['{"session":"../x"}', /wrong at/], ['{"session":"a","mystery":1}', /wrong at/],
    ["x".repeat(70000), /64 KiB/],
  ];
  for (const [input, message] of cases) {
    try {
      execFileSync(program, { input, stdio: ["pipe", "pipe", "pipe"] });
      assert.fail("it was taken");
    } catch (error) {
      assert.equal(error.status, 2);
      assert.match(String(error.stderr), message);
    }
  }
});
