// Where the processor time of a request goes: samples of the release build (Debian's perf, so nothing in the product counts for
// this), each given to a stage by the functions in its stack.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { readdirSync, readFileSync, rmSync } from "node:fs";

const RATE = 499; // samples a second and core

/** Stage → functions that begin it. Stages are printed in this order. */
const stages = {
  "receive, parse, route": /^(http_read_(head|body)|http_head_.*|http_connection_recv|api_match.*|gateway_site_of|api_decode)$/,
  verify: /^(auth_access_read|api_limiter_take)$/,
  reads: /^store_read_call$/,
  Argon2id: /^auth_hash_answer$/,
  "memory from the kernel": /^(__)?(GI_)?(__)?m(un)?map(64)?$/,
  "hash, compress": /^(content_hash|content_encode|content_codec_.*)$/,
  transaction: /^(store_txn_run|store_txn_settle|store_connection_(put|apply))$/,
  "commit, flush": /^(store_writer_main|store_connection_run)$/,
  checkpoint: /^store_sqlite_checkpoint$/,
  encode: /^(api_begin|api_end.*|api_etag|api_headers|http_response_head|sessions_write|reply_.*|json_.*)$/,
  send: /^http_send$/,
  "hand over": /^(net_lane_submit|net_loop_post|store_write_call|run_thread|woken)$/,
  "wait for sockets": /^(epoll_wait|net_loop_turn)$/,
};

/** The stages that keep what runs inside of them, although it belongs to others elsewhere. */
const whole = [stages.verify, stages.reads, stages.transaction];

const stageWith = (pattern) => Object.keys(stages).find((stage) => stages[stage] === pattern);

/** The stage of a stack, innermost function first. */
export function stageOf(stack) {
  const around = whole.find((pattern) => stack.some((name) => pattern.test(name)));
  if (around !== undefined) return stageWith(around);
  for (const name of stack) {
    const pattern = Object.values(stages).find((one) => one.test(name));
    if (pattern !== undefined) return stageWith(pattern);
  }
  return "rest";
}

export const stageNames = [...Object.keys(stages), "rest"];

/** A process and those that it has begun: the server's hash passwords. */
function family(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean));
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

/** Processor time that a process, its threads and its children have used, in microseconds; those that ended meanwhile are not in it. */
export function cpuOf(pid) {
  let ns = 0;
  for (const one of family(pid)) {
    for (const thread of readdirSync(`/proc/${one}/task`)) {
      ns += Number(readFileSync(`/proc/${one}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    }
  }
  return ns / 1000;
}

async function stacks(file) {
  const script = spawn("perf", ["script", "-i", file, "-F", "comm,ip,sym"], { stdio: ["ignore", "pipe", "ignore"] });
  const found = {};
  let stack = [];
  const end = () => {
    if (stack.length > 0) found[stageOf(stack)] = (found[stageOf(stack)] ?? 0) + 1;
    stack = [];
  };
  for await (const line of createInterface({ input: script.stdout })) {
    const frame = /^\s+[0-9a-f]+ (.*?)(\+0x[0-9a-f]+)?( \(inlined\))?$/.exec(line);
    if (frame !== null) stack.push(frame[1]);
    else if (line === "") end();
  }
  end();
  return found;
}

/** Runs load (which answers how many requests it made) and says what each took: {all, [stage]: microseconds}. */
export async function profile(pid, file, load) {
  const perf = spawn("perf", ["record", "-q", "-e", "cpu-clock", "-F", String(RATE), "--call-graph", "dwarf,16384", "-o", file, "-p", family(pid).join(",")], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  perf.stderr.on("data", (text) => {
    said += text;
  });
  const before = cpuOf(pid);
  const requests = await load();
  const all = (cpuOf(pid) - before) / requests;
  perf.kill("SIGINT");
  if (perf.exitCode === null) await once(perf, "close");
  const found = await stacks(file);
  rmSync(file, { force: true });
  const samples = Object.values(found).reduce((sum, n) => sum + n, 0);
  assert.ok(samples > 100, `perf took ${samples} samples: ${said.trim()}`);
  const result = { all };
  for (const [stage, n] of Object.entries(found)) result[stage] = (all * n) / samples;
  return result;
}
