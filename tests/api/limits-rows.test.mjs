// Every row's own limit, at its real value: which class a route counts in, that each class ends, and that the limits of auth do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, Client, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile({ args: [] });
const ada = await server.account("ada");
const session = await newSession(ada);

const prefixes = { session_id: "ses", device_id: "log", user_id: "usr", invitation_id: "inv", key_id: "key", project_id: "prj", workspace_id: "wsp", link_id: "lnk", conversation_id: "cnv" };
const nobody = Object.fromEntries(Object.entries(prefixes).map(([name, prefix]) => [name, `${prefix}-${"0".repeat(26)}`]));
Object.assign(nobody, { category: "nothing", key: "nothing", terminal: "nothing" });

/** An address of this route at which nothing is: what is asked here is only what the answer says of the limit. */
function addressOf({ segments }) {
  const parts = segments.map(({ kind, text }) => {
    if (kind === "literal") return text;
    if (kind === "rest") return `nothing${text.startsWith(":") ? text : ""}`;
    assert.ok(nobody[text], `this test must know an id for {${text}}`);
    return nobody[text];
  });
  return `/${parts.join("/")}`;
}

test("each route counts in the class of its row, whatever it answers", async () => {
  const counted = bundle.operations.filter(({ rate, public: open, by_link }) => rate.requests > 0 && !open && !by_link);
  assert.ok(counted.length >= 20, `${counted.length} routes are counted`);
  const taken = {};
  const begin = performance.now();
  for (const operation of counted) {
    const { rate } = operation;
    const options = operation.body === "none" || operation.body === "bytes" ? {} : { json: {} };
    const reply = await ada.request(operation.method, addressOf(operation), options);
    assert.equal(reply.headers["ratelimit-limit"], String(rate.requests), `${operation.id} → ${reply.status}`);
    taken[rate.name] = (taken[rate.name] ?? 0) + 1;
    const refilled = ((performance.now() - begin) / 1000) * (rate.requests / rate.seconds);
    const most = rate.requests - taken[rate.name] + refilled + 1;
    assert.ok(Number(reply.headers["ratelimit-remaining"]) <= most, `${operation.id} took nothing from ${rate.name}`);
  }
  assert.deepEqual(Object.keys(taken).sort(), ["files", "sockets", "user"]);
});

/** Calls, so many at once, until one is refused; how many were answered before. */
async function until429(most, act, atOnce = 20) {
  for (let n = 0; n < most; ) {
    const replies = await Promise.all(Array.from({ length: Math.min(atOnce, most - n) }, act));
    const refused = replies.find(({ status }) => status === 429);
    n += replies.filter(({ status }) => status !== 429).length;
    if (refused !== undefined) {
      assert.equal(refused.code, "rate_limited");
      assert.ok(Number(refused.headers["retry-after"]) >= 1);
      return n;
    }
  }
  assert.fail(`${most} requests, and none was refused`);
}

test("the class of files ends, and the person's other requests go on", async () => {
  const answered = await until429(4000, () => ada.get(`/sessions/${session.id}/files`));
  assert.ok(answered >= 1100, `${answered} answered`);
  // The bucket fills meanwhile: some pass. All routes of the class share it, so not a thousand.
  await until429(1000, () => ada.write(`/sessions/${session.id}/files/a`, "a"));
  assert.equal((await ada.get("/users/me")).status, 200);
});

test("the class of sockets ends, and the person's other requests go on", async () => {
  const answered = await until429(400, () => ada.post("/auth/tickets", { session_id: session.id }));
  assert.ok(answered >= 55 && answered < 200, `${answered} answered`);
  assert.equal((await ada.get("/users/me")).status, 200);
});

test("reads by links end for their address", async () => {
  const session = await newSession(ada);
  const { token } = (await ada.post(`/sessions/${session.id}/links`, { name: "one" })).data;
  const guest = new Client(server, token);
  const answered = await until429(2000, () => guest.get("/shared"));
  assert.ok(answered >= 550, `${answered} answered`);
  const { token: other } = (await ada.post(`/sessions/${session.id}/links`, { name: "two" })).data;
  await until429(500, () => new Client(server, other).get("/shared/files"));
});

test("guesses of one account's password end", async () => {
  const guess = () => server.anonymous().post("/auth/login", { email: ada.email, password: "a wrong password" });
  assert.ok((await until429(40, guess)) <= 25);
});

test("logins from one address end, whoever they are for", async () => {
  let number = 0;
  const login = () => server.anonymous().post("/auth/login", { email: `nobody-${number++}@example.com`, password: "a wrong password" });
  assert.ok((await until429(200, login, 60)) <= 120); // a slow machine's next sixty find less than sixty more
});

test("rotations of one login end", async () => {
  let token = ada.login.refresh_token;
  let answered = 0;
  for (let last = 200; last === 200 && answered < 400; answered++) {
    const reply = await server.anonymous().post("/auth/refresh", { refresh_token: token });
    last = reply.status;
    if (last === 200) token = reply.data.refresh_token;
    else assert.equal(last, 429, reply.text());
  }
  assert.ok(answered >= 100 && answered < 400, `${answered} rotations`);
});
