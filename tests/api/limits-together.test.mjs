// At a tenant's limit many ask at the same time: exactly as many as there is room for get it, the others are refused.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { bytesOf, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--quota-tenant", "1", "--quota-tenant-members", "4",
  "--quota-tenant-sessions", "3", "--quota-tenant-running", "1", "--memory", "1024"] });

/** How often each answer came, of n requests that are all on their way at once. */
async function together(n, ask) {
  const counts = {};
  const replies = await Promise.all(Array.from({ length: n }, (_, i) => ask(i)));
  for (const { status, code } of replies) counts[code ?? status] = (counts[code ?? status] ?? 0) + 1;
  return { replies, counts };
}

const usage = async (who) => (await who.get("/tenant")).data.usage;

test("members", async () => {
  const ada = await server.account("ada");
  const invited = [];
  for (let i = 0; i < 8; i++) invited.push((await ada.post("/tenant/invitations", { email: `together-${i}@example.com`, role: "member" })).data);
  const { counts } = await together(8, (i) => server.anonymous().post("/auth/register", { email: invited[i].email, password: "a long password", invitation: invited[i].token }));
  assert.deepEqual(counts, { 201: 3, limit: 5 });
  assert.deepEqual((await usage(ada)).members, { used: 4, limit: 4 });
});

test("sessions: made, and restored", async () => {
  const bea = await server.account("bea");
  const made = await together(10, (i) => bea.post("/sessions", { name: `s${i}` }));
  assert.deepEqual(made.counts, { 201: 3, limit: 7 });
  const gone = made.replies.filter(({ status }) => status === 201).map(({ data }) => data.id);
  for (const id of gone) await bea.delete(`/sessions/${id}`);
  await newSession(bea);
  assert.deepEqual((await together(3, (i) => bea.post(`/sessions/${gone[i]}/restore`))).counts, { 200: 2, limit: 1 });
  assert.deepEqual((await usage(bea)).sessions, { used: 3, limit: 3 });
});

test("storage: of one session and of several, small and streamed", async () => {
  const cay = await server.account("cay");
  const sessions = [await newSession(cay, "a"), await newSession(cay, "b")];
  const piece = Buffer.concat([...bytesOf(300_000, 5)]);
  const write = (i, body) => cay.write(`/sessions/${sessions[i % 2].id}/files/f${i}`, body, { expected5xx: true });
  const { counts, replies } = await together(8, (i) => write(i, piece));
  assert.deepEqual(counts, { 200: 3, quota: 5 });
  assert.deepEqual((await usage(cay)).bytes, { used: 900_000, limit: 1 << 20 });
  for (const [i, { status }] of replies.entries()) if (status === 200) await cay.delete(`/sessions/${sessions[i % 2].id}/files/f${i}`);
  const large = Buffer.concat([...bytesOf(1 << 20, 6)]);
  assert.deepEqual((await together(4, (i) => write(i, Readable.from([large])))).counts, { 200: 1, quota: 3 });
  assert.deepEqual((await usage(cay)).bytes, { used: 1 << 20, limit: 1 << 20 });
});

test("workspaces that run", async () => {
  const dot = await server.account("dot");
  const sessions = [await newSession(dot, "a"), await newSession(dot, "b"), await newSession(dot, "c")];
  const { counts, replies } = await together(3, (i) => dot.post(`/sessions/${sessions[i].id}/open`));
  assert.equal(counts[202], 1, JSON.stringify(counts));
  assert.ok(replies.every(({ status }) => [202, 409].includes(status)), JSON.stringify(counts));
  assert.equal((await usage(dot)).running.used, 1);
  for (const { id } of sessions) await dot.post(`/sessions/${id}/pause`);
});
