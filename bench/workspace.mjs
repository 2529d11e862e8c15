// What a person waits for: a save until it is persisted, a session until its files are back, an IDE until it answers. All of it
// through the real parts: sandbox, codi2, gateway. Joining a sandbox wants root.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { newSession, Server, until } from "../tests/api/harness.mjs";
import { inside, open, reaches, sync } from "../tests/workspaces/inside.mjs";
import { inTurn, quantile, ratio, short, spread } from "./measure.mjs";

function needRoot() {
  assert.equal(process.getuid(), 0, "needs root: it joins the sandbox of a workspace");
}

export async function withSession(args, body) {
  needRoot();
  const server = await Server.start({ args: ["--rate-factor", "100000", ...args] });
  try {
    const me = await server.account("bench");
    return await body(server, me, (await newSession(me)).id);
  } finally {
    await server.stop();
  }
}

// ---- save → persisted ----

const SAVES = 100;

/**
 * In the workspace: writes a file as a program does, and waits until it is persisted; the milliseconds of each. Two ways to know:
 * the barrier, as the IDE asks it after a save, or, from a program that asks nothing, the status when it has the next moment.
 */
const saving = (waiting) => `python3 - <<'END'
import json, os, socket, time
door = socket.socket(socket.AF_UNIX)
door.connect("/run/coditect/door/door.sock")
def ask(what):
    door.sendall(f"{what} HTTP/1.1\\r\\nHost: door\\r\\nContent-Length: 0\\r\\n\\r\\n".encode())
    reply = door.recv(65536)
    while b"\\r\\n\\r\\n" not in reply or not reply.endswith(b"}"):
        reply += door.recv(65536)
    assert reply.startswith(b"HTTP/1.1 200 "), reply
    return json.loads(reply[reply.index(b"\\r\\n\\r\\n"):])
def barrier(before):
    ask("POST /sync")
def status(before):
    now = ask("GET /status")
    while now["seq"] <= before["seq"] or now["state"] != "persisted":
        time.sleep(0.0005)
        now = ask("GET /status")
for i in range(${SAVES}):
    data = os.urandom(4096)
    before = ask("GET /status")
    begin = time.perf_counter()
    with open(f"/workspace/saved-{i % 20}.bin", "wb") as file:
        file.write(data)
    ${waiting}(before)
    print((time.perf_counter() - begin) * 1000)
END`;

/** The least that durable can mean: the same bytes into a file, and fsync. */
function savedByHand(folder) {
  const bytes = Buffer.alloc(4096, 7);
  return Array.from({ length: SAVES }, (_, i) => {
    const begin = performance.now();
    const file = openSync(join(folder, `saved-${i % 20}.bin`), "w");
    writeSync(file, bytes);
    fsyncSync(file);
    closeSync(file);
    return performance.now() - begin;
  });
}

export async function save() {
  return withSession([], async (server, me, session) => {
    await open(me, session);
    const folder = mkdtempSync(join(server.data, "bench-"));
    const rows = [];
    for (const [what, waiting] of [["4 KiB saved in a workspace → persisted", "barrier"], ["4 KiB written in a workspace → shown as persisted, no barrier", "status"]]) {
      const { ours, theirs } = await inTurn(
        5,
        () => inside(server, session, saving(waiting)).trim().split("\n").map(Number),
        () => savedByHand(folder),
      );
      for (const [name, part] of [["p50", 0.5], ["p99", 0.99]]) {
        const [mine, hand] = [ours, theirs].map((rounds) => rounds.map((values) => quantile(values, part)));
        rows.push({ what: `${what}, ${name}`, ours: spread(mine, " ms"), yardstick: `write and fsync, same disk: ${spread(hand, " ms")}`, ratio: ratio(mine, hand) });
      }
    }
    return rows;
  });
}

// ---- restore ----

const FILES = 5000;

const making = `python3 - <<'END'
import os
for i in range(${FILES}):
    folder = f"/workspace/part-{i // 100}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/file-{i}.txt", "wb") as file:
        file.write(os.urandom(1024) + b"text " * (i % 400))
END`;

export async function restore() {
  return withSession([], async (server, me, session) => {
    await open(me, session);
    inside(server, session, making);
    sync(server, session);
    const home = join(server.data, "workspaces", session);
    const copy = mkdtempSync(join(server.data, "bench-"));
    execFileSync("cp", ["-a", join(home, "tree"), join(copy, "from")]);
    const ours = async () => {
      assert.equal((await me.post(`/sessions/${session}/pause`)).status, 200);
      await reaches(me, session, "stopped");
      rmSync(home, { recursive: true });
      const begin = performance.now();
      await open(me, session);
      const took = performance.now() - begin;
      const found = Number(inside(server, session, "find . -name 'file-*.txt' | wc -l"));
      assert.equal(found, FILES, `${found} of ${FILES} files came back`);
      return took / 1000;
    };
    const theirs = () => {
      const begin = performance.now();
      execFileSync("cp", ["-a", join(copy, "from"), join(copy, "to")]);
      const took = performance.now() - begin;
      rmSync(join(copy, "to"), { recursive: true });
      return took / 1000;
    };
    const results = await inTurn(3, ours, theirs);
    return [{ what: "open → 5,000 files on an empty disk", ours: spread(results.ours, " s"), yardstick: `cp -a of the same files: ${spread(results.theirs, " s")}`, ratio: ratio(results.ours, results.theirs) }];
  });
}

// ---- the IDE ----

const bundle = process.env.CODITECT_BENCH_IDE;

function ask(options) {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ agent: false, setHost: false, ...options });
    request.on("error", reject);
    request.on("response", (reply) => {
      const pieces = [];
      reply.on("data", (piece) => pieces.push(piece)).on("error", reject);
      reply.on("end", () => resolve({ status: reply.statusCode, headers: reply.headers, text: Buffer.concat(pieces).toString() }));
    });
    request.on("upgrade", (reply, socket) => {
      socket.destroy();
      resolve({ status: reply.statusCode, headers: reply.headers, text: "" });
    });
    request.end();
  });
}

const SOCKET = "/socket.io/?EIO=4&transport=websocket";
const upgrade = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };

/** What a browser sends back. Theia's page brings the cookie that its connection asks for. */
const cookiesOf = (reply) => (reply.headers["set-cookie"] ?? []).map((cookie) => cookie.split(";")[0]).join("; ");

/** Until test answers something; milliseconds since begin. */
async function soon(what, begin, test) {
  for (;;) {
    const answer = await test();
    if (answer !== undefined) return answer;
    assert.ok(performance.now() - begin < 60_000, `not within a minute: ${what}`);
    await wait(10);
  }
}

/** What a page does: waits until it runs, then a ticket, the IDE's page, the connection to its backend. Seconds from begin. */
async function enter(server, me, session, begin) {
  const host = `${session}.ide.coditect.localhost:${server.port}`;
  const there = (path, headers) => ask({ host: "127.0.0.1", port: server.port, path, headers: { Host: host, ...headers } });
  await soon("the workspace", begin, async () => ((await me.get(`/sessions/${session}`)).data.workspace.state === "running" ? true : undefined));
  const ticket = await me.post("/auth/tickets", { session_id: session }, { host: `coditect.localhost:${server.port}` });
  assert.equal(ticket.status, 200, ticket.text());
  const url = new URL(ticket.data.url);
  const entered = await there(`${url.pathname}${url.search}`, {});
  assert.equal(entered.status, 303, entered.text);
  const Cookie = cookiesOf(entered);
  const page = await soon("the page", begin, async () => {
    const reply = await there("/", { Cookie });
    return reply.status === 200 ? reply : undefined;
  });
  const headers = { Cookie: [Cookie, cookiesOf(page)].join("; "), Origin: `http://${host}`, ...upgrade };
  await soon("the backend", begin, async () => ((await there(SOCKET, headers)).status === 101 ? true : undefined));
  return (performance.now() - begin) / 1000;
}

async function opened(server, me, session) {
  const begin = performance.now();
  assert.equal((await me.post(`/sessions/${session}/open`)).status, 202);
  return enter(server, me, session, begin);
}

async function paused(me, session) {
  assert.equal((await me.post(`/sessions/${session}/pause`)).status, 200);
  await reaches(me, session, "stopped");
}

/** The same backend, started by hand without sandbox, mirror or gateway, until it answers the same two questions. */
async function byHand() {
  const folder = mkdtempSync(join(tmpdir(), "coditect-bench-"));
  const socketPath = join(folder, "ide.sock");
  mkdirSync(join(folder, "workspace"));
  const begin = performance.now();
  const child = spawn(process.execPath, [join(bundle, "app/lib/backend/main.js"), join(folder, "workspace"), `--plugins=local-dir:${bundle}/plugins`], {
    stdio: "ignore",
    env: { PATH: process.env.PATH, HOME: folder, CODITECT_IDE_SOCKET: socketPath, CODITECT_GATEWAY_SECRET: "bench" },
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  try {
    const headers = { Host: "localhost", Origin: "http://localhost", "X-Coditect-Gateway": "bench" };
    const there = async (path, status, more) => {
      assert.equal(child.exitCode, null, "the backend ended");
      if (!existsSync(socketPath)) return undefined;
      const reply = await ask({ socketPath, path, headers: { ...headers, ...more } }).catch(() => undefined);
      return reply?.status === status ? reply : undefined;
    };
    const page = await soon("the page", begin, () => there("/", 200, {}));
    await soon("the backend", begin, () => there(SOCKET, 101, { Cookie: cookiesOf(page), ...upgrade }));
    return (performance.now() - begin) / 1000;
  } finally {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function ide() {
  assert.ok(bundle, "the IDE is not built: CODITECT_BENCH_IDE names no directory");
  return withSession(["--ide", bundle, "--node", process.execPath], async (server, me, session) => {
    await opened(server, me, session); // what the first start of all leaves behind in caches is the machine's, not the session's
    const cold = async () => {
      await paused(me, session);
      rmSync(join(server.data, "workspaces", session), { recursive: true });
      return opened(server, me, session);
    };
    const results = await inTurn(5, cold, byHand);
    const warm = [];
    const running = [];
    for (let round = 0; round < 5; round++) {
      await paused(me, session);
      warm.push(await opened(server, me, session));
      running.push(await enter(server, me, session, performance.now()));
    }
    const yardstick = `the same backend by hand: ${spread(results.theirs, " s")}`;
    const row = (what, values) => ({ what, ours: spread(values, " s"), yardstick, ratio: ratio(values, results.theirs) });
    return [
      row("open → IDE answers, nothing on the disk", results.ours),
      row("open → IDE answers, after a pause", warm),
      row("IDE answers, workspace running", running),
    ];
  });
}
