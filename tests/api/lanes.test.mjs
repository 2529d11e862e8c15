// No lane holds up another: each is filled in turn, and meanwhile what a probe or a person waits for is timed, beside what waits
// in the full lane itself. The times of the same moments are compared, so that what counts is who waits for whom, not how fast
// or how busy the machine is, nor since when. The latter is the control too: it must fail the same measure, and a lane that is not
// full cannot let the others pass.
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { connect } from "node:net";
import { before, test } from "node:test";
import { Worker } from "node:worker_threads";
import { call as callSocket, World } from "../codi2/world.mjs";
import { open, stateOf } from "../workspaces/inside.mjs";
import { halt, resume } from "./halt.mjs";
import { bundle, call, newSession, serverForFile, until } from "./harness.mjs";

const PATIENCE = 2500; // ms: who waits longer is waited for no more, and counts as this
const APART = 4; // who does not use the full lane waits at most this part of what the others wait
const BUSY = 60; // and, when these are refused at once, so many times what it takes beside busy cores
const LEAST = 3; // ms: below that nobody feels a difference, and nothing can be told

const server = await serverForFile();
const filled = new Set(["inline"]); // the loops themselves: every request of these tests passes through them
let ada, home, base, guest;

// ---- Measuring ----

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

async function once(act, patience = PATIENCE) {
  const begin = performance.now();
  const late = new Promise((resolve) => setTimeout(resolve, patience, "late").unref());
  const reply = await Promise.race([act(), late]);
  if (reply === "late") return patience;
  return reply.status === 503 ? Infinity : Math.min(performance.now() - begin, patience);
}

/** The median time of so many calls, one after the other, and of more until the others have ended; of one that is refused (Infinity) or late: its own. */
async function timed(act, count, haveEnded = () => true) {
  const times = [];
  while (times.length < count || !haveEnded()) {
    times.push(await once(act));
    if (times.at(-1) >= PATIENCE) return times.at(-1);
  }
  return median(times);
}

/** Of so many calls, and of one that goes on beside them. */
async function timedBeside(act, count, other) {
  let isOver = false;
  const others = timed(other, 3, () => isOver);
  const own = await timed(act, count);
  isOver = true;
  return [own, await others];
}

let saves = 0;
const acts = {
  health: () => call(server.port, "GET", "/health", { agent: server.agent }),
  save: () => ada.write(`/sessions/${home.id}/files/probe-${saves % 10}`, `probe ${saves++}`, { expected5xx: true }),
  read: () => ada.get(`/sessions/${home.id}`, { expected5xx: true }),
  scan: () => ada.get(`/sessions/${home.id}/files`, { expected5xx: true }),
  theirs: () => people[0].get(`/sessions/${people[0].session.id}/files`, { expected5xx: true }), // who floods that lane
  content: () => ada.get(`/sessions/${home.id}/files/probe-0`, { expected5xx: true }),
  outside: () => guest.get(`/sessions/${guest.session.id}/terminals`, { expected5xx: true }),
  login: () => server.anonymous().post("/auth/login", { email: ada.email, password: ada.password }, { expected5xx: true }),
};

const counts = { health: 31, save: 11, read: 11, scan: 5, theirs: 3, content: 5, login: 3, outside: 1 };

async function measure(names) {
  const result = {};
  for (const name of names) result[name] = await timed(acts[name], counts[name]);
  return result;
}

function worker(data) {
  const made = new Worker(new URL("lanes-load.mjs", import.meta.url), { workerData: { port: server.port, ...data } });
  made.on("error", (error) => assert.fail(error));
  return made;
}

/** Runs body while `connections` are busy with requests; what they met. */
async function underLoad({ connections, requests }, body) {
  const load = worker({ connections, requests });
  try {
    await new Promise((resolve) => load.once("message", resolve)); // each has been through once, or nearly
    await body();
    const report = new Promise((resolve) => load.once("message", resolve));
    load.postMessage("stop");
    return await report;
  } finally {
    await load.terminate();
  }
}

/** How long name may take while who uses the full lane takes `stuck` ms. */
function mostOf(name, stuck) {
  return stuck === Infinity ? Math.min(PATIENCE / APART, BUSY * Math.max(base[name], LEAST)) : Math.max(stuck / APART, LEAST);
}

function assertApart(name, ms, stuck) {
  assert.ok(ms <= mostOf(name, stuck), `${name} took ${ms} ms, who uses the full lane ${stuck} ms`);
}

/** Three times at most: a busy machine adds to one of them, a lane that holds up another to each. */
async function timedApart(name, control) {
  for (let tries = 1; ; tries++) {
    const [own, others] = await timedBeside(acts[name], counts[name], acts[control]);
    if (own <= mostOf(name, others) || tries === 3) return [own, others];
  }
}

/** Times names beside the control, which uses the full lane. */
async function assertOthersApart(t, lane, names, control) {
  const met = new Map();
  for (const name of names) met.set(name, await timedApart(name, control));
  met.set(control, await timedBeside(acts[control], 3, acts[control]));
  const line = ([name, [ms, stuck]]) => `${name} ${ms.toFixed(1)} ms beside ${stuck.toFixed(1)} (${base[name].toFixed(1)})`;
  t.diagnostic(`${lane} full: ${[...met].map(line).join(", ")}`);
  for (const name of names) assertApart(name, ...met.get(name));
  assert.throws(() => assertApart(control, ...met.get(control)), /who uses the full lane/, "the measure cannot fail");
  filled.add(lane);
}

// ---- Who is there ----

const bearer = (client) => ({ Authorization: `Bearer ${client.token}` });
const people = [];

before(async () => {
  people.push(...await Promise.all(Array.from({ length: 17 }, () => server.account("many"))));
  for (const person of people) person.session = await newSession(person);
  ada = await server.account("ada");
  home = await newSession(ada);
  await acts.save(); // what content reads
  guest = people[5];
  for (const person of people.slice(0, 6)) await open(person, person.session.id);
  const burners = Array.from({ length: availableParallelism() }, () => worker({ spin: true }));
  base = await measure(Object.keys(acts));
  await Promise.all(burners.map((burner) => burner.terminate()));
});

// ---- Lane by lane ----

test("hash: logins wait for each other only", async (t) => {
  const body = JSON.stringify({ email: "nobody@example.com", password: "the wrong password" });
  const requests = [{ method: "POST", path: "/api/v5/auth/login", headers: { "Content-Type": "application/json" }, body }];
  const { statuses } = await underLoad({ connections: 100, requests }, () => assertOthersApart(t, "hash", ["health", "save", "read", "scan"], "login"));
  assert.ok(statuses[503] > 0 && statuses[401] > 0, `the queue of 64 was full, and some got through: ${JSON.stringify(statuses)}`);
});

test("read: a flood of short reads", async (t) => {
  await Promise.all(Array.from({ length: 50 }, (_, i) => people[0].post("/auth/keys", { name: `key ${i}` })));
  const requests = [{ method: "GET", path: "/api/v5/auth/keys?limit=100", headers: bearer(people[0]) }];
  const { statuses } = await underLoad({ connections: 200, requests }, () => assertOthersApart(t, "read", ["health", "save"], "read"));
  assert.deepEqual(Object.keys(statuses), ["200"]);
});

test("scan: long listings; one person's flood leaves room for others", async (t) => {
  const three = people.slice(0, 3);
  const names = Array.from({ length: 250 }, (_, i) => `folder ${i % 7}/file ${i}`);
  await Promise.all(three.flatMap((person) => names.map((name) => person.write(`/sessions/${person.session.id}/files/${encodeURIComponent(name).replaceAll("%2F", "/")}`, name))));
  const requests = three.map((person) => ({ method: "GET", path: `/api/v5/sessions/${person.session.id}/files?recursive=true&limit=1000`, headers: bearer(person) }));
  await underLoad({ connections: 60, requests: requests.slice(0, 1) }, async () => {
    assertApart("scan", ...await timedBeside(acts.scan, counts.scan, acts.theirs));
  });
  await underLoad({ connections: 180, requests }, () => assertOthersApart(t, "scan", ["health", "save", "read"], "scan"));
});

test("work: a flood of saves; a further one waits its turn and no longer", async (t) => {
  const requests = Array.from({ length: 400 }, (_, i) => {
    const person = people[i % 4];
    return { method: "PUT", path: `/api/v5/sessions/${person.session.id}/files/flood-${i}`, headers: bearer(person), body: `bytes ${i} `.repeat(200) };
  });
  await underLoad({ connections: 300, requests }, () => assertOthersApart(t, "work", ["health", "read"], "save"));
  const saves = [];
  const { took } = await underLoad({ connections: 300, requests }, async () => {
    for (let i = 0; i < 5; i++) saves.push(await once(acts.save, /* patience= */ 60_000)); // a turn may be as long as the machine is busy
  });
  const [save, turn] = [median(saves), median(took)];
  assert.ok(save <= 3 * turn, `a save took ${save} ms, those of the flood ${turn} ms`);
});

test("stream: uploads that stand still", async (t) => {
  const [sockets, refused] = [[], []];
  const upload = (person) => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.once("data", (text) => {
      if (/^HTTP\/1\.1 503 .*\r\nRetry-After: \d/is.test(text)) refused.push(person);
    });
    socket.write(`PUT /api/v5/sessions/${person.session.id}/files/slow-${sockets.length} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
      `Authorization: Bearer ${person.token}\r\nContent-Length: 4000000\r\n\r\n`);
    sockets.push(socket);
  };
  const answered = () => new Promise((resolve) => setTimeout(resolve, 200));
  // 64 threads, at most 4 a person; 256 may wait.
  for (const person of people.slice(0, 16)) for (let i = 0; i < 20; i++) upload(person);
  try {
    // Where they come sooner than the threads take them some find no room, and come again: until all that come are refused.
    await answered();
    for (let isFull = false; !isFull; ) {
      const again = refused.length > 0 ? refused.splice(0) : [people[16]];
      for (const person of again) upload(person);
      await answered();
      isFull = refused.length === again.length;
      assert.ok(sockets.length < 1000, "the lane of streams does not become full");
    }
    await assertOthersApart(t, "stream", ["health", "save", "read", "scan"], "content");
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test("outside: workspaces that do not answer; who asks one that does waits behind them", { timeout: 60_000 }, async (t) => {
  // 16 threads, at most 4 requests of a person: five people's take them all, again as soon as they are told to come later.
  const silent = people.slice(0, 5).map((person) => ({ person, codi2: stateOf(server, person.session.id).codi2 }));
  for (const { codi2 } of silent) await halt(t, codi2);
  let isOver = false;
  const statuses = new Map();
  const ask = async ({ person: { session, get } }) => {
    while (!isOver) {
      const { status } = await get(`/sessions/${session.id}/terminals`, { expected5xx: true });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const asking = silent.flatMap((one) => Array.from({ length: 4 }, () => ask(one)));
  try {
    for (let left = 3; left > 0; left--) { // a thread that has just told somebody to come later is free for a moment
      const error = await assertOthersApart(t, "outside", ["health", "save", "read", "scan"], "outside").then(() => undefined, (why) => why);
      if (error === undefined) break;
      if (left === 1 || !/the measure cannot fail/.test(error.message)) throw error;
    }
  } finally {
    isOver = true;
    for (const { codi2 } of silent) resume(codi2);
    await Promise.all(asking);
  }
  assert.equal(await timed(acts.outside, 3) < PATIENCE, true, "nobody waits any more");
  t.diagnostic(`those who asked: ${JSON.stringify(Object.fromEntries(statuses))}`);
});

// The wire's own: each workspace has calls that wait for what others change, on threads that nothing else needs. Here 256 of
// them, of a server's side of the wire alone; how many the product has stands in docs/configuration.md.
test("the wire: calls that wait for changes hold up no save", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  let number = 0;
  const save = async () => {
    writeFileSync(world.tree("saved"), `${number++}`);
    await world.sync();
    return { status: 200 };
  };
  await save();
  const changes = (query, of = "workspace") => callSocket(world.path("wire.sock"), "GET", `/wire/changes?root=${of}&${query}`, { Authorization: "Bearer right" });
  const alone = await timed(save, 5);
  const waiting = Array.from({ length: 300 }, () => changes("since=0&wait=30000", "home").catch(() => undefined)); // for what never comes
  const threads = () => readdirSync(`/proc/${world.server.pid}/task`).length;
  await until("each thread waits", () => threads() >= 256);
  const late = () => changes("since=0&wait=30000").catch(() => ({ status: 0 })); // its answer is there: it waits for a thread
  assert.equal(await timed(late, 1), PATIENCE, "the lane is full");
  const beside = await timed(save, 5);
  t.diagnostic(`a save in a workspace: ${alone.toFixed(1)} ms, beside 300 that wait ${beside.toFixed(1)} ms`);
  assert.ok(beside <= Math.min(PATIENCE / APART, BUSY * Math.max(alone, LEAST)), `${beside} ms, ${alone} ms alone`);
  assert.equal((await changes("since=0")).status, 200, "who does not wait needs no such thread");
  await world.kill("server");
  await Promise.all(waiting);
});

test("every lane that the document names was filled", () => {
  const lanes = new Set(bundle.operations.map(({ lane }) => lane.split("_")[0]));
  assert.deepEqual([...lanes].sort(), [...filled].sort());
});
