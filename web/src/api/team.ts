// Who belongs to the team, now and before, and what they have.
import { useQuery } from "@tanstack/react-query";
import { api, setUser } from "../stores/auth";
import type { Member } from "./generated";
import { queryClient } from "./queries";

/** All pages of a list. */
export async function all<One>(page: (cursor: { readonly cursor?: string }) => Promise<{ readonly data: readonly One[]; readonly page: { readonly next?: string | null } }>): Promise<readonly One[]> {
  const found: One[] = [];
  let cursor: string | undefined;
  do {
    const { data, page: { next } } = await page(cursor !== undefined ? { cursor } : {});
    found.push(...data);
    cursor = next ?? undefined;
  } while (cursor !== undefined);
  return found;
}

/** former: those who were removed, instead of the others. */
export function useMembers(former = false) {
  return useQuery({ queryKey: ["members", { former }], queryFn: ({ signal }) => all((cursor) => api.tenantMembersList({ former, signal, ...cursor })) });
}

export function useInvitations() {
  return useQuery({ queryKey: ["invitations"], queryFn: ({ signal }) => all((cursor) => api.tenantInvitationsList({ signal, ...cursor })) });
}

/** Sessions of everybody; for owners and admins. */
export function useTeamSessions(deleted: boolean, enabled = true) {
  return useQuery({ queryKey: ["team-sessions", { deleted }], queryFn: ({ signal }) => all((cursor) => api.tenantSessionsList({ deleted, signal, ...cursor })), enabled });
}

/** Its name, and what it has of what it may have. */
export function useTenant(refetchInterval: number | false = false) {
  return useQuery({ queryKey: ["tenant"], queryFn: ({ signal }) => api.tenantGet({ signal }), refetchInterval });
}

export const refreshTenant = (): Promise<void> => queryClient.invalidateQueries({ queryKey: ["tenant"] });

export function refreshTeam(): void {
  for (const key of ["members", "invitations", "team-sessions", "me"]) void queryClient.invalidateQueries({ queryKey: [key] });
}

/** Somebody may have changed one's own role since the login. */
export function useMyself(): void {
  useQuery({
    queryKey: ["me"],
    queryFn: async ({ signal }) => {
      const user = await api.usersMeGet({ signal });
      setUser(user);
      return user;
    },
  });
}

export function nameOf({ name, email }: Member): string {
  return name ?? email ?? "Somebody";
}
