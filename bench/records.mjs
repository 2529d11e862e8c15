// What many records cost: a page of sessions out of 100,000, the store for each person and session, the memory for each login.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { join } from "node:path";
import { Server } from "../tests/api/harness.mjs";
import { measured, quantile, short } from "./measure.mjs";

const SESSIONS = Number(process.env.CODITECT_BENCH_SESSIONS ?? 100_000);
const EACH = Math.min(1000, SESSIONS); // the most that a person may have
const PEOPLE = Math.ceil(SESSIONS / EACH);
const WARM = 50; // what the first logins make once is not a login's
const DEVICES = 100; // the most that a person may have: one more ends the oldest
const LOGINS = Math.min(1000, SESSIONS, PEOPLE * (DEVICES - WARM - 1));
const READS = 300;
const WIDE = 64;

/** One request without the checks of the tests' client: {status, ms, data}. */
function ask(port, agent, { method = "GET", path, token, json }) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const body = json === undefined ? "" : JSON.stringify(json);
    const headers = { Host: `127.0.0.1:${port}`, "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    if (token !== undefined) headers.Authorization = `Bearer ${token}`;
    const request = httpRequest({ host: "127.0.0.1", port, agent, method, path: `/api/v5${path}`, headers }, (reply) => {
      const pieces = [];
      reply.on("data", (piece) => pieces.push(piece));
      reply.on("end", () => {
        const ms = performance.now() - begin;
        assert.ok(reply.statusCode < 300, `${method} ${path}: ${reply.statusCode}`);
        resolve({ ms, ...JSON.parse(Buffer.concat(pieces)) });
      });
      reply.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** As many at once as wide. */
async function times(count, wide, act) {
  let next = 0;
  await Promise.all(Array.from({ length: wide }, async () => {
    while (next < count) await act(next++);
  }));
}

const rss = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]); // KiB

/** KiB of the store's files; the log is folded in at the end of a server. */
function stored(data) {
  const folder = join(data, "store");
  return readdirSync(folder).filter((name) => name.startsWith("store.db")).reduce((sum, name) => sum + statSync(join(folder, name)).blocks * 512, 0) / 1024;
}

async function settled(server) {
  await server.end("SIGTERM");
  const size = stored(server.data);
  await server.run();
  return size;
}

async function timed(port, agent, token, path) {
  const ms = [];
  for (let i = 0; i < READS; i++) {
    const reply = await ask(port, agent, { path, token });
    assert.equal(reply.data.length, Math.min(100, EACH));
    ms.push(reply.ms);
  }
  ms.sort((a, b) => a - b);
  return `p50 ${short(quantile(ms, 0.5))} ms, p99 ${short(quantile(ms, 0.99))} ms`;
}

export async function records() {
  const server = await Server.start(measured);
  const agent = new Agent({ keepAlive: true, maxSockets: WIDE });
  const { port } = server;
  const row = (what, ours) => ({ what, ours, yardstick: "", ratio: "" });
  try {
    const owner = await server.account("owner");
    const few = (await ask(port, agent, { method: "POST", path: "/sessions", token: owner.token, json: { name: "first" } })).data;
    assert.ok(few.id);
    const empty = await settled(server);
    const people = [owner];
    await times(PEOPLE - 1, 4, async (i) => {
      const [email, password] = [`person-${i}@example.com`, "a long password"];
      const { token } = (await ask(port, agent, { method: "POST", path: "/tenant/invitations", token: owner.token, json: { email, role: "member" } })).data;
      const { data } = await ask(port, agent, { method: "POST", path: "/auth/register", json: { email, password, invitation: token } });
      people.push({ email, password, token: data.token });
    });
    const peopled = await settled(server);
    await times(SESSIONS - 1, WIDE, (i) => ask(port, agent, { method: "POST", path: "/sessions", token: people[(i + 1) % PEOPLE].token, json: { name: `Session ${i}` } }));
    const full = await settled(server);
    const rows = [
      row(`list of 100 sessions, of a person's ${EACH}, of ${SESSIONS} in all`, await timed(port, agent, owner.token, "/sessions?limit=100")),
      row(`the same, by name`, await timed(port, agent, owner.token, "/sessions?limit=100&sort=name")),
      row(`list of 100 sessions of the organization's ${SESSIONS}`, await timed(port, agent, owner.token, "/tenant/sessions?limit=100")),
      row(`store for each session`, `${short((full - peopled) / (SESSIONS - 1))} KiB`),
    ];
    if (PEOPLE > 1) rows.push(row(`store for each person, with login and invitation`, `${short((peopled - empty) / (PEOPLE - 1))} KiB`));
    const login = (i) => {
      const { email, password } = people[i % PEOPLE];
      return ask(port, agent, { method: "POST", path: "/auth/login", json: { email, password } });
    };
    await times(WARM, 4, login);
    const before = rss(server.serverPid);
    await times(LOGINS, 4, async (i) => {
      const { data } = await login(i);
      await ask(port, agent, { path: "/users/me", token: data.token });
    });
    rows.push(row(`resident memory for each login, of ${LOGINS} that made a request`, `${short((rss(server.serverPid) - before) / LOGINS)} KiB`));
    let live = 0;
    for (const { token } of people) live += (await ask(port, agent, { path: "/auth/devices?limit=100", token })).data.length;
    assert.equal(live, PEOPLE + WARM + LOGINS, "each login is one more");
    return rows;
  } finally {
    agent.destroy();
    await server.stop();
  }
}
