import { expect, test } from "vitest";
import type { Session } from "../src/api/generated";
import { movingInterval } from "../src/api/queries";
import { byProject, groupsOf } from "../src/lib/groups";
import { pauseAfter } from "../src/stores/connection";

const now = Date.parse("2026-11-21T12:00:00Z");
const session = (name: string, state: Session["workspace"]["state"], days: number, status: Session["status"] = "active"): Session => ({
  id: `ses-${name}`, name, status, tenant_id: "ten-1", user_id: "usr-1", agents: [], files: 0, bytes: 0, revision: 1,
  workspace: { id: "wsp-1", state, runtime: "local", connected: true },
  created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z", last_access_at: new Date(now - days * 86_400_000).toISOString(),
});

test("the side panel's groups, and what was used last comes first", () => {
  const all = [session("old", "stopped", 30), session("b", "running", 3), session("c", "stopped", 1, "paused"), session("a", "starting", 2), session("d", "stopped", 0), session("going", "stopping", 40, "paused")];
  const shown = groupsOf(all, [], now).map(({ title, sessions }) => [title, sessions.map(({ name }) => name)]);
  expect(shown).toEqual([["Running", ["a", "b", "going"]], ["Recent", ["d", "c"]], ["Earlier", ["old"]]]);
  expect(groupsOf([], [], now)).toEqual([]);
});

test("projects come after what runs, and what is in none after them", () => {
  const projects = [{ id: "prj-1", name: "Compilers" }, { id: "prj-2", name: "Nothing" }];
  const put = (one: Session, project_id: string): Session => ({ ...one, project_id });
  const all = [put(session("a", "running", 1), "prj-1"), put(session("b", "stopped", 1), "prj-1"), session("c", "stopped", 1), put(session("d", "stopped", 1), "prj-unknown")];
  const shown = (groups: ReturnType<typeof byProject>) => groups.map(({ title, sessions }) => [title, sessions.map(({ name }) => name)]);
  expect(shown(groupsOf(all, projects, now))).toEqual([["Running", ["a"]], ["Compilers", ["b"]], ["Recent", ["c", "d"]]]);
  expect(shown(byProject(all, projects))).toEqual([["Compilers", ["a", "b"]], ["In no project", ["c", "d"]]]);
});

test("a minute of changes costs half of what a person may ask", () => {
  let asked = 0;
  for (let at = 0; at < 60_000; at += movingInterval(at)) asked += 1;
  expect(asked).toBeLessThan(50);
  expect(movingInterval(0)).toBe(1000);
  expect(movingInterval(600_000)).toBe(5000);
});

test("a server that is away is looked for less and less often", () => {
  expect([1, 2, 3, 4, 5, 6, 100].map(pauseAfter)).toEqual([1000, 1000, 2000, 4000, 8000, 8000, 8000]);
});
