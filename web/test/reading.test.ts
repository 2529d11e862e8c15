import { expect, test } from "vitest";
import { readingOf } from "../src/stores/reading";

const standard = { size: 13, tab: 4, isWrapped: false };

test("what was stored is taken where it makes sense, else what is usual", () => {
  expect(readingOf(null)).toEqual(standard);
  expect(readingOf("no JSON")).toEqual(standard);
  expect(readingOf("null")).toEqual(standard);
  expect(readingOf('{"size":1000,"tab":"4","isWrapped":1}')).toEqual(standard);
  expect(readingOf('{"size":16,"tab":8,"isWrapped":true}')).toEqual({ size: 16, tab: 8, isWrapped: true });
});
