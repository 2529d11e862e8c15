// The person's sessions, and those that can still be restored.
import { Box, Button, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { CirclePause, FolderOpen, Pencil, Plus, RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import type { Session } from "../api/generated";
import { useSessionChange, useSessions } from "../api/queries";
import { Ago, Empty, ListSkeleton, Panel, SessionState, usePageTitle } from "../components/bits";
import { type Action, ActionMenu } from "../components/menu";
import { checkSessionName, NameDialog } from "../components/modal";
import { ProblemNotice } from "../components/problem-notice";
import { PageMain } from "../components/shell";
import { say, sayProblem } from "../components/toaster";
import { formatCount, formatSize } from "../lib/format";
import { api } from "../stores/auth";
import { showOverlay } from "../stores/overlay";

function useSessionActions() {
  const restore = useSessionChange((session: Session) => api.sessionsRestore({ sessionId: session.id }));
  const remove = useSessionChange((session: Session) => api.sessionsDelete({ sessionId: session.id }));
  const pause = useSessionChange((session: Session) => api.sessionsPause({ sessionId: session.id }));
  const open = useSessionChange((session: Session) => api.sessionsOpen({ sessionId: session.id }));
  const undo = (session: Session): void => restore.mutate(session, { onSuccess: () => say(`“${session.name}” is back`), onError: sayProblem });
  return {
    restore: undo,
    remove: (session: Session) => remove.mutateAsync(session).then(() => say(`“${session.name}” was deleted`, () => undo(session)), sayProblem),
    pause: (session: Session) => pause.mutate(session, { onSuccess: () => say(`“${session.name}” is paused`), onError: sayProblem }),
    open: (session: Session) => open.mutate(session, { onError: sayProblem }),
  };
}

function Facts({ session }: { readonly session: Session }) {
  return <>{session.files === 0 ? "Empty" : `${formatCount(session.files, "item")}, ${formatSize(session.bytes)}`}</>;
}

interface RowProps {
  readonly session: Session;
  readonly onRename: () => void;
  readonly onGone: (gone: boolean) => void;
}

function SessionRow({ session, onRename, onGone }: RowProps) {
  const actions = useSessionActions();
  const navigate = useNavigate();
  const open = (): void => {
    actions.open(session);
    void navigate(`/sessions/${session.id}`);
  };
  const remove = async (): Promise<void> => {
    onGone(true);
    await actions.remove(session);
    onGone(false);
  };
  const items: Action[] = [
    { label: "Open", icon: <FolderOpen size={15} />, run: open },
    { label: "Rename", icon: <Pencil size={15} />, run: onRename },
    ...(session.status === "active" ? [{ label: "Pause", icon: <CirclePause size={15} />, run: () => actions.pause(session) }] : []),
    { label: "Delete", icon: <Trash2 size={15} />, run: () => void remove(), grave: true },
  ];
  return (
    <Flex
      as="li" align="center" gap="16px" minHeight="56px" paddingX="16px" paddingY="10px" position="relative" listStyleType="none"
      borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }} _hover={{ bg: "bg.subtle" }}
    >
      <Box flex="1" minWidth="0">
        <Text fontWeight="500" truncate>
          <Link to={`/sessions/${session.id}`}>
            <Box as="span" position="absolute" inset="0" borderRadius="l2" aria-hidden="true" />
            {session.name}
          </Link>
        </Text>
        <Text color="fg.muted" fontSize="13px" display={{ base: "block", md: "none" }} truncate>
          <Ago time={session.last_access_at} /> · <Facts session={session} />
        </Text>
      </Box>
      <Box width={{ md: "110px" }}><SessionState session={session} /></Box>
      <Text color="fg.muted" width="140px" display={{ base: "none", md: "block" }} position="relative" pointerEvents="auto"><Ago time={session.last_access_at} /></Text>
      <Text color="fg.muted" width="160px" display={{ base: "none", md: "block" }} fontVariantNumeric="tabular-nums"><Facts session={session} /></Text>
      <Flex position="relative" gap="4px" align="center">
        <Button size="xs" variant="outline" display={{ base: "none", sm: "inline-flex" }} onClick={open} aria-label={`Open ${session.name}`}>Open</Button>
        <ActionMenu label={`Actions for ${session.name}`} actions={items} />
      </Flex>
    </Flex>
  );
}

function DeletedRow({ session }: { readonly session: Session }) {
  const { restore } = useSessionActions();
  return (
    <Flex as="li" listStyleType="none" align="center" gap="16px" minHeight="56px" paddingX="16px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box flex="1" minWidth="0">
        <Text truncate fontWeight="500">{session.name}</Text>
        <Text color="fg.muted" fontSize="13px"><Facts session={session} />{session.deleted_at !== undefined && <> · deleted <Ago time={session.deleted_at} /></>}</Text>
      </Box>
      <Button size="xs" variant="outline" onClick={() => restore(session)} aria-label={`Restore ${session.name}`}><RotateCcw size={13} />Restore</Button>
    </Flex>
  );
}

function ColumnHeads() {
  return (
    <Flex display={{ base: "none", md: "flex" }} aria-hidden="true" gap="16px" height="36px" align="center" paddingX="16px" borderBottomWidth="1px" color="fg.muted" fontSize="12px" fontWeight="500" bg="bg.subtle">
      <Text flex="1" fontSize="12px">Name</Text>
      <Text width="110px" fontSize="12px">State</Text>
      <Text width="140px" fontSize="12px">Last activity</Text>
      <Text width="160px" fontSize="12px">Content</Text>
      <Box width="90px" />
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
  if (deleted) return <Empty icon={<Trash2 size={20} />} title="Nothing deleted" text="A deleted session stays here for 30 days and can be restored." />;
  return (
    <Empty icon={<FolderOpen size={20} />} title="Create your first session" text="A session is a project of its own: its files, its workspace, its history.">
      <Button size="sm" onClick={() => showOverlay("new-session")}><Plus size={15} />New session</Button>
    </Empty>
  );
}

function SessionList({ deleted }: { readonly deleted: boolean }) {
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useSessions(deleted);
  const [renaming, setRenaming] = useState<Session>();
  const [gone, setGone] = useState<readonly string[]>([]);
  if (isPending) return <ListSkeleton />;
  if (data === undefined) return <ProblemNotice error={error} retry={() => void refetch()} />;
  const shown = data.filter(({ id }) => !gone.includes(id));
  if (shown.length === 0) return <Nothing deleted={deleted} />;
  const mark = (id: string, isGone: boolean): void => setGone((before) => (isGone ? [...before, id] : before.filter((one) => one !== id)));
  return (
    <>
      {!deleted && <ColumnHeads />}
      <Box as="ul" aria-label={deleted ? "Deleted sessions" : "Sessions"}>
        {shown.map((session) => deleted
          ? <DeletedRow key={session.id} session={session} />
          : <SessionRow key={session.id} session={session} onRename={() => setRenaming(session)} onGone={(isGone) => mark(session.id, isGone)} />)}
      </Box>
      {hasNextPage && <Flex justify="center" padding="8px" borderTopWidth="1px"><Button size="xs" variant="ghost" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>Show more</Button></Flex>}
      {renaming !== undefined && <Rename session={renaming} onClose={() => setRenaming(undefined)} />}
    </>
  );
}

function Tab({ to, current, children }: { readonly to: string; readonly current: boolean; readonly children: string }) {
  return (
    <Button asChild size="xs" variant="ghost" bg={current ? "bg.muted" : undefined} color={current ? "fg" : "fg.muted"}>
      <Link to={to} aria-current={current ? "page" : undefined}>{children}</Link>
    </Button>
  );
}

export default function Sessions() {
  const [search] = useSearchParams();
  const deleted = search.get("show") === "deleted";
  usePageTitle(deleted ? "Deleted sessions" : "Sessions");
  return (
    <PageMain>
      <Stack gap="20px">
        <Flex align="center" justify="space-between" gap="16px">
          <Heading as="h1" fontSize="22px" lineHeight="32px" fontWeight="600" letterSpacing="-0.02em">Sessions</Heading>
          <Button size="sm" onClick={() => showOverlay("new-session")}><Plus size={15} />New session</Button>
        </Flex>
        <Flex as="nav" gap="4px" aria-label="Which sessions">
          <Tab to="/sessions" current={!deleted}>Current</Tab>
          <Tab to="/sessions?show=deleted" current={deleted}>Deleted</Tab>
        </Flex>
        <Panel><SessionList key={String(deleted)} deleted={deleted} /></Panel>
      </Stack>
    </PageMain>
  );
}
