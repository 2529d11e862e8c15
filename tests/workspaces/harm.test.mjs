// What a workspace does to itself, or what befalls it, by programs behind its walls: it and the platform come through.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import { newSession, Server, serverForFile, until } from "../api/harness.mjs";
import { alive, nameOf, open, processesOf, reaches, stateOf, sync, workspaceOf } from "./inside.mjs";
import { callers } from "./runtime.mjs";
import { run, withTerminals, works } from "./terminal.mjs";

const processes = 150;
const server = await serverForFile({ args: ["--rate-factor", "100000", "--memory", "600", "--processes", String(processes), ...withTerminals()] });
let ada;
let session;

before(async () => {
  ada = await server.account("ada");
  session = (await newSession(ada)).id;
  await open(ada, session);
});

test("admins see what a workspace may use, and what it uses now where that is counted", async () => {
  const look = async () => (await ada.get("/workspaces?running=true")).data.find(({ session_id: id }) => id === session);
  const { limits, usage } = await look();
  assert.deepEqual(limits, { memory_bytes: 600 << 20, processes });
  if (stateOf(server, session).limits === "rlimit") {
    assert.equal(usage, undefined);
    return;
  }
  assert.ok(usage.memory_bytes > 1 << 20 && usage.memory_bytes < limits.memory_bytes && usage.processes > 2 && usage.processes < processes, JSON.stringify(usage));
  await works(server, session, "mkfifo /tmp/idle; for i in 1 2 3 4 5 6 7 8 9 10; do cat /tmp/idle > /dev/null 2>&1 & echo $! >> pids; done");
  await until("they are seen", async () => (await look()).usage.processes >= usage.processes + 8);
  await works(server, session, "kill $(cat pids); rm pids /tmp/idle");
});

/** A program in a workspace of the person's takes more than the limit, and keeps it: who watches looks twice a second. */
async function hog(at, person, id) {
  const state = stateOf(at, id);
  await works(at, id, "mkfifo /tmp/never; setsid bash -c 'echo $$ > bystander; exec cat /tmp/never' > /dev/null 2>&1 & until [ -s bystander ]; do :; done");
  const { signal } = await run(at, id, "exec python3 -c 'import signal\nx = bytearray(1 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1\nsignal.pause()'");
  assert.equal(signal, "SIGKILL");
  let message;
  let trouble;
  await until("the person is told", async () => {
    ({ message, trouble } = await workspaceOf(person, id));
    return message !== undefined;
  });
  assert.equal(trouble, undefined, "it is over");
  assert.match(message, /^The workspace ran out of memory: (python3|the largest process) was ended\.$/);
  await works(at, id, "kill -0 $(cat bystander)");
  assert.deepEqual(stateOf(at, id), state);
  assert.ok(sync(at, id) > 0);
}

test("out of memory: the largest process is ended, the person is told, the rest goes on", { timeout: 60_000 }, () => hog(server, ada, session));

/** A workspace of the person's that runs multiplies until it may not, and is paused. */
async function bomb(at, person, id) {
  const { codi2 } = stateOf(at, id);
  await works(at, id, "echo before > before.txt; (bomb() { bomb | bomb & }; bomb) > /dev/null 2>&1 &");
  const count = () => processesOf(at, id).length;
  await until("it is at its limit", () => count() > processes * 0.6);
  assert.ok(count() <= processes + 10, `${count()}`); // the supervisor and its helpers are not of the workspace
  assert.ok(alive(codi2));
  assert.equal((await person.get("/sessions")).status, 200);
  await person.write(`/sessions/${id}/files/meanwhile.txt`, "by the API");
  const all = processesOf(at, id);
  assert.equal((await person.post(`/sessions/${id}/pause`)).status, 200);
  await reaches(person, id, "stopped");
  await until("nothing of it runs", () => !all.some(alive) && count() === 0); // who has said that it ended is just going
  assert.equal((await person.get(`/sessions/${id}/files/before.txt`)).body.toString(), "before\n");
}

test("a fork bomb ends at the limit: the server, the door and the mirror answer, and a pause ends it", { timeout: 120_000 }, () => bomb(server, ada, session));

/** A server that an ordinary user has started, with programs and data that are its own. */
async function startAs(t, { uid, as }) {
  const place = mkdtempSync("/var/tmp/coditect-harm-");
  const data = join(place, "data");
  for (const name of ["src/coditectd/coditectd", "src/workspace/coditect-workspace", "src/codi2/codi2"]) copyFileSync(join(process.env.CODITECT_BUILD, name), join(place, basename(name)));
  mkdirSync(data);
  for (const path of [place, data]) chownSync(path, uid, uid);
  const theirs = await Server.start({
    t,
    data,
    before: [...as, "sh", "-c", 'shift; exec "$0" "$@"', join(place, "coditectd")],
    args: ["--rate-factor", "100000", "--memory", "600", "--processes", String(processes), ...withTerminals()],
  });
  const stop = async () => {
    assert.deepEqual(await theirs.end("SIGTERM"), { code: 0, signal: null }, theirs.log);
    const [command, ...words] = [...as, join(place, "coditectd"), "--data", data];
    for (const what of ["--stop-workspaces", "--check"]) execFileSync(command, [...words, what], { stdio: "pipe" });
    rmSync(place, { recursive: true });
  };
  return { theirs, stop };
}

const ordinary = callers.find(({ root }) => !root);

/** What befalls a running workspace of an ordinary user's server, where no control group limits it. */
async function befalls(t, harm) {
  const { theirs, stop } = await startAs(t, ordinary);
  const eve = await theirs.account("eve");
  const { id } = await newSession(eve);
  await open(eve, id);
  assert.equal(stateOf(theirs, id).limits, "rlimit");
  assert.equal(statSync(`/proc/${stateOf(theirs, id).pid}`).uid, ordinary.uid);
  await harm(theirs, eve, id);
  await stop();
}

test("an ordinary user's: out of memory, as codi2 sees it", { timeout: 120_000 }, (t) => befalls(t, hog));

test("an ordinary user's: a fork bomb ends at the limit", { timeout: 120_000 }, (t) => befalls(t, bomb));

test("what ignores SIGTERM is ended after its time, and what it wrote is kept", { timeout: 60_000 }, async () => {
  await open(ada, session);
  await works(server, session, "mkfifo /tmp/never; (trap '' TERM INT HUP; setsid bash -c 'trap \"\" TERM; echo deaf > deaf.txt; while :; do read -rt 60 < /tmp/never; done' > /dev/null 2>&1 &); until [ -s deaf.txt ]; do :; done");
  const all = processesOf(server, session);
  assert.equal((await ada.post(`/sessions/${session}/pause`)).status, 200);
  await reaches(ada, session, "stopped");
  await until("nothing of it runs", () => !all.some(alive));
  assert.equal((await ada.get(`/sessions/${session}/files/deaf.txt`)).body.toString(), "deaf\n");
});

test("the network helper is killed: the workspace is online again, and the same one", { timeout: 60_000 }, async () => {
  await open(ada, session);
  const state = stateOf(server, session);
  const helper = () => processesOf(server, session).find((pid) => nameOf(pid) === "slirp4netns");
  const online = async () => { // what is sent is answered: that there is nothing to connect to
    const { output } = await run(server, session, `(: <> /dev/tcp/10.0.2.2/9) 2> /dev/null; awk '$1 == "tap0:" && $3 > 0' /proc/net/dev`);
    return output !== "";
  };
  for (let round = 0; round < 2; round++) {
    await until("it is online", online);
    const first = helper();
    process.kill(first, "SIGKILL");
    await until("another one runs", () => helper() !== undefined && helper() !== first);
  }
  await until("it is online again", online);
  assert.deepEqual(stateOf(server, session), state);
});

test("codi2 is killed: the workspace starts again, with its files", { timeout: 60_000 }, async () => {
  await open(ada, session);
  const first = stateOf(server, session);
  process.kill(first.codi2, "SIGKILL");
  await until("another one runs", async () => {
    const now = stateOf(server, session);
    return now?.phase === "running" && now.generation > first.generation && (await workspaceOf(ada, session)).state === "running";
  }, 30_000);
  assert.ok(!alive(first.pid));
  assert.equal(await works(server, session, "cat deaf.txt"), "deaf\n");
});

test("a full disk: the workspace lives, and all that is on it is kept once there is room", { timeout: 120_000 }, async (t) => {
  const data = mkdtempSync(join(tmpdir(), "coditect-small-"));
  const disk = join(data, "workspaces");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m,mode=711", "none", disk]);
  const small = await Server.start({ args: ["--rate-factor", "100000", ...withTerminals()], t, data });
  t.after(() => { // once it has ended, and its workspaces
    execFileSync("umount", ["--lazy", disk]);
    rmSync(data, { recursive: true, force: true });
  });
  const eve = await small.account("eve");
  const { id } = await newSession(eve);
  await open(eve, id);
  const filled = await run(small, id, "head -c 40000000 /dev/urandom > big; stat -c %s big");
  const size = Number(/^(\d+)$/m.exec(filled.output)[1]);
  assert.ok(size > 5_000_000 && size < 24 << 20, filled.output);
  assert.equal((await workspaceOf(eve, id)).state, "running");
  await eve.write(`/sessions/${id}/files/from-api.bin`, Buffer.alloc(2_000_000, 7)); // there is no room for it inside
  const said = async () => (await workspaceOf(eve, id)).message ?? "";
  await until("the person is told", async () => /^This workspace's disk is full\. Delete what you do not need;/.test(await said()));
  await works(small, id, "rm big");
  await until("there is room", async () => (await run(small, id, "printf last > small.txt")).status === 0); // codi2 may just be reading it
  await until("it came in", async () => (await run(small, id, "stat -c %s from-api.bin")).output === "2000000\n", 60_000);
  assert.ok(sync(small, id) > 0);
  await until("the person is told no longer", async () => (await said()) === "");
  assert.equal((await eve.get(`/sessions/${id}/files/big`)).status, 404);
  assert.equal((await eve.get(`/sessions/${id}/files/small.txt`)).body.toString(), "last");
});
