// Rounds of load over the API and from a shell, with something broken at random in each: a process killed, the server away, the
// log's end torn, the workspace's disk lost, a folder deleted by a person. After each round every acknowledged write is there: as
// what is there now, or as its version in the history. The person's view is the store's, and check and scrub find nothing.
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
import { makeBundle } from "../api/ide-bundle.mjs";
import { randomFrom } from "../codi2/model.mjs";
import { alive, childrenOf, insideCommand, nameOf, processesOf, stateOf, workspaceOf } from "../workspaces/inside.mjs";
import { bytesOf, contentOf, Ledger, sizeOf } from "./ledger.mjs";

const rounds = Number(process.env.CODITECT_CHAOS_ROUNDS ?? 3);
const seed = Number(process.env.CODITECT_SEED ?? 1 + Math.floor(Math.random() * 1e9));
const skip = process.getuid() === 0 ? false : "needs root: a shell joins the workspace's namespaces";
const PATIENCE = 120_000;
const MANY = 1_200; // more than are believed to be deleted when nobody saw it
const hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex");

class Chaos {
  ledger = new Ledger();
  kills = 0;
  lostDisks = 0;
  shells = new Set(); // of nsenter, whose child the shell is
  random = randomFrom(seed);

  async begin() {
    this.server = await Server.start({ args: ["--rate-factor", "100000", "--jwt-expiry", "1d", "--ide", makeBundle(), "--node", process.execPath] });
    this.client = await this.server.account("chaos");
    this.session = (await newSession(this.client)).id;
  }

  // ---- Load ----

  /** What was answered with success is promised, one promise an answer; what was refused never was. */
  async change(writes, send) {
    const reply = await send();
    if (reply.status >= 400) for (const write of writes.toReversed()) this.ledger.forget(write);
    else this.ledger.promise(writes[0], reply.data.version);
    if (reply.status < 400 && writes.length > 1) writes[1].acknowledged = true; // the same promise: what moved is there no more
  }

  write(path) {
    const write = this.ledger.begin(path);
    return this.change([write], () => this.client.write(`/sessions/${this.session}/files/${path}`, bytesOf(write)));
  }

  remove(path) {
    const write = this.ledger.begin(path, { gone: true });
    return this.change([write], () => this.client.delete(`/sessions/${this.session}/files/${path}`));
  }

  copy(source, path) {
    const write = this.ledger.begin(path, { of: source.of });
    return this.change([write], () => this.client.post(`/sessions/${this.session}/files:copy`, { from: source.path, to: path }));
  }

  move(source, path) {
    const write = this.ledger.begin(path, { of: source.of });
    const left = this.ledger.begin(source.path, { gone: true });
    return this.change([write, left], () => this.client.post(`/sessions/${this.session}/files:move`, { from: source.path, to: path, overwrite: true }));
  }

  /** The next thing that a program does by API: mostly it writes. */
  next(lane, random) {
    const name = () => `api/${lane}-${random(5)}`;
    const path = name();
    const other = name();
    const source = this.ledger.sure(path);
    const others = [() => this.remove(path), () => this.move(source, other), () => this.copy(source, other)];
    const which = random(9);
    return source !== undefined && path !== other && which < others.length ? others[which]() : this.write(path);
  }

  async apiLane(lane) {
    const random = randomFrom(this.random(1e9)); // of its own: how often it asks is the machine's
    while (!this.stopped) {
      try {
        await this.next(lane, random);
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
    this.shells.add(child.pid);
    return new Promise((resolve) => child.on("close", (code) => {
      this.shells.delete(child.pid);
      resolve(code === 0 ? text : undefined);
    }));
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
    async () => {
      this.kills++;
      await this.server.kill9(this.server.child.pid);
      await this.server.run();
      return "the process that keeps the server's rights is killed";
    },
    async () => { this.kill(processesOf(this.server, this.session).slice(0, 1)); return "the supervisor is killed"; },
    () => this.oneInsideDies(),
    async () => { this.kill([...this.shells].flatMap(childrenOf)); return "the shells are killed"; },
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

  /** The network helper, the IDE's backend, codi2, or what starts them: each kind is as likely as another. */
  async oneInsideDies() {
    const kinds = new Map(processesOf(this.server, this.session).slice(1).map((pid) => [nameOf(pid), pid]));
    const [name, pid] = [...kinds][this.random(Math.max(kinds.size, 1))] ?? ["nothing"];
    this.kill([pid].filter(Boolean));
    return `of the workspace, ${name} is killed`;
  }

  /** Files that are away when codi2 begins again: nobody saw who deleted so many, so the store keeps them until a person chooses. */
  async manyAreAway() {
    const of = { path: "many", n: 1 };
    const writes = Array.from({ length: MANY }, (_, i) => this.ledger.begin(`many/${i}`, { of }));
    const script = `set +o pipefail; mkdir many; { yes 'many 1' || true; } | head -c ${sizeOf(1)} > /tmp/many; for i in {0..${MANY - 1}}; do cp /tmp/many many/$i; done; ${this.barrier()}`;
    assert.notEqual(await this.shell(script), undefined);
    for (const write of writes) this.ledger.promise(write);
    await this.diskIsLost(writes.map(({ path }) => join("tree", path)));
    await this.opened();
    let status;
    await until("they are held back", async () => {
      status = JSON.parse((await this.shell("curl -sS --unix-socket /run/coditect/door/door.sock http://door/status")) ?? "{}");
      return status.held_back === MANY;
    }, PATIENCE);
    assert.deepEqual(await this.lost(), [], `seed ${seed}: while many are held back`);
    const chosen = `curl -sS --fail-with-body --unix-socket /run/coditect/door/door.sock -X POST -d '{"choice":"restore"}' http://door/held-back`;
    assert.notEqual(await this.shell(chosen), undefined);
    return `${MANY} files are deleted and nobody saw it`;
  }

  /** What a person deletes stays deleted when the disk is lost; what lay beside it comes back. */
  async personDeletes() {
    const kept = await this.persist("kept", 4);
    const there = await this.persist("doomed", 8);
    const writes = Array.from({ length: 8 }, (_, i) => this.ledger.begin(`doomed/${i}`, { gone: true }));
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

  /** The history of a path page by page, newest first. */
  async *history(path) {
    for (let cursor = ""; cursor !== null;) {
      const reply = await this.client.get(`/sessions/${this.session}/history/${path}?limit=500${cursor && `&cursor=${cursor}`}`);
      assert.ok([200, 404].includes(reply.status), `${path}: ${reply.text()}`);
      yield* reply.data ?? [];
      cursor = reply.json.page?.next ?? null;
    }
  }

  /** Those of the writes that the history does not show: a deletion by its moment, of the rest what each held. */
  async unseen(path, writes) {
    const wanted = new Map(writes.map((write) => [write.gone ? `delete ${write.version}` : hashOf(bytesOf(write)), write]));
    if (wanted.size === 0) return [];
    for await (const { op, version, hash } of this.history(path)) {
      wanted.delete(op === "delete" ? `delete ${version}` : hash);
      if (wanted.size === 0) break;
    }
    return [...wanted.values()];
  }

  /** What is wrong with a path and the writes to it that nobody saw there yet, in words. */
  async faultsOf(path, writes) {
    const faults = [];
    const bytes = await this.read(path);
    const fault = this.ledger.judge(path, bytes);
    if (fault !== undefined) faults.push(fault);
    else this.ledger.settle(path, bytes);
    const owed = writes.filter((write) => write.owed && !write.seen);
    for (const write of owed.filter((one) => one.version !== undefined && !one.gone)) {
      const old = await this.read(path, write.version);
      if (old === undefined || !bytesOf(write).equals(old)) faults.push(`${path}: version ${write.version} is not write ${write.n}`);
    }
    const missing = await this.unseen(path, owed.filter((write) => (write.gone ? write.version !== undefined : write.version === undefined)));
    for (const write of missing) faults.push(`${path}: ${write.gone ? `its deletion ${write.version}` : `write ${write.n}`} is not in the history`);
    if (faults.length === 0) for (const write of owed) write.seen = true;
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
      const stored = bytes === undefined ? undefined : hashOf(bytes);
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

  async round(harms = this.harms) {
    this.stopped = false;
    const before = this.ledger.acknowledged;
    const lanes = [0, 1].map((lane) => this.apiLane(lane)).concat(this.shellLane());
    await until("there is load", () => this.ledger.acknowledged > before + 20 || !this.server, PATIENCE);
    const harm = await harms[this.random(harms.length)]();
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
    const last = i === rounds - 1 && rounds >= 100;
    const harm = await chaos.round(last ? [() => chaos.manyAreAway()] : chaos.harms);
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
  for (let i = 0; i < 3; i++) await chaos.write(`api/${i}`);
  assert.deepEqual(await chaos.lost(), []);
  for (let i = 0; i < 3; i++) { // as from a shell, where no version is told, and only the newest is there in the end
    await chaos.write("shell/0");
    chaos.ledger.paths.get("shell/0")[i].version = undefined;
  }
  const newest = await chaos.read("shell/0");
  await chaos.serverDies();
  rmSync(store, { recursive: true });
  copy(old, store);
  await chaos.server.run();
  assert.equal((await chaos.client.write(`/sessions/${chaos.session}/files/shell/0`, newest)).status, 200);
  const lost = await chaos.lost();
  assert.deepEqual(lost, [
    "api/0 is gone", "api/1 is gone", "api/2 is gone",
    "shell/0: write 0 is not in the history", "shell/0: write 1 is not in the history",
  ]);
});
