// /metrics on an address of its own: the text is Prometheus's format (exposition format, version 0.0.4, read here by a small
// parser of its own), what it counts is what was done, and it is spec/metrics.yaml, no more and no less.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { bundle, call, freePort, newSession, root, Server, serverForFile, totpCode, until } from "./harness.mjs";

const port = await freePort();
const server = await serverForFile({ args: ["--rate-factor", "100000", "--metrics-listen", `127.0.0.1:${port}`] });

/** status, headers, text. */
function ask(method = "GET", path = "/metrics", at = port) {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port: at, method, path, agent: false }, (message) => {
      const pieces = [];
      message.on("data", (piece) => pieces.push(piece));
      message.on("end", () => resolve({ status: message.statusCode, headers: message.headers, text: Buffer.concat(pieces).toString() }));
    });
    request.on("error", reject);
    request.end();
  });
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

function labelsOf(text, line) {
  const labels = {};
  const rest = text.replace(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/gy, (_, name, value) => {
    assert.ok(!(name in labels), `twice in one sample: ${line}`);
    labels[name] = value;
    return "";
  });
  assert.equal(rest, "", line);
  return labels;
}

/** name → { type, help, samples: [{ name, labels, value }] }; fails at whatever the format does not allow. */
function parse(text) {
  assert.ok(text.endsWith("\n"), "the last line ends");
  const families = new Map();
  const seen = new Set();
  let current;
  for (const line of text.slice(0, -1).split("\n")) {
    const head = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (head) {
      const [, kind, name, rest] = head;
      assert.match(name, NAME);
      if (kind === "HELP") {
        assert.ok(!families.has(name), `${name}: two heads`);
        current = { name, help: rest, samples: [] };
        families.set(name, current);
      } else {
        assert.ok(current?.name === name && current.type === undefined && current.samples.length === 0, line);
        assert.ok(["counter", "gauge", "histogram"].includes(rest), line);
        current.type = rest;
      }
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\+Inf|NaN|-?\d+(?:\.\d+)?)$/.exec(line);
    assert.ok(sample, `no sample: ${line}`);
    const key = line.slice(0, line.lastIndexOf(" "));
    assert.ok(!seen.has(key), `twice: ${key}`);
    seen.add(key);
    const suffix = current.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    assert.ok(suffix.some((end) => sample[1] === current.name + end), `${line} stands below ${current.name}`);
    current.samples.push({ name: sample[1], labels: labelsOf(sample[2] ?? "", line), value: Number(sample[3]) });
  }
  return families;
}

function checkHistogram(family) {
  for (const route of new Set(family.samples.map(({ labels }) => labels.route))) {
    const samples = family.samples.filter(({ labels }) => labels.route === route);
    const buckets = samples.filter(({ name }) => name.endsWith("_bucket"));
    const bounds = buckets.map(({ labels }) => (labels.le === "+Inf" ? Infinity : Number(labels.le)));
    assert.deepEqual(bounds, [...bounds].sort((a, b) => a - b), route);
    assert.equal(bounds.at(-1), Infinity, route);
    buckets.reduce((before, { value }) => (assert.ok(value >= before, `${route}: buckets are cumulated`), value), 0);
    const count = samples.find(({ name }) => name.endsWith("_count")).value;
    assert.equal(buckets.at(-1).value, count, route);
    assert.ok(samples.find(({ name }) => name.endsWith("_sum")).value >= 0, route);
  }
}

async function scrape() {
  const reply = await ask();
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  const families = parse(reply.text);
  checkHistogram(families.get("coditect_request_seconds"));
  const value = (name, labels = {}) => {
    const found = families.get(name).samples.filter((sample) => Object.entries(labels).every(([label, text]) => sample.labels[label] === text));
    return found.reduce((sum, sample) => sum + sample.value, 0);
  };
  return { families, value };
}

/** The table, by the YAML reader that the generators use. */
const spec = JSON.parse(execFileSync("/usr/bin/python3", ["-c", "import json,sys,yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))", join(root, "spec/metrics.yaml")], { encoding: "utf8" }));

test("what is shown is the table, and nothing beside it", async () => {
  const { families } = await scrape();
  assert.deepEqual([...families.values()].map(({ name, type, help }) => ({ name, type, help })), spec.metrics.map(({ name, type, help }) => ({ name, type, help })));
  for (const { name, labels = [] } of spec.metrics) {
    for (const sample of families.get(name).samples) {
      assert.deepEqual(Object.keys(sample.labels).filter((label) => label !== "le").sort(), [...labels].sort(), name);
    }
  }
  const { status, stderr } = spawnSync("/usr/bin/python3", ["tools/gen/metrics.py", "--docs", "spec/metrics.yaml", "docs/metrics.md"], { cwd: root, encoding: "utf8" });
  assert.equal(status, 0, stderr);
});

test("requests, failures, logins and the store are counted once", async () => {
  const ada = await server.account("ada");
  let before;
  await until("the account is counted", async () => {
    before = await scrape();
    return before.value("coditect_requests_total", { route: "auth_register", status: "201" }) === 1;
  });
  await newSession(ada);
  await newSession(ada);
  for (let i = 0; i < 5; i++) assert.equal((await ada.get("/users/me")).status, 200);
  assert.equal((await ada.get("/sessions/ses-00000000000000000000000000")).status, 404);
  assert.equal((await ada.post("/sessions", { name: "" })).status, 400);
  assert.equal((await server.anonymous().get("/users/me")).status, 401);
  assert.equal((await call(server.port, "GET", "/api/v5/nothing")).status, 404);
  const login = (password) => server.anonymous().post("/auth/login", { email: ada.email, password });
  assert.equal((await login(ada.password)).status, 200);
  assert.equal((await login("another password")).status, 401);
  const { secret } = (await ada.post("/users/me/totp", { password: ada.password })).data;
  assert.equal((await ada.post("/users/me/totp/confirm", { code: totpCode(secret) })).status, 200);
  assert.equal((await login(ada.password)).code, "code_needed");
  assert.equal((await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password, code: "000000" })).code, "bad_code");
  assert.equal((await server.anonymous().post("/auth/login", {})).status, 400);
  let after;
  // A reply is counted when it has gone out: its reader may be faster.
  await until("all are counted", async () => {
    after = await scrape();
    return after.value("coditect_requests_total") - before.value("coditect_requests_total") >= 18;
  });
  const grew = (name, labels) => after.value(name, labels) - before.value(name, labels);
  const requests = (route, status) => grew("coditect_requests_total", { route, status: String(status) });
  assert.equal(requests("sessions_create", 201), 2);
  assert.equal(requests("sessions_create", 400), 1);
  assert.equal(requests("users_me_get", 200), 5);
  assert.equal(requests("users_me_get", 401), 1);
  assert.equal(requests("sessions_get", 404), 1);
  assert.equal(requests("none", 404), 1);
  assert.equal(grew("coditect_failures_total", { code: "invalid" }), 2);
  assert.equal(grew("coditect_failures_total", { code: "unauthenticated" }), 1);
  for (const [result, n] of [["ok", 1], ["code", 1], ["refused", 2], ["limited", 0], ["failed", 1]]) assert.equal(grew("coditect_logins_total", { result }), n, result);
  assert.ok(grew("coditect_store_writes_total") >= 2);
  assert.ok(grew("coditect_store_commits_total") >= 1 && grew("coditect_store_commits_total") <= grew("coditect_store_writes_total"));
  assert.ok(grew("coditect_store_reads_total") >= 1);
  assert.ok(grew("coditect_lane_started_total", { lane: "hash" }) >= 2);
  const seconds = after.families.get("coditect_request_seconds").samples;
  const count = (route) => seconds.find((one) => one.name.endsWith("_count") && one.labels.route === route).value;
  for (const route of ["sessions_create", "users_me_get"]) assert.equal(count(route), after.value("coditect_requests_total", { route }), route);
  assert.ok(after.value("process_resident_memory_bytes") > 1e6);
  assert.ok(after.value("process_cpu_seconds_total") >= before.value("process_cpu_seconds_total"));
  assert.ok(after.value("coditect_connections") >= 1);
});

test("who waits for the store's writer is counted, and nobody is left", async () => {
  const ada = await server.account("ada-queue");
  const session = await newSession(ada);
  let over = false;
  const write = async (n) => {
    for (let i = 0; !over; i++) assert.ok((await ada.write(`/sessions/${session.id}/files/${n}`, `${i}`)).status < 300);
  };
  const writers = Array.from({ length: 16 }, (_, n) => write(n));
  try {
    await until("somebody is seen waiting", async () => (await scrape()).value("coditect_store_queue") > 0);
  } finally {
    over = true;
    await Promise.all(writers);
  }
  await until("nobody waits", async () => (await scrape()).value("coditect_store_queue") === 0);
});

test("nothing that a client says becomes a label", async () => {
  const secret = "not-a-label-4711";
  for (const path of [`/api/v5/${secret}`, `/${secret}`, `/api/v5/sessions/${secret}`, `/api/v5/users/me?${secret}=1`]) {
    await call(server.port, "GET", path, { headers: { "User-Agent": secret, "X-Request-Id": secret } });
  }
  await call(server.port, "PROPFIND", "/api/v5/sessions");
  const { families } = await scrape();
  const known = new Set([...bundle.operations.map(({ id }) => id), "none", "web"]);
  for (const { labels } of families.get("coditect_requests_total").samples) assert.ok(known.has(labels.route), labels.route);
  assert.ok(!(await ask()).text.includes(secret));
});

test("the address has nothing else, and the API has no metrics", async () => {
  assert.equal((await ask("GET", "/")).status, 404);
  assert.equal((await ask("GET", "/api/v5/users/me")).status, 404);
  assert.equal((await ask("GET", "/metrics/")).status, 404);
  assert.equal((await ask("POST", "/metrics")).status, 405);
  const head = await ask("HEAD");
  assert.equal(head.status, 200);
  assert.equal(head.text, "");
  assert.equal((await call(server.port, "GET", "/api/v5/metrics")).status, 404);
  assert.equal((await ask("GET", "/metrics", server.port)).status, 404);
});

test("an address that is none or is taken is refused with its name, without one nobody listens", async (t) => {
  const start = (listen) => spawnSync(server.program, ["--listen", "127.0.0.1:0", "--data", `${server.data}-other`, ...listen], { encoding: "utf8" });
  try {
    const none = start(["--metrics-listen", "nowhere"]);
    assert.equal(none.status, 1);
    assert.match(none.stderr, /metrics/);
    const taken = start(["--metrics-listen", `127.0.0.1:${port}`]);
    assert.equal(taken.status, 1);
    assert.match(taken.stderr, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`));
  } finally {
    rmSync(`${server.data}-other`, { recursive: true, force: true });
  }
  const before = await Server.start({ t, args: ["--end-workspaces"] });
  const bea = await before.account("bea");
  const { id } = await newSession(bea);
  await bea.post(`/sessions/${id}/open`);
  await until("a workspace is to run", () => / starts, generation/.test(before.log), 30_000);
  await before.end("SIGTERM"); // it is started again with the server
  const late = spawnSync(server.program, ["--listen", "127.0.0.1:0", "--data", before.data, "--metrics-listen", `127.0.0.1:${port}`], { encoding: "utf8" });
  assert.equal(late.status, 1);
  assert.match(late.stderr, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`));
  assert.doesNotMatch(late.stderr, / starts, generation/, "nothing is started for who cannot listen");
  await before.run();
  await until("it is started then", () => / starts, generation/.test(before.log), 30_000);
  await before.stop();
  const plain = await Server.start({ t });
  assert.equal((await call(plain.port, "GET", "/metrics")).status, 404);
});

test("workspaces and open connections are shown as they are", async () => {
  const { families, value } = await scrape();
  const states = families.get("coditect_workspaces").samples.map(({ labels }) => labels.state);
  assert.deepEqual(states, ["stopped", "starting", "restoring", "running", "stopping", "failed"]);
  assert.equal(value("coditect_workspaces"), 0);
  assert.equal(value("coditect_mirror_pending_changes"), 0);
  assert.equal(value("coditect_mirror_lag_seconds"), 0); // more of it: tests/workspaces/lag.test.mjs
  assert.equal(readFileSync(join(root, "docs/metrics.md"), "utf8").includes("metrics.listen"), true);
});
