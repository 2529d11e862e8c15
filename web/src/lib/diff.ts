// The lines of a difference, as they are shown: each with its number on either side.
import type { DiffHunk, DiffLine } from "../api/generated";

export interface DiffRow {
  readonly op: DiffLine["op"];
  readonly text: string;
  /** Its number before; undefined: it was not there. */
  readonly from: number | undefined;
  /** Its number after; undefined: it is not there any more. */
  readonly to: number | undefined;
  readonly isOpen: boolean;
}

export function rowsOf({ from_line, to_line, lines }: DiffHunk): readonly DiffRow[] {
  let from = from_line;
  let to = to_line;
  return lines.map(({ op, text, open }) => ({
    op,
    text,
    from: op === "add" ? undefined : from++,
    to: op === "remove" ? undefined : to++,
    isOpen: open === true,
  }));
}

export type Compare = "off" | "before" | "now";

export function compareOf(text: string | null): Compare {
  return text === "before" || text === "now" ? text : "off";
}

/** Without `from`, the version of the file before `to`; without `to`, now. */
export interface Sides {
  readonly from?: number;
  readonly to?: number;
}

/** Which two versions are meant, of a file whose version is looked at. */
export function sidesOf(compare: Exclude<Compare, "off">, version: number): Sides {
  return compare === "before" ? { to: version } : { from: version };
}
