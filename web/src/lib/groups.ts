// Sessions in groups: of the side panel, by what a person looks for first; by project where there are projects.
import type { Project, Session } from "../api/generated";
import { isMoving, takesAPlace } from "./workspace";

export interface Group {
  readonly key: string;
  readonly title: string;
  readonly sessions: readonly Session[];
}

const WEEK_MS = 7 * 86_400_000;

type Named = Pick<Project, "id" | "name">;

/** Groups without a session are left out; within a group the one used last comes first. */
export function groupsOf(sessions: readonly Session[], projects: readonly Named[] = [], now = Date.now()): readonly Group[] {
  const sorted = [...sessions].sort((a, b) => Date.parse(b.last_access_at) - Date.parse(a.last_access_at));
  const names = projects.map(({ id, name }) => [id, name] as const);
  const known = new Set(projects.map(({ id }) => id));
  const keyOf = (session: Session): string => {
    if (takesAPlace(session) || isMoving(session)) return "running";
    if (session.project_id !== undefined && known.has(session.project_id)) return session.project_id;
    return now - Date.parse(session.last_access_at) < WEEK_MS ? "recent" : "earlier";
  };
  return [["running", "Running"] as const, ...names, ["recent", "Recent"] as const, ["earlier", "Earlier"] as const]
    .map(([key, title]) => ({ key, title, sessions: sorted.filter((one) => keyOf(one) === key) }))
    .filter((group) => group.sessions.length > 0);
}

/** In the order that they have: those of each project, then those of none; all in one where there are no projects. */
export function byProject(sessions: readonly Session[], projects: readonly Named[]): readonly Group[] {
  const known = new Set(projects.map(({ id }) => id));
  const groups = projects.map(({ id, name }) => ({ key: id, title: name, sessions: sessions.filter(({ project_id }) => project_id === id) }));
  const rest = { key: "", title: "In no project", sessions: sessions.filter(({ project_id }) => project_id === undefined || !known.has(project_id)) };
  return [...groups, rest].filter((group) => group.sessions.length > 0);
}
