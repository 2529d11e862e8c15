// Time travel by reading: the session's changes, folders and files as of a moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, serverForFile } from "./harness.mjs";

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
