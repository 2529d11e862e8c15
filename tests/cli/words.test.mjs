// The command line's words: help, man page, completion, terminal, and a server behind TLS.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { request as ask } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { newSession, root, Server, serverForFile } from "../api/harness.mjs";
import { Cli, person, program } from "./cli.mjs";

const server = await serverForFile();
const ada = await person(server, "ada");

const commands = async () => (await ada.ok("--help")).stdout.split("\nCommands:\n")[1].split("\n\n")[0].split("\n")
  .map((line) => line.slice(2, 24).trim()).filter((name) => name !== "");

test("every command has help with an example, and the man page knows it", async () => {
  const manual = (await ada.ok("manual")).stdout;
  const names = await commands();
  assert.ok(names.length >= 25, names.join());
  for (const name of names) {
    const { stdout } = await ada.ok(...name.split(" "), "--help");
    assert.ok(stdout.includes(`Usage: coditect ${name}`), name);
    assert.ok(stdout.includes(`Examples:\n  `), name);
    assert.ok(stdout.split("\n").every((line) => line.length <= 100), name);
    assert.ok(manual.includes(`.SS "coditect ${name.replaceAll("-", "\\-")}`), name);
  }
  assert.match((await ada.ok("--version")).stdout, /^coditect 5\.\S+\n$/);
});

test("the man page is well-formed", { skip: spawnSync("groff", ["--version"]).error && "groff is not installed" }, async () => {
  const manual = (await ada.ok("manual")).stdout;
  const { status, stderr, stdout } = spawnSync("groff", ["-man", "-ww", "-Tutf8", "-z"], { input: manual, encoding: "utf8" });
  assert.equal(status, 0);
  assert.equal(stderr + stdout, "");
});

test("docs/cli.md says what the program says", async () => {
  const page = readFileSync(join(root, "docs/cli.md"), "utf8");
  const help = (await ada.ok("--help")).stdout.replace(/\n {20,}/g, " ");
  const rows = [...page.matchAll(/^\| ([0-9N+]+) \| (.*) \|$/gm)];
  assert.equal(rows.length, 9);
  for (const [, status, meaning] of rows) assert.ok(help.includes(`  ${status} `) && help.includes(meaning), status);
  for (const [, line] of page.matchAll(/^ {4}coditect (.*?) *$/gm)) {
    const words = line.split(" ");
    assert.ok((await commands()).some((name) => name === words[0] || name === `${words[0]} ${words[1]}`), line);
  }
});

test("scripts/coditect finds what scripts/up built, and says so when it did not", () => {
  const cache = join(ada.files, "cache");
  const run = () => spawnSync(join(root, "scripts/coditect"), ["--version"], { encoding: "utf8", env: { ...process.env, CODITECT_CACHE: cache } });
  const before = run();
  assert.equal(before.status, 1);
  assert.match(before.stderr, /not built yet: scripts\/up builds it/);
  const key = createHash("sha256").update(realpathSync(root)).digest("hex").slice(0, 12);
  mkdirSync(join(cache, `build-release-${key}/src/cli`), { recursive: true });
  symlinkSync(program, join(cache, `build-release-${key}/src/cli/coditect`));
  assert.match(run().stdout, /^coditect 5/);
});

test("help before a command is its --help", async () => {
  for (const words of [[], ["sessions"], ["sessions", "rm"], ["whoami"]]) {
    assert.equal((await ada.ok("help", ...words)).stdout, (await ada.ok(...words, "--help")).stdout);
  }
  await ada.fails(2, /unknown command sesions/, "help", "sesions");
});

test("wrong words: what is meant, status 2, nothing on standard output", async () => {
  for (const [says, ...args] of [[/did you mean sessions\?/, "sesions"], [/did you mean --recursive\?/, "cp", "--recursiv", "a", "b:"],
    [/SESSION is missing/, "sessions", "rm"], [/Usage: coditect sessions/, "sessions"], [/Usage: coditect COMMAND/]]) {
    assert.equal((await ada.fails(2, says, ...args)).stdout, "");
  }
});

test("what a failure is about is said, and once, however long it is", async () => {
  for (const [status, says, ...args] of [
    [4, "no session has this name: ../x", "sessions", "pause", "../x"],
    [2, "../x is no id (log-…)", "devices", "rm", "../x"],
    [4, `${session.id}:x: Not found.`, "files", "cat", `${session.id}:x`],
  ]) {
    assert.equal((await ada.fails(status, /./, ...args)).stderr, `coditect: ${says}\n`);
  }
  await ada.fails(4, /^coditect: x{100}.*: no session has this name: x{100}/, "sessions", "pause", "x".repeat(100_000));
});

test("with --json a failure is an object: its code, what is said, of which request", async () => {
  const said = async (status, ...args) => {
    const { stderr, stdout } = await ada.fails(status, /^\{.*\}\n$/, ...args);
    assert.equal(stdout, "");
    return JSON.parse(stderr);
  };
  assert.deepEqual(await said(4, "sessions", "pause", "--json", "../x"), { code: "not_found", message: "no session has this name: ../x" });
  const odd = await said(4, "sessions", "pause", "--json", "\x1b]0;\u202e\"");
  assert.equal(odd.message, 'no session has this name: \\x1b]0;\\u202e"');
  const { request_id: id, ...refused } = await said(5, "members", "rm", "--json", ada.person.user.id);
  assert.deepEqual(Object.keys(refused), ["code", "message"]);
  assert.match(id, /^\S+$/);
  assert.deepEqual(await said(2, "sesions", "--json"), { code: "invalid", message: "unknown command sesions (did you mean sessions?)" });
  for (const args of [["--json", "sessions", "rm"], ["sessions", "rm", "--json"]]) assert.deepEqual(await said(2, ...args), { code: "invalid", message: "SESSION is missing" });
  assert.equal((await said(2, "shell", "x", "--json")).message, "shell knows no --json");
  await ada.fails(2, /^coditect: unknown option --bogus/, "sessions", "rm", "--bogus", "--", "--json");
});

// ---- completion ----

const bin = join(ada.files, "bin");
mkdirSync(bin);
symlinkSync(program, join(bin, "coditect"));
const env = { ...process.env, XDG_CONFIG_HOME: ada.home, HOME: ada.home, PATH: `${bin}${delimiter}${process.env.PATH}` };
const installed = (shell) => spawnSync(shell, ["-c", "true"]).error === undefined;

const session = await newSession(ada.person, "Project A");
await newSession(ada.person, "other");

test("bash completes commands, options, sessions and files", async () => {
  const complete = (...words) => execFileSync("bash", ["-euc", `source <(coditect completion bash)
    COMP_WORDS=(coditect "$@") COMP_CWORD=$#
    _coditect
    printf '%s\\n' "\${COMPREPLY[@]}"`, "-", ...words], { cwd: ada.files, env, encoding: "utf8" }).trimEnd().split("\n");
  assert.deepEqual(complete("lo"), ["login", "logout"]);
  assert.deepEqual(complete("sessions", "re"), ["rename", "restore"]);
  assert.deepEqual(complete("cp", "--f"), ["--follow"]);
  assert.deepEqual(complete("sessions", "pause", ""), ["other", "Project\\ A"]);
  assert.deepEqual(complete("files", "ls", "o"), ["other:"]);
  assert.deepEqual(complete("cp", "-r", "b"), ["bin"]);
  assert.deepEqual(complete("settings", "get", "editor.font_"), ["editor.font_family", "editor.font_size"]);
  assert.deepEqual(complete("completion", ""), ["bash", "zsh", "fish"]);
  assert.deepEqual(complete("members", "invite", "a@b", "--role", ""), ["owner", "admin", "member", "viewer"]);
  assert.deepEqual(complete("members", "invite", "a@b", "--role", "=", "v"), ["viewer"]);
  assert.deepEqual(complete("sessions", "ls", "--sort", "n"), ["name"]);
  assert.deepEqual(complete("files", "changes", "--op", ""), ["write", "delete", "move", "restore"]);
  assert.deepEqual(complete("files", "changes", "--limit", ""), [""], "a number is nobody's to say");
  assert.deepEqual(complete("admin", "users", "--data", "b"), ["bin"]);
  assert.deepEqual(complete("members", "role", ""), [""], "an address stands there");
  assert.deepEqual(complete("members", "role", "a@b", "ad"), ["admin"]);
  assert.deepEqual(complete("help", "lo"), ["login", "logout"]);
  assert.deepEqual(complete("help", "sessions", "re"), ["rename", "restore"]);
  assert.deepEqual(complete("help", "sessions", "pause", ""), [""]);
  assert.deepEqual(complete("hel"), ["help"]);
  assert.deepEqual(complete("whoami", ""), [""]);
});

test("zsh's completion is a program of zsh", { skip: !installed("zsh") && "zsh is not installed" }, async () => {
  const file = join(ada.files, "_coditect");
  writeFileSync(file, (await ada.ok("completion", "zsh")).stdout);
  execFileSync("zsh", ["-n", file]);
  const script = `autoload -U compinit; compinit -D; source ${file}; (( $+functions[_coditect] )) && print $_comps[coditect]`;
  assert.equal(execFileSync("zsh", ["-fc", script], { env, encoding: "utf8" }), "_coditect\n");
  // What a person sees who types a word's beginning and a tab.
  const typed = (line) => execFileSync("zsh", ["-fc", `zmodload zsh/zpty
    zpty shell zsh -fi
    zpty -w shell "PS1=; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -D; source ${file}; print rea''dy"
    zpty -r shell seen "*ready*"
    zpty -w -n shell $'${line}\t'
    zpty -w shell $'\x01print -r -- "<\x05>"'
    zpty -r shell seen '*<*>*<*>*'
    print -r -- $seen`], { cwd: ada.files, env: { ...env, TERM: "dumb" }, encoding: "utf8", timeout: 30_000 });
  assert.match(typed("coditect logi"), /<coditect login ?>/);
  assert.match(typed("coditect sessions pause o"), /<coditect sessions pause other ?>/);
  assert.match(typed("coditect files ls o"), /<coditect files ls other:>/);
  assert.match(typed("coditect settings get editor.font_s"), /<coditect settings get editor.font_size ?>/);
  assert.match(typed("coditect members invite a@b --role v"), /<coditect members invite a@b --role viewer ?>/);
  assert.match(typed("coditect sessions ls --sort n"), /<coditect sessions ls --sort name ?>/);
  assert.match(typed("coditect members role a"), /<coditect members role a>/);
  assert.match(typed("coditect members role x v"), /<coditect members role x viewer ?>/);
  assert.match(typed("coditect help logi"), /<coditect help login ?>/);
});

test("fish completes commands, options and sessions", { skip: !installed("fish") && "fish is not installed" }, async () => {
  const complete = (line) => execFileSync("fish", ["-N", "-c", `coditect completion fish | source; complete -C '${line}'`], { cwd: ada.files, env, encoding: "utf8" })
    .trimEnd().split("\n").map((row) => row.split("\t")[0]);
  assert.deepEqual(complete("coditect lo"), ["login", "logout"]);
  assert.deepEqual(complete("coditect sessions re"), ["rename", "restore"]);
  assert.deepEqual(complete("coditect cp --f"), ["--follow"]);
  assert.deepEqual(complete("coditect sessions pause o"), ["other"]);
  assert.deepEqual(complete("coditect files ls o"), ["other:"]);
  assert.deepEqual(complete("coditect settings get editor.font_"), ["editor.font_family", "editor.font_size"]);
  assert.deepEqual(complete("coditect members invite a@b --role "), ["admin", "member", "owner", "viewer"]);
  assert.deepEqual(complete("coditect sessions ls --sort "), ["activity", "created", "name"]);
  assert.deepEqual(complete("coditect files changes --op "), ["delete", "move", "restore", "write"]);
  assert.deepEqual(complete("coditect files changes --limit "), [""], "no file of this machine");
  assert.deepEqual(complete("coditect admin users --data b"), ["bin/"]);
  assert.deepEqual(complete("coditect members role "), [""]);
  assert.deepEqual(complete("coditect members role x a"), ["admin"]);
  assert.deepEqual(complete("coditect help lo"), ["login", "logout"]);
  assert.deepEqual(complete("coditect help sessions re"), ["rename", "restore"]);
});

test("nobody who completes is asked to log in, and nothing is made", () => {
  const nowhere = join(ada.files, "nowhere");
  const out = execFileSync("bash", ["-euc", `source <(coditect completion bash)
    COMP_WORDS=(coditect sessions rm "") COMP_CWORD=3; _coditect; echo "\${#COMPREPLY[@]}"`], { env: { ...env, XDG_CONFIG_HOME: nowhere }, encoding: "utf8" });
  assert.equal(out, "0\n");
  assert.ok(!existsSync(nowhere));
});

// ---- terminal ----

/** What a run writes to a terminal. */
function onTerminal(args, more = {}) {
  const script = "import os, pty, sys\nsys.exit(os.waitstatus_to_exitcode("
    + "pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 65536), lambda fd: b'')))";
  return execFileSync("/usr/bin/python3", ["-c", script, program, ...args], {
    cwd: ada.files, env: { ...env, TERM: "xterm", NO_COLOR: "", ...more }, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

test("a terminal has a bold head, unless NO_COLOR or TERM=dumb say otherwise; a pipe never", async () => {
  assert.match(onTerminal(["sessions", "ls"]), /^\x1b\[1mID/);
  assert.match(onTerminal(["sessions", "ls"], { NO_COLOR: "1" }), /^ID/);
  assert.match(onTerminal(["sessions", "ls"], { TERM: "dumb" }), /^ID/);
  assert.match((await ada.ok("sessions", "ls")).stdout, /^ID/);
});

test("progress is shown on a terminal only, and wiped away", async () => {
  writeFileSync(join(ada.files, "large"), Buffer.alloc(40_000_000));
  const shown = onTerminal(["files", "put", "large", "other:"]);
  assert.ok(shown.endsWith("\r\x1b[K"), JSON.stringify(shown.slice(-100)));
  assert.equal((await ada.ok("files", "put", "large", "other:")).stderr, "");
});

// ---- TLS ----

test("https: checked against the authorities; a wrong certificate is refused", { skip: spawnSync("openssl", ["version"]).error && "openssl is not installed" }, async (t) => {
  const [key, cert] = [join(ada.files, "key.pem"), join(ada.files, "cert.pem")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], { stdio: "pipe" });
  let [to, told] = [server.port, {}];
  const front = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    const { method, url, headers } = request;
    request.pipe(ask({ host: "127.0.0.1", port: to, method, path: url, headers: { ...headers, ...told, host: `127.0.0.1:${to}` } }, (reply) => {
      response.writeHead(reply.statusCode, reply.headers);
      reply.pipe(response);
    }));
  });
  front.shouldUpgradeCallback = () => false; // a handshake is a request like others
  await new Promise((resolve) => front.listen(0, "127.0.0.1", resolve));
  t.after(() => front.close().closeAllConnections());
  const { port } = front.address();
  const cli = new Cli(server);
  const { email, password } = ada.person;
  const login = (host, SSL_CERT_FILE) => cli.run(["login", `https://${host}:${port}/`, "--email", email, "--password-stdin"], { input: password, env: { SSL_CERT_FILE } });
  for (const end of [await login("localhost", ""), await login("127.0.0.1", cert)]) {
    assert.equal(end.status, 6, end.stderr);
    assert.match(end.stderr, /SSL/);
  }
  const good = await login("localhost", cert);
  assert.equal(good.status, 0, good.stderr);
  const who = await cli.run(["whoami", "--json"], { env: { SSL_CERT_FILE: cert } });
  assert.equal(who.json.email, email);

  // The server is not told of it, then by a proxy that it trusts.
  const looked = async () => Object.fromEntries((await cli.run(["doctor", "--json", `https://localhost:${port}`], { env: { SSL_CERT_FILE: cert } })).json.map((one) => [one.name, one]));
  const untold = await looked();
  assert.equal(untold.TLS.state, "ok");
  assert.deepEqual([untold.scheme.state, untold.scheme.found], ["failed", "the server believes that it is reached by http"]);
  assert.match(untold.scheme.remedy, /X-Forwarded-Proto.*trusted_proxies/);
  const trusting = await Server.start({ t, args: ["--rate-factor", "100000", "--trusted-proxies", "127.0.0.1"] });
  [to, told] = [trusting.port, { "x-forwarded-proto": "https" }];
  assert.equal((await looked()).scheme.state, "ok");
});

test("the machine's own name for itself is found without a name server", async () => {
  const url = `http://coditect.localhost:${server.port}`;
  const end = await new Cli(server).run(["login", url, "--email", ada.person.email, "--password-stdin"], { input: ada.person.password });
  assert.equal(end.status, 0, end.stderr);
});
