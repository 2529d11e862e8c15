// coditectd --scrub: reads all content of a store that no server uses, and says what it found.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bytesOf, newSession, program, Server } from "./harness.mjs";

const scrub = (data) => spawnSync(program, ["--data", data, "--scrub"], { encoding: "utf8" });

test("--scrub reads all that was stored", async (t) => {
  const data = mkdtempSync(join(tmpdir(), "coditect-scrub-"));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  assert.equal(scrub(data).status, 1, "there is no store");
  const server = await Server.start({ t, data });
  const ada = await server.account("ada");
  const session = await newSession(ada);
  const files = `/sessions/${session.id}/files`;
  await ada.write(`${files}/large`, Buffer.concat([...bytesOf(500_000, 1)]));
  await ada.write(`${files}/small`, "small");
  assert.equal(scrub(data).status, 1, "a server holds it");
  await server.stop();
  const { status, stdout } = scrub(data);
  const [, chunks, versions] = /^(\d+) chunks, (\d+) versions: 0 damaged\n$/.exec(stdout) ?? assert.fail(stdout);
  assert.equal(status, 0);
  assert.ok(Number(chunks) >= 9, "of at most 64 KiB each, and a page");
  assert.equal(Number(versions), 2);
});
