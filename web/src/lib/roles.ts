// The roles of a team, and who may give or take which: nobody one above their own.
import type { User } from "../api/generated";

export type Role = User["role"];

/** The highest first. */
const roles: readonly Role[] = ["owner", "admin", "member", "viewer"];

export const roleWords: Readonly<Record<Role, { readonly name: string; readonly may: string }>> = {
  owner: { name: "Owner", may: "everything, and can hand the team on." },
  admin: { name: "Admin", may: "invites and removes members, and looks after everybody's sessions without reading them." },
  member: { name: "Member", may: "makes sessions and works in them." },
  viewer: { name: "Viewer", may: "looks, and changes nothing." },
};

export function rolesUpTo(mine: Role): readonly Role[] {
  return roles.slice(roles.indexOf(mine));
}

/** Whether somebody with the role `mine` may change or remove who has `theirs`. */
export function mayChange(mine: Role, theirs: Role): boolean {
  return (mine === "owner" || mine === "admin") && roles.indexOf(mine) <= roles.indexOf(theirs);
}

/** The token of an invitation's link, which stands behind the hash so that no server's log has it. */
export function invitationOf(hash: string): string | undefined {
  return /^#invitation=([A-Za-z0-9._-]{1,200})$/.exec(hash)?.[1];
}

/** The same of a link for another password. */
export function resetOf(hash: string): string | undefined {
  return /^#token=([A-Za-z0-9._-]{1,200})$/.exec(hash)?.[1];
}
