// Renews the access token: once however many requests ask, and one tab at a time.
import { ApiError, type Refreshed } from "./generated";

export interface RenewerOptions {
  /** Runs one at a time among all tabs. */
  readonly lock: (run: () => Promise<boolean>) => Promise<boolean>;
  readonly refresh: () => Promise<Refreshed>;
  readonly current: () => string | undefined;
  /** False: it is of another login, which this one ended with. */
  readonly accept: (renewed: Refreshed) => boolean;
  /** The login is over. */
  readonly refused: () => void;
  /** Nobody knows. */
  readonly unanswered: () => void;
}

/** Resolves to true with a new token, false when the login is over; rejects when nobody knows. */
export function createRenewer(options: RenewerOptions): () => Promise<boolean> {
  let underWay: Promise<boolean> | undefined;

  async function refresh(): Promise<boolean> {
    try {
      if (options.accept(await options.refresh())) return true;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status >= 500 || error.status === 429) {
        options.unanswered();
        throw error;
      }
    }
    options.refused();
    return false;
  }

  async function attempt(): Promise<boolean> {
    const stale = options.current();
    return options.lock(async () => {
      const now = options.current();
      // Another tab did it while this one waited for its turn, and told us.
      return now !== undefined && now !== stale ? true : refresh();
    });
  }

  return () => {
    underWay ??= attempt().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

/** Web Locks where the browser has them (secure contexts). */
export function tabLock(run: () => Promise<boolean>): Promise<boolean> {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  return locks === undefined ? run() : locks.request("coditect-refresh", run);
}
