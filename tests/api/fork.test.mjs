// A fork: a session that begins as a copy of another one, and is whole or not there at all.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { freePort, newSession, Server, serverForFile, until } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const at = (session) => `/sessions/${session.id}`;

const whole = async (id) => {
  let last;
  await until(`${id} is whole`, async () => {
    last = (await ada.get(`/sessions/${id}`)).data;
    return last.status !== "forking";
  }, 60_000);
  return last;
};
const fork = async (session, body = {}) => {
  const reply = await ada.post(`${at(session)}/fork`, body);
  assert.equal(reply.status, 202, reply.text());
  assert.equal(reply.headers.location, `/api/v5/sessions/${reply.data.id}`);
  assert.deepEqual([reply.data.status, reply.data.forked_from], ["forking", session.id]);
  return whole(reply.data.id);
};

/** What an archive of it holds: name, kind, mode, time, target, digest. */
async function content(session, query = "") {
  const { body } = await ada.get(`${at(session)}/archive${query}`);
  return JSON.parse(execFileSync("python3", ["-c", `
import hashlib, io, json, sys, tarfile
t = tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()))
print(json.dumps([[m.name, m.type.decode(), m.mode, m.mtime, m.linkname, hashlib.sha256(t.extractfile(m).read()).hexdigest() if m.isfile() else ""] for m in t]))
`], { input: body, maxBuffer: 64 << 20 }));
}

/** Files by an archive that Python makes. */
async function fill(session, code, who = ada) {
  const bytes = execFileSync("python3", ["-c", `
import io, sys, tarfile as t
out = t.open(fileobj=sys.stdout.buffer, mode="w|gz")
def add(name, content=b"", **fields):
    info = t.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items(): setattr(info, key, value)
    out.addfile(info, io.BytesIO(content))
${code}
out.close()
`], { maxBuffer: 64 << 20 });
  assert.equal((await who.request("POST", `${at(session)}/archive`, { body: bytes })).status, 200);
}

test("all of it is there, both go on apart, and one can go", async () => {
  const session = await newSession(ada, "Origin");
  await fill(session, `
add("empty"); add("small", b"x" * 512, mode=0o600, mtime=1_000_000_000); add("chunk", b"y" * 5000); add("large", bytes(range(256)) * 2000, mode=0o755)
add("link", type=t.SYMTYPE, linkname="small"); add("long", type=t.SYMTYPE, linkname="z" * 2000)
add("folder", type=t.DIRTYPE, mode=0o700, mtime=1_100_000_000); add("a/b/c/d", b"deep"); add("na\\u00efve \\U0001f600", b"text")
[add(f"many/{i}", b"%d" % i) for i in range(600)]`);
  await ada.write(`${at(session)}/files/b%FFd`, "no UTF-8");
  const before = await content(session);
  const copy = await fork(session, { name: "Copy" });
  assert.deepEqual([copy.name, copy.status, copy.files, copy.bytes], ["Copy", "active", 609, (await ada.get(at(session))).data.bytes]);
  assert.deepEqual(await content(copy), before);

  await ada.write(`${at(copy)}/files/small`, "changed in the copy");
  await ada.write(`${at(session)}/files/chunk`, "changed in the origin");
  await ada.delete(`${at(session)}/files/many?recursive=true`);
  assert.equal((await ada.get(`${at(session)}/files/small`)).body.toString(), "x".repeat(512));
  assert.equal((await ada.get(`${at(copy)}/files/chunk`)).body.toString(), "y".repeat(5000));
  assert.equal((await ada.delete(at(session))).status, 200);
  assert.equal((await ada.get(`${at(copy)}/files/large`)).body.length, 512_000);
  assert.equal((await content(copy)).length, before.length);
});

test("no content is copied: the store grows by names alone", async () => {
  const session = await newSession(ada, "Heavy");
  const store = join(server.data, "store");
  const bytes = () => readdirSync(store).filter((name) => /^store\.db(-\w+)?$/.test(name)).reduce((sum, name) => sum + statSync(join(store, name)).size, 0);
  const MIB = 1 << 20;
  const empty = bytes();
  let last;
  for (let i = 0; i < 8; i++) {
    last = randomBytes(4 * MIB); // nothing in it is alike, and none of it can be packed
    assert.equal((await ada.write(`${at(session)}/files/f${i}`, last)).status, 200);
  }
  const full = bytes();
  assert.ok(full - empty > 30 * MIB, `${full - empty} bytes came with 32 MiB: the look at the store sees content`);
  const copies = [await fork(session), await fork(session, { at: 6 })];
  copies.push(await fork(copies[0]));
  const more = bytes() - full;
  assert.ok(more < 8 * MIB, `${more} bytes came with three forks of 32, 24 and 32 MiB`); // the log of changes, and records of some files
  assert.ok((await ada.get(`${at(copies[2])}/files/f7`)).body.equals(last));
});

test("of a moment; of nothing; of a fork; without a name", async () => {
  const session = await newSession(ada, "Moments");
  const empty = await fork(session);
  assert.deepEqual([empty.name, await content(empty)], ["Moments", []]);
  await ada.write(`${at(session)}/files/a`, "one");
  const { data: then } = await ada.write(`${at(session)}/files/dir/b`, "two");
  await ada.delete(`${at(session)}/files/dir?recursive=true`);
  await ada.write(`${at(session)}/files/dir`, "a file now");
  const copy = await fork(session, { at: then.version });
  assert.deepEqual(await content(copy), await content(session, `?at=${then.version}`));
  assert.equal((await ada.get(`${at(copy)}/files/dir/b`)).body.toString(), "two");
  assert.deepEqual(await content(await fork(copy)), await content(copy));
  for (const body of [{ at: 999_999 }, { at: 0 }, { at: "1" }, { name: "" }, { name: "a\u0000b" }, { other: 1 }]) {
    assert.equal((await ada.post(`${at(session)}/fork`, body)).status, 400, JSON.stringify(body));
  }
});

test("a repetition makes no second one", async () => {
  const session = await newSession(ada, "Once");
  const options = { headers: { "Idempotency-Key": "fork-once" } };
  const one = await ada.post(`${at(session)}/fork`, {}, options);
  const two = await ada.post(`${at(session)}/fork`, {}, options);
  assert.deepEqual([one.status, two.status, two.data.id], [202, 202, one.data.id]);
  await whole(one.data.id);
});

/**
 * What attempt does with forks of a session it does while they are in hand, or it gives false: they were whole before it was done,
 * which shows nothing. Then it begins anew with more to copy.
 */
async function inHand(attempt) {
  for (let files = 3000; files < 100_000; files *= 2) {
    const session = await newSession(ada, "Large");
    await fill(session, `[add(f"d{i % 50}/f{i}", b"%d" % i) for i in range(${files})]`);
    if (await attempt(session)) return;
  }
  assert.fail("no fork took as long as what was to be done meanwhile");
}

test("in hand: not opened, not changed, its origin not deleted; a server that is killed goes on with it", () => inHand(async (session) => {
  const before = await content(session);
  const { data: copy } = await ada.post(`${at(session)}/fork`, { name: "Killed" });
  const asks = [
    () => ada.write(`${at(copy)}/files/new`, "x"),
    () => ada.post(`${at(copy)}/files:mkdir`, { path: "d0/new" }),
    () => ada.delete(`${at(copy)}/files/d0?recursive=true`),
    () => ada.post(`${at(copy)}/fork`, {}),
    () => ada.delete(at(session)),
    () => ada.post(`${at(copy)}/open`),
  ];
  let refused;
  for (const ask of asks) {
    refused = await ask();
    if (refused.status !== 409 && (await ada.get(at(copy))).data.status === "active") return false;
    assert.deepEqual([refused.status, refused.code], [409, "conflict"], refused.text());
  }
  assert.match(refused.json.error.message, /still being copied/);
  await until("some of it is there", async () => (await ada.get(at(copy))).data.files > 0);
  await server.kill9();
  const killed = Date.now();
  await server.run();
  if (Date.parse((await whole(copy.id)).updated_at) <= killed) return false; // it became whole before that
  assert.deepEqual(await content(copy), before);
  assert.equal((await ada.delete(at(session))).status, 200);
  return true;
}));

test("deleted in hand, restored, whole", () => inHand(async (session) => {
  const { data: { files } } = await ada.get(at(session));
  const { data: copy } = await ada.post(`${at(session)}/fork`, {});
  const { data: deleted } = await ada.delete(at(copy));
  assert.equal(deleted.status, "deleted");
  if (deleted.files === files) return false; // all was there already

  assert.equal((await ada.post(`${at(copy)}/restore`)).data.status, "forking");
  await whole(copy.id);
  assert.deepEqual(await content(copy), await content(session));
  return true;
}));

test("only four at a time", () => inHand(async (session) => {
  const replies = [];
  for (let i = 0; i < 5; i++) replies.push(await ada.post(`${at(session)}/fork`, {}));
  const first = replies.slice(0, 4).map(({ data }) => data.id);
  const were = (await Promise.all(first.map((id) => ada.get(`/sessions/${id}`)))).map(({ data }) => data.status);
  for (const { data } of replies) if (data) await whole(data.id);
  if (were.includes("active")) return false;

  assert.deepEqual(were, first.map(() => "forking"));
  assert.deepEqual(replies.map(({ status }) => status), [202, 202, 202, 202, 409]);
  assert.equal(replies[4].code, "limit");
  return true;
}));

test("only one's own", async () => {
  const session = await newSession(ada);
  const eve = await server.account("eve");
  const missing = await eve.post("/sessions/ses-00000000000000000000000000/fork", {});
  const foreign = await eve.post(`${at(session)}/fork`, {});
  assert.deepEqual([foreign.status, foreign.code], [404, missing.code]);
  assert.equal((await server.anonymous().post(`${at(session)}/fork`, {})).status, 401);
});

// What a moment held is summed a page of its tree a read, of which the server keeps count; what else reads meanwhile only adds.
test("what is refused walks no tree", async (t) => {
  const port = await freePort();
  const small = await Server.start({ args: ["--rate-factor", "100000", "--metrics-listen", `127.0.0.1:${port}`, "--quota-tenant", "100", "--quota-tenant-sessions", "2"] });
  t.after(() => small.stop());
  const eve = await small.account("eve");
  const reads = async () => Number(/^coditect_store_reads_total (\d+)$/m.exec(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())[1]);
  const least = { 1: Infinity, 1500: Infinity };
  const sessions = [];
  for (const files of Object.keys(least)) {
    const session = await newSession(eve);
    await fill(session, `[add(f"f{i}") for i in range(${files})]`, eve);
    const { data: { version } } = await eve.write(`${at(session)}/files/later`, "x");
    sessions.push({ session, files, moment: version - 1 });
  }
  for (let i = 0; i < 10; i++) {
    for (const { session, files, moment } of sessions) {
      const before = await reads();
      const refused = await eve.post(`${at(session)}/fork`, { at: moment });
      assert.deepEqual([refused.status, refused.code], [409, "limit"]);
      least[files] = Math.min(least[files], await reads() - before);
    }
  }
  assert.equal(least[1500], least[1]);
});

test("a workspace that cannot start is in the way of no fork, no return to the past and no archive", { timeout: 180_000 }, async (t) => {
  const bare = await Server.start({ t, before: [join(process.env.CODITECT_BUILD, "tests/sandbox/no-namespaces")] });
  const eve = await bare.account("eve");
  const session = await newSession(eve);
  const file = async (one) => (await eve.get(`${at(one)}/files/doc`)).text();
  const { data: { version } } = await eve.write(`${at(session)}/files/doc`, "first");
  await eve.write(`${at(session)}/files/doc`, "second");
  assert.equal((await eve.post(`${at(session)}/open`, {})).status, 202);
  const workspace = async () => (await eve.get(at(session))).data.workspace;
  const forked = async (body) => {
    const reply = await eve.post(`${at(session)}/fork`, body);
    assert.equal(reply.status, 202, reply.text());
    await until("it is whole", async () => (await eve.get(at(reply.data))).data.status === "active");
    return file(reply.data);
  };
  const all = async () => {
    assert.deepEqual([await forked({}), await forked({ at: version })], ["second", "first"]);
    assert.equal((await eve.post(`${at(session)}/files:restore`, { at: version })).data.done, true);
    assert.equal(await file(session), "first");
    assert.equal((await eve.post(`${at(session)}/history/doc:restore`, { version: version + 1 })).status, 200);
    assert.equal(await file(session), "second");
    assert.equal((await eve.get(`${at(session)}/archive`)).status, 200);
  };
  await until("it cannot start", async () => (await workspace()).error !== undefined);
  await all(); // it is tried again meanwhile
  await until("it has failed", async () => (await workspace()).state === "failed", 120_000);
  await all();
});
