// The real supervisor with a hostile program in codi2's place: what it tries is refused, and nothing is left behind.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { build, folder, limits, place, runs, start, until } from "./sandbox.mjs";

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
  await until("everything is gone", () => !runs(state.codi2) && !runs(state.sandbox), 10);
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
