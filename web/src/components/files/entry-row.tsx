// One line of a folder that is looked at and not changed: of a moment, or of the home.
import { Box, Flex, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Entry } from "../../api/generated";
import { formatSize } from "../../lib/format";
import { shownName } from "../../lib/shown";
import { EntryIcon } from "./tree";

/** to: where it is shown, if an address can carry its name. children: what else is said of it. */
export function EntryRow({ entry, to, children }: { readonly entry: Entry; readonly to: string; readonly children?: ReactNode }) {
  const name = shownName(entry);
  return (
    <Flex as="li" listStyleType="none" height="40px" align="center" gap="12px" paddingX="16px" position="relative" borderBottomWidth="1px" borderColor="border.muted" _hover={{ bg: "bg.subtle" }}>
      <Box color={entry.type === "dir" ? "accent.fg" : "fg.muted"} flexShrink="0"><EntryIcon entry={entry} size={16} /></Box>
      <Text flex="1" minWidth="0" truncate>
        {entry.path_b64 === undefined ? (
          <Link to={to}>
            <Box as="span" position="absolute" inset="0" aria-hidden="true" />
            {name}
          </Link>
        ) : name}
      </Text>
      <Text textAlign="end" color="fg.muted" fontVariantNumeric="tabular-nums" whiteSpace="nowrap" fontSize="13px">{entry.type === "file" && formatSize(entry.size)}</Text>
      {children}
    </Flex>
  );
}
