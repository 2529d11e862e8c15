// Workspaces outlive servers: terminals run on while the server is killed again and again, and no other server takes them over.
// CODITECT_ROUNDS: how often it is killed.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Client, newSession, program, Server, serverForFile, until } from "../api/harness.mjs";
import { alive, open, stateOf, sync, workspaceOf } from "./inside.mjs";
import { withTerminals, works } from "./terminal.mjs";

const rounds = Number(process.env.CODITECT_ROUNDS ?? 5);
const options = () => ({ args: ["--rate-factor", "100000", ...withTerminals()] });
const server = await serverForFile(options());

// A shell on a terminal of its own (script makes the pty, and writes down what is shown): counts, a hundred lines a second.
const counting = (name) => `mkfifo /tmp/never-${name}
setsid script -qfc 'exec 9<>/tmp/never-${name}; while :; do echo "line $((++i)) of $$"; read -rt 0.01 -u 9; done' screen-${name} < /dev/null > /dev/null 2>&1 &`;

/** How far it has counted; fails when a line is missing, twice, or of another shell. */
function counted(text) {
  const lines = text.split("\r\n").slice(0, -1).map((line) => line.replace(/^Script started.*\n/, ""));
  const shell = / of (\d+)$/.exec(lines[0])?.[1];
  lines.forEach((line, i) => assert.equal(line, `line ${i + 1} of ${shell}`));
  return { count: lines.length, shell };
}

const screen = (session, name) => counted(readFileSync(join(server.data, "workspaces", session, "tree", `screen-${name}`), "utf8"));

test(`the server is killed ${rounds} times under running terminals: same shells, no line lost`, { timeout: 60_000 + rounds * 20_000 }, async (t) => {
  const ada = await server.account("ada");
  const { id } = await newSession(ada);
  await open(ada, id);
  const names = ["one", "two"];
  for (const name of names) await works(server, id, counting(name));
  for (const name of names) await until("it counts", () => { try { return screen(id, name).count > 5; } catch { return false; } });
  const first = stateOf(server, id);
  const before = names.map((name) => screen(id, name));
  let slowest = 0;
  for (let round = 0; round < rounds; round++) {
    const counts = names.map((name) => screen(id, name).count);
    const killed = server.kill9();
    if (round % 2 === 1) server.child.kill("SIGKILL"); // both sides of the broker at once
    await killed;
    const dead = Date.now();
    await server.run();
    await until("it is connected", async () => { const w = await workspaceOf(ada, id); return w.connected && w.state === "running"; });
    slowest = Math.max(slowest, Date.now() - dead);
    assert.deepEqual(stateOf(server, id), first, `round ${round}`);
    for (const [i, name] of names.entries()) {
      assert.equal(screen(id, name).shell, before[i].shell);
      await until("it counts on", () => screen(id, name).count > counts[i]);
    }
  }
  t.diagnostic(`from the kill to connected: at most ${slowest} ms`);
  const shown = names.map((name) => screen(id, name).count);
  sync(server, id);
  for (const [i, name] of names.entries()) {
    const stored = counted((await ada.get(`/sessions/${id}/files/screen-${name}`)).body.toString());
    assert.equal(stored.shell, before[i].shell);
    assert.ok(stored.count >= shown[i], `${stored.count} lines stored, ${shown[i]} were shown before the barrier`);
  }
  assert.equal((await ada.post(`/sessions/${id}/pause`)).status, 200);
  await until("it has ended", () => !alive(first.codi2));
});

test("a server on a copy of the data does not take over, or end, what runs for the other", { timeout: 120_000 }, async (t) => {
  const ada = await server.account("ada");
  const { id } = await newSession(ada);
  await open(ada, id);
  await works(server, id, "echo original > mine.txt");
  sync(server, id);
  const first = stateOf(server, id);
  await server.kill9();
  const data = mkdtempSync(join(tmpdir(), "coditect-copy-"));
  execFileSync("cp", ["-a", `${server.data}/.`, data]);
  const other = await Server.start({ ...options(), t, data });
  await server.run();
  await until("it is connected", async () => (await workspaceOf(ada, id)).connected);
  const hers = new Client(other, ada.token);
  let refused;
  await until("it says why it starts none", async () => {
    refused = (await workspaceOf(hers, id)).error;
    return refused !== undefined;
  });
  assert.equal(refused, "this workspace runs for a server with another data directory");
  assert.equal((await hers.post(`/sessions/${id}/pause`)).status, 200);
  await other.stop();
  rmSync(data, { recursive: true });
  assert.deepEqual(stateOf(server, id), first);
  assert.ok(alive(first.codi2));
  assert.equal(await works(server, id, "cat mine.txt"), "original\n");
});

test("two workspaces claim one session: the older generation is refused, ends, and the newer has its files", { timeout: 120_000 }, async () => {
  const ada = await server.account("ada");
  const { id } = await newSession(ada);
  await open(ada, id);
  await works(server, id, "echo kept > kept.txt");
  sync(server, id);
  const first = stateOf(server, id);
  await server.kill9();
  rmSync(join(server.data, "run", id, "state")); // nobody knows of the first any more, yet it runs
  await server.run();
  await until("another one runs", () => { const now = stateOf(server, id); return now?.phase === "running" && now.generation > first.generation; }, 60_000);
  assert.ok(!alive(first.pid) && !alive(first.codi2), "one at a time");
  // Its codi2 comes back to the server by itself: it may be refused there, and end, before the new run finds it.
  assert.match(readFileSync(join(server.data, "run", id, "log"), "utf8"), /an older run of this workspace was left: it is asked to end|a newer workspace of this session has taken over/);
  await until("it is connected", async () => { const w = await workspaceOf(ada, id); return w.connected && w.state === "running"; });
  assert.equal(await works(server, id, "cat kept.txt"), "kept\n");
});

test("--stop-workspaces takes no state that it cannot read for an end: it names the workspace, and ends the others", { timeout: 180_000 }, async () => {
  const ada = await server.account("ada");
  const [kept, other] = [(await newSession(ada)).id, (await newSession(ada)).id];
  for (const id of [kept, other]) await open(ada, id);
  const [first, second] = [stateOf(server, kept), stateOf(server, other)];
  const path = join(server.data, "run", kept, "state");
  const state = readFileSync(path);
  const stop = () => spawnSync(program, ["--data", server.data, "--stop-workspaces"], { encoding: "utf8" });
  await server.kill9();
  const harms = {
    torn: () => writeFileSync(path, state.subarray(0, state.length >> 1)),
    empty: () => writeFileSync(path, ""),
    "of something else": () => writeFileSync(path, "7\n"),
    "a folder": () => mkdirSync(path),
  };
  try {
    for (const [name, harm] of Object.entries(harms)) {
      rmSync(path, { recursive: true });
      harm();
      const { status, stderr } = stop();
      assert.equal(status, 1, name);
      assert.match(stderr, new RegExp(`whether the workspace of ${kept} runs is not known: its state in run/${kept} cannot be read`), name);
      assert.ok(!stderr.includes(other), stderr);
      assert.ok(alive(first.pid) && alive(first.codi2), name);
      await until("the other one has ended", () => !alive(second.pid) && !alive(second.codi2));
    }
  } finally {
    rmSync(path, { recursive: true });
    writeFileSync(path, state);
  }
  const { status, stderr } = stop();
  assert.equal(status, 0, stderr);
  await until("it has ended", () => !alive(first.pid) && !alive(first.codi2));
  await server.run();
});
