// A test file whose process ends, in whatever way, leaves no workspace that runs; one that passes leaves no data directory.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../api/harness.mjs";
import { alive } from "./inside.mjs";

const skip = process.getuid() === 0 ? false : "needs root: what it starts goes into places of the test's";

/** A process with two servers, each with a workspace that runs, and what it does then; what it said, its end, and what it left. */
async function endOf(t, then, onReady = () => {}) {
  const place = mkdtempSync(join(tmpdir(), "coditect-ends-"));
  t.after(() => rmSync(place, { recursive: true, force: true }));
  chmodSync(place, 0o755); // the server's user goes through it
  const child = spawn(process.execPath, [join(import.meta.dirname, "ends.mjs"), then], { env: { ...process.env, TMPDIR: place }, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (text) => {
    said += text;
    if (said.includes("ready\n")) onReady(child);
  });
  const [code, signal] = await new Promise((resolve) => child.on("close", (...end) => resolve(end)));
  const pids = [...said.split("ready\n")[0].matchAll(/\d+/g)].map(Number);
  t.after(() => pids.filter(alive).forEach((pid) => process.kill(pid, "SIGKILL"))); // where the test fails
  assert.ok(pids.length >= 8, said); // of each server its two, and a supervisor with what it runs
  await until("every process of the servers and workspaces has ended", () => !pids.some(alive));
  return { end: [code, signal], left: readdirSync(place).filter((name) => /^coditect-api-(?!hits)/.test(name)).length };
}

test("servers that were killed and never stopped", { skip, timeout: 180_000 }, async (t) => {
  assert.deepEqual(await endOf(t, "kill"), { end: [0, null], left: 0 });
});

test("a server that ended badly, and one that was not stopped: what they have stays to be looked at", { skip, timeout: 180_000 }, async (t) => {
  assert.deepEqual(await endOf(t, "fail"), { end: [1, null], left: 2 });
});

for (const [signal, code] of [["SIGTERM", 143], ["SIGHUP", 129]]) test(`ended by ${signal}`, { skip, timeout: 180_000 }, async (t) => {
  assert.deepEqual(await endOf(t, "wait", (child) => child.kill(signal)), { end: [code, null], left: 2 });
});
