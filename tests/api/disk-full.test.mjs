// A full disk, seen from outside: what takes things away or keeps a person's state goes on, the rest says 507 and loses
// nothing, and all goes on when there is room again. The disk is a tmpfs in a mount namespace of the server's: root only.
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bytesOf, newSession, Server, until } from "./harness.mjs";

const skip = process.getuid() === 0 ? false : "needs root: a small disk of its own";

/** Takes all that is left; answers the file. */
function fill(directory) {
  const name = join(directory, "filler");
  const file = openSync(name, "w");
  for (const size of [4 << 20, 4096]) {
    const piece = Buffer.alloc(size);
    try {
      for (;;) writeSync(file, piece);
    } catch (error) {
      assert.equal(error.code, "ENOSPC");
    }
  }
  closeSync(file);
  return name;
}

test("what frees space and keeps state goes on", { skip }, async (t) => {
  const data = mkdtempSync(join(tmpdir(), "coditect-full-"));
  const mount = `mount -t tmpfs -o size=640m,mode=755 none ${data} && exec "$@"`;
  const server = await Server.start({
    t,
    data,
    before: ["unshare", "--mount", "sh", "-c", mount, "sh"],
    // Only what happens to a disk that is full to its last byte: tests/store/disk-pressure.test.mjs has the steps before.
    args: ["--rate-factor", "100000", "--disk-low", "0", "--disk-low-percent", "0", "--disk-scarce", "0"],
  });
  const me = await server.account("full");
  const [one, two] = [await newSession(me, "One"), await newSession(me, "Two")];
  const noise = Buffer.concat([...bytesOf(60_000)]);
  const kept = [];
  for (const name of ["a", "b"]) {
    assert.equal((await me.write(`/sessions/${one.id}/files/${name}`, noise)).status, 200);
    kept.push(name);
  }
  const filler = fill(join("/proc", String(server.child.pid), "root", data));
  let reply;
  for (let i = 0; reply?.status !== 507; i++) {
    assert.ok(i < 2000, "the disk is never full");
    const bytes = Buffer.concat([...bytesOf(60_000, i + 2)]);
    reply = await me.write(`/sessions/${one.id}/files/n${i}`, bytes, { expected5xx: true });
    if (reply.status === 200) kept.push(`n${i}`);
  }
  assert.equal(reply.code, "no_space");
  assert.equal((await me.post("/sessions", { name: "Three" }, { expected5xx: true })).status, 507);

  for (const name of kept) assert.equal((await me.get(`/sessions/${one.id}/files/${name}`)).status, 200, name);
  assert.equal((await me.delete(`/sessions/${one.id}/files/a`)).status, 200);
  assert.equal((await me.get(`/sessions/${one.id}/files/a`)).status, 404);
  assert.equal((await me.post(`/sessions/${one.id}/pause`)).data.status, "paused");
  assert.equal((await me.delete(`/sessions/${two.id}`)).status, 200);
  const { email, password } = me;
  const again = await me.post("/auth/login", { email, password });
  assert.equal(again.status, 200);
  assert.equal((await me.post("/auth/refresh", { refresh_token: again.data.refresh_token })).status, 200);
  assert.equal((await me.post("/auth/logout", {})).status, 200);
  assert.equal((await me.get("/users/me")).status, 401);

  rmSync(filler);
  me.token = again.data.token;
  await until("writes go on", async () => {
    const write = await me.write(`/sessions/${one.id}/files/later`, noise, { expected5xx: true });
    return write.status === 200;
  });
  for (const name of kept.slice(1)) assert.equal((await me.get(`/sessions/${one.id}/files/${name}`)).status, 200, name);
  await server.stop();
  rmSync(data, { recursive: true });
});
