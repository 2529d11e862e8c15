// Backups in a bucket: the real server's schedule and the program against a small server that checks every signature, fails,
// hangs and tears; restored, compared with what was acknowledged.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client, freePort, newSession, program, Server, until } from "../api/harness.mjs";
import { compare, Load } from "./load.mjs";
import { Bucket, KEY, REGION, SECRET } from "./s3.mjs";

const folder = mkdtempSync(join(tmpdir(), "coditect-bucket-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
const fresh = (what) => join(folder, `${what}-${++made}`);

async function newBucket(t, tls) {
  const bucket = await new Bucket(tls).start();
  (t?.after ? t : { after }).after(() => bucket.stop());
  return bucket;
}

const secretFile = fresh("secret");
writeFileSync(secretFile, `${SECRET}\n`, { mode: 0o600 });
const accessOf = (key, region) => ["--backup-region", region, "--backup-access-key", key, "--backup-secret-key-file", secretFile];
const access = accessOf(KEY, REGION);

/** Not in this process's way: it is the bucket. */
function run(args, { patience = "20s", as = access, env = {} } = {}) {
  const child = spawn(program, [...args, ...as, "--backup-patience", patience], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].on("data", (text) => (said[name] += text));
  const ended = new Promise((resolve) => child.on("close", (status, signal) => resolve({ status, signal, ...said })));
  return Object.assign(ended, { child });
}

async function done(args, options) {
  const { status, stdout, stderr } = await run(args, options);
  assert.equal(status, 0, `${args.join(" ")}:\n${stdout}${stderr}`);
  return stdout;
}

async function fails(says, args, options) {
  const { status, stdout, stderr } = await run(args, options);
  assert.equal(status, 1, `${args.join(" ")}:\n${stdout}${stderr}`);
  assert.match(stderr, says);
  assert.doesNotMatch(stderr, /Sanitizer|runtime error|assert/i);
  assert.ok(!`${stdout}${stderr}`.includes(SECRET), "the secret is said nowhere");
  return stderr;
}

let server = await Server.start({ args: ["--rate-factor", "100000"] });
after(() => server.stop());
const client = await server.account();
const path = `/sessions/${(await newSession(client)).id}/files`;
const big = randomBytes(9 << 20); // more than one piece of a pack
assert.ok((await client.write(`${path}/big`, big)).status < 300);
const small = (i) => `${i} `.repeat(1 + (i * 977) % 500) + createHash("sha256").update(`${i}`).digest("hex");
for (let i = 0; i < 30; i++) await client.write(`${path}/small${i}`, small(i));

const backup = (bucket, ...more) => done(["--data", server.data, "--backup", bucket.url, ...more]);
const moments = async (bucket) => (await done(["--backups", bucket.url])).split("\n").slice(0, -1);
const momentObjects = (bucket) => bucket.names().filter((name) => name.endsWith(".moment"));

/** What a server serves that was made of the bucket alone. */
async function restored(t, bucket, ...args) {
  const data = fresh("data");
  await done(["--data", data, "--restore", bucket.url, ...args]);
  const root = ["--backup-bucket", bucket.url, "--backup-access-key", KEY, "--backup-secret-key-file", join(folder, "of-root-alone")];
  await done(["--data", data, "--check"], { as: root }); // neither asks the bucket
  await done(["--data", data, "--scrub"], { as: root });
  const again = await Server.start({ data });
  t.after(() => again.stop());
  return { data, again, there: new Client(again, client.token) };
}

let whole; // the objects of one backup

test("a backup in a bucket is whole, costs what changed, and can be had back", async (t) => {
  const bucket = await newBucket(t);
  bucket.objects.set("backups/coditect/README", Buffer.from("not ours"));
  bucket.objects.set("backups/other/0123456789abcdef.pack.0000000000000000", Buffer.from("somebody else's"));
  assert.match(await backup(bucket), /^backup \d{8}-/);
  whole = new Map([...bucket.objects].filter(([name]) => name.startsWith("backups/coditect/") && !name.endsWith("README")));
  const first = [...bucket.objects.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  assert.ok(bucket.names().filter((name) => name.includes(".pack.")).length >= 2, `${bucket.names()}`);
  assert.match(bucket.requests.filter((what) => what.startsWith("PUT")).at(-1), /\.moment$/, "the moment is put last");
  for (let i = 0; i < 2; i++) {
    await client.write(`${path}/changing`, `state ${i}`);
    await backup(bucket, "--backup-keep", "2");
  }
  const all = [...bucket.objects.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  assert.ok(all - first < first / 10, `${all - first} more for two more, ${first} for all`);
  const kept = await moments(bucket);
  assert.equal(kept.length, 2);
  await done(["--verify-backup", bucket.url]);
  await fails(/no backup as old as/, ["--verify-backup", bucket.url, "--moment", "2001"]);
  assert.equal(bucket.objects.get("backups/coditect/README").toString(), "not ours");
  assert.ok(bucket.objects.has("backups/other/0123456789abcdef.pack.0000000000000000"));

  const { data, there } = await restored(t, bucket, "--moment", kept[0]);
  assert.ok((await there.get(`${path}/big`)).body.equals(big));
  for (let i = 0; i < 30; i++) assert.ok((await there.get(`${path}/small${i}`)).body.equals(Buffer.from(small(i))));
  assert.equal((await there.get(`${path}/changing`)).text(), "state 0");
  await fails(/holds a store/, ["--data", data, "--restore", bucket.url]);
});

test("a backup under load has every write that was acknowledged before it, when all else is gone", async (t) => {
  const bucket = await newBucket(t);
  const busy = await Server.start({ t });
  const writer = await busy.account();
  const files = `/sessions/${(await newSession(writer)).id}/files`;
  const load = new Load(writer, files, 4);
  const goOn = async (by) => { const { length } = load.acknowledged; await until("writers went on", () => load.acknowledged.length >= length + by); };
  await goOn(60);
  let pieces = 0;
  bucket.fault = async (method, name) => {
    if (method !== "PUT" || !name.includes(".pack.")) return;
    pieces++;
    await goOn(4); // while it writes
  };
  const acknowledged = []; // before each of the two
  for (let i = 0; i < 2; i++) {
    acknowledged.push([...load.acknowledged]);
    await done(["--data", busy.data, "--backup", bucket.url]);
    await goOn(8); // each writer twice: the last of it began behind the backup
  }
  bucket.fault = () => undefined;
  assert.ok(pieces >= 2, `${pieces}`);
  await load.stop();
  const all = load.acknowledged;
  const last = all.findLast(({ gone }) => !gone);
  await busy.kill9();
  rmSync(busy.data, { recursive: true });

  const kept = await moments(bucket);
  assert.equal(kept.length, 2);
  for (const [i, moment] of kept.entries()) {
    const { again } = await restored(t, bucket, "--moment", moment);
    await compare(again, writer.token, files, { done: acknowledged[i], later: all.slice(acknowledged[i].length) });
    await assert.rejects(compare(again, writer.token, files, { done: [last] }), new RegExp(`^AssertionError.*: ${last.name} ${last.version}: `)); // it came later
  }
});

/** One that holds what the first backup of this file left. */
async function filledBucket(t, tls) {
  const bucket = await newBucket(t, tls);
  bucket.objects = new Map(whole);
  return bucket;
}

test("what is gone, short or damaged in a bucket is refused, and the next backup is whole again", async (t) => {
  const bucket = await filledBucket(t);
  const pieces = bucket.names().filter((name) => name.includes(".pack."));
  const [moment] = momentObjects(bucket);
  const harms = [
    [pieces[0], "gone", /cut off|is not in/],
    [pieces[0], "flipped", /damaged/],
    [pieces.at(-1), "short", /cut off/],
    [moment, "flipped", /damaged/],
  ];
  for (const [name, harm, says] of harms) {
    bucket.objects = new Map(whole);
    const key = `backups/coditect/${name}`;
    const bytes = Buffer.from(whole.get(key));
    bytes[bytes.length >> 1] ^= 1;
    if (harm === "gone") bucket.objects.delete(key);
    else bucket.objects.set(key, harm === "flipped" ? bytes : bytes.subarray(0, bytes.length - 5));
    const data = fresh("data");
    const said = await fails(/nothing is restored/, ["--data", data, "--restore", bucket.url]);
    assert.match(said, says, `${name} ${harm}`);
    assert.deepEqual(readdirSync(join(data, "store")).filter((one) => one.startsWith("store.")), []);
    if (harm === "flipped" && name !== moment) continue; // content that nobody reads again: --verify-backup finds it
    await backup(bucket);
    await done(["--verify-backup", bucket.url]);
  }
});

test("a backup asks a bucket for the keys of the one before once", async (t) => {
  const bucket = await newBucket(t);
  await backup(bucket);
  const asked = new Map();
  await client.write(`${path}/changing`, "keys");
  bucket.fault = (method, name, _count, range) => {
    if (method === "GET" && name.includes(".pack.")) asked.set(`${name} ${range}`, 1 + (asked.get(`${name} ${range}`) ?? 0));
  };
  await backup(bucket);
  assert.ok(asked.size > 1, "there are some");
  // A window of keys may be asked for again for the values behind them, and a request be tried twice; four times is once for each walk.
  assert.ok(Math.max(...asked.values()) < 4, JSON.stringify([...asked]));
});

test("what a bucket lists twice is there once", async (t) => {
  const bucket = await filledBucket(t);
  bucket.repeats = true;
  await client.write(`${path}/changing`, "listed twice");
  await backup(bucket);
  await done(["--verify-backup", bucket.url]);
  const packs = new Set(bucket.names().filter((name) => name.includes(".pack.")).map((name) => name.slice(0, 16)));
  assert.deepEqual([momentObjects(bucket).length, packs.size], [2, 2], "it is built upon");
});

test("a moment that a bucket lists as empty keeps its packs", async (t) => {
  const bucket = await filledBucket(t);
  const before = bucket.names();
  const [moment] = momentObjects(bucket);
  for (const size of [0, ""]) {
    bucket.sized = (name, real) => (name.endsWith(moment) ? size : real);
    await client.write(`${path}/changing`, `beside an empty one ${size}`);
    await backup(bucket, "--backup-keep", "1");
    for (const name of before) assert.ok(bucket.names().includes(name), name);
  }
  await fails(/is no backup of/, ["--verify-backup", bucket.url, "--moment", moment.slice(0, 36)]);
  bucket.sized = (_name, real) => real;
  await done(["--verify-backup", bucket.url, "--moment", moment.slice(0, 36)]);
});

test("a bucket that fails, cuts, tears and loses answers for a while makes a backup slower, not worse", async (t) => {
  const bucket = await newBucket(t);
  const faults = ["500", "tear", "cut", "lost", undefined, undefined];
  bucket.fault = (method, name, count) => faults[(count * 7) % faults.length];
  await backup(bucket);
  bucket.fault = () => undefined;
  await done(["--verify-backup", bucket.url]);
  assert.equal(momentObjects(bucket).length, 1);
});

test("a bucket that does not work leaves what was there, and is said in plain words", async (t) => {
  const bucket = await filledBucket(t);
  const before = bucket.names();
  const args = ["--data", server.data, "--backup", bucket.url];
  const faulty = async (says, fault, patience = "5s") => {
    await client.write(`${path}/extra`, randomBytes(3000));
    bucket.fault = fault;
    const said = await fails(says, args, { patience });
    bucket.fault = () => undefined;
    return said;
  };
  await faulty(/PUT .* is answered 500 InternalError: Please try again\.[^]*given up/, (method) => (method === "PUT" ? "500" : undefined));
  await faulty(/given up/, (method, name) => (name.includes(".pack.") && method === "PUT" ? "hang" : undefined), "1s");
  await faulty(/PUT .*\.pack\..* is answered 404/, (method, name) => (method === "PUT" && name.includes(".pack.") ? { status: 404, body: "" } : undefined));
  let lost = false;
  const from = bucket.requests.length;
  const losing = (method, name) => {
    if (lost || method !== "GET" || name !== "backups" || !bucket.requests.slice(from).some((what) => what.startsWith("PUT"))) return;
    lost = bucket.objects.delete(bucket.requests.findLast((what) => what.startsWith("PUT")).slice(4));
  };
  await faulty(/is not in|cut off/, losing); // what was put and read back is not listed
  assert.ok(lost && !bucket.requests.slice(from).some((what) => /^PUT .*\.moment$/.test(what)), "no moment is put that cannot be had back");
  await faulty(/./, (method, name) => (method === "PUT" && name.includes(".pack.") ? "lie" : undefined)); // it says it has them
  await faulty(/answers something else than its list/, (method, name) => (name === "backups" ? { status: 200, body: "<html><body>Welcome</body></html>" } : undefined));
  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><ListBucketResult><Contents><Key>&b;</Key></Contents></ListBucketResult>`;
  await faulty(/answers something else than its list/, (method, name) => (name === "backups" ? { status: 200, body: bomb } : undefined));
  const circle = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken></ListBucketResult>";
  await faulty(/has a list without an end/, (method, name) => (name === "backups" ? { status: 200, body: circle } : undefined));
  let turn = 0;
  const longer = () => circle.replace("same", turn++ < 3 ? `front${turn}` : `turn${turn % 5}`);
  await faulty(/has a list without an end/, (method, name) => (name === "backups" ? { status: 200, body: longer() } : undefined));
  assert.ok(turn < 100, `${turn} pages of a circle of five`);
  await faulty(/has a list without an end/, (method, name) => (name === "backups" ? { status: 200, body: circle.replace("same", `ever another ${turn++}`) } : undefined));
  const poured = (head) => (socket) => {
    const pour = () => { while (!socket.destroyed && socket.write(Buffer.alloc(65536, "x")));};
    socket.on("drain", pour).on("error", () => {});
    socket.write(`HTTP/1.1 ${head}`);
    pour();
  };
  const begun = performance.now();
  await faulty(/is answered 403/, () => poured("403 Forbidden\r\n\r\n"), "60s"); // of a refusal the beginning is enough
  assert.ok(performance.now() - begun < 30_000);
  for (const head of ["200 OK\r\n\r\n", "200 OK\r\nX-Endless: ", "100 Continue\r\n\r\nHTTP/1.1 100 "]) await faulty(/given up/, () => poured(head), "2s");
  await faulty(/given up/, () => (socket) => { // drop by drop, never so long without one that a try would end
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    const dripping = setInterval(() => socket.write("x"), 100);
    socket.on("close", () => clearInterval(dripping));
  }, "2s");
  await faulty(/is answered 301/, () => ({ status: 301, headers: { Location: "http://169.254.169.254/" }, body: "" }));
  await faulty(/is answered 507[^]*no space/i, (method) => (method === "PUT" ? { status: 507, body: "" } : undefined));
  for (const name of before) assert.ok(bucket.objects.has(`backups/coditect/${name}`), name);
  assert.equal(momentObjects(bucket).length, 1);
  await done(["--verify-backup", bucket.url]);
  await backup(bucket);
  await done(["--verify-backup", bucket.url]);
  assert.equal((await moments(bucket)).length, 2);
  const packs = new Set(bucket.names().filter((name) => name.includes(".pack.")).map((name) => name.slice(0, 16)));
  assert.equal(packs.size, 2, "what was begun and not ended is gone");
});

test("who may not is told so, and the secret is said nowhere", async (t) => {
  const bucket = await newBucket(t);
  const args = ["--backups", bucket.url];
  await fails(/InvalidAccessKeyId/, args, { as: accessOf("SOMEBODYELSE", REGION) });
  await fails(/AuthorizationHeaderMalformed: The region 'elsewhere' is wrong/, args, { as: accessOf(KEY, "elsewhere") });
  const other = fresh("secret");
  writeFileSync(other, "another secret of a length\n");
  const said = await fails(/SignatureDoesNotMatch/, args, { as: [...access.slice(0, -1), other] });
  assert.doesNotMatch(said, /another secret/);
  await fails(/NoSuchBucket/, ["--backups", bucket.url.replace("/backups/", "/nothing/")]);
  assert.match(await done(args, { as: access.slice(0, 4), env: { AWS_SECRET_ACCESS_KEY: SECRET } }), /^$/);
  for (const as of [access.slice(0, 4), access.slice(4)]) await fails(/a bucket wants backup\.access_key/, args, { as });
  await fails(/one of backup\.secret_key and/, args, { env: { CODITECT_BACKUP_SECRET_KEY: SECRET } });
  const shown = await done(["--print-config", "--backup-bucket", bucket.url], { as: access.slice(0, 4), env: { AWS_SECRET_ACCESS_KEY: SECRET } });
  assert.ok(shown.includes(bucket.url) && shown.includes(KEY) && !shown.includes(SECRET), shown);
  assert.equal((await run([...args, "--backup-secret-key", SECRET])).status, 2, "others see flags");
  await fails(/no bucket's address/, ["--backups", "http://127.example.com/bucket"]);
  await fails(/two places/, ["--data", server.data, "--check-config", "--backup-bucket", bucket.url, "--backup-directory", folder]);
  const settings = ["--data", server.data, "--backup-bucket", bucket.url];
  const unreadable = { as: accessOf(KEY, REGION).slice(0, 4).concat("--backup-secret-key-file", join(folder, "of-root-alone")) };
  await fails(/of-root-alone/, [...settings, "--check-config"], unreadable);
  assert.match((await run([...settings, "--doctor"], unreadable)).stdout, /^weaker +backups +.*cannot be read/m);
});

test("with TLS the bucket must be who it says", async (t) => {
  const [key, cert] = [fresh("key"), fresh("cert")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=bucket", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], { stdio: "ignore" });
  const bucket = await filledBucket(t, { key: readFileSync(key), cert: readFileSync(cert) });
  await fails(/certificate/, ["--backups", bucket.url]);
  assert.equal(bucket.requests.length, 0, "nothing was asked of a stranger");
  const trusting = { as: [...access, "--backup-ca-file", cert] };
  await done(["--data", server.data, "--backup", bucket.url], trusting);
  await done(["--verify-backup", bucket.url], trusting);
  await fails(/certificate|host name/i, ["--backups", bucket.url.replace("127.0.0.1", "localhost")], trusting);
});

test("killed at any moment, a backup leaves no half one", async (t) => {
  const bucket = await filledBucket(t);
  let killed = 0;
  for (const at of [/PUT .*\.pack\./, /GET .*\.pack\./, /PUT .*\.moment$/]) {
    await client.write(`${path}/killed`, randomBytes(200_000));
    const ended = run(["--data", server.data, "--backup", bucket.url]);
    const from = bucket.requests.length;
    let seen = false;
    bucket.fault = (method, name) => (seen ||= bucket.requests.slice(from).concat(`${method} ${name}`).some((what) => at.test(what)), seen ? "hang" : undefined);
    await until("it came so far", () => seen);
    if (killed === 0) await fails(/another backup is being written/, ["--data", server.data, "--backup", `${bucket.url}/`]); // the same place
    ended.child.kill("SIGKILL");
    killed += (await ended).signal === "SIGKILL" ? 1 : 0;
    bucket.fault = () => undefined;
    await done(["--verify-backup", bucket.url]);
  }
  assert.equal(killed, 3);
  await backup(bucket);
  await done(["--verify-backup", bucket.url]);
  const packs = new Set(bucket.names().filter((name) => name.includes(".pack.")).map((name) => name.slice(0, 16)));
  assert.equal(packs.size, 2, "what was begun and not ended is gone");
});

test("a server makes backups in its bucket on schedule, says when one is late, and stops whatever the bucket does", async (t) => {
  const watch = await freePort();
  const scheduled = await filledBucket(t);
  const metric = async (name) => {
    const text = await (await fetch(`http://127.0.0.1:${watch}/metrics`)).text();
    return Number(new RegExp(`^${name.replaceAll(/[{}]/g, "\\$&")} (\\d+)$`, "m").exec(text)?.[1]);
  };
  await server.end("SIGTERM");
  const args = ["--metrics-listen", `127.0.0.1:${watch}`, "--backup-bucket", scheduled.url, "--backup-every", "1s", "--backup-keep", "3", "--backup-patience", "60s", ...access];
  server = await Server.start({ data: server.data, args });
  await until("more were made than are kept", async () => (await metric('coditect_backups_total{result="ok"}')) > 5, 60_000);
  await until("as many are kept as shall be", async () => momentObjects(scheduled).length <= 4);
  await until("none is late", async () => (await metric("coditect_backup_late")) === 0, 60_000);
  await done(["--verify-backup", scheduled.url]);
  assert.match((await run(["--doctor", "--data", server.data, "--backup-bucket", scheduled.url])).stdout, /^enforced +backups/m);

  scheduled.fault = () => ({ status: 403, body: "" }); // not tried again for all its patience
  await until("one is late", async () => (await metric("coditect_backup_late")) === 1, 60_000);
  await until("one has failed", async () => (await metric('coditect_backups_total{result="failed"}')) > 0, 60_000);
  await until("it is said", () => /there is no new backup in http:/.test(server.log));
  scheduled.fault = () => undefined;
  await until("they go on", async () => (await metric("coditect_backup_late")) === 0, 60_000);

  let hangs = 0;
  scheduled.fault = () => (hangs++, "hang");
  await until("it hangs", () => hangs > 0);
  const reply = await new Client(server, client.token).write(`${path}/meanwhile`, "written while the bucket hangs");
  assert.ok(reply.status < 300);
  const begun = performance.now();
  assert.deepEqual(await server.end("SIGTERM"), { code: 0, signal: null }, server.log);
  const took = performance.now() - begun;
  scheduled.fault = () => undefined;
  assert.ok(!server.log.includes(SECRET), "the secret is said nowhere");
  assert.ok(took < 30_000, `a stop took ${took} ms while the bucket did not answer for up to 60 s`);
});
