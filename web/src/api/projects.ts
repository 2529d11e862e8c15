// The person's projects: names that sessions stand under.
import { useQuery } from "@tanstack/react-query";
import { api } from "../stores/auth";
import type { Project } from "./generated";
import { queryClient } from "./queries";
import { all } from "./team";

const none: readonly Project[] = [];

interface Projects {
  readonly projects: readonly Project[];
  /** Whether they were read; else nobody knows which there are. */
  readonly isKnown: boolean;
  readonly error: unknown;
  readonly retry: () => void;
}

export function useProjects(): Projects {
  const { data, error, refetch } = useQuery({ queryKey: ["projects"], queryFn: ({ signal }) => all((cursor) => api.projectsList({ sort: "name", signal, ...cursor })) });
  return { projects: data ?? none, isKnown: data !== undefined, error: data === undefined ? error ?? undefined : undefined, retry: () => void refetch() };
}

/** Sessions say which project they are in. */
export function refreshProjects(): void {
  void queryClient.invalidateQueries({ queryKey: ["projects"] });
  void queryClient.invalidateQueries({ queryKey: ["sessions"] });
}
