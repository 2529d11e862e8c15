// Around every page of a person who is logged in: the header, the shortcuts and the app's own overlays.
import { Box, Button, Flex, Kbd, Text } from "@chakra-ui/react";
import { Keyboard, LogOut, Search, Settings } from "lucide-react";
import { type ReactNode, Suspense, useEffect, useRef } from "react";
import { Link, Outlet, useNavigate } from "react-router";
import type { User } from "../api/generated";
import { useSessionChange } from "../api/queries";
import { sessionAddress } from "../lib/paths";
import { api, logout, useAuth } from "../stores/auth";
import { showOverlay, useOverlay } from "../stores/overlay";
import { Logo } from "./bits";
import { ActionMenu } from "./menu";
import { checkSessionName, NameDialog } from "./modal";
import { Palette, Shortcuts } from "./palette";
import { sayProblem } from "./toaster";

/** Keys mean themselves where a person writes, and within a dialog or menu. */
function isWriting(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable], [role=dialog], [role=menu]") !== null;
}

function useShortcuts(): void {
  const navigate = useNavigate();
  const afterG = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const command = event.ctrlKey || event.metaKey;
      if (command && event.key.toLowerCase() === "k") {
        event.preventDefault();
        return showOverlay("palette");
      }
      if (command || event.altKey || isWriting(event.target)) return;
      const second = event.timeStamp - afterG.current < 1000;
      afterG.current = event.key === "g" ? event.timeStamp : 0;
      if (second && event.key === "s") void navigate("/sessions");
      else if (second && event.key === "e") void navigate("/settings");
      else if (event.key === "?") showOverlay("shortcuts");
      else if (event.key === "n") {
        event.preventDefault();
        showOverlay("new-session");
      }
    };
    globalThis.addEventListener("keydown", onKey);
    return () => globalThis.removeEventListener("keydown", onKey);
  }, [navigate]);
}

/** crypto.randomUUID exists in secure contexts only. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function NewSession({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate();
  // One key for each name tried in this dialog: sending it twice makes one session.
  const keys = useRef(new Map<string, string>());
  const create = useSessionChange((name: string) => {
    const idempotencyKey = keys.current.get(name) ?? newKey();
    keys.current.set(name, idempotencyKey);
    return api.sessionsCreate({ idempotencyKey, body: { name } });
  });
  const submit = async (name: string): Promise<void> => {
    const session = await create.mutateAsync(name.trim());
    void navigate(sessionAddress(session.id), { state: { open: true } });
  };
  return <NameDialog title="New session" label="Name" action="Create" check={checkSessionName} submit={submit} onClose={onClose} />;
}

function Overlays() {
  const open = useOverlay((state) => state.open);
  const close = (): void => showOverlay("none");
  if (open === "palette") return <Palette onClose={close} />;
  if (open === "shortcuts") return <Shortcuts onClose={close} />;
  return open === "new-session" ? <NewSession onClose={close} /> : undefined;
}

function UserMenu({ user }: { readonly user: User }) {
  const navigate = useNavigate();
  const shown = user.name ?? user.email;
  const trigger = (
    <Button variant="ghost" size="sm" paddingX="4px" borderRadius="full" minWidth="36px" aria-label={`Account of ${shown}`}>
      <Flex boxSize="28px" borderRadius="full" bg="accent.muted" color="accent.fg" align="center" justify="center" fontSize="12px" fontWeight="600">
        {([...shown][0] ?? "?").toUpperCase()}
      </Flex>
    </Button>
  );
  const head = (
    <>
      {user.name !== undefined && <Text fontWeight="500" truncate>{user.name}</Text>}
      <Text color="fg.muted" fontSize="13px" truncate>{user.email}</Text>
    </>
  );
  return (
    <ActionMenu
      label="Account" trigger={trigger} head={head}
      actions={[
        { label: "Settings", icon: <Settings size={15} />, run: () => void navigate("/settings") },
        { label: "Keyboard shortcuts", icon: <Keyboard size={15} />, run: () => showOverlay("shortcuts") },
        { label: "Log out", icon: <LogOut size={15} />, run: () => void logout(false).catch(sayProblem) },
      ]}
    />
  );
}

interface HeaderProps {
  readonly children?: ReactNode;
  /** A session's page needs the room: mark instead of name, an icon instead of a field. */
  readonly compact?: boolean;
}

export function Header({ children, compact = false }: HeaderProps) {
  const state = useAuth((auth) => auth.state);
  if (state.status !== "in") return undefined;
  const wide = compact ? "none" : "inline";
  return (
    <Flex as="header" height={compact ? "48px" : "56px"} flexShrink="0" align="center" gap="8px" paddingX={{ base: "12px", md: compact ? "16px" : "24px" }} borderBottomWidth="1px" bg="bg.panel" position="sticky" top="0" zIndex="docked">
      <Link to="/sessions" aria-label="Coditect, to your sessions">
        <Flex align="center" gap="10px" fontWeight="600" letterSpacing="-0.01em" fontSize="15px"><Logo />{!compact && "Coditect"}</Flex>
      </Link>
      {children ?? <Box flex="1" />}
      <Button variant="outline" colorPalette="gray" size="xs" height="32px" color="fg.muted" fontWeight="400" bg="bg" onClick={() => showOverlay("palette")} aria-label="Search Ctrl K" title="Search (Ctrl K)" display={compact ? { base: "none", sm: "inline-flex" } : "inline-flex"}>
        <Search size={14} />
        <Text as="span" display={{ base: "none", md: wide }} paddingRight="40px">Search</Text>
        {" "}
        <Kbd size="sm" variant="plain" color="fg.muted" display={{ base: "none", md: compact ? "none" : "inline-flex" }} paddingX="0">Ctrl K</Kbd>
      </Button>
      <UserMenu user={state.user} />
    </Flex>
  );
}

/** The pages that a person most likely goes to next are fetched while nothing else is to do. */
function usePrefetch(): void {
  useEffect(() => {
    const timer = setTimeout(() => void Promise.all([import("../pages/session"), import("../pages/sessions")]).catch(() => undefined), 500);
    return () => clearTimeout(timer);
  }, []);
}

export function Shell() {
  useShortcuts();
  usePrefetch();
  return (
    <>
      <Suspense fallback={<Header />}><Outlet /></Suspense>
      <Overlays />
    </>
  );
}

/** Around the pages that are no session's. */
export function Framed() {
  return (
    <>
      <Header />
      <Suspense><Outlet /></Suspense>
    </>
  );
}

export function PageMain({ children, width = "1120px" }: { readonly children: ReactNode; readonly width?: string }) {
  return (
    <Box as="main" width="100%" maxWidth={width} marginX="auto" paddingX={{ base: "16px", md: "24px" }} paddingY={{ base: "24px", md: "40px" }}>
      {children}
    </Box>
  );
}
