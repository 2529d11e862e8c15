// What a text of a form may be, as the server holds it: the bounds come from the API's document, so that a form neither refuses
// what the server takes nor sends what it refuses.
import type { NumberLimits, TextLimits } from "../api/generated";
import { formatCount } from "./format";

// As src/data/text.c, which is stricter than the document: no control characters of Unicode's first 256 either.
const isLine = (text: string): boolean => !/[\u0000-\u001f\u007f-\u009f]/.test(text);

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** As src/api/decode.c, which looks at what was typed. */
const hasTwoSides = (text: string): boolean => /^[^@ ]+@[^@ ]+$/.test(text) && isLine(text) && bytesOf(text.slice(0, text.indexOf("@"))) <= 64;

/** As src/auth/email.c: in Unicode's compatibility form, parts between dots of plain letters, digits and signs. */
function isEmail(text: string): boolean {
  const normal = text.normalize("NFKC").replace(/^ +| +$/g, "");
  const parts = /^([^@]{1,64})@([^@]+)$/.exec(normal);
  if (parts === null || !hasTwoSides(text) || bytesOf(text) > 254 || normal.length > 254) return false;
  const [, local = "", host = ""] = parts;
  return local.split(".").every((part) => /^[\w!#$%&'*+/=?^`{|}~-]+$/.test(part)) && host.split(".").every((part) => /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i.test(part));
}

const EMAIL = "Enter an e-mail address, like ada@example.com.";

/** What a field that wants so much says of itself. */
export const atLeast = ({ least }: TextLimits): string => `At least ${least} characters.`;

/** empty: what to say when nothing was entered. Undefined: nothing is wrong. */
export function textProblem(limits: TextLimits, text: string, empty: string): string | undefined {
  if (text === "") return limits.isRequired ? empty : undefined;
  if (limits.kind === "email" && !isEmail(text)) return EMAIL;
  const length = [...text].length; // code points, as the server counts
  if (length < limits.least) return limits.kind === "email" ? EMAIL : atLeast(limits);
  if (length > limits.most) return `At most ${limits.most} characters.`;
  return limits.kind === "line" && !isLine(text) ? "No control characters, such as tabs or line breaks." : undefined;
}

/** What is wrong, by name; undefined: nothing is. */
export function problemsOf<Name extends string>(texts: Readonly<Record<Name, string | undefined>>): Readonly<Partial<Record<Name, string>>> | undefined {
  const wrong = Object.entries(texts).filter(([, problem]) => problem !== undefined);
  return wrong.length === 0 ? undefined : (Object.fromEntries(wrong) as Partial<Record<Name, string>>);
}

/** Of a life in days: those that people think in, what is taken when nothing is said, and the longest there is. */
export function dayChoices({ least, most, usual }: NumberLimits): ReadonlyArray<{ readonly value: string; readonly label: string }> {
  const days = [1, 7, 30, 90, usual, most].filter((one) => one >= least && one <= most);
  return [...new Set(days)].sort((a, b) => a - b).map((one) => ({ value: String(one), label: formatCount(one, "day") }));
}
