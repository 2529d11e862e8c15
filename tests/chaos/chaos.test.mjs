// Rounds of load over the API and from a shell, with something broken at random in each: a process killed, the server away, the
// log's end torn, the workspace's disk lost, a folder deleted by a person. After each round every acknowledged write is there,
// the person's view is the store's, and check and scrub find nothing.
//
// CODITECT_SEED repeats the choices (when they fall is the machine's), CODITECT_CHAOS_ROUNDS makes many. Wants root: a shell
// joins a workspace's namespaces.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, existsSync, rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { newSession, Server, until } from "../api/harness.mjs";
import { randomFrom } from "../codi2/model.mjs";
import { alive, insideCommand, processesOf, stateOf, workspaceOf } from "../workspaces/inside.mjs";
import { contentOf, Ledger, sizeOf } from "./ledger.mjs";

const rounds = Number(process.env.CODITECT_CHAOS_ROUNDS ?? 3);
const seed = Number(process.env.CODITECT_SEED ?? 1 + Math.floor(Math.random() * 1e9));
const skip = process.getuid() === 0 ? false : "needs root: a shell joins the workspace's namespaces";
const PATIENCE = 120_000;

class Chaos {
  ledger = new Ledger();
  kills = 0;
  lostDisks = 0;
  random = randomFrom(seed);

  async begin() {
    this.server = await Server.start();
    this.client = await this.server.account("chaos");
    this.session = (await newSession(this.client)).id;
  }

  // ---- Load ----

  async apiLane(lane) {
    for (let i = 0; !this.stopped; i++) {
      const write = this.ledger.begin(`api/${lane}-${i % 5}`);
      try {
        const reply = await this.client.write(`/sessions/${this.session}/files/${write.path}`, contentOf(write.path, write.n));
        if (reply.status < 300) this.ledger.promise(write, reply.data.version);
        await wait(25); // a person's pace: the workspace has to follow
      } catch (error) {
        if (!["ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(error.code)) throw error;
        await wait(20); // the server is away
      }
    }
  }

  /** Standard output of a script in the workspace, or undefined when it did not end well: the workspace may be going. */
  async shell(script) {
    if (stateOf(this.server, this.session) === undefined) return undefined;
    const [program, args] = insideCommand(this.server, this.session, script);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.on("data", (piece) => (text += piece));
    return new Promise((resolve) => child.on("close", (code) => resolve(code === 0 ? text : undefined)));
  }

  barrier() {
    return "curl -sS --fail-with-body --max-time 60 --unix-socket /run/coditect/door/door.sock -X POST http://door/sync >/dev/null";
  }

  /** Files in folder, each acknowledged when a barrier behind them was; false: it was not. */
  async persist(folder, count) {
    const writes = Array.from({ length: count }, (_, i) => this.ledger.begin(`${folder}/${i}`));
    const script = writes.map(({ path, n }) => `{ yes '${path} ${n}' || true; } | head -c ${sizeOf(n)} > '${path}.new'; mv '${path}.new' '${path}'`);
    const done = (await this.shell(`set +o pipefail; mkdir -p ${folder}; ${script.join("; ")}; ${this.barrier()}`)) !== undefined;
    if (done) for (const write of writes) this.ledger.promise(write);
    return done;
  }

  async shellLane() {
    while (!this.stopped) {
      if (!(await this.persist("shell", 6))) await wait(50);
    }
  }

  // ---- Harm ----

  async serverDies() {
    this.kills++;
    await this.server.kill9();
  }

  kill(pids) {
    for (const pid of pids) {
      if (!alive(pid)) continue;
      process.kill(pid, "SIGKILL");
      this.kills++;
    }
  }

  /** The server and all of the workspace, then parts of its disk. */
  async diskIsLost(parts) {
    const processes = processesOf(this.server, this.session);
    await this.serverDies();
    this.kill(processes);
    await until("every process has ended", () => !processes.some(alive), PATIENCE);
    for (const part of parts) rmSync(join(this.server.data, "workspaces", this.session, part), { recursive: true, force: true });
    this.lostDisks += parts.length > 0 ? 1 : 0;
    await this.server.run();
  }

  async freeze(pid) {
    if (pid === undefined || !alive(pid)) return;
    process.kill(pid, "SIGSTOP");
    await wait(100 + this.random(400));
    if (alive(pid)) process.kill(pid, "SIGCONT");
  }

  harms = [
    async () => { await this.serverDies(); await this.server.run(); return "the server is killed"; },
    async () => {
      await this.serverDies();
      const log = join(this.server.data, "store/store.db-wal");
      if (existsSync(log)) appendFileSync(log, Buffer.alloc(1 + this.random(9000), this.random(256)));
      await this.server.run();
      return "the server is killed and its log's end is torn";
    },
    async () => { this.kill(processesOf(this.server, this.session).slice(0, 1)); return "the supervisor is killed"; },
    async () => { this.kill([stateOf(this.server, this.session)?.codi2].filter(Boolean)); return "codi2 is killed"; },
    async () => {
      const all = [["tree"], ["index"], ["tree", "index"], ["."], []];
      const parts = all[this.random(all.length)];
      await this.diskIsLost(parts);
      return `everything is killed, lost: ${parts.join(" ") || "nothing"}`;
    },
    async () => { await this.freeze(this.server.serverPid); return "the server is away for a while"; },
    async () => { await this.freeze(stateOf(this.server, this.session)?.codi2); return "codi2 stands still for a while"; },
    () => this.personDeletes(),
  ];

  /** What a person deletes stays deleted when the disk is lost; what lay beside it comes back. */
  async personDeletes() {
    const kept = await this.persist("kept", 4);
    const there = await this.persist("doomed", 8);
    const writes = Array.from({ length: 8 }, (_, i) => this.ledger.begin(`doomed/${i}`, /* gone= */ true));
    const deleted = await this.shell(`rm -rf doomed; ${this.barrier()}`);
    if (deleted !== undefined) for (const write of writes) this.ledger.promise(write);
    await this.diskIsLost(["tree", "index"]);
    return `a folder is deleted${kept && there && deleted !== undefined ? "" : " (not acknowledged)"}, then the disk is lost`;
  }

  // ---- The look ----

  async read(path, version) {
    const reply = await this.client.get(`/sessions/${this.session}/files/${path}${version === undefined ? "" : `?version=${version}`}`);
    assert.ok([200, 404].includes(reply.status), `${path}: ${reply.text()}`);
    return reply.status === 200 ? reply.body : undefined;
  }

  /** What is wrong with a path and the versions of it that nobody looked at yet, in words. */
  async faultsOf(path, writes) {
    const faults = [];
    const bytes = await this.read(path);
    const fault = this.ledger.judge(path, bytes);
    if (fault !== undefined) faults.push(fault);
    else this.ledger.settle(path, bytes);
    for (const write of writes.filter((one) => one.version !== undefined && !one.seen)) {
      const old = await this.read(path, write.version);
      if (old === undefined || !contentOf(path, write.n).equals(old)) faults.push(`${path}: version ${write.version} is not write ${write.n}`);
      else write.seen = true;
    }
    return faults;
  }

  /** Every broken promise. */
  async lost() {
    const all = [...this.ledger.paths].map(([path, writes]) => this.faultsOf(path, writes));
    return (await Promise.all(all)).flat();
  }

  /** The paths of which the person sees something else inside than the store has. */
  async differing() {
    const text = await this.shell("find . -type f -path './*/*' -exec sha256sum {} + | sort -k2");
    if (text === undefined) return ["no shell in the workspace"];
    const inside = new Map(text.split("\n").filter(Boolean).map((line) => [line.slice(68), line.slice(0, 64)]));
    const differing = [];
    for (const path of this.ledger.paths.keys()) {
      const bytes = await this.read(path);
      const stored = bytes === undefined ? undefined : createHash("sha256").update(bytes).digest("hex");
      if (inside.get(path) !== stored) differing.push(`${path}: inside ${inside.get(path)?.slice(0, 12)}, stored ${stored?.slice(0, 12)}`);
    }
    return differing;
  }

  /** The workspace runs. Asked for again and again: one may be found running a moment before it is seen that it was killed. */
  async opened() {
    await until("the workspace runs", async () => {
      const reply = await this.client.post(`/sessions/${this.session}/open`);
      assert.equal(reply.status, 202, reply.text());
      return (await workspaceOf(this.client, this.session)).state === "running";
    }, PATIENCE);
  }

  /** What the person sees inside is what the store has, soon: the mirror follows. */
  async sameInside(harm) {
    const end = Date.now() + PATIENCE;
    let differing = await this.differing();
    while (differing.length > 0 && Date.now() < end) {
      await this.opened();
      await wait(50);
      differing = await this.differing();
    }
    assert.deepEqual(differing, [], `seed ${seed}: after ${harm}`);
  }

  /** The operator's door: what check or scrub says at its end. */
  prove(what) {
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: join(this.server.data, "store/admin.sock"), method: "POST", path: `/${what}`, agent: false }, (reply) => {
        let text = "";
        reply.setEncoding("utf8").on("data", (piece) => (text += piece)).on("end", () => resolve(JSON.parse(text.trim().split("\n").at(-1))));
      });
      sent.on("error", reject).end();
    });
  }

  async round() {
    this.stopped = false;
    const before = this.ledger.acknowledged;
    const lanes = [0, 1].map((lane) => this.apiLane(lane)).concat(this.shellLane());
    await until("there is load", () => this.ledger.acknowledged > before + 20 || !this.server, PATIENCE);
    const harm = await this.harms[this.random(this.harms.length)]();
    this.stopped = true;
    await Promise.all(lanes);
    await this.opened();
    assert.deepEqual(await this.lost(), [], `seed ${seed}: after ${harm}`);
    await this.sameInside(harm);
    for (const what of ["check", "scrub"]) {
      const { done, faults } = await this.prove(what);
      assert.deepEqual({ done, faults }, { done: true, faults: 0 }, `seed ${seed}: ${what} after ${harm}`);
    }
    return harm;
  }
}

test(`${rounds} rounds: nothing that was acknowledged is lost`, { skip, timeout: 120_000 + rounds * 60_000 }, async (t) => {
  t.diagnostic(`seed ${seed}`);
  const chaos = new Chaos();
  await chaos.begin();
  t.after(() => chaos.server.stop());
  await chaos.opened();
  const harms = new Map();
  for (let i = 0; i < rounds; i++) {
    const harm = await chaos.round();
    harms.set(harm, (harms.get(harm) ?? 0) + 1);
  }
  for (const [harm, times] of harms) t.diagnostic(`${times} times: ${harm}`);
  t.diagnostic(`${rounds} rounds, ${chaos.kills} processes killed, ${chaos.lostDisks} disks lost, ${chaos.ledger.acknowledged} acknowledged writes, 0 lost`);
});

test("control: a store that forgets what it acknowledged is found out", { skip, timeout: 120_000 }, async (t) => {
  const chaos = new Chaos();
  await chaos.begin();
  t.after(() => chaos.server.stop());
  const store = join(chaos.server.data, "store");
  const old = join(chaos.server.data, "old");
  const copy = (from, to) => cpSync(from, to, { recursive: true, preserveTimestamps: true, filter: (path) => path === from || /store\.db[-a-z]*$/.test(path) });
  await chaos.serverDies();
  copy(store, old);
  await chaos.server.run();
  for (let i = 0; i < 3; i++) {
    const write = chaos.ledger.begin(`api/${i}`);
    const reply = await chaos.client.write(`/sessions/${chaos.session}/files/${write.path}`, contentOf(write.path, write.n));
    chaos.ledger.promise(write, reply.data.version);
  }
  assert.deepEqual(await chaos.lost(), []);
  await chaos.serverDies();
  rmSync(store, { recursive: true });
  copy(old, store);
  await chaos.server.run();
  const lost = await chaos.lost();
  assert.equal(lost.length, 3, `not all of its losses were seen: ${lost}`);
});
