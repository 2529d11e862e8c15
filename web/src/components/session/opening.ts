// When a session is opened: on a click, and once when a person arrives at one that was never paused but does not run.
import { useEffect, useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { ApiError, type Session } from "../../api/generated";
import { useSessionChange } from "../../api/queries";
import { phaseOf } from "../../lib/workspace";
import { api } from "../../stores/auth";

export interface Opening {
  readonly open: () => void;
  readonly isPending: boolean;
  readonly error: unknown;
}

function hasIntent(state: unknown): boolean {
  return typeof state === "object" && state !== null && "open" in state && state.open === true;
}

/** atIde: the person looks at the IDE's place; files are shown without starting anything. */
export function useOpening(session: Session, atIde: boolean): Opening {
  const change = useSessionChange(() => api.sessionsOpen({ sessionId: session.id }));
  const { pathname, search, state } = useLocation();
  const navigate = useNavigate();
  const [hasArrived, setArrived] = useState(false);
  const intent = atIde && hasIntent(state);
  const mayOpen = intent ? ["failed", "paused", "pausing", "stopped"] : atIde && !hasArrived ? ["stopped"] : [];
  const isDue = mayOpen.includes(phaseOf(session));
  const { mutate } = change;
  useEffect(() => {
    if (!atIde) return;
    setArrived(true);
    // Once only: a reload of the page is no wish to start what was paused in the meantime.
    if (intent) void navigate(pathname + search, { replace: true });
    if (isDue) mutate(undefined);
  }, [atIde, intent, isDue, pathname, search, navigate, mutate]);
  return { open: () => mutate(undefined), isPending: isDue || change.isPending, error: change.error };
}

export function isTooMany(error: unknown): boolean {
  return error instanceof ApiError && error.code === "too_many_running";
}
