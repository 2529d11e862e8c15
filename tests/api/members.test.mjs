// Members, roles and invitations: who may do what to whom, what ends when a member goes, and what stays.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, newSession, Server, serverForFile, sharedData } from "./harness.mjs";

const server = await serverForFile();

async function invite(by, role, email = `invited-${Server.number++}@example.com`, more = {}) {
  const reply = await by.post("/tenant/invitations", { email, role, ...more });
  assert.equal(reply.status, 201, reply.text());
  return { ...reply.data, password: `password of ${email}` };
}

const accept = ({ email, password, token }) => server.anonymous().post("/auth/register", { email, password, invitation: token });

/** Somebody in by's tenant, with this role. */
async function member(by, role) {
  const invitation = await invite(by, role);
  const reply = await accept(invitation);
  assert.equal(reply.status, 201, reply.text());
  const client = new Client(server, reply.data.token);
  return Object.assign(client, { email: invitation.email, password: invitation.password, login: reply.data, user: reply.data.user });
}

const roleOf = async (client) => (await client.get("/users/me")).data.role;

test("owners and admins name the tenant: noted, held to its bounds, and no name is lost", async (t) => {
  const ada = await server.account("ada");
  const [amy, mel, vic] = [await member(ada, "admin"), await member(ada, "member"), await member(ada, "viewer")];
  const before = await ada.get("/tenant");
  const put = (who, name, match) => who.put("/tenant", { name }, match === undefined ? {} : { headers: { "If-Match": match } });
  const first = await put(ada, "  Analytical Engines ", before.headers.etag);
  assert.deepEqual([first.status, first.data.name, first.data.revision], [200, "Analytical Engines", before.data.revision + 1]);
  assert.equal(first.headers.etag, `"${first.data.revision}"`);
  assert.deepEqual(first.data, (await vic.get("/tenant")).data, "the whole tenant, as everybody sees it");
  for (const wrong of [before.headers.etag, '"0"', "x"]) assert.deepEqual([(await put(amy, "Late", wrong)).status, (await amy.get("/tenant")).data.name], [412, "Analytical Engines"], wrong);
  assert.equal((await put(amy, "By an admin", first.headers.etag)).data.name, "By an admin");
  for (const who of [mel, vic]) assert.deepEqual([(await put(who, "Mine")).status, (await ada.get("/tenant")).data.name], [403, "By an admin"]);
  const eve = await server.account("eve");
  assert.equal((await put(eve, "Eve's")).data.id, eve.user.tenant_id, "one's own alone");
  for (const body of [{}, { name: "" }, { name: "  " }, { name: null }, { name: 1 }, { name: "x".repeat(101) }, { name: "a\nb" }, { name: "a\u0085b" }, { name: "a", id: before.data.id }, { name: "a", revision: 1 }]) {
    assert.equal((await ada.put("/tenant", body)).status, 400, JSON.stringify(body));
  }
  for (const name of ["x".repeat(100), "🚀".repeat(100), "Zoë’s"]) assert.equal((await put(ada, name)).data.name, name);
  const [entry] = (await ada.get("/audit?action=tenant.update&limit=1")).data;
  assert.deepEqual([entry.actor_id, entry.target, entry.changed, entry.outcome], [ada.user.id, before.data.id, "name", "ok"]);
  const at = (await ada.get("/tenant")).headers.etag;
  const together = await Promise.all(["a", "b", "c", "d"].map((name) => put(ada, name, at)));
  assert.deepEqual(together.map(({ status }) => status).sort(), [200, 412, 412, 412]);
  assert.equal((await ada.get("/tenant")).data.name, together.find(({ status }) => status === 200).data.name);
  const text = sharedData("naughty-strings/blns.json");
  if (text === undefined) return t.diagnostic("../shared/data/naughty-strings is not there");
  for (const name of JSON.parse(text)) {
    const reply = await put(ada, name);
    if (reply.status === 200) assert.equal((await ada.get("/tenant")).data.name, name.trim() === name ? name : reply.data.name, name);
    else assert.deepEqual([reply.status, Object.keys(reply.json.error.fields)], [400, ["name"]], name);
  }
});

test("an invitation makes one member, once", async () => {
  const ada = await server.account("ada");
  const invitation = await invite(ada, "member");
  assert.match(invitation.url, new RegExp(`/register#invitation=${invitation.token}$`));
  const [listed] = (await ada.get("/tenant/invitations")).data;
  assert.equal(listed.id, invitation.id);
  assert.equal(JSON.stringify(listed).includes(invitation.token.split(".")[2]), false);

  const other = await server.anonymous().post("/auth/register", { email: "else@example.com", password: "a long password", invitation: invitation.token });
  assert.equal(other.status, 400);
  assert.deepEqual(Object.keys(other.json.error.fields), ["email"]);

  const made = await accept(invitation);
  assert.equal(made.status, 201);
  assert.equal(made.data.user.tenant_id, ada.user.tenant_id);
  assert.equal(made.data.user.role, "member");
  assert.deepEqual((await ada.get("/tenant/invitations")).data, []);
  const again = await server.anonymous().post("/auth/register", { email: invitation.email, password: "a long password", invitation: invitation.token });
  assert.equal(again.status, 403);
  const people = (await ada.get("/tenant/members")).data;
  assert.deepEqual(people.map(({ id, role }) => [id, role]), [[ada.user.id, "owner"], [made.data.user.id, "member"]]);
});

test("an invitation that was withdrawn, or is none, is refused alike", async () => {
  const ada = await server.account("ada");
  const invitation = await invite(ada, "viewer");
  assert.equal((await ada.delete(`/tenant/invitations/${invitation.id}`)).status, 200);
  assert.equal((await ada.delete(`/tenant/invitations/${invitation.id}`)).status, 404);
  const [tenant, id, secret] = invitation.token.split(".");
  const tokens = [invitation.token, `${tenant}.${id}.x`, `${tenant}.${id}`, `${tenant}.${secret}`, "x", `${invitation.token}.`];
  const answers = new Set();
  for (const token of tokens) {
    const reply = await accept({ ...invitation, token });
    answers.add(`${reply.status} ${reply.json.error.message}`);
  }
  assert.equal(answers.size, 1);
  assert.match([...answers][0], /^403 /);
});

test("an Idempotency-Key gives the same invitation with a new link", async () => {
  const ada = await server.account("ada");
  const options = { headers: { "Idempotency-Key": "again" } };
  const body = { email: `invited-${Server.number++}@example.com`, role: "member" };
  const first = await ada.post("/tenant/invitations", body, options);
  const second = await ada.post("/tenant/invitations", body, options);
  assert.equal(second.status, 201);
  assert.equal(second.data.id, first.data.id);
  const use = ({ token }) => server.anonymous().post("/auth/register", { email: body.email, password: "a long password", invitation: token });
  assert.equal((await use(first.data)).status, 403);
  assert.equal((await use(second.data)).status, 201);
  assert.equal((await ada.post("/tenant/invitations", { ...body, role: "viewer" }, options)).status, 409);
});

test("there is one invitation for an address: the last", async () => {
  const ada = await server.account("ada");
  const adam = await member(ada, "admin");
  const open = async () => (await ada.get("/tenant/invitations")).data.map(({ id, role }) => [id, role]);
  const first = await invite(ada, "admin");
  const second = await invite(adam, "viewer", first.email.toUpperCase());
  assert.deepEqual(await open(), [[second.id, "viewer"]]);
  assert.equal((await accept(first)).status, 403);
  const [ended] = (await ada.get("/audit?action=invitation.delete")).data.filter(({ target }) => target === first.id);
  assert.equal(ended.actor_id, adam.user.id);
  const owner = await invite(ada, "owner", first.email);
  assert.equal((await adam.post("/tenant/invitations", { email: first.email, role: "viewer" })).status, 403, "an admin withdraws no owner's");
  assert.deepEqual(await open(), [[owner.id, "owner"]]);
  for (let i = 0; i < 99; i++) await invite(ada, "viewer");
  await invite(ada, "member", first.email);
  assert.equal((await open()).length, 100, "it takes no more room");
});

test("who goes, or has another address, comes back by no invitation from before", async () => {
  const ada = await server.account("ada");
  const ends = {
    removed: (who) => ada.delete(`/tenant/members/${who.user.id}`),
    left: (who) => who.delete("/users/me", { json: { password: who.password } }),
    moved: async (who) => {
      const moved = await who.put("/users/me/email", { email: `moved-${Server.number++}@example.com`, password: who.password });
      return moved.status === 200 ? ada.delete(`/tenant/members/${who.user.id}`) : moved;
    },
  };
  for (const [how, end] of Object.entries(ends)) {
    const who = await member(ada, "viewer");
    const again = await invite(ada, "admin", who.email);
    assert.equal((await end(who)).status, 200, how);
    assert.equal((await accept({ ...again, password: "another long password" })).status, 403, how);
    assert.deepEqual((await ada.get("/tenant/invitations")).data, [], how);
    assert.equal((await ada.get("/audit?action=invitation.delete")).data.filter(({ target }) => target === again.id).length, 1, how);
    const anew = await invite(ada, "member", who.email);
    assert.equal((await accept({ ...anew, password: "another long password" })).status, 201, "one from after it holds");
  }
});

test("100 invitations may be open", async () => {
  const ada = await server.account("ada");
  for (let i = 0; i < 100; i++) await invite(ada, "viewer");
  const reply = await ada.post("/tenant/invitations", { email: "one-more@example.com", role: "viewer" });
  assert.equal(reply.status, 409);
  assert.equal(reply.code, "limit");
});

test("a viewer reads and changes nothing", async () => {
  const ada = await server.account("ada");
  const vic = await member(ada, "viewer");
  for (const path of ["/users/me", "/sessions", "/tenant", "/tenant/members"]) assert.equal((await vic.get(path)).status, 200, path);
  assert.equal((await vic.post("/sessions", { name: "Mine" })).status, 403);
  assert.equal((await vic.get("/tenant/sessions")).status, 403);
  assert.equal((await vic.post("/tenant/invitations", { email: "x@example.com", role: "viewer" })).status, 403);
});

test("nobody gives or takes a role above their own", async () => {
  const ada = await server.account("ada");
  const adam = await member(ada, "admin");
  const mel = await member(ada, "member");
  const at = (who) => `/tenant/members/${who.user.id}`;
  assert.equal((await adam.put(at(mel), { role: "owner" })).status, 403);
  assert.equal((await adam.put(at(ada), { role: "viewer" })).status, 403);
  assert.equal((await adam.delete(at(ada))).status, 403);
  assert.equal((await adam.post("/tenant/invitations", { email: "x@example.com", role: "owner" })).status, 403);
  assert.equal((await adam.post("/tenant/transfer", { user_id: mel.user.id })).status, 403);
  assert.equal((await mel.put(at(mel), { role: "admin" })).status, 403);
  const theirs = await invite(ada, "owner");
  assert.equal((await adam.delete(`/tenant/invitations/${theirs.id}`)).status, 403);

  const up = await adam.put(at(mel), { role: "admin" });
  assert.equal(up.status, 200);
  assert.equal(await roleOf(mel), "admin", "from the next request on");
  const stale = await adam.put(at(mel), { role: "viewer" }, { headers: { "If-Match": `"${mel.user.revision}"` } });
  assert.equal(stale.status, 412);
  const down = await adam.put(at(mel), { role: "viewer" }, { headers: { "If-Match": up.headers.etag } });
  assert.equal(down.status, 200);
});

test("a tenant keeps an owner", async () => {
  const ada = await server.account("ada");
  const mel = await member(ada, "member");
  const self = `/tenant/members/${ada.user.id}`;
  assert.equal((await ada.put(self, { role: "admin" })).status, 409);
  assert.equal((await ada.delete(self)).status, 409);
  assert.equal((await ada.post("/tenant/transfer", { user_id: ada.user.id })).status, 409);
  assert.equal((await ada.post("/tenant/transfer", { user_id: mel.user.id })).data.role, "owner");
  assert.equal(await roleOf(ada), "admin");
  assert.equal(await roleOf(mel), "owner");
  const noted = (await mel.get("/audit?action=member.update")).data.map(({ target, changed }) => [target, changed]);
  assert.deepEqual(noted.sort(), [[ada.user.id, "role"], [mel.user.id, "role"]].sort());
  assert.equal((await mel.get("/audit?action=tenant.transfer")).data[0].changed, undefined);
  assert.equal((await mel.delete(self)).status, 200);
});

test("owners and admins see and delete what others have, and read none of it", async () => {
  const ada = await server.account("ada");
  const adam = await member(ada, "admin");
  const mel = await member(ada, "member");
  const session = await newSession(mel);
  await mel.write(`/sessions/${session.id}/files/diary`, "dear diary");
  for (const boss of [ada, adam]) {
    assert.deepEqual((await boss.get("/tenant/sessions")).data.map(({ id }) => id), [session.id]);
    for (const path of ["", "/files", "/files/diary", "/history/diary", "/archive"]) {
      assert.equal((await boss.get(`/sessions/${session.id}${path}`)).status, 404, path);
    }
    assert.equal((await boss.post(`/sessions/${session.id}/fork`, {})).status, 404);
  }
  assert.equal((await mel.delete(`/tenant/sessions/${session.id}`)).status, 403);
  assert.equal((await adam.delete(`/tenant/sessions/${session.id}`)).data.status, "deleted");
  assert.deepEqual((await mel.get("/sessions")).data, []);
  assert.equal((await ada.post(`/tenant/sessions/${session.id}/restore`)).data.status, "paused");
  assert.equal((await mel.get(`/sessions/${session.id}/files/diary`)).text(), "dear diary");
});

test("a member who is removed is out at once; the work stays, and an owner gives it to somebody", async () => {
  const ada = await server.account("ada");
  const adam = await member(ada, "admin");
  const mel = await member(ada, "member");
  const phone = await server.anonymous().post("/auth/login", { email: mel.email, password: mel.password });
  const session = await newSession(mel);
  await mel.write(`/sessions/${session.id}/files/work`, "half done");
  assert.equal((await adam.delete(`/tenant/members/${mel.user.id}`)).status, 200);

  assert.equal((await mel.get("/users/me")).status, 401);
  assert.equal((await new Client(server, phone.data.token).get("/sessions")).status, 401);
  assert.equal((await server.anonymous().post("/auth/refresh", { refresh_token: phone.data.refresh_token })).status, 401);
  assert.equal((await server.anonymous().post("/auth/login", { email: mel.email, password: mel.password })).status, 401);
  assert.equal((await server.anonymous().post("/auth/login", { email: mel.email, password: "removed" })).status, 401);
  assert.equal((await ada.get(`/tenant/members/${mel.user.id}`)).status, 404);
  const [former] = (await ada.get("/tenant/members?former=true")).data;
  assert.equal(former.id, mel.user.id);
  assert.equal(former.email, undefined);
  assert.deepEqual((await ada.get("/tenant/sessions")).data.map(({ id }) => id), [session.id]);
  assert.equal((await ada.get(`/sessions/${session.id}/files/work`)).status, 404);

  assert.equal((await server.anonymous().post("/auth/register", { email: mel.email, password: mel.password })).status, 201, "the address is free again");
  const email = `successor-${Server.number++}@example.com`;
  assert.equal((await adam.post("/tenant/invitations", { email, role: "member", user_id: mel.user.id })).status, 403);
  assert.equal((await ada.post("/tenant/invitations", { email, role: "member", user_id: adam.user.id })).status, 400);
  const invitation = await invite(ada, "member", email, { user_id: mel.user.id });
  const late = await invite(ada, "member", undefined, { user_id: mel.user.id });
  const reply = await accept(invitation);
  assert.equal(reply.data.user.id, mel.user.id);
  const successor = new Client(server, reply.data.token);
  assert.equal((await successor.get(`/sessions/${session.id}/files/work`)).text(), "half done");
  assert.equal((await accept(late)).status, 403, "somebody has the account");
  assert.deepEqual((await ada.get("/tenant/members?former=true")).data, []);
});

test("pages of members and invitations", async () => {
  const ada = await server.account("ada");
  for (let i = 0; i < 3; i++) await invite(ada, "viewer");
  for (const path of ["/tenant/invitations", "/tenant/members", "/tenant/sessions"]) {
    assert.equal((await ada.get(`${path}?cursor=!`)).status, 400);
    assert.equal((await ada.get(`${path}?limit=101`)).status, 400);
  }
  const seen = [];
  for (let next = ""; next !== null; ) {
    const { data, json } = await ada.get(`/tenant/invitations?limit=2${next && `&cursor=${next}`}`);
    seen.push(...data.map(({ id }) => id));
    next = json.page.next;
  }
  assert.equal(new Set(seen).size, 3);
  assert.equal(seen.length, 3);
});

test("members are searched, sorted and counted, the same on every page", async () => {
  const ada = await server.account("zoe");
  const made = [];
  for (const [email, name] of [["b.brown@example.com", "carl"], ["c.green@example.com", "Änne"], ["a.blue@example.com", "Bert"]]) {
    const invitation = await invite(ada, "member", email);
    const reply = await server.anonymous().post("/auth/register", { email, name, password: invitation.password, invitation: invitation.token });
    assert.equal(reply.status, 201, reply.text());
    made.push(reply.data.user);
  }
  const pages = async (query) => {
    const seen = [];
    for (let cursor = ""; cursor !== undefined; ) {
      const page = await ada.get(`/tenant/members?limit=2${query}${cursor}`);
      seen.push(...page.data.map((one) => one.name));
      assert.equal(page.json.page.total, query.includes("q=") ? 1 : 4, query);
      cursor = page.json.page.next === null ? undefined : `&cursor=${page.json.page.next}`;
    }
    return seen;
  };
  assert.deepEqual(await pages(""), ["zoe", "carl", "Änne", "Bert"]);
  assert.deepEqual(await pages("&reverse=true"), ["Bert", "Änne", "carl", "zoe"]);
  assert.deepEqual(await pages("&sort=name"), ["Bert", "carl", "zoe", "Änne"]);
  assert.deepEqual(await pages("&sort=email"), ["Bert", "carl", "Änne", "zoe"]);
  assert.deepEqual(await pages("&q=BLUE"), ["Bert"]);
  assert.deepEqual(await pages(`&q=${encodeURIComponent("äN")}`), ["Änne"]);
  for (const wrong of ["sort=role", "q=", "limit=101", "cursor=eA"]) assert.equal((await ada.get(`/tenant/members?${wrong}`)).status, 400, wrong);
  await ada.delete(`/tenant/members/${made[0].id}`);
  assert.equal((await ada.get("/tenant/members")).json.page.total, 3);
  assert.deepEqual((await ada.get("/tenant/members?former=true")).data.map((one) => one.id), [made[0].id]);
});

test("what somebody had who deleted the account is given to nobody; a removed member's sessions are taken back", async () => {
  const ada = await server.account("ada");
  const [gone, removed] = [await member(ada, "member"), await member(ada, "member")];
  const [lost, kept] = [await newSession(gone, "lost"), await newSession(removed, "kept")];
  assert.equal((await ada.delete(`/tenant/members/${removed.user.id}`)).status, 200);
  assert.equal((await ada.delete(`/tenant/sessions/${kept.id}`)).status, 200);
  assert.equal((await ada.post(`/tenant/sessions/${kept.id}/restore`)).status, 200);
  assert.equal((await ada.delete(`/tenant/sessions/${lost.id}`)).status, 200);
  assert.equal((await gone.delete("/users/me", { json: { password: gone.password } })).status, 200);
  const refused = await ada.post(`/tenant/sessions/${lost.id}/restore`);
  assert.deepEqual([refused.status, refused.code], [409, "conflict"]);
  assert.match(refused.json.error.message, /deleted the account/);
  assert.equal((await ada.get("/tenant/sessions?deleted=true")).data.find((one) => one.id === lost.id).status, "deleted");
});
