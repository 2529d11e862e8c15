// Who may make an account here: the server's configuration, which a page reads once.
import { useQuery } from "@tanstack/react-query";
import { api } from "../stores/auth";

export const useRegistration = (enabled = true) =>
  useQuery({ queryKey: ["registration"], queryFn: ({ signal }) => api.authRegistration({ signal }), enabled, staleTime: Infinity });
