import { expect, test } from "vitest";
import { editableOf } from "../src/lib/edit";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test("what a text area holds goes back to the same bytes, and a change keeps mark and line ends", () => {
  for (const text of ["", "\n", "a\nb\n", "a\r\nb\r\n", "\uFEFFa\r\n", "\uFEFF\uFEFF", "é\u{1F600}\u2028\n", "\t\v\f"]) {
    const bytes = bytesOf(text);
    const editable = editableOf(bytes);
    expect(editable?.encode(editable.text), JSON.stringify(text)).toEqual(bytes);
    expect(editable?.text).not.toContain("\r");
  }
  const editable = editableOf(bytesOf("\uFEFFa\r\nb"));
  expect(editable?.text).toBe("a\nb");
  expect(editable?.encode("a\n\nb\n")).toEqual(bytesOf("\uFEFFa\r\n\r\nb\r\n"));
});

test("what a text area would change is not edited", () => {
  for (const bytes of [bytesOf("a\r\nb\n"), bytesOf("a\rb"), bytesOf("a\0b"), Uint8Array.of(0xff, 0x41), Uint8Array.of(0x41, 0xc3), Uint8Array.of(0xed, 0xa0, 0x80)]) {
    expect(editableOf(bytes)).toBeUndefined();
  }
});
