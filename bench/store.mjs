// The store without a server: against LMDB and RocksDB behind the same driver interface, and what a small save feels while
// others upload.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { short } from "./measure.mjs";

const WHAT = {
  writes: "transactions of two small updates, 64 threads, durable",
  puts: "4 KiB of new content, 64 threads, durable",
  reads: "one small value, 2 threads",
};

/** The lines of a program that measures in a directory of its own. */
function lines(program, args) {
  const directory = mkdtempSync(join(tmpdir(), "coditect-bench-"));
  try {
    const path = join(process.env.CODITECT_BUILD, "bench", program);
    return execFileSync(path, [directory, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim().split("\n");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function engines() {
  const found = {};
  for (const line of lines("store_engines", ["2", "3"])) {
    const [, load, engine, rate, cpu, disk] = /^(\w+) +(\w+) +(\d+)\/s, +([\d.]+) us of processor time, +([\d.]+) KiB to the disk$/.exec(line);
    (found[load] ??= {})[engine] = { rate: Number(rate), text: `${short(Number(rate))}/s, ${cpu} µs of processor time, ${disk} KiB to the disk` };
  }
  return Object.entries(found).flatMap(([load, { sqlite, ...others }]) =>
    Object.entries(others).map(([name, other]) => ({
      what: `store: ${WHAT[load]}`,
      ours: sqlite.text,
      yardstick: `${name}, same interface: ${other.text}`,
      ratio: `${short(sqlite.rate / other.rate)}×`,
    })),
  );
}

function beside() {
  const [alone, loaded] = lines("store_load", ["5"]).map((line) => /p99 ([\d.]+) ms; meanwhile .* p99 ([\d.]+) MB/.exec(line)?.slice(1));
  assert.ok(alone && loaded);
  return {
    what: "store: p99 of a 4 KiB save beside 16 uploads",
    ours: `${loaded[0]} ms, ${loaded[1]} MB written meanwhile`,
    yardstick: `nobody uploads: ${alone[0]} ms, ${alone[1]} MB`,
    ratio: `${short(loaded[0] / alone[0])}×`,
  };
}

/** The store against SQLite driven directly with the same keys and values. */
function direct() {
  const text = lines("store_bench", ["2", "5"]);
  const find = (name) => text.find((line) => line.startsWith(`${name} `)).slice(name.length).trim();
  const ratio = (a, b) => text.find((line) => line.startsWith(`${a} / ${b}:`)).match(/rate ([\d.]+)/)[1];
  return [["writes ours", "writes group", WHAT.writes, "group commit by hand"], ["reads ours", "reads raw", WHAT.reads, "driven directly"]]
    .map(([ours, yardstick, what, how]) => ({ what: `store: ${what}`, ours: find(ours), yardstick: `SQLite, ${how}: ${find(yardstick)}`, ratio: `${ratio(ours, yardstick)}×` }));
}

/** What each choice of the file's layout costs, the store's own first. */
function layouts() {
  return lines("store_layout", ["1", "5"]).map((line) => {
    const [choice, numbers] = line.split(/: (.*)/);
    return { what: `SQLite by one thread, groups of 32 saves: ${choice}`, ours: numbers, yardstick: "", ratio: "" };
  });
}

export const store = () => [...direct(), ...engines(), ...layouts(), beside()];
