// What was promised: every write that somebody was told is kept, and what was tried and never answered. One writer a path.
// What an answer was given for is owed: it is looked for in each round from then on, where it was promised.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

/** Repeatable bytes that say where they belong; a shell makes the same with `yes | head -c`. */
export function contentOf(path, n) {
  const line = `${path} ${n}\n`;
  return Buffer.from(line.repeat(Math.ceil(sizeOf(n) / line.length))).subarray(0, sizeOf(n));
}

export const sizeOf = (n) => (n % 7 === 0 ? 150_000 : 40) + ((n * 7919) % 3000);

/** What a write has put there; that of another one when it is its copy, or moved. */
export const bytesOf = ({ of }) => contentOf(of.path, of.n);

export function hashOf({ of }) {
  of.hash ??= createHash("sha256").update(bytesOf({ of })).digest("hex");
  return of.hash;
}

export class Ledger {
  paths = new Map(); // path → [{ n, of, hash, gone, acknowledged, owed, read, version, between }] in order
  acknowledged = 0;
  adrift = new Set(); // paths that a request without an answer may still change: nothing is tried there until the next look

  /** gone: a deletion; of: the write whose content it has. */
  begin(path, { gone = false, of } = {}) {
    const all = this.paths.get(path) ?? [];
    this.paths.set(path, all);
    const write = { n: all.length, path, gone, acknowledged: false, owed: false, read: false, version: undefined, between: undefined };
    write.of = of ?? write;
    all.push(write);
    return write;
  }

  /** version: as it was told, where it was; between: of a deletion that two moments enclose. */
  promise(write, version, between) {
    write.acknowledged = true;
    write.owed = true;
    write.version = version;
    write.between = between;
    this.acknowledged++;
  }

  /** It was refused: it never was. */
  forget(write) {
    assert.equal(this.paths.get(write.path).pop(), write);
  }

  /** The newest write of a path when it is sure that it is there, and a file. */
  sure(path) {
    const write = this.paths.get(path)?.at(-1);
    return write?.acknowledged && !write.gone ? write : undefined;
  }

  /** What may be there now: the newest write that was acknowledged, or one begun after it. */
  mayBe(path) {
    const all = this.paths.get(path);
    const last = all.findLastIndex((write) => write.acknowledged);
    return { must: last >= 0, writes: all.slice(Math.max(last, 0)) };
  }

  /** bytes: undefined when there is no such file. What is wrong, or undefined. */
  judge(path, bytes) {
    const { must, writes } = this.mayBe(path);
    if (bytes === undefined) return must && !writes.some((write) => write.gone) ? `${path} is gone` : undefined;
    if (writes.some((write) => !write.gone && bytesOf(write).equals(bytes))) return undefined;
    return `${path} holds ${JSON.stringify(bytes.subarray(0, 60).toString())} and not one of the writes ${writes.map((write) => write.n)}`;
  }

  /** After a look: what was found is what the next round begins with, as if it had been acknowledged. */
  settle(path, bytes) {
    const all = this.paths.get(path);
    this.adrift.delete(path);
    const found = all.findLast((write) => (write.gone ? bytes === undefined : bytes !== undefined && bytesOf(write).equals(bytes)));
    assert.ok(found !== undefined || bytes === undefined, path);
    if (found !== undefined) found.acknowledged = true;
  }
}
