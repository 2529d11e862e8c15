// The document itself: its examples satisfy its schemas.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, compile } from "./harness.mjs";

test("every example satisfies its schema", () => {
  let count = 0;
  for (const operation of bundle.operations) {
    for (const { schema, value } of operation.examples) {
      const validate = compile(schema);
      assert.ok(validate(value), `${operation.id}: ${JSON.stringify(validate.errors)}`);
      count += 1;
    }
  }
  assert.ok(count >= bundle.operations.length - 1, `${count} examples`);
});

test("every operation that takes JSON, or answers it, shows an example", () => {
  const without = bundle.operations.filter((one) => one.examples.length === 0).map((one) => one.id);
  assert.deepEqual(without, ["files_get", "files_archive", "shared_files_get", "shared_archive"]);
});
