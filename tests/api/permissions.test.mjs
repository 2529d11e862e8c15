// Who may do what, of every operation, said a second time here: a wrong row of the document's tables fails as a wrong check does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, serverForFile } from "./harness.mjs";
import { addressOfNothing, guarded, requestOf } from "./operations.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const everybody = ["owner", "admin", "member", "viewer"];

async function member(role) {
  const email = `${role}@example.com`;
  const { token } = (await ada.post("/tenant/invitations", { email, role })).data;
  const reply = await server.anonymous().post("/auth/register", { email, password: `password of ${email}`, invitation: token });
  assert.equal(reply.data.user.role, role);
  return new Client(server, reply.data.token);
}

const people = { owner: ada, admin: await member("admin"), member: await member("member"), viewer: await member("viewer") };

/** Who may, by what is asked for: not by the name of its permission, which could be the wrong one. */
function mayBy({ method, path }) {
  if (path === "/tenant/transfer") return ["owner"];
  if (/^\/(workspaces|audit|tenant\/(settings|sessions|invitations))\b/.test(path)) return ["owner", "admin"];
  if (path.startsWith("/tenant") && method !== "GET") return ["owner", "admin"];
  if (/\/links\b/.test(path) && method !== "POST") return everybody;
  if (path === "/auth/tickets" || /\/terminals\b/.test(path)) return ["owner", "admin", "member"];
  const isOwn = /^\/(auth|users\/me|settings)\b/.test(path);
  return method === "GET" || isOwn ? everybody : ["owner", "admin", "member"];
}

/** What a key never does, whatever it may write: it brings in nobody, sends nobody away, and is no way to the account itself. */
const isByLogin = ({ method, path }) => /^\/(auth|users\/me)\b/.test(path) ? !(method === "GET" && path === "/users/me")
  : /^\/tenant\/(transfer|invitations)\b/.test(path) || (/^\/tenant\/members\b/.test(path) && method !== "GET") || /\/terminals\b/.test(path);

const ours = guarded.filter((one) => !one.by_link);
const byLogin = ours.filter((one) => one.by_login);
const ask = (client, operation) => client.request(operation.method, addressOfNothing(operation), requestOf(operation));

test("the document gives each operation to the roles that it is meant for", () => {
  for (const one of ours) assert.deepEqual(one.roles, mayBy(one), `${one.method} ${one.path}`);
  const closed = (role) => ours.filter(({ roles }) => !roles.includes(role)).length;
  assert.deepEqual(everybody.map((role) => closed(role) > 0), [false, true, true, true]);
  assert.ok(closed("viewer") > closed("member") && closed("member") > 10, "each role may less than the one before");
});

test("each role is refused with 403 what is not its own, and never what is", async () => {
  for (const operation of ours) {
    await Promise.all(Object.entries(people).map(async ([role, client]) => {
      const { status, code } = await ask(client, operation);
      const where = `${operation.id} by ${role}: ${status} ${code}`;
      assert.equal(status === 403, !mayBy(operation).includes(role), where);
      if (status === 403) assert.equal(code, "forbidden", where);
    }));
  }
  for (const [role, client] of Object.entries(people)) assert.equal((await client.get("/users/me")).data.role, role, "as before");
});

test("what is by a link is by nothing else", async () => {
  const byLink = guarded.filter((one) => one.by_link);
  assert.ok(byLink.length > 0);
  for (const operation of byLink) {
    for (const client of Object.values(people)) assert.equal((await ask(client, operation)).status, 401, operation.id);
  }
});

test("what is done by a login alone is refused to an owner's key that may write; the rest is not", async () => {
  assert.deepEqual([...new Set(byLogin.map(({ permission }) => permission))].sort(), ["account", "ide", "tenant.manage", "tenant.own"]);
  for (const one of ours) assert.equal(one.by_login, isByLogin(one), `${one.method} ${one.path}`);
  const { data: { key } } = await ada.post("/auth/keys", { name: "all that a key may", access: "write" });
  const script = new Client(server, key);
  for (const operation of ours) {
    const { status, code } = await ask(script, operation);
    const where = `${operation.id}: ${status} ${code}`;
    assert.equal(status === 403, isByLogin(operation), where);
    if (status === 403) assert.equal(code, "forbidden", where);
  }
});

test("a key for reading gets what its person may read", async () => {
  const { data: { key } } = await ada.post("/auth/keys", { name: "reads" });
  const script = new Client(server, key);
  for (const operation of ours) {
    const { status } = await ask(script, operation);
    assert.equal(status === 403, isByLogin(operation) || operation.method !== "GET", `${operation.id}: ${status}`);
  }
});
