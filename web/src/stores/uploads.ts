// Files on their way to the server, and archives that are unpacked there. Three at a time; one that fails waits for the person.
import { create } from "zustand";
import { problemOf } from "../lib/problem";
import { api } from "./auth";

const AT_ONCE = 3;

export interface Upload {
  readonly id: number;
  readonly sessionId: string;
  /** Where the file goes; of an archive, the folder it is unpacked into. */
  readonly path: string;
  readonly file: File;
  readonly isArchive: boolean;
  readonly state: "waiting" | "sending" | "done" | "failed";
  readonly problem?: string;
}

export const useUploads = create<{ readonly uploads: readonly Upload[] }>(() => ({ uploads: [] }));

let last = 0;

function change(id: number, part: Partial<Upload>): void {
  useUploads.setState(({ uploads }) => ({ uploads: uploads.map((one) => (one.id === id ? { ...one, ...part } : one)) }));
}

async function send(upload: Upload): Promise<void> {
  change(upload.id, { state: "sending" });
  try {
    const { sessionId, path, file: body } = upload;
    await (upload.isArchive ? api.filesUnpack({ sessionId, path, body }) : api.filesPut({ sessionId, path, body }));
    change(upload.id, { state: "done" });
  } catch (error) {
    const { title, advice } = problemOf(error);
    change(upload.id, { state: "failed", problem: `${title} ${advice}` });
  }
  pump();
}

function pump(): void {
  const { uploads } = useUploads.getState();
  const room = AT_ONCE - uploads.filter((one) => one.state === "sending").length;
  for (const upload of uploads.filter((one) => one.state === "waiting").slice(0, Math.max(0, room))) void send(upload);
}

export function upload(sessionId: string, files: ReadonlyArray<{ readonly path: string; readonly file: File }>, isArchive = false): void {
  const added = files.map(({ path, file }): Upload => ({ id: (last += 1), sessionId, path, file, isArchive, state: "waiting" }));
  useUploads.setState(({ uploads }) => ({ uploads: [...uploads.filter((one) => one.state !== "done"), ...added] }));
  pump();
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
