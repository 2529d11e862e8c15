// The document itself: its examples satisfy its schemas.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bundle, compile, root } from "./harness.mjs";

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
  assert.deepEqual(without, ["files_get", "files_archive", "users_me_home_get", "users_me_home_archive", "shared_files_get", "shared_archive"]);
});

/** What C writes into the audit log: by data_audit or a function that is given the action; what it tells the feeds is none. */
function* actionsOf(folder) {
  for (const file of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".c") && !name.startsWith("cli"))) {
    const text = readFileSync(join(folder, file), "utf8");
    for (const { 1: action, index } of text.matchAll(/"([a-z]+\.[a-z_]+)"/g)) {
      if (!text.slice(text.lastIndexOf(";", index), index).includes("data_event(")) yield action;
    }
  }
}

test("whatever stands in the audit log has words on its page", () => {
  const kinds = readFileSync(join(root, "web/src/lib/audit.ts"), "utf8").matchAll(/noun: "(\w+)".*verbs: \{(.*?)\}/g);
  const words = new Map([...kinds].map(([, noun, verbs]) => [noun, [...verbs.matchAll(/(\w+): "/g)].map(([, verb]) => verb)]));
  const written = [...new Set(actionsOf(join(root, "src")))].map((action) => action.split(".")).filter(([noun]) => words.has(noun));
  assert.ok(written.length > 40, `${written.length} actions`);
  assert.deepEqual(written.filter(([noun, verb]) => !words.get(noun).includes(verb)), []);
});

test("what the document says of the audit log is what is written there", () => {
  const rows = [...readFileSync(join(root, "spec/openapi.yaml"), "utf8").matchAll(/^ +x-audit: \[?(.+?)\]?$/gm)].map(([, names]) => names.split(", "));
  assert.equal(rows.length, bundle.operations.length);
  const written = new Set(actionsOf(join(root, "src")));
  assert.deepEqual(rows.flat().filter((name) => !["none", "history"].includes(name) && !written.has(name)), []);
  const ofHistory = bundle.operations.filter((_, i) => rows[i][0] === "history").map(({ id }) => id);
  assert.ok(ofHistory.length > 5 && ofHistory.every((id) => /^(file|users_me_home)/.test(id)), ofHistory.join());
});
