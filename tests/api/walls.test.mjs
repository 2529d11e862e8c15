// Made from the document: what must hold for every operation, also for those that come later.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, Client, serverForFile, until } from "./harness.mjs";
import { guarded, kindOf, pathOf as pathWith, requestOf, resolved, withQuery } from "./operations.mjs";

const server = await serverForFile();

/** A person of a team of her own, with one of each thing that has an id: by what such ids begin with, for people several. */
async function somebody(name) {
  const client = await server.account(name);
  const made = async (path, input) => {
    const reply = await client.post(path, input);
    assert.equal(reply.status, 201, reply.text());
    return reply.data;
  };
  const member = async (email) => {
    const { token } = await made("/tenant/invitations", { email, role: "member" });
    return (await server.anonymous().post("/auth/register", { email, password: "a password to test with", name: "secret", invitation: token })).data.user.id;
  };
  const project = await made("/projects", { name: "secret" });
  const session = await made("/sessions", { name: "secret", project_id: project.id });
  await client.write(`/sessions/${session.id}/files/secret.txt`, "secret");
  const present = await member(`${name}-present@example.com`);
  const removed = await member(`${name}-removed@example.com`);
  assert.ok((await client.delete(`/tenant/members/${removed}`)).status < 300);
  const link = await made(`/sessions/${session.id}/links`, { name: "secret" });
  const one = {
    ses: session.id, wsp: session.workspace.id, prj: project.id, lnk: link.link.id,
    cnv: (await made("/conversations", { session_id: session.id, name: "secret" })).id,
    inv: (await made("/tenant/invitations", { email: `${name}-invited@example.com`, role: "viewer" })).id,
    key: (await made("/auth/keys", { name: "secret" })).record.id,
    log: (await client.get("/auth/devices")).data[0].id,
  };
  const ids = { ...Object.fromEntries(Object.entries(one).map(([kind, id]) => [kind, [id]])), usr: [client.user.id, present, removed] };
  return Object.assign(client, { ids, session, link });
}

const ada = await somebody("ada");
const eve = await somebody("eve");
const { session, link } = ada;

/** Every place of an id in a request to the operation. */
function placesOf({ id, parameters, body }) {
  const fields = typeof body === "object" ? Object.entries(resolved(body).properties ?? {}).map(([name, schema]) => ({ in: "body", name, schema })) : [];
  const places = [...parameters, ...fields].map((one) => ({ ...one, kind: kindOf(one.schema) }));
  for (const { name, kind, schema } of places) {
    assert.ok(kind !== undefined || !/(_id|^actor)$/.test(name), `${id}: ${name} says by no pattern whose id it is`);
    const inner = JSON.stringify(schema, (key, value) => (value?.$ref ? resolved(value) : value));
    assert.ok(kind !== undefined || !/\^\w{3}-\[/.test(inner), `${id}: this test must know how to put an id into ${name}`);
    assert.ok(kind === undefined || eve.ids[kind], `${id}: this test must make one of what ${name} names`);
  }
  return places.filter(({ kind }) => kind !== undefined);
}

/** ids: by the names of the parameters; Ada's where they say nothing. */
const pathOf = (operation, ids = {}) => pathWith(operation, (name, kind) => ids[name] ?? ada.ids[kind][0]);
const addressOf = (operation, ...more) => withQuery(operation, pathOf(operation), ...more);

/** Eve's good request, with this id in this place and her own in all the others. */
function ask(operation, place, id) {
  const ids = Object.fromEntries(placesOf(operation).map(({ name, kind }) => [name, eve.ids[kind][0]]));
  if (place.in === "path") ids[place.name] = id;
  const good = requestOf(operation);
  const request = place.in === "body" ? { json: { ...good.json, [place.name]: id } } : good;
  const query = place.in === "query" ? `${place.name}=${id}` : undefined;
  return eve.request(operation.method, withQuery(operation, pathOf(operation, ids), query), request);
}

/** What Ada has, as she sees it. */
async function adas() {
  const lists = ["/sessions", "/projects", "/conversations", "/auth/keys", "/auth/devices", "/tenant/members", "/tenant/invitations", `/sessions/${session.id}/links`];
  const replies = await Promise.all(lists.map((path) => ada.get(path)));
  return [...replies.map(({ data }) => data.map(({ id, name, role, revision }) => ({ id, name, role, revision }))), (await ada.get(`/sessions/${session.id}/files/secret.txt`)).text()];
}

test("without a login every guarded operation is 401, before anything else is looked at", async () => {
  assert.ok(guarded.length > 15);
  for (const operation of guarded) {
    for (const client of [server.anonymous(), new Client(server, "x"), new Client(server, ada.login.refresh_token)]) {
      const reply = await client.request(operation.method, pathOf(operation), requestOf(operation));
      assert.equal(reply.status, 401, operation.id);
      const broken = await client.request(operation.method, `${pathOf(operation)}?x=%zz`, { json: { x: 1 } });
      assert.equal(broken.status, 401, operation.id);
    }
  }
});

test("another tenant's ids are 404 in every operation that takes one in its path", async () => {
  const taking = guarded.filter((one) => placesOf(one).some((place) => place.in === "path"));
  assert.ok(taking.length > 10);
  for (const operation of taking) {
    const reply = await eve.request(operation.method, addressOf(operation), requestOf(operation));
    assert.equal(reply.status, 404, operation.id);
    assert.ok(!reply.text().includes("secret"), operation.id);
  }
});

test("another tenant's id in any one place of a request is refused or finds nothing, where one's own is taken", async () => {
  const before = await adas();
  const asked = { path: 0, query: 0, body: 0 };
  // The team handed over comes last: an owner may do what comes before.
  const all = guarded.flatMap((operation) => placesOf(operation).map((place) => ({ operation, place }))).sort((a, b) => (a.operation.id === "tenant_transfer") - (b.operation.id === "tenant_transfer"));
  for (const { operation, place } of all) {
    const where = `${operation.id}: ${place.name} in its ${place.in}`;
    asked[place.in] += 1;
    for (const id of ada.ids[place.kind]) {
      const reply = await ask(operation, place, id);
      if (reply.status === 200 && place.in === "query") assert.deepEqual([reply.data, reply.json.page.total ?? 0], [[], 0], where);
      else assert.ok(reply.status === 404 || (place.in !== "path" && reply.status === 400), `${where}: ${reply.text()}`);
      assert.ok(!Object.values(ada.ids).flat().some((one) => reply.body.includes(one)), `${where}: ${reply.text()}`);
    }
    if (place.in === "path") continue; // what it does to her own is for other files
    const own = [];
    for (const id of eve.ids[place.kind]) own.push(await ask(operation, place, id));
    assert.ok(own.some(({ status, data }) => [200, 201, 409].includes(status) && data?.length !== 0), `${where}: ${own.map((reply) => reply.text())}`);
  }
  assert.ok(asked.path > 30 && asked.query >= 4 && asked.body >= 6, JSON.stringify(asked));
  assert.deepEqual(await adas(), before);
  assert.equal((await ada.get("/users/me")).status, 200);
});

/** The reply but for its request's id, and what was counted. */
const shown = ({ status, headers, json }) => {
  const { date, "x-request-id": id, "ratelimit-remaining": remaining, "ratelimit-reset": reset, ...others } = headers;
  assert.ok([date, id, remaining, reset].every((one) => one !== undefined));
  return { status, others, error: { ...json.error, request_id: undefined } };
};

test("what is another's of one's own team reads as what is nobody's, in every operation, and is a denial in the log", async () => {
  const email = "grace@example.com";
  const invitation = (await ada.post("/tenant/invitations", { email, role: "member" })).data.token;
  const { data } = await server.anonymous().post("/auth/register", { email, password: "a password to test with", name: "Grace", invitation });
  const grace = new Client(server, data.token);
  /** All ids are of this person's things: of Ada, or of nobody. */
  const asks = (operation, idOf) => {
    const good = requestOf(operation);
    const json = good.json && { ...good.json };
    const query = [];
    for (const place of placesOf(operation)) {
      if (place.in === "body" && place.kind !== undefined) json[place.name] = idOf(place.kind);
      if (place.in === "query") query.push(`${place.name}=${idOf(place.kind)}`);
    }
    const path = withQuery(operation, pathWith(operation, (name, kind) => idOf(kind)), ...query);
    return grace.request(operation.method, path, json ? { json } : good);
  };
  const before = await adas();
  const denied = [];
  for (const operation of guarded.filter((one) => placesOf(one).length > 0 && !/^(tenant|audit)\./.test(one.permission))) {
    const theirs = await asks(operation, (kind) => ada.ids[kind][0]);
    const nobodys = await asks(operation, (kind) => `${kind}-${"0".repeat(26)}`);
    assert.ok(theirs.status === 404 || placesOf(operation).every((place) => place.in !== "path"), `${operation.id}: ${theirs.text()}`);
    if (theirs.status >= 400) assert.deepEqual(shown(theirs), shown(nobodys), operation.id);
    else assert.deepEqual([theirs.data, nobodys.data], [[], []], operation.id); // a list of nothing
    if (theirs.status === 404) denied.push(operation.id);
  }
  assert.ok(denied.length > 40, `${denied}`);
  assert.deepEqual(await adas(), before);
  const noted = async () => {
    const all = [];
    for (let next = ""; next !== null; ) {
      const reply = await ada.get(`/audit?limit=100&action=request.deny&actor=${data.user.id}${next && `&cursor=${next}`}`);
      all.push(...reply.data);
      next = reply.json.page.next;
    }
    return all.map(({ route, count }) => `${route} ${count}`).sort();
  };
  const wanted = denied.map((route) => `${route} 1`).sort();
  await until("they are written, a moment later", async () => (await noted()).length >= wanted.length);
  assert.deepEqual(await noted(), wanted, "each once: what is nobody's was never refused");
});

test("no operation takes what is not described", async () => {
  for (const operation of bundle.operations) {
    const client = operation.public ? server.anonymous() : operation.by_link ? new Client(server, link.token) : ada;
    const query = await client.request(operation.method, addressOf(operation, "role=owner"), requestOf(operation));
    assert.equal(query.status, 400, operation.id);
    assert.deepEqual(Object.keys(query.json.error.fields), ["role"], operation.id);
    if (operation.body === "bytes" || operation.method === "GET") continue;
    const known = Object.keys(operation.body.$ref === undefined ? {} : bundle.$defs[operation.body.$ref.split("/").at(-1)].properties);
    const extra = { id: "x", tenant_id: "x", user_id: "x", role: "owner", revision: 1, status: "deleted", created_at: "x" };
    for (const name of known) delete extra[name];
    const body = await client.request(operation.method, pathOf(operation), { json: { ...requestOf(operation).json, ...extra } });
    assert.equal(body.status, 400, operation.id);
    assert.deepEqual(Object.keys(body.json.error.fields).sort(), Object.keys(extra).sort(), operation.id);
  }
});
