// A session: its IDE while the workspace runs, what brings it there, and its files.
//
//   /sessions/{id}           where work goes on: the IDE; on a small screen the files
//   /sessions/{id}/ide       the IDE
//   /sessions/{id}/files/…   the files
import { Box, Button, Flex, Spinner, Text, VisuallyHidden } from "@chakra-ui/react";
import { Code, Files as FilesIcon, Monitor } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { Link, Navigate, useParams } from "react-router";
import { ApiError, type Session } from "../api/generated";
import { useSession, useSessionChange } from "../api/queries";
import { usePageTitle } from "../components/bits";
import { ProblemNotice } from "../components/problem-notice";
import { Files } from "../components/session/files";
import { IdeFrame } from "../components/session/ide-frame";
import { LeaveGuard } from "../components/session/leaving";
import { isTooMany, type Opening, useOpening } from "../components/session/opening";
import { StartUp } from "../components/session/startup";
import { Failed, Forking, Gone, Paused, Pausing, TooMany } from "../components/session/states";
import { LostBar, StatusButton } from "../components/session/status";
import { Switcher } from "../components/session/switcher";
import { Header } from "../components/shell";
import { sayProblem } from "../components/toaster";
import { baseName, fileAddress, ideAddress } from "../lib/paths";
import type { Persistence } from "../lib/frame";
import { type Phase, phaseOf } from "../lib/workspace";
import { api, useAuth } from "../stores/auth";
import { noteRecent } from "../stores/recent";

type ViewName = "ide" | "files";

const isSmall = (): boolean => globalThis.matchMedia("(max-width: 767px)").matches;

function TabLink({ to, isCurrent, icon, children, state }: { readonly to: string; readonly isCurrent: boolean; readonly icon: ReactNode; readonly children: string; readonly state?: object }) {
  return (
    <Button asChild size="xs" height="26px" variant="plain" paddingX="10px" gap="6px" borderRadius="l1" bg={isCurrent ? "bg.panel" : undefined} color={isCurrent ? "fg" : "fg.muted"} boxShadow={isCurrent ? "card" : undefined} fontWeight="500" _hover={{ color: "fg" }}>
      <Link to={to} state={state} aria-current={isCurrent ? "page" : undefined}>
        <Box as="span" display={{ base: "none", sm: "inline-flex" }}>{icon}</Box>
        {children}
      </Link>
    </Button>
  );
}

function Tabs({ session, view }: { readonly session: Session; readonly view: ViewName }) {
  return (
    <Flex as="nav" aria-label="View of the session" bg="bg.muted" borderRadius="l2" padding="2px" flexShrink="0">
      <TabLink to={ideAddress(session.id)} isCurrent={view === "ide"} icon={<Code size={13} />} state={{ open: true }}>IDE</TabLink>
      <TabLink to={fileAddress(session.id, "")} isCurrent={view === "files"} icon={<FilesIcon size={13} />}>Files</TabLink>
    </Flex>
  );
}

const HINT_KEY = "coditect-hint-small";

function wasHinted(): boolean {
  try {
    return localStorage.getItem(HINT_KEY) !== null;
  } catch {
    return false;
  }
}

function SmallScreenHint({ session, view }: { readonly session: Session; readonly view: ViewName }) {
  const [isClosed, setClosed] = useState(() => view === "files" && wasHinted());
  if (isClosed) return undefined;
  const close = (): void => {
    try {
      localStorage.setItem(HINT_KEY, "1");
    } catch {
      // Storage is blocked: it will be said again.
    }
    setClosed(true);
  };
  return (
    <Flex display={{ base: "flex", md: "none" }} align="center" gap="10px" paddingX="12px" paddingY="8px" bg="accent.subtle" borderBottomWidth="1px" flexShrink="0" fontSize="13px">
      <Box color="accent.fg" flexShrink="0"><Monitor size={15} /></Box>
      <Text flex="1" fontSize="13px">{view === "ide" ? "The IDE is made for a larger screen." : "On a small screen the files come first: the IDE is made for a larger one."}</Text>
      {view === "ide"
        ? <Button size="xs" variant="outline" colorPalette="gray" asChild><Link to={fileAddress(session.id, "")}>Files</Link></Button>
        : <Button size="xs" variant="ghost" colorPalette="gray" onClick={close}>Got it</Button>}
    </Flex>
  );
}

interface IdePlaceProps {
  readonly session: Session;
  readonly phase: Phase;
  readonly opening: Opening;
  readonly lost: boolean;
  readonly onPause: () => void;
  /** The workspace ended by itself. */
  readonly isAgain: boolean;
}

/** In the place of the IDE while the workspace does not run. */
function BeforeIde({ session, phase, opening, lost, onPause, isAgain }: IdePlaceProps) {
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

/** The IDE's address once it was shown: the frame outlives a restart of the workspace, not the session. */
function useFrameUrl(session: Session, phase: Phase, atIde: boolean): string | undefined {
  const [kept, setKept] = useState<string>();
  const now = atIde && phase === "running" ? session.workspace.ide_url : undefined;
  useEffect(() => {
    if (phase === "deleted") setKept(undefined);
    else if (now !== undefined) setKept(now);
  }, [now, phase]);
  return phase === "deleted" ? undefined : now ?? kept;
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

interface FrameTalk {
  readonly isShown: boolean;
  readonly said: Persistence | undefined;
  readonly onSaid: (said: Persistence | undefined) => void;
}

function IdePlace(props: Omit<IdePlaceProps, "isAgain"> & FrameTalk) {
  const { session, phase, lost, onPause, isShown, said, onSaid } = props;
  const url = useFrameUrl(session, phase, isShown);
  const isAgain = useAgain(phase);
  return (
    // Hidden by visibility: without a size of its own the IDE would lay itself out anew each time.
    <Flex position="absolute" inset="0" direction="column" visibility={isShown ? "visible" : "hidden"} inert={!isShown}>
      {url !== undefined && <Box position="absolute" inset="0" inert={phase !== "running"}><IdeFrame session={session} ideUrl={url} running={phase === "running"} lost={lost} onCancel={onPause} said={said} onSaid={onSaid} /></Box>}
      {isShown && phase !== "running" && <Flex position="absolute" inset="0" bg="bg" direction="column"><BeforeIde {...props} isAgain={isAgain} /></Flex>}
    </Flex>
  );
}

interface OneProps {
  readonly session: Session;
  readonly view: ViewName | undefined;
  readonly path: string;
  readonly lost: boolean;
  readonly heardAt: number;
  readonly refetch: () => void;
}

function OneSession({ session, view: asked, path, lost, heardAt, refetch }: OneProps) {
  const [small] = useState(isSmall);
  const view = asked ?? (small ? "files" : "ide");
  const phase = phaseOf(session);
  const userId = useAuth(({ state }) => (state.status === "in" ? state.user.id : ""));
  const opening = useOpening(session, view === "ide");
  const [said, setSaid] = useState<Persistence>();
  const pausing = useSessionChange(() => api.sessionsPause({ sessionId: session.id }));
  useEffect(() => noteRecent(userId, session.id), [userId, session.id]);
  const hasNoIde = phase === "running" && session.workspace.ide_url === undefined;
  if ((asked === undefined && small) || (view === "ide" && hasNoIde)) return <Navigate to={fileAddress(session.id, "")} replace />;
  const pause = (): void => pausing.mutate(undefined, { onError: sayProblem });
  return (
    <Flex direction="column" height="100dvh" overflow="hidden">
      <Header compact>
        <VisuallyHidden asChild><h1>{session.name}</h1></VisuallyHidden>
        <Text color="border.emphasized" aria-hidden="true" display={{ base: "none", sm: "block" }}>/</Text>
        <Switcher session={session} inFiles={view === "files"} />
        {!hasNoIde && phase !== "deleted" && <Tabs session={session} view={view} />}
        <Box flex="1" />
        <StatusButton session={session} lost={lost} heardAt={heardAt} onPause={pause} said={said} />
      </Header>
      <LeaveGuard session={session} said={phase === "running" ? said : undefined} />
      {lost && <LostBar onRetry={refetch} />}
      {!hasNoIde && phase !== "deleted" && <SmallScreenHint key={view} session={session} view={view} />}
      <Flex as="main" direction="column" flex="1" minHeight="0" position="relative">
        <IdePlace session={session} phase={phase} opening={opening} lost={lost} onPause={pause} isShown={view === "ide"} said={said} onSaid={setSaid} />
        {view === "files" && (phase === "deleted" ? <Gone session={session} /> : <Files session={session} path={path} />)}
      </Flex>
    </Flex>
  );
}

function Whole({ children }: { readonly children: ReactNode }) {
  return (
    <Flex direction="column" minHeight="100dvh">
      <Header />
      <Flex as="main" flex="1" direction="column" align="center" justify="center">{children}</Flex>
    </Flex>
  );
}

/** The server said something, if only no. */
const isAnswer = (error: unknown): boolean => error instanceof ApiError && error.status < 500;

export default function SessionPage({ view }: { readonly view?: ViewName }) {
  const { id = "", "*": path = "" } = useParams();
  const { data: session, error, isPending, refetch, dataUpdatedAt } = useSession(id);
  usePageTitle(session === undefined ? "Session" : path === "" ? session.name : `${baseName(path)} · ${session.name}`);
  if (isPending) return <Whole><Spinner color="fg.muted" aria-label="Loading" /></Whole>;
  if (error instanceof ApiError && error.status === 404 && session !== undefined) return <Whole><Gone session={undefined} /></Whole>;
  if (session === undefined) {
    const back = <Button size="sm" variant="outline" colorPalette="gray" asChild><Link to="/sessions">To your sessions</Link></Button>;
    return <Whole><ProblemNotice error={error} retry={() => void refetch()} action={back} /></Whole>;
  }
  return (
    <OneSession
      key={session.id} session={session} view={view} path={path} lost={error !== null && !isAnswer(error)} heardAt={dataUpdatedAt}
      refetch={() => void refetch()}
    />
  );
}
