// shell: a terminal in a real workspace, on a terminal and through pipes; what it outlives, and what it leaves behind.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { halt } from "../api/halt.mjs";
import { newSession, serverForFile, until } from "../api/harness.mjs";
import { open, reaches, workspaceOf } from "../workspaces/inside.mjs";
import { Cli, person } from "./cli.mjs";
import { Pty } from "./pty.mjs";

const server = await serverForFile();
const slow = { timeout: 180_000 };
const ada = await person(server, "ada");
let session;

function onTerminal(t, ...args) {
  const pty = new Pty(ada, args);
  t.after(() => pty.destroy());
  return pty;
}

/** Of those that run. */
const names = async () => (await ada.ok("shells", "ls", session, "--json")).json.filter(({ state }) => state === "running").map(({ id }) => id);

before(async () => {
  session = (await newSession(ada.person, "Project A")).id;
  await open(ada.person, session);
}, slow);

// What a test before has left is not this one's.
beforeEach(async () => {
  await until("the workspace is heard", async () => (await workspaceOf(ada.person, session)).connected);
  for (const name of await names()) await ada.run(["shells", "end", session, name]); // which may just have ended by itself
}, slow);

test("by hand: typed, shown, resized; left and come back to; its status is the run's", slow, async (t) => {
  const first = onTerminal(t, "shell", "Project A");
  first.type("echo \"I am $(id -un) in $PWD\"; stty size\n");
  await first.shows("I am dev in /workspace\r\n50 132\r\n");
  first.resize(100, 40);
  await until("the shell hears of it", async () => {
    first.type("stty size\n");
    return (await first.shows(/\d+ \d+\r\n/)).includes("40 100\r\n");
  });
  first.type("echo cat-$((40+2)); cat -v\n"); // once it is said, the terminal echoes what is typed
  await first.shows("cat-42\r\n");
  first.type("~?");
  await first.shows("leaves");
  first.type("~~. x~.\n");
  await first.shows("~. x~.\r\n~. x~.\r\n");
  first.type("\x03");
  assert.deepEqual(await names(), ["main"]);
  assert.match((await ada.ok("shells", "ls", "Project A")).stdout, /^NAME +STATE +STARTED \(UTC\) +CONNECTED\nmain +running +20\S+ \S+ +1\n/);
  first.type("echo kept-$((40+2))\n~."); // at once: what was typed before goes first
  assert.deepEqual(await first.ended(), { status: 0, restored: true });
  assert.match(first.text, /left; the shell goes on: coditect shell ses-\S+ main/);
  assert.ok(first.text.includes("\x1b[?1047l"), "what a program left behind is set back");

  const again = onTerminal(t, "shell", session, "main");
  await again.shows("I am dev in /workspace\r\n50 132\r\n");
  await again.shows("kept-42\r\n");
  again.type("stty size; exit 7\n");
  await again.shows("50 132\r\n");
  assert.deepEqual(await again.ended(), { status: 7, restored: true });
  assert.deepEqual(await names(), []);
  assert.match((await ada.ok("shells", "ls", "Project A")).stdout, /main +ended with 7 /);
});

test("a server that goes and comes again: the terminal comes back to where it was", slow, async (t) => {
  const pty = onTerminal(t, "shell", "Project A", "lives");
  pty.type("for i in $(seq 1 60); do sleep 0.25; echo tick-$i-; done\n");
  let seen = await pty.shows("tick-2-\r\n");
  await server.kill9();
  seen += await pty.shows("the connection is lost; trying again, Ctrl-C leaves]");
  await server.run();
  seen += await pty.shows("[coditect: here again]");
  seen += await pty.shows("tick-30-\r\n");
  assert.equal((await server.end("SIGTERM")).code, 0);
  seen += await pty.shows("the connection is lost");
  await server.run();
  seen += await pty.shows("here again");
  if (!seen.includes("tick-60-\r\n")) seen += await pty.shows("tick-60-\r\n", 60_000); // it is, where a start takes long
  assert.deepEqual(seen.match(/tick-\d+-\r\n/g).length, 60, "each line once");
  pty.type("exit\n");
  assert.deepEqual(await pty.ended(), { status: 0, restored: true });
});

test("a server that does not come again: 6, or Ctrl-C; the terminal is given back", slow, async (t) => {
  const ptys = [onTerminal(t, "shell", "Project A", "x1", "--patience", "1"), onTerminal(t, "shell", "Project A", "x2")];
  const leaves = onTerminal(t, "shell", "Project A", "x3");
  for (const pty of [...ptys, leaves]) {
    pty.type("echo here-$((1+1))\n");
    await pty.shows("here-2\r\n");
  }
  const piped = ada.start(["shell", "Project A", "-c", "until [ -e go ]; do sleep 0.2; done; echo done; exit 3"]);
  const typed = ada.start(["shell", "Project A", "-c", "stty raw; echo ready; sleep 600"], { keepInput: true });
  let ready = "";
  typed.stdout.on("data", (piece) => { ready += piece; });
  await until("it runs", () => ready.includes("ready"));
  await until("all are there", async () => (await names()).length >= 5);
  await halt(t, server.serverPid); // what is sent now stays on its way
  typed.stdin.write("lost");
  leaves.type("lost\n~.");
  await leaves.shows("left; what was typed last may not have arrived; the shell goes on");
  assert.deepEqual(await leaves.ended(), { status: 0, restored: true });
  await server.kill9();
  for (const pty of ptys) await pty.shows("the connection is lost");
  ptys[1].type("\x03");
  assert.deepEqual(await ptys[1].ended(), { status: -2, restored: true });
  assert.deepEqual(await ptys[0].ended(), { status: 6, restored: true });
  assert.match(ptys[0].text, /does not answer.*\(coditect shell ses-\S+ x1 goes back to it\)/);
  const unsure = await typed.ended;
  assert.equal(unsure.status, 6);
  assert.match(unsure.stderr, /perhaps with some of what was sent/);
  await server.run();
  await ada.person.write(`/sessions/${session}/files/go`, "");
  const end = await piped.ended;
  assert.deepEqual([end.status, end.stdout], [3, "done\r\n"], end.stderr);
});

test("signals give the terminal back; the shell goes on", slow, async (t) => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"]) {
    const pty = onTerminal(t, "shell", "Project A", "signalled");
    await pty.shows("$ ");
    pty.kill(signal);
    const { status, restored } = await pty.ended();
    assert.deepEqual([status < 0, restored], [true, true], signal);
    assert.ok(pty.text.includes("\x1b[?1047l"), `${signal}: what a program left behind is set back`);
  }
  assert.ok((await names()).includes("signalled"));
  const pty = onTerminal(t, "shell", "Project A", "signalled");
  await pty.shows("$ ");
  await ada.ok("shells", "end", "Project A", "signalled");
  assert.deepEqual(await pty.ended(), { status: 129, restored: true });
  assert.ok(!(await names()).includes("signalled"));
  await ada.fails(4, /signalled: Not found/, "shells", "end", "Project A", "signalled");
});

test("pipes: lines are typed, output is printed, until the shell ends; nothing is changed on the way", slow, async () => {
  const lines = await ada.run(["shell", "Project A"], { input: "cd /tmp\nsleep 1.5\necho in-$PWD" }); // Ctrl-D comes while it sleeps
  assert.equal(lines.status, 0, lines.stderr);
  assert.match(lines.stdout, /in-\/tmp\r\n/);
  for (const [command, status] of [["exit 7", 7], ["kill -9 $$", 137], ["read x; exit 9", 9]]) {
    assert.equal((await ada.run(["shell", "Project A", "-c", command])).status, status, command);
  }
  const bytes = randomBytes(300_000);
  const typed = ada.start(["shell", "Project A", "-c", "stty raw -echo; echo ready; head -c 300000 | sha256sum; exit 4"], { keepInput: true });
  let ready = "";
  typed.stdout.on("data", (piece) => { ready += piece; });
  await until("it reads", () => ready.includes("ready"));
  typed.stdin.write(bytes);
  assert.equal((await typed.ended).status, 4);
  assert.ok(ready.includes(createHash("sha256").update(bytes).digest("hex")), ready);
  typed.stdin.end();

  await ada.person.write(`/sessions/${session}/files/random`, bytes);
  await until("it is there", async () => (await ada.run(["shell", "Project A", "-c", "test -s random"])).status === 0);
  const shown = await ada.run(["shell", "Project A", "-c", "stty raw -echo; for i in 1 2 3 4 5 6 7 8 9 10; do cat random; done"]);
  assert.equal(shown.status, 0, shown.stderr);
  assert.ok(shown.bytes.equals(Buffer.concat(Array(10).fill(bytes))), `${shown.bytes.length} bytes`);
});

test("who reads slowly is waited for, and what waits is bounded; who goes away ends the run", slow, async () => {
  const child = ada.start(["shell", "Project A", "-c", "stty raw -echo; head -c 20000000 /dev/zero; echo whole"], { held: true });
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]);
  child.stdout.pause();
  await until("output has begun", () => child.stdout.readableLength > 0);
  const at = memory();
  await new Promise((resolve) => { setTimeout(resolve, 1500); });
  assert.ok(memory() - at < 12_000, `${at} KiB became ${memory()} KiB`);
  let [n, tail] = [0, ""];
  child.stdout.on("data", (piece) => {
    n += piece.length;
    tail = (tail + piece.subarray(-16).toString("latin1")).slice(-16);
  });
  child.stdout.resume();
  const { status, stderr } = await child.ended;
  assert.deepEqual([status, stderr], [0, ""]);
  assert.deepEqual([n, tail.slice(-6)], [20_000_006, "whole\n"]);

  const gone = ada.start(["shell", "Project A", "-c", "yes"]);
  await new Promise((resolve) => { gone.stdout.once("data", resolve); });
  gone.stdout.destroy();
  assert.equal((await gone.ended).status, "SIGPIPE");
});

test("nobody else: another tenant, no login, a key; nor where nothing runs, nor what cannot be", slow, async () => {
  const eve = await person(server, "eve");
  await eve.fails(4, /Not found/, "shell", session);
  await eve.fails(4, /Not found/, "shells", "ls", session);
  await eve.fails(4, /Not found/, "shells", "end", session, "main");
  await eve.fails(4, /no session has this name/, "shell", "Project A");
  const wrong = new Cli(server);
  wrong.keep({ url: wrong.url, email: "ada@example.com", token: "wrong", refresh_token: "wrong", expires_at: 4e9 });
  await wrong.fails(3, /log in again|Log in first/, "shell", session);
  await new Cli(server).fails(3, /log in/, "shell", session);
  const { key } = (await ada.person.post("/auth/keys", { name: "k", access: "write" })).data;
  const keyed = await ada.run(["shell", session], { env: { CODITECT_TOKEN: key, CODITECT_URL: ada.url } });
  assert.equal(keyed.status, 5, keyed.stderr);
  await ada.fails(2, /shell's name/, "shell", session, "a/b");
  await ada.fails(2, /shell's name/, "shell", session, "a".repeat(65));
  await ada.fails(2, /--command must have/, "shell", session, "-c", "");
  await ada.fails(2, /knows no --json/, "shell", session, "--json");
  await ada.fails(2, /patience/, "shell", session, "--patience", "0");
  await ada.fails(2, /30 days/, "shell", session, "--patience", "2592001");

  const stopped = (await newSession(ada.person, "Stopped")).id;
  await ada.fails(5, /not running: --start starts it, as does coditect sessions open --wait ses-/, "shell", "Stopped");
  await ada.fails(5, /not running/, "shells", "ls", "Stopped");
  const started = await ada.run(["shell", "--start", "Stopped", "-c", "echo up; exit 2"]);
  assert.deepEqual([started.status, started.stdout], [2, "up\r\n"], started.stderr);
  const first = ada.start(["shell", "Stopped", "job", "-c", "sleep 60"], { keepInput: true });
  await until("it runs", async () => (await ada.ok("shells", "ls", "Stopped")).stdout.includes("job"));
  await ada.fails(5, /a shell of this name already/, "shell", "Stopped", "job", "-c", "true");
  assert.equal((await ada.person.post(`/sessions/${stopped}/pause`)).status, 200);
  const end = await first.ended; // it hears of it, or finds that nothing runs
  assert.ok([129, 5].includes(end.status), `${end.status} ${end.stderr}`);
  await reaches(ada.person, stopped, "stopped");
});

test("by https", { ...slow, skip: spawnSync("openssl", ["version"]).error && "openssl is not installed" }, async (t) => {
  const [key, cert] = [join(ada.files, "key.pem"), join(ada.files, "cert.pem")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], { stdio: "pipe" });
  const front = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
    const to = connect(server.port, "127.0.0.1");
    for (const [one, other] of [[socket, to], [to, socket]]) one.on("error", () => other.destroy()).pipe(other);
  });
  await new Promise((resolve) => front.listen(0, "localhost", resolve));
  t.after(() => front.close());
  const far = new Cli(server);
  const env = { SSL_CERT_FILE: cert };
  const url = `https://localhost:${front.address().port}`;
  assert.equal((await far.run(["login", url, "--email", ada.person.email, "--password-stdin"], { input: ada.person.password, env })).status, 0);
  const shown = await far.run(["shell", "Project A", "-c", "stty raw -echo; head -c 3000000 /dev/zero; echo whole"], { env });
  assert.deepEqual([shown.status, shown.bytes.length, shown.stdout.slice(-6)], [0, 3_000_006, "whole\n"], shown.stderr);
  const typed = await far.run(["shell", "Project A", "-c", "stty -echo; wc -c"], { input: "0123456789\n".repeat(20_000), env });
  assert.match(typed.stdout, /220000\r\n$/, typed.stderr);
});
