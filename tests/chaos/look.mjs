// The look at what the load left: every promise of the ledger against the store and its history, and the whole of the store against
// the whole of what the person sees inside.
import assert from "node:assert/strict";
import { bytesOf, hashOf } from "./ledger.mjs";
import { Load, QUIET } from "./load.mjs";

export class Look extends Load {
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

  /** Those of the writes that the history does not show: by version and content, what a shell wrote by content alone. */
  async unseen(path, writes) {
    const mark = ({ gone, version, hash }) => [gone ? "delete" : hash, version].filter((part) => part !== undefined).join(" ");
    const wanted = new Map(writes.map((write) => [mark({ ...write, hash: write.gone ? undefined : hashOf(write) }), write]));
    if (wanted.size === 0) return [];
    for await (const { op, version, hash } of this.history(path)) {
      const gone = op === "delete";
      wanted.delete(mark({ gone, version, hash }));
      if (!gone) wanted.delete(mark({ hash }));
      if (wanted.size === 0) break;
    }
    return [...wanted.values()];
  }

  /** Those of the deletions by a shell of which the history knows none between their moments: of the file, or of a folder with it. */
  async undeleted(path, writes) {
    const parts = path.split("/");
    const moments = [];
    for (let n = parts.length; writes.length > 0 && n > 0; n--) {
      for await (const { op, version } of this.history(parts.slice(0, n).join("/"))) if (op === "delete") moments.push(version);
    }
    return writes.filter(({ between: [after, upTo] }) => !moments.some((moment) => moment > after && moment <= upTo));
  }

  /**
   * What is wrong with a path and the writes to it, in words. What each holds is read once, and looked up in every round. isStored:
   * behind a barrier; before one, what is quiet may lie in the workspace alone, and what the store has says nothing of it.
   */
  async faultsOf(path, writes, isStored) {
    const faults = [];
    const bytes = await this.read(path);
    const fault = this.ledger.judge(path, bytes);
    if (fault !== undefined) faults.push(fault);
    else if (isStored || !path.startsWith(QUIET)) this.ledger.settle(path, bytes);
    const owed = writes.filter((write) => write.owed);
    for (const write of owed.filter((one) => one.version !== undefined && !one.gone && !one.read)) {
      const old = await this.read(path, write.version);
      write.read = old !== undefined && bytesOf(write).equals(old);
      if (!write.read) faults.push(`${path}: version ${write.version} is not write ${write.n}`);
    }
    const missing = await this.unseen(path, owed.filter((write) => !write.gone || write.version !== undefined));
    missing.push(...await this.undeleted(path, owed.filter((write) => write.between !== undefined)));
    for (const write of missing) faults.push(`${path}: ${write.gone ? `its deletion ${write.version ?? `in (${write.between}]`}` : `write ${write.n}`} is not in the history`);
    return faults;
  }

  /** Every broken promise; isStored: as of faultsOf. */
  async lost({ isStored = false } = {}) {
    const all = [...this.ledger.paths].map(([path, writes]) => this.faultsOf(path, writes, isStored));
    return (await Promise.all(all)).flat();
  }

  /** Every file of the store, whoever made it: path → hash. */
  async stored() {
    const files = new Map();
    for (let cursor = ""; cursor !== null;) {
      const reply = await this.client.get(`/sessions/${this.session}/files?recursive=true&limit=1000${cursor && `&cursor=${cursor}`}`);
      assert.equal(reply.status, 200, reply.text());
      for (const { path, type, hash } of reply.data) if (type === "file") files.set(path, hash);
      cursor = reply.json.page.next ?? null;
    }
    return files;
  }

  /** The files that the person sees inside and the store has not, the other way round, or with other bytes: of all there are. */
  async differing(wanted) {
    const text = await this.shell("find . -type f -exec sha256sum {} + | sort -k2");
    if (text === undefined) return ["no shell in the workspace"];
    const inside = new Map(text.split("\n").filter(Boolean).map((line) => [line.slice(68), line.slice(0, 64)]));
    const stored = await this.stored();
    const paths = [...new Set([...inside.keys(), ...stored.keys()])].filter(wanted);
    const unlike = paths.filter((path) => inside.get(path) !== stored.get(path));
    return unlike.map((path) => `${path}: inside ${inside.get(path)?.slice(0, 12)}, stored ${stored.get(path)?.slice(0, 12)}`);
  }
}
