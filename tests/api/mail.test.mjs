// Mail: a link for who forgot the password, from the request to the mail server and back, through whatever happens between.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client, freePort, program, Server, until } from "./harness.mjs";
import { linkIn, MailServer, subjectOf } from "./smtp.mjs";
import { spawnSync } from "node:child_process";

let mail;
let server;
let port;
let metricsPort;
const data = mkdtempSync(join(tmpdir(), "coditect-mail-data-"));
const passwordFile = join(data, "..", `${data.split("/").at(-1)}.password`);
const metric = async (name) => {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return Number(text.split("\n").find((line) => line.startsWith(`${name} `))?.split(" ").at(-1));
};
const start = async (args = []) => {
  server = await Server.start({ port, data, args: ["--rate-factor", "100000", "--public-url", `http://127.0.0.1:${port}`, "--metrics-listen", `127.0.0.1:${metricsPort}`, ...mail.args(), ...args] });
};
const ask = (email, options) => server.anonymous().post("/auth/reset/ask", { email }, options);
const use = (token, new_password) => server.anonymous().post("/auth/reset", { token, new_password });
const enter = (email, password) => server.anonymous().post("/auth/login", { email, password });
const arrives = async (address, n = 1) => {
  await until(`mail ${n} for ${address}`, () => mail.to(address).length >= n);
  return mail.to(address)[n - 1];
};

before(async () => {
  mail = await MailServer.start();
  port = await freePort();
  metricsPort = await freePort();
  writeFileSync(passwordFile, "mail password\n", { mode: 0o600 });
  await start(["--smtp-user", "coditect", "--smtp-password-file", passwordFile]);
});
after(async () => {
  await server.stop();
  await mail.stop();
  rmSync(data, { recursive: true, force: true });
  rmSync(passwordFile);
});

test("a link comes by mail, works once, and only to an address that has an account", async () => {
  const ada = await server.account("ada");
  for (const email of ["nobody@example.com", ada.email.toUpperCase()]) {
    const reply = await ask(email);
    assert.deepEqual([reply.status, reply.data], [200, { done: true }]);
  }
  const message = await arrives(ada.email);
  assert.equal(mail.to("nobody@example.com").length, 0, "it was asked for first");
  assert.deepEqual([message.from, message.to, message.login, message.secure], ["coditect@example.com", [ada.email], ["coditect", "mail password"], true]);
  assert.deepEqual(message.names, ["Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted"]);
  assert.equal(message.headers.from, "Coditect <coditect@example.com>");
  assert.equal(message.headers.to, ada.email);
  assert.equal(subjectOf(message), "Set another password");
  assert.ok(Math.abs(Date.parse(message.headers.date) - Date.now()) < 600_000);
  const token = linkIn(message, "reset");
  assert.ok(message.text.includes(`http://127.0.0.1:${port}/reset#token=${token}`), message.text);
  assert.equal((await use(token, "yet another password")).status, 200);
  assert.equal((await use(token, "yet another password")).status, 403);
  assert.equal((await ada.get("/users/me")).status, 401);
  const login = await enter(ada.email, "yet another password");
  assert.equal(login.status, 200);
  const made = (await new Client(server, login.data.token).get("/audit")).data.filter(({ action }) => action === "reset.create");
  assert.deepEqual(made.map(({ actor_id, target }) => [actor_id, target]), [[undefined, ada.user.id]]);
  await until("nothing waits", async () => (await metric("coditect_mail_waiting")) === 0);
  await until("it is counted", async () => (await metric('coditect_mail_total{result="sent"}')) === 1);
});

test("a link to the address before is worth nothing once there is another", async () => {
  const ada = await server.account("moves");
  await ask(ada.email);
  const token = linkIn(await arrives(ada.email), "reset");
  const next = `next-${ada.email}`;
  assert.equal((await ada.put("/users/me/email", { email: next, password: ada.password })).status, 200);
  assert.deepEqual([(await use(token, "the password of somebody")).status, (await enter(next, ada.password)).status], [403, 200]);
  await ask(next);
  assert.equal((await use(linkIn(await arrives(next), "reset"), "yet another password")).status, 200, "the address of now has its own");
});

test("what is no address is refused; a later link takes the place of an earlier one", async () => {
  const bob = await server.account("bob");
  assert.deepEqual(Object.keys((await ask("bob@")).json.error.fields), ["email"]);
  assert.equal((await ask("a@example.com\r\nBcc: b@example.com")).status, 400);
  await ask(bob.email);
  const first = linkIn(await arrives(bob.email), "reset");
  await ask(bob.email);
  const second = linkIn(await arrives(bob.email, 2), "reset");
  assert.equal((await use(first, "yet another password")).status, 403);
  assert.equal((await use(second, "yet another password")).status, 200);
});

test("a mail server that is away, refuses for now or for good; a kill between the answer and the sending", async (t) => {
  const eve = await server.account("eve");
  const dan = await server.account("dan");
  const count = async (result) => metric(`coditect_mail_total{result="${result}"}`);
  mail.refusals.set("RCPT", ["451 come back later"]);
  await ask(eve.email);
  await arrives(eve.email);
  await until("it was deferred", async () => (await count("deferred")) === 1);
  // Refused for good, but not the message: it waits until that is mended.
  mail.refusals.set("MAIL", ["553 not from you"]);
  await ask(eve.email);
  await arrives(eve.email, 2);
  await until("it was deferred, too", async () => (await count("deferred")) === 2);
  mail.refusals.set("greeting", ["554 no service here"]);
  await ask(eve.email);
  await arrives(eve.email, 3);
  await until("and so was this one", async () => (await count("deferred")) === 3);
  mail.refusals.set("RCPT", ["550 nobody here"]);
  await ask(dan.email);
  await until("it was given up", async () => (await count("failed")) === 1);
  await until("nothing waits", async () => (await metric("coditect_mail_waiting")) === 0);
  assert.equal(mail.to(dan.email).length, 0);
  await mail.go();
  t.after(() => mail.listener.listening || mail.come()); // also when this fails: others write, too
  await ask(dan.email);
  await until("it was tried in vain", async () => (await count("deferred")) >= 4);
  await server.kill9();
  await start();
  await until("it is known to wait", async () => (await metric("coditect_mail_waiting")) === 1);
  await mail.come();
  const message = await arrives(dan.email);
  assert.equal(message.login, undefined, "this server has no login there");
  assert.equal((await use(linkIn(message, "reset"), "yet another password")).status, 200);
  await until("nothing waits", async () => (await metric("coditect_mail_waiting")) === 0);
  assert.deepEqual([mail.to(dan.email).length, mail.to(eve.email).length], [1, 3], "each came once");
});

test("what waits belongs to nobody: the operator is shown people's tenants alone", async () => {
  const lines = await new Promise((resolve, reject) => {
    const sent = request({ socketPath: join(data, "store/admin.sock"), method: "GET", path: "/tenants", agent: false }, (reply) => {
      let text = "";
      reply.setEncoding("utf8").on("data", (piece) => (text += piece)).on("end", () => resolve(text.trim().split("\n").map((line) => JSON.parse(line))));
    });
    sent.on("error", reject).end();
  });
  const end = lines.pop();
  assert.ok(lines.length > 0 && end.tenants === lines.length, JSON.stringify(end));
  assert.deepEqual(lines.filter(({ id, members }) => /^ten-0+$/.test(id) || members.used === 0), []);
});

test("nothing is said without TLS, or to a server that cannot be trusted", async () => {
  const kim = await server.account("kim");
  mail.offersTls = false;
  mail.said.length = 0;
  const before = server.log.length;
  await ask(kim.email);
  await until("it was tried", () => mail.said.includes("C EHLO") && server.log.slice(before).includes("was not taken"));
  assert.equal(mail.said.some((line) => /MAIL|AUTH|DATA/.test(line)), false, mail.said.join("\n"));
  mail.offersTls = true;
  assert.equal((await arrives(kim.email)).secure, true);
  await server.stop();
  mail.said.length = 0;
  await start(["--smtp-ca-file", "/etc/ssl/certs/ca-certificates.crt"]);
  await ask(kim.email);
  await until("it was tried", () => server.log.includes("was not taken"));
  assert.equal(mail.said.some((line) => /MAIL|AUTH|DATA/.test(line)), false, mail.said.join("\n"));
  await server.stop();
  mail.offersTls = false;
  await start(["--smtp-starttls", "never"]);
  assert.equal((await arrives(kim.email, 2)).secure, false);
  mail.offersTls = true;
});

test("a stop does not wait for a mail server that hangs, and the message goes at the next start", async () => {
  const zoe = await server.account("zoe");
  mail.hangs.add("DATA");
  mail.said.length = 0;
  await ask(zoe.email);
  await until("it hangs", () => mail.said.includes("C DATA"));
  const { code } = await server.end("SIGTERM");
  assert.equal(code, 0);
  assert.match(server.log, /was not taken: the server stops/, "and no time that ran out");
  mail.hangs.clear();
  await start();
  assert.equal((await use(linkIn(await arrives(zoe.email), "reset"), "yet another password")).status, 200);
  assert.equal(mail.to(zoe.email).length, 1);
});

test("an address is written to three times, then no more; the answer stays, and strangers are limited by address", async () => {
  const pat = await server.account("pat");
  await server.stop();
  await start(["--rate-factor", "1"]);
  const replies = [];
  for (let i = 0; i < 6; i++) replies.push((await ask(pat.email)).status);
  assert.deepEqual(replies, [200, 200, 200, 200, 200, 429]);
  await arrives(pat.email, 3);
  await until("nothing waits", async () => (await metric("coditect_mail_waiting")) === 0);
  assert.equal(mail.to(pat.email).length, 3);
  assert.equal((await use(linkIn(mail.to(pat.email)[2], "reset"), "yet another password")).status, 200);
});

test("without a mail server the person is told; settings that do not fit are told at the start", async () => {
  await server.stop();
  server = await Server.start({ port, data });
  const refused = await ask("ada@example.com");
  assert.deepEqual([refused.status, refused.json.error.message], [403, "This installation sends no mail. Ask your administrator for a link."]);
  const url = ["--public-url", "http://127.0.0.1:1"];
  for (const [args, what] of [
    [["--smtp-url", "smtp://h", "--smtp-from", "a@b"], /smtp\.url wants a public_url/],
    [["--registration-confirm"], /registration\.confirm .*wants smtp\.url/],
    [["--registration-confirm", "--check-config"], /registration\.confirm .*wants smtp\.url/],
    [[...url, "--smtp-url", "smtp://h"], /wants a smtp\.from/],
    [[...url, "--smtp-url", "smtp://h", "--smtp-from", "no address"], /wants a smtp\.from/],
    [[...url, "--smtp-url", "http://h", "--smtp-from", "a@b"], /smtp\.url is malformed/],
    [[...url, "--smtp-url", "smtp://me:secret@h", "--smtp-from", "a@b"], /smtp\.url is malformed/],
    [[...url, "--smtp-url", "smtp://h", "--smtp-from", "a@b", "--smtp-user", "me"], /given together/],
    [[...url, "--smtp-url", "smtp://h", "--smtp-from", "a@b", "--smtp-user", "me", "--smtp-password-file", "/nowhere"], /\/nowhere: No such file/],
    [[...url, "--smtp-url", "smtp://h", "--smtp-from", "a@b", "--smtp-user", "me", "--smtp-password-file", "/dev/null"], /is no password/],
  ]) {
    const { status, stderr } = spawnSync(program, ["--data", join(data, "not"), "--listen", "127.0.0.1:0", ...args], { encoding: "utf8" });
    assert.equal(status, 1, stderr);
    assert.match(stderr, what);
  }
});
