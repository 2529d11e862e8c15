// Starts the real supervisor in a place of its own, which is gone afterwards.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

export const build = process.env.CODITECT_BUILD ?? "";
assert.notEqual(build, "", "CODITECT_BUILD must name the build directory");
export const isRoot = process.getuid() === 0;
/** As root a user of this run alone: nobody else's processes are taken for ours. */
export const uid = isRoot ? 300000 + (process.pid % 100000) : process.getuid();
export const limits = { memory: 256 << 20, processes: 100 };

// Below /var/tmp, where the workspace's user may pass.
export const place = mkdtempSync("/var/tmp/coditect-sandbox-");
chmodSync(place, 0o711);
const started = [];
const sessions = new Set();
after(() => {
  for (const pid of started) {
    try { process.kill(pid, "SIGKILL"); } catch { /* it has ended */ }
  }
  for (const session of sessions) execFileSync(join(build, "src/workspace/coditect-workspace"), ["--clear", session]);
  rmSync(place, { recursive: true, force: true });
});

export async function until(what, predicate, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = predicate();
    if (value) return value;
    assert.ok(Date.now() < deadline, `${what} within ${seconds} s`);
    await wait(20);
  }
}

export function folder(path, owner) {
  mkdirSync(path, { recursive: true });
  if (isRoot && owner) chownSync(path, uid, uid);
  return path;
}

/** Starts a supervisor with the probe (or another program) as codi2; before: a program that executes it. */
export function start(session, { environment = {}, codi2, network = true, binds = [], before = [], env = process.env, log = "inherit", ...more } = {}) {
  const run = folder(join(place, session, "run"), false);
  const tree = folder(join(place, session, "tree"), true);
  const home = folder(join(place, session, "home"), true);
  const program = join(place, "probe");
  if (!existsSync(program)) copyFileSync(join(build, "tests/sandbox/sandbox-probe"), program);
  chmodSync(program, 0o755);
  const config = {
    session, generation: 3, run, codi2: codi2 ?? program, token: "probe-tok", arguments: [], environment, network,
    binds: [{ source: tree, target: "/workspace", writable: true }, { source: home, target: "/home/dev", writable: true }, ...binds],
    uid, gid: isRoot ? uid : process.getgid(), ...limits, files: 4096, grace_ms: 3000, ...more,
  };
  const [command, ...words] = [...before, join(build, "src/workspace/coditect-workspace")];
  const child = spawn(command, words, { stdio: ["pipe", "inherit", log], env });
  started.push(child.pid);
  sessions.add(session);
  const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve({ code, signal })));
  child.stdin.end(JSON.stringify(config));
  return { child, ended, run, tree, state: () => JSON.parse(readFileSync(join(run, "state"), "utf8")) };
}

/** True when pid runs; a zombie, which nobody may reap in a container, does not. */
export function runs(pid) {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
