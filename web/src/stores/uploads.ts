// Files on their way to the server, and archives that are unpacked there. Three at a time; one that fails, or is stopped, waits for
// the person. While one is on its way the browser asks before the page is left.
import { create } from "zustand";
import { isCode, problemOf } from "../lib/problem";
import { tellingFetch } from "../lib/telling";
import { clientBy } from "./auth";
import { watched } from "./connection";

const AT_ONCE = 3;

export interface Upload {
  readonly id: number;
  readonly sessionId: string;
  /** Where the file goes; of an archive, the folder it is unpacked into. */
  readonly path: string;
  readonly file: File;
  readonly isArchive: boolean;
  readonly state: "waiting" | "sending" | "done" | "failed";
  /** Bytes that have left. */
  readonly sent: number;
  readonly problem?: string;
}

export const useUploads = create<{ readonly uploads: readonly Upload[] }>(() => ({ uploads: [] }));

const ask = (event: BeforeUnloadEvent): void => event.preventDefault();

useUploads.subscribe(({ uploads }) => {
  if (uploads.some(({ state }) => state === "waiting" || state === "sending")) globalThis.addEventListener("beforeunload", ask);
  else globalThis.removeEventListener("beforeunload", ask);
});

let last = 0;

function change(id: number, part: Partial<Upload>): void {
  useUploads.setState(({ uploads }) => ({ uploads: uploads.map((one) => (one.id === id ? { ...one, ...part } : one)) }));
}

const stops = new Map<number, AbortController>();

async function send({ id, sessionId, path, file: body, isArchive }: Upload): Promise<void> {
  const stop = new AbortController();
  stops.set(id, stop);
  change(id, { state: "sending", sent: 0 });
  const client = clientBy(watched(tellingFetch((sent) => change(id, { sent }))));
  const args = { sessionId, path, body, signal: stop.signal };
  try {
    await (isArchive ? client.filesUnpack(args) : client.filesPut(args));
    change(id, { state: "done" });
  } catch (error) {
    const { title, advice } = problemOf(error);
    // What is wrong with an archive itself is said whole.
    const problem = isArchive && isCode(error, "invalid") ? title : `${title} ${advice}`;
    change(id, { state: "failed", problem: stop.signal.aborted ? "It was stopped." : problem });
  }
  stops.delete(id);
  pump();
}

function pump(): void {
  const { uploads } = useUploads.getState();
  const room = AT_ONCE - uploads.filter((one) => one.state === "sending").length;
  for (const upload of uploads.filter((one) => one.state === "waiting").slice(0, Math.max(0, room))) void send(upload);
}

/** Their ids. */
export function upload(sessionId: string, files: ReadonlyArray<{ readonly path: string; readonly file: File }>, isArchive = false): readonly number[] {
  const added = files.map(({ path, file }): Upload => ({ id: (last += 1), sessionId, path, file, isArchive, state: "waiting", sent: 0 }));
  useUploads.setState(({ uploads }) => ({ uploads: [...uploads.filter((one) => one.state !== "done"), ...added] }));
  pump();
  return added.map(({ id }) => id);
}

/** One that failed; the same file, or another in its place. */
export function retryUpload(id: number, file: File): void {
  change(id, { file, state: "waiting", sent: 0 });
  pump();
}

export function stopUpload(id: number): void {
  stops.get(id)?.abort();
}

export function dropUpload(id: number): void {
  useUploads.setState(({ uploads }) => ({ uploads: uploads.filter((one) => one.id !== id) }));
}

export function retryUploads(): void {
  useUploads.setState(({ uploads }) => ({
    uploads: uploads.map((one): Upload => (one.state === "failed" ? { ...one, state: "waiting" } : one)),
  }));
  pump();
}

/** What is under way goes on; the rest leaves the list. */
export function clearUploads(): void {
  useUploads.setState(({ uploads }) => ({ uploads: uploads.filter((one) => one.state === "sending") }));
}
