// What stands in an access token, a JWT (RFC 7519, section 4.1).

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
    return typeof claims === "object" && claims !== null ? { ...claims } : {};
  } catch {
    return {}; // no base64, or no JSON
  }
}

/** Whose it is. Undefined: it says nothing of that. */
export function subjectOf(token: string): string | undefined {
  const { sub } = claimsOf(token);
  return typeof sub === "string" ? sub : undefined;
}

const EARLY_MS = 30_000;

/**
 * When a token that came at `now` is to be renewed: a little before its life is over. By how long it lives, not by when it ends,
 * since this machine's clock need not be the server's.
 */
export function staleAt(token: string, now: number): number {
  const { iat, exp } = claimsOf(token);
  if (typeof iat !== "number" || typeof exp !== "number") return Number.POSITIVE_INFINITY;
  const life = (exp - iat) * 1000;
  return now + life - Math.min(EARLY_MS, life / 4);
}
