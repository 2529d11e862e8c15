import { expect, test } from "vitest";
import { shown, shownBytes, shownName, shownPath } from "../src/lib/shown";

test("what turns a line, ends it or is unseen is written as an escape", () => {
  expect(shown("odd\nname\u202e.txt")).toBe("odd\\nname\\u202e.txt");
  expect(shown("a\u200bb\ufeff\u2067\x1b[31m\u2028\u0085")).toBe("a\\u200bb\\ufeff\\u2067\\x1b[31m\\u2028\\u0085");
  for (const name of ["Grüße.txt", "你好", "👩‍👩‍👧.png", "می‌خواهم", "a b", "a\\n"]) expect(shown(name)).toBe(name);
});

test("bytes that are no text are told apart", () => {
  expect(shownBytes(new Uint8Array([0xff, 0xfe, 0x2e, 0xc3, 0xbc, 0xc3]))).toBe("\\xff\\xfe.ü\\xc3");
  expect(shownBytes(new TextEncoder().encode("d/你好👩"))).toBe("d/你好👩");
  const named = (path_b64: string) => ({ path: "d/\ufffd\ufffd.bin", path_b64 });
  expect(shownPath(named("ZC_-_y5iaW4"))).toBe("d/\\xfe\\xff.bin");
  expect(shownName(named("ZC___i5iaW4"))).toBe("\\xff\\xfe.bin");
  expect(shownName({ path: "a/b\tc" })).toBe("b\\tc");
});
