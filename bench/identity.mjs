// How many people can come in, and stay: logins a second beside Argon2id alone, and refreshes a second.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Server } from "../tests/api/harness.mjs";
import { inTurn, measured, median, ratio, short, spread } from "./measure.mjs";
import { wrk } from "./wrk.mjs";

const ROUNDS = 5;
const SECONDS = 4;
const WAITING = 8; // connections that log in: more than there are cores, so that none is idle
const REFRESHING = 64;
const KEYCLOAK = 120; // refreshes a second and processor, as its authors publish

const rates = (results) => results.map((result) => result.rate);
const cell = (results) => `${spread(rates(results), "/s")}, ${spread(results.map(({ cpu_us }) => cpu_us / 1000), " ms")} of CPU each`;

/** One POST without the checks of the tests' client. */
function post(port, agent, path, json) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(json);
    const headers = { Host: `127.0.0.1:${port}`, "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const request = httpRequest({ host: "127.0.0.1", port, agent, method: "POST", path: `/api/v5${path}`, headers }, (reply) => {
      const pieces = [];
      reply.on("data", (piece) => pieces.push(piece));
      reply.on("end", () => {
        const text = Buffer.concat(pieces).toString();
        if (reply.statusCode >= 300) reject(new Error(`${path}: ${reply.statusCode} ${text}`));
        else resolve(JSON.parse(text).data);
      });
      reply.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** As many as `count` connections get done, a second. step(agent, worker) is one of them. */
async function rate(count, step) {
  let done = 0;
  const end = performance.now() + SECONDS * 1000;
  await Promise.all(Array.from({ length: count }, async (_, worker) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (performance.now() < end) {
      await step(agent, worker);
      done += 1;
    }
    agent.destroy();
  }));
  return done / SECONDS;
}

export async function identity() {
  const server = await Server.start(measured);
  const { port } = server;
  const cores = availableParallelism();
  try {
    const people = [];
    for (let i = 0; i < REFRESHING; i++) people.push(await server.account("person"));
    const bodies = join(server.data, "logins"); // by wrk: node itself would take a twentieth of the processors
    writeFileSync(bodies, people.map(({ email, password }) => JSON.stringify({ email, password })).join("\n"));
    const login = () => wrk(`http://127.0.0.1:${port}/api/v5/auth/login`, { connections: WAITING, env: { BENCH_BODIES: bodies }, pids: [server.serverPid], seconds: SECONDS });
    const raw = async () => JSON.parse((await promisify(execFile)(join(process.env.CODITECT_BUILD, "bench/argon2"), [String(cores), String(SECONDS)])).stdout);
    const logins = await inTurn(ROUNDS, login, raw);

    const kernel = spread(logins.theirs.map(({ kernel_us }) => kernel_us / 1000), " ms");

    const tokens = [];
    const agent = new Agent({ keepAlive: true });
    for (const { email, password } of people) tokens.push((await post(port, agent, "/auth/login", { email, password })).refresh_token);
    agent.destroy();
    const refreshes = [];
    for (let round = 0; round < ROUNDS; round++) {
      refreshes.push(await rate(REFRESHING, async (own, worker) => {
        const reply = await post(port, own, "/auth/refresh", { refresh_token: tokens[worker] });
        assert.equal(reply.cause, "rotated");
        tokens[worker] = reply.refresh_token;
      }));
    }
    return [
      { what: `logins, ${WAITING} connections`, ours: cell(logins.ours), yardstick: `Argon2id alone, ${cores} threads: ${cell(logins.theirs)}, ${kernel} of it the kernel's`, ratio: ratio(rates(logins.ours), rates(logins.theirs)) },
      { what: `refreshes, ${REFRESHING} connections`, ours: spread(refreshes, "/s"), yardstick: `Keycloak, as published: ${KEYCLOAK}/s a processor`, ratio: `${short(median(refreshes) / cores / KEYCLOAK)}× a processor` },
    ];
  } finally {
    await server.stop();
  }
}
