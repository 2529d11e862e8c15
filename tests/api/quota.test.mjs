// Storage limits over the API: 507 with words, nothing cut short, deleting goes on, and room is room again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile({ args: ["--rate-factor", "100000", "--quota-session", "1", "--quota-tenant", "2"] });
const noise = (length) => Buffer.concat([...bytesOf(length, 3)]);
const large = noise(900_000);

test("a session's limit, then the tenant's", async () => {
  const ada = await server.account("ada");
  const session = await newSession(ada);
  const files = `/sessions/${session.id}/files`;
  const write = (path, body) => ada.write(`${files}/${path}`, body, { expected5xx: true });
  assert.equal((await write("one", large)).status, 200);
  for (const body of [large, noise(200_000), noise(150_000)]) {
    const refused = await write("two", body);
    assert.deepEqual([refused.status, refused.code], [507, "quota"]);
    assert.match(refused.json.error.message, /storage limit of this session/);
    assert.equal((await ada.get(`${files}/two`)).status, 404);
  }
  const copied = await ada.post(`${files}:copy`, { from: "one", to: "copy" }, { expected5xx: true });
  assert.deepEqual([copied.status, copied.code], [507, "quota"]);
  assert.equal((await write("one", large.subarray(0, 800_000))).status, 200, "what shrinks is taken");
  assert.equal((await write("small", "x")).status, 200);
  assert.equal((await ada.delete(`${files}/one`)).status, 200);
  assert.equal((await write("two", large)).status, 200, "and there is room again");
  for (const [name, size, status] of [["Second", 900_000, 200], ["Third", 400_000, 507]]) {
    const other = await newSession(ada, name);
    const reply = await ada.write(`/sessions/${other.id}/files/f`, noise(size), { expected5xx: true });
    assert.equal(reply.status, status, name);
    if (status === 507) assert.match(reply.json.error.message, /storage limit of your organization/);
  }
  const eve = await server.account("eve");
  const theirs = await newSession(eve);
  assert.equal((await eve.write(`/sessions/${theirs.id}/files/f`, large)).status, 200, "a tenant's limit is its own");
});
