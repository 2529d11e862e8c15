// Logging in, the file of the login, and tokens that are renewed by several runs at once.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { guessTokens, movableClock, Server, serverForFile, totpCode } from "../api/harness.mjs";
import { Cli, person, program } from "./cli.mjs";

const server = await serverForFile();

const login = (cli) => JSON.parse(readFileSync(cli.account, "utf8"));
const change = (cli, values) => cli.keep({ ...login(cli), ...values });

test("login, whoami, logout", async () => {
  const account = await server.account("ada");
  const ada = Object.assign(await new Cli(server).login(account), { person: account });
  const who = (await ada.ok("whoami", "--json")).json;
  assert.equal(who.email, ada.person.email);
  assert.match((await ada.ok("whoami")).stdout, new RegExp(`^e-mail  ${ada.person.email}\n[^]*server  ${ada.url}\n$`));
  assert.equal(statSync(ada.account).mode & 0o777, 0o600);
  assert.equal(statSync(join(ada.home, "coditect")).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(join(ada.home, "coditect")).sort(), ["login.json", "login.lock"]);
  const { refresh_token } = login(ada);
  assert.equal((await ada.ok("logout")).stdout, "Logged out\n");
  assert.equal(existsSync(ada.account), false);
  await ada.fails(3, /not logged in/, "whoami");
  await ada.fails(3, /not logged in/, "logout");
  assert.equal((await server.anonymous().post("/auth/refresh", { refresh_token })).status, 401);
});

test("a password comes from standard input or the terminal, and a wrong one is status 3", async () => {
  const bob = await server.account("bob");
  const cli = new Cli(server);
  const given = ["login", cli.url, "--email", bob.email, "--password-stdin"];
  for (const [input, status] of [["wrong password\n", 3], ["", 2], ["\n", 2], ["x".repeat(5000), 2], [Buffer.from("passw\xffrd\n", "latin1"), 2],
    [`${bob.password}\r\n`, 0], [bob.password, 0]]) {
    const end = await cli.run(given, { input });
    assert.equal(end.status, status, `${JSON.stringify(input.slice(0, 20))}: ${end.stderr}`);
  }
  const none = await cli.run(["login", cli.url, "--email", bob.email], { before: ["setsid"] });
  assert.equal(none.status, 2);
  assert.match(none.stderr, /there is no terminal to ask for the password/);
});

/** A run on a terminal of its own: answers are typed one after the other; resolves to what was shown and the status. */
function onTerminal(cli, args, answers) {
  const script = `
import json, os, pty, signal, sys, termios
args, answers = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execv(args[0], args)
shown = b""
def fill(until):
    global shown
    while until not in shown:
        try:
            piece = os.read(fd, 4096)
        except OSError:
            return
        if not piece:
            return
        shown += piece
    shown = shown[shown.index(until) + len(until):] if until != b"\\0" else shown
everything = []
for question, answer in answers:
    fill(question.encode())
    echo = None
    for _ in range(200000):
        echo = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
        if not (echo and "password" in question):
            break
    everything.append([question, echo])
    os.write(fd, answer.encode())
fill(b"\\0")
_, status = os.waitpid(pid, 0)
print(json.dumps({"echo": everything, "shown": shown.decode(), "status": os.waitstatus_to_exitcode(status),
    "after": bool(termios.tcgetattr(fd)[3] & termios.ECHO)}))
`;
  const child = spawn("/usr/bin/python3", ["-c", script, JSON.stringify([[program, ...args], answers])], {
    cwd: cli.files,
    env: { ...process.env, XDG_CONFIG_HOME: cli.home, TERM: "xterm" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (piece) => { out += piece; });
  return new Promise((resolve) => child.on("close", () => resolve(JSON.parse(out))));
}

test("logging in again ends the login whose place it takes", async () => {
  const account = await server.account("again");
  const cli = await (await new Cli(server).login(account)).login(account);
  assert.equal((await cli.ok("devices", "ls", "--json")).json.length, 2, "this one, and that of the registration");
  writeFileSync(cli.account, "damaged", { mode: 0o600 });
  await cli.login(account);
  await cli.ok("whoami");
});

test("on a terminal the password is asked without echo", async () => {
  const carl = await server.account("carl");
  const cli = new Cli(server);
  const end = await onTerminal(cli, ["login", cli.url], [["e-mail: ", `${carl.email}\n`], ["password: ", `${carl.password}\n`]]);
  assert.equal(end.status, 0, end.shown);
  assert.deepEqual(end.echo, [["e-mail: ", true], ["password: ", false]]);
  assert.ok(!end.shown.includes(carl.password));
  assert.match(end.shown, /Logged in as/);
});

test("a login that wants a code asks for it, or takes it as an option", async () => {
  const dora = await server.account("dora");
  const { secret } = (await dora.post("/users/me/totp", { password: dora.password })).data;
  const { recovery_codes } = (await dora.post("/users/me/totp/confirm", { code: totpCode(secret) })).data;
  const cli = new Cli(server);
  const given = ["login", cli.url, "--email", dora.email];
  const wrong = await cli.run([...given, "--password-stdin", "--code", "000000"], { input: dora.password });
  assert.equal(wrong.status, 3);
  assert.match(wrong.stderr, /code is not right/);
  const none = await cli.run([...given, "--password-stdin"], { input: dora.password, before: ["setsid"] });
  assert.equal(none.status, 2);
  assert.match(none.stderr, /no terminal to ask for the code/);
  const end = await onTerminal(cli, given, [["password: ", `${dora.password}\n`], ["app: ", `${recovery_codes[0]}\n`]]);
  assert.equal(end.status, 0, end.shown);
  assert.equal((await cli.run([...given, "--password-stdin", "--code", recovery_codes[1]], { input: dora.password })).status, 0);
});

test("Ctrl-C at the password gives the terminal its echo back", async () => {
  const cli = new Cli(server);
  const end = await onTerminal(cli, ["login", cli.url, "--email", "a@example.com"], [["password: ", "secr\u0003"]]);
  assert.equal(end.status, -2);
  assert.equal(end.after, true);
  assert.equal(existsSync(cli.account), false);
});

test("register asks twice and logs in", async () => {
  const cli = new Cli(server);
  const email = "new-person@example.com";
  const args = ["register", cli.url, "--email", email, "--name", "New Person"];
  const differ = await onTerminal(cli, args, [["password: ", "correct horse\n"], ["password once more: ", "battery staple\n"]]);
  assert.equal(differ.status, 2);
  assert.match(differ.shown, /two passwords differ/);
  const end = await onTerminal(cli, args, [["password: ", "correct horse\n"], ["password once more: ", "correct horse\n"]]);
  assert.equal(end.status, 0, end.shown);
  assert.equal((await cli.ok("whoami", "--json")).json.name, "New Person");
  const again = await cli.run([...args, "--password-stdin"], { input: "correct horse" });
  assert.equal(again.status, 5, again.stderr);
});

test("a file that others can read is refused, a damaged one is said", async () => {
  const dora = await person(server, "dora");
  chmodSync(dora.account, 0o644);
  await dora.fails(5, /can be read by others/, "whoami");
  chmodSync(dora.account, 0o600);
  await dora.ok("whoami");
  for (const text of ["", "{", "[]", "{}", '{"url":7}', "x".repeat(20000), JSON.stringify({ ...login(dora), url: "a\0b" })]) {
    writeFileSync(dora.account, text);
    await dora.fails(3, /cannot be understood/, "whoami");
  }
  await dora.login(dora.person);
  await dora.ok("whoami");
});

test("a draft that a killed run or somebody else left is not written through", async () => {
  const eve = await person(server, "eve");
  writeFileSync(join(eve.home, "elsewhere"), "untouched");
  symlinkSync("../elsewhere", join(eve.home, "coditect/login.json.new"));
  change(eve, { expires_at: 0 });
  await eve.ok("whoami");
  assert.equal(readFileSync(join(eve.home, "elsewhere"), "utf8"), "untouched");
});

test("a token that is over is renewed, by its time or by the server's word", async () => {
  const finn = await person(server, "finn");
  const before = login(finn);
  change(finn, { expires_at: 0 });
  await finn.ok("whoami");
  const after = login(finn);
  assert.notEqual(after.token, before.token);
  assert.notEqual(after.refresh_token, before.refresh_token);
  assert.ok(after.expires_at > Date.now() / 1000 + 60);

  change(finn, { token: `${after.token.slice(0, -4)}AAAA` }); // the clock says it is good, the server does not
  await finn.ok("whoami");
  assert.notEqual(login(finn).token, after.token);
});

test("a neighbour's guesses do not hold up who renews by the server's word", async (t) => {
  const clock = movableClock(t);
  const own = await Server.start({ t, args: [], env: clock.env });
  const olga = await person(own, "olga");
  const told = [];
  const between = createServer(async (request, response) => {
    const { method, url, headers } = request;
    await guessTokens(own);
    const onward = ask({ host: "127.0.0.1", port: own.port, method, path: url, headers }, (reply) => {
      told.push(reply.statusCode);
      response.writeHead(reply.statusCode, reply.headers);
      reply.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise((resolve) => between.listen(0, "127.0.0.1", resolve));
  t.after(() => between.close().closeAllConnections());
  olga.keep({ ...login(olga), url: `http://127.0.0.1:${between.address().port}` });
  clock.jump(16 * 60); // and its own clock says that the token is good
  await olga.ok("whoami");
  assert.deepEqual(told, [401, 200, 200]);
});

test("many runs renew at once, and none is logged out", async () => {
  const gina = await person(server, "gina");
  for (let round = 0; round < 2; round++) {
    change(gina, { expires_at: 0 });
    const ends = await Promise.all(Array.from({ length: 8 }, () => gina.run(["whoami"])));
    assert.deepEqual(ends.map((end) => end.status), Array(8).fill(0), ends.map((end) => end.stderr).join(""));
    const { refresh_token } = login(gina);
    assert.equal(refresh_token.split(".")[1], String(round + 2), "one of them renewed, the others took its tokens");
  }
});

test("a run that is killed while it renews loses no login", async (t) => {
  const hugo = await person(server, "hugo");
  for (const moment of ["before the reply reaches it", "as soon as it has the reply"]) {
    let child;
    const between = createServer((request, response) => {
      const { method, url, headers } = request;
      const onward = ask({ host: "127.0.0.1", port: server.port, method, path: url, headers }, (reply) => {
        if (moment.startsWith("before")) child.kill("SIGKILL");
        response.writeHead(reply.statusCode, reply.headers);
        reply.pipe(response);
        reply.on("end", () => child.kill("SIGKILL"));
      });
      request.pipe(onward);
    });
    await new Promise((resolve) => between.listen(0, "127.0.0.1", resolve));
    t.after(() => between.close().closeAllConnections());
    const { url, ...account } = login(hugo);
    hugo.keep({ ...account, expires_at: 0, url: `http://127.0.0.1:${between.address().port}` });
    child = hugo.start(["whoami"]);
    assert.equal((await child.ended).status, "SIGKILL", moment);
    change(hugo, { url, expires_at: 0 });
    await hugo.ok("whoami");
  }
});

test("a login that has ended says how to log in again", async () => {
  const ines = await person(server, "ines");
  const { refresh_token } = login(ines);
  await server.anonymous().post("/auth/logout", { refresh_token });
  await ines.fails(3, new RegExp(`this login has ended; log in again: coditect login ${ines.url}`), "whoami");
  change(ines, { refresh_token: "log-x.1.y" });
  await ines.fails(3, /has ended|not valid/, "whoami");
  await ines.ok("logout"); // there is nothing left to end
  assert.equal(existsSync(ines.account), false);

  const noor = await person(server, "noor");
  let newest = login(noor);
  for (let i = 0; i < 2; i++) newest = (await server.anonymous().post("/auth/refresh", { refresh_token: newest.refresh_token })).data;
  change(noor, { expires_at: 0 }); // an old copy of the file
  await noor.fails(3, new RegExp(`this login has ended; log in again: coditect login ${noor.url}`), "whoami");
});

test("addresses: what would send a password in the clear or cannot be is refused before anything is asked", async () => {
  const cli = new Cli(server);
  for (const url of ["http://example.com", "http://127.0.0.1.example.com:80", "http://localhost.example.com", "http://[::2]",
    "ftp://localhost", "localhost:8080", "https://user:pass@example.com", "https://example.com/?x", "https://a b", ""]) {
    await cli.fails(2, /address|https:/, "login", url, "--email", "a@example.com", "--password-stdin");
  }
  for (const path of ["/api/v5", "/api/v5/", "/sessions/x", "//x"]) {
    await cli.fails(2, /no path follows: https:\/\/c\.example\.com:8443\n$/, "login", `https://c.example.com:8443${path}`);
    await cli.fails(2, /no path follows/, "doctor", `${cli.url}${path}`);
  }
  const key = await cli.run(["whoami"], { env: { CODITECT_TOKEN: "cdk_x", CODITECT_URL: `${cli.url}/api/v5` } });
  assert.equal(key.status, 2);
  assert.match(key.stderr, new RegExp(`no path follows: ${cli.url}\n$`));
  await cli.fails(2, /which server\?/, "login");
  const end = await cli.run(["login", "http://127.0.0.1:1", "--email", "a@b.example", "--password-stdin"], { input: "x" });
  assert.equal(end.status, 6, end.stderr);
  assert.match(end.stderr, /http:\/\/127\.0\.0\.1:1 does not answer: \S/);
});

test("what is for this machine goes by no proxy", async () => {
  const proxy = "http://127.0.0.1:1";
  const kim = await person(server, "kim");
  const end = await kim.run(["whoami"], { env: { http_proxy: proxy, ALL_PROXY: proxy, all_proxy: proxy } });
  assert.equal(end.status, 0, end.stderr);
});

test("a login that was stored with a path, for a proxy that takes it off, goes on", async (t) => {
  const lou = await person(server, "lou");
  const paths = [];
  const proxy = createServer((request, response) => {
    const { method, url, headers } = request;
    paths.push(url);
    request.pipe(ask({ host: "127.0.0.1", port: server.port, method, path: url.replace(/^\/team/, ""), headers }, (reply) => {
      response.writeHead(reply.statusCode, reply.headers);
      reply.pipe(response);
    }));
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => proxy.close().closeAllConnections());
  change(lou, { url: `http://127.0.0.1:${proxy.address().port}/team` });
  await lou.ok("whoami");
  await lou.ok("logout");
  assert.ok(paths.length >= 2 && paths.every((path) => path.startsWith("/team/api/v5/")), String(paths));
  assert.equal(existsSync(lou.account), false);
});

test("a server that is none is told apart", async (t) => {
  const bodies = ["<html>", "{}", '{"success":true}', '{"success":true,"data":{}}', '{"success":true,"data":[1]}', "[".repeat(100000)];
  let body;
  let status = 200;
  let ends;
  const other = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { "Content-Type": "application/json", Location: "http://127.0.0.1:1/" });
    response.end(body);
  });
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.after(() => other.close().closeAllConnections());
  const cli = new Cli({ port: other.address().port });
  for (body of bodies) {
    const end = await cli.run(["login", cli.url, "--email", "a@b.example", "--password-stdin"], { input: "x" });
    assert.equal(end.status, 1, end.stderr);
    assert.match(end.stderr, /server/);
  }
  for ([status, ends] of [[301, 2], [404, 2], [502, 6]]) {
    const end = await cli.run(["login", cli.url, "--email", "a@b.example", "--password-stdin"], { input: "x" });
    assert.equal(end.status, ends, end.stderr);
    assert.match(end.stderr, new RegExp(`the server answered ${status}, not as Coditect does`));
  }
  assert.equal(existsSync(cli.account), false);
});
