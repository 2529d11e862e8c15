// Addresses that are confirmed by a letter (registration.confirm): nobody learns from an answer which have an account, and an
// account or a change of address begins with whoever reads the mail.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client, freePort, Server, until } from "./harness.mjs";
import { confirmationIn, MailServer, subjectOf } from "./smtp.mjs";

const data = mkdtempSync(join(tmpdir(), "coditect-confirm-data-"));
const PASSWORD = "a password of my own";
let mail, server, port, ada, eve;

const start = async (args = []) => {
  server = await Server.start({ port, data, args: ["--rate-factor", "100000", "--public-url", `http://127.0.0.1:${port}`, ...mail.args(), ...args] });
};
const register = (json, options) => server.anonymous().post("/auth/register", json, options);
const enter = async (email, password) => (await server.anonymous().post("/auth/login", { email, password })).status;
const arrives = async (address, n = 1) => {
  await until(`mail ${n} for ${address}`, () => mail.to(address).length >= n);
  return mail.to(address)[n - 1];
};
const answer = ({ status, data }) => [status, data];
const asked = [202, { done: true }];

before(async () => {
  mail = await MailServer.start();
  port = await freePort();
  await start();
  ada = await server.account("ada");
  eve = await server.account("eve");
  assert.deepEqual((await server.anonymous().get("/auth/registration")).data, { registration: "open", confirm: false });
  await server.stop();
  await start(["--registration-confirm"]);
  for (const one of [ada, eve]) Object.assign(one, { server });
});
after(async () => {
  await server.stop();
  await mail.stop();
  rmSync(data, { recursive: true, force: true });
});

test("a free and a taken address are answered alike, and the one who reads the mail makes the account", async () => {
  assert.deepEqual((await server.anonymous().get("/auth/registration")).data, { registration: "open", confirm: true });
  const bob = "bob@example.com";
  for (const email of [ada.email.toUpperCase(), bob]) assert.deepEqual(answer(await register({ email, password: "a password of a stranger" })), asked);
  const known = await arrives(ada.email);
  assert.equal(subjectOf(known), "You have an account already");
  assert.equal(confirmationIn(known), undefined, known.text);
  const letter = await arrives(bob);
  assert.equal(subjectOf(letter), "Finish your account");
  const { page, confirmation, email } = confirmationIn(letter);
  assert.deepEqual([page, email], ["register", bob]);
  assert.equal(await enter(bob, "a password of a stranger"), 401, "there is no account yet");
  const other = "another@example.com";
  for (const [json, status] of [
    [{ email: other, password: PASSWORD, confirmation }, 403],
    [{ email: bob, password: PASSWORD, confirmation: confirmation.slice(0, -1) + (confirmation.endsWith("_") ? "A" : "_") }, 403],
    [{ email: bob, password: PASSWORD, confirmation: confirmation.replace(/^\d/, "9") }, 403],
    [{ email: bob, password: PASSWORD, confirmation: "x" }, 403],
    [{ email: bob, confirmation }, 400],
    [{ email: bob, password: bob, confirmation }, 400],
  ]) assert.equal((await register(json)).status, status, JSON.stringify(json));
  const made = await register({ email: bob, password: PASSWORD, name: "Bob", confirmation });
  assert.deepEqual([made.status, made.data.user.name, made.data.user.role], [201, "Bob", "owner"]);
  assert.deepEqual([await enter(bob, "a password of a stranger"), await enter(bob, PASSWORD)], [401, 200]);
  assert.equal((await register({ email: bob, password: PASSWORD, confirmation })).status, 409, "it works once");
});

test("a key that is repeated asks for one letter, and makes one account", async () => {
  const kim = "kim@example.com";
  const headers = { "Idempotency-Key": "ask" };
  for (let i = 0; i < 3; i++) assert.deepEqual(answer(await register({ email: kim }, { headers })), asked);
  const { confirmation } = confirmationIn(await arrives(kim));
  const once = { headers: { "Idempotency-Key": "make" } };
  const [first, second] = [await register({ email: kim, password: PASSWORD, confirmation }, once), await register({ email: kim, password: PASSWORD, confirmation }, once)];
  assert.deepEqual([first.status, second.status, second.data.user.id], [201, 201, first.data.user.id]);
  assert.equal(mail.to(kim).length, 1);
});

test("an invitation is confirmed too, and does not tell who has an account", async () => {
  const invite = async (email) => (await ada.post("/tenant/invitations", { email, role: "viewer" })).data.token;
  const mel = "mel+team@example.com";
  const invitation = await invite(mel);
  assert.equal((await register({ email: "x@example.com", invitation })).status, 400);
  assert.equal((await register({ email: mel, invitation: `${invitation.slice(0, -2)}xx` })).status, 403);
  assert.deepEqual(answer(await register({ email: eve.email, invitation: await invite(eve.email) })), asked);
  assert.deepEqual(answer(await register({ email: mel, invitation })), asked);
  assert.equal(subjectOf(await arrives(eve.email)), "You have an account already");
  const link = confirmationIn(await arrives(mel));
  assert.equal(link.email, mel);
  assert.ok(invitation.startsWith(`${link.invitation}.`), "the letter names it and does not have its secret");
  const finish = { email: mel, password: PASSWORD, confirmation: link.confirmation };
  assert.equal((await register(finish)).status, 403, "it is for the team alone");
  assert.equal((await register({ ...finish, invitation: link.invitation, confirmation: "1.x" })).status, 403);
  const made = await register({ ...finish, invitation: link.invitation });
  assert.deepEqual([made.status, made.data.user.role, made.data.user.tenant_id], [201, "viewer", ada.user.tenant_id]);
});

test("another address: the old one stays until the link of the new one is opened, and is told", async () => {
  const move = (json, client = ada) => client.put("/users/me/email", json);
  const old = ada.email;
  const wanted = "ada.new@example.com";
  assert.equal((await move({ email: wanted })).status, 400);
  assert.equal((await move({ email: wanted, password: "a wrong password" })).status, 401);
  for (const email of [eve.email, wanted]) assert.deepEqual(answer(await move({ email, password: ada.password })), asked);
  const letter = await arrives(wanted); // Eve's was asked for before
  assert.equal(subjectOf(mail.to(eve.email).at(-1)), "This address has an account already");
  assert.deepEqual([(await ada.get("/users/me")).data.email, await enter(old, ada.password), await enter(wanted, ada.password)], [old, 200, 401]);
  const { page, email, confirmation } = confirmationIn(letter);
  assert.deepEqual([page, email], ["address", wanted]);
  for (const [json, client] of [[{ email, confirmation }, eve], [{ email: "x@example.com", confirmation }, ada], [{ email, confirmation: "1.x" }, ada]]) assert.equal((await move(json, client)).status, 403);
  assert.equal((await register({ email, password: PASSWORD, confirmation })).status, 403, "it makes no account");
  const moved = await move({ email, confirmation });
  assert.deepEqual([moved.status, moved.data.email], [200, wanted]);
  assert.deepEqual([await enter(old, ada.password), await enter(wanted, ada.password)], [401, 200]);
  const known = mail.to(old).length + 1;
  await until("the old one is told", () => mail.to(old).some((one) => subjectOf(one) === "Your address was changed"));
  assert.ok(mail.to(old).length <= known);
  assert.equal((await move({ email, confirmation })).status, 403, "it works once");
  const actions = (await ada.get("/audit?limit=100")).data.filter(({ action, outcome }) => action.startsWith("user.email") && outcome === "ok").map(({ action }) => action);
  assert.deepEqual(actions, ["user.email", "user.email_ask", "user.email_ask"]);
  assert.equal((await move({ email: wanted, password: ada.password })).status, 200, "one's own");
  // Whoever changed the password took the account back: a link from before holds no more.
  await move({ email: "ada.third@example.com", password: ada.password });
  const late = confirmationIn(await arrives("ada.third@example.com"));
  assert.equal((await ada.put("/users/me/password", { current_password: ada.password, new_password: PASSWORD })).status, 200);
  assert.equal((await move({ email: late.email, confirmation: late.confirmation })).status, 403);
});

test("without registration.confirm the old address is told, too", async () => {
  await server.stop();
  await start();
  const now = new Client(server, (await server.anonymous().post("/auth/login", { email: eve.email, password: eve.password })).data.token);
  assert.equal((await now.put("/users/me/email", { email: ada.email, password: eve.password })).status, 200, "nobody has it any more");
  await until("it is told", () => mail.to(eve.email).some((one) => subjectOf(one) === "Your address was changed"));
});
