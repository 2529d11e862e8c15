// Load by wrk, and nginx to compare with, both Debian's.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort, root, until } from "../tests/api/harness.mjs";
import { cpuOf } from "./stages.mjs";

export const run = promisify(execFile);
export const SECONDS = 5;

/**
 * {rate, requests, p50_us, p99_us, errors, cpu_us} of one run of wrk. pids: whose processor time is counted. options:
 * connections, token, env (see wrk.lua), pids, seconds.
 */
export async function wrk(url, { connections, token, env = {}, pids = [], seconds = SECONDS }) {
  const headers = token === undefined ? [] : ["-H", `Authorization: Bearer ${token}`];
  const args = ["-t2", `-c${connections}`, `-d${seconds}s`, ...headers, "-s", join(root, "bench/wrk.lua"), url];
  const cpu = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
  const before = cpu();
  const { stdout } = await run("wrk", args, { env: { ...process.env, ...env } });
  const result = JSON.parse(stdout.trim().split("\n").at(-1));
  assert.equal(result.errors, 0, `${url}: ${result.errors} requests failed`);
  return { ...result, cpu_us: (cpu() - before) / result.requests };
}

export class Nginx {
  /** Two workers that answer `text` at /fixed from memory. */
  static async start(text) {
    const nginx = new Nginx();
    nginx.folder = mkdtempSync(join(tmpdir(), "coditect-nginx-"));
    nginx.port = await freePort();
    writeFileSync(join(nginx.folder, "nginx.conf"), `
      worker_processes 2; pid ${nginx.folder}/pid; error_log ${nginx.folder}/error.log; daemon off; user root;
      events { worker_connections 4096; }
      http { access_log off; keepalive_requests 1000000000; default_type application/json;
        server { listen 127.0.0.1:${nginx.port} backlog=4096; location = /fixed { return 200 '${text}'; } } }`);
    nginx.child = spawn("nginx", ["-p", nginx.folder, "-c", join(nginx.folder, "nginx.conf")], { stdio: "ignore" });
    nginx.ended = new Promise((resolve) => nginx.child.on("close", resolve));
    await until("nginx answers", async () => {
      assert.equal(nginx.child.exitCode, null, "nginx ended");
      return fetch(nginx.url).then((reply) => reply.status === 200, () => false);
    });
    const { pid } = nginx.child;
    nginx.pids = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
    return nginx;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/fixed`;
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
    rmSync(this.folder, { recursive: true });
  }
}
