// A symbolic link: where it leads, as its bytes say it. It is not followed: what is there is another file, or none.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { History as HistoryIcon } from "lucide-react";
import { Link } from "react-router";
import type { Entry } from "../../api/generated";
import { treeOf } from "../../api/trees";
import { historyAddress, HOME } from "../../lib/paths";
import { shownBytes } from "../../lib/shown";
import { api } from "../../stores/auth";
import { Ago, ListSkeleton } from "../bits";
import { ProblemNotice } from "../problem-notice";

interface LinkProps {
  /** A session's id, or HOME. */
  readonly tree: string;
  readonly entry: Entry;
}

interface TargetProps {
  /** What names the link, and the version of it. */
  readonly of: readonly (string | number)[];
  readonly load: (signal: AbortSignal) => Promise<Response>;
}

/** What the link's bytes say, wherever they are asked for. */
export function Target({ of, load }: TargetProps) {
  const { data, error, refetch } = useQuery({
    queryKey: ["target", ...of],
    queryFn: async ({ signal }) => shownBytes(new Uint8Array(await (await load(signal)).arrayBuffer())),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  if (data === undefined) return error === null ? <ListSkeleton rows={1} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  return (
    <Box as="dl" padding="16px">
      <Box as="dt" color="fg.muted" fontSize="13px">Leads to</Box>
      <Box as="dd" fontFamily="mono" fontSize="13px" lineHeight="20px" overflowWrap="anywhere">{data}</Box>
    </Box>
  );
}

/** at: the entry is one of this moment of a session. */
export function LinkTarget({ tree, entry: { path, version }, at }: LinkProps & { readonly at?: number }) {
  const load = (signal: AbortSignal): Promise<Response> => (at === undefined ? treeOf(tree).get({ path, signal }) : api.filesGet({ path, signal, sessionId: tree, at }));
  return <Target of={[tree, path, version]} load={load} />;
}

export const linkWords = ({ mtime }: Entry) => <>Symbolic link · changed <Ago time={mtime} /></>;

/** The link that is there now. */
export function LinkView({ tree, entry }: LinkProps) {
  return (
    <>
      <Flex height="48px" flexShrink="0" align="center" gap="8px" paddingLeft="16px" paddingRight="8px" borderBottomWidth="1px">
        <Text color="fg.muted" fontSize="13px" flex="1" truncate>{linkWords(entry)}</Text>
        {tree !== HOME && <Button size="xs" height="32px" variant="ghost" colorPalette="gray" asChild><Link to={historyAddress(tree, entry.path)}><HistoryIcon size={14} />History</Link></Button>}
      </Flex>
      <LinkTarget tree={tree} entry={entry} />
    </>
  );
}
