// Whether a session's events are heard (live.ts), as long as its page is looked at.
import { useEffect, useSyncExternalStore } from "react";
import { useConnection } from "../stores/connection";

function onVisibility(tell: () => void): () => void {
  document.addEventListener("visibilitychange", tell);
  return () => document.removeEventListener("visibilitychange", tell);
}

/** For the one session whose page is shown. A page that nobody sees, or that the server cannot reach, has no socket. */
export function useEvents(sessionId: string, isWanted: boolean): void {
  const isVisible = useSyncExternalStore(onVisibility, () => document.visibilityState === "visible");
  const isLost = useConnection((connection) => connection.isLost);
  const isOn = isWanted && isVisible && !isLost;
  useEffect(() => {
    if (!isOn) return undefined;
    let stop: (() => void) | undefined;
    let isOver = false;
    // No part of a first visit; without it the page asks now and then, as without a socket.
    import("./live").then(({ hear }) => { if (!isOver) stop = hear(sessionId); }, () => undefined);
    return () => {
      isOver = true;
      stop?.();
    };
  }, [sessionId, isOn]);
}
