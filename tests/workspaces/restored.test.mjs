// The store is lost and restored from a backup, and the disks of workspaces are still there: what is newer on them than the backup is
// stored again, and nothing of it is overwritten.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { halt, resume } from "../api/halt.mjs";
import { Client, newSession, program, Server, until } from "../api/harness.mjs";
import { inside, open, reaches, stateOf, sync, workspaceOf } from "./inside.mjs";

const coditectd = (...args) => execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

const all = mkdtempSync(join(tmpdir(), "coditect-restored-"));
chmodSync(all, 0o755); // a server that gave up root reads in it
after(() => rmSync(all, { recursive: true, force: true })); // not before a test has stopped what runs there

let made = 0;
const folder = () => join(all, `${++made}`);

/** A session with files, a backup, and work that went on, in a later run if `again`: what stands in the store that is lost. */
async function work(server, backup, again = false) {
  const ada = await server.account("ada");
  const { id } = await newSession(ada);
  await open(ada, id);
  inside(server, id, "for f in same changed deleted renamed; do echo one > $f; done; mkdir folder; echo one > folder/deleted; echo one > ~/.same; echo one > ~/.changed");
  sync(server, id);
  coditectd("--data", server.data, "--backup", backup);
  if (again) {
    assert.equal((await ada.post(`/sessions/${id}/pause`)).status, 200);
    await reaches(ada, id, "stopped");
    await open(ada, id);
  }
  inside(server, id, "echo two > changed; rm -r deleted folder; mv renamed renamed-to; mkdir made; echo two > made/new; echo two > ~/.changed; echo two > ~/.new");
  sync(server, id);
  return { ada, id };
}

const files = { same: "one\n", changed: "two\n", "renamed-to": "one\n", "made/new": "two\n" };
const home = { ".same": "one\n", ".changed": "two\n", ".new": "two\n" };

/** Others write more than was lost, before a workspace hears of the store: the numbers of versions it knows are taken by then. */
async function others(client, id) {
  for (let i = 0; i < 20; i++) assert.equal((await client.write(`/sessions/${id}/files/theirs-${i}`, `theirs ${i}`)).status, 200);
}

/** Both sides have all of it, and what changed stands on top of what the backup had. */
async function isWhole(server, client, id) {
  sync(server, id);
  for (const [path, text] of Object.entries(files)) {
    assert.equal(inside(server, id, `cat ${path}`), text, path);
    assert.equal((await client.get(`/sessions/${id}/files/${path}`)).body.toString(), text, path);
  }
  for (const [path, text] of Object.entries(home)) assert.equal(inside(server, id, `cat ~/${path}`), text, path);
  const stored = execFileSync("tar", ["xzOf", "-", "--wildcards", "--no-anchored", ".changed", ".new"], { input: (await client.get("/users/me/home/archive")).body, stdio: ["pipe", "pipe", "ignore"] }).toString();
  assert.equal(stored, "two\ntwo\n", "of the home, too");
  for (let i = 0; i < 20; i++) assert.equal(inside(server, id, `cat theirs-${i}`), `theirs ${i}`);
  const versions = (await client.get(`/sessions/${id}/history/changed`)).data.filter(({ size }) => size > 0); // a look at all may see it as it is made
  assert.equal(versions.length, 2);
  assert.equal(inside(server, id, "cat deleted folder/deleted renamed"), "one\none\none\n", "who deleted them that store does not know");
}

for (const run of ["the one of the backup", "a later one"]) test(`a store is restored beneath a workspace that runs on, ${run}: it has all again`, { timeout: 180_000 }, async (t) => {
  const [backup, other] = [folder(), folder()];
  const server = await Server.start({ t });
  const { ada, id } = await work(server, backup, run === "a later one");
  const unknown = (await newSession(ada, "Project B")).id; // to the backup
  await open(ada, unknown);
  inside(server, unknown, "echo two > new");
  sync(server, unknown);
  const { codi2, generation } = stateOf(server, id);
  await halt(t, codi2);
  await server.kill9();
  coditectd("--data", other, "--restore", backup);
  rmSync(join(server.data, "store"), { recursive: true });
  renameSync(join(other, "store"), join(server.data, "store"));
  await server.run();
  await others(ada, id);
  resume(codi2);
  await until("it is connected", async () => { const w = await workspaceOf(ada, id); return w.connected && w.state === "running"; });
  t.diagnostic(`generation ${generation} before, ${stateOf(server, id).generation} after`);
  await isWhole(server, ada, id);
  assert.equal(readFileSync(join(server.data, "workspaces", unknown, "tree/new"), "utf8"), "two\n", "the disk of a session that the store does not know stays");
});

test("the disks of workspaces are brought to a data directory that was restored: what is newer on them is kept", { timeout: 180_000 }, async (t) => {
  const [backup, data] = [folder(), folder()];
  const server = await Server.start({ t });
  const { ada, id } = await work(server, backup);
  assert.equal((await ada.post(`/sessions/${id}/pause`)).status, 200);
  await reaches(ada, id, "stopped");
  await server.kill9();
  coditectd("--data", data, "--restore", backup);
  assert.ok(!existsSync(join(data, "workspaces")));
  renameSync(join(server.data, "workspaces"), join(data, "workspaces"));
  const second = await Server.start({ t, data });
  const hers = new Client(second, ada.token);
  await others(hers, id);
  await open(hers, id);
  await until("it is connected", async () => (await workspaceOf(hers, id)).connected);
  await isWhole(second, hers, id);
});
