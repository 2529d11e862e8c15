// Accounts and logins.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, serverForFile } from "./harness.mjs";

const server = await serverForFile();
const anonymous = server.anonymous();
const COOKIE = "__Host-coditect-refresh";

const withoutId = (reply) => {
  const { request_id: _, ...error } = reply.json.error;
  return { status: reply.status, error };
};

const KNOWN = "__Host-coditect-known";

/** The only one of this name. */
function cookieOf(reply, name = COOKIE) {
  const lines = (reply.headers["set-cookie"] ?? []).filter((line) => line.startsWith(`${name}=`));
  assert.equal(lines.length, 1, "one Set-Cookie");
  return lines[0];
}

const own = () => ({ Origin: `http://127.0.0.1:${server.port}`, "Sec-Fetch-Site": "same-origin" });

test("register answers tokens and the person, owner of a tenant of their own", async () => {
  const ada = await server.account("ada");
  const eve = await server.account("eve");
  assert.equal(ada.user.role, "owner");
  assert.equal(ada.user.name, "ada");
  assert.equal(ada.user.email, ada.email);
  assert.notEqual(ada.user.tenant_id, eve.user.tenant_id);
  assert.ok(ada.login.expires_in > 0 && ada.login.expires_in <= 900);
  assert.ok(!JSON.stringify(ada.login).includes("argon2"), "no password hash in a reply");
});

test("an address can be registered once, however it is written", async () => {
  const ada = await server.account("twice");
  for (const email of [ada.email, ada.email.toUpperCase(), ` ${ada.email}`]) {
    const reply = await anonymous.post("/auth/register", { email, password: "another password" });
    assert.ok([400, 409].includes(reply.status), `${email}: ${reply.status}`);
  }
  const same = await anonymous.post("/auth/register", { email: ada.email, password: "another password" });
  assert.equal(same.status, 409);
  assert.equal(same.code, "exists");
});

test("every bad field is named", async () => {
  const cases = [
    [{}, ["email"]],
    [{ email: "ada@example.com" }, ["password"]],
    [{ email: "ada", password: "long enough" }, ["email"]],
    [{ email: "a@b@c", password: "long enough" }, ["email"]],
    [{ email: "ada@example.com", password: "short" }, ["password"]],
    [{ email: "ada@example.com", password: "x".repeat(257) }, ["password"]],
    [{ email: "ada.lovelace@example.com", password: "ada.lovelace@EXAMPLE.com" }, ["password"]],
    [{ email: "ada.lovelace@example.com", password: "Ada.Lovelace" }, ["password"]],
    [{ email: `${"a".repeat(60)}@${"b".repeat(250)}.com`, password: "long enough" }, ["email"]],
    [{ email: "ada@example.com", password: "long enough", name: "" }, ["name"]],
    [{ email: "ada@example.com", password: "long enough", name: "a\u0000b" }, ["name"]],
    [{ email: "ada@example.com", password: "long enough", name: "x".repeat(101) }, ["name"]],
    [{ email: 1, password: true, cookie: "yes" }, ["cookie", "email", "password"]],
    [{ email: "ada@example.com", password: "long enough", role: "owner" }, ["role"]],
    [{ email: "ada@example.com", password: "long enough", tenant_id: "ten-x", id: "usr-x" }, ["id", "tenant_id"]],
  ];
  for (const [json, fields] of cases) {
    const reply = await anonymous.post("/auth/register", json);
    assert.equal(reply.status, 400, JSON.stringify(json));
    assert.equal(reply.code, "invalid");
    assert.deepEqual(Object.keys(reply.json.error.fields).sort(), fields, JSON.stringify(json));
  }
});

test("lengths count code points, not bytes", async () => {
  const name = "🙂".repeat(100);
  const reply = await anonymous.post("/auth/register", { email: "smile@example.com", password: "🙂".repeat(8), name });
  assert.equal(reply.status, 201, reply.text());
  assert.equal(reply.data.user.name, name);
  const login = await anonymous.post("/auth/login", { email: "smile@example.com", password: "🙂".repeat(8) });
  assert.equal(login.status, 200);
  const long = await anonymous.post("/auth/register", { email: "smiles@example.com", password: "12345678", name: `${name}.` });
  assert.equal(long.status, 400);
});

test("bodies that are not what they must be", async () => {
  const send = (body, type = "application/json") =>
    anonymous.request("POST", "/auth/login", { body, headers: { "Content-Type": type } });
  for (const body of ["", "{", "[]", "null", '"x"', '{"email":"a@b.c","email":"a@b.c","password":"x"}', "{}{}", "\xff"]) {
    assert.equal((await send(body)).status, 400, body);
  }
  assert.equal((await send("[".repeat(60) + "]".repeat(60))).status, 400);
  assert.equal((await send("email=a", "application/x-www-form-urlencoded")).status, 415);
  assert.equal((await send("{}", "text/plain")).status, 415);
  assert.equal((await send("{}", "application/json; charset=utf-8")).status, 400);
  const unknown = await anonymous.request("POST", "/auth/login?next=x", { json: { email: "a@b.c", password: "x" } });
  assert.deepEqual(Object.keys(unknown.json.error.fields), ["next"]);
});

test("a wrong password and an unknown address are answered alike", async () => {
  const ada = await server.account("alike");
  const wrong = await anonymous.post("/auth/login", { email: ada.email, password: "not the password" });
  const unknown = await anonymous.post("/auth/login", { email: "nobody@example.com", password: "not the password" });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.code, "bad_credentials");
  assert.deepEqual(withoutId(wrong), withoutId(unknown));
});

test("what is not a valid token is 401 and says how to come in", async () => {
  const ada = await server.account("token");
  const [head, body, signature] = ada.token.split(".");
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
  const flipped = (signature[0] === "A" ? "B" : "A") + signature.slice(1);
  for (const token of ["x", `${head}.${body}.`, `${head}.${body}.${flipped}`, `${none}.${body}.`, ada.login.refresh_token, "x".repeat(3000)]) {
    const reply = await new Client(server, token).get("/users/me");
    assert.equal(reply.status, 401, token.slice(0, 40));
    assert.equal(reply.code, "unauthenticated");
    assert.match(reply.headers["www-authenticate"], /^Bearer/);
  }
  assert.equal((await anonymous.get("/users/me")).status, 401);
  const lower = await anonymous.get("/users/me", { headers: { Authorization: `bearer ${ada.token}` } });
  assert.equal(lower.status, 200);
  const twice = await anonymous.get("/users/me", { headers: { Authorization: [`Bearer ${ada.token}`, `Bearer ${ada.token}`] } });
  assert.ok([400, 401].includes(twice.status));
});

test("refresh rotates; the same token at once is concurrent; an old one ends the login", async () => {
  const ada = await server.account("refresh");
  const first = ada.login.refresh_token;
  const refresh = (refresh_token) => anonymous.post("/auth/refresh", { refresh_token });

  const one = await refresh(first);
  assert.equal(one.data.cause, "rotated");
  assert.notEqual(one.data.refresh_token, first);
  const two = await refresh(first);
  assert.equal(two.data.cause, "concurrent");
  assert.equal(two.data.refresh_token, one.data.refresh_token);

  const three = await refresh(one.data.refresh_token);
  assert.equal(three.data.cause, "rotated");
  const client = new Client(server, three.data.token);
  assert.equal((await client.get("/users/me")).status, 200);

  const reused = await refresh(first);
  assert.deepEqual([reused.status, reused.code], [401, "reused"]);
  assert.match(reused.headers["www-authenticate"], /^Bearer/);
  assert.equal((await client.get("/users/me")).status, 401, "the login is ended");
  assert.equal((await refresh(three.data.refresh_token)).code, "unauthenticated");

  const again = await anonymous.post("/auth/login", { email: ada.email, password: ada.password });
  const { data } = await new Client(server, again.data.token).get("/audit?action=login.reused");
  assert.equal(data.length, 1);
  assert.deepEqual([data[0].outcome, data[0].target, data[0].actor_id], ["denied", first.split(".")[0], ada.user.id]);
});

test("fifty tabs that refresh at once log nobody out", async () => {
  const ada = await server.account("tabs");
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => anonymous.post("/auth/refresh", { refresh_token: ada.login.refresh_token })),
  );
  const tokens = new Set(replies.map((reply) => reply.data?.refresh_token));
  assert.deepEqual([...new Set(replies.map((reply) => reply.status))], [200]);
  assert.equal(tokens.size, 1, "all got the same successor");
  assert.equal(replies.filter((reply) => reply.data.cause === "rotated").length, 1);
  assert.equal((await new Client(server, replies[49].data.token).get("/users/me")).status, 200);
});

test("a forged refresh token is 401", async () => {
  const ada = await server.account("forged");
  const [login, counter, mac] = ada.login.refresh_token.split(".");
  const other = (await server.account("forger")).login.refresh_token.split(".");
  const forged = [`${login}.${Number(counter) + 1}.${mac}`, `${login}.${counter}.${other[2]}`, `${login}.${counter}`, "x", `${login}.${counter}.${mac}.`];
  for (const refresh_token of forged) {
    assert.equal((await anonymous.post("/auth/refresh", { refresh_token })).status, 401, refresh_token);
  }
  assert.equal((await anonymous.request("POST", "/auth/refresh")).status, 401);
  assert.equal((await ada.get("/users/me")).status, 200, "the login does not suffer");
});

test("logout ends this login, or all of them", async () => {
  const ada = await server.account("out");
  const login = async () => {
    const reply = await anonymous.post("/auth/login", { email: ada.email, password: ada.password });
    return Object.assign(new Client(server, reply.data.token), { login: reply.data });
  };
  const [second, third, fourth] = [await login(), await login(), await login()];
  const out = await second.post("/auth/logout", {});
  assert.equal(out.status, 200);
  assert.match(cookieOf(out), new RegExp(`^${COOKIE}=; .*Max-Age=0`));
  assert.equal((await second.get("/users/me")).status, 401);
  assert.equal((await anonymous.post("/auth/refresh", { refresh_token: second.login.refresh_token })).status, 401);
  assert.equal((await third.get("/users/me")).status, 200);

  const byToken = await anonymous.post("/auth/logout", { refresh_token: fourth.login.refresh_token });
  assert.equal(byToken.status, 200);
  assert.equal((await fourth.get("/users/me")).status, 401);
  assert.equal((await third.get("/users/me")).status, 200);

  assert.equal((await third.post("/auth/logout", { everywhere: true })).status, 200);
  for (const client of [ada, third]) assert.equal((await client.get("/users/me")).status, 401);
  assert.equal((await anonymous.request("POST", "/auth/logout")).status, 401);

  const fifth = await login();
  const stale = new Client(server, `${fifth.token}x`);
  assert.equal((await stale.post("/auth/logout", {})).status, 401);
  assert.equal((await fifth.get("/users/me")).status, 200);
  const { refresh_token } = fifth.login;
  assert.equal((await stale.post("/auth/logout", { refresh_token })).status, 200, "a stale access token is no obstacle");
  assert.equal((await fifth.get("/users/me")).status, 401);
});

test("devices: list, end one, end the others", async () => {
  const ada = await server.account("devices");
  const eve = await server.account("devices-eve");
  const login = async (agent) => {
    const headers = { "User-Agent": agent };
    const reply = await anonymous.request("POST", "/auth/login", { json: { email: ada.email, password: ada.password }, headers });
    return new Client(server, reply.data.token);
  };
  const phone = await login("Phone");
  const tablet = await login("Tablet");
  const list = async (client) => (await client.get("/auth/devices")).data;

  const all = await list(ada);
  assert.equal(all.length, 3);
  assert.deepEqual(all.map((one) => one.device).filter(Boolean).sort(), ["Phone", "Tablet"]);
  assert.equal(all.filter((one) => one.current).length, 1);
  assert.equal((await list(phone)).find((one) => one.current).device, "Phone");
  assert.equal(all[0].address, "127.0.0.1");

  const phoneId = all.find((one) => one.device === "Phone").id;
  assert.equal((await eve.delete(`/auth/devices/${phoneId}`)).status, 404);
  assert.equal((await phone.get("/users/me")).status, 200);
  assert.equal((await ada.delete(`/auth/devices/${phoneId}`)).status, 200);
  assert.equal((await phone.get("/users/me")).status, 401);
  assert.equal((await ada.delete(`/auth/devices/${phoneId}`)).status, 404);

  const page = await ada.get("/auth/devices?limit=1");
  assert.equal(page.data.length, 1);
  const rest = await ada.get(`/auth/devices?limit=1&cursor=${page.json.page.next}`);
  assert.notEqual(rest.data[0].id, page.data[0].id);
  assert.equal((await ada.get("/auth/devices?cursor=x")).status, 400);

  const ended = await ada.delete("/auth/devices");
  assert.equal(ended.data.ended, 1);
  assert.equal((await tablet.get("/users/me")).status, 401);
  assert.equal((await ada.get("/users/me")).status, 200);
});

test("the person: name, revision, password", async () => {
  const ada = await server.account("me");
  const first = await ada.get("/users/me");
  const etag = first.headers.etag;
  assert.equal(etag, `"${first.data.revision}"`);
  assert.equal((await ada.get("/users/me", { headers: { "If-None-Match": etag } })).status, 304);

  const renamed = await ada.request("PUT", "/users/me", { json: { name: "Ada Lovelace" }, headers: { "If-Match": etag } });
  assert.equal(renamed.data.name, "Ada Lovelace");
  assert.notEqual(renamed.headers.etag, etag);
  for (const stale of [etag, '"999"', "nonsense", `W/${renamed.headers.etag}`]) {
    const reply = await ada.request("PUT", "/users/me", { json: { name: "Eve" }, headers: { "If-Match": stale } });
    assert.equal(reply.status, 412, stale);
  }
  for (const field of ["email", "role", "tenant_id", "id", "revision", "password"]) {
    const reply = await ada.put("/users/me", { name: "x", [field]: "x" });
    assert.deepEqual(Object.keys(reply.json.error.fields), [field]);
  }
  assert.equal((await ada.get("/users/me")).data.name, "Ada Lovelace");

  const other = new Client(server, (await anonymous.post("/auth/login", { email: ada.email, password: ada.password })).data.token);
  const change = (current_password, new_password, end_others) => ada.put("/users/me/password", { current_password, new_password, end_others });
  const refused = await change("wrong password", "a new password", true);
  assert.deepEqual([refused.code, refused.json.error.fields], ["bad_credentials", { current_password: "The password is wrong." }]);
  assert.equal((await change(ada.password, "short", true)).status, 400);
  assert.equal((await change(ada.password, "a new password", true)).status, 200);
  assert.equal((await other.get("/users/me")).status, 401);
  assert.equal((await ada.get("/users/me")).status, 200);
  assert.equal((await anonymous.post("/auth/login", { email: ada.email, password: ada.password })).status, 401);
  assert.equal((await anonymous.post("/auth/login", { email: ada.email, password: "a new password" })).status, 200);
});

test("the cookie: only there, only from the platform's own page, only one", async () => {
  const ada = await server.account("cookie");
  const login = await anonymous.post("/auth/login", { email: ada.email, password: ada.password, cookie: true });
  assert.equal(login.data.refresh_token, undefined);
  const line = cookieOf(login);
  for (const word of ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"]) assert.ok(line.includes(`; ${word}`), word);
  assert.ok(!line.includes("Domain"));
  const cookie = line.split(";")[0];
  assert.ok(cookie.startsWith(`${COOKIE}=`));
  const refresh = (headers) => anonymous.request("POST", "/auth/refresh", { headers: { Cookie: cookie, ...headers } });

  for (const headers of [
    {},
    { Origin: "http://evil.example.com" },
    { Origin: "null" },
    { Origin: `http://127.0.0.1:${server.port + 1}` },
    { Origin: `http://ses-x.ide.coditect.localhost:${server.port}` },
    { Origin: `https://127.0.0.1:${server.port}` },
    { ...own(), "Sec-Fetch-Site": "same-site" },
    { ...own(), "Sec-Fetch-Site": "cross-site" },
  ]) {
    const reply = await refresh(headers);
    assert.equal(reply.status, 403, JSON.stringify(headers));
    const out = await anonymous.request("POST", "/auth/logout", { headers: { Cookie: cookie, ...headers } });
    assert.equal(out.status, 403, JSON.stringify(headers));
  }
  assert.equal((await refresh({ ...own(), Cookie: `${cookie}; ${cookie}` })).status, 401);
  assert.equal((await refresh({ ...own(), Cookie: `${cookie}; ${COOKIE}=other` })).status, 401);
  assert.equal((await anonymous.get("/users/me", { headers: { Cookie: cookie, ...own() } })).status, 401);

  const good = await refresh(own());
  assert.equal(good.status, 200, good.text());
  assert.equal(good.data.refresh_token, undefined);
  const next = cookieOf(good).split(";")[0];
  assert.notEqual(next, cookie);
  assert.equal((await new Client(server, good.data.token).get("/users/me")).status, 200);

  const out = await anonymous.request("POST", "/auth/logout", { headers: { Cookie: next, ...own() } });
  assert.equal(out.status, 200);
  const dead = await anonymous.request("POST", "/auth/refresh", { headers: { Cookie: next, ...own() } });
  assert.equal(dead.status, 401);
  assert.match(cookieOf(dead), /Max-Age=0/);
});

test("a login with cookies leaves a mark of the browser, which a logout leaves there", async () => {
  const email = "known@example.com";
  const password = "the password";
  const made = await anonymous.post("/auth/register", { email, password, cookie: true });
  const login = await anonymous.post("/auth/login", { email, password, cookie: true });
  for (const line of [cookieOf(made, KNOWN), cookieOf(login, KNOWN)]) {
    assert.match(line, new RegExp(`^${KNOWN}=\\d+\\.[\\w-]{22}; Path=/; Max-Age=15552000; HttpOnly; SameSite=Strict; Secure$`));
  }
  const cookie = cookieOf(login).split(";")[0];
  const refreshed = await anonymous.request("POST", "/auth/refresh", { headers: { Cookie: cookie, ...own() } });
  const out = await anonymous.request("POST", "/auth/logout", { headers: { Cookie: cookieOf(refreshed).split(";")[0], ...own() } });
  for (const reply of [refreshed, out]) assert.equal(reply.headers["set-cookie"].length, 1);
  const plain = await anonymous.post("/auth/login", { email, password });
  const wrong = await anonymous.post("/auth/login", { email, password: "another one", cookie: true });
  for (const reply of [plain, wrong]) assert.equal(reply.headers["set-cookie"], undefined);
  // By itself it lets nobody in.
  const mark = cookieOf(login, KNOWN).split(";")[0];
  for (const path of ["/auth/refresh", "/auth/logout"]) {
    assert.equal((await anonymous.request("POST", path, { headers: { Cookie: mark, ...own() } })).status, 401);
  }
});

test("a reused cookie is taken back", async () => {
  const ada = await server.account("cookie-again");
  const first = cookieOf(await anonymous.post("/auth/login", { email: ada.email, password: ada.password, cookie: true })).split(";")[0];
  const refresh = (cookie) => anonymous.request("POST", "/auth/refresh", { headers: { Cookie: cookie, ...own() } });
  const second = cookieOf(await refresh(first)).split(";")[0];
  assert.equal((await refresh(second)).data.cause, "rotated");
  const reused = await refresh(first);
  assert.deepEqual([reused.status, reused.code], [401, "reused"]);
  assert.match(cookieOf(reused), /Max-Age=0/);
});

test("registering again with the same Idempotency-Key gives the same account", async () => {
  const json = { email: "again@example.com", password: "the password" };
  const headers = { "Idempotency-Key": "register-1" };
  const one = await anonymous.request("POST", "/auth/register", { json, headers });
  const two = await anonymous.request("POST", "/auth/register", { json, headers });
  assert.equal(one.status, 201);
  assert.equal(two.status, 201, two.text());
  assert.equal(two.data.user.id, one.data.user.id);
  assert.equal((await anonymous.post("/auth/register", json)).status, 409);
  const other = await anonymous.request("POST", "/auth/register", { json: { ...json, email: "else@example.com" }, headers });
  assert.equal(other.status, 201, "another person's key of the same words");
  const client = new Client(server, two.data.token);
  const logins = async () => (await client.get("/audit?action=login.create")).data.map(({ target, outcome }) => [target, outcome]);
  const [{ id }] = (await client.get("/auth/devices")).data;
  assert.deepEqual(await logins(), [[id, "ok"], [id, "ok"]], "each time that tokens are given is in the log");

  assert.equal((await anonymous.post("/auth/refresh", { refresh_token: two.data.refresh_token })).status, 200);
  const late = await anonymous.post("/auth/register", json, { headers });
  assert.deepEqual([late.status, late.code, late.data], [409, "conflict", undefined], "somebody goes on with that login");
  assert.match(late.json.error.message, /log in\.$/);
  assert.equal((await logins()).length, 2);
});

test("another address: with the password, none that is taken, and nothing ends", async () => {
  const [ada, bob] = [await server.account("ada"), await server.account("bob")];
  const move = (email, password = ada.password) => ada.put("/users/me/email", { email, password });
  assert.equal((await move("x@example.com", "wrong password")).code, "bad_credentials");
  const taken = await move(bob.email.toUpperCase());
  assert.deepEqual([taken.status, Object.keys(taken.json.error.fields)], [409, ["email"]]);
  const next = `next-${ada.email}`;
  assert.equal((await move(next)).data.email, next);
  assert.equal((await ada.get("/users/me")).data.email, next);
  const enter = (email) => server.anonymous().post("/auth/login", { email, password: ada.password });
  assert.equal((await enter(ada.email)).status, 401);
  assert.equal((await enter(next)).status, 200);
  const entry = (await ada.get("/audit?action=user.email")).data.find(({ outcome }) => outcome === "ok");
  assert.equal(entry.target, ada.user.id);
});

test("an account is deleted with the password: nobody comes in any more, and the log has the id alone", async () => {
  const ada = await server.account("ada");
  const join = async (role) => {
    const email = `${role}-${ada.email}`;
    const { token } = (await ada.post("/tenant/invitations", { email, role })).data;
    const { data } = await server.anonymous().post("/auth/register", { email, password: "a long password", invitation: token });
    return Object.assign(new Client(server, data.token), { email, password: "a long password", user: data.user });
  };
  const mel = await join("member");
  const { key } = (await mel.post("/auth/keys", { name: "script", access: "write" })).data;
  const remove = (who, password = who.password) => who.delete("/users/me", { json: { password } });
  assert.equal((await remove(mel, "wrong password")).code, "bad_credentials");
  assert.equal((await mel.delete("/users/me")).status, 400);
  assert.equal((await remove(new Client(server, key), mel.password)).status, 403, "no key deletes an account");
  assert.equal((await remove(ada)).status, 409, "others would be without an owner");
  assert.equal((await remove(mel)).status, 200);
  for (const token of [mel.token, key]) assert.equal((await new Client(server, token).get("/users/me")).status, 401);
  const enter = (who) => server.anonymous().post("/auth/login", { email: who.email, password: who.password });
  assert.equal((await enter(mel)).code, "bad_credentials");
  for (const former of [false, true]) {
    assert.equal((await ada.get(`/tenant/members?former=${former}`)).data.some(({ id }) => id === mel.user.id), false);
  }
  const log = (await ada.get("/audit?limit=100")).text();
  assert.equal((await ada.get("/audit?action=user.delete")).data.find(({ outcome }) => outcome === "ok").target, mel.user.id);
  assert.equal(log.includes(mel.email), false);
  assert.equal((await remove(ada)).status, 200, "the tenant goes along");
  const again = await server.anonymous().post("/auth/register", { email: ada.email, password: "a long password" });
  assert.equal(again.status, 201, "the address is free");
});
