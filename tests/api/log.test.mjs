// The log: JSON lines that say whose request it was, and nothing that must not be read by whoever reads logs.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { Server, call, newSession, until } from "./harness.mjs";
import { makeBundle } from "./ide-bundle.mjs";

/** What the server said, once it has stopped. */
async function stopped(server) {
  await server.stop();
  return server.log.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

const ofRequest = (lines, reply) => lines.filter((line) => line.request === reply.headers["x-request-id"]);

test("log.requests: what changes something or fails has a line with request, tenant, user and session", async (t) => {
  const server = await Server.start({ t });
  const ada = await server.account("ada");
  const session = await newSession(ada);
  const path = `/sessions/${session.id}`;
  const written = await ada.write(`${path}/files/a.txt`, "text");
  const read = await ada.get(`${path}/files/a.txt`);
  const missing = await ada.get(`${path}/files/b.txt`);
  const denied = await server.anonymous().get(path);
  const lines = await stopped(server);
  const [line, ...others] = ofRequest(lines, written);
  assert.deepEqual(others, []);
  const { time, microseconds, bytes, ...rest } = line;
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.ok(microseconds > 0 && bytes > 0);
  assert.deepEqual(rest, {
    level: "info", area: "api", message: "PUT /sessions/{session_id}/files/{path}", status: written.status, address: "127.0.0.1",
    request: written.headers["x-request-id"], tenant: ada.user.tenant_id, user: ada.user.id, session: session.id,
  });
  assert.deepEqual(ofRequest(lines, read), [], "reading changes nothing");
  assert.partialDeepStrictEqual?.(ofRequest(lines, missing)[0], { status: 404, error: "not_found", user: ada.user.id });
  assert.equal(ofRequest(lines, missing)[0].error, "not_found");
  assert.equal(ofRequest(lines, denied)[0].status, 401);
  assert.equal(ofRequest(lines, denied)[0].user, undefined);
});

for (const [requests, wanted] of [["none", 0], ["all", 3]]) {
  test(`log.requests = ${requests}`, async (t) => {
    const server = await Server.start({ t, args: ["--log-requests", requests] });
    const ada = await server.account("ada");
    await ada.get("/users/me");
    await ada.get("/users/me");
    const lines = (await stopped(server)).filter((line) => line.area === "api" && line.user === ada.user.id);
    assert.equal(lines.length, wanted);
  });
}

test("lines in the midst of a request say whose it is", async (t) => {
  const server = await Server.start({ t, args: ["--rate-factor", "1000", "--log-level", "debug", "--ide", makeBundle(), "--node", process.execPath] });
  const ada = await server.account("ada");
  const session = (await newSession(ada)).id;
  await ada.post(`/sessions/${session}/open`);
  await until("it runs", async () => (await ada.get(`/sessions/${session}`)).data.workspace.state === "running", 60_000);
  await pause(ada, session);
  const lines = await stopped(server);
  const start = lines.find((line) => line.message.startsWith(`${session} starts`));
  assert.deepEqual([start.session, start.tenant, start.user], [session, ada.user.tenant_id, ada.user.id]);
});

/** A GET of a session's IDE. */
function ask(server, host, path, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: server.port, path, headers: { Host: host, ...headers }, agent: false, setHost: false };
    httpRequest(options, (reply) => reply.resume().on("end", () => resolve(reply))).on("error", reject).end();
  });
}

/** So that nothing waits for the workspace when the server is gone. */
async function pause(ada, session) {
  await ada.post(`/sessions/${session}/pause`);
  await until("it has stopped", async () => (await ada.get(`/sessions/${session}`)).data.workspace.state === "stopped", 60_000);
}

const marker = (name) => `a-${name}-that-no-log-may-hold`;

test("no password, token, ticket, cookie, key, name or content of a file gets into any log, the audit log neither", { timeout: 120_000 }, async (t) => {
  const args = ["--rate-factor", "1000", "--log-level", "debug", "--log-requests", "all", "--ide", makeBundle(), "--node", process.execPath];
  const JWT_SECRET = marker("secret-of-the-server");
  const server = await Server.start({ t, args, env: { JWT_SECRET } });
  const secrets = [JWT_SECRET];
  const password = marker("password");
  const register = await server.anonymous().post("/auth/register", { email: "ada@example.com", password, name: marker("persons-name") });
  const ada = server.anonymous();
  ada.token = register.data.token;
  const keep = (reply) => {
    secrets.push(...[reply.data?.token, reply.data?.refresh_token].filter(Boolean));
    for (const cookie of reply.headers["set-cookie"] ?? []) secrets.push(cookie.split(/[=;]/)[1]);
    return reply;
  };
  keep(register);
  for (const wrong of [marker("wrong-password"), ""]) await server.anonymous().post("/auth/login", { email: "ada@example.com", password: wrong });
  const login = keep(await server.anonymous().post("/auth/login", { email: "ada@example.com", password, cookie: true }));
  keep(await server.anonymous().post("/auth/refresh", { refresh_token: register.data.refresh_token }));
  await server.anonymous().post("/auth/refresh", { refresh_token: `${register.data.refresh_token}${marker("tail")}` });
  assert.equal((await ada.put("/users/me/password", { current_password: password, new_password: marker("new-password") })).status, 200);
  assert.equal((await ada.put("/users/me", { name: marker("another-name") })).status, 200);
  const made = [await ada.post("/auth/keys", { name: marker("key-name"), access: "read" }), await ada.post("/tenant/invitations", { email: "bob@example.com", role: "member" })];
  secrets.push(made[0].data.key, made[1].data.token);
  await call(server.port, "GET", "/api/v5/users/me", { token: marker("token") });
  await call(server.port, "GET", `/api/v5/users/me?token=${marker("query")}`, { headers: { Authorization: `Basic ${marker("basic")}`, Cookie: `a=${marker("cookie")}` } });
  await call(server.port, "GET", `/${marker("unknown-path")}`);
  const session = (await ada.post("/sessions", { name: marker("session") }, { headers: { "Idempotency-Key": marker("key") } })).data.id;
  const file = `/sessions/${session}/files/${marker("name")}`;
  await ada.write(file, marker("content"));
  await ada.write(file, marker("content"), { headers: { "If-Match": `"${marker("etag")}"` } });
  await ada.write(`/sessions/${session}/files/%zz${marker("malformed")}`, marker("content"));
  await ada.post("/sessions", { [marker("field")]: marker("value") });
  await ada.post(`/sessions/${session}/open`);
  await until("it runs", async () => (await ada.get(`/sessions/${session}`)).data.workspace.state === "running", 60_000);
  const { data } = await ada.post("/auth/tickets", { session_id: session });
  const url = new URL(data.url);
  secrets.push(url.searchParams.get("ticket"));
  const entered = await ask(server, url.host, `${url.pathname}${url.search}`);
  assert.equal(entered.statusCode, 303);
  keep({ headers: entered.headers });
  const Cookie = entered.headers["set-cookie"][0].split(";")[0];
  await ask(server, url.host, `/${marker("ide-path")}?${marker("ide-query")}`, { Cookie });
  await ask(server, url.host, `${url.pathname}${url.search}`); // used up
  await ada.write(`/sessions/${session}/files/late-${marker("name")}`, marker("content"));
  assert.equal(login.status, 200);
  const audit = (await ada.get("/audit", { headers: { Accept: "application/x-ndjson" } })).body.toString();
  for (const action of ["user.update", "user.password", "key.create", "invitation.create", "login.create"]) assert.ok(audit.includes(`"${action}"`), action);
  await pause(ada, session);
  const log = join(server.data, "run", session, "log");
  const inside = existsSync(log) ? readFileSync(log, "utf8") : "";
  const own = (await stopped(server)).map((line) => JSON.stringify(line)).join("\n");
  assert.ok(own.split("\n").length > 30, "there is a log to look at");
  assert.ok(own.includes('"an IDE is entered"'));
  const all = own + inside + audit;
  assert.doesNotMatch(all, /no-log-may-hold/);
  for (const one of secrets) assert.ok(!all.includes(one), `${one} is in the log`);
});
