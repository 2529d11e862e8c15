// Idempotency-Key: whatever becomes of the reply, the same request under the same key gives the same object, and one object only;
// another request under it is 409. Crashes are kill -9 of the server. CODITECT_RANDOM_SEED repeats a run.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { bundle, newSession, root, serverForFile, until } from "./harness.mjs";

const seed = Number(process.env.CODITECT_RANDOM_SEED ?? Date.now() % 1_000_000);
const server = await serverForFile();
const takes = (operation) => operation.parameters.some(({ name }) => name === "Idempotency-Key");

/** What is shown once and stored only as a hash cannot be given a second time. */
const SHOWN_ONCE = ["auth_key_create", "session_link_create", "users_me_totp_begin", "tenant_member_reset"];

test("every POST that answers 201 takes a key, unless it answers a secret that is kept nowhere", () => {
  const creating = bundle.operations.filter(({ method, replies }) => method === "POST" && "201" in replies);
  assert.ok(creating.length >= 4);
  for (const operation of creating) assert.ok(takes(operation) || SHOWN_ONCE.includes(operation.id), operation.id);
  for (const operation of bundle.operations) if (takes(operation)) assert.equal(operation.method, "POST", operation.id);
});

test("the document says which of them take no key", () => {
  const about = readFileSync(join(root, "spec/openapi.yaml"), "utf8").split("\nservers:")[0];
  for (const id of [...SHOWN_ONCE, "auth_login", "files_unpack"]) {
    const { segments } = bundle.operations.find((operation) => operation.id === id);
    const path = segments.map(({ kind, text }) => (kind === "literal" ? `/${text}` : `/{${text}}`)).join("");
    assert.ok(about.includes(`\`${path}\``) || about.includes(`\`POST ${path}\``), path);
  }
});

test("made once, the repetition shows it as it is now, and not once it is gone", async () => {
  const ada = await server.account("now");
  const again = () => ada.post("/projects", { name: "first" }, { headers: { "Idempotency-Key": "k2" } });
  const { id } = (await again()).data;
  assert.equal((await ada.put(`/projects/${id}`, { name: "second" })).status, 200);
  const { data } = await again();
  assert.deepEqual([data.id, data.name], [id, "second"]);
  assert.equal((await ada.delete(`/projects/${id}`)).status, 200);
  assert.equal((await again()).status, 404);
});

/** The request leaves, the reply is never read. */
async function sendAndLeave(client, path, json, key) {
  const body = JSON.stringify(json);
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => undefined);
  const head = [`POST /api/v5${path} HTTP/1.1`, `Host: 127.0.0.1:${server.port}`, `Authorization: Bearer ${client.token}`, "Content-Type: application/json", `Idempotency-Key: ${key}`, `Content-Length: ${Buffer.byteLength(body)}`, "", ""].join("\r\n");
  await new Promise((resolve) => socket.write(head + body, resolve));
  return socket;
}

const names = async (client) => (await client.get("/sessions?limit=100")).data.map(({ name }) => name);

test("the commit is there, the reply is lost, the server is killed: the repetition gives what was made", async () => {
  const ada = await server.account("ada");
  const base = await newSession(ada, "base");
  await ada.write(`/sessions/${base.id}/files/f`, "f");
  const socket = await sendAndLeave(ada, "/sessions", { name: "one" }, "k1");
  const fork = await sendAndLeave(ada, `/sessions/${base.id}/fork`, { name: "two" }, "k1");
  const move = await sendAndLeave(ada, `/sessions/${base.id}/files:move`, { from: "f", to: "g" }, "k1");
  await until("all are committed", async () => {
    const made = await names(ada);
    return made.includes("one") && made.includes("two") && (await ada.get(`/sessions/${base.id}/files/g`)).status === 200;
  });
  const made = Object.fromEntries((await ada.get("/sessions")).data.map(({ name, id }) => [name, id]));
  const version = (await ada.head(`/sessions/${base.id}/files/g`)).headers.etag;
  await server.kill9();
  for (const one of [socket, fork, move]) one.destroy();
  await server.run();
  const headers = { "Idempotency-Key": "k1" };
  for (let i = 0; i < 2; i++) {
    const one = await ada.post("/sessions", { name: "one" }, { headers });
    assert.equal(one.status, 201, one.text());
    assert.equal(one.data.id, made.one);
    const two = await ada.post(`/sessions/${base.id}/fork`, { name: "two" }, { headers });
    assert.equal(two.status, 202, two.text());
    assert.equal(two.data.id, made.two);
    const moved = await ada.post(`/sessions/${base.id}/files:move`, { from: "f", to: "g" }, { headers });
    assert.equal(moved.status, 200, moved.text());
    assert.equal((await ada.head(`/sessions/${base.id}/files/g`)).headers.etag, version, "moved once");
  }
  assert.deepEqual((await names(ada)).sort(), ["base", "one", "two"]);
  for (const [path, json] of [["/sessions", { name: "other" }], [`/sessions/${base.id}/fork`, { name: "other" }], [`/sessions/${base.id}/files:move`, { from: "g", to: "h" }]]) {
    const reply = await ada.post(path, json, { headers });
    assert.equal(reply.status, 409, path);
    assert.match(reply.json.error.message, /Idempotency-Key/);
  }
});

test("what it was done to is gone: the repetition is told so", async () => {
  const ada = await server.account("ada");
  const base = await newSession(ada, "base");
  await ada.write(`/sessions/${base.id}/files/f`, "f");
  const move = () => ada.post(`/sessions/${base.id}/files:move`, { from: "f", to: "g" }, { headers: { "Idempotency-Key": "k1" } });
  assert.equal((await move()).status, 200);
  assert.equal((await ada.delete(`/sessions/${base.id}`)).status, 200);
  assert.equal((await move()).status, 404);
  assert.equal((await ada.post(`/sessions/${base.id}/restore`)).status, 200);
  assert.equal((await move()).status, 200);
});

test(`killed at any moment of the request: one object, whichever side of the commit it was, seed ${seed}`, async () => {
  const ada = await server.account("ada");
  let state = seed;
  for (let round = 0; round < 4; round++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    const name = `round ${round}`;
    const socket = await sendAndLeave(ada, "/sessions", { name }, `r${round}`);
    await wait(state % 12);
    await server.kill9();
    socket.destroy();
    await server.run();
    const before = await names(ada);
    const reply = await ada.post("/sessions", { name }, { headers: { "Idempotency-Key": `r${round}` } });
    assert.equal(reply.status, 201, reply.text());
    const after = await names(ada);
    assert.equal(after.filter((one) => one === name).length, 1, `before: ${before.join()}`);
    assert.equal(after.length, round + 1);
  }
});
