// What every change of a record is held to: an ETag that does not match changes nothing, and what is there already is no change.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, Client, newSession, serverForFile } from "./harness.mjs";
import { pathOf } from "./operations.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000"] });
const ada = await server.account("match");

async function member() {
  const email = "match-member@example.com";
  const { token } = (await ada.post("/tenant/invitations", { email, role: "member" })).data;
  const joined = await server.anonymous().post("/auth/register", { email, password: "a long password", invitation: token });
  return Object.assign(new Client(server, joined.data.token), { user: joined.data.user });
}

const mel = await member();
const session = await newSession(ada, "One");
const project = (await ada.post("/projects", { name: "Work" })).data;
const conversation = (await ada.post("/conversations", { session_id: session.id, name: "Why" })).data;
await ada.write(`/sessions/${session.id}/files/secret.txt`, "mine");
for (const level of ["/settings", "/tenant/settings"]) await ada.put(`${level}/editor/font_size`, { value: 18 });
const ids = { session_id: session.id, project_id: project.id, conversation_id: conversation.id, user_id: mel.user.id };
const addressOf = (operation) => pathOf(operation, (name) => ids[name]);
const takes = (operation, header) => operation.parameters.some(({ name }) => name === header);

// Good bodies, so that nothing but the ETag is wrong with a request.
const bodies = {
  users_me_put: { name: "A" },
  users_me_delete: { password: ada.password },
  users_me_email: { email: "elsewhere@example.com", password: ada.password },
  sessions_update: { name: "B" },
  projects_update: { name: "C" },
  conversations_update: { name: "D" },
  tenant_put: { name: "E" },
  tenant_member_update: { role: "admin" },
  settings_put: { value: 19 },
  tenant_setting_put: { value: 19 },
};

/** Of records whose reply has an ETag, by asking; and whatever else takes If-Match. */
async function guarded() {
  const tagged = new Set();
  for (const one of bundle.operations.filter(({ method, permission }) => method === "GET" && permission !== "link")) {
    const path = addressOf(one);
    if (!path.includes("undefined") && (await ada.get(path)).headers.etag !== undefined) tagged.add(one.path);
  }
  const own = ({ path }) => tagged.has(path) || (tagged.has(path.slice(0, path.lastIndexOf("/"))) && path === "/users/me/email");
  return bundle.operations.filter((one) => ["PUT", "PATCH", "DELETE"].includes(one.method) && (own(one) || takes(one, "If-Match")));
}

test("what answers an ETag takes If-Match, whatever changes it; one that does not match changes nothing", async () => {
  const operations = await guarded();
  assert.ok(operations.length >= 19, `${operations.length} operations`);
  assert.deepEqual(operations.filter((one) => !takes(one, "If-Match")).map(({ id }) => id), []);
  for (const one of operations) {
    const body = one.body === "bytes" ? { body: "else" } : bodies[one.id] ? { json: bodies[one.id] } : {};
    const reply = await ada.request(one.method, addressOf(one), { ...body, headers: { "If-Match": '"999999"' } });
    assert.deepEqual([reply.status, reply.code], [412, "precondition"], one.id);
  }
  assert.equal((await ada.get("/users/me")).data.email, ada.email);
  assert.equal((await ada.get("/tenant/members")).json.page.total, 2);
});

test("an empty one is none, and guards nothing: it is refused", async () => {
  for (const one of bundle.operations.filter((each) => takes(each, "If-Match"))) {
    const body = one.body === "bytes" ? { body: "else" } : bodies[one.id] ? { json: bodies[one.id] } : {};
    const reply = await ada.request(one.method, addressOf(one), { ...body, headers: { "If-Match": "" } });
    assert.equal(reply.status, 400, one.id);
  }
  assert.equal((await ada.get(`/sessions/${session.id}`)).data.name, "One");
});

// Changes that leave what they change as it was but for its ETag, and that may be made again and again.
const again = {
  users_me_put: { path: "/users/me", json: { name: "Ada" } },
  tenant_put: { path: "/tenant", json: { name: "Engines" } },
  tenant_member_update: { path: `/tenant/members/${mel.user.id}`, json: { role: "member" } },
  projects_update: { path: `/projects/${project.id}`, json: { name: "Work" } },
  conversations_update: { path: `/conversations/${conversation.id}`, json: { name: "Why" } },
  sessions_update: { path: `/sessions/${session.id}`, json: { name: "One" } },
  files_put: { path: `/sessions/${session.id}/files/secret.txt`, body: "mine" },
};

test("one of several that matches is enough; weak ones never match; 16 at most", async () => {
  for (const [id, { path, ...what }] of Object.entries(again)) {
    const put = (match) => ada.request("PUT", path, { ...what, headers: { "If-Match": match } });
    const { etag } = (await ada.get(path)).headers;
    assert.equal((await put(`"999999", "999998",W/${etag}`)).status, 412, id);
    const many = Array.from({ length: 15 }, (_, i) => `"${999999 - i}"`);
    const made = await put([...many, etag].join(", "));
    assert.equal(made.status, 200, id);
    assert.equal((await put(`"x,y", ${made.headers.etag} , "999999"`)).status, 200, id);
    const over = await put([etag, ...many, etag].join(", "));
    assert.deepEqual([over.status, Object.keys(over.json.error.fields ?? {})], [400, ["If-Match"]], id);
    assert.equal((await put(`"${"9".repeat(1023)}"`)).status, 400, id);
  }
  const own = (await ada.get("/settings")).data.find(({ key }) => key === "font_size").user_revision;
  const set = await ada.put("/settings/editor/font_size", { value: 20 }, { headers: { "If-Match": `"1", "${own}"` } });
  assert.equal(set.status, 200);
  const reset = await ada.delete("/settings/editor/font_size", { headers: { "If-Match": `${set.headers.etag}, "2"` } });
  assert.equal(reset.status, 200);
});

test("what is deleted is one of several, too", async () => {
  const other = (await ada.post("/projects", { name: "Other" })).data;
  const path = `/projects/${other.id}`;
  const { etag } = (await ada.get(path)).headers;
  assert.equal((await ada.delete(path, { headers: { "If-Match": '"999999", "999998"' } })).status, 412);
  assert.equal((await ada.delete(path, { headers: { "If-Match": `"999999", ${etag}` } })).status, 200);
});

// Their ETag guards a record; what they count or tell besides (sessions, bytes, a workspace's state) changes without it.
const tellsMore = ["conversations_get", "projects_get", "sessions_get", "tenant_get"];

test("what an ETag tells all of is not sent again to whoever has it", async () => {
  const tagged = [];
  for (const one of bundle.operations.filter(({ method, permission }) => method === "GET" && permission !== "link")) {
    const path = addressOf(one);
    const get = (known) => ada.get(path, { headers: { "If-None-Match": known } });
    const etag = path.includes("undefined") ? undefined : (await ada.get(path)).headers.etag;
    if (etag === undefined) continue;
    tagged.push(one.id);
    const status = tellsMore.includes(one.id) ? 200 : 304;
    assert.equal(takes(one, "If-None-Match"), status === 304, one.id);
    for (const known of [etag, `W/${etag}`, `"x,y", ${etag}`, "*"]) {
      const reply = await get(known);
      assert.deepEqual([reply.status, reply.headers.etag, reply.body.length > 0], [status, etag, status === 200], `${one.id} ${known}`);
    }
    for (const known of ['"999999"', etag.slice(1), `${etag}x`]) assert.equal((await get(known)).status, 200, `${one.id} ${known}`);
  }
  assert.ok(tagged.length > tellsMore.length + 2, tagged.join());
  assert.deepEqual(tellsMore.filter((id) => !tagged.includes(id)), []);
});

test("a member who changed is sent again", async () => {
  const at = `/tenant/members/${mel.user.id}`;
  const { etag } = (await ada.get(at)).headers;
  assert.equal((await ada.put(at, { role: "viewer" })).status, 200);
  const now = await ada.get(at, { headers: { "If-None-Match": etag } });
  assert.deepEqual([now.status, now.data.role], [200, "viewer"]);
  assert.equal((await ada.put(at, { role: "member" })).status, 200);
});

test("one that matches lets it be changed", async () => {
  const at = `/tenant/members/${mel.user.id}`;
  const { etag } = (await ada.get(at)).headers;
  assert.equal((await ada.delete(at, { headers: { "If-Match": etag } })).status, 200);
  const me = (await ada.get("/users/me")).headers.etag;
  const moved = await ada.put("/users/me/email", { email: "match-moved@example.com", password: ada.password }, { headers: { "If-Match": me } });
  assert.deepEqual([moved.status, moved.data.email], [200, "match-moved@example.com"]);
});

const records = async () => (await ada.get("/audit?limit=100")).data.filter(({ action }) => !/^(login|invitation|member)\./.test(action));

// Each sets one thing and leaves it as it is; twice: what is set first may be new.
const same = {
  "/users/me": { name: "Ada" },
  "/tenant": { name: "Engines" },
  [`/projects/${project.id}`]: { name: "Work" },
  [`/conversations/${conversation.id}`]: { name: "Why" },
  [`/sessions/${session.id}`]: { name: "One", project_id: null },
  "/settings/editor/font_size": { value: 15 },
  "/tenant/settings/editor/font_size": { value: 16 },
};

test("what changes nothing is no change: no revision, no time, no record", async () => {
  for (const [path, body] of Object.entries(same)) assert.equal((await ada.put(path, body)).status, 200, path);
  const before = await records();
  for (const [path, body] of Object.entries(same)) {
    const first = await ada.put(path, body);
    const again = await ada.put(path, body);
    assert.deepEqual([again.status, again.headers.etag, again.data], [200, first.headers.etag, first.data], path);
  }
  assert.deepEqual(await records(), before);
  for (const level of ["/settings", "/tenant/settings"]) {
    await ada.delete(`${level}/editor/tab_size`);
    assert.equal((await ada.delete(`${level}/editor/tab_size`)).status, 200);
  }
  assert.deepEqual(await records(), before, "nor is to unset what was never set");
});

test("a change names what it changed alone", async () => {
  const at = `/sessions/${session.id}`;
  await ada.put(at, { name: "Two", project_id: null });
  await ada.put(at, { name: "Two", project_id: project.id });
  await ada.put(at, { name: "Three", project_id: null });
  const noted = (await records()).slice(0, 4).map(({ action, changed }) => [action, changed]).sort();
  assert.deepEqual(noted, [["session.move", "project_id"], ["session.move", "project_id"], ["session.rename", "name"], ["session.rename", "name"]]);
});
