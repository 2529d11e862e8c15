// One test for each class of the OWASP API Security Top 10 (2023), made from the document wherever that says enough. What another
// file holds already is named there and not repeated:
//   API1 broken object level authorization            walls.test.mjs: another tenant's ids in every place of an id
//   API2 broken authentication                        auth.test.mjs, limits.test.mjs; without a login: walls.test.mjs
//   API5 broken function level authorization          permissions.test.mjs: each operation by each role and by keys; members.test.mjs: to whom
//   API6 unrestricted access to sensitive flows       limits.test.mjs, limits-rows.test.mjs
//   API10 unsafe consumption of APIs                  what a mail server says: mail.test.mjs; what a bucket says: ../store/bucket.test.mjs;
//                                                     no operation makes the server call whom the caller names: API7 below
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { bundle, call, Client, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const session = await newSession(ada);
await ada.write(`/sessions/${session.id}/files/a`, "a");
const zeros = "0".repeat(26);
const ids = { conversation_id: (await ada.post("/conversations", { session_id: session.id, name: "a" })).data.id, session_id: session.id, device_id: `log-${zeros}`, user_id: ada.user.id, invitation_id: `inv-${zeros}`, project_id: `prj-${zeros}`, workspace_id: `wsp-${zeros}`, category: "editor", key: "font_size", terminal: "main" };

const resolved = (schema) => (schema?.$ref ? resolved(bundle.$defs[schema.$ref.split("/").at(-1)]) : schema);
const pathOf = (operation) => `/${operation.segments.map(({ kind, text }) => (kind === "literal" ? text : kind === "rest" ? `a${text}` : (ids[text] ?? `${text.slice(0, 3)}-${zeros}`))).join("/")}`;
const inputs = (operation) => Object.keys(resolved(operation.body).properties);
const withJson = bundle.operations.filter(({ body }) => typeof body === "object");
const link = new Client(server, (await ada.post(`/sessions/${session.id}/links`, { name: "one" })).data.token);
const clientOf = (operation) => (operation.public ? server.anonymous() : operation.by_link ? link : ada);

/** Every name that any reply's data shows. */
function shown(schema, depth = 0) {
  const node = resolved(schema);
  if (!node || depth > 4) return [];
  if (node.items) return shown(node.items, depth + 1);
  return Object.entries(node.properties ?? {}).flatMap(([name, member]) => [name, ...shown(member, depth + 1)]);
}

test("API3 mass assignment: no input takes a field that is only shown, each by itself", async () => {
  const all = [...new Set(bundle.operations.flatMap(({ replies }) => Object.entries(replies).filter(([status, schema]) => Number(status) < 300 && typeof schema === "object").flatMap(([, schema]) => shown(schema))))];
  assert.ok(["id", "tenant_id", "role", "revision", "created_at", "status"].every((name) => all.includes(name)), all.join());
  assert.ok(withJson.length >= 10);
  for (const operation of withJson) {
    const foreign = all.filter((name) => !inputs(operation).includes(name));
    for (let i = 0; i < foreign.length; i += 12) {
      const json = Object.fromEntries(foreign.slice(i, i + 12).map((name) => [name, name === "role" ? "owner" : 1]));
      const reply = await clientOf(operation).request(operation.method, pathOf(operation), { json });
      if (reply.status === 404) break; // an id of a kind that this test has not
      assert.equal(reply.status, 400, `${operation.id}: ${reply.text()}`);
      for (const name of Object.keys(json)) assert.equal(reply.json.error.fields[name], "is not known here", `${operation.id}: ${name}`);
    }
  }
  const me = (await ada.get("/users/me")).data;
  assert.equal(me.role, ada.user.role);
  assert.equal(me.tenant_id, ada.user.tenant_id);
});

test("API4 resource consumption: bodies too large or too deep, and pages too long, are refused everywhere", async () => {
  const headers = { "Content-Type": "application/json" };
  for (const operation of withJson) {
    const name = inputs(operation)[0];
    const ask = (body) => clientOf(operation).request(operation.method, pathOf(operation), { body, headers });
    assert.equal((await ask(JSON.stringify({ [name]: "x".repeat(70_000) }))).status, 413, operation.id);
    for (const deep of ["[".repeat(30_000), `{"${name}":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, '{"a":'.repeat(10_000), `{"${name}":${'{"a":'.repeat(200)}1${"}".repeat(200)}}`]) {
      const reply = await ask(deep);
      assert.ok([400, 404].includes(reply.status), `${operation.id}: ${reply.status}`);
    }
  }
  for (const operation of bundle.operations) {
    for (const { name, schema } of operation.parameters.filter((one) => one.in === "query" && one.schema.type === "integer")) {
      for (const value of [schema.maximum + 1, schema.minimum - 1, "9".repeat(30), "1e3", "0x10"]) {
        const reply = await clientOf(operation).request(operation.method, `${pathOf(operation)}?${name}=${value}`, operation.body === "bytes" ? { body: "" } : {});
        assert.ok([400, 404].includes(reply.status), `${operation.id}?${name}=${value}: ${reply.status}`);
      }
    }
  }
});

test("API7 server side request forgery: no operation takes an address but a repository's, which the server never asks", async (t) => {
  for (const operation of bundle.operations) {
    const names = [...operation.parameters.map(({ name, schema }) => [name, schema]), ...(typeof operation.body === "object" ? Object.entries(resolved(operation.body).properties) : [])];
    for (const [name, schema] of names) {
      if (name === "git_url") continue; // the workspace's program goes there, with the reach of the person's own terminal
      assert.doesNotMatch(name, /url|uri|host|callback|webhook|endpoint|redirect/i, operation.id);
      assert.ok(!["uri", "url", "hostname", "ipv4", "ipv6"].includes(resolved(schema).format), `${operation.id}: ${name}`);
    }
  }
  const asked = [];
  const listener = createServer((socket) => { asked.push(socket.remotePort); socket.destroy(); }).listen(0, "127.0.0.1");
  t.after(() => listener.close());
  await once(listener, "listening");
  const created = await ada.post("/sessions", { name: "Repository", git_url: `https://127.0.0.1:${listener.address().port}/a.git` });
  assert.equal(created.status, 201, created.text());
  assert.equal((await ada.post(`/sessions/${created.data.id}/clone`)).status, 202);
  assert.equal((await ada.get(`/sessions/${created.data.id}`)).status, 200);
  assert.deepEqual(asked, []);
});

test("API8 misconfiguration: replies of every operation say nothing of the server and are kept by nobody", async () => {
  for (const operation of bundle.operations.filter(({ id }) => id !== "auth_logout")) {
    for (const client of [server.anonymous(), ada]) {
      const reply = await client.request(operation.method, `${pathOf(operation)}?no_such_thing=1`, operation.body === "bytes" ? { body: "" } : {});
      assert.ok([400, 401, 404].includes(reply.status), `${operation.id}: ${reply.status}`);
      assert.equal(reply.headers["cache-control"], "no-store", operation.id);
      assert.match(reply.headers["content-security-policy"], /default-src 'none'/, operation.id);
      for (const name of ["server", "x-powered-by", "access-control-allow-origin", "set-cookie"]) assert.equal(reply.headers[name], undefined, `${operation.id}: ${name}`);
      assert.doesNotMatch(reply.text(), /\.c:\d+|\/src\/|sqlite|errno|assert/i, operation.id);
    }
  }
  for (const method of ["TRACE", "PATCH", "PROPFIND"]) {
    const reply = await call(server.port, method, "/api/v5/users/me", { token: ada.token });
    assert.equal(reply.status, 405, method);
  }
});

test("API9 inventory: what the document does not name is not there", async () => {
  const paths = ["/api", "/api/v1/users/me", "/api/v4/sessions", "/api/v6/sessions", "/api/v5/admin", "/api/v5/debug", "/api/v5/metrics", "/api/v5/openapi.json", "/api/v5/users", "/api/v5/tenants", "/api/internal", "/wire/changes", "/api/v5/wire/status", "/.env", "/.git/config", "/server-status", "/debug/pprof"];
  for (const path of paths) assert.equal((await call(server.port, "GET", path, { token: ada.token })).status, 404, path);
});
