/** Whose an access token is: the claim "sub" of a JWT (RFC 7519, section 4.1.2). Undefined: it says nothing of that. */
export function subjectOf(token: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
    return typeof claims === "object" && claims !== null && "sub" in claims && typeof claims.sub === "string" ? claims.sub : undefined;
  } catch {
    return undefined; // no base64, or no JSON
  }
}
