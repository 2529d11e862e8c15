// The session's name in the header: a button that opens the list of all, to go to another. The one that is left runs on.
import { Box, Button, Flex, Input, Popover, Portal, Stack, Text } from "@chakra-ui/react";
import { Check, ChevronsUpDown, LayoutList, Plus } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import type { Session } from "../../api/generated";
import { useAllSessions } from "../../api/queries";
import { fileAddress, sessionAddress } from "../../lib/paths";
import { useAuth } from "../../stores/auth";
import { showOverlay } from "../../stores/overlay";
import { byRecent } from "../../stores/recent";
import { Ago, SessionState } from "../bits";
import { ListProblem } from "../problem-notice";

interface Choice {
  readonly id: string;
  readonly label: string;
  readonly session?: Session;
  readonly icon?: ReactNode;
  readonly run: () => void;
}

function useChoices(current: Session, wanted: string, inFiles: boolean, onClose: () => void) {
  const navigate = useNavigate();
  const userId = useAuth(({ state }) => (state.status === "in" ? state.user.id : ""));
  const { sessions, isComplete, error, retry } = useAllSessions();
  const go = (to: string, open = false): void => {
    onClose();
    void navigate(to, open ? { state: { open: true } } : undefined);
  };
  const choices: Choice[] = byRecent(userId, sessions)
    .filter(({ name }) => name.toLowerCase().includes(wanted))
    .map((session) => ({
      id: session.id,
      label: session.name,
      session,
      run: () => (session.id === current.id ? onClose() : inFiles ? go(fileAddress(session.id, "")) : go(sessionAddress(session.id), true)),
    }));
  const actions: Choice[] = [
    { id: "new", label: "New session", icon: <Plus size={15} />, run: () => { onClose(); showOverlay("new-session"); } },
    { id: "all", label: "All sessions", icon: <LayoutList size={15} />, run: () => go("/sessions") },
  ];
  return { choices: [...choices, ...actions], isComplete, error, retry, isNone: choices.length === 0 };
}

interface RowProps {
  readonly choice: Choice;
  readonly isAt: boolean;
  readonly isCurrent: boolean;
  readonly onPoint: () => void;
}

function Row({ choice: { id, label, session, icon, run }, isAt, isCurrent, onPoint }: RowProps) {
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isAt) row.current?.scrollIntoView({ block: "nearest" });
  }, [isAt]);
  return (
    <Flex
      ref={row} id={`switch-${id}`} role="option" aria-selected={isAt} aria-current={isCurrent || undefined} minHeight="40px" paddingX="10px" gap="10px" align="center"
      borderRadius="l2" cursor="pointer" bg={isAt ? "bg.muted" : undefined} onMouseMove={onPoint} onClick={run} flexShrink="0"
      {...(id === "new" ? { marginTop: "13px", _before: { content: '""', position: "absolute", insetX: "-8px", top: "-7px", borderTopWidth: "1px" }, position: "relative" } : {})}
    >
      <Flex width="16px" color="fg.muted" flexShrink="0">{icon ?? (isCurrent && <Check size={15} aria-label="This session" />)}</Flex>
      <Text truncate flex="1" fontWeight={isCurrent ? "600" : "400"}>{label}</Text>
      {session !== undefined && (
        <>
          <Text color="fg.muted" fontSize="12px" whiteSpace="nowrap" display={{ base: "none", sm: "block" }}><Ago time={session.last_access_at} /></Text>
          <SessionState session={session} />
        </>
      )}
    </Flex>
  );
}

interface ListProps {
  readonly current: Session;
  readonly inFiles: boolean;
  readonly onClose: () => void;
}

function List({ current, inFiles, onClose }: ListProps) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { choices, isComplete, error, retry, isNone } = useChoices(current, text.trim().toLowerCase(), inFiles, onClose);
  const index = Math.min(at, choices.length - 1);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt((index + (event.key === "ArrowDown" ? 1 : -1) + choices.length) % choices.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      choices[index]?.run();
    }
  };
  return (
    <>
      <Input
        role="combobox" aria-label="Find a session" aria-expanded="true" aria-controls="switch-list" aria-activedescendant={`switch-${choices[index]?.id}`}
        placeholder="Find a session" value={text} onKeyDown={onKey} size="sm" borderColor="border.emphasized" fontSize={{ base: "16px", sm: "14px" }} _placeholder={{ color: "fg.subtle" }}
        onChange={(event) => { setText(event.currentTarget.value); setAt(0); }}
      />
      <Stack id="switch-list" role="listbox" aria-label="Sessions" gap="0" marginTop="8px" maxHeight="min(400px, 60vh)" overflowY="auto">
        {isNone && error === undefined && <Text color="fg.muted" padding="10px" role="presentation">{!isComplete ? "Loading…" : `No session is called “${text}”.`}</Text>}
        {choices.map((choice, i) => <Row key={choice.id} choice={choice} isAt={i === index} isCurrent={choice.id === current.id} onPoint={() => setAt(i)} />)}
      </Stack>
      <ListProblem error={error} retry={retry} />
    </>
  );
}

/** A click into the IDE's frame is no click on this page: what it does is take the focus away. */
export function useCloseOnBlur(isOpen: boolean, onClose: () => void): void {
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    if (!isOpen) return undefined;
    const onBlur = (): void => close.current();
    globalThis.addEventListener("blur", onBlur);
    return () => globalThis.removeEventListener("blur", onBlur);
  }, [isOpen]);
}

export function Switcher({ session, inFiles }: { readonly session: Session; readonly inFiles: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  useCloseOnBlur(isOpen, close);
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
      const isWriting = event.target instanceof Element && event.target.closest("input, textarea, [role=dialog], [role=menu]") !== null;
      if (event.key === "s" && isPlain && !isWriting) {
        event.preventDefault();
        setOpen(true);
      }
    };
    globalThis.addEventListener("keydown", onKey);
    return () => globalThis.removeEventListener("keydown", onKey);
  }, []);
  return (
    <Popover.Root lazyMount unmountOnExit open={isOpen} onOpenChange={({ open }) => setOpen(open)} positioning={{ placement: "bottom-start", gutter: 10 }}>
      <Popover.Trigger asChild>
        <Button variant="ghost" colorPalette="gray" size="sm" height="32px" paddingX="8px" gap="6px" minWidth="0" flexShrink="1" maxWidth={{ base: "180px", md: "none" }} data-testid="session-switcher" aria-label={`Switch session, now ${session.name}`} title="Switch session (S)">
          <Text as="span" truncate fontWeight="600" display={{ base: "inline", md: "none" }}>{session.name}</Text>
          <Box color="fg.muted" flexShrink="0"><ChevronsUpDown size={14} /></Box>
        </Button>
      </Popover.Trigger>
      <Portal>
        <Popover.Positioner>
          <Popover.Content bg="bg.panel" borderWidth="1px" borderRadius="l3" boxShadow="lift" width="min(440px, calc(100vw - 24px))" padding="8px" aria-label="Switch session">
            <List current={session} inFiles={inFiles} onClose={close} />
          </Popover.Content>
        </Popover.Positioner>
      </Portal>
    </Popover.Root>
  );
}
