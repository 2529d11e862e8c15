// Storage limits over the API: 507 with words, nothing cut short, deleting goes on, and room is room again.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { bytesOf, newSession, serverForFile, sha256 } from "./harness.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--quota-session", "1", "--quota-home", "3", "--quota-tenant", "2"] });
const noise = (length) => Buffer.concat([...bytesOf(length, 3)]);
const large = noise(900_000);

test("a session's limit, then the tenant's", async () => {
  const ada = await server.account("ada");
  const session = await newSession(ada);
  const { session_bytes: most, home_bytes: mostAtHome } = (await ada.get("/tenant")).data.limits;
  assert.deepEqual([most, mostAtHome], [1 << 20, 3 << 20]);
  const files = `/sessions/${session.id}/files`;
  const write = (path, body) => ada.write(`${files}/${path}`, body, { expected5xx: true });
  assert.equal((await write("one", large)).status, 200);
  for (const body of [large, noise(200_000), noise(150_000)]) {
    const refused = await write("two", body);
    assert.deepEqual([refused.status, refused.code], [507, "quota"]);
    assert.match(refused.json.error.message, /storage limit of this session/);
    assert.equal((await ada.get(`${files}/two`)).status, 404);
  }
  const copied = await ada.post(`${files}:copy`, { from: "one", to: "copy" }, { expected5xx: true });
  assert.deepEqual([copied.status, copied.code], [507, "quota"]);
  assert.equal((await write("one", large.subarray(0, 800_000))).status, 200, "what shrinks is taken");
  assert.equal((await write("small", "x")).status, 200);
  assert.equal((await ada.delete(`${files}/one`)).status, 200);
  assert.equal((await write("two", large)).status, 200, "and there is room again");
  for (const [name, size, status] of [["Second", 900_000, 200], ["Third", 400_000, 507]]) {
    const other = await newSession(ada, name);
    const reply = await ada.write(`/sessions/${other.id}/files/f`, noise(size), { expected5xx: true });
    assert.equal(reply.status, status, name);
    if (status === 507) assert.match(reply.json.error.message, /storage limit of your organization/);
  }
  const eve = await server.account("eve");
  const theirs = await newSession(eve);
  assert.equal((await eve.write(`/sessions/${theirs.id}/files/f`, large)).status, 200, "a tenant's limit is its own");
});

/** A tar archive of files of noise: name → size. */
const pack = (files) => execFileSync("python3", ["-c", `
import io, json, random, sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz")
for name, size in json.loads(sys.argv[1]).items():
    info = tarfile.TarInfo(name)
    info.size = size
    out.addfile(info, io.BytesIO(random.Random(name).randbytes(size)))
out.close()
`, JSON.stringify(files)], { maxBuffer: 8 << 20 });

test("what comes by other ways than a PUT: an archive, a version, a moment, a folder, a fork", async () => {
  const bob = await server.account("bob");
  const session = await newSession(bob);
  const base = `/sessions/${session.id}`;
  const refused = async (reply, words = /storage limit of this session/) => {
    const { status, code, json } = await reply;
    assert.deepEqual([status, code], [507, "quota"]);
    assert.match(json.error.message, words);
  };
  const hard = { expected5xx: true };
  /** Path → digest of everything that is there: nothing is ever a part of what was sent. */
  const all = async () => Object.fromEntries((await bob.get(`${base}/files?recursive=true`)).data.filter(({ type }) => type === "file").map(({ path, hash }) => [path, hash]));
  const hashOf = async (path) => sha256((await bob.get(`${base}/files/${path}`)).body);

  // An archive: what fits stays, the entry that does not is named, and nothing behind it is there.
  await refused(bob.request("POST", `${base}/archive`, { body: pack({ a: 300_000, b: 300_000, c: 1000, d: 600_000, e: 10 }), ...hard }), /entry 4: The storage limit of this session/);
  assert.deepEqual(Object.keys(await all()), ["a", "b", "c"]);
  await refused(bob.request("POST", `${base}/archive`, { body: pack({ many1: 50_000, f: 500_000 }), ...hard }), /entry 2/);
  const held = await all();
  assert.deepEqual(Object.keys(held), ["a", "b", "c", "many1"]);
  for (const [path, hash] of Object.entries(held)) assert.equal(await hashOf(path), hash, path);

  // An old version of a file, and a deleted one, when there is no room for them any more.
  const before = (await bob.get(`${base}/changes?limit=1`)).data[0].version;
  const old = (await bob.get(`${base}/files?recursive=true`)).data.find(({ path }) => path === "a").version;
  await bob.write(`${base}/files/a`, "small");
  await bob.delete(`${base}/files/b`);
  await bob.write(`${base}/files/instead`, noise(800_000));
  const full = await all();
  const gone = (await bob.get(`${base}/history/b`)).data.find(({ op }) => op === "write").version;
  await refused(bob.post(`${base}/history/a:restore`, { version: old }, hard));
  await refused(bob.post(`${base}/history/b:restore`, { version: gone }, hard));
  await refused(bob.post(`${base}/files:copy`, { from: "instead", to: "copy" }, hard));
  assert.deepEqual(await all(), full);
  // The whole moment fits, since what came after it goes.
  assert.equal((await bob.post(`${base}/files:restore`, { at: before })).status, 200);
  assert.deepEqual(await all(), held);

  // A folder as of a moment, beside what came since.
  await bob.delete(`${base}/files/b`);
  await bob.post(`${base}/files:mkdir`, { path: "d" });
  await bob.post(`${base}/files:move`, { from: "a", to: "d/a" });
  const folder = (await bob.get(`${base}/changes?limit=1`)).data[0].version;
  await bob.delete(`${base}/files/d/a`);
  await bob.write(`${base}/files/new`, noise(800_000));
  const now = await all();
  await refused(bob.post(`${base}/files:restore`, { path: "d", at: folder }, hard));
  assert.deepEqual(await all(), now);

  // Forks count as a whole before they begin.
  const second = await bob.post(`${base}/fork`, { name: "Second" }, hard);
  assert.equal(second.status, 202);
  await refused(bob.post(`${base}/fork`, { name: "Third" }, hard), /storage limit of your organization/);
});
