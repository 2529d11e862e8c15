// The open sessions in the header. Each tab leads back to where the person was in it; its IDE has stayed alive meanwhile.
import { Box, Flex, Text } from "@chakra-ui/react";
import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { Link, useNavigate } from "react-router";
import { useSession } from "../../api/queries";
import { sessionAddress } from "../../lib/paths";
import { phaseOf, statusOf } from "../../lib/workspace";
import { askToClose } from "../../stores/leaving";
import { type OpenSession, useOpen } from "../../stores/open";
import { usePlace } from "./place";

const dots = { good: "good.fg", busy: "warn.fg", attention: "warn.fg", bad: "bad.fg", calm: "fg.subtle" } as const;

/** Where a tab leads: a session that is left is found as it was left. */
const addressOf = ({ id, address }: OpenSession): string => address ?? sessionAddress(id);

interface TabProps {
  readonly open: OpenSession;
  readonly isCurrent: boolean;
  readonly onClosed: () => void;
}

function Tab({ open, isCurrent, onClosed }: TabProps) {
  const { data: session } = useSession(open.id);
  const item = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isCurrent) item.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [isCurrent]);
  const name = session?.name ?? "Session";
  const status = session === undefined ? undefined : statusOf(session, open.said);
  return (
    <Flex
      as="li" ref={item} className="group" listStyleType="none" align="center" height="32px" minWidth="88px" maxWidth="200px" flex="0 1 auto" borderRadius="l2" position="relative"
      bg={isCurrent ? "bg.muted" : undefined} color={isCurrent ? "fg" : "fg.muted"} _hover={{ bg: "bg.muted", color: "fg" }} data-testid="session-tab" data-phase={session === undefined ? "" : phaseOf(session)}
    >
      <Flex asChild align="center" gap="8px" flex="1" minWidth="0" height="100%" paddingLeft="10px" borderRadius="l2" onAuxClick={(event) => { if (event.button === 1) { event.preventDefault(); askToClose(open.id, name, onClosed); } }}>
        <Link to={addressOf(open)} aria-current={isCurrent ? "page" : undefined} title={status === undefined ? name : `${name}: ${status.word}`}>
          <Box as="span" boxSize="7px" borderRadius="full" flexShrink="0" bg={status === undefined ? "fg.subtle" : dots[status.mood]} />
          <Text as="span" truncate fontSize="13px" fontWeight={isCurrent ? "600" : "400"}>{name}</Text>
          {status !== undefined && <Text as="span" srOnly>, {status.word}</Text>}
        </Link>
      </Flex>
      <Flex asChild boxSize="24px" marginRight="4px" flexShrink="0" align="center" justify="center" borderRadius="l1" cursor="pointer" color="fg.muted" opacity={isCurrent ? 1 : 0} _groupHover={{ opacity: 1 }} _focusVisible={{ opacity: 1 }} _hover={{ bg: "bg.emphasized", color: "fg" }}>
        <button type="button" aria-label={`Close ${name}`} title="Close: its workspace runs on" onClick={() => askToClose(open.id, name, onClosed)}><X size={13} /></button>
      </Flex>
    </Flex>
  );
}

/** Alt with an arrow goes to the next open session, as Ctrl with Tab does among a browser's own. */
function useArrows(sessions: readonly OpenSession[], current: string | undefined): void {
  const navigate = useNavigate();
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (step === 0 || !event.altKey || event.ctrlKey || event.metaKey || sessions.length === 0) return;
      event.preventDefault();
      const at = sessions.findIndex(({ id }) => id === current);
      const next = sessions[at < 0 ? (step > 0 ? 0 : sessions.length - 1) : (at + step + sessions.length) % sessions.length];
      if (next !== undefined) void navigate(addressOf(next));
    };
    globalThis.addEventListener("keydown", onKey);
    return () => globalThis.removeEventListener("keydown", onKey);
  }, [navigate, sessions, current]);
}

export function SessionTabs() {
  const sessions = useOpen((open) => open.sessions);
  const current = usePlace()?.id;
  const navigate = useNavigate();
  useArrows(sessions, current);
  if (sessions.length === 0) return undefined;
  const closed = (id: string): void => {
    if (id !== current) return;
    const at = sessions.findIndex((one) => one.id === id);
    const next = sessions[at + 1] ?? sessions[at - 1];
    void navigate(next === undefined ? "/sessions" : addressOf(next));
  };
  return (
    <Flex as="nav" aria-label="Open sessions" minWidth="0" flexShrink="1" display={{ base: "none", md: "flex" }} overflowX="auto" scrollbar="hidden">
      <Flex as="ul" gap="2px" minWidth="0">
        {sessions.map((open) => <Tab key={open.id} open={open} isCurrent={open.id === current} onClosed={() => closed(open.id)} />)}
      </Flex>
    </Flex>
  );
}
