import { expect, test } from "vitest";
import { fuzzy, fuzzyFilter } from "../src/lib/fuzzy";

test.each([
  ["Project A", "prja", [0, 1, 3, 8]],
  ["Project A", "PA", [0, 8]],
  ["New session", "ns", [0, 4]],
  ["darkTheme", "dt", [0, 4]],
  ["Log out", "out", [4, 5, 6]],
  ["Über uns", "üu", [0, 5]],
])("%s is found by %s", (text, wanted, at) => expect(fuzzy(text, wanted)?.at).toEqual(at));

test.each([["Project A", "ap"], ["Project A", "projectb"], ["", "a"], ["a", "aa"]])("%s is not found by %s", (text, wanted) => expect(fuzzy(text, wanted)).toBeUndefined());

test("the better match comes first, equals keep their order, nothing wanted finds all", () => {
  const names = ["Desktop session", "Sessions", "Settings", "New session"];
  expect(fuzzyFilter(names, "sess", (name) => name).map(({ one }) => one)).toEqual(["Sessions", "New session", "Desktop session"]);
  expect(fuzzyFilter(names, " ", (name) => name).map(({ one }) => one)).toEqual(names);
});

test("a text whose letters grow when lowered is marked in the right place", () => {
  expect(fuzzy("İstanbul", "st")?.at).toEqual([1, 2]);
});

test("a long and repetitive text takes no time that anybody would notice", () => {
  const begin = performance.now();
  expect(fuzzy("ab".repeat(100), `${"a".repeat(50)}c`)).toBeUndefined();
  expect(performance.now() - begin).toBeLessThan(5000); // quadratic, not exponential
});
