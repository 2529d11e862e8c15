// Mutated requests: our verdict against nginx's and node's (its parser as strict as it comes). Each difference has its reason, in
// tests/http/differential.mjs; one without fails. HTTP_MUTATIONS says how many (100,000 in the suite `http`), HTTP_SEED which.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, compareAll, explanations, hasNginx, mutation, startAll, understood } from "../http/differential.mjs";
import { endAll } from "../http/echo.mjs";
import { freePort } from "./harness.mjs";

const count = Number(process.env.HTTP_MUTATIONS ?? 5000);
const seed = Number(process.env.HTTP_SEED ?? 1);
const skip = hasNginx() ? false : "nginx is not installed";

test("a mutation comes from its seed and number alone", () => {
  assert.equal(mutation(5, 7), mutation(5, 7));
  assert.notEqual(mutation(5, 7), mutation(5, 8));
});

test("the comparison sees what it has to see", () => {
  const plain = ["POST 5 localhost /a", "GET 0 localhost /b"];
  assert.equal(compare(plain, plain, true), "same");
  assert.equal(compare(plain, ["POST 5 LOCALHOST:80 /a", "GET  localhost /b"], true), "same");
  assert.equal(compare(["POST 0 localhost /a"], ["POST 5 localhost /a"], true), "different");
  assert.equal(compare(["GET 0 a /a"], ["GET 0 b /a"], true), "different");
  assert.equal(compare([plain[0], "400"], plain, true), "stricter");
  assert.equal(compare(plain, [plain[0]], true), "laxer");
  assert.equal(compare(["400"], ["501"], true), "same");
});

test(`${count} mutations, seed ${seed}`, { skip, timeout: 900_000 }, async (t) => {
  const all = await startAll(freePort);
  try {
    const plain = "POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
    for (const port of Object.values(all.ports)) assert.equal((await understood(port, plain)).length, 2, "a plain request and the next");
    const { same, explained, unexplained } = await compareAll(all.ports, { seed, count });
    t.diagnostic(`${same} verdicts are the same`);
    for (const [why, times] of [...explained].sort()) t.diagnostic(`${times} ${why}`);
    const shown = unexplained.slice(0, 10).map((one) => JSON.stringify(one)).join("\n");
    assert.equal(unexplained.length, 0, `without a reason:\n${shown}`);
    assert.ok(same > count && explained.size > explanations.length / 2, "the mutations reach what they are made for");
  } finally {
    await all.stop();
    endAll();
  }
});
