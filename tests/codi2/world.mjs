// What the tests stand on: the real codi2 and the server's side of the wire, without a sandbox, on a disk that can be lost.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { openLink } from "./link.mjs";

const build = process.env.CODITECT_BUILD ?? "";
assert.notEqual(build, "", "CODITECT_BUILD must name the build directory");
const token = "right";
const running = new Set();
after(() => { for (const child of running) child.kill("SIGKILL"); });

function start(program, args, stdio, env = {}, wrap = []) {
  const [file, ...before] = [...wrap, join(build, program)];
  const child = spawn(file, [...before, ...args], { stdio, env: { ...process.env, ...env } });
  running.add(child);
  child.ended = new Promise((resolve) => child.on("exit", (code) => { running.delete(child); resolve(code); }));
  return child;
}

export async function until(what, predicate, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  for (let why = ""; ;) {
    const value = await Promise.resolve().then(predicate).catch((error) => { why = `: ${error.message}`; });
    if (value) return value;
    assert.ok(Date.now() < deadline, `${what} within ${seconds} s${why}`);
    await wait(10);
  }
}

export function call(socketPath, method, path, headers = {}, content = "") {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers, agent: false }, (reply) => {
      let text = "";
      reply.setEncoding("utf8").on("data", (piece) => (text += piece)).on("end", () => {
        const isJson = reply.headers["content-type"]?.startsWith("application/json");
        resolve({ status: reply.statusCode, headers: reply.headers, body: isJson ? JSON.parse(text) : text });
      });
    });
    sent.on("error", reject).end(content);
  });
}

/** Whatever is below it: node's own has no way to a path longer than the kernel takes. */
export const remove = (path) => execFileSync("rm", ["-rf", "--", path]);

/** A store, a server, and a disk that can be lost. `first`: the disk of the person's other session, on the first one's server. */
export class World {
  root = "workspace"; // the tree that is asked about
  token = token;
  constructor(t, first) {
    this.first = first ?? this;
    if (first) this.token = `${token}-second`;
    this.place = fs.mkdtempSync(join(tmpdir(), "coditect-mirror-"));
    this.disk();
    t.after(async () => {
      this.codi2?.kill("SIGKILL");
      this.server?.kill("SIGKILL");
      await Promise.all([this.codi2?.ended, this.server?.ended]);
      remove(this.place);
    });
  }
  path(...parts) { return join(this.place, ...parts); }
  tree(...parts) { return join(this.place, "tree", ...parts); }
  disk() { for (const name of ["tree", "index", "home", "home-index"]) fs.mkdirSync(this.path(name), { recursive: true }); }
  async startServer(env = {}) {
    this.server = start("tests/codi2/wire-server", [this.path("store"), this.path("wire.sock"), token], ["ignore", "pipe", "inherit"], env);
    await new Promise((resolve, reject) => {
      this.server.stdout.once("data", (line) => resolve(this.session = String(line).trim().split(" ")[1]));
      this.server.once("exit", () => reject(new Error("the server ended")));
    });
  }
  /** With the home mirrored, too. */
  startWithHome(args = []) { return this.startCodi2(["--home", this.path("home"), "--home-index", this.path("home-index"), ...args]); }
  /** wrap: a command that starts it. */
  async startCodi2(args = [], env = {}, wrap = []) {
    this.spawnCodi2(args, env, wrap);
    await until("the door", () => call(this.path("door.sock"), "GET", "/health"));
  }
  spawnCodi2(args = [], env = {}, wrap = []) {
    this.codi2 = start("src/codi2/codi2", [
      "--workspace", this.path("tree"), "--workspace-index", this.path("index"), "--home", "", "--token-fd", "3", "--generation", "1",
      "--wire", this.first.path("wire.sock"), "--door", this.path("door.sock"), "--session-id", this.session ?? "ses-test",
      ...args,
    ], ["ignore", "inherit", "inherit", "pipe"], env, wrap);
    this.codi2.stdio[3].end(this.token);
  }
  async kill(name) {
    this[name].kill("SIGKILL");
    await this[name].ended;
  }
  async sync() {
    const { status, body } = await call(this.path("door.sock"), "POST", "/sync");
    assert.equal(status, 200, JSON.stringify(body));
    return body.seq;
  }
  door(method, path, headers, content) { return call(this.path("door.sock"), method, path, headers, content); }
  status() { return call(this.path("door.sock"), "GET", "/status").then((answer) => answer.body); }
  /** Offline by the count of what waits, whatever else is shown. */
  async mirrorIsOffline() { return (await this.status()).pending > 0; }
  async #wire(method, what, content) {
    const { status, body } = await call(this.first.path("wire.sock"), method, `/wire/${what}`, { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" }, content && JSON.stringify(content));
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  }
  /** What the session begins with, and how far it is. */
  source() { return this.#wire("GET", "source?root=workspace"); }
  /** The entries that the store holds, or held at a moment. */
  async entries(seq = 0) {
    const all = [];
    let next = "";
    do {
      const body = await this.#wire("GET", `tree?root=${this.root}&at=${seq}&cursor=${next}`);
      all.push(...body.entries);
      next = body.next ? Buffer.from(body.next, "base64").toString("base64url") : "";
    } while (next);
    return all;
  }
  /** The same by path: kind, mode, the hash of files or the target of links, and, but for folders, the time. */
  async stored(seq = 0) {
    const all = {};
    for (const e of await this.entries(seq)) all[e.path ?? Buffer.from(e.path_b64, "base64").toString("latin1")] = `${e.kind} ${e.mode.toString(8)} ${e.hash ?? e.target ?? ""}${e.kind === "dir" ? "" : ` ${e.mtime}`}`;
    return all;
  }
  /** All changes that ever were. */
  async events() {
    const all = [];
    for (let since = 0; ;) {
      const body = await this.#wire("GET", `changes?root=${this.root}&since=${since}`);
      all.push(...body.events);
      if (body.events.length === 0) return all;
      since = body.seq;
    }
  }
  /** A change by somebody else; whether it was applied. */
  async change(...changes) {
    const batch = { id: randomBytes(16).toString("hex"), generation: 1, changes };
    return (await this.#wire("POST", `changes?root=${this.root}`, batch)).outcome === "applied";
  }
}

/** In microseconds, as the store keeps it. */
export const timeOf = (path) => String(fs.lstatSync(path, { bigint: true }).mtimeNs / 1000n);

/** Everything below a folder: path → kind, mode, content and, but for folders, the time. */
export function snapshot(root) {
  const all = {};
  const visit = (path) => {
    for (const name of fs.readdirSync(join(root, path)).sort()) {
      const at = path ? `${path}/${name}` : name;
      const facts = fs.lstatSync(join(root, at));
      if (facts.isDirectory()) { all[at] = `dir ${(facts.mode & 0o7777).toString(8)}`; visit(at); }
      else if (facts.isSymbolicLink()) all[at] = `link ${fs.readlinkSync(join(root, at))} ${timeOf(join(root, at))}`;
      else all[at] = `file ${(facts.mode & 0o7777).toString(8)} ${fs.readFileSync(join(root, at)).toString("base64")} ${timeOf(join(root, at))}`;
    }
  };
  visit("");
  return all;
}

export function fill(world) {
  fs.mkdirSync(world.tree("src/deep/er"), { recursive: true });
  fs.mkdirSync(world.tree("empty"));
  fs.writeFileSync(world.tree("nothing"), "");
  fs.writeFileSync(world.tree("small.txt"), "hello");
  fs.writeFileSync(world.tree("src/deep/er/chunk"), randomBytes(40_000));
  fs.writeFileSync(world.tree("large.bin"), randomBytes(3_000_000));
  fs.writeFileSync(world.tree("src/run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  fs.writeFileSync(world.tree("naïve – 文件.txt"), "unicode");
  fs.symlinkSync("small.txt", world.tree("link"));
  fs.symlinkSync("/etc/passwd", world.tree("out"));
}

export async function lose(world, what) {
  await world.kill("codi2");
  for (const name of what) remove(world.path(name));
  world.disk();
  await world.startCodi2();
  await until("restored", async () => (await world.status()).state === "persisted", 120);
}

/** A file that others write, on top of the version base. */
export const put = (path, text, base = 0) => ({ change: "put", path, base, author: { kind: "api", id: "usr-other" }, kind: "file", mode: 0o644, mtime: 1, size: text.length, hash: createHash("sha256").update(text).digest("hex"), bytes: Buffer.from(text).toString("base64") });

/** Before codi2: whoever may read and write everything finds nothing shut. */
export const owner = process.getuid() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];

/** A world whose codi2 has its link to the server through one that tests hold up (link.mjs). */
export async function linked(t) {
  const world = new World(t);
  await world.startServer();
  const link = await openLink(t, world.path("link.sock"), world.path("wire.sock"));
  await world.startCodi2(["--wire", world.path("link.sock")]);
  return { world, link };
}
