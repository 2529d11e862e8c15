// Backups of the real server's store: made beside it under load, cut off, damaged, restored, compared with what was acknowledged.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client, freePort, newSession, program, Server, until } from "../api/harness.mjs";
import { COLLECTING, collected, compare, content, cutOff, Load } from "./load.mjs";

const folder = mkdtempSync(join(tmpdir(), "coditect-backup-"));
chmodSync(folder, 0o755); // a server that gave up root reads and writes in it

let made = 0;
const fresh = (what) => join(folder, `${what}-${++made}`);

function run(args, options = {}) {
  return spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28, ...options });
}

/** Fails loudly; what it printed. */
function done(args, options) {
  const { status, stdout, stderr } = run(args, options);
  assert.equal(status, 0, `${args.join(" ")}:\n${String(stdout).slice(0, 2000)}${stderr}`);
  return String(stdout);
}

const backup = (server, to) => done(["--data", server.data, "--backup", to]);
const moments = (from) => done(["--backups", from]).split("\n").slice(0, -1);
const bytesIn = (directory) => readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

/** A server on what was restored; its data directory is the test's. */
async function restored(t, from, ...args) {
  const data = fresh("data");
  done(["--data", data, "--restore", from, ...args]);
  done(["--data", data, "--check"]);
  done(["--data", data, "--scrub"]);
  const server = await Server.start({ data });
  t.after(() => server.stop());
  return server;
}

/** A backup that others work beside; from when to when it took. */
async function backupBeside(server, to) {
  const begin = Date.now();
  const child = spawn(program, ["--data", server.data, "--backup", to], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  assert.equal(await new Promise((resolve) => child.on("close", resolve)), 0, said);
  return { begin, end: Date.now() };
}

test("a backup under load has every write and deletion that was acknowledged before it, whatever is collected", async (t) => {
  const server = await Server.start({ t, args: COLLECTING });
  const client = await server.account();
  const path = `/sessions/${(await newSession(client)).id}/files`;
  const to = fresh("backup");
  const load = new Load(client, path, 4);
  await until("some files are there", () => load.acknowledged.length > 60);
  await cutOff(client, `${path}/lost`);
  await until("some is collected", () => collected(server) > 0, 60_000);
  let before;
  const duringOne = async () => { // a backup
    const had = collected(server);
    before = [...load.acknowledged];
    const lost = cutOff(client, `${path}/lost`); // there is always more to collect
    await backupBeside(server, to);
    const more = collected(server) > had;
    await lost;
    return more;
  };
  await until("some is collected during a backup", duringOne, 120_000);
  const during = load.acknowledged.length - before.length;
  await until("writers went on", () => load.acknowledged.length > before.length + during);
  assert.ok(during > 0, "no write was acknowledged while the backup ran");
  await load.stop();
  t.diagnostic(`${before.length} writes before, ${during} during the backup`);

  const moment = moments(to).sort().at(-1);
  assert.match(moment, /^\d{8}-\d{6}\.\d{3}-[0-9a-f]{16}$/);
  done(["--verify-backup", to]);
  assert.match(backup(server, to), /^backup \d{8}-/);
  const later = [...load.acknowledged];
  const { token } = client;
  await server.kill9();
  rmSync(join(server.data, "store"), { recursive: true });

  const whole = await restored(t, to);
  await compare(whole, token, path, { done: later });
  const gone = later.findLast((one) => one.gone && !later.some(({ name, at }) => name === one.name && at > one.at));
  assert.equal((await new Client(whole, token).write(`${path}/${gone.name}`, "it came back")).status, 200);
  await assert.rejects(compare(whole, token, path, { done: later }), /was deleted last/);
  const old = await restored(t, to, "--moment", moment);
  await compare(old, token, path, { done: before, later: later.slice(before.length) });
  rmSync(server.data, { recursive: true });
});

test("a backup pauses no writer", { timeout: 300_000 }, async (t) => {
  const server = await Server.start();
  t.after(() => server.stop());
  const client = await server.account();
  const path = `/sessions/${(await newSession(client)).id}/files`;
  assert.equal((await client.write(`${path}/large`, randomBytes(24 << 20))).status, 200); // so that a backup takes its time
  const load = new Load(client, path, 2);
  await until("some files are there", () => load.acknowledged.length > 20);
  // A writer that waits for the backup's end is seen by half of what it takes; 2 s are too long in any case.
  const paused = (time) => load.longestGap(time) >= Math.min(2000, (time.end - time.begin) / 2);
  let time = await backupBeside(server, fresh("backup"));
  for (let i = 0; i < 4 && paused(time); i++) time = await backupBeside(server, fresh("backup")); // the machine may have paused: not each time
  t.diagnostic(`a backup of ${time.end - time.begin} ms, nobody was acknowledged anything for ${load.longestGap(time)} ms of it`);
  assert.ok(!paused(time), `nothing for ${load.longestGap(time)} ms of ${time.end - time.begin}`);

  let goOn; // control: they wait for the backup's end
  load.held = new Promise((resolve) => { goOn = resolve; });
  const last = load.acknowledged.length + load.lanes.length;
  await until("each waits", () => load.acknowledged.length === last);
  const held = await backupBeside(server, fresh("backup"));
  goOn();
  assert.ok(paused(held), `nothing for ${load.longestGap(held)} ms of ${held.end - held.begin}`);
  await load.stop();
});

const watch = await freePort();
const scheduled = fresh("backup");
const server = await Server.start({
  args: ["--rate-factor", "100000", "--metrics-listen", `127.0.0.1:${watch}`, "--backup-directory", scheduled, "--backup-every", "1s", "--backup-keep", "3"],
});
after(async () => {
  await server.stop(); // it writes there every second
  rmSync(folder, { recursive: true, force: true });
});
const client = await server.account();
const session = await newSession(client);
const path = `/sessions/${session.id}/files`;
const big = Buffer.from(Array.from({ length: 6000 }, (_, i) => createHash("sha512").update(`${i}`).digest("base64")).join(""));
await client.write(`${path}/big`, big);
for (let i = 0; i < 40; i++) await client.write(`${path}/small${i}`, content(i));

test("a second backup costs what changed", () => {
  const to = fresh("backup");
  backup(server, to);
  const first = bytesIn(to);
  assert.ok(first > 250_000, `${first}`);
  backup(server, to);
  const second = bytesIn(to) - first;
  assert.ok(second < first / 20, `${second} bytes more with nothing changed, ${first} for all`);
  assert.equal(moments(to).length, 2);
});

test("each moment that is kept can be had back, the others go and leave nothing", async (t) => {
  const to = fresh("backup");
  const keep = ["--data", server.data, "--backup-keep", "2", "--backup", to];
  for (let i = 0; i < 4; i++) {
    await client.write(`${path}/changing`, `state ${i}`);
    done(keep);
  }
  const kept = moments(to);
  assert.equal(kept.length, 2);
  for (const [i, moment] of kept.entries()) {
    const again = await restored(t, to, "--moment", moment);
    const reply = await new Client(again, client.token).get(`${path}/changing`);
    assert.equal(reply.text(), `state ${i + 2}`);
  }
  assert.notEqual(run(["--verify-backup", to, "--moment", "2001"]).status, 0);
  await client.delete(`${path}/changing`);
});

test("through a pipe, from a file", async (t) => {
  const { status, stdout, stderr } = run(["--data", server.data, "--backup", "-"], { encoding: "buffer" });
  assert.equal(status, 0, stderr.toString());
  const file = fresh("stream");
  writeFileSync(file, stdout);
  done(["--verify-backup", file]);
  done(["--verify-backup", "-"], { input: stdout });
  const again = await restored(t, file);
  const there = new Client(again, client.token);
  assert.ok((await there.get(`${path}/big`)).body.equals(big));
  await there.write(`${path}/new`, "written after the restore");
  const data = fresh("data");
  done(["--data", data, "--restore", "-"], { input: stdout });
  done(["--data", data, "--check"]);
});

/** With owners, as cp -a. */
const copyDirectory = (from, to) => assert.equal(spawnSync("cp", ["-a", from, to]).status, 0);

/** Refused by the verifier and by a restore, which leaves no store; what was said. */
function refused(from, what) {
  const verify = run(["--verify-backup", from]);
  assert.equal(verify.status, 1, `${what} was taken for whole: ${verify.stdout}`);
  assert.doesNotMatch(verify.stderr, /Sanitizer|runtime error|assert/i, what);
  const data = fresh("data");
  assert.equal(run(["--data", data, "--restore", from]).status, 1, what);
  assert.deepEqual(readdirSync(join(data, "store")).filter((name) => name.startsWith("store.")), [], what);
  return verify.stderr;
}

test("what is cut off, damaged or something else is refused", () => {
  const { stdout } = run(["--data", server.data, "--backup", "-"], { encoding: "buffer" });
  const file = fresh("stream");
  for (const part of [0.001, 0.3, 0.7, 0.99, 1 - 1 / stdout.length]) {
    writeFileSync(file, stdout.subarray(0, Math.floor(stdout.length * part)));
    assert.match(refused(file, `${part} of a stream`), /cut off/);
  }
  for (const part of [0.0001, 0.2, 0.5, 0.8, 0.9999]) {
    const bytes = Buffer.from(stdout);
    bytes[Math.floor(bytes.length * part)] ^= 0x10;
    writeFileSync(file, bytes);
    refused(file, `a stream changed at ${part}`);
  }
  writeFileSync(file, Buffer.concat([stdout, Buffer.from("more")]));
  refused(file, "a stream with something behind it");
  writeFileSync(file, "PK\x03\x04 this is another kind of archive, certainly longer than a header");
  assert.match(refused(file, "a foreign file"), /no backup of Coditect/);
  writeFileSync(file, "");
  assert.match(refused(file, "an empty file"), /no backup/);
  const newer = Buffer.from(stdout);
  newer[19] = 2;
  writeFileSync(file, newer);
  assert.match(refused(file, "a newer version"), /newer program/);
});

test("a directory that misses or damages anything is refused, and the next backup is whole again", () => {
  const to = fresh("backup");
  backup(server, to);
  const pack = readdirSync(to).find((name) => name.endsWith(".pack"));
  const moment = readdirSync(to).find((name) => name.endsWith(".moment"));
  for (const name of [pack, moment]) {
    for (const harm of ["gone", "short", "flipped"]) {
      const copy = fresh("backup");
      copyDirectory(to, copy);
      const bytes = readFileSync(join(copy, name));
      if (harm === "gone") rmSync(join(copy, name));
      else if (harm === "short") writeFileSync(join(copy, name), bytes.subarray(0, bytes.length - 5));
      else writeFileSync(join(copy, name), bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte)));
      refused(copy, `${name} ${harm}`);
      if (harm === "flipped" && name === pack) continue; // content that nobody reads again: --verify-backup finds it
      backup(server, copy);
      done(["--verify-backup", copy]);
    }
  }
  assert.match(refused(folder, "a directory without backups"), /no backup/);
});

test("a restore overwrites nothing", () => {
  const to = fresh("backup");
  backup(server, to);
  const data = fresh("data");
  done(["--data", data, "--restore", to]);
  const before = readFileSync(join(data, "store/store.db"));
  const again = run(["--data", data, "--restore", to]);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /holds a store/);
  assert.ok(readFileSync(join(data, "store/store.db")).equals(before));
  for (const folder of ["workspaces", "run"]) {
    const disks = fresh("data");
    mkdirSync(join(disks, folder, "ses-0123"), { recursive: true });
    assert.match(run(["--data", disks, "--restore", to]).stderr, /disks of workspaces/, folder);
  }
});

test("killed at any moment, a backup leaves no half one", async () => {
  const to = fresh("backup");
  backup(server, to);
  let killed = 0;
  for (let i = 0; i < 20 && killed < 6; i++) {
    await client.write(`${path}/extra${i}`, Buffer.concat(Array.from({ length: 30 }, (_, j) => content(i * 1000 + j))));
    const child = spawn(program, ["--data", server.data, "--backup", to], { stdio: "ignore", detached: true });
    const closed = new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)));
    await until("it writes", () => child.exitCode !== null || readdirSync(to).some((name) => name.endsWith(".part")));
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      assert.equal(error.code, "ESRCH"); // it was done
    }
    killed += (await closed) === "SIGKILL" ? 1 : 0;
    done(["--verify-backup", to]);
  }
  assert.ok(killed > 0);
  backup(server, to);
  done(["--verify-backup", to]);
  assert.ok(!readdirSync(to).some((name) => name.endsWith(".part")));
});

async function metric(name) {
  const text = await (await fetch(`http://127.0.0.1:${watch}/metrics`)).text();
  return Number(new RegExp(`^${name.replaceAll(/[{}]/g, "\\$&")} (\\d+)$`, "m").exec(text)?.[1]);
}

test("a server makes backups on schedule, keeps as many as it shall, and says when one is late", async () => {
  await until("more were made than are kept", async () => (await metric('coditect_backups_total{result="ok"}')) > 3, 60_000);
  await until("as many are kept as shall be", () => moments(scheduled).length <= 4); // a new one, and one that is just going
  await until("none is late", async () => (await metric("coditect_backup_late")) === 0, 60_000); // a slow machine's may be, for a moment
  assert.ok((await metric("coditect_backup_last_timestamp_seconds")) > Date.now() / 1000 - 600);
  done(["--verify-backup", scheduled]);
  assert.match(run(["--doctor", "--data", server.data, "--backup-directory", scheduled]).stdout, /^enforced +backups/m);
  assert.match(run(["--doctor", "--data", server.data]).stdout, /^weaker +backups +none/m);

  const away = `${scheduled}.away`;
  renameSync(scheduled, away);
  writeFileSync(scheduled, "no directory"); // the disk is gone
  await until("one is late", async () => (await metric("coditect_backup_late")) === 1);
  await until("one has failed", async () => (await metric('coditect_backups_total{result="failed"}')) > 0, 60_000); // it may be late before
  await until("it is said", () => /there is no new backup in/.test(server.log));
  rmSync(scheduled);
  await until("it is said what to do", () => /are not there: mount what they lie on/.test(server.log));
  assert.ok(!existsSync(scheduled), "none is begun where a disk is not mounted");
  renameSync(away, scheduled);
  await until("they go on", async () => (await metric("coditect_backup_late")) === 0, 60_000);
});

test("a full disk is told, and harms no backup that is there", { skip: process.getuid() === 0 ? false : "needs root: a small disk of its own" }, async () => {
  const to = fresh("backup");
  backup(server, to);
  const noise = Buffer.concat(Array.from({ length: 9000 }, (_, i) => createHash("sha512").update(`noise ${i}`).digest()));
  await client.write(`${path}/noise`, noise);
  const disk = fresh("disk");
  mkdirSync(disk);
  const script = `mount -t tmpfs -o size=$((${bytesIn(to)} / 1024 + 200))k,mode=755 none ${disk} && cp -a ${to} ${disk}/backup || exit 9
    "$0" --data ${server.data} --backup ${disk}/backup && exit 8
    ls ${disk}/backup && "$0" --verify-backup ${disk}/backup`;
  const { status, stdout, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", script, program], { encoding: "utf8" });
  assert.equal(status, 0, `${stdout}${stderr}`);
  assert.match(stderr, /no space left for the backup/);
  assert.match(stdout, /whole: /);
  assert.doesNotMatch(stdout, /\.part/);
  await client.delete(`${path}/noise`);
});
