// A large file of noise goes into the server and comes out through bounded memory: with CODITECT_LARGE_BYTES, as in large.test.mjs,
// the promised one of a build as released; without it a bound that a sanitizer keeps, and a server that kept the file would not.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { test } from "node:test";
import { newSession, Server } from "../api/harness.mjs";

const MIB = 1 << 20;
const given = Number(process.env.CODITECT_LARGE_BYTES ?? 0);
const BYTES = Math.min(given || 80 * MIB, 256 * MIB);
const SMALL = 16 * MIB; // what such a file needs, a larger one needs as well
const PROMISED = 4 * MIB; // a transfer
// What comes in the same minute whatever is sent: the engine's caches fill (2 MiB a connection), threads begin to work. A server
// that kept what it is sent would take 240 MiB more.
const SLACK = given ? 4 * MIB : 12 * MIB;
const env = given ? {} : { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:quarantine_size_mb=0:thread_local_quarantine_size_kb=0` };

/** The most memory of its own that a process has while work goes on: what it maps of files is the kernel's to take away. */
async function mostWhile(pid, work) {
  let most = 0;
  const look = () => { most = Math.max(most, 1024 * Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1])); };
  const timer = setInterval(look, 10);
  await work().finally(() => clearInterval(timer));
  look();
  return most;
}

/** Noise, so that each piece is stored, and none twice; its hash becomes known as it is read. */
function noise(bytes) {
  const hash = createHash("sha256");
  const pieces = function* () {
    for (let left = bytes; left > 0; left -= MIB) {
      const piece = randomBytes(Math.min(left, MIB));
      hash.update(piece);
      yield piece;
    }
  };
  return { hash, stream: Readable.from(pieces(), { objectMode: false, highWaterMark: MIB }) };
}

test("a large file goes in and comes out through bounded memory", { timeout: 1_800_000 }, async (t) => {
  const server = await Server.start({ env });
  t.after(() => server.stop());
  const client = await server.account();
  const session = (await newSession(client)).id;
  const transfer = async (name, bytes) => {
    const path = `/sessions/${session}/files/${name}`;
    const sent = noise(bytes);
    const came = createHash("sha256");
    const ways = {
      in: () => client.write(path, sent.stream, { headers: { "Content-Length": bytes } }),
      out: () => client.get(path, { sink: (piece) => came.update(piece) }),
    };
    const most = {};
    for (const [way, work] of Object.entries(ways)) {
      most[way] = await mostWhile(server.serverPid, async () => assert.equal((await work()).status, 200));
    }
    assert.equal(came.digest("hex"), sent.hash.digest("hex"));
    return most;
  };
  await transfer("first", SMALL);
  const small = await transfer("small", SMALL);
  const large = await transfer("large", BYTES);
  for (const way of ["in", "out"]) {
    const more = large[way] - small[way];
    t.diagnostic(`${way}: ${BYTES / MIB} MiB took ${(more / MIB).toFixed(1)} MiB more than ${SMALL / MIB} MiB did (${(small[way] / MIB).toFixed(1)})`);
    assert.ok(more < PROMISED + SLACK, `${way}: ${more} bytes more`);
  }
});
