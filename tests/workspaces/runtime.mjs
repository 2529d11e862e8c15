// Drives workspaces-runtime: a process that splits itself as coditectd does and obeys lines on standard input.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

const build = process.env.CODITECT_BUILD ?? "";
assert.notEqual(build, "", "CODITECT_BUILD must name the build directory");
export const isRoot = process.getuid() === 0;
export const phases = { gone: 0, starting: 1, running: 2, stopping: 3, ended: 4 };
const uids = { first: 200000, last: 200999 };
const nobody = 61234; // no such user: an ordinary one that is thrown away

/**
 * Who starts the server. As root the workspaces have users of their own, and the server has one (here: stays root, unless a
 * test names another); an ordinary user does everything as itself.
 */
export const callers = [
  ...(isRoot ? [{ name: "root", root: true, uid: uids.first + 17, other: uids.first + 18, as: [] }] : []),
  isRoot
    ? { name: "an ordinary user", root: false, uid: nobody, other: nobody, as: ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"] }
    : { name: "an ordinary user", root: false, uid: process.getuid(), other: process.getuid(), as: [] },
];

export async function until(what, predicate, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await predicate();
    if (value) return value;
    assert.ok(Date.now() < deadline, `${typeof what === "string" ? what : what()} within ${seconds} s`);
    await wait(20);
  }
}

/** True when pid runs; a zombie, which nobody may reap in a container, does not. */
export function runs(pid) {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

export function program(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

/** Control groups are the machine's: two runs of this suite do not share theirs. */
export const sessionA = `ses-a-${process.pid}`;
export const sessionB = `ses-b-${process.pid}`;

/**
 * A program in codi2's place: waits for the end; what it was told lies in /workspace. `first` is Python to run before it is
 * up, `last` when it is asked to end.
 */
export const idle = ({ first = "", last = "sys.exit(7)" } = {}) => `#!/usr/bin/python3
import os, pathlib, signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
place = pathlib.Path("/workspace")
(place / "token").write_bytes(os.read(3, 1000))
(place / "arguments").write_text("\\n".join(sys.argv[1:]) + "\\n")
(place / "environment").write_text("".join(f"{name}={value}\\n" for name, value in os.environ.items()))
${first}
(place / "up").touch()
while True:
    signal.sigwait([signal.SIGTERM])
    (place / "stopped").write_text("stopped")
    ${last}
`;

/**
 * A data directory and programs below one that lets nobody but its owner pass, as /root does. Afterwards the workspaces of
 * `sessions` are ended and removed by a server of their own, whatever became of the test's.
 */
export function setUp(t, caller, { codi2 = idle(), sessions = [] } = {}) {
  const place = mkdtempSync("/var/tmp/coditect-runtime-");
  const data = join(place, "data");
  mkdirSync(data);
  const options = { data, codi2: program(join(place, "bin/codi2"), codi2), supervisor: join(place, "bin/coditect-workspace") };
  copyFileSync(join(build, "src/workspace/coditect-workspace"), options.supervisor);
  copyFileSync(join(build, "tests/workspaces/workspaces-runtime"), join(place, "bin/workspaces-runtime"));
  for (const path of isRoot && !caller.root ? [place, data] : []) chownSync(path, nobody, nobody);
  chmodSync(place, 0o700);
  t.after(async () => {
    const server = await Server.start(t, caller, options);
    for (const session of sessions) {
      await server.stop(session, /* force= */ true);
      await until(`${session} has ended`, async () => [phases.gone, phases.ended].includes((await server.look(session)).phase));
      const tree = join(data, "workspaces", session, "tree");
      if (existsSync(tree)) await server.remove(session, statSync(tree).uid); // its control group too
    }
    await server.end();
    rmSync(place, { recursive: true, force: true });
  });
  return { place, data, options };
}

/** A server: the process that splits itself. */
export class Server {
  static async start(t, caller, options) {
    const server = new Server();
    server.caller = caller;
    const all = { ...(caller.root ? { "first-uid": uids.first, "last-uid": uids.last } : {}), ...options };
    const words = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const [command, ...rest] = [...caller.as, join(dirname(options.supervisor), "workspaces-runtime"), ...words];
    server.child = spawn(command, rest, { stdio: ["pipe", "pipe", "pipe"] });
    server.log = "";
    server.child.stderr.setEncoding("utf8").on("data", (piece) => (server.log += piece));
    server.child.stdin.on("error", () => {}); // one that was killed reads no more
    server.ended = new Promise((resolve) => server.child.on("close", (code, signal) => resolve({ code, signal })));
    server.lines = createInterface({ input: server.child.stdout })[Symbol.asyncIterator]();
    t.after(() => server.end());
    const first = await server.lines.next();
    server.introduction = first.done ? undefined : JSON.parse(first.value);
    return server;
  }

  async ask(line) {
    this.child.stdin.write(`${JSON.stringify(line)}\n`);
    const answer = await this.lines.next();
    assert.ok(!answer.done, `the server is gone: ${this.log}`);
    return JSON.parse(answer.value);
  }

  startWorkspace(session, more = {}) {
    return this.ask({
      do: "start", session, user: `usr-${session}`, tenant: "ten-a", name: "Project A", token: "tok", generation: 1,
      uid: this.caller.uid, memory: 0, processes: 100, cpu: 0, network: false, ...more,
    });
  }

  look(session) {
    return this.ask({ do: "look", session });
  }

  until(session, phase, seconds = 30) {
    let last;
    return until(() => `${session} is in phase ${phase}, not ${JSON.stringify(last)}: ${this.log}`, async () => {
      last = await this.look(session);
      return last.phase === phase && last;
    }, seconds);
  }

  async stop(session, force = false) {
    const { pid, start_time } = await this.look(session);
    return this.ask({ do: "stop", session, pid, start_time, force });
  }

  remove(session, uid = this.caller.uid) {
    return this.ask({ do: "remove", session, uid });
  }

  /** The server ends in order; workspaces go on. */
  async end() {
    this.child.stdin.end();
    return this.ended;
  }

  /** Both sides of the server die at once. */
  async crash() {
    process.kill(this.introduction.pid, "SIGKILL");
    this.child.kill("SIGKILL");
    await this.ended;
    await until("both sides are gone", () => !runs(this.introduction.pid));
  }
}
