// members, audit, and an API key instead of a login. One tenant: ada owns it, bob comes in by invitation.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { test } from "node:test";
import { newSession, serverForFile } from "../api/harness.mjs";
import { Cli, person } from "./cli.mjs";

const server = await serverForFile();
const ada = await person(server, "ada");
const bob = new Cli(server);
const email = "bob@example.com";
const session = await newSession(ada.person, "Project A");

async function accept(token) {
  const reply = await server.anonymous().post("/auth/register", { email, password: "password of bob", invitation: token });
  assert.equal(reply.status, 201, reply.text());
  bob.keep({ url: bob.url, email, token: reply.data.token, refresh_token: reply.data.refresh_token,
    expires_at: Math.floor(Date.now() / 1000) + reply.data.expires_in });
  bob.user = reply.data.user;
}

test("invite, list, withdraw; the link makes the member", async () => {
  await ada.fails(2, /email/, "members", "invite", "nonsense");
  const link = (await ada.ok("members", "invite", email, "--role", "viewer")).stdout;
  const [, token] = /^https?:\/\/.*\/register#invitation=(\S+)\n$/.exec(link) ?? assert.fail(link);
  const other = (await ada.ok("members", "invite", "--json", "carl@example.com")).json;
  assert.equal(other.role, "member");
  assert.match((await ada.ok("members", "invitations")).stdout, /^ID +ROLE +UNTIL \(UTC\) +E-MAIL\n(inv-\S+ .*\n){2}$/);
  await ada.ok("members", "withdraw", other.id);
  await ada.fails(2, /is no id/, "members", "withdraw", "../x");
  assert.deepEqual((await ada.ok("members", "invitations", "--json")).json.map((one) => one.email), [email]);
  await accept(token);
  assert.equal(bob.user.role, "viewer");
});

test("members are named by address or id; roles hold at once; what a role may not do is status 5", async () => {
  assert.match((await ada.ok("members", "ls")).stdout, /^ID +ROLE +SINCE \(UTC\) +E-MAIL +NAME\n(usr-.*\n){2}$/);
  await bob.fails(5, /./, "sessions", "new", "x");
  await bob.fails(5, /./, "members", "role", email, "admin");
  await ada.ok("members", "role", "BOB@example.com", "member");
  await bob.ok("sessions", "new", "x");
  await ada.fails(2, /role/, "members", "role", email, "emperor");
  await ada.fails(4, /no member has this address/, "members", "role", "nobody@example.com", "member");
  assert.equal((await ada.ok("members", "role", "--json", bob.user.id, "admin")).json.role, "admin");
});

test("settings of a server of before revisions are read and set", async (t) => {
  const older = createServer((request, response) => {
    const { method, url, headers } = request;
    request.pipe(ask({ host: "127.0.0.1", port: server.port, method, path: url, headers }, async (reply) => {
      const text = Buffer.concat(await reply.toArray()).toString().replaceAll(/"(user|tenant)_revision":\d+,/g, "");
      response.writeHead(reply.statusCode, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
      response.end(text);
    }));
  });
  await new Promise((resolve) => older.listen(0, "127.0.0.1", resolve));
  t.after(() => older.close().closeAllConnections());
  const cli = new Cli({ port: older.address().port });
  cli.keep({ ...JSON.parse(readFileSync(ada.account, "utf8")), url: cli.url });
  assert.match((await cli.ok("settings", "ls")).stdout, /\neditor\.tab_size +4 +default /);
  assert.equal((await cli.ok("settings", "set", "editor.tab_size", "3")).stdout, "3\n");
  assert.equal((await cli.ok("settings", "reset", "editor.tab_size")).stdout, "4\n");
});

test("settings: a person's, the tenant's, the default; what is refused", async () => {
  const key = "editor.font_size";
  const [standard, tab] = (await ada.ok("settings", "ls", "--json")).json.filter((one) => ["font_size", "tab_size"].includes(one.key)).map((one) => one.default);
  assert.match((await ada.ok("settings", "ls")).stdout, new RegExp(`^SETTING +VALUE +SET BY +WHAT IT IS\\n(\\S.*\\n)*editor\\.font_size +${standard} +default +\\S`));
  assert.equal((await ada.ok("settings", "get", key)).stdout, `${standard}\n`);
  assert.equal((await ada.ok("settings", "set", "--tenant", key, "16")).stdout, "16\n");
  const bobs = async () => (({ value, source }) => [value, source])((await bob.ok("settings", "get", "--json", key)).json);
  assert.deepEqual(await bobs(), [16, "tenant"]);
  assert.equal((await bob.ok("settings", "set", "--json", key, "20")).json.source, "user");
  assert.deepEqual(await bobs(), [20, "user"]);
  assert.match((await bob.ok("settings", "ls")).stdout, /\neditor\.font_size +20 +you /);
  assert.equal((await bob.ok("settings", "reset", key, "editor.tab_size")).stdout, `16\n${tab}\n`);
  assert.equal((await ada.ok("settings", "reset", "--tenant", key)).stdout, `${standard}\n`);
  for (const [name, value] of [["editor.word_wrap", "true"], ["appearance.theme", "dark"], ["editor.line_numbers", "on"], ["editor.font_family", "16"]]) {
    assert.equal((await ada.ok("settings", "set", name, value)).stdout, `${value}\n`);
    assert.equal((await ada.ok("settings", "get", name)).stdout, `${value}\n`);
  }
  for (const value of ["5", "73", "1.5", "many", "true", "", "[]", "\"14\""]) await ada.fails(2, /editor\.font_size: .*value/i, "settings", "set", key, value);
  await ada.fails(2, /value/, "settings", "set", "editor.word_wrap", "yes");
  const bytes = await ada.run(["settings", "set", "editor.font_family"], { before: ["bash", "-c", 'exec "$@" "$(printf "a\\377")"', "-"] });
  assert.deepEqual([bytes.status, bytes.stderr], [2, "coditect: editor.font_family: VALUE must be UTF-8\n"]);
  const lines = "*.log\n\n!keep.log\n\\#a\\ b\\\\c\n";
  assert.equal((await ada.ok("settings", "get", "files.ignore")).stdout, "");
  assert.match((await ada.ok("settings", "ls")).stdout, /\nfiles\.ignore +none +default /);
  assert.equal((await ada.ok("settings", "set", "--tenant", "files.ignore", lines)).stdout, lines);
  assert.equal((await bob.ok("settings", "get", "files.ignore")).stdout, lines);
  assert.match((await ada.ok("settings", "ls")).stdout, /\nfiles\.ignore +3 lines +tenant /);
  const long = `${"x".repeat(511)}\n`.repeat(16); // as much as there may be
  assert.equal((await ada.ok("settings", "set", "--tenant", "--json", "files.ignore", long)).json.value, long);
  await ada.fails(2, /value.*8192 bytes/, "settings", "set", "--tenant", "files.ignore", `${long}x`);
  await ada.fails(2, /value.*line 2: .*everything/, "settings", "set", "--tenant", "files.ignore", "a\n*");
  assert.equal((await ada.ok("settings", "reset", "--tenant", "files.ignore")).stdout, "");
  await ada.fails(5, /editor\.tab_size|workspaces/, "settings", "set", "workspaces.running", "2");
  await ada.fails(4, /no such setting/, "settings", "get", "editor.nothing");
  await ada.fails(4, /no such setting/i, "settings", "reset", "editor.nothing");
  for (const name of ["editor", "editor.", ".font_size", "editor.../x", `editor.${"x".repeat(5000)}`]) {
    const { status } = await ada.run(["settings", "reset", name]);
    assert.ok(status === 2 || status === 4, `${name.slice(0, 20)}: ${status}`);
  }
  for (const name of ["editor", "editor.", ".font_size", "../x"]) await ada.fails(2, /a setting is CATEGORY\.KEY/, "settings", "reset", name);
});

test("only owners and admins set the tenant's settings", async () => {
  await ada.ok("members", "role", email, "member");
  await bob.fails(5, /./, "settings", "set", "--tenant", "editor.font_size", "16");
  await bob.fails(5, /./, "settings", "reset", "--tenant", "editor.font_size");
  await ada.ok("members", "role", email, "admin");
});

test("audit: filters, all pages, a limit, lines", async () => {
  const all = (await ada.ok("audit", "--json")).json;
  assert.ok(all.length >= 7, String(all.length));
  assert.match((await ada.ok("audit")).stdout, /^WHEN \(UTC\) +RESULT +ACTION +WHO +WHAT +FROM\n/);
  assert.equal((await ada.ok("audit", "--limit", "3", "--json")).json.length, 3);
  assert.equal((await ada.ok("audit", "--limit", "2")).stdout.trimEnd().split("\n").length, 3);
  const bobs = (await ada.ok("audit", "--json", "--actor", email)).json;
  assert.ok(bobs.length > 0 && bobs.every((one) => one.actor_id === bob.user.id));
  const made = (await ada.ok("audit", "--json", "--action", "session.create", "--session", "Project A")).json;
  assert.deepEqual(made.map((one) => one.target), [session.id]);
  const lines = (await ada.ok("audit", "--ndjson")).stdout.trimEnd().split("\n").map((line) => JSON.parse(line).id);
  assert.deepEqual(new Set([...lines, ...all.map((one) => one.id)]).size, lines.length);
  const lately = new Set((await ada.ok("audit", "--since", "1h", "--json")).json.map((one) => one.id)); // what was denied comes a moment later
  assert.deepEqual(lines.filter((id) => !lately.has(id)), []);
  assert.deepEqual((await ada.ok("audit", "--since", "2999-01-01", "--json")).json, []);
  await ada.fails(2, /--since wants/, "audit", "--since", "yesterday");
  await ada.fails(2, /neither/, "audit", "--ndjson", "--limit", "3");
});

test("audit --until: nothing that is newer", async () => {
  const all = (await ada.ok("audit", "--json")).json;
  const { at: middle } = all[Math.floor(all.length / 2)];
  const shown = (await ada.ok("audit", "--until", middle, "--json")).json;
  assert.deepEqual(shown.filter(({ at }) => at > middle), []);
  const ids = new Set(shown.map(({ id }) => id));
  assert.deepEqual(all.filter(({ at, id }) => at < middle && !ids.has(id)), []);
  assert.deepEqual((await ada.ok("audit", "--until", "2000-01-01", "--json")).json, []);
  await ada.fails(2, /--until wants/, "audit", "--until", "yesterday");
});

test("members transfer: who owned is an admin, and only the other can give it back", async () => {
  await bob.fails(5, /./, "members", "transfer", bob.user.id);
  await ada.fails(4, /no member has this address/, "members", "transfer", "nobody@example.com");
  assert.deepEqual((({ email: address, role }) => [address, role])((await ada.ok("members", "transfer", "--json", email)).json), [email, "owner"]);
  assert.equal((await ada.ok("whoami", "--json")).json.role, "admin");
  await ada.fails(5, /./, "members", "transfer", ada.person.user.id);
  await bob.ok("members", "transfer", ada.person.user.id);
  const roles = (await ada.ok("members", "ls", "--json")).json.map(({ id, role }) => [id, role]);
  assert.deepEqual(new Map(roles), new Map([[ada.person.user.id, "owner"], [bob.user.id, "admin"]]));
});

test("lists: searched, sorted, the other way round", async () => {
  for (const name of ["Gamma Engine", "Beta", "Alpha engine"]) for (const noun of ["sessions", "projects"]) await ada.ok(noun, "new", name);
  const shown = async (...args) => (await ada.ok(...args, "--json")).json.map(({ name, email: address }) => address ?? name);
  for (const noun of ["sessions", "projects"]) {
    assert.deepEqual(await shown(noun, "ls", "--search", "engine", "--sort", "name"), ["Alpha engine", "Gamma Engine"]);
    assert.deepEqual(await shown(noun, "ls", "--search", "ENGINE", "--sort", "name", "--reverse"), ["Gamma Engine", "Alpha engine"]);
    assert.deepEqual(await shown(noun, "ls", "--search", "nothing"), []);
    await ada.fails(2, /sort/, noun, "ls", "--sort", "size");
  }
  assert.deepEqual(await shown("members", "ls", "--search", "bob"), [email]);
  const members = await shown("members", "ls", "--sort", "email");
  assert.deepEqual([members, members.toReversed()], [members.toSorted(), await shown("members", "ls", "--sort", "email", "--reverse")]);
  const made = [];
  for (const name of ["carl", "dora"]) made.push((await ada.ok("members", "invite", `${name}@example.com`, "--json")).json.id);
  assert.deepEqual(await shown("members", "invitations", "--sort", "email", "--reverse"), ["dora@example.com", "carl@example.com"]);
  assert.deepEqual(await shown("members", "invitations", "--search", "dora"), ["dora@example.com"]);
  await ada.ok("members", "withdraw", ...made);
});

test("the tenant's name, and everybody's workspaces: for owners and admins", async () => {
  assert.match((await ada.ok("tenant", "rename", "Analytical Engines")).stdout, /^ten-\S+ {2}Analytical Engines\n$/);
  assert.equal((await ada.person.get("/tenant")).data.name, "Analytical Engines");
  assert.equal((await ada.ok("workspaces", "ls")).stdout, "", "nothing runs");
  assert.match((await ada.ok("workspaces", "ls", "--all")).stdout, /^ID +STATE +SINCE \(UTC\) +MEMORY +FILES +WHOSE +SESSION\n(wsp-.*\n)*wsp-\S+ +stopped +\S+ \S+ +- +0 B +bob@example\.com +x\n/);
  const [{ id }] = (await ada.ok("workspaces", "ls", "--all", "--json")).json;
  assert.equal((await ada.ok("workspaces", "stop", id, "--json")).json.id, id);
  await ada.fails(4, /./, "workspaces", "stop", `wsp-${"0".repeat(26)}`);
  await ada.ok("members", "role", email, "member");
  for (const words of [["tenant", "rename", "Mine"], ["workspaces", "ls"], ["workspaces", "stop", id]]) await bob.fails(5, /./, ...words);
});

test("a member who is removed is nobody any more", async () => {
  await ada.ok("members", "rm", email);
  await bob.fails(3, /./, "whoami");
  const [former] = (await ada.ok("members", "ls", "--former", "--json")).json;
  assert.equal(former.id, bob.user.id);
  assert.match((await ada.ok("members", "invite", email, "--account", former.id)).stdout, /register#invitation=/);
});

test("CODITECT_TOKEN: a key comes in without a login, and is never sent elsewhere or kept", async () => {
  const key = (await ada.ok("keys", "new", "ci")).stdout.trim();
  const ci = new Cli(server);
  const run = (args, more) => ci.run(args, { env: { CODITECT_TOKEN: key, CODITECT_URL: `${ci.url}/`, ...more } });
  const who = await run(["whoami", "--json"]);
  assert.equal(who.status, 0, who.stderr);
  assert.equal(who.json.email, ada.person.email);
  assert.equal((await run(["files", "ls", "Project A:"])).status, 0);
  for (const [status, says, args, more] of [
    [5, /./, ["sessions", "new", "x"]], // the key reads
    [2, /key and no login/, ["logout"]],
    [3, /does not take the key/, ["whoami"], { CODITECT_TOKEN: key.replace(/.$/, (c) => (c === "A" ? "B" : "A")) }],
    [2, /no API key/, ["whoami"], { CODITECT_TOKEN: "a\r\nX-Evil: 1" }],
    [2, /no API key/, ["whoami"], { CODITECT_TOKEN: "x".repeat(5000) }],
    [2, /set CODITECT_URL/, ["whoami"], { CODITECT_URL: "" }],
    [2, /readable for others/, ["whoami"], { CODITECT_URL: "http://example.com" }],
    [3, /not logged in/, ["whoami"], { CODITECT_TOKEN: "" }],
  ]) {
    const end = await run(args, more);
    assert.equal(end.status, status, `${args}: ${end.stderr}`);
    assert.match(end.stderr, says);
    assert.ok(!end.stderr.includes(key) && !end.stdout.includes(key));
  }
  assert.ok(!existsSync(ci.account));
});
