import { expect, test } from "vitest";
import type { Setting } from "../src/api/generated";
import { editorOf, formatValue, helpOf, inheritedAt, isChosenAt, readingOf, readValue, valueAt, wordsOf } from "../src/lib/settings";

const size: Setting = { category: "editor", key: "font_size", value: 13, source: "default", user_revision: 1, tenant_revision: 1, default: 13, scope: "user", type: "number", least: 6, most: 72, unit: "px", help: "height of the letters" };
const fonts: Setting = { category: "editor", key: "font_family", value: "ours", source: "default", user_revision: 1, tenant_revision: 1, default: "ours", scope: "user", type: "text", least: 1, most: 10, help: "names of fonts" };
const wrap: Setting = { category: "editor", key: "word_wrap", value: false, source: "default", user_revision: 1, tenant_revision: 1, default: false, scope: "user", type: "boolean", help: "long lines go on" };

test("whose value counts, and what would without it", () => {
  const both: Setting = { ...size, user: 20, tenant: 16, value: 20, source: "user" };
  expect([valueAt(both, "user"), inheritedAt(both, "user"), valueAt(both, "tenant"), inheritedAt(both, "tenant")]).toEqual([20, 16, 16, 13]);
  expect([isChosenAt(both, "user"), isChosenAt(size, "user"), isChosenAt(size, "tenant")]).toEqual([true, false, false]);
  expect([valueAt(size, "tenant"), inheritedAt(size, "user")]).toEqual([13, 13]);
});

test("as a person reads it", () => {
  expect(wordsOf("font_size")).toBe("Font size");
  expect(helpOf(size)).toBe("Height of the letters.");
  expect([formatValue(size, 16), formatValue(wrap, true), formatValue({ ...size, type: "choice" }, "after_delay")]).toEqual(["16 px", "On", "After delay"]);
});

test("what was typed is a value, or wrong, by the bounds of its row", () => {
  expect(readValue(size, " 72 ")).toEqual({ value: 72 });
  expect(readValue(size, "6")).toEqual({ value: 6 });
  for (const bad of ["5", "73", "", "14.5", "x", "1e1", "-6", "9".repeat(20)]) expect(readValue(size, bad), bad).toEqual({ problem: "A whole number from 6 to 72 px." });
  expect(readValue({ ...size, most: 73 }, "73")).toEqual({ value: 73 });
  expect(readValue(fonts, "🚀".repeat(10))).toEqual({ value: "🚀".repeat(10) });
  for (const bad of ["", "x".repeat(11), "a\u0007b"]) expect(readValue(fonts, bad), bad).toHaveProperty("problem");
});

test("files are shown as the settings say, and as usual until they are known", () => {
  const usual = { size: 13, tab: 4, isWrapped: false, isNumbered: true, fonts: undefined };
  expect(readingOf(undefined)).toEqual(usual);
  expect(readingOf([size, fonts, wrap])).toEqual(usual);
  const rows: readonly Setting[] = [{ ...size, value: 20 }, { ...fonts, value: "Iosevka" }, { ...wrap, value: true }, { ...wrap, key: "line_numbers", type: "choice", value: "off" }];
  expect(readingOf(rows)).toEqual({ size: 20, tab: 4, isWrapped: true, isNumbered: false, fonts: "Iosevka" });
  expect(readingOf([{ ...size, value: "20" }])).toEqual(usual);
});

test("the IDE is told of the editor and of nothing else", () => {
  expect(editorOf([size, wrap, { ...wrap, category: "workspaces", key: "running" }])).toEqual({ font_size: 13, word_wrap: false });
});
