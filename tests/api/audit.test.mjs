// The audit log: who may read it, what stands in it, its filters, its pages, its export.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bundle, compile, movableClock, newSession, Server, serverForFile, strangers, until } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const eve = await server.account("eve");
const start = new Date();
const one = await newSession(ada, "One");
const two = await newSession(ada, "Two");
await ada.put(`/sessions/${one.id}`, { name: "One again" });
await ada.delete(`/sessions/${two.id}`);

// What happened within a millisecond has no order.
const actions = (reply) => reply.data.map(({ action }) => action).sort();

/** How many records there are of one call at most, when this is asked: the first, and one for each minute that began since. */
function counting() {
  const began = performance.now();
  return () => 1 + Math.ceil((performance.now() - began) / 60_000);
}

const sum = (records) => records.reduce((all, { count }) => all + count, 0);

async function pages(path, client = ada) {
  const all = [];
  for (let next = ""; next !== null; ) {
    const reply = await client.get(`${path}${next && `&cursor=${next}`}`);
    assert.equal(reply.status, 200);
    all.push(...reply.data);
    next = reply.json.page.next;
  }
  return all;
}

test("every change of this tenant and none of others, newest first", async () => {
  const reply = await ada.get("/audit");
  assert.deepEqual(actions(reply), ["login.create", "session.create", "session.create", "session.delete", "session.rename", "user.register"]);
  const times = reply.data.map(({ at }) => at);
  assert.deepEqual(times, [...times].sort().reverse());
  const last = reply.data.find(({ action }) => action === "session.delete");
  assert.equal(last.actor_id, ada.user.id);
  assert.equal(last.target, two.id);
  assert.equal(last.outcome, "ok");
  assert.match(last.request_id, /^req-/);
  assert.equal(last.address, "127.0.0.1");
  assert.deepEqual(actions(await eve.get("/audit")), ["login.create", "user.register"]);
});

test("a refused password is in it", async () => {
  await server.anonymous().post("/auth/login", { email: eve.email, password: "not this one" });
  await until("it is written", async () => (await eve.get("/audit")).data.some(({ action, outcome }) => action === "login.create" && outcome === "denied"));
});

test("filters", async () => {
  assert.deepEqual(actions(await ada.get(`/audit?session_id=${one.id}`)), ["session.create", "session.rename"]);
  assert.deepEqual(actions(await ada.get("/audit?action=session.create")), ["session.create", "session.create"]);
  assert.equal((await ada.get("/audit?action=session")).data.length, 4);
  assert.deepEqual(actions(await ada.get("/audit?action=sess")), []);
  assert.equal((await ada.get(`/audit?actor=${ada.user.id}`)).data.length, 6);
  assert.deepEqual(actions(await ada.get(`/audit?actor=${eve.user.id}`)), []);
  assert.equal((await ada.get(`/audit?since=${start.toISOString()}`)).data.length, 4);
  assert.deepEqual((await ada.get("/audit?since=2999-01-01T00:00:00Z")).data, []);
  assert.deepEqual((await ada.get("/audit?until=1999-01-01T00:00:00Z")).data, []);
  assert.equal((await ada.get("/audit?until=2999-01-01T00:00:00Z")).data.length, (await ada.get("/audit")).data.length);
  const all = (await ada.get("/audit?limit=100")).data;
  for (const { at } of all) {
    const upTo = (await ada.get(`/audit?limit=100&until=${at}`)).data;
    assert.deepEqual(upTo, all.filter((one) => one.at <= at), "the moment itself is in it");
    const page = await ada.get(`/audit?limit=1&until=${at}`);
    const next = page.json.page.next === null ? [] : (await ada.get(`/audit?limit=100&until=${at}&cursor=${page.json.page.next}`)).data;
    assert.deepEqual([...page.data, ...next], upTo);
  }
  for (const wrong of ["until=tomorrow", "since=yesterday", "actor=ada", "session_id=x", "limit=101", "cursor=eA"]) {
    assert.equal((await ada.get(`/audit?${wrong}`)).status, 400, wrong);
  }
});

test("pages have everything once, also with a filter that lets little through", async () => {
  const whole = (await ada.get("/audit")).data.map(({ id }) => id);
  assert.deepEqual((await pages("/audit?limit=1")).map(({ id }) => id), whole);
  assert.deepEqual((await pages("/audit?limit=1&action=user")).map(({ action }) => action), ["user.register"]);
});

test("as lines, whole", async () => {
  for (let i = 0; i < 120; i++) await ada.put(`/sessions/${one.id}`, { name: `Name ${i}` });
  const reply = await ada.get("/audit?action=session.rename", { headers: { Accept: "application/x-ndjson" } });
  assert.equal(reply.headers["content-type"], "application/x-ndjson");
  const valid = compile(bundle.$defs.AuditRecord);
  const lines = reply.body.toString().trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.length, 121);
  assert.ok(lines.every((line) => valid(line)));
  assert.equal(new Set(lines.map(({ id }) => id)).size, 121);
  const head = await ada.head("/audit", { headers: { Accept: "application/x-ndjson" } });
  assert.equal(head.body.length, 0);
});

test("an update names what it set, never to what; a script by its key", async () => {
  const { data: { key, record: { id } } } = await ada.post("/auth/keys", { name: "ci", access: "write" });
  assert.equal((await ada.put(`/sessions/${one.id}`, { name: "by a script" }, { token: key })).status, 200);
  const [record] = (await ada.get(`/audit?action=session.rename&session_id=${one.id}&limit=1`)).data;
  assert.deepEqual([record.key_id, record.changed, record.actor_id, record.login_id], [id, "name", ada.user.id, undefined]);
  await ada.put("/users/me", { name: "Ada again" });
  const [own] = (await ada.get("/audit?action=user&limit=1")).data;
  assert.deepEqual([own.action, own.changed, own.key_id], ["user.update", "name", undefined]);
  await ada.put("/tenant/settings/editor/font_size", { value: 17 });
  const [shared] = (await ada.get("/audit?action=tenant.setting_update&limit=1")).data;
  assert.deepEqual([shared.target, shared.changed], ["editor.font_size", "value"]);
  assert.ok(!JSON.stringify((await pages("/audit?action=session.rename"))).includes("by a script"));
});

test("a denial is in it, a moment later, once for many", async () => {
  const email = "denied@example.com";
  const { token } = (await ada.post("/tenant/invitations", { email, role: "viewer" })).data;
  const { data } = await server.anonymous().post("/auth/register", { email, password: "a long password", invitation: token });
  const most = counting();
  for (let i = 0; i < 20; i++) assert.equal((await ada.get("/audit", { token: data.token })).status, 403);
  assert.equal((await ada.post("/sessions", { name: "x" }, { token: data.token })).status, 403);
  const denials = async () => (await pages(`/audit?limit=100&action=request.deny&actor=${data.user.id}`));
  await until("both are written", async () => new Set((await denials()).map(({ route }) => route)).size === 2);
  const all = await denials();
  assert.deepEqual([...new Set(all.map(({ route }) => route))].sort(), ["audit_list", "sessions_create"]);
  assert.ok(all.every(({ outcome, count, address }) => outcome === "denied" && count >= 1 && address === "127.0.0.1"));
  assert.ok(all.length <= most() + 1, `${all.length} records of 21 denials`);
  assert.deepEqual((await ada.get("/audit?action=request.read")).data, []); // only where it is asked for
});

test("somebody else's thing of one's own team is a denial, counted; what is nobody's, another team's or one's own is none", async (t) => {
  const data = mkdtempSync(join(tmpdir(), "coditect-audit-"));
  let own = await Server.start({ data });
  t.after(() => own.stop().finally(() => rmSync(data, { recursive: true, force: true })));
  const admin = await own.account("admin");
  const stranger = await own.account("stranger");
  const { token: invitation } = (await admin.post("/tenant/invitations", { email: "bea@example.com", role: "member" })).data;
  const bea = (await own.anonymous().post("/auth/register", { email: "bea@example.com", password: "a long password", invitation })).data;
  const [hers, theirs, abroad] = [(await admin.post("/sessions", { name: "Bea's" }, { token: bea.token })).data, await newSession(admin, "Ada's"), await newSession(stranger, "Eve's")];
  const gone = { id: `${theirs.id.slice(0, 4)}${"0".repeat(26)}` };
  const asked = { sessions_get: (id) => `/sessions/${id}`, files_list: (id) => `/sessions/${id}/files`, files_history: (id) => `/sessions/${id}/history/file`, conversations_list: (id) => `/conversations?session_id=${id}` };
  const most = counting();
  for (let i = 0; i < 10; i++) {
    for (const { id } of [theirs, gone, abroad]) {
      for (const path of Object.values(asked)) await own.anonymous().get(path(id), { token: bea.token });
    }
    assert.equal((await own.anonymous().get(`/sessions/${hers.id}/files/none`, { token: bea.token })).status, 404);
    assert.equal((await admin.get(`/sessions/${hers.id}/files/none`)).status, 404); // who may see that it is there may not read it
    assert.equal((await admin.post(`/tenant/sessions/${gone.id}/restore`)).status, 404);
  }
  await own.stop(); // what is left of the minute is written then
  own = await Server.start({ data });
  admin.server = own;
  stranger.server = own;
  const all = await pages("/audit?limit=100&action=request.deny", admin);
  const of = (person) => Object.fromEntries([...new Set(all.filter(({ actor_id }) => actor_id === person.id).map(({ route }) => route))].sort()
    .map((route) => [route, sum(all.filter((one) => one.actor_id === person.id && one.route === route))]));
  assert.deepEqual(of(bea.user), { conversations_list: 10, files_history: 10, files_list: 10, sessions_get: 10 });
  assert.deepEqual(of(admin.user), { files_get: 10 });
  assert.ok(all.length <= 5 * most(), `${all.length} records of 50 denials`);
  assert.ok(all.every(({ outcome, target }) => outcome === "denied" && target === undefined));
  assert.deepEqual(await pages("/audit?limit=100&action=request.deny", stranger), []);
});

test("wrong passwords are counted, by account and address, at most one record a minute after the first", async (t) => {
  const data = mkdtempSync(join(tmpdir(), "coditect-audit-"));
  let own = await Server.start({ data });
  t.after(() => own.stop().finally(() => rmSync(data, { recursive: true, force: true })));
  const person = await own.account("guessed");
  const guesses = async () => pages("/audit?action=login.create", person).then((all) => all.filter(({ outcome }) => outcome === "denied"));
  const most = counting();
  for (let i = 0; i < 20; i++) assert.equal((await own.anonymous().post("/auth/login", { email: person.email, password: `wrong ${i}` })).status, 401);
  await until("the first are written", async () => (await guesses()).length > 0);
  await own.stop(); // what is left of the minute is written then
  own = await Server.start({ data });
  person.server = own;
  assert.equal(sum(await guesses()), 20);
  const all = await guesses();
  assert.ok(all.length <= most(), `${all.length} records`);
  assert.ok(all.every((one) => one.actor_id === person.user.id && one.target === person.user.id && one.address === "127.0.0.1"));
});

test("what strangers are refused is the operator's: counted by operation and address, in nobody's log", async () => {
  const { data: { token: link } } = await ada.post(`/sessions/${one.id}/links`, { name: "x" });
  const { data: { key } } = await ada.post("/auth/keys", { name: "ci", access: "read" });
  const secret = "A".repeat(43);
  const broken = (token) => token.slice(0, -secret.length) + secret;
  const anyone = server.anonymous();
  const foreign = { Origin: "http://evil.example.com", Cookie: "__Host-coditect-refresh=x" };
  const tried = [
    ["sessions_list", 401, () => anyone.get("/sessions")],
    ["projects_list", 401, () => anyone.get("/projects", { token: broken(ada.token) })],
    ["users_me_get", 401, () => anyone.get("/users/me", { token: broken(key) })],
    ["shared_get", 401, () => anyone.get("/shared", { token: broken(link) })],
    ["auth_login", 401, () => anyone.post("/auth/login", { email: "nobody@example.com", password: "not this one" })],
    ["auth_reset", 403, () => anyone.post("/auth/reset", { token: "ten-x.rst-x.x", new_password: "another password" })],
    ["auth_register", 403, () => anyone.post("/auth/register", { email: "x@example.com", password: "a long password", invitation: "ten-x.inv-x.x" })],
    ["auth_refresh", 403, () => anyone.post("/auth/refresh", undefined, { headers: foreign })],
  ];
  const most = counting();
  for (const [route, status, call] of tried) {
    for (let i = 0; i < 3; i++) assert.equal((await call()).status, status, route);
  }
  const routes = async () => new Set((await strangers(server)).map(({ route }) => route));
  await until("all are written", async () => {
    const written = await routes();
    return tried.every(([route]) => written.has(route));
  });
  const all = await strangers(server);
  assert.ok(all.every((one) => one.action === "request.deny" && one.outcome === "denied" && one.address === "127.0.0.1" && one.actor_id === undefined && one.count >= 1));
  assert.ok(all.length <= most() * (await routes()).size, `${all.length} records of ${(await routes()).size} operations`);
  for (const person of [ada, eve]) {
    const own = await pages("/audit?limit=100&action=request.deny", person);
    assert.ok(own.every(({ actor_id }) => actor_id !== undefined), "nobody's refusal is in a tenant's log");
  }
});

test("what strangers were refused goes after 30 days, a tenant's log after 400", async (t) => {
  const clock = movableClock(t);
  const own = await Server.start({ args: ["--store-collect", "1", "--store-pace", "1000000000", "--rate-factor", "1000"], env: clock.env });
  t.after(() => own.stop());
  const person = await own.account("kept");
  assert.equal((await own.anonymous().get("/sessions")).status, 401);
  await until("it is written", async () => (await strangers(own)).length === 1);
  clock.jump(29 * 86_400);
  assert.equal((await own.anonymous().get("/projects")).status, 401);
  await until("the new one is there", async () => (await strangers(own)).some(({ route }) => route === "projects_list"));
  assert.equal((await strangers(own)).length, 2);
  clock.jump(31 * 86_400);
  await until("the old one is gone", async () => (await strangers(own)).every(({ route }) => route === "projects_list"));
  const kept = async () => {
    const { data } = await own.anonymous().post("/auth/login", { email: person.email, password: person.password }); // the token ended meanwhile
    return (await person.get("/audit?action=user.register", { token: data.token })).data.length;
  };
  assert.equal(await kept(), 1);
  clock.jump(399 * 86_400);
  assert.equal(await kept(), 1);
  await until("what strangers were refused in between is gone", async () => (await strangers(own)).length === 0); // so the duty ran
  assert.equal(await kept(), 1);
  clock.jump(401 * 86_400);
  await until("it is gone", async () => (await kept()) === 0);
});

test("it is for owners and admins", async () => {
  for (const [role, status] of [["admin", 200], ["member", 403], ["viewer", 403]]) {
    const email = `${role}@example.com`;
    const { token } = (await ada.post("/tenant/invitations", { email, role })).data;
    const { data } = await server.anonymous().post("/auth/register", { email, password: "a long password", invitation: token });
    assert.equal((await ada.get("/audit", { token: data.token })).status, status, role);
  }
});
