// What was deleted in a session or in the home, and can be had back.
import { Box, Button, Flex, Input, Text } from "@chakra-ui/react";
import type { Change } from "../../api/generated";
import { useWentAlong, type WentAlong } from "../../api/past";
import { refreshFiles, useChanges } from "../../api/queries";
import { treeOf } from "../../api/trees";
import { formatCount, formatExact } from "../../lib/format";
import { stillGone } from "../../lib/past";
import { baseName, HOME, type Named, parentOf, sentPath } from "../../lib/paths";
import { shown, shownName } from "../../lib/shown";
import { isCode } from "../../lib/problem";
import { api } from "../../stores/auth";
import { Ago, ListSkeleton } from "../bits";
import { ProblemNotice } from "../problem-notice";
import { say, sayProblem, sayWrong } from "../toaster";

/** Of a row of changes: those out of sight are not laid out. */
export const rowStyle = { listStyleType: "none", contentVisibility: "auto", containIntrinsicSize: "auto 52px" } as const;

export function FindByPath({ value, onValue }: { readonly value: string; readonly onValue: (text: string) => void }) {
  return <Input size="sm" aria-label="Find by path" placeholder="Find by path" value={value} onChange={(event) => onValue(event.currentTarget.value)} bg="bg.panel" borderColor="border.emphasized" fontSize={{ base: "16px", sm: "14px" }} _placeholder={{ color: "fg.subtle" }} />;
}

interface Gone extends Named {
  /** The deletion. */
  readonly version: number;
}

/** Says so where something came to the path that the page has not heard of: nothing is brought back over it. */
async function isThere(tree: string, path: string, bytes: string | Uint8Array): Promise<boolean> {
  const [newest] = (await treeOf(tree).history({ path: bytes, limit: 1 })).data;
  if (newest === undefined || newest.op === "delete") return false;
  say(`“${shown(baseName(path))}” is there already`);
  return true;
}

/** What the deletion took away, as a new version; of a folder, all that was in it. An older version may not be what was there last. */
async function bringBack(tree: string, gone: Gone): Promise<void> {
  const { path, version } = gone;
  const bytes = sentPath(gone);
  try {
    if (await isThere(tree, path, bytes)) return;
    await treeOf(tree).restore({ path: bytes, body: { version } });
    say(`“${shown(baseName(path))}” is back`);
  } catch (error) {
    sayProblem(error);
  }
  refreshFiles(tree);
}

/** To the last moment at which the folder was there. Of an older past that may not be kept; what is in it is, with the folder that took it along. */
async function rewindAlone(tree: string, { path, folder }: WentAlong): Promise<boolean> {
  try {
    await api.filesRewind({ sessionId: tree, body: { path, at: folder.version - 1 } });
    return true;
  } catch (error) {
    if (!isCode(error, "not_found")) throw error;
    sayWrong({ title: `“${shown(baseName(path))}” does not come back alone`, advice: `The last moment at which it was here is not kept any more. Restore “${shownName(folder)}/”: it comes back with all that was in it.` });
    return false;
  }
}

/** A folder that went with one above it is had back by the moment. */
async function bringBackAlone(tree: string, one: WentAlong): Promise<void> {
  const { path, folder } = one;
  try {
    if (await isThere(tree, path, path)) return;
    try {
      await treeOf(tree).restore({ path, body: { version: folder.version } });
    } catch (error) {
      if (tree === HOME || !isCode(error, "exists")) throw error;
      if (!await rewindAlone(tree, one)) return;
    }
    say(`“${shown(baseName(path))}” is back`);
  } catch (error) {
    sayProblem(error);
  }
  refreshFiles(tree);
}

interface RowProps {
  readonly path: string;
  readonly name: string;
  /** Beside the time. */
  readonly words: string;
  readonly at: string;
  readonly restore: () => void;
}

function Row({ path, name, words, at, restore }: RowProps) {
  return (
    <Flex as="li" align="center" gap="8px" paddingX="16px" paddingY="6px" {...rowStyle}>
      <Box flex="1" minWidth="0" title={`${shown(path)}, ${formatExact(at)}`}>
        <Text truncate>{name}</Text>
        <Text color="fg.muted" fontSize="12px" truncate>{words !== "" && `${words} · `}<Ago time={at} /></Text>
      </Box>
      <Button size="xs" variant="outline" colorPalette="gray" aria-label={`Restore ${shown(path)}`} onClick={restore}>Restore</Button>
    </Flex>
  );
}

interface DeletionsProps {
  /** A session's id, or HOME. */
  readonly tree: string;
  /** What is known of all changes, newest first. */
  readonly changes: readonly Change[];
  /** Only paths with it, in either case. */
  readonly text: string;
}

export function Deletions({ tree, changes, text }: DeletionsProps) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useChanges(tree, "delete");
  const all = data === undefined ? [] : stillGone(data, changes);
  const along = useWentAlong(tree, { gone: all, changes }, text);
  if (data === undefined) return error === null ? <ListSkeleton rows={3} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  const gone = all.filter(({ path }) => path.toLowerCase().includes(text.toLowerCase()));
  const folders = all.filter(({ type }) => type === "dir").length;
  return (
    <>
      {gone.length === 0 && along.length === 0 && !hasNextPage && (
        <Text color="fg.muted" padding="16px">
          {data.length === 0 || text === "" ? "Nothing is deleted." : "Nothing that was deleted is called so."}
          {text !== "" && folders > 0 && ` ${formatCount(folders, "folder")} went with all that was in ${folders === 1 ? "it" : "them"}: what was deep in one is found by its whole path.`}
        </Text>
      )}
      <Box as="ul" aria-label="Deleted">
        {gone.map((one) => <Row key={one.version} path={one.path} name={`${shownName(one)}${one.type === "dir" ? "/" : ""}`} words={shown(parentOf(one.path))} at={one.at} restore={() => void bringBack(tree, one)} />)}
        {text !== "" && along.map((one) => <Row key={`${one.folder.version} ${one.path}`} path={one.path} name={shownName(one)} words={`${shown(parentOf(one.path))} · with ${shownName(one.folder)}/`} at={one.folder.at} restore={() => void bringBackAlone(tree, one)} />)}
      </Box>
      {hasNextPage && <Button size="sm" variant="ghost" color="accent.fg" width="100%" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>Load older deletions</Button>}
    </>
  );
}
