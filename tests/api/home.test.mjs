// The person's own home by the API: a dotfile that was overwritten or deleted is had back while nothing runs, and a workspace that
// runs gets it.
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bundle, Client, newSession, serverForFile, sha256, until } from "./harness.mjs";
import { homeOf, program } from "./homes.mjs";

const server = await serverForFile({ program, args: ["--rate-factor", "100000", "--quota-home", "1"] });
const ada = await server.account("ada");
const mine = homeOf(server, ada);
const home = "/users/me/home";
const seen = async (path, client = ada) => {
  const reply = await client.get(`${home}/${path}`);
  assert.equal(reply.status, 200, reply.text());
  return reply.data;
};

test("a dotfile that was overwritten: listed, its versions, any of them read, and back as a new one", async () => {
  assert.deepEqual(await seen("files"), []);
  const first = await mine.write(".bashrc", "alias good=yes");
  const second = await mine.write(".bashrc", "oops");
  await mine.write(".config/tool/rc", "x");
  const entries = await seen("files");
  assert.deepEqual(entries.map(({ path, type, version }) => [path, type, version]), [[".bashrc", "file", second], [".config", "dir", entries[1].version]]);
  assert.deepEqual((await seen("files?path=.config&recursive=true")).map(({ path }) => path), [".config/tool", ".config/tool/rc"]);
  const page = await ada.get(`${home}/files?recursive=true&limit=1`);
  assert.deepEqual((await seen(`files?recursive=true&limit=1&cursor=${page.json.page.next}`)).map(({ path }) => path), [".config"]);

  const history = await ada.get(`${home}/history/.bashrc`);
  assert.deepEqual(history.data.map(({ version, op, size }) => [version, op, size]), [[second, "write", 4], [first, "write", 14]]);
  assert.deepEqual(history.data[0].author, { kind: "terminal", id: ada.user.id });
  assert.ok(history.json.kept.all > 0);
  const old = await ada.get(`${home}/files/.bashrc?version=${first}`);
  assert.deepEqual([old.text(), old.headers.etag, old.headers["content-disposition"]], ["alias good=yes", `"${first}"`, "attachment"]);
  assert.equal((await ada.get(`${home}/files/.bashrc`, { headers: { "If-None-Match": `"${second}"` } })).status, 304);
  const part = await ada.get(`${home}/files/.bashrc?version=${first}`, { headers: { Range: "bytes=6-9" } });
  assert.deepEqual([part.status, part.text()], [206, "good"]);
  assert.equal((await ada.request("HEAD", `${home}/files/.bashrc`)).headers["content-length"], "4");

  const again = () => ada.post(`${home}/history/.bashrc:restore`, { version: first }, { headers: { "Idempotency-Key": "once" } });
  const restored = await again();
  assert.deepEqual([restored.status, restored.data.hash, restored.data.size], [200, sha256("alias good=yes"), 14]);
  assert.equal((await again()).data.version, restored.data.version);
  assert.deepEqual((await seen("history/.bashrc")).map(({ op }) => op), ["restore", "write", "write"]);
  assert.equal((await ada.get(`${home}/files/.bashrc`)).text(), "alias good=yes");
  assert.deepEqual((await seen("history/.bashrc?limit=1"))[0].author, { kind: "api", id: ada.user.id });
});

test("what was deleted is told, and comes back: a file, and a folder with all that is in it", async () => {
  await mine.write(".vimrc", "set number");
  const gone = await mine.remove(".vimrc");
  await mine.write(".ssh/config", "Host a");
  await mine.write(".ssh/known_hosts", "a b c");
  const folder = await mine.remove(".ssh");
  assert.deepEqual((await seen("changes?op=delete")).map(({ path, type, version }) => [path, type, version]), [[".ssh", "dir", folder], [".vimrc", "file", gone]]);
  assert.deepEqual((await seen("changes?op=delete&path=.vimrc")).length, 1);
  assert.deepEqual((await seen(`changes?since=${gone}&order=oldest&op=write`)).map(({ path }) => path), [".ssh/config", ".ssh/known_hosts"]);
  assert.equal((await ada.get(`${home}/files/.vimrc`)).status, 404);
  assert.equal((await ada.get(`${home}/files/.vimrc?version=${gone}`)).text(), "set number");
  for (const [path, version] of [[".vimrc", gone], [".ssh", folder]]) assert.equal((await ada.post(`${home}/history/${path}:restore`, { version })).status, 200, path);
  assert.equal((await ada.get(`${home}/files/.vimrc`)).text(), "set number");
  assert.equal((await ada.get(`${home}/files/.ssh/known_hosts`)).text(), "a b c");
  const there = await ada.post(`${home}/history/.ssh:restore`, { version: (await seen("history/.ssh"))[0].version });
  assert.deepEqual([there.status, there.code], [409, "exists"]);
});

test("what is not there, and what is no request", async () => {
  for (const path of ["files?path=nowhere", "files/nowhere", "files/.bashrc?version=999999", "history/nowhere"]) assert.equal((await ada.get(`${home}/${path}`)).status, 404, path);
  assert.equal((await ada.post(`${home}/history/.bashrc:restore`, { version: 999999 })).status, 404);
  assert.equal((await ada.post(`${home}/history/nowhere:restore`, { version: 1 })).status, 404);
  for (const path of ["files?cursor=AAAA", "changes?cursor=AAAA", "changes?op=eat", "history/.bashrc?cursor=AAAA", "files/../x", "files?at=1"]) assert.equal((await ada.get(`${home}/${path}`)).status, 400, path);
  assert.equal((await ada.get(`${home}/files/.config`)).code, "is_directory");
});

test("a home is its person's: others have their own, a viewer too, and no API key opens one", async () => {
  const eve = await server.account("eve");
  const { token } = (await ada.post("/tenant/invitations", { email: "viewer@example.com", role: "viewer" })).data;
  const reply = await server.anonymous().post("/auth/register", { email: "viewer@example.com", password: "a password to test with", invitation: token });
  const viewer = new Client(server, reply.data.token);
  for (const other of [eve, viewer]) {
    assert.deepEqual([await seen("files", other), await seen("changes", other)], [[], []]);
    for (const path of ["files/.bashrc", "history/.bashrc"]) assert.equal((await other.get(`${home}/${path}`)).status, 404, path);
    assert.equal((await other.post(`${home}/history/.bashrc:restore`, { version: 1 })).status, 404);
  }
  const { key } = (await ada.post("/auth/keys", { name: "mine", access: "write" })).data;
  const byKey = new Client(server, key);
  const all = bundle.operations.filter(({ id }) => id.startsWith("users_me_home"));
  assert.equal(all.length, 6);
  for (const { method, segments } of all) {
    const path = `/${segments.map(({ kind, text }) => (kind === "rest" ? `.bashrc${text}` : text)).join("/")}`;
    assert.equal((await byKey.request(method, path, method === "POST" ? { json: { version: 1 } } : {})).status, 403, path);
  }
});

test("a workspace stores what is written in it, gets what is restored, and over the limit what is smaller comes back alone", { timeout: 240_000 }, async () => {
  const bob = await server.account("bob");
  const { id } = await newSession(bob);
  const disk = (path) => join(server.data, "workspaces", id, "home", path);
  const reaches = (state) => until(`the workspace is ${state}`, async () => (await bob.get(`/sessions/${id}`)).data.workspace.state === state, 60_000);
  /** The version that is this; a file that is being written may have another before it. */
  const stored = async (path, what) => {
    let found;
    const same = (one) => Object.entries(what).every(([name, value]) => one[name] === value);
    await until(`${path} is stored`, async () => (found = ((await bob.get(`${home}/history/${path}`)).data ?? []).find(same)));
    return found.version;
  };
  await bob.post(`/sessions/${id}/open`);
  await reaches("running");
  writeFileSync(disk(".bashrc"), "good");
  const good = await stored(".bashrc", { size: "good".length });
  writeFileSync(disk(".bashrc"), "overwritten");
  await stored(".bashrc", { size: "overwritten".length });
  assert.equal((await bob.post(`${home}/history/.bashrc:restore`, { version: good })).status, 200);
  await until("it is in the running workspace", () => readFileSync(disk(".bashrc"), "utf8") === "good");

  writeFileSync(disk("large"), Buffer.alloc(700_000, "x"));
  const large = await stored("large", { size: 700_000 });
  writeFileSync(disk("large"), "small now");
  writeFileSync(disk("other"), Buffer.alloc(600_000, "y"));
  await stored("large", { size: "small now".length });
  await stored("other", { size: 600_000 });
  rmSync(disk(".bashrc"));
  const deleted = await stored(".bashrc", { op: "delete" });
  await bob.post(`/sessions/${id}/pause`);
  await reaches("stopped");
  const refused = await bob.post(`${home}/history/large:restore`, { version: large }, { expected5xx: true });
  assert.deepEqual([refused.status, refused.code], [507, "quota"]);
  assert.match(refused.json.error.message, /storage limit of this home/);
  assert.equal((await bob.post(`${home}/history/.bashrc:restore`, { version: deleted })).status, 200);
  assert.ok(!existsSync(disk(".bashrc")), "nothing runs");
  await bob.post(`/sessions/${id}/open`);
  await reaches("running");
  await until("it is there when it runs again", () => existsSync(disk(".bashrc")) && readFileSync(disk(".bashrc"), "utf8") === "good");
});
