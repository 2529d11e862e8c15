// The command palette and the list of shortcuts.
import { Flex, Input, Kbd, Stack, type SystemStyleObject, Text } from "@chakra-ui/react";
import { BookOpen, CirclePause, Code, Database, Folder, FolderOpen, Gauge, History, House, Keyboard, KeyRound, LayoutList, LogOut, Monitor, Moon, Palette as PaletteIcon, Plus, Scale, ScrollText, Settings, Shield, SlidersHorizontal, Sun, Trash2, Users } from "lucide-react";
import { type KeyboardEvent, memo, type MouseEvent, type ReactNode, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { type NavigateFunction, useMatch, useNavigate } from "react-router";
import type { Session, User } from "../api/generated";
import { useAllSessions } from "../api/queries";
import { chooseTheme } from "../api/settings";
import { fuzzyFilter } from "../lib/fuzzy";
import { fileAddress, historyAddress, HOME, ideAddress, sessionAddress } from "../lib/paths";
import { may, type Permission, type Role } from "../lib/roles";
import { phaseOf, phaseWords, takesAPlace } from "../lib/workspace";
import { api, useAuth } from "../stores/auth";
import { askToLogOut } from "../stores/leaving";
import { showOverlay } from "../stores/overlay";
import { byRecent } from "../stores/recent";
import { Modal } from "./modal";
import { sayProblem } from "./toaster";

interface Command {
  readonly label: string;
  readonly kind: string;
  readonly icon: ReactNode;
  readonly run: () => void;
}

const folder = <Folder size={15} />;

/** More are found by typing more. */
const MOST = 50;

/** Of the session whose page is shown. */
function commandsHere(session: Session | undefined, navigate: NavigateFunction): readonly Command[] {
  if (session === undefined) return [];
  const pause = (): void => void api.sessionsPause({ sessionId: session.id }).catch(sayProblem);
  return [
    { label: "Show the IDE", kind: "This session", icon: <Code size={15} />, run: () => void navigate(ideAddress(session.id), { state: { open: true } }) },
    { label: "Show the files", kind: "This session", icon: <FolderOpen size={15} />, run: () => void navigate(fileAddress(session.id, "")) },
    { label: "Show the history", kind: "This session", icon: <History size={15} />, run: () => void navigate(historyAddress(session.id, "")) },
    ...(takesAPlace(session) ? [{ label: "Pause this session", kind: "This session", icon: <CirclePause size={15} />, run: pause }] : []),
  ];
}

function permitted(role: Role | undefined, commands: ReadonlyArray<Command & { readonly permission: Permission }>): readonly Command[] {
  return commands.filter(({ permission }) => role !== undefined && may(role, permission));
}

interface Whose {
  readonly sessions: readonly Session[];
  readonly current: string | undefined;
  readonly user: User | undefined;
  readonly navigate: NavigateFunction;
}

function commandsOf({ sessions, current, user, navigate }: Whose): readonly Command[] {
  const role = user?.role;
  return [
    ...byRecent(user?.id ?? "", sessions).map((session) => ({ label: session.name, kind: phaseWords[phaseOf(session)], icon: folder, run: () => void navigate(sessionAddress(session.id), { state: { open: true } }) })),
    ...commandsHere(sessions.find(({ id }) => id === current), navigate),
    { label: "New session", kind: "Action", icon: <Plus size={15} />, run: () => showOverlay("new-session") },
    { label: "Sessions", kind: "Page", icon: <LayoutList size={15} />, run: () => void navigate("/sessions") },
    { label: "Deleted sessions", kind: "Page", icon: <Trash2 size={15} />, run: () => void navigate("/sessions?show=deleted") },
    { label: "Your home", kind: "Page", icon: <House size={15} />, run: () => void navigate(fileAddress(HOME, "")) },
    { label: "Settings", kind: "Page", icon: <Settings size={15} />, run: () => void navigate("/settings") },
    { label: "Members", kind: "Page", icon: <Users size={15} />, run: () => void navigate("/settings/members") },
    { label: "Password and devices", kind: "Settings", icon: <Shield size={15} />, run: () => void navigate("/settings/security") },
    { label: "Appearance and editor", kind: "Settings", icon: <PaletteIcon size={15} />, run: () => void navigate("/settings/appearance") },
    { label: "API keys", kind: "Settings", icon: <KeyRound size={15} />, run: () => void navigate("/settings/keys") },
    { label: "Export your data", kind: "Settings", icon: <Database size={15} />, run: () => void navigate("/settings/data") },
    { label: "Usage of the team", kind: "Settings", icon: <Gauge size={15} />, run: () => void navigate("/settings/usage") },
    ...permitted(role, [
      { label: "Defaults of the team", kind: "Settings", icon: <SlidersHorizontal size={15} />, run: () => void navigate("/settings/defaults"), permission: "tenant.settings" },
      { label: "Sessions of the team", kind: "Settings", icon: <FolderOpen size={15} />, run: () => void navigate("/settings/sessions"), permission: "tenant.sessions" },
      { label: "Audit log", kind: "Settings", icon: <ScrollText size={15} />, run: () => void navigate("/settings/audit"), permission: "audit.read" },
    ]),
    { label: "API reference", kind: "Page", icon: <BookOpen size={15} />, run: () => void navigate("/docs/api") },
    { label: "Open source notices", kind: "Page", icon: <Scale size={15} />, run: () => void navigate("/notices") },
    { label: "Light theme", kind: "Action", icon: <Sun size={15} />, run: () => chooseTheme("light") },
    { label: "Dark theme", kind: "Action", icon: <Moon size={15} />, run: () => chooseTheme("dark") },
    { label: "Theme of the system", kind: "Action", icon: <Monitor size={15} />, run: () => chooseTheme("system") },
    { label: "Keyboard shortcuts", kind: "Action", icon: <Keyboard size={15} />, run: () => showOverlay("shortcuts") },
    { label: "Log out", kind: "Action", icon: <LogOut size={15} />, run: () => askToLogOut(false) },
  ];
}

/** The same ones until something changes: not with each key. */
function useCommands(): readonly Command[] {
  const navigate = useNavigate();
  const user = useAuth(({ state }) => (state.status === "in" ? state.user : undefined));
  const { sessions } = useAllSessions();
  const current = useMatch("/sessions/:id/*")?.params.id;
  return useMemo(() => commandsOf({ sessions, current, user, navigate }), [sessions, current, user, navigate]);
}

/** The text with the letters that were found set off. */
function Marked({ text, at }: { readonly text: string; readonly at: readonly number[] }) {
  if (at.length === 0) return text;
  return Array.from(text.matchAll(/[\s\S]/gu), ({ 0: letter, index }) => (
    at.includes(index) ? <mark key={index}>{letter}</mark> : letter
  ));
}

/** The look of all options, by one rule of their list: of Chakra's own parts each would be styled by a script of its own, with each letter. */
const rows: SystemStyleObject = {
  "& > [id]": { display: "flex", minHeight: "40px", flexShrink: "0", paddingX: "12px", gap: "12px", alignItems: "center", borderRadius: "l2", cursor: "pointer" },
  "& > [aria-selected=true]": { bg: "bg.muted" },
  "& svg": { color: "fg.muted", flexShrink: "0" },
  "& svg + p": { truncate: true, flex: "1" },
  "& mark": { bg: "transparent", color: "accent.fg", fontWeight: "600" },
  "& p + p": { color: "fg.muted", fontSize: "12px", whiteSpace: "nowrap" },
};

interface OptionProps {
  readonly index: number;
  readonly command: Command;
  readonly at: readonly number[];
  readonly isAt: boolean;
}

/** Which one is pointed at or clicked its list says: so nothing about it changes but whether it is the one. */
const Option = memo(function Option({ index, command, at, isAt }: OptionProps) {
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isAt) row.current?.scrollIntoView({ block: "nearest" });
  }, [isAt]);
  return (
    <div ref={row} id={`palette-${index}`} role="option" aria-selected={isAt}>
      {command.icon}
      <p><Marked text={command.label} at={at} /></p>
      <p>{command.kind}</p>
    </div>
  );
});

/** The number of the option that an event is about. */
function indexOf({ target }: MouseEvent): number | undefined {
  const id = target instanceof Element ? target.closest("[role=option]")?.id : undefined;
  return id === undefined || id === "" ? undefined : Number(id.slice("palette-".length));
}

interface FinderProps {
  readonly input: RefObject<HTMLInputElement | null>;
  readonly onClose: () => void;
}

function Finder({ input, onClose }: FinderProps) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const commands = useCommands();
  const found = useMemo(() => fuzzyFilter(commands, text, ({ label }) => label).slice(0, MOST), [commands, text]);
  const index = Math.min(at, Math.max(0, found.length - 1));
  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    onClose();
    command.run();
  };
  const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 7, PageUp: -7 };
  const key = (event: KeyboardEvent): void => {
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const last = found.length - 1;
      if (Math.abs(step) > 1) setAt(Math.max(0, Math.min(last, index + step)));
      else setAt((index + step + found.length) % Math.max(1, found.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(found[index]?.one);
    }
  };
  return (
    <>
      <Input
        ref={input} role="combobox" aria-label="Search sessions, pages and actions" aria-expanded="true" aria-controls="palette-list" aria-autocomplete="list"
        aria-activedescendant={found[index] !== undefined ? `palette-${index}` : undefined} placeholder="Search sessions, pages and actions" autoComplete="off" spellCheck={false}
        value={text} onKeyDown={key} borderColor="border.emphasized" fontSize={{ base: "16px", sm: "14px" }} _placeholder={{ color: "fg.subtle" }}
        onChange={(event) => { setText(event.currentTarget.value); setAt(0); }}
      />
      {/* What scrolls is the list itself: the keyboard moves in it from the field. */}
      <Stack
        id="palette-list" role="listbox" aria-label="Results" gap="0" height="min(360px, 50dvh)" overflowY="auto" marginTop="8px" marginX="-8px" paddingX="8px" css={rows}
        onMouseMove={(event) => setAt(indexOf(event) ?? at)} onClick={(event) => run(found[indexOf(event) ?? -1]?.one)}
      >
        {found.map(({ one, at: letters }, i) => <Option key={`${one.kind} ${one.label} ${i}`} index={i} command={one} at={letters} isAt={i === index} />)}
        {found.length === 0 && <Text color="fg.muted" padding="12px" role="option" aria-selected="false" aria-disabled="true">Nothing is called “{text}”.</Text>}
      </Stack>
      <Text role="status" srOnly>{found.length === 1 ? "1 result" : `${found.length} results`}</Text>
    </>
  );
}

const keys = (
  <Flex gap="16px" marginTop="12px" color="fg.muted" fontSize="12px" align="center" display={{ base: "none", sm: "flex" }} aria-hidden="true">
    <span><Kbd size="sm" variant="outline" color="fg.muted">↑</Kbd> <Kbd size="sm" variant="outline" color="fg.muted">↓</Kbd> choose</span>
    <span><Kbd size="sm" variant="outline" color="fg.muted">Enter</Kbd> go</span>
    <span><Kbd size="sm" variant="outline" color="fg.muted">Esc</Kbd> close</span>
  </Flex>
);

/** The dialog itself is drawn once: what is typed concerns what is in it. */
export function Palette({ onClose }: { readonly onClose: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <Modal title="Go to or do" onClose={onClose} width="560px" focus={() => input.current} atTop>
      <Finder input={input} onClose={onClose} />
      {keys}
    </Modal>
  );
}

const shortcuts: ReadonlyArray<readonly [string, readonly string[]]> = [
  ["Go to or do anything", ["Ctrl", "K"]],
  ["The same from within the IDE", ["Ctrl", "Alt", "K"]],
  ["New session", ["N"]],
  ["Switch session", ["S"]],
  ["Side panel", ["["]],
  ["Next, previous open session", ["Alt", "↑ ↓"]],
  ["Sessions", ["G", "S"]],
  ["Settings", ["G", "E"]],
  ["These shortcuts", ["?"]],
  ["Close a dialog", ["Esc"]],
];

export function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  return (
    <Modal title="Keyboard shortcuts" onClose={onClose}>
      <Stack as="dl" gap="0" margin="0">
        {shortcuts.map(([what, keys]) => (
          <Flex key={what} height="40px" align="center" justify="space-between" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
            <Text as="dt">{what}</Text>
            <Flex as="dd" gap="4px" margin="0">{keys.map((one) => <Kbd key={one} variant="outline" color="fg.muted">{one}</Kbd>)}</Flex>
          </Flex>
        ))}
      </Stack>
    </Modal>
  );
}
