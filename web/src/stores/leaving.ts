// Closing a session's tab and logging out take IDEs away, and with them what was typed and not saved. Both are asked for here;
// components/leave-guard.tsx waits, asks, and then does it. A download is a navigation, too, which takes nothing away.
import { create } from "zustand";
import { logout } from "./auth";
import { dropSession } from "./open";

export interface Leaving {
  /** Whose IDEs go. */
  readonly ids: readonly string[] | "all";
  readonly title: string;
  readonly action: string;
  readonly go: () => Promise<void> | void;
}

export const useLeaving = create<{ readonly asked: Leaving | undefined }>(() => ({ asked: undefined }));

export function askToLeave(asked: Leaving | undefined): void {
  useLeaving.setState({ asked });
}

export function askToLogOut(everywhere: boolean): void {
  askToLeave({ ids: "all", title: "Log out?", action: "Log out", go: () => logout(everywhere) });
}

/** after: the tab is gone. */
export function askToClose(id: string, name: string, after: () => void): void {
  askToLeave({
    ids: [id],
    title: `Close “${name}”?`,
    action: "Close",
    go: () => {
      after();
      dropSession(id);
    },
  });
}

let downloads = 0;

/** Whether the browser is being sent to a download: the page stays, and nobody is asked. */
export function isDownloading(): boolean {
  return downloads > 0;
}

/** begin: settles when the browser has come for the download, or will not. */
export async function unasked<Result>(begin: () => Promise<Result>): Promise<Result> {
  downloads += 1;
  try {
    return await begin();
  } finally {
    downloads -= 1;
  }
}
