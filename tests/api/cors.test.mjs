// cors_origins: pages of other origins see replies only when theirs is named, byte by byte, and never with cookies. The rules
// that browsers follow are applied here to what the server says (Fetch standard, "CORS protocol").
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { bundle, call, serverForFile } from "./harness.mjs";
import { addressOfNothing } from "./operations.mjs";

const TOOLS = "https://tools.example.com";
const LOCAL = "http://localhost:3000";
const server = await serverForFile({ args: ["--rate-factor", "100000", "--cors-origins", `${TOOLS},${LOCAL}`] });
const plain = await serverForFile();
const ada = await server.account("ada");
const eve = await plain.account("eve");

const cors = (reply) => Object.keys(reply.headers).filter((name) => name.startsWith("access-control-"));
const from = (origin, more) => ({ headers: { Origin: origin, ...more } });
const preflight = (path, origin, method = "GET") => call(server.port, "OPTIONS", path, from(origin, { "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization" }));

test("without the setting nobody is allowed", async () => {
  for (const origin of [TOOLS, LOCAL, "null", `http://127.0.0.1:${plain.port}`]) {
    const reply = await eve.get("/users/me", from(origin));
    assert.deepEqual(cors(reply), [], origin);
    assert.equal(reply.headers.vary, undefined);
    assert.deepEqual(cors(await call(plain.port, "OPTIONS", "/api/v5/users/me", from(origin, { "Access-Control-Request-Method": "GET" }))), [], origin);
  }
});

test("a named origin reads replies and failures, and what stands in their headers", async () => {
  for (const origin of [TOOLS, LOCAL]) {
    const replies = [await ada.get("/users/me", from(origin)), await ada.get("/sessions/ses-x", from(origin)), await server.anonymous().get("/users/me", from(origin)),
      await ada.post("/sessions", { nome: 1 }, from(origin)), await call(server.port, "GET", "/api/v5/nothing", from(origin)), await call(server.port, "PATCH", "/api/v5/sessions", from(origin))];
    assert.deepEqual(replies.map(({ status }) => status), [200, 404, 401, 400, 404, 405]);
    for (const reply of replies) {
      assert.equal(reply.headers["access-control-allow-origin"], origin);
      assert.equal(reply.headers.vary, "Origin");
      assert.equal(reply.headers["access-control-allow-credentials"], undefined);
      const shown = reply.headers["access-control-expose-headers"].toLowerCase().split(", ");
      for (const name of ["etag", "x-request-id", "ratelimit-remaining", "retry-after", "location"]) assert.ok(shown.includes(name), name);
    }
  }
});

test("what is nearly a named origin is none", async () => {
  const near = [`${TOOLS}/`, `${TOOLS}:443`, `${TOOLS}.evil.example.com`, "http://tools.example.com", "https://TOOLS.example.com", "https://xtools.example.com", `${TOOLS} `.repeat(2), "http://localhost", "http://localhost:30000", "null", "*", "", `${TOOLS}, ${LOCAL}`];
  for (const origin of near) {
    const reply = await ada.get("/users/me", from(origin));
    assert.equal(reply.status, 200);
    assert.deepEqual(cors(reply), [], origin);
    assert.equal(reply.headers.vary, "Origin", "no cache may give it to a named one");
    assert.deepEqual(cors(await preflight("/api/v5/users/me", origin)), [], origin);
  }
  assert.deepEqual(cors(await ada.get("/users/me", { headers: { Origin: [TOOLS, LOCAL] } })), []);
});

test("a preflight names every method of the address and every header of the document", async () => {
  for (const operation of bundle.operations) {
    const reply = await preflight(`/api/v5${addressOfNothing(operation)}`, TOOLS, operation.method);
    assert.equal(reply.status, 204, operation.id);
    assert.equal(reply.headers["access-control-allow-origin"], TOOLS, operation.id);
    assert.ok(reply.headers["access-control-allow-methods"].split(", ").includes(operation.method), operation.id);
    assert.equal(reply.headers["access-control-max-age"], "600");
    assert.equal(reply.headers["access-control-allow-credentials"], undefined);
    const headers = reply.headers["access-control-allow-headers"].toLowerCase().split(", ");
    for (const name of ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "range"]) assert.ok(headers.includes(name), name);
  }
  assert.equal((await preflight("/api/v5/nothing", TOOLS)).status, 404);
});

test("a named origin has no way to the cookie", async () => {
  const { email, password } = ada;
  const login = await server.anonymous().post("/auth/login", { email, password, cookie: true }, from(TOOLS));
  assert.equal(login.headers["access-control-allow-credentials"], undefined); // so the browser keeps no cookie of it
  const cookie = login.headers["set-cookie"][0].split(";")[0];
  for (const path of ["/auth/refresh", "/auth/logout"]) {
    const reply = await server.anonymous().post(path, {}, from(TOOLS, { Cookie: cookie }));
    assert.equal(reply.status, 403, path);
  }
});

test("the web app's and other addresses say nothing of it", async () => {
  assert.deepEqual(cors(await call(server.port, "GET", "/index.html", from(TOOLS))), []);
});

test("what no browser would send is refused at the start", () => {
  for (const origin of ["*", "null", `${TOOLS}/`, "https://*.example.com", "example.com", `${TOOLS}:443`, "HTTPS://tools.example.com"]) {
    const { status, stderr } = spawnSync(server.program, ["--data", server.data, "--check-config", "--cors-origins", origin], { encoding: "utf8" });
    assert.equal(status, 1, origin);
    assert.match(stderr, /cors-origins.* is no origin as browsers send it/, origin);
  }
});
