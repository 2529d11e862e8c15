// Notices about sessions that were taken away in this browser, by session: nothing asks for them twice.
import { create } from "zustand";

const MOST = 64;
const KEY = "coditect-heard";

function read(): readonly string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter((one) => typeof one === "string").slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export const useHeard = create<{ readonly ids: readonly string[] }>(() => ({ ids: read() }));

export function noteHeard(sessionId: string): void {
  const ids = [sessionId, ...read().filter((id) => id !== sessionId)].slice(0, MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(ids));
  } catch {
    // Storage is blocked: it holds for this page.
  }
  useHeard.setState({ ids });
}
