// Time travel by reading: the session's changes, folders and files as of a moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, Server, movableClock, newSession, serverForFile, until } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");

/** A session in which everything happened once; versions by name. */
async function lived() {
  const session = await newSession(ada);
  const base = `/sessions/${session.id}`;
  const files = `${base}/files`;
  const moments = {};
  const write = async (path, text) => (await ada.write(`${files}/${path}`, text)).data.version;
  moments.one = await write("src/a.txt", "one");
  moments.large = await write("src/large", "x".repeat(5000));
  moments.two = await write("src/a.txt", "two");
  moments.moved = (await ada.post(`${files}:move`, { from: "src/a.txt", to: "src/b.txt" })).data.version;
  moments.other = await write("notes", "other");
  moments.gone = (await ada.delete(`${files}/src?recursive=true`)).data.version;
  moments.back = await write("src/a.txt", "three");
  return { session, base, files, moments };
}
const paths = (reply) => reply.data.map((one) => one.path);

test("a folder and a file are shown as of a moment", async () => {
  const { files, moments } = await lived();
  const listed = async (at, query = "recursive=true") => paths(await ada.get(`${files}?${query}&at=${at}`));
  assert.deepEqual(await listed(moments.one), ["src", "src/a.txt"]);
  assert.deepEqual(await listed(moments.moved), ["src", "src/b.txt", "src/large"]);
  assert.deepEqual(await listed(moments.other, "path=src"), ["src/b.txt", "src/large"]);
  assert.deepEqual(await listed(moments.gone), ["notes"]);
  assert.deepEqual(await listed(moments.back), ["notes", "src", "src/a.txt"]);
  const text = async (path, at) => {
    const reply = await ada.get(`${files}/${path}?at=${at}`);
    return reply.status === 200 ? reply.body.toString() : reply.status;
  };
  assert.equal(await text("src/a.txt", moments.one), "one");
  assert.equal(await text("src/a.txt", moments.large), "one");
  assert.equal(await text("src/a.txt", moments.two), "two");
  assert.equal(await text("src/a.txt", moments.moved), 404);
  assert.equal(await text("src/b.txt", moments.moved), "two");
  assert.equal(await text("src/large", moments.other), "x".repeat(5000));
  assert.equal(await text("src/a.txt", moments.back), "three");
  assert.equal(await text("src/a.txt/below", moments.one), 404);
  assert.equal((await ada.get(`${files}?path=src&at=${moments.gone}`)).status, 404);
  assert.equal((await ada.get(`${files}?at=${moments.back + 1}`)).status, 404, "it lies ahead");
  assert.equal(await text("notes", moments.back + 1), 404);
  const both = await ada.get(`${files}/notes?at=${moments.back}&version=${moments.other}`);
  assert.deepEqual([both.status, Object.keys(both.json.error.fields)], [400, ["at"]]);
  // In pages of one the listing of a moment is the same.
  const pages = [];
  for (let cursor = ""; cursor !== undefined;) {
    const reply = await ada.get(`${files}?recursive=true&limit=1&at=${moments.moved}${cursor}`);
    pages.push(...paths(reply));
    cursor = reply.json.page.next === null ? undefined : `&cursor=${reply.json.page.next}`;
  }
  assert.deepEqual(pages, ["src", "src/b.txt", "src/large"]);
});

test("the changes say who did what, in pages both ways", async () => {
  const { base, moments } = await lived();
  const all = await ada.get(`${base}/changes`);
  assert.deepEqual(all.data.map((one) => one.version), Object.values(moments).reverse());
  assert.deepEqual(all.data.map((one) => one.op), ["write", "delete", "write", "move", "write", "write", "write"]);
  const moved = all.data.find((one) => one.op === "move");
  assert.deepEqual([moved.path, moved.from, moved.type, moved.size], ["src/b.txt", "src/a.txt", "file", 3]);
  assert.deepEqual(moved.author, { kind: "api", id: (await ada.get("/users/me")).data.id });
  assert.deepEqual(all.data.filter((one) => one.op === "delete").map((one) => [one.path, one.type]), [["src", "dir"]]);
  for (const order of ["newest", "oldest"]) {
    const pages = [];
    for (let cursor = ""; cursor !== undefined;) {
      const reply = await ada.get(`${base}/changes?limit=2&order=${order}${cursor}`);
      assert.ok(reply.data.length <= 2);
      pages.push(...reply.data);
      cursor = reply.json.page.next === null ? undefined : `&cursor=${reply.json.page.next}`;
    }
    assert.deepEqual(pages, order === "newest" ? all.data : [...all.data].reverse());
  }
  const versions = async (query) => (await ada.get(`${base}/changes?${query}`)).data.map((one) => one.version);
  assert.deepEqual(await versions(`since=${moments.large}&before=${moments.other}`), [moments.moved, moments.two]);
  assert.deepEqual(await versions("op=delete"), [moments.gone]);
  assert.deepEqual(await versions("path=notes"), [moments.other]);
  assert.deepEqual(await versions("path=src/a.txt&order=oldest"), [moments.one, moments.two, moments.moved, moments.back]);
  assert.deepEqual(await versions(`since=${moments.back}`), []);
  assert.deepEqual(await versions("since=9007199254740991"), []);
  for (const query of ["cursor=x", "cursor=0", "limit=0", "limit=501", "since=0", "op=made", "order=any", "path=.."]) {
    assert.equal((await ada.get(`${base}/changes?${query}`)).status, 400, query);
  }
});

const told = (reply) => reply.data.map(({ op, version }) => `${op} ${version}`);

test("a file that was deleted and made again keeps all its past when it is renamed", async () => {
  const { id } = await newSession(ada);
  const base = `/sessions/${id}`;
  const files = `${base}/files`;
  for (const text of ["1", "2"]) await ada.write(`${files}/x`, text);
  await ada.delete(`${files}/x`);
  await ada.write(`${files}/x`, "3");
  await ada.post(`${files}:move`, { from: "x", to: "y" });
  const all = ["move 5", "write 4", "delete 3", "write 2", "write 1"];
  assert.deepEqual(told(await ada.get(`${base}/history/y`)), all);
  const pages = [];
  for (let cursor = ""; cursor !== undefined;) {
    const reply = await ada.get(`${base}/history/y?limit=2${cursor}`);
    pages.push(...told(reply));
    cursor = reply.json.page.next === null ? undefined : `&cursor=${reply.json.page.next}`;
  }
  assert.deepEqual(pages, all);
  assert.equal((await ada.get(`${files}/y?version=2`)).text(), "2");
  const { data } = await ada.get(`${base}/diff/y?from=2`);
  assert.deepEqual([data.from.version, data.to.version, data.added, data.removed], [2, 5, 1, 1]);
  assert.equal((await ada.post(`${base}/history/y:restore`, { version: 2 })).status, 200);
  assert.equal((await ada.get(`${files}/y`)).text(), "2");
  // The same when the folder was removed with it, and renamed afterwards.
  await ada.write(`${files}/d/f`, "old"); // 7
  await ada.delete(`${files}/d?recursive=true`);
  await ada.write(`${files}/d/f`, "new");
  await ada.post(`${files}:move`, { from: "d", to: "e" });
  assert.deepEqual(told(await ada.get(`${base}/history/e/f`)), ["write 9", "delete 8", "write 7"]);
  assert.equal((await ada.get(`${files}/e/f?version=7`)).text(), "old");
  assert.equal((await ada.post(`${base}/history/e/f:restore`, { version: 7 })).status, 200);
  assert.equal((await ada.get(`${files}/e/f`)).text(), "old");
});

test("what went with its folder is found by its path, and comes back", async () => {
  const { id } = await newSession(ada);
  const base = `/sessions/${id}`;
  const files = `${base}/files`;
  await ada.write(`${files}/src/a/x.c`, "int x;");
  await ada.write(`${files}/src/a/y.c`, "int y;");
  const gone = (await ada.delete(`${files}/src?recursive=true`)).data.version;
  for (const path of ["src/a/x.c", "src/a", "src"]) {
    const found = await ada.get(`${base}/changes?op=delete&path=${path}`);
    assert.deepEqual(found.data.map((one) => [one.version, one.path, one.type]), [[gone, "src", "dir"]], path);
  }
  assert.deepEqual((await ada.get(`${base}/changes?op=delete&path=src/b`)).data, [], "that was never in it");
  const [last, first] = (await ada.get(`${base}/history/src/a/x.c`)).data;
  assert.deepEqual([last.op, last.version, last.size, last.author.kind, first.op, first.version], ["delete", gone, 6, "api", "write", 1]);
  assert.ok(last.at >= first.at);
  assert.equal((await ada.get(`${files}/src/a/x.c?version=${gone}`)).text(), "int x;");
  assert.equal((await ada.post(`${base}/history/src/a/x.c:restore`, { version: gone })).status, 200);
  assert.deepEqual(paths(await ada.get(`${files}?recursive=true`)), ["src", "src/a", "src/a/x.c"]);
  assert.deepEqual(told(await ada.get(`${base}/history/src/a/x.c`)), ["restore 4", "delete 3", "write 1"]);
});

test("the changes of a path tell that a folder above it was renamed, and what was before", async () => {
  const { id } = await newSession(ada);
  const base = `/sessions/${id}`;
  await ada.write(`${base}/files/m/two`, "1");
  await ada.post(`${base}/files:move`, { from: "m", to: "k" });
  assert.deepEqual(told(await ada.get(`${base}/changes?path=k/two`)), ["move 2", "write 1"]);
  assert.deepEqual(told(await ada.get(`${base}/changes?path=m/two`)), ["move 2", "write 1"]);
  assert.deepEqual(told(await ada.get(`${base}/changes?path=k/two&op=move`)), ["move 2"]);
  assert.deepEqual(told(await ada.get(`${base}/history/m/two`)), ["move 2", "write 1"]);
});

test("a change of one kind is found behind thousands of others", async () => {
  const session = await newSession(ada);
  const base = `/sessions/${session.id}`;
  await ada.write(`${base}/files/b%FFd`, "1");
  await ada.delete(`${base}/files/b%FFd`);
  const { execFileSync } = await import("node:child_process");
  const many = execFileSync("python3", ["-c", `
import io, sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz")
for i in range(4100): out.addfile(tarfile.TarInfo(str(i)))
out.close()`], { maxBuffer: 64 << 20 });
  assert.equal((await ada.request("POST", `${base}/archive`, { body: many })).status, 200);
  const first = await ada.get(`${base}/changes?op=delete`);
  assert.deepEqual(first.data, [], "4,000 were looked at");
  const then = await ada.get(`${base}/changes?op=delete&cursor=${first.json.page.next}`);
  assert.deepEqual(then.data.map((one) => [one.path_b64, one.version]), [["Yv9k", 2]]);
  assert.equal(then.json.page.next, null);
});

test("of an old past each change says which moment it is by now, and who goes to one that is gone is told", async (t) => {
  const hour = 3600;
  const clock = movableClock(t);
  const begin = hour - Math.floor(Date.now() / 1000) % hour; // the next hour
  clock.jump(begin);
  const aged = await Server.start({ args: ["--rate-factor", "100000", "--store-collect", "1", "--store-pace", "1000000000", "--history-all", "2d", "--jwt-expiry", "1d"], env: clock.env, t });
  let bo = await aged.account("bo");
  const { id } = await newSession(bo, "Old");
  const base = `/sessions/${id}`;
  const write = async (path, text) => (await bo.write(`${base}/files/${path}`, text)).data.version;
  const first = await write("a", "one\n");
  await write("soon-gone", "x");
  await bo.delete(`${base}/files/soon-gone`);
  const last = await write("c", "c");
  clock.jump(begin + 2 * hour);
  await write("a", "one\ntwo\n");
  const then = await write("a", "one\ntwo\nthree\n");
  const now = await write("c", "d");
  const changes = async () => (await bo.get(`${base}/changes`)).data.map(({ version, moment }) => [version, moment]);
  assert.ok((await changes()).every(([, moment]) => moment === undefined), "all are kept");
  clock.jump(begin + 3 * 24 * hour);
  bo = new Client(aged, (await aged.anonymous().post("/auth/login", { email: bo.email, password: bo.password })).data.token);
  await until("two days are kept whole", async () => (await changes()).length === 4);
  assert.deepEqual(await changes(), [[now, undefined], [then, now], [last, undefined], [first, last]]);

  const listed = await bo.get(`${base}/files?at=${first}`);
  assert.deepEqual([paths(listed), listed.headers.moment], [["a", "c"], String(last)]);
  assert.equal((await bo.get(`${base}/files`)).headers.moment, undefined);
  assert.equal((await bo.get(`${base}/archive?at=${first}`)).headers.moment, String(last));
  assert.equal((await bo.get(`${base}/archive?at=${last}`)).headers.moment, String(last));
  assert.equal((await bo.post(`${base}/fork`, { name: "Copy", at: first })).headers.moment, String(last));
  const what = await bo.get(`${base}/diff/a?to=${then}`);
  assert.deepEqual([what.data.compared, what.data.from.version, what.data.added], ["text", first, 2], "against the version before, whose moment is gone");
  const made = (await bo.get(`${base}/diff/a?to=${first}`)).data;
  assert.deepEqual([made.from, made.added], [undefined, 1]);

  const { moment, before } = (await bo.post(`${base}/files:restore`, { at: first })).data;
  assert.deepEqual([moment, before], [last, now]);
  assert.equal((await bo.get(`${base}/files/a`)).text(), "one\n");
  const back = (await bo.post(`${base}/files:restore`, { at: before })).data;
  assert.deepEqual([back.moment, (await bo.get(`${base}/files/a`)).text()], [before, "one\ntwo\nthree\n"]);
});

test("the moment before a file came back is before what stood in its way went", async () => {
  const session = await newSession(ada);
  const base = `/sessions/${session.id}`;
  const at = (await ada.write(`${base}/files/x`, "file")).data.version;
  await ada.delete(`${base}/files/x`);
  const last = (await ada.write(`${base}/files/x/below`, "folder")).data.version;
  const headers = { "Idempotency-Key": "again-and-again-1" };
  for (const { data } of [await ada.post(`${base}/files:restore`, { path: "x", at }, { headers }), await ada.post(`${base}/files:restore`, { path: "x", at }, { headers })]) {
    assert.deepEqual(data, { done: true, version: last + 2, changed: 1, moment: at, before: last });
  }
  await ada.post(`${base}/files:restore`, { path: "x", at: last });
  assert.equal((await ada.get(`${base}/files/x/below`)).text(), "folder");
});
