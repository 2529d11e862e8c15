// A piece of content that the disk has changed: scrub says so and names the files that have it, and whichever way content leaves the
// store, what comes is right as far as it goes and never said to be all.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { constants, gunzipSync } from "node:zlib";
import { Client, newSession, program, Server, until } from "../api/harness.mjs";
import { Cli, person } from "./cli.mjs";

const big = randomBytes(3 << 20);
const NAME = "src/ünï \u009b\"x\"";
const SHOWN = '"src/ünï %C2%9B%22x%22"';

test("what is damaged is named with its files, and never turns into wrong bytes", { timeout: 180_000 }, async (t) => {
  const place = mkdtempSync(join(tmpdir(), "coditect-damage-"));
  chmodSync(place, 0o755); // a server that gave up root reads and writes in it
  t.after(() => rmSync(place, { recursive: true, force: true }));
  const server = await Server.start({ t });
  const { data } = server;
  const ada = await person(server, "ada");
  const operator = new Cli(server);
  const { id } = await newSession(ada.person);
  const file = `files/${encodeURIComponent(NAME).replaceAll("%2F", "/")}`;
  const first = (await ada.person.write(`/sessions/${id}/${file}`, big)).data.version;
  await ada.person.write(`/sessions/${id}/files/whole`, big.subarray(0, 1000));
  const fork = (await ada.person.post(`/sessions/${id}/fork`, {})).data.id;
  await until("it is forked", async () => (await ada.person.get(`/sessions/${fork}`)).data.status === "active");
  const before = (await ada.person.write(`/sessions/${id}/${file}`, "newer")).data.version;
  assert.match((await operator.ok("admin", "scrub", "--data", data)).stdout, / 0 faults\n$/);

  await server.kill9();
  const segment = join(data, "store/store.db-1");
  const bytes = readFileSync(segment);
  const at = bytes.indexOf(big.subarray(1 << 20, (1 << 20) + 64));
  assert.ok(at > 0);
  bytes[at] ^= 1;
  writeFileSync(segment, bytes);
  await server.run();

  const wrong = (got) => !big.subarray(0, got.length).equals(got) || got.length === big.length;
  const named = new RegExp(`^t/ten-\\w+/chunk/[0-9a-f]{64} in ${SHOWN} of ${id} \\(version ${first}\\), ${SHOWN} of ${fork} \\(version ${first}\\)$`, "m");
  const scrub = await operator.run(["admin", "scrub", "--data", data]);
  assert.equal(scrub.status, 1, scrub.stderr);
  assert.match(scrub.stdout, named);
  assert.match(scrub.stdout, /\n\d+ chunks, \d+ versions, 1 faults\n$/);
  assert.match(scrub.stderr, /what is stored is damaged/);
  assert.equal((await operator.run(["admin", "scrub", "--json", "--data", data])).json.faults, 1);

  /** Reads until the connection ends; whether that was its end is said with what came. */
  const read = async (client, path) => {
    const pieces = [];
    const whole = await client.get(path, { sink: (piece) => pieces.push(piece), expected5xx: true }).then(({ status }) => status === 200, () => false);
    return { whole, got: Buffer.concat(pieces) };
  };
  const download = async (client, path) => {
    const { whole, got } = await read(client, path);
    assert.ok(!whole && !wrong(got), `${path}: ${got.length} bytes, ${whole ? "as if they were all" : "and then no more"}`);
  };
  const archive = async (client, path) => {
    const { whole, got } = await read(client, path);
    assert.ok(!whole, path);
    const tar = got.length === 0 ? got : gunzipSync(got, { finishFlush: constants.Z_SYNC_FLUSH });
    const begin = tar.indexOf(big.subarray(0, 64));
    assert.ok(begin < 0 || !wrong(tar.subarray(begin)), `${path}: ${tar.length} bytes`);
  };
  await download(ada.person, `/sessions/${id}/${file}?version=${first}`);
  await download(ada.person, `/sessions/${fork}/${file}`);
  await archive(ada.person, `/sessions/${fork}/archive`);
  const get = await ada.run(["files", "get", `${fork}:${NAME}`, "got"]);
  assert.notEqual(get.status, 0);
  assert.ok(!existsSync(join(ada.files, "got")), "no file is left of it");
  const { status, stderr } = await ada.run(["cp", "-r", `${fork}:`, "copied"]);
  assert.notEqual(status, 0);
  assert.match(stderr, /bytes remaining[^]*1 of 3 were not copied/);
  assert.ok(!existsSync(join(ada.files, "copied", NAME)));
  assert.ok(readFileSync(join(ada.files, "copied/whole")).equals(big.subarray(0, 1000)), "the rest comes");

  // What names it again copies no content: it is as damaged there, and as it was here before.
  await ada.person.post(`/sessions/${id}/history/${file.slice(6)}:restore`, { version: first }, { expected5xx: true });
  assert.deepEqual((await ada.person.get(`/sessions/${id}/${file}?version=${before}`)).text(), "newer");
  const again = (await ada.person.post(`/sessions/${id}/fork`, { at: first }, { expected5xx: true })).data.id;
  await until("it is forked", async () => (await ada.person.get(`/sessions/${again}`)).data.status === "active");
  await download(ada.person, `/sessions/${again}/${file}`);

  const backup = join(place, "backup");
  const made = spawnSync(program, ["--data", data, "--backup", backup], { encoding: "utf8" });
  assert.equal(made.status, 1);
  assert.match(made.stderr, /1 pieces of content are damaged in the store/);
  await server.kill9();
  rmSync(data, { recursive: true });
  const copy = join(place, "data");
  const run = (...args) => spawnSync(program, ["--data", copy, ...args], { encoding: "utf8" });
  assert.equal(run("--restore", backup).status, 0);
  const found = run("--scrub");
  assert.equal(found.status, 1);
  assert.match(found.stdout, new RegExp(`^damaged: t/ten-\\w+/chunk/[0-9a-f]{64} in ${SHOWN} of ${id} \\(version \\d+\\), `, "m"));
  const other = await Server.start({ data: copy });
  const there = new Client(other, ada.person.token);
  await download(there, `/sessions/${fork}/${file}`);
  assert.equal((await there.get(`/sessions/${id}/${file}?version=${before}`)).text(), "newer");
  await other.kill9();
});

/** One bit of these bytes, wherever the store has them, while no server runs. */
function flip(data, part) {
  const store = join(data, "store");
  let found = 0;
  execFileSync("python3", ["-c", "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('pragma wal_checkpoint(truncate)')", join(store, "store.db")]);
  for (const name of readdirSync(store).filter((one) => one.startsWith("store.db"))) {
    const bytes = readFileSync(join(store, name));
    const at = bytes.indexOf(part);
    if (at < 0) continue;
    found++;
    bytes[at] ^= 1;
    writeFileSync(join(store, name), bytes);
  }
  assert.ok(found > 0, "the store has these bytes as they are");
}

test("what is damaged is whole again once somebody uploads it, beside the database and in it", { timeout: 180_000 }, async (t) => {
  const server = await Server.start({ t });
  const ada = await server.account();
  const operator = new Cli(server);
  const files = `/sessions/${(await newSession(ada)).id}/files`;
  const contents = { big, note: randomBytes(3000) };
  for (const [name, bytes] of Object.entries(contents)) assert.ok((await ada.write(`${files}/${name}`, bytes)).status < 300);
  const isWhole = async (name) => ada.get(`${files}/${name}`, { expected5xx: true }).then(({ status, body }) => status === 200 && body.equals(contents[name]), () => false);
  const faults = async () => (await operator.run(["admin", "scrub", "--json", "--data", server.data])).json.faults;
  // By a reader, and by scrub: what is found so is written again.
  for (const find of [async () => { for (const name of Object.keys(contents)) assert.ok(!(await isWhole(name)), name); }, async () => assert.equal(await faults(), 2)]) {
    await server.kill9();
    for (const bytes of Object.values(contents)) flip(server.data, bytes.subarray(-64)); // of the large file that is its last chunk
    await server.run();
    await find();
    for (const [name, bytes] of Object.entries(contents)) {
      assert.ok(!(await isWhole(name)), name);
      assert.ok((await ada.write(`${files}/copy-of-${name}`, bytes)).status < 300);
      assert.ok(await isWhole(name), `${name} after its bytes came with another file`);
    }
    assert.equal(await faults(), 0);
  }
});

test("a copy of a folder carries along what is damaged in it, as a fork does", { timeout: 120_000 }, async (t) => {
  const server = await Server.start({ t });
  const ada = await server.account();
  const { id } = await newSession(ada);
  const files = `/sessions/${id}/files`;
  const contents = { large: randomBytes(3000), small: randomBytes(300), whole: randomBytes(300) };
  const target = randomBytes(100).toString("hex");
  for (const [name, bytes] of Object.entries(contents)) assert.ok((await ada.write(`${files}/from/${name}`, bytes)).status < 300);
  assert.ok((await ada.write(`${files}/from/link?type=symlink`, target)).status < 300);
  await server.kill9();
  for (const part of [contents.large, contents.small, Buffer.from(target)]) flip(server.data, part);
  await server.run();
  const status = async (path) => ada.get(path, { expected5xx: true }).then(({ status }) => status, () => "cut off");
  assert.notEqual(await status(`${files}/from/large`), 200); // which marks it
  const folders = { to: files, again: files };
  for (const to of Object.keys(folders)) assert.equal((await ada.post(`${files}:copy`, { from: "from", to })).status, 201, to);
  const fork = (await ada.post(`/sessions/${id}/fork`, {})).data.id;
  await until("it is forked", async () => (await ada.get(`/sessions/${fork}`)).data.status === "active");
  folders.from = `/sessions/${fork}/files`;
  for (const [folder, where] of Object.entries(folders)) {
    for (const name of ["large", "small", "link"]) assert.notEqual(await status(`${where}/${folder}/${name}`), 200, `${folder}/${name}`);
    assert.deepEqual((await ada.get(`${where}/${folder}/whole`)).body, contents.whole);
    assert.equal((await ada.get(`${where}?path=${folder}`)).data.length, 4);
  }
});

/** The versions of this content are gone from the store, as after a restore past damage. */
function lose(data, content) {
  execFileSync("python3", ["-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/store/store.db")
assert db.execute("DELETE FROM kv WHERE instr(key, CAST('/version/' AS BLOB)) AND instr(value, CAST(? AS BLOB))", (sys.argv[2],)).rowcount > 0
db.commit()`, data, content]);
}

test("a return to a moment ends where records of it are lost, says how many, and takes nothing else for them", { timeout: 120_000 }, async (t) => {
  const server = await Server.start({ t });
  const cli = await person(server, "ada");
  const ada = cli.person;
  const { id } = await newSession(ada);
  const at = `/sessions/${id}`;
  const [lost, whole] = [randomBytes(100).toString("hex"), randomBytes(100).toString("hex")];
  const write = async (path, text) => (await ada.write(`${at}/files/${path}`, text)).data.version;
  await write("changed", lost);
  await write("gone", `${lost} gone`);
  const then = await write("whole", whole);
  await write("changed", "newer");
  await write("whole", "newer");
  await ada.delete(`${at}/files/gone`);
  await server.kill9();
  lose(server.data, `${lost} gone`);
  lose(server.data, lost);
  await server.run();
  const { status, data } = await ada.post(`${at}/files:restore`, { at: then });
  assert.deepEqual([status, data.done, data.changed, data.damaged], [200, true, 1, 2]);
  assert.equal((await ada.get(`${at}/files/changed`)).text(), "newer");
  assert.equal((await ada.get(`${at}/files/whole`)).text(), whole);
  assert.equal((await ada.get(`${at}/files/gone`)).status, 404);
  const again = await cli.ok("files", "rewind", `${id}:`, String(then));
  assert.equal(again.stdout, "Nothing else differs from that moment\n");
  assert.match(again.stderr, /left as they are: 2 /);
  assert.equal((await ada.post(`${at}/fork`, {})).status, 202);
  await server.kill9(); // its end would ask for a store without damage
});
