// A large file passes through bounded memory, to the store and back. CODITECT_LARGE_BYTES says how large: 5 GiB take minutes, and want
// a build as released, where the bound is the one that is promised. Without it the file is small, and a sanitizer, which keeps some of
// what passed, has room for that, and not for the file.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { World, until } from "./world.mjs";

const given = Number(process.env.CODITECT_LARGE_BYTES ?? 0);
const BYTES = given || 192 << 20;
const SMALL = given ? 128 << 20 : 32 << 20; // what such a file needs, a larger one needs as well
const MORE = given ? 8 << 20 : 96 << 20; // two transfers of 4 MiB
const env = given ? {} : { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:quarantine_size_mb=0:thread_local_quarantine_size_kb=0` };

/** The most memory that a process ever had, without what it maps of files: the engine maps what it reads of the store. */
const peak = (child) => {
  const status = fs.readFileSync(`/proc/${child.pid}/status`, "utf8");
  const [most, mapped] = ["VmHWM", "RssFile"].map((name) => 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]));
  return most - mapped;
};

test(`a file of ${Math.round(BYTES / 2 ** 20)} MiB passes through bounded memory both ways`, { timeout: 3_600_000 }, async (t) => {
  const world = new World(t);
  await world.startServer(env);
  await world.startCodi2([], env);
  const stored = async (name, size) => (await world.entries()).some((one) => one.path === name && one.size === size) && (await world.status()).state === "persisted";
  const make = async (name, size) => {
    fs.writeFileSync(world.tree(name), `the beginning of ${name}`);
    fs.truncateSync(world.tree(name), size); // sparse: chunks alike are stored once
    fs.appendFileSync(world.tree(name), "and its end");
    await until(`${name} is stored`, () => stored(name, size + 11), 1800);
  };
  const memory = () => ({ codi2: peak(world.codi2), server: peak(world.server) });
  const bounded = (before, way) => {
    for (const [who, bytes] of Object.entries(memory())) {
      t.diagnostic(`${way}: ${who} ${bytes >> 20} MiB, for ${SMALL >> 20} MiB it had ${before[who] >> 20}`);
      assert.ok(bytes - before[who] < MORE, `${way}: ${who} took ${bytes - before[who]} bytes more`);
    }
  };
  await make("small", SMALL);
  const before = memory();
  await make("large", BYTES);
  bounded(before, "to the store");
  const hash = async () => (await world.stored()).large.split(" ")[2];
  const first = await hash();

  await world.kill("codi2");
  for (const name of ["tree", "index"]) fs.rmSync(world.path(name), { recursive: true });
  world.disk();
  await world.startCodi2([], env);
  await until("restored", async () => (await world.status()).state === "persisted", 1800);
  bounded(before, "and back");
  assert.equal(fs.statSync(world.tree("large")).size, BYTES + 11);
  fs.utimesSync(world.tree("large"), 1, 1); // it is read again
  await until("it is the same", async () => { await world.sync().catch(() => 0); return (await world.status()).state === "persisted"; }, 1800);
  assert.equal(await hash(), first);
});
