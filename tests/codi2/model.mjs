// Random work on a workspace, as people and programs do it, and what the store should say of it.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { timeOf } from "./world.mjs";

const run = promisify(execFile);

/** A small generator of Lehmer's kind: the same numbers for the same seed. */
export function randomFrom(seed) {
  let state = seed % 2147483647 || 1;
  return (n) => { state = (state * 48271) % 2147483647; return state % n; };
}

export const hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex");
const modeOf = (facts) => (facts.mode & 0o7777).toString(8);

/** Paths that the store takes; what is moved may come to lie further down than that. */
const MOST_BYTES = 4096;
const MOST_NAMES = 256;
export const fits = (path) => Buffer.byteLength(path) <= MOST_BYTES && path.split("/").length <= MOST_NAMES;

/** Calls use with a short way to a folder: with its whole path before them names may be longer than the kernel takes. */
export function inside(folder, use) {
  const fd = fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    return use(`/proc/self/fd/${fd}`);
  } finally {
    fs.closeSync(fd);
  }
}
const LONG = 2000; // from where on a way is made short

/** Calls use with all below root that the store takes, and its facts, a folder before what is in it; gives what lies too far down. */
export function walk(root, use) {
  const far = [];
  const visit = (way, path) => {
    for (const name of fs.readdirSync(way)) {
      if (/^\.coditect-[0-9a-f]{16}$/.test(name)) continue; // codi2 is about to put something in its place
      const [at, here] = [path ? `${path}/${name}` : name, `${way}/${name}`];
      if (!fits(at)) { far.push(at); continue; }
      const facts = fs.lstatSync(here);
      use(at, here, facts);
      if (!facts.isDirectory()) continue;
      if (here.length > LONG) inside(here, (short) => visit(short, at));
      else visit(here, at);
    }
  };
  visit(root, "");
  return far;
}

/** Of each path below root what the store should say of it, in the words of World.stored. */
export function expected(root) {
  const all = {};
  walk(root, (at, here, facts) => {
    if (facts.isDirectory()) all[at] = `dir ${modeOf(facts)} `;
    else if (facts.isSymbolicLink()) all[at] = `symlink ${fs.readlinkSync(here)} ${timeOf(here)}`;
    else if (facts.isFile()) all[at] = `file ${modeOf(facts)} ${hashOf(fs.readFileSync(here))} ${timeOf(here)}`;
  });
  return all;
}

/** What the store says, a link's mode (it has none of its own) left out. */
export async function told(world, seq) {
  const all = await world.stored(seq);
  for (const [path, text] of Object.entries(all)) if (text.startsWith("symlink")) all[path] = text.replace(/^symlink \d+/, "symlink");
  return all;
}

/** Of all files. */
export const hashes = (state) => new Set(Object.values(state).filter((text) => text.startsWith("file")).map((text) => text.split(" ")[2]));

/** Fails with what differs, and nothing else. */
export function same(actual, wanted, words) {
  const paths = [...new Set([...Object.keys(actual), ...Object.keys(wanted)])].sort();
  const differing = paths.filter((path) => actual[path] !== wanted[path]);
  if (differing.length === 0) return;
  const lines = differing.slice(0, 20).map((path) => `  ${short(path)}: ${actual[path] ?? "nothing"}, not ${wanted[path] ?? "nothing"}`);
  throw new assert.AssertionError({ message: [`${words}\n${differing.length} paths differ:`, ...lines].join("\n") });
}

const NAMES = ["a", "b", "c", "a-b", "a.b", "d e", "é"];

/** Writes into memory that is mapped from a file, and never gives it back; without a path into what it mapped before. */
const mapper = `
import mmap, sys
kept = []
for line in sys.stdin:
    try:
        letter, path = line[0], line[2:-1]
        if path.isdigit():
            kept[int(path) % len(kept)][0:1] = letter.encode()
        else:
            with open(path, "r+b") as file:
                memory = mmap.mmap(file.fileno(), 0)
            memory[0:1] = letter.encode()
            kept.append(memory)
    except (OSError, ValueError, ZeroDivisionError):
        pass
    print("done", flush=True)
`;

/** For what is said of a run. */
export const short = (path) => (path.length <= 100 ? path : `${path.slice(0, 50)}… (${path.length} bytes, ${path.split("/").length} names) …${path.slice(-50)}`);

/** A workspace's programs: each operation is one that can fail when something is not there or is in the way. */
export class Work {
  done = [];
  #count = 0;
  #open = [];
  #mapper;
  constructor(t, world, random) {
    this.world = world;
    this.random = random;
    t.after(() => { this.#mapper?.kill("SIGKILL"); this.closeAll(); });
  }

  closeAll() { for (const fd of this.#open.splice(0)) fs.closeSync(fd); }

  /** Does one thing. */
  operate() { return this.one(this.#operations, this.path(), this.path()); }

  async one(operations, from, to) {
    const names = Object.keys(operations);
    const name = names[this.random(names.length)];
    const failed = await Promise.resolve().then(() => operations[name](this.world.tree(from), this.world.tree(to))).then(() => "", () => ": failed");
    this.done.push(`${name} ${short(from)} → ${short(to)}${failed}`);
  }

  path() { return Array.from({ length: 1 + this.random(3) }, () => NAMES[this.random(NAMES.length)]).join("/"); }

  /** Content that nobody wrote before. */
  fresh() { return `${this.#count++}.`; }

  /** More than fits beside a name, sometimes more than one chunk. */
  #much() { return Buffer.concat([Buffer.from(this.fresh()), Buffer.alloc(this.random(this.random(8) === 0 ? 300_000 : 3000), this.random(256))]); }

  async #poke(path) {
    const facts = fs.lstatSync(path);
    if (!facts.isFile() || facts.size === 0) return;
    this.#mapper ??= spawn("python3", ["-c", mapper], { stdio: ["pipe", "pipe", "inherit"] });
    await this.#map(path);
  }

  /** Into a page that may be dirty already, however long after it became so. */
  async #pokeAgain() {
    if (this.#mapper) await this.#map(this.random(1000));
  }

  async #map(path) {
    const answer = new Promise((resolve) => this.#mapper.stdout.once("data", resolve));
    this.#mapper.stdin.write(`${"ABCDEFGH"[this.random(8)]} ${path}\n`);
    await answer;
  }

  async #git(...args) {
    const cwd = this.world.tree("repository");
    await run("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "core.fsync=none", "-c", "gc.auto=0", ...args], { cwd });
  }

  async #checkout() {
    const cwd = this.world.tree("repository");
    if (!fs.existsSync(join(cwd, ".git/HEAD"))) {
      fs.mkdirSync(cwd, { recursive: true });
      await this.#git("init", "-q", "-b", "zero");
    }
    const branch = ["zero", "one", "two"][this.random(3)];
    await this.#git("checkout", "-q", "-f", branch).catch(() => this.#git("checkout", "-q", "-b", branch));
    if (this.random(2)) return;
    for (let i = 0; i < 5; i++) {
      const folder = join(cwd, `part-${this.random(3)}`);
      if (this.random(4) === 0) fs.rmSync(folder, { recursive: true, force: true });
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(join(folder, `f${this.random(6)}`), this.#much());
    }
    await this.#git("add", "-A");
    await this.#git("commit", "-q", "-m", branch);
  }

  /** What npm leaves: many small files, links between them. */
  #packages() {
    const root = this.world.path("packages");
    if (fs.existsSync(root)) return root;
    for (let i = 0; i < 12; i++) {
      fs.mkdirSync(join(root, `node_modules/p${i}/lib`), { recursive: true });
      fs.writeFileSync(join(root, `node_modules/p${i}/package.json`), `{"name":"p${i}"}`);
      fs.writeFileSync(join(root, `node_modules/p${i}/lib/index.js`), this.#much());
    }
    fs.mkdirSync(join(root, "node_modules/.bin"));
    for (let i = 0; i < 12; i++) fs.symlinkSync(`../p${i}/lib/index.js`, join(root, `node_modules/.bin/p${i}`));
    return root;
  }

  #operations = {
    write: (at) => fs.writeFileSync(at, this.fresh()),
    writeMuch: (at) => fs.writeFileSync(at, this.#much()),
    append: (at) => fs.appendFileSync(at, this.fresh()),
    truncate: (at) => fs.truncateSync(at, this.random(100)),
    writeSparse: (at) => { fs.writeFileSync(at, this.fresh()); fs.truncateSync(at, 200_000 + this.random(1000)); },
    sameSizeAgain: (at) => { for (let i = 0; i < 5; i++) fs.writeFileSync(at, `same size ${this.#count++}`.slice(0, 20).padEnd(20)); },
    makeFolders: (at) => fs.mkdirSync(at, { recursive: true }),
    makeFolder: (at) => fs.mkdirSync(at),
    remove: (at) => fs.rmSync(at),
    removeAll: (at) => fs.rmSync(at, { recursive: true }),
    rename: (at, to) => fs.renameSync(at, to),
    renameAgain: (at, to) => fs.renameSync(at, to),
    renameOver: (at, to) => { fs.rmSync(to, { recursive: true, force: true }); fs.renameSync(at, to); },
    swap: (at, to) => { fs.renameSync(at, `${at}.swap`); fs.renameSync(to, at); fs.renameSync(`${at}.swap`, to); },
    editorSave: (at) => { fs.writeFileSync(`${at}.tmp`, this.fresh()); fs.renameSync(`${at}.tmp`, at); },
    editorSaveWithBackup: (at) => { fs.renameSync(at, `${at}~`); fs.writeFileSync(at, this.fresh()); fs.rmSync(`${at}~`); },
    removeAndMakeAgain: (at) => { fs.rmSync(at, { recursive: true }); fs.writeFileSync(at, this.fresh()); },
    replaceFolder: (at) => { fs.renameSync(at, `${at}.aside`); fs.mkdirSync(at); fs.writeFileSync(join(at, "new"), this.fresh()); if (this.random(2)) fs.rmSync(`${at}.aside`, { recursive: true }); },
    chmod: (at) => fs.chmodSync(at, fs.statSync(at).isDirectory() ? [0o755, 0o700][this.random(2)] : [0o644, 0o600, 0o755][this.random(3)]),
    link: (at) => { fs.rmSync(at, { force: true }); fs.symlinkSync(NAMES[this.random(NAMES.length)], at); },
    hardLink: (at, to) => fs.linkSync(at, to),
    touch: (at) => fs.lutimesSync(at, this.random(1_000_000), this.random(1_000_000)),
    writeUnderOldTime: (at) => { const { atime, mtime } = fs.statSync(at); fs.writeFileSync(at, this.fresh()); fs.utimesSync(at, atime, mtime); },
    openAndKeep: (at) => this.#open.push(fs.openSync(at, "a+")),
    writeToOpen: () => { if (this.#open.length > 0) fs.writeSync(this.#open[this.random(this.#open.length)], this.fresh()); },
    renameWithOpen: (at, to) => {
      fs.mkdirSync(at, { recursive: true });
      const fd = fs.openSync(join(at, "open"), "w");
      this.#open.push(fd);
      fs.writeSync(fd, this.fresh());
      fs.renameSync(at, to);
      fs.writeSync(fd, this.fresh());
    },
    closeOpen: () => this.closeAll(),
    poke: (at) => this.#poke(at),
    pokeAgain: () => this.#pokeAgain(),
    checkout: () => this.#checkout(),
    untar: async (at) => {
      const archive = this.world.path("packages.tar");
      if (!fs.existsSync(archive)) await run("tar", ["-C", this.#packages(), "-cf", archive, "."]);
      fs.mkdirSync(at, { recursive: true });
      await run("tar", ["-C", at, "-xf", archive]);
    },
    copyTree: (at, to) => { if (!to.startsWith(at)) fs.cpSync(at, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true }); },
  };
}
