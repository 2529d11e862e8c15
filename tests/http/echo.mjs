// http-echo (echo.c) on a free port, and a WebSocket client made of bytes, for what a proper client would never send.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

const build = process.env.CODITECT_BUILD ?? "";
assert.notEqual(build, "", "CODITECT_BUILD must name the build directory");
export const program = join(build, "tests/http/http-echo");

const children = new Set();
/** What a test that failed has left. */
export function endAll() {
  for (const child of children) child.kill("SIGKILL");
}
process.on("exit", endAll);

export class Echo {
  /** words: NAME=VALUE for echo.c. */
  static async start(words = [], { command = [program], env = {} } = {}) {
    const echo = new Echo();
    const [first, ...rest] = [...command, "127.0.0.1:0", ...words];
    echo.child = spawn(first, rest, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    children.add(echo.child);
    echo.log = "";
    echo.child.stderr.on("data", (text) => (echo.log += text));
    echo.exited = new Promise((resolve) => echo.child.on("close", (code, signal) => resolve({ code, signal })));
    echo.port = await new Promise((resolve, reject) => {
      echo.child.stdout.once("data", (text) => resolve(Number(text)));
      void echo.exited.then(() => reject(new Error(`http-echo ended: ${echo.log}`)));
    });
    return echo;
  }

  /** Bytes of memory in use now. */
  get memory() {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/VmRSS:\s*(\d+)/.exec(status)[1]) * 1024;
  }

  get isRunning() {
    return this.child.exitCode === null && existsSync(`/proc/${this.child.pid}`);
  }

  terminate() {
    this.child.kill("SIGTERM");
  }

  async stop() {
    this.terminate();
    const end = await this.exited;
    children.delete(this.child);
    assert.deepEqual(end, { code: 0, signal: null }, this.log);
  }
}

// ---- Bytes of WebSockets ----

export const TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;

/** One frame as a client sends it. fin, reserved, mask: for the wrong ones. */
export function frame(opcode, payload = "", { fin = true, reserved = 0, mask = true } = {}) {
  const bytes = Buffer.from(payload);
  const length = bytes.length;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (mask ? 0x80 : 0) | (length < 126 ? length : length < 65536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  if (!mask) return Buffer.concat([head, bytes]);
  const key = randomBytes(4);
  const masked = Buffer.from(bytes);
  for (let i = 0; i < length; i++) masked[i] ^= key[i & 3];
  return Buffer.concat([head, key, masked]);
}

export function closeFrame(code, reason = "") {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return frame(CLOSE, payload);
}

/** A server's frames, as they come. */
export class Reader {
  #rest = Buffer.alloc(0);

  /** The frames that are complete with these bytes. */
  push(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const frames = [];
    for (let one = this.#take(); one !== undefined; one = this.#take()) frames.push(one);
    return frames;
  }

  #take() {
    const b = this.#rest;
    if (b.length < 2) return undefined;
    const short = b[1] & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (b.length < head) return undefined;
    const length = short === 126 ? b.readUInt16BE(2) : short === 127 ? Number(b.readBigUInt64BE(2)) : short;
    if (b.length < head + length) return undefined;
    assert.equal(b[1] & 0x80, 0, "a server does not mask (RFC 6455 5.1)");
    this.#rest = b.subarray(head + length);
    return { fin: (b[0] & 0x80) !== 0, reserved: (b[0] >> 4) & 7, opcode: b[0] & 15, payload: b.subarray(head, head + length) };
  }
}

export class Peer {
  /** A socket after its handshake. */
  static async open(port, { path = "/ws", headers = {} } = {}) {
    const peer = await Peer.shake(port, path, headers);
    assert.equal(peer.status, 101, peer.head);
    return peer;
  }

  /** The handshake, whatever comes of it. headers: a value undefined leaves a usual one out. */
  static async shake(port, path = "/ws", headers = {}) {
    const peer = new Peer();
    peer.key = randomBytes(16).toString("base64");
    const usual = { Host: "localhost", Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": peer.key };
    const lines = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== undefined);
    peer.socket = connect(port, "127.0.0.1");
    peer.socket.on("error", () => undefined);
    peer.frames = [];
    peer.ended = false;
    let head = Buffer.alloc(0);
    const reader = new Reader();
    const begun = new Promise((resolve) => {
      peer.socket.on("data", (bytes) => {
        if (peer.head === undefined) {
          head = Buffer.concat([head, bytes]);
          const end = head.indexOf("\r\n\r\n");
          if (end < 0) return;
          peer.head = head.toString("latin1", 0, end + 4);
          peer.status = Number(peer.head.slice(9, 12));
          bytes = head.subarray(end + 4);
          resolve();
        }
        if (peer.status === 101) peer.frames.push(...reader.push(bytes));
        peer.wake?.();
      });
      peer.socket.on("close", () => {
        peer.ended = true;
        resolve();
        peer.wake?.();
      });
    });
    peer.socket.write(`GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
    await begun;
    return peer;
  }

  get accept() {
    return createHash("sha1").update(`${this.key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  }

  send(...frames) {
    for (const bytes of frames) this.socket.write(bytes);
  }

  /** The next frame, or undefined at the end of the connection. */
  async next(ms = 20_000) {
    const deadline = Date.now() + ms;
    while (this.frames.length === 0 && !this.ended) {
      const left = deadline - Date.now();
      assert.ok(left > 0, "nothing came");
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.frames.shift();
  }

  /** All that still comes, as words: "text hello", "pong x", "close 1000", "end". */
  async rest() {
    const words = [];
    for (;;) {
      const one = await this.next();
      if (one === undefined) return [...words, "end"];
      words.push(describe(one));
    }
  }

  destroy() {
    this.socket.destroy();
  }
}

export function describe({ opcode, payload }) {
  if (opcode === CLOSE) return payload.length === 0 ? "close" : `close ${payload.readUInt16BE(0)}`;
  const name = { [TEXT]: "text", [BINARY]: "binary", [PING]: "ping", [PONG]: "pong" }[opcode];
  return `${name} ${opcode === BINARY ? payload.toString("latin1") : payload.toString("utf8")}`;
}
