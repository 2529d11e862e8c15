// Where a person was before logging in.

/** Only an address of this app: never another host, never the login page itself. */
export function safeNext(next: string | null): string {
  if (next === null || !next.startsWith("/") || next.startsWith("//") || next.includes("\\")) return "/sessions";
  return /^\/(login|register)(\/|\?|$)/.test(next) ? "/sessions" : next;
}
