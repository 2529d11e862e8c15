// Read-only links to a session: what they show, to whom, and that they end.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { test } from "node:test";
import { Client, movableClock, newSession, Server, serverForFile, until } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("links");
const session = await newSession(ada, "Project A");
const base = `/sessions/${session.id}`;
const write = async (path, text, to = base) => (await ada.write(`${to}/files/${path}`, text)).data;
await write("src/hello.c", "int main(void) {}\n");
await write("README.md", "first\n");

async function made(json, of = session, owner = ada) {
  const reply = await owner.post(`/sessions/${of.id}/links`, json);
  assert.equal(reply.status, 201, reply.text());
  return Object.assign(new Client(server, reply.data.token), reply.data);
}
const names = async (client, query = "") => (await client.get(`/shared/files${query}`)).data.map(({ path }) => path);
const audited = async (action) => (await ada.get(`/audit?action=${action}&session_id=${session.id}`)).data;

test("a link shows the files as they are, and its token once", async () => {
  const grace = await made({ name: " for Grace " });
  assert.match(grace.token, /^cdl_[0-9a-z]{26}_[A-Za-z0-9_-]{43}$/);
  assert.ok(grace.url.endsWith(`/shared#token=${grace.token}`), grace.url);
  assert.deepEqual([grace.link.name, grace.link.session_id, grace.link.at], ["for Grace", session.id, undefined]);
  assert.equal((Date.parse(grace.link.expires_at) - Date.parse(grace.link.created_at)) / 86_400_000, 7);

  const shared = await grace.get("/shared");
  assert.deepEqual(shared.data, { name: "Project A", expires_at: grace.link.expires_at });
  assert.equal(shared.headers["x-robots-tag"], "noindex");
  assert.deepEqual(await names(grace), ["README.md", "src"]);
  assert.deepEqual(await names(grace, "?path=src"), ["src/hello.c"]);
  const first = await grace.get("/shared/files?limit=1");
  assert.deepEqual(await names(grace, `?limit=1&cursor=${first.json.page.next}`), ["src"]);
  const made_up = await grace.get("/shared/files?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  assert.equal(made_up.json.error.fields.cursor, "is none that this list gave for this query");
  const file = await grace.get("/shared/files/src/hello.c");
  assert.equal(file.text(), "int main(void) {}\n");
  assert.equal(file.headers["content-disposition"], "attachment");
  assert.equal((await grace.get("/shared/files/src/hello.c", { headers: { Range: "bytes=4-7" } })).text(), "main");
  assert.equal((await grace.get("/shared/files/none.c")).status, 404);
  assert.equal((await grace.get("/shared/files?path=none")).status, 404);
  const archive = await grace.get("/shared/archive");
  assert.equal(archive.headers["content-type"], "application/gzip");
  assert.match(archive.headers["content-disposition"], /Project%20A\.tar\.gz/);
  assert.deepEqual([...archive.body.subarray(0, 2)], [0x1f, 0x8b]);

  await write("README.md", "second\n");
  assert.equal((await grace.get("/shared/files/README.md")).text(), "second\n", "as they are now");
  const list = await ada.get(`${base}/links`);
  assert.deepEqual(list.data.map(({ id }) => id), [grace.link.id]);
  assert.ok(!list.text().includes(grace.token.slice(-43)));
});

test("a link to a moment shows that moment, whatever comes later", async () => {
  const { version } = await write("when.txt", "then\n");
  const then = await made({ name: "then", at: version, expires_in_days: 365 });
  const [change] = (await ada.get(`${base}/changes?limit=1`)).data;
  assert.deepEqual([then.link.at, then.link.moment_at], [version, change.at]);
  await write("when.txt", "later\n");
  await write("later.txt", "later\n");
  assert.deepEqual((await then.get("/shared")).data, { name: "Project A", at: version, moment_at: change.at, expires_at: then.link.expires_at });
  assert.equal((await then.get("/shared/files/when.txt")).text(), "then\n");
  assert.equal((await then.get("/shared/files/later.txt")).status, 404);
  assert.ok(!(await names(then)).includes("later.txt"));
  assert.ok(!(await then.get("/shared/archive?format=zip")).body.includes("later.txt"));
  // What else files are asked for by is no question that a link answers.
  for (const query of ["version=1", "at=1"]) assert.equal((await then.get(`/shared/files/when.txt?${query}`)).status, 400);
  assert.equal((await then.get("/shared/files?at=1")).status, 400);
  assert.equal((await ada.post(`${base}/links`, { name: "ahead", at: version + 1000 })).status, 404);
});

test("a moment that is not kept any more is not shown as another one, and a link ends by age", async (t) => {
  const clock = movableClock(t);
  const day = 86_400;
  const midnight = day - Math.floor(Date.now() / 1000) % day;
  clock.jump(midnight);
  const aged = await Server.start({ args: ["--rate-factor", "100000", "--store-collect", "1", "--store-pace", "1000000000", "--history-all", "2d"], env: clock.env });
  t.after(() => aged.stop());
  const bo = await aged.account("bo");
  const old = await newSession(bo, "Old");
  const put = async (text) => (await bo.write(`/sessions/${old.id}/files/doc`, text)).data.version;
  const at = await put("public");
  const link = async (json) => new Client(aged, (await bo.post(`/sessions/${old.id}/links`, json)).data.token);
  const [then, now, week] = [await link({ name: "then", at, expires_in_days: 30 }), await link({ name: "now", expires_in_days: 30 }), await link({ name: "week" })];
  await put("secret");
  assert.equal((await then.get("/shared/files/doc")).text(), "public");
  assert.ok((await bo.get(`/sessions/${old.id}/links`)).data.every((one) => one.moment_gone === undefined));
  clock.jump(midnight + 3 * day);
  await until("the hour is one moment", async () => (await then.get("/shared/files/doc")).status === 404);
  for (const path of ["/shared", "/shared/files", "/shared/files/doc", "/shared/archive"]) {
    const reply = await then.get(path);
    assert.equal(reply.status, 404, path);
    assert.equal(reply.json.error.message, "The moment that this link shows is not kept any more.", "whoever has it is told, and sees no other moment");
  }
  const later = await aged.anonymous().post("/auth/login", { email: bo.email, password: bo.password }); // the access token is three days old
  const listed = (await new Client(aged, later.data.token).get(`/sessions/${old.id}/links`)).data;
  assert.deepEqual(listed.map(({ name, moment_gone }) => [name, moment_gone]).sort(), [["now", undefined], ["then", true], ["week", undefined]], "who made it sees that it opens nothing");
  assert.equal((await now.get("/shared/files/doc")).text(), "secret");
  assert.equal((await week.get("/shared")).status, 200);
  clock.jump(midnight + 8 * day);
  assert.equal((await week.get("/shared")).status, 401);
  assert.equal((await now.get("/shared")).status, 200);
});

test("a link opens nothing else", async () => {
  const other = await newSession(ada, "other");
  const { token } = await made({ name: "one" });
  const client = new Client(server, token);
  for (const path of ["/users/me", "/sessions", base, `${base}/files`, `${base}/files/README.md`, `${base}/archive`, `${base}/changes`, `${base}/links`,
    `/sessions/${other.id}/files`, "/audit", "/tenant", "/settings"]) assert.equal((await client.get(path)).status, 401, path);
  assert.equal((await client.write(`${base}/files/x.txt`, "x")).status, 401);
  assert.equal((await client.write("/shared/files/x.txt", "x")).status, 405);
  assert.equal((await client.delete("/shared/files/README.md")).status, 405);
  assert.equal((await client.post("/auth/tickets", { session_id: session.id })).status, 401);
  // And what opens all else opens no link.
  assert.equal((await ada.get("/shared")).status, 401);
  const { key } = (await ada.post("/auth/keys", { name: "script" })).data;
  assert.equal((await new Client(server, key).get("/shared")).status, 401);
});

test("what is no link is one and the same 401", async () => {
  const [one, two] = [await made({ name: "one" }), await made({ name: "two" })];
  const flipped = one.token.slice(0, -1) + (one.token.endsWith("A") ? "B" : "A");
  const tokens = [flipped, one.token.slice(0, -1), `${one.token}A`, one.token.toUpperCase(), one.token.slice(0, 31) + two.token.slice(31), "cdl_",
    `cdl_${"0".repeat(26)}_${"A".repeat(43)}`, `cdl_${"/".repeat(26)}_${"A".repeat(43)}`];
  const answers = new Set();
  for (const token of tokens) {
    const reply = await new Client(server, token).get("/shared");
    assert.equal(reply.status, 401, token);
    answers.add(JSON.stringify({ ...reply.json.error, request_id: "" }));
  }
  await ada.delete(`${base}/links/${two.link.id}`);
  const ended = await two.get("/shared");
  assert.equal(ended.status, 401);
  answers.add(JSON.stringify({ ...ended.json.error, request_id: "" }));
  assert.equal(answers.size, 1, "they tell nobody which links there are");
});

test("others neither make, see nor end one", async () => {
  const { link } = await made({ name: "mine" });
  const eve = await server.account("eve");
  const hers = await newSession(eve, "hers");
  assert.equal((await eve.post(`${base}/links`, { name: "x" })).status, 404);
  assert.equal((await eve.get(`${base}/links`)).status, 404);
  assert.equal((await eve.delete(`${base}/links/${link.id}`)).status, 404);
  assert.equal((await eve.delete(`/sessions/${hers.id}/links/${link.id}`)).status, 404);
  const mine = await newSession(ada, "mine too");
  assert.equal((await ada.delete(`/sessions/${mine.id}/links/${link.id}`)).status, 404, "it belongs to another session");
  assert.equal((await ada.delete(`${base}/links/${link.id}`)).status, 200);
  assert.equal((await ada.delete(`${base}/links/${link.id}`)).status, 404);
});

test("a link that is ended ends what is being sent by it", async () => {
  const large = await newSession(ada, "large");
  const size = 64 << 20;
  await write("bytes", randomBytes(size), `/sessions/${large.id}`);
  for (const path of ["files/bytes", "archive", "archive?format=zip"]) {
    const link = await made({ name: "for a while" }, large);
    const reply = await new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port: server.port, path: `/api/v5/shared/${path}`, headers: { Authorization: `Bearer ${link.token}` } }, resolve).on("error", reject).end();
    });
    assert.equal(reply.statusCode, 200);
    assert.equal((await ada.delete(`/sessions/${large.id}/links/${link.link.id}`)).status, 200);
    const ended = performance.now() + 2500; // the server waits for its reader until then
    await until("it would be asked again", () => performance.now() > ended);
    let got = 0;
    await assert.rejects(async () => {
      for await (const bytes of reply) got += bytes.length;
    }, { code: "ECONNRESET" }, path);
    assert.ok(got < size, `${path}: ${got}`);
  }
});

test("its bounds", async () => {
  for (const json of [{}, { name: "" }, { name: "x".repeat(101) }, { name: "x", expires_in_days: 0 }, { name: "x", expires_in_days: 366 }, { name: "x", at: 0 }]) {
    assert.equal((await ada.post(`${base}/links`, json)).status, 400, JSON.stringify(json));
  }
  assert.equal((await ada.post(`${base}/links`, { name: "   " })).status, 400);
  const bob = await server.account("bounds");
  const full = await newSession(bob, "full");
  const all = await Promise.all(Array.from({ length: 100 }, (_, i) => made({ name: `link ${i}` }, full, bob)));
  const more = await bob.post(`/sessions/${full.id}/links`, { name: "one more" });
  assert.deepEqual([more.status, more.code], [409, "limit"]);
  assert.equal((await bob.get(`/sessions/${full.id}/links`)).json.page.total, 100);
  // All of them go with the session, for good.
  assert.equal((await bob.delete(`/sessions/${full.id}`)).status, 200);
  assert.equal((await all[0].get("/shared")).status, 401);
  assert.equal((await bob.post(`/sessions/${full.id}/restore`)).status, 200);
  assert.equal((await all[99].get("/shared")).status, 401);
  assert.deepEqual((await bob.get(`/sessions/${full.id}/links`)).data, []);
});

test("the tenant forbids links, and allows them again", async () => {
  const link = await made({ name: "before" });
  const setting = "/tenant/settings/sharing/links";
  assert.equal((await ada.put(setting, { value: false })).status, 200);
  assert.equal((await link.get("/shared")).status, 401);
  assert.equal((await link.get("/shared/files/README.md")).status, 401);
  const refused = await ada.post(`${base}/links`, { name: "after" });
  assert.equal(refused.status, 403);
  assert.match(refused.json.error.message, /does not allow links/);
  assert.equal((await ada.get(`${base}/links`)).status, 200, "what there is can still be seen and ended");
  assert.equal((await ada.delete(setting)).status, 200);
  assert.equal((await link.get("/shared")).status, 200);
});

test("a member who is removed leaves no link behind", async () => {
  const email = "leaver@example.com";
  const { token } = (await ada.post("/tenant/invitations", { email, role: "member" })).data;
  const joined = await server.anonymous().post("/auth/register", { email, password: "a long password", invitation: token });
  const mel = new Client(server, joined.data.token);
  const link = await made({ name: "mel's" }, await newSession(mel, "mel's"), mel);
  assert.equal((await link.get("/shared")).status, 200);
  assert.equal((await ada.delete(`/tenant/members/${joined.data.user.id}`)).status, 200);
  assert.equal((await link.get("/shared")).status, 401);
});

test("who becomes a viewer has no link any more, and ends what there is", async () => {
  const email = "lowered@example.com";
  const { token } = (await ada.post("/tenant/invitations", { email, role: "member" })).data;
  const joined = await server.anonymous().post("/auth/register", { email, password: "a long password", invitation: token });
  const mel = new Client(server, joined.data.token);
  const session = await newSession(mel, "mel's");
  const link = await made({ name: "mel's" }, session, mel);
  const put = (role) => ada.put(`/tenant/members/${joined.data.user.id}`, { role });
  assert.equal((await put("viewer")).status, 200);
  assert.equal((await link.get("/shared")).status, 401);
  assert.equal((await put("member")).status, 200);
  assert.equal((await link.get("/shared")).status, 401, "for good");
  assert.equal((await put("viewer")).status, 200);
  const at = `/sessions/${session.id}/links`;
  assert.deepEqual((await mel.get(at)).data, []);
  assert.equal((await mel.delete(`${at}/${link.link.id}`)).status, 404);
  assert.equal((await mel.post(at, { name: "more" })).status, 403);
  const [ended] = (await ada.get("/audit?action=link.delete")).data.filter((one) => one.link_id === link.link.id);
  assert.equal(ended.actor_id, ada.user.id);
});

test("made, used and ended stand in the audit log; many reads are one record", async () => {
  const link = await made({ name: "watched" });
  const about = (records) => records.filter(({ link_id }) => link_id === link.link.id);
  for (let i = 0; i < 20; i += 1) assert.equal((await link.get("/shared/files/README.md")).status, 200);
  await until("the use is written", async () => about(await audited("link.use")).length > 0);
  const used = about(await audited("link.use"));
  assert.equal(used[0].actor_id, undefined);
  assert.equal(used[0].target, session.id);
  assert.ok(used[0].address.length > 0 && used.length <= 2, JSON.stringify(used));
  const [{ id }] = about(await audited("link.create"));
  assert.match(id, /^aud-/);
  assert.notEqual((await ada.get(`${base}/links`)).data.find((one) => one.id === link.link.id).last_used_at, undefined);
  assert.equal((await ada.delete(`${base}/links/${link.link.id}`)).status, 200);
  assert.equal(about(await audited("link.delete")).length, 1);
  assert.ok(!server.log.includes(link.token.slice(-43)), "the log has no token");
});
