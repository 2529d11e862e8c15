// A disk that is empty is filled in the order of worth, and who waits for a file gets it before all others. Between codi2 and the
// server stands a relay that lets one lot of content through at a time and writes down in which order it was asked for.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { createServer, request } from "node:http";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { World, until } from "./world.mjs";

const FILES = Number(process.env.CODITECT_RESTORE_FILES ?? 320);
const BYTES = FILES > 2000 ? 2048 : 8192; // so that there are some lots, and not too many
const RECENT = 8;
const MANY = FILES > 2000 ? 5 * FILES : 0; // memory is that of a build as released
const MOST = 64 << 20; // bytes that codi2 may ever have had, with what it maps of files
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

class Relay {
  asked = []; // hashes, in order
  #held = []; // answers with content
  #free = false;
  #pages = new Set(); // of the list, that were asked for
  again = 0; // how often one was asked for once more
  constructor(t, here, there) {
    this.server = createServer((req, res) => this.#pass(req, res, there));
    t.after(() => { this.server.closeAllConnections(); this.server.close(); });
    this.ready = new Promise((resolve) => this.server.listen(here, resolve));
  }
  get pages() { return this.#pages.size; }
  get lots() { return this.#held.length; }
  release() { this.#held.shift()?.(); }
  flow() { this.#free = true; while (this.lots) this.release(); }
  #pass(req, res, there) {
    const parts = [];
    req.on("data", (part) => parts.push(part)).on("end", () => {
      const body = Buffer.concat(parts);
      const lot = req.url.startsWith("/wire/chunks:get");
      const again = req.url.startsWith("/wire/tree") && this.#pages.has(req.url);
      if (req.url.startsWith("/wire/tree")) this.#pages.add(req.url);
      if (again) this.again++;
      if (lot) this.asked.push(...JSON.parse(body).hashes);
      if (req.method === "GET" && req.url.startsWith("/wire/chunks/")) this.asked.push(req.url.slice(13, 77));
      const sent = request({ socketPath: there, method: req.method, path: req.url, headers: req.headers, agent: false }, (reply) => {
        const answer = () => { res.writeHead(reply.statusCode, reply.headers); reply.pipe(res); };
        if ((lot || again) && !this.#free) this.#held.push(answer); else answer();
      });
      sent.on("error", () => res.destroy()).end(body);
    });
  }
}

test(`a disk is lost with ${FILES} files: what is waited for comes first, then the last changed`, { timeout: 600_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const names = new Map(); // by the hash of the content
  const write = (name, text) => {
    const bytes = text.padEnd(BYTES, ".");
    names.set(hash(bytes), name);
    fs.writeFileSync(world.tree(name), bytes);
    return bytes;
  };
  fs.mkdirSync(world.tree("folder"));
  for (let i = 0; i < FILES; i++) write(`folder/${String(i).padStart(5, "0")}`, `file ${i}`);
  fs.symlinkSync("folder/00000", world.tree("link"));
  await world.sync();
  fs.writeFileSync(world.tree("large"), Buffer.alloc(400_000, "large and new"));
  const recent = [];
  for (let i = 0; i < RECENT; i++) { // their own times are those of an archive
    const name = `folder/${String((i * 37) % FILES).padStart(5, "0")}`;
    write(name, `changed ${i}`);
    fs.utimesSync(world.tree(name), 1, i % 2);
    recent.unshift(name);
    await world.sync();
  }
  const before = fs.readdirSync(world.tree("folder"));
  const stored = (await world.entries()).filter(({ path }) => path.startsWith("folder/")).sort((a, b) => b.version - a.version).map(({ path }) => path);
  await world.kill("codi2");
  for (const name of ["tree", "index"]) fs.rmSync(world.path(name), { recursive: true });
  world.disk();

  const relay = new Relay(t, world.path("relay.sock"), world.path("wire.sock"));
  await relay.ready;
  await world.startCodi2(["--wire", world.path("relay.sock")]);
  await until("a lot is asked for", () => relay.lots > 0);
  assert.deepEqual([fs.readdirSync(world.tree()).sort(), fs.readdirSync(world.tree("folder"))], [["folder", "link"], []], "the skeleton first, and no file that is empty");
  const { state, restoring } = await world.status();
  assert.deepEqual([state, restoring], ["restoring", { done: 0, total: FILES + 1 }]);

  assert.deepEqual(stored.slice(0, RECENT), recent);
  const last = stored.at(-1);
  const wanted = world.door("GET", `/await?path=${encodeURIComponent(last)}`).then(({ status }) => status);
  const never = world.door("GET", "/await?path=never").then(({ status }) => status);
  const came = () => fs.existsSync(world.tree(last));
  for (let lots = 1; !came(); lots++) { // one should do; the door may be slow
    assert.ok(lots < 4, "it comes before the others");
    await until("a lot", () => relay.lots > 0);
    relay.release();
    await until("it is asked for, or another lot", () => came() || relay.lots > 0);
    for (let i = 0; i < 300 && !came(); i++) await wait(10);
  }
  assert.deepEqual(await Promise.all([wanted, never]), [204, 204], "it is there; of the other nothing will come");
  assert.equal(fs.readFileSync(world.tree(last)).length, BYTES);
  assert.ok(fs.readdirSync(world.tree("folder")).length < FILES, "the rest is still to come");
  assert.equal((await world.status()).state, "restoring");

  relay.flow();
  await until("restored", async () => (await world.status()).state === "persisted", 300);
  assert.deepEqual(fs.readdirSync(world.tree("folder")), before);
  const known = relay.asked.map((one) => names.get(one)).filter((name) => name !== undefined && name !== last);
  assert.deepEqual(known, stored.slice(0, -1), "the last changed first, by their versions");
  assert.ok(relay.asked.findLastIndex((one) => names.has(one)) < relay.asked.length - 1, "small files before the large one");

  const ask = (path) => world.door("GET", `/await${path}`).then(({ status }) => status);
  assert.deepEqual(await Promise.all(["?path=never", `?root=workspace&path=${last}`, "?path=/etc/passwd", "?path=../x", "?root=home&path=x", "?root=etc&path=passwd", "?path=", ""].map(ask)), [204, 204, 400, 400, 404, 404, 400, 400]);
});

/** Files so small that they lie in the list of the tree: more than codi2 keeps of it in memory. */
async function withSmallest(t, count) {
  const world = new World(t);
  await world.startServer();
  const folderOf = (i) => `part-${String(Math.floor(i / 100)).padStart(4, "0")}`;
  const nameOf = (i) => `${folderOf(i)}/file-${String(i).padStart(6, "0")}`;
  const textOf = (i) => `${i} `.padEnd(500, "x");
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) fs.mkdirSync(world.tree(folderOf(i)));
    fs.writeFileSync(world.tree(nameOf(i)), textOf(i));
  }
  await world.startCodi2();
  await until("stored", async () => { const { state, pending, seq } = await world.status(); return state === "persisted" && pending === 0 && seq >= count; }, 600);
  await world.kill("codi2");
  for (const name of ["tree", "index"]) fs.renameSync(world.path(name), world.path(`${name}-lost`));
  world.disk();
  const isWhole = () => { for (let i = 0; i < count; i++) assert.equal(fs.readFileSync(world.tree(nameOf(i)), "utf8"), textOf(i), nameOf(i)); };
  return { world, nameOf, isWhole };
}

test("of the smallest files the latest changed are kept in memory, and for the others the list is read again", { timeout: 600_000 }, async (t) => {
  const COUNT = 2600;
  const { world, nameOf, isWhole } = await withSmallest(t, COUNT);
  const stored = (await world.entries()).filter(({ kind }) => kind === "file").sort((a, b) => b.version - a.version).map(({ path }) => path);
  assert.equal(stored.length, COUNT);
  const relay = new Relay(t, world.path("relay.sock"), world.path("wire.sock"));
  await relay.ready;
  await world.startCodi2(["--wire", world.path("relay.sock")]);
  await until("a page is asked for again", () => relay.lots > 0, 120);
  const { pages } = relay;
  const here = (path) => fs.existsSync(world.tree(path));
  const recent = stored.findIndex((path) => !here(path));
  assert.ok(recent > COUNT / 4, `${recent} of the latest changed came first`);
  const oldest = stored.findLast((path) => !here(path));
  assert.equal(here(oldest), false);
  const wanted = world.door("GET", `/await?path=${encodeURIComponent(oldest)}`).then(({ status }) => status);
  for (let i = 0; !here(oldest); i++) {
    assert.ok(i < 3, "its page comes next");
    await wait(500); // it is asked for by then, or one page later
    await until("a page", () => relay.lots > 0);
    relay.release();
    const { again } = relay;
    await until("it is here, or another page is asked for", () => here(oldest) || relay.again > again);
  }
  assert.equal(await wanted, 204);
  assert.equal((await world.status()).state, "restoring", "the rest is still to come");
  relay.flow();
  await until("restored", async () => (await world.status()).state === "persisted", 300);
  isWhole();
  assert.ok(relay.again <= pages, `${relay.again} of ${pages} pages were read once more`);
  assert.equal(nameOf(0), stored.at(-1));
});

test(`a disk is lost with ${MANY} files: they come back through bounded memory`, { timeout: 1_800_000, skip: MANY === 0 && "CODITECT_RESTORE_FILES is not set" }, async (t) => {
  const { world, isWhole } = await withSmallest(t, MANY);
  await world.startCodi2();
  await until("restored", async () => { const { state, pending } = await world.status(); return state === "persisted" && pending === 0; }, 600);
  const status = fs.readFileSync(`/proc/${world.codi2.pid}/status`, "utf8");
  const [most, now] = ["VmHWM", "VmRSS"].map((name) => 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]));
  t.diagnostic(`codi2 had ${most >> 20} MiB at most, and has ${now >> 20}`);
  assert.ok(most < MOST, `${most} bytes`);
  assert.ok(now < MOST / 2, `${now} bytes are given back when all is here`);
  isWhole();
});
