// API keys: made, used, refused, ended.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, Client, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile();

const made = async (owner, json) => {
  const reply = await owner.post("/auth/keys", json);
  assert.equal(reply.status, 201, reply.text());
  return Object.assign(new Client(server, reply.data.key), reply.data);
};

test("a key is shown once, listed without its secret, and comes in as its person", async () => {
  const ada = await server.account("keys");
  const reader = await made(ada, { name: " nightly build " });
  assert.match(reader.key, /^cdk_[0-9a-z]{26}_[A-Za-z0-9_-]{43}$/);
  assert.equal(reader.record.name, "nightly build");
  assert.equal(reader.record.access, "read");
  assert.equal(reader.record.last_used_at, undefined);
  const days = (Date.parse(reader.record.expires_at) - Date.parse(reader.record.created_at)) / 86_400_000;
  assert.equal(days, 90);
  const writer = await made(ada, { name: "two", access: "write", expires_in_days: 1 });

  const list = await ada.get("/auth/keys");
  assert.deepEqual(list.data.map(({ name }) => name), ["two", "nightly build"]);
  assert.ok(!list.text().includes(reader.key.slice(-43)));
  const first = await ada.get("/auth/keys?limit=1");
  const second = await ada.get(`/auth/keys?limit=1&cursor=${first.json.page.next}`);
  assert.deepEqual([first.data[0].id, second.data[0].id], [writer.record.id, reader.record.id]);

  assert.equal((await reader.get("/users/me")).data.id, ada.user.id);
  const session = await newSession(writer, "by a script");
  assert.equal((await ada.get(`/sessions/${session.id}`)).data.name, "by a script");
  assert.equal((await writer.write(`/sessions/${session.id}/files/a.txt`, "from a script")).status, 200);
  assert.equal((await reader.get(`/sessions/${session.id}/files/a.txt`)).text(), "from a script");
});

test("a key for reading changes nothing, and no key acts for the account", async () => {
  const ada = await server.account("scopes");
  const [reader, writer] = [await made(ada, { name: "r" }), await made(ada, { name: "w", access: "write" })];
  const session = await newSession(ada);
  const ids = { session_id: session.id, device_id: (await ada.get("/auth/devices")).data[0].id, key_id: reader.record.id,
    user_id: ada.user.id, invitation_id: "inv-01jd5k7c9r3m8xq2w4e6y8t0za",
    project_id: "prj-01jd5k7c9r3m8xq2w4e6y8t0za", workspace_id: "wsp-01jd5k7c9r3m8xq2w4e6y8t0za", conversation_id: "cnv-01jd5k7c9r3m8xq2w4e6y8t0za", link_id: "lnk-01jd5k7c9r3m8xq2w4e6y8t0za", category: "editor", key: "font_size", terminal: "main" };
  const guarded = bundle.operations.filter((one) => !one.public);
  const changing = guarded.filter((one) => one.method !== "GET");
  assert.ok(changing.length > 10);
  const pathOf = (one) => `/${one.segments.map(({ kind, text }) => (kind === "literal" ? text : kind === "rest" ? `a.txt${text}` : ids[text])).join("/")}`;
  for (const one of changing) {
    assert.ok(!pathOf(one).includes("undefined"), `this test must know an id for ${one.id}`);
    assert.equal((await reader.request(one.method, pathOf(one), { json: {} })).status, 403, one.id);
  }
  const account = ["auth_keys_list", "auth_key_create", "auth_key_delete", "auth_devices_list", "auth_device_end", "auth_devices_end_others",
    "users_me_put", "users_me_password", "auth_ticket_create"];
  for (const id of account) {
    const one = guarded.find((each) => each.id === id);
    for (const key of [reader, writer]) assert.equal((await key.request(one.method, pathOf(one), { json: {} })).status, 403, id);
  }
  assert.equal((await writer.post("/auth/logout", { everywhere: true })).status, 401, "a key is no login that could end");
  assert.equal((await ada.get(`/sessions/${session.id}`)).status, 200);
});

test("what is not a key of somebody is 401", async () => {
  const ada = await server.account("forged");
  const { key, record } = await made(ada, { name: "one" });
  const other = await made(ada, { name: "two" });
  const flipped = key.slice(0, -1) + (key.endsWith("A") ? "B" : "A");
  for (const token of [flipped, key.slice(0, -1), `${key}A`, key.toUpperCase(), key.slice(0, 31) + other.key.slice(31), "cdk_", `cdk_${"0".repeat(26)}_${"A".repeat(43)}`,
    `cdk_${"/".repeat(26)}_${"A".repeat(43)}`]) {
    assert.equal((await new Client(server, token).get("/users/me")).status, 401, token);
  }
  const eve = await server.account("eve");
  assert.equal((await eve.delete(`/auth/keys/${record.id}`)).status, 404);
  assert.equal((await new Client(server, key).get("/users/me")).status, 200);
  assert.equal((await ada.delete(`/auth/keys/${record.id}`)).status, 200);
  assert.equal((await new Client(server, key).get("/users/me")).status, 401, "at once");
  assert.equal((await ada.delete(`/auth/keys/${record.id}`)).status, 404);
  assert.equal((await other.get("/users/me")).status, 200);
});

test("bounds: names, days, access, and fifty keys", async () => {
  const ada = await server.account("bounds");
  const field = async (json) => {
    const reply = await ada.post("/auth/keys", json);
    assert.equal(reply.status, 400, JSON.stringify(json));
    return Object.keys(reply.json.error.fields).sort();
  };
  assert.deepEqual(await field({}), ["name"]);
  assert.deepEqual(await field({ name: "" }), ["name"]);
  assert.deepEqual(await field({ name: " " }), ["name"]);
  assert.deepEqual(await field({ name: "x".repeat(101) }), ["name"]);
  assert.deepEqual(await field({ name: "x", access: "admin" }), ["access"]);
  for (const expires_in_days of [0, 367, -1, 1.5, "1"]) assert.deepEqual(await field({ name: "x", expires_in_days }), ["expires_in_days"]);
  assert.deepEqual(await field({ name: "x", id: "key-x", hash: "x" }), ["hash", "id"]);
  for (let i = 0; i < 50; i++) await made(ada, { name: "x" });
  const more = await ada.post("/auth/keys", { name: "x" });
  assert.equal(more.status, 409);
  assert.equal(more.code, "limit");
});
