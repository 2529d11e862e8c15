// Passwords are hashed by processes of their own, which may end at any moment (the kernel needs memory, an operator looks for it):
// who asked is told to try again, nothing is counted against them, and the next one does not notice.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { halt } from "./halt.mjs";
import { freePort, Server, until } from "./harness.mjs";

const ATTEMPTS = 12; // more than the wrong passwords that somebody has at once
const RECEIVE = { x64: "45", arm64: "207" }[process.arch]; // the number of recvfrom(2)

const fact = (path) => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // it has ended
  }
};
const threads = (pid) => readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`);
const hashers = (server) => threads(server.serverPid).flatMap((thread) => fact(`${thread}/children`).split(" ")).filter((pid) => pid !== "").map(Number);
const stateOf = (pid) => fact(`/proc/${pid}/stat`).split(") ")[1]?.[0];

/** A thread that has sent a password to a hasher and waits for the answer. */
const waits = (server) => threads(server.serverPid).some((thread) => fact(`${thread}/comm`) === "hash" && fact(`${thread}/syscall`).split(" ")[0] === RECEIVE);

/** What act() is answered when the hasher that has the password ends. */
async function cutOff(t, server, act) {
  const [pid, ...more] = hashers(server);
  assert.deepEqual(more, [], "one person needs one hasher");
  await halt(t, pid);
  const reply = act();
  await until("the hasher is asked", () => waits(server));
  process.kill(pid, "SIGKILL");
  return reply;
}

test("a hasher that ends makes one request busy, and no password wrong", async (t) => {
  const metrics = `127.0.0.1:${await freePort()}`;
  const server = await Server.start({ t, args: ["--metrics-listen", metrics] }); // limits as they are
  const ada = await server.account("ada");
  const enter = (password = ada.password) => server.anonymous().post("/auth/login", { email: ada.email, password }, { expected5xx: true });
  for (let i = 0; i < ATTEMPTS; i++) {
    const reply = await cutOff(t, server, enter);
    assert.deepEqual([reply.status, reply.code], [503, "busy"]);
    assert.ok(Number(reply.headers["retry-after"]) >= 1);
    assert.equal((await enter()).status, 200, "the next one does not notice");
  }
  assert.equal((await enter("wrong password")).code, "bad_credentials");

  const change = (to) => ada.put("/users/me/password", { current_password: ada.password, new_password: to }, { expected5xx: true });
  assert.equal((await cutOff(t, server, () => change("another password of ada"))).status, 503);
  assert.equal((await enter("another password of ada")).code, "bad_credentials");
  assert.equal((await enter()).status, 200);
  await until("it is said", () => server.log.includes("a hasher ended without an answer: signal 9"));
  assert.match(await (await fetch(`http://${metrics}/metrics`)).text(), new RegExp(`^coditect_failures_total{code="busy"} ${ATTEMPTS + 1}$`, "m"));
});

test("a hasher that ended while nobody needed it is replaced unnoticed; signals to all do not end one", async (t) => {
  const server = await Server.start({ t });
  const ada = await server.account("ada");
  const enter = () => server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
  const [first] = hashers(server);
  process.kill(first, "SIGKILL");
  await until("it has ended", () => stateOf(first) === "Z");
  assert.equal((await enter()).status, 200);
  const [second] = hashers(server);
  assert.notEqual(first, second);
  for (const signal of ["SIGINT", "SIGTERM"]) process.kill(second, signal);
  assert.equal((await enter()).status, 200);
  assert.deepEqual(hashers(server), [second]);
});

test("hashers are confined, know nothing of the server, and end with it", async (t) => {
  const server = await Server.start({ t, env: { JWT_SECRET: "a secret of more than thirty-two bytes" } });
  const [pid] = hashers(server);
  const status = fact(`/proc/${pid}/status`);
  assert.match(status, /^Seccomp:\t2$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(status, /^Threads:\t1$/m);
  if (process.getuid() === 0) { // it is nobody else's to look at
    assert.equal(readFileSync(`/proc/${pid}/environ`, "utf8"), "");
    assert.deepEqual(readdirSync(`/proc/${pid}/fd`), ["0", "2"]);
  }
  await server.end("SIGKILL");
  await until("it has ended", () => [undefined, "Z"].includes(stateOf(pid)));
});

test("many who come at once have as many hashers as there are cores", async (t) => {
  const server = await Server.start({ t });
  const ada = await server.account("ada");
  const replies = await Promise.all(Array.from({ length: 24 }, (_, i) => server.anonymous().post("/auth/login", { email: ada.email, password: i % 2 ? ada.password : "wrong password" })));
  assert.deepEqual(replies.map(({ status }) => status), Array.from({ length: 24 }, (_, i) => (i % 2 ? 200 : 401)));
  const { length } = hashers(server);
  assert.ok(length >= 1 && length <= availableParallelism(), `${length} hashers`);
});
