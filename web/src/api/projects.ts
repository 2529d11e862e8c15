// The person's projects: names that sessions stand under.
import { useQuery } from "@tanstack/react-query";
import { api } from "../stores/auth";
import type { Project } from "./generated";
import { queryClient } from "./queries";
import { all } from "./team";

const none: readonly Project[] = [];

export function useProjects(): readonly Project[] {
  return useQuery({ queryKey: ["projects"], queryFn: ({ signal }) => all((cursor) => api.projectsList({ sort: "name", signal, ...cursor })) }).data ?? none;
}

/** Sessions say which project they are in. */
export function refreshProjects(): void {
  void queryClient.invalidateQueries({ queryKey: ["projects"] });
  void queryClient.invalidateQueries({ queryKey: ["sessions"] });
}
