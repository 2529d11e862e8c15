// What the light editor has not saved yet (components/files/saver.ts), by file, and what leaving the page would cost of it:
// components/leave-guard.tsx asks, and a file's page says so.
import { create } from "zustand";
import type { Risk } from "../lib/frame";
import { joinPath } from "../lib/paths";

export const useUnsaved = create<Readonly<Record<string, Risk>>>(() => ({}));

export const unsavedKey = (sessionId: string, path: string): string => joinPath(sessionId, path);
