// Writers that go on while something is done to the store, and what of theirs must be there afterwards.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import { Client } from "../api/harness.mjs";

export const content = (i) => Buffer.from(`${i} `.repeat(1 + (i * 7919) % 9000) + createHash("sha256").update(`${i}`).digest("hex"));

/** What a server of the tests of backups under load is told: what nothing names goes within a second. */
export const COLLECTING = ["--store-collect", "1", "--store-spare", "0", "--store-pace", "1000000000", "--rate-factor", "100000"];

/** An upload that ends in its middle: what it brought is named by nothing. */
export const cutOff = ({ server, token }, path) => new Promise((resolve) => {
  const bytes = randomBytes(4 << 20);
  const upload = request({
    port: server.port, host: "127.0.0.1", method: "PUT", path: `/api/v5${path}`,
    headers: { authorization: `Bearer ${token}`, "content-length": 2 * bytes.length },
  });
  upload.on("error", resolve).on("response", resolve);
  upload.write(bytes, () => upload.destroy());
});

/** How many chunks the collector has taken. */
export const collected = (server) => [...server.log.matchAll(/(\d+) chunks that nothing named are gone/g)].reduce((sum, [, n]) => sum + Number(n), 0);

/** Writes files one after the other, and deletes some, until told to stop; notes each that was acknowledged, and when. */
export class Load {
  constructor(client, path, lanes) {
    this.acknowledged = [];
    this.stopped = false;
    this.held = undefined; // a promise: until then nothing is written
    this.lanes = Array.from({ length: lanes }, (_, lane) => this.work(client, path, lane, lanes));
  }

  async work(client, path, lane, lanes) {
    for (let i = lane, turn = 0; !this.stopped; i += lanes, turn++) {
      const name = `file${i % 200}`;
      await this.write(client, path, name, i);
      if (turn % 3 === 2 && !this.stopped && !this.held) await this.delete(client, path, name, i);
      await this.held;
    }
  }

  /** What nothing names yet is not spared: a commit whose content was collected meanwhile says so, and is sent again. */
  async write(client, path, name, i) {
    let reply;
    do reply = await client.write(`${path}/${name}`, content(i)); while (reply.status === 409);
    assert.ok(reply.status < 300, reply.text());
    this.acknowledged.push({ i, name, version: reply.data.version, at: Date.now() });
  }

  async delete(client, path, name, i) {
    const reply = await client.delete(`${path}/${name}`);
    assert.ok(reply.status < 300, reply.text());
    this.acknowledged.push({ i, name, gone: true, at: Date.now() });
  }

  /** The longest time in which nobody was acknowledged anything, in milliseconds. */
  longestGap({ begin, end }) {
    const times = [begin, ...this.acknowledged.map(({ at }) => at).filter((at) => at > begin && at < end), end];
    return Math.max(...times.slice(1).map((time, i) => time - times[i]));
  }

  async stop() {
    this.stopped = true;
    await Promise.all(this.lanes);
  }
}

/**
 * Every write acknowledged so far is there, as that version of its file; of what was deleted last the deletion is, unless one of
 * `later`, which had begun by the backup's moment, wrote it again.
 */
export async function compare(server, token, path, { done, later = [] }) {
  const client = new Client(server, token);
  for (const { i, name, version } of done.filter(({ gone }) => !gone)) {
    const reply = await client.get(`${path}/${name}?version=${version}`);
    assert.equal(reply.status, 200, `${name} ${version}: ${reply.text()}`);
    assert.ok(reply.body.equals(content(i)), `${name}, version ${version}, is not what was written`);
  }
  const last = new Map(done.map((one) => [one.name, one]));
  const again = new Set(later.map(({ name }) => name));
  for (const { name, gone, i } of last.values()) {
    if (again.has(name)) continue;
    const reply = await client.get(`${path}/${name}`);
    assert.equal(reply.status, gone ? 404 : 200, `${name} ${gone ? "was deleted" : "was written"} last: ${reply.status}`);
    if (!gone) assert.ok(reply.body.equals(content(i)), `${name} is not what was written last`);
  }
}
