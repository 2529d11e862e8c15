// A session's changes in words, and what can be had back of what was deleted.
import type { Change, HistoryEntry, Kept } from "../api/generated";
import { formatCount, formatExact } from "./format";
import { historyAddress, parentOf, textAbove, versionAddress } from "./paths";
import { shownPath } from "./shown";

export const opWords: Readonly<Record<HistoryEntry["op"], string>> = { write: "Saved", delete: "Deleted", move: "Moved here", restore: "Restored" };
export const authorWords: Readonly<Record<HistoryEntry["author"]["kind"], string>> = { user: "in the IDE", terminal: "in a terminal", agent: "by an agent", api: "by web page or API" };

/** "Saved src/main.c", "Moved src/a.c to src/b.c", "Restored everything to a moment before, 5 items". */
export function wordsOf(change: Change): string {
  const { op, from, from_b64, restored, changed } = change;
  const name = change.path === "" ? "everything" : shownPath(change);
  if (restored !== undefined) return `Restored ${name} to an earlier moment${changed === undefined ? "" : `, ${formatCount(changed, "item")}`}`;
  if (op === "move") return from !== undefined ? `Moved ${shownPath({ path: from, path_b64: from_b64 })} to ${name}` : `Moved ${name}`;
  return `${opWords[op]} ${name}`;
}

const ages: ReadonlyArray<readonly [number, string]> = [[365 * 86_400, "year"], [86_400, "day"], [3600, "hour"], [60, "minute"]];

/** In the largest unit that it is a multiple of: "7 days", "1 year". */
function formatAge(seconds: number): string {
  const [length, unit] = ages.find(([one]) => seconds % one === 0) ?? [1, "second"];
  return formatCount(seconds / length, unit);
}

/** What is kept of a past that grows old, as a sentence or two; steps that the server's rule does not have are left out. */
export function keptWords({ all, hourly, daily }: Kept): string {
  const steps = [
    `Every version is kept for ${formatAge(all)}`,
    ...(hourly > all ? [`the last of each hour for ${formatAge(hourly)}`] : []),
    ...(daily > Math.max(all, hourly) ? [`the last of each day for ${formatAge(daily)}`] : []),
  ];
  return `${steps.join(", ")}. What is there now is kept for ever.`;
}

/** Of a link to one moment: "As of Nov 22, 2026, 12:05:12 AM". */
export const momentWords = (version: number, at: string | undefined): string => `As of ${at === undefined ? `version ${version}` : formatExact(at)}`;

/** The moment that is shown for a change: its own, or, where that is not kept any more, the next that is. */
export const momentOf = ({ version, moment }: Change): number => moment ?? version;

/** Where the past shows what a change made: itself; in its folder, where it is gone, or in the nearest that an address can carry. */
export function placeOf({ op, path, path_b64 }: Change): string {
  if (path_b64 !== undefined) return textAbove(path_b64);
  return op === "delete" ? parentOf(path) : path;
}

/** Of changes, newest first, those that can be gone back to: of some that are one moment by now the newest. */
export function momentsOf(changes: readonly Change[]): readonly Change[] {
  return changes.filter((one, i) => {
    const newer = changes[i - 1];
    return newer === undefined || momentOf(newer) !== momentOf(one);
  });
}

/** Of moments, newest first, the one that the server shows for the wanted one: itself, or the next. */
export function indexOf(moments: readonly Change[], wanted: number | undefined): number {
  return wanted === undefined ? 0 : Math.max(0, moments.findLastIndex((one) => momentOf(one) >= wanted));
}

const nameOf = ({ path, path_b64 }: Change): string => (path_b64 === undefined ? path : `\0${path_b64}`); // several are shown alike

/** Of changes, newest first, the newest of each path. */
export function newestOf(changes: readonly Change[]): ReadonlyMap<string, Change> {
  const newest = new Map<string, Change>();
  for (const change of changes) if (!newest.has(nameOf(change))) newest.set(nameOf(change), change);
  return newest;
}

/**
 * Of deletions those whose path nothing has come back to since, as far as the changes tell: what came back with its folder is
 * not among them. All are newest first.
 */
export function stillGone(deletions: readonly Change[], changes: readonly Change[]): readonly Change[] {
  const newest = newestOf(changes);
  const seen = new Set<string>();
  return deletions.filter((one) => {
    if (seen.has(nameOf(one))) return false; // deleted again later: that one is shown
    seen.add(nameOf(one));
    const last = newest.get(nameOf(one));
    return last === undefined || last.version <= one.version || last.op === "delete";
  });
}

/** Whether something has come to the path since a version, as far as the newest changes tell. */
export function isBackSince(newest: ReadonlyMap<string, Change>, path: string, version: number): boolean {
  const last = newest.get(path);
  return last !== undefined && last.version > version && last.op !== "delete";
}

/** Of the changes of a path, newest first, the deletion of a folder above it that took it away; undefined: something happened there since. */
export function tookAlong(changes: readonly Change[], path: string): Change | undefined {
  const [last] = changes;
  return last?.op === "delete" && last.path_b64 === undefined && path.startsWith(`${last.path}/`) ? last : undefined;
}

/** How what was at a path last went away. */
export interface Last {
  readonly op: "delete" | "move";
  /** Of that; for a file, one that can be read: what it took away. */
  readonly version: number;
  readonly isFile: boolean;
}

/** By the newest entry of its history; undefined: it is there. */
export function lastOf(newest: HistoryEntry | undefined): Last | undefined {
  if (newest === undefined || (newest.op !== "delete" && newest.op !== "move")) return undefined;
  return { op: newest.op, version: newest.version, isFile: newest.hash !== undefined };
}

/**
 * Where it is shown as it was; undefined: that is where one is, at the wanted moment. A folder is shown by a moment, for which
 * another stands once it is not kept any more; a version of a file is itself or nothing.
 */
export function lastAddress(sessionId: string, path: string, last: Last, wanted?: number): string | undefined {
  if (last.isFile) return versionAddress(sessionId, path, last.version);
  const before = last.version - 1;
  return before === wanted ? undefined : historyAddress(sessionId, path, before);
}
