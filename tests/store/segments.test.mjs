// Large values beside the database, through the real server: what reads, checks, saves and restores a store knows them.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { newSession, program, Server } from "../api/harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "coditect-segments-"));
chmodSync(folder, 0o755); // a server that gave up root reads and writes in it
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (args) => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  return { status, says: `${stdout}${stderr}` };
};

function done(args) {
  const { status, says } = run(args);
  assert.equal(status, 0, `${args.join(" ")}: ${says}`);
  return says;
}

const move = (from, to) => execFileSync("mv", [from, to]); // with its owner, also to another file system

const MIB = 1 << 20;
const content = randomBytes(3 * MIB);
const first = (data) => join(data, "store/store.db-1");

test("what is uploaded lies in files beside the database, and all that knows a store knows them", { timeout: 300_000 }, async () => {
  const server = await Server.start();
  const { data } = server;
  const ada = await server.account();
  const files = `/sessions/${(await newSession(ada)).id}/files`;
  assert.ok(!existsSync(first(data)), "before something large came there is none");
  assert.ok((await ada.write(`${files}/big`, content)).status < 300);
  assert.ok((await ada.write(`${files}/small`, "small")).status < 300);
  assert.ok(statSync(first(data)).size >= content.length);
  assert.ok(statSync(join(data, "store/store.db")).size < MIB);

  await server.kill9();
  await server.run();
  assert.ok((await ada.get(`${files}/big`)).body.equals(content));
  const [, taken] = /(\d+) MiB on disk/.exec(run(["--data", data, "--doctor"]).says);
  assert.ok(Number(taken) >= 3, `${taken} MiB`);

  const saved = join(folder, "backup");
  done(["--data", data, "--backup", saved]);
  const copy = join(folder, "restored");
  done(["--data", copy, "--restore", saved]);
  done(["--data", copy, "--check"]);
  assert.match(done(["--data", copy, "--scrub"]), / 0 damaged/);
  const other = await Server.start({ data: copy });
  const again = other.anonymous();
  again.token = (await again.post("/auth/login", { email: ada.email, password: ada.password })).data.token;
  assert.ok((await again.get(`${files}/big`)).body.equals(content));
  await other.stop();

  // Without its file: nothing starts, nothing is made in its place, and what is said helps.
  server.ownData = false;
  await server.stop();
  const away = join(folder, "away");
  move(first(data), away);
  for (const how of ["--check", "--scrub"]) {
    const refused = run(["--data", data, how]);
    assert.equal(refused.status, 1, how);
    assert.ok(refused.says.includes(`${first(data)}, which is part of the store, is missing: put it back`), refused.says);
  }
  assert.match(run(["--data", data, "--doctor"]).says, /store\.db-1, which is part of the store, is missing/);
  assert.ok(!existsSync(first(data)));
  const partly = join(folder, "partly"); // a backup takes what can still be read
  assert.match(run(["--data", data, "--backup", partly]).says, /damaged/);
  move(away, first(data));

  // One byte: that chunk is not given out, is named, and nothing else suffers.
  const bytes = readFileSync(first(data));
  bytes[bytes.indexOf(content.subarray(MIB, MIB + 64))] ^= 1;
  writeFileSync(first(data), bytes);
  const scrub = run(["--data", data, "--scrub"]);
  assert.equal(scrub.status, 1);
  assert.equal(scrub.says.match(/^damaged: t\/[^ ]+\/chunk\/[0-9a-f]{64} in "big" of /gm).length, 1, scrub.says);
  assert.match(scrub.says, / 1 damaged/);
  const check = run(["--data", data, "--check"]);
  assert.equal(check.status, 1, check.says);
  assert.match(check.says, /store\.db-1 is damaged/);
  const hurt = await Server.start({ data });
  const reader = hurt.anonymous();
  reader.token = (await reader.post("/auth/login", { email: ada.email, password: ada.password })).data.token;
  assert.equal((await reader.get(`${files}/small`)).body.toString(), "small");
  const got = await reader.get(`${files}/big`).then((reply) => reply.body, () => Buffer.alloc(0));
  assert.ok(!got.equals(content) && content.subarray(0, got.length).equals(got), "what came is right, and not all");
  await hurt.kill9();
  rmSync(data, { recursive: true });
});
