// The checker misses what is taken away, and sees what is damaged: of each kind of key that there is, one goes, says something else, or
// has a longer name, and --check says so. The kinds are those of spec/records.yaml: a new one is made below, and missed, or stands among
// those that nothing else tells of.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bytesOf, newSession, program, root, Server, totpCode } from "../api/harness.mjs";

/** Nothing else in the store says that they were there. */
const alone = {
  "g/clock": "where no server ever ran there is none",
  "g/key": "a first server makes it",
  "g/schema": "a server writes it when it starts",
  feed: "it ends by its age",
  n: "counted when it is asked for",
  audit: "a record without an index",
  desk: "how windows stood",
  past: "an entry that is no more",
  rewind: "moments that are one",
  setting: "as if not set",
  thin: "moments that are one",
};
/** What may stand there, as far as --check looks. */
const unread = {
  chunk: "--scrub reads content",
  feed: "what is told, with its time before it",
  "setting longer": "a name of another program, where one may stand",
};
/** Not made here: they need a workspace, a mail server, the operator, a rewind, retention. Those of records have an index that misses them. */
const unmade = ["desk", "mail", "plan", "rewind", "thin"];

/** What nobody makes here, and a key of it that is wrong: "{S}" is a session, "{U}" a person. */
const planted = {
  "rewind/{S}/0000000000000001": "x",
  "rewind/{S}/1": "x",
  "thin/{S}/0000000000000000": "x",
  "thin/{S}/0000000000000001": "x",
  "desk/{S}/usr-00000000000000000000000009": "{}",
  "desk/{S}": "{}",
  "plan/pln-00000000000000000000000009": '1 {"id":"pln-00000000000000000000000009","updated_at":"2026-01-01T00:00:00.000Z"}\0{}',
  "usage/cnv-00000000000000000000000009/x": "",
  "n/session.user/{U}": "0000000000000000",
};

/** Prints "{kind} {exit status}" for each kind, of which the first key is gone, another thing, or longer; then for what takes more than a key. */
const program_text = `
import json, os, shutil, sqlite3, subprocess, sys
program, data, work, planted = sys.argv[1:5]
db = os.path.join(data, "store", "store.db")
rows = [key for (key,) in sqlite3.connect(db).execute("select key from kv order by key")]
firsts = {}
for key in rows:
    parts = key.split(b"/")
    if parts[0] == b"t":
        kind = b"/".join(parts[2:4]) if parts[2] == b"i" else parts[2]
    elif parts[0] == b"g":
        kind = b"g/" + parts[1]
    elif b"\\0" in key and parts[0] in (b"session", b"tenant"):
        kind = b"feed"
    else:
        continue
    firsts.setdefault(kind, key)
def judge(kind, statement, *words):
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(os.path.join(work, "store"), mode=0o700)
    copy = os.path.join(work, "store", "store.db")
    shutil.copy(db, copy)
    at = sqlite3.connect(copy)
    assert at.execute(statement, words).rowcount > 0
    at.commit()
    at.close()
    end = subprocess.run([program, "--data", work, "--check"], capture_output=True)
    print(kind.decode(), end.returncode, sep="\\t")
for kind, key in firsts.items():
    judge(kind, "delete from kv where key = ?", key)
    judge(kind + b" other", "update kv set value = ? where key = ?", b"another thing", key)
    judge(kind + b" longer", "insert into kv select ?, value from kv where key = ?", key + b"/x", key)
session = firsts[b"session"].split(b"/")
user = firsts[b"user"].split(b"/")
for name, value in json.loads(planted).items():
    key = name.replace("{S}", session[3].decode()).replace("{U}", user[3].decode()).encode()
    judge(b"planted " + name.encode(), "insert into kv values(?, ?)", b"/".join(session[:2]) + b"/" + key, value.encode())
judge(b"planted g/loose", "insert into kv values(?, x'')", b"g/loose/0000000000000001/ten-00000000000000000000000009/" + b"a" * 64)
usage = next(key for key in rows if b"/usage/cnv-" in key)
value = bytes(23) + b"x"
judge(b"a-conversation's-bytes", "update kv set value = ? where key = ?", value, usage)
workspace = next(key for key in rows if b"/workspace/wsp-" in key).split(b"/")[-1]
judge(b"a-workspace-with-its-entries", "delete from kv where instr(key, ?)", workspace)
user = next(key for key in rows if b"/totp/otp-" in key).split(b"/")[-1].replace(b"otp", b"usr")
record = b"/user/" + user
judge(b"a-second-step-that-nobody-asks-for", "update kv set value = cast(replace(cast(value as text), 'two_factor_at', 'removed_at') as blob) where instr(key, ?)", record)
`;

async function fill(server) {
  const ada = await server.account("ada");
  const asked = await ada.post("/tenant/invitations", { email: "eve@example.com", role: "member" });
  const eve = await server.anonymous().post("/auth/register", { email: "eve@example.com", password: "a password to test with", name: "Eve", invitation: asked.data.token });
  await ada.post("/tenant/invitations", { email: "mel@example.com", role: "member" });
  await ada.post(`/tenant/members/${eve.data.user.id}/reset`);
  const project = (await ada.post("/projects", { name: "P" })).data;
  const session = (await ada.post("/sessions", { name: "S", project_id: project.id })).data;
  const other = await newSession(ada, "T");
  for (const { id } of [session, other]) {
    await ada.write(`/sessions/${id}/files/folder/noise`, Buffer.concat([...bytesOf(30_000, 9)]));
  }
  await ada.write(`/sessions/${session.id}/files/small`, "tiny");
  await ada.delete(`/sessions/${session.id}/files/small`);
  await ada.delete(`/sessions/${other.id}`);
  const conversation = (await ada.post("/conversations", { session_id: session.id, name: "C" })).data;
  await ada.post(`/conversations/${conversation.id}/messages`, { role: "user", content: "hello" });
  await ada.post("/auth/keys", { name: "ci", access: "write" });
  await ada.post(`/sessions/${session.id}/links`, { name: "l" });
  await ada.put("/settings/editor/font_size", { value: 17 });
  const { secret } = (await ada.post("/users/me/totp", { password: ada.password })).data;
  assert.equal((await ada.post("/users/me/totp/confirm", { code: totpCode(secret) })).status, 200);
}

test("of each kind of key one that is gone is missed", { timeout: 300_000 }, async () => {
  const data = mkdtempSync(join(tmpdir(), "coditect-check-"));
  const server = await Server.start({ data, args: ["--rate-factor", "100000", "--end-workspaces"] });
  await fill(server);
  await server.stop();
  const db = join(data, "store/store.db");
  execFileSync("python3", ["-c", "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('pragma wal_checkpoint(truncate)')", db]);
  const lines = execFileSync("python3", ["-c", program_text, program, data, join(data, "damaged"), JSON.stringify(planted)], { encoding: "utf8" }).trim().split("\n");
  const missed = new Map(lines.map((line) => line.split("\t")));
  const kinds = [...readFileSync(join(root, "spec/records.yaml"), "utf8").matchAll(/^- \{?name: (\w+)/gm)].map((match) => match[1]);
  assert.ok(kinds.includes("tenant") && kinds.includes("usage"));
  for (const kind of kinds) {
    assert.ok(missed.has(kind) || unmade.includes(kind), `${kind}: there is none in this store`);
  }
  const excused = (kind) => kind in alone || kind in unread || (kind.endsWith(" other") && kind.slice(0, -6) in unread);
  const silent = [...missed].filter(([kind, status]) => status === "0" && !excused(kind)).map(([kind]) => kind);
  assert.deepEqual(silent, []);
  rmSync(data, { recursive: true, force: true });
});
