// The other half of power.c: from what it notes, what of a folder's files is surely on the disk, and, when the power is cut, what a
// disk may have made of the rest. A write that was not flushed is kept, dropped, or each of its sectors is one or the other; of
// the names that were made and taken since the folder was flushed the later ones are lost. What a mapped file held is anybody's guess.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { randomFrom } from "../codi2/model.mjs";

const SECTOR = 512;
const PAGE = 4096;
const HEAD = 32;

/** What is surely on the disk, and behind it what is not, oldest first. */
class File {
  bytes = Buffer.alloc(0);
  size = 0; // what lies behind bytes is zeros
  pending = [];

  #write(at, bytes) {
    const end = at + bytes.length;
    if (end > this.bytes.length) this.bytes = Buffer.concat([this.bytes, Buffer.alloc(2 * end - this.bytes.length)]);
    bytes.copy(this.bytes, at);
    this.size = Math.max(this.size, end);
  }

  #resize(size) {
    if (size < this.bytes.length) this.bytes.fill(0, size);
    this.size = size;
  }

  #apply({ size, at, bytes }) {
    if (bytes) this.#write(at, bytes);
    else this.#resize(size);
  }

  flush() { for (const one of this.pending.splice(0)) this.#apply(one); }

  /** Some part of it; whether anything was lost. */
  #tear(one, random) {
    const fate = random(4); // 0: dropped, 1: kept, else each sector its own
    if (fate === 1) this.#apply(one);
    if (fate < 2 || !one.bytes) return fate !== 1;
    let lost = false;
    const end = one.at + one.bytes.length;
    for (let from = one.at; from < end;) {
      const to = Math.min((Math.floor(from / SECTOR) + 1) * SECTOR, end);
      if (random(2)) this.#write(from, one.bytes.subarray(from - one.at, to - one.at));
      else lost = true;
      from = to;
    }
    return lost;
  }

  /** How many changes were lost, in part or whole. */
  cut(random) { return this.pending.splice(0).filter((one) => this.#tear(one, random)).length; }

  /** In place of what lies there: its owner stays. */
  put(path) {
    const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
    fs.ftruncateSync(fd, 0);
    const all = Buffer.alloc(this.size); // zeros, too: what was allocated takes room
    this.bytes.copy(all, 0, 0, this.size);
    for (let at = 0; at < this.size;) at += fs.writeSync(fd, all, at, this.size - at, at);
    fs.closeSync(fd);
  }
}

/** The power of a server's disk: of the folder with its store. One server at a time, started with env. */
export class Power {
  cuts = 0;
  unflushed = 0; // changes that they met
  lost = 0; // of these, that are not there, or torn
  #files = new Map(); // inode → File
  #names = new Map(); // name → File, as is surely on the disk
  #renamed = []; // changes of names behind that: [name, File or undefined]

  /** folder is empty; place: where its notes may lie. */
  constructor(folder, place) {
    this.folder = folder;
    this.log = join(place, "power.log");
    this.orders = join(place, "power.orders");
    fs.writeFileSync(this.log, "");
    fs.writeFileSync(this.orders, Buffer.alloc(16));
    this.env = {
      LD_PRELOAD: join(process.env.CODITECT_BUILD, "tests/chaos/power.so"),
      POWER_FOLDER: this.folder,
      POWER_LOG: this.log,
      POWER_ORDERS: this.orders,
      ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0`,
    };
  }

  #order(at, value) { // in place: it is mapped
    const fd = fs.openSync(this.orders, "r+");
    fs.writeSync(fd, new BigInt64Array([BigInt(value)]), 0, 8, at);
    fs.closeSync(fd);
  }

  /** The server is killed in the n-th change or flush from now; 0: it is not. */
  cutAfter(n) { this.#order(0, n); }

  /** From now to the next cut flushes are answered and not done. */
  lie() { this.#order(8, 1); }

  #take(kind, inode, at, bytes) {
    const file = this.#files.get(inode);
    const name = bytes.toString();
    const takes = [
      () => file.pending.push({ at, bytes }),
      () => file.pending.push({ size: at }),
      () => file.flush(),
      () => this.#keepNames(this.#renamed.length),
      () => { this.#files.set(inode, new File()); this.#renamed.push([name, this.#files.get(inode)]); },
      () => this.#renamed.push([name, undefined]),
      () => this.#renamed.push([name, file]),
    ];
    takes[kind - 1]();
  }

  /** Reads the notes. One that is not whole is of a call that was not over. */
  #listen() {
    const notes = fs.readFileSync(this.log);
    for (let from = 0; from + HEAD <= notes.length;) {
      const [kind, inode, at, length] = [0, 8, 16, 24].map((i) => Number(notes.readBigUInt64LE(from + i)));
      if (from + HEAD + length > notes.length) break;
      this.#take(kind, inode, at, notes.subarray(from + HEAD, from + HEAD + length));
      from += HEAD + length;
    }
  }

  #keepNames(count) {
    for (const [name, file] of this.#renamed.slice(0, count)) {
      if (file) this.#names.set(name, file);
      else this.#names.delete(name);
    }
    this.#renamed = [];
  }

  /** The kernel writes pages of a mapped file when it likes. */
  #mix(path, random) {
    const held = fs.readFileSync(path);
    for (let at = 0; at < held.length; at += PAGE) if (random(2)) held.fill(0, at, Math.min(at + PAGE, held.length)); // one that was just made is shorter
    fs.writeFileSync(path, held);
  }

  /** The server is dead: its disk is left as if the power had gone then. */
  cut(seed) {
    const random = randomFrom(seed);
    this.cuts++;
    this.#listen();
    this.#keepNames(random(this.#renamed.length + 1));
    for (const file of new Set([...this.#files.values(), ...this.#names.values()])) {
      this.unflushed += file.pending.length;
      this.lost += file.cut(random);
    }
    const there = fs.readdirSync(this.folder, { withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => entry.name);
    for (const name of there.filter((one) => !this.#names.has(one))) fs.rmSync(join(this.folder, name));
    const { uid, gid } = fs.statSync(this.folder);
    this.#files.clear();
    for (const [name, file] of this.#names) {
      const path = join(this.folder, name);
      if (name.endsWith("-shm") && there.includes(name)) this.#mix(path, random);
      else file.put(path);
      fs.chownSync(path, uid, gid);
      this.#files.set(fs.statSync(path).ino, file);
    }
    assert.equal(this.#files.size, this.#names.size);
    fs.truncateSync(this.log);
    fs.writeFileSync(this.orders, Buffer.alloc(16));
  }
}
