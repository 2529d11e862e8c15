// A session from a git repository, through the public API and within the real sandbox, whose loopback is its own: what is cloned
// is served in there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, serverForFile, until } from "../api/harness.mjs";
import { inside, open } from "./inside.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--git-plain-http"] });

test("cloned inside; what failed is tried again; the files are the session's", { timeout: 120_000, skip: process.getuid() !== 0 && "wants root" }, async () => {
  const ada = await server.account("ada");
  const created = await ada.post("/sessions", { name: "Example", git_url: "http://127.0.0.1:18765/example.git" });
  assert.equal(created.status, 201, created.text());
  const { id } = created.data;
  const source = async () => (await ada.get(`/sessions/${id}`)).data.source;
  const reaches = (state) => until(`the source is ${state}`, async () => (await source()).state === state, 60_000);
  await open(ada, id);
  await reaches("failed");
  assert.match((await source()).message, /Nobody answers/, "the host's loopback, or nobody's");
  assert.equal(inside(server, id, "ls -A"), "", "an empty workspace that can be used");

  inside(server, id, `
    mkdir /tmp/served; cd /tmp/served; git init -q -b main work; cd work; echo one > a.txt; git add -A
    git -c user.name=a -c user.email=a@b commit -qm first; git clone -q --bare . ../example.git; git -C ../example.git update-server-info
    cd ..; setsid python3 -m http.server --bind 127.0.0.1 18765 > /dev/null 2>&1 < /dev/null &
    until curl -sf http://127.0.0.1:18765/example.git/HEAD; do :; done`);
  const again = await ada.post(`/sessions/${id}/clone`);
  assert.deepEqual([again.status, again.data.source.state, again.data.source.message], [202, "pending", undefined]);
  await reaches("done");
  const { folder, message, percent } = await source();
  assert.deepEqual([folder, message, percent], ["example", undefined, undefined]);
  assert.equal((await ada.get(`/sessions/${id}/files/example/a.txt`)).body.toString(), "one\n");
  assert.equal(inside(server, id, "git -C example status --porcelain; git -C example log --format=%s"), "first\n");
  const { data: entries } = await ada.get(`/sessions/${id}/files?path=`);
  assert.deepEqual(entries.map(({ path }) => path), ["example"]);
  assert.equal((await ada.post(`/sessions/${id}/clone`)).status, 409, "it is there already");

  // Cloned by hand elsewhere, it is known by what git says of it in the folder.
  const config = (await ada.get(`/sessions/${id}/files/example/.git/config`)).body;
  const other = await newSession(ada, "zzzz");
  assert.equal((await ada.write(`/sessions/${other.id}/files/.git/config`, config)).status, 200);
  const related = (await ada.get(`/sessions/${other.id}/related`)).data;
  assert.deepEqual(related.map((one) => [one.session.id, one.reasons]), [[id, ["repository"]]]);
});
