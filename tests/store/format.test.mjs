// What lies in a data directory decides who may open it: a store of an older program is changed once and what was there kept,
// one of a newer program is left alone, and a directory that a server holds says whose it is.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bytesOf, freePort, newSession, root, Server } from "../api/harness.mjs";

const build = process.env.CODITECT_BUILD ?? "";
const program = join(build, "src/coditectd/coditectd");

/** What a server says that is not to start. */
async function refusal(data) {
  const args = ["--data", data, "--listen", `127.0.0.1:${await freePort()}`];
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 60_000 });
  assert.equal(status, 1, stderr);
  return stderr;
}

/** A data directory with this store.db, of the user whom the server becomes. */
function dataWith(file) {
  const data = mkdtempSync(join(tmpdir(), "coditect-format-"));
  mkdirSync(join(data, "store"), 0o700);
  copyFileSync(file, join(data, "store/store.db"));
  give(data);
  return data;
}

function give(data) {
  if (process.getuid() === 0 && spawnSync("id", ["coditect"]).status === 0) {
    execFileSync("chown", ["-R", "coditect:coditect", join(data, "store")]);
  }
}

// Made by the last program of its format: ada's account, her session, src/a.txt in two versions, b.bin.
for (const format of [1, 2, 3]) test(`a store of format ${format} is made the newest, after what was there was kept`, async (t) => {
  const fixture = join(root, `tests/store/format${format}.db`);
  const data = dataWith(fixture);
  const server = await Server.start({ t, data });
  assert.match(server.log, new RegExp(`the data has format ${format}: it is made format 4, what was there stays as store/store\\.format${format}\\.db`));
  const login = await server.anonymous().post("/auth/login", { email: "ada-1@example.com", password: "password of ada-1@example.com" });
  assert.equal(login.status, 200, login.text());
  const ada = server.anonymous();
  ada.token = login.data.token;
  const [session] = (await ada.get("/sessions")).data;
  assert.equal(session.name, `Kept since format ${format}`);
  const files = `/sessions/${session.id}/files`;
  assert.equal((await ada.get(`${files}/src/a.txt`)).body.toString(), "second\n");
  assert.equal((await ada.get(`${files}/src/a.txt?version=1`)).body.toString(), "first\n");
  assert.deepEqual((await ada.get(`${files}/b.bin`)).body, Buffer.concat([...bytesOf(9000, 3)]));
  assert.equal((await ada.write(`${files}/src/a.txt`, "third\n")).status, 200);
  // What records did not have then: each begins without it.
  assert.deepEqual((await ada.get("/conversations")).data, []);
  const talk = (await ada.post("/conversations", { session_id: session.id, name: "New" })).data;
  assert.equal((await ada.post(`/conversations/${talk.id}/messages`, { role: "user", content: "first" })).data.seq, 1);
  assert.deepEqual((await ada.get(`/sessions/${session.id}/related`)).data, []);
  assert.equal((await ada.get("/tenant/members?sort=name")).json.page.total, 1);
  assert.deepEqual(readFileSync(join(data, `store/store.format${format}.db`)), readFileSync(fixture));
  assert.deepEqual(readdirSync(join(data, "store")).filter((name) => /new|part/.test(name)), []);

  await server.kill9();
  await server.run();
  assert.doesNotMatch(server.log, /made format/, "once");
  assert.equal((await ada.get(`${files}/src/a.txt`)).body.toString(), "third\n");
  await server.stop();
  rmSync(data, { recursive: true });
});

test("a command brings an older store forward as a start does, once", () => {
  for (const format of [1, 2, 3]) {
    const data = dataWith(join(root, `tests/store/format${format}.db`));
    const check = () => spawnSync(program, ["--data", data, "--check"], { encoding: "utf8", timeout: 60_000 });
    const first = check();
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, / 0 faults/);
    assert.match(first.stderr, new RegExp(`the data has format ${format}: it is made format 4`));
    const backup = spawnSync(program, ["--data", data, "--backup", join(data, "backup")], { encoding: "utf8", timeout: 60_000 });
    assert.equal(backup.status, 0, backup.stderr);
    const second = check();
    assert.equal(second.status, 0, second.stderr);
    assert.doesNotMatch(second.stderr, /it is made format/);
    rmSync(data, { recursive: true });
  }
});

test("an older store is not changed while something holds its log, since what stays would lack what is in it", async (t) => {
  const data = dataWith(join(root, "tests/store/format2.db"));
  const holder = spawn("python3", ["-c", `
import sqlite3, sys
path = sys.argv[1] + "/store/store.db"
writer, reader = [sqlite3.connect(path, isolation_level=None) for _ in range(2)]
writer.execute("PRAGMA journal_mode=WAL")
reader.execute("BEGIN")
reader.execute("SELECT count(*) FROM kv").fetchone()
writer.execute("INSERT INTO kv VALUES(CAST('meta/late' AS BLOB), CAST('in the log' AS BLOB))")
print("held", flush=True)
sys.stdin.read()`, data], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  give(data);
  const old = join(data, "store/store.format2.db");
  try {
    assert.match(await refusal(data), /the log cannot be copied into the old store first/);
    assert.ok(!existsSync(old) && !existsSync(join(data, "store/store.db.new")));
  } finally {
    holder.kill("SIGKILL");
    await once(holder, "close");
  }
  const server = await Server.start({ t, data });
  await server.stop();
  const alone = join(data, "alone.db");
  copyFileSync(old, alone);
  assert.equal(execFileSync("python3", ["-c", `
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT CAST(value AS TEXT) FROM kv WHERE key = CAST('meta/late' AS BLOB)").fetchone()[0])`, alone], { encoding: "utf8" }), "in the log\n");
  rmSync(data, { recursive: true });
});

test("a newer store is refused with one line, and nothing is changed", async (t) => {
  const server = await Server.start({ t });
  const { data } = server;
  server.ownData = false;
  await newSession(await server.account());
  await server.stop();
  const file = join(data, "store/store.db");
  execFileSync("python3", ["-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE kv SET value = CAST('5' AS BLOB) WHERE key = CAST('meta/format' AS BLOB)")
db.commit()
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")`, file]);
  const before = readFileSync(file);
  const said = await refusal(data);
  const lines = said.split("\n").filter((line) => line.includes("the data has format 5, this program knows 4: use a newer program"));
  assert.equal(lines.length, 1, said);
  assert.deepEqual(readFileSync(file), before);
  rmSync(data, { recursive: true });
});

const inStore = (data, lines, ...args) => execFileSync("python3", ["-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/store/store.db")
${lines}
db.commit()
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")`, data, ...args], { encoding: "utf8" });

test("records of an older version are read as they are, and stored in today's shape when they change", async (t) => {
  const data = dataWith(join(root, "tests/store/format2.db"));
  const versions = () => inStore(data, `
for key, value in db.execute("SELECT key, value FROM kv"):
    if b"/user/" in bytes(key): print(chr(bytes(value)[0]))`).trim().split("\n");
  assert.deepEqual([...new Set(versions())], ["1"]);
  const server = await Server.start({ t, data });
  const ada = server.anonymous();
  const login = await ada.post("/auth/login", { email: "ada-1@example.com", password: "password of ada-1@example.com" });
  assert.equal(login.status, 200, login.text());
  ada.token = login.data.token;
  assert.equal((await ada.put("/users/me", { name: "Ada of today" })).status, 200);
  await server.stop(); // and the checker
  assert.deepEqual([...new Set(versions())], ["3"]);

  await server.run();
  assert.equal((await ada.get("/users/me")).data.name, "Ada of today");
  await server.stop();

  // The next program's: this one does not know what they mean.
  inStore(data, `db.execute("UPDATE kv SET value = CAST('4' AS BLOB) WHERE key = CAST('g/schema/user' AS BLOB)")`);
  const before = readFileSync(join(data, "store/store.db"));
  assert.match(await refusal(data), /has user records of version 4, this program knows 3: use a newer program/);
  assert.deepEqual(readFileSync(join(data, "store/store.db")), before);
  rmSync(data, { recursive: true });
});

test("a second server names the first", async (t) => {
  const server = await Server.start({ t });
  const said = await refusal(server.data);
  assert.match(said, new RegExp(`is in use by process ${server.serverPid}\\b`));
  assert.equal((await server.anonymous().get("/health")).status, 200, "the first goes on");
});
