// What is built, without a browser: how much a first visit loads, what every page may need at most, and that no address leads
// to another host. A browser's own count of a first load is in web-story.test.mjs.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { web } from "./browser.mjs";

const FIRST_LOAD = 300_000;
const files = readdirSync(web, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(web.length));

const bytes = (path) => readFileSync(join(web, path));
/** As it is sent. */
const size = (path) => bytes(existsSync(join(web, `${path}.gz`)) ? `${path}.gz` : path).length;

/** What a script imports before it runs; what it imports later is in `later`. */
function importsOf(path) {
  const text = bytes(path).toString();
  const resolve = (name) => (name.startsWith(".") ? posix.join(posix.dirname(path), name) : name);
  const now = [...text.matchAll(/(?:^|[;\n}])import(?:[\w*{}\s,$]+from)?["']([^"']+)["']/g), ...text.matchAll(/export[\w*{}\s,$]+from["']([^"']+)["']/g)];
  const later = [...text.matchAll(/import\(["'`]([^"'`]+)["'`]\)/g)];
  return { now: now.map(([, name]) => resolve(name)), later: later.map(([, name]) => resolve(name)) };
}

function closure(path, seen = new Set()) {
  if (seen.has(path)) return seen;
  seen.add(path);
  if (path.endsWith(".js")) for (const name of importsOf(path).now) closure(name, seen);
  return seen;
}

const index = bytes("/index.html").toString();
const named = [...index.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path);
const first = new Set(["/index.html", ...named.flatMap((path) => [...closure(path)])]);
/** Of the text's font the letters of English; a browser loads only those that a page shows. */
const fonts = files.filter((path) => /inter-latin-wght.*\.woff2$/.test(path));

test("a first visit loads under 300 kB compressed, the font among it", () => {
  assert.equal(fonts.length, 1, files.filter((path) => path.endsWith(".woff2")).join(" "));
  assert.ok([...first].some((path) => path.startsWith("/assets/index") && path.endsWith(".js")), [...first].join(" "));
  const total = [...first, ...fonts].reduce((sum, path) => sum + size(path), 0);
  console.log(`first load: ${(total / 1000).toFixed(0)} kB compressed, ${first.size + fonts.length} files`);
  assert.ok(total < FIRST_LOAD, `${total}: ${[...first].map((path) => `${path} ${size(path)}`).join(" ")}`);
});

test("each page is a part of its own, and with it a visit stays under the same bound", () => {
  const scripts = [...first].filter((path) => path.endsWith(".js"));
  const pages = [...new Set(scripts.flatMap((path) => importsOf(path).later))].filter((path) => !first.has(path));
  assert.ok(pages.length >= 6, `${pages}`);
  for (const page of pages) {
    const all = new Set([...first, ...closure(page), ...fonts]);
    const total = [...all].reduce((sum, path) => sum + size(path), 0);
    assert.ok(total < FIRST_LOAD, `${page}: ${total}`);
  }
});

test("what is compressed beside a file is that file, and no file names another host to load from", async () => {
  const { gunzipSync } = await import("node:zlib");
  for (const path of files.filter((name) => name.endsWith(".gz"))) assert.deepEqual(gunzipSync(bytes(path)), bytes(path.slice(0, -3)), path);
  for (const path of files.filter((name) => /\.(css|html)$/.test(name))) assert.doesNotMatch(bytes(path).toString(), /(?:src|href)="(?:https?:)?\/\/|url\(["']?(?:https?:)?\/\//, path);
});
