import { expect, test } from "vitest";
import type { Change, HistoryEntry } from "../src/api/generated";
import { indexOf, isBackSince, keptWords, lastAddress, lastOf, momentOf, momentsOf, newestOf, placeOf, stillGone, tookAlong, wordsOf } from "../src/lib/past";

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

test("a change is looked at where an address can lead to", () => {
  expect(placeOf(change(1, "write", "d/a", { type: "symlink" }))).toBe("d/a");
  expect(placeOf(change(1, "delete", "d/a"))).toBe("d");
  for (const op of ["write", "delete"] as const) expect(placeOf(change(1, op, "d/\ufffd", { path_b64: "ZC__" }))).toBe("d");
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

test("what went with its folder is offered only while nothing happened there since", () => {
  const deleted = change(2, "delete", "d", { type: "dir" });
  expect(tookAlong([deleted, change(1, "write", "d/a.txt")], "d/a.txt")).toBe(deleted);
  for (const since of [change(3, "restore", "d", { type: "dir" }), change(4, "write", "d/a.txt")]) expect(tookAlong([since, deleted], "d/a.txt")).toBeUndefined();
  expect(tookAlong([change(3, "delete", "d/a.txt"), deleted], "d/a.txt")).toBeUndefined(); // that deletion is told itself
  expect(tookAlong([change(2, "delete", "d/a")], "d/a.txt")).toBeUndefined();
  expect(tookAlong([], "d/a.txt")).toBeUndefined();

  const back = change(3, "restore", "d/a.txt");
  expect(isBackSince(newestOf([back, deleted]), "d/a.txt", 2)).toBe(true);
  expect(isBackSince(newestOf([change(4, "delete", "d/a.txt"), back, deleted]), "d/a.txt", 2)).toBe(false);
  expect(isBackSince(newestOf([back, deleted]), "d/b.txt", 2)).toBe(false);
  expect(isBackSince(newestOf([deleted, change(1, "write", "d/a.txt")]), "d/a.txt", 2)).toBe(false);
});

test("what was there last is led to by what stays: a file by its version, a folder by its moment, and never to where one is", () => {
  const entry = (op: HistoryEntry["op"], more: Partial<HistoryEntry> = {}): HistoryEntry => ({ version: 7, op, size: 0, at: "2026-01-01T00:00:00Z", author: { kind: "api", id: "usr" }, ...more });
  expect([undefined, entry("write"), entry("restore")].map(lastOf)).toEqual([undefined, undefined, undefined]);
  const file = lastOf(entry("move", { hash: "0".repeat(64) }));
  const folder = lastOf(entry("delete"));
  if (file === undefined || folder === undefined) throw new Error("both are gone");
  expect([file, folder]).toEqual([{ op: "move", version: 7, isFile: true }, { op: "delete", version: 7, isFile: false }]);
  expect(lastAddress("ses-1", "d/a b", file, 6)).toBe("/sessions/ses-1/files/d/a%20b?history&version=7");
  expect([undefined, 7].map((wanted) => lastAddress("ses-1", "d", folder, wanted))).toEqual(Array.from({ length: 2 }, () => "/sessions/ses-1/history/d?at=6"));
  expect(lastAddress("ses-1", "d", folder, 6)).toBeUndefined();
});
