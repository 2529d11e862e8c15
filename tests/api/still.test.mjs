// A call that takes its time ends with the right that it began with: bodies that come and go while their person is removed, logs out,
// becomes a viewer, or ends the key.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Client, movableClock, newSession, Server, serverForFile, until } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");

async function invited(role, more = {}) {
  const email = `still-${Server.number++}@example.com`;
  const { data } = await ada.post("/tenant/invitations", { email, role, ...more });
  const reply = await server.anonymous().post("/auth/register", { email, password: `password of ${email}`, invitation: data.token });
  assert.equal(reply.status, 201, reply.text());
  return Object.assign(new Client(server, reply.data.token), { email, user: reply.data.user });
}

/** Ways to lose a right. Each gives a client that has it, its session, what takes it away, and who sees the session then. */
const ways = {
  async removed() {
    const who = await invited("member");
    const end = () => ada.delete(`/tenant/members/${who.user.id}`);
    return { who, session: await newSession(who), end, status: 401, after: () => invited("member", { user_id: who.user.id }) };
  },
  async "logged out"() {
    const who = await server.account("leaves");
    const session = await newSession(who);
    const { data } = await server.anonymous().post("/auth/login", { email: who.email, password: who.password });
    return { who, session, end: () => who.post("/auth/logout", {}), status: 401, after: () => new Client(server, data.token) };
  },
  async "made a viewer"() {
    const who = await invited("member");
    const end = () => ada.put(`/tenant/members/${who.user.id}`, { role: "viewer" });
    return { who, session: await newSession(who), end, status: 403, after: () => who };
  },
  async "without the key"() {
    const owner = await server.account("scripts");
    const { data } = await owner.post("/auth/keys", { name: "ci", access: "write" });
    const end = () => owner.delete(`/auth/keys/${data.record.id}`);
    return { who: new Client(server, data.key), session: await newSession(owner), end, status: 401, after: () => owner };
  },
};
const codes = { 401: "unauthenticated", 403: "forbidden" };

function begin(who, method, path, headers = {}) {
  const options = { host: "127.0.0.1", port: who.server.port, method, path: `/api/v5${path}`, headers: { Authorization: `Bearer ${who.token}`, ...headers } };
  const sent = request(options);
  const reply = new Promise((resolve, reject) => {
    let answered = false;
    sent.on("response", (message) => {
      answered = true;
      resolve(message);
    });
    sent.on("error", (error) => answered || reject(error)); // what is refused is answered before it was read
  });
  return { sent, reply };
}

async function refused(reply, way, what) {
  const message = await reply;
  const { error } = JSON.parse(Buffer.concat(await message.toArray()));
  assert.deepEqual([message.statusCode, error.code], [way.status, codes[way.status]], `${what}: ${error.message}`);
  assert.doesNotMatch(error.message, /In the archive/, what);
}

/** 28 small files and two that are none, as the two archives that the API makes of them. */
const many = await newSession(ada);
for (let i = 0; i < 30; i++) await ada.write(`/sessions/${many.id}/files/f${i}`, randomBytes(i < 28 ? 1000 : 600_000));
const [tar, zip] = (await Promise.all(["tgz", "zip"].map((format) => ada.get(`/sessions/${many.id}/archive?format=${format}`)))).map(({ body }) => body);
const large = randomBytes(3 << 20);
const bodies = {
  "a file": ["PUT", "files/file", large, true],
  "a file of unknown length": ["PUT", "files/other", large, false],
  "a link": ["PUT", "files/link?type=symlink", Buffer.from("target"), false],
  "a tar archive": ["POST", "archive?path=tar", tar, true],
  "a zip archive": ["POST", "archive?path=zip", zip, true],
};

/** One half of each of them is sent. */
function beginAll(way) {
  return Object.entries(bodies).map(([what, [method, path, body, known]]) => {
    const half = Math.floor(body.length / 2);
    const headers = known ? { "Content-Length": body.length } : { "Transfer-Encoding": "chunked" };
    const one = begin(way.who, method, `/sessions/${way.session.id}/${path}`, headers);
    one.sent.write(body.subarray(0, half));
    return { what, rest: body.subarray(half), ...one };
  });
}

async function nothingOf(way) {
  const files = await (await way.after()).get(`/sessions/${way.session.id}/files?recursive=true`);
  assert.equal(files.status, 200, files.text());
  const paths = files.data.map(({ path }) => path);
  assert.deepEqual(paths.filter((path) => !path.startsWith("tar")), []);
  assert.ok(paths.length < 30, "what came before stays, and no more"); // with the folder 31
}

for (const [name, lost] of Object.entries(ways)) {
  test(`${name} in the middle of an upload: nothing of it is stored`, async () => {
    const way = await lost();
    const begun = beginAll(way);
    await wait(300); // the first halves are there
    assert.equal((await way.end()).status, 200);
    for (const { sent, rest } of begun) sent.end(rest);
    for (const { what, reply } of begun) await refused(reply, way, what);
    await nothingOf(way);
  });
}

test("an upload that does not end is ended", async () => {
  const way = await ways.removed();
  const begun = beginAll(way).filter(({ what }) => what !== "a link"); // a few bytes are no time
  assert.equal((await way.end()).status, 200);
  await Promise.all(begun.map(async ({ what, sent, reply, rest }) => {
    let answered = false;
    void reply.then(() => { answered = true; });
    let at = 0;
    await until(`${what} is refused`, async () => {
      assert.ok(at < rest.length - 1, `${what} is taken to its last byte`);
      if (!answered) sent.write(rest.subarray(at, ++at));
      await wait(100);
      return answered;
    });
    await refused(reply, way, what);
    sent.destroy();
  }));
  await nothingOf(way);
});

test("a login does not end for want of use while something comes by it", async (t) => {
  const clock = movableClock(t);
  const aged = await Server.start({ t, args: ["--rate-factor", "100000", "--login-idle", "2h"], env: clock.env });
  const bo = await aged.account("bo");
  const session = await newSession(bo);
  const { sent, reply } = begin(bo, "PUT", `/sessions/${session.id}/files/slow`, { "Transfer-Encoding": "chunked" });
  sent.write("begun");
  const [{ id, last_access_at: before }] = (await bo.get("/auth/devices")).data;
  clock.jump(5400);
  const { data } = await aged.anonymous().post("/auth/login", { email: bo.email, password: bo.password });
  const beside = new Client(aged, data.token);
  await until("it is noted", async () => {
    sent.write(".");
    await wait(100);
    return (await beside.get("/auth/devices")).data.find((one) => one.id === id).last_access_at > before;
  });
  clock.jump(10_800);
  sent.end();
  assert.equal((await reply).statusCode, 200);
  (await reply).resume();
});

test("what is being sent ends", async () => {
  const way = await ways.removed();
  const base = `/sessions/${way.session.id}`;
  const size = 64 << 20;
  await way.who.write(`${base}/files/bytes`, randomBytes(size));
  const begun = [`${base}/files/bytes`, `${base}/archive`, `${base}/archive?format=zip`].map((path) => ({ path, ...begin(way.who, "GET", path) }));
  for (const { sent } of begun) sent.end();
  const replies = await Promise.all(begun.map(({ reply }) => reply));
  assert.equal((await way.end()).status, 200);
  const over = performance.now() + 2500; // the server waits for its readers until then
  await until("it would be asked again", () => performance.now() > over);
  for (const [i, reply] of replies.entries()) {
    assert.equal(reply.statusCode, 200);
    let got = 0;
    await assert.rejects(async () => {
      for await (const bytes of reply) got += bytes.length;
    }, { code: "ECONNRESET" }, begun[i].path);
    assert.ok(got < size, `${begun[i].path}: ${got}`);
  }
});

test("the audit log goes out to who may still read it, page by page", async () => {
  const owner = await server.account("audited");
  const email = `admin-${Server.number++}@example.com`;
  const { data } = await owner.post("/tenant/invitations", { email, role: "admin" });
  const joined = (await server.anonymous().post("/auth/register", { email, password: `password of ${email}`, invitation: data.token })).data;
  const headers = { "User-Agent": "x".repeat(200) };
  const all = 2000; // more than the buffers between hold
  for (let i = 0; i < all; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => owner.put("/users/me", { name: `${i} ${j}` }, { headers })));
  const { sent, reply } = begin(new Client(server, joined.token), "GET", "/audit", { Accept: "application/x-ndjson" });
  sent.end();
  const lines = await reply;
  assert.equal(lines.statusCode, 200);
  assert.equal((await owner.put(`/tenant/members/${joined.user.id}`, { role: "viewer" })).status, 200);
  let text = "";
  await assert.rejects(async () => {
    for await (const bytes of lines) text += bytes;
  }, { code: "ECONNRESET" });
  assert.ok(text.split("\n").length < all);
});
