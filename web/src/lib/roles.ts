// The roles of a team, and who may give or take which: nobody one above their own.
import { permissions, type User } from "../api/generated";

export type Role = User["role"];
export type Permission = keyof typeof permissions;

/** The highest first. */
const roles: readonly Role[] = ["owner", "admin", "member", "viewer"];

export const roleWords: Readonly<Record<Role, { readonly name: string; readonly may: string }>> = {
  owner: { name: "Owner", may: "everything, and can hand the team on." },
  admin: { name: "Admin", may: "invites and removes members, and looks after everybody's sessions without reading them." },
  member: { name: "Member", may: "makes sessions and works in them." },
  viewer: { name: "Viewer", may: "looks, and changes nothing." },
};

/** As the server's table says it, which decides. */
export function may(role: Role, permission: Permission): boolean {
  const those: readonly Role[] = permissions[permission];
  return those.includes(role);
}

export function rolesUpTo(mine: Role): readonly Role[] {
  return roles.slice(roles.indexOf(mine));
}

/** Whether somebody with the role `mine` may change or remove who has `theirs`. */
export function mayChange(mine: Role, theirs: Role): boolean {
  return may(mine, "tenant.manage") && roles.indexOf(mine) <= roles.indexOf(theirs);
}

const invitations = /^[A-Za-z0-9._-]{1,200}$/;

/** What of a link stands behind the hash, so that no server's log has it. */
const partsOf = (hash: string): URLSearchParams => new URLSearchParams(hash.slice(1).replaceAll("+", "%2B"));

/** The token of an invitation's link. */
export function invitationOf(hash: string): string | undefined {
  const token = partsOf(hash).get("invitation") ?? "";
  return invitations.test(token) ? token : undefined;
}

export interface Confirmation {
  readonly email: string;
  readonly confirmation: string;
}

/** Of a link that was mailed to an address, to confirm it. */
export function confirmationOf(hash: string): Confirmation | undefined {
  const parts = partsOf(hash);
  const [email, confirmation] = [parts.get("email") ?? "", parts.get("confirmation") ?? ""];
  return email !== "" && /^[A-Za-z0-9._-]{1,64}$/.test(confirmation) ? { email, confirmation } : undefined;
}

/** The same of a link for another password. */
export function resetOf(hash: string): string | undefined {
  return /^#token=([A-Za-z0-9._-]{1,200})$/.exec(hash)?.[1];
}
