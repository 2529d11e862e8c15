import { expect, test } from "vitest";
import { compareOf, rowsOf, sidesOf } from "../src/lib/diff";

test("each line with its numbers on both sides", () => {
  const rows = rowsOf({ from_line: 3, from_count: 2, to_line: 4, to_count: 3, lines: [{ op: "same", text: "a" }, { op: "remove", text: "b" }, { op: "add", text: "c" }, { op: "add", text: "d", open: true }] });
  expect(rows.map(({ op, from, to }) => [op, from, to])).toEqual([["same", 3, 4], ["remove", 4, undefined], ["add", undefined, 5], ["add", undefined, 6]]);
  expect(rows.map(({ isOpen }) => isOpen)).toEqual([false, false, false, true]);
});

test("which versions are compared", () => {
  expect(sidesOf("before", 7)).toEqual({ to: 7 });
  expect(sidesOf("now", 7)).toEqual({ from: 7 });
  expect(["now", "before", "then", null].map(compareOf)).toEqual(["now", "before", "off", "off"]);
});
