// A session's events as they happen: one socket, opened again with its cursor where the last one ended. It costs the person's
// share of sockets, which IDEs need too: so no two are opened within three seconds, and one that fails waits longer each time.
import type { SessionEvents } from "./generated";

const PROTOCOL = "coditect.v5";
/** Between one opening and the next, of whichever session. */
const SPACED_MS = 3000;
const LONGEST_MS = 60_000;
/** One that lasted this long was no failure. */
const LASTED_MS = 30_000;
/** What happened within this time is told by the socket; after a longer absence all that is shown is asked for. */
const RESUMED_MS = 60_000;

/** Why the server closes it, where opening it again at once is of no use (spec/openapi.yaml). */
const LOGIN_ENDED = 4401;
const DELETED = 4404;

export interface Hearing {
  readonly token: () => string | undefined;
  /** true: from now on everything is told. */
  readonly onLive: (isLive: boolean) => void;
  readonly onEvents: (events: NonNullable<SessionEvents["events"]>) => void;
  /** What is shown may be old: nobody told what happened before. */
  readonly onGap: () => void;
  /** The session or the login is over, as the server says where it is asked. */
  readonly onOver: () => void;
}

/** Until it is opened again, after so many failures in a row: never for all pages at the same moment. */
export function pauseBefore(failures: number, random = Math.random()): number {
  return Math.min(1000 * 2 ** failures, LONGEST_MS) * (0.5 + random / 2);
}

let openedAt = Number.NEGATIVE_INFINITY;
/** Where the last one ended. */
let last: { readonly sessionId: string; readonly cursor: string; readonly at: number } | undefined;

function addressOf(sessionId: string, since: string | undefined): string {
  const url = new URL(`/ws/sessions/${sessionId}/events${since === undefined ? "" : `?since=${since}`}`, globalThis.location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** Until the returned function is called. */
export function follow(sessionId: string, hearing: Hearing): () => void {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isLive = false;

  /** Of the present socket; what it may still say, or that it closed, comes too late. */
  function end(): void {
    socket = undefined;
    if (!isLive) return;
    isLive = false;
    if (last?.sessionId === sessionId) last = { ...last, at: Date.now() };
    hearing.onLive(false);
  }

  function openAfter(ms: number): void {
    timer = setTimeout(open, Math.max(ms, openedAt + SPACED_MS - Date.now()));
  }

  function open(): void {
    const wait = openedAt + SPACED_MS - Date.now(); // another session's was opened meanwhile
    const token = hearing.token();
    if (wait > 0 || token === undefined) return openAfter(token === undefined ? SPACED_MS : wait);
    openedAt = Date.now();
    const since = last?.sessionId === sessionId && openedAt - last.at < RESUMED_MS ? last.cursor : undefined;
    const one = new WebSocket(addressOf(sessionId, since), [PROTOCOL, `coditect.bearer.${token}`]);
    socket = one;
    one.onmessage = ({ data }: MessageEvent<string>) => {
      if (socket !== one) return;
      const { type, cursor, events } = JSON.parse(data) as SessionEvents;
      last = { sessionId, cursor, at: Date.now() };
      if (!isLive) hearing.onLive(true);
      isLive = true;
      if (type === "resync" || (type === "ready" && since === undefined)) hearing.onGap();
      if (events !== undefined) hearing.onEvents(events);
    };
    one.onclose = ({ code }) => {
      if (socket !== one) return;
      failures = isLive && Date.now() - openedAt > LASTED_MS ? 0 : failures + 1;
      end();
      if (code === LOGIN_ENDED || code === DELETED) hearing.onOver();
      if (code !== DELETED) openAfter(pauseBefore(code === LOGIN_ENDED ? Number.POSITIVE_INFINITY : failures));
    };
  }

  openAfter(300); // one that is left at once costs none
  return () => {
    clearTimeout(timer);
    socket?.close(1000);
    end();
  };
}
