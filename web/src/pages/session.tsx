// A session: its state, and its files, which can be read and changed whether its workspace runs or not.
import { Box, Button, Flex, Heading, Progress, Text } from "@chakra-ui/react";
import { ArrowLeft, CirclePause, CirclePlay } from "lucide-react";
import { Link, useParams } from "react-router";
import { ApiError, type Session } from "../api/generated";
import { useFolder, useSession, useSessionChange } from "../api/queries";
import { Ago, ListSkeleton, Panel, SessionState, usePageTitle } from "../components/bits";
import { FileView } from "../components/files/file-view";
import { Folder } from "../components/files/folder";
import { Tree } from "../components/files/tree";
import { Uploads } from "../components/files/uploads";
import { ProblemNotice } from "../components/problem-notice";
import { PageMain } from "../components/shell";
import { say, sayProblem } from "../components/toaster";
import { formatCount, formatSize } from "../lib/format";
import { baseName, fileAddress, parentOf, withParents } from "../lib/paths";
import { api } from "../stores/auth";

function Breadcrumbs({ session, path }: { readonly session: Session; readonly path: string }) {
  return (
    <Flex as="nav" aria-label="Path" align="center" gap="4px" height="44px" paddingX="16px" borderBottomWidth="1px" overflowX="auto" bg="bg.subtle" fontSize="13px" whiteSpace="nowrap">
      {withParents(path).map((part) => (
        <Flex key={part} align="center" gap="4px">
          {part !== "" && <Text as="span" color="fg.subtle" aria-hidden="true">/</Text>}
          {part === path ? <Text as="span" fontWeight="500" aria-current="page" fontSize="13px">{part === "" ? session.name : baseName(part)}</Text> : (
            <Box asChild color="fg.muted" _hover={{ color: "fg", textDecoration: "underline" }}><Link to={fileAddress(session.id, part)}>{part === "" ? session.name : baseName(part)}</Link></Box>
          )}
        </Flex>
      ))}
    </Flex>
  );
}

/** What stands at the path: a folder is shown as a list, a file as itself. */
function Place({ session, path }: { readonly session: Session; readonly path: string }) {
  const above = useFolder(session.id, parentOf(path), path !== "");
  if (path === "") return <Folder key="" sessionId={session.id} path="" />;
  if (above.isPending) return <ListSkeleton />;
  const entry = above.data?.find((one) => one.path === path && one.path_b64 === undefined);
  if (entry?.type === "dir") return <Folder key={path} sessionId={session.id} path={path} />;
  if (entry?.type === "file") return <FileView sessionId={session.id} entry={entry} />;
  const gone = new ApiError(404, { code: "not_found", message: `“${baseName(path)}” is not here.`, request_id: "" });
  const up = <Button size="sm" variant="outline" asChild><Link to={fileAddress(session.id, "")}>To all files</Link></Button>;
  const isGone = above.error === null || (above.error instanceof ApiError && above.error.status < 500);
  return <ProblemNotice error={isGone ? gone : above.error} {...(isGone ? { action: up } : { retry: () => void above.refetch() })} />;
}

function StateActions({ session }: { readonly session: Session }) {
  const open = useSessionChange(() => api.sessionsOpen({ sessionId: session.id }));
  const pause = useSessionChange(() => api.sessionsPause({ sessionId: session.id }));
  if (session.status === "paused" || session.workspace.state === "failed") {
    return <Button size="sm" loading={open.isPending} onClick={() => open.mutate(undefined, { onError: sayProblem })}><CirclePlay size={15} />Resume</Button>;
  }
  if (session.status !== "active") return undefined;
  return (
    <Button size="sm" variant="outline" loading={pause.isPending} onClick={() => pause.mutate(undefined, { onError: sayProblem, onSuccess: () => say(`“${session.name}” is paused`) })}>
      <CirclePause size={15} />Pause
    </Button>
  );
}

function Start({ session }: { readonly session: Session }) {
  const { step, done, total, error, state } = session.workspace;
  if (state === "failed" && error !== undefined) return <Text role="alert" color="bad.fg">{error}</Text>;
  if (step === undefined || (state !== "starting" && state !== "restoring")) return undefined;
  return (
    <Progress.Root value={total !== undefined && total > 0 ? Math.round((100 * (done ?? 0)) / total) : null} size="xs" maxWidth="400px">
      <Progress.Label fontSize="13px" color="fg.muted">{step}{total !== undefined && total > 0 && ` · ${done ?? 0} of ${total}`}</Progress.Label>
      <Progress.Track marginTop="6px"><Progress.Range /></Progress.Track>
    </Progress.Root>
  );
}

function Head({ session }: { readonly session: Session }) {
  return (
    <Box marginBottom="20px">
      <Box asChild color="fg.muted" fontSize="13px" _hover={{ color: "fg" }}>
        <Link to="/sessions"><Flex as="span" display="inline-flex" align="center" gap="6px" marginBottom="12px"><ArrowLeft size={14} />Sessions</Flex></Link>
      </Box>
      <Flex align="center" gap="12px" wrap="wrap" rowGap="8px">
        <Heading as="h1" fontSize="22px" lineHeight="32px" fontWeight="600" letterSpacing="-0.02em" truncate maxWidth="100%">{session.name}</Heading>
        <SessionState session={session} />
        <Box flex="1" />
        <StateActions session={session} />
      </Flex>
      <Text color="fg.muted">
        {session.files === 0 ? "No files yet" : `${formatCount(session.files, "item")}, ${formatSize(session.bytes)}`} · active <Ago time={session.last_access_at} />
      </Text>
      <Start session={session} />
    </Box>
  );
}

export default function SessionPage() {
  const { id = "", "*": path = "" } = useParams();
  const { data: session, error, isPending, refetch } = useSession(id);
  usePageTitle(session === undefined ? "Session" : path === "" ? session.name : `${baseName(path)} · ${session.name}`);
  if (isPending) return <PageMain><ListSkeleton rows={6} /></PageMain>;
  if (session === undefined) {
    const back = <Button size="sm" variant="outline" asChild><Link to="/sessions">To your sessions</Link></Button>;
    return <PageMain><ProblemNotice error={error} retry={() => void refetch()} action={back} /></PageMain>;
  }
  return (
    <PageMain>
      <Head session={session} />
      <Panel>
        <Flex minHeight="480px">
          <Box width="260px" flexShrink="0" borderEndWidth="1px" display={{ base: "none", md: "block" }} overflow="auto" maxHeight="80vh">
            <Tree sessionId={session.id} current={path} />
          </Box>
          <Flex direction="column" flex="1" minWidth="0">
            <Breadcrumbs session={session} path={path} />
            <Place session={session} path={path} />
          </Flex>
        </Flex>
      </Panel>
      <Uploads sessionId={session.id} />
    </PageMain>
  );
}
