// Made from the document: what must hold for every operation, also for those that come later.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, Client, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const eve = await server.account("eve");
const session = await newSession(ada);
await ada.write(`/sessions/${session.id}/files/secret.txt`, "secret");
const device = (await ada.get("/auth/devices")).data[0].id;

const invited = (await ada.post("/tenant/invitations", { email: "invited@example.com", role: "viewer" })).data;
const key = (await ada.post("/auth/keys", { name: "mine" })).data.record.id;

const link = (await ada.post(`/sessions/${session.id}/links`, { name: "mine" })).data;
const project = (await ada.post("/projects", { name: "secret" })).data.id;
const conversation = (await ada.post("/conversations", { session_id: session.id, name: "secret" })).data.id;
const ids = { conversation_id: conversation, session_id: session.id, device_id: device, user_id: ada.user.id, invitation_id: invited.id, key_id: key, project_id: project,
  workspace_id: session.workspace.id, link_id: link.link.id, category: "editor", key: "font_size" };
const words = ["category", "key"]; // no ids: everybody has the same
const guarded = bundle.operations.filter((one) => !one.public);

function pathOf(operation) {
  const parts = operation.segments.map(({ kind, text }) => {
    if (kind === "literal") return text;
    if (kind === "rest") return `secret.txt${text}`;
    assert.ok(ids[text], `this test must know an id for {${text}}`);
    return ids[text];
  });
  return `/${parts.join("/")}`;
}

/** What a request cannot do without behind the '?'. */
const needed = { files_diff: "from=1" };
const addressOf = (operation, ...more) => [pathOf(operation), [needed[operation.id] ?? [], more].flat().join("&")].filter((part) => part !== "").join("?");

/** A good request to the operation, by its own example. */
function requestOf(operation) {
  if (operation.body === "bytes") return { body: "mine" };
  if (operation.body === "none") return {};
  const wanted = JSON.stringify(operation.body);
  return { json: operation.examples.find((one) => JSON.stringify(one.schema) === wanted).value };
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

test("another tenant's ids are 404 in every operation that takes one", async () => {
  const taking = guarded.filter((one) => one.segments.some((segment) => segment.kind === "param" && !words.includes(segment.text)));
  assert.ok(taking.length > 10);
  for (const operation of taking) {
    const reply = await eve.request(operation.method, addressOf(operation), requestOf(operation));
    assert.equal(reply.status, 404, operation.id);
    assert.ok(!reply.text().includes("secret"), operation.id);
  }
  assert.equal((await ada.get(`/sessions/${session.id}/files/secret.txt`)).text(), "secret");
  assert.equal((await ada.get("/users/me")).status, 200);
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
