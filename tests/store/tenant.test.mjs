// One tenant from one store into another: whole, beside others, and nothing else; what is not that is refused and writes nothing.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeBundle } from "../api/ide-bundle.mjs";
import { Client, newSession, program, Server, serverForFile, until } from "../api/harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "coditect-tenant-"));
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
const fresh = () => join(folder, `data-${++made}`);
const run = (args, input) => spawnSync(program, args, { input, maxBuffer: 1 << 28 });
const says = ({ stdout, stderr }) => `${stdout}${stderr}`;

const server = await serverForFile();
const ada = await server.account("ada");
const eve = await server.account("eve");
const invitation = (await ada.post("/tenant/invitations", { email: "vic@example.com", role: "viewer" })).data;
assert.equal((await server.anonymous().post("/auth/register", { email: "vic@example.com", password: "a long password", invitation: invitation.token })).status, 201);
await ada.post("/tenant/invitations", { email: "later@example.com", role: "member" });
const key = (await ada.post("/auth/keys", { name: "ci", access: "write" })).data;
const session = await newSession(ada, "Kept");
const path = `/sessions/${session.id}/files`;
const big = randomBytes(700_000);
await ada.write(`${path}/big`, big);
for (let i = 0; i < 5; i++) await ada.write(`${path}/folder/file`, `version ${i}`);
await ada.write(`${path}/gone`, "deleted, and still to be had");
await ada.delete(`${path}/gone`);
await ada.post("/projects", { name: "Compiler" });
await ada.put("/settings/editor/font_size", { value: 20 });
await ada.put("/tenant/settings/editor/tab_size", { value: 8 });
await newSession(eve, "Eve's");

const exported = run(["--data", server.data, "--export-tenant", ada.user.tenant_id]);
assert.equal(exported.status, 0, says(exported));
const archive = exported.stdout;

const bring = (data, bytes = archive) => run(["--data", data, "--import-tenant"], bytes);
function whole(data) {
  const check = run(["--data", data, "--check"]);
  assert.equal(check.status, 0, says(check));
  return String(check.stdout);
}

/** What a person sees of everything that they have. */
async function sight(client) {
  const seen = {};
  for (const route of ["/users/me", "/tenant/members", "/tenant/invitations", "/sessions", "/projects", "/settings", "/auth/keys", `/sessions/${session.id}`,
    `${path}?recursive=true`, `/sessions/${session.id}/history/folder/file`, `/sessions/${session.id}/history/gone`, "/audit?limit=100"]) {
    const reply = await client.get(route);
    assert.equal(reply.status, 200, `${route}: ${reply.text()}`);
    seen.stored = (await client.get("/tenant")).data.usage.stored;
    seen[route] = JSON.parse(JSON.stringify(reply.data, (name, value) => (name.startsWith("last_") ? undefined : value)));
  }
  return seen;
}

test("all that a tenant has is in the other store, beside who is there; nobody else comes along", async (t) => {
  const data = fresh();
  const host = await Server.start({ t, data });
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const joe = await host.account("joe");
  await newSession(joe, "Joe's");
  assert.equal(run(["--data", data, "--import-tenant"], archive).status, 1, "a server holds the store");
  host.ownData = false;
  await host.stop();
  const before = await sight(ada);
  const end = bring(data);
  assert.equal(end.status, 0, says(end));
  assert.match(String(end.stdout), new RegExp(`^imported ${ada.user.tenant_id}: \\d+ keys\\n$`));
  whole(data);
  const scrub = run(["--data", data, "--scrub"]);
  assert.equal(scrub.status, 0, says(scrub));

  const there = await Server.start({ data });
  t.after(() => there.stop());
  assert.equal((await new Client(there, ada.token).get("/users/me")).status, 401, "logins stay behind");
  const script = new Client(there, key.key);
  assert.equal((await script.get("/users/me")).data.id, ada.user.id);
  const login = await there.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
  assert.equal(login.status, 200, login.text());
  const again = new Client(there, login.data.token);
  const now = await sight(again);
  const mine = new Set(before["/audit?limit=100"].map(({ id }) => id));
  const came = now["/audit?limit=100"].filter(({ action }) => action === "tenant.import");
  assert.deepEqual(came.map(({ target, address, outcome, actor_id }) => [target, address, outcome, actor_id]), [[ada.user.tenant_id, "console", "ok", undefined]]);
  now["/audit?limit=100"] = now["/audit?limit=100"].filter(({ id }) => mine.has(id));
  assert.deepEqual(now, before);
  assert.ok((await again.get(`${path}/big`)).body.equals(big));
  const [{ version }] = before[`/sessions/${session.id}/history/folder/file`].slice(-1);
  assert.equal((await again.get(`${path}/folder/file?version=${version}`)).text(), (await ada.get(`${path}/folder/file?version=${version}`)).text());
  assert.ok((await again.write(`${path}/folder/file`, "and it goes on")).status < 300);
  assert.equal((await there.anonymous().post("/auth/login", { email: eve.email, password: eve.password })).status, 401);
  assert.equal((await there.anonymous().post("/auth/login", { email: joe.email, password: joe.password })).status, 200);
  assert.match(says(run(["--data", server.data, "--export-tenant", "ten-00000000000000000000000000"])), /no such tenant/);
  assert.match(says(run(["--data", server.data, "--export-tenant", "../x"])), /no id of a tenant/);
});

/** Python with `db`, the store's database. */
const edit = (data, code) => execFileSync("python3", ["-c", `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/store/store.db")
uid = lambda: [bytes(k) for k, in db.execute("select key from kv") if b"host_uid" in bytes(k)]
${code}
db.commit()`, data]).toString();

test("a workspace comes stopped, and whose processes were its own is nobody's affair here", async (t) => {
  const from = await Server.start({ t, args: ["--rate-factor", "100000", "--ide", makeBundle(), "--node", process.execPath] });
  from.ownData = false;
  t.after(() => rmSync(from.data, { recursive: true, force: true }));
  const bob = await from.account("bob");
  const { id } = await newSession(bob, "Runs");
  await bob.post(`/sessions/${id}/open`);
  await until("it runs", async () => (await bob.get("/workspaces")).data[0]?.state === "running", 60_000);
  const sent = run(["--data", from.data, "--export-tenant", bob.user.tenant_id]);
  assert.equal(sent.status, 0, says(sent));
  await bob.post(`/sessions/${id}/pause`);
  await from.stop();
  const uid = edit(from.data, "print(uid()[0].hex())").trim();

  const data = fresh();
  const before = await Server.start({ t, data });
  t.after(() => rmSync(data, { recursive: true, force: true }));
  before.ownData = false;
  await before.stop();
  edit(data, `db.execute("insert into kv values(?, ?)", (bytes.fromhex("${uid}"), b"somebody else's"))`);
  const came = bring(data, sent.stdout);
  assert.equal(came.status, 0, says(came));
  assert.equal(edit(data, `print(uid() == [bytes.fromhex("${uid}")])
db.execute("delete from kv where key = ?", (bytes.fromhex("${uid}"),))`).trim(), "True");
  whole(data);
  const there = await Server.start({ data });
  t.after(() => there.stop());
  const login = await there.anonymous().post("/auth/login", { email: bob.email, password: bob.password });
  const again = new Client(there, login.data.token);
  assert.equal((await again.get(`/sessions/${id}`)).data.workspace.state, "stopped");
  const [{ state, wanted }] = (await again.get("/workspaces")).data;
  assert.deepEqual([state, wanted], ["stopped", false]);
});

/** A stream as docs/backup.md says, of these pairs. */
function stream(pairs) {
  const number = (bytes, value) => Buffer.from(BigInt(value).toString(16).padStart(2 * bytes, "0"), "hex");
  const frame = (type, plain) => {
    const hash = createHash("sha256").update(type).update(plain).digest();
    return { hash, bytes: Buffer.concat([number(4, type.charCodeAt(0)), number(4, plain.length), number(4, plain.length), hash, plain]) };
  };
  const block = frame("B", Buffer.concat(pairs.flatMap(([name, value]) => [number(2, Buffer.byteLength(name)), Buffer.from(name), number(1, 0), number(4, Buffer.byteLength(value)), Buffer.from(value)])));
  const table = frame("T", Buffer.concat([block.hash, number(8, 1), number(8, 32), number(4, block.bytes.length)]));
  const end = frame("E", Buffer.concat([number(8, 1), number(8, pairs.length), number(8, 0), number(8, 1), createHash("sha256").update(table.hash).digest(), number(8, 1), number(8, block.bytes.length), number(8, 32 + block.bytes.length)]));
  return Buffer.concat([Buffer.from("coditect backup\n"), number(4, 1), number(4, 3), number(8, 1), block.bytes, table.bytes, end.bytes]);
}

test("what is damaged, another thing, or in the way is refused, and nothing is written", async () => {
  const data = fresh();
  assert.equal(bring(data).status, 0);
  const before = whole(data);
  const full = run(["--data", server.data, "--backup", "-"]).stdout;
  const flipped = Buffer.from(archive);
  flipped[flipped.length >> 1] ^= 4;
  const tenant = "ten-0000000000000000000000000a";
  for (const [bytes, why] of [
    [archive, /is here already/],
    [archive.subarray(0, archive.length - 9), /cut off/],
    [flipped, /damaged/],
    [Buffer.alloc(0), /no backup/],
    [Buffer.from("PK\x03\x04 another kind of archive, longer than a header is"), /no backup of Coditect/],
    [full, /not one tenant's|is here already/],
    [stream([["g/key/access", `${tenant}/usr-00000000000000000000000000`]]), /no tenant in it/],
    [stream([[`t/${tenant}/tenant/${tenant}`, "{}"]]), /not well-formed/],
    [stream([[`t/${tenant}/other/x`, "1"]]), /its tenant does not exist|no known space/],
    [stream([[`t/${tenant}/../x`, "1"]]), /does not exist|no known space/],
    [stream([["x", "1"]]), /no known kind/],
  ]) {
    const end = bring(data, bytes);
    assert.equal(end.status, 1, says(end));
    assert.match(says(end), why);
    assert.doesNotMatch(says(end), /Sanitizer|runtime error|assert/i);
    assert.ok(!existsSync(join(data, "store/import")));
  }
  assert.equal(whole(data), before);
});

test("content that was damaged where it comes from is refused, and named", () => {
  const data = fresh();
  assert.equal(bring(data).status, 0);
  whole(data);
  const files = readdirSync(join(data, "store")).filter((name) => /^store\.db(-\d+)?$/.test(name)).map((name) => join(data, "store", name));
  const file = files.find((name) => readFileSync(name).includes(big.subarray(1000, 1064)));
  const bytes = readFileSync(file);
  bytes[bytes.indexOf(big.subarray(1000, 1064))] ^= 1;
  writeFileSync(file, bytes);
  const out = run(["--data", data, "--export-tenant", ada.user.tenant_id]);
  assert.equal(out.status, 1, "it says so itself");
  const to = fresh();
  const end = bring(to, out.stdout);
  assert.deepEqual([end.status, end.signal], [1, null], says(end));
  assert.match(says(end), /damaged in the archive: t\/ten-\w+\/chunk\/[0-9a-f]{64}[^]*its content is damaged/);
  assert.doesNotMatch(says(end), /Sanitizer|runtime error|assert/i);
  assert.ok(!existsSync(join(to, "store/import")));
});

test("an address that has an account here is refused, and named", async (t) => {
  const data = fresh();
  const host = await Server.start({ t, data });
  assert.equal((await host.anonymous().post("/auth/register", { email: "vic@example.com", password: "another password" })).status, 201);
  host.ownData = false;
  await host.stop();
  const before = whole(data);
  const end = bring(data);
  assert.equal(end.status, 1);
  assert.match(says(end), /vic@example\.com/);
  assert.equal(whole(data), before);
  const alien = run(["--data", data, "--backup", "-"]).stdout; // one tenant, and the server's keys
  assert.match(says(bring(fresh(), alien)), /not one tenant's/);
});

test("killed at any moment it can be begun again", async () => {
  let killed = 0;
  for (let i = 0; i < 2 || (killed === 0 && i < 20); i++) {
    const data = fresh();
    const child = spawn(program, ["--data", data, "--import-tenant"], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    child.stdin.on("error", () => undefined);
    child.stdin.end(archive);
    const closed = new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)));
    const signs = ["store/import/restore.part", "store/import/store.db"];
    await until("it is at work", () => child.exitCode !== null || existsSync(join(data, signs[i % 2])));
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      assert.equal(error.code, "ESRCH"); // it was done
    }
    killed += (await closed) === "SIGKILL" ? 1 : 0;
    let end;
    await until("its second process is gone too", () => !/in use by process/.test(says((end = bring(data)))));
    assert.ok(end.status === 0 || /is here already/.test(says(end)), says(end));
    whole(data);
  }
  assert.ok(killed > 0);
});
