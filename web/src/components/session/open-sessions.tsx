// The IDEs of all open sessions, one over the other; at most one is shown. They stay while the person is elsewhere in the app:
// coming back is a change of visibility, and what was typed is still there.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { useCallback, useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { ApiError, type Session } from "../../api/generated";
import { useEvents } from "../../api/events";
import { askForSession, useFollowedSession, useSessionChange } from "../../api/queries";
import { type Persistence, riskOfLeaving, type Wish } from "../../lib/frame";
import { historyAddress } from "../../lib/paths";
import { isSilence } from "../../lib/problem";
import { type Phase, phaseOf } from "../../lib/workspace";
import { api } from "../../stores/auth";
import { useConnection } from "../../stores/connection";
import { askToLogOut } from "../../stores/leaving";
import { dropSession, noteRisk, noteSaid, saidBy, useOpen } from "../../stores/open";
import { showOverlay } from "../../stores/overlay";
import { Confirm } from "../modal";
import { ProblemNotice } from "../problem-notice";
import { sayProblem } from "../toaster";
import { IdeFrame } from "./ide-frame";
import { isTooMany, type Opening, useOpening } from "./opening";
import { usePlace } from "./place";
import { StartUp } from "./startup";
import { Failed, Forking, Gone, Paused, Pausing, TooMany } from "./states";

interface BeforeProps {
  readonly session: Session;
  readonly phase: Phase;
  readonly opening: Opening;
  readonly lost: boolean;
  readonly onPause: () => void;
}

/** From running to starting, with nothing asked for between. */
function useAgain(phase: Phase): boolean {
  const [ran, setRan] = useState(false);
  useEffect(() => {
    if (phase === "running") setRan(true);
    else if (phase !== "starting" && phase !== "restoring") setRan(false);
  }, [phase]);
  return ran;
}

/** In the place of the IDE while the workspace does not run. */
function BeforeIde({ session, phase, opening, lost, onPause, isAgain }: BeforeProps & { readonly isAgain: boolean }) {
  if (phase === "deleted") return <Gone session={session} />;
  if (phase === "forking") return <Forking session={session} />;
  if (opening.error !== null && !opening.isPending) {
    if (isTooMany(opening.error)) return <TooMany session={session} onOpen={opening.open} />;
    if (phase !== "starting" && phase !== "restoring") return <Flex flex="1" align="center" justify="center"><ProblemNotice error={opening.error} retry={opening.open} /></Flex>;
  }
  const stalled = (
    <>
      <Text>Nothing has changed for a minute. The machine may be busy; if nothing moves, start it again. Your files are safe on the server.</Text>
      <Button size="xs" variant="outline" colorPalette="gray" onClick={() => void api.sessionsPause({ sessionId: session.id }).then(opening.open, sayProblem)}>Start again</Button>
    </>
  );
  if (opening.isPending || phase === "starting" || phase === "restoring") {
    return <StartUp session={session} lost={lost} isAgain={isAgain} onCancel={onPause} stalled={stalled} />;
  }
  if (phase === "failed") return <Failed session={session} onOpen={opening.open} />;
  return phase === "pausing" ? <Pausing session={session} onOpen={opening.open} /> : <Paused session={session} onOpen={opening.open} />;
}

/** A session that is at rest and not looked at needs no IDE in memory: all that was typed is persisted before a pause. */
const isAtRest = (phase: Phase): boolean => phase === "paused" || phase === "stopped";

/** The IDE's address once it was shown: the frame outlives a restart of the workspace, not the session. */
function useFrameUrl(session: Session, phase: Phase, isShown: boolean, mayGo: boolean): string | undefined {
  const [kept, setKept] = useState<string>();
  const now = isShown && phase === "running" ? session.workspace.ide_url : undefined;
  const isOver = phase === "deleted" || (isAtRest(phase) && !isShown && mayGo);
  useEffect(() => {
    if (isOver) setKept(undefined);
    else if (now !== undefined) setKept(now);
  }, [now, isOver]);
  return isOver ? undefined : now ?? kept;
}

/** While the workspace is at work, what the IDE has not saved is lost with it. */
function useRisk(id: string, phase: Phase, said: Persistence | undefined): void {
  const risk = ["running", "starting", "restoring"].includes(phase) ? riskOfLeaving(said) : "none";
  useEffect(() => noteRisk(id, risk), [id, risk]);
}

/** What the IDE's account menu asks for. The IDE's page is the workspace's, so what ends something is asked once more here. */
function useWishes({ id, name }: Session, onPause: () => void) {
  const navigate = useNavigate();
  const [asked, setAsked] = useState<"pause" | "logout">();
  const take = (wish: Wish): void => {
    if (wish === "palette") showOverlay("palette");
    else if (wish === "account") void navigate("/settings");
    else if (wish === "sessions") void navigate("/sessions");
    else if (wish === "history") void navigate(historyAddress(id, ""));
    else setAsked(wish);
  };
  const close = (): void => setAsked(undefined);
  const question = asked === "pause"
    ? <Confirm title={`Pause “${name}”?`} text="Everything is persisted first. Programs that run in its workspace end." action="Pause" onConfirm={onPause} onClose={close} />
    : asked === "logout" && <Confirm title="Log out?" text="Your workspaces run on until they are idle. What you saved is kept." action="Log out" onConfirm={() => askToLogOut(false)} onClose={close} />;
  return { take, question };
}

interface IdePlaceProps {
  readonly session: Session;
  readonly error: unknown;
  readonly isShown: boolean;
}

function IdePlace({ session, error, isShown }: IdePlaceProps) {
  const { id } = session;
  const phase = phaseOf(session);
  const said = useOpen(saidBy(id));
  const isLost = useConnection((connection) => connection.isLost);
  const lost = isLost || isSilence(error);
  const opening = useOpening(session, isShown);
  const pausing = useSessionChange(() => api.sessionsPause({ sessionId: id }));
  const onSaid = useCallback((words: Persistence | undefined) => noteSaid(id, words), [id]);
  const onAsked = useCallback(() => askForSession(id), [id]);
  const url = useFrameUrl(session, phase, isShown, riskOfLeaving(said) !== "lost");
  const isAgain = useAgain(phase);
  useRisk(id, phase, said);
  const pause = (): void => pausing.mutate(undefined, { onError: sayProblem });
  const wishes = useWishes(session, pause);
  return (
    // Hidden by visibility: without a size of its own the IDE would lay itself out anew each time.
    <Flex position="absolute" inset="0" direction="column" visibility={isShown ? "visible" : "hidden"} inert={!isShown} data-session={id}>
      {url !== undefined && (
        <Box position="absolute" inset="0" inert={phase !== "running"}>
          <IdeFrame session={session} ideUrl={url} running={phase === "running"} isShown={isShown} lost={lost} onCancel={pause} said={said} onSaid={onSaid} onAsked={onAsked} onWish={wishes.take} />
        </Box>
      )}
      {wishes.question}
      {isShown && phase !== "running" && <Flex position="absolute" inset="0" bg="bg" direction="column"><BeforeIde session={session} phase={phase} opening={opening} lost={lost} onPause={pause} isAgain={isAgain} /></Flex>}
    </Flex>
  );
}

function OpenSession({ id, isCurrent, isShown }: { readonly id: string; readonly isCurrent: boolean; readonly isShown: boolean }) {
  const { data: session, error } = useFollowedSession(id, isCurrent);
  const isGone = error instanceof ApiError && error.status === 404;
  useEvents(id, isCurrent && session !== undefined && session.status !== "deleted" && !isGone);
  useEffect(() => {
    // The page of the present one says that it is gone; a tab that nobody looks at just closes.
    if (isGone && !isCurrent) dropSession(id);
  }, [id, isGone, isCurrent]);
  if (session === undefined || isGone) return undefined;
  return <IdePlace session={session} error={error} isShown={isShown} />;
}

export function OpenSessions() {
  const sessions = useOpen((open) => open.sessions);
  const place = usePlace();
  return sessions.map(({ id }) => <OpenSession key={id} id={id} isCurrent={place?.id === id} isShown={place?.id === id && place.view === "ide"} />);
}
