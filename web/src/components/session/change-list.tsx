// The changes beside the past: all of them, each a moment to go to; or what was deleted and can be had back.
import { Box, Button, Flex, Input, Text } from "@chakra-ui/react";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import type { Change, Session } from "../../api/generated";
import { refreshFiles, useChanges, useKept } from "../../api/queries";
import { formatCount, formatExact } from "../../lib/format";
import { authorWords, keptWords, stillGone, wordsOf } from "../../lib/past";
import { baseName, historyAddress, parentOf } from "../../lib/paths";
import { api } from "../../stores/auth";
import { Ago, ListSkeleton } from "../bits";
import { Choice } from "../choice";
import { ProblemNotice } from "../problem-notice";
import { say, sayProblem } from "../toaster";

interface More {
  readonly has: boolean;
  readonly isLoading: boolean;
  readonly load: () => void;
}

interface ListProps {
  readonly session: Session;
  /** Newest first. */
  readonly changes: readonly Change[];
  /** Which of them is looked at. */
  readonly index: number;
  readonly more: More;
}

const rowStyle = { listStyleType: "none", contentVisibility: "auto", containIntrinsicSize: "auto 52px" } as const;

function Changes({ session, changes, index, text }: ListProps & { readonly text: string }) {
  return changes.map((one, i) => wordsOf(one).toLowerCase().includes(text) && (
    <Box as="li" key={one.version} {...rowStyle}>
      <Box asChild display="block" paddingX="16px" paddingY="6px" bg={i === index ? "accent.subtle" : undefined} _hover={{ bg: i === index ? "accent.subtle" : "bg.muted" }}>
        <Link to={historyAddress(session.id, one.op === "delete" ? parentOf(one.path) : one.path, i === 0 ? undefined : one.version)} aria-current={i === index ? "true" : undefined} title={`${wordsOf(one)}, ${formatExact(one.at)}`}>
          <Text truncate>{wordsOf(one)}</Text>
          <Text color="fg.muted" fontSize="12px" truncate>{authorWords[one.author.kind]} · <Ago time={one.at} /></Text>
        </Link>
      </Box>
    </Box>
  ));
}

/** What was there last, as a new version; of a folder, all that was in it. */
async function bringBack(sessionId: string, { path, version }: Change): Promise<void> {
  try {
    const versions = (await api.filesHistory({ sessionId, path, limit: 20 })).data;
    const last = versions.find((one) => one.op !== "delete" && one.version < version);
    if (versions[0] !== undefined && versions[0].op !== "delete") return say(`“${baseName(path)}” is there already`);
    if (last === undefined) await api.filesRewind({ sessionId, body: { path, at: version - 1 } });
    else await api.filesRestore({ sessionId, path, body: { version: last.version } });
    say(`“${baseName(path)}” is back`);
  } catch (error) {
    sayProblem(error);
  }
  refreshFiles(sessionId);
}

function Deletions({ session, changes, text }: { readonly session: Session; readonly changes: readonly Change[]; readonly text: string }) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useChanges(session.id, "delete");
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
            {one.path_b64 === undefined && <Button size="xs" variant="outline" colorPalette="gray" aria-label={`Restore ${one.path}`} onClick={() => void bringBack(session.id, one)}>Restore</Button>}
          </Flex>
        ))}
      </Box>
      {hasNextPage && <Button size="sm" variant="ghost" color="accent.fg" width="100%" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>Load older deletions</Button>}
    </>
  );
}

export function ChangeList(props: ListProps) {
  const { changes, more } = props;
  const [params, setParams] = useSearchParams();
  const [text, setText] = useState("");
  const isDeleted = params.get("show") === "deleted";
  const kept = useKept(props.session.id);
  const show = (deleted: boolean): void => {
    setParams((before) => {
      if (deleted) before.set("show", "deleted");
      else before.delete("show");
      return before;
    }, { replace: true });
  };
  const wanted = text.trim().toLowerCase();
  return (
    <Box as="aside" aria-label="Changes" width={{ base: "100%", md: "320px" }} maxHeight={{ base: "280px", md: "none" }} flexShrink="0" overflowY="auto" borderStartWidth={{ base: "0", md: "1px" }} borderTopWidth={{ base: "1px", md: "0" }} bg="bg" tabIndex={0}>
      <Flex direction="column" gap="8px" padding="8px 12px" borderBottomWidth="1px" position="sticky" top="0" bg="bg" zIndex="1">
        <Flex align="center" gap="8px">
          <Choice label="Which changes" options={[{ value: false, label: "Changes" }, { value: true, label: "Deleted" }]} value={isDeleted} onValue={show} />
          {!isDeleted && <Text color="fg.muted" fontSize="12px" truncate>{more.has ? `the latest ${changes.length}` : formatCount(changes.length, "change")}</Text>}
        </Flex>
        <Input size="sm" aria-label="Find by path" placeholder="Find by path" value={text} onChange={(event) => setText(event.currentTarget.value)} bg="bg.panel" borderColor="border.emphasized" fontSize={{ base: "16px", sm: "14px" }} _placeholder={{ color: "fg.subtle" }} />
      </Flex>
      {isDeleted ? <Deletions {...props} text={wanted} /> : (
        <>
          <Box as="ul" aria-label="Changes"><Changes {...props} text={wanted} /></Box>
          {more.has && <Button size="sm" variant="ghost" color="accent.fg" width="100%" loading={more.isLoading} onClick={more.load}>Load older changes</Button>}
        </>
      )}
      {kept !== undefined && <Text color="fg.muted" fontSize="12px" padding="12px 16px 16px">{keptWords(kept)}</Text>}
    </Box>
  );
}
