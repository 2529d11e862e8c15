// The number that must be 0: acknowledged writes that are gone after the process was killed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { newSession, Server, sha256, until } from "../tests/api/harness.mjs";
import { alive, inside, insideCommand, open, processesOf } from "../tests/workspaces/inside.mjs";

const CLIENTS = 16;
const KILLS = 20;
const WORKSPACE_KILLS = 5;

/** One client: writes files of its own until the server is gone; notes what was acknowledged. */
async function write(me, session, name, acknowledged) {
  for (let i = 0; ; i++) {
    const bytes = randomBytes(randomInt(1, 20_000));
    const path = `${name}-${i}`;
    try {
      const reply = await me.write(`/sessions/${session}/files/${path}`, bytes);
      assert.equal(reply.status, 200, reply.text());
    } catch (error) {
      if (["ECONNRESET", "ECONNREFUSED", "EPIPE"].includes(error.code) || /hang up|aborted/.test(error.message)) return;
      throw error;
    }
    acknowledged.set(path, sha256(bytes));
  }
}

async function lostOf(me, session, acknowledged) {
  let lost = 0;
  for (const [path, hash] of acknowledged) {
    const reply = await me.get(`/sessions/${session}/files/${path}`);
    lost += reply.status !== 200 || sha256(reply.body) !== hash;
  }
  return lost;
}

async function serverKilled() {
  const server = await Server.start();
  const me = await server.account("bench");
  const session = (await newSession(me)).id;
  let [all, lost] = [0, 0];
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = new Map();
    const clients = Array.from({ length: CLIENTS }, (_, i) => write(me, session, `k${kill}-${i}`, acknowledged));
    await wait(randomInt(50, 500));
    await server.kill9();
    await Promise.all(clients);
    await server.run();
    lost += await lostOf(me, session, acknowledged);
    all += acknowledged.size;
  }
  await server.stop();
  return { what: `PUTs lost, ${KILLS} SIGKILLs of the server under ${CLIENTS} clients`, ours: `${lost} of ${all}`, yardstick: "0", ratio: "" };
}

/** In the workspace: writes a file, asks the barrier, says the file's name and hash once it was acknowledged. */
const writing = (round) => `python3 -u - <<'END'
import hashlib, os, socket
door = socket.socket(socket.AF_UNIX)
door.connect("/run/coditect/door/door.sock")
for i in range(100000):
    data = os.urandom(1 + i * 37 % 20000)
    name = f"w${round}-{i}"
    with open(f"/workspace/{name}", "wb") as file:
        file.write(data)
    door.sendall(b"POST /sync HTTP/1.1\\r\\nHost: door\\r\\nContent-Length: 0\\r\\n\\r\\n")
    reply = door.recv(65536)
    while b"\\r\\n\\r\\n" not in reply or not reply.endswith(b"}"):
        reply += door.recv(65536)
    if not reply.startswith(b"HTTP/1.1 200 "):
        break
    print(name, hashlib.sha256(data).hexdigest())
END`;

/** Everything is killed while a shell saves, and the workspace's disk is lost. */
async function everythingKilled() {
  assert.equal(process.getuid(), 0, "needs root: it joins the sandbox of a workspace");
  const server = await Server.start();
  const me = await server.account("bench");
  const session = (await newSession(me)).id;
  let [all, lost] = [0, 0];
  for (let round = 0; round < WORKSPACE_KILLS; round++) {
    await open(me, session);
    const shell = spawn(...insideCommand(server, session, writing(round)), { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    shell.stdout.on("data", (piece) => {
      text += piece;
    });
    const ended = new Promise((resolve) => shell.on("close", resolve));
    await until("saves are acknowledged", () => text.split("\n").length > 5);
    await wait(randomInt(50, 1500));
    const processes = processesOf(server, session);
    process.kill(server.serverPid, "SIGKILL");
    for (const pid of processes) if (alive(pid)) process.kill(pid, "SIGKILL");
    await Promise.all([server.exited, ended]);
    await until("every process has ended", () => !processes.some(alive));
    rmSync(join(server.data, "workspaces", session), { recursive: true });
    await server.run();
    await open(me, session);
    const acknowledged = text.split("\n").slice(0, -1);
    const there = new Set(inside(server, session, `sha256sum w${round}-*`).split("\n").map((line) => line.split(/\s+/).reverse().join(" ")));
    lost += acknowledged.filter((line) => !there.has(line)).length;
    all += acknowledged.length;
  }
  await server.stop();
  return { what: `saves lost, ${WORKSPACE_KILLS} times everything killed and the workspace's disk removed`, ours: `${lost} of ${all}`, yardstick: "0", ratio: "" };
}

export async function crash() {
  return [await serverKilled(), await everythingKilled()];
}
