// What happens to a session while something breaks: programs that work by API, and a shell in its workspace. What they were told is
// in the ledger.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { randomFrom } from "../codi2/model.mjs";
import { insideCommand, stateOf } from "../workspaces/inside.mjs";
import { bytesOf, hashOf, Ledger, sizeOf } from "./ledger.mjs";

export const DOOR = "curl -sS --fail-with-body --max-time 60 --unix-socket /run/coditect/door/door.sock";
export const BARRIER = `${DOOR} -X POST http://door/sync`;
const OF_THE_EDITOR = `${DOOR} -X POST 'http://door/sync?quiet=left'`; // its barrier after each save
export const QUIET = "quiet/"; // all that lies there
export const MANY = 1_200; // more than are believed to be deleted when nobody saw it

/** A script that puts a write there, at once and whole. */
const put = ({ path, n }) => `{ yes '${path} ${n}' || true; } | head -c ${sizeOf(n)} > '${path}.new'; mv '${path}.new' '${path}'`;

export class Load {
  ledger = new Ledger();
  shells = new Set(); // of nsenter, whose child the shell is
  quiet = new Map(); // path → the newest write to it that is on the disk, and nobody was told that it is stored
  disks = 1;
  deletions = 0; // of files by a person, who was told that they are stored
  link; // the client with which programs ask while their link may be cut
  isTight = false; // the store's disk may be full

  constructor(random) {
    this.random = random;
  }

  /** Only on a full disk it is no fault of the server's. */
  #mayRefuse(reply, wasTight) {
    assert.ok(reply.status < 500 || reply.code === "unknown_result" || (reply.status === 507 && (wasTight || this.isTight)), reply.text());
  }

  /**
   * What was answered with success is promised, one promise an answer; what was refused never was. Without an answer nobody knows,
   * nor when it will be done: the connection is gone, the server may be there. Gives the status. read: what else decides what is done.
   */
  async change(writes, send, read = []) {
    const { isTight, link } = this;
    const adrift = () => { for (const path of [...writes.map((write) => write.path), ...read]) this.ledger.adrift.add(path); };
    const reply = await send(link ?? this.client, { expected5xx: true }).catch((error) => {
      if (link) adrift();
      throw error;
    });
    this.#mayRefuse(reply, isTight);
    if (reply.code === "unknown_result") adrift();
    else if (reply.status >= 400) for (const write of writes.toReversed()) this.ledger.forget(write);
    else this.ledger.promise(writes[0], reply.data.version);
    if (reply.status < 400 && writes.length > 1) writes[1].acknowledged = true; // the same promise: what moved is there no more
    return reply.status;
  }

  write(path) {
    const write = this.ledger.begin(path);
    return this.change([write], (client, options) => client.write(`/sessions/${this.session}/files/${path}`, bytesOf(write), options));
  }

  remove(path) {
    const write = this.ledger.begin(path, { gone: true });
    return this.change([write], (client, options) => client.delete(`/sessions/${this.session}/files/${path}`, options));
  }

  copy(source, path) {
    const write = this.ledger.begin(path, { of: source.of });
    const asked = { from: source.path, to: path };
    return this.change([write], (client, options) => client.post(`/sessions/${this.session}/files:copy`, asked, options), [source.path]);
  }

  move(source, path) {
    const write = this.ledger.begin(path, { of: source.of });
    const left = this.ledger.begin(source.path, { gone: true });
    const asked = { from: source.path, to: path, overwrite: true };
    return this.change([write, left], (client, options) => client.post(`/sessions/${this.session}/files:move`, asked, options));
  }

  /** The next thing that a program does by API: mostly it writes. */
  next(lane, random) {
    const name = () => `api/${lane}-${random(7)}`;
    const path = name();
    const other = name();
    if ([path, other].some((one) => this.ledger.adrift.has(one))) return undefined;
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

  /** What cannot be packed, and nobody asks for: the disk is to be full soon. The status. */
  async noise() {
    return (await this.client.write(`/sessions/${this.session}/files/full/noise`, randomBytes(1 << 20), { expected5xx: true })).status;
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

  async status() { return JSON.parse((await this.shell(`${DOOR} http://door/status`)) ?? "{}"); }

  /** The moment that a barrier behind a script named, or undefined. What waited on this disk before it is promised then, too. */
  async persisted(script) {
    const waiting = [...this.quiet];
    const text = await this.shell(`${script}${BARRIER}`);
    if (text === undefined) return undefined;
    for (const [path, write] of waiting) {
      if (this.quiet.get(path) !== write) continue;
      this.quiet.delete(path);
      if (this.ledger.paths.get(path).at(-1) === write) this.ledger.promise(write);
      else write.acknowledged = true; // it or a later one was there, nobody knows which
    }
    const { seq } = JSON.parse(text);
    assert.ok(Number.isSafeInteger(seq), text);
    return seq;
  }

  /** Files in folder, each acknowledged when a barrier behind them was: its moment, or undefined. */
  async persist(folder, count) {
    const writes = Array.from({ length: count }, (_, i) => this.ledger.begin(`${folder}/${i}`));
    const seq = await this.persisted(`set +o pipefail; mkdir -p ${folder}; ${writes.map(put).join("; ")}; `);
    if (seq !== undefined) for (const write of writes) this.ledger.promise(write);
    return seq;
  }

  /** MANY files in folder, all alike, acknowledged as those of persist. */
  async persistMany(folder) {
    const of = { path: folder, n: 1 };
    const writes = Array.from({ length: MANY }, (_, i) => this.ledger.begin(`${folder}/${i}`, { of }));
    const script = `set +o pipefail; mkdir -p ${folder}; { yes '${folder} 1' || true; } | head -c ${sizeOf(1)} > /tmp/many; for i in {0..${MANY - 1}}; do cp /tmp/many ${folder}/$i; done; `;
    const seq = await this.persisted(script);
    if (seq !== undefined) for (const write of writes) this.ledger.promise(write);
    return seq;
  }

  /** A person fills a folder and deletes it; false: they were not told of both that it is stored. */
  async fillAndDelete(folder, count) {
    const there = await (count === MANY ? this.persistMany(folder) : this.persist(folder, count));
    const writes = Array.from({ length: count }, (_, i) => this.ledger.begin(`${folder}/${i}`, { gone: true }));
    const deleted = await this.persisted(`rm -rf ${folder}; `);
    if (deleted === undefined) return false;
    for (const write of writes) this.ledger.promise(write, undefined, there === undefined ? undefined : [there, deleted]);
    if (there === undefined) return false;
    this.deletions += count;
    return true;
  }

  /** Of quiet files two are written, one is saved by a person in the editor, one gets a name that is not quiet: false: who knows. */
  async quietly() {
    const { disks } = this;
    const written = ["a", "b"].map((name) => this.ledger.begin(`${QUIET}${name}`));
    const saved = this.ledger.begin(`${QUIET}saved`);
    const before = this.ledger.begin(`${QUIET}log`);
    const left = this.ledger.begin(`${QUIET}log`, { gone: true });
    const moved = this.ledger.begin("shell/log", { of: before });
    const saving = `${DOOR} -X POST http://door/saving -d '${JSON.stringify({ path: saved.path, hash: hashOf(saved) })}'`;
    const done = await this.shell(`set +o pipefail; mkdir -p ${QUIET} shell; ${[...written, before].map(put).join("; ")}; ${saving}; ${put(saved)}; mv ${before.path} ${moved.path}; ${OF_THE_EDITOR}`);
    if (done === undefined) return false;
    for (const write of [saved, moved]) this.ledger.promise(write);
    left.acknowledged = true;
    if (disks === this.disks) for (const write of written) this.quiet.set(write.path, write);
    return true;
  }

  async shellLane() {
    const random = randomFrom(this.random(1e9));
    while (!this.stopped) {
      const done = random(2) ? await this.quietly() : (await this.persist("shell", 6)) !== undefined;
      if (!done) await wait(50);
    }
  }
}
