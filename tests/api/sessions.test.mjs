// Sessions: their life, with undo.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, serverForFile, until } from "./harness.mjs";

const server = await serverForFile();

test("create, get, rename, open, pause, delete, restore", async () => {
  const ada = await server.account();
  const created = await ada.post("/sessions", { name: "Project A" });
  assert.equal(created.status, 201);
  const session = created.data;
  assert.equal(created.headers.location, `/api/v5/sessions/${session.id}`);
  assert.equal(session.name, "Project A");
  assert.equal(session.status, "active");
  assert.equal(session.user_id, ada.user.id);
  assert.equal(session.tenant_id, ada.user.tenant_id);
  assert.equal(session.workspace.state, "stopped");
  assert.deepEqual([session.files, session.bytes, session.agents], [0, 0, []]);

  const path = `/sessions/${session.id}`;
  assert.deepEqual((await ada.get(path)).data, session);
  const renamed = await ada.put(path, { name: "Project B" });
  assert.equal(renamed.data.name, "Project B");
  assert.ok(renamed.data.revision > session.revision);

  const paused = await ada.post(`${path}/pause`);
  assert.equal(paused.status, 200);
  assert.equal(paused.data.status, "paused");
  const opened = await ada.post(`${path}/open`);
  assert.equal(opened.status, 202);
  assert.equal(opened.data.status, "active");
  assert.equal((await ada.post(`${path}/open`)).status, 202, "twice is harmless");
  assert.equal((await ada.post(`${path}/pause`)).status, 200);

  const gone = await ada.delete(path);
  assert.equal(gone.data.status, "deleted");
  assert.ok(gone.data.deleted_at);
  assert.deepEqual((await ada.get("/sessions")).data, []);
  assert.deepEqual((await ada.get("/sessions?deleted=true")).data.map((one) => one.id), [session.id]);
  assert.equal((await ada.get(`${path}/files`)).status, 404, "its files are not reachable");
  assert.equal((await ada.put(path, { name: "x" })).status, 404);
  assert.equal((await ada.post(`${path}/open`)).status, 404);

  const back = await ada.post(`${path}/restore`);
  assert.equal(back.status, 200);
  assert.equal(back.data.status, "paused");
  assert.equal(back.data.deleted_at, undefined);
  assert.deepEqual((await ada.get("/sessions")).data.map((one) => one.id), [session.id]);
  assert.equal((await ada.post(`${path}/restore`)).status, 200, "twice is harmless");
});

test("deleting and restoring keeps the files", async () => {
  const ada = await server.account();
  const path = `/sessions/${(await newSession(ada)).id}`;
  await ada.write(`${path}/files/a.txt`, "kept");
  await ada.delete(path);
  await ada.post(`${path}/restore`);
  assert.equal((await ada.get(`${path}/files/a.txt`)).body.toString(), "kept");
});

test("If-Match guards against lost updates", async () => {
  const ada = await server.account();
  const created = await ada.post("/sessions", { name: "one" });
  const path = `/sessions/${created.data.id}`;
  const old = created.headers.etag;
  const put = (name, etag) => ada.request("PUT", path, { json: { name }, headers: { "If-Match": etag } });
  const two = await put("two", old);
  assert.equal(two.status, 200);
  assert.equal((await put("three", old)).status, 412);
  assert.equal((await put("three", "*")).status, 200);
  assert.equal((await ada.delete(path, { headers: { "If-Match": old } })).status, 412);
  assert.equal((await ada.get(path)).data.name, "three");
  const now = (await ada.get(path)).headers.etag;
  assert.equal((await ada.delete(path, { headers: { "If-Match": now } })).status, 200);
});

test("names", async () => {
  const ada = await server.account();
  for (const name of ["x", "Ünïcödé 🙂", "a".repeat(100), "🙂".repeat(100), "<script>alert(1)</script>", "../../etc"]) {
    assert.equal((await newSession(ada, name)).name, name);
  }
  for (const name of ["", "a".repeat(101), "a\nb", "a\u0000b", 5, null, ["x"], {}]) {
    const reply = await ada.post("/sessions", { name });
    assert.equal(reply.status, 400, JSON.stringify(name));
    assert.ok(reply.json.error.fields.name);
  }
  const reply = await ada.post("/sessions", { name: "x", status: "deleted", user_id: "usr-x", bytes: 5 });
  assert.deepEqual(Object.keys(reply.json.error.fields).sort(), ["bytes", "status", "user_id"]);
});

test("a list in pages has every session once, the latest activity first", async () => {
  const ada = await server.account();
  const ids = [];
  for (let i = 0; i < 25; i++) ids.push((await newSession(ada, `session ${i}`)).id);
  const seen = [];
  let cursor;
  do {
    const query = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await ada.get(`/sessions?limit=10${query}`);
    assert.ok(page.data.length <= 10);
    seen.push(...page.data.map((one) => one.id));
    cursor = page.json.page.next ?? undefined;
  } while (cursor !== undefined);
  assert.deepEqual(seen.toSorted(), ids.toSorted());
  const times = (await ada.get("/sessions")).data.map((one) => one.last_access_at);
  assert.deepEqual(times, times.toSorted().reverse());
  for (const bad of ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=1e1", "limit=1&limit=2", "cursor=!", "deleted=yes", "x=1", "limit=%zz"]) {
    assert.equal((await ada.get(`/sessions?${bad}`)).status, 400, bad);
  }
});

test("Idempotency-Key: the same key and body give the same session, another body 409", async () => {
  const ada = await server.account();
  const eve = await server.account();
  const create = (client, name, key) => client.request("POST", "/sessions", { json: { name }, headers: { "Idempotency-Key": key } });
  const one = await create(ada, "A", "key-1");
  const again = await create(ada, "A", "key-1");
  assert.equal(again.status, 201);
  assert.equal(again.data.id, one.data.id);
  const other = await create(ada, "B", "key-1");
  assert.equal(other.status, 409);
  assert.match(other.json.error.message, /Idempotency-Key/);
  assert.notEqual((await create(ada, "A", "key-2")).data.id, one.data.id);
  assert.notEqual((await create(eve, "A", "key-1")).data.id, one.data.id, "keys are the person's own");
  assert.equal((await ada.get("/sessions")).data.length, 2);

  const at_once = await Promise.all(Array.from({ length: 20 }, () => create(ada, "C", "key-3")));
  assert.deepEqual([...new Set(at_once.map((reply) => reply.status))], [201]);
  assert.equal(new Set(at_once.map((reply) => reply.data.id)).size, 1);

  await server.kill9();
  await server.run();
  assert.equal((await create(ada, "A", "key-1")).data.id, one.data.id, "also after a crash");
  assert.equal((await create(ada, "A", "x".repeat(201))).status, 400);
});

test("four running workspaces are the most", async () => {
  const ada = await server.account();
  const sessions = [];
  for (let i = 0; i < 5; i++) sessions.push(await newSession(ada, `run ${i}`));
  for (const session of sessions.slice(0, 4)) assert.equal((await ada.post(`/sessions/${session.id}/open`)).status, 202);
  const fifth = await ada.post(`/sessions/${sessions[4].id}/open`);
  assert.equal(fifth.status, 409);
  assert.equal(fifth.code, "too_many_running");
  assert.match(fifth.json.error.message, /run 0/, "names those that could be paused");
  assert.equal((await ada.post(`/sessions/${sessions[0].id}/pause`)).status, 200);
});

test("a session that begins with a repository", async () => {
  const ada = await server.account();
  const git_url = "https://git.example.com/ada/engine.git";
  const created = await ada.post("/sessions", { name: "Engine", git_url, git_branch: "next" });
  assert.equal(created.status, 201);
  assert.deepEqual(created.data.source, { kind: "git", url: git_url, branch: "next", state: "pending" });
  const path = `/sessions/${created.data.id}`;
  assert.deepEqual((await ada.get(path)).data.source, created.data.source);
  assert.deepEqual((await ada.get("/sessions")).data[0].source, created.data.source);
  const again = await ada.post(`${path}/clone`);
  assert.deepEqual([again.status, again.data.source.state, again.data.revision], [202, "pending", created.data.revision], "harmless while one is to come");

  const fork = await ada.post(`${path}/fork`, { name: "Copy" });
  assert.equal(fork.data.source, undefined, "a copy begins with files");
  const blank = await newSession(ada);
  assert.equal(blank.source, undefined);
  const refused = await ada.post(`/sessions/${blank.id}/clone`);
  assert.deepEqual([refused.status, refused.code], [409, "conflict"]);
  await until("the copy is whole", async () => (await ada.get(`/sessions/${fork.data.id}`)).data.status !== "forking");
  assert.equal((await ada.delete(path)).status, 200);
  assert.equal((await ada.post(`${path}/clone`)).status, 404);
});

test("what is no address of a repository is refused, with the field and a reason", async () => {
  const ada = await server.account();
  const secret = "hunter2-hunter2";
  for (const [git_url, reason] of [
    ["http://example.com/a", /use https/], ["file:///etc/passwd", /begin with https/], ["git@example.com:a.git", /terminal/],
    ["--upload-pack=id", /begin with https/], ["ext::sh -c id", /begin with https/], [`https://ada:${secret}@example.com/a`, /Leave out the user name/],
    ["https://example.com", /no repository/], [`https://example.com/a?t=${secret}`, /leave out/], ["https://example.com/a b", /no address/], ["", /./], [`https://example.com/${"a".repeat(2000)}`, /./],
  ]) {
    const reply = await ada.post("/sessions", { name: "A", git_url });
    assert.deepEqual([reply.status, reply.code], [400, "invalid"], git_url);
    assert.match(reply.json.error.fields[0]?.message ?? JSON.stringify(reply.json.error), reason);
    assert.equal(reply.text().includes(secret), false, "nothing is said again that may be secret");
  }
  for (const git_branch of ["-b", "a..b", "a b", "", "x".repeat(251)]) {
    const reply = await ada.post("/sessions", { name: "A", git_url: "https://example.com/a", git_branch });
    assert.deepEqual([reply.status, reply.code], [400, "invalid"], git_branch);
  }
  assert.equal((await ada.post("/sessions", { name: "A", git_branch: "main" })).status, 400, "a branch of nothing");
  assert.deepEqual((await ada.get("/sessions")).data, []);
});
