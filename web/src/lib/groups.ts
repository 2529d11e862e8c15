// The sessions of the side panel, in groups. By project once there are projects; until then by what a person looks for first.
import type { Session } from "../api/generated";
import { isMoving, takesAPlace } from "./workspace";

export interface Group {
  readonly key: string;
  readonly title: string;
  readonly sessions: readonly Session[];
}

const WEEK_MS = 7 * 86_400_000;

/** Groups without a session are left out; within a group the one used last comes first. */
export function groupsOf(sessions: readonly Session[], now = Date.now()): readonly Group[] {
  const sorted = [...sessions].sort((a, b) => Date.parse(b.last_access_at) - Date.parse(a.last_access_at));
  const keyOf = (session: Session): string => {
    if (takesAPlace(session) || isMoving(session)) return "running";
    return now - Date.parse(session.last_access_at) < WEEK_MS ? "recent" : "earlier";
  };
  const titles = { running: "Running", recent: "Recent", earlier: "Earlier" };
  return Object.entries(titles)
    .map(([key, title]) => ({ key, title, sessions: sorted.filter((one) => keyOf(one) === key) }))
    .filter((group) => group.sessions.length > 0);
}
