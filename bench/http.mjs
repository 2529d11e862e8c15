// HTTP: coditectd against nginx that answers a fixed 200, and durable saves against SQLite driven directly. Load by wrk, on the
// same machine: the processor time that wrk takes is missing to both sides alike.
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { call, newSession, root, Server } from "../tests/api/harness.mjs";
import { inTurn, measured, ratio, short, spread } from "./measure.mjs";
import { profile, stageNames } from "./stages.mjs";
import { Nginx, run, SECONDS, wrk } from "./wrk.mjs";

const ROUNDS = 5;

const rates = (results) => results.map(({ rate }) => rate);
const tails = (results) => results.map(({ p99_us }) => p99_us / 1000);
const costs = (results) => results.map(({ cpu_us }) => cpu_us);

function cell(results) {
  return `${spread(rates(results), "/s")}, p99 ${spread(tails(results), " ms")}, ${spread(costs(results), " µs")} of CPU each`;
}

function compared(what, { ours, theirs }, yardstick) {
  return { what, ours: cell(ours), yardstick: `${yardstick}: ${cell(theirs)}`, ratio: ratio(rates(ours), rates(theirs)) };
}

async function place() {
  const server = await Server.start(measured);
  const me = await server.account("bench");
  const session = await newSession(me);
  return {
    server, me, session,
    url: (path) => `http://127.0.0.1:${server.port}${path}`,
    get pids() { return [server.serverPid]; },
  };
}

/** GET /health and an authenticated GET of a session by 64 and by 512 connections. */
export async function http() {
  const { server, me, session, url, pids } = await place();
  const nginx = await Nginx.start((await call(server.port, "GET", "/health")).body.toString());
  const rows = [];
  try {
    for (const connections of [64, 512]) {
      const fixed = () => wrk(nginx.url, { connections, pids: nginx.pids });
      const health = await inTurn(ROUNDS, () => wrk(url("/health"), { connections, pids }), fixed);
      rows.push(compared(`GET /health, ${connections} connections`, health, "nginx, fixed 200"));
      const one = () => wrk(url(`/api/v5/sessions/${session.id}`), { connections, pids, token: me.token });
      rows.push(compared(`GET /sessions/{id} with a token, ${connections} connections`, await inTurn(ROUNDS, one, fixed), "nginx, fixed 200"));
    }
  } finally {
    await nginx.stop();
    await server.stop();
  }
  return rows;
}

/** The store of a server that has ended, as sqlite_put's rows want it. */
function copyStore(server, to) {
  const from = join(server.data, "store");
  for (const name of readdirSync(from)) if (/^store\.db(-wal|-\d+)?$/.test(name)) cpSync(join(from, name), join(to, name));
  return join(to, "store.db");
}

/** What one PUT of 4 KiB writes, found out from the store before and after it. */
async function rowsOfPut(folder) {
  const { server, me, session } = await place();
  const save = () => me.write(`/sessions/${session.id}/files/1-0042`, randomBytes(4096));
  const stores = ["before", "after"].map((name) => mkdtempSync(join(folder, `${name}-`)));
  try {
    for (let i = 0; i < 5; i++) await save();
    await server.end("SIGTERM");
    const before = copyStore(server, stores[0]);
    await server.run();
    await save();
    await server.end("SIGTERM");
    const { stdout } = await run("python3", [join(root, "bench/put_rows.py"), before, copyStore(server, stores[1]), "1-0042"]);
    writeFileSync(join(folder, "rows"), stdout);
    return join(folder, "rows");
  } finally {
    server.agent.destroy();
    rmSync(server.data, { recursive: true });
  }
}

/** Durable 4 KiB by 64 clients: PUT of a file (HTTP, token, hash, compression) against SQLite that writes the same rows. */
export async function put() {
  const folder = mkdtempSync(join(tmpdir(), "coditect-bench-"));
  const same = await rowsOfPut(folder);
  const { server, me, session, url, pids } = await place();
  const env = { BENCH_PUT: `/api/v5/sessions/${session.id}/files`, BENCH_BYTES: "4096" };
  const program = join(process.env.CODITECT_BUILD, "bench/sqlite_put");
  const direct = async (rows) => JSON.parse((await run(program, [folder, String(SECONDS), "64", rows])).stdout);
  const ours = () => wrk(url("/"), { connections: 64, pids, token: me.token, env });
  try {
    return [
      compared("durable PUT of 4 KiB, 64 clients", await inTurn(ROUNDS, ours, () => direct(same)), "SQLite, group commit of the same keys and sizes"),
      compared("durable PUT of 4 KiB, 64 clients", await inTurn(ROUNDS, ours, () => direct("4096")), "SQLite, group commit of one row of 4 KiB"),
    ];
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Processor time of a request by stage: see stages.mjs. */
export async function cost() {
  const folder = mkdtempSync(join(tmpdir(), "coditect-bench-"));
  const { server, me, session, url, pids } = await place();
  const requests = {
    "GET /health": { path: "/health" },
    "GET /sessions/{id}": { path: `/api/v5/sessions/${session.id}` },
    "POST /auth/login": { path: "/api/v5/auth/login", connections: 8, env: { BENCH_BODIES: join(folder, "logins") } },
    "PUT of 4 KiB": { path: "/", env: { BENCH_PUT: `/api/v5/sessions/${session.id}/files`, BENCH_BYTES: "4096" } },
  };
  const { email, password } = await server.account("person"); // so many logins end the oldest of one's own
  writeFileSync(join(folder, "logins"), JSON.stringify({ email, password }));
  const rows = [];
  try {
    for (const [what, { path, env, connections = 64 }] of Object.entries(requests)) {
      const load = async (seconds = 8) => (await wrk(url(path), { connections, token: me.token, env, seconds })).requests;
      await load(2); // perf looks at the threads that are there when it begins
      const { all, ...stages } = await profile(pids[0], join(folder, "perf.data"), load);
      const parts = stageNames.filter((name) => stages[name] >= 0.05).map((name) => `${name} ${short(stages[name])}`);
      rows.push({ what: `CPU of ${what}, ${connections} connections, µs`, ours: `${short(all)}: ${parts.join(", ")}`, yardstick: "", ratio: "" });
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
  return rows;
}
