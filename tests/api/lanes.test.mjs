// No lane holds up another: each is filled in turn, and meanwhile what a probe or a person waits for is timed. Times are
// compared with those of the same server beside as many busy cores as there are, so that what counts is who waits for whom and
// not how fast the machine is. Every test has a control: what does use the filled lane must fail the same measure, else the
// lane was not full, or the measure cannot fail.
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { connect } from "node:net";
import { before, test } from "node:test";
import { Worker } from "node:worker_threads";
import { bundle, call, newSession, serverForFile } from "./harness.mjs";

const PATIENCE = 4000; // ms: who waits longer counts as held up for ever
const MOST = 8; // times what it takes beside busy cores
const LEAST = 3; // ms: below that nobody feels a difference, and nothing can be told

const server = await serverForFile();
const filled = new Set(["inline"]); // the loops themselves: every request of these tests passes through them
let ada, home, base;

// ---- Measuring ----

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

async function once(act) {
  const begin = performance.now();
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, "late").unref());
  const reply = await Promise.race([act(), late]);
  return reply === "late" || reply.status === 503 ? Infinity : performance.now() - begin;
}

/** The median time of so many calls, one after the other; Infinity as soon as one is refused or takes longer than PATIENCE. */
async function timed(act, count) {
  const times = [];
  for (let i = 0; i < count; i++) {
    times.push(await once(act));
    if (times.at(-1) === Infinity) return Infinity;
  }
  return median(times);
}

let saves = 0;
const acts = {
  health: () => call(server.port, "GET", "/health", { agent: server.agent }),
  save: () => ada.write(`/sessions/${home.id}/files/probe-${saves % 10}`, `probe ${saves++}`, { expected5xx: true }),
  read: () => ada.get(`/sessions/${home.id}`, { expected5xx: true }),
  scan: () => ada.get(`/sessions/${home.id}/files`, { expected5xx: true }),
  content: () => ada.get(`/sessions/${home.id}/files/probe-0`, { expected5xx: true }),
  login: () => server.anonymous().post("/auth/login", { email: ada.email, password: ada.password }, { expected5xx: true }),
};

const counts = { health: 31, save: 15, read: 15, scan: 9, content: 9, login: 3 };

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

const slower = (name, times) => times[name] / Math.max(base[name], LEAST);

function assertResponsive(name, times) {
  assert.ok(slower(name, times) <= MOST, `${name}: ${times[name]} ms, ${base[name]} ms beside busy cores`);
}

/** The measure itself, and that it would notice. */
async function assertApart(t, lane, names, control) {
  const times = await measure(names);
  const stuck = await measure([control]);
  const line = ([name, ms]) => `${name} ${ms.toFixed(1)} ms (${base[name].toFixed(1)})`;
  t.diagnostic(`${lane} full: ${Object.entries({ ...times, ...stuck }).map(line).join(", ")}`);
  for (const name of names) assertResponsive(name, times);
  assert.throws(() => assertResponsive(control, stuck), `${lane} was not full, or the measure cannot fail: ${control} took ${stuck[control]} ms`);
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
  const burners = Array.from({ length: availableParallelism() }, () => worker({ spin: true }));
  base = await measure(Object.keys(acts));
  await Promise.all(burners.map((burner) => burner.terminate()));
});

// ---- Lane by lane ----

test("hash: logins wait for each other only", async (t) => {
  const body = JSON.stringify({ email: "nobody@example.com", password: "the wrong password" });
  const requests = [{ method: "POST", path: "/api/v5/auth/login", headers: { "Content-Type": "application/json" }, body }];
  const { statuses } = await underLoad({ connections: 100, requests }, () => assertApart(t, "hash", ["health", "save", "read", "scan"], "login"));
  assert.ok(statuses[503] > 0 && statuses[401] > 0, `the queue of 64 was full, and some got through: ${JSON.stringify(statuses)}`);
});

test("read: a flood of short reads", async (t) => {
  await Promise.all(Array.from({ length: 40 }, () => newSession(people[0])));
  const requests = [{ method: "GET", path: "/api/v5/sessions?limit=100", headers: bearer(people[0]) }];
  const { statuses } = await underLoad({ connections: 200, requests }, () => assertApart(t, "read", ["health", "save"], "read"));
  assert.deepEqual(Object.keys(statuses), ["200"]);
});

test("scan: long listings; one person's flood leaves room for others", async (t) => {
  const three = people.slice(0, 3);
  const names = Array.from({ length: 120 }, (_, i) => `folder ${i % 7}/file ${i}`);
  await Promise.all(three.flatMap((person) => names.map((name) => person.write(`/sessions/${person.session.id}/files/${encodeURIComponent(name).replaceAll("%2F", "/")}`, name))));
  const requests = three.map((person) => ({ method: "GET", path: `/api/v5/sessions/${person.session.id}/files?recursive=true&limit=1000`, headers: bearer(person) }));
  await underLoad({ connections: 60, requests: requests.slice(0, 1) }, async () => assertResponsive("scan", await measure(["scan"])));
  await underLoad({ connections: 180, requests }, () => assertApart(t, "scan", ["health", "save", "read"], "scan"));
});

test("work: a flood of saves; a further one waits its turn and no longer", async (t) => {
  const requests = Array.from({ length: 400 }, (_, i) => {
    const person = people[i % 4];
    return { method: "PUT", path: `/api/v5/sessions/${person.session.id}/files/flood-${i}`, headers: bearer(person), body: `bytes ${i} `.repeat(200) };
  });
  const { took } = await underLoad({ connections: 300, requests }, () => assertApart(t, "work", ["health", "read"], "save"));
  const turn = median(took);
  const { took: later } = await underLoad({ connections: 300, requests }, async () => {
    const { save } = await measure(["save"]);
    assert.ok(save <= 3 * turn, `a save took ${save} ms, those of the flood ${turn} ms`);
  });
  assert.ok(later.length > 300);
});

test("stream: uploads that stand still", async (t) => {
  const sockets = [];
  const upload = (person, number) => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write(`PUT /api/v5/sessions/${person.session.id}/files/slow-${number} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
      `Authorization: Bearer ${person.token}\r\nContent-Length: 4000000\r\n\r\n`);
    sockets.push(socket);
    return socket;
  };
  // 64 threads, at most 4 a person; 256 may wait.
  for (const person of people.slice(0, 16)) for (let i = 0; i < 20; i++) upload(person, i);
  try {
    // One more is refused as soon as all have arrived.
    for (let refused = false; !refused; ) {
      const answer = new Promise((resolve) => upload(people[16], sockets.length).once("data", (text) => resolve(text.toString())));
      const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 200, ""))]);
      refused = /^HTTP\/1\.1 503 .*\r\nRetry-After: \d/is.test(first);
      assert.ok(sockets.length < 400, "the lane of streams does not become full");
    }
    await assertApart(t, "stream", ["health", "save", "read", "scan"], "content");
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test("every lane that the document names was filled", () => {
  const lanes = new Set(bundle.operations.map(({ lane }) => lane.split("_")[0]));
  assert.deepEqual([...lanes].sort(), [...filled].sort());
});
