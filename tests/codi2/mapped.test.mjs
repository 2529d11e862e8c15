// What is written through memory: without an event, and into a page that is dirty already without a new time of the file either.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { hashOf } from "./model.mjs";
import { World, until } from "./world.mjs";

const LIMIT = { timeout: 60_000 };

const program = `
import mmap, os, select, sys, time
file = open(sys.argv[1], "r+b")
memory = mmap.mmap(file.fileno(), 0)
for line in sys.stdin:
    if line[0] == "-":
        os.pwrite(file.fileno(), b"-", 8192)
    elif line[0] == "*":
        print("begun", flush=True)
        while not select.select([sys.stdin], [], [], 0)[0]: # until the next line
            memory[0:8] = time.monotonic_ns().to_bytes(8, "big")
        continue
    else:
        memory[0:1] = line[0].encode()
    print("done", flush=True)
`;

async function begin(t) {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const path = world.tree("data");
  fs.writeFileSync(path, "-".repeat(65_536));
  await world.sync();
  const child = spawn("python3", ["-c", program, path], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  t.after(() => child.kill("SIGKILL"));
  const does = (what) => new Promise((resolve) => { child.stdout.once("data", resolve); child.stdin.write(`${what}\n`); });
  const isStored = async () => (await world.stored()).data?.split(" ")[2] === hashOf(fs.readFileSync(path));
  const ends = () => { child.stdin.end(); return ended; };
  return { world, path, does, ends, isStored };
}

/** As a busy machine does it: codi2 comes late to what is dirty in memory already. */
async function lookedAtLate(it, does) {
  it.world.codi2.kill("SIGSTOP");
  for (const what of does) await it.does(what);
  await wait(200);
  it.world.codi2.kill("SIGCONT");
  await until("it is stored", it.isStored);
  await until("it is persisted", async () => (await it.world.status()).state === "persisted");
}

test("a page that was dirty when its file was looked at is written to once more", LIMIT, async (t) => {
  const it = await begin(t);
  await lookedAtLate(it, ["-", "A"]);
  await it.does("B");
  await it.world.sync();
  assert.ok(await it.isStored(), "a barrier covers it");
  await lookedAtLate(it, ["-", "C"]);
  await it.does("D"); // and nothing else that would tell of it
  await until("D is stored", it.isStored, 15);
});

test("the same, and whoever wrote ends before anybody saw what it has mapped", LIMIT, async (t) => {
  const it = await begin(t);
  await lookedAtLate(it, ["-", "A"]);
  const { mtimeNs } = fs.statSync(it.path, { bigint: true });
  await it.does("B");
  assert.equal(fs.statSync(it.path, { bigint: true }).mtimeNs, mtimeNs, "the time says nothing of it");
  await it.ends();
  await it.world.sync();
  assert.ok(await it.isStored());
});

test("a file that is written to without a pause is stored meanwhile, and as it was left", LIMIT, async (t) => {
  const it = await begin(t);
  await it.does("A");
  await it.world.sync();
  const before = (await it.world.events()).length;
  await it.does("*");
  await it.world.sync(); // it does not wait for the end, which does not come
  assert.ok((await it.world.events()).length > before);
  await it.does("B");
  await it.world.sync();
  assert.ok(await it.isStored());
  await it.ends();
  assert.ok(await it.isStored());
});
