// A client of a session's events for tests: what comes is held against spec/openapi.yaml, message by message.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { after } from "node:test";
import WebSocket from "ws";
import { bundle, compile, noteHit, until } from "./harness.mjs";

const at = (session) => `/sessions/${session.id}`;
const operation = bundle.operations.find(({ id }) => id === "session_events");
const isMessage = compile(operation.replies["101"]);
const open = new Set();
after(() => {
  for (const one of open) one.terminate();
});

/** A stream as a page opens it; options: since, path, headers, protocols, plain (not compressed), quiet (does not wait for a message). */
export class Stream {
  messages = [];
  code = undefined;

  constructor(client, session, options = {}) {
    const query = options.since === undefined ? "" : `?since=${options.since}`;
    const path = options.path ?? `/ws${at(session)}/events${query}`;
    const protocols = options.protocols ?? ["coditect.v5", `coditect.bearer.${client.token}`];
    this.socket = new WebSocket(`ws://127.0.0.1:${client.server.port}${path}`, protocols, {
      headers: options.headers ?? {}, maxPayload: 1 << 20, perMessageDeflate: !options.plain,
    });
    open.add(this.socket);
    this.socket.on("message", (data, isBinary) => this.take(data, isBinary));
    this.socket.on("close", (code) => {
      this.code = code;
      open.delete(this.socket);
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.on("open", () => resolve(this));
      this.socket.on("unexpected-response", (request, response) => {
        const pieces = [];
        response.on("data", (piece) => pieces.push(piece));
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, json: JSON.parse(Buffer.concat(pieces)) }));
      });
      this.socket.on("error", (error) => reject(error));
    });
  }

  /** An open stream, which has said where it begins; or what refused it. */
  static async open(client, session, options) {
    const stream = new Stream(client, session, options);
    const opened = await stream.opened;
    if (opened !== stream) return opened;
    noteHit("session_events", "ok");
    if (options?.quiet) return stream;
    await until("the first message", () => stream.messages.length > 0);
    return stream;
  }

  take(data, isBinary) {
    assert.equal(isBinary, false);
    const message = JSON.parse(data);
    assert.ok(isMessage(message), `${data}: ${JSON.stringify(isMessage.errors)}`);
    assert.equal(message.type === "events", message.events !== undefined && message.events.length > 0);
    this.messages.push(message);
  }

  get events() {
    return this.messages.flatMap(({ events }) => events ?? []);
  }

  get changes() {
    return this.events.flatMap(({ changes }) => changes ?? []);
  }

  get versions() {
    return this.changes.map(({ version }) => version);
  }

  get cursor() {
    return this.messages.at(-1).cursor;
  }

  async has(count, ms) {
    await until(`${count} changes, ${this.versions.length} are there`, () => this.versions.length >= count, ms);
    return this.versions;
  }

  async ended(ms = 20_000) {
    await until("the socket is closed", () => this.code !== undefined, ms);
    return this.code;
  }

  async close() {
    this.socket.close(1000);
    assert.equal(await this.ended(), 1000);
  }
}

export const oneTo = (n, from = 1) => Array.from({ length: n }, (_, i) => i + from);

/** Many files by one archive: their names as Python says them, and their content. */
export async function unpack(client, session, names, content = "") {
  const body = execFileSync("python3", ["-c", `
import io, sys, tarfile as t
out = t.open(fileobj=sys.stdout.buffer, mode="w|", format=t.PAX_FORMAT)
for name in ${names}:
    info = t.TarInfo(name)
    info.size = ${content.length}
    out.addfile(info, io.BytesIO(b"${content}"))
out.close()
`], { maxBuffer: 256 << 20 });
  const reply = await client.request("POST", `${at(session)}/archive`, { body });
  assert.equal(reply.status, 200, reply.text());
}

/** A reader with a small window, which takes nothing for so many seconds and then all that there is: messages, and how it ended. */
export async function sluggish(client, session, since, seconds) {
  const child = spawn("python3", ["-c", `
import socket, struct, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.connect(("127.0.0.1", ${client.server.port}))
s.sendall(b"GET /ws${at(session)}/events?since=${since} HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n"
          b"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nAuthorization: Bearer " + sys.stdin.readline().strip().encode() + b"\\r\\n\\r\\n")
f = s.makefile("rb")
assert b" 101 " in f.readline()
while f.readline().strip(): pass
time.sleep(${seconds})
end = 1006
try:
    while end == 1006:
        head = f.read(2)
        if len(head) < 2: break
        n = head[1]
        n = struct.unpack(">H", f.read(2))[0] if n == 126 else struct.unpack(">Q", f.read(8))[0] if n == 127 else n
        data = f.read(n)
        if len(data) < n: break
        if head[0] == 0x81: print(data.decode())
        if head[0] == 0x88: end = struct.unpack(">H", data[:2])[0]
except ConnectionResetError: pass
print(end)
`], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(`${client.token}\n`);
  const lines = (await child.stdout.setEncoding("utf8").toArray()).join("").trim().split("\n");
  const code = Number(lines.pop());
  const messages = lines.map((line) => JSON.parse(line));
  return { code, cursor: messages.at(-1).cursor, versions: messages.flatMap(({ events }) => events ?? []).flatMap(({ changes }) => changes ?? []).map(({ version }) => version) };
}
