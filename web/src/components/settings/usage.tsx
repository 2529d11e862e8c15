// What the team has and may have, and, for owners and admins, whose workspaces run just now.
import { Box, Button, Flex, Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { CirclePlay } from "lucide-react";
import { useState } from "react";
import type { TenantWorkspace, Used, User } from "../../api/generated";
import { queryClient } from "../../api/queries";
import { all, refreshTenant, useTenant } from "../../api/team";
import { formatCount, formatSize } from "../../lib/format";
import { may } from "../../lib/roles";
import { api } from "../../stores/auth";
import { Ago, Empty, ListSkeleton } from "../bits";
import { Confirm } from "../modal";
import { ProblemNotice } from "../problem-notice";
import { say, sayProblem } from "../toaster";
import { Section } from "./section";

const MUCH = 0.8;

function Bar({ label, used, words }: { readonly label: string; readonly used: Used; readonly words: (count: number) => string }) {
  const { used: count, limit } = used;
  const share = limit === undefined ? undefined : Math.min(1, count / limit);
  const color = share === undefined || share < MUCH ? "accent.solid" : share < 1 ? "warn.fg" : "bad.fg";
  return (
    <Stack gap="6px">
      <Flex justify="space-between" gap="12px" fontVariantNumeric="tabular-nums">
        <Text fontWeight="500">{label}</Text>
        <Text color="fg.muted">
          {limit === undefined ? `${words(count)}, no limit` : `${words(count)} of ${words(limit)}`}
          {share === 1 && <Text as="span" color="bad.fg" fontWeight="500"> · full</Text>}
        </Text>
      </Flex>
      {share !== undefined && limit !== undefined && (
        <Box role="meter" aria-label={label} aria-valuenow={Math.min(count, limit)} aria-valuemin={0} aria-valuemax={limit} aria-valuetext={`${words(count)} of ${words(limit)}`} height="8px" borderRadius="full" bg="bg.muted" overflow="hidden">
          <Box height="100%" minWidth={count > 0 ? "4px" : "0"} width={`${100 * share}%`} borderRadius="full" bg={color} />
        </Box>
      )}
    </Stack>
  );
}

function Bars() {
  const { data, error, refetch } = useTenant(30_000);
  if (data === undefined) return error === null ? <ListSkeleton rows={4} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  const { members, sessions, running, bytes, stored } = data.usage;
  const { requests_per_minute: requests, file_requests_per_minute: files, session_bytes: session, home_bytes: home } = data.limits;
  return (
    <Stack gap="20px">
      <Bar label="Storage" used={bytes} words={formatSize} />
      {stored !== undefined && (
        <Stack gap="4px">
          <Bar label="Storage with history" used={stored} words={formatSize} />
          <Text color="fg.muted" fontSize="13px">Every version that is kept, and what was deleted and can be restored; what files share counts once.</Text>
        </Stack>
      )}
      <Bar label="Members" used={members} words={String} />
      <Bar label="Sessions" used={sessions} words={String} />
      <Bar label="Running workspaces" used={running} words={String} />
      <Text color="fg.muted" fontSize="13px">
        {requests.toLocaleString("en")} requests a minute for each person, {files.toLocaleString("en")} more for files{session !== undefined && `, ${formatSize(session)} in one session`}{home !== undefined && `, ${formatSize(home)} in one home`}
      </Text>
    </Stack>
  );
}

function refresh(): void {
  void queryClient.invalidateQueries({ queryKey: ["workspaces"] });
  void refreshTenant();
}

/** "412 MiB of 4 GiB of memory, 61 processes"; nothing where nobody counts. */
function loadOf({ limits, usage }: TenantWorkspace): string {
  if (usage === undefined) return "";
  const of = limits.memory_bytes === undefined ? "" : ` of ${formatSize(limits.memory_bytes)}`;
  return ` · ${formatSize(usage.memory_bytes)}${of} of memory, ${formatCount(usage.processes, "process", "processes")}`;
}

function Row({ workspace }: { readonly workspace: TenantWorkspace }) {
  const [asking, setAsking] = useState(false);
  const { id, session_name: name, user_name, user_email, since, files, bytes } = workspace;
  const who = user_name ?? user_email ?? "Somebody";
  const stop = (): void => {
    api.workspacesStop({ workspaceId: id }).then(() => say(`“${name}” pauses`), sayProblem).finally(refresh);
  };
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="56px" paddingY="8px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box color="good.fg" flexShrink="0"><CirclePlay size={18} aria-hidden="true" /></Box>
      <Box flex="1" minWidth="0">
        <Text lineClamp={2} overflowWrap="anywhere" fontWeight="500">{name}</Text>
        <Text lineClamp={2} overflowWrap="anywhere" color="fg.muted" fontSize="13px">{who} · started <Ago time={since} /> · {formatCount(files, "item")}, {formatSize(bytes)}{loadOf(workspace)}</Text>
      </Box>
      <Button size="xs" height="32px" variant="outline" colorPalette="gray" aria-label={`Pause ${name}`} onClick={() => setAsking(true)}>Pause</Button>
      {asking && <Confirm title={`Pause “${name}” of ${who}?`} text="What is in it is persisted first. They can open it again at any time." action="Pause" onConfirm={stop} onClose={() => setAsking(false)} />}
    </Flex>
  );
}

function Running() {
  const { data, error, refetch } = useQuery({ queryKey: ["workspaces"], queryFn: ({ signal }) => all((cursor) => api.workspacesList({ running: true, signal, ...cursor })), refetchInterval: 10_000 });
  if (data === undefined) return error === null ? <ListSkeleton rows={2} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data.length === 0) return <Empty isPart icon={<CirclePlay size={20} />} title="Nothing runs" text="A workspace starts when somebody opens a session." />;
  return <Box as="ul" aria-label="Running workspaces">{data.map((one) => <Row key={one.id} workspace={one} />)}</Box>;
}

export function Usage({ user }: { readonly user: User }) {
  return (
    <>
      <Section title="Usage" text="What the team has, and what it may have."><Bars /></Section>
      {may(user.role, "tenant.sessions") && <Section title="Running now"><Running /></Section>}
    </>
  );
}
