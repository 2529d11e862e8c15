// WebSockets as the Autobahn test suite asks for them (RFC 6455, RFC 7692): its cases by their numbers, against http-echo, which
// sends every message back. Frames that no proper client sends are made of bytes; npm's `ws` is the proper client.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, describe as together, test } from "node:test";
import { deflateRawSync, constants } from "node:zlib";
import WebSocket from "ws";
import { BINARY, CLOSE, Echo, PING, PONG, Peer, TEXT, closeFrame, describe, endAll, frame } from "../http/echo.mjs";
import { Server, until } from "./harness.mjs";

const echo = await Echo.start();
after(async () => {
  await echo.stop();
  endAll();
});

/** Sends frames and resolves with all that comes until the end, as words. */
async function say(frames, options) {
  const peer = await Peer.open(echo.port, options);
  peer.send(...[frames].flat());
  return peer.rest();
}

const bye = closeFrame(1000);
const DEFLATE = { headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } };
const deflate = (text) => deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

// ---- Handshake (RFC 6455 4.2) ----

test("the handshake's answer", async () => {
  const peer = await Peer.open(echo.port);
  assert.match(peer.head, /^HTTP\/1\.1 101 /);
  assert.ok(peer.head.includes(`\r\nSec-WebSocket-Accept: ${peer.accept}\r\n`), peer.head);
  assert.doesNotMatch(peer.head, /Sec-WebSocket-(Extensions|Protocol)/);
  peer.destroy();
});

const handshakes = [
  ["no Upgrade", { Upgrade: undefined }, 400],
  ["another Upgrade", { Upgrade: "h2c" }, 400],
  ["no Connection: Upgrade", { Connection: "keep-alive" }, 400],
  ["no key", { "Sec-WebSocket-Key": undefined }, 400],
  ["a key of 15 bytes", { "Sec-WebSocket-Key": Buffer.alloc(15).toString("base64") }, 400],
  ["a key that is no base64", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=!" }, 400],
  ["version 8", { "Sec-WebSocket-Version": "8" }, 426],
  ["no version", { "Sec-WebSocket-Version": undefined }, 426],
  ["a body", { "Content-Length": "1" }, 400],
  ["malformed extensions (9.1)", { "Sec-WebSocket-Extensions": "permessage-deflate; =1" }, 400],
];
for (const [what, headers, status] of handshakes) {
  test(`no handshake: ${what}`, async () => {
    const peer = await Peer.shake(echo.port, "/ws", headers);
    assert.equal(peer.status, status, peer.head);
    assert.match(peer.head, /\r\nSec-WebSocket-Version: 13\r\n/);
    peer.destroy();
  });
}

test("Upgrade and Connection are lists without case", async () => {
  const peer = await Peer.open(echo.port, { headers: { Connection: "keep-alive, UPGRADE", Upgrade: "WebSocket" } });
  peer.destroy();
});

test("only pages that are listed open a socket; what is no browser may (10.2)", async () => {
  const status = async (headers) => {
    const peer = await Peer.shake(echo.port, "/ws-own", headers);
    peer.destroy();
    return peer.status;
  };
  assert.equal(await status({ Origin: "https://c.example.com" }), 101);
  assert.equal(await status({}), 101);
  for (const Origin of ["https://evil.example.com", "http://c.example.com", "https://c.example.com:444", "null", "https://c.example.com.evil.com", ""]) {
    assert.equal(await status({ Origin }), 403, Origin);
  }
  assert.equal(await status({ Origin: "https://c.example.com\r\nOrigin: https://evil.example.com" }), 403);
});

// ---- 1 to 4: messages, pings, reserved bits and opcodes ----

for (const length of [0, 1, 125, 126, 127, 128, 65535, 65536]) {
  test(`1.1, 1.2: a message of ${length} bytes, whole and in pieces on the wire`, async () => {
    for (const opcode of [TEXT, BINARY]) {
      const peer = await Peer.open(echo.port);
      const bytes = frame(opcode, Buffer.alloc(length, "*"));
      const step = Math.max(1, Math.ceil(bytes.length / 50));
      for (let at = 0; at < bytes.length; at += step) peer.send(bytes.subarray(at, at + step));
      const back = await peer.next();
      assert.equal(back.opcode, opcode);
      assert.ok(back.payload.equals(Buffer.alloc(length, "*")));
      peer.destroy();
    }
  });
}

const cases = [
  ["2.1: an empty ping", [frame(PING), bye], ["pong ", "close 1000", "end"]],
  ["2.2, 2.3: a ping's payload comes back", [frame(PING, "hello"), frame(PING, Buffer.from([0, 0xff])), bye], ["pong hello", "pong \0\ufffd", "close 1000", "end"]],
  ["2.4: a ping of 125 bytes", [frame(PING, "x".repeat(125)), bye], [`pong ${"x".repeat(125)}`, "close 1000", "end"]],
  ["2.5: a ping of 126 bytes", [frame(PING, "x".repeat(126))], ["close 1002", "end"]],
  ["2.7: a pong that nobody asked for", [frame(PONG, "x"), frame(PING, "y"), bye], ["pong y", "close 1000", "end"]],
  ["2.10: ten pings", [...Array(10).keys()].map((i) => frame(PING, String(i))).concat(bye), [...Array(10).keys()].map((i) => `pong ${i}`).concat("close 1000", "end")],
  ...[1, 2, 3, 4, 5, 6, 7].map((reserved) => [`3.${reserved}: reserved bits ${reserved}`, [frame(TEXT, "a"), frame(TEXT, "b", { reserved }), frame(PING)], ["text a", "close 1002", "end"]]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`4: opcode ${opcode}`, [frame(TEXT, "a"), frame(opcode, "b"), frame(PING)], ["text a", "close 1002", "end"]]),
  ["5.1: a fragmented ping", [frame(PING, "a", { fin: false }), frame(0, "b")], ["close 1002", "end"]],
  ["5.2: a fragmented pong", [frame(PONG, "a", { fin: false }), frame(0, "b")], ["close 1002", "end"]],
  ["5.3: two fragments", [frame(TEXT, "a", { fin: false }), frame(0, "b"), bye], ["text ab", "close 1000", "end"]],
  ["5.6 to 5.8: a ping between", [frame(TEXT, "a", { fin: false }), frame(PING, "p"), frame(0, "b"), bye], ["pong p", "text ab", "close 1000", "end"]],
  ["5.9 to 5.12: a continuation of nothing", [frame(0, "a"), frame(TEXT, "b")], ["close 1002", "end"]],
  ["5.13, 5.14: an open continuation of nothing", [frame(0, "a", { fin: false }), frame(TEXT, "b")], ["close 1002", "end"]],
  ["5.15: a continuation after the end", [frame(TEXT, "a", { fin: false }), frame(0, "b"), frame(0, "c"), frame(TEXT, "d")], ["text ab", "close 1002", "end"]],
  ["5.18: a message in a message", [frame(TEXT, "a", { fin: false }), frame(TEXT, "b")], ["close 1002", "end"]],
  ["5.19: five fragments with pings", [
    frame(TEXT, "1", { fin: false }), frame(0, "2", { fin: false }), frame(PING, "p1"), frame(0, "3", { fin: false }), frame(0, "4", { fin: false }),
    frame(PING, "p2"), frame(0, "5"), bye], ["pong p1", "pong p2", "text 12345", "close 1000", "end"]],
  ["6.1: empty text, also in fragments", [frame(TEXT, "", { fin: false }), frame(0, "mid", { fin: false }), frame(0, ""), frame(TEXT), bye], ["text mid", "text ", "close 1000", "end"]],
  ["6.2: a character over two fragments", [frame(TEXT, Buffer.from("Hello-µ").subarray(0, 7), { fin: false }), frame(0, Buffer.from("Hello-µ").subarray(7)), bye], ["text Hello-µ", "close 1000", "end"]],
  ["6.3: bad text", [frame(TEXT, Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex"))], ["close 1007", "end"]],
  ["6.12 to 6.20: overlong and too large", [frame(TEXT, Buffer.from("f4908080", "hex"))], ["close 1007", "end"]],
  ["5.1 of the RFC: a frame without a mask", [frame(TEXT, "a", { mask: false })], ["close 1002", "end"]],
  ["7.1.1: a close is answered", [frame(TEXT, "a"), bye], ["text a", "close 1000", "end"]],
  ["7.1.3, 7.1.4: nothing counts after a close", [bye, frame(PING, "late"), frame(TEXT, "late")], ["close 1000", "end"]],
  ["7.1.5: a close in a message", [frame(TEXT, "a", { fin: false }), bye, frame(0, "b")], ["close 1000", "end"]],
  ["7.3.1: a close without a code", [frame(CLOSE)], ["close", "end"]],
  ["7.3.2: a close of one byte", [frame(CLOSE, "a")], ["close 1002", "end"]],
  ["7.3.5: a reason of 123 bytes", [closeFrame(1000, "x".repeat(123))], ["close 1000", "end"]],
  ["7.3.6: a reason of 124 bytes", [closeFrame(1000, "x".repeat(124))], ["close 1002", "end"]],
  ["7.5.1: a reason that is no UTF-8", [frame(CLOSE, Buffer.from("03e8eda080", "hex"))], ["close 1007", "end"]],
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map((code) => [`7.7: code ${code}`, [closeFrame(code)], [`close ${code}`, "end"]]),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map((code) => [`7.9, 7.13: code ${code}`, [closeFrame(code)], ["close 1002", "end"]]),
];
for (const [what, frames, words] of cases) {
  test(what, async () => {
    assert.deepEqual(await say(frames), words);
    // The same bytes one by one.
    assert.deepEqual(await say([...Buffer.concat(frames)].map((byte) => Buffer.from([byte]))), words);
  });
}

test("6.4: bad text ends the socket before its message has ended", async () => {
  for (const options of [undefined, DEFLATE]) {
    const peer = await Peer.open(echo.port, options);
    const bad = Buffer.from("cebae1bdb9cf83cebcceb5f4908080", "hex");
    peer.send(options ? frame(TEXT, deflate(bad), { fin: false, reserved: 4 }) : frame(TEXT, bad, { fin: false }));
    assert.deepEqual(await peer.rest(), ["close 1007", "end"]);
  }
});

// ---- 9: large messages ----

const MOST = 16 * 1024 * 1024;

function client(path = "/ws", options = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${echo.port}${path}`, { maxPayload: 64 << 20, ...options });
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(socket));
    socket.on("error", reject);
  });
}

const nextMessage = (socket) => new Promise((resolve) => socket.once("message", (data, isBinary) => resolve({ data, isBinary })));
const nextClose = (socket) => new Promise((resolve) => socket.once("close", (code) => resolve(code)));

test("9.1 to 9.6: a message of 16 MiB, whole and in fragments; one byte more is 1009", async () => {
  const socket = await client("/ws", { perMessageDeflate: false });
  const bytes = Buffer.alloc(MOST, "0123456789");
  socket.send(bytes);
  assert.ok((await nextMessage(socket)).data.equals(bytes));
  for (let at = 0; at < MOST; at += MOST / 16) socket.send(bytes.subarray(at, at + MOST / 16), { binary: true, fin: at + MOST / 16 === MOST });
  assert.ok((await nextMessage(socket)).data.equals(bytes));
  socket.send(Buffer.alloc(MOST + 1));
  assert.equal(await nextClose(socket), 1009);
  const announced = Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]);
  assert.deepEqual(await say(announced), ["close 1009", "end"]);
});

// ---- 12, 13: compression ----

test("12: messages of all sizes, compressed both ways", async () => {
  for (const perMessageDeflate of [true, { serverMaxWindowBits: 9 }, { clientMaxWindowBits: 10 }, { serverNoContextTakeover: true, clientNoContextTakeover: true }]) {
    const socket = await client("/ws", { perMessageDeflate: Object.assign({ threshold: 0 }, perMessageDeflate) });
    assert.match(socket.extensions, /permessage-deflate/);
    let small = 0;
    socket._socket.on("data", (bytes) => (small += bytes.length));
    let all = 0;
    for (const length of [0, 1, 16, 64, 255, 256, 1024, 4096, 65536, 131072, 262144, 300000]) {
      const text = JSON.stringify({ line: "x".repeat(20), numbers: [...Array(length >> 3).keys()] }).slice(0, length);
      socket.send(text);
      assert.equal(String((await nextMessage(socket)).data), text);
      all += length;
    }
    assert.ok(small < all, `${small} of ${all} bytes on the wire`);
    socket.send(Buffer.alloc(0));
    assert.deepEqual((await nextMessage(socket)).data, Buffer.alloc(0));
    socket.close(1000);
    assert.equal(await nextClose(socket), 1000);
  }
});

test("7692 7.1: what is agreed, and what is declined", async () => {
  const extensions = async (offer) => {
    const peer = await Peer.open(echo.port, { headers: { "Sec-WebSocket-Extensions": offer } });
    peer.destroy();
    return /\r\nSec-WebSocket-Extensions: ([^\r]*)\r\n/.exec(peer.head)?.[1];
  };
  const both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  assert.equal(await extensions("permessage-deflate; client_max_window_bits"), both);
  assert.equal(await extensions("permessage-deflate; server_max_window_bits=10"), `${both}; server_max_window_bits=10`);
  assert.equal(await extensions("permessage-deflate; server_max_window_bits=16"), undefined);
  assert.equal(await extensions("permessage-deflate; unknown, permessage-deflate"), both);
  assert.equal(await extensions("x-other"), undefined);
});

test("7692 6.1: compressed fragments, control frames between them, and what is not compressed", async () => {
  const bytes = deflate("compressed in three fragments");
  const frames = [frame(TEXT, bytes.subarray(0, 5), { fin: false, reserved: 4 }), frame(PING, "p"), frame(0, bytes.subarray(5, 9), { fin: false }), frame(0, bytes.subarray(9)), frame(TEXT, "plain"), bye];
  assert.deepEqual(await say(frames, DEFLATE), ["pong p", "text compressed in three fragments", "text plain", "close 1000", "end"]);
  assert.deepEqual(await say([frame(PING, deflate("x"), { reserved: 4 })], DEFLATE), ["close 1002", "end"]);
  assert.deepEqual(await say([frame(TEXT, bytes.subarray(0, 5), { fin: false, reserved: 4 }), frame(0, bytes.subarray(5), { reserved: 4 })], DEFLATE), ["close 1002", "end"]);
  assert.deepEqual(await say([frame(TEXT, Buffer.from("ffffffff", "hex"), { reserved: 4 })], DEFLATE), ["close 1007", "end"]);
  assert.deepEqual(await say([frame(TEXT, bytes.subarray(0, 5), { reserved: 4 })], DEFLATE), ["close 1007", "end"]);
});

test("a bomb is 1009, and the server's memory does not feel it", async () => {
  const calm = echo.memory;
  const bomb = deflate(Buffer.alloc(64 << 20));
  const bombs = await Promise.all([...Array(20)].map(() => say([frame(BINARY, bomb, { reserved: 4 })], DEFLATE)));
  for (const words of bombs) assert.deepEqual(words, ["close 1009", "end"]);
  assert.ok(echo.memory < calm + (400 << 20), `${echo.memory - calm} bytes more`); // sanitizers keep freed memory for a while
  // What is honest and small compresses as it likes.
  const zeros = Buffer.alloc(1 << 20);
  const socket = await client("/ws", { perMessageDeflate: { threshold: 0 } });
  socket.send(zeros);
  assert.ok((await nextMessage(socket)).data.equals(zeros));
  socket.terminate();
});

// ---- Back-pressure ----

/** Sends message after message while nobody reads; how many bytes went out until nothing moved for a second. */
async function fillUp(peer, bytes, most) {
  let sent = 0;
  while (sent < most) {
    const room = peer.socket.write(bytes);
    sent += bytes.length;
    if (room) continue;
    const moved = await Promise.race([
      new Promise((resolve) => peer.socket.once("drain", () => resolve(true))),
      new Promise((resolve) => setTimeout(resolve, 1000, false)),
    ]);
    if (!moved) return sent;
  }
  return sent;
}

// At once: most of their time is waiting.
together("back-pressure, and the end", { concurrency: true }, () => {
  test("who does not take the answers waits with the questions, and the server's memory stays where it was", async () => {
    const own = await Echo.start([], { env: { ASAN_OPTIONS: "quarantine_size_mb=8:detect_leaks=1:abort_on_error=1" } });
    const before = own.memory;
    const peers = await Promise.all([...Array(4)].map(() => Peer.open(own.port)));
    const message = frame(BINARY, Buffer.alloc(256 * 1024, "m"));
    const most = 256 << 20;
    for (const peer of peers) peer.socket.pause();
    const sent = await Promise.all(peers.map((peer) => fillUp(peer, message, most)));
    for (const n of sent) assert.ok(n < most / 4, `${n} bytes were taken from a client that reads nothing`);
    assert.ok(own.memory < before + (64 << 20), `${own.memory - before} bytes more in the server`);
    // All of it comes back, in order, once it is taken; the frame that was cut off by our own buffer is sent on by then.
    await Promise.all(peers.map(async (peer, i) => {
      peer.socket.resume();
      peer.send(frame(TEXT, "last"));
      let back = 0;
      for (;;) {
        const one = await peer.next();
        if (one.opcode === TEXT) break;
        assert.equal(one.payload.length, 256 * 1024);
        back++;
      }
      assert.equal(back * message.length, sent[i]);
      peer.destroy();
    }));
    await own.stop();
  });

  test("a flood of pings without reading is held back too", async () => {
    const own = await Echo.start([], { env: { ASAN_OPTIONS: "quarantine_size_mb=8:detect_leaks=1:abort_on_error=1" } });
    const before = own.memory;
    const peer = await Peer.open(own.port);
    peer.socket.pause();
    const pings = Buffer.concat(Array(1000).fill(frame(PING, "x".repeat(125))));
    const sent = await fillUp(peer, pings, 128 << 20);
    assert.ok(sent < 64 << 20, `${sent} bytes of pings were taken`);
    assert.ok(own.memory < before + (32 << 20));
    peer.destroy();
    await own.stop();
  });

  // ---- The end (RFC 6455 7.4.1: 1001) ----

  test("at SIGTERM sockets close with 1001, after what was queued", async () => {
    const own = await Echo.start();
    const [quiet, busy, deaf] = await Promise.all([Peer.open(own.port), Peer.open(own.port), Peer.open(own.port)]);
    busy.send(frame(TEXT, "asked before"));
    assert.equal(describe(await busy.next()), "text asked before");
    const began = Date.now();
    own.terminate();
    for (const peer of [quiet, busy]) {
      assert.equal(describe(await peer.next()), "close 1001");
      peer.send(frame(TEXT, "after"), closeFrame(1001));
      assert.deepEqual(await peer.rest(), ["end"]);
    }
    assert.deepEqual(await deaf.rest(), ["close 1001", "end"]); // it does not answer: cut all the same
    assert.deepEqual(await own.exited, { code: 0, signal: null });
    assert.ok(Date.now() - began < 25_000);
  });

  /** An upstream on a unix socket; onData(socket, bytes) after the handshake's head. */
  async function upstream(onData) {
    const path = `/tmp/http-relay-${process.pid}-${upstream.number++}`;
    const sockets = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      let head = "";
      let begun = false;
      socket.on("error", () => undefined);
      socket.on("data", (bytes) => {
        if (begun) return onData(socket, bytes);
        head += bytes.toString("latin1");
        if (!head.includes("\r\n\r\n")) return undefined;
        begun = true;
        return socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      });
    });
    await new Promise((resolve) => server.listen(path, resolve));
    server.unref();
    return { path, sockets, close: () => { for (const socket of sockets) socket.destroy(); return new Promise((resolve) => server.close(resolve)); } };
  }
  upstream.number = 0;

  test("at SIGTERM a relayed socket ends after the messages in flight, with 1001 to both sides", async () => {
    let heard = Buffer.alloc(0);
    const far = await upstream((socket, bytes) => {
      if (socket === far.sockets[1]) heard = Buffer.concat([heard, bytes]);
    });
    const own = await Echo.start([`relay=unix:${far.path}`]);
    const idle = await Peer.open(own.port, { path: "/relay/idle" });
    const peer = await Peer.open(own.port, { path: "/relay" });
    const socket = far.sockets[1];
    // One message of each side is half on its way when the signal comes.
    const up = frame(TEXT, "question".repeat(100));
    const down = frame(TEXT, "answer".repeat(100), { mask: false });
    peer.send(up.subarray(0, 300));
    socket.write(down.subarray(0, 100));
    await until("half a question came", () => heard.length >= 300);
    own.terminate();
    assert.deepEqual(await idle.rest(), ["close 1001", "end"]);
    assert.equal(peer.ended, false, "a message is in flight");
    peer.send(up.subarray(300));
    socket.write(down.subarray(100));
    assert.deepEqual(await peer.rest(), [`text ${"answer".repeat(100)}`, "close 1001", "end"]);
    await until("the other side heard the end", () => heard.length >= up.length + 8);
    assert.ok(heard.subarray(0, up.length).equals(up));
    const goodbye = heard.subarray(up.length);
    assert.equal(goodbye.length, 8);
    assert.deepEqual([goodbye[0], goodbye[1]], [0x88, 0x82], "a close frame, masked as a client's");
    assert.deepEqual([goodbye[6] ^ goodbye[2], goodbye[7] ^ goodbye[3]], [0x03, 0xe9]);
    assert.deepEqual(await own.exited, { code: 0, signal: null });
    await far.close();
  });

  test("a relayed message that does not end is not waited for", async () => {
    const far = await upstream(() => undefined);
    const own = await Echo.start([`relay=unix:${far.path}`]);
    const peer = await Peer.open(own.port, { path: "/relay" });
    peer.send(frame(TEXT, "half").subarray(0, 8));
    const began = Date.now();
    own.terminate();
    assert.deepEqual(await peer.rest(), ["end"]);
    assert.deepEqual(await own.exited, { code: 0, signal: null });
    assert.ok(Date.now() - began < 20_000);
    await far.close();
  });

  test("a relay holds both sides back: neither flood grows the server", async () => {
    const far = await upstream((socket) => socket.pause());
    const own = await Echo.start([`relay=unix:${far.path}`], { env: { ASAN_OPTIONS: "quarantine_size_mb=8:detect_leaks=1:abort_on_error=1" } });
    const before = own.memory;
    const peer = await Peer.open(own.port, { path: "/relay" });
    peer.send(frame(PING)); // its data pauses the other side
    peer.socket.pause();
    const piece = Buffer.alloc(1 << 20);
    const [up, down] = await Promise.all([fillUp(peer, piece, 256 << 20), fillUp({ socket: far.sockets[0] }, piece, 256 << 20)]);
    assert.ok(up < 64 << 20 && down < 64 << 20, `${up} bytes in, ${down} bytes out`);
    assert.ok(own.memory < before + (16 << 20), `${own.memory - before} bytes more in the server`);
    peer.destroy();
    await far.close();
    await own.stop();
  });
});

// ---- Never in the product ----

test("the product has no echo", async (t) => {
  const server = await Server.start({ t });
  for (const path of ["/ws", "/ws-own", "/api/v5/ws", "/relay"]) {
    const peer = await Peer.shake(server.port, path);
    assert.notEqual(peer.status, 101, path);
    assert.ok(peer.status >= 400 && peer.status < 500, peer.head);
    peer.destroy();
  }
});
