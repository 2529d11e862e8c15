// A folder, or all of a session, goes back to a moment: as one change, whole, and itself undoable.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { Client, newSession, Server, serverForFile, until } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");

/** What is there, now or at a moment: path, type, mode, time, hash. */
async function content(client, base, { at, path = "" } = {}) {
  const entries = [];
  for (let cursor = ""; cursor !== undefined;) {
    const reply = await client.get(`${base}/files?recursive=true&limit=1000&path=${path}${at ? `&at=${at}` : ""}${cursor}`);
    if (reply.status === 404) return undefined;
    assert.equal(reply.status, 200, reply.text());
    entries.push(...reply.data.map((one) => `${one.path} ${one.type} ${one.mode} ${one.type === "dir" ? "" : one.mtime} ${one.hash ?? ""}`));
    cursor = reply.json.page.next === null ? undefined : `&cursor=${reply.json.page.next}`;
  }
  return entries;
}
const restore = async (base, body, client = ada) => {
  const reply = await client.post(`${base}/files:restore`, body);
  assert.equal(reply.status, 200, reply.text());
  assert.equal(reply.data.done, true);
  return reply.data;
};
const seen = async (base, query = "") => (await ada.get(`${base}/changes${query}`)).data;
const fresh = async () => `/sessions/${(await newSession(ada)).id}`;

test("what was written, moved, deleted and made since goes back, and back again", async () => {
  const base = await fresh();
  const write = async (path, text) => (await ada.write(`${base}/files/${path}`, text)).data.version;
  await write("keep", "kept");
  await write("changed", "one");
  await write("gone/a", "a");
  await write("gone/deep/b", "b".repeat(5000));
  const moment = await write("from", "moved");
  const before = await content(ada, base);
  await write("changed", "two");
  await ada.delete(`${base}/files/gone?recursive=true`);
  await ada.post(`${base}/files:move`, { from: "from", to: "new/to" });
  await write("gone", "a file now");
  const last = await write("new/other", "x");
  const after = await content(ada, base);

  const done = await restore(base, { at: moment });
  assert.deepEqual(await content(ada, base), before);
  assert.equal((await ada.get(`${base}/files/gone/deep/b`)).body.toString(), "b".repeat(5000));
  const history = (await ada.get(`${base}/history/from`)).data.map((one) => one.op);
  assert.deepEqual(history, ["restore", "move", "write"], "it kept its history");
  const rows = await seen(base);
  assert.deepEqual([rows[0].version, rows[0].op, rows[0].path, rows[0].type, rows[0].restored, rows[0].changed], [done.version, "restore", "", "dir", moment, done.changed]);
  assert.equal(rows[1].version, last, "it is one change");
  assert.deepEqual((await seen(base, "?order=oldest")).map((one) => one.version), rows.map((one) => one.version).reverse());
  assert.deepEqual((await seen(base, "?op=restore")).map((one) => one.version), [done.version]);
  assert.deepEqual((await seen(base, "?path=gone&op=restore")).map((one) => one.version), [done.version]);
  assert.deepEqual((await seen(base, "?op=delete")).map((one) => one.path), ["gone"], "its own deletions are part of it");

  // No moment within it: all of them are its end.
  for (let at = last + 1; at <= done.version; at++) assert.deepEqual(await content(ada, base, { at }), before);
  assert.deepEqual(await content(ada, base, { at: last }), after);
  assert.equal((await ada.get(`${base}/files/from?at=${last + 1}`)).body.toString(), "moved");

  const undone = await restore(base, { at: last });
  assert.deepEqual(await content(ada, base), after);
  assert.deepEqual((await restore(base, { at: last })).changed, 0, "it is so already");
  await restore(base, { at: done.version });
  assert.deepEqual(await content(ada, base), before);
  await restore(base, { at: undone.version });
  assert.deepEqual(await content(ada, base), after);
});

test("a folder goes back alone, also one that is deleted", async () => {
  const base = await fresh();
  const write = async (path, text) => (await ada.write(`${base}/files/${path}`, text)).data.version;
  await write("a/b/one", "1");
  await write("a/two", "2");
  const moment = await write("outside", "3");
  const before = await content(ada, base, { path: "a" });
  await write("outside", "4");
  await write("a/b/new", "5");
  await ada.delete(`${base}/files/a?recursive=true`);
  await restore(base, { path: "a", at: moment });
  assert.deepEqual(await content(ada, base, { path: "a" }), before);
  assert.equal((await ada.get(`${base}/files/outside`)).body.toString(), "4");
  await ada.delete(`${base}/files/a?recursive=true`);
  await restore(base, { path: "a/b", at: moment });
  assert.deepEqual((await ada.get(`${base}/files?recursive=true`)).data.map((one) => one.path), ["a", "a/b", "a/b/one", "outside"]);
  const refused = async (body) => (await ada.post(`${base}/files:restore`, body)).status;
  assert.equal(await refused({ path: "none", at: moment }), 404);
  assert.equal(await refused({ path: "outside/none", at: moment }), 404, "a file was in its way then");
  assert.equal(await refused({ at: 1_000_000 }), 404);
  assert.equal(await refused({ at: 0 }), 400);
  assert.equal(await refused({ path: "..", at: moment }), 400);
});

test("a file goes back alone, whatever stands at its place or on the way to it", async () => {
  const base = await fresh();
  const write = async (path, text) => (await ada.write(`${base}/files/${path}`, text)).data.version;
  const text = async (path) => (await ada.get(`${base}/files/${path}`)).body.toString();
  const old = await write("a", "a file");
  const one = await write("d/e/f", "deep");
  await ada.delete(`${base}/files/a`);
  await ada.delete(`${base}/files/d?recursive=true`);
  await write("a/in/it", "mine");
  await write("d", "a file now");
  const before = await content(ada, base);
  const last = (await seen(base))[0].version;

  // By a moment, said twice with one key: once done.
  const key = { headers: { "idempotency-key": "restore-of-a-file-0001" } };
  const body = { path: "a", at: one };
  const done = (await ada.post(`${base}/files:restore`, body, key)).data;
  assert.deepEqual([done.done, done.changed], [true, 1]);
  assert.deepEqual((await ada.post(`${base}/files:restore`, body, key)).data, done);
  assert.equal(await text("a"), "a file");
  assert.deepEqual((await seen(base)).slice(0, 2).map((row) => [row.version, row.op, row.path, row.type]), [[done.version, "restore", "a", "file"], [done.version - 1, "delete", "a", "dir"]]);
  await restore(base, { path: "d/e/f", at: one });
  assert.equal(await text("d/e/f"), "deep");
  await restore(base, { path: "d", at: last });
  assert.equal(await text("d"), "a file now", "the file comes back where the folder is");
  await restore(base, { path: "d/e", at: one });
  assert.equal(await text("d/e/f"), "deep", "the folder comes back where the file is");
  await restore(base, { path: "a/in", at: last });
  assert.equal(await text("a/in/it"), "mine");
  await restore(base, { at: last });
  assert.deepEqual(await content(ada, base), before, "nothing was lost");

  // By a version.
  const back = async (path, version) => (await ada.post(`${base}/history/${path}:restore`, { version })).status;
  const folder = (await ada.get(`${base}/history/a`)).data[0].version;
  assert.equal(await back("a", old), 200);
  assert.equal(await text("a"), "a file");
  assert.equal(await back("a", folder), 200, "undone");
  assert.equal(await text("a/in/it"), "mine");
  assert.equal(await back("d/e/f", one), 200);
  assert.equal(await text("d/e/f"), "deep");
  const refused = await ada.post(`${base}/history/a:restore`, { version: folder });
  assert.deepEqual([refused.status, /to a moment/.test(refused.text())], [409, true]);
});

test("random changes: every moment comes back", async () => {
  const base = await fresh();
  const seed = Number(process.env.CODITECT_SEED ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  let state = seed + 1;
  const below = (n) => {
    state = (state * 48271) % 2147483647;
    return state % n;
  };
  const name = () => ["a", "b", "c", "a/b", "a/c", "b/a", "c/b/a", "a/b/c", "c/d"][below(9)];
  const moments = new Map();
  for (let i = 0; i < 80; i++) {
    const what = below(10);
    const reply = what < 5 ? await ada.write(`${base}/files/${name()}`, "x".repeat(1 + below(3)) + i)
      : what < 7 ? await ada.delete(`${base}/files/${name()}?recursive=true`)
      : what < 9 ? await ada.post(`${base}/files:move`, { from: name(), to: name(), overwrite: true })
      : moments.size > 0 ? await ada.post(`${base}/files:restore`, { at: [...moments.keys()][below(moments.size)] })
      : await ada.post(`${base}/files:mkdir`, { path: name() });
    assert.ok(reply.status < 500, reply.text());
    if (reply.status < 300) moments.set(reply.data.version, await content(ada, base));
  }
  for (const at of moments.keys()) assert.deepEqual(await content(ada, base, { at }), moments.get(at), `seed ${seed}: moment ${at}`);
  for (let i = 0; i < 12; i++) {
    const at = [...moments.keys()][below(moments.size)];
    const done = await restore(base, { at });
    assert.deepEqual(await content(ada, base), moments.get(at), `seed ${seed}: back to ${at}`);
    moments.set(done.version, moments.get(at));
  }
});

test("killed in its midst it is finished by the next start; no moment shows a part", async (t) => {
  const own = await Server.start({ t });
  const bob = await own.account("bob");
  const base = `/sessions/${(await newSession(bob)).id}`;
  const fill = async (text) => {
    const archive = execFileSync("python3", ["-c", `
import io, sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz")
for i in range(800):
    info = tarfile.TarInfo(f"f{i % 30}/{i}"); info.size = 5
    out.addfile(info, io.BytesIO(b"${text}%04d" % i))
out.close()`], { maxBuffer: 64 << 20 });
    assert.equal((await bob.request("POST", `${base}/archive`, { body: archive })).status, 200);
    return { at: (await bob.get(`${base}/changes?limit=1`)).data[0].version, entries: await content(bob, base) };
  };
  const one = await fill("a");
  const two = await fill("b");
  let next = two.at + 1; // the number of the restore
  for (const goal of [one, two]) {
    const pending = bob.post(`${base}/files:restore`, { at: goal.at }).catch(() => undefined);
    await until("it has begun", async () => (await bob.get(`${base}/files?at=${next}`)).status !== 404);
    await own.kill9();
    await pending;
    await own.run();
    await until("it is whole", async () => (await bob.get(`${base}/changes?limit=1`)).data[0].restored === goal.at);
    const [{ version, changed }] = (await bob.get(`${base}/changes?limit=1`)).data;
    assert.equal(changed, 800, "each once");
    for (const at of [undefined, version, version - 1, next]) assert.deepEqual(await content(bob, base, { at }), goal.entries);
    next = version + 1;
  }
  assert.deepEqual(await content(bob, base, { at: two.at }), two.entries);
});

/** False: it was done before it was asked about, which shows nothing. */
async function archivedInHand(files) {
  const base = await fresh();
  const fill = async (text) => {
    const archive = execFileSync("python3", ["-c", `
import io, sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz")
for i in range(${files}):
    info = tarfile.TarInfo(f"f{i % 30}/{i}"); info.size = 1
    out.addfile(info, io.BytesIO(b"${text}"))
out.close()`], { maxBuffer: 64 << 20 });
    assert.equal((await ada.request("POST", `${base}/archive`, { body: archive })).status, 200);
    return (await ada.get(`${base}/changes?limit=1`)).data[0].version;
  };
  const one = await fill("a");
  const two = await fill("b");
  const { token } = (await ada.post(`${base}/links`, { name: "of now" })).data;
  const link = new Client(server, token);
  const forkOf = (body) => ada.post(`${base}/fork`, body);
  const pending = ada.post(`${base}/files:restore`, { at: one });
  await until("it has begun", async () => (await ada.get(`${base}/files?at=${two + 1}`)).status !== 404);
  const fork = await forkOf({ name: "of now" });
  const shared = await link.get("/shared/archive");
  const now = await ada.get(`${base}/archive`); // the last: when it was refused, the others were asked in time
  const named = await ada.get(`${base}/archive?at=${two}`);
  const { status, data } = await pending;
  assert.equal(status, 200);
  if (!data.done) await until("it is whole", async () => (await ada.get(`${base}/changes?limit=1`)).data[0].restored === one);
  assert.deepEqual([named.status, named.headers.moment], [200, String(two)]);
  // Over a store that fails, the request may have been sent again: then a second return may be in hand.
  await until("there is one of now again", async () => (await ada.get(`${base}/archive`)).status === 200);
  assert.equal((await link.get("/shared/archive")).status, 200);
  assert.equal((await forkOf({ name: "afterwards" })).status, 202);
  if (now.status === 200) return false;
  for (const reply of [fork, shared, now]) {
    assert.deepEqual([reply.status, reply.code], [409, "conflict"]);
    assert.match(reply.json.error.message, /^Its files are going back to a moment\./);
  }
  return true;
}

test("in hand there is no archive and no fork of now, which would be without what came since", { timeout: 300_000 }, async () => {
  let shown = false;
  for (let files = 1000; !shown && files < 40_000; files *= 2) shown = await archivedInHand(files);
  assert.ok(shown, "no return took as long as a question");
});
