// The door's /past and /desk: what the server alone has, handed through under codi2's token.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { World, until } from "./world.mjs";

test("what a file was comes through the door, and comes back; so does the desk", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const large = "x".repeat(3_000_000);
  for (const text of [large, "two"]) {
    fs.writeFileSync(world.path("new"), text);
    fs.renameSync(world.path("new"), world.tree("naïve file.txt")); // at once, so that it is one version
    await world.sync();
  }
  const path = encodeURIComponent("naïve file.txt");
  const past = await world.door("GET", `/past?path=${path}`, { Authorization: "Bearer guessed" }); // whoever asks
  assert.deepEqual([past.status, past.body.versions.map(({ op, size }) => `${op} ${size}`)], [200, ["write 3", "write 3000000"]]);
  const first = past.body.versions[1].version;
  const content = await world.door("GET", `/past/content?path=${path}&version=${first}`);
  assert.deepEqual([content.status, content.body === large], [200, true]);

  const restore = JSON.stringify({ path: "naïve file.txt", version: first });
  assert.equal((await world.door("POST", "/past/restore", {}, restore)).status, 200);
  await until("it is on the disk", () => fs.readFileSync(world.tree("naïve file.txt"), "utf8") === large);

  fs.rmSync(world.tree("naïve file.txt"));
  await world.sync();
  const { gone } = (await world.door("GET", "/past/gone")).body;
  assert.deepEqual(gone.map(({ path: where, op }) => [where, op]), [["naïve file.txt", "delete"]]);

  assert.equal((await world.door("GET", "/desk")).status, 404);
  assert.equal((await world.door("PUT", "/desk", {}, "arranged")).status, 204);
  await world.kill("server");
  assert.equal((await world.door("GET", "/desk")).status, 502);
  await world.startServer();
  assert.equal((await world.door("GET", "/desk")).body, "arranged");
});

test("no other call of the wire is to be had there", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2();
  const refused = [["GET", "/tree", 404], ["POST", "/changes", 404], ["GET", "/past/../tree", 404], ["GET", "/past/", 404], ["GET", "/past%2Fgone", 404],
    ["GET", "/desk/x", 404], ["POST", "/desk", 405], ["DELETE", "/past", 405], ["GET", "/past/restore", 405]];
  for (const [method, path, status] of refused) {
    assert.equal((await world.door(method, path)).status, status, `${method} ${path}`);
  }
  assert.equal((await world.door("PUT", "/desk", {}, "x".repeat(65_537))).status, 413);
  assert.equal((await world.door("GET", "/past")).status, 400);
  assert.equal((await world.door("GET", "/past?path=never")).status, 404);
});
