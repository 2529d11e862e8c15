// Addresses that people know by heart: /ide leads to the session used last, /ide/{session} to its IDE; /theia as /ide.
import { Navigate, useParams } from "react-router";
import { useSessions } from "../api/queries";
import { ListSkeleton } from "../components/bits";
import { ProblemNotice } from "../components/problem-notice";
import { ideAddress } from "../lib/paths";
import { useAuth } from "../stores/auth";
import { byRecent } from "../stores/recent";
import NotFound from "./not-found";

function ToLast() {
  const { data, error, refetch } = useSessions();
  const userId = useAuth(({ state }) => (state.status === "in" ? state.user.id : ""));
  if (data === undefined) return error === null ? <ListSkeleton /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  // What this browser does not remember, the server does.
  const byUse = [...data].sort((a, b) => Date.parse(b.last_access_at) - Date.parse(a.last_access_at));
  const [last] = byRecent(userId, byUse);
  return <Navigate to={last === undefined ? "/sessions" : ideAddress(last.id)} state={{ open: true }} replace />;
}

export default function ToIde() {
  const { id } = useParams();
  if (id === undefined) return <ToLast />;
  return /^ses-[0-9a-z]{1,40}$/.test(id) ? <Navigate to={ideAddress(id)} replace /> : <NotFound />;
}
