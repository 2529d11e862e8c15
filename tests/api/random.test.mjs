// Random requests from the document, good and broken: no 5xx, no hang, no reply that the document does not describe (the
// client checks each); each operation goes through at least once and is refused as invalid at least once. CODITECT_RANDOM_SEED repeats a run, CODITECT_RANDOM_SECONDS makes it longer.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { bundle, Client, encodeBytes, newSession, serverForFile } from "./harness.mjs";
import { homeOf, program } from "./homes.mjs";
import { elsewhere, goodRequests } from "./random-good.mjs";
import { open as openWorkspace } from "../workspaces/inside.mjs";

const seed = Number(process.env.CODITECT_RANDOM_SEED ?? Date.now() % 1_000_000);
const seconds = Number(process.env.CODITECT_RANDOM_SECONDS ?? 10);
const server = await serverForFile({ program });

/** mulberry32 */
function generator(start) {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = generator(seed);
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

const words = ["a", "b.txt", "dir", "dir/a", "ü", "🙂", "", ".", "..", "a/../b", "\u0000", "x".repeat(256), "x".repeat(5000), "%", "null", "true", "0", "-1", "1e9", "9223372036854775807", "*", "'\"<>", "\ud800"];
const values = [null, true, false, 0, 1, -1, 1.5, 1e308, [], {}, [1], { a: 1 }, ...words];
const headers = ["If-Match", "If-None-Match", "Range", "Idempotency-Key", "If-Range", "Accept", "Origin", "Cookie", "Content-Encoding"];

function resolved(schema) {
  return schema.$ref ? resolved(bundle.$defs[schema.$ref.split("/").at(-1)]) : schema;
}

function valueOf(schema, name, ids) {
  const node = resolved(schema);
  if (random() < 0.2) return pick(values);
  if (ids[name] !== undefined) return ids[name];
  if (node.enum) return pick(node.enum);
  if (node.type === "boolean") return random() < 0.5;
  if (node.type === "integer") return pick([1, 2, 3, node.minimum ?? 0, node.maximum ?? 9]);
  if (node.format === "email") return `p${below(50)}@example.com`;
  return pick(words);
}

function bodyOf(operation, ids) {
  if (operation.body === "none") return random() < 0.8 ? {} : { json: pick(values) };
  if (operation.body === "bytes") return { body: Buffer.alloc(below(3000), below(256)) };
  if (random() < 0.05) return { body: pick(["", "{", "[", '{"a":', "\u0000", "nul"]), headers: { "Content-Type": "application/json" } };
  const members = Object.entries(resolved(operation.body).properties).filter(() => random() < 0.85);
  const json = Object.fromEntries(members.map(([name, schema]) => [name, valueOf(schema, name, ids)]));
  if (random() < 0.1) json[pick(words)] = pick(values);
  return { json };
}

function pathOf(operation, ids) {
  const parts = operation.segments.map(({ kind, text }) => {
    if (kind === "literal") return text;
    if (kind === "param") return random() < 0.9 ? (ids[text] ?? "x") : encodeBytes(String(pick(words)));
    return pick(words).split("/").map(encodeBytes).join("/") + text;
  });
  const known = operation.parameters.filter((one) => one.in === "query" && random() < 0.4).map(({ name, schema }) => [name, valueOf(schema, name, ids)]);
  if (random() < 0.05) known.push([pick(["x", "limit", "path", ""]), pick(values)]);
  const query = known.length > 0 ? `?${known.map(([name, value]) => `${name}=${encodeBytes(String(value))}`).join("&")}` : "";
  return `/${parts.join("/")}${query}`;
}

/** The status of a WebSocket's handshake; the socket ends at once. */
async function shake({ token }, path) {
  const socket = connect(server.port, "127.0.0.1").setEncoding("latin1");
  socket.write([`GET /api/v5${path} HTTP/1.1`, `Host: 127.0.0.1:${server.port}`, `Authorization: Bearer ${token}`, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""].join("\r\n"));
  for await (const text of socket) return Number(text.split(" ")[1]);
  throw new Error("no answer");
}

test(`random requests for ${seconds} s, seed ${seed}`, { timeout: (seconds + 120) * 1000 }, async () => {
  const ada = await server.account("random");
  const session = await newSession(ada);
  await ada.write(`/sessions/${session.id}/files/a`, "a");
  for (const path of ["a", "b.txt", "dir/a"]) await homeOf(server, ada).write(path, "a");
  const link = () => ada.post(`/sessions/${session.id}/links`, { name: "random" });
  // What has an id, and how another one is made when it was deleted; undefined: there are as many as there may be.
  const makers = {
    conversation_id: async () => (await ada.post("/conversations", { session_id: session.id, name: "random" })).data?.id,
    project_id: async () => (await ada.post("/projects", { name: `random ${made++}` })).data?.id,
    key_id: async () => (await ada.post("/auth/keys", { name: `random ${made++}` })).data?.record.id,
    link_id: async () => (await link()).data?.link.id,
    invitation_id: async () => (await ada.post("/tenant/invitations", { email: `invited${made++}@example.com`, role: "viewer" })).data?.id,
  };
  let made = 0;
  const guest = new Client(server, (await link()).data.token);
  const ids = { session_id: session.id, user_id: ada.user.id, device_id: (await ada.get("/auth/devices")).data[0].id, workspace_id: session.workspace.id, category: "editor", key: "font_size", terminal: "main" };
  for (const [name, make] of Object.entries(makers)) ids[name] = await make();
  const open = (await newSession(ada, "open")).id;
  await openWorkspace(ada, open);
  const kept = (await newSession(ada, "kept")).id;
  const goodOf = goodRequests({ server, ada, guest, ids, session: kept, open });
  // Ending our own logins would make the rest of the run a row of 401: what does is sent for people who are there for that.
  const ours = new Set(["auth_logout", "auth_device_end", "auth_devices_end_others", "sessions_delete", "tenant_session_delete", "tenant_transfer", "users_me_delete", "users_me_password"]);
  const slow = new Set(["auth_register", "auth_login", "auth_reset", "users_me_email", "users_me_totp_begin", "users_me_totp_end"]);
  const waiting = new Set(["sessions_fork", "files_archive", "terminals_list", "terminals_delete"]); // these wait for the workspace, which another request may just have started
  const all = bundle.operations;
  const endings = new Set(all.filter(({ id }) => ours.has(id)).map(({ path }) => path));
  const seen = new Map(all.map(({ id }) => [id, { ok: id in elsewhere, invalid: false, status: {} }]));
  const statuses = {};
  let count = 0;
  const note = (operation, { status }) => {
    const one = seen.get(operation.id);
    statuses[status] = (statuses[status] ?? 0) + 1;
    count += 1;
    one.status[status] = (one.status[status] ?? 0) + 1;
    one.ok ||= status < 400;
    one.invalid ||= status === 400;
  };
  const good = async (operation) => {
    const { by, path, request } = await goodOf(operation);
    if ("101" in operation.replies) return note(operation, { status: await shake(by, path) });
    const reply = await by.request(operation.method, path, { ...request, expected5xx: waiting.has(operation.id) });
    assert.ok(reply.status !== 400 && reply.status !== 401, `${operation.id} ${path} ${JSON.stringify(request.json)}: ${reply.text()}`);
    note(operation, reply);
    if (reply.status < 300) await replace(operation, path);
  };
  const replace = async ({ method }, path) => {
    if (method === "DELETE") for (const [name, make] of Object.entries(makers)) if (path.includes(ids[name])) ids[name] = (await make()) ?? ids[name];
  };
  const strange = async (operation) => {
    const named = operation.parameters.filter((one) => one.in === "header" && random() < 0.3).map(({ name }) => [name, pick(['"1"', '"2"', "*", "bytes=0-9", "key-1", "key-2"])]);
    const extra = random() < 0.2 ? { [pick(headers)]: pick(['"1"', "*", "bytes=0-0", "bytes=9-1", "x", "W/\"1\""]) } : {};
    const request = bodyOf(operation, ids);
    const method = random() < 0.97 ? operation.method : pick(["GET", "PUT", "POST", "PATCH", "OPTIONS", endings.has(operation.path) ? "HEAD" : "DELETE"]);
    const path = pathOf(operation, ids);
    const by = operation.by_link ? guest : ours.has(operation.id) ? await server.account("stranger") : ada;
    const reply = await by.request(method, path, { ...request, headers: { ...Object.fromEntries(named), ...extra, ...request.headers }, expected5xx: waiting.has(operation.id) });
    assert.ok(reply.status < 500 || (reply.status === 503 && reply.json.error.code === "busy"), `${operation.id} ${path}: ${reply.text()}`);
    if (method === operation.method) note(operation, reply);
    if (method === "DELETE" && reply.status === 200) await replace(operation, path);
  };
  const owed = (what) => all.filter(({ id }) => !seen.get(id)[what]);
  const end = Date.now() + seconds * 1000;
  const worker = async () => {
    // First one in four, then all: what did not go through yet, and what was not refused as invalid yet.
    for (let late = false; !late || (owed("ok").length + owed("invalid").length > 0 && Date.now() < end + 45_000); late = Date.now() >= end) {
      const [lacking, unrefused] = [owed("ok"), owed("invalid")];
      const steered = late || random() < 0.25;
      if (steered && lacking.length > 0 && (unrefused.length === 0 || random() < 0.5)) await good(pick(lacking));
      else if (steered && unrefused.length > 0) await strange(pick(unrefused));
      else if (random() < 0.03) await good(pick(all.filter(({ id }) => !(id in elsewhere))));
      else await strange(pick(random() < 0.95 ? all.filter(({ id }) => !slow.has(id) && !ours.has(id)) : all));
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  assert.ok(count > 10 * seconds, `only ${count} requests`);
  assert.ok(statuses[200] > 0 && statuses[400] > 0 && statuses[404] > 0, JSON.stringify(statuses));
  for (const what of ["ok", "invalid"]) assert.deepEqual(owed(what).map(({ id }) => `${id} ${JSON.stringify(seen.get(id).status)}`), [], `never ${what}`);
  assert.equal((await ada.get("/users/me")).status, 200);
});
