// Runs the rows that are named, or all, and prints a table as docs/benchmarks.md has it. A row that cannot run says why; then
// the exit status is 1.
import { beside } from "./beside.mjs";
import { crash } from "./crash.mjs";
import { archive, fork } from "./files.mjs";
import { cost, http, put } from "./http.mjs";
import { identity } from "./identity.mjs";
import { load, machine } from "./measure.mjs";
import { mirror } from "./mirror.mjs";
import { paint } from "./paint.mjs";
import { memory, users } from "./people.mjs";
import { records } from "./records.mjs";
import { store } from "./store.mjs";
import { ide, restore, save } from "./workspace.mjs";

const { checkout, large, idle, arrive, back } = mirror;
const rows = { http, put, cost, memory, users, identity, records, store, beside, fork, archive, save, checkout, large, idle, arrive, back, restore, ide, paint, crash };
const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in rows));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(", ")}: there are ${Object.keys(rows).join(", ")}`);
  process.exit(2);
}

console.log(`${new Date().toISOString().slice(0, 16)}Z, ${machine()}\n`);
console.log("| what | ours | yardstick | ours / yardstick | load |\n| --- | --- | --- | --- | --- |");
let failed = false;
for (const name of names.length > 0 ? names : Object.keys(rows)) {
  const before = load();
  try {
    for (const { what, ours, yardstick, ratio } of await rows[name]()) {
      console.log(`| ${what} | ${ours} | ${yardstick} | ${ratio} | ${before}–${load()} |`);
    }
  } catch (error) {
    failed = true;
    console.error(`${name}: ${error.message}`);
  }
}
process.exit(failed ? 1 : 0);
