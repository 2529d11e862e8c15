// Settings as the server lists them: a form is made from the rows, whatever they are. Only what these pages themselves follow
// (theme, motion, how a file is shown) is named here.
import type { Setting, SettingValue } from "../api/generated";
import { textProblem } from "./check";

/** Whose value is looked at: the person's own, or what the team gives to all who chose nothing. */
export type Level = "user" | "tenant";

/** What counts at a level. */
export function valueAt(setting: Setting, level: Level): SettingValue {
  return level === "user" ? setting.value : setting.tenant ?? setting.default;
}

/** What would count at a level if nothing were chosen there. */
export function inheritedAt(setting: Setting, level: Level): SettingValue {
  return level === "user" ? setting.tenant ?? setting.default : setting.default;
}

export const isChosenAt = (setting: Setting, level: Level): boolean => setting[level] !== undefined;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** "font_size" → "Font size". */
export const wordsOf = (name: string): string => capital(name.replaceAll("_", " "));

/** The table's help, as a sentence. */
export const helpOf = ({ help }: Setting): string => `${capital(help)}.`;

/** As a person reads it: "13 px", "On", "After delay". */
export function formatValue({ type, unit }: Setting, value: SettingValue): string {
  if (type === "boolean") return value === true ? "On" : "Off";
  if (type === "choice") return wordsOf(String(value));
  if (type === "patterns") return value === "" ? "none" : String(value);
  return unit === undefined ? String(value) : `${value} ${unit}`;
}

/** What was typed, as a value of the setting; or what is wrong with it. */
export function readValue(setting: Setting, typed: string): { readonly value: SettingValue } | { readonly problem: string } {
  const { type, least = 1, most = Number.MAX_SAFE_INTEGER } = setting;
  const text = typed.trim();
  if (type !== "number") {
    const problem = textProblem({ least, most, kind: "line", isRequired: true }, text, "Enter something.");
    return problem === undefined ? { value: text } : { problem };
  }
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? { value } : { problem: `A whole number from ${least} to ${formatValue(setting, most)}.` };
}

const encoder = new TextEncoder();

/** What the server would refuse of lines whatever they say; which line else is wrong, it says. */
export function linesProblem({ most = Number.MAX_SAFE_INTEGER }: Setting, text: string): string | undefined {
  const { length } = encoder.encode(text);
  return length > most ? `At most ${most} bytes; these are ${length}.` : undefined;
}

/** How files are shown in these pages. */
export interface Reading {
  /** Of the letters, in px. */
  readonly size: number;
  /** How many columns a tab takes at most. */
  readonly tab: number;
  /** Long lines go on in the next one. */
  readonly isWrapped: boolean;
  readonly isNumbered: boolean;
  /** Undefined: the pages' own. */
  readonly fonts: string | undefined;
}

/** Undefined settings: they are on their way. */
export function readingOf(settings: readonly Setting[] | undefined): Reading {
  const find = (key: string) => settings?.find((one) => one.category === "editor" && one.key === key);
  const number = (key: string, otherwise: number): number => {
    const value = find(key)?.value;
    return typeof value === "number" ? value : otherwise;
  };
  const fonts = find("font_family");
  return {
    size: number("font_size", 13),
    tab: number("tab_size", 4),
    isWrapped: find("word_wrap")?.value === true,
    isNumbered: find("line_numbers")?.value !== "off",
    fonts: fonts === undefined || fonts.value === fonts.default ? undefined : String(fonts.value),
  };
}

/** Everything of category "editor", for the IDE. */
export function editorOf(settings: readonly Setting[]): Readonly<Record<string, SettingValue>> {
  return Object.fromEntries(settings.filter(({ category }) => category === "editor").map(({ key, value }) => [key, value]));
}
