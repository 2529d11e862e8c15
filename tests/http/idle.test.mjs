// Ten thousand keep-alive connections that have asked once and are idle: what they cost the server. With a build as released:
// sanitizers take more memory than all of them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { Server } from "../api/harness.mjs";

const hard = Number(execFileSync("bash", ["-c", "ulimit -Hn"], { encoding: "utf8" }).replace("unlimited", "1000000"));
const count = hard >= 12_000 ? 10_000 : 9_000;
const HEALTH = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

const memory = (pid) => Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;

/** Asks and resolves when the answer's head is there. */
function ask(socket) {
  return new Promise((resolve, reject) => {
    socket.once("data", (bytes) => (bytes.toString("latin1", 0, 12) === "HTTP/1.1 200" ? resolve() : reject(new Error(bytes.toString()))));
    socket.once("error", reject);
    socket.write(HEALTH);
  });
}

test(`${count} idle connections take less than 100 MB, and less than 8 KiB each`, { timeout: 120_000 }, async (t) => {
  const server = await Server.start();
  const pid = server.serverPid;
  const before = memory(pid);
  const sockets = [];
  let closed = 0;
  const open = () => new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
    socket.on("close", () => closed++);
    sockets.push(socket);
  });
  for (let left = count; left > 0; left -= 200) {
    await Promise.all([...Array(Math.min(left, 200))].map(async () => ask(await open())));
  }
  assert.equal(closed, 0, "all are open at once");
  const [all, each] = [memory(pid), (memory(pid) - before) / count];
  t.diagnostic(`${(all / 1e6).toFixed(1)} MB in all, ${(before / 1e6).toFixed(1)} MB before, ${each.toFixed(0)} bytes each`);
  assert.ok(all < 100e6, `${all} bytes`);
  assert.ok(each < 8192, `${each} bytes for each`);
  await Promise.all(sockets.filter((_, i) => i % 100 === 0).map(ask)); // they are alive
  assert.equal(closed, 0);
  for (const socket of sockets) socket.destroy();
  await server.stop();
});
