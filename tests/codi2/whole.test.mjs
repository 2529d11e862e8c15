// What others change appears in the workspace whole: whoever reads meanwhile reads one version or another, never a part of one,
// a mixture, or nothing.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { test } from "node:test";
import { World, timeOf, until } from "./world.mjs";

const CHANGES = 50;
const SIZE = 1 << 20;
const hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex");

// Reads as fast as it can until a line comes, with a space for each twenty times; says how often it read what.
const program = `
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const seen = {};
let over = false;
process.stdin.once("data", () => { over = true; });
const read = () => {
  for (let i = 0; i < 20; i++) {
    let what;
    try {
      what = createHash("sha256").update(fs.readFileSync(process.argv[1])).digest("hex");
    } catch (error) {
      what = error.code;
    }
    seen[what] = (seen[what] ?? 0) + 1;
  }
  process.stdout.write(" ");
  if (!over) return setImmediate(read);
  process.stdout.write(JSON.stringify(seen));
  process.exit(0);
};
read();
`;

/** Work while somebody reads a file, which can ask how many twenties of times that was so far; what was read, and how often. */
async function readWhile(t, path, work) {
  const child = spawn(process.execPath, ["-e", program, path], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  let text = "";
  child.stdout.on("data", (piece) => (text += piece));
  const reads = () => text.length;
  await until("it is read", () => reads() > 0);
  await work(reads);
  child.stdin.end("\n");
  await new Promise((resolve) => child.on("close", resolve));
  return JSON.parse(text);
}

test("a large file that others change fifty times is read whole each time", { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const entry = async () => (await world.entries()).find(({ path }) => path === "file");
  const contents = [];
  for (let i = 0; i < 3; i++) { // so that the store has their content; others send it only by name then
    fs.writeFileSync(world.tree("file"), randomBytes(SIZE + i));
    await world.sync();
    contents.push(await entry());
  }
  const known = new Set(contents.map(({ hash }) => hash));
  const before = (await world.events()).length; // one that was seen while it was empty may be among them
  const seen = await readWhile(t, world.tree("file"), async () => {
    for (let i = 0; i < CHANGES; i++) {
      const { version: base } = await entry();
      const mtime = 1e15 + i;
      assert.ok(await world.change({ ...contents[i % 3], version: undefined, change: "put", base, author: { kind: "api", id: "usr-other" }, mtime }));
      await until("it is here", () => timeOf(world.tree("file")) === String(mtime));
    }
  });
  t.diagnostic(`${Object.values(seen).reduce((a, b) => a + b)} reads`);
  assert.deepEqual(Object.keys(seen).filter((what) => !known.has(what)), []);
  assert.equal(Object.keys(seen).length, 3, "the reader was there all the time");
  assert.equal((await world.events()).length, before + CHANGES, "and nothing of it was taken for a change of ours");
});

test("control: a file that is written in its place is not read whole", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  const path = world.tree("file");
  const contents = [0, 1, 2].map((i) => randomBytes(SIZE + i));
  const known = new Set(contents.map(hashOf));
  fs.writeFileSync(path, contents[0]);
  const seen = await readWhile(t, path, async (reads) => {
    for (let i = 0; i < 5 * CHANGES || reads() < CHANGES; i++) { // on a busy machine the reader may hardly come to it
      fs.writeFileSync(path, contents[i % 3]);
      await new Promise(setImmediate);
    }
  });
  assert.notDeepEqual(Object.keys(seen).filter((what) => !known.has(what)), []);
});
