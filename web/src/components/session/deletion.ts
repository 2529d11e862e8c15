// A session is deleted at a click, which can be taken back from the message. What it was clicked on may be gone by then.
import type { Session } from "../../api/generated";
import { useSessionChange } from "../../api/queries";
import { api } from "../../stores/auth";
import { say, sayProblem } from "../toaster";

export function useDeletion() {
  const restoring = useSessionChange((session: Session) => api.sessionsRestore({ sessionId: session.id }));
  const removing = useSessionChange((session: Session) => api.sessionsDelete({ sessionId: session.id }));
  const restore = (session: Session): void => void restoring.mutateAsync(session).then(() => say(`“${session.name}” is back`), sayProblem);
  /** True when it is gone. */
  const remove = async (session: Session): Promise<boolean> => {
    try {
      await removing.mutateAsync(session);
    } catch (error) {
      sayProblem(error);
      return false;
    }
    say(`“${session.name}” was deleted`, () => restore(session));
    return true;
  };
  return { remove, restore, isRemoving: removing.isPending };
}
