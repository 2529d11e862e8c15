// Settings: where they may come from, what is said when they are wrong, and, setting by setting, that each does something.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Client, Server, call, freePort, movableClock, newSession, program, root, until } from "./harness.mjs";
import { makeBundle } from "./ide-bundle.mjs";
import { alive, nameOf, processesOf } from "../workspaces/inside.mjs";

const folder = mkdtempSync(join(tmpdir(), "coditect-config-"));
after(() => rmSync(folder, { recursive: true }));

/** Runs the program until it ends; env is all that it has. */
function run(args, env = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", env: { PATH: process.env.PATH, ...env }, timeout: 30_000 });
  return { status, stdout, stderr };
}

let files = 0;
function fileOf(text) {
  const path = join(folder, `${++files}.toml`);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** A server with these lines of a file, and flags; ended after the test. */
async function served(t, text, options = {}) {
  const server = await Server.start({ ...options, args: ["--config", fileOf(text), ...(options.args ?? [])] });
  t.after(() => server.stop());
  return server;
}

// ---- Reading ----

test("flags win over the environment, that over the file, that over the default; each value says where it comes from", () => {
  const file = fileOf('user = "filed"\nlisten = "127.0.0.1:1"\n[log]\nlevel = "warn"\n');
  const args = ["--config", file, "--print-config", "--listen", "127.0.0.1:3"];
  const { status, stdout } = run(args, { CODITECT_LISTEN: "127.0.0.1:2", CODITECT_LOG_LEVEL: "debug" });
  assert.equal(status, 0);
  assert.match(stdout, /^listen = "127\.0\.0\.1:3" +# --listen$/m);
  assert.match(stdout, /^level = "debug" +# CODITECT_LOG_LEVEL$/m);
  assert.ok(new RegExp(`^user = "filed" +# ${file}:1$`, "m").test(stdout), stdout);
  assert.match(stdout, /^format = "auto" +# default$/m);
});

test("without --config it is the file in /etc, and there need be none", { skip: process.getuid() !== 0 && "only root can put one there" }, (t) => {
  const place = "/etc/coditect";
  if (!existsSync(place)) { // where a file system can be mounted, for these processes alone
    mkdirSync(place);
    t.after(() => rmdirSync(place));
  }
  writeFileSync(join(folder, "coditect.toml"), 'user = "filed"\n');
  const inPlace = (mount, ...args) => spawnSync("unshare", ["--mount", "sh", "-ec", `${mount}; exec "$@"`, "-", program, ...args], { encoding: "utf8", env: { PATH: process.env.PATH } });
  const bound = `mount --bind ${folder} ${place}`;
  assert.match(inPlace(bound, "--print-config").stdout, /^user = "filed" +# \/etc\/coditect\/coditect\.toml:1$/m);
  assert.match(inPlace(bound, "--print-config", "--config", fileOf('user = "other"\n')).stdout, /^user = "other" /m);
  assert.match(inPlace(`mount -t tmpfs none ${place}`, "--print-config").stdout, /^user = "coditect" +# default$/m);
});

test("what is printed is a file that gives the same again, without secrets", () => {
  const secret = "a secret that nobody may read in any output";
  const first = run(["--print-config", "--data", "/d", "--idle", "90s"], { JWT_SECRET: secret });
  assert.doesNotMatch(first.stdout, new RegExp(secret));
  assert.match(first.stdout, /^# secret is given and not shown +# JWT_SECRET$/m);
  const again = run(["--print-config", "--config", fileOf(first.stdout)]);
  const values = (text) => text.replaceAll(/ *#.*$/gm, "");
  assert.equal(values(again.stdout), values(first.stdout));
});

test("a mistake is said with file, line and column, and what was meant", () => {
  const file = fileOf('listn = "x"\n[login]\nidle = 1.5\n');
  const checked = run(["--config", file, "--check-config"]);
  assert.deepEqual(checked, { status: 1, stdout: "", stderr: `${file}:3:8: only whole decimal numbers are supported\n` });
  const other = fileOf('listn = "x"\n[jwt]\nsecret = "short"\n');
  assert.deepEqual(run(["--config", other, "--check-config"]).stderr,
    `${other}:1:1: listn is no setting (did you mean listen?)\n${other}:3:1: jwt.secret wants a text of 32 to 512 bytes\n`);
  assert.match(run(["--config", "/nowhere.toml", "--check-config"]).stderr, /^\/nowhere\.toml does not exist\n$/);
  assert.match(run(["--lisen", "x"]).stderr, /did you mean --listen\?/);
});

test("--check-config makes nothing, and finds what the server would not start with", () => {
  const data = join(folder, "never-made");
  assert.deepEqual(run(["--data", data, "--check-config"]), { status: 0, stdout: "the settings are right (no file)\n", stderr: "" });
  assert.ok(!existsSync(data));
  const refusals = [
    [[], /--data DIR is missing/],
    [["--listen", "8080"], /listen \(--listen\) is no address/],
    [["--ide-listen", "127.0.0.1:0"], /wants a port/],
    [["--public-url", "coditect.example.com"], /public_url \(--public-url\) is malformed/],
    [["--ide-url", "https://{session}.ide.example.com"], /there is no public_url/],
    [["--trusted-proxies", "127.0.0.1,proxy.example.com"], /trusted_proxies \(--trusted-proxies\): proxy\.example\.com is no network/],
    [["--web", "/nowhere"], /\/nowhere cannot be found/],
    [["--memory", "1.5"], /--memory wants a number from 0 to 1048576 MiB, not "1\.5"/],
  ];
  for (const [args, said] of refusals) {
    const { status, stderr } = run([...(args.length > 0 ? ["--data", data] : []), ...args, "--check-config"]);
    assert.equal(status, 1, args.join(" "));
    assert.match(stderr, said);
  }
});

test("what this build cannot honour is refused: store.driver, store.cluster_file, store.cluster_string, store.key_prefix", () => {
  const args = ["--data", join(folder, "none"), "--check-config"];
  const none = /asks for FoundationDB, and this build has no driver for it/;
  assert.match(run([...args, "--store-driver", "foundationdb"]).stderr, none);
  assert.match(run(args, { FDB_CLUSTER_FILE: "/etc/foundationdb/fdb.cluster" }).stderr, none);
  const string = run(args, { FDB_CLUSTER_STRING: "name:hidden@127.0.0.1:4500" });
  assert.match(string.stderr, none);
  assert.doesNotMatch(string.stderr, /hidden/);
  assert.match(run([...args, "--store-key-prefix", "ours"]).stderr, /nobody else has keys in an SQLite store/);
  assert.equal(run([...args, "--store-driver", "sqlite"]).status, 0);
});

test("docs/configuration.md says what spec/settings.yaml says", () => {
  const { status, stderr } = spawnSync("/usr/bin/python3", ["tools/gen/settings.py", "--check", "spec/settings.yaml", "docs/configuration.md"], { cwd: root, encoding: "utf8" });
  assert.equal(status, 0, stderr);
});

// ---- Tokens and logins ----

test("jwt.secret, jwt.issuer, jwt.audience, jwt.expiry, limits.rate_factor, and the cookie's age", async (t) => {
  const JWT_SECRET = "the secret of this test, long enough to be one";
  const server = await served(t, '[jwt]\nissuer = "me"\naudience = "you"\nexpiry = "90s"\n[login]\nlongest = "2h"\n[limits]\nrate_factor = 3\n',
    { env: { JWT_SECRET } });
  const ada = await server.account("ada");
  const [head, body, signature] = ada.token.split(".");
  assert.equal(createHmac("sha256", JWT_SECRET).update(`${head}.${body}`).digest("base64url"), signature);
  const claims = JSON.parse(Buffer.from(body, "base64url"));
  assert.equal(claims.iss, "me");
  assert.equal(claims.aud, "you");
  assert.equal(claims.exp - claims.iat, 90);
  assert.equal(ada.login.expires_in, 90);
  assert.equal((await ada.get("/users/me")).headers["ratelimit-limit"], "300");
  const { email, password } = ada;
  const again = await server.anonymous().post("/auth/login", { email, password, cookie: true });
  assert.match(again.headers["set-cookie"][0], /; Max-Age=7200;/);
});

/** The key id in an access token's head. */
const kidOf = (token) => JSON.parse(Buffer.from(token.split(".")[0], "base64url")).kid;

test("--rotate-keys: what the key before signed is taken until the next rotation, a running server keeps its store", async (t) => {
  const server = await served(t, "");
  const rotate = (env) => run(["--data", server.data, "--rotate-keys"], env);
  const ada = await server.account("ada");
  const eve = await server.account("eve");
  assert.match(rotate().stderr, /stop the server first/);
  const turn = async () => {
    await server.end("SIGTERM");
    const { status, stdout, stderr } = rotate();
    assert.equal(status, 0, stderr);
    await server.run();
    return /the new key is ([0-9a-f]{16});/.exec(stdout)[1];
  };
  const kim = async () => (await server.anonymous().post("/auth/register", { email: "kim@example.com", password: "correct horse battery" }, { headers: { "Idempotency-Key": "kim" } })).status;
  assert.deepEqual([await kim(), await kim()], [201, 201]);
  const kid = await turn();
  assert.equal(await kim(), 409, "what a stranger's request is known by again depends on the key: it has a password in it");
  assert.notEqual(kid, kidOf(ada.token));
  assert.equal((await ada.get("/users/me")).status, 200);
  const renewed = await server.anonymous().post("/auth/refresh", { refresh_token: ada.login.refresh_token });
  assert.equal(renewed.status, 200);
  assert.equal(kidOf(renewed.data.token), kid);
  await turn();
  assert.equal((await ada.get("/users/me")).status, 401);
  assert.equal((await new Client(server, renewed.data.token).get("/users/me")).status, 200, "who came in between");
  assert.equal((await server.anonymous().post("/auth/refresh", { refresh_token: eve.login.refresh_token })).status, 401, "who did not");
  await server.end("SIGTERM");
  assert.match(rotate({ JWT_SECRET: "x".repeat(32) }).stderr, /the key is jwt\.secret/);
  assert.match(run(["--data", join(folder, "nowhere"), "--rotate-keys"]).stderr, /no data directory|cannot be found/);
  await server.run();
});

test("jwt.previous_secret: what it signed is taken", async (t) => {
  const [before, after_] = ["the secret before, long enough to be one", "the secret after it, long enough to be one"];
  const server = await served(t, "", { env: { JWT_SECRET: before } });
  const ada = await server.account("ada");
  const turn = async (env) => {
    await server.end("SIGTERM");
    server.env = env;
    await server.run();
    return (await ada.get("/users/me")).status;
  };
  assert.equal(await turn({ JWT_SECRET: after_, JWT_PREVIOUS_SECRET: before }), 200);
  assert.equal(await turn({ JWT_SECRET: after_ }), 401);
  const { status, stderr } = run(["--data", join(folder, "new"), "--listen", "127.0.0.1:0"], { JWT_PREVIOUS_SECRET: before });
  assert.equal(status, 1);
  assert.match(stderr, /wants a jwt\.secret beside it/);
});

/** Whether somebody is still logged in a second after. */
async function staysIn(t, text) {
  const server = await served(t, text);
  const { login } = await server.account("ada");
  await wait(1100);
  return (await server.anonymous().post("/auth/refresh", { refresh_token: login.refresh_token })).status === 200;
}

test("login.idle", async (t) => {
  assert.equal(await staysIn(t, '[login]\nidle = "1s"\n'), false);
});

test("login.longest", async (t) => {
  assert.equal(await staysIn(t, '[login]\nlongest = "1s"\n'), false);
});

for (const who of ["closed", "invite"]) {
  test(`login.registration: ${who}`, async (t) => {
    const server = await served(t, `[login]\nregistration = "${who}"\n`);
    const reply = await server.anonymous().post("/auth/register", { email: "a@example.com", password: "correct horse battery" });
    assert.equal(reply.status, 403);
  });
}

test("audit.keep", async (t) => {
  const server = await served(t, '[audit]\nkeep = "1s"\n[store]\ncollect = "1s"\n');
  const ada = await server.account("ada");
  await until("the records are gone", async () => (await ada.get("/audit")).data.length === 0);
});

test("history.all, history.hourly, history.daily", async (t) => {
  const day = 86_400;
  const clock = movableClock(t);
  const start = day - Math.floor(Date.now() / 1000) % day; // midnight
  const jump = (seconds) => clock.jump(start + seconds);
  jump(0);
  const server = await served(t, '[history]\nall = "2d"\nhourly = "4d"\ndaily = "8d"\n[store]\ncollect = "1s"\npace = 1000000000\n[quota]\ntenant = 1000\n', {
    env: clock.env,
  });
  const ada = await server.account("ada");
  const { id } = await newSession(ada);
  // Of these, too, usage is kept, and of all together.
  const talk = (await ada.post("/conversations", { session_id: id, name: "of old" })).data;
  assert.equal((await ada.post(`/conversations/${talk.id}/messages`, { role: "user", content: "x" })).status, 201);
  const at = async (seconds) => { // tokens end meanwhile
    jump(seconds);
    const reply = await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
    return new Client(server, reply.data.token);
  };
  const write = async (client) => (await client.write(`/sessions/${id}/files/doc`, `${Math.random()}`)).data.version;
  const versions = [await write(ada), await write(ada)];
  versions.push(await write(await at(3600)), await write(await at(day)));
  for (const [days, kept] of [[3.5, 3], [5.5, 2], [10.5, 1]]) {
    const client = await at(days * day);
    const seen = async () => (await client.get(`/sessions/${id}/history/doc`)).data.map((one) => one.version);
    await until(`${kept} versions are left`, async () => (await seen()).length <= kept);
    assert.deepEqual(await seen(), versions.slice(-kept).reverse());
    assert.deepEqual((await client.get(`/sessions/${id}/history/doc`)).json.kept, { all: 2 * day, hourly: 4 * day, daily: 8 * day });
  }
});

test("audit.calls: reading too, counted", async (t) => {
  const server = await served(t, `[audit]\ncalls = "all"\n[limits]\nrate_factor = 1000\n`);
  const ada = await server.account("ada");
  const { id } = await newSession(ada);
  for (let i = 0; i < 5; i++) assert.equal((await ada.get(`/sessions/${id}`)).status, 200);
  const reads = async () => (await ada.get(`/audit?action=request.read&session_id=${id}`)).data;
  await until("they are written", async () => (await reads()).reduce((sum, { count }) => sum + count, 0) === 5);
  assert.ok((await reads()).every(({ route, outcome, target }) => route === "sessions_get" && outcome === "ok" && target === id));
});

test("login.domains", async (t) => {
  const server = await served(t, '[login]\ndomains = ["example.org"]\n');
  const register = (email) => server.anonymous().post("/auth/register", { email, password: "correct horse battery" });
  assert.equal((await register("a@example.com")).status, 403);
  const { status, data } = await register("a@Example.ORG");
  assert.equal(status, 201);
  const move = (email) => new Client(server, data.token).put("/users/me/email", { email, password: "correct horse battery" });
  assert.deepEqual([(await move("b@example.com")).status, (await move("b@example.org")).status], [403, 200]);
});

// ---- Connections and the store ----

/** A connection that says this; resolves to all that came once it is closed. */
function talk(port, text, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", ...options });
    let came = "";
    socket.on("connect", () => socket.write(text)).on("data", (piece) => (came += piece)).on("close", () => resolve(came)).on("error", reject);
  });
}

/** Opens n connections that stay, and says how many of them were answered with 503. */
async function refused(t, port, n, options) {
  const sockets = Array.from({ length: n }, () => connect({ port, host: "127.0.0.1", ...options }));
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const replies = sockets.map((socket) => new Promise((resolve, reject) => {
    socket.on("connect", () => socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    socket.on("data", (piece) => resolve(String(piece).slice(9, 12))).on("error", reject);
  }));
  return (await Promise.all(replies)).filter((status) => status === "503").length;
}

test("limits.connections, limits.header_time, limits.keep_alive, store.reserve", async (t) => {
  const server = await served(t, "[limits]\nconnections = 6\nheader_time = 1\nkeep_alive = 1\n[store]\nreserve = 1\n");
  server.agent.destroy();
  assert.equal(statSync(join(server.data, "store/balloon")).size, 1 << 20);
  // Either would take far longer by default than a test may.
  const [drip, idle] = await Promise.all([
    talk(server.port, "GET /health HTTP/1.1\r\nHost: lo"),
    talk(server.port, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  ]);
  assert.match(drip, /^HTTP\/1\.1 408 /);
  assert.match(idle, /^HTTP\/1\.1 200 /);
  assert.ok((await refused(t, server.port, 9, {})) >= 3);
});

const outside = Object.values(networkInterfaces()).flat().find((one) => !one.internal && one.family === "IPv4")?.address;

test("limits.per_address", { skip: !outside && "this machine has no address but loopback" }, async (t) => {
  const server = await served(t, "[limits]\nper_address = 2\n");
  assert.equal(await refused(t, server.port, 5, { localAddress: outside }), 3);
  assert.equal(await refused(t, server.port, 5, {}), 0, "this machine's own are not counted");
  const behind = await served(t, `trusted_proxies = ["${outside}/32"]\n[limits]\nper_address = 2\n`);
  assert.equal(await refused(t, behind.port, 5, { localAddress: outside }), 0, "nor a proxy's");
});

// ---- The process ----

test("user", { skip: process.getuid() !== 0 && "only root can become somebody else" }, async (t) => {
  const server = await served(t, 'user = "nobody"\n');
  assert.match(readFileSync(`/proc/${server.serverPid}/status`, "utf8"), /^Uid:\t65534\t/m);
});

/** What the log says until the server is stopped. */
async function logOf(t, text, options) {
  const server = await Server.start({ t, args: ["--config", fileOf(text)], ...options });
  await server.stop();
  return server.log.split(/\r?\n/).filter((line) => line !== "");
}

const isJson = (line) => line.startsWith('{"time":"') && JSON.parse(line).area !== undefined;

test("log.level, log.format", async (t) => {
  const info = await logOf(t, "");
  assert.ok(info.length > 0 && info.every(isJson), "what is no terminal gets JSON");
  assert.ok(info.some((line) => JSON.parse(line).message.startsWith("listening on port ")));
  const debug = await logOf(t, '[log]\nlevel = "debug"\nformat = "text"\n');
  assert.ok(debug.some((line) => /^\S+Z debug api: /.test(line)), debug.join("\n"));
  assert.deepEqual((await logOf(t, '[log]\nlevel = "error"\n', { silent: true })), []);
});

test("log.format is text on a terminal", async (t) => {
  const port = await freePort();
  const data = mkdtempSync(join(folder, "terminal-"));
  const command = `${program} --data ${data} --listen 127.0.0.1:${port}`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("close", resolve));
  t.after(() => child.kill("SIGKILL")); // with its terminal the server goes
  let said = "";
  child.stdout.on("data", (piece) => (said += piece));
  await until("it listens", () => said.includes("listening on port"));
  const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ")[0]);
  process.kill(pid, "SIGTERM");
  await ended;
  assert.match(said, /^\S+Z info  coditectd: listening on port /m);
});

// ---- Workspaces ----

/** What its control group says, of version 1 or 2; undefined where workspaces have none. */
function limitOf(pid, controller, ...names) {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n").map((line) => line.split(":"));
  const [, kind, path] = lines.find((line) => line[1].split(",").includes(controller)) ?? lines.find((line) => line[0] === "0");
  const at = join("/sys/fs/cgroup", kind === "" ? "" : controller, path);
  const name = names.find((one) => existsSync(join(at, one)));
  return name && Number(readFileSync(join(at, name), "utf8").split(" ")[0]); // cpu.max has the period behind
}

/** What one that runs is made of: its state, and whether a helper brings it online. */
async function workspaceOf(t, text) {
  const args = ["--config", fileOf(text), "--ide", makeBundle(), "--node", process.execPath];
  const server = await Server.start({ t, args });
  const ada = await server.account("ada");
  const session = (await newSession(ada)).id;
  await ada.post(`/sessions/${session}/open`);
  await until("it runs", async () => (await ada.get(`/sessions/${session}`)).data.workspace.state === "running", 60_000);
  const state = JSON.parse(readFileSync(join(server.data, "run", session, "state"), "utf8"));
  return { server, state, online: processesOf(server, session).some((pid) => nameOf(pid).startsWith("slirp4netns")) };
}

test("workspace.offline, workspace.memory, workspace.processes, workspace.cpu, end_workspaces", { timeout: 120_000 }, async (t) => {
  const { server, state, online } = await workspaceOf(t, "end_workspaces = true\n[workspace]\noffline = true\nmemory = 1234\nprocesses = 321\ncpu = 150\n");
  const limits = state.limits.startsWith("cgroup")
    ? [limitOf(state.codi2, "memory", "memory.max", "memory.limit_in_bytes"), limitOf(state.codi2, "pids", "pids.max")]
    : [1234 * 2 ** 20, Number(/^Max processes +(\d+)/m.exec(readFileSync(`/proc/${state.codi2}/limits`, "utf8"))[1])];
  const quota = /^(cgroup1|cgroup2)$/.test(state.limits) ? limitOf(state.codi2, "cpu", "cpu.max", "cpu.cfs_quota_us") : 150_000;
  assert.equal(quota, 150_000);
  await server.end("SIGTERM");
  const left = alive(state.pid);
  await server.stop();
  assert.deepEqual({ online, limits, left }, { online: false, limits: [1234 * 2 ** 20, 321], left: false });
  const usual = await workspaceOf(t, "");
  await usual.server.end("SIGTERM");
  const stays = alive(usual.state.pid);
  await usual.server.stop();
  assert.deepEqual({ online: usual.online, stays }, { online: true, stays: true });
});

// ---- All of them ----

test("no setting is without a test", () => {
  const elsewhere = {
    data: "api/harness.mjs", listen: "api/harness.mjs", web: "api/web.test.mjs", ide: "api/gateway.test.mjs", node: "api/gateway.test.mjs",
    public_url: "api/gateway-public.test.mjs", ide_url: "api/gateway-public.test.mjs", ide_listen: "e2e/ide-paths.test.mjs",
    "workspace.idle": "idle/idle.test.mjs",
    trusted_proxies: "api/proxies.test.mjs", "log.requests": "api/log.test.mjs", "metrics.listen": "api/metrics.test.mjs", cors_origins: "api/cors.test.mjs",
    "git.plain_http": "workspaces/source.test.mjs", "quota.session": "api/quota.test.mjs", "quota.home": "api/quota.test.mjs", "quota.tenant": "api/quota.test.mjs", "quota.tenant_stored": "api/stored.test.mjs", "quota.tenant_members": "api/tenant-limits.test.mjs", "quota.tenant_sessions": "api/tenant-limits.test.mjs", "quota.tenant_running": "api/tenant-limits.test.mjs", "store.collect": "api/gc.test.mjs", "smtp.url": "api/smtp.mjs", "registration.confirm": "api/confirm.test.mjs", "smtp.from": "api/smtp.mjs", "smtp.ca_file": "api/smtp.mjs", "smtp.retry": "api/smtp.mjs", "smtp.user": "api/mail.test.mjs", "smtp.password_file": "api/mail.test.mjs", "smtp.starttls": "api/mail.test.mjs", "backup.directory": "store/backup.test.mjs", "backup.bucket": "store/bucket.test.mjs", "backup.region": "store/bucket.test.mjs", "backup.access_key": "store/bucket.test.mjs", "backup.secret_key": "store/bucket.test.mjs", "backup.secret_key_file": "store/bucket.test.mjs", "backup.ca_file": "store/bucket.test.mjs", "backup.patience": "store/bucket.test.mjs", "backup.every": "store/backup.test.mjs", "backup.keep": "store/backup.test.mjs", "store.spare": "api/gc.test.mjs", "store.pace": "api/gc.test.mjs", "disk.low": "store/disk-pressure.test.mjs", "disk.low_percent": "store/disk-pressure.test.mjs", "disk.scarce": "store/disk-pressure.test.mjs",
  };
  const own = readFileSync(new URL(import.meta.url), "utf8");
  let table = "";
  for (const line of run(["--print-config"]).stdout.split("\n")) {
    table = /^\[(\w+)\]$/.exec(line)?.[1] ?? table;
    const key = /^(?:# )?(\w+) (?:=|is) /.exec(line)?.[1];
    if (key === undefined) continue;
    const name = table === "" ? key : `${table}.${key}`;
    const flag = name === "workspace.idle" ? "--idle" : `--${name.replaceAll(/[._]/g, "-")}`;
    const shown = name in elsewhere ? readFileSync(join(root, "tests", elsewhere[name]), "utf8").includes(`"${flag}"`)
      : new RegExp(`test\\((["\`])[^"\`]*\\b${name.replace(".", "\\.")}\\b`).test(own);
    assert.ok(shown, `${name}: no test shows what it does`);
  }
});
