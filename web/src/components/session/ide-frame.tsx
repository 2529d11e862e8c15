// The IDE in its frame: its address with a one-time ticket, and what the two pages say to each other.
//
// 1. A message counts only when the frame's own window sent it from exactly the IDE's origin; answers go to that origin.
// 2. A ticket's address is used only when it lies on that origin.
// 3. The frame stays while the workspace restarts: what was typed and not saved lives in it.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { ExternalLink, RotateCw } from "lucide-react";
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import type { Session, Setting } from "../../api/generated";
import { chooseTheme, knownSettings, onSettings } from "../../api/settings";
import { addressBesideIde, hear, originOf, type Persistence, type ToIde, type Wish } from "../../lib/frame";
import { editorOf } from "../../lib/settings";
import { api, useAuth } from "../../stores/auth";
import { showTheme, type ThemeKind, useTheme } from "../../stores/theme";
import { ProblemNotice } from "../problem-notice";
import { StartUp } from "./startup";
import { View } from "./view";

/** The IDE asks again by itself; somebody else's script must not use up what this person may ask for. */
const TICKET_GAP_MS = 3000;

/** How long the IDE waits for an answer. */
const TICKET_WAIT_MS = 10_000;

/** All that an IDE does on its own origin; not to lead this page elsewhere, which a frame may else do at a click. */
const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-modals allow-downloads allow-popups allow-popups-to-escape-sandbox";

async function ticketAddress(sessionId: string, origin: string): Promise<string> {
  const { url } = await api.authTicketCreate({ body: { session_id: sessionId } });
  if (originOf(url) !== origin) throw new Error("The ticket leads elsewhere.");
  return url;
}

/** The frame's address, anew for each attempt. */
function useAddress(sessionId: string, origin: string, wanted: boolean) {
  const [attempt, setAttempt] = useState(0);
  const [src, setSrc] = useState<string>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    if (!wanted) return undefined;
    let isCurrent = true;
    setError(undefined);
    ticketAddress(sessionId, origin).then(
      (url) => isCurrent && setSrc(url),
      (failure: unknown) => isCurrent && setError(failure),
    );
    return () => {
      isCurrent = false;
    };
  }, [sessionId, origin, wanted, attempt]);
  const again = (): void => {
    setSrc(undefined);
    setError(undefined);
    setAttempt((before) => before + 1);
  };
  return { src, error, again };
}

interface Talk {
  readonly frame: RefObject<HTMLIFrameElement | null>;
  readonly sessionId: string;
  readonly origin: string;
  readonly running: boolean;
  readonly onReady: () => void;
  readonly onSaid: (said: Persistence) => void;
  readonly onAsked: () => void;
  readonly isShown: boolean;
  readonly onWish: (wish: Wish) => void;
}

/** A click or a key of the person's in the last seconds, here or in the frame: a script alone wishes for nothing. */
const hasActed = (): boolean => (navigator as Partial<Navigator>).userActivation?.isActive ?? true;

/** Shown at once; kept when it has stood a moment, since whatever runs in the workspace could say it without end. */
const THEME_REST_MS = 1000;
let resting: ReturnType<typeof setTimeout> | undefined;

function keepTheme(theme: ThemeKind): void {
  showTheme(theme);
  clearTimeout(resting);
  resting = setTimeout(() => {
    if (useTheme.getState().choice === theme) chooseTheme(theme);
  }, THEME_REST_MS);
}

function useTalk({ frame, sessionId, origin, running, onReady, onSaid, onAsked, isShown, onWish }: Talk): void {
  const lastTicket = useRef(Number.NEGATIVE_INFINITY);
  const lastAsked = useRef(Number.NEGATIVE_INFINITY);
  const shownNow = useRef(isShown);
  const wish = useRef(onWish);
  wish.current = onWish;
  useEffect(() => {
    if (shownNow.current === isShown) return;
    shownNow.current = isShown;
    frame.current?.contentWindow?.postMessage({ type: "coditect.shown", shown: isShown } satisfies ToIde, origin);
  }, [frame, origin, isShown]);
  useEffect(() => {
    const say = (message: ToIde): void => frame.current?.contentWindow?.postMessage(message, origin);
    const sayEditor = (settings: readonly Setting[]): void => say({ type: "coditect.editor", settings: editorOf(settings) });
    const sendTicket = async (): Promise<void> => {
      const now = performance.now();
      if (!running || now - lastTicket.current < TICKET_GAP_MS) return;
      lastTicket.current = now;
      say({ type: "coditect.ticket", url: await ticketAddress(sessionId, origin) });
    };
    const answer = (): void => {
      // It asks again when no answer comes; what keeps one from coming is shown by the page that follows the session.
      sendTicket().catch(() => undefined);
    };
    // It asked while the workspace did not run, and still waits.
    if (running && performance.now() - lastAsked.current < TICKET_WAIT_MS) answer();
    const onMessage = (event: MessageEvent<unknown>): void => {
      const message = hear(event, frame.current?.contentWindow, origin);
      if (message?.type === "coditect.ready") {
        onReady();
        say({ type: "coditect.theme", theme: useTheme.getState().shown });
        const { state } = useAuth.getState();
        if (state.status === "in") say({ type: "coditect.person", name: state.user.name ?? "", email: state.user.email });
        say({ type: "coditect.shown", shown: shownNow.current });
        const settings = knownSettings();
        if (settings !== undefined) sayEditor(settings);
      } else if (message?.type === "coditect.theme.changed") {
        if (message.theme !== useTheme.getState().shown) keepTheme(message.theme);
      } else if (message?.type === "coditect.persistence") {
        onSaid(message);
      } else if (message?.type === "coditect.do") {
        if (shownNow.current && hasActed()) wish.current(message.action);
      } else if (message?.type === "coditect.ticket.request") {
        lastAsked.current = performance.now();
        // Something has happened to the workspace that this page may not have heard of.
        if (!running) onAsked();
        answer();
      }
    };
    globalThis.addEventListener("message", onMessage);
    const stop = useTheme.subscribe(({ shown }, before) => {
      if (shown !== before.shown) say({ type: "coditect.theme", theme: shown });
    });
    const stopSettings = onSettings(sayEditor);
    return () => {
      globalThis.removeEventListener("message", onMessage);
      stop();
      stopSettings();
    };
  }, [frame, sessionId, origin, running, onReady, onSaid, onAsked]);
}

/**
 * Whether the IDE still has to find its way to a workspace that ran, stopped, and runs again. It does so by itself, and keeps
 * what was typed; until then it shows what was.
 */
function useReturning(running: boolean, isReady: boolean, said: Persistence | undefined): boolean {
  const [wasAway, setAway] = useState(false);
  const isLost = said?.mood === "bad";
  useEffect(() => {
    if (isReady && !running) setAway(true);
    else if (running && !isLost) setAway(false);
  }, [isReady, running, isLost]);
  return wasAway && running && isLost;
}

function MoveNotice({ address }: { readonly address: string }) {
  const { host } = new URL(address);
  const open = <Button size="sm" asChild><a href={address}><ExternalLink size={14} />Go to {host}</a></Button>;
  return (
    <View icon={<ExternalLink size={20} />} title={`The IDE works at ${host}`} actions={open}>
      This page came from {globalThis.location.host}, where a browser does not let the IDE log in, and this browser did not reach {host} when the page was loaded. Chrome, Edge and Firefox know that name by themselves. For others, whoever runs this server can give IDEs a port of their own: --ide-listen.
    </View>
  );
}

interface FrameProps {
  readonly session: Session;
  readonly ideUrl: string;
  readonly running: boolean;
  /** The person looks at it; else it lies behind others. */
  readonly isShown: boolean;
  readonly lost: boolean;
  readonly onCancel: () => void;
  readonly said: Persistence | undefined;
  /** Undefined: there is no IDE any more that could say anything. */
  readonly onSaid: (said: Persistence | undefined) => void;
  /** It asked for a ticket while its workspace was not known to run. */
  readonly onAsked: () => void;
  readonly onWish: (wish: Wish) => void;
}

function Frame({ session, ideUrl, running, isShown, lost, onCancel, said, onSaid, onAsked, onWish }: FrameProps) {
  const origin = originOf(ideUrl) ?? "";
  const frame = useRef<HTMLIFrameElement>(null);
  const [isReady, setReady] = useState(false);
  const [shown, setShown] = useState<string>();
  const { src, error, again } = useAddress(session.id, origin, running && !isReady);
  const onReady = useCallback(() => setReady(true), []);
  useTalk({ frame, sessionId: session.id, origin, running, onReady, onSaid, onAsked, isShown, onWish });
  useEffect(() => () => onSaid(undefined), [onSaid]);
  useEffect(() => {
    if (isReady && isShown && document.activeElement === document.body) frame.current?.focus();
  }, [isReady, isShown]);
  const isReturning = useReturning(running, isReady, said);
  const isCovered = (!isReady || isReturning) && (src === undefined || shown !== src);
  const stalled = (
    <>
      <Text>The IDE has not answered yet. It may still be loading over a slow connection, or the workspace is busy.</Text>
      <Flex gap="8px">
        <Button size="xs" variant="outline" colorPalette="gray" onClick={again}><RotateCw size={13} />Load it again</Button>
        <Button size="xs" variant="ghost" colorPalette="gray" onClick={() => setShown(src)}>Show what is there</Button>
      </Flex>
    </>
  );
  return (
    <Box position="absolute" inset="0" data-testid={isShown ? "ide" : "ide-behind"} data-ready={isReady}>
      {src !== undefined && (
        <Box asChild position="absolute" inset="0" width="100%" height="100%" border="none">
          <iframe
            key={src} ref={frame} src={src} title={`IDE of ${session.name}`} data-testid={isShown ? "ide-frame" : "ide-frame-behind"} inert={isCovered}
            allow="clipboard-read; clipboard-write; keyboard-map" sandbox={SANDBOX}
          />
        </Box>
      )}
      {isCovered && running && (
        <Flex position="absolute" inset="0" bg="bg" direction="column">
          {error !== undefined
            ? <Flex flex="1" align="center" justify="center"><ProblemNotice error={error} retry={again} /></Flex>
            : <StartUp session={session} lost={lost} onCancel={onCancel} stalled={stalled} />}
        </Flex>
      )}
    </Box>
  );
}

export function IdeFrame(props: FrameProps) {
  const elsewhere = addressBesideIde(new URL(globalThis.location.href), props.ideUrl);
  if (elsewhere !== undefined) return <MoveNotice address={elsewhere} />;
  return <Frame key={originOf(props.ideUrl)} {...props} />;
}
