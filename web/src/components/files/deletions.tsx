// What was deleted in a session or in the home, and can be had back.
import { Box, Button, Flex, Input, Text } from "@chakra-ui/react";
import type { Change } from "../../api/generated";
import { refreshFiles, useChanges } from "../../api/queries";
import { treeOf } from "../../api/trees";
import { formatExact } from "../../lib/format";
import { stillGone } from "../../lib/past";
import { baseName, bytesOfBase64Url, parentOf } from "../../lib/paths";
import { Ago, ListSkeleton } from "../bits";
import { ProblemNotice } from "../problem-notice";
import { say, sayProblem } from "../toaster";

/** Of a row of changes: those out of sight are not laid out. */
export const rowStyle = { listStyleType: "none", contentVisibility: "auto", containIntrinsicSize: "auto 52px" } as const;

export function FindByPath({ value, onValue }: { readonly value: string; readonly onValue: (text: string) => void }) {
  return <Input size="sm" aria-label="Find by path" placeholder="Find by path" value={value} onChange={(event) => onValue(event.currentTarget.value)} bg="bg.panel" borderColor="border.emphasized" fontSize={{ base: "16px", sm: "14px" }} _placeholder={{ color: "fg.subtle" }} />;
}

/** What the deletion took away, as a new version; of a folder, all that was in it. An older version may not be what was there last. */
async function bringBack(tree: string, { path, path_b64, version }: Change): Promise<void> {
  const bytes = path_b64 === undefined ? path : bytesOfBase64Url(path_b64);
  try {
    const [newest] = (await treeOf(tree).history({ path: bytes, limit: 1 })).data;
    if (newest !== undefined && newest.op !== "delete") return say(`“${baseName(path)}” is there already`);
    await treeOf(tree).restore({ path: bytes, body: { version } });
    say(`“${baseName(path)}” is back`);
  } catch (error) {
    sayProblem(error);
  }
  refreshFiles(tree);
}

interface DeletionsProps {
  /** A session's id, or HOME. */
  readonly tree: string;
  /** What is known of all changes, newest first. */
  readonly changes: readonly Change[];
  /** In lower case: only paths with it. */
  readonly text: string;
}

export function Deletions({ tree, changes, text }: DeletionsProps) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useChanges(tree, "delete");
  if (data === undefined) return error === null ? <ListSkeleton rows={3} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  const gone = stillGone(data, changes).filter(({ path }) => path.toLowerCase().includes(text));
  return (
    <>
      {gone.length === 0 && !hasNextPage && <Text color="fg.muted" padding="16px">{data.length === 0 || text === "" ? "Nothing is deleted." : "Nothing that was deleted is called so."}</Text>}
      <Box as="ul" aria-label="Deleted">
        {gone.map((one) => (
          <Flex as="li" key={one.version} align="center" gap="8px" paddingX="16px" paddingY="6px" {...rowStyle}>
            <Box flex="1" minWidth="0" title={`${one.path}, ${formatExact(one.at)}`}>
              <Text truncate>{baseName(one.path)}{one.type === "dir" && "/"}</Text>
              <Text color="fg.muted" fontSize="12px" truncate>{parentOf(one.path) !== "" && `${parentOf(one.path)} · `}<Ago time={one.at} /></Text>
            </Box>
            <Button size="xs" variant="outline" colorPalette="gray" aria-label={`Restore ${one.path}`} onClick={() => void bringBack(tree, one)}>Restore</Button>
          </Flex>
        ))}
      </Box>
      {hasNextPage && <Button size="sm" variant="ghost" color="accent.fg" width="100%" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>Load older deletions</Button>}
    </>
  );
}
