// The versions of a file, newest first: who changed it, and when; each can be looked at and brought back.
import { Box, Button, CloseButton, Flex, Text } from "@chakra-ui/react";
import { infiniteQueryOptions, useInfiniteQuery } from "@tanstack/react-query";
import { Download, RotateCcw } from "lucide-react";
import type { Entry, HistoryEntry } from "../../api/generated";
import { refreshFiles } from "../../api/queries";
import { treeOf } from "../../api/trees";
import { formatExact, formatSize } from "../../lib/format";
import { authorWords, keptWords, opWords } from "../../lib/past";
import { shownName } from "../../lib/shown";
import { Ago, ListSkeleton } from "../bits";
import { ProblemNotice } from "../problem-notice";
import { say, sayProblem } from "../toaster";
import { download } from "./actions";

const PAGE = 50;

const historyQuery = (tree: string, path: string) => infiniteQueryOptions({
  queryKey: ["files", tree, path, "history"],
  queryFn: ({ pageParam, signal }) => treeOf(tree).history({ path, limit: PAGE, signal, ...(pageParam !== "" ? { cursor: pageParam } : {}) }),
  initialPageParam: "",
  getNextPageParam: ({ page }) => page.next ?? undefined,
});

export function useHistory(tree: string, path: string, enabled: boolean) {
  return useInfiniteQuery({ ...historyQuery(tree, path), select: ({ pages }) => pages.flatMap(({ data }) => data), enabled });
}

interface HistoryProps {
  readonly tree: string;
  readonly entry: Entry;
  /** The version that is looked at. */
  readonly shown: number;
  readonly onShow: (version: number) => void;
  readonly onClose: () => void;
  /** Nothing is at the path now. */
  readonly isGone?: boolean;
}

function Row({ one, words, isCurrent, isShown, onShow }: { readonly one: HistoryEntry; readonly words: string; readonly isCurrent: boolean; readonly isShown: boolean; readonly onShow: () => void }) {
  return (
    <Box as="li" listStyleType="none">
      <Button
        variant="ghost" colorPalette="gray" width="100%" height="auto" paddingY="8px" paddingX="16px" borderRadius="0" justifyContent="flex-start" textAlign="start" fontWeight="400"
        bg={isShown ? "accent.subtle" : undefined} aria-current={isShown} disabled={one.op === "delete"} onClick={onShow} title={formatExact(one.at)}
      >
        <Box flex="1" minWidth="0">
          <Flex gap="8px" align="baseline">
            <Text fontWeight="500" flex="1">{words}{isCurrent && " · current"}</Text>
            <Text color="fg.muted" fontSize="12px"><Ago time={one.at} /></Text>
          </Flex>
          <Flex gap="8px" color="fg.muted" fontSize="12px">
            <Text flex="1" truncate>{authorWords[one.author.kind]}</Text>
            {one.size !== undefined && <Text fontVariantNumeric="tabular-nums">{formatSize(one.size)}</Text>}
          </Flex>
        </Box>
      </Button>
    </Box>
  );
}

export function History({ tree, entry, shown, onShow, onClose, isGone = false }: HistoryProps) {
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useHistory(tree, entry.path, true);
  const kept = useInfiniteQuery({ ...historyQuery(tree, entry.path), select: ({ pages }) => pages[0]?.kept }).data;
  return (
    <Box as="aside" aria-label="History" width={{ base: "100%", md: "280px" }} maxHeight={{ base: "260px", md: "none" }} flexShrink="0" overflowY="auto" borderStartWidth={{ base: "0", md: "1px" }} borderBottomWidth={{ base: "1px", md: "0" }} bg="bg">
      <Flex height="48px" align="center" paddingLeft="16px" paddingRight="8px" borderBottomWidth="1px" position="sticky" top="0" bg="bg" zIndex="1">
        <Text fontWeight="500" flex="1">History</Text>
        <CloseButton size="xs" color="fg.muted" aria-label="Close the history" onClick={onClose} />
      </Flex>
      {data === undefined ? (error !== null ? <ProblemNotice error={error} retry={() => void refetch()} /> : <ListSkeleton />) : (
        <Box as="ul" paddingY="4px" aria-label="Versions">
          {data.map((one, i) => <Row key={one.version} one={one} words={isGone && i === 0 && one.op === "move" ? "Moved away" : opWords[one.op]} isCurrent={one.version === entry.version} isShown={one.version === shown} onShow={() => onShow(one.version)} />)}
        </Box>
      )}
      {hasNextPage && <Button size="sm" variant="ghost" color="accent.fg" width="100%" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>Show older versions</Button>}
      {kept !== undefined && <Text color="fg.muted" fontSize="12px" padding="12px 16px 16px">{keptWords(kept)}</Text>}
    </Box>
  );
}

/** Over the content of a version that is not the current one. */
export function OldVersion({ tree, entry, version, onDone }: { readonly tree: string; readonly entry: Entry; readonly version: HistoryEntry; readonly onDone: () => void }) {
  const restore = async (): Promise<void> => {
    try {
      await treeOf(tree).restore({ path: entry.path, body: { version: version.version } });
      say(`“${shownName(entry)}” is as it was on ${formatExact(version.at)}`);
      onDone();
    } catch (error) {
      sayProblem(error);
    }
    refreshFiles(tree);
  };
  const then = formatExact(version.at);
  return (
    <Flex align="center" gap="8px" wrap="wrap" paddingX="16px" paddingY="8px" bg="warn.subtle" color="warn.fg" fontSize="13px" borderBottomWidth="1px" role="status">
      <Text flex="1" minWidth="160px">{version.op === "delete" ? `It was deleted on ${then}. This is what was there last.` : `Version of ${then}. It is not the current one.`}</Text>
      <Button size="xs" height="32px" variant="ghost" color="warn.fg" onClick={() => void download(tree, entry, version.version)}><Download size={14} />Download</Button>
      <Button size="xs" height="32px" onClick={() => void restore()}><RotateCcw size={14} />Restore this version</Button>
    </Flex>
  );
}
