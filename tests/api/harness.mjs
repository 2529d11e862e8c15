// The real coditectd on a free port with a data directory of its own, and a client that holds every reply against
// spec/openapi.yaml: a status that the route does not name, or a body that its schema refuses, fails the test at once.
//
// Requests go out exactly as written (node's fetch would tidy up paths). Which routes were hit is noted in a file that all
// test files of one run share; zz-routes.test.mjs reads it last.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import {
  appendFileSync, chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeSync,
} from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { running, unfinished } from "./ends.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const build = process.env.CODITECT_BUILD ?? "";
assert.notEqual(build, "", "CODITECT_BUILD must name the build directory");

// CODITECT_TEST_FAULTS="SEED RATE": every server has a faulty store (tests/store/coditectd_faults.c), and a request whose store
// did not answer in time is sent again.
const faulty = process.env.CODITECT_TEST_FAULTS !== undefined;
export const program = join(build, faulty ? "src/coditectd/coditectd-faults" : "src/coditectd/coditectd");

export const bundle = JSON.parse(readFileSync(join(build, "src/api/openapi.schema.json"), "utf8"));

// One for all files of a run: as the suite says, or, since all files of one `node --test` have the same parent, of that.
export const hitsFile = process.env.CODITECT_API_HITS ?? join(tmpdir(), `coditect-api-hits-${process.ppid}`);
const hits = new Set();
process.on("exit", () => {
  if (hits.size > 0) appendFileSync(hitsFile, [...hits].join("\n") + "\n");
});

/** For what does not go through call(): a socket that was opened ("ok"), or refused with 404 or 409 ("refused"). */
export function noteHit(operation, outcome) {
  hits.add(`${operation} ${outcome}`);
}

// ---- Schemas ----

const ajv = new Ajv({ strict: true, allErrors: true, strictRequired: false, allowUnionTypes: true });
addFormats(ajv);
ajv.addFormat("path", true);
ajv.addSchema({ $id: "api", $defs: bundle.$defs });

/** A validator of a schema of the bundle. */
export function compile(schema) {
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"api#/$defs/')));
}

/** Made when the first reply of its kind comes: all of them take seconds, and a test file sees a few. */
const validators = new Map();
function validatorOf(operation, status) {
  const key = `${operation.id} ${status}`;
  if (!validators.has(key)) validators.set(key, compile(operation.replies[status]));
  return validators.get(key);
}
const validateFailure = ajv.compile({ $ref: "api#/$defs/Failure" });

function segmentMatches(segment, part) {
  return segment.kind === "literal" ? segment.text === part : part !== undefined && part.length > 0;
}

function matches(operation, parts) {
  return operation.segments.every((segment, i) => {
    if (segment.kind !== "rest") return segmentMatches(segment, parts[i]);
    return parts.slice(i).join("/").endsWith(segment.text) && parts.length > i;
  }) && (operation.segments.at(-1).kind === "rest" || operation.segments.length === parts.length);
}

/** The operation that a request means, literal segments before parameters; undefined when the document has none. */
function operationOf(method, path) {
  const bare = path.split("?")[0];
  const below = bare.startsWith("/api/v5/");
  const parts = bare.slice(below ? "/api/v5/".length : 1).split("/");
  const wanted = method === "HEAD" ? "GET" : method;
  const found = bundle.operations.filter(
    (operation) => operation.method === wanted && (below || operation.root) && matches(operation, parts),
  );
  const literals = (operation) => operation.segments.filter((segment) => segment.kind === "literal").length;
  return found.sort((a, b) => literals(b) - literals(a))[0];
}

function explain(validate) {
  return ajv.errorsText(validate.errors, { separator: "; " });
}

/** The document's `default`: what may befall any request. What is about the operation stands there by its own status. */
const anyRequest = new Set([400, 405, 408, 411, 413, 414, 415, 417, 421, 429, 431, 500, 501, 502, 503, 504, 505]);
const isDefault = ({ status, code }) => anyRequest.has(status) || (status === 507 && code === "no_space");

/** Holds one reply against the document. */
function check(method, path, reply) {
  const where = `${method} ${path} → ${reply.status}`;
  assert.ok(reply.status < 500 || reply.expected5xx || (faulty && reply.code === "timeout"), `${where}: ${reply.text()}`);
  assert.match(reply.headers["x-request-id"] ?? "", /^req-/, where);
  assert.equal(reply.headers["x-content-type-options"], "nosniff", where);
  const operation = reply.foreign ? undefined : operationOf(method, path);
  if (operation === undefined) {
    if (reply.status >= 400 && method !== "HEAD") {
      assert.ok(validateFailure(reply.json), `${where}: ${explain(validateFailure)}`);
    }
    return;
  }
  const ok = reply.status < 400;
  if (ok || reply.status === 404 || reply.status === 409) hits.add(`${operation.id} ${ok ? "ok" : "refused"}`);
  const known = String(reply.status) in operation.replies ? String(reply.status) : isDefault(reply) ? "default" : undefined;
  assert.ok(known, `${where} ${reply.code ?? ""}: the document does not name this status`);
  if (method === "HEAD" || operation.replies[known] === null || operation.replies[known] === "bytes") return;
  if (ok && ["application/x-ndjson", "text/x-diff"].includes(reply.headers["content-type"])) return; // asked for; the lines are the test's
  const validate = validatorOf(operation, known);
  assert.equal(reply.headers["content-type"], "application/json", where);
  assert.ok(validate(reply.json), `${where}: ${explain(validate)}\n${reply.text()}`);
  if (!ok) assert.equal(reply.json.error.request_id, reply.headers["x-request-id"]);
}

// ---- Client ----

export class Reply {
  constructor(message, body) {
    this.status = message.statusCode;
    this.headers = message.headers;
    this.body = body;
    const type = message.headers["content-type"] ?? "";
    this.json = type.startsWith("application/json") && body.length > 0 ? JSON.parse(body.toString("utf8")) : undefined;
  }

  text() {
    return this.body.toString("utf8").slice(0, 600);
  }

  get data() {
    return this.json?.data;
  }

  get code() {
    return this.json?.error?.code;
  }
}

function sendBody(request, body) {
  if (body !== null && typeof body?.pipe === "function") body.pipe(request);
  else request.end(body);
}

/** As call; with faults the body must be one that can be sent again. */
async function callPatiently(port, method, path, options) {
  const streams = typeof options.body?.pipe === "function";
  const body = streams ? Buffer.concat(await options.body.toArray()) : options.body;
  for (let tries = 0; ; tries++) {
    try {
      const reply = await callOnce(port, method, path, { ...options, body });
      if (reply.code !== "timeout" || tries === 20) return reply;
    } catch (error) {
      if (!["ECONNRESET", "EPIPE"].includes(error.code) || tries === 20) throw error;
    }
  }
}

export const call = (port, method, path, options = {}) =>
  (faulty ? callPatiently : callOnce)(port, method, path, options);

/**
 * options: token, json, body (Buffer, string or stream), headers, host; expected5xx: the test wants that; foreign: no operation of
 * the document is at this host.
 * sink: called with each piece of the reply's body, which is then not kept.
 */
async function callOnce(port, method, path, options) {
  const headers = { ...options.headers };
  let body = options.body;
  if (options.token) headers.Authorization = `Bearer ${options.token}`;
  if (options.json !== undefined) {
    body = JSON.stringify(options.json);
    headers["Content-Type"] ??= "application/json";
  }
  if (typeof body === "string" || Buffer.isBuffer(body)) headers["Content-Length"] ??= Buffer.byteLength(body);
  headers.Host ??= options.host ?? `127.0.0.1:${port}`;
  const reply = await new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent: options.agent, setHost: false });
    let answered = false;
    request.on("response", (message) => {
      answered = true;
      const pieces = [];
      message.on("data", options.sink ?? ((piece) => pieces.push(piece)));
      message.on("end", () => resolve(new Reply(message, Buffer.concat(pieces))));
      message.on("error", reject);
    });
    // A refused upload is answered before it was read; then writing on fails.
    request.on("error", (error) => answered || reject(error));
    sendBody(request, body);
  });
  reply.expected5xx = options.expected5xx ?? false;
  reply.foreign = options.foreign ?? false;
  check(method, path, reply);
  return reply;
}

export class Client {
  constructor(server, token) {
    this.server = server;
    this.token = token;
  }

  /** A path below /api/v5. */
  async request(method, path, options = {}) {
    return call(this.server.port, method, `/api/v5${path}`, { agent: this.server.agent, token: this.token, ...options });
  }

  get = (path, options) => this.request("GET", path, options);
  head = (path, options) => this.request("HEAD", path, options);
  post = (path, json, options) => this.request("POST", path, { json, ...options });
  put = (path, json, options) => this.request("PUT", path, { json, ...options });
  delete = (path, options) => this.request("DELETE", path, options);
  write = (path, body, options) => this.request("PUT", path, { body, ...options });
}

// ---- Server ----

let portsGiven = 0;

/** Below those that the kernel gives out by itself, so that nobody gets it while its server is away. */
export async function freePort() {
  for (;;) {
    const port = 15_000 + ((process.pid * 97 + portsGiven++) % 17_000);
    const probe = createServer();
    const isFree = await new Promise((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}

/** Polls until test() is true; fails after the deadline. */
export async function until(what, test, ms = 20_000) {
  const deadline = Date.now() + ms;
  while (!(await test())) {
    assert.ok(Date.now() < deadline, `not within ${ms} ms: ${what}`);
    await wait(20);
  }
}

/** What no log may hold, whatever a test does: access and refresh tokens, tickets, cookies, passwords of account(). */
const secret = /eyJ[\w-]{8,}\.|log-[0-9a-z]+\.\d+\.|ticket=|Bearer |cd[kl]_|secret=|coditect-(refresh|ide|known)=|password of /;

/** A start is waited for: one that ends is seen, and how long it takes is the machine's. */
const START_MS = 60_000;

/** A connection that rests goes before the server lets go of it (after 75 s): a request would meet its end. */
const newAgent = () => new Agent({ keepAlive: true, maxSockets: 64, timeout: 30_000 });

export class Server {
  /**
   * options: args, env, program, data (a directory that is kept), before (words of a command that runs the server in its place).
   * t: the test that it is for; it ends with that at the latest, since what a test that failed leaves would keep its file alive.
   */
  static async start(options = {}) {
    const server = new Server();
    server.ownData = options.data === undefined;
    server.data = options.data ?? mkdtempSync(join(tmpdir(), "coditect-api-"));
    server.args = options.args ?? ["--rate-factor", "100000"];
    server.env = options.env ?? {};
    server.before = options.before ?? [];
    server.silent = options.silent ?? false; // its log tells of errors alone
    server.program = options.program === undefined ? program : join(build, options.program);
    server.port = options.port ?? (await freePort());
    server.agent = newAgent();
    options.t?.after(() => running.has(server) && server.stop());
    try {
      await server.run();
    } catch (error) {
      server.child.kill("SIGKILL"); // nobody else knows of it
      throw error;
    }
    return server;
  }

  async run() {
    const args = ["--listen", `127.0.0.1:${this.port}`, "--data", this.data, ...this.args];
    const [first, ...rest] = [...this.before, this.program, ...args];
    this.log = "";
    this.child = spawn(first, rest, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...this.env } });
    this.exited = new Promise((resolve) => this.child.on("close", (code, signal) => resolve({ code, signal })));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (text) => {
        this.log = (this.log + text).slice(-2_000_000);
      });
    }
    running.add(this);
    unfinished.add(this);
    let over;
    void this.exited.then((end) => {
      over = end;
    });
    const lives = () => assert.equal(over, undefined, `coditectd ended: ${JSON.stringify(over)}\n${this.log}`);
    await until("coditectd answers", async () => {
      lives();
      try {
        return (await call(this.port, "GET", "/health")).status === 200;
      } catch (error) {
        if (["ECONNREFUSED", "ECONNRESET"].includes(error.code)) return false; // not yet, or the old one is just going
        throw error;
      }
    }, START_MS);
    // It answers there before it does on the operator's socket and where its metrics are; when it does everywhere, it says so.
    if (this.silent) return;
    await until("coditectd says that it listens", () => {
      lives();
      return this.log.includes("listening on port ");
    }, START_MS);
  }

  /** The server itself: coditectd's first process keeps the rights, its child serves. */
  get serverPid() {
    const { pid } = this.child;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]);
  }

  async end(signal, pid) {
    if (signal === "SIGKILL" && pid !== this.child.pid) process.kill(pid ?? this.serverPid, signal);
    else this.child.kill(signal); // which may have ended by itself
    const end = await this.exited;
    running.delete(this);
    assert.doesNotMatch(this.log, secret);
    assert.doesNotMatch(this.log, /AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|assertion/i);
    return end;
  }

  /** As a power cut for this process: nothing is flushed or closed. pid: the first one's, for whose end the kernel ends its child. */
  async kill9(pid) {
    await this.end("SIGKILL", pid);
    this.agent.destroy();
    this.agent = newAgent();
  }

  /** In order; its exit status must be 0. */
  async stop() {
    const end = await this.end("SIGTERM");
    this.agent.destroy();
    assert.deepEqual(end, { code: 0, signal: null }, this.log);
    this.stopWorkspaces();
    this.checkStore();
    this.removeData();
    unfinished.delete(this);
  }

  /** Workspaces outlive the server; none may outlive the test. */
  stopWorkspaces() {
    const run = join(this.data, "run");
    if (!existsSync(run) || !readdirSync(run).some((name) => name.startsWith("ses-"))) return;
    execFileSync(program, ["--data", this.data, "--stop-workspaces"], { stdio: "pipe" });
  }

  removeData() {
    if (this.ownData) rmSync(this.data, { recursive: true, force: true, maxRetries: 5 }); // it may be just going
  }

  /** Whatever the test did: what it leaves is whole. */
  checkStore() {
    if (!existsSync(join(this.data, "store"))) return; // on a disk of the server's own
    const { status, stdout, stderr } = spawnSync(program, ["--data", this.data, "--check"], { encoding: "utf8" });
    assert.equal(status, 0, `${this.data} is damaged:\n${stdout}${stderr}`);
  }

  anonymous() {
    return new Client(this, undefined);
  }

  /** A new account, logged in. */
  async account(name = "someone") {
    const email = `${name}-${Server.number++}@example.com`;
    const password = `password of ${email}`;
    const reply = await this.anonymous().post("/auth/register", { email, password, name });
    assert.equal(reply.status, 201, reply.text());
    const client = new Client(this, reply.data.token);
    return Object.assign(client, { email, password, login: reply.data, user: reply.data.user });
  }
}
Server.number = 1;

/** A server for all tests of a file; it runs when one begins, also behind one that failed while it was away. */
export async function serverForFile(options) {
  const server = await Server.start(options);
  beforeEach(async () => {
    if (server.child.exitCode !== null || server.child.signalCode !== null) await server.run();
  });
  after(() => server.stop());
  return server;
}

// ---- Small things ----

export async function newSession(client, name = "Project A") {
  const reply = await client.post("/sessions", { name });
  assert.equal(reply.status, 201, reply.text());
  return reply.data;
}

/** A clock for a server that is started with `env`: it goes by the machine's, `seconds` of the last jump ahead. */
export function movableClock(t) {
  const place = mkdtempSync(join(tmpdir(), "coditect-clock-"));
  chmodSync(place, 0o755); // the server's user reads it
  const path = join(place, "offset");
  const file = openSync(path, "w");
  t.after(() => {
    closeSync(file);
    rmSync(place, { recursive: true });
  });
  const jump = (seconds) => writeSync(file, new BigInt64Array([BigInt(seconds)]), 0, 8, 0); // in place: it is mapped
  jump(0);
  const env = {
    LD_PRELOAD: join(build, "tests/codi2/clock.so"),
    CLOCK_OFFSET: path,
    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0`,
  };
  return { env, jump };
}

/** As somebody behind the same address who guesses tokens, until that is refused; the next few moments nothing more is allowed. */
export async function guessTokens(server) {
  for (let refused = 0; refused === 0;) {
    const guesses = await Promise.all(Array.from({ length: 20 }, () => new Client(server, "a.b.c").get("/users/me")));
    refused = guesses.filter(({ status }) => status === 429).length;
  }
}

const operator = (path, of) => new Promise((resolve, reject) => {
  httpRequest({ socketPath: join(of.data, "store/admin.sock"), path, headers: { Host: "admin" } }, async (reply) => {
    resolve(Buffer.concat(await reply.toArray()).toString().trimEnd().split("\n").map((line) => JSON.parse(line)));
  }).on("error", reject).end();
});

/** What the operator sees of strangers, by the door in the server's data directory. */
export async function strangers(of) {
  let lines = await operator("/audit", of);
  while (faulty && lines.at(-1).failed) lines = await operator("/audit", of);
  assert.deepEqual(lines.pop(), { done: true, records: lines.length });
  return lines;
}

/** What an authenticator app shows for a secret in base32 (RFC 6238), so many steps of 30 seconds from now. */
export function totpCode(secret, steps = 0) {
  const digits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(digits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac("sha1", key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Percent-encodes every byte that is not unreserved; Buffer or string. */
export function encodeBytes(bytes) {
  return [...Buffer.from(bytes)]
    .map((byte) => {
      const c = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(c) ? c : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

/** A shared data file, or undefined; the test then skips itself by name. */
export function sharedData(path) {
  const full = join(root, "..", "shared", "data", path);
  return existsSync(full) ? readFileSync(full, "utf8") : undefined;
}

/** Repeatable bytes. */
export function* bytesOf(length, seed = 1) {
  let state = BigInt(seed);
  for (let left = length; left > 0; ) {
    const piece = Buffer.alloc(Math.min(left, 1 << 16));
    for (let i = 0; i + 8 <= piece.length; i += 8) {
      state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
      piece.writeBigUInt64LE(state, i);
    }
    left -= piece.length;
    yield piece;
  }
}
