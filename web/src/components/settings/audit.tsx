// What happened in the team: who did what, when, from where. The address says what is looked for, so that it can be sent on.
import { Box, Button, Flex, Stack, Text } from "@chakra-ui/react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { CircleX, Clock, Download, FolderOpen, KeyRound, LogIn, type LucideIcon, Mail, ScrollText, ShieldCheck, User as UserIcon, Users } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import type { AuditRecord, Member, Session } from "../../api/generated";
import { nameOf, useMembers, useTeamSessions } from "../../api/team";
import { byDay, kinds, kindOf, nobody, outcomeWords, periods, sinceOf, verbOf } from "../../lib/audit";
import { formatClock, formatCount, formatDay, formatExact } from "../../lib/format";
import { api } from "../../stores/auth";
import { Empty, ListSkeleton, looks, Panel } from "../bits";
import { save } from "../files/actions";
import { ProblemNotice } from "../problem-notice";
import { Select } from "../select";
import { useSending } from "../sending";
import { sayProblem } from "../toaster";

interface Wanted {
  readonly actor?: string;
  readonly action?: string;
  readonly sessionId?: string;
  readonly since?: string;
}

/** A page may come back short; the next ones are asked for until so many are there, or so many pages were. */
const ENOUGH = 30;
const PAGES_AT_ONCE = 8;

function useRecords(wanted: Wanted) {
  const query = useInfiniteQuery({
    queryKey: ["audit", wanted],
    queryFn: ({ pageParam, signal }) => api.auditList({ ...wanted, signal, ...(pageParam !== "" ? { cursor: pageParam } : {}) }),
    initialPageParam: "",
    getNextPageParam: ({ page }) => page.next ?? undefined,
  });
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = query;
  const records = useMemo(() => data?.pages.flatMap((page) => page.data), [data]);
  const isShort = records !== undefined && records.length < ENOUGH && (data?.pages.length ?? 0) < PAGES_AT_ONCE;
  useEffect(() => {
    if (isShort && hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [isShort, hasNextPage, isFetching, isError, fetchNextPage]);
  return { ...query, records };
}

/** People and sessions by their ids, those that are gone too. */
function useNames() {
  const members = useMembers().data;
  const former = useMembers(true).data;
  const sessions = useTeamSessions(false).data;
  const deleted = useTeamSessions(true).data;
  const names = useMemo(() => new Map([
    ...[...(former ?? []), ...(members ?? [])].map((one): [string, string] => [one.id, nameOf(one)]),
    ...[...(deleted ?? []), ...(sessions ?? [])].map((one): [string, string] => [one.id, one.name]),
  ]), [members, former, sessions, deleted]);
  return { names, people: [...(members ?? []), ...(former ?? [])], sessions: [...(sessions ?? []), ...(deleted ?? [])] };
}

const icons: Readonly<Record<string, LucideIcon>> = { session: FolderOpen, login: LogIn, key: KeyRound, member: Users, invitation: Mail, user: UserIcon, tenant: Users, totp: ShieldCheck };

function Outcome({ outcome }: { readonly outcome: AuditRecord["outcome"] }) {
  if (outcome === "ok") return undefined;
  return (
    <Flex as="span" align="center" gap="5px" height="22px" paddingX="8px" borderRadius="full" fontSize="12px" fontWeight="500" flexShrink="0" {...looks.warn}>
      <CircleX size={12} />{outcomeWords[outcome]}
    </Flex>
  );
}

function Fact({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <Flex gap="12px">
      <Text as="dt" width="72px" flexShrink="0" color="fg.muted" fontSize="13px">{label}</Text>
      <Text as="dd" margin="0" fontSize="13px" overflowWrap="anywhere" minWidth="0">{children}</Text>
    </Flex>
  );
}

function Id({ children }: { readonly children: string }) {
  return <Text as="span" fontFamily="mono" fontSize="12px">{children}</Text>;
}

/** A line for each member of a record; without one for a member that is new this does not compile. */
function factsOf(record: AuditRecord, names: ReadonlyMap<string, string>): Readonly<Record<Exclude<keyof AuditRecord, "id">, readonly [label: string, value: ReactNode]>> {
  const id = (text: string | undefined): ReactNode => text !== undefined && <Id>{text}</Id>;
  const named = (text: string | undefined): ReactNode => text !== undefined && <>{names.has(text) && `${names.get(text)} `}<Id>{text}</Id></>;
  return {
    action: ["Action", id(record.action)],
    outcome: ["Outcome", outcomeWords[record.outcome]],
    at: ["When", formatExact(record.at)],
    actor_id: ["Who", named(record.actor_id)],
    target: ["On", named(record.target)],
    address: ["From", record.address ?? false],
    changed: ["Changed", record.changed ?? false],
    route: ["Operation", id(record.route)],
    count: ["How often", record.count !== undefined && formatCount(record.count, "time")],
    link_id: ["Link", id(record.link_id)],
    key_id: ["API key", id(record.key_id)],
    login_id: ["Login", id(record.login_id)],
    request_id: ["Request", id(record.request_id)],
  };
}

function Detail({ record, names }: { readonly record: AuditRecord; readonly names: ReadonlyMap<string, string> }) {
  return (
    <Stack as="dl" gap="4px" margin="0" padding="4px 16px 16px 44px">
      {Object.entries(factsOf(record, names)).map(([name, [label, value]]) => value !== false && <Fact key={name} label={label}>{value}</Fact>)}
    </Stack>
  );
}

function Row({ record, names }: { readonly record: AuditRecord; readonly names: ReadonlyMap<string, string> }) {
  const [isOpen, setOpen] = useState(false);
  const Icon = icons[kindOf(record.action)?.noun ?? ""] ?? ScrollText;
  const who = record.actor_id === undefined ? nobody(record) : names.get(record.actor_id) ?? "Somebody";
  const target = record.target !== undefined && record.target !== record.actor_id ? names.get(record.target) : undefined;
  return (
    <Box as="li" listStyleType="none" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }} contentVisibility="auto" containIntrinsicSize="auto 44px">
      <Flex asChild width="100%" align="center" gap="12px" minHeight="44px" paddingX="16px" paddingY="6px" textAlign="start" cursor="pointer" _hover={{ bg: "bg.subtle" }} _focusVisible={{ outlineOffset: "-2px" }}>
        <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <Box color="fg.muted" flexShrink="0"><Icon size={16} aria-hidden="true" /></Box>
          <Text as="span" flex="1" minWidth="0" overflowWrap="anywhere" lineClamp={isOpen ? undefined : { base: 2, md: 1 }}>
            <Text as="span" fontWeight="500">{who}</Text> {verbOf(record.action)}{target !== undefined && <> <Text as="span" fontWeight="500">{target}</Text></>}
            {(record.count ?? 1) > 1 && <Text as="span" color="fg.muted"> ×{record.count}</Text>}
          </Text>
          <Outcome outcome={record.outcome} />
          <Text as="span" color="fg.muted" fontSize="13px" display={{ base: "none", sm: "inline" }}>{record.address}</Text>
          <Text as="span" color="fg.muted" fontSize="13px" fontVariantNumeric="tabular-nums" title={formatExact(record.at)}>{formatClock(record.at)}</Text>
        </button>
      </Flex>
      {isOpen && <Detail record={record} names={names} />}
    </Box>
  );
}

const anything = "";

const whatOptions = [
  { value: anything, label: "Anything" },
  ...kinds.flatMap(({ noun, label, verbs }) => [
    { value: noun, label: `All of ${label.toLowerCase()}`, group: label },
    ...Object.entries(verbs).map(([verb, words]) => ({ value: `${noun}.${verb}`, label: words.charAt(0).toUpperCase() + words.slice(1), group: label })),
  ]),
];

interface FilterProps {
  readonly people: readonly Member[];
  readonly sessions: readonly Session[];
}

function Filters({ people, sessions }: FilterProps) {
  const [params, setParams] = useSearchParams();
  const choose = (name: string) => (value: string): void => {
    setParams((before) => {
      if (value === anything) before.delete(name);
      else before.set(name, value);
      return before;
    }, { replace: true });
  };
  const at = (name: string): string => params.get(name) ?? anything;
  const width = { base: "calc(50% - 4px)", lg: "168px" };
  return (
    <>
      <Select label="Who" width={width} height="36px" value={at("who")} onValue={choose("who")} options={[{ value: anything, label: "Anybody" }, ...people.map((one) => ({ value: one.id, label: nameOf(one) }))]} />
      <Select label="What" width={width} height="36px" value={at("what")} onValue={choose("what")} options={whatOptions} />
      <Select label="Session" width={width} height="36px" value={at("session")} onValue={choose("session")} options={[{ value: anything, label: "Any session" }, ...sessions.map((one) => ({ value: one.id, label: one.name }))]} />
      <Select label="When" width={width} height="36px" value={at("when")} onValue={choose("when")} options={periods} />
    </>
  );
}

function useWanted(): Wanted {
  const [params] = useSearchParams();
  const [who, what, session, when] = ["who", "what", "session", "when"].map((name) => params.get(name) ?? anything);
  return useMemo(() => {
    const since = sinceOf(when ?? anything, Date.now());
    return {
      ...(who ? { actor: who } : {}),
      ...(what ? { action: what } : {}),
      ...(session ? { sessionId: session } : {}),
      ...(since !== undefined ? { since } : {}),
    };
  }, [who, what, session, when]);
}

function Records({ wanted, names }: { readonly wanted: Wanted; readonly names: ReadonlyMap<string, string> }) {
  const { records, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useRecords(wanted);
  if (records === undefined) return <Panel>{error === null ? <ListSkeleton rows={8} /> : <ProblemNotice error={error} retry={() => void refetch()} />}</Panel>;
  if (records.length === 0 && !hasNextPage) return <Panel><Empty icon={<ScrollText size={20} />} title="Nothing of that kind happened" text="Look at another time, another person or anything they did." /></Panel>;
  return (
    <Stack gap="16px">
      {byDay(records).map(({ day, records: some }) => (
        <Stack key={day} gap="8px" as="section" aria-label={formatDay(some[0]?.at ?? day)}>
          <Text as="h3" color="fg.muted" fontSize="13px" fontWeight="500">{formatDay(some[0]?.at ?? day)}</Text>
          <Panel><Box as="ul" aria-label="Audit log">{some.map((record) => <Row key={record.id} record={record} names={names} />)}</Box></Panel>
        </Stack>
      ))}
      {hasNextPage && <Flex justify="center"><Button size="sm" variant="outline" colorPalette="gray" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}><Clock size={14} />Look further back</Button></Flex>}
    </Stack>
  );
}

export function AuditLog() {
  const wanted = useWanted();
  const { names, people, sessions } = useNames();
  const { busy, send } = useSending();
  const take = () => send(async () => {
    await api.auditListLines(wanted).then((lines) => lines.blob()).then((blob) => save(blob, "audit.ndjson"), sayProblem);
  });
  return (
    <Stack gap="16px">
      <Flex gap="8px" wrap="wrap">
        <Filters people={people} sessions={sessions} />
        <Button size="sm" height="36px" variant="outline" colorPalette="gray" bg="bg.panel" marginStart="auto" loading={busy} loadingText="Export" title="All that is chosen, one JSON object a line" onClick={() => void take()}><Download size={14} />Export</Button>
      </Flex>
      <Records key={JSON.stringify(wanted)} wanted={wanted} names={names} />
    </Stack>
  );
}
