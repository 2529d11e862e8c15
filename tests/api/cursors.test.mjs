// Cursors: sealed for the person, the route, the path and the query that they were given for, and stable while others insert and delete.
// CODITECT_RANDOM_SEED repeats a run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, newSession, serverForFile } from "./harness.mjs";
import { homeOf, program } from "./homes.mjs";

const seed = Number(process.env.CODITECT_RANDOM_SEED ?? Date.now() % 1_000_000);
const server = await serverForFile({ program });
let state = seed;
const below = (n) => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) % n;

const refusal = "is none that this list gave for this query";
const next = (reply) => (assert.equal(reply.status, 200, reply.text()), reply.json.page.next ?? undefined);
const with_ = (path, query) => `${path}${path.includes("?") ? "&" : "?"}${query}`;

/** Every entry of a list in pages of `limit`; between two pages meanwhile() runs. */
async function walk(client, path, limit, meanwhile = () => undefined) {
  const all = [];
  let cursor;
  do {
    const reply = await client.get(with_(path, `limit=${limit}${cursor === undefined ? "" : `&cursor=${cursor}`}`));
    cursor = next(reply);
    all.push(...reply.data);
    await meanwhile();
  } while (cursor !== undefined);
  return all;
}

test("a cursor is taken back only as it was given, where it was given, from whom it was given to", async () => {
  const [ada, eve] = [await server.account("ada"), await server.account("eve")];
  const [one, two] = [await newSession(ada, "one"), await newSession(ada, "two")];
  for (const session of [one, two]) for (const name of ["a", "b", "c"]) await ada.write(`/sessions/${session.id}/files/${name}`, name);
  await newSession(eve, "hers");
  await newSession(eve, "hers too");
  const lists = ["/sessions", `/sessions/${one.id}/files`, `/sessions/${one.id}/files?recursive=true`];
  const files = next(await ada.get(`${lists[1]}?limit=1`));
  for (const path of lists) {
    const cursor = next(await ada.get(with_(path, "limit=1")));
    assert.match(cursor, /^[A-Za-z0-9_-]{23,}$/);
    const again = await ada.get(with_(path, `limit=1&cursor=${cursor}`));
    assert.equal(again.status, 200);
    const broken = [cursor.slice(22), cursor.slice(0, 22), cursor.slice(1), `${cursor}A`, cursor.slice(0, -1), "A".repeat(22) + cursor.slice(22), "x"];
    for (let i = 0; i < cursor.length; i += 1 + below(3)) broken.push(cursor.slice(0, i) + (cursor[i] === "A" ? "B" : "A") + cursor.slice(i + 1));
    for (const text of broken) {
      const reply = await ada.get(with_(path, `cursor=${text}`));
      assert.equal(reply.status, 400, text);
      assert.deepEqual(reply.json.error.fields, { cursor: refusal });
    }
  }
  assert.equal((await ada.get(`/sessions/${two.id}/files?cursor=${files}`)).status, 400, "another session's");
  assert.equal((await ada.get(`/sessions?cursor=${files}`)).status, 400, "another list's");
  const hers = next(await eve.get("/sessions?limit=1"));
  assert.equal((await ada.get(`/sessions?cursor=${hers}`)).status, 400, "another person's");
  await server.kill9();
  await server.run();
  assert.equal((await ada.get(`${lists[1]}?cursor=${files}`)).status, 200, "after a restart");
});

/** Somebody who has two of everything that is listed; ask(operation, query) asks for a list of theirs. */
async function withTwoOfAll() {
  const ada = await server.account("ada");
  const made = async (path, body) => (await ada.post(path, body)).data;
  const [session, second] = [await newSession(ada, "a"), await newSession(ada, "a")];
  const conversation = await made("/conversations", { session_id: session.id, name: "a" });
  await made("/conversations", { session_id: session.id, name: "a" });
  for (const name of ["one", "two"]) {
    const { token } = await made("/tenant/invitations", { email: `${name}-${ada.email}`, role: "member" });
    if (name === "one") await server.anonymous().post("/auth/register", { email: `${name}-${ada.email}`, password: "a long password", invitation: token });
    await made("/tenant/invitations", { email: `waits-${name}-${ada.email}`, role: "member" });
    await made("/auth/keys", { name, access: "read", expires_in_days: 1 });
    await made("/projects", { name });
    await made(`/conversations/${conversation.id}/messages`, { role: "user", content: name });
    await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
    for (const file of ["a", "b"]) {
      await ada.write(`/sessions/${session.id}/files/${file}`, name);
      await homeOf(server, ada).write(file, name);
    }
  }
  const link = await made(`/sessions/${session.id}/links`, { name: "a", expires_in_days: 1 });
  const ids = { session_id: session.id, conversation_id: conversation.id, path: "a" };
  const ask = ({ path, by_link }, query) => ada.get(`${path.replace(/\{(\w+)\}/g, (_, name) => ids[name])}?${query}`, by_link ? { token: link.token } : {});
  return { ada, second, ask };
}

const lists = bundle.operations.filter((one) => one.parameters.some(({ name }) => name === "cursor"));

test("every list of the document takes a cursor, and only sealed ones", async () => {
  assert.ok(lists.length >= 14);
  const { ask } = await withTwoOfAll();
  for (const operation of lists) {
    const reply = await ask(operation, "cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert.deepEqual([reply.status, reply.json.error?.fields], [400, { cursor: refusal }], operation.id);
  }
});

/** Other values for a parameter than none. */
function others({ name, schema }) {
  if (schema.enum !== undefined) return schema.enum.filter((one) => one !== schema.default);
  if (schema.type === "boolean") return [String(!schema.default)];
  if (schema.type === "integer") return ["1"];
  if (schema.pattern?.startsWith("^ses-")) return [`ses-${"0".repeat(26)}`];
  if (schema.pattern?.startsWith("^usr-")) return [`usr-${"0".repeat(26)}`];
  if (schema.pattern?.startsWith("^prj-")) return [`prj-${"0".repeat(26)}`];
  return [name.endsWith("_b64") ? "YQ" : "a"];
}

test("every list of the document: a cursor goes on in the order and selection that it was made in, and in no other", async () => {
  const { ada, second, ask } = await withTwoOfAll();
  let refused = 0;
  for (const operation of lists) {
    const { id, parameters } = operation;
    const get = (query) => ask(operation, query);
    const cursor = next(await get("limit=1"));
    assert.ok(cursor, `${id} has two`);
    assert.equal((await get(`limit=2&cursor=${cursor}`)).status, 200, `${id}: another length`);
    for (const parameter of parameters.filter(({ in: place, name }) => place === "query" && name !== "cursor" && name !== "limit")) {
      const { name, schema: { default: standard } } = parameter;
      if (standard !== undefined) assert.equal((await get(`${name}=${standard}&cursor=${cursor}`)).status, 200, `${id}: ${name} as it is when it is not said`);
      for (const value of others(parameter)) {
        const reply = await get(`${name}=${value}&cursor=${cursor}`);
        assert.deepEqual([reply.status, reply.json.error?.fields], [400, { cursor: refusal }], `${id} ${name}=${value}`);
        refused += 1;
      }
    }
  }
  assert.ok(refused >= 30, `${refused} other queries`);
  const named = next(await ada.get("/sessions?sort=name&q=a&limit=1"));
  assert.equal((await ada.get(`/sessions?cursor=${named}&q=a&sort=name`)).status, 200, "in whatever order they stand");
  assert.equal((await ada.get(`/sessions?cursor=${named}&q=A&sort=name`)).status, 400);
  assert.equal((await ada.get(`/sessions?cursor=${named}&sort=name&limit=0`)).json.error.fields.cursor, undefined, "of a query that is wrong nothing is said about the cursor");
  assert.equal((await ada.delete(`/sessions/${second.id}`)).status, 200);
});

test(`pages while others insert and delete: what was there all the time comes once, seed ${seed}`, async () => {
  const ada = await server.account("ada");
  const kept = [];
  const spare = [];
  for (let i = 0; i < 24; i++) (i % 3 === 0 ? spare : kept).push((await newSession(ada, `s${i}`)).id);
  let made = 0;
  const change = async () => {
    for (let n = below(4); n > 0; n--) {
      if (below(2) === 0 && spare.length > 0) assert.equal((await ada.delete(`/sessions/${spare.splice(below(spare.length), 1)[0]}`)).status, 200);
      else spare.push((await newSession(ada, `new ${made++}`)).id);
    }
  };
  for (let round = 0; round < 6; round++) {
    const seen = (await walk(ada, "/sessions", 1 + below(7), change)).map(({ id }) => id);
    assert.equal(new Set(seen).size, seen.length, "none twice");
    assert.deepEqual(kept.filter((id) => !seen.includes(id)), [], "none hidden");
  }

  const base = `/sessions/${kept[0]}/files`;
  const names = Array.from({ length: 30 }, (_, i) => `d${i % 4}/f${String(i).padStart(2, "0")}`);
  for (const name of names) assert.equal((await ada.write(`${base}/${name}`, name)).status, 200);
  const mess = async () => {
    for (let n = below(4); n > 0; n--) {
      const path = `${base}/d${below(4)}/x${below(20)}`;
      const reply = below(3) === 0 ? await ada.delete(path) : await ada.write(path, "x");
      assert.ok([200, 404].includes(reply.status), reply.text());
    }
  };
  for (let round = 0; round < 4; round++) {
    const seen = (await walk(ada, `${base}?recursive=true`, 1 + below(9), mess)).map(({ path }) => path);
    assert.equal(new Set(seen).size, seen.length, "none twice");
    assert.deepEqual(names.filter((name) => !seen.includes(name)), [], "none hidden");
  }
});

test("pages of each kind of list while more comes: what was there comes once", async () => {
  const ada = await server.account("ada");
  const home = homeOf(server, ada);
  const session = await newSession(ada);
  const conversation = (await ada.post("/conversations", { session_id: session.id, name: "a" })).data;
  let n = 0;
  const made = async (reply) => assert.ok([200, 201].includes((await reply).status));
  const file = () => made(ada.write(`/sessions/${session.id}/files/a`, `${n++}`));
  const lists = {
    "/audit": () => made(ada.put(`/sessions/${session.id}`, { name: `${n++}` })),
    "/auth/devices": () => made(server.anonymous().post("/auth/login", { email: ada.email, password: ada.password })),
    "/auth/keys": () => made(ada.post("/auth/keys", { name: `${n++}`, access: "read", expires_in_days: 1 })),
    "/workspaces": () => newSession(ada),
    "/projects": () => made(ada.post("/projects", { name: `${n++}` })),
    [`/conversations/${conversation.id}/messages`]: () => made(ada.post(`/conversations/${conversation.id}/messages`, { role: "user", content: "a" })),
    [`/sessions/${session.id}/history/a`]: file,
    [`/sessions/${session.id}/changes`]: file,
    "/users/me/home/history/a": () => home.write("a", `${n++}`),
    "/users/me/home/changes": () => home.write("a", `${n++}`),
  };
  for (const [path, more] of Object.entries(lists)) {
    const names = async (limit, meanwhile) => (await walk(ada, path, limit, meanwhile)).map(({ id, version }) => id ?? version);
    for (let i = 0; i < 6; i++) await more();
    const there = await names(50);
    const seen = await names(2, more);
    assert.equal(new Set(seen).size, seen.length, `${path}: none twice`);
    assert.deepEqual(there.filter((one) => !seen.includes(one)), [], `${path}: none hidden`);
    assert.ok(there.length >= 6 && !there.includes(undefined), path);
  }
});
