// The sessions of everybody in the team, of former members too: owners and admins look after them without reading them.
import { Box, Button, Flex, Stack, Text } from "@chakra-ui/react";
import { FolderOpen } from "lucide-react";
import { useState } from "react";
import type { Session } from "../../api/generated";
import { nameOf, refreshTeam, useMembers, useTeamSessions } from "../../api/team";
import { formatCount, formatSize } from "../../lib/format";
import { lookFor, type Order, orders } from "../../lib/order";
import { api } from "../../stores/auth";
import { Ago, Empty, factsOf, ListSkeleton, Panel, SessionState } from "../bits";
import { Choice } from "../choice";
import { Confirm } from "../modal";
import { ProblemNotice } from "../problem-notice";
import { Select } from "../select";
import { say, sayProblem } from "../toaster";

interface Owner {
  readonly name: string;
  readonly isFormer: boolean;
}

function Row({ session, owner }: { readonly session: Session; readonly owner: Owner }) {
  const [asking, setAsking] = useState(false);
  const { id, name } = session;
  const isDeleted = session.status === "deleted";
  const restore = (): void => {
    api.tenantSessionRestore({ sessionId: id }).then(() => say(`“${name}” is back`), sayProblem).finally(refreshTeam);
  };
  const remove = (): void => {
    api.tenantSessionDelete({ sessionId: id }).then(() => say(`“${name}” was deleted`, restore), sayProblem).finally(refreshTeam);
  };
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="60px" paddingX="16px" paddingY="8px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box flex="1" minWidth="0">
        <Text lineClamp={2} overflowWrap="anywhere" fontWeight="500">{name}</Text>
        <Text lineClamp={2} overflowWrap="anywhere" color="fg.muted" fontSize="13px">
          {owner.name}{owner.isFormer && ", no member any more"} · {factsOf(session)} · {session.deleted_at !== undefined ? <>deleted <Ago time={session.deleted_at} /></> : <>used <Ago time={session.last_access_at} /></>}
        </Text>
      </Box>
      {!isDeleted && <Box display={{ base: "none", sm: "block" }}><SessionState session={session} /></Box>}
      {isDeleted
        ? <Button size="xs" height="32px" variant="outline" colorPalette="gray" aria-label={`Restore ${name}`} onClick={restore}>Restore</Button>
        : <Button size="xs" height="32px" variant="outline" colorPalette="gray" color="bad.fg" aria-label={`Delete ${name}`} onClick={() => setAsking(true)}>Delete</Button>}
      {asking && <Confirm title={`Delete “${name}” of ${owner.name}?`} text="Its workspace ends. It can be restored for 30 days." action="Delete" onConfirm={remove} onClose={() => setAsking(false)} />}
    </Flex>
  );
}

const anybody = "";
const formerly = "former";

function List({ deleted, whose, order }: { readonly deleted: boolean; readonly whose: string; readonly order: Order }) {
  const { data, error, refetch } = useTeamSessions(deleted);
  const present = useMembers().data;
  const former = useMembers(true).data;
  if (data === undefined) return error === null ? <ListSkeleton /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  const ownerOf = ({ user_id }: Session): Owner => {
    const member = present?.find(({ id }) => id === user_id);
    const left = former?.find(({ id }) => id === user_id);
    return { name: member !== undefined ? nameOf(member) : left !== undefined ? nameOf(left) : "Somebody", isFormer: member === undefined && left !== undefined };
  };
  const shown = lookFor(data.filter((one) => whose === anybody || (whose === formerly ? ownerOf(one).isFormer : one.user_id === whose)), "", order);
  if (shown.length === 0) return <Empty icon={<FolderOpen size={20} />} title={deleted ? "Nothing deleted" : "No sessions"} text={deleted ? "What somebody deletes can be restored here for 30 days." : "Nobody who was chosen has any."} />;
  const bytes = shown.reduce((sum, one) => sum + one.bytes, 0);
  return (
    <>
      <Text color="fg.muted" fontSize="13px" paddingX="16px" paddingY="10px" borderBottomWidth="1px" fontVariantNumeric="tabular-nums">{formatCount(shown.length, "session")}, {formatSize(bytes)}</Text>
      <Box as="ul" aria-label="Sessions of the team">{shown.map((one) => <Row key={one.id} session={one} owner={ownerOf(one)} />)}</Box>
    </>
  );
}

export function TeamSessions() {
  const [deleted, setDeleted] = useState(false);
  const [whose, setWhose] = useState(anybody);
  const [order, setOrder] = useState<Order>("used");
  const members = useMembers().data ?? [];
  const former = useMembers(true).data ?? [];
  return (
    <Stack gap="16px">
      <Flex gap="12px" wrap="wrap" align="center">
        <Choice label="Which sessions" options={[{ value: false, label: "Current" }, { value: true, label: "Deleted" }]} value={deleted} onValue={setDeleted} />
        <Select
          label="Whose sessions" width={{ base: "100%", sm: "240px" }} height="38px" value={whose} onValue={setWhose}
          options={[{ value: anybody, label: "Everybody’s" }, ...(former.length > 0 ? [{ value: formerly, label: "Former members’" }] : []), ...members.map((one) => ({ value: one.id, label: nameOf(one) }))]}
        />
        <Select label="Order" height="38px" options={orders} value={order} onValue={setOrder} />
      </Flex>
      <Panel><List deleted={deleted} whose={whose} order={order} /></Panel>
    </Stack>
  );
}
