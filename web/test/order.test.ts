import { expect, test } from "vitest";
import type { Session } from "../src/api/generated";
import { lookFor, orderOf } from "../src/lib/order";

const session = (name: string, used: number, created: number, bytes: number): Session => ({
  id: `ses-${name}`, name, status: "active", tenant_id: "ten", user_id: "usr", agents: [], files: 1, bytes, revision: 1, updated_at: "",
  workspace: { id: "wsp", state: "stopped", runtime: "local", connected: false },
  created_at: new Date(created).toISOString(), last_access_at: new Date(used).toISOString(),
});
const all = [session("Project 10", 3, 1, 5), session("project 9", 2, 3, 7), session("Notes", 1, 2, 6)];
const names = (sessions: readonly Session[]): readonly string[] => sessions.map(({ name }) => name);

test("by each order", () => {
  expect(names(lookFor(all, "", "used"))).toEqual(["Project 10", "project 9", "Notes"]);
  expect(names(lookFor(all, "", "name"))).toEqual(["Notes", "project 9", "Project 10"]);
  expect(names(lookFor(all, "", "new"))).toEqual(["project 9", "Notes", "Project 10"]);
  expect(names(lookFor(all, "", "large"))).toEqual(["project 9", "Notes", "Project 10"]);
  expect(orderOf("by whim")).toBe("used");
});

test("each word is somewhere in the name", () => {
  expect(names(lookFor(all, " 10  PROJ", "used"))).toEqual(["Project 10"]);
  expect(lookFor(all, "nothing", "used")).toEqual([]);
});
