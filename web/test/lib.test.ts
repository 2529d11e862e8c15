import { expect, test } from "vitest";
import { ApiError, encodePath } from "../src/api/generated";
import { asText, imageType, sentName } from "../src/lib/content";
import { formatAgo, formatCount, formatSize } from "../src/lib/format";
import { safeNext } from "../src/lib/next";
import { baseName, bodyPath, bytesOfBase64Url, fileAddress, joinPath, nameProblem, parentOf, sentPath, textAbove, withParents } from "../src/lib/paths";
import { changeProblemOf, problemOf } from "../src/lib/problem";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [1024 * 1024 - 1, "1.0 MiB"],
  [157_286_400, "150.0 MiB"],
  [16 * 1024 ** 3, "16.0 GiB"],
  [5000 * 1024 ** 4, "5000.0 TiB"],
])("size %d is %s", (bytes, text) => expect(formatSize(bytes)).toBe(text));

test("counts", () => {
  expect(formatCount(1, "item")).toBe("1 item");
  expect(formatCount(5000, "item")).toBe("5,000 items");
});

test.each([
  [-5000, "just now"],
  [59_000, "just now"],
  [60_000, "1 minute ago"],
  [3 * 3_600_000, "3 hours ago"],
  [86_400_000, "yesterday"],
  [40 * 86_400_000, "last month"],
])("%d ms ago is %s", (ms, text) => {
  const now = Date.parse("2026-11-21T04:05:06Z");
  expect(formatAgo(new Date(now - ms).toISOString(), now)).toBe(text);
});

test("the name that a reply gives its file", () => {
  expect(sentName("attachment; filename*=UTF-8''N%C3%A4me%20-%20x.tar.gz")).toBe("Näme - x.tar.gz");
  expect(sentName("attachment")).toBeUndefined();
  expect(sentName(null)).toBeUndefined();
});

test("paths", () => {
  expect(baseName("src/a b.c")).toBe("a b.c");
  expect(parentOf("src/lib/x")).toBe("src/lib");
  expect(parentOf("x")).toBe("");
  expect(joinPath("", "x")).toBe("x");
  expect(joinPath("a", "x")).toBe("a/x");
  expect(withParents("a/b")).toEqual(["", "a", "a/b"]);
  expect(withParents("")).toEqual([""]);
  expect(fileAddress("ses-1", "")).toBe("/sessions/ses-1/files");
  expect(fileAddress("ses-1", "a b/100%/#?")).toBe("/sessions/ses-1/files/a%20b/100%25/%23%3F");
  expect(encodePath(bytesOfBase64Url("Yf8vJcO8"))).toBe("a%FF/%25%C3%BC");
});

test("a path that is no text is sent as its bytes, and lies in the nearest folder that is text", () => {
  const of = (path: string): { path: string; path_b64: string } => ({ path: "\ufffd", path_b64: btoa(path).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") });
  expect(sentPath({ path: "a b" })).toBe("a b");
  expect(encodePath(sentPath(of("d/\xff%")))).toBe("d/%FF%25");
  expect([{ path: "" }, { path: "a" }, of("\xff")].map(bodyPath)).toEqual([{}, { path: "a" }, { path_b64: "_w" }]);
  expect(["\xff", "d/\xff", "\xc3\xbc/d/\xff", "d/\xff/e/f", "\xff/d/e", "d/\xff/e/\xfe"].map((path) => textAbove(of(path).path_b64))).toEqual(["", "d", "ü/d", "d", "", "d"]);
});

test.each([["", true], [".", true], ["..", true], ["a/b", true], ["a\0", true], ["ä".repeat(128), true], ["ä".repeat(127), false], ["...", false], ["日本", false]])(
  "name %j is refused: %s",
  (name, refused) => expect(nameProblem(name) !== undefined).toBe(refused),
);

test.each([
  ["/sessions/ses-1/files/a%20b?x=1", "/sessions/ses-1/files/a%20b?x=1"],
  [null, "/sessions"],
  ["https://example.com", "/sessions"],
  ["//example.com", "/sessions"],
  ["/\\example.com", "/sessions"],
  ["/login?next=/login", "/sessions"],
  ["/registered", "/registered"],
  ["/ide/ses-1", "/ide/ses-1"],
  ["/\t/example.com", "/sessions"],
  ["/\n//example.com/x", "/sessions"],
  ["/%5cexample.com", "/%5cexample.com"],
  ["/.//example.com", "/sessions"],
  ["/a/..//example.com", "/sessions"],
  ["/x/../login", "/sessions"],
  ["/\u0000/x", "/%00/x"],
  ["javascript:alert(1)", "/sessions"],
  ["", "/sessions"],
])("after logging in, %j leads to %s", (next, to) => expect(safeNext(next)).toBe(to));

test("text is told from other bytes", () => {
  const bytes = new TextEncoder().encode("grün\n");
  expect(asText(bytes, false)).toBe("grün\n");
  expect(asText(bytes.subarray(0, 3), true)).toBe("gr");
  expect(asText(bytes.subarray(0, 3), false)).toBeUndefined();
  expect(asText(Uint8Array.of(104, 0, 105), false)).toBeUndefined();
  expect(imageType("a/Logo.PNG")).toBe("image/png");
  expect(imageType("png")).toBeUndefined();
  expect(imageType("a.c")).toBeUndefined();
});

test("a failure says what to do", () => {
  const failure = (status: number, code: string, retryAfter?: number) => problemOf(new ApiError(status, { code, message: "No.", request_id: "req-9" }, retryAfter));
  expect(failure(429, "rate_limited", 7)).toEqual({ title: "No.", advice: "Try again in 7 s.", requestId: "req-9" });
  expect(failure(500, "internal").advice).toMatch(/request id/);
  expect(failure(412, "precondition").title).toBe("No."); // of a file the server knows best
  expect(changeProblemOf(new ApiError(412, { code: "precondition", message: "No.", request_id: "" })).title).toBe("It was changed elsewhere meanwhile.");
  expect(changeProblemOf(new ApiError(409, { code: "conflict", message: "No.", request_id: "" })).title).toBe("No.");
  expect(problemOf(new TypeError("Failed to fetch")).title).toBe("The server cannot be reached.");
});
