// sessions and devices.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { movableClock, newSession, Server, serverForFile, until } from "../api/harness.mjs";
import { Cli, person } from "./cli.mjs";

const server = await serverForFile();
const ada = await person(server, "ada");
const bob = await person(server, "bob");

test("a session's life", async () => {
  const made = (await ada.ok("sessions", "new", "--json", "Project A")).json;
  assert.equal(made.name, "Project A");
  const table = (await ada.ok("sessions", "ls")).stdout.split("\n");
  assert.match(table[0], /^ID +STATE +FILES +SIZE +LAST USE \(UTC\) +NAME$/);
  assert.match(table[1], new RegExp(`^${made.id} +stopped +0 +0 B .* Project A$`));
  assert.equal((await ada.ok("sessions", "ls", "-q")).stdout, "Project A\n");

  await ada.ok("sessions", "rename", "Project A", "Project B");
  await ada.fails(4, /no session has this name: Project A\n$/, "sessions", "pause", "Project A");
  assert.match((await ada.ok("sessions", "pause", made.id)).stdout, /^ses-\S+ {2}stopped {2}Project B\n$/);

  assert.match((await ada.ok("sessions", "rm", "Project B")).stdout, /deleted/);
  assert.deepEqual((await ada.ok("sessions", "ls", "--json")).json, []);
  assert.equal((await ada.ok("sessions", "ls", "--deleted", "--json")).json[0].id, made.id);
  await ada.ok("sessions", "restore", "Project B");
  assert.equal((await ada.ok("sessions", "ls", "--json")).json[0].id, made.id);
});

test("a session that begins with a repository", async () => {
  const eve = await person(server, "eve");
  const made = (await eve.ok("sessions", "new", "--json", "--git", "https://git.example.com/engine.git", "--branch", "next", "Engine")).json;
  assert.deepEqual(made.source, { kind: "git", url: "https://git.example.com/engine.git", branch: "next", state: "pending" });
  assert.equal((await eve.ok("sessions", "new", "--json", "Blank")).json.source, undefined);
  const { stderr } = await eve.fails(2, /begin with https/, "sessions", "new", "--git", "file:///etc", "Other");
  assert.doesNotMatch(stderr, /unknown/);
  await eve.fails(2, /no git_url/, "sessions", "new", "--branch", "main", "Other");
});

test("a repository that was not cloned is tried again", async () => {
  const eve = await person(server, "eva");
  await eve.ok("sessions", "new", "--git", "https://git.example.com/engine.git", "Engine");
  assert.equal((await eve.ok("sessions", "clone", "--json", "Engine")).json.source.state, "pending");
  await eve.ok("sessions", "new", "Blank");
  await eve.fails(5, /Blank/, "sessions", "clone", "Blank");
});

test("a session that begins with an archive", async () => {
  const eve = await person(server, "evi");
  const at = (name) => join(eve.files, name);
  mkdirSync(at("src"));
  writeFileSync(at("src/a.txt"), "one\n");
  execFileSync("tar", ["czf", "engine.tar.gz", "src"], { cwd: eve.files });
  const made = (await eve.ok("sessions", "new", "--json", "--archive", "engine.tar.gz", "Engine")).json;
  assert.deepEqual([made.name, made.bytes], ["Engine", 4], "as it is with its files");
  assert.equal((await eve.ok("files", "cat", "Engine:src/a.txt")).stdout, "one\n");

  const piped = await eve.run(["sessions", "new", "--archive", "-", "Piped"], { input: readFileSync(at("engine.tar.gz")) });
  assert.match(piped.stdout, /^ses-\S+ {2}stopped {2}Piped\n$/, piped.stderr);
  assert.equal((await eve.ok("files", "cat", "Piped:src/a.txt")).stdout, "one\n");

  const before = (await eve.ok("sessions", "ls", "-q")).stdout;
  await eve.fails(4, /nothing\.zip: No such file/, "sessions", "new", "--archive", "nothing.zip", "Other");
  await eve.fails(5, /src is a folder/, "sessions", "new", "--archive", "src", "Other");
  await eve.fails(2, /--git or with --archive/, "sessions", "new", "--archive", "engine.tar.gz", "--git", "https://git.example.com/e.git", "Other");
  assert.equal((await eve.ok("sessions", "ls", "-q")).stdout, before, "nothing was made");

  writeFileSync(at("cut.tar.gz"), readFileSync(at("engine.tar.gz")).subarray(0, -20));
  const { stderr, stdout } = await eve.fails(2, /damaged.*the session is made, without all of the archive: ses-/, "sessions", "new", "--archive", "cut.tar.gz", "Cut");
  assert.equal(stdout, "");
  const [id] = /ses-[0-9a-z]{26}/.exec(stderr);
  assert.match((await eve.ok("files", "unpack", "engine.tar.gz", `${id}:`)).stdout, /^1 files, 1 folders, 0 links, 4 B\n$/);
  assert.equal((await eve.ok("files", "cat", "Cut:src/a.txt")).stdout, "one\n");
  assert.equal((await eve.ok("files", "unpack", "--json", "engine.tar.gz", "Cut:old/")).json.files, 1);
  assert.equal((await eve.ok("files", "cat", "Cut:old/src/a.txt")).stdout, "one\n");
});

test("projects: made, named, filled, emptied; their sessions stay", async () => {
  const zoe = await person(server, "zoe");
  const { id } = await newSession(zoe.person, "Lexer");
  const project = (await zoe.ok("projects", "new", "--json", "Compiler")).json;
  assert.match((await zoe.ok("sessions", "assign", "Lexer", "Compiler")).stdout, /Lexer\n$/);
  assert.equal((await zoe.person.get(`/sessions/${id}`)).data.project_id, project.id);
  assert.match((await zoe.ok("projects", "ls")).stdout, new RegExp(`^ID +SESSIONS +MADE \\(UTC\\) +NAME\n${project.id} +1 .* Compiler\n$`));
  await zoe.ok("projects", "rename", "Compiler", "Linker");
  await zoe.fails(4, /no project has this name/, "projects", "rm", "Compiler");
  await zoe.ok("sessions", "assign", "Lexer");
  assert.equal((await zoe.person.get(`/sessions/${id}`)).data.project_id, undefined);
  await zoe.ok("projects", "new", "Linker");
  await zoe.fails(2, /2 projects have this name/, "projects", "rm", "Linker");
  await zoe.ok("projects", "rm", project.id);
  assert.equal((await zoe.ok("projects", "ls", "--json")).json.length, 1);
  assert.equal((await zoe.ok("sessions", "ls", "-q")).stdout, "Lexer\n");
  await bob.fails(4, /Not found/, "projects", "rename", project.id, "x");
});

test("an ambiguous name lists whom it could mean; the id decides", async () => {
  const one = await newSession(bob.person, "twin");
  const two = await newSession(bob.person, "twin");
  const end = await bob.fails(2, /2 sessions have this name/, "sessions", "rm", "twin");
  for (const { id } of [one, two]) assert.ok(end.stderr.includes(id));
  await bob.ok("sessions", "rm", one.id);
  await bob.ok("sessions", "rm", "twin");
});

test("names are found beyond the first page", async () => {
  const carl = await person(server, "carl");
  await newSession(carl.person, "the oldest");
  await Promise.all(Array.from({ length: 104 }, (_, i) => newSession(carl.person, `session ${i}`)));
  assert.match((await carl.ok("sessions", "rename", "the oldest", "found")).stdout, /found\n/);
  assert.equal((await carl.ok("sessions", "ls", "--json")).json.length, 105);
  assert.equal((await carl.ok("sessions", "ls")).stdout.trimEnd().split("\n").length, 106);
});

test("a name cannot move the terminal", async () => {
  const dora = await person(server, "dora");
  await newSession(dora.person, "a\u202eb\\c");
  const { stdout } = await dora.ok("sessions", "ls", "-q");
  assert.equal(stdout, "a\\u202eb\\\\c\n");
  assert.doesNotMatch((await dora.ok("sessions", "ls")).stdout, /[\u0080-\u009f\u202e]/);
  const json = await dora.ok("sessions", "ls", "--json");
  assert.doesNotMatch(json.stdout, /[\u0080-\u009f\u202e]/);
  assert.equal(json.json[0].name, "a\u202eb\\c");
  const named = await dora.fails(4, /no session/, "files", "ls", "\x1b]0;title\x07:");
  assert.doesNotMatch(named.stderr, /\x1b/);
});

test("another tenant's ids are not found, whatever is done with them", async () => {
  const { id } = await newSession(ada.person, "secret");
  await ada.person.write(`/sessions/${id}/files/a.txt`, "secret");
  for (const args of [["sessions", "rm", id], ["sessions", "open", id], ["sessions", "rename", id, "x"],
    ["files", "ls", `${id}:`], ["files", "cat", `${id}:a.txt`], ["files", "rm", `${id}:a.txt`],
    ["files", "history", `${id}:a.txt`], ["files", "mkdir", `${id}:x`], ["cp", "-r", `${id}:`, "stolen"]]) {
    const end = await bob.fails(4, /Not found/, ...args);
    assert.doesNotMatch(end.stdout, /secret/);
  }
  const device = (await ada.ok("devices", "ls", "--json")).json[0].id;
  await bob.fails(4, /Not found/, "devices", "rm", device);
  await ada.ok("whoami");
});

test("what is no id is refused before it becomes an address", async () => {
  await bob.fails(2, /is no id/, "devices", "rm", "../sessions");
  await bob.fails(2, /is no id/, "devices", "rm", "");
  await bob.ok("whoami");
});

test("links: the address printed once, listed, read with its token, ended", async () => {
  const nina = await person(server, "linker");
  const { id } = (await nina.ok("sessions", "new", "Shown", "--json")).json;
  const address = (await nina.ok("links", "new", "Shown", "for Grace", "--days", "30")).stdout;
  assert.match(address, /\/shared#token=cdl_\S{70}\n$/);
  const shared = () => fetch(`${nina.url}/api/v5/shared`, { headers: { Authorization: `Bearer ${address.trim().split("token=")[1]}` } });
  assert.equal((await (await shared()).json()).data.name, "Shown");
  const [link] = (await nina.ok("links", "ls", "Shown", "--json")).json;
  assert.deepEqual([link.name, link.session_id], ["for Grace", id]);
  assert.match((await nina.ok("links", "ls", id)).stdout, /^ID +SHOWS +EXPIRES.*\nlnk-\S+ +now .*for Grace\n/);
  await nina.fails(2, /365/, "links", "new", "Shown", "x", "--days", "366");
  await nina.fails(4, /Not found/, "links", "new", "Shown", "x", "--at", "100000");
  await nina.ok("links", "rm", "Shown", link.id);
  assert.equal((await shared()).status, 401);
  await nina.fails(4, /Not found/, "links", "rm", "Shown", link.id);
});

test("a moment that is not kept any more is marked and said", async (t) => {
  const clock = movableClock(t);
  const day = 86_400;
  const midnight = day - Math.floor(Date.now() / 1000) % day;
  clock.jump(midnight);
  const aged = await Server.start({ args: ["--rate-factor", "100000", "--store-collect", "1", "--store-pace", "1000000000", "--history-all", "2d"], env: clock.env });
  t.after(() => aged.stop());
  const nina = await person(aged, "nina");
  const { id } = await newSession(nina.person, "Old");
  const { version } = (await nina.person.write(`/sessions/${id}/files/doc`, "then")).data;
  await nina.person.write(`/sessions/${id}/files/doc`, "now");
  await nina.ok("links", "new", "Old", "of then", "--at", String(version), "--days", "30");
  await nina.ok("links", "new", "Old", "of now", "--days", "30");
  const shows = async () => Object.fromEntries((await nina.ok("links", "ls", "Old")).stdout.split("\n").slice(1, -1)
    .map((line) => [/of \w+$/.exec(line)?.[0], /^lnk-\S+ +(.*?) {2,}/.exec(line)?.[1]]));
  assert.deepEqual(await shows(), { "of then": String(version), "of now": "now" });
  clock.jump(midnight + 3 * day);
  await until("its moment is gone", async () => (await nina.ok("links", "ls", "Old", "--json")).json.some((one) => one.moment_gone));
  assert.deepEqual(await shows(), { "of then": `${version} (gone)`, "of now": "now" });
  assert.match((await nina.ok("files", "changes", "Old:")).stdout.split("\n")[1], new RegExp(`^ +${version + 1} +- +write `));
  const back = await nina.ok("files", "rewind", "Old:", String(version));
  assert.match(back.stderr, new RegExp(`Moment ${version} is not kept any more: taken for ${version + 1}, the next that is`));
  assert.equal((await nina.ok("files", "rewind", "Old:", String(version + 1))).stderr, "");
  assert.match((await nina.ok("sessions", "fork", "--at", String(version), "Old", "Copy")).stderr, /not kept any more: it begins as at \d+, the next that is/);
});

test("keys: printed once, listed, used by curl, ended", async () => {
  const nina = await person(server, "nina");
  const reader = (await nina.ok("keys", "new", "backup", "--days", "30")).stdout;
  assert.match(reader, /^cdk_[0-9a-z]{26}_[A-Za-z0-9_-]{43}\n$/);
  const made = (await nina.ok("keys", "new", "deploy", "--write", "--json")).json;
  assert.equal(made.record.access, "write");
  const keys = (await nina.ok("keys", "ls", "--json")).json;
  assert.deepEqual(keys.map(({ name, access }) => [name, access]), [["deploy", "write"], ["backup", "read"]]);
  assert.match((await nina.ok("keys", "ls")).stdout, /^ID +ACCESS +EXPIRES.*\nkey-\S+ +write .* never +deploy\n/);
  const status = async (key) => (await fetch(`${nina.url}/api/v5/users/me`, { headers: { Authorization: `Bearer ${key.trim()}` } })).status;
  assert.equal(await status(reader), 200);
  await nina.ok("keys", "rm", keys[1].id);
  assert.equal(await status(reader), 401);
  assert.equal(await status(made.key), 200);
  await nina.fails(4, /Not found/, "keys", "rm", keys[1].id);
  await nina.fails(2, /366/, "keys", "new", "x", "--days", "367");
  await nina.fails(2, /days/, "keys", "new", "x", "--days", "0");
  await nina.fails(2, /is no id/, "keys", "rm", "../devices");
});

test("devices: listed, ended, and the ended one is told to log in again", async () => {
  const emil = await person(server, "emil");
  const other = await new Cli(server).login(emil.person);
  const devices = (await emil.ok("devices", "ls", "--json")).json;
  assert.equal(devices.length, 2);
  assert.match(devices[0].device, /^coditect\/5\S* on \S+$/);
  const here = (await other.ok("devices", "ls", "--json")).json.find((device) => device.current);
  await emil.ok("devices", "rm", here.id);
  await other.fails(3, /log in again/, "whoami");
  await other.login(emil.person);
  assert.match((await emil.ok("devices", "rm", "--others")).stdout, /^1 logins ended\n$/);
  assert.equal((await emil.ok("devices", "ls", "--json")).json.length, 1);
  await emil.fails(2, /--others/, "devices", "rm");
});

test("open --wait follows the workspace until it runs, or says why it does not", async (t) => {
  const id = `ses-${"0".repeat(26)}`;
  const time = "2026-11-21T04:05:06.789Z";
  let states;
  let source;
  const fake = createServer((request, response) => {
    const [state, status = "active"] = states.length > 1 ? states.shift() : states[0];
    const workspace = { id: "w", state, runtime: "local", connected: true, error: "no \x1bspace" };
    const data = { id, name: "Project A", status, tenant_id: "t", user_id: "u", workspace, source, agents: [], files: 0, bytes: 0,
      created_at: time, updated_at: time, last_access_at: time, revision: 1 };
    response.writeHead(request.method === "POST" ? 202 : 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ success: true, data }));
  });
  await new Promise((resolve) => fake.listen(0, "127.0.0.1", resolve));
  t.after(() => fake.close().closeAllConnections());
  const cli = new Cli({ port: fake.address().port });
  cli.keep({ url: cli.url, email: "a@b.example", token: "t", refresh_token: "r", expires_at: 4e9 });
  states = [["starting"], ["restoring"], ["running"]];
  assert.match((await cli.ok("sessions", "open", "-w", id)).stdout, /running {2}Project A\n$/);
  states = [["starting"], ["failed"]];
  await cli.fails(6, /did not start: no \\x1bspace/, "sessions", "open", "--wait", id);
  states = [["starting"], ["stopped", "paused"]];
  await cli.fails(5, /paused or deleted meanwhile/, "sessions", "open", "--wait", id);
  states = [["starting"]];
  assert.match((await cli.ok("sessions", "open", id)).stdout, /starting/);
  // What there is to say of a repository that is there stands beside the line for scripts.
  states = [["running"]];
  source = { kind: "git", url: "https://git.example.com/e.git", state: "done", folder: "e-2", message: "e holds \x1bwhat was" };
  const { stdout, stderr } = await cli.ok("sessions", "open", "-w", id);
  assert.match(stdout, /^\S+ {2}running {2}Project A\n$/);
  assert.match(stderr, /coditect: e holds \\x1bwhat was\n/);
  assert.doesNotMatch((await cli.ok("sessions", "open", "--json", id)).stderr, /holds/);
  source.message = undefined;
  assert.equal((await cli.ok("sessions", "open", id)).stderr, "");
});

test("a name that cannot be is status 2", async () => {
  await bob.fails(2, /name/, "sessions", "new", "x".repeat(101));
  await bob.fails(2, /not valid/, "sessions", "new", "");
  const bytes = await bob.run(["sessions", "new"], { before: ["bash", "-c", 'exec "$@" "$(printf "a\\377")"', "-"] });
  assert.deepEqual([bytes.status, bytes.stderr], [2, "coditect: a\\xff: name must be UTF-8\n"]);
});
