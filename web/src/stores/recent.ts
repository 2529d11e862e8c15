// The sessions that this person opened last in this browser, newest first: ids only, nothing that opens a door.
import { create } from "zustand";

const MOST = 8;
const keyOf = (userId: string): string => `coditect-recent-${userId}`;

function read(userId: string): readonly string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(keyOf(userId)) ?? "[]");
    return Array.isArray(stored) ? stored.filter((one) => typeof one === "string").slice(0, MOST) : [];
  } catch {
    return [];
  }
}

const useStore = create<{ readonly userId: string; readonly ids: readonly string[] }>(() => ({ userId: "", ids: [] }));

function idsOf(userId: string): readonly string[] {
  const { userId: whose, ids } = useStore.getState();
  return whose === userId ? ids : read(userId);
}

export function noteRecent(userId: string, sessionId: string): void {
  const ids = [sessionId, ...idsOf(userId).filter((id) => id !== sessionId)].slice(0, MOST);
  try {
    localStorage.setItem(keyOf(userId), JSON.stringify(ids));
  } catch {
    // Storage is blocked: remembered until the page goes.
  }
  useStore.setState({ userId, ids });
}

/** Those opened last come first, the present one after them all; the others keep their order. */
export function byRecent<T extends { readonly id: string }>(userId: string, sessions: readonly T[]): T[] {
  const ids = idsOf(userId);
  const rank = ({ id }: T): number => (ids.includes(id) ? ids.indexOf(id) : MOST);
  return [...sessions].sort((a, b) => rank(a) - rank(b));
}
