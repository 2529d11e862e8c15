// One operation: a line that opens to everything the document says of it.
import { Box, Button, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { ChevronDown, ChevronRight } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Operation } from "../../lib/reference";
import { looks } from "../bits";
import { Block, Members, Words } from "./parts";
import { TryIt } from "./try-it";

const colours = { GET: looks.good, POST: looks.calm, PUT: looks.warn, DELETE: looks.bad } as const;

function Method({ method }: { readonly method: string }) {
  const look = colours[method as keyof typeof colours] ?? looks.calm;
  return <Text as="span" flexShrink="0" width="60px" textAlign="center" fontFamily="mono" fontSize="12px" fontWeight="600" borderRadius="l1" paddingY="1px" {...look}>{method}</Text>;
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return <Stack gap="8px"><Heading as="h4" fontSize="13px" fontWeight="600">{title}</Heading>{children}</Stack>;
}

function auditedOf(names: readonly string[]): string {
  return names[0] === "history" ? "Recorded in the history of the session’s files." : `Audited as ${names.map((name) => `\`${name}\``).join(", ")}.`;
}

function factsOf({ roles, permission, rate, audit }: Operation): string {
  const who = permission === "link" ? "Whoever has a link to a session." : roles.length === 0 ? "Without a login." : `${permission}: ${roles.join(", ")}.`;
  return [who, rate === undefined ? "" : `At most ${rate}.`, audit === undefined ? "" : auditedOf(audit)].filter((text) => text !== "").join(" ");
}

function Details({ operation, base }: { readonly operation: Operation; readonly base: string }) {
  return (
    <Stack gap="20px" padding={{ base: "4px 12px 20px", md: "4px 16px 24px 84px" }}>
      {operation.about !== undefined && <Text><Words text={operation.about} /></Text>}
      <Text fontSize="13px" color="fg.muted"><Words text={factsOf(operation)} /></Text>
      {operation.fields.length > 0 && <Part title="What it takes"><Members label={`What ${operation.id} takes`} rows={operation.fields} /></Part>}
      {operation.replies.map((reply) => (
        <Part key={reply.status} title={`${reply.status === "default" ? "Other failures" : reply.status}: ${reply.about.replaceAll("`", "")}`}>
          {Number(reply.status) < 400 && reply.fields.length > 0 && <Members label={`${operation.id} ${reply.status}`} rows={reply.fields} />}
          {Number(reply.status) < 400 && reply.example !== undefined && <Block label={`Example of ${operation.id} ${reply.status}`}>{JSON.stringify(reply.example, undefined, 2)}</Block>}
        </Part>
      ))}
      <Part title="Try it"><TryIt operation={operation} base={base} /></Part>
    </Stack>
  );
}

export function OperationRow({ operation, base }: { readonly operation: Operation; readonly base: string }) {
  const hash = `#${operation.id}`;
  const [isOpen, setOpen] = useState(() => location.hash === hash);
  const row = useRef<HTMLLIElement>(null);
  // The browser looked for the address's operation before the list was there.
  useEffect(() => {
    const follow = (): void => {
      if (location.hash !== hash) return;
      setOpen(true);
      row.current?.scrollIntoView();
    };
    follow();
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, [hash]);
  const toggle = (): void => {
    setOpen(!isOpen);
    // What is open last is what the address leads to.
    if (!isOpen) history.replaceState(history.state, "", hash);
  };
  return (
    <Box as="li" ref={row} id={operation.id} listStyleType="none" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }} scrollMarginTop="16px">
      <Button variant="plain" width="100%" height="auto" minHeight="44px" whiteSpace="normal" textAlign="left" justifyContent="flex-start" paddingX={{ base: "12px", md: "16px" }} paddingY="8px" gap="12px" fontWeight="400" borderRadius="0" _hover={{ bg: "bg.subtle" }} aria-expanded={isOpen} onClick={toggle}>
        <Method method={operation.method} />
        <Flex direction={{ base: "column", md: "row" }} gap={{ base: "2px", md: "12px" }} minWidth="0" flex="1">
          <Text as="span" fontFamily="mono" fontSize="13px" overflowWrap="anywhere">{operation.path}</Text>
          <Text as="span" fontSize="13px" color="fg.muted"><Words text={operation.summary} /></Text>
        </Flex>
        {isOpen ? <ChevronDown size={14} /> : <ChevronRight size={14} />}
      </Button>
      {isOpen && <Details operation={operation} base={base} />}
    </Box>
  );
}
