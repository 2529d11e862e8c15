// The files of deploy/ as they are but for names, ports and paths: the unit by systemd's own judge, and a real nginx with TLS
// before a real server, both ways to IDEs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect as connectTwo } from "node:http2";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { Server, freePort, program, until } from "./harness.mjs";
import { makeBundle } from "./ide-bundle.mjs";
import { has, made, makeCertificate, nginxMissing, startNginx } from "./nginx.mjs";

const folder = mkdtempSync(join(tmpdir(), "coditect-deploy-"));
after(() => rmSync(folder, { recursive: true }));

// ---- The unit and the settings ----

// What systemd says of a machine that it does not run, such as a container: about control groups, never about the unit.
const aside = /^(?:Failed to (?:create \S+ control group|determine supported controllers)|Cannot (?:find cgroup mount point|determine cgroup we are running in)): /;

/** What systemd says of the unit with these texts replaced: [exit status, lines]. */
function verify(replacements) {
  const unit = join(folder, "coditectd.service");
  writeFileSync(unit, made("coditectd.service", [["/usr/local/bin/coditectd", program], ...replacements]));
  const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", unit], { encoding: "utf8" });
  return [status, stderr.split("\n").filter((line) => line !== "" && (line.includes("coditectd.service") || !aside.test(line)))];
}

test("systemd finds nothing wrong with the unit", { skip: !has("systemd-analyze") && "systemd is not installed" }, async (t) => {
  assert.deepEqual(verify([]), [0, []]);
  const broken = [["Type=exec", "Type=exe"], ["KillSignal=SIGTERM", "KillSignal=SIGTREM"], ["After=", "Aftr="], ["TimeoutStopSec=90", "TimeoutStopSec=90x"], ["LimitNOFILE=262144", "LimitNOFILE=many"]];
  for (const [from, to] of broken) {
    await t.test(`it would of ${to}`, () => assert.match(verify([[from, to]])[1].join("\n"), /^\S+coditectd\.service:\d+: \S/));
  }
});

test("the settings of deploy/coditect.toml are right", () => {
  const file = join(folder, "coditect.toml");
  writeFileSync(file, made("coditect.toml", [["/usr/local/share/coditect/web/current", folder], ["/usr/local/share/coditect/ide/current", folder]]));
  const { status, stderr } = spawnSync(program, ["--config", file, "--check-config"], { encoding: "utf8" });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});

// ---- nginx ----

const domain = "coditect.example.com";

/** Server and nginx before it: {server, port, ask, upgrade}; more: [file of deploy/, replacements] besides nginx.conf, settings. */
async function behindNginx(t, more = () => ({})) {
  const tls = makeCertificate(folder, domain);
  const [plain, port, own] = [await freePort(), await freePort(), await freePort()];
  const { files = [], args = [] } = more({ tls, port });
  const server = await Server.start({
    port: own,
    args: ["--rate-factor", "1000", "--public-url", `https://${domain}:${port}`, "--trusted-proxies", "127.0.0.1", "--ide", makeBundle(), "--node", process.execPath, ...args],
  });
  t.after(() => server.stop());
  const paths = [["/etc/coditect/tls.crt", tls.crt], ["/etc/coditect/tls.key", tls.key]];
  const site = made("nginx.conf", [...paths, ["127.0.0.1:8080", `127.0.0.1:${own}`], ["listen 80;", `listen 127.0.0.1:${plain};`], ["listen 443 ", `listen 127.0.0.1:${port} `]]);
  t.after(await startNginx([site, ...files.map(([name, replacements]) => made(name, [...paths, ...replacements]))].join("\n"), plain));
  const ca = readFileSync(tls.crt);

  /** One request by TLS; options: port, headers, body, from (an address of this machine). */
  const ask = (method, host, path, options = {}) => new Promise((resolve, reject) => {
    const at = options.port ?? port;
    const request = httpsRequest({ host: "127.0.0.1", port: at, servername: host, ca, method, path, agent: false, localAddress: options.from, setHost: false, headers: { Host: `${host}:${at}`, ...options.headers } }, (reply) => {
      const pieces = [];
      reply.on("data", (piece) => pieces.push(piece)).on("error", reject);
      reply.on("end", () => resolve({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(pieces) }));
    });
    request.on("error", reject).end(options.body);
  });
  const api = async (method, path, token, json, options = {}) => {
    const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...(json && { "Content-Type": "application/json" }), ...options.headers };
    const reply = await ask(method, domain, `/api/v5${path}`, { ...options, headers, body: options.body ?? (json && JSON.stringify(json)) });
    const type = reply.headers["content-type"] ?? "";
    return { ...reply, data: type.includes("json") ? JSON.parse(reply.body).data : undefined };
  };

  /** Opens a WebSocket by hand; resolves to its first message's text. */
  const hello = (host, at, path, headers) => new Promise((resolve, reject) => {
    const key = randomBytes(16).toString("base64");
    const socket = connectTls({ host: "127.0.0.1", port: at, servername: host, ca, ALPNProtocols: ["http/1.1"] });
    let came = Buffer.alloc(0);
    socket.on("secureConnect", () => {
      const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}:${at}`, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${key}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    });
    socket.on("data", (piece) => {
      came = Buffer.concat([came, piece]);
      const end = came.indexOf("\r\n\r\n");
      if (end < 0 || came.length < end + 4 + 7) return;
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      const head = came.subarray(0, end).toString();
      socket.destroy();
      if (!head.startsWith("HTTP/1.1 101 ") || !head.includes(accept)) reject(new Error(head));
      else resolve(came.subarray(end + 6, end + 6 + came[end + 5]).toString());
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(came.toString())));
  });
  return { server, ca, plain, port, ask, api, hello };
}

async function register(world, options = {}) {
  const json = { email: `person-${randomBytes(6).toString("hex")}@example.com`, password: "correct horse battery", ...options.json };
  const reply = await world.api("POST", "/auth/register", undefined, json, options);
  assert.equal(reply.status, 201, reply.body.toString());
  return reply;
}

/** Opens the session's IDE as a browser does; its URL and cookie. */
async function enter(world, token, session) {
  const opened = await world.api("POST", `/sessions/${session}/open`, token);
  assert.equal(opened.status, 202, opened.body.toString());
  await until("it runs", async () => {
    const { workspace } = (await world.api("GET", `/sessions/${session}`, token)).data;
    assert.notEqual(workspace.state, "failed", workspace.error);
    return workspace.state === "running";
  }, 60_000);
  const ticket = new URL((await world.api("POST", "/auth/tickets", token, { session_id: session })).data.url);
  const entered = await world.ask("GET", ticket.hostname, `${ticket.pathname}${ticket.search}`, { port: Number(ticket.port) });
  assert.equal(entered.status, 303, entered.body.toString());
  assert.match(entered.headers["set-cookie"][0], /; HttpOnly; SameSite=Strict; Secure$/);
  return { ticket, Cookie: entered.headers["set-cookie"][0].split(";")[0] };
}

async function useIde(world, { ticket, Cookie }, base) {
  const port = Number(ticket.port);
  const page = await world.ask("GET", ticket.hostname, `${base}/page`, { port, headers: { Cookie } });
  assert.equal(page.status, 200, page.body.toString());
  assert.match(page.body.toString(), /the IDE/);
  const own = { port, headers: { Cookie, Origin: ticket.origin }, body: Buffer.alloc(3 << 20) };
  const posted = JSON.parse((await world.ask("POST", ticket.hostname, `${base}/x`, own)).body);
  assert.equal(posted.size, 3 << 20);
  assert.deepEqual(Object.keys(posted.headers).filter((name) => name.startsWith("x-forwarded")), [], "the workspace hears nothing of it");
  assert.equal(await world.hello(ticket.hostname, port, `${base}/services`, { Cookie, Origin: ticket.origin }), "hello");
  await assert.rejects(world.hello(ticket.hostname, port, `${base}/services`, { Cookie, Origin: `https://${domain}.example` }), /403/);
}

test("nginx: the platform, byte for byte, and IDEs by host", { skip: nginxMissing, timeout: 120_000 }, async (t) => {
  const world = await behindNginx(t);
  const { ask, api, port } = world;
  const plain = await new Promise((resolve, reject) => {
    httpRequest({ host: "127.0.0.1", port: world.plain, path: "/a?b", headers: { Host: domain } }, resolve).on("error", reject).end();
  });
  assert.deepEqual([plain.statusCode, plain.headers.location], [308, `https://${domain}/a?b`]);

  // Who asks: as nginx heard it, whatever the client says.
  const registered = await register(world, { json: { cookie: true }, from: "127.0.0.5", headers: { "X-Forwarded-For": "192.0.2.1" } });
  const { token } = registered.data;
  assert.equal((await api("GET", "/auth/devices", token)).data[0].address, "127.0.0.5");
  const cookie = registered.headers["set-cookie"][0];
  assert.match(cookie, /^__Host-coditect-refresh=.*; HttpOnly; SameSite=Strict; Secure$/);
  assert.match(registered.headers["strict-transport-security"], /max-age=\d+/);
  const refresh = (Origin) => api("POST", "/auth/refresh", undefined, undefined, { headers: { Origin, Cookie: cookie.split(";")[0] } });
  assert.equal((await refresh(`http://${domain}:${port}`)).status, 403);
  assert.equal((await refresh(`https://${domain}:${port}`)).status, 200);

  // Paths are not tidied up, bodies not held.
  const session = (await api("POST", "/sessions", token, { name: "Project A" })).data.id;
  const file = `/sessions/${session}/files`;
  const large = randomBytes(20 << 20);
  const name = "%C3%BC%20%25%2B+a";
  assert.equal((await api("PUT", `${file}/${name}`, token, undefined, { body: large })).status, 200);
  const back = await api("GET", `${file}/${name}`, token);
  assert.ok(back.body.equals(large));
  const part = await api("GET", `${file}/${name}`, token, undefined, { headers: { Range: "bytes=5-9" } });
  assert.deepEqual([part.status, part.body], [206, large.subarray(5, 10)]);
  for (const odd of [`${file}//a`, `${file}/a//b`, `${file}/a%2Fb`]) {
    assert.equal((await api("PUT", odd, token, undefined, { body: "x" })).status, 400, odd);
  }

  // HTTP/2 outside.
  const two = connectTwo(`https://127.0.0.1:${port}`, { ca: world.ca, servername: domain });
  const stream = two.request({ ":path": "/api/v5/users/me", ":authority": `${domain}:${port}`, authorization: `Bearer ${token}` });
  const [headers] = await new Promise((resolve, reject) => stream.on("response", (...all) => resolve(all)).on("error", reject));
  assert.equal(headers[":status"], 200);
  await new Promise((resolve) => stream.resume().on("end", resolve));
  two.close();

  const visit = await enter(world, token, session);
  assert.equal(visit.ticket.origin, `https://${session}.ide.${domain}:${port}`);
  assert.match(visit.Cookie, /^__Host-/);
  await useIde(world, visit, "");
  assert.equal((await ask("GET", "other.example.com", "/health", { headers: { Host: "other.example.com" } }).catch((error) => error)).status ?? 421, 421);
});

test("nginx: IDEs by path, on a port of their own", { skip: nginxMissing, timeout: 120_000 }, async (t) => {
  const [ides, idePort] = [await freePort(), await freePort()];
  const world = await behindNginx(t, () => ({
    args: ["--ide-listen", `127.0.0.1:${ides}`, "--ide-url", `https://${domain}:${idePort}`],
    files: [["nginx-paths.conf", [["server 127.0.0.1:8081;", `server 127.0.0.1:${ides};`], ["listen 8443 ", `listen 127.0.0.1:${idePort} `]]]],
  }));
  const { token } = (await register(world)).data;
  const session = (await world.api("POST", "/sessions", token, { name: "Project A" })).data.id;
  const visit = await enter(world, token, session);
  assert.equal(visit.ticket.origin, `https://${domain}:${idePort}`);
  assert.equal(visit.ticket.pathname.slice(0, 5 + session.length), `/ide/${session}`);
  await useIde(world, visit, `/ide/${session}`);
});
