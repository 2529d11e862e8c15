// Requests made from the document, for what must hold for every operation, also for those that come later.
import { bundle } from "./harness.mjs";

/** Those that want a login, a key or a link. */
export const guarded = bundle.operations.filter((one) => !one.public);

export const resolved = (schema) => (schema?.$ref ? resolved(bundle.$defs[schema.$ref.split("/").at(-1)]) : schema);

/** What an id of this schema begins with; undefined when it is none. */
export const kindOf = (schema) => /^\^(\w{3})-\[/.exec(resolved(schema).pattern ?? "")?.[1];

const words = { category: "editor", key: "font_size", terminal: "main" }; // no ids: everybody has the same

/** idOf(name, kind): what stands in the place of an id; rest: of a file's path. */
export function pathOf(operation, idOf, rest = "secret.txt") {
  const parts = operation.segments.map(({ kind, text }) => {
    if (kind === "literal") return text;
    if (kind === "rest") return `${rest}${text}`;
    return words[text] ?? idOf(text, kindOf(operation.parameters.find((one) => one.in === "path" && one.name === text).schema));
  });
  return `/${parts.join("/")}`;
}

/** What a request cannot do without behind the '?'. */
const needed = { files_diff: "from=1" };
export const withQuery = (operation, path, ...parts) => [path, [needed[operation.id], ...parts].filter((part) => part !== undefined).join("&")].filter((part) => part !== "").join("?");

/** Of things that nobody has. */
export const addressOfNothing = (operation) => withQuery(operation, pathOf(operation, (name, kind) => `${kind}-${"0".repeat(26)}`));

/** A good request to the operation, by its own example. */
export function requestOf(operation) {
  if (operation.body === "bytes") return { body: "mine" };
  if (operation.body === "none") return {};
  const wanted = JSON.stringify(operation.body);
  return { json: operation.examples.find((one) => JSON.stringify(one.schema) === wanted).value };
}
