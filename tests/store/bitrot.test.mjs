// A disk that turns bits of backups: the server reads its newest one wholly now and then, tells, and the next one has anew what was
// lost; where that is too late a restore has all that is whole, and names the rest.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client, freePort, newSession, program, Server, until } from "../api/harness.mjs";
import { Cli } from "../cli/cli.mjs";
import { Bucket, KEY, REGION, SECRET } from "./s3.mjs";

const folder = mkdtempSync(join(tmpdir(), "coditect-bitrot-"));
chmodSync(folder, 0o755); // a server that gave up root reads and writes in it
after(() => rmSync(folder, { recursive: true, force: true }));
const operator = new Cli();
let made = 0;
const fresh = (what) => join(folder, `${what}-${++made}`);
const big = randomBytes(3 << 20);

/** Not in the way of a bucket, which is this process. */
const run = (...args) => new Promise((resolve) => execFile(program, args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => resolve({ status: error?.code ?? 0, stdout, stderr })));
const done = async (...args) => {
  const { status, stdout, stderr } = await run(...args);
  assert.equal(status, 0, `${args.join(" ")}:\n${stdout}${stderr}`);
  return stdout;
};

/** A server with a schedule of a second, a large file, and its numbers. */
async function started(t, ...args) {
  const watch = await freePort();
  const server = await Server.start({ args: ["--rate-factor", "100000", "--metrics-listen", `127.0.0.1:${watch}`, "--backup-every", "1s", "--backup-keep", "1000", ...args] });
  t.after(() => server.stop());
  const client = await server.account();
  const { id } = await newSession(client);
  const path = `/sessions/${id}/files`;
  assert.ok((await client.write(`${path}/small`, "small and whole")).status < 300);
  const { data } = await client.write(`${path}/big`, big);
  const metric = async (name) => {
    const text = await (await fetch(`http://127.0.0.1:${watch}/metrics`)).text();
    return Number(new RegExp(`^${name.replaceAll(/[{}]/g, "\\$&")} (\\d+)$`, "m").exec(text)?.[1]);
  };
  return { server, client, id, path, version: data.version, metric };
}

const flipped = (bytes) => bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte));

/** Every read of the file that was damaged gives what was written, or says that it is not whole. */
async function readDamaged(client, path) {
  const pieces = [];
  const whole = await client.get(path, { sink: (piece) => pieces.push(piece), expected5xx: true }).then(({ status }) => status === 200, () => false);
  const got = Buffer.concat(pieces);
  return { whole: whole && got.length === big.length, right: !whole || big.subarray(0, got.length).equals(got) };
}

test("what a disk turns in an older pack is found, told and written anew; a restore past it names what is lost", { timeout: 180_000 }, async (t) => {
  const to = fresh("backup");
  const { server, client, id, path, version, metric } = await started(t, "--backup-directory", to);
  await until("all of one was read", async () => (await metric("coditect_backup_verified_timestamp_seconds")) > 0);
  assert.equal(await metric("coditect_backup_damage_total"), 0);
  await client.write(`${path}/later`, "in a newer pack");
  const ok = () => metric('coditect_backups_total{result="ok"}');
  const before = await ok();
  await until("it is backed up", async () => (await ok()) > before + 1);

  // While somebody else writes there nothing can be mended.
  const holder = spawn("flock", [join(to, "lock"), "sh", "-c", "echo held; cat"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => holder.kill());
  await once(holder.stdout, "data");
  const moment = (await done("--backups", to)).trim().split("\n").at(-1);
  const packs = readdirSync(to).filter((name) => name.endsWith(".pack"));
  const pack = join(to, packs.sort((a, b) => statSync(join(to, b)).size - statSync(join(to, a)).size)[0]);
  assert.ok(packs.length > 1 && statSync(pack).size > big.length / 4, "most of it is content");
  writeFileSync(pack, flipped(readFileSync(pack)));
  await until("it is found", async () => (await metric("coditect_backup_damage_total")) > 0, 30_000);
  assert.equal(await metric("coditect_backup_late"), 1);
  await until("it is said", () => /the newest backup in .* is damaged \(pieces: 1\)/.test(server.log));
  const backups = (...args) => operator.run(["admin", "backups", "--data", server.data, ...args]);
  assert.match((await backups()).stdout, / \(damaged\)\nLate: every 1s into .*\nKnown to lack something: \d+\nThe newest is damaged: admin backup writes anew what was lost\n/);
  assert.equal((await backups("--json")).json.schedule.damaged, true);
  assert.equal(await metric("coditect_backup_damage_total"), 1, "told once");

  // A restart forgets none of it.
  const doctor = async () => (await run("--doctor", "--data", server.data, "--backup-directory", to, "--backup-every", "1d")).stdout;
  assert.match(await doctor(), /^weaker +backups +the last one, of \S+, is damaged: make another/m);
  await server.end("SIGTERM");
  await server.run();
  await until("it is known", async () => (await metric("coditect_backup_late")) === 1 && (await metric("coditect_backup_damaged")) > 0);
  assert.match((await backups()).stdout, / \(damaged\)\nLate: every 1s into .*\nKnown to lack something: \d+\nThe newest is damaged/);

  const refused = await run("--data", fresh("data"), "--restore", to);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /\.pack is damaged behind byte \d+[^]*nothing is restored[^]*--past-damage/);
  const data = fresh("data");
  const past = await run("--data", data, "--restore", to, "--past-damage");
  assert.equal(past.status, 3, past.stderr);
  assert.match(past.stdout, /^restored \d{8}-/);
  assert.match(past.stderr, /the backup has lost content \(pieces: 1\), .*, and blocks of keys \(0\)/);
  assert.match(past.stdout, new RegExp(`^damaged: t/ten-\\w+/chunk/[0-9a-f]{64} in "big" of ${id} \\(version ${version}\\)$`, "m"));
  await done("--data", data, "--check");
  const part = await Server.start({ data });
  t.after(() => part.stop());
  const there = new Client(part, client.token);
  assert.equal((await there.get(`${path}/small`)).text(), "small and whole");
  assert.equal((await there.get(`${path}/later`)).text(), "in a newer pack");
  assert.deepEqual(await readDamaged(there, `${path}/big`), { whole: false, right: true });
  assert.ok((await there.write(`${path}/big`, big)).status < 300);
  assert.ok((await there.get(`${path}/big?version=${version}`)).body.equals(big), "whoever has the bytes brings them back");

  holder.stdin.end();
  await until("it is mended", async () => (await metric("coditect_backup_late")) === 0, 30_000);
  await until("all others that lack it are known", async () => (await backups("--json")).json.moments.filter(({ lacks }) => lacks === "damaged").length > 1, 30_000);
  assert.ok((await metric("coditect_backup_damaged")) > 1);
  assert.match(await doctor(), /^weaker +backups +the last one, of \S+, is not known to lack anything, but \d+ of the \d+ older ones are damaged: /m);
  await until("that is said", () => /what was damaged in older backups is whole in the backup \S+ \(pieces: 1\)/.test(server.log));
  await done("--verify-backup", to);
  assert.equal((await run("--verify-backup", to, "--moment", moment)).status, 1, "what it was turned in stays as it is");
  const again = fresh("data");
  await done("--data", again, "--restore", to);
  const whole = await Server.start({ data: again });
  t.after(() => whole.stop());
  assert.ok((await new Client(whole, client.token).get(`${path}/big`)).body.equals(big));
  const seen = await metric("coditect_backup_verified_timestamp_seconds");
  await until("it is read again", async () => (await metric("coditect_backup_verified_timestamp_seconds")) > seen, 30_000);
  assert.equal(await metric("coditect_backup_damage_total"), 0, "nothing new since the restart");
});

test("by hand too", async (t) => {
  const to = fresh("backup");
  const server = await Server.start({ t });
  const client = await server.account();
  await client.write(`/sessions/${(await newSession(client)).id}/files/big`, big);
  const backup = (...more) => done("--data", server.data, "--backup", to, ...more);
  assert.doesNotMatch(await backup("--past-damage"), /written anew/);
  const pack = join(to, readdirSync(to).find((name) => name.endsWith(".pack")));
  writeFileSync(pack, flipped(readFileSync(pack)));
  assert.doesNotMatch(await backup(), /written anew/); // content of older ones is not read
  const verified = await run("--verify-backup", to);
  assert.equal(verified.status, 1);
  assert.match(verified.stderr, /--past-damage/);
  assert.match(await backup("--past-damage"), /; 1 pieces that were damaged in older ones written anew/);
  await done("--verify-backup", to);
  const stray = await run("--data", server.data, "--past-damage");
  assert.notEqual(stray.status, 0);
  assert.match(stray.stderr, /--past-damage is a form of --restore and --backup/);
});

test("in a bucket too", { timeout: 360_000 }, async (t) => {
  const bucket = await new Bucket().start();
  t.after(() => bucket.stop());
  const secret = fresh("secret");
  writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
  const access = ["--backup-region", REGION, "--backup-access-key", KEY, "--backup-secret-key-file", secret];
  const { server, metric } = await started(t, "--backup-bucket", bucket.url, ...access);
  const ok = () => metric('coditect_backups_total{result="ok"}');
  const before = await ok();
  await until("it is backed up", async () => (await ok()) > before + 1, 30_000);
  await until("all of one was read", async () => (await metric("coditect_backup_verified_timestamp_seconds")) > 0, 30_000);
  await server.end("SIGTERM");
  const name = [...bucket.objects.keys()].filter((key) => key.includes(".pack.")).sort((a, b) => bucket.objects.get(b).length - bucket.objects.get(a).length)[0];
  bucket.objects.set(name, flipped(bucket.objects.get(name)));
  const data = fresh("data");
  assert.equal((await run("--data", fresh("data"), "--restore", bucket.url, ...access)).status, 1);
  const past = await run("--data", data, "--restore", bucket.url, "--past-damage", ...access);
  assert.equal(past.status, 3, past.stderr);
  assert.match(past.stdout, /^damaged: t\/ten-\w+\/chunk\/[0-9a-f]{64} in "big" of ses-/m);

  await server.run(); // it was read a moment ago: reading costs
  await until("some were made", async () => (await ok()) > 6, 60_000);
  assert.equal(await metric("coditect_backup_damage_total"), 0);
  await server.end("SIGTERM");
  rmSync(join(server.data, "store/backup.verified"));
  await server.run();
  await until("it is found", async () => (await metric("coditect_backup_damage_total")) > 0, 200_000); // read in the pauses between backups, which a busy machine has not
  await until("it is mended", async () => /is whole in the backup/.test(server.log), 60_000);
  await done("--verify-backup", bucket.url, ...access);
});

test("no backup waits until all of a slow bucket was read", { timeout: 180_000 }, async (t) => {
  const bucket = await new Bucket().start();
  t.after(() => bucket.stop());
  const secret = fresh("secret");
  writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
  let moments = 0;
  let readThen;
  let metric = () => 0;
  bucket.fault = async (method, name) => {
    if (method === "PUT" && name.endsWith(".moment") && ++moments === 2) readThen = await metric("coditect_backup_read_timestamp_seconds");
    if (method === "GET" && moments < 2 && bucket.objects.get(name)?.length > 1 << 20) await new Promise((resolve) => setTimeout(resolve, 1000));
    return undefined;
  };
  const { server, ...world } = await started(t);
  metric = world.metric;
  await server.end("SIGTERM");
  server.args.push("--backup-every", "3s", "--backup-bucket", bucket.url, "--backup-region", REGION, "--backup-access-key", KEY, "--backup-secret-key-file", secret);
  await server.run();
  await until("a proof came to its end", async () => (await metric("coditect_backup_read_timestamp_seconds")) > 0, 150_000);
  assert.equal(readThen, 0, "a backup was made while content was still to be read");
  await until("none is late", async () => (await metric("coditect_backup_late")) === 0, 60_000);
  assert.equal(await metric("coditect_backup_damaged"), 0);
});
