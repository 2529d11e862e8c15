// The settings: a page for each part, with an address of its own. What is the person's comes first, then what is the team's.
import { Box, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { Database, FolderOpen, Gauge, KeyRound, type LucideIcon, Palette, ScrollText, Shield, SlidersHorizontal, User as UserIcon, Users } from "lucide-react";
import { lazy, type ReactNode, Suspense } from "react";
import { Link, useNavigate, useParams } from "react-router";
import type { User } from "../api/generated";
import { useMyself } from "../api/team";
import { ListSkeleton, usePageTitle } from "../components/bits";
import { Profile } from "../components/settings/profile";
import { Select } from "../components/select";
import { PageMain } from "../components/shell";
import { may, type Permission } from "../lib/roles";
import { useAuth } from "../stores/auth";
import NotFound from "./not-found";

// Each is fetched when it is gone to: together they would be more than a page may weigh.
const Appearance = lazy(async () => ({ default: (await import("../components/settings/appearance")).Appearance }));
const AuditLog = lazy(async () => ({ default: (await import("../components/settings/audit")).AuditLog }));
const YourData = lazy(async () => ({ default: (await import("../components/settings/data")).YourData }));
const Defaults = lazy(async () => ({ default: (await import("../components/settings/appearance")).Defaults }));
const ApiKeys = lazy(async () => ({ default: (await import("../components/settings/keys")).ApiKeys }));
const MembersSettings = lazy(async () => ({ default: (await import("../components/settings/members")).MembersSettings }));
const Security = lazy(async () => ({ default: (await import("../components/settings/security")).Security }));
const TeamSessions = lazy(async () => ({ default: (await import("../components/settings/team-sessions")).TeamSessions }));
const Usage = lazy(async () => ({ default: (await import("../components/settings/usage")).Usage }));

interface Part {
  /** Behind /settings/; the first has none. */
  readonly path: string;
  readonly title: string;
  readonly icon: LucideIcon;
  readonly show: (user: User) => ReactNode;
  /** Shown to who has it; without: to everybody. */
  readonly permission?: Permission;
}

const yours: readonly Part[] = [
  { path: "", title: "Profile", icon: UserIcon, show: (user) => <Profile user={user} /> },
  { path: "security", title: "Password and devices", icon: Shield, show: () => <Security /> },
  { path: "appearance", title: "Appearance and editor", icon: Palette, show: () => <Appearance /> },
  { path: "keys", title: "API keys", icon: KeyRound, show: () => <ApiKeys /> },
  { path: "data", title: "Your data", icon: Database, show: (user) => <YourData user={user} /> },
];

const teams: readonly Part[] = [
  { path: "members", title: "Members", icon: Users, show: (user) => <MembersSettings user={user} /> },
  { path: "usage", title: "Usage", icon: Gauge, show: (user) => <Usage user={user} /> },
  { path: "defaults", title: "Defaults", icon: SlidersHorizontal, show: () => <Defaults />, permission: "tenant.settings" },
  { path: "sessions", title: "Sessions of the team", icon: FolderOpen, show: () => <TeamSessions />, permission: "tenant.sessions" },
  { path: "audit", title: "Audit log", icon: ScrollText, show: () => <AuditLog />, permission: "audit.read" },
];

const addressOf = ({ path }: Part): string => (path === "" ? "/settings" : `/settings/${path}`);

function NavLink({ part, isCurrent }: { readonly part: Part; readonly isCurrent: boolean }) {
  const { title, icon: Icon } = part;
  return (
    <Flex asChild align="center" gap="10px" height="32px" paddingX="10px" flexShrink="0" borderRadius="l2" whiteSpace="nowrap" color={isCurrent ? "fg" : "fg.muted"} fontWeight={isCurrent ? "500" : "400"} bg={isCurrent ? "bg.muted" : undefined} _hover={{ bg: "bg.muted", color: "fg" }}>
      <Link to={addressOf(part)} aria-current={isCurrent ? "page" : undefined}><Icon size={15} aria-hidden="true" />{title}</Link>
    </Flex>
  );
}

function Parts({ title, parts, current }: { readonly title: string; readonly parts: readonly Part[]; readonly current: Part }) {
  return (
    <Flex direction="column" gap="2px">
      <Text color="fg.muted" fontSize="12px" fontWeight="500" paddingX="10px" paddingBottom="4px">{title}</Text>
      {parts.map((part) => <NavLink key={part.path} part={part} isCurrent={part === current} />)}
    </Flex>
  );
}

/** On a small screen: the parts are more than stand beside each other. */
function PartChoice({ groups, current }: { readonly groups: ReadonlyArray<readonly [string, readonly Part[]]>; readonly current: Part }) {
  const navigate = useNavigate();
  const options = groups.flatMap(([group, parts]) => parts.map((part) => ({ value: addressOf(part), label: part.title, group })));
  return <Box display={{ base: "block", md: "none" }}><Select label="Part of the settings" width="100%" height="40px" value={addressOf(current)} onValue={(to) => void navigate(to)} options={options} /></Box>;
}

function Shown({ user, part }: { readonly user: User; readonly part: Part }) {
  const maySee = (one: Part): boolean => one.permission === undefined || may(user.role, one.permission);
  const groups = [["You", yours], ["Team", teams.filter(maySee)]] as const;
  usePageTitle(part.title);
  useMyself();
  return (
    <PageMain>
      <Stack gap={{ base: "16px", md: "24px" }}>
        <Heading as="h1" fontSize="22px" lineHeight="32px" fontWeight="600" letterSpacing="-0.02em">Settings</Heading>
        <Flex direction={{ base: "column", md: "row" }} gap={{ base: "16px", md: "40px" }} align={{ base: "stretch", md: "flex-start" }}>
          <PartChoice groups={groups} current={part} />
          <Flex as="nav" aria-label="Settings" display={{ base: "none", md: "flex" }} direction="column" gap="20px" width="200px" flexShrink="0" position="sticky" top="0">
            {groups.map(([title, parts]) => <Parts key={title} title={title} parts={parts} current={part} />)}
          </Flex>
          <Box flex="1" minWidth="0"><Stack gap="20px" maxWidth={part.path === "audit" ? undefined : "720px"}><Suspense fallback={<ListSkeleton />}>{part.show(user)}</Suspense></Stack></Box>
        </Flex>
      </Stack>
    </PageMain>
  );
}

export default function SettingsPage() {
  const { part: path = "" } = useParams();
  const state = useAuth((auth) => auth.state);
  const part = [...yours, ...teams].find((one) => one.path === path);
  if (state.status !== "in") return undefined;
  return part === undefined ? <NotFound /> : <Shown key={path} user={state.user} part={part} />;
}
