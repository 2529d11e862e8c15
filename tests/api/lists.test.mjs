// Lists that are sorted and searched: a tenant's sessions, conversations, invitations. Each against the same list sorted here, in
// pages, and while others are made. CODITECT_RANDOM_SEED repeats a run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, serverForFile } from "./harness.mjs";

const seed = Number(process.env.CODITECT_RANDOM_SEED ?? Date.now() % 1_000_000);
const server = await serverForFile();
let state = seed;
const below = (n) => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) % n;

/** A list: what its entries are made and searched by, and its orders, the first of which holds where none is said. */
const lists = {
  "/tenant/sessions": {
    make: (ada, name) => newSession(ada, name),
    end: (ada, { id }) => ada.delete(`/sessions/${id}`),
    text: "name",
    orders: { activity: "last_access_at", created: "created_at", name: "name" },
  },
  "/conversations": {
    make: async (ada, name) => (await ada.post("/conversations", { session_id: (ada.session ??= (await newSession(ada)).id), name })).data,
    end: (ada, { id }) => ada.delete(`/conversations/${id}`),
    query: (ada) => `&session_id=${ada.session}`,
    text: "name",
    orders: { activity: "updated_at", created: "created_at", name: "name" },
  },
  "/tenant/invitations": {
    make: async (ada, name) => (await ada.post("/tenant/invitations", { email: `${encodeURIComponent(name).replaceAll("%", "-")}@example.com`, role: "member" })).data,
    end: (ada, { id }) => ada.delete(`/tenant/invitations/${id}`),
    text: "email",
    orders: { created: "created_at", email: "email" },
  },
};

const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** As the document says: times the latest first, texts from a to z whatever the case. Times are shown in ms: who shares one may stand either way. */
function isSorted(entries, field, isReverse) {
  const isTime = field.endsWith("_at");
  const keys = entries.map((one) => one[field].toLowerCase());
  const sorted = [...keys].sort(byBytes);
  if (isTime !== isReverse) sorted.reverse();
  assert.deepEqual(keys, sorted, field);
}

async function pages(client, path, limit, meanwhile = () => undefined) {
  const all = [];
  let cursor = "";
  for (;;) {
    const reply = await client.get(`${path}&limit=${limit}${cursor}`);
    assert.equal(reply.status, 200, reply.text());
    all.push(...reply.data);
    if (reply.json.page.next === null) return { all, total: reply.json.page.total };
    cursor = `&cursor=${reply.json.page.next}`;
    await meanwhile();
  }
}

for (const [base, { make, end, query = () => "", text, orders }] of Object.entries(lists)) {
  test(`${base}: every order, both ways, in pages, searched; what is not one of them is refused`, async () => {
    const ada = await server.account("ada");
    const names = ["beta", "Alpha", "alpha b", "gamma", "delta", "Épsilon", "zeta", "ALPHA C", "a", "b"];
    const made = [];
    for (const name of names) made.push(await make(ada, name));
    const ids = new Set(made.map(({ id }) => id));
    const path = `${base}?reverse=false${query(ada)}`;
    const plain = (await pages(ada, path, 100)).all;
    assert.deepEqual((await pages(ada, `${path}&sort=${Object.keys(orders)[0]}`, 100)).all, plain, "the first is the usual one");
    for (const [sort, field] of Object.entries(orders)) {
      for (const isReverse of [false, true]) {
        const wanted = `${base}?sort=${sort}&reverse=${isReverse}${query(ada)}`;
        const { all, total } = await pages(ada, wanted, 100);
        isSorted(all.filter(({ id }) => ids.has(id)), field, isReverse);
        assert.equal(all.filter(({ id }) => ids.has(id)).length, names.length);
        assert.equal(total, all.length, "all are counted");
        assert.deepEqual((await pages(ada, wanted, 1 + below(4))).all, all, "in pages as at once");
        const found = (await pages(ada, `${wanted}&q=ALPHA`, 2)).all;
        assert.deepEqual(found, all.filter((one) => one[text].toLowerCase().includes("alpha")), "searched, in the same order");
        assert.ok(found.length >= 3 || base.endsWith("invitations"));
      }
    }
    assert.deepEqual((await ada.get(`${base}?q=nothing-like-it${query(ada)}`)).data, []);
    const eve = await server.account("eve");
    assert.equal((await eve.get(base)).data.some(({ id }) => ids.has(id)), false, "another tenant's");
    for (const wrong of ["sort=", "sort=role", "sort=NAME", "sort=name&sort=name", "q=", `q=${"x".repeat(101)}`, "q=%0a", "reverse=1", "limit=0", "limit=101"]) {
      assert.equal((await ada.get(`${base}?${wrong}`)).status, 400, wrong);
    }
  });

  test(`${base}: pages while others are made and go: what was there all the time comes once, seed ${seed}`, async () => {
    const ada = await server.account("ada");
    const kept = [];
    const spare = [];
    for (let i = 0; i < 15; i++) (i % 3 === 0 ? spare : kept).push(await make(ada, `${"qwertyuiopasdfg"[i]} ${i}`));
    let count = 0;
    const change = async () => {
      for (let n = below(4); n > 0; n--) {
        if (below(2) === 0 && spare.length > 0) assert.equal((await end(ada, spare.splice(below(spare.length), 1)[0])).status, 200);
        else spare.push(await make(ada, `${"azmq"[below(4)]} new ${count++}`));
      }
    };
    for (const sort of Object.keys(orders)) {
      for (const isReverse of [false, true]) {
        const { all } = await pages(ada, `${base}?sort=${sort}&reverse=${isReverse}${query(ada)}`, 1 + below(5), change);
        const seen = all.map(({ id }) => id);
        assert.equal(new Set(seen).size, seen.length, `${sort}: none twice`);
        assert.deepEqual(kept.filter(({ id }) => !seen.includes(id)), [], `${sort}: none hidden`);
      }
    }
  });
}

test("a tenant's deleted sessions are sorted as the others, in pages that skip those; conversations of all sessions too", async () => {
  const ada = await server.account("ada");
  const gone = [];
  for (let i = 0; i < 12; i++) {
    const session = await newSession(ada, `s${String(11 - i).padStart(2, "0")}`);
    if (i % 4 === 0) gone.push(session);
  }
  for (const { id } of gone) await ada.delete(`/sessions/${id}`);
  for (const [sort, wanted] of [["created", ["s03", "s07", "s11"]], ["name", ["s03", "s07", "s11"]]]) {
    const { all, total } = await pages(ada, `/tenant/sessions?deleted=true&sort=${sort}`, 2);
    assert.deepEqual([all.map(({ name }) => name), total], [wanted, 3], sort);
    assert.equal((await pages(ada, `/tenant/sessions?sort=${sort}`, 4)).all.length, 9, sort);
  }
  const [one, two] = [await newSession(ada), await newSession(ada)];
  for (const [session, name] of [[one, "b"], [two, "a"], [one, "d"], [two, "c"]]) await ada.post("/conversations", { session_id: session.id, name });
  assert.deepEqual((await pages(ada, "/conversations?sort=name", 3)).all.map(({ name }) => name), ["a", "b", "c", "d"]);
  await ada.delete(`/sessions/${two.id}`);
  assert.deepEqual((await pages(ada, "/conversations?sort=name&reverse=true", 1)).all.map(({ name }) => name), ["d", "b"]);
});
