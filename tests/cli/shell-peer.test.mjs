// shell against servers of our own making: what they say, that they say nothing any more, that they are not listened to.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import { movableClock, until } from "../api/harness.mjs";
import { Cli } from "./cli.mjs";
import { Pty } from "./pty.mjs";

const slow = { timeout: 180_000 };
const session = `ses-${"0".repeat(26)}`;
const time = "2026-11-21T04:05:06.789Z";

const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ACCEPT\r\n";
const good = `${head}\r\n`;
const frame = (first, payload) => {
  const bytes = Buffer.from(payload);
  const length = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 255];
  return Buffer.concat([Buffer.from([first, ...length]), bytes]);
};
const word = (value) => frame(0x81, JSON.stringify(value));
const opened = (fresh) => word({ type: "opened", terminal: "x", run: "0".repeat(16), offset: 0, cols: 80, rows: 24, new: fresh });
const ended = word({ type: "ended", exit_code: 0 });

/** A server of one session, as `is` says. talk(socket, say): a shell is asked for, and hears what is said. */
async function fake(t, talk) {
  const is = { state: "running", terminals: [] };
  const server = createServer((request, response) => {
    const workspace = { id: "w", state: is.state, runtime: "local", connected: true };
    const data = { id: session, name: "Project A", status: "active", tenant_id: "t", user_id: "u", workspace, agents: [], files: 0, bytes: 0,
      created_at: time, updated_at: time, last_access_at: time, revision: 1 };
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ success: true, data: request.url.endsWith("/terminals") ? is.terminals : data }));
  });
  const sockets = [];
  server.on("upgrade", (request, socket) => {
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    sockets.push(socket);
    socket.on("error", () => undefined);
    talk(socket, (...parts) => socket.write(Buffer.concat(parts.map((part) => Buffer.from(typeof part === "string" ? part.replace("ACCEPT", accept) : part)))));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close().closeAllConnections();
    for (const socket of sockets) socket.destroy();
  });
  const cli = new Cli({ port: server.address().port });
  cli.keep({ url: cli.url, email: "a@b.example", token: "t", refresh_token: "r", expires_at: 4e9 });
  return { cli, is };
}

/** A clock of the run's own: it jumps so many seconds more ahead. */
function clockOf(t) {
  const clock = movableClock(t);
  let at = 0;
  return { env: { ...clock.env, CLOCK_EVERY: "1" }, ahead: (seconds) => clock.jump((at += seconds)) };
}

test("whatever a server says: bounded, escaped, 1", slow, async (t) => {
  let answer, later;
  const { cli, is } = await fake(t, (socket, say) => {
    is.state = later ?? is.state;
    say(...answer);
    socket.end();
  });
  const close = (code, reason) => frame(0x88, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
  const refusal = (status, body) => `HTTP/1.1 ${status} No\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  for (const [status, says, ...bytes] of [
    [0, /^$/, good, opened(true), frame(0x82, "a\0\xff"), word({ type: "later" }), word({ type: "ended", exit_code: 0 })],
    [5, /of this name already/, good, opened(false), frame(0x82, "old"), word({ type: "ended", exit_code: 0 })],
    [6, /lost again and again/, good, opened(true)],
    [129, /was ended/, good, opened(true), word({ type: "ended", exit_code: 256 })],
    [4, /not there any more/, good, word({ type: "gone" })],
    [1, /does not answer as/, good, frame(0x82, "bytes first")],
    [1, /does not answer as/, good, opened(true), opened(true)],
    [1, /does not answer as/, good, word({ type: "opened", run: "\u001b[31m", offset: 0, new: true })],
    [1, /does not answer as/, good, word({ type: "opened", run: "0".repeat(16), offset: -1, new: true })],
    [1, /does not answer as/, good, frame(0x81, "{")],
    [1, /does not answer as/, good, opened(true), word({ type: "missed", bytes: "7" })],
    [6, /7 bytes of its output are not kept/, good, opened(true), word({ type: "missed", bytes: 7, offset: 7 }), word({ type: "ended", exit_code: 0 })],
    [1, /does not answer as/, good, opened(true), Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0])], // 4 GiB
    [1, /does not answer as/, good, opened(true), Buffer.from([0x82, 0x81, 1, 2, 3, 4, 5])], // masked
    [1, /does not answer as/, good, opened(true), Buffer.from([0xc2, 0x01, 5])], // compressed, which nobody offered
    [1, /does not answer as/, good, opened(true), frame(0x81, Buffer.from([0xff]))],
    [1, /does not answer as/, good.replace("ACCEPT", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="), opened(true)],
    [1, /does not answer as/, `${head}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n`, opened(true)],
    [1, /does not answer as/, "\x1b[31m no HTTP\r\n\r\n"],
    [1, /does not answer as/, `HTTP/1.1 200 OK\r\nX: ${"y".repeat(100_000)}\r\n\r\n`],
    [6, /answered 200, not as/, refusal(200, "")],
    [5, /none \\x1b\[31mfor you/, refusal(409, JSON.stringify({ error: { message: "none \x1b[31mfor you" } }))],
    [2, /answered 418/, refusal(418, "{")],
    [2, /answered 302/, refusal(302, "")],
    [6, /connection broke/, refusal(502, "x".repeat(100)).slice(0, -1)],
    [5, /cannot be reached: full \\x1b/, good, close(1013, "full \x1b")],
    [6, /no room/, good, close(1011, "no room")],
    [6, /connection broke/, good],
  ]) {
    answer = bytes;
    const end = await cli.run(["shell", session, "-c", "true", "--patience", "1"]);
    assert.equal(end.status, status, `${JSON.stringify(String(bytes.at(-1)).slice(0, 200))}: ${end.stdout}${end.stderr}`);
    assert.match(end.stderr, says);
    assert.doesNotMatch(end.stderr, /\x1b/);
  }
  [answer, later] = [[good, opened(true)], "starting"];
  await cli.fails(6, /workspace is starting/, "shell", session, "-c", "true", "--patience", "1");
  is.terminals = [{ id: "a\x1b[31m", run: "0", state: "running\u202e", started_at: time, sockets: 1 }];
  const { stdout } = await cli.ok("shells", "ls", session);
  assert.match(stdout, /a\\x1b\[31m +running\\u202e /);
});

test("output that nobody takes: the server is not read, and hears every 30 s that somebody is there", slow, async (t) => {
  const pieces = 50;
  let got = Buffer.alloc(0);
  const { cli } = await fake(t, (socket, say) => {
    say(good, opened(true), ...Array(pieces).fill(frame(0x82, Buffer.alloc(60_000, "x"))), ended);
    socket.on("data", (piece) => { got = Buffer.concat([got, piece]); });
  });
  const clock = clockOf(t);
  const child = cli.start(["shell", session, "-c", "true"], { env: clock.env, held: true, keepInput: true });
  child.stdout.pause();
  await until("output has begun", () => child.stdout.readableLength > 0);
  assert.equal(got.length, 0);
  for (let pongs = 1; pongs <= 3; pongs++) {
    clock.ahead(31);
    await until("the server hears", () => got.length >= pongs * 6);
    assert.deepEqual([...got.subarray(-6, -4)], [0x8a, 0x80], "an empty pong, masked");
    assert.equal(got.length, pongs * 6, "once");
  }
  let n = 0;
  child.stdout.on("data", (piece) => { n += piece.length; });
  child.stdout.resume();
  const { status, stderr } = await child.ended;
  assert.deepEqual([status, stderr, n], [0, "", pieces * 60_000]);
});

test("a network that is dead: whoever waits comes back when there is another, and ~. leaves", slow, async (t) => {
  let sockets = 0;
  let typed = 0;
  const { cli } = await fake(t, (socket, say) => {
    say(good, opened(sockets++ === 0), frame(0x82, `socket-${sockets}-`));
    socket.on("data", (piece) => { typed += piece.length; }); // and nothing is said again
  });
  const clock = clockOf(t);
  const pty = new Pty(cli, ["shell", session, "x"], clock.env);
  t.after(() => pty.destroy());
  await pty.shows("socket-1-");
  pty.type("first\n");
  await until("it is sent", () => typed > 0);
  clock.ahead(46); // no answer to the ping behind it; its silence would be noticed half a minute later
  await pty.shows("the connection is lost; trying again, Ctrl-C leaves", 20_000);
  await pty.shows("here again; what was typed last may not have arrived");
  await pty.shows("socket-2-");
  pty.type("second\n~.");
  await pty.shows("left; what was typed last may not have arrived; the shell goes on");
  assert.deepEqual(await pty.ended(), { status: 0, restored: true });
  assert.equal(sockets, 2);
});
