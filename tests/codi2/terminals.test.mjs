// Terminals at the door: shells that live on without anybody who looks, what they said last, and how many there may be.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Terminal } from "./terminal.mjs";
import { World, until } from "./world.mjs";

const RING = 256 * 1024;
const quick = { timeout: 120_000 };

async function started(t) {
  const world = new World(t);
  // What was freed is no memory that is held: a sanitizer keeps little of it.
  const ASAN_OPTIONS = `${process.env.ASAN_OPTIONS ?? ""}:quarantine_size_mb=4`;
  await world.startCodi2([], { SHELL: "/bin/bash", HOME: world.path("home"), PS1: "", ENV: "", ASAN_OPTIONS });
  world.url = (id, query = "") => `ws+unix:${world.path("door.sock")}:/terminals/${id}${query}`;
  world.open = async (id, query, options) => {
    const terminal = await Terminal.open(world.url(id, query), options);
    t.after(() => terminal.socket.terminate());
    return terminal;
  };
  world.list = async () => (await world.door("GET", "/terminals")).body.terminals;
  return world;
}

const alive = (pid) => fs.existsSync(`/proc/${pid}`);

async function pidOf(terminal) {
  terminal.type("echo pid=$$=\n");
  await terminal.shows(/pid=(\d+)=/);
  return Number(/pid=(\d+)=/.exec(terminal.text)[1]);
}

test("a login shell in the workspace, on a terminal that knows UTF-8, whose saves are the terminal's", quick, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2([], { SHELL: "/bin/bash", HOME: world.path("home"), CODITECT_X: "x" });
  const terminal = await Terminal.open(`ws+unix:${world.path("door.sock")}:/terminals/main`);
  assert.deepEqual({ ...terminal.opened, run: "" }, { type: "opened", terminal: "main", run: "", offset: 0, cols: 80, rows: 24, new: true });
  assert.match(terminal.opened.run, /^[0-9a-f]{16}$/);
  terminal.type("shopt -q login_shell && echo \"login in=$PWD term=$TERM/$COLORTERM x=$CODITECT_X.\"; tty; stty -a; stty size\n");
  await terminal.shows(`login in=${world.tree()} term=xterm-256color/truecolor x=.`);
  await terminal.shows(/\/dev\/pts\/\d+[^]* iutf8\s[^]*24 80\r\n/);
  terminal.type("echo 'saved here' > saved.txt\n");
  await until("the file is stored", async () => (await world.stored())["saved.txt"]);
  const event = (await world.events()).find(({ path }) => path === "saved.txt");
  assert.equal(event.author.kind, "terminal", JSON.stringify(event));
  terminal.socket.terminate();
});

test("the size is the last one that was asked for", quick, async (t) => {
  const world = await started(t);
  const terminal = await world.open("size", "?cols=132&rows=50");
  assert.deepEqual([terminal.opened.cols, terminal.opened.rows], [132, 50]);
  terminal.type("trap 'echo now $(stty size)' WINCH; echo at first $(stty size)\n");
  await terminal.shows("at first 50 132");
  terminal.say({ type: "resize", cols: 60, rows: 20 });
  terminal.type("\n");
  await terminal.shows("now 20 60");
  const other = await world.open("size", "?cols=100&rows=40");
  assert.deepEqual([other.opened.cols, other.opened.rows, other.opened.new], [100, 40, false]);
  terminal.type("\n");
  await terminal.shows("now 40 100");
});

test("it lives on while nobody looks, and goes on where the other one stopped", quick, async (t) => {
  const world = await started(t);
  const first = await world.open("work");
  const pid = await pidOf(first);
  first.type("for i in 1 2 3; do echo line-$i-ende; while [ ! -e on ]; do sleep 0.1; done; done; echo all-done; touch over\n");
  await first.shows("line-1-ende\r\n");
  const { offset } = first;
  const { run } = first.opened;
  await first.vanish();
  await until("nobody looks", async () => (await world.list())[0].sockets === 0);
  fs.writeFileSync(world.tree("on"), "");
  await until("it goes on", () => fs.existsSync(world.tree("over")));
  assert.ok(alive(pid));
  const again = await world.open("work", `?since=${offset}&run=${run}`);
  assert.deepEqual([again.opened.offset, again.opened.run, again.opened.new], [offset, run, false]);
  await again.shows("all-done\r\n");
  assert.equal(first.text.split("line-1-ende\r\n").length + again.text.split("line-1-ende\r\n").length, 3); // once in both
  assert.match(again.text, /line-2-ende\r\nline-3-ende\r\nall-done/);
  const all = await world.open("work");
  await all.shows("all-done\r\n");
  assert.equal(all.opened.offset, 0);
  assert.ok(all.text.startsWith(first.text), "its scrollback, from the beginning");
  assert.equal(await pidOf(again), pid);
});

test("two see the same, and either types", quick, async (t) => {
  const world = await started(t);
  const [a, b] = [await world.open("both"), await world.open("both")];
  a.type("echo from-$((1+1))-a\n");
  await Promise.all([a.shows("from-2-a"), b.shows("from-2-a")]);
  b.type("echo from-$((1+2))-b\n");
  await Promise.all([a.shows("from-3-b"), b.shows("from-3-b")]);
  await until("both have all", () => a.offset === b.offset);
  assert.deepEqual(a.bytes, b.bytes);
  const [listed] = await world.list();
  assert.deepEqual([listed.id, listed.state, listed.sockets], ["both", "running", 2]);
});

test("it ends with its shell, and says how; its end waits for somebody who comes back", quick, async (t) => {
  const world = await started(t);
  const terminal = await world.open("ends");
  terminal.type("echo last-words; exit 7\n");
  assert.deepEqual(await terminal.closed, { code: 1000, reason: "the shell has ended" });
  assert.deepEqual(terminal.ended, { type: "ended", exit_code: 7 });
  assert.match(terminal.text, /last-words\r\n/);

  const killed = await world.open("killed");
  killed.type("kill -9 $$\n");
  await killed.closed;
  assert.deepEqual(killed.ended, { type: "ended", signal: 9 });

  const away = await world.open("away", `?command=${encodeURIComponent("until [ -e leave ]; do sleep 0.1; done; echo done-it; exit 3")}`);
  await away.vanish();
  await until("nobody looks", async () => (await world.list()).find(({ id }) => id === "away").sockets === 0);
  fs.writeFileSync(world.tree("leave"), "");
  await until("it has ended", async () => (await world.list()).find(({ id, state }) => id === "away" && state === "ended"));
  for (const query of ["", `?run=${away.opened.run}`]) { // told once, it is there for who knows its run
    const back = await world.open("away", query);
    await back.closed;
    assert.deepEqual([back.text, back.ended, back.opened.new], ["done-it\r\n", { type: "ended", exit_code: 3 }, false], query);
  }
  const fresh = await world.open("away");
  assert.equal(fresh.opened.new, true);
  assert.notEqual(fresh.opened.run, away.opened.run);
  const gone = await world.open("away", `?run=${away.opened.run}`); // never another in its place
  await gone.closed;
  assert.deepEqual(gone.words, [{ type: "gone" }]);
});

test("DELETE hangs up on it", quick, async (t) => {
  const world = await started(t);
  const terminal = await world.open("bye");
  const pid = await pidOf(terminal);
  assert.equal((await world.door("DELETE", "/terminals/bye")).status, 204);
  assert.equal((await terminal.closed).code, 1000);
  assert.deepEqual(terminal.ended, { type: "ended" });
  await until("its shell is gone", () => !alive(pid));
  assert.equal((await world.door("DELETE", "/terminals/bye")).status, 404);
  assert.deepEqual(await world.list(), []);
});

test("sixteen, and no more; one that has ended makes room", quick, async (t) => {
  const world = await started(t);
  for (let i = 0; i < 16; i++) await world.open(`t-${i}`);
  const refused = new Terminal(world.url("t-16"));
  assert.deepEqual(await refused.closed, { code: 1013, reason: "there are 16 terminals, the most: end one first" });
  const again = await world.open("t-3"); // one that is there is no new one
  again.type("exit\n");
  await again.closed;
  assert.equal((await world.open("t-16")).opened.new, true);
  assert.equal((await world.list()).length, 16);

  for (let i = 1; i < 16; i++) await world.open("t-5"); // the sixteenth socket of it
  const crowd = new Terminal(world.url("t-5"));
  assert.deepEqual(await crowd.closed, { code: 1013, reason: "too many look at this terminal" });
});

test("what is no name, no query and no word of a terminal", quick, async (t) => {
  const world = await started(t);
  for (const [id, query, status] of [
    ["a%20b", "", 404], ["", "", 404], ["x/y", "", 404], ["a".repeat(65), "", 404], ["ä", "", 404],
    ["x", "?since=-1", 400], ["x", "?since=1e3", 400], ["x", "?run=abc", 400], ["x", "?cols=0&rows=1", 400], ["x", "?cols=80&rows=1001", 400],
    ["x", "?command=", 400], ["x", `?command=${"a".repeat(4097)}`, 400],
  ]) {
    const terminal = new Terminal(world.url(id, query));
    await until(`${id}${query} is answered`, () => terminal.reply || terminal.opened);
    assert.equal(terminal.status, status, `${id}${query}`);
  }
  assert.equal((await world.door("GET", "/terminals/x")).status, 400); // no handshake
  const page = new Terminal(world.url("x"), { origin: "http://localhost:3000" }); // that a forwarded port led to the door
  await until("a page is answered", () => page.reply || page.opened);
  assert.equal(page.status, 403);
  assert.equal((await world.door("POST", "/terminals/x")).status, 405);
  assert.equal((await world.door("DELETE", "/terminals")).status, 405);
  assert.deepEqual(await world.list(), []);
  for (const word of ["resize", "{}", "[]", { type: "resize" }, { type: "resize", cols: 80 }, { type: "resize", cols: "80", rows: 24 },
    { type: "resize", cols: 0, rows: 24 }, { type: "resize", cols: 80, rows: 1001 }, { type: "kill" }, `{"type":"resize","cols":80,"rows":24,"x":"${"x".repeat(1024)}"}`]) {
    const terminal = await world.open("x");
    terminal.say(word);
    assert.deepEqual(await terminal.closed, { code: 1008, reason: "no message that a terminal knows" }, JSON.stringify(word));
  }
  const large = await world.open("x");
  large.socket.send(Buffer.alloc(64 * 1024 + 1));
  assert.equal((await large.closed).code, 1009);
  assert.equal((await world.list()).length, 1); // the shell is none the worse
});

test("a character that is cut between two frames is whole again", quick, async (t) => {
  const world = await started(t);
  const terminal = await world.open("utf8", "?command=" + encodeURIComponent("stty -echo; echo ready; read -r line; printf '[%s]' \"$line\"; sleep 0.2"));
  await terminal.shows("ready");
  const text = Buffer.from("naïve – 文件 🙂\n");
  for (const byte of text) terminal.socket.send(Buffer.from([byte]));
  await terminal.closed;
  assert.equal(terminal.text, `ready\r\n[${text.toString().trim()}]`);
});

/** What codi2 holds in memory, in bytes. */
const memory = (world) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${world.codi2.pid}/status`, "utf8"))[1]) * 1024;

test("a flood: a reader that does not read holds up no other, costs no memory, and is told what it missed", { timeout: 300_000 }, async (t) => {
  const world = await started(t);
  const lazy = await world.open("flood", "", { perMessageDeflate: false }); // what a flood says is short when it is compressed
  lazy.socket.pause();
  const { offset } = lazy;
  const eager = await world.open("flood");
  const before = memory(world);
  eager.type("yes 'a line that is told again and again' | head -c 3000000; echo; echo flood-$((1+1))-over\n");
  await eager.shows("flood-2-over\r\n", 120);
  assert.equal(eager.missed, 0);
  assert.ok(eager.offset > 3_000_000);
  const grown = memory(world) - before;
  assert.ok(grown < 48 << 20, `${grown} bytes more`);
  lazy.socket.resume();
  await lazy.shows("flood-2-over\r\n", 120);
  assert.equal(lazy.offset, eager.offset);
  assert.ok(lazy.missed > 3_000_000 - RING - (1 << 20) && lazy.missed < 3_000_000, `${lazy.missed}`);
  assert.ok(lazy.bytes.length + lazy.missed === lazy.offset - lazy.opened.offset, "each byte was shown or named");

  const late = await world.open("flood", `?since=${offset}`);
  await late.shows("flood-2-over\r\n");
  assert.equal(late.opened.offset, offset);
  assert.equal(late.missed, eager.offset - RING - offset);
});

test("to one reader alone nothing is lost, however slow; without any the shell is held up by nobody", { timeout: 300_000 }, async (t) => {
  const world = await started(t);
  const slow = await world.open("slow", "?command=" + encodeURIComponent("seq 1 400000; touch written; sleep 1; echo the-end"));
  slow.socket.pause();
  await wait(2000);
  assert.ok(!fs.existsSync(world.tree("written")), "the shell waits for its only reader");
  slow.socket.resume();
  await slow.closed;
  assert.equal(slow.missed, 0);
  assert.equal(slow.offset, Array.from({ length: 400_000 }, (_, i) => String(i + 1).length + 2).reduce((a, b) => a + b) + "the-end\r\n".length);

  const left = await world.open("left", "?command=" + encodeURIComponent("seq 1 400000; touch written-too; sleep 60"));
  left.socket.pause();
  await wait(500);
  await left.vanish();
  await until("the shell goes on", () => fs.existsSync(world.tree("written-too")));
});

test("typing that the shell does not take waits, and comes whole", quick, async (t) => {
  const world = await started(t);
  const n = 600_000;
  const terminal = await world.open("typed", "?command=" + encodeURIComponent(`stty raw -echo; echo ready; sleep 1; head -c ${n} | sha256sum; sleep 0.2`));
  await terminal.shows("ready");
  const { createHash } = await import("node:crypto");
  const content = Buffer.alloc(n, "0123456789abcdef of what is typed\n");
  for (let i = 0; i < n; i += 50_000) terminal.socket.send(content.subarray(i, i + 50_000));
  await terminal.closed;
  assert.match(terminal.text, new RegExp(createHash("sha256").update(content).digest("hex")));
});

test("with codi2 its shells end: asked to, with their sockets told; killed, all the same", quick, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2([], { SHELL: "/bin/bash", HOME: world.path("home") });
  const open = () => Terminal.open(`ws+unix:${world.path("door.sock")}:/terminals/x`);
  const terminal = await open();
  const pid = await pidOf(terminal);
  world.codi2.kill("SIGTERM");
  const { code } = await terminal.closed;
  assert.ok(code === 1000 || code === 1001, `${code}`);
  assert.equal(await world.codi2.ended, 0);
  assert.ok(!alive(pid));
  await world.startCodi2([], { SHELL: "/bin/bash", HOME: world.path("home") });
  const next = await open();
  const orphan = await pidOf(next);
  await world.kill("codi2");
  await next.closed;
  await until("the shell went with it", () => !alive(orphan));
});

test("a socket that ends in the middle of its handshake leaves nothing behind", quick, async (t) => {
  const world = await started(t);
  for (let i = 0; i < 50; i++) {
    const stream = connect(world.path("door.sock"));
    stream.on("error", () => {});
    stream.write(`GET /terminals/cut-${i % 3} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n`);
    if (i % 2) await wait(1);
    stream.destroy();
  }
  await until("all are gone", async () => (await world.list()).every(({ sockets }) => sockets === 0));
  assert.equal((await world.door("GET", "/health")).status, 200);
});
