// admin: the operator's door of the running server, who may come in, and what the command line makes of any answer.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Server, newSession, serverForFile, totpCode, until } from "../api/harness.mjs";
import { Cli, person } from "./cli.mjs";

const server = await serverForFile();
const ada = await person(server, "ada");
const eve = await person(server, "eve");
assert.equal((await eve.person.put("/users/me", { name: "eve\u202e" })).status, 200);
const operator = new Cli(server);
const door = join(server.data, "store/admin.sock");
const admin = (...args) => operator.ok("admin", ...args, "--data", server.data);

/** What a door answers to these bytes until it closes. */
const raw = (bytes) => new Promise((resolve) => {
  const socket = connect(door);
  const pieces = [];
  socket.on("data", (piece) => pieces.push(piece));
  socket.on("error", () => undefined);
  socket.on("close", () => resolve(Buffer.concat(pieces).toString("latin1")));
  socket.end(bytes);
});

test("users: everybody of all tenants, whoever they are called", async () => {
  const all = (await admin("users", "--json")).json;
  assert.deepEqual(all.map(({ id, email, role, tenant_id }) => ({ id, email, role, tenant_id })).sort((a, b) => (a.id < b.id ? -1 : 1)),
    [ada, eve].map(({ person: { user } }) => ({ id: user.id, email: user.email, role: "owner", tenant_id: user.tenant_id })).sort((a, b) => (a.id < b.id ? -1 : 1)));
  assert.ok(all.every((one) => one.logins === 1 && Date.parse(one.last_access_at) > 0));
  const { stdout } = await admin("users");
  assert.match(stdout, /^ID +ROLE +LAST USE \(UTC\) +TENANT +E-MAIL +NAME\n(usr-.*\n){2}$/);
  assert.match(stdout, /eve\\u202e/);
});

test("audit: what strangers were refused, by address", async () => {
  for (let i = 0; i < 3; i++) assert.equal((await server.anonymous().get("/projects")).status, 401);
  await until("it is written", async () => (await admin("audit", "--json")).json.some(({ route }) => route === "projects_list"));
  const [record] = (await admin("audit", "--json", "--since", "1h")).json.filter(({ route }) => route === "projects_list");
  assert.deepEqual([record.action, record.outcome, record.address, record.actor_id], ["request.deny", "denied", "127.0.0.1", undefined]);
  assert.match((await admin("audit")).stdout, /^WHEN \(UTC\) +COUNT +FROM +WHAT\n(.*\n)*.* [1-3] +127\.0\.0\.1 +projects_list\n/);
  assert.deepEqual((await admin("audit", "--since", "2999-01-01", "--json")).json, []);
  await operator.fails(2, /--since wants/, "admin", "audit", "--since", "yesterday", "--data", server.data);
  assert.match(await raw("GET /audit?since=yesterday HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.ok((await admin("tenants", "--json")).json.length === 2, "the house is no tenant of anybody's");
});

test("check and scrub of the running server, beside somebody who writes", async () => {
  const { id } = await newSession(ada.person);
  let writing = true;
  const writes = (async () => {
    let n = 0;
    for (; writing; n++) assert.ok((await ada.person.write(`/sessions/${id}/files/f${n}`, `content ${n}`)).status < 300);
    return n;
  })();
  for (let i = 0; i < 3; i++) {
    assert.match((await admin("check")).stdout, /^\d+ keys, \d+ records, \d+ indexes, 0 faults\n$/);
    assert.equal((await admin("check", "--json")).json.faults, 0);
  }
  assert.match((await admin("scrub")).stdout, /^\d+ chunks, \d+ versions, 0 faults\n$/);
  writing = false;
  assert.ok((await writes) > 0);
  const { done, versions } = (await admin("scrub", "--json")).json;
  assert.ok(done && versions > 0);
});

test("rotate-keys: at once, nobody is logged out who comes once in between", async () => {
  const kid = (token) => JSON.parse(Buffer.from(token.split(".")[0], "base64url").toString()).kid;
  const before = ada.person.token;
  const { key } = (await admin("rotate-keys", "--json")).json;
  assert.notEqual(kid(before), key);
  await ada.ok("whoami"); // what the key before signed is taken
  const { token, refresh_token } = (await server.anonymous().post("/auth/refresh", { refresh_token: ada.person.login.refresh_token })).data;
  assert.equal(kid(token), key);
  const { stdout } = await admin("rotate-keys");
  assert.match(stdout, /^Tokens are signed by key [0-9a-f]{16} now; .*\n$/);
  const keys = [/key ([0-9a-f]+)/.exec(stdout)[1], key];
  const turns = (await admin("audit", "--json")).json.filter(({ action }) => action === "key.rotate");
  assert.deepEqual(turns.map((one) => [one.target, one.outcome, one.address, one.actor_id]), keys.map((one) => [one, "ok", "console", undefined]));
  assert.match((await admin("audit")).stdout, new RegExp(`\n.* 1 +console +key\\.rotate ${keys[0]}\n`));
  assert.equal((await ada.person.get("/users/me", { token: before })).status, 401);
  assert.equal((await ada.person.get("/users/me", { token })).status, 200);
  assert.equal((await server.anonymous().post("/auth/refresh", { refresh_token })).status, 200);
  await eve.fails(3, /login has ended/, "whoami"); // who slept through both
  await server.kill9();
  await server.run();
  assert.equal((await ada.person.get("/users/me", { token })).status, 200);
});

test("reset-password: a link for who is locked out, good once, while the server runs", async () => {
  const grace = await person(server, "grace");
  const { email, id } = grace.person.user;
  const tokenOf = (url) => /^\/reset#token=(.+)$/.exec(url)[1];
  const use = (token, new_password) => server.anonymous().post("/auth/reset", { token, new_password });
  const enter = (password) => server.anonymous().post("/auth/login", { email, password });
  const first = (await admin("reset-password", email, "--json")).json;
  const left = Date.parse(first.expires_at) - Date.now();
  assert.ok(left > 29 * 60_000 && left <= 30 * 60_000);
  await grace.ok("whoami"); // nothing has changed yet
  const { stdout, stderr } = await admin("reset-password", ` ${email.toUpperCase()}`);
  assert.match(stderr, /public_url[^]*30 minutes/);
  assert.equal((await use(tokenOf(first.url), "another long password")).status, 403, "the newer link takes its place");
  assert.equal((await use(tokenOf(stdout.trim()), "short")).status, 400);
  assert.equal((await use(tokenOf(stdout.trim()), "another long password")).status, 200);
  assert.equal((await use(tokenOf(stdout.trim()), "a third long password")).status, 403);
  await grace.fails(3, /login has ended/, "whoami");
  const { data } = await enter("another long password");
  const { data: log } = await server.anonymous().get("/audit?limit=50", { token: data.token });
  for (const [action, address, actor] of [["reset.create", "console", undefined], ["user.reset", "127.0.0.1", id]]) {
    assert.ok(log.some((one) => one.action === action && one.address === address && one.target === id && one.actor_id === actor), `${action}: ${JSON.stringify(log)}`);
  }
  await operator.fails(4, /no such account/, "admin", "reset-password", "nobody@example.com", "--data", server.data);
  await operator.fails(2, /not an e-mail address/, "admin", "reset-password", "nobody", "--data", server.data);
  await operator.fails(2, /EMAIL/, "admin", "reset-password", "--data", server.data);
});

test("remove-totp: the second step goes while the server runs, and nothing else", async () => {
  const hope = await person(server, "hope");
  const { email, id } = hope.person.user;
  const { password } = hope.person;
  const login = () => server.anonymous().post("/auth/login", { email, password });
  await operator.fails(4, /asks for no code/, "admin", "remove-totp", email, "--data", server.data);
  const { secret } = (await hope.person.post("/users/me/totp", { password })).data;
  assert.equal((await hope.person.post("/users/me/totp/confirm", { code: totpCode(secret) })).status, 200);
  assert.equal((await login()).code, "code_needed");
  const devices = async () => (await hope.person.get("/auth/devices")).data.map((one) => one.id);
  const before = await devices();
  assert.equal((await admin("remove-totp", ` ${email.toUpperCase()}`)).stdout, `Logins of ${email.toUpperCase()} ask for no code any more\n`);
  assert.equal((await login()).status, 200);
  assert.deepEqual((await hope.person.get("/users/me/totp")).data, { enabled: false, recovery_codes_left: 0 });
  assert.deepEqual((await devices()).filter((one) => before.includes(one)), before, "no login has ended");
  const { data: log } = await hope.person.get("/audit?action=totp.remove");
  assert.deepEqual(log.map((one) => [one.target, one.address, one.actor_id]), [[id, "console", undefined]]);
  await operator.fails(4, /no such account, or it asks for no code/, "admin", "remove-totp", email, "--data", server.data);
  await operator.fails(4, /no such account/, "admin", "remove-totp", "nobody@example.com", "--data", server.data);
  await operator.fails(2, /not an e-mail address/, "admin", "remove-totp", "nobody", "--data", server.data);
  const again = (await hope.person.post("/users/me/totp", { password })).data.secret;
  assert.equal((await hope.person.post("/users/me/totp/confirm", { code: totpCode(again) })).status, 200, "another one can be set up");
  assert.deepEqual((await admin("remove-totp", email, "--json")).json, { done: true });
});

test("only the server's user and root come in", { skip: process.getuid() !== 0 && "needs root" }, async () => {
  assert.equal(statSync(door).mode & 0o777, 0o600);
  assert.equal(statSync(join(server.data, "store")).mode & 0o777, 0o700);
  const script = `const s = require("node:net").connect(process.argv[1]);
    let got = ""; s.on("data", (d) => { got += d; }); s.on("error", (e) => { got += e.code; });
    s.on("close", () => { console.log(JSON.stringify(got)); }); s.end("GET /users HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n");`;
  const nobody = () => {
    const { stdout, stderr, status } = spawnSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, "-e", script, door], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  };
  assert.equal(nobody(), "EACCES");
  for (const path of [server.data, join(server.data, "store"), door]) chmodSync(path, 0o777); // whatever went wrong with the folder
  assert.match(nobody(), /^(|EPIPE|ECONNRESET)$/);
  for (const path of [server.data, join(server.data, "store")]) chmodSync(path, 0o700);
  chmodSync(door, 0o600);
  await admin("users");
});

test("hostile bytes at the door are refused, and it goes on", async () => {
  const head = (line, more = "") => `${line}\r\nHost: x\r\nConnection: close\r\n${more}\r\n`;
  for (const [bytes, status] of [[head("GET /check HTTP/1.1"), 405], [head("POST /users HTTP/1.1"), 405], [head("GET / HTTP/1.1"), 404],
    [head("GET /users/../check HTTP/1.1"), 404], [head("GET /backup HTTP/1.1"), 405],
    [head("GET /reset-password?email=a%40example.com HTTP/1.1"), 405], [head("POST /reset-password HTTP/1.1"), 400],
    [head("GET /remove-totp?email=a%40example.com HTTP/1.1"), 405], [head("POST /remove-totp HTTP/1.1"), 400],
    [head("POST /reset-password?email=%zz HTTP/1.1"), 400], [head(`POST /reset-password?email=${"x".repeat(5000)}%40example.com HTTP/1.1`), 400],
    ...["directory=relative", "directory=", "directory=%2F%00", "directory=%zz", "keep=0", "keep=10001", "keep=x", `directory=%2F${"x".repeat(1024)}`]
      .map((words) => [head(`POST /backup?${words} HTTP/1.1`), 400]), [head("POST /rotate-keys HTTP/1.1", "Content-Length: 5\r\n") + "{\"a\":", 413],
    [head("POST /rotate-keys HTTP/1.1", "Content-Length: 1\r\nContent-Length: 2\r\n"), 400],
    [head("POST /check HTTP/1.1", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n", 413], ["\0\0\0\0\r\n\r\n", 400],
    [`GET /${"x".repeat(100_000)} HTTP/1.1\r\n\r\n`, 414], [head("GET /users HTTP/1.1", `X: ${"y".repeat(200_000)}\r\n`), 431]]) {
    assert.equal(Number(/^HTTP\/1\.1 (\d+)/.exec(await raw(bytes))?.[1]), status, bytes.slice(0, 60));
  }
  const whole = Buffer.from(head("GET /users HTTP/1.1"));
  for (let i = 0; i < 100; i++) {
    const bytes = i % 2 ? Buffer.from(whole) : randomBytes(1 + i);
    if (i % 2) bytes[(i * 7) % bytes.length] = randomBytes(1)[0];
    await raw(bytes);
  }
  await admin("check");
});

test("when no server runs, the command line says what works then; without a place it asks for one", async (t) => {
  const stopped = await Server.start({ t });
  const at = stopped.data;
  stopped.ownData = false;
  await stopped.stop();
  assert.ok(!existsSync(join(at, "store/admin.sock")));
  for (const [command, says] of [["check", "--check"], ["scrub", "--scrub"], ["rotate-keys", "--rotate-keys"], ["backup", "--backup"], ["backups", "--backups"], ["users", "--create-owner, --reset-password or --remove-totp"], ["tenants", "no server runs"]]) {
    await operator.fails(6, new RegExp(says), "admin", command, "--data", at);
  }
  await operator.fails(6, /--reset-password E-MAIL/, "admin", "reset-password", "ada@example.com", "--data", at);
  await operator.fails(6, /--remove-totp E-MAIL/, "admin", "remove-totp", "ada@example.com", "--data", at);
  await operator.fails(4, /No such file/, "admin", "check", "--data", join(at, "nowhere"));
  await operator.fails(2, /--data wants a directory/, "admin", "check", "--data", "");
  const env = await operator.run(["admin", "check"], { env: { CODITECT_DATA: server.data } });
  assert.equal(env.status, 0, env.stderr);
  const secret = await Server.start({ t, data: at, env: { JWT_SECRET: "x".repeat(40), CODITECT_PUBLIC_URL: "https://coditect.example.com" } });
  const mary = await secret.account("mary");
  assert.match((await operator.ok("admin", "reset-password", mary.user.email, "--data", at)).stdout, /^https:\/\/coditect\.example\.com\/reset#token=ten-\S+\n$/);
  await operator.fails(5, /the key is the setting jwt\.secret/, "admin", "rotate-keys", "--data", at);
  secret.ownData = true;
});

test("whatever a door answers: said, escaped, bounded", async (t) => {
  const at = join(operator.files, "false");
  mkdirSync(join(at, "store"), { recursive: true });
  let reply;
  const listener = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(reply));
  });
  await new Promise((resolve) => listener.listen(join(at, "store/admin.sock"), resolve));
  t.after(() => listener.close());
  const lines = (...all) => `HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n${all.map((line) => `${line}\n`).join("")}`;
  for (const [command, status, says, text] of [
    ["check", 1, /damaged/, lines('{"fault":"t/x\\u001b[31m: gone"}', '{"keys":7}', '{"done":true,"keys":9,"faults":1}')],
    ["check", 6, /in the middle/, lines('{"keys":7}')],
    ["check", 6, /in the middle/, lines()],
    ["check", 1, /does not answer as/, lines("nonsense")],
    ["check", 1, /too long/, lines(`{"fault":"${"x".repeat(200_000)}"}`)],
    ["users", 0, /^$/, lines('{"done":true}')],
    ["users", 0, /^$/, lines('{"id":7,"email":["\\u001b"],"role":null}', '{"done":true}')],
    ["check", 5, /no space\\x1b/, lines('{"keys":7}', '{"failed":"no space\\u001b","status":507}')],
    ["check", 1, /it broke/, lines('{"failed":"it broke"}')],
    ["backup", 1, /pieces of content are damaged/, lines('{"keys":7}', '{"done":true,"damaged":3}')],
    ["backup", 6, /in the middle/, lines('{"keys":"\\u001b[31m"}')],
    ["backups", 0, /^$/, lines('{"name":"\\u001b[31m","at":7}', '{"done":true,"directory":"\\u001b","every":0,"late":7}')],
    ["backups", 4, /none there/, 'HTTP/1.1 404 No\r\nContent-Length: 34\r\n\r\n{"error":{"message":"none there"}}'],
    ["rotate-keys", 1, /does not answer as/, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"],
    ["remove-totp x", 1, /does not answer as/, 'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"done":false}'],
    ["rotate-keys", 6, /answered 500/, "HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\n["],
    ["rotate-keys", 6, /no server runs/, "\x1b[31m not HTTP\r\n\r\n"],
  ]) {
    reply = text;
    const end = await operator.run(["admin", ...command.split(" "), "--data", at]);
    assert.equal(end.status, status, `${command} ${text.slice(0, 100)}: ${end.stdout}${end.stderr}`);
    assert.match(end.stderr, says);
    assert.doesNotMatch(end.stdout + end.stderr, /\x1b/);
  }
  reply = lines('{"fault":"t/x\\u001b[31m\\\\y\\u202e: gone"}', '{"done":true,"keys":9,"faults":1}');
  for (const [json, where] of [[[], "stdout"], [["--json"], "stderr"]]) {
    const end = await operator.run(["admin", "check", ...json, "--data", at]);
    assert.equal(end[where].split("\n")[0], "t/x\\x1b[31m\\\\y\\u202e: gone", "escaped once");
  }
});
