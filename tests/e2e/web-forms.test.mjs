// Forms hold what is typed against the API's document and nothing else: the generated bounds are those of the requests, a bound
// that changes in the document changes in the form, and no form has bounds of its own.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bundle, root } from "../api/harness.mjs";

const scratch = mkdtempSync(join(tmpdir(), "coditect-forms-"));
after(() => rmSync(scratch, { recursive: true }));

/** Form → field → bounds, as the generator makes them of a document. */
function limitsOf(document) {
  const from = join(scratch, "openapi.yaml");
  const to = join(scratch, "generated.ts");
  writeFileSync(from, document);
  execFileSync(process.env.PYTHON ?? "/usr/bin/python3", [join(root, "tools/gen/openapi_ts.py"), from, to]);
  const found = readFileSync(to, "utf8").matchAll(/^export const limitsOf(\w+) = \{ (.*) \} as const/gm);
  return new Map([...found].map(([, form, fields]) => [form, JSON.parse(`{${fields.replaceAll(/(\w+): \{/g, '"$1": {')}}`)]));
}

const document = readFileSync(join(root, "spec/openapi.yaml"), "utf8");
const limits = limitsOf(document);
const resolve = (schema) => (schema.$ref === undefined ? schema : { ...resolve(bundle.$defs[schema.$ref.split("/").at(-1)]), ...schema });

test("the bounds of each field are those of the request that it is sent with", () => {
  assert.ok(limits.size >= 10);
  for (const [form, fields] of limits) {
    const { properties, required = [] } = bundle.$defs[form];
    for (const [name, { least, most, isRequired }] of Object.entries(fields)) {
      const { minLength = 0, maxLength } = resolve(properties[name]);
      assert.deepEqual([least, most, isRequired], [minLength, maxLength, required.includes(name)], `${form}.${name}`);
    }
  }
});

test("a bound that changes in the document changes in every form that has it", () => {
  const changed = limitsOf(document.replaceAll("maxLength: 100,", "maxLength: 77,").replaceAll("minLength: 8,", "minLength: 9,"));
  let count = 0;
  for (const [form, fields] of limits) {
    for (const [name, { least, most }] of Object.entries(fields)) {
      const now = changed.get(form)[name];
      assert.deepEqual([now.least, now.most], [least === 8 ? 9 : least, most === 100 ? 77 : most], `${form}.${name}`);
      count += (least === 8) + (most === 100);
    }
  }
  assert.ok(count >= 5, `${count} bounds changed`);
});

test("each form asks for those bounds, and has none of its own", () => {
  const files = readdirSync(join(root, "web/src"), { recursive: true }).filter((name) => name.endsWith(".tsx"));
  const forms = files.map((name) => [name, readFileSync(join(root, "web/src", name), "utf8")]).filter(([, text]) => text.includes("<form"));
  assert.ok(forms.length >= 8, `${forms.length} files with forms`);
  for (const [name, text] of forms) {
    const asked = new Set([...text.matchAll(/textProblem\((?:\{ \.\.\.)?(limits\w*)\./g)].map(([, limits]) => limits)); // each form's request has its own
    if (/check\(name\)/.test(text)) asked.add("check"); // whoever shows the dialog hands it over
    assert.ok(asked.size >= text.split("<form").length - 1, `${name}: a form asks nobody`);
    assert.equal(/maxLength=|minLength=|pattern=|At (least|most) \d/.exec(text)?.[0], undefined, name);
  }
});
