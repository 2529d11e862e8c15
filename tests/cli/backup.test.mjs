// admin backup, backups, restore: of the running server, by whoever may come in at its door.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Client, newSession, program, Server, serverForFile, until } from "../api/harness.mjs";
import { Bucket, KEY, REGION, SECRET } from "../store/s3.mjs";
import { Cli } from "./cli.mjs";

const operator = new Cli();
chmodSync(operator.files, 0o777); // a server that gave up root writes here
const scheduled = join(operator.files, "scheduled");
const server = await serverForFile({ args: ["--backup-directory", scheduled, "--backup-every", "1d", "--backup-keep", "2"] });
const ada = await server.account("ada");
const path = `/sessions/${(await newSession(ada)).id}/files`;
const noise = randomBytes(3_000_000); // more than pipes and sockets hold
assert.ok((await ada.write(`${path}/noise`, noise)).status < 300);
const admin = (...args) => operator.ok("admin", ...args, "--data", server.data);
const fails = (status, says, ...args) => operator.fails(status, says, "admin", ...args, "--data", server.data);
const coditectd = (...args) => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
};
const parts = (directory) => (existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".part")) : []);

test("one more of the schedule's: it counts as such, older ones go", async () => {
  await until("the schedule made its first and read it", async () => (await admin("backups", "--json")).json.schedule.verified);
  for (let i = 0; i < 2; i++) assert.match((await admin("backup")).stdout, /^Backup \d{8}-\d{6}\.\d{3}-[0-9a-f]{16}: \d+ keys, \d+ of them content; .* written/);
  const { moments, schedule } = (await admin("backups", "--json")).json;
  assert.deepEqual([schedule.directory, schedule.every, schedule.keep, schedule.made, schedule.failed, schedule.late, schedule.damaged], [scheduled, 86400, 2, 3, 0, false, false]);
  assert.equal(moments.length, 2);
  assert.ok(Math.abs(Date.parse(schedule.last) - Date.parse(moments[1].at)) < 60_000, `${schedule.last}, ${moments[1].at}`);
  assert.match((await admin("backups")).stdout, /^MOMENT +MADE \(UTC\)\n(\d{8}-\S+ +\d{4}-.*\n){2}In time: every 1d into .*scheduled, 2 are kept\nRead wholly, and whole: the one of \d{4}-.*\nAll that are kept were read until \d{4}-.*\n$/);
  coditectd("--verify-backup", scheduled);
});

test("into a directory that is named, as the caller sees it; restored, it is the store", async (t) => {
  const first = (await admin("backup", "mine", "--json")).json;
  assert.ok(first.done && first.written > 3_000_000 && first.damaged === 0);
  await ada.write(`${path}/later`, "written between two backups");
  const second = (await admin("backup", "mine", "--keep", "1", "--json")).json;
  assert.ok(second.written < first.written / 10, "a second one costs what changed");
  assert.equal(second.removed, 1);
  assert.deepEqual((await admin("backups", "mine", "--json")).json.moments.map(({ name }) => name), [second.name]);
  const data = join(operator.files, "again");
  const says = (await operator.fails(5, /coditectd --data NEW --restore mine/, "admin", "restore", "mine")).stderr;
  assert.ok(says.includes("empty directory"));
  coditectd("--data", data, "--restore", join(operator.files, "mine"));
  coditectd("--data", data, "--check");
  coditectd("--data", data, "--scrub");
  const again = await Server.start({ data });
  t.after(() => again.stop());
  const there = new Client(again, ada.token);
  assert.ok((await there.get(`${path}/noise`)).body.equals(noise));
  assert.equal((await there.get(`${path}/later`)).text(), "written between two backups");
});

test("in one piece, for a pipe", async () => {
  const end = await operator.run(["admin", "backup", "-", "--data", server.data]);
  assert.equal(end.status, 0, end.stderr);
  const file = join(operator.files, "stream");
  writeFileSync(file, end.bytes);
  coditectd("--verify-backup", file);
  for (const more of [["--json"], ["--keep", "3"]]) assert.equal((await fails(2, /./, "backup", "-", ...more)).bytes.length, 0);
});

test("one at a time; who goes away ends it, and a server that stops too", async () => {
  const held = () => operator.start(["admin", "backup", "-", "--data", server.data], { held: true });
  const child = held();
  await until("it has begun", () => child.stdout.readableLength > 0);
  await fails(6, /another backup is being made/, "backup", "other");
  assert.ok(!existsSync(join(operator.files, "other")));
  child.kill("SIGINT");
  child.stdout.resume(); // closed when it is read to its end
  assert.equal((await child.ended).status, "SIGINT");
  await until("another may", async () => (await operator.run(["admin", "backup", "other", "--data", server.data])).status === 0);

  const slow = operator.start(["admin", "backup", "interrupted", "--data", server.data]);
  await until("it writes", () => parts(join(operator.files, "interrupted")).length > 0 || slow.exitCode !== null);
  slow.kill("SIGINT");
  await slow.ended;
  await until("another may", async () => (await operator.run(["admin", "backup", "other", "--data", server.data])).status === 0);
  assert.deepEqual(parts(join(operator.files, "interrupted")), []);

  const last = held();
  await until("it has begun", () => last.stdout.readableLength > 0);
  assert.deepEqual(await server.end("SIGTERM"), { code: 0, signal: null }, server.log);
  last.stdout.resume();
  const end = await last.ended;
  assert.equal(end.status, 6, end.stderr);
  await server.run();
  await admin("backup", "other");
});

test("into the server's bucket, and back from it; with another secret nothing is there and nothing is lost", async (t) => {
  const bucket = await new Bucket().start();
  t.after(() => bucket.stop());
  const access = (name, secret) => {
    writeFileSync(join(operator.files, name), `${secret}\n`, { mode: 0o600 });
    return ["--backup-region", REGION, "--backup-access-key", KEY, "--backup-secret-key-file", join(operator.files, name)];
  };
  const [right, wrong] = [access("right", SECRET), access("wrong", "another/secret")];
  const started = async (data, as) => {
    const one = await Server.start({ data, args: ["--rate-factor", "100000", "--backup-bucket", bucket.url, "--backup-every", "1d", "--backup-keep", "2", ...as] });
    t.after(() => one.stop());
    return Object.assign(one, { admin: (...args) => operator.run(["admin", ...args, "--data", one.data]) });
  };
  /** Not in the way of the bucket, which is this process. */
  const outside = (...args) => new Promise((resolve) => execFile(program, args, (error, stdout, stderr) => resolve({ status: error?.code ?? 0, said: stdout + stderr })));
  const data = join(operator.files, "from-bucket");
  const kept = () => bucket.names().filter((name) => name.endsWith(".moment"));

  let one = await started(data, right);
  const eve = await one.account("eve");
  const doc = `/sessions/${(await newSession(eve)).id}/files/doc`;
  await eve.write(doc, "in the bucket");
  await until("the schedule made its first", async () => (await one.admin("backups", "--json")).json.schedule.made === 1);
  const made = await one.admin("backup", "--json");
  assert.equal(made.status, 0, made.stderr);
  assert.ok(made.json.done && made.json.damaged === 0 && made.json.written > 0);
  assert.deepEqual(kept().length, 2);
  const shown = await one.admin("backups");
  assert.match(shown.stdout, new RegExp(`^MOMENT +MADE \\(UTC\\)\n(\\d{8}-\\S+ +\\d{4}-.*\n){2}In time: every 1d into ${bucket.url}, 2 are kept\n(Read wholly, and whole: the one of \\d{4}-.*\nAll that are kept were read until \\d{4}-.*\n)?$`));
  assert.ok(shown.stdout.includes(made.json.name));
  const named = await one.admin("backup", bucket.url);
  assert.equal(named.status, 2);
  assert.match(named.stderr, /the server's settings name its bucket .*leave the place out/);

  await eve.write(doc, "not in the bucket");
  await one.stop();
  const before = bucket.names();
  one = await started(data, wrong);
  await until("the schedule is refused", () => /SignatureDoesNotMatch/.test(one.log));
  const refused = await one.admin("backup");
  assert.notEqual(refused.status, 0);
  assert.match(refused.stderr, /there is no new backup in the bucket: the server's log says why/);
  const unlisted = await one.admin("backups");
  assert.notEqual(unlisted.status, 0);
  assert.match(unlisted.stderr, /the bucket does not show them/);
  for (const secret of [SECRET, "another/secret"]) assert.ok(![one.log, refused.stderr, unlisted.stderr].join("").includes(secret), "a secret is said nowhere");
  assert.deepEqual(bucket.names(), before);
  await one.stop();

  const again = join(operator.files, "from-bucket-again");
  const says = (await operator.fails(5, /empty directory/, "admin", "restore", bucket.url)).stderr;
  assert.ok(says.includes(`coditectd --data NEW --restore ${bucket.url}`));
  const without = await outside("--data", again, "--restore", bucket.url, ...wrong);
  assert.equal(without.status, 1);
  assert.match(without.said, /SignatureDoesNotMatch/);
  const back = await outside("--data", again, "--restore", bucket.url, ...right);
  assert.equal(back.status, 0, back.said);
  const there = await started(again, right);
  assert.equal((await new Client(there, eve.token).get(doc)).text(), "in the bucket");
});

test("what cannot be is said", async () => {
  await fails(4, /no such place/, "backup", "nowhere/deep");
  writeFileSync(join(operator.files, "file"), "no directory");
  await fails(5, /that is no directory/, "backup", "file");
  await fails(4, /no directory of backups there/, "backups", "nowhere");
  await fails(2, /1 to 1024 bytes/, "backup", "x".repeat(1025));
  await fails(2, /1 to 1024 bytes/, "backup", "");
  await fails(2, /keep/, "backup", "--keep", "3");
  await fails(2, /./, "backup", "mine", "--keep", "10001");
  if (process.getuid() === 0) {
    mkdirSync(join(operator.files, "closed"), { mode: 0o700 });
    if (spawnSync("stat", ["-c", "%u", join(server.data, "store")], { encoding: "utf8" }).stdout.trim() !== "0") {
      await fails(5, /the server's user may not write there/, "backup", "closed/mine");
    }
  }
  const page = readFileSync(new URL("../../docs/backup.md", import.meta.url), "utf8");
  assert.ok(page.includes("coditect admin backup"));
});
