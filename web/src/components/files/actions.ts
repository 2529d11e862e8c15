// What can be done with an entry, from the list and from the view of a file.
import { type Entry, encodePath } from "../../api/generated";
import { queryClient, refreshFiles } from "../../api/queries";
import { filesUrl, treeOf } from "../../api/trees";
import { sentName } from "../../lib/content";
import { baseName, joinPath, type Named, parentOf, sentPath } from "../../lib/paths";
import { shown } from "../../lib/shown";
import { api, useAuth } from "../../stores/auth";
import { unasked } from "../../stores/leaving";
import { say, sayProblem } from "../toaster";
import { finishBelow } from "./saver";

export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  // The browser has taken it over by the time of the next task.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}

/** Of the worker's word, which a worker of an older build does not give. */
const WORD_MS = 15_000;
/** Of the server's answer to begin: more than the worker's own patience. */
const BEGIN_MS = 60_000;
/** Of the browser to come for it: another download that is asked for before would stop it. */
const LEAVE_MS = 10_000;

/** The worker's words, one by one; undefined when none comes in time, or before it is stopped. */
function wordsOf(port: MessagePort, signal?: AbortSignal): (ms: number) => Promise<unknown> {
  const said: unknown[] = [];
  let wake = (): void => undefined;
  port.onmessage = ({ data }) => {
    said.push(data);
    wake();
  };
  return (ms) => new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    signal?.addEventListener("abort", () => resolve(undefined), { once: true });
    wake = () => {
      if (said.length === 0) return;
      clearTimeout(timer);
      wake = () => undefined;
      resolve(said.shift());
    };
    wake();
  });
}

function workerNow(): ServiceWorker | undefined {
  return "safari" in globalThis ? undefined : (navigator as Partial<Navigator>).serviceWorker?.controller ?? undefined;
}

interface Wanted {
  readonly url: string;
  readonly token: string;
  /** Where the answer says none. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

/** left: the browser has it. late: it did not begin yet, as behind other long answers; asked again it may. */
async function askWorker(worker: ServiceWorker, { url, token, name, signal }: Wanted): Promise<"left" | "late" | "no"> {
  signal?.throwIfAborted();
  const id = crypto.randomUUID();
  const { port1, port2 } = new MessageChannel();
  const word = wordsOf(port1, signal);
  worker.postMessage({ kind: "download", id, url, token }, [port2]);
  let said = await word(WORD_MS);
  if (said === "taken") said = await word(BEGIN_MS);
  if (said === "ready" && signal?.aborted !== true) {
    said = await unasked(() => {
      location.assign(`/download/${id}/${encodeURIComponent(name)}`); // it is a file: the page stays
      return word(LEAVE_MS);
    });
  }
  port1.close();
  if (said !== "left") signal?.throwIfAborted();
  return said === "left" || said === "late" ? said : "no";
}

/**
 * Has the browser fetch what a token opens straight to the disk: the worker (public/sw.js) sends the token, an address has none.
 * False: nothing was fetched, because there is no worker (yet), it was refused, the browser did not come for it, or it is Safari on
 * a desktop, which takes no download from a worker. Safari on a phone is not known by this sign, and is asked. Rejects when stopped.
 */
export async function fetchToDisk(wanted: Wanted): Promise<boolean> {
  for (;;) {
    const worker = workerNow();
    const said = worker === undefined ? "no" : await askWorker(worker, wanted);
    if (said !== "late") return said === "left";
  }
}

const tokenNow = (): string => useAuth.getState().token ?? "";

/** As whoever is logged in. The worker renews no token: what was refused is tried again when a call of the page has renewed it. */
async function toDisk(url: string, name: string, signal?: AbortSignal): Promise<boolean> {
  for (;;) {
    const worker = workerNow();
    if (worker === undefined) return false;
    const token = tokenNow();
    const said = await askWorker(worker, { url, token, name, signal });
    if (said === "left") return true;
    await api.usersMeGet({ ...(signal !== undefined ? { signal } : {}) });
    if (said !== "late" && tokenNow() === token) return false;
  }
}

const search = (parts: Readonly<Record<string, string | number | undefined>>): string => {
  const given = Object.entries(parts).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]);
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
};

/** Without a version or a moment the current one. at: of a session. */
export async function download(tree: string, file: Named, version?: number, at?: number): Promise<void> {
  const name = baseName(file.path);
  const path = sentPath(file);
  try {
    if (await toDisk(`/api/v5${filesUrl(tree)}/${encodePath(path)}${search({ version, at })}`, name)) return;
    const asked = { path, ...(version !== undefined ? { version } : {}) };
    const response = await (at === undefined ? treeOf(tree).get(asked) : api.filesGet({ ...asked, sessionId: tree, at }));
    save(await response.blob(), name);
  } catch (error) {
    sayProblem(error);
  }
}

/** All files of the session, as they are or were at a moment. Rejects when they could not be had, or it was stopped before they began. */
export async function fetchArchive(sessionId: string, format: "tgz" | "zip", at?: number, signal?: AbortSignal): Promise<void> {
  const name = `session.${format}`;
  if (await toDisk(`/api/v5/sessions/${sessionId}/archive${search({ format, at })}`, name, signal)) return;
  const response = await api.filesArchive({ sessionId, format, ...(at !== undefined ? { at } : {}), ...(signal !== undefined ? { signal } : {}) });
  save(await response.blob(), sentName(response.headers.get("Content-Disposition")) ?? name);
}

/** All files of one's own home, as they are stored. Rejects as the one above. */
export async function fetchHome(signal?: AbortSignal): Promise<void> {
  const name = "home.tar.gz";
  if (await toDisk("/api/v5/users/me/home/archive", name, signal)) return;
  const response = await api.usersMeHomeArchive(signal !== undefined ? { signal } : {});
  save(await response.blob(), sentName(response.headers.get("Content-Disposition")) ?? name);
}

export async function takeHome(): Promise<void> {
  try {
    await fetchHome();
  } catch (error) {
    sayProblem(error);
  }
}

export async function downloadAll(sessionId: string, format: "tgz" | "zip", at?: number): Promise<void> {
  try {
    await fetchArchive(sessionId, format, at);
  } catch (error) {
    sayProblem(error);
  }
}

/** The new session's id; it is whole a moment later. */
export async function forkSession(sessionId: string, name: string, at?: number): Promise<string> {
  const { id } = await api.sessionsFork({ sessionId, body: { name, ...(at !== undefined ? { at } : {}) } });
  void queryClient.invalidateQueries({ queryKey: ["sessions"] });
  return id;
}

async function restore(sessionId: string, path: string, version: number): Promise<void> {
  try {
    await api.filesRestore({ sessionId, path, body: { version } });
    say(`“${shown(baseName(path))}” is back`);
  } catch (error) {
    sayProblem(error);
  }
  refreshFiles(sessionId);
}

/** True when it is gone; it can be taken back from the message. */
export async function remove(sessionId: string, { path, type }: Entry): Promise<boolean> {
  let version: number; // of the deletion: what was there by then may be newer than the entry
  try {
    ({ version } = await api.filesDelete({ sessionId, path, ...(type === "dir" ? { recursive: true } : {}) }));
  } catch (error) {
    sayProblem(error);
    return false;
  }
  refreshFiles(sessionId);
  say(`“${shown(baseName(path))}” was deleted`, () => void restore(sessionId, path, version));
  return true;
}

/** The new path. A text that is not saved is known by the old one: it is saved first. */
export async function rename(sessionId: string, entry: Entry, name: string): Promise<string> {
  const to = joinPath(parentOf(entry.path), name);
  const from = entry.path_b64 !== undefined ? { from_b64: entry.path_b64 } : { from: entry.path };
  await finishBelow({ sessionId, path: entry.path });
  await api.filesMove({ sessionId, body: { ...from, to } });
  refreshFiles(sessionId);
  return to;
}

export async function makeFolder(sessionId: string, above: string, name: string): Promise<void> {
  await api.filesMkdir({ sessionId, body: { path: joinPath(above, name) } });
  refreshFiles(sessionId);
}
