// What stands in the audit log, in words; and how its page's address names what is looked for.
import type { AuditRecord } from "../api/generated";

export interface Kind {
  readonly noun: string;
  readonly label: string;
  /** The verb of each action, as in "Ada … “Project A”". */
  readonly verbs: Readonly<Record<string, string>>;
}

export const kinds: readonly Kind[] = [
  { noun: "session", label: "Sessions", verbs: { create: "created the session", rename: "renamed the session", move: "changed the project of the session", delete: "deleted the session", purge: "removed for good, 30 days after it was deleted, the session", restore: "restored the session", fork: "forked the session", clone: "tried again to clone the repository of", open: "opened the session", pause: "paused the session" } },
  { noun: "terminal", label: "Terminals", verbs: { open: "opened a terminal in", end: "ended a terminal in" } },
  { noun: "project", label: "Projects", verbs: { create: "created the project", rename: "renamed the project", delete: "deleted the project" } },
  { noun: "login", label: "Logins", verbs: { create: "logged in", end: "ended a login", expire: "ended, since it was too old, a login", reused: "had a login ended: an old token came again", replace: "logged in again", code: "entered a code of the second factor" } },
  { noun: "totp", label: "Second factor", verbs: { begin: "began to set up the second factor", enable: "set up the second factor", disable: "gave up the second factor", remove: "had the second factor removed", recovery: "logged in with a recovery code" } },
  { noun: "link", label: "Links to sessions", verbs: { create: "made a link to", delete: "ended a link to", expire: "ended, since it was too old, a link to", use: "read, by a link," } },
  { noun: "key", label: "API keys", verbs: { create: "made an API key", delete: "ended an API key", expire: "ended, since it was too old, an API key", rotate: "turned the key that signs logins" } },
  { noun: "member", label: "Members", verbs: { update: "changed the role of", remove: "removed" } },
  { noun: "invitation", label: "Invitations", verbs: { create: "invited somebody", renew: "made another link for an invitation", delete: "withdrew an invitation", accept: "accepted an invitation" } },
  { noun: "user", label: "Accounts", verbs: { register: "registered", update: "changed the profile", password: "changed the password", reset: "set another password by a link", email: "changed the address", email_ask: "asked for another address", delete: "deleted the account", purge: "removed what was left of the account" } },
  { noun: "conversation", label: "Conversations", verbs: { create: "began a conversation", rename: "renamed a conversation", delete: "deleted a conversation", purge: "removed for good a deleted conversation", restore: "restored a conversation" } },
  { noun: "message", label: "Messages", verbs: { create: "wrote a message" } },
  { noun: "setting", label: "Settings", verbs: { update: "changed a setting", delete: "took back a setting" } },
  { noun: "workspace", label: "Workspaces", verbs: { stop: "stopped the workspace of" } },
  { noun: "request", label: "Requests", verbs: { deny: "was refused a request", read: "read" } },
  { noun: "reset", label: "Links for a password", verbs: { create: "made a link to set another password for" } },
  { noun: "tenant", label: "The team", verbs: { update: "changed the team", limits: "changed what the team may have", import: "brought the team here from another server", transfer: "handed the team over to", setting_update: "changed a default of the team", setting_delete: "took back a default of the team" } },
];

export function kindOf(action: string): Kind | undefined {
  const noun = action.split(".", 1)[0];
  return kinds.find((kind) => kind.noun === noun);
}

/** What was done; an action that this page does not know is named nearly as the log names it. */
export function verbOf(action: string): string {
  const verb = action.slice(action.indexOf(".") + 1);
  return kindOf(action)?.verbs[verb] ?? `did “${action.replaceAll(/[._]/g, " ")}”`;
}

/** Who did what no account did. */
export function nobody({ action, address }: Pick<AuditRecord, "action" | "address">): string {
  if (action === "link.use") return "Somebody";
  return address === "console" ? "The operator" : "The server";
}

export const outcomeWords: Readonly<Record<AuditRecord["outcome"], string>> = { ok: "Done", denied: "Refused" };

export const periods = [
  { value: "", label: "At any time", ms: undefined },
  { value: "hour", label: "In the last hour", ms: 3_600_000 },
  { value: "day", label: "In the last 24 hours", ms: 86_400_000 },
  { value: "week", label: "In the last 7 days", ms: 7 * 86_400_000 },
  { value: "month", label: "In the last 30 days", ms: 30 * 86_400_000 },
] as const;

/** RFC 3339; undefined: since ever. */
export function sinceOf(period: string, now: number): string | undefined {
  const ms = periods.find(({ value }) => value === period)?.ms;
  return ms === undefined ? undefined : new Date(now - ms).toISOString();
}

/** Records as they come, in runs of the same day of this time zone. */
export function byDay<One extends { readonly at: string }>(records: readonly One[]): ReadonlyArray<{ readonly day: string; readonly records: readonly One[] }> {
  const days: { day: string; records: One[] }[] = [];
  for (const record of records) {
    const day = new Date(record.at).toDateString();
    const last = days.at(-1);
    if (last?.day === day) last.records.push(record);
    else days.push({ day, records: [record] });
  }
  return days;
}
