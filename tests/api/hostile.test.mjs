// What a hostile or broken client sends: never a 5xx, never outside the session, never another meaning than the one shown.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { call, Client, encodeBytes, newSession, root, serverForFile, sharedData } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const session = await newSession(ada);
const files = `/sessions/${session.id}/files`;
const raw = (method, path, options) => call(server.port, method, path, { token: ada.token, agent: server.agent, ...options });

/** The names that a strict reading of the path gives, or undefined when it must be refused. */
function strict(path) {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  const names = path.split("/").map((part) => decode(part));
  const bad = (name) => name.length === 0 || name.length > 255 || name.includes(0x2f) || name.includes(0) || [".", ".."].includes(name.toString("latin1"));
  const total = names.reduce((sum, name) => sum + name.length + 1, -1);
  return names.some(bad) || total > 4096 || names.length > 256 ? undefined : names;
}

function decode(part) {
  const bytes = [];
  for (let i = 0; i < part.length; i++) {
    if (part[i] === "%") {
      bytes.push(Number.parseInt(part.slice(i + 1, i + 3), 16));
      i += 2;
    } else {
      bytes.push(...Buffer.from(part[i], "latin1"));
    }
  }
  return Buffer.from(bytes);
}

/** Characters that node's client itself would refuse to send are encoded; everything else goes out as it stands. */
const sendable = (text) => [...Buffer.from(text)].map((byte) => (byte > 0x20 && byte < 0x7f && byte !== 0x23 && byte !== 0x3f ? String.fromCharCode(byte) : encodeBytes([byte]))).join("");

test("path segments are read by the byte", async () => {
  const bad = ["", ".", "..", "a/", "/a", "a//b", "a/./b", "a/../b", "%2e", "%2E%2e", "a%2Fb", "a%2fb", "%00", "a%00b", "..%2f..%2fetc%2fpasswd", "a/%2e%2e/b", "%", "%2", "%zz", "a%"];
  for (const path of bad) {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const reply = await raw(method, `/api/v5${files}/${path}`, { body: method === "PUT" ? "x" : undefined });
      assert.equal(reply.status, 400, `${method} ${path}: ${reply.status}`);
    }
    assert.equal((await raw("GET", `/api/v5/sessions/${session.id}/history/${path}`)).status, 400, path);
  }
  for (const path of ["...", "..a", "a..", "%252e%252e", "a%5C..%5Cb", "%c0%ae%c0%ae"]) {
    assert.equal((await raw("PUT", `/api/v5${files}/${path}`, { body: "x" })).status, 200, path);
  }
  assert.equal((await raw("GET", `/api/v5/sessions/${session.id}/../${session.id}`)).status, 404);
  assert.equal((await raw("GET", `/api/v5/%73essions/${session.id}`)).status, 404);
  assert.equal((await raw("GET", `/api//v5/sessions/${session.id}`)).status, 404);
  assert.equal((await raw("GET", `/api/v5/sessions/${session.id}/`)).status, 404);
});

test("2,000 traversal payloads, all 22,000 with CODITECT_TEST_ALL=1, never lead outside", { timeout: 1_200_000 }, async (t) => {
  const [deep, directory, long] = ["deep_traversal", "directory_traversal", "dotdotpwn"].map((name) => sharedData(`traversal/${name}.txt`)?.split("\n").filter((line) => line.length > 0));
  if ([deep, directory, long].includes(undefined)) return t.skip("../shared/data/traversal is not there");
  const each = process.env.CODITECT_TEST_ALL === "1" ? 1 : Math.ceil(long.length / 1000);
  const sample = [...deep, ...directory, ...long.filter((_, i) => i % each === 0)];
  const counts = { GET: {}, PUT: {}, mkdir: {}, move: {}, copy: {}, rewind: {}, address: {}, query: {} };
  const base = `/sessions/${session.id}`;
  const guest = new Client(server, (await ada.post(`${base}/links`, { name: "guest" })).data.token);
  // Where else the rest of an address is a path, and where one stands behind the '?'.
  const addresses = [[ada, (path) => `${base}/history/${path}`], [ada, (path) => `${base}/diff/${path}?from=1`], [ada, (path) => `/users/me/home/files/${path}`], [ada, (path) => `/users/me/home/history/${path}`], [guest, (path) => `/shared/files/${path}`]];
  const queries = [[ada, "POST", `${base}/archive`], [ada, "GET", `${base}/changes`], [ada, "GET", "/users/me/home/files"], [ada, "GET", "/users/me/home/changes"], [guest, "GET", "/shared/files"]];
  const count = (what, { status }) => { counts[what][status] = (counts[what][status] ?? 0) + 1; };
  const one = async (line) => {
    const path = sendable(line);
    const names = strict(path);
    const reply = await raw("GET", `/api/v5${files}/${path}`);
    count("GET", reply);
    // What no address may contain is refused before anybody looks at the path.
    const malformed = /[^A-Za-z0-9\-._~!$&'()*+,;=:@%/]/.test(path);
    assert.ok(reply.status === (names === undefined ? 400 : 404) || (malformed && reply.status === 400), `${path}: ${reply.status}`);
    assert.ok(!reply.text().includes("root:"));
    const asQuery = await raw("GET", `/api/v5${files}?path=${encodeURIComponent(line)}`);
    assert.ok([200, 400, 404, 409].includes(asQuery.status), `${line}: ${asQuery.status}`);
    for (const [by, address] of addresses) {
      const other = await by.get(address(path));
      count("address", other);
      assert.ok(names === undefined ? other.status === 400 : [400, 404].includes(other.status), `${address(path)}: ${other.status}`);
    }
    const dots = line.split("/").some((name) => name === "" || name === "." || name === "..");
    for (const [by, method, address] of queries) {
      const other = await by.request(method, `${address}?path=${encodeURIComponent(line)}`);
      count("query", other);
      assert.ok(dots ? other.status === 400 : [200, 400, 404, 409].includes(other.status), `${method} ${address}?path=${line}: ${other.status}`);
      if (dots) assert.ok("path" in other.json.error.fields, `${method} ${address}?path=${line}: ${other.text()}`);
    }
    // Whatever the address looks like, it is one of our replies and no file of the machine.
    const atRoot = await raw("GET", `/${path}`);
    assert.ok(!atRoot.text().includes("root:x:"), path);
  };
  const write = async (line) => {
    const path = sendable(line);
    const names = strict(path);
    const put = await raw("PUT", `/api/v5${files}/${path}`, { body: "x" });
    count("PUT", put);
    assert.ok(names === undefined ? put.status === 400 : [200, 400, 409].includes(put.status), `PUT ${path}: ${put.status}`);
    const dots = line.split("/").some((name) => name === "" || name === "." || name === "..");
    for (const [what, json] of [["mkdir", { path: line }], ["move", { from: "moves", to: line }], ["copy", { from: "copies", to: line }], ["copy", { from: line, to: "copied" }], ["rewind", { path: line, at: 1 }]]) {
      const made = await ada.post(`${files}:${what === "rewind" ? "restore" : what}`, json);
      count(what, made);
      assert.ok(dots ? made.status === 400 : [200, 201, 400, 404, 409].includes(made.status), `${what} ${line}: ${made.status}`);
      if (what === "move" && made.status === 200) await ada.post(`${files}:mkdir`, { path: "moves" });
    }
  };
  assert.ok((await ada.post(`${files}:mkdir`, { path: "moves" })).status < 300);
  assert.equal((await ada.write(`${files}/copies`, "x")).status, 200);
  for (const way of [one, write]) for (let i = 0; i < sample.length; i += 40) await Promise.all(sample.slice(i, i + 40).map(way));
  // Each way met what it refuses and what it takes: a name that only looks like a way out is one.
  assert.ok(counts.GET[400] > 0 && counts.GET[404] > 0 && counts.PUT[400] > 0 && counts.PUT[200] > 0 && ["mkdir", "move", "copy", "rewind", "address", "query"].every((what) => counts[what][400] > 0) && counts.copy[201] > 0, JSON.stringify(counts));
  for (let cursor = ""; cursor !== undefined;) {
    const { status, data, json } = await ada.get(`${files}?recursive=true&limit=1000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    assert.equal(status, 200, JSON.stringify(json));
    assert.ok(data.every((entry) => !entry.path.startsWith("/") && entry.path.split("/").every((name) => !["", ".", ".."].includes(name))));
    cursor = json.page.next ?? undefined;
  }
});

test("naughty strings are kept byte for byte or refused cleanly", async (t) => {
  const text = sharedData("naughty-strings/blns.json");
  if (text === undefined) return t.skip("../shared/data/naughty-strings is not there");
  const own = await newSession(ada, "naughty");
  const base = `/sessions/${own.id}`;
  let kept = 0;
  const searched = {};
  /** That a list finds what has the name, or says that it is none to look for: too long, or with control characters. */
  const find = async (list, { id }, name) => {
    const isWords = [...name].length <= 100 && /^[^\u0000-\u001f\u007f]+$/.test(name);
    for (let cursor = ""; ;) {
      const reply = await ada.get(`${list}?limit=100&q=${encodeURIComponent(name)}${cursor}`);
      assert.equal(reply.status, isWords ? 200 : 400, `${list} ${JSON.stringify(name)}: ${reply.text()}`);
      if (!isWords) return assert.deepEqual(Object.keys(reply.json.error.fields), ["q"]);
      if (reply.data.some((each) => each.id === id)) break;
      assert.notEqual(reply.json.page.next, null, `${list}, looking for ${JSON.stringify(name)}`);
      cursor = `&cursor=${reply.json.page.next}`;
    }
    searched[list] = (searched[list] ?? 0) + 1;
  };
  /** Makes a thing of the name, which its lists find, and deletes it. */
  const named = async (base, s, body, lists) => {
    const made = await ada.post(base, { ...body, name: s });
    if (made.status !== 201) return assert.equal(made.status, 400, `${base} ${JSON.stringify(s)}`);
    assert.ok([s, s.trim()].includes(made.data.name), `${base} ${JSON.stringify(s)}`);
    assert.equal((await ada.get(`${base}/${made.data.id}`)).data.name, made.data.name);
    for (const list of lists) await find(list, made.data, made.data.name);
    assert.equal((await ada.delete(`${base}/${made.data.id}`)).status, 200);
  };
  const one = async (s) => {
    await named("/sessions", s, {}, ["/sessions", "/tenant/sessions"]);
    await named("/projects", s, {}, ["/projects"]);
    await named("/conversations", s, { session_id: own.id }, ["/conversations"]);
    const path = encodeBytes(s);
    const put = await ada.write(`${base}/files/${path}`, s);
    if (put.status === 200) {
      kept += 1;
      assert.equal((await ada.get(`${base}/files/${path}`)).body.toString(), s);
      if (!put.data.path_b64) assert.equal(put.data.path, s);
    } else {
      assert.equal(put.status, 400, JSON.stringify(s));
    }
    const found = await ada.get(`${base}/files?path=${encodeURIComponent(s)}`);
    assert.ok((put.status === 200 ? [409] : [200, 400, 404, 409]).includes(found.status), `a file is no folder: ${JSON.stringify(s)}`);
    const changes = await ada.get(`${base}/changes?path=${encodeURIComponent(s)}`);
    if (put.status === 200) assert.ok(changes.data.length > 0 && changes.data.every(({ path: where }) => where === s), JSON.stringify(s));
    else assert.ok([200, 400].includes(changes.status), JSON.stringify(s));
    const invited = await ada.post("/tenant/invitations", { email: s, role: "viewer" });
    assert.ok([201, 400].includes(invited.status), JSON.stringify(s));
    if (invited.status === 201) await find("/tenant/invitations", invited.data, invited.data.email);
    for (const [path, nameIn] of [["/auth/keys", (data) => data.record.name], [`${base}/links`, (data) => data.link.name]]) {
      const made = await ada.post(path, { name: s });
      if (made.status === 201) assert.ok([s, s.trim()].includes(nameIn(made.data)), `${path} ${JSON.stringify(s)}`);
      else assert.ok([400, 409].includes(made.status), `${path} ${JSON.stringify(s)}: ${made.status}`);
    }
    const login = await server.anonymous().post("/auth/login", { email: s, password: s });
    assert.ok([400, 401].includes(login.status), JSON.stringify(s));
    const cursor = await ada.get(`${base}/files?cursor=${encodeURIComponent(s)}`);
    assert.ok([200, 400].includes(cursor.status), JSON.stringify(s));
    const header = await ada.get("/users/me", { headers: { "If-None-Match": Buffer.from(s).toString("latin1").replace(/[^\x20-\x7e]/g, "?") || "x" } });
    assert.ok([200, 304, 400].includes(header.status), JSON.stringify(s));
  };
  const strings = JSON.parse(text);
  for (let i = 0; i < strings.length; i += 20) await Promise.all(strings.slice(i, i + 20).map(one));
  for (const s of strings) { // one person has one name at a time
    const renamed = await ada.put("/users/me", { name: s });
    assert.ok([200, 400].includes(renamed.status), JSON.stringify(s));
    if (renamed.status === 200 && renamed.data.name) await find("/tenant/members", renamed.data, renamed.data.name);
  }
  const lists = ["/sessions", "/tenant/sessions", "/projects", "/conversations", "/tenant/members"];
  assert.ok(kept > 300 && lists.every((list) => searched[list] > 300), `${kept} kept as file names; found by their names: ${JSON.stringify(searched)}`);
});

test("JSON that must be refused is, what must be taken is", async (t) => {
  const folder = join(root, "..", "shared", "data", "jsontestsuite", "test_parsing");
  if (!existsSync(folder)) return t.skip("../shared/data/jsontestsuite is not there");
  const headers = { "Content-Type": "application/json" };
  for (const name of readdirSync(folder)) {
    const body = readFileSync(join(folder, name));
    const reply = await ada.request("POST", "/sessions", { body, headers });
    assert.equal(reply.status, body.length > 65_536 ? 413 : 400, name);
    if (reply.status === 413) continue;
    // Well-formed texts are refused for what they say, others for how they are written.
    const broken = /, at byte /.test(reply.json.error.fields.body ?? "");
    if (name.startsWith("n_") && body.length > 0) assert.ok(broken, `${name}: ${reply.text()}`);
    if (name.startsWith("y_") && !name.includes("duplicated")) assert.ok(!broken, `${name}: ${reply.text()}`);
  }
});

test("what JSON allows is taken wherever the schema allows it, and read back the same", async (t) => {
  const folder = join(root, "..", "shared", "data", "jsontestsuite", "test_parsing");
  if (!existsSync(folder)) return t.skip("../shared/data/jsontestsuite is not there");
  const bea = await server.account("bea"); // ada has as many links as there may be
  const own = await newSession(bea);
  const talk = (await bea.post("/conversations", { session_id: own.id, name: "all texts" })).data;
  const headers = { "Content-Type": "application/json" };
  const said = [];
  /** Each kind of value where a body may have it: whether the schema allowed this one. */
  const places = {
    string: async (body, value) => {
      const reply = await bea.request("POST", `/conversations/${talk.id}/messages`, { body: body("content", '"role":"user",'), headers });
      assert.equal(reply.status, value === "" ? 400 : 201, `${body("content")}: ${reply.text()}`);
      if (value !== "") said.push(value);
      return value !== "";
    },
    number: async (body, value) => {
      const allowed = Number.isInteger(value) && value >= 1 && value <= 365; // 20e1 is 200
      const reply = await bea.request("POST", `/sessions/${own.id}/links`, { body: body("expires_in_days", '"name":"days",'), headers });
      assert.equal(reply.status, allowed ? 201 : 400, `${body("expires_in_days")}: ${reply.text()}`);
      if (!allowed) return assert.deepEqual(Object.keys(reply.json.error.fields), ["expires_in_days"], "not how it is written");
      const link = (await bea.get(`/sessions/${own.id}/links`)).data.find(({ id }) => id === reply.data.link.id);
      assert.equal(Date.parse(link.expires_at) - Date.parse(link.created_at), value * 86_400_000, `${body("expires_in_days")}`);
      assert.equal((await bea.delete(`/sessions/${own.id}/links/${link.id}`)).status, 200);
      return true;
    },
    boolean: async (body, value) => {
      assert.equal((await bea.request("PUT", "/settings/editor/word_wrap", { body: body("value"), headers })).status, 200, `${body("value")}`);
      assert.equal((await bea.get("/settings")).data.find(({ key }) => key === "word_wrap").user, value);
      return true;
    },
    object: async (body) => {
      const reply = await bea.request("PUT", `/sessions/${own.id}`, { body: body("project_id"), headers });
      assert.equal(reply.status, 200, `${body("project_id")}: ${reply.text()}`);
      assert.equal((await bea.get(`/sessions/${own.id}`)).data.project_id ?? null, null);
      return true;
    },
  };
  const taken = { string: 0, number: 0, boolean: 0, object: 0 };
  const scalar = /\s*(?:"(?:[^"\\]|\\[^])*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)\s*/g;
  for (const name of readdirSync(folder).filter((one) => one.startsWith("y_"))) {
    const text = readFileSync(join(folder, name), "utf8");
    const [[before], [after]] = [/^\s*/.exec(text), /\s*$/.exec(text)];
    for (const [written] of text.matchAll(scalar)) { // names of members are texts as well
      const value = JSON.parse(written);
      const body = (member, more = "") => Buffer.from(`${before}{${more}"${member}":${written}}${after}`);
      if (await places[typeof value](body, value)) taken[typeof value]++;
    }
  }
  const kept = [];
  for (let cursor = ""; cursor !== undefined;) {
    const page = await bea.get(`/conversations/${talk.id}/messages?limit=100${cursor}`);
    kept.push(...page.data.map(({ content }) => content));
    cursor = page.json.page.next === null ? undefined : `&cursor=${page.json.page.next}`;
  }
  assert.deepEqual(kept.map((one) => Buffer.from(one)), said.map((one) => Buffer.from(one)));
  assert.ok(taken.string > 60 && taken.number > 6 && taken.boolean > 3 && taken.object > 4, JSON.stringify(taken));
});

test("ids in every place of an id", async () => {
  const ids = ["x", "ses-", "ses-x", session.id.toUpperCase(), `${session.id}x`, session.id.slice(0, -1), `${session.id}%00`, "..", ".", "ses-%2e%2e", ada.user.id, ada.user.tenant_id, "null", "0", "-1", "*", "ses-01234567890123456789012345"];
  for (const id of ids) {
    for (const [method, path, json] of [
      ["GET", `/sessions/${id}`],
      ["DELETE", `/sessions/${id}`],
      ["POST", `/sessions/${id}/open`],
      ["GET", `/sessions/${id}/files`],
      ["GET", `/sessions/${id}/files/a`],
      ["POST", `/sessions/${id}/files:mkdir`, { path: "a" }],
      ["DELETE", `/auth/devices/${id}`],
      ["DELETE", `/auth/keys/${id}`],
    ]) {
      const reply = await ada.request(method, path, { json });
      assert.ok([404, 400].includes(reply.status), `${method} ${path}: ${reply.status}`);
    }
  }
});

test("methods: Allow, OPTIONS, 405", async () => {
  const options = await raw("OPTIONS", `/api/v5/sessions/${session.id}`);
  assert.equal(options.status, 204);
  assert.deepEqual(options.headers.allow.split(", ").sort(), ["DELETE", "GET", "HEAD", "OPTIONS", "PUT"]);
  assert.equal(options.headers["access-control-allow-origin"], undefined);
  for (const [method, path] of [["PATCH", "/sessions"], ["DELETE", "/sessions"], ["PUT", "/auth/login"], ["GET", "/auth/login"], ["POST", `${files}/a`], ["PROPFIND", "/sessions"]]) {
    const reply = await raw(method, `/api/v5${path}`);
    assert.equal(reply.status, 405, `${method} ${path}`);
    assert.ok(reply.headers.allow.includes("OPTIONS"));
  }
  assert.equal((await raw("OPTIONS", "/api/v5/nothing")).status, 404);
  for (const path of ["/api", "/api/", "/api/v5", "/api/v5/", "/api/v4/sessions", "/api/v5/nothing", "/ws/x", "/ide/x"]) {
    assert.equal((await raw("GET", path)).status, 404, path);
  }
});

test("a foreign Host is 421 wherever it points", async () => {
  for (const host of ["evil.example.com", "example.com:80", "localhost.example.com", "xlocalhost", "10.0.0.1", "0.0.0.0", "[::2]", "128.0.0.1", "127.0.0.1.example.com"]) {
    for (const path of ["/api/v5/users/me", "/health", "/", "/index.html"]) {
      assert.equal((await raw("GET", path, { host })).status, 421, `${host} ${path}`);
    }
  }
  for (const host of ["localhost", `localhost:${server.port}`, "coditect.localhost:8080", "LOCALHOST", "127.0.0.1", "127.9.9.9:1", "[::1]:80", "a.b.localhost"]) {
    assert.equal((await raw("GET", "/api/v5/users/me", { host })).status, 200, host);
  }
});

test("bodies over their limit are 413 before they are read", async () => {
  const big = JSON.stringify({ name: "x".repeat(70_000) });
  assert.equal((await ada.request("POST", "/sessions", { body: big, headers: { "Content-Type": "application/json" } })).status, 413);
  const huge = await ada.request("PUT", `${files}/huge`, { body: "", headers: { "Content-Length": String(17 * 2 ** 30) }, agent: false }).catch((error) => error);
  assert.ok(huge.status === 413 || huge.code === "ECONNRESET", `${huge.status}`);
  assert.equal((await ada.get(`${files}/huge`)).status, 404);
});

test("many parameters, deep and wide bodies, long headers", async () => {
  const query = Array.from({ length: 100 }, (_, i) => `a${i}=1`).join("&");
  assert.equal((await ada.get(`/sessions?${query}`)).status, 400);
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, i]));
  const reply = await ada.post("/sessions", { name: "x", ...wide });
  assert.equal(reply.status, 400);
  assert.ok(Object.keys(reply.json.error.fields).length <= 20);
  const deep = `{"name":${"[".repeat(1000)}${"]".repeat(1000)}}`;
  assert.equal((await ada.request("POST", "/sessions", { body: deep, headers: { "Content-Type": "application/json" } })).status, 400);
  assert.equal((await ada.request("POST", "/sessions", { json: { name: "x" }, headers: { "Idempotency-Key": "k".repeat(201) } })).status, 400);
  assert.equal((await ada.get("/users/me", { headers: { Cookie: "a=".repeat(40_000) }, agent: false })).status, 431);
  assert.equal((await ada.get(`/sessions?x=${"y".repeat(40_000)}`, { agent: false })).status, 414);
});

test("replies carry the headers that keep browsers out of trouble", async () => {
  const reply = await ada.get("/users/me");
  assert.match(reply.headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal(reply.headers["cache-control"], "no-store");
  assert.equal(reply.headers["access-control-allow-origin"], undefined);
  const cross = await ada.get("/users/me", { headers: { Origin: "http://evil.example.com" } });
  assert.equal(cross.headers["access-control-allow-origin"], undefined);
  assert.notEqual(reply.headers["x-request-id"], cross.headers["x-request-id"]);
});
