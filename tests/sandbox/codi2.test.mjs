// codi2 alone, without a server: it says so, answers at its door, and takes its options as documented.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

const build = process.env.CODITECT_BUILD ?? "";
assert.notEqual(build, "", "CODITECT_BUILD must name the build directory");
const program = join(build, "src/codi2/codi2");
const place = mkdtempSync(join(tmpdir(), "coditect-codi2-"));
after(() => rmSync(place, { recursive: true, force: true }));
for (const name of ["tree", "index"]) mkdirSync(join(place, name));

/** How long the IDE waits for the status before it calls the connection lost. */
const patience = Number(/STATUS_TIMEOUT_MS = ([\d_]+)/.exec(readFileSync(new URL("../../ide/extension/src/node/door.ts", import.meta.url), "utf8"))[1].replaceAll("_", ""));

const run = (...args) => spawnSync(program, args, { encoding: "utf8", timeout: 20_000 });
const places = [
  "--workspace", join(place, "tree"), "--workspace-index", join(place, "index"), "--home", "",
  "--wire", join(place, "no.sock"), "--door", join(place, "door.sock"), "--session-id", "ses-test", "--user-id", "usr-test",
];

function ask(method, path, options = {}) {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: join(place, "door.sock"), method, path, ...options }, (reply) => {
      let text = "";
      reply.setEncoding("utf8").on("data", (piece) => (text += piece)).on("end", () => resolve({ status: reply.statusCode, body: JSON.parse(text) }));
    });
    call.on("error", reject).end();
  });
}

async function until(what, predicate) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const value = await predicate().catch(() => undefined);
    if (value) return value;
    assert.ok(Date.now() < deadline, what);
    await wait(20);
  }
}

test("version, help and mistakes", () => {
  assert.match(run("--version").stdout, /^codi2 \d/);
  assert.match(run("--help").stdout, /--session-id/);
  const wrong = run("--sesion-id", "x");
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /session-id/);
  assert.equal(run("dance").status, 2);
});

test("the configuration file of the original system is understood", () => {
  const file = join(place, "codi2.toml");
  writeFileSync(file, `[server]\nbind_addr = "${join(place, "door.sock")}"\n[foundationdb]\ncluster_file = "/etc/foundationdb/fdb.cluster"\n` +
    `[monitoring]\nwatch_paths = ["${join(place, "tree")}"]\n[logging]\nlevel = "info"\nformat = "json"\n`);
  const result = run("--config", file, "--workspace-index", join(place, "index"), "--wire", join(place, "no.sock"), "test");
  assert.match(result.stderr, /\[foundationdb\] is not used/);
  assert.match(result.stdout, /inotify +ok/);
  assert.match(result.stdout, /the server answers +FAILED/);
  assert.equal(result.status, 1);
  writeFileSync(file, "[server\n");
  const broken = run("--config", file, "test");
  assert.equal(broken.status, 2);
  assert.match(broken.stderr, /codi2\.toml:1:\d+/);
});

test("without a server it is offline, and says what waits", { timeout: 60_000 }, async (t) => {
  const child = spawn(program, places, { stdio: ["ignore", "inherit", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const health = await until("the door", () => ask("GET", "/health"));
  assert.deepEqual([health.status, health.body.status, health.body.session], [200, "ok", "ses-test"]);
  assert.equal(statSync(join(place, "door.sock")).mode & 0o777, 0o666);
  const status = await until("offline", async () => {
    const answer = await ask("GET", "/status");
    return answer.body.state === "offline" && answer;
  });
  assert.ok(Number.isInteger(status.body.revision) && status.body.pending >= 0);

  writeFileSync(join(place, "tree", "a.txt"), "waits");
  let { revision } = status.body;
  const asked = async (options) => {
    const known = revision;
    ({ body: { revision } } = await ask("GET", `/status?wait=${known}`, options));
    return revision === known;
  };
  await until("news", async () => !(await asked()));
  await until("a wait without news ends while the IDE still listens", () => asked({ signal: AbortSignal.timeout(patience) }));

  assert.equal((await ask("GET", "/status?wait=x")).status, 400);
  assert.equal((await ask("GET", "/nothing")).status, 404);
  assert.equal((await ask("DELETE", "/status")).status, 405);
});
