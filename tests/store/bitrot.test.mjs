// A disk that turns bits of backups: what was lost is written anew, and a restore has all that is whole, and names the rest.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { newSession, program, Server } from "../api/harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "coditect-bitrot-"));
chmodSync(folder, 0o755); // a server that gave up root reads and writes in it
after(() => rmSync(folder, { recursive: true, force: true }));
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

const flipped = (bytes) => bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte));

test("what is damaged is written anew by hand", async (t) => {
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
  const past = await run("--data", fresh("data"), "--restore", to, "--past-damage");
  assert.equal(past.status, 3, past.stderr);
  assert.match(past.stdout, /^damaged: t\/ten-\w+\/chunk\/[0-9a-f]{64} in "big" of ses-/m);
  assert.match(await backup("--past-damage"), /; 1 pieces that were damaged in older ones written anew/);
  await done("--verify-backup", to);
  const stray = await run("--data", server.data, "--past-damage");
  assert.notEqual(stray.status, 0);
  assert.match(stray.stderr, /--past-damage is a form of --restore and --backup/);
});
