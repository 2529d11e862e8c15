import { expect, test } from "vitest";
import { auditActions } from "../src/api/generated";
import { byDay, kindOf, nobody, sinceOf, verbOf } from "../src/lib/audit";
import { formatDay } from "../src/lib/format";

test("an action in words; one that is new nearly as the log names it", () => {
  expect(verbOf("session.delete")).toBe("deleted the session");
  expect(verbOf("session.explode")).toBe("did “session explode”");
  expect(verbOf("tenant.setting_update")).toBe("changed a default of the team");
  expect(verbOf("else.create_all")).toBe("did “else create all”");
  expect(kindOf("login.reused")?.label).toBe("Logins");
});

test("every change of the API's document has words", () => {
  expect(auditActions.length).toBeGreaterThan(40);
  expect(auditActions.filter((action) => verbOf(action).startsWith("did “") || kindOf(action) === undefined)).toEqual([]);
});

test("who did what no account did", () => {
  expect(nobody({ action: "session.pause" })).toBe("The server");
  expect(nobody({ action: "link.use", address: "192.0.2.1" })).toBe("Somebody");
  expect(nobody({ action: "reset.create", address: "console" })).toBe("The operator");
});

test("since when", () => {
  expect(sinceOf("hour", Date.UTC(2026, 0, 1, 1))).toBe("2026-01-01T00:00:00.000Z");
  expect(sinceOf("", 0)).toBeUndefined();
  expect(sinceOf("ever since", 0)).toBeUndefined();
});

test("records in runs of a day, and its name", () => {
  const at = (text: string) => ({ at: new Date(text).toISOString() });
  expect(byDay([at("2026-03-02T10:00"), at("2026-03-02T09:00"), at("2026-03-01T23:00")]).map(({ records }) => records.length)).toEqual([2, 1]);
  const now = new Date("2026-03-02T10:00").getTime();
  expect(formatDay(at("2026-03-02T09:00").at, now)).toBe("Today");
  expect(formatDay(at("2026-03-01T23:00").at, now)).toBe("Yesterday");
  expect(formatDay(at("2026-02-28T23:00").at, now)).toBe("Saturday, February 28, 2026");
});
