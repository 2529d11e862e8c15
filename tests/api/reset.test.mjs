// Another password for who forgot theirs: by a link of an owner or admin, and from the console of a stopped server.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client, program, Server, totpCode } from "./harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "coditect-reset-"));
const console_ = (args, input) => spawnSync(program, ["--data", folder, ...args], { encoding: "utf8", input });
const owner = { email: "owner@example.com", password: "correct horse battery" };

let server;
after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});
const start = async (args = []) => {
  await server?.stop();
  server = await Server.start({ data: folder, args: ["--rate-factor", "100000", ...args] });
};
const enter = (who, more = {}) => server.anonymous().post("/auth/login", { email: who.email, password: who.password, ...more });
const loggedIn = async (who) => Object.assign(new Client(server, (await enter(who)).data.token), who);

test("the first owner of a closed installation is made on the console", async () => {
  for (const [args, input, what] of [
    [["--create-owner", owner.email], "", /no password was given/],
    [["--create-owner", owner.email], "\n", /the password is empty/],
    [["--create-owner", owner.email], "short\n", /shorter than 8/],
    [["--create-owner", "owner"], owner.password, /not an e-mail address/],
    [["--create-owner"], owner.password, /./],
  ]) {
    const refused = console_(args, input);
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, what);
  }
  const made = console_(["--create-owner", " Owner@Example.com"], `${owner.password}\n`);
  assert.equal(made.status, 0, made.stderr);
  assert.match(console_(["--create-owner", owner.email], owner.password).stderr, /is an account with this e-mail address already/);
  await start(["--login-registration", "closed"]);
  assert.equal((await server.anonymous().post("/auth/register", { email: "else@example.com", password: "a long password" })).status, 403);
  const client = await loggedIn(owner);
  assert.equal((await client.get("/users/me")).data.role, "owner");
  assert.equal((await client.get("/auth/devices")).data.length, 1, "the console is no device");
  const useless = await client.post("/tenant/invitations", { email: "else@example.com", role: "member" });
  assert.deepEqual([useless.status, useless.json.error.message], [403, "Registration is closed here."], "nobody could accept it");
  assert.deepEqual((await client.get("/tenant/invitations")).data, []);
  assert.match(console_(["--reset-password", owner.email], "battery staple horse").stderr, /stop the server first/);
  await server.stop();
});

test("who is locked out gets in again by the console", async () => {
  await start();
  const client = await loggedIn(owner);
  const { secret } = (await client.post("/users/me/totp", { password: owner.password })).data;
  assert.equal((await client.post("/users/me/totp/confirm", { code: totpCode(secret) })).status, 200);
  assert.equal((await enter(owner)).code, "code_needed");
  await server.stop();
  assert.match(console_(["--reset-password", "nobody@example.com"], "battery staple horse").stderr, /no such account/);
  assert.match(console_(["--reset-password", owner.email], "short").stderr, /shorter than 8/);
  const set = console_(["--reset-password", owner.email], "battery staple horse");
  assert.equal(set.status, 0, set.stderr);
  assert.equal(`${set.stdout}${set.stderr}`.includes("battery staple horse"), false);
  await start();
  assert.equal((await new Client(server, client.token).get("/users/me")).status, 401, "all logins are ended");
  assert.equal((await enter(owner)).code, "bad_credentials");
  owner.password = "battery staple horse";
  assert.equal((await enter(owner)).code, "code_needed", "the second step stays");
  await server.stop();
  assert.equal(console_(["--remove-totp", owner.email]).status, 0);
  assert.match(console_(["--remove-totp", owner.email]).stderr, /asks for no code/);
  await start();
  const again = await loggedIn(owner);
  const done = (await again.get("/audit")).data.filter(({ address }) => address === "console");
  assert.ok(done.every(({ actor_id }) => actor_id === undefined), "the operator is no account");
  assert.deepEqual([...new Set(done.map(({ action }) => action))].sort(), ["login.create", "login.end", "totp.remove", "user.register", "user.reset"]);
});

test("an owner or admin makes a link for who forgot the password", async () => {
  const ada = await loggedIn(owner);
  const join_ = async (role) => {
    const email = `${role}@example.com`;
    const { token } = (await ada.post("/tenant/invitations", { email, role })).data;
    const { data } = await server.anonymous().post("/auth/register", { email, password: "a long password", invitation: token });
    return Object.assign(new Client(server, data.token), { email, password: "a long password", user: data.user });
  };
  const [admin, mel] = [await join_("admin"), await join_("member")];
  const link = (by, { id }) => by.post(`/tenant/members/${id}/reset`);
  const me = (await ada.get("/users/me")).data;
  assert.equal((await link(mel, admin.user)).status, 403);
  assert.equal((await link(admin, me)).status, 403);
  assert.equal((await link(admin, admin.user)).status, 409);
  const made = await link(admin, mel.user);
  assert.equal(made.status, 201);
  assert.match(made.data.url, new RegExp(`/reset#token=${made.data.token}$`));
  const use = (token, new_password) => server.anonymous().post("/auth/reset", { token, new_password });
  const refused = await use(made.data.token.slice(0, -2), "yet another password");
  assert.deepEqual([refused.status, (await use("x", "yet another password")).json.error.message], [403, refused.json.error.message]);
  assert.deepEqual(Object.keys((await use(made.data.token, mel.email)).json.error.fields), ["new_password"]);
  assert.equal((await use(made.data.token, "yet another password")).status, 200);
  assert.equal((await use(made.data.token, "yet another password")).status, 403);
  assert.equal((await mel.get("/users/me")).status, 401);
  assert.equal((await enter({ email: mel.email, password: "yet another password" })).status, 200);
  const actions = (await ada.get("/audit")).data;
  assert.deepEqual(actions.find(({ action }) => action === "reset.create").actor_id, admin.user.id);
  assert.deepEqual(actions.find(({ action, address }) => action === "user.reset" && address !== "console").target, mel.user.id);
  assert.equal(JSON.stringify(actions).includes(made.data.token.split(".")[2]), false);
});
