// The changes beside the past: all of them, each a moment to go to; or what was deleted and can be had back.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import type { Change, Session } from "../../api/generated";
import { useChangesOf } from "../../api/past";
import { useKept } from "../../api/queries";
import { formatCount, formatExact } from "../../lib/format";
import { authorWords, keptWords, placeOf, wordsOf } from "../../lib/past";
import { historyAddress } from "../../lib/paths";
import { Ago } from "../bits";
import { Choice } from "../choice";
import { Deletions, FindByPath, rowStyle } from "../files/deletions";

interface More {
  readonly has: boolean;
  readonly isLoading: boolean;
  readonly load: () => void;
}

interface ListProps {
  readonly session: Session;
  /** Newest first. */
  readonly changes: readonly Change[];
  /** Those of them that can be gone back to. */
  readonly moments: readonly Change[];
  /** Which of these is looked at. */
  readonly shown: Change;
  readonly more: More;
}

/** Of the changes those whose words have the text; and those of the path that it is, which a folder above it may have alone. */
function Changes({ session, changes, moments, shown, text }: ListProps & { readonly text: string }) {
  const { changes: ofPath } = useChangesOf(session.id, text);
  const oldest = changes.at(-1)?.version ?? 0;
  const found = new Set(text === "" ? [] : ofPath.map(({ version }) => version));
  const kept = new Set([...moments, ...ofPath.filter((one) => one.version < oldest && one.moment === undefined)].map(({ version }) => version));
  const older = text === "" ? [] : ofPath.filter(({ version }) => version < oldest);
  return [...changes, ...older].map((one, i) => (found.has(one.version) || wordsOf(one).toLowerCase().includes(text.toLowerCase())) && (
    <Box as="li" key={one.version} {...rowStyle}>
      <Box asChild display="block" paddingX="16px" paddingY="6px" bg={one === shown ? "accent.subtle" : undefined} _hover={{ bg: one === shown ? "accent.subtle" : "bg.muted" }}>
        <Link to={historyAddress(session.id, placeOf(one), i === 0 ? undefined : one.version)} aria-current={one === shown ? "true" : undefined} title={`${wordsOf(one)}, ${formatExact(one.at)}`}>
          <Text truncate>{wordsOf(one)}</Text>
          <Text color="fg.muted" fontSize="12px" truncate>{authorWords[one.author.kind]} · <Ago time={one.at} />{!kept.has(one.version) && " · moment not kept"}</Text>
        </Link>
      </Box>
    </Box>
  ));
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
  const wanted = text.trim();
  return (
    <Box as="aside" aria-label="Changes" width={{ base: "100%", md: "320px" }} maxHeight={{ base: "280px", md: "none" }} flexShrink="0" overflowY="auto" borderStartWidth={{ base: "0", md: "1px" }} borderTopWidth={{ base: "1px", md: "0" }} bg="bg" tabIndex={0}>
      <Flex direction="column" gap="8px" padding="8px 12px" borderBottomWidth="1px" position="sticky" top="0" bg="bg" zIndex="1">
        <Flex align="center" gap="8px">
          <Choice label="Which changes" options={[{ value: false, label: "Changes" }, { value: true, label: "Deleted" }]} value={isDeleted} onValue={show} />
          {!isDeleted && <Text color="fg.muted" fontSize="12px" truncate>{more.has ? `the latest ${changes.length}` : formatCount(changes.length, "change")}</Text>}
        </Flex>
        <FindByPath value={text} onValue={setText} />
      </Flex>
      {isDeleted ? <Deletions tree={props.session.id} changes={changes} text={wanted} /> : (
        <>
          <Box as="ul" aria-label="Changes"><Changes {...props} text={wanted} /></Box>
          {more.has && <Button size="sm" variant="ghost" color="accent.fg" width="100%" loading={more.isLoading} onClick={more.load}>Load older changes</Button>}
        </>
      )}
      {kept !== undefined && <Text color="fg.muted" fontSize="12px" padding="12px 16px 16px">{keptWords(kept)}</Text>}
    </Box>
  );
}
