// What the HTTP core does with who is slow, idle, too many, or in the middle of something when it ends. Against http-echo, whose
// limits are short; the limits of the product are in http-core.test.mjs.
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { after, describe, test } from "node:test";
import { Echo, endAll } from "../http/echo.mjs";
import { freePort, newSession, Server, until } from "./harness.mjs";

after(endAll);

class Line {
  static async open(port, path) {
    const line = new Line();
    line.got = "";
    line.ended = false;
    line.socket = path ? connect(path) : connect(port, "127.0.0.1");
    line.socket.setEncoding("latin1");
    line.socket.on("data", (text) => (line.got += text));
    line.socket.on("error", () => undefined);
    line.socket.on("close", () => (line.ended = true));
    await new Promise((resolve) => line.socket.once("connect", resolve));
    return line;
  }

  send(text) {
    this.socket.write(Buffer.from(text, "latin1"));
  }

  /** Sends piece again and again, until the server has had enough. */
  async drip(piece, every = 50, ms = 15_000) {
    for (const end = Date.now() + ms; !this.ended && !this.got.includes("\r\n\r\n"); ) {
      assert.ok(Date.now() < end, "the drip goes on for ever");
      this.send(piece);
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  }

  get statuses() {
    return [...this.got.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }

  async end(what) {
    await until(what, () => this.ended);
    return this.statuses;
  }
}

const HOST = "Host: localhost\r\n";
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const post = (path, length) => `POST ${path} HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n`;
const CHUNKED = `HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

/** An upstream for /relay that takes what comes, or nothing, and never answers. */
async function upstream(takes) {
  const path = `/tmp/http-limits-${process.pid}-${upstream.number++}`;
  const sockets = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    if (takes) socket.resume();
    else socket.pause();
  });
  await new Promise((resolve) => server.listen(path, resolve));
  server.unref();
  return { path, end: () => sockets.forEach((socket) => socket.destroy()) };
}
upstream.number = 0;

/** Writes until nothing moves for a second; how many bytes went. */
async function fillUp(socket, piece, most) {
  let sent = 0;
  while (sent < most) {
    const room = socket.write(piece);
    sent += piece.length;
    if (room) continue;
    const moved = await Promise.race([
      new Promise((resolve) => socket.once("drain", () => resolve(true))),
      new Promise((resolve) => setTimeout(resolve, 1000, false)),
    ]);
    if (!moved) break;
  }
  return sent;
}

// At once: most of their time is waiting.
describe("slow, idle, too many, or at the end", { concurrency: true }, () => {
  test("each drip is cut with 408: a head, bodies of every kind", async (t) => {
    const echo = await Echo.start(["header_ms=700", "grace_ms=700", "least_rate=4096", `relay=unix:${(await upstream(true)).path}`]);
    const drips = [
      ["a head", "GET / HTTP/1.1\r\nX: ", "x"],
      ["the lines of a head", "GET / HTTP/1.1\r\n", "X: y\r\n"],
      ["a body", post("/p", 100_000), "x"],
      ["a chunked body", `POST /p ${CHUNKED}`, "1\r\nx\r\n"],
      ["chunk extensions", `POST /p ${CHUNKED}1;`, "x"],
      ["trailers", `POST /p ${CHUNKED}0\r\n`, "X: y\r\n"],
      ["a streamed body", post("/sink", 100_000), "x"],
      ["a chunked streamed body", `POST /sink ${CHUNKED}`, "1\r\nx\r\n"],
      ["a relayed body", post("/relay", 100_000), "x"],
      ["a chunked relayed body", `POST /relay ${CHUNKED}`, "1\r\nx\r\n"],
    ];
    await Promise.all(drips.map(async ([what, begin, piece]) => {
      const began = performance.now();
      const line = await Line.open(echo.port);
      line.send(begin);
      await line.drip(piece);
      assert.deepEqual(await line.end(`${what} is cut`), [408], what);
      const took = performance.now() - began;
      assert.ok(took > 650, `${what}: after ${took} ms`);
      t.diagnostic(`${what}: after ${Math.round(took)} ms`);
    }));
    // What is fast enough is not, however long it takes. Each piece is worth two seconds, in which this process may stand still.
    const steady = await Line.open(echo.port);
    const piece = "x".repeat(10_000);
    steady.send(post("/sink", 40 * piece.length) + piece);
    for (let i = 1; i < 40; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      steady.send(piece);
    }
    await until("the steady one is answered", () => steady.got.includes("400000\n"));
    steady.socket.destroy();
    await echo.stop();
  });

  test("who takes an answer too slowly is cut", async () => {
    const echo = await Echo.start(["grace_ms=500", "least_rate=100000000"]);
    const line = await Line.open(echo.port);
    line.socket.pause();
    line.send(`GET /source?500000000 HTTP/1.1\r\n${HOST}\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    line.socket.resume();
    await line.end("the answer breaks off");
    assert.ok(line.got.length < 500_000_000);
    await echo.stop();
  });

  test("an idle connection ends after its time; one that asks goes on", async () => {
    const echo = await Echo.start(["idle_ms=3000"]); // this process may stand still for most of it
    const began = performance.now();
    const [idle, busy] = [await Line.open(echo.port), await Line.open(echo.port)];
    const timer = setInterval(() => busy.send(GET), 200);
    assert.deepEqual(await idle.end("the idle one ends"), []);
    assert.ok(performance.now() - began > 2900, "not before its time");
    await until("the busy one had many answers", () => busy.statuses.length > 8);
    assert.equal(busy.ended, false);
    clearInterval(timer);
    await busy.end("it ends when it is idle too");
    await echo.stop();
  });

  test("one address has so many connections; the next hears 503, and gets in when one has gone", async () => {
    const echo = await Echo.start(["per_address=3"]);
    const lines = [];
    for (let i = 0; i < 3; i++) {
      lines.push(await Line.open(echo.port));
      lines[i].send(GET);
      await until("answered", () => lines[i].statuses.length === 1);
    }
    const more = await Line.open(echo.port);
    more.send(GET);
    assert.deepEqual(await more.end("the fourth is closed"), [503]);
    assert.match(more.got, /\r\nRetry-After: \d+\r\n/);
    assert.match(more.got, /\r\nConnection: close\r\n/);
    lines[0].send(GET);
    await until("the others do not notice", () => lines[0].statuses.length === 2);
    lines[1].socket.destroy();
    await until("there is room again", async () => {
      const next = await Line.open(echo.port);
      next.send(GET);
      await until("an answer", () => next.statuses.length === 1);
      next.socket.destroy();
      return next.statuses[0] === 200;
    });
    await echo.stop();
  });

  test("an upload waits for who takes it, a download for its reader; the server holds neither", async () => {
    const far = await upstream(false);
    const echo = await Echo.start([`relay=unix:${far.path}`], { env: { ASAN_OPTIONS: "quarantine_size_mb=8:detect_leaks=1:abort_on_error=1" } });
    const before = echo.memory;
    const [up, chunked, down] = [await Line.open(echo.port), await Line.open(echo.port), await Line.open(echo.port)];
    up.send(post("/relay", 1 << 29));
    chunked.send(`POST /relay ${CHUNKED}`);
    down.socket.pause();
    down.send(`GET /source?500000000 HTTP/1.1\r\n${HOST}\r\n`);
    const piece = Buffer.alloc(1 << 20);
    const chunk = Buffer.concat([Buffer.from("100000\r\n"), piece, Buffer.from("\r\n")]);
    const sent = await Promise.all([fillUp(up.socket, piece, 1 << 28), fillUp(chunked.socket, chunk, 1 << 28)]);
    for (const n of sent) assert.ok(n < 1 << 26, `${n} bytes were taken for an upstream that reads nothing`);
    assert.ok(echo.memory < before + (16 << 20), `${echo.memory - before} bytes more in the server`);
    for (const line of [up, chunked, down]) line.socket.destroy();
    far.end();
    await echo.stop();
  });

  test("at SIGTERM requests finish, what is new is refused, idle connections end", async () => {
    const echo = await Echo.start();
    const [idle, upload, download, pipelined] = await Promise.all([...Array(4)].map(() => Line.open(echo.port)));
    idle.send(GET);
    await until("answered", () => idle.statuses.length === 1);
    upload.send(post("/sink", 2000) + "x".repeat(1000));
    download.socket.pause();
    download.send(`GET /source?30000000 HTTP/1.1\r\n${HOST}\r\n`);
    pipelined.send(post("/p", 4) + "ab"); // the rest, and one more request, come after the signal
    await new Promise((resolve) => setTimeout(resolve, 300)); // all are with their handlers, or as far as that goes
    idle.send(GET);
    await until("what came behind them is answered", () => idle.statuses.length === 2);
    echo.terminate();
    await idle.end("the idle one ends");
    await until("nothing new is taken", async () => {
      const late = connect(echo.port, "127.0.0.1");
      const refused = await new Promise((resolve) => late.on("error", () => resolve(true)).on("connect", () => resolve(false)));
      late.destroy();
      return refused;
    });
    assert.ok(echo.isRunning && !upload.ended && !download.ended);
    upload.send("x".repeat(1000));
    pipelined.send(`cd${GET}`);
    download.socket.resume();
    assert.deepEqual(await upload.end("the upload ends"), [200]);
    assert.ok(upload.got.endsWith("2000\n"), upload.got);
    assert.match(upload.got, /\r\nConnection: close\r\n/);
    assert.deepEqual(await pipelined.end("the last request is answered, the one behind it is not"), [200]);
    await download.end("the download is complete");
    assert.equal(download.got.length - download.got.indexOf("\r\n\r\n") - 4, 30_000_000);
    assert.deepEqual(await echo.exited, { code: 0, signal: null });
  });

  test("at SIGTERM both ports of the product close at once, and its patience of 30 s is one for both", async (t) => {
    const ides = await freePort();
    const server = await Server.start({ t, args: ["--ide-listen", `127.0.0.1:${ides}`], env: { CODITECT_LIMITS_HEADER_TIME: "300s" } });
    const client = await server.account();
    const { id } = await newSession(client);
    const [upload, head] = [await Line.open(server.port), await Line.open(ides)];
    upload.send(`PUT /api/v5/sessions/${id}/files/a HTTP/1.1\r\n${HOST.replace("localhost", `127.0.0.1:${server.port}`)}Authorization: Bearer ${client.token}\r\nContent-Length: 10000000\r\n\r\n`);
    const drip = setInterval(() => upload.send("x".repeat(4096)), 500); // fast enough to go on for ever
    t.after(() => clearInterval(drip));
    head.send("GET / HTTP/1.1\r\nX: "); // likewise
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal((await client.get("/users/me")).status, 200); // which came behind them
    const began = Date.now();
    const end = server.stop();
    await Promise.all([server.port, ides].map((port) => until(`port ${port} takes nothing new`, async () => {
      const late = connect(port, "127.0.0.1");
      const refused = await new Promise((resolve) => late.on("error", () => resolve(true)).on("connect", () => resolve(false)));
      late.destroy();
      return refused;
    }, 10_000)));
    assert.ok(!upload.ended && !head.ended, "what goes on is waited for");
    await end;
    const took = Date.now() - began;
    assert.ok(took > 29_000 && took < 45_000, `the end came after ${took} ms`);
    assert.deepEqual([upload.statuses, head.statuses], [[], []], "cut, not answered");
  });
});
