// A browser that does not start, or fails as it closes, leaves no server that runs: it would keep its test file alive.
import assert from "node:assert/strict";
import { test } from "node:test";
import { running } from "../api/ends.mjs";
import { openWorld } from "./browser.mjs";

test("a browser that does not start", async (t) => {
  const chromium = process.env.CHROMIUM;
  t.after(() => {
    if (chromium === undefined) delete process.env.CHROMIUM;
    else process.env.CHROMIUM = chromium;
  });
  process.env.CHROMIUM = "/bin/false";
  await assert.rejects(openWorld(), /launch/);
  assert.equal(running.size, 0);
});

test("a browser that fails as it closes", async () => {
  const world = await openWorld();
  const close = world.browser.close.bind(world.browser);
  world.browser.close = async () => {
    await close();
    throw new Error("it fell over");
  };
  await assert.rejects(world.end(), /it fell over/);
  assert.equal(running.size, 0);
});
