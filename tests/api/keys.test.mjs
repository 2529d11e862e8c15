// API keys: made, used, refused, ended.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, newSession, serverForFile } from "./harness.mjs";

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

// What no key may, of every operation: permissions.test.mjs.
test("a key for reading changes nothing, and no key ends a login", async () => {
  const ada = await server.account("scopes");
  const [reader, writer] = [await made(ada, { name: "r" }), await made(ada, { name: "w", access: "write" })];
  const session = await newSession(ada);
  assert.equal((await reader.put(`/sessions/${session.id}`, { name: "Another" })).status, 403);
  assert.equal((await reader.write(`/sessions/${session.id}/files/a.txt`, "a")).status, 403);
  assert.equal((await ada.get(`/sessions/${session.id}`)).data.name, session.name);
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
