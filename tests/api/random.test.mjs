// Random requests from the document, good and broken: no 5xx, no hang, no reply that the document does not describe (the
// client checks each). CODITECT_RANDOM_SEED repeats a run, CODITECT_RANDOM_SECONDS makes it longer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, Client, encodeBytes, newSession, serverForFile } from "./harness.mjs";
import { homeOf, program } from "./homes.mjs";

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

test(`random requests for ${seconds} s, seed ${seed}`, { timeout: (seconds + 60) * 1000 }, async () => {
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
  // Ending our own logins would make the rest of the run a row of 401.
  const harmless = bundle.operations.filter((one) => !["auth_logout", "auth_device_end", "sessions_delete", "tenant_session_delete", "tenant_transfer", "users_me_delete", "users_me_password"].includes(one.id));
  const slow = new Set(["auth_register", "auth_login", "auth_reset", "users_me_email", "users_me_totp_begin", "users_me_totp_end"]);
  const waiting = new Set(["sessions_fork", "files_archive", "terminals_list", "terminals_delete"]); // these wait for the workspace, which another request may just have started
  const statuses = {};
  const reached = new Map();
  let count = 0;
  const worker = async () => {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      const operation = pick(random() < 0.95 ? harmless.filter((one) => !slow.has(one.id)) : harmless);
      const named = operation.parameters.filter((one) => one.in === "header" && random() < 0.3).map(({ name }) => [name, pick(['"1"', '"2"', "*", "bytes=0-9", "key-1", "key-2"])]);
      const extra = random() < 0.2 ? { [pick(headers)]: pick(['"1"', "*", "bytes=0-0", "bytes=9-1", "x", "W/\"1\""]) } : {};
      const request = bodyOf(operation, ids);
      const method = random() < 0.97 ? operation.method : pick(["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"]);
      const path = pathOf(operation, ids);
      const reply = await (operation.by_link ? guest : ada).request(method, path, { ...request, headers: { ...Object.fromEntries(named), ...extra, ...request.headers }, expected5xx: waiting.has(operation.id) });
      assert.ok(reply.status < 500 || (reply.status === 503 && reply.json.error.code === "busy"), `${operation.id} ${path}: ${reply.text()}`);
      statuses[reply.status] = (statuses[reply.status] ?? 0) + 1;
      count += 1;
      if (method === operation.method) reached.set(operation.id, (reached.get(operation.id) ?? []).concat(reply.status));
      if (method !== "DELETE" || reply.status !== 200) continue;
      for (const [name, make] of Object.entries(makers)) if (path.includes(ids[name])) ids[name] = (await make()) ?? ids[name];
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  assert.ok(count > 10 * seconds, `only ${count} requests`);
  assert.ok(statuses[200] > 0 && statuses[400] > 0 && statuses[404] > 0, JSON.stringify(statuses));
  // A run of refusals finds nothing: most operations that were tried some times have gone through, or failed for what is stored.
  const tried = [...reached].filter(([, all]) => all.length >= 15);
  const closed = tried.filter(([, all]) => all.every((status) => [400, 401, 404, 405, 429].includes(status))).map(([id]) => id);
  assert.ok(closed.length <= tried.length / 5, `${closed.length} of ${tried.length} never went through: ${closed.join(" ")}`);
  assert.equal((await ada.get("/users/me")).status, 200);
});
