// The proof of the mirror through the public API: what a shell made in a workspace, and a barrier acknowledged, is there again
// after every process was killed and the workspace's disk was lost, whole or in part.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { halt } from "../api/halt.mjs";
import { encodeBytes, newSession, serverForFile, until } from "../api/harness.mjs";
import { alive, inside, insideCommand, open, processesOf, reaches, stateOf, sync, workspaceOf } from "./inside.mjs";

const server = await serverForFile();
let ada;
let session;

before(async () => {
  ada = await server.account("ada");
  session = (await newSession(ada)).id;
});

/** Every regular file and link with its bytes, modes, and empty folders: two trees with the same text are the same. */
const listing = "cd /workspace && find . -mindepth 1 \\( -type f -printf '%P %m f ' -exec sha256sum {} \\; -o -type l -printf '%P %l l\\n' -o -type d -empty -printf '%P %m d\\n' \\) | sed 's/  .*//' | sort";

/** SIGKILL to the server and to every process of the workspace, then a new server. */
async function killEverything(lose) {
  const processes = processesOf(server, session);
  assert.ok(processes.length >= 3, "the workspace ran");
  process.kill(server.serverPid, "SIGKILL");
  for (const pid of processes) if (alive(pid)) process.kill(pid, "SIGKILL");
  await server.exited;
  await until("every process has ended", () => !processes.some(alive));
  for (const part of lose) {
    const path = join(server.data, "workspaces", session, part);
    assert.ok(existsSync(path), path);
    rmSync(path, { recursive: true });
    assert.ok(!existsSync(path), path);
  }
  await server.run();
}

test("files of a shell survive the loss of tree, index, both, and all", { timeout: 300_000 }, async () => {
  await open(ada, session);
  inside(server, session, `
    mkdir -p src/deep/er empty 'with space'; printf '' > nothing; head -c 4096 /dev/urandom > src/four; head -c 3000000 /dev/urandom > src/deep/er/big
    printf '#!/bin/sh\\necho hi\\n' > run.sh; chmod 755 run.sh; ln -s ../run.sh src/link; ln -s /etc/passwd outside
    printf 'ü' > 'with space/ünïcode.txt'; printf 'x' > $'not-utf8-\\xff'; git init -q repo; cd repo; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first`);
  const wanted = inside(server, session, listing);
  assert.ok(wanted.split("\n").length > 20, wanted);
  assert.ok(sync(server, session) > 0);

  for (const lose of [["tree"], ["index"], ["tree", "index"], ["tree", "index", "home", "home-index", "."]]) {
    await killEverything(lose);
    await open(ada, session);
    assert.equal(inside(server, session, listing), wanted, `after the loss of ${lose.join(" and ")}`);
  }
  assert.match(inside(server, session, "cd repo && git status && git log --oneline"), /first/);
});

test("control: what no barrier acknowledged can be lost with the disk", { timeout: 60_000 }, async (t) => {
  const { codi2 } = stateOf(server, session);
  await halt(t, codi2);
  inside(server, session, "echo never > unacknowledged.txt");
  await killEverything(["tree", "index"]);
  await open(ada, session);
  assert.equal(inside(server, session, "test -e unacknowledged.txt && echo there || echo gone"), "gone\n");
});

test("what the API changes appears in the workspace, and the other way round", { timeout: 60_000 }, async () => {
  await ada.write(`/sessions/${session}/files/from-api.txt`, "by the API");
  await until("the file is inside", () => inside(server, session, "cat from-api.txt 2>/dev/null || true") === "by the API");
  inside(server, session, "printf inside > from-shell.txt");
  sync(server, session);
  const reply = await ada.get(`/sessions/${session}/files/from-shell.txt`);
  assert.equal(reply.body.toString(), "inside");
  const history = await ada.get(`/sessions/${session}/history/from-shell.txt`);
  assert.notEqual(history.data[0].author.kind, "api");
  await ada.delete(`/sessions/${session}/files/from-api.txt`);
  await until("it is gone inside", () => inside(server, session, "test -e from-api.txt && echo there || echo gone") === "gone\n");
});

test("pausing persists first: what was written a moment before is there", { timeout: 120_000 }, async () => {
  const sum = inside(server, session, "head -c 2000000 /dev/urandom > late.bin; sha256sum late.bin | cut -d' ' -f1").trim();
  const pids = processesOf(server, session);
  assert.equal((await ada.post(`/sessions/${session}/pause`)).status, 200);
  await reaches(ada, session, "stopped");
  await until("nothing of it runs", () => !pids.some(alive)); // who has said that it ended is just going
  const reply = await ada.get(`/sessions/${session}/files/late.bin`);
  assert.equal(createHash("sha256").update(reply.body).digest("hex"), sum);
});

test("the home is the person's: another session has it, and another person's has not", { timeout: 120_000 }, async () => {
  await open(ada, session);
  inside(server, session, "echo 'export MINE=yes' > /home/dev/.profile-of-ada; mkdir -p /home/dev/.cache && echo x > /home/dev/.cache/y");
  sync(server, session);
  const second = (await newSession(ada, "Project B")).id;
  await open(ada, second);
  assert.equal(inside(server, second, "ls -A /workspace"), "");
  await until("the home is there", () => inside(server, second, "cat /home/dev/.profile-of-ada 2>/dev/null || true").includes("MINE"));
  const eve = await server.account("eve");
  const hers = (await newSession(eve)).id;
  await open(eve, hers);
  assert.doesNotMatch(inside(server, hers, "ls -A /home/dev"), /profile-of-ada/);
  const homeOf = async (client) => execFileSync("tar", ["xzOf", "-", "--wildcards", "--no-anchored", "*-of-ada"], { input: (await client.get("/users/me/home/archive")).body, stdio: ["pipe", "pipe", "ignore"] }).toString();
  assert.equal(await homeOf(ada), "export MINE=yes\n", "which can be taken along");
  await assert.rejects(homeOf(eve), "and is nobody else's");
  for (const [client, id] of [[ada, second], [eve, hers]]) {
    await client.post(`/sessions/${id}/pause`);
    await reaches(client, id, "stopped");
  }
});

/** A shell in a terminal of the workspace; `type` types a line and waits for what it prints, `done` and the shell's status included. */
function terminal(t, command) {
  const [program, args] = insideCommand(server, session, `exec script -qfec '${command}' /dev/null`);
  const shell = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => shell.kill("SIGKILL"));
  let said = "";
  shell.stdout.setEncoding("utf8").on("data", (text) => (said += text));
  return async (line) => {
    said = "";
    shell.stdin.write(`${line}; echo do""ne $?\n`);
    await until(`${line} is done`, () => /\ndone \d+\r?\n[^\n]+$/.test(said)); // and the next prompt stands there
    return said;
  };
}

test("what was typed in shells that were killed is in the history, with the disk lost", { timeout: 120_000 }, async (t) => {
  await open(ada, session);
  const shells = { "bash -l": "typed-in-a-login-shell", "bash -i": "typed-in-another", bash: "typed-where-the-prompt-is-the-persons-own" };
  for (const [command, word] of Object.entries(shells)) {
    if (command === "bash") inside(server, session, "echo 'PROMPT_COMMAND=\"echo -n own-prompt-command\"; HISTSIZE=777' > /home/dev/.bashrc");
    const said = await terminal(t, command)(`echo ${word} $HISTSIZE`);
    assert.match(said, command === "bash" ? /own-prompt-command/ : / 20000\r?\n/);
  }
  sync(server, session);
  await killEverything(["home", "home-index"]);
  await open(ada, session);
  const said = await terminal(t, "bash -i")("history; echo size $HISTSIZE");
  for (const word of Object.values(shells)) assert.match(said, new RegExp(`\\d  echo ${word} `));
  assert.match(said, /size 777\r?\n/);
  inside(server, session, "rm /home/dev/.bashrc");
});

test("a person's own history file is theirs: none of a long one is cut off, and without one nothing is written", { timeout: 120_000 }, async (t) => {
  await open(ada, session);
  inside(server, session, "cd ~; mkdir kept; [ ! -f .bash_history ] || mv .bash_history kept; seq -f 'echo %g' 30000 > .bash_history; echo 'HISTFILESIZE=50000' > .bashrc");
  await terminal(t, "bash -i")("echo one-more");
  assert.equal(inside(server, session, "head -n 1 ~/.bash_history; tail -n 1 ~/.bash_history | cut -c -13").trim(), "echo 1\necho one-more");
  for (const off of ["unset HISTFILE; echo off", "HISTFILE=; echo off"]) {
    const type = terminal(t, "bash -i");
    await type(off);
    assert.doesNotMatch(await type("echo my-secret"), /history:/);
  }
  assert.equal(inside(server, session, "cat ~/.history ~/.bash_history 2> /dev/null | grep -c my-secret || true").trim(), "0");
  inside(server, session, "cd ~; rm .bash_history .bashrc; [ ! -f kept/.bash_history ] || mv kept/.bash_history .; rmdir kept");
});

test("5,000 files are persisted, and restored on an empty disk", { timeout: 300_000 }, async (t) => {
  let began = Date.now();
  inside(server, session, "mkdir many; cd many; for d in $(seq 50); do mkdir $d; for f in $(seq 100); do echo \"$d $f\" > $d/$f.txt; done; done");
  const wanted = inside(server, session, listing);
  sync(server, session);
  t.diagnostic(`5,000 files made and persisted in ${Date.now() - began} ms`);
  await killEverything(["."]);
  began = Date.now();
  await open(ada, session);
  t.diagnostic(`open to restored in ${Date.now() - began} ms`);
  assert.equal(inside(server, session, listing), wanted);
});

test("the server dies and comes back: the workspace runs on, and is adopted", { timeout: 60_000 }, async () => {
  const pids = processesOf(server, session);
  await server.kill9();
  inside(server, session, "echo meanwhile > meanwhile.txt");
  await server.run();
  await until("it is connected", async () => (await workspaceOf(ada, session)).connected);
  assert.equal((await workspaceOf(ada, session)).state, "running");
  assert.deepEqual(processesOf(server, session).slice(0, 3), pids.slice(0, 3));
  sync(server, session);
  assert.equal((await ada.get(`/sessions/${session}/files/meanwhile.txt`)).body.toString(), "meanwhile\n");
});

test("a workspace that dies is started again with its files", { timeout: 60_000 }, async () => {
  inside(server, session, "echo before > before.txt");
  sync(server, session);
  const [supervisor] = processesOf(server, session);
  process.kill(supervisor, "SIGKILL");
  await until("another one runs", async () => {
    const [now] = processesOf(server, session);
    return now !== undefined && now !== supervisor && (await workspaceOf(ada, session)).state === "running";
  });
  assert.equal(inside(server, session, "cat before.txt"), "before\n");
});

test("a deleted session's workspace ends; restored and opened, its files are there", { timeout: 60_000 }, async () => {
  assert.equal((await ada.delete(`/sessions/${session}`)).status, 200);
  await until("nothing of it runs", () => processesOf(server, session).length === 0);
  assert.equal((await ada.post(`/sessions/${session}/restore`)).status, 200);
  await open(ada, session);
  assert.equal(inside(server, session, "cat before.txt"), "before\n");
  assert.equal((await ada.get(`/sessions/${session}/files/with%20space/${encodeBytes("ünïcode.txt")}`)).body.toString(), "ü");
});
