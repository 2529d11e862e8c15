// The person's sessions, and those that can still be restored.
import { Box, Button, Flex, Heading, Input, SimpleGrid, Stack, type SystemStyleObject, Text } from "@chakra-ui/react";
import { CirclePause, CirclePlay, FolderInput, FolderOpen, Pencil, Plus, RotateCcw, RotateCw, Search, Trash2 } from "lucide-react";
import { memo, type ReactElement, useDeferredValue, useRef, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import type { Project, Session } from "../api/generated";
import { useProjects } from "../api/projects";
import { useAllSessions, useSessionChange, useSessions } from "../api/queries";
import { Ago, Empty, factsOf, ListSkeleton, Panel, SessionState, usePageTitle } from "../components/bits";
import { type Action, ActionMenu } from "../components/menu";
import { checkSessionName, NameDialog } from "../components/modal";
import { ListProblem, ProblemNotice } from "../components/problem-notice";
import { MoveDialog, ProjectBar } from "../components/projects";
import { RowLink } from "../components/row-link";
import { Select } from "../components/select";
import { useDeletion } from "../components/session/deletion";
import { PageMain } from "../components/shell";
import { say, sayProblem } from "../components/toaster";
import { byProject } from "../lib/groups";
import { lookFor, type Order, orderOf, orders } from "../lib/order";
import { fileAddress, sessionAddress } from "../lib/paths";
import { cloningOf, cloningWords, phaseOf, shareDone } from "../lib/workspace";
import { api } from "../stores/auth";
import { showOverlay } from "../stores/overlay";

/** The same at each render: a card is drawn anew when its session changes, not with each letter that somebody looks for. */
type Run = (what: keyof ReturnType<typeof useCardActions>, session: Session) => void;

interface Asking {
  readonly rename: (session: Session) => void;
  readonly move: (session: Session) => void;
  readonly mark: (id: string, isGone: boolean) => void;
}

function useCardActions({ rename, move, mark }: Asking) {
  const navigate = useNavigate();
  const { remove } = useDeletion();
  const pause = useSessionChange((session: Session) => api.sessionsPause({ sessionId: session.id }));
  const clone = useSessionChange((session: Session) => api.sessionsClone({ sessionId: session.id }));
  return {
    rename,
    move,
    open: (session: Session) => void navigate(sessionAddress(session.id), { state: { open: true } }),
    files: (session: Session) => void navigate(fileAddress(session.id, "")),
    clone: (session: Session) => void clone.mutateAsync(session).then((now) => say(cloningWords(now)), sayProblem),
    pause: (session: Session) => void pause.mutateAsync(session).then(() => say(`“${session.name}” is paused`), sayProblem),
    remove: (session: Session) => {
      mark(session.id, true);
      void remove(session).then(() => mark(session.id, false));
    },
  };
}

function useRun(asking: Asking): Run {
  const now = useRef<ReturnType<typeof useCardActions>>(undefined);
  now.current = useCardActions(asking);
  const [run] = useState((): Run => (what, session) => now.current?.[what](session));
  return run;
}

/** The look of all cards, by one rule of their list: Chakra's own parts are dear. */
const cards: SystemStyleObject = {
  "& > li": {
    display: "flex", flexDirection: "column", position: "relative", minHeight: "132px", padding: "16px", gap: "4px", bg: "bg.panel", borderWidth: "1px", borderRadius: "l3", boxShadow: "card",
    transition: "border-color 120ms ease-out", _hover: { borderColor: "border.emphasized" }, _focusWithin: { borderColor: "border.emphasized" },
  },
  "& .head": { display: "flex", alignItems: "flex-start", gap: "8px" },
  "& .name": { fontWeight: "600", lineClamp: 2, overflowWrap: "anywhere", flex: "1", minWidth: "0", fontSize: "15px", lineHeight: "24px" },
  "& .name span": { position: "absolute", inset: "0", borderRadius: "l3" },
  "& .menu": { position: "relative", margin: "-4px" },
  "& .facts": { color: "fg.muted", fontSize: "13px", fontVariantNumeric: "tabular-nums" },
  "& .foot": { display: "flex", alignItems: "center", gap: "10px", marginTop: "auto", paddingTop: "12px" },
  "& .when": { color: "fg.muted", fontSize: "13px", flex: "1", truncate: true },
};

const SessionCard = memo(function SessionCard({ session, run }: { readonly session: Session; readonly run: Run }) {
  const open = (): void => run("open", session);
  const items: Action[] = [
    { label: "Open", icon: <CirclePlay size={15} />, run: open },
    { label: "Files", icon: <FolderOpen size={15} />, run: () => run("files", session) },
    ...(cloningOf(session) === "failed" ? [{ label: "Clone again", icon: <RotateCw size={15} />, run: () => run("clone", session) }] : []),
    { label: "Rename", icon: <Pencil size={15} />, run: () => run("rename", session) },
    { label: "Move to a project", icon: <FolderInput size={15} />, run: () => run("move", session) },
    ...(session.status === "active" ? [{ label: "Pause", icon: <CirclePause size={15} />, run: () => run("pause", session) }] : []),
    { label: "Delete", icon: <Trash2 size={15} />, run: () => run("remove", session), grave: true },
  ];
  const { error } = session.workspace;
  return (
    <li>
      <div className="head">
        <p className="name" title={session.name}>
          <RowLink to={sessionAddress(session.id)} go={open}>
            <span aria-hidden="true" />
            {session.name}
          </RowLink>
        </p>
        <div className="menu"><ActionMenu label={`Actions for ${session.name}`} actions={items} /></div>
      </div>
      <p className="facts">{factsOf(session)}</p>
      {phaseOf(session) === "failed" && error !== undefined && <Text color="bad.fg" fontSize="13px" lineClamp={2}>{error}</Text>}
      {cloningOf(session) === "failed" && <Text color="bad.fg" fontSize="13px" lineClamp={2} title={session.source?.message}>Not cloned. {session.source?.message}</Text>}
      <div className="foot">
        <SessionState session={session} />
        <p className="when">{howFar(session) ?? <Ago time={session.last_access_at} />}</p>
        <Button position="relative" size="xs" variant="outline" colorPalette="gray" onClick={open} aria-label={`Open ${session.name}`} data-testid="open-session">Open</Button>
      </div>
    </li>
  );
});

/** Of a restore or a clone that is under way. */
function howFar(session: Session): string | undefined {
  const percent = cloningOf(session) === "now" ? session.source?.percent : undefined;
  if (percent !== undefined) return `${percent} %`;
  const share = phaseOf(session) === "restoring" ? shareDone(session.workspace) : undefined;
  return share === undefined ? undefined : `${Math.floor(100 * share)} %`;
}

function DeletedRow({ session }: { readonly session: Session }) {
  const { restore } = useDeletion();
  return (
    <Flex as="li" listStyleType="none" align="center" gap="16px" minHeight="56px" paddingX="16px" paddingY="8px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box flex="1" minWidth="0">
        <Text lineClamp={2} overflowWrap="anywhere" fontWeight="500" title={session.name}>{session.name}</Text>
        <Text color="fg.muted" fontSize="13px">{factsOf(session)}{session.deleted_at !== undefined && <> · deleted <Ago time={session.deleted_at} /></>}</Text>
      </Box>
      <Button size="xs" variant="outline" colorPalette="gray" onClick={() => restore(session)} aria-label={`Restore ${session.name}`}><RotateCcw size={13} />Restore</Button>
    </Flex>
  );
}

function Rename({ session, onClose }: { readonly session: Session; readonly onClose: () => void }) {
  const rename = useSessionChange((name: string) => api.sessionsUpdate({ sessionId: session.id, body: { name } }));
  const submit = async (name: string): Promise<void> => {
    await rename.mutateAsync(name.trim());
  };
  return <NameDialog title="Rename session" label="Name" action="Rename" initial={session.name} check={checkSessionName} submit={submit} onClose={onClose} />;
}

function Nothing({ deleted }: { readonly deleted: boolean }) {
  if (deleted) return <Panel><Empty icon={<Trash2 size={20} />} title="Nothing deleted" text="A deleted session stays here for 30 days and can be restored." /></Panel>;
  return (
    <Panel><Empty icon={<FolderOpen size={20} />} title="Create your first session" text="A session is a project of its own: its files, its workspace, its history.">
      <Button size="sm" onClick={() => showOverlay("new-session")}><Plus size={15} />New session</Button>
    </Empty></Panel>
  );
}

function DeletedList() {
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useSessions(true);
  if (isPending) return <Panel><ListSkeleton /></Panel>;
  if (data === undefined) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data.length === 0) return <Nothing deleted />;
  return (
    <>
      <Panel><Box as="ul" aria-label="Deleted sessions">{data.map((session) => <DeletedRow key={session.id} session={session} />)}</Box></Panel>
      {hasNextPage && <More loading={isFetchingNextPage} onMore={() => void fetchNextPage()} />}
    </>
  );
}

function More({ loading = false, onMore }: { readonly loading?: boolean; readonly onMore: () => void }) {
  return <Flex justify="center" padding="8px"><Button size="xs" variant="ghost" loading={loading} onClick={onMore}>Show more</Button></Flex>;
}

function EmptyProject({ project }: { readonly project: Project }) {
  return (
    <Panel><Empty icon={<FolderOpen size={20} />} title={`Nothing is in “${project.name}” yet`} text="Make a session here, or move one here by its menu.">
      <Button size="sm" onClick={() => showOverlay("new-session")}><Plus size={15} />New session</Button>
    </Empty></Panel>
  );
}

/** So many cards at a time: more are found by looking for them. */
const CARDS = 60;
/** As many as a window shows at once. */
const SCREENFUL = 18;

interface GroupsProps {
  readonly sessions: readonly Session[];
  readonly most: number;
  /** All of them, and not what somebody looks for. */
  readonly isWhole: boolean;
  readonly run: Run;
}

function Groups({ sessions, most, isWhole, run }: GroupsProps) {
  const { projects, isKnown } = useProjects();
  // The click that leads here shows what the window has room for; what lies below is drawn behind that frame.
  const shown = sessions.slice(0, useDeferredValue(most, SCREENFUL));
  const card = (session: Session) => <SessionCard key={session.id} session={session} run={run} />;
  const hasProjects = sessions.slice(0, most).some(({ project_id }) => project_id !== undefined);
  if (!isWhole || !hasProjects || !isKnown) return <Cards label="Sessions">{shown.map(card)}</Cards>;
  return byProject(shown, projects).map(({ key, title, sessions: some }) => (
    <Stack key={key} as="section" gap="12px" aria-label={title}>
      <Heading as="h2" fontSize="14px" fontWeight="600" color="fg.muted">{title}</Heading>
      <Cards label={title}>{some.map(card)}</Cards>
    </Stack>
  ));
}

function Cards({ label, children }: { readonly label: string; readonly children: readonly ReactElement[] }) {
  return <SimpleGrid as="ul" aria-label={label} columns={{ base: 1, sm: 2, lg: 3 }} gap="16px" css={cards}>{children}</SimpleGrid>;
}

interface CurrentListProps {
  readonly text: string;
  readonly order: Order;
  /** Undefined: of all projects and none. */
  readonly project: Project | undefined;
}

const CurrentList = memo(function CurrentList({ text, order, project }: CurrentListProps) {
  const { data, error, isPending, refetch } = useSessions();
  const { sessions, error: unread, retry } = useAllSessions();
  const [renaming, setRenaming] = useState<Session>();
  const [moving, setMoving] = useState<Session>();
  const [gone, setGone] = useState<readonly string[]>([]);
  const [most, setMost] = useState(CARDS);
  const mark = (id: string, isGone: boolean): void => setGone((before) => (isGone ? [...before, id] : before.filter((one) => one !== id)));
  const run = useRun({ rename: setRenaming, move: setMoving, mark });
  if (isPending) return <Panel><ListSkeleton /></Panel>;
  if (data === undefined) return <ProblemNotice error={error} retry={() => void refetch()} />;
  const there = sessions.filter(({ id }) => !gone.includes(id));
  if (there.length === 0) return <Nothing deleted={false} />;
  const inProject = project === undefined ? there : there.filter(({ project_id }) => project_id === project.id);
  const found = lookFor(inProject, text, order);
  return (
    <>
      {found.length === 0 && text !== "" && <Panel><Empty icon={<Search size={20} />} title="No session is called so" text="Try a part of its name." /></Panel>}
      {found.length === 0 && text === "" && project !== undefined && <EmptyProject project={project} />}
      <Groups sessions={found} most={most} isWhole={text === "" && project === undefined} run={run} />
      {found.length > most && <More onMore={() => setMost(most + CARDS)} />}
      <ListProblem error={unread} retry={retry} />
      {renaming !== undefined && <Rename session={renaming} onClose={() => setRenaming(undefined)} />}
      {moving !== undefined && <MoveDialog session={moving} onClose={() => setMoving(undefined)} />}
    </>
  );
});

function Tab({ to, current, children }: { readonly to: string; readonly current: boolean; readonly children: string }) {
  return (
    <Button asChild size="xs" variant="ghost" bg={current ? "bg.muted" : undefined} color={current ? "fg" : "fg.muted"}>
      <Link to={to} aria-current={current ? "page" : undefined}>{children}</Link>
    </Button>
  );
}

function Finder({ text, order }: { readonly text: string; readonly order: Order }) {
  const [, setParams] = useSearchParams();
  const choose = (name: "q" | "sort", value: string): void => {
    setParams((before) => {
      if (value === "") before.delete(name);
      else before.set(name, value);
      return before;
    }, { replace: true });
  };
  return (
    <Flex gap="8px" width={{ base: "100%", sm: "auto" }}>
      <Input size="sm" height="32px" width={{ base: "auto", sm: "200px" }} flex={{ base: "1", sm: "none" }} aria-label="Find a session by name" placeholder="Find by name" value={text} onChange={(event) => choose("q", event.currentTarget.value)} bg="bg.panel" borderColor="border.emphasized" fontSize={{ base: "16px", sm: "14px" }} _placeholder={{ color: "fg.subtle" }} />
      <Select label="Order" options={orders} value={order} onValue={(value) => choose("sort", value === "used" ? "" : value)} />
    </Flex>
  );
}

export default function Sessions() {
  const [search] = useSearchParams();
  const deleted = search.get("show") === "deleted";
  const text = search.get("q") ?? "";
  const order = orderOf(search.get("sort"));
  const asked = search.get("project");
  const { projects, isKnown, error, retry } = useProjects();
  const project = projects.find(({ id }) => id === asked);
  const { sessions } = useAllSessions();
  // Without the projects nobody can say which sessions are in one: never all of them in its place.
  const isUnknown = !deleted && asked !== null && !isKnown;
  // The letter that was typed is seen at once; the cards follow, however many they are.
  const wanted = { text: useDeferredValue(text), order: useDeferredValue(order), project: useDeferredValue(project) };
  usePageTitle(deleted ? "Deleted sessions" : project?.name ?? "Sessions");
  return (
    <PageMain>
      <Stack gap="20px">
        <Flex align="center" justify="space-between" gap="16px">
          <Heading as="h1" fontSize="22px" lineHeight="32px" fontWeight="600" letterSpacing="-0.02em">Sessions</Heading>
          <Button size="sm" onClick={() => showOverlay("new-session")}><Plus size={15} />New session</Button>
        </Flex>
        <Flex gap="12px" wrap="wrap" align="center" justify="space-between">
          <Flex as="nav" gap="4px" aria-label="Which sessions">
            <Tab to="/sessions" current={!deleted}>Current</Tab>
            <Tab to="/sessions?show=deleted" current={deleted}>Deleted</Tab>
          </Flex>
          {!deleted && <Finder text={text} order={order} />}
        </Flex>
        {!deleted && sessions.length > 0 && !isUnknown && <ProjectBar sessions={sessions} current={project} />}
        {isUnknown && <Panel>{error === undefined ? <ListSkeleton /> : <ProblemNotice error={error} retry={retry} />}</Panel>}
        {deleted && <DeletedList />}
        {!deleted && !isUnknown && <CurrentList text={wanted.text} order={wanted.order} project={wanted.project} />}
      </Stack>
    </PageMain>
  );
}
