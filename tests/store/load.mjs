// Writers that go on while something is done to the store, and what of theirs must be there afterwards.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Client } from "../api/harness.mjs";

export const content = (i) => Buffer.from(`${i} `.repeat(1 + (i * 7919) % 9000) + createHash("sha256").update(`${i}`).digest("hex"));

/** Writes files one after the other until told to stop; notes each that was acknowledged, and when. */
export class Load {
  constructor(client, path, lanes) {
    this.acknowledged = [];
    this.stopped = false;
    this.held = undefined; // a promise: until then nothing is written
    this.lanes = Array.from({ length: lanes }, (_, lane) => this.write(client, path, lane, lanes));
  }

  async write(client, path, lane, lanes) {
    for (let i = lane; !this.stopped; i += lanes) {
      const reply = await client.write(`${path}/file${i % 200}`, content(i));
      assert.ok(reply.status < 300, reply.text());
      this.acknowledged.push({ i, name: `file${i % 200}`, version: reply.data.version, at: Date.now() });
      await this.held;
    }
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

/** Every write acknowledged so far is there, as that version of its file. */
export async function compare(server, token, path, writes) {
  const client = new Client(server, token);
  for (const { i, name, version } of writes) {
    const reply = await client.get(`${path}/${name}?version=${version}`);
    assert.equal(reply.status, 200, `${name} ${version}: ${reply.text()}`);
    assert.ok(reply.body.equals(content(i)), `${name}, version ${version}, is not what was written`);
  }
}
