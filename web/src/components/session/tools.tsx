// What the header shows of the session whose page is open: which it is, its two views, and the truth about what is persisted.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { Code, Files as FilesIcon, History as HistoryIcon, Monitor } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { ApiError, type Session } from "../../api/generated";
import { useSession, useSessionChange } from "../../api/queries";
import { fileAddress, historyAddress, ideAddress } from "../../lib/paths";
import { isSilence } from "../../lib/problem";
import { phaseOf } from "../../lib/workspace";
import { api } from "../../stores/auth";
import { useConnection } from "../../stores/connection";
import { saidBy, useOpen } from "../../stores/open";
import { sayProblem } from "../toaster";
import { usePlace, type ViewName } from "./place";
import { StatusButton } from "./status";
import { Switcher } from "./switcher";

interface ViewLinkProps {
  readonly to: string;
  readonly isCurrent: boolean;
  readonly icon: ReactNode;
  readonly children: string;
  readonly state?: object;
}

function ViewLink({ to, isCurrent, icon, children, state }: ViewLinkProps) {
  return (
    <Button asChild size="xs" height="26px" variant="plain" paddingX="10px" gap="6px" borderRadius="l1" bg={isCurrent ? "bg.panel" : undefined} color={isCurrent ? "fg" : "fg.muted"} boxShadow={isCurrent ? "card" : undefined} fontWeight="500" _hover={{ color: "fg" }}>
      <Link to={to} state={state} aria-current={isCurrent ? "page" : undefined} aria-label={children} title={children}>
        {icon}
        <Box as="span" display={{ base: "none", sm: "inline" }}>{children}</Box>
      </Link>
    </Button>
  );
}

function Views({ session, view }: { readonly session: Session; readonly view: ViewName }) {
  return (
    <Flex as="nav" aria-label="View of the session" bg="bg.muted" borderRadius="l2" padding="2px" flexShrink="0">
      {hasIde(session) && <ViewLink to={ideAddress(session.id)} isCurrent={view === "ide"} icon={<Code size={13} />} state={{ open: true }}>IDE</ViewLink>}
      <ViewLink to={fileAddress(session.id, "")} isCurrent={view === "files"} icon={<FilesIcon size={13} />}>Files</ViewLink>
      <ViewLink to={historyAddress(session.id, "")} isCurrent={view === "history"} icon={<HistoryIcon size={13} />}>History</ViewLink>
    </Flex>
  );
}

/** The server has none, or the session has none any more. */
function hasIde(session: Session): boolean {
  const phase = phaseOf(session);
  return phase !== "deleted" && !(phase === "running" && session.workspace.ide_url === undefined);
}

/** The session that the address names, as far as it is known. */
export function useShown() {
  const place = usePlace();
  const { data, error, dataUpdatedAt } = useSession(place?.id ?? "");
  const isGone = error instanceof ApiError && error.status === 404;
  return place === undefined || data === undefined || isGone ? undefined : { session: data, view: place.view, error, heardAt: dataUpdatedAt };
}

function Tools({ session, view, error, heardAt }: NonNullable<ReturnType<typeof useShown>>) {
  const said = useOpen(saidBy(session.id));
  const isLost = useConnection((connection) => connection.isLost);
  const pausing = useSessionChange(() => api.sessionsPause({ sessionId: session.id }));
  return (
    <>
      <Switcher session={session} inFiles={view !== "ide"} />
      <Box flex="1" />
      {phaseOf(session) !== "deleted" && <Views session={session} view={view} />}
      <StatusButton session={session} lost={isLost || isSilence(error)} heardAt={heardAt} onPause={() => pausing.mutate(undefined, { onError: sayProblem })} said={said} />
    </>
  );
}

export function SessionTools() {
  const shown = useShown();
  return shown === undefined ? <Box flex="1" /> : <Tools key={shown.session.id} {...shown} />;
}

const HINT_KEY = "coditect-hint-small";

function wasHinted(): boolean {
  try {
    return localStorage.getItem(HINT_KEY) !== null;
  } catch {
    return false;
  }
}

function Hint({ session, view }: { readonly session: Session; readonly view: ViewName }) {
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

export function SmallScreenHint() {
  const shown = useShown();
  return shown !== undefined && shown.view !== "history" && hasIde(shown.session) ? <Hint key={shown.view} session={shown.session} view={shown.view} /> : undefined;
}
