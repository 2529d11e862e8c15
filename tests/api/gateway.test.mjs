// The way to a session's IDE, with real workspaces: their door, their sandbox, and in it a stand-in for Theia that says what
// it was asked. Who gets through, what passes, and what ends when.
import assert from "node:assert/strict";
import { renameSync, rmSync, symlinkSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { before, test } from "node:test";
import { call, newSession, serverForFile, strangers, until } from "./harness.mjs";
import { COOKIE, makeBundle, VERSION } from "./ide-bundle.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--ide", makeBundle(), "--node", process.execPath] });
const platform = `coditect.localhost:${server.port}`;
const hostOf = (session) => `${session}.ide.coditect.localhost:${server.port}`;
const began = performance.now();
let ada, eve;

/** One request to an IDE's origin, on a connection of its own. */
function ask(session, path, { method = "GET", headers = {}, cookie, body } = {}) {
  const all = { Host: hostOf(session), ...(cookie === undefined ? {} : { Cookie: cookie }), ...headers };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port: server.port, method, path, headers: all, agent: false, setHost: false });
    request.on("error", reject);
    request.on("upgrade", (reply, socket, head) => resolve({ status: reply.statusCode, headers: reply.headers, socket, head }));
    request.on("response", (reply) => {
      const pieces = [];
      reply.on("data", (piece) => pieces.push(piece)).on("error", reject).on("end", () => {
        const text = Buffer.concat(pieces).toString();
        const json = (reply.headers["content-type"] ?? "").startsWith("application/json") ? JSON.parse(text) : undefined;
        resolve({ status: reply.statusCode, headers: reply.headers, text, json });
      });
    });
    request.end(body);
  });
}

const handshake = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };

/** The session with its workspace running, and its IDE's address. */
async function running(client, session) {
  let workspace;
  assert.equal((await client.post(`/sessions/${session}/open`)).status, 202);
  await until(`${session} runs`, async () => {
    ({ workspace } = (await client.get(`/sessions/${session}`, { host: platform })).data);
    assert.notEqual(workspace.state, "failed", workspace.error);
    return workspace.state === "running";
  }, 60_000);
  return workspace;
}

async function ticketFor(client, session) {
  const reply = await client.post("/auth/tickets", { session_id: session }, { host: platform });
  assert.equal(reply.status, 200, reply.text());
  assert.equal(reply.data.expires_in, 60);
  const url = new URL(reply.data.url);
  assert.equal(url.host, hostOf(session));
  return `${url.pathname}${url.search}`;
}

/** The IDE's cookie, as a browser would send it. */
async function enter(client, session) {
  const reply = await ask(session, await ticketFor(client, session));
  assert.equal(reply.status, 303, reply.text);
  return reply.headers["set-cookie"][0].split(";")[0];
}

/** How many requests the stand-in has seen, this one not counted. */
async function seen(session, cookie) {
  const reply = await ask(session, "/count", { cookie });
  assert.equal(reply.status, 200, reply.text);
  return reply.json.count - 1;
}

/** Five are promised; a busy machine may take as long again. */
const SECONDS = 10_000;

/** Fails when the socket is still open after ms. */
function ends(socket, ms) {
  if (socket.closed) return Promise.resolve(); // before this was asked, which nobody is told again
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`open after ${ms} ms`)), ms);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve();
    }).on("error", () => {}).resume();
  });
}

before(async () => {
  const people = await Promise.all(["ada", "eve"].map((name) => server.account(name)));
  [ada, eve] = people;
  for (const person of people) {
    person.session = (await newSession(person)).id;
    const workspace = await running(person, person.session);
    assert.equal(workspace.ide_url, `http://${hostOf(person.session)}/`);
  }
}, { timeout: 120_000 });

test("tickets: for one's own running sessions, and no others", async () => {
  const stopped = (await newSession(ada)).id;
  const refused = [
    [ada, eve.session, 404, "not_found"],
    [ada, `ses-${"0".repeat(26)}`, 404, "not_found"],
    [ada, "ses-x", 400, "invalid"],
    [ada, stopped, 409, "not_running"],
    [server.anonymous(), ada.session, 401, "unauthenticated"],
  ];
  for (const [client, session, status, code] of refused) {
    const reply = await client.post("/auth/tickets", { session_id: session });
    assert.deepEqual([reply.status, reply.code], [status, code], session);
  }
  assert.equal((await ada.get(`/sessions/${stopped}`)).data.workspace.ide_url, undefined);
  assert.equal((await ada.post("/auth/tickets", {})).status, 400);
});

test("a ticket leads in once, and only on its session's host", async () => {
  const path = await ticketFor(ada, ada.session);
  assert.equal((await ask(eve.session, path)).status, 401);
  const first = await ask(ada.session, path, { headers: { "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe" } });
  assert.equal(first.status, 303);
  assert.equal(first.headers.location, "/");
  const [cookie] = first.headers["set-cookie"];
  assert.match(cookie, /^__Host-coditect-ide=[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  const again = await ask(ada.session, path, { headers: { "Sec-Fetch-Mode": "navigate" } });
  assert.equal(again.status, 401);
  assert.match(again.headers["content-type"], /^text\/html/);
  assert.equal((await ask(ada.session, "/", { cookie: cookie.split(";")[0] })).status, 200);
  const inside = await ask(ada.session, await ticketFor(ada, ada.session), { headers: { "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty" } });
  assert.equal(inside.status, 204);
  assert.equal((await ask(ada.session, await ticketFor(ada, ada.session), { headers: { "Sec-Fetch-Site": "cross-site" } })).status, 403);
});

test("a used ticket stays used after a restart", async () => {
  const path = await ticketFor(ada, ada.session);
  const cookie = (await ask(ada.session, path)).headers["set-cookie"][0].split(";")[0];
  await server.kill9();
  await server.run();
  assert.equal((await ask(ada.session, path)).status, 401);
  // The same workspace, so the same cookie; and another one at once, before the workspace has said to the new server that it runs.
  assert.equal((await ask(ada.session, "/", { cookie })).status, 200);
  assert.equal((await ask(ada.session, "/", { cookie: await enter(ada, ada.session) })).status, 200);
});

test("nobody else gets through, and nothing of the workspace is contacted", async () => {
  const own = await enter(ada, ada.session);
  const other = await enter(eve, eve.session);
  const count = await seen(ada.session, own);
  const cookies = [undefined, "", `${COOKIE}=x`, other, `${own}x`, own.slice(0, -1), `${own}; ${own}`, `${own}; ${COOKIE}=x`, own.replace("__Host-", "")];
  for (const cookie of cookies) {
    for (const path of ["/", "/files/", "/socket.io/?x", "/coditect/session", "/coditect/healthz", "/api/v5/health", "/ws/x", `/bundle.js?v=${VERSION}`]) {
      assert.equal((await ask(ada.session, path, { cookie })).status, 401, `${path} ${cookie}`);
    }
    assert.equal((await ask(ada.session, "/socket", { cookie, headers: handshake })).status, 401);
    assert.equal((await ask(ada.session, "/upload", { cookie, method: "POST", body: "x".repeat(100_000) })).status, 401);
  }
  assert.equal(await seen(ada.session, own), count + 1);
  // The platform's tokens open nothing here, and the IDE's cookie nothing there.
  assert.equal((await ask(ada.session, "/", { headers: { Authorization: `Bearer ${ada.token}` } })).status, 401);
  assert.equal((await call(server.port, "GET", "/api/v5/users/me", { host: platform, headers: { Cookie: own } })).status, 401);
});

test("a workspace that puts a link to another's door in the place of its own leads nobody there", async () => {
  const own = await enter(ada, ada.session);
  const cookie = await enter(eve, eve.session);
  const count = await seen(ada.session, own);
  const door = (session) => join(server.data, "run", session, "door", "door.sock"); // its folder is the workspace's to write in
  renameSync(door(eve.session), `${door(eve.session)}.kept`);
  symlinkSync(door(ada.session), door(eve.session));
  try {
    assert.equal((await ask(eve.session, "/count", { cookie })).status, 502);
    const fork = await eve.post(`/sessions/${eve.session}/fork`, { name: "Fork" }, { expected5xx: true });
    assert.deepEqual([fork.status, fork.code], [503, "busy"], fork.text());
  } finally {
    rmSync(door(eve.session));
    renameSync(`${door(eve.session)}.kept`, door(eve.session));
  }
  assert.equal(await seen(ada.session, own), count + 1);
  assert.equal((await ask(eve.session, "/count", { cookie })).status, 200);
});

test("an IDE's origin is never the platform, and the platform's never an IDE's", async () => {
  const cookie = await enter(ada, ada.session);
  for (const path of ["/api/v5/health", "/health", "/ready", "/ws/x", "/auth/login"]) {
    const reply = await ask(ada.session, path, { cookie });
    assert.equal(reply.json?.url, path, reply.text);
  }
  for (const path of ["/ide", `/ide/${ada.session}/`]) {
    assert.equal((await call(server.port, "GET", path, { host: platform, headers: { Cookie: cookie, Accept: "text/html" } })).status, 404);
  }
  assert.equal((await ask("nobody", "/", { cookie })).status, 404);
});

test("pages of other origins do nothing here", async () => {
  const cookie = await enter(ada, ada.session);
  const count = await seen(ada.session, cookie);
  const foreign = [
    { Origin: `http://${hostOf(eve.session)}` },
    { Origin: `http://${platform}` },
    { Origin: "null" },
    { "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors" },
    { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors" },
  ];
  for (const headers of foreign) {
    assert.equal((await ask(ada.session, "/file-upload", { cookie, method: "POST", body: "x", headers })).status, 403);
    assert.equal((await ask(ada.session, "/socket", { cookie, headers: { ...handshake, ...headers } })).status, 403);
  }
  assert.equal(await seen(ada.session, cookie), count + 1);
});

test("who was refused is in the audit log: a person in the team's, a stranger in the operator's, once for many", async () => {
  const minutes = () => Math.ceil((performance.now() - began) / 60_000);
  const of = async (who, actor) => (await who.get(`/audit?limit=100&action=request.deny&actor=${actor.user.id}`)).data.filter(({ route }) => route.startsWith("ide"));
  for (let i = 0; i < 20; i++) assert.equal((await ask(ada.session, "/coditect/ticket?ticket=x")).status, 401);
  await until("all are written", async () => (await of(ada, ada)).length > 0 && (await of(eve, eve)).length > 0 && (await strangers(server)).some(({ route }) => route === "ide_ticket"));
  const refused = await of(eve, eve); // with her cookie at the door of another's session
  assert.ok(refused.length <= 1 + minutes() && refused.every(({ route, outcome, address, login_id: login }) => route === "ide" && outcome === "denied" && address === "127.0.0.1" && login !== undefined));
  assert.deepEqual(await of(ada, eve), [], "each tenant sees its own");
  const others = (await strangers(server)).filter(({ route }) => route?.startsWith("ide"));
  assert.deepEqual([...new Set(others.map(({ route }) => route))].sort(), ["ide", "ide_ticket"]);
  assert.ok(others.length <= 2 * (1 + minutes()) && others.every(({ actor_id: actor }) => actor === undefined));
});

test("what passes, in both directions", async () => {
  const cookie = await enter(ada, ada.session);
  const headers = { Authorization: "Bearer x", "X-Coditect-Gateway": "forged", "X-Forwarded-For": "192.0.2.1", Origin: `http://${hostOf(ada.session)}` };
  const reply = await ask(ada.session, "/a%20b?c=d", { cookie: `theia-connection-token=shadow; __Host-theia-connection-token=t; ${cookie}; other=o`, headers, method: "POST", body: "x".repeat(300_000) });
  assert.equal(reply.status, 200, reply.text);
  const got = reply.json;
  assert.equal(got.url, "/a%20b?c=d");
  assert.equal(got.size, 300_000);
  assert.equal(got.headers.host, hostOf(ada.session));
  assert.equal(got.headers.cookie, "theia-connection-token=t");
  assert.equal(got.headers.authorization, undefined);
  assert.equal(got.headers["x-forwarded-for"], undefined);
  assert.match(got.headers["x-coditect-gateway"], /^\S{16,}$/);
  assert.notEqual(got.headers["x-coditect-gateway"], "forged");
  const hostile = await ask(ada.session, "/hostile", { cookie });
  assert.deepEqual(hostile.headers["set-cookie"], ["__Host-theia-connection-token=t; Path=/; HttpOnly; SameSite=Strict; Secure"]);
  assert.equal(hostile.headers["clear-site-data"], undefined);
  assert.equal(hostile.headers["x-frame-options"], undefined);
  assert.equal(hostile.headers["content-security-policy"], `frame-ancestors 'self' http://${platform}`);
});

test("the bundle's files come from the server", async () => {
  const cookie = await enter(ada, ada.session);
  const file = await ask(ada.session, `/bundle.js?v=${VERSION}`, { cookie });
  assert.equal(file.text, "the bundle");
  assert.match(file.headers["cache-control"], /immutable/);
  assert.equal((await ask(ada.session, `/bundle.js?v=${VERSION}`, { cookie, headers: { "If-None-Match": file.headers.etag } })).status, 304);
  assert.equal((await ask(ada.session, "/bundle.js?v=older", { cookie })).json.url, "/bundle.js?v=older");
});

test("a socket ends within seconds of a logout elsewhere, and no other does", async () => {
  const login = await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
  const second = Object.assign(server.anonymous(), { token: login.data.token });
  const [first, other] = [await enter(ada, ada.session), await enter(second, ada.session)];
  const sockets = [];
  for (const cookie of [first, other]) {
    const reply = await ask(ada.session, "/socket", { cookie, headers: handshake });
    assert.equal(reply.status, 101);
    sockets.push(reply.socket);
  }
  assert.equal((await second.post("/auth/logout", {})).status, 200);
  await ends(sockets[1], SECONDS);
  assert.equal((await ask(ada.session, "/", { cookie: other })).status, 401);
  assert.equal((await ask(ada.session, "/", { cookie: first })).status, 200);
  assert.equal(sockets[0].closed, false);
  sockets[0].destroy();
});

test("who is removed, or becomes a viewer, is out of an open IDE within seconds", { timeout: 180_000 }, async () => {
  const ways = [
    ["removed", (id) => ada.delete(`/tenant/members/${id}`)],
    ["viewer", (id) => ada.put(`/tenant/members/${id}`, { role: "viewer" })],
  ];
  await Promise.all(ways.map(async ([name, end]) => {
    const email = `${name}@example.com`;
    const { token } = (await ada.post("/tenant/invitations", { email, role: "member" })).data;
    const { data } = await server.anonymous().post("/auth/register", { email, password: "a long password", invitation: token });
    const member = Object.assign(server.anonymous(), { token: data.token });
    const session = (await newSession(member)).id;
    await running(member, session);
    const cookie = await enter(member, session);
    const { status, socket } = await ask(session, "/socket", { cookie, headers: handshake });
    assert.equal(status, 101);
    assert.equal((await end(data.user.id)).status, 200);
    await ends(socket, SECONDS);
    assert.equal((await ask(session, "/", { cookie })).status, 401, name);
    assert.notEqual((await member.post("/auth/tickets", { session_id: session })).status, 200, name);
  }));
});

test("the cookie ends with the run of its workspace", { timeout: 120_000 }, async () => {
  const cookie = await enter(ada, ada.session);
  const { socket } = await ask(ada.session, "/socket", { cookie, headers: handshake });
  assert.equal((await ada.post(`/sessions/${ada.session}/pause`)).status, 200);
  await ends(socket, SECONDS);
  assert.equal((await ask(ada.session, "/", { cookie })).status, 401);
  assert.equal((await ada.get(`/sessions/${ada.session}`)).data.workspace.ide_url, undefined);
  await running(ada, ada.session);
  assert.equal((await ask(ada.session, "/", { cookie })).status, 401);
  assert.equal((await ask(ada.session, "/", { cookie: await enter(ada, ada.session) })).status, 200);
});

test("a deleted session is closed", async () => {
  const cookie = await enter(eve, eve.session);
  const { socket } = await ask(eve.session, "/socket", { cookie, headers: handshake });
  assert.equal((await eve.delete(`/sessions/${eve.session}`)).status, 200);
  await ends(socket, SECONDS);
  assert.equal((await ask(eve.session, "/", { cookie })).status, 401);
  assert.equal((await eve.post("/auth/tickets", { session_id: eve.session })).status, 404);
});
