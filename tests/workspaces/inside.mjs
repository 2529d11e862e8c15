// A shell in a workspace that runs, for tests: what its terminal would do, by joining the namespaces of its codi2. Wants root.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../api/harness.mjs";

/** The supervisor's state file; undefined when there is none. */
export function stateOf(server, session) {
  try {
    return JSON.parse(readFileSync(join(server.data, "run", session, "state"), "utf8"));
  } catch (error) {
    assert.equal(error.code, "ENOENT"); // a workspace that ends may take it away at any moment
    return undefined;
  }
}

export function alive(pid) {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Empty for a process that has just ended. */
export function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Of its program, as the kernel has it; empty for one that has just ended. */
export function nameOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

/** Every process of the workspace: the supervisor and all below it. */
export function processesOf(server, session) {
  const state = stateOf(server, session);
  if (state === undefined) return [];
  const all = [];
  const walk = (pid) => {
    if (!alive(pid)) return;
    all.push(pid);
    for (const child of childrenOf(pid)) walk(child);
  };
  walk(state.pid);
  return all;
}

/** The command that runs a script with bash inside, as spawn takes it. */
export function insideCommand(server, session, script) {
  const { codi2 } = stateOf(server, session);
  return [
    "nsenter",
    ["--target", String(codi2), "--user", "--mount", "--pid", "--ipc", "--uts", "--net", "--setuid", "1000", "--setgid", "1000",
      "env", "-i", "HOME=/home/dev", "USER=dev", "LANG=C.UTF-8", "TERM=xterm-256color", "PATH=/opt/coditect/node/bin:/usr/local/bin:/usr/bin:/bin",
      "bash", "-euo", "pipefail", "-c", `cd /workspace; ${script}`],
  ];
}

/** Runs a script with bash inside; its standard output. */
export function inside(server, session, script) {
  const [program, args] = insideCommand(server, session, script);
  const result = spawnSync(program, args, { encoding: "utf8", timeout: 120_000, maxBuffer: 1 << 26 });
  assert.equal(result.status, 0, `${script}\n${result.stdout}${result.stderr}${result.error ?? ""}`);
  return result.stdout;
}

export async function workspaceOf(client, session) {
  const reply = await client.get(`/sessions/${session}`);
  assert.equal(reply.status, 200, reply.text());
  return reply.data.workspace;
}

/** Waits for one of the states; "failed" ends the wait with its error. */
export async function reaches(client, session, state, ms = 60_000) {
  let workspace;
  await until(`${session} is ${state}`, async () => {
    workspace = await workspaceOf(client, session);
    assert.ok(state === "failed" || workspace.state !== "failed", workspace.error);
    return workspace.state === state;
  }, ms);
  return workspace;
}

export async function open(client, session) {
  const reply = await client.post(`/sessions/${session}/open`);
  assert.equal(reply.status, 202, reply.text());
  return reaches(client, session, "running");
}

/** The barrier, asked from inside as Theia does; the seq. */
export function sync(server, session) {
  const text = inside(server, session, "curl -sS --fail-with-body --unix-socket /run/coditect/door/door.sock -X POST http://door/sync");
  return JSON.parse(text).seq;
}
