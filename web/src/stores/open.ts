// The sessions that are open on this page: each has a tab, and its IDE stays alive behind the others. A reload keeps the
// tabs; a session's IDE is loaded again when its tab is shown.
import { create } from "zustand";
import type { Persistence, Risk } from "../lib/frame";

/** Each may be an IDE in the browser's memory. One more closes the one that was shown longest ago, if that costs nothing. */
const MOST = 8;

export interface OpenSession {
  readonly id: string;
  /** What its IDE said last; undefined: there is none. */
  readonly said?: Persistence;
  /** What closing it costs. */
  readonly risk: Risk;
  /** The address within the app where the person was last. */
  readonly address?: string;
  /** Higher: shown later. */
  readonly shown: number;
}

interface Open {
  readonly userId: string;
  readonly sessions: readonly OpenSession[];
}

export const useOpen = create<Open>(() => ({ userId: "", sessions: [] }));

const keyOf = (userId: string): string => `coditect-open-${userId}`;
let turn = 0;

function read(userId: string): readonly OpenSession[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(keyOf(userId)) ?? "[]");
    const ids = Array.isArray(stored) ? stored.filter((one): one is string => typeof one === "string" && /^ses-[0-9a-z]{1,40}$/.test(one)) : [];
    return [...new Set(ids)].slice(0, MOST).map((id) => ({ id, risk: "none", shown: 0 }));
  } catch {
    return [];
  }
}

function change(sessions: readonly OpenSession[]): void {
  const { userId } = useOpen.getState();
  useOpen.setState({ sessions });
  try {
    sessionStorage.setItem(keyOf(userId), JSON.stringify(sessions.map(({ id }) => id)));
  } catch {
    // Storage is blocked: a reload closes the tabs.
  }
}

function update(id: string, part: Partial<OpenSession>): void {
  useOpen.setState(({ sessions }) => ({ sessions: sessions.map((one) => (one.id === id ? { ...one, ...part } : one)) }));
}

/** Whoever logs in finds the tabs that she left in this window. */
export function startOpen(userId: string): void {
  if (useOpen.getState().userId !== userId) useOpen.setState({ userId, sessions: read(userId) });
}

/** The person is there now. */
export function showSession(id: string, address: string): void {
  const { sessions } = useOpen.getState();
  const shown = (turn += 1);
  if (sessions.some((one) => one.id === id)) return update(id, { address, shown });
  const [oldest] = sessions.length < MOST ? [] : sessions.filter(({ risk }) => risk === "none").sort((a, b) => a.shown - b.shown);
  change([...sessions.filter((one) => one !== oldest), { id, address, risk: "none", shown }]);
}

export function dropSession(id: string): void {
  const { sessions } = useOpen.getState();
  if (sessions.some((one) => one.id === id)) change(sessions.filter((one) => one.id !== id));
}

export function noteSaid(id: string, said: Persistence | undefined): void {
  useOpen.setState(({ sessions }) => ({
    sessions: sessions.map(({ said: before, ...one }) => (one.id !== id ? { ...one, ...(before !== undefined ? { said: before } : {}) } : { ...one, ...(said !== undefined ? { said } : {}) })),
  }));
}

export function noteRisk(id: string, risk: Risk): void {
  if (useOpen.getState().sessions.some((one) => one.id === id && one.risk !== risk)) update(id, { risk });
}

export function saidBy(id: string) {
  return ({ sessions }: Open): Persistence | undefined => sessions.find((one) => one.id === id)?.said;
}
