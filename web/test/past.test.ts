import { expect, test } from "vitest";
import type { Change } from "../src/api/generated";
import { indexOf, keptWords, momentOf, momentsOf, stillGone, wordsOf } from "../src/lib/past";

const change = (version: number, op: Change["op"], path: string, more: Partial<Change> = {}): Change => ({ version, op, path, type: "file", at: "2026-01-01T00:00:00Z", author: { kind: "api", id: "usr" }, ...more });

test("what is kept of an older past, by the server's rule", () => {
  const day = 86_400;
  expect(keptWords({ all: 7 * day, hourly: 30 * day, daily: 365 * day })).toBe("Every version is kept for 7 days, the last of each hour for 30 days, the last of each day for 1 year. What is there now is kept for ever.");
  expect(keptWords({ all: 3600, hourly: 3600, daily: 90 })).toBe("Every version is kept for 1 hour. What is there now is kept for ever.");
  expect(keptWords({ all: 61, hourly: 1, daily: 400 * day })).toBe("Every version is kept for 61 seconds, the last of each day for 400 days. What is there now is kept for ever.");
});

test("changes in words", () => {
  expect(wordsOf(change(1, "write", "src/a.c"))).toBe("Saved src/a.c");
  expect(wordsOf(change(1, "move", "b", { from: "a" }))).toBe("Moved a to b");
  expect(wordsOf(change(1, "restore", "", { restored: 3, changed: 1 }))).toBe("Restored everything to an earlier moment, 1 item");
  expect(wordsOf(change(1, "restore", "src", { restored: 3 }))).toBe("Restored src to an earlier moment");
});

test("what is not kept is the next moment that is, as the server takes it", () => {
  const changes = [change(9, "write", "a"), change(5, "write", "a", { moment: 6 }), change(4, "write", "b", { moment: 6 }), change(2, "write", "a"), change(1, "write", "c", { moment: 2 })];
  const moments = momentsOf(changes);
  expect(moments.map(({ version }) => version)).toEqual([9, 5, 2]);
  expect(moments.map(momentOf)).toEqual([9, 6, 2]);
  expect([undefined, 10, 9, 8, 6, 5, 4, 3, 2, 1].map((wanted) => indexOf(moments, wanted))).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2]);
});

test("deleted and not come back since", () => {
  const gone = change(7, "delete", "gone");
  const twice = change(6, "delete", "twice");
  const changes = [change(8, "restore", "back"), gone, twice, change(5, "write", "twice"), change(4, "delete", "twice"), change(3, "delete", "back")];
  expect(stillGone(changes.filter(({ op }) => op === "delete"), changes)).toEqual([gone, twice]);
  expect(stillGone([change(1, "delete", "long ago")], changes)).toHaveLength(1);
  const alike = ["Yv9k", "Yv5k"].map((path_b64, i) => change(9 - i, "delete", "b\uFFFDd", { path_b64 }));
  expect(stillGone(alike, alike)).toEqual(alike);
});
