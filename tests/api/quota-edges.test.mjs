// Storage limits at their very byte, by every way that bytes come in, also when many come at once; the counters afterwards.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { request } from "node:http";
import { test } from "node:test";
import { bytesOf, newSession, serverForFile, until } from "./harness.mjs";

const most = 1 << 20;
const server = await serverForFile({ args: ["--rate-factor", "100000", "--quota-session", "1", "--quota-tenant", "3"] });
const noise = (length, seed = 5) => Buffer.concat([...bytesOf(length, seed)]);
const hard = { expected5xx: true };

/** One file in a tar archive. */
const pack = (name, bytes) => execFileSync("python3", ["-c", `
import io, sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz")
info = tarfile.TarInfo(sys.argv[1])
content = sys.stdin.buffer.read()
info.size = len(content)
out.addfile(info, io.BytesIO(content))
out.close()`, name], { input: bytes, maxBuffer: 8 << 20 });

/** What the session says it holds is what its files are. */
async function counted(client, id) {
  const { files, bytes } = (await client.get(`/sessions/${id}`)).data;
  const list = (await client.get(`/sessions/${id}/files?recursive=true&limit=1000`)).data.filter(({ type }) => type !== "dir");
  assert.deepEqual([files, bytes], [list.length, list.reduce((sum, { size }) => sum + size, 0)]);
  return bytes;
}

/** In pieces, without a length. */
function chunked(client, path, bytes) {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${client.token}`, "Transfer-Encoding": "chunked" };
    const put = request({ host: "127.0.0.1", port: server.port, method: "PUT", path: `/api/v5${path}`, headers }, (reply) => {
      reply.resume().on("end", () => resolve({ status: reply.statusCode }));
    });
    put.on("error", reject);
    for (let at = 0; at < bytes.length; at += 100_000) put.write(bytes.subarray(at, at + 100_000));
    put.end();
  });
}

const ways = {
  "a file": (client, base, bytes) => client.write(`${base}/files/new`, bytes, hard),
  "a file without a length": (client, base, bytes) => chunked(client, `${base}/files/new`, bytes),
  "an archive": (client, base, bytes) => client.request("POST", `${base}/archive`, { body: pack("new", bytes), ...hard }),
  "a hard link of an archive": async (client, base, bytes) => {
    assert.equal((await client.write(`${base}/files/first`, bytes.subarray(0, bytes.length >> 1))).status, 200);
    return client.request("POST", `${base}/archive`, { body: execFileSync("python3", ["-c", `
import io, sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz")
if ${bytes.length} % 2:
    info = tarfile.TarInfo("odd"); info.size = 1
    out.addfile(info, io.BytesIO(b"x"))
info = tarfile.TarInfo("new"); info.type = tarfile.LNKTYPE; info.linkname = "first"
out.addfile(info)
out.close()`]), ...hard });
  },
  "a copy": async (client, base, bytes) => {
    const half = bytes.length >> 1;
    assert.equal((await client.write(`${base}/files/folder/first`, bytes.subarray(0, half))).status, 200);
    if (bytes.length % 2) assert.equal((await client.write(`${base}/files/odd`, "x")).status, 200);
    return client.post(`${base}/files:copy`, { from: "folder", to: "again" }, hard);
  },
  "a version": async (client, base, bytes) => {
    const { version } = (await client.write(`${base}/files/new`, bytes.subarray(0, most))).data;
    const rest = bytes.length - most; // what stands beside it when it comes back
    await client.write(`${base}/files/new`, "");
    await client.write(`${base}/files/beside`, Buffer.alloc(Math.max(rest, 0)));
    return client.post(`${base}/history/new:restore`, { version }, hard);
  },
  "a folder as of a moment": async (client, base, bytes) => {
    await client.write(`${base}/files/folder/new`, bytes.subarray(0, most));
    const { version } = (await client.delete(`${base}/files/folder?recursive=true`)).data;
    await client.write(`${base}/files/beside`, Buffer.alloc(Math.max(bytes.length - most, 0)));
    return client.post(`${base}/files:restore`, { path: "folder", at: version - 1 }, hard);
  },
};

for (const [name, way] of Object.entries(ways)) {
  test(`${name}: one byte less, just as much, one byte more`, async () => {
    for (const more of [-1, 0, 1]) {
      const ada = await server.account("edges");
      const { id } = await newSession(ada, name);
      const reply = await way(ada, `/sessions/${id}`, noise(most + more));
      assert.equal(reply.status < 300, more <= 0, `${more}: ${reply.status} ${reply.text?.()}`);
      if (more > 0) assert.equal(reply.status, 507);
      const whole = async () => (await ada.get(`/sessions/${id}`)).data.bytes === most + more;
      if (more <= 0) await until("all of it is there", whole);
      assert.ok((await counted(ada, id)) <= most);
    }
  });
}

test("a folder that the organization has no room for is copied not at all", async () => {
  const ada = await server.account("edges");
  const sessions = await Promise.all(["First", "Second", "Third", "Fourth"].map((name) => newSession(ada, name)));
  for (const [i, bytes] of [most, most, 10_000].entries()) assert.equal((await ada.write(`/sessions/${sessions[i].id}/files/f`, noise(bytes))).status, 200);
  const base = `/sessions/${sessions[3].id}`;
  const names = Array.from({ length: 300 }, (_, i) => `folder/${i}`); // more than a transaction of a copy takes
  for (const name of names) assert.equal((await ada.write(`${base}/files/${name}`, noise(1733))).status, 200);
  const reply = await ada.post(`${base}/files:copy`, { from: "folder", to: "again" }, hard);
  assert.deepEqual([reply.status, reply.code], [507, "quota"]);
  assert.match(reply.json.error.message, /storage limit of your organization/);
  assert.equal((await ada.get(`${base}/files/again`)).status, 404);
  assert.equal(await counted(ada, sessions[3].id), 300 * 1733);
});

test("a fork of a moment counts what the session held then, to the byte", async () => {
  const [large, small] = [900_000, 10];
  for (const then of [large, small]) {
    const now = then === large ? small : large;
    const ada = await server.account("moments");
    const origin = `/sessions/${(await newSession(ada)).id}`;
    const { version } = (await ada.write(`${origin}/files/a/changes`, noise(then))).data;
    await ada.write(`${origin}/files/a/changes`, noise(now));
    for (const name of ["Second", "Third"]) assert.equal((await ada.write(`/sessions/${(await newSession(ada, name)).id}/files/f`, noise(most))).status, 200);
    const rest = `/sessions/${(await newSession(ada, "Fourth")).id}/files/rest`;
    const fork = (at) => ada.post(`${origin}/fork`, { name: "Fork", at }, hard);
    assert.equal((await ada.write(rest, noise(most - now - then + 1))).status, 200);
    const refused = await fork(version);
    assert.deepEqual([refused.status, refused.code], [507, "quota"], `${then}`);
    if (then === small) assert.equal((await fork()).status, 507, "what it holds now has no room either");
    assert.equal((await ada.write(rest, noise(most - now - then))).status, 200);
    const made = await fork(version);
    assert.equal(made.status, 202, made.text());
    await until("it is whole", async () => (await ada.get(`/sessions/${made.data.id}`)).data.status === "active");
    assert.equal(await counted(ada, made.data.id), then);
    assert.equal((await ada.write(`${origin}/files/more`, "x", hard)).status, 507, "that was the last byte");
  }
});

test("what nobody has room for is refused while it comes, not when all of it is stored", async () => {
  const ada = await server.account("endless");
  const { id } = await newSession(ada);
  const files = `/sessions/${id}/files`;
  await ada.write(`${files}/old`, noise(most));
  for (const [path, room] of [["new", 0], ["folder/new", 0], ["old", most]]) {
    const headers = { Authorization: `Bearer ${ada.token}`, "Transfer-Encoding": "chunked" };
    const put = request({ host: "127.0.0.1", port: server.port, method: "PUT", path: `/api/v5${files}/${path}`, headers });
    const answered = new Promise((resolve, reject) => put.on("response", resolve).on("error", reject));
    put.write(noise(room + 300_000)); // and no end
    const reply = await answered;
    assert.equal(reply.statusCode, 507, path);
    put.destroy();
  }
  assert.equal(await counted(ada, id), most);
  assert.equal((await ada.write(`${files}/old`, noise(most, 9))).status, 200, "what takes no more than was there is taken");
});

test("many that fit alone and pass the limit together", async () => {
  const ada = await server.account("crowd");
  const sessions = [await newSession(ada), await newSession(ada), await newSession(ada), await newSession(ada)];
  const isArchive = (i) => i % 3 === 2;
  const bodies = []; // all of them first: who connects has ten seconds for a head
  for (let i = 0; i < 64; i++) {
    const bytes = noise(120_000 + i, i + 1);
    bodies.push(isArchive(i) ? pack(`a${i}`, bytes) : bytes);
    await new Promise(setImmediate); // a connection that rests too long meanwhile is heard to end
  }
  const tries = bodies.map((body, i) => {
    const base = `/sessions/${sessions[i % 4].id}`;
    return isArchive(i) ? ada.request("POST", `${base}/archive`, { body, ...hard }) : ada.write(`${base}/files/f${i}`, body, hard);
  });
  const replies = await Promise.all(tries);
  for (const { status, code } of replies) assert.ok(status === 200 || (status === 507 && code === "quota"), `${status} ${code}`);
  let total = 0;
  for (const { id } of sessions) {
    const bytes = await counted(ada, id);
    assert.ok(bytes <= most, `${bytes}`);
    total += bytes;
  }
  assert.ok(total <= 3 * most && total > 3 * most - 120_064, `${total}`);

  // What is taken away makes room at once, to the byte: of a session that is deleted only when it is gone for good.
  const [first, second] = sessions;
  for (const { path } of (await ada.get(`/sessions/${first.id}/files`)).data) assert.equal((await ada.delete(`/sessions/${first.id}/files/${path}`)).status, 200);
  assert.equal(await counted(ada, first.id), 0);
  const room = 3 * most - total + (total - (await counted(ada, second.id)) - (await counted(ada, sessions[2].id)) - (await counted(ada, sessions[3].id)));
  const exact = Math.min(room, most);
  assert.equal((await ada.write(`/sessions/${first.id}/files/rest`, noise(exact + 1), hard)).status, 507);
  assert.equal((await ada.write(`/sessions/${first.id}/files/rest`, noise(exact))).status, 200);
});
