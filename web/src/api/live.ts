// What a session's events change on the page: its lists of changes grow by what was told; folders, versions of files and the
// session itself are asked for again, where they are shown and were touched, once a second at most.
import type { Query } from "@tanstack/react-query";
import { paced } from "../lib/paced";
import { isTouched, lacks } from "../lib/touched";
import { tokenNow } from "../stores/auth";
import { noteLive } from "../stores/live";
import type { Change, Entry, SessionEvent } from "./generated";
import { askForSession, changesQuery, queryClient } from "./queries";
import { follow, type Hearing } from "./stream";

const PACE_MS = 1000;
/** A list that was told so much more than it asked for is asked for again, and begins small. */
const MOST_TOLD = 2000;

/** False: what is on its way may lack them, so they are to come again. */
function grow(sessionId: string, op: "delete" | undefined, changes: readonly Change[]): boolean {
  const { queryKey } = changesQuery(sessionId, op);
  if (queryClient.isFetching({ queryKey, exact: true }) > 0) return false;
  const [first, ...older] = queryClient.getQueryData(queryKey)?.pages ?? [];
  if (first === undefined) return true;
  const newest = first.data[0]?.version ?? 0;
  const news = changes.filter((one) => one.version > newest && (op === undefined || one.op === op)).reverse();
  if (first.data.length + news.length > MOST_TOLD) void queryClient.invalidateQueries({ queryKey, exact: true });
  else if (news.length > 0) queryClient.setQueryData(queryKey, (data) => data && { ...data, pages: [{ ...first, data: [...news, ...first.data] }, ...older] });
  return true;
}

/** A folder's list, or what there is about a file's versions. */
function isOld({ queryKey: [, , path, what], state }: Query, changes: readonly Change[]): boolean {
  if (typeof path !== "string" || what === "changes") return false;
  if (changes.some((change) => isTouched(path, change))) return true;
  if (what !== undefined || !Array.isArray(state.data)) return false;
  const names = new Set((state.data as readonly Entry[]).map((entry) => entry.path));
  return changes.some((change) => lacks(path, (name) => names.has(name), change));
}

function hearingOf(sessionId: string): Hearing {
  let waiting: readonly Change[] = []; // for lists of changes that are being asked for
  let news: readonly Change[] = [];
  const askForIt = paced(PACE_MS, () => askForSession(sessionId));
  const show = paced(PACE_MS, () => {
    const told = news;
    news = [];
    waiting = [...waiting, ...told];
    const have = [grow(sessionId, undefined, waiting), grow(sessionId, "delete", waiting)];
    if (have.every(Boolean)) waiting = [];
    else show();
    if (told.length > 0) void queryClient.invalidateQueries({ queryKey: ["files", sessionId], predicate: (query) => isOld(query, told) });
  });
  return {
    token: tokenNow,
    onLive: (isLive) => noteLive(sessionId, isLive),
    onEvents: (events: readonly SessionEvent[]) => {
      const changes = events.flatMap((event) => event.changes ?? []);
      news = [...news, ...changes];
      if (changes.length > 0) show();
      if (events.some(({ kind }) => kind.startsWith("link."))) void queryClient.invalidateQueries({ queryKey: ["links", sessionId] });
      if (events.some(({ kind }) => kind !== "files" && !kind.startsWith("link."))) askForIt();
    },
    onGap: () => {
      void queryClient.invalidateQueries({ queryKey: ["files", sessionId] });
      askForSession(sessionId);
    },
    onOver: () => askForSession(sessionId),
  };
}

/** Hears the session until what is returned is called. */
export function hear(sessionId: string): () => void {
  return follow(sessionId, hearingOf(sessionId));
}
