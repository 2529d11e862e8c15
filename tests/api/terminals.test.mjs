// Terminals by API, from a client to a shell in a real sandbox: who gets through, what outlives what, and that the door, which
// belongs to whoever works there, can say nothing to a browser but frames.
import assert from "node:assert/strict";
import { renameSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { before, test } from "node:test";
import { bundle, compile, newSession, noteHit, serverForFile, until } from "./harness.mjs";
import { Terminal } from "../codi2/terminal.mjs";
import { alive, open, processesOf, reaches, stateOf } from "../workspaces/inside.mjs";

const server = await serverForFile();
const isWord = compile(bundle.operations.find(({ id }) => id === "terminals_socket").replies["101"]);
const quick = { timeout: 120_000 };
let ada, session, base;

const urlOf = (id, name, query = "") => `ws://127.0.0.1:${server.port}/ws/sessions/${id}/terminals/${name}${query}`;
const withToken = (client) => ({ headers: { Authorization: `Bearer ${client.token}` } });

async function opened(t, name, query, client = ada) {
  const terminal = await Terminal.open(urlOf(session, name, query), withToken(client));
  noteHit("terminals_socket", "ok");
  t.after(() => {
    terminal.socket.terminate();
    for (const word of terminal.words) assert.ok(isWord(word), JSON.stringify(word));
  });
  return terminal;
}

/** What answers in a socket's place. */
async function refused(url, options) {
  const terminal = new Terminal(url, options);
  await until("an answer", () => terminal.reply || terminal.opened);
  if ([404, 409].includes(terminal.status)) noteHit("terminals_socket", "refused");
  return [terminal.status, terminal.reply?.error.code];
}

before(async () => {
  ada = await server.account("ada");
  session = (await newSession(ada)).id;
  base = `/sessions/${session}`;
  await open(ada, session);
}, { timeout: 120_000 });

test("a shell in the sandbox, by name; its saves are the terminal's; listed, and ended", quick, async (t) => {
  const terminal = await opened(t, "main", "?cols=132&rows=50");
  terminal.type("echo \"I am $(id -un) in $PWD at $(tty)\"; stty size; echo kept > by-terminal.txt\n");
  await terminal.shows("I am dev in /workspace at /dev/pts/");
  await terminal.shows("50 132\r\n");
  await until("it is stored", async () => (await ada.get(`${base}/files/by-terminal.txt`)).status === 200);
  const [{ author }] = (await ada.get(`${base}/history/by-terminal.txt`)).data;
  assert.equal(author.kind, "terminal");
  const { data } = await ada.get(`${base}/terminals`);
  assert.deepEqual(data.map(({ id, run, state, sockets }) => [id, run, state, sockets]), [["main", terminal.opened.run, "running", 1]]);
  assert.equal((await ada.delete(`${base}/terminals/main`)).status, 200);
  assert.equal((await terminal.closed).code, 1000);
  assert.deepEqual(terminal.ended, { type: "ended" });
  assert.equal((await ada.delete(`${base}/terminals/main`)).status, 404);
  assert.deepEqual((await ada.get(`${base}/terminals`)).data, []);
  const audit = (await ada.get("/audit")).data.filter(({ action }) => action.startsWith("terminal."));
  assert.deepEqual(audit.slice(-2).map(({ action, target }) => [action, target]), [["terminal.end", session], ["terminal.open", session]]);
});

test("a page's way: the token as a subprotocol, which is not sent on nor back", quick, async (t) => {
  const terminal = new Terminal(urlOf(session, "page"), { origin: `http://127.0.0.1:${server.port}` });
  await until("it is refused", () => terminal.reply);
  assert.equal(terminal.status, 401);
  const { default: WebSocket } = await import("ws");
  const socket = new WebSocket(urlOf(session, "page"), ["coditect.v5", `coditect.bearer.${ada.token}`], { origin: `http://127.0.0.1:${server.port}` });
  t.after(() => socket.terminate());
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  assert.equal(socket.protocol, "coditect.v5");
  assert.equal((await refused(urlOf(session, "page"), { ...withToken(ada), origin: "https://evil.example.com" }))[0], 403);
});

test("nobody else: no token, another tenant, a viewer, a key, who has left; nor where nothing runs", { timeout: 180_000 }, async (t) => {
  const eve = await server.account("eve");
  assert.deepEqual(await refused(urlOf(session, "x")), [401, "unauthenticated"]);
  assert.deepEqual(await refused(urlOf(session, "x"), withToken(eve)), [404, "not_found"]);
  for (const [method, path] of [["GET", "/terminals"], ["DELETE", "/terminals/x"]]) {
    assert.equal((await eve.request(method, `${base}${path}`)).status, 404);
  }
  const { key } = (await ada.post("/auth/keys", { name: "k", access: "write" })).data;
  assert.deepEqual(await refused(urlOf(session, "x"), withToken({ token: key })), [403, "forbidden"]);

  const email = "vic@example.com";
  const { token } = (await ada.post("/tenant/invitations", { email, role: "member" })).data;
  const { data } = await server.anonymous().post("/auth/register", { email, password: "a long password", invitation: token });
  const vic = Object.assign(server.anonymous(), { token: data.token });
  assert.deepEqual(await refused(urlOf(session, "x"), withToken(vic)), [404, "not_found"]); // a member's is his alone
  const his = (await newSession(vic)).id;
  await open(vic, his);
  const terminal = await Terminal.open(urlOf(his, "x"), withToken(vic));
  assert.equal((await ada.put(`/tenant/members/${data.user.id}`, { role: "viewer" })).status, 200);
  const began = Date.now();
  await terminal.closed;
  assert.ok(Date.now() - began < 15_000, "who becomes a viewer is out");
  assert.equal((await refused(urlOf(his, "x"), withToken(vic)))[0], 403);

  const stopped = (await newSession(ada)).id;
  assert.deepEqual(await refused(urlOf(stopped, "x"), withToken(ada)), [409, "not_running"]);
  const reply = await ada.get(`/sessions/${stopped}/terminals`);
  assert.deepEqual([reply.status, reply.json.error.message], [409, "The workspace is not running. Open the session first."]);
  for (const name of ["a.b", "a%2Fb", "a".repeat(65)]) assert.equal((await refused(urlOf(session, name), withToken(ada)))[0], 404, name);
  for (const query of ["since=-1", "cols=0&rows=1", "run=x", "other=1", `command=${"a".repeat(1025)}`]) {
    assert.equal((await refused(urlOf(session, "x", `?${query}`), withToken(ada)))[0], 400, query);
  }
  assert.equal((await ada.get(`/ws/sessions/${session}/terminals/x`)).status, 400); // no handshake
});

test("a login that ends takes its sockets with it; the shell stays for the others", quick, async (t) => {
  const second = Object.assign(server.anonymous(), { token: (await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password })).data.token });
  const [mine, other] = [await opened(t, "shared"), await opened(t, "shared", "", second)];
  mine.type("echo still-$((40+2))\n");
  await other.shows("still-42");
  assert.equal((await second.post("/auth/logout", {})).status, 200);
  const began = Date.now();
  await other.closed;
  assert.ok(Date.now() - began < 15_000);
  mine.type("echo and-$((40+3))\n");
  await mine.shows("and-43");
});

test("the shell outlives its server, killed or stopped, and goes on where it was", { timeout: 180_000 }, async (t) => {
  const first = await opened(t, "lives");
  first.type("echo pid=$$=; for i in $(seq 1 80); do sleep 0.25; echo tick-$i-; done\n");
  await first.shows(/pid=(\d+)=\r\n[^]*tick-1-\r\n/);
  await server.kill9();
  await first.closed;
  await server.run();
  let at = first;
  const again = await opened(t, "lives", `?since=${at.offset}&run=${at.opened.run}`);
  assert.deepEqual([again.opened.run, again.opened.offset, again.opened.new], [first.opened.run, first.offset, false]);
  const n = Number(/tick-(\d+)-\r\n[^\n]*$/.exec(first.text)[1]);
  await again.shows(`tick-${n + 1}-\r\n`);
  assert.ok(!again.text.includes(`tick-${n}-\r\n`), "nothing is shown twice");
  assert.equal((await server.end("SIGTERM")).code, 0);
  assert.equal((await again.closed).code, 1001, "who is connected hears that the server goes");
  await server.run();
  at = again;
  const last = await opened(t, "lives", `?since=${at.offset}&run=${at.opened.run}`);
  const all = () => first.text + again.text + last.text;
  await until("the last one is shown", () => all().includes("tick-80-\r\n"), 60_000); // before the second end, where a start takes long
  assert.equal(all().match(/tick-\d+-\r\n/g).length, 80, "each line once");
});

test("kill -9 of codi2 ends its shells: a new one has another run", { timeout: 180_000 }, async (t) => {
  const first = await opened(t, "dies");
  const { codi2 } = stateOf(server, session);
  const all = processesOf(server, session);
  process.kill(codi2, "SIGKILL");
  await first.closed;
  await until("nothing is left of it", () => all.every((pid) => !alive(pid)));
  await until("it has started again", () => stateOf(server, session)?.codi2 !== undefined && stateOf(server, session).codi2 !== codi2, 60_000);
  await reaches(ada, session, "running");
  let second;
  await until("its door answers", async () => {
    const found = new Terminal(urlOf(session, "dies", `?run=${first.opened.run}`), withToken(ada));
    second = await found.closed.then(() => found);
    return second.words.length > 0;
  }, 60_000);
  assert.deepEqual(second.words, [{ type: "gone" }]);
  const fresh = await opened(t, "dies");
  assert.equal(fresh.opened.new, true);
  assert.notEqual(fresh.opened.run, first.opened.run);
});

test("a command, its exit code, and how it is told", quick, async (t) => {
  const terminal = await opened(t, "job", `?command=${encodeURIComponent("echo \"a b&c=d %20+\"; exit 7")}`);
  await terminal.closed;
  assert.deepEqual([terminal.text, terminal.ended], ["a b&c=d %20+\r\n", { type: "ended", exit_code: 7 }]);
  const { data } = await ada.get(`${base}/terminals`);
  assert.equal(data.find(({ id }) => id === "job").exit_code, 7);
});

test("whoever has the door can say nothing but frames on the platform's origin", quick, async (t) => {
  const path = join(server.data, "run", session, "door/door.sock");
  const hostile = createServer((request, response) => {
    seen.push(request);
    const list = request.url === "/terminals";
    response.writeHead(list ? 200 : 404, { "Content-Type": "text/html", "Set-Cookie": "a=b", "Clear-Site-Data": "*" });
    response.end(list ? `{"terminals":[{"id":"<script>","run":"1","state":"running","started_at":"2026-11-21T04:05:06.789Z","sockets":0}]}` : "<script>alert(1)</script>");
  });
  const seen = [];
  hostile.on("upgrade", (request, socket) => {
    seen.push(request);
    socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: a=b\r\nSec-WebSocket-Protocol: evil\r\n" +
      "Access-Control-Allow-Origin: *\r\nSec-WebSocket-Accept: x\r\n\r\n");
  });
  renameSync(path, `${path}.away`);
  await new Promise((resolve) => hostile.listen(path, resolve));
  t.after(() => {
    hostile.close();
    rmSync(path, { force: true });
    renameSync(`${path}.away`, path);
  });
  (await import("node:fs")).chmodSync(path, 0o666);
  const reply = await ada.get(`${base}/terminals`, { expected5xx: true });
  assert.deepEqual([reply.status, reply.code, reply.headers["set-cookie"]], [503, "busy", undefined]);

  const [answer] = hostile.listeners("request");
  const held = [];
  hostile.removeAllListeners("request").on("request", (request, response) => held.push([request, response]));
  const login = async () => ({ token: (await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password })).data.token });
  const [second, third] = [await login(), await login()];
  const ask = (options) => ada.get(`${base}/terminals`, { expected5xx: true, ...options });
  const end = (options) => ada.request("DELETE", `${base}/terminals/x`, { expected5xx: true, ...options });
  const waiting = [ask(), end(), ask(second), end(second)];
  await until("four wait", () => held.length === 4);
  for (const refused of await Promise.all([ask(third), end(third)])) {
    assert.deepEqual([refused.status, refused.json.error.message], [503, "Four of your requests wait for workspaces already. Try again."]);
  }
  for (const one of held) answer(...one);
  assert.deepEqual((await Promise.all(waiting)).map(({ status }) => status), [503, 404, 503, 404]);
  hostile.removeAllListeners("request").on("request", answer);
  const head = await new Promise((resolve) => {
    const terminal = new Terminal(urlOf(session, "x"), withToken(ada));
    terminal.socket.on("upgrade", ({ headers }) => resolve(headers));
  });
  assert.deepEqual(Object.keys(head).sort(), ["connection", "sec-websocket-accept", "upgrade", "x-request-id"]);
  hostile.removeAllListeners("upgrade"); // node answers such a request as any other now
  assert.deepEqual(await refused(urlOf(session, "x"), withToken(ada)), [502, "bad_gateway"]);
  for (const { headers } of seen) {
    for (const name of ["authorization", "cookie", "origin", "sec-websocket-protocol"]) assert.equal(headers[name], undefined, name);
  }
});

test("a pause hangs up and closes its sockets, and there is no shell to come back to", { timeout: 180_000 }, async (t) => {
  const terminal = await opened(t, "paused", `?command=${encodeURIComponent("trap 'echo by-hup > hung-up; exit' HUP; trap '' TERM; echo trapped; while :; do sleep 0.1; done")}`);
  await terminal.shows("trapped");
  assert.equal((await ada.post(`${base}/pause`)).status, 200);
  await terminal.closed;
  await reaches(ada, session, "stopped");
  assert.equal((await ada.get(`${base}/files/hung-up`)).text(), "by-hup\n");
  assert.deepEqual(await refused(urlOf(session, "paused"), withToken(ada)), [409, "not_running"]);
});
