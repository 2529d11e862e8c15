// Request limits at their real values, and readiness.
import assert from "node:assert/strict";
import { test } from "node:test";
import { call, Client, guessTokens, movableClock, newSession, Server, serverForFile } from "./harness.mjs";

const server = await serverForFile({ args: [] });
const grace = await server.account("grace");

test("100 requests a minute and person; headers say what is left", async () => {
  const ada = await server.account("ada");
  const eve = await server.account("eve");
  const begin = performance.now();
  const first = await ada.get("/users/me");
  assert.equal(first.headers["ratelimit-limit"], "100");
  assert.equal(first.headers["ratelimit-remaining"], "99");
  const rest = await Promise.all(Array.from({ length: 119 }, () => ada.get("/users/me")));
  const refused = rest.filter((reply) => reply.status === 429);
  // The bucket fills while the requests run: a few more than 99 may pass.
  const filled = Math.ceil(((performance.now() - begin) / 60_000) * 100);
  assert.ok(refused.length > 0 && refused.length >= 20 - filled && refused.length <= 20, `${refused.length} refused, ${filled} more were due`);
  for (const reply of refused) {
    assert.equal(reply.code, "rate_limited");
    assert.ok(Number(reply.headers["retry-after"]) >= 1);
    assert.equal(reply.headers["ratelimit-remaining"], "0");
  }
  assert.equal((await eve.get("/users/me")).status, 200, "others are not held back");
});

test("files have a limit of their own", async () => {
  const session = await newSession(grace);
  const reply = await grace.get(`/sessions/${session.id}/files`);
  assert.equal(reply.headers["ratelimit-limit"], "1200");
});

test("what a role may not do takes nothing from its requests, and what is no good request does", async () => {
  const email = "viewer@example.com";
  const { token } = (await grace.post("/tenant/invitations", { email, role: "viewer" })).data;
  const viewer = new Client(server, (await server.anonymous().post("/auth/register", { email, password: `password of ${email}`, invitation: token })).data.token);
  const statuses = async (count) => (await Promise.all(Array.from({ length: count }, () => viewer.post("/sessions", { nome: 1 })))).map(({ status }) => status);
  assert.deepEqual(new Set(await statuses(150)), new Set([403]), "their right is looked at first");
  assert.equal((await viewer.get("/users/me")).headers["ratelimit-remaining"], "99");

  const seen = new Set();
  for (let i = 0; i < 2000 && !seen.has(429); i += 20) {
    const replies = await Promise.all(Array.from({ length: 20 }, () => viewer.put("/users/me", { nome: 1 })));
    for (const { status } of replies) seen.add(status);
  }
  assert.deepEqual(seen, new Set([400, 429]), "their number before what is in them");
});

test("requests without a login are counted by address", async () => {
  const statuses = [];
  const refused = () => statuses.filter((status) => status === 429).length;
  for (let i = 0; i < 4000 && refused() < 10; i += 20) {
    const replies = await Promise.all(Array.from({ length: 20 }, () => server.anonymous().get("/users/me")));
    statuses.push(...replies.map((reply) => reply.status));
  }
  assert.equal(statuses[0], 401);
  assert.ok(refused() >= 10);
});

test("a neighbour's guesses keep nobody whose token ran out from hearing it, and refreshing", async (t) => {
  const clock = movableClock(t);
  const own = await Server.start({ t, args: [], env: clock.env });
  const ada = await own.account("ada");
  const forged = new Client(own, `${ada.token.slice(0, -4)}AAAA`);
  clock.jump(16 * 60);
  const statuses = async (client) => (await Promise.all(Array.from({ length: 20 }, () => client.get("/users/me")))).map(({ status }) => status);
  await guessTokens(own);
  assert.deepEqual(new Set(await statuses(ada)), new Set([401]));
  assert.ok((await statuses(forged)).includes(429), "nobody's token is counted");
  const told = await ada.get("/users/me");
  assert.deepEqual([told.code, told.headers["ratelimit-limit"]], ["expired", undefined]);
  assert.equal((await ada.post("/auth/logout", {})).status, 401, "it says whose login it is no more");
  const refreshed = await own.anonymous().post("/auth/refresh", { refresh_token: ada.login.refresh_token });
  assert.equal(refreshed.status, 200);
  assert.equal((await new Client(own, refreshed.data.token).get("/users/me")).status, 200);
  assert.equal((await ada.post("/auth/logout", { refresh_token: refreshed.data.refresh_token })).status, 200, "beside a token that ran out");
});

test("registrations from one address are limited, with Retry-After", async () => {
  let refused;
  for (let i = 0; i < 10 && refused === undefined; i++) {
    const reply = await server.anonymous().post("/auth/register", { email: `many-${i}@example.com`, password: "the password" });
    assert.equal(reply.headers["ratelimit-limit"], "5");
    if (reply.status === 429) refused = reply;
  }
  assert.ok(refused, "ten registrations at once are too many");
  assert.ok(Number(refused.headers["retry-after"]) >= 1);
  assert.equal(refused.headers["ratelimit-remaining"], "0");
  assert.ok(Number(refused.headers["ratelimit-reset"]) >= Number(refused.headers["retry-after"]));
  const waits = []; // the first as short as the machine is slow, and then it may be over
  for (let i = 0; i < 9; i++) {
    const { status, headers } = await server.anonymous().post("/auth/register", { email: "again@example.com", password: "the password" });
    if (status !== 429) continue;
    waits.push(Number(headers["retry-after"]));
    assert.ok(Number(headers["ratelimit-reset"]) >= waits.at(-1));
  }
  assert.ok(waits[1] >= 1.8 * waits[0] - 2 && waits.at(-1) > 40 && Math.max(...waits) <= 60, `who asks on and on waits longer, a minute at most: ${waits}`);
});

test("who logs in or refreshes is told what is left, whatever the answer, and no more of accounts that are there", async () => {
  const eve = server.anonymous();
  const wrong = (email) => eve.post("/auth/login", { email, password: "not the password" });
  const told = ({ status, headers }) => [status, headers["ratelimit-limit"]];
  const [first, second] = [await wrong(grace.email), await wrong("nobody@example.com")];
  assert.deepEqual([told(first), told(second)], [[401, "60"], [401, "60"]]);
  const left = Number(first.headers["ratelimit-remaining"]);
  assert.ok(left < 60 && Number(second.headers["ratelimit-remaining"]) <= left);
  let refused;
  for (let i = 0; i < 20 && refused === undefined; i++) {
    const reply = await wrong("nobody@example.com");
    if (reply.status === 429) refused = reply;
  }
  assert.deepEqual([told(refused), refused.headers["ratelimit-remaining"]], [[429, "10"], "0"]);

  const login = await eve.post("/auth/login", { email: grace.email, password: grace.password });
  assert.deepEqual(told(login), [200, "60"]);
  const refreshed = await eve.post("/auth/refresh", { refresh_token: login.data.refresh_token });
  assert.deepEqual([told(refreshed), refreshed.headers["ratelimit-remaining"]], [[200, "120"], "119"]);
});

test("a neighbour who uses up a network's logins keeps out nobody whose browser is known", async (t) => {
  const own = await Server.start({ t, args: [] });
  const anyone = own.anonymous();
  const ada = { email: "ada@example.com", password: "the password of hers" };
  const made = await anyone.post("/auth/register", { ...ada, cookie: true });
  const mark = made.headers["set-cookie"].find((line) => line.includes("coditect-known=")).split(";")[0];
  const here = { Origin: `http://127.0.0.1:${own.port}` };
  const login = (headers, json = ada) => anyone.request("POST", "/auth/login", { json, headers });
  const told = ({ status, headers }) => [status, headers["ratelimit-limit"]];

  // Wrong passwords of hers, then logins of anybody: what is between here and there is theirs alike.
  const stranger = async (json) => {
    for (let i = 0; i < 90; i++) if ((await login({}, json(i))).status === 429) return;
    assert.fail("nothing was used up");
  };
  await stranger(() => ({ ...ada, password: "a guess" }));
  await stranger((i) => ({ email: `nobody${i}@example.com`, password: "a guess" }));
  for (const headers of [{}, here, { Cookie: mark }, { ...here, Cookie: `${mark}; ${mark}` }, { Cookie: mark, Origin: "http://evil.example.com" }]) {
    assert.equal((await login(headers)).status, 429, JSON.stringify(headers));
  }
  assert.equal((await login({ ...here, Cookie: mark }, { email: "eve@example.com", password: "x" })).status, 429, "of another address");
  assert.deepEqual(told(await login({ ...here, Cookie: mark })), [200, "10"]);
  assert.deepEqual(told(await login({ ...here, Cookie: mark }, { ...ada, password: "mistyped" })), [401, "10"]);
});

test("health and ready are not limited, and the same at the root", async () => {
  for (let i = 0; i < 150; i++) assert.equal((await call(server.port, "GET", "/health")).status, 200);
  const paths = ["/health", "/api/v5/health", "/ready", "/api/v5/ready"];
  const replies = await Promise.all(paths.map((path) => call(server.port, "GET", path)));
  assert.deepEqual(replies.map((reply) => reply.status), [200, 200, 200, 200]);
  assert.equal(replies[2].data.status, "ready");
  assert.equal((await call(server.port, "HEAD", "/health")).status, 200);
});
