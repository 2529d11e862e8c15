// Conversations and their messages as plain records.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, serverForFile, sharedData, until } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const eve = await server.account("eve");
const session = await newSession(ada);
const names = (reply) => reply.data.map((one) => one.name);
const begin = async (name = "Why", session_id = session.id) => (await ada.post("/conversations", { session_id, name })).data;
/** In another millisecond, which is what lists are sorted by. */
async function later() {
  const now = Date.now();
  await until("another millisecond", () => Date.now() > now);
}
const say = (id, content, role = "user", options = {}) => ada.post(`/conversations/${id}/messages`, { role, content }, options);

test("create, say, list, get, rename, delete, restore", async () => {
  const created = await ada.post("/conversations", { session_id: session.id, name: "Why is it slow" });
  assert.equal(created.status, 201, created.text());
  const path = `/conversations/${created.data.id}`;
  assert.equal(created.headers.location, `/api/v5${path}`);
  assert.deepEqual([created.data.messages, created.data.bytes, created.data.user_id], [0, 0, ada.user.id]);
  assert.deepEqual((await ada.get(path)).data, created.data);
  for (const [i, role] of ["system", "user", "assistant", "tool"].entries()) {
    const said = await say(created.data.id, `${role} says`, role);
    assert.equal(said.status, 201, said.text());
    assert.deepEqual([said.data.seq, said.data.role, said.data.content], [i + 1, role, `${role} says`]);
  }
  const all = await ada.get(`${path}/messages`);
  assert.deepEqual(all.data.map((one) => one.role), ["system", "user", "assistant", "tool"]);
  assert.equal(all.json.page.total, 4);
  const now = await ada.get(path);
  assert.deepEqual([now.data.messages, now.data.bytes], [4, 43]);
  assert.notEqual(now.headers.etag, created.headers.etag, "a message is a change");
  const stale = await ada.request("PUT", path, { json: { name: "x" }, headers: { "If-Match": created.headers.etag } });
  assert.equal(stale.status, 412);
  assert.equal((await ada.put(path, { name: "Why it was slow" })).data.name, "Why it was slow");
  assert.equal((await ada.put(path, { name: "  " })).status, 400);
  const gone = await ada.delete(path);
  assert.ok(gone.data.deleted_at);
  assert.deepEqual((await ada.delete(path)).data, gone.data, "twice is harmless");
  assert.equal((await say(created.data.id, "too late")).status, 404);
  assert.equal((await ada.put(path, { name: "x" })).status, 404);
  assert.deepEqual(names(await ada.get(`/conversations?session_id=${session.id}`)), []);
  assert.deepEqual(names(await ada.get(`/conversations?session_id=${session.id}&deleted=true`)), ["Why it was slow"]);
  assert.equal((await ada.post(`${path}/restore`)).data.deleted_at, undefined);
  assert.deepEqual((await ada.get(`${path}/messages`)).data, all.data);
  const actions = (await ada.get("/audit?limit=100")).data.filter((one) => one.target === created.data.id).map((one) => one.action);
  assert.deepEqual(actions, ["restore", "delete", "rename", "create"].map((verb) => `conversation.${verb}`));
});

test("messages that come at once stand in one order, without gaps, the same for everybody", async () => {
  const { id } = await begin();
  const said = await Promise.all(Array.from({ length: 40 }, (_, i) => say(id, `message ${i}`)));
  for (const reply of said) assert.equal(reply.status, 201, reply.text());
  const all = (await ada.get(`/conversations/${id}/messages`)).data;
  assert.deepEqual(all.map((one) => one.seq), Array.from({ length: 40 }, (_, i) => i + 1));
  for (const { data } of said) assert.deepEqual(all[data.seq - 1], data);
});

test("the same Idempotency-Key is the same message, in the same place", async () => {
  const { id } = await begin();
  const headers = { "Idempotency-Key": "once" };
  const first = await say(id, "once", "user", { headers });
  await say(id, "between");
  assert.deepEqual((await say(id, "once", "user", { headers })).data, first.data);
  assert.equal((await say(id, "twice", "user", { headers })).status, 409);
  assert.equal((await ada.get(`/conversations/${id}`)).data.messages, 2);
  const create = (name) => ada.post("/conversations", { session_id: session.id, name }, { headers });
  assert.equal((await create("Once")).data.id, (await create("Once")).data.id);
  assert.equal((await create("Twice")).status, 409);
});

test("pages of messages, both ways, while others are appended", async () => {
  const { id } = await begin();
  for (let i = 0; i < 7; i++) await say(id, `m${i}`);
  for (const reverse of [false, true]) {
    const seen = [];
    for (let next = ""; next !== undefined; ) {
      const page = await ada.get(`/conversations/${id}/messages?limit=3&reverse=${reverse}${next}`);
      seen.push(...page.data.map((one) => one.seq));
      if (reverse) await say(id, "meanwhile");
      next = page.json.page.next === null ? undefined : `&cursor=${page.json.page.next}`;
    }
    const wanted = [1, 2, 3, 4, 5, 6, 7];
    assert.deepEqual(seen, reverse ? wanted.reverse() : wanted);
  }
  const other = await begin();
  const { next } = (await ada.get(`/conversations/${id}/messages?limit=1`)).json.page;
  assert.equal((await ada.get(`/conversations/${other.id}/messages?cursor=${next}`)).status, 400, "a cursor is of its list");
});

test("texts come back byte for byte; what is too long is refused", async (t) => {
  const { id } = await begin();
  const longest = "ü".repeat(30_720); // 61,440 bytes
  const odd = ["\u0000", "\u0001\u001f\u007f\u0085", "\\u0000\"'", "\u2028\u2029\ufeff\ufffe", "🙂".repeat(100), " \t\r\n", longest];
  for (const content of odd) assert.equal((await say(id, content)).data?.content, content, JSON.stringify(content).slice(0, 40));
  for (const [content, status] of [["", 400], ["x".repeat(61_441), 400], [`${longest}x`, 400], ["x".repeat(66_000), 413], [5, 400], [undefined, 400]]) {
    assert.equal((await say(id, content)).status, status);
  }
  assert.equal((await say(id, "x", "owner")).status, 400);
  let cursor = "";
  const kept = [];
  while (cursor !== undefined) {
    const page = await ada.get(`/conversations/${id}/messages?limit=100${cursor}`);
    kept.push(...page.data.map((one) => one.content));
    cursor = page.json.page.next === null ? undefined : `&cursor=${page.json.page.next}`;
  }
  assert.deepEqual(kept, odd);
  const text = sharedData("naughty-strings/blns.json");
  if (text === undefined) return t.skip("../shared/data/naughty-strings is not there");
  const naughty = JSON.parse(text).filter((one) => one !== "");
  const there = await begin("naughty");
  for (const content of naughty) assert.equal((await say(there.id, content)).data?.content, content, JSON.stringify(content));
  const first = await ada.get(`/conversations/${there.id}/messages`);
  assert.deepEqual(first.data.map((one) => one.content), naughty.slice(0, 100));
  for (const name of naughty.slice(0, 60)) {
    const reply = await ada.put(`/conversations/${there.id}`, { name });
    assert.ok(reply.status === 400 || reply.data.name === name.trim() || name.trim() !== name, JSON.stringify(name));
  }
});

test("long messages make pages short, and lose none", async () => {
  const { id } = await begin();
  const content = "x".repeat(60_000);
  for (let i = 0; i < 25; i++) assert.equal((await say(id, content)).status, 201);
  const first = await ada.get(`/conversations/${id}/messages`);
  assert.ok(first.data.length < 25 && first.data.length >= 5, `${first.data.length}`);
  const second = await ada.get(`/conversations/${id}/messages?cursor=${first.json.page.next}`);
  assert.equal(second.data[0].seq, first.data.length + 1);
});

test("lists: of one session and of all, searched, the latest first", async () => {
  const ken = await server.account("ken");
  const [one, two] = [await newSession(ken, "one"), await newSession(ken, "two")];
  const made = {};
  for (const [name, at] of [["alpha", one], ["Beta", one], ["gamma", two]]) {
    await later();
    made[name] = (await ken.post("/conversations", { session_id: at.id, name })).data.id;
  }
  await later();
  await ken.post(`/conversations/${made.alpha}/messages`, { role: "user", content: "newest" });
  assert.deepEqual(names(await ken.get("/conversations")), ["alpha", "gamma", "Beta"]);
  assert.deepEqual(names(await ken.get("/conversations?reverse=true")), ["Beta", "gamma", "alpha"]);
  assert.deepEqual(names(await ken.get("/conversations?q=BET")), ["Beta"]);
  const of = await ken.get(`/conversations?session_id=${one.id}&limit=1`);
  assert.deepEqual([names(of), of.json.page.total], [["alpha"], 2]);
  assert.deepEqual(names(await ken.get(`/conversations?session_id=${one.id}&cursor=${of.json.page.next}`)), ["Beta"]);
  assert.equal((await ken.delete(`/sessions/${one.id}`)).status, 200);
  assert.deepEqual(names(await ken.get("/conversations")), ["gamma"], "of a deleted session there are none");
  for (const path of [`/conversations?session_id=${one.id}`, `/conversations/${made.alpha}`, `/conversations/${made.alpha}/messages`]) {
    assert.equal((await ken.get(path)).status, 404, path);
  }
  assert.equal((await ken.post("/conversations", { session_id: one.id, name: "x" })).status, 404);
  await ken.post(`/sessions/${one.id}/restore`);
  assert.deepEqual(names(await ken.get("/conversations")), ["alpha", "gamma", "Beta"]);
});

test("somebody else's is the same as none, also within the tenant", async () => {
  const { id } = await begin("secret");
  await say(id, "secret");
  const { token } = (await ada.post("/tenant/invitations", { email: "mate@example.com", role: "admin" })).data;
  const mate = (await server.anonymous().post("/auth/register", { email: "mate@example.com", password: "a long password", invitation: token })).data;
  const nobody = `cnv-${"0".repeat(26)}`;
  for (const who of [eve, Object.assign(server.anonymous(), { token: mate.token })]) {
    for (const at of [id, nobody]) {
      const path = `/conversations/${at}`;
      for (const reply of [
        await who.get(path), await who.put(path, { name: "mine" }), await who.delete(path), await who.post(`${path}/restore`),
        await who.get(`${path}/messages`), await who.post(`${path}/messages`, { role: "user", content: "x" }),
      ]) {
        assert.equal(reply.status, 404);
      }
    }
    assert.equal((await who.post("/conversations", { session_id: session.id, name: "x" })).status, 404);
    assert.equal((await who.get(`/conversations?session_id=${session.id}`)).status, 404);
    assert.deepEqual(names(await who.get("/conversations")), []);
  }
  assert.equal((await ada.get(`/conversations/${id}`)).data.messages, 1);
});
