// A file's text as a text area holds it, and back to bytes. What a text area would change by itself is not edited there: then the
// bytes of an untouched text would not be the file's.

export interface Editable {
  readonly text: string;
  readonly encode: (text: string) => Uint8Array<ArrayBuffer>;
}

const BOM = "\uFEFF";

/** Undefined: no UTF-8 text, or of line ends of more than one kind. */
export function editableOf(bytes: Uint8Array): Editable | undefined {
  let whole: string;
  try {
    whole = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  const mark = whole.startsWith(BOM) ? BOM : "";
  const text = whole.slice(mark.length).replaceAll(/\r\n?/g, "\n"); // as a text area does
  const newline = whole.includes("\r\n") ? "\r\n" : "\n";
  const encode = (typed: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(mark + typed.replaceAll("\n", newline));
  const again = encode(text);
  const isExact = again.length === bytes.length && again.every((byte, i) => byte === bytes[i]);
  return isExact && !text.includes("\0") ? { text, encode } : undefined;
}
