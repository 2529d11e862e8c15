// What a tenant may have, what it has, and the workspaces of all its people.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, Client, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--quota-tenant", "1", "--quota-tenant-members", "2",
  "--quota-tenant-sessions", "3", "--quota-tenant-running", "1", "--quota-session", "5", "--memory", "1024", "--processes", "300", "--workspace-cpu", "150"] });
const noise = Buffer.concat([...bytesOf(600_000, 3)]);
const usage = async (who) => (await who.get("/tenant")).data.usage;

async function invite(by, role) {
  const email = `${role}-${Math.random()}@example.com`;
  const made = await by.post("/tenant/invitations", { email, role });
  return made.status === 201 ? { email, password: "a long password", invitation: made.data.token } : made;
}
async function join(by, role) {
  const reply = await server.anonymous().post("/auth/register", await invite(by, role));
  assert.equal(reply.status, 201, reply.text());
  return Object.assign(new Client(server, reply.data.token), { user: reply.data.user });
}

const ada = await server.account("ada");
const late = await invite(ada, "member");
const mel = await join(ada, "member");

test("members: neither invited nor let in beyond the limit", async () => {
  assert.deepEqual((await usage(ada)).members, { used: 2, limit: 2 });
  const refused = await invite(ada, "viewer");
  assert.deepEqual([refused.status, refused.code], [409, "limit"]);
  const shut = await server.anonymous().post("/auth/register", late);
  assert.deepEqual([shut.status, shut.code], [409, "limit"]);
});

test("sessions: neither made, copied nor restored beyond the limit; deleted ones are not counted", async () => {
  const mine = [await newSession(ada), await newSession(ada)];
  await newSession(mel);
  assert.deepEqual((await usage(mel)).sessions, { used: 3, limit: 3 });
  for (const reply of [await mel.post("/sessions", { name: "x" }), await ada.post(`/sessions/${mine[0].id}/fork`, {})]) {
    assert.deepEqual([reply.status, reply.code], [409, "limit"]);
    assert.match(reply.json.error.message, /organization/);
  }
  await ada.delete(`/sessions/${mine[0].id}`);
  assert.deepEqual((await usage(ada)).sessions, { used: 2, limit: 3 });
  const other = await newSession(ada);
  assert.equal((await ada.post(`/sessions/${mine[0].id}/restore`)).code, "limit");
  await ada.delete(`/sessions/${other.id}`);
  assert.equal((await ada.post(`/sessions/${mine[0].id}/restore`)).status, 200);
  await ada.delete(`/sessions/${mine[0].id}`);
});

test("storage: no fork that would pass the limit", async () => {
  const [session] = (await ada.get("/sessions")).data;
  assert.equal((await ada.write(`/sessions/${session.id}/files/large`, noise)).status, 200);
  assert.deepEqual((await usage(ada)).bytes, { used: 600_000, limit: 1 << 20 });
  const refused = await ada.post(`/sessions/${session.id}/fork`, {}, { expected5xx: true });
  assert.deepEqual([refused.status, refused.code], [507, "quota"]);
  await ada.write(`/sessions/${session.id}/files/large`, noise.subarray(0, 400_000));
  assert.equal((await ada.post(`/sessions/${session.id}/fork`, {})).status, 202);
});

test("workspaces: admins see and stop everybody's, and nobody else does", async () => {
  const [hers] = (await mel.get("/sessions")).data;
  const [mine] = (await ada.get("/sessions?sort=created&reverse=true")).data;
  assert.equal((await mel.post(`/sessions/${hers.id}/open`)).status, 202);
  const refused = await ada.post(`/sessions/${mine.id}/open`);
  assert.deepEqual([refused.status, refused.code], [409, "too_many_running"]);
  assert.deepEqual((await usage(ada)).running, { used: 1, limit: 1 });

  const running = await ada.get("/workspaces?running=true");
  assert.equal(running.json.page.total, 1);
  const [one] = running.data;
  assert.deepEqual([one.id, one.session_id, one.session_name, one.user_id, one.user_email, one.wanted],
    [hers.workspace.id, hers.id, hers.name, mel.user.id, mel.user.email, true]);
  assert.deepEqual(one.limits, { memory_bytes: 1 << 30, processes: 300, cpu_percent: 150, bytes: 5 << 20 });
  const all = await ada.get("/workspaces");
  assert.equal(all.json.page.total, all.data.length);
  assert.ok(all.data.some(({ session_id: id, wanted }) => id === mine.id && !wanted));

  const eve = await server.account("eve");
  assert.deepEqual((await eve.get("/workspaces")).data, []);
  assert.equal((await eve.post(`/workspaces/${one.id}/stop`)).status, 404);
  for (const reply of [await mel.get("/workspaces"), await mel.post(`/workspaces/${one.id}/stop`)]) assert.equal(reply.status, 403);

  const stopped = await ada.post(`/workspaces/${one.id}/stop`);
  assert.deepEqual([stopped.status, stopped.data.wanted], [200, false]);
  assert.equal((await ada.post(`/workspaces/${one.id}/stop`)).status, 200, "twice is harmless");
  assert.equal((await mel.get(`/sessions/${hers.id}`)).data.status, "paused");
  assert.deepEqual((await ada.get("/workspaces?running=true")).data, []);
  const [record] = (await ada.get("/audit?action=workspace.stop")).data;
  assert.deepEqual([record.actor_id, record.target], [ada.user.id, hers.id]);
  assert.equal((await ada.post(`/sessions/${mine.id}/open`)).status, 202, "and there is room again");
});
