// Where a data directory may lie: also so deep that no socket below it could be named in full.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newSession, Server } from "../api/harness.mjs";
import { inside, open, sync } from "./inside.mjs";

test("a data directory with a long name", { timeout: 60_000 }, async (t) => {
  const top = mkdtempSync(join(tmpdir(), "coditect-places-"));
  const parent = join(top, "a".repeat(80), "b".repeat(80));
  mkdirSync(parent, { recursive: true });
  const server = await Server.start({ t, data: join(parent, "data") });
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const ada = await server.account("ada");
  const { id } = await newSession(ada);
  await open(ada, id);
  inside(server, id, "echo kept > a.txt");
  sync(server, id);
  assert.equal((await ada.get(`/sessions/${id}/files/a.txt`)).body.toString(), "kept\n");
});
