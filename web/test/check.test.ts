import { expect, test } from "vitest";
import { limitsOfKeyInput, limitsOfLoginInput, limitsOfRegisterInput, numbersOfKeyInput } from "../src/api/generated";
import { dayChoices, problemsOf, textProblem } from "../src/lib/check";

const { email, password, name } = limitsOfRegisterInput;

test("lengths are those of the document, in code points", () => {
  expect(textProblem(password, "1234567", "")).toBe("At least 8 characters.");
  expect(textProblem(password, "🚀".repeat(8), "")).toBeUndefined();
  expect(textProblem(password, "x".repeat(257), "")).toBe("At most 256 characters.");
  expect(textProblem(limitsOfLoginInput.password, "1", "")).toBeUndefined();
  expect(textProblem(limitsOfKeyInput.name, "🚀".repeat(100), "")).toBeUndefined();
  expect(textProblem(limitsOfKeyInput.name, "🚀".repeat(101), "")).toBe("At most 100 characters.");
});

test("nothing is wrong only where nothing is wanted", () => {
  expect(textProblem(name, "", "Enter a name.")).toBeUndefined();
  expect(textProblem(limitsOfLoginInput.password, "", "Enter your password.")).toBe("Enter your password.");
});

test("addresses are refused that the server refuses, and no others", () => {
  for (const good of ["a@b", "ada@example.com", "ü@ü", `${"x".repeat(64)}@example.com`]) expect(textProblem(email, good, ""), good).toBeUndefined();
  for (const bad of ["ada", "@example.com", "ada@", "a@b@c", "a b@c", "a\tb@c", `${"x".repeat(65)}@example.com`, `${"ü".repeat(33)}@example.com`]) expect(textProblem(email, bad, ""), bad).toMatch(/^Enter an e-mail address/);
});

test("a line has no control characters, a password may", () => {
  for (const bad of ["a\u0007", "a\nb", "a\u007f", "a\u0085b"]) expect(textProblem(name, bad, ""), JSON.stringify(bad)).toMatch(/^No control characters/);
  expect(textProblem(password, "a\tpassword", "")).toBeUndefined();
});

test("what is wrong, by name", () => {
  expect(problemsOf({ a: undefined, b: undefined })).toBeUndefined();
  expect(problemsOf({ a: "x", b: undefined })).toEqual({ a: "x" });
});

test("how long a key or a link lasts is chosen within the document's bounds", () => {
  expect(dayChoices({ least: 1, most: 365, usual: 7 }).map(({ value }) => value)).toEqual(["1", "7", "30", "90", "365"]);
  expect(dayChoices({ least: 5, most: 14, usual: 10 }).map(({ label }) => label)).toEqual(["7 days", "10 days", "14 days"]);
  const { least, most, usual } = numbersOfKeyInput.expires_in_days;
  expect(least <= usual && usual <= most).toBe(true);
});
