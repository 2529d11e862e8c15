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
  const label = "b".repeat(63);
  // As tests/unit/auth/email.c, but for what is refused before it gets there.
  const good = ["a@b", "ada@example.com", "Ada@Example.COM", "a.b+tag@sub.example.com", "o'neil@example.com", "ada@xn--bcher-kva.example", "ada@ex--ample.com", "-_!#$%&'*+/=?^`{|}~@1.2",
    "\uff41\uff44\uff41@\uff45xample.com", "ada@example\uff0ecom", "\ufb01ona@example.com", "\u017fara@example.com", "bar\u212a@example.com", "\u2460@example.com", "\u2122@example.com", "\u2100@example.com", "\u33c2x@example.com", "ada@example.com\u00a0",
    `ada@${label}.com`, `${"x".repeat(64)}@example.com`, `a@${`${label}.`.repeat(3)}${"c".repeat(60)}`];
  const bad = ["ada", "@example.com", "ada@", "a@b@c", "a b@c", "a\tb@c", " ada@example.com", "ada@example.com\n", `${"x".repeat(65)}@example.com`, `${"ü".repeat(33)}@example.com`, "\u3000", "a\uff20b@c", "\uff41\uff20\uff45",
    "ü@ü", "\u0430da@example.com", "ada@ex\u0430mple.com", "\u0131da@example.com", "ada\u0301@example.com", "ada\u200b@example.com", "ada\u00ad@example.com", "\u202eada@example.com", "ada@example\u3002com", "ada@b\u00fccher.example", "\u{1f642}@example.com", "ada\ud83d@example.com",
    "a..b@example.com", ".a@example.com", "a.@example.com", "ada@-example.com", "ada@example-.com", "ada@example..com", "ada@example.com.", "ada@ex_ample.com", "\"ada\"@example.com", "ada@[192.0.2.1]",
    `ada@b${label}.com`, `a@${`${label}.`.repeat(3)}${"c".repeat(61)}`, `${"\u33c2x".repeat(16)}@example.com`, `a@${"\uff45.".repeat(64)}com`];
  for (const one of good) expect(textProblem(email, one, ""), JSON.stringify(one)).toBeUndefined();
  for (const one of bad) expect(textProblem(email, one, ""), JSON.stringify(one)).toMatch(/^Enter an e-mail address/);
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
