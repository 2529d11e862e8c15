// A session that shows no IDE: paused, pausing, failed, deleted, refused because too many run.
import { Box, Button, Flex, Stack, Text } from "@chakra-ui/react";
import { CircleAlert, CirclePause, CirclePlay, CopyPlus, FolderOpen, History as HistoryIcon, Layers, RotateCcw, RotateCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import type { Session } from "../../api/generated";
import { useSessionChange, useSessions } from "../../api/queries";
import { formatCount } from "../../lib/format";
import { fileAddress, historyAddress } from "../../lib/paths";
import { takesAPlace } from "../../lib/workspace";
import { api } from "../../stores/auth";
import { Ago, ListSkeleton, SessionState } from "../bits";
import { ProblemNotice } from "../problem-notice";
import { sayProblem } from "../toaster";
import { Elapsed, useSeconds, View } from "./view";

function FilesLink({ id }: { readonly id: string }) {
  return <Button size="sm" variant="outline" colorPalette="gray" asChild><Link to={fileAddress(id, "")}><FolderOpen size={15} />Look at the files</Link></Button>;
}

function HistoryLink({ id }: { readonly id: string }) {
  return <Button size="sm" variant="outline" colorPalette="gray" asChild><Link to={historyAddress(id, "")}><HistoryIcon size={15} />Look at the history</Link></Button>;
}

function ListLink() {
  return <Button size="sm" variant="outline" colorPalette="gray" asChild><Link to="/sessions">To your sessions</Link></Button>;
}

interface OpenProps {
  readonly session: Session;
  readonly onOpen: () => void;
}

export function Paused({ session, onOpen }: OpenProps) {
  const open = <Button size="sm" onClick={onOpen} data-testid="open-session"><CirclePlay size={15} />Open</Button>;
  return (
    <View testId="paused" icon={<CirclePause size={20} />} title={`“${session.name}” is ${session.status === "paused" ? "paused" : "stopped"}`} actions={<>{open}<FilesLink id={session.id} /></>}>
      Your files are kept on the server. Opening it brings the workspace back in a few seconds.
    </View>
  );
}

export function Pausing({ session, onOpen }: OpenProps) {
  const seconds = useSeconds(session.id);
  const { pending = 0 } = session.workspace;
  const again = <Button size="sm" variant="outline" colorPalette="gray" onClick={onOpen}><CirclePlay size={15} />Open again</Button>;
  return (
    <View testId="pausing" icon={<CirclePause size={20} />} look="warn" title={`Pausing “${session.name}”`} actions={<>{again}<FilesLink id={session.id} /></>}>
      {pending > 0 ? `${formatCount(pending, "change")} are persisted first, then the workspace stops.` : "Everything is persisted first, then the workspace stops."} <Elapsed seconds={seconds} />
      {seconds >= 60 && <Text marginTop="8px">It takes longer than usual. You need not wait here: it goes on without this page.</Text>}
    </View>
  );
}

export function Forking({ session }: { readonly session: Session }) {
  return (
    <View icon={<CopyPlus size={20} />} look="warn" title={`“${session.name}” is being copied`} actions={<ListLink />}>
      It can be opened as soon as all files are there. You need not wait here.
    </View>
  );
}

export function Failed({ session, onOpen }: OpenProps) {
  const again = <Button size="sm" onClick={onOpen} data-testid="open-session"><RotateCw size={14} />Try again</Button>;
  return (
    <View testId="failed" role="alert" icon={<CircleAlert size={20} />} look="bad" title="The workspace could not be started" actions={<>{again}<FilesLink id={session.id} /><HistoryLink id={session.id} /></>}>
      {session.workspace.error !== undefined && <Text color="fg">{session.workspace.error}</Text>}
      <Text marginTop="6px">Your files are kept on the server. Try again; if it fails the same way, tell whoever runs this server what stands above.</Text>
    </View>
  );
}

/** session: absent when not even that is known. */
export function Gone({ session }: { readonly session: Session | undefined }) {
  const restore = useSessionChange((id: string) => api.sessionsRestore({ sessionId: id }));
  if (session?.status !== "deleted") {
    return (
      <View testId="gone" role="alert" icon={<Trash2 size={20} />} title="This session is gone" actions={<ListLink />}>
        It was deleted for good, or it never was yours. Deleted sessions can be restored for 30 days from the list of deleted ones.
      </View>
    );
  }
  const back = (
    <Button size="sm" loading={restore.isPending} onClick={() => restore.mutate(session.id, { onError: sayProblem })}><RotateCcw size={14} />Restore</Button>
  );
  return (
    <View testId="gone" role="alert" icon={<Trash2 size={20} />} title={`“${session.name}” was deleted`} actions={<>{back}<ListLink /></>}>
      With all its files it can be restored for 30 days{session.deleted_at !== undefined && <>; it was deleted <Ago time={session.deleted_at} /></>}.
    </View>
  );
}

/** Pausing one of those that run makes room: then this one is opened. */
export function TooMany({ session, onOpen }: OpenProps) {
  const { data, error, isPending, refetch } = useSessions();
  const [paused, setPaused] = useState<string>();
  const pause = useSessionChange((id: string) => api.sessionsPause({ sessionId: id }));
  const make = (id: string): void => {
    setPaused(id);
    pause.mutate(id, { onSuccess: onOpen, onError: (failure) => { sayProblem(failure); setPaused(undefined); } });
  };
  const running = data?.filter((one) => one.id !== session.id && takesAPlace(one)) ?? [];
  const again = <Button size="sm" variant="outline" colorPalette="gray" onClick={onOpen}><RotateCw size={14} />Try again</Button>;
  return (
    <View testId="too-many" role="alert" icon={<Layers size={20} />} look="warn" title="Too many sessions run at once" actions={<>{again}<FilesLink id={session.id} /></>}>
      <Text>Pause one of these, and “{session.name}” opens in its place. Nothing in it is lost; programs that run there end.</Text>
      {isPending && <ListSkeleton rows={4} />}
      {data === undefined && error !== null && <ProblemNotice error={error} retry={() => void refetch()} />}
      <Stack as="ul" gap="0" marginTop="16px" aria-label="Sessions that run" textAlign="start" borderWidth="1px" borderRadius="l3" bg="bg.panel" color="fg">
        {running.map((one) => (
          <Flex as="li" key={one.id} listStyleType="none" align="center" gap="12px" minHeight="52px" paddingX="12px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
            <Box flex="1" minWidth="0">
              <Text truncate fontWeight="500">{one.name}</Text>
              <Text fontSize="12px" color="fg.muted">used <Ago time={one.last_access_at} /></Text>
            </Box>
            <SessionState session={one} />
            <Button size="xs" variant="outline" colorPalette="gray" aria-label={`Pause ${one.name}`} loading={paused === one.id} disabled={paused !== undefined} onClick={() => make(one.id)}>Pause</Button>
          </Flex>
        ))}
      </Stack>
    </View>
  );
}
