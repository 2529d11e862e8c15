// Nobody learns from the time an answer takes whether an address has an account: of pairs of requests, one for an address that has
// one and one for an address that has none, in an order drawn for each pair, either is the longer one half of the time, within what
// chance does once in 50,000 runs. Load makes both longer alike, so that a busy machine changes nothing. 200 logins; of the others
// 80, and 200 with CODITECT_TEST_ALL=1.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server } from "./harness.mjs";

const LOGINS = 100;
const PAIRS = process.env.CODITECT_TEST_ALL === "1" ? 100 : 40;
const data = mkdtempSync(join(tmpdir(), "coditect-timing-"));
const known = [];
const unknown = ["nobody-1@example.com", "nobody-2@example.com", "nobody-3@example.com"];
let server, client;

before(async () => {
  // Nobody takes the mail, so that nothing but the requests is at work.
  const args = ["--rate-factor", "100000", "--public-url", "http://127.0.0.1", "--smtp-url", "smtp://127.0.0.1:1", "--smtp-from", "coditect@example.com", "--smtp-retry", "900s"];
  server = await Server.start({ data, args });
  for (let i = 0; i < 3; i++) known.push((await server.account(`timing-${i}`)).email);
  await server.end("SIGTERM");
  server.args.push("--registration-confirm");
  await server.run();
  client = server.anonymous();
});
after(async () => {
  await server.stop();
  rmSync(data, { recursive: true, force: true });
});

async function timed(send, email, status) {
  const begin = process.hrtime.bigint();
  const reply = await send(email);
  const time = process.hrtime.bigint() - begin;
  assert.equal(reply.status, status, reply.text());
  return time;
}

/** [time for a known address, time for an unknown one], so often. */
async function measure(pairs, status, send) {
  const times = [];
  for (const list of [known, unknown]) await timed(send, list[0], status);
  for (let i = 0; i < pairs; i++) {
    const addresses = [known[i % known.length], unknown[i % unknown.length]];
    const order = Math.random() < 0.5 ? [0, 1] : [1, 0];
    const pair = [];
    for (const which of order) pair[which] = await timed(send, addresses[which], status);
    times.push(pair);
  }
  return times;
}

/** How far the number of pairs whose first is the longer is from half of them, in standard deviations of a fair coin. */
function distance(pairs) {
  const longer = pairs.filter(([one, other]) => one > other).length;
  return Math.abs(longer - pairs.length / 2) / (Math.sqrt(pairs.length) / 2);
}
const MOST = 4.25;

test("logins, links for a password and registrations take as long for a known address as for an unknown one", async () => {
  const logins = await measure(LOGINS, 401, (email) => client.post("/auth/login", { email, password: "a wrong password" }));
  const resets = await measure(PAIRS, 200, (email) => client.post("/auth/reset/ask", { email }));
  const registrations = await measure(PAIRS, 202, (email) => client.post("/auth/register", { email }));
  const shown = Object.entries({ logins, resets, registrations }).map(([name, pairs]) => [name, distance(pairs)]);
  for (const [name, far] of shown) assert.ok(far < MOST, `${name}: ${JSON.stringify(shown)}`);
  // What it would find: a login that spares the hash for who has no account.
  assert.ok(distance(resets.map(([one], i) => [logins[i][0], one])) > MOST, "a difference is seen");
});
