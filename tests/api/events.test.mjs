// A session's events as a client has them: in order, once, from where its last message ended, and no longer than its right lasts.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { call, Client, movableClock, newSession, noteHit, program, Server, serverForFile, until } from "./harness.mjs";
import { oneTo, sluggish, Stream, unpack } from "./stream.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
/** An id of nothing. */
const another = (id) => id.slice(0, -1) + (id.endsWith("0") ? "1" : "0");
const at = (session) => `/sessions/${session.id}`;
const file = (session, path) => `${at(session)}/files/${path}`;

async function write(client, session, path, content = "x") {
  const reply = await client.write(file(session, path), content);
  assert.ok([200, 201].includes(reply.status), reply.text());
  return reply.data.version;
}

async function member(by, role) {
  const email = `${role}-${Server.number++}@example.com`;
  const { token } = (await by.post("/tenant/invitations", { email, role })).data;
  const { data } = await by.server.anonymous().post("/auth/register", { email, password: "a password to test with", name: role, invitation: token });
  return Object.assign(new Client(by.server, data.token), { user: data.user, email });
}

/** Another login of the same person. */
async function again(client) {
  const { data } = await client.server.anonymous().post("/auth/login", { email: client.email, password: client.password });
  return new Client(client.server, data.token);
}

// ---- What is told ----

test("what happens is told at once, as the list of changes has it", async () => {
  const session = await newSession(ada);
  const stream = await Stream.open(ada, session);
  assert.equal(stream.socket.protocol, "coditect.v5");
  assert.deepEqual(stream.messages.map(({ type }) => type), ["ready"]);
  let least = Infinity; // of some: the machine may be busy elsewhere
  for (let i = 1; i <= 5; i++) {
    const began = performance.now();
    await write(ada, session, "src/main.c", `int main${i};`);
    await stream.has(i);
    least = Math.min(least, performance.now() - began);
  }
  assert.ok(least < 2000, `${least} ms`);
  assert.equal((await ada.post(`${at(session)}/files:move`, { from: "src/main.c", to: "src/b.c" })).status, 200);
  assert.equal((await ada.delete(file(session, "src/b.c"))).status, 200);
  await stream.has(7);
  const { data } = await ada.get(`${at(session)}/changes?order=oldest`);
  assert.deepEqual(stream.changes, data);
  assert.deepEqual(stream.changes.map(({ op }) => op), [...Array(5).fill("write"), "move", "delete"]);
  await stream.close();
});

test("and what becomes of the session, and nothing of others", async () => {
  const session = await newSession(ada);
  const other = await newSession(ada, "Other");
  const stream = await Stream.open(ada, session);
  await write(ada, other, "x");
  assert.equal((await ada.put(at(session), { name: "New" })).status, 200);
  assert.equal((await ada.post(`${at(session)}/links`, { name: "for you" })).status, 201);
  assert.equal((await ada.post(`${at(session)}/open`, {})).status, 202);
  await until("it is starting", () => stream.events.some(({ kind, state }) => kind === "workspace.start" && state === "starting"));
  assert.equal((await ada.post(`${at(session)}/pause`, {})).status, 200);
  await until("it is stopped", () => stream.events.some(({ kind, state }) => kind === "workspace.state" && state === "stopped"), 60_000);
  const kinds = stream.events.map(({ kind }) => kind);
  assert.deepEqual(kinds.filter((kind) => !kind.startsWith("workspace.") && !kind.startsWith("session.o")), ["session.rename", "link.create", "session.pause"]);
  for (const { kind, state } of stream.events) assert.equal(state !== undefined, kind.startsWith("workspace."), kind);
  assert.deepEqual(stream.changes, []);
  await stream.close();
});

test("a return to a moment is one change, told when it is whole; a fork is told when it is, and what it copied is not", async () => {
  const session = await newSession(ada);
  await unpack(ada, session, "[f'd/{i:04}' for i in range(700)]");
  const { data: [{ version }] } = await ada.get(`${at(session)}/changes`);
  await unpack(ada, session, "[f'd/{i:04}' for i in range(700)]", "changed");
  const stream = await Stream.open(ada, session);
  const back = await ada.post(`${at(session)}/files:restore`, { at: version });
  assert.deepEqual([back.status, back.data.done, back.data.changed], [200, true, 700], back.text());
  const { data: copy } = await ada.post(`${at(session)}/fork`, {});
  const copied = await Stream.open(ada, copy);
  const last = await write(ada, session, "last");
  await stream.has(2);
  assert.deepEqual(stream.changes.map(({ op, restored, changed, version: seq }) => [op, restored, changed, seq === last]), [["restore", version, 700, false], ["write", undefined, undefined, true]]);
  const { data: log } = await ada.get(`${at(session)}/changes?order=oldest&since=${stream.versions[0] - 1}`);
  assert.deepEqual(stream.changes, log);
  await until("the copy is whole", async () => (await ada.get(at(copy))).data.status === "active", 60_000);
  await write(ada, copy, "mine");
  await copied.has(1);
  assert.deepEqual(copied.changes.map(({ path }) => path), ["mine"]);
  await Promise.all([stream.close(), copied.close()]);
});

test("names as they are, also where they are no UTF-8", async () => {
  const session = await newSession(ada);
  const stream = await Stream.open(ada, session);
  await write(ada, session, "b%FFd%0A%22");
  await stream.has(1);
  assert.deepEqual([stream.changes[0].path, stream.changes[0].path_b64], ["b\ufffdd\n\"", Buffer.from("b\xffd\n\"", "latin1").toString("base64url")]);
  await stream.close();
});

// ---- In order, once ----

test("a thousand changes, in order, to readers that go away at any message and come back", async () => {
  const session = await newSession(ada);
  const whole = await Stream.open(ada, session);
  const first = whole.cursor;
  const writing = (async () => {
    for (let i = 0; i < 1000; i += 5) await Promise.all(oneTo(5, i).map((n) => write(ada, session, `f${n}`)));
  })();
  let since = first;
  const came = [];
  for (let turn = 0; came.length < 1000; turn++) {
    const stream = await Stream.open(ada, session, { since });
    assert.equal(stream.messages[0].type, "ready");
    const most = 1 + (turn % 4);
    await until("a few messages", () => stream.messages.length > most || came.length + stream.versions.length >= 1000);
    stream.socket.terminate(); // what is on its way is lost
    const kept = stream.messages.slice(0, most + 1);
    came.push(...kept.flatMap(({ events }) => events ?? []).flatMap(({ changes }) => changes));
    since = kept.at(-1).cursor;
  }
  await writing;
  assert.deepEqual(came.map(({ version }) => version), oneTo(1000));
  assert.deepEqual(await whole.has(1000), oneTo(1000));
  const late = await Stream.open(ada, session, { since: first });
  assert.deepEqual(await late.has(1000), oneTo(1000));
  assert.deepEqual(late.changes, came);
  await wait(300);
  assert.equal(late.versions.length, 1000);
  await Promise.all([whole.close(), late.close()]);
});

test("one batch is cut into messages that can each be gone on from", async () => {
  const session = await newSession(ada);
  const stream = await Stream.open(ada, session);
  await unpack(ada, session, "['/'.join([f'{i:03}'] + ['d' * 200] * 6) for i in range(200)]");
  await until("all of it", () => stream.changes.filter(({ type }) => type === "file").length === 200);
  assert.deepEqual(stream.versions, oneTo(stream.versions.length));
  const messages = stream.messages.filter(({ type }) => type === "events");
  const sizes = messages.map((message) => JSON.stringify(message).length);
  assert.ok(messages.length > 3 && Math.max(...sizes) < 64 * 1024, sizes.join());
  for (const message of [messages[0], messages[1], messages.at(-2)]) {
    const last = message.events.at(-1).changes.at(-1).version;
    const late = await Stream.open(ada, session, { since: message.cursor });
    await until("the last", () => late.versions.at(-1) === stream.versions.at(-1));
    assert.deepEqual(late.versions, stream.versions.slice(last));
    await late.close();
  }
  await stream.close();
});

test("what was acknowledged before a kill -9 is told after it, once, to who shows the last cursor", async (t) => {
  const own = await Server.start();
  t.after(() => own.stop());
  const eve = await own.account("eve");
  const session = await newSession(eve);
  const stream = await Stream.open(eve, session);
  const acknowledged = [];
  const writers = oneTo(4).map(async (writer) => {
    try {
      for (let i = 0; ; i++) acknowledged.push(await write(eve, session, `w${writer}-${i}`));
    } catch (error) {
      assert.ok(["ECONNRESET", "EPIPE", "ECONNREFUSED"].includes(error.code), String(error.stack));
    }
  });
  await stream.has(60);
  await own.kill9();
  await Promise.all(writers);
  await stream.ended();
  await own.run();
  const more = await Stream.open(eve, session, { since: stream.cursor });
  const last = await write(eve, session, "last");
  await until("the last", () => more.versions.at(-1) === last);
  const told = [...stream.versions, ...more.versions];
  assert.deepEqual(told, oneTo(told.length));
  const missing = acknowledged.filter((version) => !told.includes(version));
  assert.deepEqual(missing, []);
  await more.close();
});

// ---- Cursors ----

test("a cursor is taken by the session that gave it, as it was given", async () => {
  const session = await newSession(ada);
  const other = await newSession(ada);
  const { cursor } = await Stream.open(ada, session);
  const bad = ["x", cursor.slice(1), `${cursor}A`, `${cursor.slice(0, 47)}${cursor[47] === "A" ? "B" : "A"}`, `B${cursor.slice(1)}`, "A".repeat(48), "A".repeat(65), "%20", ""];
  for (const [where, since] of [...bad.map((since) => [session, since]), [other, cursor]]) {
    const refused = await Stream.open(ada, where, { since });
    assert.deepEqual([refused.status, Object.keys(refused.json.error.fields)], [400, ["since"]], since);
  }
  assert.equal((await Stream.open(ada, session, { since: cursor })).messages[0].cursor, cursor);
  assert.equal((await Stream.open(ada, session, { path: `/ws${at(session)}/events?until=x` })).status, 400);
});

test("after a day what was behind a cursor is gone, and that is said", async (t) => {
  const { env, jump } = movableClock(t);
  const own = await Server.start({ env });
  t.after(() => own.stop());
  const eve = await own.account("eve");
  const session = await newSession(eve);
  const stream = await Stream.open(eve, session);
  await write(eve, session, "a");
  await stream.has(1);
  const late = stream.messages.at(-1).cursor;
  stream.socket.terminate();
  jump(25 * 3600);
  eve.token = (await own.anonymous().post("/auth/login", { email: eve.email, password: eve.password })).data.token;
  await until("what is old is gone", async () => {
    const next = await Stream.open(eve, session, { since: stream.messages[0].cursor });
    next.socket.terminate();
    return next.messages[0].type === "resync";
  }, 60_000);
  const next = await Stream.open(eve, session, { since: stream.messages[0].cursor });
  await write(eve, session, "b");
  assert.deepEqual(await next.has(1), [2]);
  assert.deepEqual(next.messages.map(({ type }) => type), ["resync", "events"]);
  const gapless = await Stream.open(eve, session, { since: late });
  assert.deepEqual([gapless.messages[0].type, await gapless.has(1)], ["ready", [2]], "nothing behind this one is missing");
  await Promise.all([next.close(), gapless.close()]);
});

test("a restored server says so, whatever cursor is shown", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "coditect-events-"));
  chmodSync(folder, 0o755); // a server that gave up root writes in it
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const own = await Server.start({ t });
  const eve = await own.account("eve");
  const session = await newSession(eve);
  const stream = await Stream.open(eve, session);
  await write(eve, session, "a");
  await stream.has(1);
  assert.equal(spawnSync(program, ["--data", own.data, "--backup", join(folder, "b")]).status, 0);
  await write(eve, session, "lost");
  await stream.has(2);
  assert.equal(spawnSync(program, ["--data", join(folder, "d"), "--restore", join(folder, "b")]).status, 0);
  await own.stop();
  assert.equal(await stream.ended(), 1001);
  const restored = await Server.start({ data: join(folder, "d") });
  t.after(() => restored.stop());
  eve.server = restored;
  for (const { cursor } of stream.messages) {
    const next = await Stream.open(eve, session, { since: cursor });
    assert.equal(next.messages[0].type, "resync");
    next.socket.terminate();
  }
  const next = await Stream.open(eve, session, { since: stream.cursor });
  await write(eve, session, "b");
  assert.deepEqual(await next.has(1), [2]);
  await next.close();
});

// ---- Whose ----

test("who may not, does not: as for every route, and before anything is opened", async () => {
  const session = await newSession(ada);
  const eve = await server.account("eve");
  const refusal = async (client, where, options) => {
    const reply = await Stream.open(client, where, options);
    return [reply.status, reply.json?.error.code];
  };
  assert.deepEqual(await refusal(eve, session), [404, "not_found"]);
  noteHit("session_events", "refused");
  assert.deepEqual(await refusal(await member(ada, "admin"), session), [404, "not_found"]);
  assert.deepEqual(await refusal(ada, { id: another(session.id) }), [404, "not_found"]);
  const wrong = new Client(server, ada.token.replace(/[^.]{2}$/, (end) => (end === "AA" ? "BA" : "AA")));
  for (const client of [wrong, new Client(server, ada.login.refresh_token), new Client(server, "")]) assert.deepEqual(await refusal(client, session), [401, "unauthenticated"]);
  assert.deepEqual(await refusal(ada, session, { protocols: ["coditect.v5"] }), [401, "unauthenticated"]);
  assert.deepEqual(await refusal(ada, session, { headers: { Authorization: `Bearer ${ada.token}` } }), [401, "unauthenticated"], "two tokens");
  assert.deepEqual(await refusal(ada, session, { protocols: [], headers: { Cookie: `token=${ada.token}` } }), [401, "unauthenticated"]);
  assert.equal((await ada.delete(at(session))).status, 200);
  assert.deepEqual(await refusal(ada, session), [404, "not_found"]);
});

test("both addresses, both ways to say the token, and pages of our own origin alone", async () => {
  const session = await newSession(ada);
  const header = { protocols: [], headers: { Authorization: `Bearer ${ada.token}` } };
  for (const path of [`/ws${at(session)}/events`, `/api/v5/ws${at(session)}/events`]) assert.equal((await Stream.open(ada, session, { ...header, path })).messages[0].type, "ready");
  const origin = `http://127.0.0.1:${server.port}`;
  assert.equal((await Stream.open(ada, session, { headers: { Origin: origin } })).messages[0].type, "ready");
  for (const Origin of ["http://evil.example.com", "https://127.0.0.1:1", "null", `http://${session.id}.ide.coditect.localhost:${server.port}`]) {
    const refused = await Stream.open(ada, session, { headers: { Origin } });
    assert.deepEqual([refused.status, refused.json.error.code], [403, "forbidden"], Origin);
  }
  const plain = await call(server.port, "GET", `/ws${at(session)}/events`, { token: ada.token });
  assert.deepEqual([plain.status, plain.headers["sec-websocket-version"]], [400, "13"]);
});

test("a viewer reads what was theirs, and so does a key for reading", async () => {
  const vic = await member(ada, "member");
  const session = await newSession(vic);
  const { data: { key } } = await vic.post("/auth/keys", { name: "watch", access: "read" });
  assert.equal((await ada.put(`/tenant/members/${vic.user.id}`, { role: "viewer" })).status, 200);
  for (const client of [vic, new Client(server, key)]) {
    const stream = await Stream.open(client, session);
    assert.equal(stream.messages[0].type, "ready");
    await stream.close();
  }
});

test("a right that ends closes the socket, at once, and no other", async () => {
  const eve = await server.account("eve");
  const bob = await member(eve, "member");
  const [sessions, bobs] = [await Promise.all(oneTo(2).map(() => newSession(eve))), await newSession(bob)];
  const second = await again(eve);
  const { data: { key, record } } = await eve.post("/auth/keys", { name: "watch" });
  const stays = await Stream.open(eve, sessions[0]);
  const rows = [
    ["logout", 4401, await Stream.open(second, sessions[0]), () => second.post("/auth/logout", {})],
    ["a key that is deleted", 4401, await Stream.open(new Client(server, key), sessions[0]), () => eve.delete(`/auth/keys/${record.id}`)],
    ["a member who is removed", 4401, await Stream.open(bob, bobs), () => eve.delete(`/tenant/members/${bob.user.id}`)],
    ["a session that is deleted", 4404, await Stream.open(eve, sessions[1]), () => eve.delete(at(sessions[1]))],
  ];
  for (const [what, code, stream, end] of rows) {
    assert.equal(stream.status, undefined, what);
    const reply = await end();
    assert.ok(reply.status < 300, `${what}: ${reply.text()}`);
    const began = performance.now();
    assert.equal(await stream.ended(), code, what);
    const took = performance.now() - began;
    assert.ok(took < 4500, `${what}: ${took} ms`); // every five seconds each right is looked at in any case
    assert.deepEqual(stream.events.filter(({ kind }) => kind !== "session.open"), [], what);
  }
  assert.equal(stays.code, undefined);
  await write(eve, sessions[0], "still");
  await stays.has(1);
  await stays.close();
});

test("a token that grows old ends nothing", async (t) => {
  const { env, jump } = movableClock(t);
  const own = await Server.start({ env });
  t.after(() => own.stop());
  const eve = await own.account("eve");
  const session = await newSession(eve);
  const stream = await Stream.open(eve, session);
  jump(16 * 60);
  assert.equal((await Stream.open(eve, session)).status, 401);
  eve.token = (await own.anonymous().post("/auth/login", { email: eve.email, password: eve.password })).data.token;
  await write(eve, session, "a");
  await stream.has(1);
  await stream.close();
});

// ---- Bounds ----

test("64 streams of a person, and one more when one has ended", async () => {
  const eve = await server.account("eve");
  const session = await newSession(eve);
  const streams = await Promise.all(oneTo(64).map(() => Stream.open(eve, session)));
  assert.ok(streams.every((stream) => stream.messages[0].type === "ready"));
  const refused = await Stream.open(eve, session);
  assert.deepEqual([refused.status, refused.json.error.code], [409, "limit"]);
  assert.equal((await Stream.open(ada, await newSession(ada))).messages[0].type, "ready");
  await streams[0].close();
  await until("there is room", async () => (await Stream.open(eve, session)).messages !== undefined);
});

test("sockets and tickets together are sixty a minute, also those that are refused", async (t) => {
  const own = await Server.start({ args: [] });
  t.after(() => own.stop());
  const eve = await own.account("eve");
  const session = await newSession(eve);
  const statuses = [];
  const ask = async (where) => {
    const stream = await Stream.open(eve, where, { quiet: true });
    statuses.push(stream.status ?? 101);
    stream.socket?.terminate();
    if (stream.status === 429) assert.ok(Number(stream.headers["retry-after"]) > 0);
  };
  const ticket = async () => statuses.push((await eve.post("/auth/tickets", { session_id: session.id })).status);
  await ask(session);
  while (!statuses.includes(429) && statuses.length < 600) await Promise.all(oneTo(10).flatMap(() => [ask({ id: another(session.id) }), ticket()]));
  assert.deepEqual([...new Set(statuses)], [101, ...new Set(statuses.slice(1))]);
  assert.ok(statuses.every((status) => [101, 404, 409, 429].includes(status)), statuses.join());
  // Answers to twenty that are asked at once come in any order.
  assert.ok(statuses.filter((status) => status !== 429).length >= 60 && statuses.filter((status) => status === 404).length < 60, statuses.join());
});

test("what a client says is not looked at, and not taken when it is large", async () => {
  const session = await newSession(ada);
  const stream = await Stream.open(ada, session);
  stream.socket.send("x".repeat(1024));
  stream.socket.send(Buffer.alloc(1024));
  await write(ada, session, "a");
  await stream.has(1);
  stream.socket.send("x".repeat(1025));
  assert.equal(await stream.ended(), 1009);
  const huge = await Stream.open(ada, session);
  huge.socket.send("x".repeat(1 << 20));
  assert.equal(await huge.ended(), 1009);
  const pieces = await Stream.open(ada, session); // of a message that never ends
  for (let i = 0; i < 2; i++) pieces.socket.send("x".repeat(600), { fin: false });
  assert.equal(await pieces.ended(), 1009);
});

test("who does not read is sent away, holds nobody up, and goes on where it was", async () => {
  const session = await newSession(ada);
  const quick = await Stream.open(ada, session, { plain: true });
  const first = quick.cursor;
  // A change is 20 KiB, mostly of \u0001: 12 MB, more than the kernel keeps.
  await unpack(ada, session, "['/'.join([f'{i:03}'] + [chr(1) * 250] * 14) for i in range(600)]");
  const slow = sluggish(ada, session, first, 33); // the patience, and what its end may take
  await until("the quick one has all", () => {
    assert.equal(quick.code, undefined, "the quick one was sent away");
    return quick.changes.filter(({ type }) => type === "file").length === 600;
  }, 120_000);
  const { code, cursor, versions } = await slow;
  assert.ok([4408, 1006].includes(code), String(code)); // what was not taken stood before the close frame
  assert.ok(versions.length > 0 && versions.length < quick.versions.length, `${versions.length} of ${quick.versions.length}: this one was to be slow`);
  const rest = await Stream.open(ada, session, { since: cursor });
  await until("the rest", () => versions.length + rest.versions.length >= quick.versions.length, 60_000);
  assert.deepEqual([...versions, ...rest.versions], quick.versions);
  await Promise.all([rest.close(), quick.close()]);
});

test("a server that stops says so", async (t) => {
  const own = await Server.start({ t });
  const eve = await own.account("eve");
  const streams = await Promise.all(oneTo(5).map(async () => Stream.open(eve, await newSession(eve))));
  await own.stop();
  for (const stream of streams) assert.equal(await stream.ended(), 1001);
});
