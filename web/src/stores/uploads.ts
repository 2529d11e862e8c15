// Files on their way to the server, and archives that are unpacked there. Three at a time; one that fails, or is stopped, waits for
// the person. While one is on its way the browser asks before the page is left (components/leave-guard.tsx).
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
  /** Why it failed; of what the server refused, with the request's id. */
  readonly problem?: string | undefined;
  readonly requestId?: string | undefined;
}

export const useUploads = create<{ readonly uploads: readonly Upload[] }>(() => ({ uploads: [] }));

let last = 0;

function change(id: number, part: Partial<Upload>): void {
  useUploads.setState(({ uploads }) => ({ uploads: uploads.map((one) => (one.id === id ? { ...one, ...part } : one)) }));
}

/** Nothing is left of the time before. */
const again = { state: "waiting", sent: 0, problem: undefined, requestId: undefined } as const;

const stopped = { state: "failed", problem: "It was stopped.", requestId: undefined } as const;

const stops = new Map<number, AbortController>();

async function send({ id, sessionId, path, file: body, isArchive }: Upload): Promise<void> {
  const stop = new AbortController();
  stops.set(id, stop);
  change(id, { ...again, state: "sending" });
  const client = clientBy(watched(tellingFetch((sent) => change(id, { sent }))));
  const args = { sessionId, path, body, signal: stop.signal };
  try {
    await (isArchive ? client.filesUnpack(args) : client.filesPut(args));
    change(id, { state: "done" });
  } catch (error) {
    const { title, advice, requestId } = problemOf(error);
    // What is wrong with an archive itself is said whole.
    const problem = isArchive && isCode(error, "invalid") ? title : `${title} ${advice}`;
    change(id, stop.signal.aborted ? stopped : { state: "failed", problem, requestId });
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
  change(id, { ...again, file });
  pump();
}

export function stopUpload(id: number): void {
  const stop = stops.get(id);
  if (stop !== undefined) stop.abort();
  else if (useUploads.getState().uploads.some((one) => one.id === id && one.state === "waiting")) change(id, stopped);
}

export function dropUpload(id: number): void {
  useUploads.setState(({ uploads }) => ({ uploads: uploads.filter((one) => one.id !== id) }));
}

export function retryUploads(): void {
  useUploads.setState(({ uploads }) => ({
    uploads: uploads.map((one): Upload => (one.state === "failed" ? { ...one, ...again } : one)),
  }));
  pump();
}

/** What is under way goes on; the rest leaves the list. */
export function clearUploads(): void {
  useUploads.setState(({ uploads }) => ({ uploads: uploads.filter((one) => one.state === "sending") }));
}
