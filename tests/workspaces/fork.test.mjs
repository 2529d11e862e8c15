// What is made of a running session as it is now begins with what its shells have just written; when the workspace does not say that
// it is in the store, nothing is made of it.
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { halt, resume } from "../api/halt.mjs";
import { Client, newSession, serverForFile, until } from "../api/harness.mjs";
import { inside, open, reaches, stateOf, sync } from "./inside.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--quota-home", "1"] });

const whole = (ada, id) => until("the fork is whole", async () => (await ada.get(`/sessions/${id}`)).data.status === "active", 30_000);

test("a fork and an archive of a running session", { timeout: 120_000, skip: process.getuid() !== 0 && "wants root" }, async (t) => {
  const ada = await server.account("ada");
  const { id } = await newSession(ada);
  await open(ada, id);
  const { codi2 } = stateOf(server, id);
  const fork = (body, options) => ada.post(`/sessions/${id}/fork`, { name: "Fork", ...body }, options);
  inside(server, id, "echo first > a.txt; mkdir -p deep/er; echo one > deep/er/b.txt");
  const headers = { "Idempotency-Key": "first" };
  const made = await fork({}, { headers });
  assert.equal(made.status, 202, made.text());
  await whole(ada, made.data.id);
  assert.equal((await ada.get(`/sessions/${made.data.id}/files/a.txt`)).body.toString(), "first\n");
  assert.equal((await ada.get(`/sessions/${made.data.id}/files/deep/er/b.txt`)).body.toString(), "one\n");

  // The home is another tree, whose store may refuse what neither holds.
  inside(server, id, "echo third > c.txt; head -c 2000000 /dev/urandom > ~/large");
  const beside = await fork();
  assert.equal(beside.status, 202, beside.text());
  await whole(ada, beside.data.id);
  assert.equal((await ada.get(`/sessions/${beside.data.id}/files/c.txt`)).body.toString(), "third\n");
  assert.equal((await ada.get(`/sessions/${id}/archive`)).status, 200);
  inside(server, id, "rm ~/large");

  // It stands still, so that what is written now is nowhere but on its disk.
  await halt(t, codi2);
  try {
    inside(server, id, "echo second > a.txt");
    const waiting = fork();
    const first = await Promise.race([waiting, new Promise((done) => setTimeout(done, 1000))]);
    assert.equal(first, undefined, "answered without what was written");
    resume(codi2);
    const late = await waiting;
    assert.equal(late.status, 202, late.text());
    await whole(ada, late.data.id);
    assert.equal((await ada.get(`/sessions/${late.data.id}/files/a.txt`)).body.toString(), "second\n");

    await halt(t, codi2);
    const again = await fork({}, { headers });
    assert.deepEqual([again.status, again.data?.id], [202, made.data.id], "made already: it waits for nobody");
    assert.equal((await fork({ name: "Another" }, { headers })).status, 409);
    const { version } = (await ada.get(`/sessions/${id}/files?path=`)).data.find(({ path }) => path === "a.txt");
    const [refused, archive] = await Promise.all([fork({}, { expected5xx: true }), ada.get(`/sessions/${id}/archive`, { expected5xx: true })]);
    for (const reply of [refused, archive]) {
      assert.deepEqual([reply.status, reply.json.error.code], [503, "busy"], reply.text());
      assert.match(reply.json.error.message, /^The workspace does not say that all it has written is in the store/);
      assert.ok(Number(reply.headers["retry-after"]) > 0);
    }
    assert.equal((await ada.get("/sessions")).data.length, 4, "nothing was made");
    const { data: { key } } = await ada.post("/auth/keys", { name: "ci", access: "write" });
    const { data: login } = await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
    const all = await Promise.all([ada.token, login.token, key].flatMap((token) => [1, 2, 3].map(() => ada.post(`/sessions/${id}/fork`, {}, { token, expected5xx: true }))));
    const says = (text) => all.filter(({ status, json }) => status === 503 && text.test(json.error.message)).length;
    assert.deepEqual([says(/^The workspace does not say/), says(/^Four of your requests/)], [4, 5], "four of a person, by whatever they come");
    assert.equal((await fork({ at: version })).status, 202, "of a moment: of what is stored");
    assert.equal((await ada.get(`/sessions/${id}/archive?at=${version}`)).status, 200);
  } finally {
    resume(codi2);
  }

  assert.equal((await ada.post(`/sessions/${id}/pause`)).status, 200);
  await until("it is stopped", async () => (await ada.get(`/sessions/${id}`)).data.workspace.state === "stopped", 60_000);
  assert.equal((await fork()).status, 202, "what was paused is stored");
});

// Of a running session, too, a fork costs names: as much for a file of 60 KB as for one of 16 bytes.
test("what a fork of a running session adds to the store", { timeout: 300_000, skip: process.getuid() !== 0 && "wants root" }, async () => {
  const FILES = 800;
  const KIB = 1024;
  const cleo = await server.account("cleo");
  const store = join(server.data, "store");
  const bytes = () => readdirSync(store).filter((name) => /^store\.db(-\w+)?$/.test(name)).reduce((sum, name) => sum + statSync(join(store, name)).size, 0);
  /** Bytes that come with a file of three forks; of its content none is like another's, and it cannot be packed. */
  const costOf = async (size) => {
    const { id } = await newSession(cleo);
    await open(cleo, id);
    const empty = bytes();
    inside(server, id, `mkdir d; head -c ${FILES * size} /dev/urandom | split -b ${size} -a 4 - d/`);
    sync(server, id);
    const full = bytes();
    assert.ok(full - empty >= FILES * size, `${full - empty} bytes came with ${FILES * size}: the look at the store sees content`);
    let made;
    for (let i = 0; i < 3; i++) {
      inside(server, id, `echo ${i} >> d/aaaa`);
      made = await cleo.post(`/sessions/${id}/fork`, { name: "Fork" });
      assert.equal(made.status, 202, made.text());
      await whole(cleo, made.data.id);
    }
    const more = bytes() - full;
    assert.equal((await cleo.get(`/sessions/${made.data.id}`)).data.files, FILES);
    assert.equal((await cleo.get(`/sessions/${made.data.id}/files/d/aaaa`)).body.subarray(size).toString(), "0\n1\n2\n");
    assert.equal((await cleo.post(`/sessions/${id}/pause`)).status, 200);
    await reaches(cleo, id, "stopped");
    return more / FILES / 3;
  };
  const small = await costOf(16);
  const large = await costOf(60_000);
  const said = `${Math.round(small)} bytes a file of 16 bytes, ${Math.round(large)} of 60,000`;
  assert.ok(small < 4 * KIB && large < 4 * KIB, said);
  assert.ok(large < small + 2 * KIB, said);
});

test("who is removed while it waits for the workspace makes no fork", { timeout: 60_000, skip: process.getuid() !== 0 && "wants root" }, async (t) => {
  const cal = await server.account("cal");
  const { data: { token } } = await cal.post("/tenant/invitations", { email: "mel@example.com", role: "member" });
  const joined = await server.anonymous().post("/auth/register", { email: "mel@example.com", password: "a long password", invitation: token });
  const mel = new Client(server, joined.data.token);
  const { id } = await newSession(mel);
  await open(mel, id);
  inside(server, id, "echo first > a.txt");
  const { codi2 } = stateOf(server, id);
  await halt(t, codi2);
  const waiting = Promise.all([mel.post(`/sessions/${id}/fork`, {}), mel.get(`/sessions/${id}/archive`)]);
  const first = await Promise.race([waiting, new Promise((done) => setTimeout(done, 1000))]);
  assert.equal(first, undefined, "answered without what was written");
  assert.equal((await cal.delete(`/tenant/members/${joined.data.user.id}`)).status, 200);
  resume(codi2);
  for (const reply of await waiting) assert.deepEqual([reply.status, reply.code], [401, "unauthenticated"], reply.text());
  assert.deepEqual((await cal.get("/tenant/sessions")).data.map((one) => one.id), [id]);
});

test("what was on the disk of a workspace that was killed is missing in nothing that is made of its session", { timeout: 120_000, skip: process.getuid() !== 0 && "wants root" }, async (t) => {
  const ben = await server.account("ben");
  const { id } = await newSession(ben);
  const fork = (body) => ben.post(`/sessions/${id}/fork`, { name: "Fork", ...body }, { expected5xx: true });
  const content = async (made) => (await whole(ben, made.data.id), (await ben.get(`/sessions/${made.data.id}/files/a.txt`)).body.toString());
  assert.equal((await fork()).status, 202, "nothing ever ran");
  await open(ben, id);
  inside(server, id, "echo first > a.txt");
  sync(server, id);
  const { version } = (await ben.get(`/sessions/${id}/files?path=`)).data.find(({ path }) => path === "a.txt");

  /** Written, and by nobody's hand brought to the store. */
  const lose = async (text) => {
    const { pid, codi2 } = stateOf(server, id);
    await halt(t, codi2);
    inside(server, id, `echo ${text} > a.txt`);
    return () => process.kill(pid, "SIGKILL");
  };
  let kill = await lose("second");
  assert.equal((await ben.post(`/sessions/${id}/pause`)).status, 200);
  kill();
  const { message } = await reaches(ben, id, "stopped");
  assert.match(message, /^It ended before all that was written in it was stored/);
  for (const reply of [await fork(), await ben.get(`/sessions/${id}/archive`)]) {
    assert.deepEqual([reply.status, reply.json?.error.code], [409, "conflict"], reply.text());
    assert.match(reply.json.error.message, /Open the session, so that the rest is stored/);
  }
  assert.equal(await content(await fork({ at: version })), "first\n", "of a moment: of what is stored");

  await open(ben, id);
  const later = await fork();
  assert.equal(later.status, 202, later.text());
  assert.equal(await content(later), "second\n");

  // A start right behind a pause: the run before it has not said its last word.
  kill = await lose("third");
  assert.equal((await ben.post(`/sessions/${id}/pause`)).status, 200);
  assert.equal((await ben.post(`/sessions/${id}/open`)).status, 202);
  kill();
  let made;
  await until("it is forked", async () => {
    made = await fork();
    assert.ok(made.status === 202 || made.json.error.code === "busy", made.text());
    return made.status === 202;
  }, 60_000);
  assert.equal(await content(made), "third\n");

  await reaches(ben, id, "running");
  inside(server, id, "echo fourth > a.txt");
  assert.equal((await ben.post(`/sessions/${id}/pause`)).status, 200);
  assert.equal((await reaches(ben, id, "stopped")).message, undefined);
  assert.equal(stateOf(server, id).stored, true);
  assert.equal(await content(await fork()), "fourth\n");
});
