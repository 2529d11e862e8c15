// HTTP/1.1 as bytes on a socket: what is refused and how the connection ends, pipelining, limits, deadlines, the end at SIGTERM.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { serverForFile } from "./harness.mjs";

const server = await serverForFile();
const HOST = "Host: localhost\r\n";
const GET = `GET /health HTTP/1.1\r\n${HOST}`;
const POST = `POST /api/v5/auth/login HTTP/1.1\r\n${HOST}`;

/** Sends the pieces one after the other; resolves with all bytes until the server closes (or `until` was seen). */
function exchange(pieces, { until, ms = 20_000 } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1");
    let got = "";
    const timer = setTimeout(() => socket.destroy(new Error(`open after ${ms} ms, got: ${got.slice(0, 300)}`)), ms);
    const finish = () => {
      clearTimeout(timer);
      resolve(got);
    };
    socket.setEncoding("latin1");
    socket.on("data", (text) => {
      got += text;
      if (until !== undefined && until(got)) {
        finish();
        socket.destroy();
      }
    });
    socket.on("close", finish);
    socket.on("error", (error) => (error.code === "ECONNRESET" || error.code === "EPIPE" ? finish() : reject(error)));
    for (const piece of [pieces].flat()) socket.write(Buffer.from(piece, "latin1"));
  });
}

const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));

const smuggled = `${GET}X-Smuggled: yes\r\n\r\n`;
const refused = [
  ["two equal Content-Length (RFC 9112 6.3)", `${POST}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`, 400],
  ["two different Content-Length", `${POST}Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}`, 400],
  ["a list as Content-Length", `${POST}Content-Length: 2, 2\r\n\r\n{}`, 400],
  ["Content-Length with Transfer-Encoding (6.1)", `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["unknown transfer coding (6.1)", `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 501],
  ["chunked not last (6.3)", `${POST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`, 400],
  ["Transfer-Encoding in HTTP/1.0", `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["space before the colon (5.1)", `GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n`, 400],
  ["bare CR (2.2)", `${GET}A: b\rc\r\n\r\n`, 400],
  ["bare LF", `${GET}A: b\n\r\n`, 400],
  ["NUL in a value", `${GET}A: b\0c\r\n\r\n`, 400],
  ["obs-fold (5.2)", `${GET}A: b\r\n c\r\n\r\n`, 400],
  ["Content-Length: +2", `${POST}Content-Length: +2\r\n\r\n{}`, 400],
  ["Content-Length: 0x2", `${POST}Content-Length: 0x2\r\n\r\n{}`, 400],
  ["no Host (3.2)", "GET /health HTTP/1.1\r\n\r\n", 400],
  ["two Hosts (3.2)", `${GET}${HOST}\r\n`, 400],
  ["method with a control", `G\x01T /health HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["target with a space", `GET /a b HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["target with a control", `GET /a\x7fb HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["no version", `GET /health\r\n${HOST}\r\n`, 400],
  ["HTTP/2.0 in words", `GET /health HTTP/2.0\r\n${HOST}\r\n`, 505],
  ["empty header name", `${GET}: b\r\n\r\n`, 400],
  ["%00 in the path", `GET /a%00b HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["chunk size overflow (7.1)", `${POST}Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n`, 400],
  ["chunk size 0x2", `${POST}Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n`, 400],
  ["junk after a chunk size", `${POST}Transfer-Encoding: chunked\r\n\r\n2 x\r\n{}\r\n0\r\n\r\n`, 400],
  ["junk after a chunk", `${POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n`, 400],
  ["chunk extensions over 1 KiB", `${POST}Transfer-Encoding: chunked\r\n\r\n2;${"x".repeat(1100)}\r\n{}\r\n0\r\n\r\n`, 400],
  ["trailers over 8 KiB", `${POST}Transfer-Encoding: chunked\r\n\r\n0\r\n${"A: b\r\n".repeat(1500)}\r\n`, 400],
  ["CONNECT", `CONNECT localhost:80 HTTP/1.1\r\n${HOST}\r\n`, 501],
  ["another expectation", `${POST}Content-Length: 2\r\nExpect: more\r\n\r\n{}`, 417],
  ["a request line over 16 KiB", `GET /${"a".repeat(16 * 1024)} HTTP/1.1\r\n${HOST}\r\n`, 414],
  ["101 headers", `${GET}${"A: b\r\n".repeat(100)}\r\n`, 431],
  ["headers over 32 KiB", `${GET}A: ${"b".repeat(32 * 1024)}\r\n\r\n`, 431],
  ["a body over the route's limit", `${POST}Content-Length: 2000000\r\n\r\n`, 413],
];

for (const [what, bytes, status] of refused) {
  test(`refused, and nothing behind it is read: ${what}`, async () => {
    const got = await exchange(bytes + smuggled);
    assert.deepEqual(statuses(got), [status], got.slice(0, 500));
    assert.match(got, /\r\nConnection: close\r\n/);
    const body = JSON.parse(got.slice(got.indexOf("\r\n\r\n") + 4));
    assert.equal(body.success, false);
    assert.match(body.error.request_id, /^req-/);
  });
}

test("a chunked body over the limit is cut", async () => {
  const got = await exchange(`${POST}Transfer-Encoding: chunked\r\n\r\n100000\r\n${"x".repeat(0x100000)}\r\n`);
  assert.deepEqual(statuses(got), [413]);
});

test("byte by byte means the same as at once", async () => {
  const text = `${GET}Connection: close\r\n\r\n`;
  const whole = await exchange(text);
  const bytes = await exchange([...text]);
  const bare = (reply) => reply.replace(/req-\w+/g, "").replace(/Date: [^\r]*/, "");
  assert.equal(bare(bytes), bare(whole));
  assert.deepEqual(statuses(whole), [200]);
});

test("pipelined requests are answered in order", async () => {
  const nowhere = `GET /api/v5/nowhere HTTP/1.1\r\n${HOST}\r\n`;
  const login = `${POST}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  const chunked = `${POST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`;
  const last = `${GET}Connection: close\r\n\r\n`;
  const got = await exchange(`${GET}\r\n${nowhere}${login}${GET}\r\n${chunked}${nowhere}${last}`);
  assert.deepEqual(statuses(got), [200, 404, 400, 200, 400, 404, 200]);
});

test("a thousand pipelined requests", async () => {
  const got = await exchange(`${GET}\r\n`.repeat(999) + `${GET}Connection: close\r\n\r\n`);
  assert.deepEqual(statuses(got), Array(1000).fill(200));
});

test("HEAD has the length of GET and no body", async () => {
  const got = await exchange(`HEAD /health HTTP/1.1\r\n${HOST}\r\n${GET}Connection: close\r\n\r\n`);
  const [head, rest] = [got.slice(0, got.indexOf("\r\n\r\n")), got.slice(got.indexOf("\r\n\r\n") + 4)];
  assert.ok(rest.startsWith("HTTP/1.1 200 "), got);
  const length = (text) => /\r\nContent-Length: (\d+)/.exec(text)[1];
  assert.equal(length(`${head}\r\n`), length(rest));
});

test("HTTP/1.0 is answered and closed; Connection: close too; an absolute target wins over Host", async () => {
  assert.deepEqual(statuses(await exchange("GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")), [200]);
  assert.deepEqual(statuses(await exchange(`${GET}Connection: foo, Close\r\n\r\n`)), [200]);
  const absolute = (host) => `GET http://${host}/api/v5/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
  assert.deepEqual(statuses(await exchange(absolute(`localhost:${server.port}`))), [200]);
  assert.deepEqual(statuses(await exchange(absolute("elsewhere.example.com"))), [421]);
});

test("100 Continue comes only when the body is wanted", async () => {
  const socket = connect(server.port, "127.0.0.1");
  socket.setEncoding("latin1");
  const next = () => new Promise((resolve) => socket.once("data", resolve));
  socket.write(`${POST}Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`);
  assert.equal(await next(), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.write("{}");
  assert.deepEqual(statuses(await next()), [400]);
  socket.destroy();
  const got = await exchange(`${POST}Content-Length: 2000000\r\nExpect: 100-continue\r\n\r\n`);
  assert.deepEqual(statuses(got), [413]);
});

test("a slow head is cut after ten seconds, however often it drips", async () => {
  const began = Date.now();
  const socket = connect(server.port, "127.0.0.1");
  socket.setEncoding("latin1");
  let got = "";
  socket.on("data", (text) => (got += text));
  socket.write("GET /health HTTP/1.1\r\nX: ");
  const drip = setInterval(() => socket.write("a"), 500);
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.on("close", resolve));
  clearInterval(drip);
  assert.deepEqual(statuses(got), [408]);
  const took = Date.now() - began;
  assert.ok(took > 9_000 && took < 30_000, `${took} ms`);
});

test("at SIGTERM idle connections close, nothing new is taken, the process ends with 0", async () => {
  const socket = connect(server.port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(`${GET}\r\n`);
  await new Promise((resolve) => socket.once("data", resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const began = Date.now();
  const stopped = server.stop();
  await closed;
  assert.ok(Date.now() - began < 15_000); // far from the patience with who asks, and from the time of who rests
  await stopped;
});
