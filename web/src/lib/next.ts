// Where a person was before logging in.

/** Stands for this app's origin; nobody can own a name that ends so. */
const BASE = "http://app.invalid";

/**
 * Only an address of this app: never another host, never the login page itself. The browser's own parser decides, since it
 * drops tabs and line ends and takes a backslash for a slash.
 */
export function safeNext(next: string | null): string {
  if (next === null || !next.startsWith("/") || !URL.canParse(next, BASE)) return "/sessions";
  const { origin, pathname, search, hash } = new URL(next, BASE);
  // A path that begins with two slashes would be a host where it is used next.
  if (origin !== BASE || pathname.startsWith("//") || /^\/(login|register)(\/|$)/.test(pathname)) return "/sessions";
  return pathname + search + hash;
}
