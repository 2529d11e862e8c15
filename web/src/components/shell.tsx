// Around every page of a person who is logged in: the header, the shortcuts and the app's own overlays.
import { Box, Button, Flex, Kbd, Text } from "@chakra-ui/react";
import { Keyboard, LogOut, Search, Settings } from "lucide-react";
import { lazy, memo, type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { Link, Outlet, useNavigate } from "react-router";
import type { User } from "../api/generated";
import { useFollowedSettings } from "../api/settings";
import { useAuth } from "../stores/auth";
import { askToLogOut } from "../stores/leaving";
import { startOpen, useOpen } from "../stores/open";
import { showOverlay, useOverlay } from "../stores/overlay";
import { ListSkeleton, Logo } from "./bits";
import { LostBar, useReconnection } from "./connection";
import { Footer } from "./footer";
import { LeaveGuard } from "./leave-guard";
import { ActionMenu } from "./menu";
import { PlaceContext, useAddressedPlace, usePlace } from "./session/place";
import { SourceBar } from "./session/source";
import { SessionTabs } from "./session/tabs";
import { SessionTools, SmallScreenHint } from "./session/tools";
import { PanelButton, SidePanel } from "./side-panel";

const loadOpenSessions = async () => ({ default: (await import("./session/open-sessions")).OpenSessions });
const OpenSessions = lazy(loadOpenSessions);

/** No part of a first visit: fetched behind it, so that a key shows them at once, also when the connection is lost by then. */
const loadOverlays = async () => ({ ...(await import("./new-session")), ...(await import("./palette")) });

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

function Overlays() {
  const open = useOverlay((state) => state.open);
  const close = (): void => showOverlay("none");
  const [parts, setParts] = useState<Awaited<ReturnType<typeof loadOverlays>>>();
  useEffect(() => {
    if (parts === undefined) void loadOverlays().then(setParts, () => undefined); // the next one that is asked for tries again
  }, [parts, open]);
  if (parts === undefined) return undefined;
  if (open === "palette") return <parts.Palette onClose={close} />;
  if (open === "shortcuts") return <parts.Shortcuts onClose={close} />;
  return open === "new-session" ? <parts.NewSession onClose={close} /> : undefined;
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
        { label: "Log out", icon: <LogOut size={15} />, run: () => askToLogOut(false) },
      ]}
    />
  );
}

function Header() {
  const state = useAuth((auth) => auth.state);
  const isSession = usePlace() !== undefined;
  if (state.status !== "in") return undefined;
  const wide = isSession ? "none" : "inline";
  return (
    <Flex as="header" height="48px" flexShrink="0" align="center" gap={{ base: "6px", md: "8px" }} paddingX={{ base: "8px", md: "12px" }} borderBottomWidth="1px" bg="bg.panel">
      <PanelButton />
      <Flex asChild display={{ base: isSession ? "none" : "flex", sm: "flex" }} align="center" gap="10px" fontWeight="600" letterSpacing="-0.01em" fontSize="15px" borderRadius="l2" flexShrink="0" paddingRight="4px">
        <Link to="/sessions" aria-label="Coditect, to your sessions"><Logo />{!isSession && <Text as="span" fontWeight="600" fontSize="15px">Coditect</Text>}</Link>
      </Flex>
      <SessionTabs />
      <SessionTools />
      <Button variant="outline" colorPalette="gray" size="xs" height="32px" color="fg.muted" fontWeight="400" bg="bg" onClick={() => showOverlay("palette")} aria-label="Search Ctrl K" title="Search (Ctrl K)" display={isSession ? { base: "none", sm: "inline-flex" } : "inline-flex"}>
        <Search size={14} />
        <Text as="span" display={{ base: "none", md: wide }} paddingRight="40px">Search</Text>
        {" "}
        <Kbd size="sm" variant="plain" fontFamily="body" wordSpacing="0" color="fg.muted" display={{ base: "none", md: isSession ? "none" : "inline-flex" }} paddingX="0">Ctrl K</Kbd>
      </Button>
      <UserMenu user={state.user} />
    </Flex>
  );
}

/** The pages that a person may go to next are fetched while nothing else is to do: then they are there without a server, too. */
function usePrefetch(): void {
  useEffect(() => {
    const timer = setTimeout(() => void Promise.all([loadOpenSessions(), import("../pages/session"), import("../pages/sessions"), import("../pages/home"), import("../pages/settings"), import("../pages/notices"), import("../pages/not-found")]).catch(() => undefined), 500);
    return () => clearTimeout(timer);
  }, []);
}

/** The first stop of the Tab key: past the header. */
function SkipLink() {
  return (
    <Box asChild position="absolute" top="-60px" insetStart="8px" zIndex="skipNav" paddingX="12px" height="32px" lineHeight="32px" borderRadius="l2" bg="accent.solid" color="accent.contrast" fontWeight="500" _focusVisible={{ top: "8px" }}>
      <a href="#main" onClick={(event) => { event.preventDefault(); document.querySelector<HTMLElement>("#main")?.focus(); }}>To the content</a>
    </Box>
  );
}

/** Drawn anew when another place is gone to, not with each letter of the address. */
const Around = memo(function Around() {
  const userId = useAuth(({ state }) => (state.status === "in" ? state.user.id : ""));
  const isSession = usePlace() !== undefined;
  const hasOpen = useOpen(({ sessions }) => sessions.length > 0);
  usePrefetch();
  useReconnection();
  useFollowedSettings();
  useEffect(() => startOpen(userId), [userId]);
  return (
    <Flex direction="column" height="100dvh" overflow="hidden" position="relative">
      <SkipLink />
      <Header />
      <LostBar />
      <Flex flex="1" minHeight="0">
        <SidePanel />
        <Flex as="main" id="main" tabIndex={-1} outline="none" direction="column" flex="1" minWidth="0" minHeight="0">
          <SmallScreenHint />
          <SourceBar />
          <Flex direction="column" flex="1" minHeight="0" position="relative">
            <Suspense fallback={<ListSkeleton />}><Outlet /></Suspense>
            {hasOpen && <Suspense><OpenSessions /></Suspense>}
          </Flex>
        </Flex>
      </Flex>
      <Footer isTight={isSession} />
      <LeaveGuard />
      <Overlays />
    </Flex>
  );
});

export function Shell() {
  useShortcuts();
  return <PlaceContext value={useAddressedPlace()}><Around /></PlaceContext>;
}

export function PageMain({ children, width = "1120px" }: { readonly children: ReactNode; readonly width?: string }) {
  return (
    <Box flex="1" minHeight="0" overflowY="auto">
      <Box width="100%" maxWidth={width} marginX="auto" paddingX={{ base: "16px", md: "24px" }} paddingY={{ base: "24px", md: "40px" }}>{children}</Box>
    </Box>
  );
}
