// A tenant's plan: set at the operator's door, in force at once, hit by each limit, shown to the people, in the audit log.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, newSession, serverForFile } from "../api/harness.mjs";
import { Cli, person } from "./cli.mjs";

const server = await serverForFile({ args: ["--rate-factor", "1000", "--quota-tenant-members", "9"] });
const ada = await person(server, "ada");
const eve = await person(server, "eve");
const operator = new Cli(server);
const tenant = ada.person.user.tenant_id;
const admin = (...args) => operator.ok("admin", ...args, "--data", server.data);
const limits = (...args) => admin("limits", tenant, ...args, "--json").then((end) => end.json);
const mine = async () => (await ada.person.get("/tenant")).data;

test("tenants: what each has and may have", async () => {
  const all = (await admin("tenants", "--json")).json;
  assert.deepEqual(all.map(({ id }) => id).sort(), [tenant, eve.person.user.tenant_id].sort());
  const { members, sessions, storage, stored, requests, file_requests, socket_requests } = all.find(({ id }) => id === tenant);
  assert.deepEqual(members, { used: 1, limit: 9, own: false });
  assert.deepEqual(sessions, { used: 0, own: false });
  assert.deepEqual([storage, stored], [{ used: 0, own: false }, { used: 0, own: false }]);
  assert.deepEqual(requests, { limit: 100_000, own: false });
  assert.deepEqual([file_requests, socket_requests], [{ limit: 1_200_000, own: false }, { limit: 60_000, own: false }]);
  const { stdout } = await admin("tenants");
  assert.match(stdout, /^ID +MEMBERS +SESSIONS +RUNNING +STORAGE +WITH HISTORY +A SESSION +A HOME +REQUESTS\/MIN +FILES\/MIN +SOCKETS\/MIN +NAME\n(ten-\S+ +1\/9 +0 +0 +0 B +0 B +- +100 MiB +100000 +1200000 +60000 +\w+\n){2}$/);
});

test("each limit holds from the next request on, and for this tenant alone", async () => {
  const kept = await newSession(ada.person);
  const set = await limits("--members", "1", "--sessions", "1", "--running", "1", "--storage", "600KiB", "--stored", "2MiB", "--session-storage", "512 KiB", "--home-storage", "7MiB");
  assert.deepEqual(set.members, { used: 1, limit: 1, own: true });
  assert.deepEqual(set.storage, { used: 0, limit: 600 * 1024, own: true });
  assert.deepEqual((await mine()).usage, { members: { used: 1, limit: 1 }, sessions: { used: 1, limit: 1 }, running: { used: 0, limit: 1 }, bytes: { used: 0, limit: 600 * 1024 }, stored: { used: 0, limit: 2 << 20 } });
  assert.deepEqual((await mine()).limits, { requests_per_minute: 100_000, file_requests_per_minute: 1_200_000, socket_requests_per_minute: 60_000, session_bytes: 512 * 1024, home_bytes: 7 << 20 });
  assert.equal((await eve.person.get("/tenant")).data.limits.home_bytes, 100 << 20, "as the settings say, when they say nothing");

  const invited = await ada.person.post("/tenant/invitations", { email: "mel@example.com", role: "member" });
  assert.deepEqual([invited.status, invited.code], [409, "limit"]);
  const made = await ada.person.post("/sessions", { name: "more" });
  assert.deepEqual([made.status, made.code], [409, "limit"]);
  const noise = Buffer.concat([...bytesOf(700_000, 3)]);
  const put = (who, id, bytes) => who.request("PUT", `/sessions/${id}/files/large`, { body: bytes, expected5xx: true });
  assert.equal((await put(ada.person, kept.id, noise.subarray(0, 400_000))).status, 200);
  assert.deepEqual([(await put(ada.person, kept.id, noise.subarray(0, 550_000)))].map(({ status, code }) => [status, code]), [[507, "quota"]], "of one session");
  await limits("--session-storage", "none");
  await limits("--stored", "900KiB");
  const more = await put(ada.person, kept.id, Buffer.concat([...bytesOf(550_000, 4)]));
  assert.deepEqual([more.status, more.code], [507, "quota"], "of all with its history");
  assert.match(more.json.error.message, /older versions/);
  await limits("--stored", "2MiB");
  assert.equal((await put(ada.person, kept.id, noise.subarray(0, 550_000))).status, 200);
  assert.deepEqual([(await put(ada.person, kept.id, noise))].map(({ status, code }) => [status, code]), [[507, "quota"]], "of the tenant");

  assert.equal((await eve.person.post("/sessions", { name: "a" })).status, 201);
  assert.equal((await eve.person.post("/sessions", { name: "b" })).status, 201);
  assert.deepEqual((await eve.person.get("/tenant")).data.usage.members, { used: 1, limit: 9 });
});

test("requests: as many a minute as the plan says, whatever the factor, and at once", async () => {
  await limits("--requests", "5");
  const first = await ada.person.get("/users/me");
  assert.equal(first.headers["ratelimit-limit"], "5");
  const more = [];
  for (let i = 0; i < 6; i++) more.push(await ada.person.get("/users/me", {}));
  const last = more.at(-1);
  assert.deepEqual([last.status, last.code], [429, "rate_limited"]);
  assert.equal(last.headers["ratelimit-remaining"], "0");
  assert.ok(Number(last.headers["retry-after"]) > 0);
  assert.equal((await eve.person.get("/users/me")).status, 200);
  await limits("--requests", "default");
  assert.equal((await ada.person.get("/users/me")).status, 200);
});

test("requests for files and for sockets: each as many as the plan says, apart from the rest", async () => {
  await limits("--file-requests", "3", "--socket-requests", "2");
  const [{ id }] = (await ada.person.get("/sessions")).data;
  for (const [most, ask] of [[3, () => ada.person.get(`/sessions/${id}/files/large`)], [2, () => ada.person.post("/auth/tickets", { session_id: id })]]) {
    const all = [];
    for (let i = 0; i <= most; i++) all.push(await ask());
    assert.equal(all[0].headers["ratelimit-limit"], String(most));
    assert.equal(all.at(-1).code, "rate_limited");
  }
  assert.equal((await ada.person.get("/users/me")).headers["ratelimit-limit"], "100000");
  const { limits: shown } = await mine();
  assert.deepEqual([shown.file_requests_per_minute, shown.socket_requests_per_minute], [3, 2]);
  await limits("--file-requests", "default", "--socket-requests", "default");
  assert.equal((await ada.person.get(`/sessions/${id}/files/large`)).status, 200);
});

test("it stays over a restart, goes with default, and is in the tenant's audit log", async () => {
  await server.kill9();
  await server.run();
  assert.deepEqual((await mine()).usage.sessions, { used: 1, limit: 1 });
  const shown = (await admin("limits", tenant)).stdout;
  assert.match(shown, /^LIMIT +USED +MOST +FROM\nmembers +1 +1 +plan\nsessions +1 +1 +plan\nrunning +0 +1 +plan\nstorage +537 KiB +600 KiB +plan\nstored +\S+ [KM]iB +2.0 MiB +plan\nsession-storage +- +no limit +plan\nhome-storage +- +7.0 MiB +plan\nrequests +- +100000 +settings\nfile-requests +- +1200000 +settings\nsocket-requests +- +60000 +settings\n$/);
  assert.match((await admin("tenants")).stdout, / 1\/1\* +1\/1\* +0\/1\* +537 KiB\/600 KiB\* +\S+ [KM]iB\/2.0 MiB\* +\* +7.0 MiB\* +100000 +1200000 +60000 /);
  const all = ["members", "sessions", "running", "storage", "stored", "session-storage", "home-storage"].flatMap((name) => [`--${name}`, "default"]);
  assert.ok(Object.values(await limits(...all)).every((value) => value?.own !== true));
  assert.deepEqual((await mine()).usage.members, { used: 1, limit: 9 });
  const records = (await ada.person.get("/audit?action=tenant.limits")).data;
  assert.deepEqual(records.map(({ changed }) => changed), ["members,sessions,running,storage,stored,session_storage,home_storage", "file_requests,socket_requests", "file_requests,socket_requests", "requests", "requests", "stored", "stored", "session_storage", "members,sessions,running,storage,stored,session_storage,home_storage"]);
  assert.ok(records.every(({ actor_id, address, target, outcome }) => actor_id === undefined && address === "console" && target === tenant && outcome === "ok"));
  assert.deepEqual((await eve.person.get("/audit?action=tenant.limits")).data, []);
  assert.match((await admin("check")).stdout, / 0 faults\n$/);
});

test("what is no tenant or no limit is refused, with a word", async () => {
  const refused = (status, says, ...args) => operator.fails(status, says, "admin", "limits", ...args, "--data", server.data);
  await refused(4, /no such tenant/, `ten-${"0".repeat(26)}`);
  await refused(4, /no such tenant/, `ten-${"0".repeat(26)}`, "--members", "3");
  await refused(2, /ten-/, "ada@example.com");
  await refused(2, /requests always have one/, tenant, "--requests", "none");
  for (const bad of ["0", "-1", "x", "", "99999999999999999999", "1.5"]) await refused(2, /members must be a number/, tenant, "--members", bad);
  for (const bad of ["0", "GiB", "1XB", "1GiBs", "5000P", "-1"]) await refused(2, /storage must be a size/, tenant, "--storage", bad);
  assert.deepEqual((await limits()).members, { used: 1, limit: 9, own: false });
  await eve.fails(6, /no server runs|named/, "admin", "tenants", "--data", eve.files);
});
