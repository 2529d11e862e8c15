// A disk that is almost full, with the limits that an operator sets: first nothing more is started or uploaded, then the
// largest workspaces are paused, and all goes on when there is space again. The disk is a tmpfs in a mount namespace of the
// server's: root only.
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync, statfsSync, writeSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bytesOf, newSession, Server, until } from "../api/harness.mjs";

const skip = process.getuid() === 0 ? false : "needs root: a small disk of its own";
const MIB = 1 << 20;
const SIZE = 400;
const LOW = 100;
const SCARCE = 50;

/** Leaves so many MiB free in the directory. */
function fill(directory, left) {
  const file = openSync(join(directory, "filler"), "a");
  const piece = Buffer.alloc(MIB);
  while (statfsSync(directory).bavail * statfsSync(directory).bsize > left * MIB) writeSync(file, piece);
  closeSync(file);
}

/** A server whose disk has SIZE MiB, and the way to that disk. */
async function onSmallDisk(t, limits) {
  const data = mkdtempSync(join(tmpdir(), "coditect-pressure-"));
  const mount = `mount -t tmpfs -o size=${SIZE}m,mode=755 none ${data} && exec "$@"`;
  const server = await Server.start({
    t,
    data,
    before: ["unshare", "--mount", "sh", "-c", mount, "sh"],
    args: ["--rate-factor", "100000", "--store-reserve", "16", ...Object.entries(limits).flatMap(([name, value]) => [name, `${value}`])],
  });
  return { server, disk: join("/proc", String(server.child.pid), "root", data) };
}

/** All that needs much room says no, in the same words. */
async function refuses(me, stopped, held) {
  const asked = {
    open: (options) => me.post(`/sessions/${stopped.id}/open`, undefined, options),
    save: (options) => me.write(`/sessions/${held.id}/files/b`, "more", options),
    fork: (options) => me.post(`/sessions/${held.id}/fork`, {}, options),
    unpack: (options) => me.request("POST", `/sessions/${held.id}/archive`, { ...options, body: Buffer.alloc(1024) }),
    copy: (options) => me.post(`/sessions/${held.id}/files:copy`, { from: "a", to: "copied" }, options),
    rewind: (options) => me.post(`/sessions/${held.id}/files:restore`, { path: "a", at: 1 }, options),
  };
  for (const [what, ask] of Object.entries(asked)) {
    const { status, code } = await ask({ expected5xx: true });
    assert.deepEqual([status, code], [507, "disk_low"], what);
  }
}

test("first nothing starts, then the largest go", { skip, timeout: 180_000 }, async (t) => {
  const { server, disk } = await onSmallDisk(t, { "--disk-low": LOW, "--disk-low-percent": 0, "--disk-scarce": SCARCE });
  const me = await server.account("pressed");
  const [small, large, later] = [await newSession(me, "Small"), await newSession(me, "Large"), await newSession(me, "Later")];
  assert.equal((await me.write(`/sessions/${large.id}/files/big`, Buffer.concat([...bytesOf(3 * MIB)]))).status, 200);
  assert.equal((await me.write(`/sessions/${small.id}/files/a`, "small")).status, 200);
  const workspaceOf = async ({ id }) => (await me.get(`/sessions/${id}`)).data.workspace;
  const reach = (session, state) => until(`${session.name} is ${state}`, async () => (await workspaceOf(session)).state === state, 60_000);
  for (const one of [small, large]) assert.equal((await me.post(`/sessions/${one.id}/open`)).status, 202);
  for (const one of [small, large]) await reach(one, "running");

  fill(disk, LOW - 20);
  await refuses(me, later, small);
  assert.equal((await me.post(`/sessions/${small.id}/open`)).status, 202, "it runs already");
  assert.equal((await me.get(`/sessions/${small.id}/files/a`)).body.toString(), "small");
  assert.equal((await me.put(`/sessions/${later.id}`, { name: "Later still" })).status, 200);
  assert.equal((await me.delete(`/sessions/${small.id}/files/a`)).status, 200);
  assert.equal((await workspaceOf(large)).state, "running", "low is not scarce");

  fill(disk, SCARCE - 10);
  await reach(large, "stopped");
  const shown = await workspaceOf(large);
  assert.match(shown.message, /^Paused because the server's disk is almost full\./);
  assert.equal((await me.get(`/sessions/${large.id}`)).data.status, "paused");
  await reach(small, "stopped");
  assert.match((await workspaceOf(small)).message, /almost full/);
  const order = () => [...server.log.matchAll(/(ses-\w+) is paused: the disk is almost full/g)].map((line) => line[1]);
  await until("both are in the log", () => order().length >= 2);
  assert.deepEqual(order(), [large.id, small.id]);

  rmSync(join(disk, "filler"));
  assert.equal((await me.write(`/sessions/${small.id}/files/b`, "more")).status, 200);
  assert.equal((await me.post(`/sessions/${large.id}/open`)).status, 202);
  await reach(large, "running");
  assert.equal((await workspaceOf(large)).message, undefined);
  assert.equal((await me.post(`/sessions/${large.id}/pause`)).status, 200);
  await reach(large, "stopped");
  assert.equal((await workspaceOf(large)).message, undefined, "paused by the person");
  await server.stop();
  rmSync(server.data, { recursive: true });
});

test("a part of the disk is a limit too", { skip, timeout: 60_000 }, async (t) => {
  const { server, disk } = await onSmallDisk(t, { "--disk-low": 0, "--disk-low-percent": 25, "--disk-scarce": 0 });
  const me = await server.account("parted");
  const [held, stopped] = [await newSession(me, "Held"), await newSession(me, "Stopped")];
  fill(disk, SIZE / 4 + 20);
  assert.equal((await me.write(`/sessions/${held.id}/files/a`, "enough room")).status, 200);
  fill(disk, SIZE / 4 - 20);
  await refuses(me, stopped, held);
  rmSync(join(disk, "filler"));
  assert.equal((await me.write(`/sessions/${held.id}/files/a`, "room again")).status, 200);
  await server.stop();
  rmSync(server.data, { recursive: true });
});

test("what comes in without an end is ended before it fills the disk", { skip, timeout: 120_000 }, async (t) => {
  const { server, disk } = await onSmallDisk(t, { "--disk-low": LOW, "--disk-low-percent": 0, "--disk-scarce": SCARCE });
  const me = await server.account("endless");
  const { id } = await newSession(me);
  const options = { host: "127.0.0.1", port: server.port, method: "PUT", path: `/api/v5/sessions/${id}/files/endless` };
  const put = request({ ...options, headers: { Authorization: `Bearer ${me.token}`, "Transfer-Encoding": "chunked" } });
  const answered = new Promise((resolve, reject) => put.on("response", resolve).on("error", reject));
  await new Promise((taken) => put.write(Buffer.concat([...bytesOf(24 * MIB)]), taken)); // more than lies in any socket: it is being taken
  fill(disk, LOW - 1);
  put.write(Buffer.concat([...bytesOf(2 * MIB, 2)])); // and it would go on
  assert.equal((await answered).statusCode, 507);
  put.destroy();
  rmSync(join(disk, "filler"));
  assert.equal((await me.get(`/sessions/${id}/files/endless`)).status, 404);
  await server.stop();
  rmSync(server.data, { recursive: true });
});

/** Whether the server holds a file in which a zip archive waits: one of no name, which is gone when it is closed. */
function holdsArchive(server) {
  const directory = `/proc/${server.serverPid}/fd`;
  return readdirSync(directory).some((fd) => {
    try {
      return readlinkSync(join(directory, fd)).includes("/unpack-");
    } catch {
      return false; // closed meanwhile
    }
  });
}

test("a zip archive that comes in is ended before it fills the disk, and leaves nothing", { skip, timeout: 120_000 }, async (t) => {
  const { server, disk } = await onSmallDisk(t, { "--disk-low": LOW, "--disk-low-percent": 0, "--disk-scarce": SCARCE });
  const me = await server.account("zipped");
  const { id } = await newSession(me);
  const options = { host: "127.0.0.1", port: server.port, method: "POST", path: `/api/v5/sessions/${id}/archive` };
  const post = request({ ...options, headers: { Authorization: `Bearer ${me.token}`, "Transfer-Encoding": "chunked" } });
  const answered = new Promise((resolve, reject) => post.on("response", resolve).on("error", reject));
  post.write(Buffer.concat([Buffer.from("PK\x03\x04"), ...bytesOf(4 * MIB)]));
  await until("it is being taken", () => holdsArchive(server));
  fill(disk, LOW - 1);
  post.end(Buffer.concat([...bytesOf(2 * MIB, 2)]));
  assert.equal((await answered).statusCode, 507);
  assert.equal(holdsArchive(server), false);
  post.destroy();
  rmSync(join(disk, "filler"));
  assert.equal((await me.write(`/sessions/${id}/files/after`, "room again")).status, 200);
  await server.stop();
  rmSync(server.data, { recursive: true });
});
