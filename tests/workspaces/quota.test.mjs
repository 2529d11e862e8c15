// A session's storage limit at its very byte, of what comes from a workspace: by its mirror, and by the clone that it begins with.
// What has no room is refused as a whole, said, and waits on the disk; what is stored is whole.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, newSession, serverForFile, until } from "../api/harness.mjs";
import { inside, open, workspaceOf } from "./inside.mjs";

const most = 1 << 20;
const options = { timeout: 180_000, skip: process.getuid() !== 0 && "wants root" };
const server = await serverForFile({ args: ["--rate-factor", "100000", "--git-plain-http", "--quota-session", "1"] });

const curl = (id, ...args) => inside(server, id, `curl -sS --unix-socket /run/coditect/door/door.sock ${args.join(" ")}`);
const status = (id) => JSON.parse(curl(id, "http://door/status"));
/** The barrier's answer: 200, or that the store refuses. */
const barrier = (id) => Number(curl(id, "-o /dev/null -w '%{http_code}' -X POST http://door/sync"));
const full = (id) => until("it says that there is no room", () => /^Your storage is full/.test(status(id).message ?? ""));

/** Bytes that the session says it holds, which are those of its files; each of which is what the disk has under its name, but for those that wait. */
async function counted(client, id, waiting = []) {
  const { files, bytes } = (await client.get(`/sessions/${id}`)).data;
  const list = (await client.get(`/sessions/${id}/files?recursive=true&limit=1000`)).data.filter(({ type }) => type !== "dir");
  assert.deepEqual([files, bytes], [list.length, list.reduce((sum, { size }) => sum + size, 0)]);
  const disk = new Map(inside(server, id, "find . -type f -print0 | xargs -0 -r sha256sum").split("\n").slice(0, -1).map((line) => [line.slice(68), line.slice(0, 64)]));
  for (const { path, type, hash } of list) assert.ok(type !== "file" || waiting.includes(path) || disk.get(path) === hash, `${path} is not what the disk has`);
  return bytes;
}

test("the mirror: just as much is stored, one byte more is refused and said, one byte less makes room", options, async () => {
  const ada = await server.account("mirror");
  const { id } = await newSession(ada);
  await open(ada, id);
  const hashOf = async (path) => (await ada.get(`/sessions/${id}/files?path=`)).data.find((entry) => entry.path === path)?.hash;
  inside(server, id, `head -c ${most - 100} /dev/urandom > large; printf %0100d 0 > beside`);
  assert.equal(barrier(id), 200);
  assert.equal(await counted(ada, id), most);
  const before = await hashOf("large");

  inside(server, id, "printf x >> large; printf y > one; mkdir empty");
  assert.notEqual(barrier(id), 200);
  await full(id);
  await until("the server says so, too", async () => /^Your storage is full\. /.test((await workspaceOf(ada, id)).trouble ?? ""));
  assert.equal(await counted(ada, id, ["large"]), most);
  assert.deepEqual([await hashOf("large"), await hashOf("one")], [before, undefined], "nothing of it, not a part");

  inside(server, id, "printf %098d 0 > beside");
  assert.equal(barrier(id), 200);
  assert.equal(await counted(ada, id), most);
  await until("it says so", () => status(id).state === "persisted");
  inside(server, id, "truncate -s -1 one");
  assert.equal(barrier(id), 200);
  assert.equal(await counted(ada, id), most - 1);

  inside(server, id, "echo shut > secret; chmod 0 secret");
  await until("a file that cannot be read is counted, and nothing else tells of it", async () => {
    const { failed, trouble, pending } = await workspaceOf(ada, id);
    return failed === 1 && trouble === undefined && pending === undefined;
  });
  inside(server, id, "chmod 600 secret; truncate -s 0 secret");
  await until("until it can be", async () => (await workspaceOf(ada, id)).failed === undefined);
});

/** Inside, the same repository with the same bytes each time. */
const serve = (id) => inside(server, id, `
  export GIT_AUTHOR_DATE=2026-01-02T03:04:05Z GIT_COMMITTER_DATE=2026-01-02T03:04:05Z
  mkdir /tmp/served; cd /tmp/served; git init -q -b main work; cd work; seq 1 50000 > numbers; mkdir folder; echo one > folder/a.txt; ln -s a.txt folder/link; git add -A
  git -c user.name=a -c user.email=a@b commit -qm first; git clone -q --bare . ../example.git; git -C ../example.git update-server-info
  cd ..; setsid python3 -m http.server --bind 127.0.0.1 18766 > /dev/null 2>&1 < /dev/null &
  until curl -sf http://127.0.0.1:18766/example.git/HEAD; do :; done`);

test("a clone: just as much is stored, and done; one byte more waits and is said, until there is room", options, async () => {
  const ada = await server.account("clone");
  /** A session that holds so much and begins with the repository. */
  const begin = async (beside) => {
    const { id } = (await ada.post("/sessions", { name: "Example", git_url: "http://127.0.0.1:18766/example.git" })).data;
    if (beside > 0) assert.equal((await ada.write(`/sessions/${id}/files/beside`, Buffer.concat([...bytesOf(beside, 4)]))).status, 200);
    const source = async () => (await ada.get(`/sessions/${id}`)).data.source;
    await open(ada, id);
    await until("nobody answers", async () => (await source()).state === "failed", 60_000);
    serve(id);
    assert.equal((await ada.post(`/sessions/${id}/clone`)).status, 202);
    return { id, source };
  };
  const done = ({ source }) => until("it is done", async () => (await source()).state === "done", 60_000);

  const first = await begin(0);
  await done(first);
  const size = await counted(ada, first.id);
  assert.ok(size > 300_000 && size < most, `${size}`);

  const second = await begin(most - size);
  await done(second);
  assert.equal(await counted(ada, second.id), most);

  const third = await begin(most - size + 1);
  await full(third.id);
  assert.ok((await counted(ada, third.id)) <= most);
  assert.equal((await third.source()).state, "cloning");
  assert.equal((await ada.write(`/sessions/${third.id}/files/beside`, Buffer.concat([...bytesOf(most - size, 4)]))).status, 200);
  await done(third);
  assert.equal(await counted(ada, third.id), most);
});
