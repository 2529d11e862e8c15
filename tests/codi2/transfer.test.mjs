// A large file of noise goes into the server and comes out through bounded memory: with CODITECT_LARGE_BYTES, as in large.test.mjs,
// the promised one of a build as released; without it a bound that a sanitizer keeps, and a server that kept the file would not.
// Beside a smaller file, what every transfer takes does not show: the tests after it hold many in their middle, and count from none.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { Readable } from "node:stream";
import { test } from "node:test";
import { Client, newSession, Server, until } from "../api/harness.mjs";

const MIB = 1 << 20;
const given = Number(process.env.CODITECT_LARGE_BYTES ?? 0);
const BYTES = Math.min(given || 80 * MIB, 256 * MIB);
const SMALL = 16 * MIB; // what such a file needs, a larger one needs as well
const PROMISED = 4 * MIB; // a transfer
// What comes in the same minute whatever is sent: the engine's caches fill (2 MiB a connection), threads begin to work. A server
// that kept what it is sent would take 240 MiB more.
const SLACK = given ? 4 * MIB : 12 * MIB;
const env = given ? {} : { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:quarantine_size_mb=0:thread_local_quarantine_size_kb=0` };

/** The memory of its own that a process has: what it maps of files is the kernel's to take away. */
const memory = (pid) => 1024 * Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

/** The most of it while work goes on. */
async function mostWhile(pid, work) {
  let most = 0;
  const look = () => { most = Math.max(most, memory(pid)); };
  const timer = setInterval(look, 10);
  await work().finally(() => clearInterval(timer));
  look();
  return most;
}

/** Noise, so that each piece is stored, and none twice; its hash becomes known as it is read. */
function noise(bytes) {
  const hash = createHash("sha256");
  const pieces = function* () {
    for (let left = bytes; left > 0; left -= MIB) {
      const piece = randomBytes(Math.min(left, MIB));
      hash.update(piece);
      yield piece;
    }
  };
  return { hash, stream: Readable.from(pieces(), { objectMode: false, highWaterMark: MIB }) };
}

test("a large file goes in and comes out through bounded memory", { timeout: 1_800_000 }, async (t) => {
  const server = await Server.start({ env });
  t.after(() => server.stop());
  const client = await server.account();
  const session = (await newSession(client)).id;
  const transfer = async (name, bytes) => {
    const path = `/sessions/${session}/files/${name}`;
    const sent = noise(bytes);
    const came = createHash("sha256");
    const ways = {
      in: () => client.write(path, sent.stream, { headers: { "Content-Length": bytes } }),
      out: () => client.get(path, { sink: (piece) => came.update(piece) }),
    };
    const most = {};
    for (const [way, work] of Object.entries(ways)) {
      most[way] = await mostWhile(server.serverPid, async () => assert.equal((await work()).status, 200));
    }
    assert.equal(came.digest("hex"), sent.hash.digest("hex"));
    return most;
  };
  await transfer("first", SMALL);
  const small = await transfer("small", SMALL);
  const large = await transfer("large", BYTES);
  for (const way of ["in", "out"]) {
    const more = large[way] - small[way];
    t.diagnostic(`${way}: ${BYTES / MIB} MiB took ${(more / MIB).toFixed(1)} MiB more than ${SMALL / MIB} MiB did (${(small[way] / MIB).toFixed(1)})`);
    assert.ok(more < PROMISED + SLACK, `${way}: ${more} bytes more`);
  }
});

// ---- many at once, each held by its client ----

const AT_ONCE = 24;
const LOGINS = AT_ONCE / 4; // of one login the server serves four at once
const SENT = 7 * MIB; // of each upload when it is held: a server that kept it would have more than it may
const READ = 32 * MIB; // a file that no buffer of the kernel has room for the rest of
const PIECE = 64 << 10;
// An empty quarantine, and no second stack for each thread: both are a sanitizer's own.
const lean = given ? {} : { ASAN_OPTIONS: `${env.ASAN_OPTIONS}:detect_stack_use_after_return=0` };

/** A server with a session, and a client for each login of its person. */
async function crowd(t) {
  const server = await Server.start({ env: lean });
  t.after(() => server.stop());
  const first = await server.account();
  const session = (await newSession(first)).id;
  const clients = [];
  for (let i = 0; i < LOGINS; i++) {
    const login = await server.anonymous().post("/auth/login", { email: first.email, password: first.password });
    assert.equal(login.status, 200, login.text());
    clients.push(new Client(server, login.data.token));
  }
  return { server, files: `/sessions/${session}/files`, client: (i) => clients[i % LOGINS] };
}

/** What the kernel holds of all connections of a server: sent by one side, and not yet read by the other. */
function underWay({ port }) {
  const ours = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1).map((line) => line.trim().split(/\s+/));
  const queued = ([, local, far, , queues]) => (local?.endsWith(ours) || far?.endsWith(ours) ? queues.split(":").map((hex) => parseInt(hex, 16)) : [0]);
  return lines.flatMap(queued).reduce((sum, bytes) => sum + bytes, 0);
}

/** Many bodies of noise, all sent but for their end; `finish` sends that. */
async function hold({ server, client, files }, count, sent) {
  let waiting = 0;
  let finish;
  const finished = new Promise((resolve) => { finish = resolve; });
  const body = async function* () {
    for (let left = sent; left > 0; left -= PIECE) yield randomBytes(Math.min(left, PIECE));
    waiting++;
    await finished;
    yield Buffer.from("x");
  };
  const replies = Array.from({ length: count }, (_, i) => client(i).write(`${files}/${count}-${i}`, Readable.from(body(), { objectMode: false, highWaterMark: PIECE }), {
    headers: { "Content-Length": sent + 1 }, agent: false,
  }));
  const failed = Promise.all(replies);
  await Promise.race([failed, until("all wait, and the server has what was sent", () => waiting === count && underWay(server) === 0, 300_000)]);
  assert.equal(waiting, count);
  return async () => { finish(); for (const reply of await failed) assert.equal(reply.status, 200, reply.text()); };
}

/** What each of them took; the most, since the least that a server had may be what it was lent for a moment. */
async function each(t, what, server, work) {
  const before = memory(server.serverPid);
  const took = (await mostWhile(server.serverPid, work) - before) / AT_ONCE;
  t.diagnostic(`${what}: ${(took / MIB).toFixed(2)} MiB each, of ${AT_ONCE}`);
  return took;
}

test("an upload that its client holds takes less than what is promised", { timeout: 900_000 }, async (t) => {
  const all = await crowd(t);
  let finish;
  const took = await each(t, "uploads", all.server, async () => { finish = await hold(all, AT_ONCE, SENT); });
  await finish();
  assert.ok(took < PROMISED, `${took} bytes each`);
});

test("what the server is made to hold is seen by this measure", { timeout: 900_000 }, async (t) => {
  const all = await crowd(t);
  let finish;
  // A body of up to 1 MiB is complete before it is worked on: four of them, all but a byte, are as much as a transfer may take.
  const took = await each(t, "four bodies", all.server, async () => { finish = await hold(all, AT_ONCE * 4, MIB - 1); });
  await finish();
  assert.ok(took > 0.9 * PROMISED, `${took} bytes each`);
});

test("a download that its client holds takes less than what is promised", { timeout: 900_000 }, async (t) => {
  const all = await crowd(t);
  const { server, files } = all;
  assert.equal((await all.client(0).write(`${files}/read`, noise(READ).stream, { headers: { "Content-Length": READ } })).status, 200);
  await server.kill9();
  await server.run(); // what the upload took is not there before either
  const requests = [];
  const held = (i) => new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${all.client(i).token}`, Host: `127.0.0.1:${server.port}` };
    const request = get({ host: "127.0.0.1", port: server.port, path: `/api/v5${files}/read`, headers, agent: false }, (reply) => {
      assert.equal(reply.statusCode, 200);
      reply.once("readable", () => resolve(reply)); // nothing is read
    });
    requests.push(request.on("error", reject));
  });
  const took = await each(t, "downloads", server, async () => {
    const replies = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => held(i)));
    const there = replies.reduce((sum, reply) => sum + reply.readableLength, 0);
    assert.ok(there + underWay(server) < AT_ONCE * READ / 2, "some may be at their end");
  }).finally(() => requests.forEach((request) => request.destroy()));
  assert.ok(took < PROMISED, `${took} bytes each`);
});
