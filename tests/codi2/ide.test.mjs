// The door's /ide and the program behind it: a small backend in the IDE's place, and the IDE itself when its bundle is given.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { World, until } from "./world.mjs";

/** Answers with what it was sent and started with, once LISTEN_WITH is there; dies, chatters and echoes on demand. */
const backend = `
const { createServer } = require("node:http");
const { existsSync, statSync } = require("node:fs");
const { dirname } = require("node:path");
const { CODITECT_IDE_SOCKET: socket, CODITECT_GATEWAY_SECRET: secret, ...env } = process.env;
const server = createServer((req, res) => {
  if (req.headers["x-coditect-gateway"] !== secret) return res.writeHead(401).end();
  if (req.url === "/die") process.exit(7);
  if (req.url === "/chatter") return process.stdout.write("x".repeat(99) + "\\n".repeat(1), () => {
    for (let i = 0; i < 30_000; i++) process.stdout.write("a line of the log " + i + "\\n".padStart(90, "."));
    res.end();
  });
  if (req.url === "/eat") {
    const { spawn } = require("node:child_process");
    const child = spawn(process.execPath, ["-e", "const all = []; for (let i = 0; i < 80; i++) all.push(Buffer.alloc(10 << 20, 1)); setInterval(() => all, 1000)"]);
    return child.on("exit", (code, signal) => res.end(String(signal)));
  }
  if (req.url === "/busy") { // one that loses its parent at once, and works, but not on after a codi2 that was killed
    const { spawn } = require("node:child_process");
    spawn("sh", ["-c", "while kill -0 " + process.ppid + "; do :; done &"], { detached: true, stdio: "ignore" });
    return res.end();
  }
  let body = "";
  req.setEncoding("utf8").on("data", (part) => (body += part)).on("end", () => res
    .writeHead(201, { "Content-Type": "application/json", "Set-Cookie": "theia=1; HttpOnly" })
    .end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body, env, argv: process.argv.slice(2),
      cwd: process.cwd(), mode: statSync(dirname(socket)).mode & 0o777 })));
});
server.on("upgrade", (req, stream) => {
  stream.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n");
  stream.write(req.url + "\\n");
  stream.pipe(stream);
  stream.on("error", () => {});
});
const begin = () => (env.LISTEN_WITH && !existsSync(env.LISTEN_WITH) ? setTimeout(begin, 20) : server.listen(socket));
begin();
`;

function bundle(world) {
  fs.mkdirSync(world.path("bundle/app/lib/backend"), { recursive: true });
  fs.writeFileSync(world.path("bundle/app/lib/backend/main.js"), backend);
  return ["--node", process.execPath, "--ide", world.path("bundle")];
}

const listening = (world) => until("the IDE", async () => (await world.door("GET", "/ide/")).status === 201);

test("without an IDE its address is not found", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startCodi2();
  for (const path of ["/ide", "/ide/", "/ide/x?y", "/idea"]) {
    const { status, body } = await world.door("GET", path);
    assert.deepEqual([status, body.success, body.error.code], [404, false, "not_found"], path);
  }
});

test("until it listens it is 503, then everything below /ide is the backend's", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  const options = ["--session-name", "Project A", "--base-path", "/ide/ses-test/"];
  await world.startCodi2([...bundle(world), ...options],
    { LISTEN_WITH: world.path("listen"), PLATFORM_ORIGIN: "http://coditect.localhost:8080", CODITECT_GATEWAY_SECRET: "guessed", CODITECT_X: "x" });
  const early = await world.door("GET", "/ide/");
  assert.deepEqual([early.status, early.body.error.code, early.headers["retry-after"]], [503, "unavailable", "1"]);
  const page = await world.door("GET", "/ide/", { Accept: "text/html,*/*" }); // for a person, who need not load it again
  assert.deepEqual([page.status, page.headers["content-type"], page.headers["retry-after"]], [503, "text/html; charset=utf-8", "1"]);
  assert.match(String(page.body), /http-equiv="refresh"[^]*<h1>The IDE is starting<\/h1>/);
  fs.writeFileSync(world.path("listen"), "");
  await listening(world);

  const { status, headers, body } = await world.door("PATCH", "/ide/a%2Fb?q=1&r", { Host: "ses-test.ide.coditect.localhost:8080", Cookie: "theia=1" }, "a body");
  assert.deepEqual([status, headers["set-cookie"]], [201, ["theia=1; HttpOnly"]]);
  assert.deepEqual([body.method, body.url, body.body], ["PATCH", "/a%2Fb?q=1&r", "a body"]);
  assert.equal(body.headers.host, "ses-test.ide.coditect.localhost:8080");
  assert.equal(body.headers.cookie, "theia=1");
  for (const path of ["/ide", "/ide/"]) assert.equal((await world.door("GET", path)).body.url, "/");
  assert.equal((await world.door("GET", "/ide?x")).body.url, "/?x");

  assert.equal(body.mode, 0o700);
  assert.equal(body.cwd, world.path("bundle/app"));
  assert.deepEqual(body.argv, [world.tree(), `--plugins=local-dir:${world.path("bundle/plugins")}`]);
  const { CODITECT_DOOR, CODITECT_BASE_PATH, CODITECT_PLATFORM_ORIGIN, CODITECT_SESSION_ID, CODITECT_SESSION_NAME, CODITECT_X } = body.env;
  assert.deepEqual([CODITECT_DOOR, CODITECT_BASE_PATH, CODITECT_PLATFORM_ORIGIN, CODITECT_SESSION_ID, CODITECT_SESSION_NAME, CODITECT_X],
    [world.path("door.sock"), "/ide/ses-test/", "http://coditect.localhost:8080", "ses-test", "Project A", undefined]);
});

test("the secret is codi2's alone to send", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startCodi2(bundle(world), { CODITECT_GATEWAY_SECRET: "guessed" });
  await listening(world);
  for (const headers of [{ "X-Coditect-Gateway": "guessed" }, { "x-coditect-gateway": "" }, { "X-Coditect-Gateway": "a", Connection: "X-Coditect-Gateway" }]) {
    const { status, body } = await world.door("GET", "/ide/", headers);
    assert.equal(status, 201, JSON.stringify(headers)); // exactly one header arrived, and it was right
    assert.match(body.headers["x-coditect-gateway"], /^[0-9a-f]{48}$/);
  }
});

test("a WebSocket is a pipe of bytes", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startCodi2(bundle(world));
  await listening(world);
  const stream = connect(world.path("door.sock"));
  t.after(() => stream.destroy());
  let got = "";
  stream.setEncoding("utf8").on("data", (part) => (got += part));
  stream.write("GET /ide/socket.io/?EIO=4 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\nto and fro");
  await until("the echo", () => got.endsWith("to and fro"));
  assert.match(got, /^HTTP\/1\.1 101 /);
  assert.match(got, /\r\n\r\n\/socket\.io\/\?EIO=4\nto and fro$/);
});

test("one that dies is started again, and what it says is bounded", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  fs.writeFileSync(world.path("listen"), "");
  await world.startCodi2(bundle(world), { LISTEN_WITH: world.path("listen") });
  await listening(world);
  for (let i = 0; i < 2; i++) assert.equal((await world.door("GET", "/ide/chatter")).status, 200); // 6 MB
  const sizes = () => ["ide.log", "ide.log.1"].map((name) => fs.statSync(world.path("ide", name)).size);
  let kept = []; // not in the moment in which the one becomes the other
  await until("the log", () => fs.readFileSync(world.path("ide", "ide.log"), "utf8").includes("log 29999") && (kept = sizes()).every((size) => size > 0));
  for (const size of kept) assert.ok(size <= (512 + 16) * 1024, `${kept}`);
  fs.rmSync(world.path("listen")); // the next one waits until it has been asked in vain
  assert.ok((await world.door("GET", "/ide/die")).status >= 500);
  const gone = await world.door("GET", "/ide/");
  assert.ok(gone.status === 503 || gone.status === 502, `${gone.status}`);
  fs.writeFileSync(world.path("listen"), "");
  await listening(world);
});

test("its processes and its socket end with codi2", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2(bundle(world));
  await listening(world);
  world.codi2.kill("SIGTERM");
  assert.equal(await world.codi2.ended, 0);
  assert.ok(!fs.existsSync(world.path("ide/ide.sock")));
  assert.ok(!fs.existsSync(world.path("door.sock")));
});

test("it knows what keeps the workspace awake", { timeout: 360_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2(bundle(world));
  await listening(world);
  assert.deepEqual((await world.status()).activity, { idle_ms: 0, awake: ["browser"] }); // somebody opened it
  for (const kind of ["input", "visible"]) assert.equal((await world.door("POST", "/activity", {}, JSON.stringify({ kind }))).status, 204);
  for (const text of ["", "{}", "[]", '{"kind":"sleep"}', '{"kind":1}']) {
    assert.equal((await world.door("POST", "/activity", {}, text)).status, 400, text);
  }
  assert.equal((await world.door("POST", "/activity", {}, JSON.stringify({ kind: "input", more: "x".repeat(300) }))).status, 413);
  assert.equal((await world.door("GET", "/activity")).status, 405);
  await world.door("GET", "/ide/busy");
  const { revision } = await world.status();
  const busy = await until("a process is at work", async () => (await world.status()).activity.awake.find((name) => name !== "browser"), 300); // two looks, where it has the machine for itself
  assert.equal(busy, "process sh");
  assert.notEqual((await world.status()).revision, revision);
  const left = fs.readFileSync(`/proc/${world.codi2.pid}/task/${world.codi2.pid}/children`, "utf8").trim().split(" ").map(Number);
  assert.equal(left.length, 2); // the backend, and the orphan that has become codi2's
  world.codi2.kill("SIGTERM");
  assert.equal(await world.codi2.ended, 0);
  for (const pid of left) assert.ok(!fs.existsSync(`/proc/${pid}`), `${pid} was ended`);
});

test("over its limit of memory the largest process is ended, and said so", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2(bundle(world), { MEMORY_LIMIT: String(500 << 20) });
  await listening(world);
  assert.equal((await world.door("GET", "/ide/eat")).body, "SIGKILL");
  await until("it is said", async () => /out of memory: node was ended/.test((await world.status()).message));
  assert.equal((await world.door("GET", "/ide/")).status, 201);
  await world.kill("codi2");
  world.spawnCodi2(["--memory", "many"]);
  assert.equal(await world.codi2.ended, 2);
});
