// What a file is, as far as showing it goes.

/** More than this of a text is not shown. */
export const TEXT_LIMIT = 1024 * 1024;
export const IMAGE_LIMIT = 32 * 1024 * 1024;

const imageTypes: Readonly<Record<string, string>> = {
  avif: "image/avif",
  bmp: "image/bmp",
  gif: "image/gif",
  ico: "image/x-icon",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  png: "image/png",
  svg: "image/svg+xml",
  webp: "image/webp",
};

export function imageType(path: string): string | undefined {
  const dot = path.lastIndexOf(".");
  return dot < 0 ? undefined : imageTypes[path.slice(dot + 1).toLowerCase()];
}

/** The file name that a Content-Disposition header gives (RFC 8187); undefined when it has none. */
export function sentName(header: string | null): string | undefined {
  const encoded = /filename\*=UTF-8''([\w%.~-]+)/.exec(header ?? "")?.[1];
  return encoded === undefined ? undefined : decodeURIComponent(encoded);
}

/** The text, or undefined when the bytes are none; a character cut off at the end is left out. */
export function asText(bytes: Uint8Array, cut: boolean): string | undefined {
  if (bytes.subarray(0, 8192).includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: cut });
  } catch {
    return undefined;
  }
}
