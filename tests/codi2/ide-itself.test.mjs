// The built IDE behind the door: started by codi2, reached below /ide, started again.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { World, until } from "./world.mjs";

const real = process.env.CODITECT_IDE_BUNDLE;
test("the IDE itself", { timeout: 120_000, skip: real ? false : "CODITECT_IDE_BUNDLE names no bundle" }, async (t) => {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2(["--node", process.execPath, "--ide", real], { HOME: world.path("home") });
  const healthy = async () => (await world.door("GET", "/ide/coditect/healthz")).status === 200;
  await until("it answers", healthy, 60);
  const page = await world.door("GET", "/ide/", { Host: "ses-test.ide.localhost:8080" });
  assert.deepEqual([page.status, /<title>Coditect/.test(page.body)], [200, true]);
  const cookie = page.headers["set-cookie"][0].split(";")[0];
  const handshake = "/ide/socket.io/?EIO=4&transport=polling";
  const sent = { Host: "ses-test.ide.localhost:8080", Origin: "http://ses-test.ide.localhost:8080", Cookie: cookie };
  assert.equal((await world.door("GET", handshake, sent)).status, 200);
  assert.equal((await world.door("GET", handshake, { ...sent, Cookie: "" })).status, 403);
  const pid = Number(fs.readFileSync(`/proc/${world.codi2.pid}/task/${world.codi2.pid}/children`, "utf8").trim().split(" ")[0]);
  process.kill(pid, "SIGKILL");
  await until("it is gone", async () => !(await healthy()));
  await until("it is back", healthy, 60);
});
