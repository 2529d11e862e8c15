// The person's sessions beside every page, in groups. On a small screen it lies over the page.
import { Box, Button, CloseButton, Drawer, Flex, IconButton, Portal, Stack, type SystemStyleObject, Text } from "@chakra-ui/react";
import { CircleAlert, CirclePause, CirclePlay, CircleStop, House, LayoutList, LoaderCircle, type LucideIcon, PanelLeft, Plus, Settings, Users } from "lucide-react";
import { memo, type ReactNode, useDeferredValue, useEffect } from "react";
import { Link, useLocation } from "react-router";
import type { Session } from "../api/generated";
import { useProjects } from "../api/projects";
import { useAllSessions } from "../api/queries";
import { groupsOf } from "../lib/groups";
import { fileAddress, HOME, sessionAddress } from "../lib/paths";
import { isMoving, type Phase, phaseOf, phaseWords } from "../lib/workspace";
import { showOverlay } from "../stores/overlay";
import { type Place, showPanel, showPanelOver, usePanel } from "../stores/panel";
import { ListSkeleton, type Look, Turning } from "./bits";
import { ListProblem } from "./problem-notice";
import { RowLink, useGo } from "./row-link";
import { usePlace } from "./session/place";

const icons: Readonly<Partial<Record<Phase, readonly [LucideIcon, Look]>>> = {
  failed: [CircleAlert, "bad"],
  paused: [CirclePause, "calm"],
  running: [CirclePlay, "good"],
  stopped: [CircleStop, "calm"],
};

/** The look of all items, by one rule of the panel: there are as many as a person has sessions, and Chakra's own parts are dear. */
const items: SystemStyleObject = {
  "& a": { display: "flex", alignItems: "center", gap: "10px", minHeight: "32px", paddingX: "8px", borderRadius: "l2", fontSize: "13px", color: "fg.muted", fontWeight: "400", _hover: { bg: "bg.muted", color: "fg" } },
  "& a[aria-current]": { color: "fg", fontWeight: "500", bg: "bg.muted" },
  "& .state": { flexShrink: "0", display: "inline-flex" },
  "& .bad": { color: "bad.fg" },
  "& .calm": { color: "fg.subtle" },
  "& .good": { color: "good.fg" },
  "& .warn": { color: "warn.fg" },
  "& .name": { truncate: true, flex: "1" },
  "& .phase": { srOnly: true },
};

function StateIcon({ session }: { readonly session: Session }) {
  const [Icon, look] = icons[phaseOf(session)] ?? [LoaderCircle, "warn"];
  return <span className={`state ${look}`}><Turning on={isMoving(session)}><Icon size={14} aria-hidden="true" /></Turning></span>;
}

interface ItemProps {
  readonly to: string;
  readonly isCurrent: boolean;
  readonly icon: ReactNode;
  readonly children: ReactNode;
}

function Item({ to, isCurrent, icon, children }: ItemProps) {
  return <Link to={to} aria-current={isCurrent ? "page" : undefined} onClick={() => showPanelOver(false)}>{icon}{children}</Link>;
}

interface SessionItemProps {
  readonly session: Session;
  readonly isCurrent: boolean;
  readonly go: (to: string) => void;
}

const SessionItem = memo(function SessionItem({ session, isCurrent, go }: SessionItemProps) {
  const phase = phaseWords[phaseOf(session)];
  return (
    <li>
      <RowLink to={sessionAddress(session.id)} go={(to) => { showPanelOver(false); go(to); }} isCurrent={isCurrent} title={`${session.name}: ${phase}`}>
        <StateIcon session={session} />
        <span className="name">{session.name}</span>
        <span className="phase">{phase}</span>
      </RowLink>
    </li>
  );
});

/** More than these are drawn behind the frame that shows the panel. */
const AT_ONCE = 40;

/** Drawn anew when the sessions change, or the present one: not with each letter of the address. */
const Groups = memo(function Groups({ current, go }: { readonly current: string | undefined; readonly go: (to: string) => void }) {
  const { sessions, isComplete, error, retry } = useAllSessions();
  const { projects } = useProjects();
  const isShown = useDeferredValue(true, false);
  if (!isShown && sessions.length > AT_ONCE) return undefined;
  if (sessions.length === 0 && !isComplete) return error === undefined ? <ListSkeleton rows={4} /> : <ListProblem error={error} retry={retry} />;
  if (sessions.length === 0) return <Text color="fg.muted" fontSize="13px" paddingX="8px">No sessions yet.</Text>;
  const groups = groupsOf(sessions, projects).map(({ key, title, sessions: some }) => (
    <Stack key={key} as="section" gap="2px" aria-label={title}>
      <Text as="h2" fontSize="12px" fontWeight="500" color="fg.muted" paddingX="8px" paddingBottom="2px">{title}</Text>
      <Stack as="ul" gap="1px">
        {some.map((session) => <SessionItem key={session.id} session={session} isCurrent={current === session.id} go={go} />)}
      </Stack>
    </Stack>
  ));
  return <>{groups}<ListProblem error={error} retry={retry} /></>;
});

function Content() {
  const { pathname } = useLocation();
  const current = usePlace()?.id;
  const go = useGo();
  return (
    <Flex direction="column" height="100%" minHeight="0">
      <Box padding="12px 12px 8px">
        <Button size="sm" width="100%" variant="outline" colorPalette="gray" justifyContent="flex-start" bg="bg.panel" onClick={() => { showPanelOver(false); showOverlay("new-session"); }}><Plus size={15} />New session</Button>
      </Box>
      <Stack as="nav" aria-label="Sessions" gap="20px" flex="1" minHeight="0" overflowY="auto" padding="4px 12px 16px" css={items}>
        <Stack gap="1px">
          <Item to="/sessions" isCurrent={pathname === "/sessions"} icon={<LayoutList size={14} />}>All sessions</Item>
          <Item to={fileAddress(HOME, "")} isCurrent={/^\/home(\/|$)/.test(pathname)} icon={<House size={14} />}>Your home</Item>
          <Item to="/settings" isCurrent={pathname.startsWith("/settings") && pathname !== "/settings/members"} icon={<Settings size={14} />}>Settings</Item>
          <Item to="/settings/members" isCurrent={pathname === "/settings/members"} icon={<Users size={14} />}>Members</Item>
        </Stack>
        <Groups current={current} go={go} />
      </Stack>
    </Flex>
  );
}

const isWide = (): boolean => globalThis.matchMedia("(min-width: 1024px)").matches;

function usePanelPlace(): Place {
  return usePlace() === undefined ? "page" : "session";
}

function toggle(place: Place): void {
  if (isWide()) showPanel(place, !usePanel.getState()[place]);
  else showPanelOver(!usePanel.getState().over);
}

export function PanelButton() {
  const place = usePanelPlace();
  const isExpanded = usePanel((panel) => (isWide() ? panel[place] : panel.over));
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
      const isWriting = event.target instanceof Element && event.target.closest("input, textarea, [role=dialog], [role=menu]") !== null;
      if (event.key === "[" && isPlain && !isWriting) toggle(place);
    };
    globalThis.addEventListener("keydown", onKey);
    return () => globalThis.removeEventListener("keydown", onKey);
  }, [place]);
  return (
    <IconButton size="xs" variant="ghost" colorPalette="gray" color="fg.muted" boxSize="32px" minWidth="32px" onClick={() => toggle(place)} aria-label="Side panel" title="Side panel ([)" aria-expanded={isExpanded}>
      <PanelLeft size={16} />
    </IconButton>
  );
}

export function SidePanel() {
  const place = usePanelPlace();
  const isShown = usePanel((panel) => panel[place]);
  const isOver = usePanel((panel) => panel.over);
  return (
    <>
      {isShown && <Box width="248px" flexShrink="0" borderEndWidth="1px" bg="bg.subtle" display={{ base: "none", lg: "block" }}><Content /></Box>}
      <Drawer.Root open={isOver} onOpenChange={({ open }) => showPanelOver(open)} preventScroll={false} placement="start" lazyMount unmountOnExit>
        <Portal>
          <Drawer.Backdrop bg="blackAlpha.500" />
          <Drawer.Positioner>
            <Drawer.Content bg="bg.subtle" maxWidth="300px" width="calc(100vw - 56px)" aria-label="Side panel">
              <Drawer.Header padding="8px 8px 0 20px" display="flex" justifyContent="space-between" alignItems="center">
                <Drawer.Title fontSize="14px" fontWeight="600">Coditect</Drawer.Title>
                <Drawer.CloseTrigger asChild position="static"><CloseButton size="sm" color="fg.muted" /></Drawer.CloseTrigger>
              </Drawer.Header>
              <Drawer.Body padding="0" minHeight="0"><Content /></Drawer.Body>
            </Drawer.Content>
          </Drawer.Positioner>
        </Portal>
      </Drawer.Root>
    </>
  );
}
