// Many at once: what a connection that waits costs in memory, and how long people wait who think between two requests.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Server } from "../tests/api/harness.mjs";
import { measured, quantile, short, spread } from "./measure.mjs";

const ROUNDS = 3;
const CONNECTIONS = 2000;
const PEOPLE = 1000;
const SECONDS = 20;
const THINK = 2000; // ms, the mean between two requests of one person

const rss = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]); // KiB

/** A connection that has had an answer and stays. */
function idler(port, token) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", reject);
    socket.once("data", () => resolve(socket));
    socket.write(`GET /api/v5/users/me HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  });
}

async function idleMemory() {
  const server = await Server.start(measured);
  const fresh = rss(server.serverPid);
  const me = await server.account("bench");
  const sockets = [];
  try {
    // Whatever the first requests make once (threads, connections to the database) is not a connection's.
    for (let i = 0; i < 200; i++) sockets.push(await idler(server.port, me.token));
    const before = rss(server.serverPid);
    for (let i = 0; i < CONNECTIONS; i++) sockets.push(await idler(server.port, me.token));
    return { fresh: fresh / 1024, each: (rss(server.serverPid) - before) / CONNECTIONS };
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.stop();
  }
}

/** Resident memory of the server, fresh, and for each connection that is idle after a request. */
export async function memory() {
  const rounds = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(await idleMemory());
  return [
    { what: "resident memory of an idle server", ours: spread(rounds.map(({ fresh }) => fresh), " MiB"), yardstick: "", ratio: "" },
    { what: `resident memory of an idle connection, of ${CONNECTIONS.toLocaleString("en-US")}`, ours: spread(rounds.map(({ each }) => each), " KiB"), yardstick: "", ratio: "" },
  ];
}

// ---- People ----

/** One request without the checks of the tests' client, which would cost more than the server does. {status, ms, body}. */
function ask(port, agent, { method, path, token, body }) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const headers = { Host: `127.0.0.1:${port}`, "Content-Length": Buffer.byteLength(body ?? ""), "Content-Type": "application/json" };
    if (token !== undefined) headers.Authorization = `Bearer ${token}`;
    const request = httpRequest({ host: "127.0.0.1", port, agent, method, path: `/api/v5${path}`, headers }, (reply) => {
      const pieces = [];
      reply.on("data", (piece) => pieces.push(piece));
      reply.on("end", () => resolve({ status: reply.statusCode, ms: performance.now() - begin, body: Buffer.concat(pieces) }));
      reply.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

class Person {
  constructor(port, number) {
    this.port = port;
    this.number = number;
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.who = { email: `person-${number}@example.com`, password: "a password of theirs" };
  }

  async do(method, path, body) {
    const reply = await ask(this.port, this.agent, { method, path, token: this.token, body });
    assert.ok(reply.status < 300, `${method} ${path}: ${reply.status}`);
    return reply;
  }

  async arrive() {
    this.token = JSON.parse((await this.do("POST", "/auth/register", JSON.stringify(this.who))).body).data.token;
    this.session = JSON.parse((await this.do("POST", "/sessions", JSON.stringify({ name: "Project" }))).body).data.id;
    await this.do("PUT", `/sessions/${this.session}/files/notes.md`, "the first line\n".repeat(100));
    return this.logIn();
  }

  async logIn() {
    const { body, ms } = await this.do("POST", "/auth/login", JSON.stringify(this.who));
    this.token = JSON.parse(body).data.token;
    return ms;
  }

  /** List, open (the session as its page shows it; no workspace is started), read, save, with thoughts between, until told to stop. */
  async work(took, stopped) {
    const steps = {
      list: () => this.do("GET", "/sessions"),
      open: () => this.do("GET", `/sessions/${this.session}`),
      read: () => this.do("GET", `/sessions/${this.session}/files/notes.md`),
      save: (turn) => this.do("PUT", `/sessions/${this.session}/files/notes.md`, `${this.number} ${turn}\n`.repeat(300)),
    };
    for (let turn = 0; ; turn++) {
      for (const [name, step] of Object.entries(steps)) {
        await wait(THINK * 2 * Math.random());
        if (stopped()) return;
        took[name].push((await step(turn)).ms);
      }
    }
  }
}

/** What is asked beside them and needs neither store nor lane: a delay that it has too is the machine's or this process's own. */
async function healthBeside(port, stopped) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  while (!stopped()) {
    times.push((await ask(port, agent, { method: "GET", path: "/health" })).ms);
    await wait(20 * Math.random());
  }
  agent.destroy();
  return times;
}

/** Somebody who works already logs in once more, on another device. */
async function comesBack(port, number) {
  const person = new Person(port, number);
  try {
    return await person.logIn();
  } finally {
    person.agent.destroy();
  }
}

/** SECONDS of everybody's work; with logins one of them logs in each second. */
async function stretch(port, people, withLogins) {
  const took = { list: [], open: [], read: [], save: [] };
  const logins = [];
  let over = false;
  const working = Promise.all(people.map((person) => person.work(took, () => over)));
  const beside = healthBeside(port, () => over);
  for (let second = 0; second < SECONDS; second++) {
    if (withLogins) logins.push(comesBack(port, second));
    await wait(1000);
  }
  over = true;
  await working;
  return { took, all: Object.values(took).flat(), health: await beside, logins: await Promise.all(logins) };
}

export async function users() {
  const server = await Server.start(measured);
  const people = Array.from({ length: PEOPLE }, (_, number) => new Person(server.port, number));
  const arrived = [];
  try {
    const queue = [...people]; // few at a time: password hashes take a core each
    await Promise.all(Array.from({ length: 4 }, async () => {
      for (let person = queue.pop(); person !== undefined; person = queue.pop()) arrived.push(await person.arrive());
    }));
    const calm = await stretch(server.port, people, false);
    const { took, all, health, logins } = await stretch(server.port, people, true);
    const cell = (times) => `p50 ${short(quantile(times, 0.5))} ms, p95 ${short(quantile(times, 0.95))} ms, p99 ${short(quantile(times, 0.99))} ms`;
    const parts = Object.entries(took).map(([name, times]) => `${name} ${cell(times)}`);
    return [{
      what: `${PEOPLE.toLocaleString("en-US")} people at work, ${short(all.length / SECONDS)} requests a second, while one of them logs in each second`,
      ours: `${cell(all)}: ${parts.join("; ")}; apart from these, the logins: ${cell(logins)}, and 4 at a time before: ${cell(arrived)}`,
      yardstick: `the same while nobody logs in: ${cell(calm.all)}; GET /health beside them: ${cell(health)}`,
      ratio: `${short(quantile(all, 0.99) / quantile(calm.all, 0.99))}× (p99); ${short(quantile(all, 0.99) / quantile(health, 0.99))}× of /health`,
    }];
  } finally {
    for (const person of people) person.agent.destroy();
    await server.stop();
  }
}
