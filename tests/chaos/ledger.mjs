// What was promised: every write that somebody was told is kept, and what was tried and never answered. One writer a path.
import assert from "node:assert/strict";

/** Repeatable bytes that say where they belong; a shell makes the same with `yes | head -c`. */
export function contentOf(path, n) {
  const line = `${path} ${n}\n`;
  return Buffer.from(line.repeat(Math.ceil(sizeOf(n) / line.length))).subarray(0, sizeOf(n));
}

export const sizeOf = (n) => (n % 7 === 0 ? 150_000 : 40) + ((n * 7919) % 3000);

export class Ledger {
  paths = new Map(); // path → [{ n, gone, acknowledged, version }] in order
  acknowledged = 0;

  begin(path, gone = false) {
    const all = this.paths.get(path) ?? [];
    this.paths.set(path, all);
    const write = { n: all.length, path, gone, acknowledged: false, version: undefined };
    all.push(write);
    return write;
  }

  promise(write, version) {
    write.acknowledged = true;
    write.version = version;
    this.acknowledged++;
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
    if (writes.some((write) => !write.gone && contentOf(path, write.n).equals(bytes))) return undefined;
    return `${path} holds ${JSON.stringify(bytes.subarray(0, 60).toString())} and not one of the writes ${writes.map((write) => write.n)}`;
  }

  /** After a look: what was found is what the next round begins with, as if it had been acknowledged. */
  settle(path, bytes) {
    const all = this.paths.get(path);
    const found = all.findLast((write) => (write.gone ? bytes === undefined : bytes !== undefined && contentOf(path, write.n).equals(bytes)));
    assert.ok(found !== undefined || bytes === undefined, path);
    if (found !== undefined) found.acknowledged = true;
  }
}
