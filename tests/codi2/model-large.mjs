// Random work in trees that are large and deep: what meets the limits of batches, of pages and of paths (mirror_int.h, files.h,
// content.h). Some of what is moved comes to lie further down than the store takes, or is too long to be named in one go.
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Work, walk } from "./model.mjs";
import { until } from "./world.mjs";

const run = promisify(execFile);

const MOST = 1000; // entries on the disk, before some go
const FURTHEST = 4000; // bytes of a path that is made; what is moved comes to lie further down

/** The entries of a folder by name, but for what codi2 is about to put in place. */
const entriesOf = (folder) => fs.readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith(".coditect")).sort((a, b) => (a.name < b.name ? -1 : 1));
const filesOf = (folder) => entriesOf(folder).filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));

export class LargeWork extends Work {
  /** A third of it is ordinary work, some of that among what is large. */
  async operate() {
    const tops = await until("a look at the disk", () => this.#tops()); // which others change meanwhile
    const count = tops.reduce((sum, [, entries]) => sum + entries, 0);
    if (count > MOST) return this.one({ fell: this.#large.fell }, tops[0][0], "");
    return this.random(3) ? this.one(this.#large, this.#folder() || this.#top(), this.#top()) : super.operate();
  }

  /** What a round begins with. */
  grow() { return this.one(this.#growth, "", this.#top()); }

  path() {
    if (this.random(2)) return super.path();
    const folder = this.#folder() || this.#top();
    return this.random(2) ? folder : join(folder, super.path());
  }

  /** Where what is large stands at first. */
  #top() { return this.random(4) ? `L${this.random(6)}` : super.path(); }

  /** One that is there; "" if there is none. */
  #folder() {
    let path = "";
    for (let levels = 1 + this.random(this.random(2) ? 3 : 300); levels > 0; levels--) {
      const below = entriesOf(this.world.tree(path)).filter((entry) => entry.isDirectory() && entry.name !== ".git");
      const next = below.length > 0 ? join(path, below[this.random(below.length)].name) : path;
      if (next === path || this.world.tree(next).length > FURTHEST) return path;
      path = next;
    }
    return path;
  }

  /** The innermost folder that is found when the first one is taken each time. */
  #bottom(folder) {
    const [next] = entriesOf(folder).filter((entry) => entry.isDirectory());
    return next && folder.length + next.name.length < FURTHEST ? this.#bottom(join(folder, next.name)) : folder;
  }

  /** Folders at the top that a path is not in, in any order. */
  #others(path) {
    const names = entriesOf(this.world.tree()).filter((entry) => entry.isDirectory() && !join(path, "/").startsWith(this.world.tree(entry.name, "/"))).map(({ name }) => name);
    const first = this.random(names.length || 1);
    return [...names.slice(first), ...names.slice(0, first)];
  }

  /** One of them under the innermost folder of another: what is in it may come to lie too far down. */
  #sink() {
    const [what, where] = this.#others("").map((name) => this.world.tree(name));
    fs.renameSync(what, join(this.#bottom(where), "sunk"));
  }

  /** What lies at the top, each with how many entries it is; the largest first. */
  #tops() {
    const counts = new Map();
    walk(this.world.tree(), (path) => { const [top] = path.split("/"); counts.set(top, 1 + (counts.get(top) ?? 0)); });
    return [...counts].sort(([, a], [, b]) => b - a);
  }

  /** A name of about so many bytes; JSON writes some six times as long. */
  #name(bytes, number) { return `${["n", "\x01", "\\"][this.#kind].repeat(Math.max(0, bytes - 5))}${String(number).padStart(4, "0")}`; }
  #kind = 0;

  /** Calls make with that many names for what is in a folder, as long as its path leaves room for. */
  #names(folder, count, make) {
    this.#kind = this.random(3);
    const room = Math.min([10, 60, 250][this.random(3)], FURTHEST - folder.length - 1);
    for (let i = 0; i < count; i++) make(join(folder, this.#name(room, i)), i);
  }

  /** As the sources of a program lie: far down, under long names, with a few files on the way. */
  #plant(at, files) {
    this.#kind = this.random(3);
    const room = Math.floor((FURTHEST - at.length - 300) / 30) - 1;
    const bytes = Math.max(5, [10, 40, room][this.random(3)]);
    let folder = at;
    for (let i = 0; i < 30; i++) {
      folder = join(folder, this.#name(Math.min(bytes, room), i));
      fs.mkdirSync(folder, { recursive: true });
      if (i % 4 === 0) fs.writeFileSync(join(folder, "package-info.java"), this.fresh());
    }
    this.#names(folder, files, (path) => fs.writeFileSync(path, this.fresh()));
  }

  /** Made once: the same content is unpacked again and again. */
  async #archive() {
    const archive = this.world.path("large.tar");
    if (fs.existsSync(archive)) return archive;
    const root = this.world.path("large");
    this.#plant(join(root, "x"), 50);
    this.#folders(join(root, "z"), 200, (path) => fs.writeFileSync(path, this.fresh().padEnd(this.random(1000), "z")));
    await run("tar", ["-C", root, "-cf", archive, "."]);
    return archive;
  }

  async #unpack(to) {
    fs.mkdirSync(to, { recursive: true });
    await run("tar", ["-C", to, "-xf", await this.#archive()]);
  }

  #folders(to, count, make) {
    fs.mkdirSync(to, { recursive: true });
    this.#names(to, count, make);
  }

  /** Many folders in each other. */
  #well(to) {
    fs.mkdirSync(join(to, "d/".repeat(120 + this.random(130))), { recursive: true });
    fs.writeFileSync(join(this.#bottom(to), "f"), this.fresh());
  }

  #growth = {
    plant: (_, to) => this.#plant(to, this.random(100)),
    plantAgain: (_, to) => this.#plant(to, this.random(50)),
    crowd: (_, to) => this.#folders(to, [200, 300, 600, 1100][this.random(4)], (path) => fs.writeFileSync(path, this.fresh())),
    folders: (_, to) => this.#folders(to, 150, (path, i) => { fs.mkdirSync(path); if (i % 2) fs.writeFileSync(join(path, "f"), this.fresh()); }),
    links: (_, to) => this.#folders(to, 150, (path, i) => fs.symlinkSync("\x01".repeat(4091) + String(i).padStart(4, "0"), path)),
    well: (_, to) => this.#well(to),
    wellAgain: (_, to) => this.#well(to),
    unpack: (_, to) => this.#unpack(to),
  };

  #large = {
    ...this.#growth,
    plantBelow: (at) => this.#plant(join(at, "below"), this.random(50)),
    crowdBelow: (at) => this.#names(this.#bottom(at), 200, (path) => fs.writeFileSync(path, this.fresh())),
    unpackAnew: async (at) => { fs.renameSync(at, `${at}.old`); await this.#unpack(at); await run("rm", ["-rf", `${at}.old`]); },
    copyAll: (at, to) => run("cp", ["-a", at, to]),
    rewriteAll: (at) => { for (const path of filesOf(this.#bottom(at))) fs.writeFileSync(path, this.fresh()); },
    saveAll: (at) => { for (const path of filesOf(this.#bottom(at))) { fs.writeFileSync(`${dirname(path)}/save`, this.fresh()); fs.renameSync(`${dirname(path)}/save`, path); } },
    removeSome: (at) => { for (const path of filesOf(this.#bottom(at))) if (this.random(3) === 0) fs.rmSync(path); },
    chmodAll: (at) => run("chmod", ["-R", ["go-r", "go+r"][this.random(2)], at]),
    touchAll: (at) => run("find", [at, "-exec", "touch", "{}", "+"]),
    carry: (at, to) => fs.renameSync(at, to),
    carryInto: (at, to) => fs.renameSync(at, join(to, "carried")),
    carryAll: (at, to) => { fs.mkdirSync(to, { recursive: true }); for (const { name } of entriesOf(at)) fs.renameSync(join(at, name), join(to, name)); },
    sink: () => this.#sink(),
    sinkAgain: () => this.#sink(),
    sinkBelow: (at) => fs.renameSync(at, join(this.#bottom(this.world.tree(this.#others(at)[0])), "sunk")),
    wrap: (at) => { for (let i = 0; i < 10; i++) { fs.renameSync(at, `${at}.wrapped`); fs.mkdirSync(at); fs.renameSync(`${at}.wrapped`, join(at, "wrapped")); } },
    unwrap: (at, to) => { fs.rmSync(to, { recursive: true, force: true }); fs.renameSync(this.#bottom(at), to); },
    fell: (at) => run("rm", ["-rf", "--", at]),
  };
}
