// What changed in a file between two versions or moments: for a page to draw, and as the text that patch and git apply read.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newSession, serverForFile } from "./harness.mjs";

const server = await serverForFile();
const ada = await server.account("ada");
const base = `/sessions/${(await newSession(ada)).id}`;
const write = async (path, text) => (await ada.write(`${base}/files/${path}`, text)).data.version;
const diff = async (path, query) => {
  const reply = await ada.get(`${base}/diff/${path}?${query}`);
  assert.equal(reply.status, 200, reply.text());
  return reply.data;
};
const unified = async (path, query) => {
  const reply = await ada.get(`${base}/diff/${path}?${query}&format=unified`);
  assert.equal(reply.status, 200);
  assert.equal(reply.headers["content-type"], "text/x-diff");
  assert.equal(reply.headers["content-disposition"], "attachment", "never a page");
  return reply.body;
};
const lines = (n, change = () => undefined) => Array.from({ length: n }, (_, i) => `${change(i) ?? `line ${i}`}\n`).join("");

test("two versions, a version and now, and git apply makes one of the other", async () => {
  const old = lines(3000, (i) => (i === 2999 ? "no\u0000thing" : undefined)).replace("\u0000", "");
  const now = lines(3000, (i) => (i % 400 === 7 ? `changed ${i}` : i === 100 ? "one\ntwo\nthree" : undefined)).trimEnd();
  const one = await write("src/a", old);
  const two = await write("src/a", now);
  const both = await diff("src/a", `from=${one}&to=${two}`);
  assert.equal(both.compared, "text");
  assert.deepEqual([both.from.version, both.to.version, both.from.size, both.more], [one, two, old.length, false]);
  assert.deepEqual([both.added, both.removed], [8 + 3 + 1, 8 + 1 + 1]);
  assert.deepEqual(both.hunks[0].lines.filter((line) => line.op !== "same"), [{ op: "remove", text: "line 7" }, { op: "add", text: "changed 7" }]);
  assert.equal(both.hunks.at(-1).lines.at(-1).open, true);
  assert.deepEqual(await diff("src/a", `from=${one}`), both, "now");

  const directory = mkdtempSync(join(tmpdir(), "coditect-diff-"));
  mkdirSync(join(directory, "src"));
  writeFileSync(join(directory, "src/a"), old);
  execFileSync("git", ["apply", "-"], { cwd: directory, input: await unified("src/a", `from=${one}`) });
  assert.equal(readFileSync(join(directory, "src/a"), "utf8"), now);
  execFileSync("git", ["apply", "-R", "-"], { cwd: directory, input: await unified("src/a", `from=${one}`) });
  assert.equal(readFileSync(join(directory, "src/a"), "utf8"), old);
  rmSync(directory, { recursive: true });
  assert.equal((await diff("src/a", `from=${two}&to=${two}`)).compared, "equal");
  assert.equal((await unified("src/a", `from=${two}`)).length, 0);
});

test("another mode is told, alone or with another content, and git apply knows it", async () => {
  const one = await write("tool", "#!/bin/sh\n");
  const two = (await ada.request("PUT", `${base}/files/tool?mode=0755`, { body: "#!/bin/sh\n" })).data.version;
  const three = (await ada.request("PUT", `${base}/files/tool?mode=0700`, { body: "#!/bin/sh\ntrue\n" })).data.version;
  const alone = await diff("tool", `from=${one}&to=${two}`);
  assert.deepEqual([alone.compared, alone.from.mode, alone.to.mode], ["equal", 0o644, 0o755]);
  const text = (await unified("tool", `from=${one}&to=${two}`)).toString();
  assert.equal(text, "diff --git a/tool b/tool\nold mode 100644\nnew mode 100755\n");
  const directory = mkdtempSync(join(tmpdir(), "coditect-diff-"));
  const tool = join(directory, "tool");
  writeFileSync(tool, "#!/bin/sh\n", { mode: 0o644 });
  execFileSync("git", ["apply", "-"], { cwd: directory, input: text });
  assert.equal(statSync(tool).mode & 0o111, 0o111);
  const both = await unified("tool", `from=${one}&to=${three}`);
  assert.match(both.toString(), /^diff --git a\/tool b\/tool\nold mode 100644\nnew mode 100700\n--- a\/tool\n\+\+\+ b\/tool\n@@/);
  rmSync(tool);
  writeFileSync(tool, "#!/bin/sh\n", { mode: 0o644 });
  execFileSync("git", ["apply", "-"], { cwd: directory, input: both });
  assert.equal(readFileSync(tool, "utf8"), "#!/bin/sh\ntrue\n");
  rmSync(directory, { recursive: true });
});

test("what was not there yet, was deleted, moved; moments at which nothing happened to the file", async () => {
  const one = await write("b", "one\n");
  const between = await write("other", "x");
  const two = await write("b", "two\n");
  assert.deepEqual(await diff("b", `from=${between}&to=${two}`), await diff("b", `from=${one}&to=${two}`));
  const made = await diff("b", `from=${one - 1}&to=${one}`);
  assert.deepEqual([made.from, made.added, made.removed], [undefined, 1, 0]);
  assert.deepEqual(await diff("b", `from=0&to=${one}`), made);
  assert.deepEqual(await diff("b", `to=${one}`), made, "there is no version before it");
  assert.deepEqual(await diff("b", `to=${two}`), await diff("b", `from=${one}&to=${two}`), "the one before it");
  assert.deepEqual(await diff("b", ""), await diff("b", `from=${one}`), "of the current one");
  assert.equal((await unified("b", `from=0&to=${one}`)).toString(), "--- /dev/null\n+++ b/b\n@@ -0,0 +1 @@\n+one\n");

  await ada.post(`${base}/files:move`, { from: "b", to: "c" });
  assert.deepEqual((await diff("c", `from=${one}`)).hunks[0].lines, [{ op: "remove", text: "one" }, { op: "add", text: "two" }], "through its rename");
  await ada.delete(`${base}/files/c`);
  const [gone] = (await ada.get(`${base}/history/c`)).data;
  for (const query of [`from=${two}`, `from=${two}&to=${gone.version}`]) {
    const deleted = await diff("c", query);
    assert.deepEqual([deleted.to, deleted.added, deleted.removed], [undefined, 0, 1]);
  }
  assert.equal((await unified("c", `from=${two}`)).toString(), "--- a/c\n+++ /dev/null\n@@ -1 +0,0 @@\n-two\n");
});

test("no text, too large, a strange name; what cannot be asked", async () => {
  const binary = await write("binary", Buffer.from([1, 0, 2]));
  await write("binary", Buffer.from([1, 0, 3]));
  const differ = await diff("binary", `from=${binary}`);
  assert.deepEqual([differ.compared, differ.hunks, differ.from.size], ["binary", undefined, 3]);
  assert.equal((await unified("binary", `from=${binary}`)).toString(), "Binary files a/binary and b/binary differ\n");

  const large = await write("large", Buffer.alloc(1024 * 1024 + 1, "a\n"));
  await write("large", "a\n");
  assert.equal((await diff("large", `from=${large}`)).compared, "too_large");
  assert.match((await unified("large", `from=${large}`)).toString(), /^Large files /);
  const many = await write("many", lines(50_001, () => ""));
  await write("many", "x");
  assert.equal((await diff("many", `from=${many}`)).compared, "too_large");

  // All of 1 MiB of characters that JSON writes six times as long: the reply ends early, the text does not.
  const controls = await write("controls", `\u0001\n`.repeat(10) + "\u0001".repeat(1024 * 1024 - 20));
  await write("controls", lines(40_000));
  const cut = await diff("controls", `from=${controls}`);
  assert.deepEqual([cut.compared, cut.more, cut.removed], ["text", true, 11]);
  assert.ok((await unified("controls", `from=${controls}`)).length > 1024 * 1024 + 40_000 * 7);

  const strange = encodeURIComponent('a"b\nc');
  const named = await write(strange, "1");
  assert.match((await unified(strange, `from=0&to=${named}`)).toString(), /^--- \/dev\/null\n\+\+\+ "b\/a\\042b\\012c"\n/);

  await ada.post(`${base}/files:mkdir`, { path: "folder" });
  assert.equal((await ada.get(`${base}/diff/folder?from=0`)).status, 409);
  assert.equal((await ada.get(`${base}/diff/never?from=0`)).status, 404);
  assert.equal((await ada.get(`${base}/diff/large?from=1`)).status, 200, "it was not there then, and is now");
  assert.equal((await ada.get(`${base}/diff/large?from=99999999`)).status, 404, "it lies ahead");
  for (const query of ["from=-1", "from=x", "from=1&to=0", "from=1&format=html", "from=9007199254740992"]) {
    assert.equal((await ada.get(`${base}/diff/large?${query}`)).status, 400, query);
  }
  assert.equal((await ada.get(`${base}/diff/?from=1`)).status, 400);
});
