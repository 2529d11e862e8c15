// Each change that the document says is in the audit log is there: under its name, by whom, about what, from which request.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, Client, noteHit, serverForFile, totpCode, until } from "./harness.mjs";
import { pathOf } from "./operations.mjs";
import { Terminal } from "../codi2/terminal.mjs";
import { open } from "../workspaces/inside.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--git-plain-http"] });
const ada = await server.account("ada");
const owed = []; // {operation, action, actor_id, target}; request_id of what was a request

const known = (what, data) => (typeof what === "function" ? what(data) : what);

/** A request that must be noted. target, actor: ids, or how to find them in what is answered. */
async function does(name, action, target, { by = ada, actor = by.user?.id, ids = {}, json, headers } = {}) {
  const operation = bundle.operations.find(({ id }) => id === name);
  const reply = await by.request(operation.method, pathOf(operation, (place) => ids[place]), { ...(json !== undefined && { json }), ...(headers && { headers }) });
  assert.ok(reply.status < 300, `${name}: ${reply.text()}`);
  owed.push({ operation: name, action, actor_id: known(actor, reply.data), target: known(target, reply.data), request_id: reply.headers["x-request-id"] });
  return reply.data;
}

const loginOf = ({ refresh_token }) => refresh_token.split(".")[0];
const password = "a password to test with";

async function member(name, role = "member") {
  const email = `${name}@example.com`;
  const invitation = await does("tenant_invitation_create", "invitation.create", ({ id }) => id, { json: { email, role } });
  const own = { json: { email, password, name, invitation: invitation.token }, by: server.anonymous(), actor: ({ user }) => user.id };
  const data = await does("auth_register", "user.register", ({ user }) => user.id, own);
  return Object.assign(new Client(server, data.token), { email, user: data.user });
}

async function projectsAndSessions() {
  const project = await does("projects_create", "project.create", ({ id }) => id, { json: { name: "Work" } });
  const inProject = { ids: { project_id: project.id } };
  await does("projects_update", "project.rename", project.id, { ...inProject, json: { name: "More work" } });
  const session = await does("sessions_create", "session.create", ({ id }) => id, { json: { name: "One" } });
  const one = { ids: { session_id: session.id } };
  await does("sessions_update", "session.rename", session.id, { ...one, json: { name: "First" } });
  await does("sessions_update", "session.move", session.id, { ...one, json: { project_id: project.id } });
  await does("projects_delete", "project.delete", project.id, inProject);
  await does("sessions_fork", "session.fork", ({ id }) => id, { ...one, json: {} });
  const { link } = await does("session_link_create", "link.create", session.id, { ...one, json: { name: "Grace" } });
  await does("session_link_delete", "link.delete", session.id, { ids: { ...one.ids, link_id: link.id } });
  for (const way of ["session", "tenant_session"]) {
    const operation = (verb) => (way === "session" ? `sessions_${verb}` : `tenant_session_${verb}`);
    await until("its copy is whole", async () => (await ada.get("/sessions")).data.every(({ status }) => status !== "forking"), 60_000);
    await does(operation("delete"), "session.delete", session.id, one);
    await does(operation("restore"), "session.restore", session.id, one);
  }
  return one;
}

async function talk({ ids: { session_id } }) {
  const { id } = await does("conversations_create", "conversation.create", (data) => data.id, { json: { session_id, name: "Why" } });
  const it = { ids: { conversation_id: id } };
  await does("messages_create", "message.create", (data) => data.id, { ...it, json: { role: "user", content: "Why?" } });
  await does("conversations_update", "conversation.rename", id, { ...it, json: { name: "Why so" } });
  await does("conversations_delete", "conversation.delete", id, it);
  await does("conversations_restore", "conversation.restore", id, it);
}

async function chosen() {
  for (const [operation, action] of [["settings", "setting."], ["tenant_setting", "tenant.setting_"]]) {
    await does(`${operation}_put`, `${action}update`, "editor.font_size", { json: { value: 17 } });
    await does(`${operation}_delete`, `${action}delete`, "editor.font_size");
  }
  await does("tenant_put", "tenant.update", ada.user.tenant_id, { json: { name: "Engines" } });
}

async function whatLetsIn() {
  const { record } = await does("auth_key_create", "key.create", (data) => data.record.id, { json: { name: "ci" } });
  await does("auth_key_delete", "key.delete", record.id, { ids: { key_id: record.id } });
  const enter = async () => {
    const json = { email: ada.email, password: ada.password };
    const data = await does("auth_login", "login.create", loginOf, { by: server.anonymous(), actor: ada.user.id, json });
    return Object.assign(new Client(server, data.token), { id: loginOf(data), user: ada.user });
  };
  const [first, second] = [await enter(), await enter()];
  await does("auth_logout", "login.end", first.id, { by: first, json: {} });
  await does("auth_device_end", "login.end", second.id, { ids: { device_id: second.id } });
  const third = await enter();
  await does("auth_devices_end_others", "login.end", third.id);
}

/** A member's own account, up to its end. */
async function account() {
  const mel = await member("mel");
  const own = { by: mel };
  await does("users_me_put", "user.update", mel.user.id, { ...own, json: { name: "Melanie" } });
  await does("users_me_password", "user.password", mel.user.id, { ...own, json: { current_password: password, new_password: `${password} again` } });
  const proof = { password: `${password} again` };
  await does("users_me_email", "user.email", mel.user.id, { ...own, json: { email: "melanie@example.com", ...proof } });
  const turnOn = async () => {
    const { secret } = await does("users_me_totp_begin", "totp.begin", mel.user.id, { ...own, json: proof });
    await does("users_me_totp_confirm", "totp.enable", mel.user.id, { ...own, json: { code: totpCode(secret) } });
  };
  await turnOn();
  await does("users_me_totp_end", "totp.disable", mel.user.id, { ...own, json: proof });
  await turnOn();
  const her = { ids: { user_id: mel.user.id } };
  await does("tenant_member_totp_end", "totp.remove", mel.user.id, her);
  const link = await does("tenant_member_reset", "reset.create", mel.user.id, her);
  await does("auth_reset", "user.reset", mel.user.id, { by: server.anonymous(), actor: mel.user.id, json: { token: link.token, new_password: password } });
  const { data } = await server.anonymous().post("/auth/login", { email: "melanie@example.com", password });
  await does("users_me_delete", "user.delete", mel.user.id, { by: Object.assign(new Client(server, data.token), { user: mel.user }), json: { password } });
}

async function team() {
  const late = { json: { email: "late@example.com", role: "viewer" }, headers: { "Idempotency-Key": "late" } };
  const { id } = await does("tenant_invitation_create", "invitation.create", (data) => data.id, late);
  await does("tenant_invitation_create", "invitation.renew", id, late); // its link was lost with the reply
  await does("tenant_invitation_delete", "invitation.delete", id, { ids: { invitation_id: id } });
  const adam = await member("adam");
  const bob = await member("bob");
  await does("tenant_member_update", "member.update", adam.user.id, { ids: { user_id: adam.user.id }, json: { role: "admin" } });
  await does("tenant_member_remove", "member.remove", bob.user.id, { ids: { user_id: bob.user.id } });
  await does("tenant_transfer", "tenant.transfer", adam.user.id, { json: { user_id: adam.user.id } });
}

/** In a workspace that runs, and whose repository nobody serves. */
async function inside() {
  const { id, workspace } = (await ada.post("/sessions", { name: "Two", git_url: "http://127.0.0.1:18766/none.git" })).data;
  const two = { ids: { session_id: id, workspace_id: workspace.id } };
  await does("sessions_open", "session.open", id, two);
  await open(ada, id);
  const terminal = await Terminal.open(`ws://127.0.0.1:${server.port}/ws/sessions/${id}/terminals/main`, { headers: { Authorization: `Bearer ${ada.token}` } });
  noteHit("terminals_socket", "ok");
  owed.push({ operation: "terminals_socket", action: "terminal.open", actor_id: ada.user.id, target: id });
  await does("terminals_delete", "terminal.end", id, two);
  await terminal.closed;
  await until("no repository came", async () => (await ada.get(`/sessions/${id}`)).data.source.state === "failed", 60_000);
  await does("sessions_clone", "session.clone", id, two);
  await does("sessions_pause", "session.pause", id, two);
  await does("sessions_open", "session.open", id, two);
  await does("workspaces_stop", "workspace.stop", id, two);
}

async function whole() {
  const all = [];
  for (let next = ""; next !== null; ) {
    const reply = await ada.get(`/audit?limit=100${next && `&cursor=${next}`}`);
    all.push(...reply.data.filter(({ outcome }) => outcome === "ok"));
    next = reply.json.page.next;
  }
  return all;
}

test("every operation that changes something is noted as the document says", { timeout: 300_000 }, async () => {
  await whatLetsIn();
  await talk(await projectsAndSessions());
  await chosen();
  await inside();
  await account();
  await team();
  const log = await whole();
  for (const { operation, ...one } of owed) {
    const found = log.filter((record) => Object.entries(one).every(([name, value]) => record[name] === value));
    assert.equal(found.length, 1, `${operation}: ${JSON.stringify(one)}\n${JSON.stringify(log.filter(({ action }) => action === one.action))}`);
  }
  const documented = bundle.operations.flatMap(({ id, audit }) => audit.filter((name) => !["none", "history"].includes(name)).map((name) => `${id} ${name}`));
  assert.deepEqual([...new Set(owed.map(({ operation, action }) => `${operation} ${action}`))].sort(), documented.sort());
  const names = new Set(owed.map(({ action }) => action));
  const besides = new Set(log.map(({ action }) => action).filter((action) => !names.has(action)));
  assert.deepEqual([...besides], ["invitation.accept"], "what a registration by invitation is noted as, too");
});
