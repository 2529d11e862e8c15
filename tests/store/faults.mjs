// Every fault of the store at every call of every route, one after another: a request is repeated with the fault at its first
// store call, its second, and so on until it ends before the fault comes. Whatever happens inside, a conflict and an unknown
// result (kept or not) show in no reply, a timeout says so and keeps nothing, the request repeated does what was asked once,
// and what is stored is whole (a program inside the server looks: orphan index entries, counters, keys outside of their tenant).
// How: faults-rounds.mjs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bundle, bytesOf, Client, newSession, root, Server, strangers, totpCode, until } from "../api/harness.mjs";
import { Stream } from "../api/stream.mjs";
import { conversationRows } from "./faults-conversations.mjs";
import { linkRows } from "./faults-links.mjs";
import { Rounds } from "./faults-rounds.mjs";
import { tenancyRows } from "./faults-tenancy.mjs";

const server = await Server.start({ program: "src/coditectd/coditectd-faults", args: ["--rate-factor", "100000", "--trusted-proxies", "127.0.0.1", "--public-url", "http://127.0.0.1", "--smtp-url", "smtp://127.0.0.1:1", "--smtp-from", "coditect@example.com", "--smtp-retry", "900s"] }); // no mail server is there
const rounds = await Rounds.open(server);
const anonymous = server.anonymous();
const ada = await server.account("ada");
const session = await newSession(ada);
const base = `/sessions/${session.id}`;
const files = `${base}/files`;
const small = await newSession(ada, "Small");
await ada.write(`/sessions/${small.id}/files/one`, "one");
const source = readFileSync(fileURLToPath(import.meta.url), "utf8");
const packed = execFileSync("tar", ["-czf", "-", "-C", join(root, "tests/store"), "faults.mjs"]);
const tarList = (bytes) => execFileSync("tar", ["-tzf", "-"], { input: bytes, encoding: "utf8" }).split("\n");
let number = 0;
const fresh = () => `n${number++}`;
const noise = Buffer.concat([...bytesOf(200_000)]);

async function login(account = ada) {
  const reply = await anonymous.post("/auth/login", { email: account.email, password: account.password });
  assert.equal(reply.status, 200, reply.text());
  return Object.assign(new Client(server, reply.data.token), { login: reply.data });
}

const file = async (name = fresh()) => {
  assert.equal((await ada.write(`${files}/${name}`, "before")).status, 200);
  return name;
};
/** Somebody in ada's tenant. */
async function member(role = "member") {
  const email = `${fresh()}@example.com`;
  const { token } = (await ada.post("/tenant/invitations", { email, role })).data;
  const reply = await anonymous.post("/auth/register", { email, password: "a long password", invitation: token });
  assert.equal(reply.status, 201, reply.text());
  return Object.assign(new Client(server, reply.data.token), { user: reply.data.user, password: "a long password" });
}
const proof = (account = ada) => ({ password: account.password });
/** Turns it on; the recovery codes. */
async function twoFactor(account) {
  const { secret } = (await account.post("/users/me/totp", proof(account))).data;
  const reply = await account.post("/users/me/totp/confirm", { code: totpCode(secret) });
  assert.equal(reply.status, 200, reply.text());
  return reply.data.recovery_codes;
}
/** Whose home has files: a workspace wrote them. */
const dweller = await server.account("dweller");
const dotfile = async (path, text = "before") => Number(await rounds.send(`home ${dweller.user.tenant_id} ${dweller.user.id} ${path} ${text}`));
const textOf = async (name) => (await ada.get(`${files}/${name}`)).body.toString();
const countOf = async (path) => (await ada.get(path)).data.length;

/** A phone of ada's, for what ends logins. */
let phone = await login();
const devices = "/auth/devices?limit=100";

const keys = "/auth/keys?limit=100";
async function clearKeys() {
  for (const { id } of (await ada.get(keys)).data) assert.equal((await ada.delete(`/auth/keys/${id}`)).status, 200);
}

/** A reply that had begun can only be broken off in its midst: it counts as a timeout. */
function brokenOff(error) {
  assert.equal(error.code, "ECONNRESET");
  return { status: 504, code: "timeout", text: () => "broken off" };
}

/*
 * Rows: the operation; before: what the request needs, made without faults; request: sent with one, and again after a timeout;
 * after: what must be so then. costly: see faults-rounds.mjs.
 */
const rows = [
  { id: "health", request: (_, o) => ada.get("/health", o) },
  { id: "doctor", request: (_, o) => ada.get("/doctor", o) },
  { id: "ready", request: (_, o) => ada.get("/ready", o), refusal: 503 },
  { id: "auth_registration", request: (_, o) => anonymous.get("/auth/registration", o), after: (_, reply) => assert.equal(reply.data.registration, "open") },
  {
    id: "auth_register",
    costly: true,
    before: () => ({ email: `${fresh()}@example.com`, password: "a long password", name: "New" }),
    request: (json, o) => anonymous.post("/auth/register", json, o),
    after: async (json, reply) => {
      assert.equal((await new Client(server, reply.data.token).get("/users/me")).data.email, json.email);
    },
  },
  {
    id: "auth_login",
    costly: true,
    before: () => countOf(devices),
    request: (_, o) => anonymous.post("/auth/login", { email: ada.email, password: ada.password }, o),
    after: async (devicesBefore, reply) => {
      const mine = new Client(server, reply.data.token);
      assert.equal((await mine.get(devices)).data.length, devicesBefore + 1);
      await mine.post("/auth/logout", {});
    },
  },
  {
    id: "auth_refresh",
    request: (_, o) => anonymous.post("/auth/refresh", { refresh_token: phone.login.refresh_token }, o),
    after: async (_, reply) => {
      phone = Object.assign(new Client(server, reply.data.token), { login: reply.data });
      assert.equal((await phone.get("/users/me")).status, 200);
    },
  },
  {
    id: "auth_logout",
    costly: true,
    before: () => login(),
    request: (mine, o) => mine.post("/auth/logout", { refresh_token: mine.login.refresh_token }, o),
    after: async (mine) => assert.equal((await mine.get("/users/me")).status, 401),
  },
  { id: "auth_devices_list", request: (_, o) => ada.get(devices, o), after: (_, reply) => assert.ok(reply.data.length >= 2) },
  {
    id: "auth_device_end",
    costly: true,
    before: async () => {
      const mine = await login();
      return { mine, id: (await mine.get(devices)).data.find((one) => one.current).id };
    },
    request: ({ id }, o) => ada.delete(`/auth/devices/${id}`, o),
    after: async ({ mine }) => assert.equal((await mine.get("/users/me")).status, 401),
  },
  {
    id: "auth_devices_end_others",
    costly: true,
    before: () => login(),
    request: (_, o) => ada.delete("/auth/devices", o),
    after: async (mine) => {
      assert.equal((await mine.get("/users/me")).status, 401);
      assert.equal(await countOf(devices), 1);
    },
  },
  {
    // What strangers are refused is written within a second, in the log of the house: the round waits for it.
    id: "users_me_get",
    name: "users_me_get of a stranger",
    costly: true,
    status: 401,
    before: () => `203.0.113.${number++ % 256}`,
    request: async (from, o) => {
      const reply = await anonymous.get("/users/me", { ...o, headers: { ...o.headers, "X-Forwarded-For": from } });
      await new Promise((written) => setTimeout(written, 1500));
      return reply;
    },
    after: async (from) => {
      const records = async () => (await strangers(server)).filter(({ address, route }) => address === from && route === "users_me_get");
      await until("it is written", async () => (await records()).length > 0);
      assert.deepEqual((await records()).map(({ count }) => count), [1]);
    },
  },
  {
    id: "audit_list",
    name: "audit_list, whole",
    request: (_, o) => ada.get("/audit", { ...o, headers: { ...o.headers, Accept: "application/x-ndjson" } }).catch(brokenOff),
    after: (_, reply) => assert.match(reply.body.toString(), /"action":"user.register"/),
  },
  {
    id: "auth_keys_list",
    before: async () => {
      await clearKeys();
      return ada.post("/auth/keys", { name: "script" });
    },
    request: (_, o) => ada.get(keys, o),
    after: (_, reply) => assert.equal(reply.data.length, 1),
  },
  {
    id: "auth_key_create",
    costly: true,
    before: clearKeys,
    request: (_, o) => ada.post("/auth/keys", { name: "script", access: "write" }, o),
    after: async (_, reply) => assert.equal((await new Client(server, reply.data.key).get("/users/me")).data.email, ada.email),
  },
  {
    id: "auth_key_delete",
    costly: true,
    before: async () => (await ada.post("/auth/keys", { name: "script" })).data,
    request: ({ record }, o) => ada.delete(`/auth/keys/${record.id}`, o),
    after: async ({ key }) => assert.equal((await new Client(server, key).get("/users/me")).status, 401),
  },
  { id: "users_me_get", request: (_, o) => ada.get("/users/me", o), after: (_, reply) => assert.equal(reply.data.email, ada.email) },
  {
    id: "users_me_put",
    before: fresh,
    request: (name, o) => ada.put("/users/me", { name }, o),
    after: async (name) => assert.equal((await ada.get("/users/me")).data.name, name),
  },
  {
    id: "users_me_password",
    costly: true,
    before: () => `the password ${fresh()}`,
    request: (next, o) => ada.put("/users/me/password", { current_password: ada.password, new_password: next, end_others: false }, o),
    after: (next) => {
      ada.password = next; // the next round needs it
    },
  },
  {
    id: "users_me_delete",
    costly: true,
    before: () => member(),
    request: (mel, o) => mel.delete("/users/me", { json: proof(mel), ...o }),
    after: async (mel) => assert.equal((await mel.get("/users/me")).status, 401),
  },
  {
    id: "users_me_email",
    costly: true,
    before: () => `${fresh()}@example.com`,
    request: (email, o) => ada.put("/users/me/email", { email, password: ada.password }, o),
    after: (email) => {
      ada.email = email;
    },
  },
  { id: "users_me_home_list", before: () => dotfile(".listed"), request: (_, o) => dweller.get("/users/me/home/files?limit=1000", o), after: (_, reply) => assert.ok(reply.data.some(({ path }) => path === ".listed")) },
  { id: "users_me_home_get", before: () => dotfile(".read"), request: (version, o) => dweller.get(`/users/me/home/files/.read?version=${version}`, o).catch(brokenOff), after: (_, reply) => assert.equal(reply.text(), "before") },
  { id: "users_me_home_changes", before: () => dotfile(".changed"), request: (_, o) => dweller.get("/users/me/home/changes?limit=1", o), after: (version, reply) => assert.equal(reply.data[0].version, version) },
  { id: "users_me_home_history", before: () => dotfile(".old"), request: (_, o) => dweller.get("/users/me/home/history/.old", o), after: (version, reply) => assert.equal(reply.data[0].version, version) },
  {
    id: "users_me_home_restore",
    before: async () => {
      const version = await dotfile(".restored");
      return { version, last: await dotfile(".restored", "after") };
    },
    request: ({ version }, o) => dweller.post("/users/me/home/history/.restored:restore", { version }, o),
    after: async ({ last }) => {
      assert.equal((await dweller.get("/users/me/home/files/.restored")).text(), "before");
      assert.deepEqual((await dweller.get(`/users/me/home/changes?since=${last}`)).data.map(({ op }) => op), ["restore"], "restored once");
    },
  },
  { id: "users_me_home_archive", request: (_, o) => ada.get("/users/me/home/archive", o).catch(brokenOff), after: (_, reply) => assert.deepEqual(tarList(reply.body), [""]) },
  { id: "users_me_totp_get", request: (_, o) => ada.get("/users/me/totp", o), after: (_, reply) => assert.equal(reply.data.enabled, false) },
  {
    id: "users_me_totp_begin",
    costly: true,
    request: (_, o) => ada.post("/users/me/totp", proof(), o),
    after: async () => assert.equal((await ada.get("/users/me/totp")).data.enabled, false),
  },
  {
    id: "users_me_totp_confirm",
    costly: true,
    before: async () => totpCode((await ada.post("/users/me/totp", proof())).data.secret),
    request: (code, o) => ada.post("/users/me/totp/confirm", { code }, o),
    after: async () => {
      assert.equal((await ada.get("/users/me/totp")).data.recovery_codes_left, 10);
      assert.equal((await ada.delete("/users/me/totp", { json: proof() })).status, 200);
    },
  },
  {
    id: "users_me_totp_end",
    costly: true,
    before: () => twoFactor(ada),
    request: (_, o) => ada.delete("/users/me/totp", { json: proof(), ...o }),
    after: async () => assert.equal((await ada.get("/users/me/totp")).data.enabled, false),
  },
  {
    id: "auth_login",
    name: "auth_login with a code",
    costly: true,
    before: async () => (await twoFactor(ada))[0],
    request: (code, o) => anonymous.post("/auth/login", { email: ada.email, password: ada.password, code }, o),
    after: async (_, reply) => {
      assert.equal((await ada.get("/users/me/totp")).data.recovery_codes_left, 9);
      await new Client(server, reply.data.token).post("/auth/logout", {});
      assert.equal((await ada.delete("/users/me/totp", { json: proof() })).status, 200);
    },
  },
  {
    id: "auth_reset",
    costly: true,
    before: async () => {
      const mel = await member();
      return { mel, token: (await ada.post(`/tenant/members/${mel.user.id}/reset`)).data.token };
    },
    request: ({ token }, o) => anonymous.post("/auth/reset", { token, new_password: "another password" }, o),
    after: async ({ mel, token }) => {
      assert.equal((await mel.get("/users/me")).status, 401);
      assert.equal((await anonymous.post("/auth/reset", { token, new_password: "another password" })).status, 403);
    },
  },
  { id: "auth_reset_ask", request: (_, o) => anonymous.post("/auth/reset/ask", { email: ada.email }, o) },
  { id: "sessions_list", request: (_, o) => ada.get("/sessions", o), after: (_, reply) => assert.ok(reply.data.length >= 1) },
  {
    id: "sessions_create",
    before: () => countOf("/sessions?limit=100"),
    request: (_, o) => ada.post("/sessions", { name: "One more" }, o),
    after: async (before, reply) => {
      assert.equal(await countOf("/sessions?limit=100"), before + 1);
      await ada.delete(`/sessions/${reply.data.id}`);
    },
  },
  { id: "sessions_get", request: (_, o) => ada.get(base, o), after: (_, reply) => assert.equal(reply.data.id, session.id) },
  {
    id: "sessions_update",
    before: fresh,
    request: (name, o) => ada.put(base, { name }, o),
    after: async (name) => assert.equal((await ada.get(base)).data.name, name),
  },
  {
    id: "sessions_delete",
    before: () => newSession(ada),
    request: ({ id }, o) => ada.delete(`/sessions/${id}`, o),
    after: async ({ id }) => assert.equal((await ada.get(`/sessions/${id}/files`)).status, 404),
  },
  {
    id: "sessions_restore",
    before: async () => {
      const made = await newSession(ada);
      await ada.delete(`/sessions/${made.id}`);
      return made;
    },
    request: ({ id }, o) => ada.post(`/sessions/${id}/restore`, undefined, o),
    after: async ({ id }) => {
      assert.equal((await ada.get(`/sessions/${id}`)).status, 200);
      await ada.delete(`/sessions/${id}`);
    },
  },
  ...conversationRows({ ada, session }),
  ...linkRows({ ada, server, base, brokenOff, tarList }),
  ...tenancyRows({ ada, few: await server.account("few"), anonymous, countOf, fresh, member, twoFactor }),
  { id: "sessions_pause", request: (_, o) => ada.post(`${base}/pause`, undefined, o), after: (_, reply) => assert.equal(reply.data.status, "paused") },
  { id: "auth_ticket_create", request: (_, o) => ada.post("/auth/tickets", { session_id: session.id }, o), status: 409 /* it does not run */ },
  {
    id: "session_events", status: 101, // its first message too: a fault behind the handshake is tried again
    request: async () => {
      const stream = await Stream.open(ada, session);
      if (stream.status !== undefined) return { status: stream.status, code: stream.json.error.code, text: () => JSON.stringify(stream.json) };
      stream.socket.terminate();
      return { status: 101, text: () => "" };
    },
  },
  { id: "terminals_list", request: (_, o) => ada.get(`${base}/terminals`, o), status: 409 /* likewise */ },
  { id: "terminals_delete", request: (_, o) => ada.delete(`${base}/terminals/main`, o), status: 409 },
  { id: "terminals_socket", request: (_, o) => ada.get(`/ws${base}/terminals/main`, { ...o, headers: { ...o?.headers, Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" } }), status: 409 },
  {
    id: "files_mkdir",
    before: fresh,
    request: (path, o) => ada.post(`${files}:mkdir`, { path }, o),
    after: async (path) => assert.deepEqual((await ada.get(`${files}?path=${path}`)).data, []),
  },
  {
    id: "files_put",
    name: "files_put, small, over another",
    before: () => file(),
    request: (name, o) => ada.write(`${files}/${name}`, "after", o),
    after: async (name) => {
      assert.equal(await textOf(name), "after");
      assert.equal(await countOf(`${base}/history/${name}`), 2, "written once");
    },
  },
  {
    id: "files_put",
    name: "files_put, streamed, in new folders",
    before: () => `${fresh()}/${fresh()}`,
    request: (name, o) => ada.write(`${files}/${name}`, Readable.from([noise]), o),
    after: async (name) => {
      assert.deepEqual((await ada.get(`${files}/${name}`)).body, noise);
      assert.equal(await countOf(`${base}/history/${name}`), 1, "written once");
    },
  },
  { id: "files_list", request: (_, o) => ada.get(`${files}?recursive=true&limit=3`, o), after: (_, reply) => assert.equal(reply.data.length, 3) },
  { id: "files_get", before: () => file("one"), request: (name, o) => ada.get(`${files}/${name}`, o), after: (_, reply) => assert.equal(reply.body.toString(), "before") },
  { id: "files_history", before: () => file("one"), request: (name, o) => ada.get(`${base}/history/${name}`, o), after: (_, reply) => assert.ok(reply.data.length > 0) },
  { id: "files_diff", before: () => file("one"), request: (name, o) => ada.get(`${base}/diff/${name}?from=0`, o), after: (_, reply) => assert.equal(reply.data.added, 1) },
  {
    id: "files_rewind",
    before: async () => {
      const made = await newSession(ada);
      const one = (await ada.write(`/sessions/${made.id}/files/a/one`, "one")).data.version;
      await ada.write(`/sessions/${made.id}/files/b/two`, "two");
      await ada.delete(`/sessions/${made.id}/files/a?recursive=true`);
      return { id: made.id, one };
    },
    request: ({ id, one }, o) => ada.post(`/sessions/${id}/files:restore`, { at: one }, o),
    after: async ({ id }, reply) => {
      assert.deepEqual([reply.data.done, reply.data.changed], [true, 2]);
      assert.deepEqual((await ada.get(`/sessions/${id}/files?recursive=true`)).data.map((one) => one.path), ["a", "a/one"]);
      assert.equal((await ada.get(`/sessions/${id}/changes`)).data.length, 4, "restored once");
      await ada.delete(`/sessions/${id}`);
    },
  },
  { id: "files_changes", before: () => file("one"), request: (_, o) => ada.get(`${base}/changes?limit=1&path=one`, o), after: (_, reply) => assert.equal(reply.data[0].path, "one") },
  {
    id: "files_archive",
    before: async () => `/sessions/${small.id}/archive`,
    request: (path, o) => ada.get(path, o).catch(brokenOff),
    after: (_, reply) => assert.ok(tarList(reply.body).includes("one")),
  },
  {
    id: "files_unpack",
    before: fresh,
    request: (path, o) => ada.request("POST", `${base}/archive?path=${path}`, { body: packed, ...o }),
    after: async (path) => assert.equal(await textOf(`${path}/faults.mjs`), source),
  },
  {
    id: "files_restore",
    before: async () => {
      const name = await file();
      const [{ version }] = (await ada.get(`${base}/history/${name}`)).data;
      await ada.write(`${files}/${name}`, "after");
      return { name, version };
    },
    request: ({ name, version }, o) => ada.post(`${base}/history/${name}:restore`, { version }, o),
    after: async ({ name }) => {
      assert.equal(await textOf(name), "before");
      assert.equal(await countOf(`${base}/history/${name}`), 3, "restored once");
    },
  },
  {
    id: "files_move",
    name: "files_move of a folder",
    before: async () => {
      const folder = fresh();
      await file(`${folder}/inside`);
      return { from: folder, to: fresh() };
    },
    request: (json, o) => ada.post(`${files}:move`, json, o),
    after: async ({ from, to }) => {
      assert.equal(await textOf(`${to}/inside`), "before");
      assert.equal((await ada.get(`${files}/${from}/inside`)).status, 404);
    },
  },
  {
    id: "files_copy",
    name: "files_copy of a folder",
    before: async () => {
      const folder = fresh();
      await file(`${folder}/inside`);
      return { from: folder, to: fresh() };
    },
    request: (json, o) => ada.post(`${files}:copy`, json, o),
    after: async ({ from, to }) => {
      assert.equal(await textOf(`${to}/inside`), "before");
      assert.equal(await textOf(`${from}/inside`), "before");
    },
  },
  {
    id: "files_delete",
    before: () => file(),
    request: (name, o) => ada.delete(`${files}/${name}`, o),
    after: async (name) => assert.equal((await ada.get(`${files}/${name}`)).status, 404),
  },
  {
    id: "sessions_fork",
    before: () => newSession(ada),
    request: (origin, o) => ada.post(`/sessions/${origin.id}/fork`, { name: "Copy" }, o),
    after: async (origin, reply) => {
      // Its copying suffers faults, too.
      await until("it is whole", async () => (await ada.get(`/sessions/${reply.data.id}`)).data.status === "active");
      const copies = (await ada.get("/sessions?limit=100")).data.filter((one) => one.forked_from === origin.id);
      assert.deepEqual(copies.map(({ id }) => id), [reply.data.id]);
      for (const { id } of [...copies, origin]) await ada.delete(`/sessions/${id}`);
    },
  },
  { id: "sessions_clone", before: async () => (await ada.post("/sessions", { name: "A", git_url: "https://git.example.com/a.git" })).data.id, request: (id, o) => ada.post(`/sessions/${id}/clone`, undefined, o), after: (id) => ada.delete(`/sessions/${id}`) },
  {
    id: "sessions_open", costly: true,
    request: (_, o) => ada.post(`${base}/open`, undefined, o),
    after: () => ada.post(`${base}/pause`),
  },
];

test("the rows are the document's", () => {
  const tried = new Set(rows.map((row) => row.id));
  assert.deepEqual(bundle.operations.map((one) => one.id).filter((id) => !tried.has(id)), []);
});

for (const row of rows.filter((_, i) => (i % 2 === 1) === (new URL(import.meta.url).search === "?odd"))) {
  test(`each fault at each store call: ${row.name ?? row.id}`, { timeout: 600_000 }, async (t) => {
    t.diagnostic(`${await rounds.everyCall(row)} faults`);
  });
}

test("the server ends in order, and what it leaves is whole", () => { rounds.close(); return server.stop(); });
