// Rounds of load over the API and from a shell, with something broken at random in each: a process killed, the server away, the
// power of its disk cut, that disk or the workspace's full, a link cut, the workspace's disk lost, a folder deleted by a person.
// After each round every acknowledged write is there: as what is there now, or as its version in the history. The person's view is
// the store's, and check and scrub find nothing.
//
// CODITECT_SEED repeats the choices (when they fall is the machine's), CODITECT_CHAOS_ROUNDS makes many. Wants root: a shell
// joins a workspace's namespaces, and the disks are small ones of the test's.
import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { newSession, Server, until } from "../api/harness.mjs";
import { makeBundle } from "../api/ide-bundle.mjs";
import { randomFrom } from "../codi2/model.mjs";
import { alive, childrenOf, nameOf, processesOf, stateOf, workspaceOf } from "../workspaces/inside.mjs";
import { Disk } from "./disk.mjs";
import { bytesOf } from "./ledger.mjs";
import { Links } from "./links.mjs";
import { DOOR, MANY, QUIET } from "./load.mjs";
import { Look } from "./look.mjs";
import { Power } from "./power.mjs";

const rounds = Number(process.env.CODITECT_CHAOS_ROUNDS ?? 4);
const seed = Number(process.env.CODITECT_SEED ?? 1 + Math.floor(Math.random() * 1e9));
const skip = process.getuid() === 0 ? false : "needs root: a shell joins the workspace's namespaces";
const PATIENCE = 120_000;

class Chaos extends Look {
  kills = 0;
  lostDisks = 0;
  fullDisks = 0;

  constructor() { super(randomFrom(seed)); }

  async begin(t) {
    const place = realpathSync(mkdtempSync(join(tmpdir(), "coditect-chaos-")));
    const data = join(place, "data");
    t.after(() => this.end(place));
    chmodSync(place, 0o755); // the server's user goes through it
    mkdirSync(data);
    this.disk = { store: new Disk(join(data, "store"), "700"), work: new Disk(join(data, "workspaces"), "711") };
    this.power = new Power(this.disk.store.folder, place);
    const args = ["--rate-factor", "100000", "--store-reserve", "16", "--jwt-expiry", "1d", "--ide", makeBundle(), "--node", process.execPath];
    this.server = await Server.start({ args, data, env: this.power.env });
    this.links = new Links();
    await this.links.begin(t, this.server);
    this.client = await this.server.account("chaos");
    this.session = (await newSession(this.client)).id;
    assert.equal((await this.client.write(`/sessions/${this.session}/files/.coditectquiet`, `${QUIET}\n`)).status, 200);
  }

  async end(place) {
    const disks = Object.values(this.disk);
    this.stopped = true;
    try {
      for (const disk of disks) disk.free();
      await this.server?.stop();
    } finally {
      this.server?.stopWorkspaces(); // where that failed
      for (const disk of disks) disk.remove();
      rmSync(place, { recursive: true, force: true });
    }
  }

  run() {
    this.links.letGo();
    return this.server.run();
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

  /** The power of the server's disk goes in the middle of what the server does, and sometimes again while it starts. */
  async powerGoes() {
    let starting;
    let again = true;
    this.power.cutAfter(1 + this.random(150));
    for (let patience = 1000; again; patience = PATIENCE) {
      await Promise.race([this.server.exited, starting ?? wait(patience)]);
      this.kills++;
      await this.server.kill9(this.server.child.pid);
      await starting;
      const torn = this.random(1e9);
      this.disk.store.aside(() => this.power.cut(torn));
      again = this.random(3) === 0;
      if (!again) return;
      this.power.cutAfter(1 + this.random(40));
      starting = this.run().catch(() => {}); // which is why it ends
    }
  }

  async powerIsCut() {
    await this.powerGoes();
    await this.run();
    return "the power of the server's disk is cut";
  }

  /** The server and all of the workspace, sometimes as a power cut for the server's disk; then parts of the workspace's. */
  async diskIsLost(parts) {
    const processes = processesOf(this.server, this.session);
    if (this.random(2)) await this.powerGoes();
    else await this.serverDies();
    this.kill(processes);
    await until("every process has ended", () => !processes.some(alive), PATIENCE);
    if (parts.some((part) => part === "tree" || part === ".")) {
      this.quiet.clear();
      this.disks++;
    }
    for (const part of parts) rmSync(join(this.server.data, "workspaces", this.session, part), { recursive: true, force: true });
    this.lostDisks += parts.length > 0 ? 1 : 0;
    await this.run();
  }

  /**
   * The store's disk takes nothing more: what needs room is refused and never was, reads and deletions go on. The server may be killed
   * there, or lose its power, and begins again on the full disk.
   */
  async storeIsFull() {
    const full = (path) => `full/${path}`;
    for (const path of ["kept", "doomed"]) assert.equal(await this.write(full(path)), 200);
    this.isTight = true;
    this.disk.store.fill(this.random(512) * 1024);
    this.fullDisks++;
    const refused = async () => await this.noise() === 507 && await this.write(full("refused")) === 507;
    await until("a write is refused", refused, PATIENCE);
    assert.ok((await this.read(full("kept"))).equals(bytesOf(this.ledger.sure(full("kept")))));
    assert.equal(await this.remove(full("doomed")), 200);
    const then = ["", ", and it is killed there", ", and its power is cut"][this.random(3)];
    if (then.endsWith("there")) await this.serverDies();
    if (then.endsWith("cut")) await this.powerGoes();
    if (then) await this.run();
    await wait(this.random(1000));
    this.disk.store.free();
    await until("writes go on", async () => await this.write(full("later")) === 200, PATIENCE);
    this.isTight = false;
    return `the server's disk is full${then}`;
  }

  /** The workspace's disk takes nothing more; what runs there may be killed meanwhile. */
  async workspaceIsFull() {
    this.disk.work.fill(this.random(256) * 1024);
    this.fullDisks++;
    await until("the workspace's disk is full", async () => {
      await this.shell("mkdir -p full; head -c 300000 /dev/urandom >> full/inside");
      return this.disk.work.left < 4096;
    }, PATIENCE);
    await wait(this.random(1000));
    const name = this.random(2) ? "nothing" : await this.oneInsideDies();
    await wait(this.random(1000));
    this.disk.work.free();
    return `the workspace's disk is full${name === "nothing" ? "" : `, and ${name}`}`;
  }

  /** Again and again what is on its way is lost, at one link or at both: answers, connections, or all of it for a while. */
  async linkIsCut() {
    const { codi2, programs } = this.links;
    const [links, whose] = [[[codi2], "codi2's link is"], [[programs], "the programs' link is"], [[codi2, programs], "both links are"]][this.random(3)];
    const words = ["cut", "hold", "lose", "tear", "strand"];
    if (links.includes(programs)) this.link = this.links.client(this.client);
    for (let n = 3 + this.random(5); n > 0; n--) await this.disturb(links, words);
    this.link = undefined;
    return `${whose} cut`;
  }

  /** Until each has met a connection, by words that meet all there are. */
  async linksInUseAreCut() {
    const links = [this.links.codi2, this.links.programs];
    this.link = this.links.client(this.client);
    await until("each link was cut in use", async () => {
      await this.disturb(links, ["cut", "hold", "strand"]);
      return links.every(({ cuts }) => cuts > 0);
    }, PATIENCE);
    this.link = undefined;
    return "both links are cut in use";
  }

  async disturb(links, words) {
    for (const link of links) link(words[this.random(words.length)]);
    await wait(this.random(400));
    for (const link of links) link("flow");
    await wait(this.random(200));
  }

  async freeze(pid) {
    if (pid === undefined || !alive(pid)) return;
    process.kill(pid, "SIGSTOP");
    await wait(100 + this.random(400));
    if (alive(pid)) process.kill(pid, "SIGCONT");
  }

  harms = [
    async () => { await this.serverDies(); await this.run(); return "the server is killed"; },
    () => this.powerIsCut(),
    async () => {
      this.kills++;
      await this.server.kill9(this.server.child.pid);
      await this.run();
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
    () => this.storeIsFull(),
    () => this.workspaceIsFull(),
    () => this.linkIsCut(),
  ];

  /** What the first rounds begin with, so that few rounds have seen it. */
  first = [
    [() => this.powerIsCut()],
    [() => this.storeIsFull(), () => this.workspaceIsFull()],
    [() => this.linksInUseAreCut()],
    [() => this.personSurelyDeletes("surely", 8)],
  ];

  /** What many rounds end with, the last one first: each later look would have to ask for so many files. */
  last = [[() => this.manyAreAway()], [() => this.personSurelyDeletes("crowd", MANY)]];

  /** The network helper, the IDE's backend, codi2, or what starts them: each kind is as likely as another. */
  async oneInsideDies() {
    const kinds = new Map(processesOf(this.server, this.session).slice(1).map((pid) => [nameOf(pid), pid]));
    const [name, pid] = [...kinds][this.random(Math.max(kinds.size, 1))] ?? ["nothing"];
    this.kill([pid].filter(Boolean));
    return `of the workspace, ${name} is killed`;
  }

  /** Files that are away when codi2 begins again: nobody saw who deleted so many, so the store keeps them until a person chooses. */
  async manyAreAway() {
    assert.notEqual(await this.persistMany("many"), undefined);
    await this.diskIsLost(Array.from({ length: MANY }, (_, i) => `tree/many/${i}`));
    await this.opened();
    await until("they are held back", async () => (await this.status()).held_back === MANY, PATIENCE);
    assert.deepEqual(await this.lost(), [], `seed ${seed}: while many are held back`);
    const chosen = `${DOOR} -X POST -d '{"choice":"restore"}' http://door/held-back`;
    assert.notEqual(await this.shell(chosen), undefined);
    return `${MANY} files are deleted and nobody saw it`;
  }

  /** What a person deletes stays deleted when the disk is lost; what lay beside it comes back. */
  async personDeletes() {
    const kept = await this.persist("kept", 4);
    const told = await this.fillAndDelete("doomed", 8);
    await this.diskIsLost(["tree", "index"]);
    return `a folder is deleted${kept === undefined || !told ? " (not acknowledged)" : ""}, then the disk is lost`;
  }

  /** The disk is lost; what a person deletes on the next one, and is told of, however long that takes, stays so when that is lost too. */
  async personSurelyDeletes(folder, count) {
    await this.diskIsLost(["."]);
    await until("a person's deletion is acknowledged", async () => {
      await this.opened();
      return this.fillAndDelete(folder, count);
    }, PATIENCE);
    await this.diskIsLost(["tree", "index"]);
    return `the disk is lost, a folder of ${count} files is deleted on the next one, and that is lost`;
  }

  // ---- The look ----

  /** The workspace runs. Asked for again and again: one may be found running a moment before it is seen that it was killed. */
  async opened() {
    await until("the workspace runs", async () => {
      const reply = await this.client.post(`/sessions/${this.session}/open`);
      assert.equal(reply.status, 202, reply.text());
      return (await workspaceOf(this.client, this.session)).state === "running";
    }, PATIENCE);
  }

  /** What the person sees inside is what the store has, soon: the mirror follows. Of what is quiet, a barrier leaves none. */
  async sameInside(harm) {
    const end = Date.now() + PATIENCE;
    for (const wanted of [(path) => !path.startsWith(QUIET), () => true]) {
      let differing = await this.differing(wanted);
      while (differing.length > 0 && Date.now() < end) {
        await this.opened();
        await wait(50);
        differing = await this.differing(wanted);
      }
      assert.deepEqual(differing, [], `seed ${seed}: after ${harm}`);
      await until("a barrier", async () => (await this.persisted("")) !== undefined, PATIENCE);
    }
  }

  /** The person is told what is so: all is stored, and nothing was left out. */
  async saysSo(harm) {
    let status;
    await until(`seed ${seed}: it says that all is persisted, after ${harm}`, async () => {
      status = await this.status();
      return status.state === "persisted" && status.pending === 0;
    }, PATIENCE);
    assert.deepEqual(status.failed, [], `seed ${seed}: after ${harm}`);
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
    await this.saysSo(harm);
    assert.deepEqual(await this.lost({ isStored: true }), [], `seed ${seed}: what was quiet, after ${harm}`);
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
  await chaos.begin(t);
  await chaos.opened();
  const harms = new Map();
  for (let i = 0; i < rounds; i++) {
    const harm = await chaos.round((rounds >= 100 && chaos.last[rounds - 1 - i]) || chaos.first[i] || chaos.harms);
    harms.set(harm, (harms.get(harm) ?? 0) + 1);
  }
  for (const write of [...chaos.ledger.paths.values()].flat()) write.read = false;
  assert.deepEqual(await chaos.lost(), [], `seed ${seed}: all of it once more`);
  const { cuts, unflushed, lost } = chaos.power;
  assert.ok(unflushed > 0, "a cut found something to lose");
  for (const [harm, times] of harms) t.diagnostic(`${times} times: ${harm}`);
  t.diagnostic(`${cuts} power cuts, which met ${unflushed} changes that were not flushed, and lost or tore ${lost} of them`);
  if (rounds >= chaos.first.length) {
    assert.ok(chaos.fullDisks > 0, "a disk was full");
    assert.ok(chaos.lostDisks > 0 && chaos.deletions > 0, "a disk was lost, and a person was told that a deletion is stored");
    for (const whose of ["codi2", "programs"]) assert.ok(chaos.links[whose].cuts > 0, `the link of ${whose} was cut in use`);
  }
  t.diagnostic(`${rounds} rounds, ${chaos.kills} processes killed, ${cuts} power cuts, ${chaos.fullDisks} full disks, ${chaos.links.cuts} cut links, ${chaos.lostDisks} disks lost, ${chaos.ledger.acknowledged} acknowledged writes, 0 lost`);
});

test("control: a store that forgets what it acknowledged is found out", { skip, timeout: 120_000 }, async (t) => {
  const chaos = new Chaos();
  await chaos.begin(t);
  const store = join(chaos.server.data, "store");
  const old = join(chaos.server.data, "old");
  const copy = (from, to) => cpSync(from, to, { recursive: true, preserveTimestamps: true, filter: (path) => path === from || /store\.db[-a-z\d]*$/.test(path) });
  await chaos.serverDies();
  copy(store, old);
  await chaos.run();
  for (let i = 0; i < 3; i++) await chaos.write(`api/${i}`);
  assert.deepEqual(await chaos.lost(), []);
  for (let i = 0; i < 3; i++) { // as from a shell, where no version is told, and only the newest is there in the end
    await chaos.write("shell/0");
    chaos.ledger.paths.get("shell/0")[i].version = undefined;
  }
  const newest = await chaos.read("shell/0");
  await chaos.serverDies();
  for (const name of readdirSync(store)) rmSync(join(store, name), { recursive: true });
  copy(old, store);
  await chaos.run();
  assert.equal((await chaos.client.write(`/sessions/${chaos.session}/files/shell/0`, newest)).status, 200);
  const lost = await chaos.lost();
  assert.deepEqual(lost, [
    ...[0, 1, 2].flatMap((i) => [`api/${i} is gone`, `api/${i}: write 0 is not in the history`]),
    "shell/0: write 0 is not in the history", "shell/0: write 1 is not in the history",
  ]);
});

test("control: what one side alone has is found out, though nobody was promised it", { skip, timeout: 120_000 }, async (t) => {
  const chaos = new Chaos();
  await chaos.begin(t);
  await chaos.opened();
  await chaos.sameInside("nothing");
  const { codi2 } = stateOf(chaos.server, chaos.session);
  process.kill(codi2, "SIGSTOP");
  assert.equal((await chaos.client.write(`/sessions/${chaos.session}/files/unknown/there`, "there")).status, 200);
  assert.notEqual(await chaos.shell("mkdir -p unknown; echo here > unknown/here"), undefined);
  const differing = await chaos.differing(() => true);
  process.kill(codi2, "SIGCONT");
  assert.deepEqual(differing.map((one) => one.replace(/[\da-f]{12}/, "it")).sort(), [
    "unknown/here: inside it, stored undefined", "unknown/there: inside undefined, stored it",
  ]);
  await chaos.sameInside("it went on");
});

test("control: a disk that does not flush what it says it has is found out", { skip, timeout: 120_000 }, async (t) => {
  const chaos = new Chaos();
  await chaos.begin(t);
  await chaos.write("api/0");
  chaos.power.lie();
  for (let i = 1; i < 6; i++) await chaos.write(`api/${i}`);
  assert.deepEqual(await chaos.lost(), []);
  await chaos.serverDies();
  chaos.power.cut(seed);
  await chaos.run();
  const lost = await chaos.lost();
  assert.ok(lost.includes("api/5 is gone"), lost.join(", "));
  assert.ok(!lost.some((fault) => fault.startsWith("api/0")), "what was really flushed is there");
});
