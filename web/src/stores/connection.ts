// Whether this page reaches the server. A request that gets no answer makes it look; while there is none it looks again and
// again, less and less often, and at once when the network or the page comes back.
//
// One request that fails is not the server's end (an extension of the browser may have stopped it): the look decides.
import { create } from "zustand";

interface Connection {
  readonly isLost: boolean;
  /** When it looks again, in ms; meaningful while it is lost. */
  readonly nextAt: number;
}

export const useConnection = create<Connection>(() => ({ isLost: false, nextAt: 0 }));

const HEALTH = "/api/v5/health";
const PATIENCE_MS = 5000;

/** Until the next look, after so many that found nothing. */
export function pauseAfter(looks: number): number {
  return Math.min(1000 * 2 ** Math.max(0, looks - 2), 8000);
}

/** What proxies say in the place of a server that is away. The server's own 503 is an answer. */
function isProxys(response: Response): boolean {
  return response.status === 502 || response.status === 504 || (response.status === 503 && !(response.headers.get("content-type") ?? "").includes("json"));
}

async function answers(): Promise<boolean> {
  try {
    return (await fetch(HEALTH, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS) })).ok;
  } catch {
    return false;
  }
}

let looks = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let underWay: Promise<void> | undefined;

async function lookOnce(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  if (await answers()) {
    looks = 0;
    useConnection.setState({ isLost: false });
    return;
  }
  looks += 1;
  const pause = pauseAfter(looks);
  useConnection.setState({ isLost: true, nextAt: Date.now() + pause });
  timer = setTimeout(look, pause);
}

/** Is it there? At most one look at a time. */
export function look(): void {
  underWay ??= lookOnce().finally(() => {
    underWay = undefined;
  });
}

/** A fetch whose failures are noticed here. */
export const watched = (ask: typeof globalThis.fetch): typeof globalThis.fetch => async (input, init) => {
  try {
    const response = await ask(input, init);
    if (isProxys(response)) look();
    return response;
  } catch (error) {
    if (error instanceof TypeError) look();
    throw error;
  }
};

export const watchedFetch = watched((input, init) => fetch(input, init));

/** To be called once by a page. */
export function watchNetwork(): void {
  const lookIfLost = (): void => {
    if (useConnection.getState().isLost) look();
  };
  globalThis.addEventListener("online", lookIfLost);
  globalThis.addEventListener("offline", look);
  document.addEventListener("visibilitychange", lookIfLost);
}
