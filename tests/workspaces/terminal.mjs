// Programs in a workspace that runs, started as its terminals are: by the IDE's backend, which codi2 starts. Unlike what joins
// from outside (inside.mjs) they stand behind every wall: the filter, the control groups, the limits. Wants root.
import assert from "node:assert/strict";
import { request } from "node:http";
import { join } from "node:path";
import { makeBundle } from "../api/ide-bundle.mjs";
import { until } from "../api/harness.mjs";

// Runs each body that it is sent with bash.
const backend = `
const { spawn } = require("node:child_process");
require("node:http").createServer((request, response) => {
  const shell = spawn("bash", ["-s"], { cwd: "/workspace", detached: true });
  shell.on("error", (error) => response.end(JSON.stringify({ status: -1, output: String(error) })));
  request.pipe(shell.stdin);
  let output = "";
  for (const stream of [shell.stdout, shell.stderr]) stream.on("data", (piece) => (output += piece));
  shell.on("close", (code, signal) => response.end(JSON.stringify({ status: code, signal, output })));
}).listen(process.env.CODITECT_IDE_SOCKET);
`;

/** Further options of a server whose workspaces have terminals. */
export const withTerminals = () => ["--ide", makeBundle(backend), "--node", process.execPath];

/** The script's { status, signal, output }. */
export async function run(server, session, script) {
  const socketPath = join(server.data, "run", session, "door/ide/ide.sock");
  const ask = () => new Promise((resolve, reject) => {
    const asked = request({ socketPath, method: "POST", path: "/" }, (reply) => {
      let text = "";
      reply.on("data", (piece) => (text += piece)).on("end", () => resolve(JSON.parse(text))).on("error", reject);
    });
    asked.on("error", reject).end(script);
  });
  let result;
  await until("the terminal answers", async () => {
    try {
      result = await ask();
      return true;
    } catch (error) {
      if (["ENOENT", "ECONNREFUSED"].includes(error.code)) return false; // it is just starting
      throw error;
    }
  });
  return result;
}

/** What a script that works prints. */
export async function works(server, session, script) {
  const { status, signal, output } = await run(server, session, script);
  assert.equal(status, 0, `${script}\n${signal ?? ""} ${output}`);
  return output;
}
