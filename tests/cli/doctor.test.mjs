// doctor: what a proxy does to a request, each way in which one can be wrong.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { createServer as createTls } from "node:https";
import { createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { freePort, movableClock, program, Server, serverForFile } from "../api/harness.mjs";
import { Cli, person } from "./cli.mjs";

const server = await serverForFile();
const cli = new Cli(server);

/** A proxy on a port of its own; change(headers) is what it does wrong. Passes on plain requests only. */
async function through(change, run, to = server) {
  const proxy = createServer((incoming, response) => {
    const headers = { ...incoming.headers };
    change(headers);
    incoming.pipe(ask({ host: "127.0.0.1", port: to.port, method: incoming.method, path: incoming.url, headers, setHost: false }, (reply) => {
      response.writeHead(reply.statusCode, reply.headers);
      reply.pipe(response);
    }));
  });
  proxy.shouldUpgradeCallback = () => false; // a handshake is a request like others
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    return await run(`http://127.0.0.1:${proxy.address().port}`);
  } finally {
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  }
}

const named = (end, name) => end.json.find((one) => one.name === name);

/** As coditectd --doctor --json says it, and each that is not ok with its remedy. */
function assertForm(end) {
  for (const one of end.json) {
    assert.deepEqual(Object.keys(one), ["name", "state", "found", ...(one.state === "ok" ? [] : ["remedy"])], JSON.stringify(one));
    assert.ok(["ok", "warning", "failed"].includes(one.state) && Object.values(one).every((text) => text !== ""), JSON.stringify(one));
  }
}

test("straight to the server: nothing is wrong", async () => {
  const end = await cli.run(["doctor", cli.url]);
  assert.equal(end.status, 0, end.stderr);
  assert.match(end.stdout, /^weaker +TLS .*\ngood +Host .*\ngood +Origin .*\ngood +Upgrade .*\nweaker +address .*\ngood +clock .*\nThe server's own machine .*: coditectd --data DIR --doctor there\n$/);
  const ada = await person(server, "ada");
  assert.equal((await ada.run(["doctor", "--json"])).json.length, 6); // the present login's
});

test("each thing that a proxy does wrong is found, with its remedy", async () => {
  for (const [about, remedy, change] of [
    ["Host", /proxy_set_header Host/, (headers) => { headers.host = `localhost:${server.port}`; headers.origin = undefined; delete headers.origin; }],
    ["Upgrade", /proxy_http_version 1\.1/, (headers) => { delete headers.upgrade; headers.connection = "close"; }],
    ["Upgrade", /Connection \$connection_upgrade/, (headers) => { headers.connection = "close"; }],
    ["Origin", /must not take it away/, (headers) => { delete headers.origin; }],
    ["Origin", /must not take it away/, (headers) => { headers.origin = "https://else.example"; }],
  ]) {
    const end = await through(change, (url) => cli.run(["doctor", "--json", url]));
    assert.equal(end.status, 1, end.stderr);
    assertForm(end);
    assert.equal(named(end, about).state, "failed", end.stdout);
    assert.match(named(end, about).remedy, remedy);
  }
  const good = await through(() => undefined, (url) => cli.run(["doctor", "--json", url]));
  assert.equal(good.status, 0, good.stdout);
  assertForm(good);
});

test("a proxy that is trusted tells whose request it is", async (t) => {
  const trusting = await Server.start({ args: ["--rate-factor", "100000", "--trusted-proxies", "127.0.0.1"] });
  t.after(() => trusting.stop());
  const seen = (from) => through((headers) => Object.assign(headers, from && { "x-forwarded-for": from }), (url) => cli.run(["doctor", "--json", url]), trusting);
  assert.deepEqual(named(await seen("192.0.2.7"), "address"), { name: "address", state: "ok", found: "the server sees you as 192.0.2.7" });
  assert.match(named(await seen(), "address").remedy, /name the proxy in trusted_proxies/);
});

test("a server whose clock is another: wrong, with the remedy", async (t) => {
  const clock = movableClock(t);
  const late = await Server.start({ env: clock.env });
  t.after(() => late.stop());
  const look = () => cli.run(["doctor", "--json", `http://127.0.0.1:${late.port}`]);
  assert.equal(named(await look(), "clock").state, "ok");
  clock.jump(-3600);
  const end = await look();
  assert.equal(end.status, 1);
  assert.equal(named(end, "clock").state, "failed");
  assert.match(named(end, "clock").remedy, /timedatectl set-ntp true/);
});

test("nobody there, something else there, no address: said", async (t) => {
  await cli.fails(3, /not logged in/, "doctor");
  await cli.fails(2, /https/, "doctor", "http://example.com");
  const other = createServer((_, response) => response.end("hello"));
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.after(() => other.close().closeAllConnections());
  await cli.fails(1, /does not answer as Coditect/, "doctor", `http://127.0.0.1:${other.address().port}`);
});

/** A server that nobody's authority vouches for, and one that speaks no TLS. */
async function strange(t) {
  const at = mkdtempSync(join(tmpdir(), "coditect-doctor-"));
  t.after(() => rmSync(at, { recursive: true }));
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(at, name));
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], { stdio: "pipe" });
  const servers = [createTls({ key: readFileSync(key), cert: readFileSync(cert) }), createServer(), createSocket((socket) => socket.destroy())];
  for (const one of servers) {
    await new Promise((resolve) => one.listen(0, "127.0.0.1", resolve));
    t.after(() => one.close());
  }
  return { cert, ports: servers.map((one) => one.address().port) };
}

test("nothing comes back: which of name, port and TLS it is, with its remedy", async (t) => {
  const { cert, ports: [unknown, plain, mute] } = await strange(t);
  const silent = await freePort();
  const rows = [
    ["name", "https://nowhere.invalid", {}, /DNS record/],
    ["port", `http://127.0.0.1:${silent}`, {}, /the address that it listens on/],
    ["TLS", `https://localhost:${unknown}`, {}, /full chain.*SSL_CERT_FILE/],
    ["TLS", `https://127.0.0.1:${unknown}`, { SSL_CERT_FILE: cert }, /for this name/],
    ["TLS", `https://localhost:${unknown}`, { SSL_CERT_FILE: join(cert, "none") }, /in PEM/],
    ["TLS", `https://localhost:${plain}`, {}, /the port where the proxy speaks https/],
    ["reply", `http://127.0.0.1:${mute}`, {}, /the proxy's log/],
  ];
  for (const [about, url, env, remedy] of rows) {
    const end = await cli.run(["doctor", "--json", url], { env });
    assert.equal(end.status, 6, `${url}: ${end.stdout}${end.stderr}`);
    assert.match(end.stderr, /does not answer: ./);
    assertForm(end);
    assert.deepEqual(end.json.map(({ name, state }) => [name, state]), [[about, "failed"]], end.stdout);
    assert.match(end.json[0].remedy, remedy, url);
    assert.ok(end.json[0].found.includes(url), end.stdout);
    const said = await cli.run(["doctor", url], { env });
    assert.match(said.stdout, new RegExp(`^WRONG +${about} +.*: .*\n$`), url);
    assert.match(said.stdout, remedy, url);
  }
});

/** coditectd --doctor of a data directory: its rows, "about" to "verdict how", several of one name as lines. */
function machine(data, ...args) {
  const { stdout, stderr, status } = spawnSync(program, ["--data", data, ...args, "--doctor"], { encoding: "utf8", timeout: 60_000 });
  assert.doesNotMatch(stderr, /Sanitizer|runtime error/);
  const rows = {};
  for (const line of stdout.trim().split("\n")) {
    const about = line.slice(10, 26).trim();
    rows[about] = `${rows[about] === undefined ? "" : `${rows[about]}\n`}${line.slice(0, 9).trim()} ${line.slice(27)}`;
  }
  return { rows, status, stderr };
}

test("of the machine: who has the ports and the store, how the clock and the disk are", async (t) => {
  const { pid } = server.child;
  const other = createServer();
  const taken = await freePort(); // which the kernel gives to nobody once it is free again
  await new Promise((resolve) => other.listen(taken, "127.0.0.1", resolve));
  t.after(() => other.close());
  const before = readdirSync(join(server.data, "store")).sort();
  const { rows, status } = machine(server.data, "--listen", `127.0.0.1:${server.port}`, "--ide-listen", `127.0.0.1:${taken}`, "--metrics-listen", "192.0.2.1:9999");
  assert.equal(status, 1);
  const [ours, theirs, nowhere] = rows.port.split("\n");
  assert.match(ours, /^enforced the server that runs, process \d+, has 127\.0\.0\.1:\d+$/);
  assert.equal(theirs, `MISSING process ${process.pid} (node) has 127.0.0.1:${taken}: end that, or set another address`);
  assert.match(nowhere, /^MISSING 192\.0\.2\.1:9999 is no address of this machine/);
  assert.match(rows.store, /^enforced all of its \d+ keys can be read; \d+ MiB on disk; the server that runs, process \d+, holds it$/);
  assert.match(rows["room on disk"], /^(enforced|weaker) \d+ of \d+ MiB are free/);
  assert.match(rows.clock, /^(enforced a time server sets it, to \d+ ms|weaker no time server sets it, .*set-ntp true.*)$/);
  assert.deepEqual(readdirSync(join(server.data, "store")).sort(), before);
  assert.ok(pid > 0 && server.child.exitCode === null);
  await new Promise((resolve) => other.close(resolve));
  assert.match(machine(cli.files, "--listen", `127.0.0.1:${taken}`).rows.port, /^enforced .* is free$/);
});

test("of the machine, for programs: the same in an array, remedies apart", () => {
  const args = ["--listen", "127.0.0.1:0", "--metrics-listen", "192.0.2.1:9999"];
  const run = (...more) => spawnSync(program, ["--data", cli.files, ...args, ...more], { encoding: "utf8", timeout: 60_000 });
  const { rows } = machine(cli.files, ...args);
  const { stdout, status } = run("--doctor", "--json");
  const all = JSON.parse(stdout);
  assert.equal(status, 1);
  assert.deepEqual([...new Set(all.map(({ name }) => name))], Object.keys(rows)); // those of the sandbox too
  assert.ok(rows.sandbox !== undefined);
  for (const one of all) {
    assert.deepEqual(Object.keys(one), ["name", "state", "found", ...(one.remedy === undefined ? [] : ["remedy"])]);
    assert.ok(["ok", "warning", "failed"].includes(one.state) && one.found !== "" && one.remedy !== "", stdout);
    assert.equal(one.state === "ok", one.remedy === undefined, JSON.stringify(one));
  }
  const named = (name) => all.find((one) => one.name === name);
  assert.deepEqual(named("port"), { name: "port", state: "failed", found: "192.0.2.1:9999 is no address of this machine", remedy: "see ip address, and set one" });
  assert.deepEqual(named("backups"), { name: "backups", state: "warning", found: "none, with this disk all is lost", remedy: "set backup.directory or backup.bucket (docs/backup.md)" });
  assert.deepEqual(named("store"), { name: "store", state: "ok", found: "there is none yet: the server makes it when it starts" });
  const alone = run("--json");
  assert.equal(alone.status, 1);
  assert.match(alone.stderr, /--json is a form of --doctor/);
});

test("of the machine: a store that is damaged or none", () => {
  const none = machine(cli.files, "--listen", "127.0.0.1:0");
  assert.equal(none.rows.store, "enforced there is none yet: the server makes it when it starts");
  assert.equal(none.rows.port, undefined);
  const data = join(cli.files, "damaged");
  mkdirSync(join(data, "store"), { recursive: true, mode: 0o700 });
  writeFileSync(join(data, "store/store.db"), "this is no database".repeat(1000));
  const damaged = machine(data, "--listen", "127.0.0.1:0");
  assert.equal(damaged.status, 1);
  assert.match(damaged.rows.store, /^MISSING (damaged, or of another version's format|cannot be read): .*restore a backup/);
});
