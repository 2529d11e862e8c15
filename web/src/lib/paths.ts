// Paths in a tree of files ("src/hello.c", "" is the root) and their addresses in the app. A tree is a session's, named by the
// session's id, or the person's home.
import { encodePath, type FilePath } from "../api/generated";

/** The name of the person's own home among the trees. */
export const HOME = "home";

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

export function joinPath(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** The folder itself and all above it, root first. */
export function withParents(path: string): string[] {
  const parts = path === "" ? [] : path.split("/");
  return ["", ...parts.map((_, i) => parts.slice(0, i + 1).join("/"))];
}

export function fileAddress(tree: string, path: string): string {
  const files = tree === HOME ? "/home" : `/sessions/${tree}/files`;
  return path === "" ? files : `${files}/${encodePath(path)}`;
}

/** One version of a file, also of one that is gone. */
export function versionAddress(tree: string, path: string, version: number): string {
  return `${fileAddress(tree, path)}?history&version=${version}`;
}

/** at: the version of the moment; without it, now. */
export function historyAddress(sessionId: string, path: string, at?: number): string {
  const folder = path === "" ? "" : `/${encodePath(path)}`;
  return `/sessions/${sessionId}/history${folder}${at === undefined ? "" : `?at=${at}`}`;
}

/** Where a session is opened: its IDE, or on a small screen its files. */
export function sessionAddress(sessionId: string): string {
  return `/sessions/${sessionId}`;
}

export function ideAddress(sessionId: string): string {
  return `/sessions/${sessionId}/ide`;
}

/** A name that no string can hold, as the API tells it. */
export function bytesOfBase64Url(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
}

/** Of an entry or a change. */
export interface Named {
  readonly path: string;
  /** The path's bytes, where it is no text: addresses of the app do not carry it. */
  readonly path_b64?: string | undefined;
}

/** For the API's address. */
export const sentPath = ({ path, path_b64 }: Named): FilePath => (path_b64 === undefined ? path : bytesOfBase64Url(path_b64));

/** In a body; of the root nothing. */
export function bodyPath({ path, path_b64 }: Named): { path?: string; path_b64?: string } {
  if (path_b64 !== undefined) return { path_b64 };
  return path === "" ? {} : { path };
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The nearest folder above that is text. */
export function textAbove(path_b64: string): string {
  const bytes = bytesOfBase64Url(path_b64);
  for (let end = bytes.lastIndexOf(0x2f); end > 0; end = bytes.lastIndexOf(0x2f, end - 1)) {
    try {
      return strict.decode(bytes.subarray(0, end));
    } catch {
      continue; // further up
    }
  }
  return "";
}

const encoder = new TextEncoder();

/** What is wrong with a new name; undefined: nothing. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "Enter a name.";
  if (name === "." || name === "..") return "This name has a meaning of its own. Choose another.";
  if (name.includes("/")) return "A name has no slash in it.";
  if (name.includes("\0")) return "A name has no NUL in it.";
  if (encoder.encode(name).length > 255) return "At most 255 bytes.";
  return undefined;
}
