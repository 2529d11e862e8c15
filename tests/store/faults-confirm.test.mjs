// Rows as those of faults.mjs where registration.confirm is set: accounts and changes of address begin with a letter, the answer is
// 202. A letter may come twice, when the fault met the program that sends it; its link makes one account, one change.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Client, freePort, Server, until } from "../api/harness.mjs";
import { confirmationIn, MailServer, subjectOf } from "../api/smtp.mjs";
import { Rounds } from "./faults-rounds.mjs";

const mail = await MailServer.start();
after(() => mail.stop());
const port = await freePort();
const server = await Server.start({ port, program: "src/coditectd/coditectd-faults", args: ["--rate-factor", "100000", "--public-url", `http://127.0.0.1:${port}`, "--registration-confirm", ...mail.args()] });
const rounds = await Rounds.open(server);
const anonymous = server.anonymous();
const password = "a password of my own";
const known = { register: "You have an account already", address: "This address has an account already" };
let number = 0;
const fresh = () => `n${number++}@example.com`;

const register = (json, options) => anonymous.post("/auth/register", json, options);

/** The letters to an address, when there are some. */
async function lettersTo(email) {
  await until(`a letter to ${email}`, () => mail.to(email).length > 0);
  return mail.to(email);
}

/** What the link in the letter to an address says; page: where it is to lead. */
async function linkTo(email, page) {
  const link = confirmationIn((await lettersTo(email))[0]);
  assert.deepEqual([link.page, link.email], [page, email]);
  return link;
}

async function asked(email) {
  assert.equal((await register({ email })).status, 202);
  return linkTo(email, "register");
}

async function account() {
  const { email, confirmation } = await asked(fresh());
  const reply = await register({ email, password, confirmation });
  assert.equal(reply.status, 201, reply.text());
  return Object.assign(new Client(server, reply.data.token), { email, user: reply.data.user });
}

const ada = await account();
const move = (json, options) => ada.put("/users/me/email", json, options);
const emailOf = async (client) => (await client.get("/users/me")).data.email;
/** The status of a login, which ends at once: of a hundred more the first one of a person ends. */
async function login(email) {
  const { status, data } = await anonymous.post("/auth/login", { email, password });
  if (status === 200) assert.equal((await new Client(server, data.token).post("/auth/logout", {})).status, 200);
  return status;
}

/** That each letter that came says that somebody has the address, and has no link. */
async function isToldKnown(email, words) {
  await until("that there is an account", () => mail.to(email).some((one) => subjectOf(one) === words));
  assert.ok(mail.to(email).filter((one) => subjectOf(one) === words).every((one) => confirmationIn(one) === undefined));
}

const rows = [
  {
    id: "auth_register", name: "auth_register, asked for", costly: true, status: 202,
    before: fresh,
    request: (email, o) => register({ email }, o),
    after: async (email, reply) => {
      assert.deepEqual(reply.data, { done: true });
      assert.equal(await login(email), 401, "there is no account yet");
      const { confirmation } = await linkTo(email, "register");
      const made = await register({ email, password, confirmation });
      assert.equal(made.status, 201, made.text());
      assert.equal(await emailOf(new Client(server, made.data.token)), email);
      for (const letter of mail.to(email)) assert.equal((await register({ email, password, confirmation: confirmationIn(letter).confirmation })).status, 409, "one account");
    },
  },
  {
    id: "auth_register", name: "auth_register, asked for by somebody else", costly: true, status: 202,
    before: account,
    request: ({ email }, o) => register({ email, password: "a stranger's password" }, o),
    after: async (client) => {
      await isToldKnown(client.email, known.register);
      assert.equal(await emailOf(client), client.email);
      assert.equal(await login(client.email), 200, "by its own password");
    },
  },
  {
    id: "auth_register", name: "auth_register, confirmed", costly: true, status: 201,
    before: () => asked(fresh()),
    request: ({ email, confirmation }, o) => register({ email, password, confirmation }, o),
    after: async ({ email, confirmation }, reply) => {
      assert.equal(await emailOf(new Client(server, reply.data.token)), email);
      assert.equal((await register({ email, password, confirmation })).status, 409, "it works once");
    },
  },
  {
    id: "users_me_email", name: "users_me_email, asked for", costly: true, status: 202,
    before: async () => ({ old: await emailOf(ada), email: fresh() }),
    request: ({ email }, o) => move({ email, password }, o),
    after: async ({ old, email }, reply) => {
      assert.deepEqual(reply.data, { done: true });
      const { confirmation } = await linkTo(email, "address");
      assert.deepEqual([await emailOf(ada), await login(old), await login(email)], [old, 200, 401]);
      assert.equal((await move({ email, confirmation })).status, 200);
      assert.deepEqual([await emailOf(ada), await login(old), await login(email)], [email, 401, 200]);
      for (const letter of mail.to(email)) {
        const again = confirmationIn(letter);
        if (again !== undefined) assert.equal((await move({ email, confirmation: again.confirmation })).status, 403, "one change");
      }
    },
  },
  {
    id: "users_me_email", name: "users_me_email, another's", costly: true, status: 202,
    before: async () => ({ other: await account(), old: await emailOf(ada) }),
    request: ({ other }, o) => move({ email: other.email, password }, o),
    after: async ({ other, old }) => {
      await isToldKnown(other.email, known.address);
      assert.deepEqual([await emailOf(ada), await emailOf(other)], [old, other.email]);
    },
  },
  {
    id: "users_me_email", name: "users_me_email, confirmed", costly: true, status: 200,
    before: async () => {
      const email = fresh();
      assert.equal((await move({ email, password })).status, 202);
      return linkTo(email, "address");
    },
    request: ({ email, confirmation }, o) => move({ email, confirmation }, o),
    after: async ({ email, confirmation }) => {
      assert.equal(await emailOf(ada), email);
      assert.equal((await move({ email, confirmation })).status, 403, "it works once");
    },
  },
];

for (const row of rows) {
  test(`each fault at each store call: ${row.name}`, { timeout: 600_000 }, async (t) => {
    const faults = await rounds.everyCall(row);
    assert.ok(faults > 0);
    t.diagnostic(`${faults} faults`);
  });
}

test("the server ends in order, and what it leaves is whole", () => { rounds.close(); return server.stop(); });
