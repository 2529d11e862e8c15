// Which of what is shown a change in the files changes.
import type { Change } from "../api/generated";
import { parentOf } from "./paths";

type Where = Pick<Change, "from" | "from_b64" | "path" | "path_b64" | "type">;

function isBelow(path: string, folder: string): boolean {
  return folder === "" || path.startsWith(`${folder}/`);
}

/** shown: the path of a folder that is listed, or of a file whose versions are. */
export function isTouched(shown: string, { path, from, type, ...bytes }: Where): boolean {
  if (bytes.path_b64 !== undefined || bytes.from_b64 !== undefined) return true; // the words of a name that is none
  const places = from === undefined ? [path] : [path, from];
  return places.some((place) => shown === place || shown === parentOf(place) || (type === "dir" && isBelow(shown, place)));
}

/** What was made for a change without being one: a missing folder above it. names: of what the folder's list has. */
export function lacks(shown: string, has: (path: string) => boolean, { path, op }: Pick<Change, "op" | "path">): boolean {
  if (op === "delete" || !isBelow(path, shown)) return false;
  const begin = shown === "" ? 0 : shown.length + 1;
  const slash = path.indexOf("/", begin);
  return !has(slash < 0 ? path : path.slice(0, slash));
}
