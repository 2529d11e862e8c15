// How long a server takes to answer again after it was killed: it must not depend on how much is stored, so a large store is
// held against an empty one, in turns. What it has read of its store when it answers is counted too: a few milliseconds for
// some MiB are nothing that a busy machine lets one see, and a GiB would be seconds. The numbers are printed; with
// CODITECT_TEST_ALL=1, as in the suite store-faults, the large one has 1 GiB.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { bytesOf, newSession, Server } from "../api/harness.mjs";

const MIB = process.env.CODITECT_TEST_ALL === "1" ? 1024 : 32;
const ROUNDS = 5;

const grow = `
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA synchronous=OFF")
for i in range(int(sys.argv[2])):
    db.execute("BEGIN")
    db.executemany("INSERT INTO kv VALUES (?, ?)", ((b"ballast/%08d" % (i * 16 + j), os.urandom(65536)) for j in range(16)))
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
`;

const shrink = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("DELETE FROM kv WHERE key >= CAST('ballast/' AS BLOB) AND key < CAST('ballast0' AS BLOB)")
db.commit()`;

/** Changes the database while no server has it. */
async function change(server, program) {
  await server.kill9();
  execFileSync("python3", ["-c", program, join(server.data, "store/store.db"), `${MIB}`]);
  await server.run();
}

/** MiB that the server has read since it was started: by calls, and of its mapped store. */
function hasRead({ serverPid }) {
  const calls = Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${serverPid}/io`, "utf8"))[1]);
  const maps = readFileSync(`/proc/${serverPid}/smaps`, "utf8").matchAll(/\/store\.db\n(?:\w+: .*\n)*?Rss: +(\d+) kB/g);
  return [...maps].reduce((sum, [, kib]) => sum + Number(kib) / 1024, calls / 2 ** 20);
}

/** The control: makes the server read all that it has. */
const readAll = ({ data }) => new Promise((resolve, reject) => {
  request({ socketPath: join(data, "store/admin.sock"), method: "POST", path: "/check" }, (reply) => reply.resume().on("end", resolve)).on("error", reject).end();
});

/** Killed with saves in its log; answers how long it took to be there again, in ms, and what it read for that. */
async function killed(server, path, client) {
  for (let i = 0; i < 50; i++) await client.write(`${path}/f${i}`, Buffer.concat([...bytesOf(4096, i + 1)]));
  await server.kill9();
  const begin = performance.now();
  await server.run();
  const took = performance.now() - begin;
  const read = hasRead(server);
  assert.equal((await client.get(`${path}/f49`)).body.length, 4096);
  return { took, read };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

test(`a kill of a server with ${MIB} MiB`, { timeout: 600_000 }, async (t) => {
  const sides = [];
  for (const large of [false, true]) {
    const server = await Server.start({ t });
    const client = await server.account();
    const path = `/sessions/${(await newSession(client)).id}/files`;
    if (large) await change(server, grow);
    sides.push({ server, client, path, kills: [] });
  }
  for (let i = 0; i < ROUNDS; i++) {
    for (const side of sides) side.kills.push(await killed(side.server, side.path, side.client));
  }
  const of = (what) => sides.map((side) => median(side.kills.map((kill) => kill[what])));
  const [[empty, large], [least, read]] = [of("took"), of("read")];
  t.diagnostic(`answers after ${large.toFixed(0)} ms with ${MIB} MiB, having read ${read.toFixed(1)}; ${empty.toFixed(0)} ms with nothing, ${least.toFixed(1)}`);
  assert.ok(read - least < MIB / 8, `of ${MIB} MiB ${read} are read before it answers, ${least} with nothing`);
  await readAll(sides[1].server);
  assert.ok(hasRead(sides[1].server) > MIB / 2, `that it reads is not seen: ${hasRead(sides[1].server)} of ${MIB} MiB`);
  const quickest = Math.min(...sides[1].kills.map(({ took }) => took)); // a busy machine only adds
  assert.ok(quickest < 4 * empty, `at least ${quickest} ms with ${MIB} MiB, ${empty} ms with nothing`);
  await change(sides[1].server, shrink); // the checker knows no such keys
});
