// What operations are shown with: words with code in them, tables of members, blocks of text.
import { Box, Flex, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import type { Member } from "../../lib/reference";

export function Code({ children }: { readonly children: ReactNode }) {
  return <Box as="code" fontFamily="mono" fontSize="12px" bg="bg.muted" borderRadius="l1" paddingX="4px" paddingY="1px" overflowWrap="anywhere">{children}</Box>;
}

/** Text of the document, whose only mark is `code`. */
export function Words({ text }: { readonly text: string }) {
  return <>{text.split("`").map((part, i) => (i % 2 === 1 ? <Code key={i}>{part}</Code> : part))}</>;
}

/** A block that scrolls by itself, by keyboard too. */
export function Block({ label, children }: { readonly label: string; readonly children: string }) {
  return (
    <Box as="pre" tabIndex={0} role="region" aria-label={label} fontFamily="mono" fontSize="12px" lineHeight="18px" bg="bg.subtle" borderWidth="1px" borderRadius="l2" padding="10px 12px" overflow="auto" maxHeight="360px">{children}</Box>
  );
}

export function Members({ label, rows }: { readonly label: string; readonly rows: ReadonlyArray<Member & { readonly in?: string }> }) {
  return (
    <Box as="ul" aria-label={label} listStyleType="none" borderWidth="1px" borderRadius="l2" overflow="hidden">
      {rows.map((row) => (
        <Box as="li" key={`${row.in ?? ""} ${row.name}`} padding="8px 12px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
          <Flex gap="8px" wrap="wrap" align="baseline">
            <Text as="span" fontFamily="mono" fontSize="12px" fontWeight="600" overflowWrap="anywhere">{row.name}</Text>
            {row.in !== undefined && <Text as="span" fontSize="12px" color="fg.muted">{row.in}</Text>}
            {row.required && <Text as="span" fontSize="12px" color="fg.muted">required</Text>}
            <Text as="span" fontSize="12px" color="fg.muted" overflowWrap="anywhere">{row.type}</Text>
          </Flex>
          {row.about !== undefined && <Text fontSize="13px" marginTop="2px"><Words text={row.about} /></Text>}
        </Box>
      ))}
    </Box>
  );
}
