// HTTP: coditectd against nginx that answers the same bytes from memory or from a file. Load by wrk, on the same machine: the
// processor time that wrk takes is missing to both sides alike.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { call, freePort, newSession, root, Server, until } from "../tests/api/harness.mjs";
import { inTurn, ratio, spread } from "./measure.mjs";

const run = promisify(execFile);
const ROUNDS = 5;
const SECONDS = 5;

/** {rate, p50_us, p99_us, errors} of one run of wrk. */
async function wrk(url, { connections, token, env = {} }) {
  const headers = token === undefined ? [] : ["-H", `Authorization: Bearer ${token}`];
  const args = ["-t2", `-c${connections}`, `-d${SECONDS}s`, ...headers, "-s", join(root, "bench/wrk.lua"), url];
  const { stdout } = await run("wrk", args, { env: { ...process.env, ...env } });
  const result = JSON.parse(stdout.trim().split("\n").at(-1));
  assert.equal(result.errors, 0, `${url}: ${result.errors} requests failed`);
  return result;
}

class Nginx {
  /** files: name → text, besides /fixed, which answers `text` from memory. */
  static async start(text, files) {
    const nginx = new Nginx();
    nginx.folder = mkdtempSync(join(tmpdir(), "coditect-nginx-"));
    nginx.port = await freePort();
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(nginx.folder, name), bytes, { mode: 0o644 });
    writeFileSync(join(nginx.folder, "nginx.conf"), `
      worker_processes 2; pid ${nginx.folder}/pid; error_log ${nginx.folder}/error.log; daemon off; user root;
      events { worker_connections 4096; }
      http { access_log off; sendfile on; keepalive_requests 1000000000; default_type application/json;
        open_file_cache max=100; server { listen 127.0.0.1:${nginx.port} backlog=4096; root ${nginx.folder};
          location = /fixed { return 200 '${text}'; } } }`);
    nginx.child = spawn("nginx", ["-p", nginx.folder, "-c", join(nginx.folder, "nginx.conf")], { stdio: "ignore" });
    nginx.ended = new Promise((resolve) => nginx.child.on("close", resolve));
    await until("nginx answers", async () => {
      assert.equal(nginx.child.exitCode, null, "nginx ended");
      return fetch(`${nginx.url("/fixed")}`).then((reply) => reply.status === 200, () => false);
    });
    return nginx;
  }

  url(path) {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
    rmSync(this.folder, { recursive: true });
  }
}

const rates = (results) => results.map(({ rate }) => rate);
const tails = (results) => results.map(({ p99_us }) => p99_us / 1000);

function compared(what, { ours, theirs }, yardstick) {
  return {
    what,
    ours: `${spread(rates(ours), "/s")}, p99 ${spread(tails(ours), " ms")}`,
    yardstick: `${yardstick}: ${spread(rates(theirs), "/s")}, p99 ${spread(tails(theirs), " ms")}`,
    ratio: ratio(rates(ours), rates(theirs)),
  };
}

/** GET /health and an authenticated GET /users/me by 100 and by 1,000 connections. */
export async function http() {
  const server = await Server.start();
  const me = await server.account("bench");
  const health = (await call(server.port, "GET", "/health")).body.toString();
  const self = (await me.get("/users/me")).body.toString();
  const nginx = await Nginx.start(health, { me: self });
  const url = (path) => `http://127.0.0.1:${server.port}${path}`;
  const rows = [];
  try {
    for (const connections of [100, 1000]) {
      const fixed = await inTurn(ROUNDS, () => wrk(url("/health"), { connections }), () => wrk(nginx.url("/fixed"), { connections }));
      rows.push(compared(`GET /health, ${connections} connections`, fixed, "nginx, fixed 200"));
      const file = await inTurn(ROUNDS, () => wrk(url("/api/v5/users/me"), { connections, token: me.token }), () => wrk(nginx.url("/me"), { connections }));
      rows.push(compared(`GET /users/me with a token, ${connections} connections`, file, "nginx, static file"));
    }
  } finally {
    await nginx.stop();
    await server.stop();
  }
  return rows;
}

/** Durable 4 KiB by 64 clients: PUT of a file (HTTP, token, hash, compression, version, audit, feed) against one bare row. */
export async function put() {
  const server = await Server.start();
  const me = await server.account("bench");
  const session = await newSession(me);
  const folder = mkdtempSync(join(tmpdir(), "coditect-bench-"));
  const program = join(process.env.CODITECT_BUILD, "bench/sqlite_put");
  const env = { BENCH_PUT: `/api/v5/sessions/${session.id}/files`, BENCH_BYTES: "4096" };
  try {
    const results = await inTurn(
      ROUNDS,
      () => wrk(`http://127.0.0.1:${server.port}/`, { connections: 64, token: me.token, env }),
      async () => JSON.parse((await run(program, [folder, String(SECONDS), "64", "4096"])).stdout),
    );
    return [compared("durable PUT of 4 KiB, 64 clients", results, "SQLite, group commit")];
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}
