// Starts the real supervisor in a place of its own, which is gone afterwards.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

export const build = process.env.CODITECT_BUILD ?? "";
assert.notEqual(build, "", "CODITECT_BUILD must name the build directory");
export const isRoot = process.getuid() === 0;
/** As root a user of this run alone: nobody else's processes are taken for ours. */
export const uid = isRoot ? 300000 + (process.pid % 100000) : process.getuid();
export const limits = { memory: 256 << 20, processes: 100, cpu: 0 };

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
  if (isRoot && owner) chownSync(path, owner === true ? uid : owner, owner === true ? uid : owner);
  return path;
}

/** A program of the build at a place that every user can pass. */
export function shared(name) {
  const program = join(place, basename(name));
  if (!existsSync(program)) copyFileSync(join(build, name), program);
  chmodSync(program, 0o755);
  return program;
}

const nobody = 61234; // no such user: an ordinary one that is thrown away

/** Who starts the supervisor: root, where these tests run as root, and an ordinary user. */
export const callers = [
  ...(isRoot ? [{ name: "root", uid, before: [] }] : []),
  isRoot
    ? { name: "an ordinary user", uid: nobody, before: ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"] }
    : { name: "an ordinary user", uid, before: [] },
];

/** An environment in which bubblewrap gets none of the options that are named here, each of which has a value. */
export function without(...options) {
  const path = join(place, `without-${options.join("")}`);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "bwrap"), `#!/bin/bash
words=()
while [ $# -gt 0 ]; do
  case " ${options.join(" ")} " in *" $1 "*) shift 2 ;; *) words+=("$1"); shift ;; esac
done
exec /usr/bin/bwrap "\${words[@]}"
`, { mode: 0o755 });
  return { ...process.env, PATH: `${path}:${process.env.PATH}` };
}

/** Starts a supervisor with the probe (or another program) as codi2; before: a program that executes it. */
export function start(session, { environment = {}, codi2, network = true, binds = [], before = [], env = process.env, log = "inherit", caller, ...more } = {}) {
  const owner = caller?.uid ?? uid;
  const run = folder(join(place, session, "run"), caller && caller.before.length > 0 ? owner : false);
  const tree = folder(join(place, session, "tree"), owner);
  const home = folder(join(place, session, "home"), owner);
  const config = {
    session, generation: 3, run, codi2: codi2 ?? shared("tests/sandbox/sandbox-probe"), token: "probe-tok", arguments: [], environment, network,
    binds: [{ source: tree, target: "/workspace", writable: true }, { source: home, target: "/home/dev", writable: true }, ...binds],
    uid: owner, gid: isRoot ? owner : process.getgid(), ...limits, files: 4096, grace_ms: 3000, ...more,
  };
  const [command, ...words] = [...before, ...(caller?.before ?? []), shared("src/workspace/coditect-workspace")];
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
