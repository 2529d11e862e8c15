// What a person is told when the machine cannot run a workspace.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { newSession, Server, until } from "../api/harness.mjs";

const build = process.env.CODITECT_BUILD ?? "";

test("a kernel without user namespaces: the reason and the remedy", { timeout: 60_000 }, async (t) => {
  const server = await Server.start({ t, before: [join(build, "tests/sandbox/no-namespaces")] });
  const dev = await server.account();
  const { id } = await newSession(dev);
  assert.equal((await dev.post(`/sessions/${id}/open`, {})).status, 202);
  let workspace;
  await until("the reason", async () => {
    ({ workspace } = (await dev.get(`/sessions/${id}`)).data);
    return workspace.error !== undefined;
  });
  assert.equal(workspace.error, "the kernel refuses user namespaces: boot one with CONFIG_USER_NS; in a container, start it with --privileged");
  assert.ok(["starting", "failed"].includes(workspace.state), workspace.state);
});

