// Names that JSON writes six times as long, or that are no text, in paths as long as the kernel takes them, and links' targets of
// the same: what is sent and what is answered is bounded by bytes, not by how many there are.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { test } from "node:test";
import { World, lose, until } from "./world.mjs";

const NAME = 255;
const DEPTH = 15; // with their slashes 3,840 bytes: with a name below them 4,095
const TARGET = 4095;

/** A name of 255 bytes, all of them `byte` but for a number at its end. */
const nameOf = (byte, number) => Buffer.concat([Buffer.alloc(NAME - 4, byte), Buffer.from(String(number).padStart(4, "0"))]);

/** Where a name lies in an open folder: a whole path would be longer than the kernel takes. */
const at = (folder, name) => Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name]);

function inside(path, use) {
  const folder = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    return use(folder);
  } finally {
    fs.closeSync(folder);
  }
}

/** Calls use with the innermost of DEPTH folders, which are made. */
function deep(path, byte, use, depth = DEPTH) {
  if (depth === 0) return inside(path, use);
  return inside(path, (folder) => {
    const next = at(folder, nameOf(byte, 0));
    if (!fs.existsSync(next)) fs.mkdirSync(next);
    return deep(next, byte, use, depth - 1);
  });
}

/** Each path below a folder, in hexadecimal digits of its bytes, with what lies there. */
function listed(path, before = "", all = new Map()) {
  inside(path, (folder) => {
    for (const entry of fs.readdirSync(`/proc/self/fd/${folder}`, { encoding: "buffer", withFileTypes: true })) {
      const here = at(folder, entry.name);
      const key = `${before}/${entry.name.toString("hex")}`;
      if (entry.isDirectory()) listed(here, key, all);
      else all.set(key, entry.isSymbolicLink() ? fs.readlinkSync(here, "buffer").toString("hex") : fs.readFileSync(here, "latin1"));
    }
  });
  return all;
}

test("1,200 files at the longest paths and 400 links to them are stored, and restored on an empty disk", { timeout: 600_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  for (const byte of [0x01, 0xff]) {
    deep(world.tree(), byte, (folder) => {
      for (let i = 0; i < 600; i++) fs.writeFileSync(at(folder, nameOf(byte, i)), `${byte} ${i}`);
    });
    fs.mkdirSync(world.tree(`links-${byte}`));
    for (let i = 0; i < 200; i++) fs.symlinkSync(Buffer.concat([Buffer.alloc(TARGET - 3, byte), Buffer.from(String(i).padStart(3, "0"))]), world.tree(`links-${byte}/${i}`));
  }
  const before = listed(world.tree());
  assert.equal(before.size, 1600);
  await world.startCodi2();
  await until("stored", async () => { const { state, pending } = await world.status(); return state === "persisted" && pending === 0; }, 300);
  await world.sync();
  assert.equal((await world.entries()).length, 1600 + 2 * DEPTH + 2);
  await lose(world, ["tree", "index"]);
  assert.deepEqual(listed(world.tree()), before);
});

test("600 changes elsewhere at such paths come to a disk that was away", { timeout: 600_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  fs.writeFileSync(world.tree("here"), "x");
  await world.sync();
  await world.kill("codi2");
  const folders = `${nameOf(0x01, 0)}/`.repeat(DEPTH);
  for (let first = 0; first < 600; first += 30) {
    const changes = Array.from({ length: 30 }, (_, i) => {
      const text = `change ${first + i}`;
      const facts = { kind: "file", mode: 0o644, mtime: 1_700_000_000_000_000, size: text.length, bytes: Buffer.from(text).toString("base64"), hash: createHash("sha256").update(text).digest("hex") };
      return { change: "put", path: `${folders}${nameOf(0x01, first + i)}`, base: 0, author: { kind: "api", id: "usr-other" }, ...facts };
    });
    assert.ok(await world.change(...changes));
  }
  await world.startCodi2();
  await until("all came", async () => (await world.status()).state === "persisted" && listed(world.tree()).size === 601, 120);
  deep(world.tree(), 0x01, (folder) => assert.equal(fs.readFileSync(at(folder, nameOf(0x01, 599)), "utf8"), "change 599"));
});

/** The innermost folder takes one name more, and nothing below that. */
const depths = { "so many bytes": [0x61, DEPTH, nameOf(0x61, 1)], "so many names": [0x61, 255, Buffer.from("a")] };

for (const [what, [byte, depth, name]] of Object.entries(depths)) test(`a folder that comes to lie below ${what} is told, and nothing of what is in it`, { timeout: 120_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const way = (use) => (depth === DEPTH ? deep(world.tree(), byte, use) : inside(world.tree("a/".repeat(depth)), use));
  if (depth !== DEPTH) fs.mkdirSync(world.tree("a/".repeat(depth)), { recursive: true });
  way((folder) => fs.mkdirSync(at(folder, name)));
  fs.mkdirSync(world.tree("folder"));
  for (let i = 0; i < 30; i++) fs.writeFileSync(world.tree(`folder/${i}`), "x");
  await world.sync();
  const there = Buffer.concat([name, Buffer.from("/folder")]);
  way((folder) => fs.renameSync(world.tree("folder"), at(folder, there)));
  for (const mode of [0o600, 0o640]) {
    way((folder) => inside(at(folder, there), (inner) => { for (let i = 0; i < 30; i++) fs.chmodSync(at(inner, Buffer.from(`${i}`)), mode); }));
    await world.sync();
    const { body } = await world.door("GET", "/not-kept");
    assert.deepEqual(body.not_kept.map(({ why }) => why), ["bad_name"]);
  }
});
