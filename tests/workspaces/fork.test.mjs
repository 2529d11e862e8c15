// What is made of a running session as it is now begins with what its shells have just written; when the workspace does not say that
// it is in the store, nothing is made of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, serverForFile, until } from "../api/harness.mjs";
import { inside, open, stateOf } from "./inside.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--quota-home", "1"] });

const whole = (ada, id) => until("the fork is whole", async () => (await ada.get(`/sessions/${id}`)).data.status === "active", 30_000);

test("a fork and an archive of a running session", { timeout: 120_000, skip: process.getuid() !== 0 && "wants root" }, async () => {
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
  process.kill(codi2, "SIGSTOP");
  try {
    inside(server, id, "echo second > a.txt");
    const waiting = fork();
    const first = await Promise.race([waiting, new Promise((done) => setTimeout(done, 1000))]);
    assert.equal(first, undefined, "answered without what was written");
    process.kill(codi2, "SIGCONT");
    const late = await waiting;
    assert.equal(late.status, 202, late.text());
    await whole(ada, late.data.id);
    assert.equal((await ada.get(`/sessions/${late.data.id}/files/a.txt`)).body.toString(), "second\n");

    process.kill(codi2, "SIGSTOP");
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
    assert.equal((await fork({ at: version })).status, 202, "of a moment: of what is stored");
    assert.equal((await ada.get(`/sessions/${id}/archive?at=${version}`)).status, 200);
  } finally {
    process.kill(codi2, "SIGCONT");
  }

  assert.equal((await ada.post(`/sessions/${id}/pause`)).status, 200);
  await until("it is stopped", async () => (await ada.get(`/sessions/${id}`)).data.workspace.state === "stopped", 60_000);
  assert.equal((await fork()).status, 202, "what was paused is stored");
});
