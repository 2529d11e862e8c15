// Many files at once in the store: a fork of a large session, and an archive of small files.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newSession, Server, until } from "../tests/api/harness.mjs";
import { inTurn, measured, ratio, spread } from "./measure.mjs";

const ROUNDS = 3;
const FORKED = 50_000;
const UNPACKED = 10_000;

/** A tar archive of so many files of 20 to 1,200 bytes, 50 in a folder. */
const pack = (count) => execFileSync("python3", ["-c", `
import io, sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")
for i in range(int(sys.argv[1])):
    content = (b"line %d of a file\\n" % i) * (1 + i % 60)
    info = tarfile.TarInfo("d%d/e%d/file%d.txt" % (i // 1000, i // 50 % 20, i))
    info.size = len(content)
    out.addfile(info, io.BytesIO(content))
out.close()
`, String(count)], { maxBuffer: 1 << 30 });

const seconds = async (work) => {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
};

async function withServer(body) {
  const server = await Server.start(measured);
  const place = mkdtempSync(join(tmpdir(), "coditect-bench-"));
  try {
    return await body(await server.account("bench"), place);
  } finally {
    await server.stop();
    rmSync(place, { recursive: true });
  }
}

async function unpack(me, archive) {
  const { id } = await newSession(me);
  const reply = await me.request("POST", `/sessions/${id}/archive`, { body: archive });
  assert.equal(reply.status, 200, reply.text());
  return id;
}

const untar = (archive, folder) => execFileSync("sh", ["-c", `mkdir '${folder}' && tar -x -C '${folder}' && sync -f '${folder}'`], { input: archive });

/** From the call until the fork is whole, against hard links, which share content too; both on the disk at the end. */
export const fork = () => withServer(async (me, place) => {
  const archive = pack(FORKED);
  const origin = await unpack(me, archive);
  const folder = join(place, "origin");
  untar(archive, folder);
  const { ours, theirs } = await inTurn(ROUNDS, (round) => seconds(async () => {
    const { data } = await me.post(`/sessions/${origin}/fork`, { name: `Fork ${round}` });
    await until("the fork is whole", async () => (await me.get(`/sessions/${data.id}`)).data.status === "active", 600_000);
  }), (round) => seconds(() => execFileSync("sh", ["-c", `cp -al '${folder}' '${folder}-${round}' && sync -f '${folder}'`])));
  return [{
    what: `fork of a session of ${FORKED.toLocaleString("en-US")} files`, ours: spread(ours, " s"),
    yardstick: `cp -al of the same files, flushed: ${spread(theirs, " s")}`, ratio: ratio(ours, theirs),
  }];
});

/** An archive of small files, answered when all are durable, against tar and a flush. */
export const archive = () => withServer(async (me, place) => {
  const bytes = pack(UNPACKED);
  const { ours, theirs } = await inTurn(ROUNDS, () => seconds(() => unpack(me, bytes)),
    (round) => seconds(() => untar(bytes, join(place, String(round)))));
  return [{
    what: `archive of ${UNPACKED.toLocaleString("en-US")} small files unpacked`, ours: spread(ours, " s"),
    yardstick: `tar -x of the same, flushed: ${spread(theirs, " s")}`, ratio: ratio(ours, theirs),
  }];
});
