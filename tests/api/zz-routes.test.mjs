// Last of the run: every operation of the document was answered with success by some test, and every one that can refuse did.
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { test } from "node:test";
import { bundle, compile, hitsFile } from "./harness.mjs";

test("every reply's schema is one, also of replies that no test saw", () => {
  const schemas = bundle.operations.flatMap(({ replies }) => Object.values(replies)).filter((schema) => schema !== null && schema !== "bytes");
  assert.ok(schemas.length > bundle.operations.length / 2);
  for (const schema of schemas) compile(schema);
});

test("every route was hit", () => {
  assert.ok(existsSync(hitsFile), "the other test files of this folder run before this one");
  const hits = new Set(readFileSync(hitsFile, "utf8").split("\n"));
  rmSync(hitsFile);
  const missing = bundle.operations.map((one) => one.id).filter((id) => !hits.has(`${id} ok`));
  assert.deepEqual(missing, []);
  const refusing = bundle.operations.filter((one) => "404" in one.replies || "409" in one.replies);
  const untried = refusing.map((one) => one.id).filter((id) => !hits.has(`${id} refused`));
  assert.deepEqual(untried, [], "routes whose refusal no test has seen");
});
