// Prints what src/pages/notices.tsx shows: each package that is part of the product, with version and licence from the lock
// files, and the licence's own words where the package is installed here.
//
//   node notices.mjs TITLE=LOCKFILE[=MODULES]...      MODULES: the directory that holds node_modules; may be missing
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const MOST_BYTES = 200_000;
const isLicence = (name) => /^(licen[cs]e|copying|notice)([.-].*)?$/i.test(name) && !/\.(js|ts|json|map|html)$/i.test(name);

/** As lock files of npm say it. */
function licenceOf({ license, licenses }) {
  const said = license ?? licenses;
  if (typeof said === "string") return said;
  if (Array.isArray(said)) return said.map((one) => one.type ?? one).join(" OR ");
  return said?.type ?? "";
}

function textOf(directory) {
  if (directory === undefined || !existsSync(directory)) return undefined;
  const names = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile() && isLicence(entry.name)).map(({ name }) => name).sort();
  const text = names.map((name) => readFileSync(join(directory, name), "utf8").replaceAll("\r\n", "\n").trim()).join("\n\n");
  return text === "" || text.length > MOST_BYTES ? undefined : text;
}

const texts = new Map();
function numberOf(text) {
  if (!texts.has(text)) texts.set(text, texts.size);
  return texts.get(text);
}

function packagesOf(lockFile, modules) {
  const found = new Map();
  for (const [path, entry] of Object.entries(JSON.parse(readFileSync(lockFile, "utf8")).packages)) {
    // Tools of the build are not part of the product; what is not below node_modules is our own.
    if (entry.dev || entry.link || !path.includes("node_modules/")) continue;
    const name = entry.name ?? path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const directory = modules === undefined ? undefined : join(modules, path);
    const declared = licenceOf(entry);
    const installed = directory !== undefined && existsSync(join(directory, "package.json")) ? JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) : {};
    const licence = declared !== "" ? declared : licenceOf(installed);
    const text = textOf(directory);
    found.set(`${name} ${entry.version}`, { name, version: entry.version, licence: licence === "" ? "See its own text" : licence, ...(text !== undefined ? { text: numberOf(text) } : {}) });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

const parts = process.argv.slice(2).map((argument) => {
  const [title, lockFile, modules] = argument.split("=");
  return { title, packages: packagesOf(lockFile, modules) };
});
process.stdout.write(JSON.stringify({ parts, texts: [...texts.keys()] }));
