// Names as people read them. A name is bytes: what would turn the line, end it, or cannot be seen at all is written as an escape, as
// the command line does, so that no file looks like another one.
import { baseName, bytesOfBase64Url, type Named } from "./paths";

const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

const escapeOf = (one: string): string => {
  if (one === "\n") return "\\n";
  if (one === "\t") return "\\t";
  const code = one.charCodeAt(0);
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
};

export const shown = (name: string): string => name.replace(UNSEEN, escapeOf);

const lengthOf = (first: number): number => (first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4);
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of bytes; each that belongs to none as "\xff". */
export function shownBytes(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length;) {
    const end = i + lengthOf(bytes[i] ?? 0);
    try {
      text += shown(strict.decode(bytes.subarray(i, end)));
      i = end;
    } catch {
      text += `\\x${(bytes[i] ?? 0).toString(16)}`;
      i++;
    }
  }
  return text;
}

/** Of an entry or a change: its whole path, and the last name in it. */
export const shownPath = ({ path, path_b64 }: Named): string => (path_b64 === undefined ? shown(path) : shownBytes(bytesOfBase64Url(path_b64)));
export const shownName = (named: Named): string => baseName(shownPath(named));
