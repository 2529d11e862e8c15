// Cursors: sealed for the person, the route and the path that they were given for, and stable while others insert and delete.
// CODITECT_RANDOM_SEED repeats a run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, newSession, serverForFile } from "./harness.mjs";

const seed = Number(process.env.CODITECT_RANDOM_SEED ?? Date.now() % 1_000_000);
const server = await serverForFile();
let state = seed;
const below = (n) => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) % n;

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
      assert.deepEqual(reply.json.error.fields, { cursor: "is none that this list gave" });
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

test("every list of the document takes a cursor, and only sealed ones", async () => {
  const ada = await server.account("ada");
  const session = await newSession(ada);
  await ada.write(`/sessions/${session.id}/files/a`, "a");
  const ids = { session_id: session.id };
  const lists = bundle.operations.filter(({ method, replies }) => method === "GET" && JSON.stringify(replies["200"] ?? "").includes("/Page"));
  let asked = 0;
  for (const { id, segments } of bundle.operations.filter((one) => one.method === "GET" && !one.by_link)) {
    if (segments.some(({ kind, text }) => kind === "param" && !(text in ids))) continue;
    const path = `/${segments.map(({ kind, text }) => (kind === "literal" ? text : kind === "param" ? ids[text] : `a${text}`)).join("/")}`;
    const reply = await ada.get(with_(path, "cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    const said = reply.json?.error?.fields?.cursor;
    if (said === "is not known here" || reply.status === 404 || reply.status === 403) continue;
    if (said === undefined && !lists.some((one) => one.id === id)) continue; // public, or no list
    assert.equal(said, "is none that this list gave", id);
    asked += 1;
  }
  assert.ok(asked >= 4, `${asked} lists`);
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
