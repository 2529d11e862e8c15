// The reference of the API: every operation of spec/openapi.yaml, to read and to try. Works without any other host.
import { Box, Button, Flex, Heading, Input, Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Search } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { Link } from "react-router";
import { Empty, ListSkeleton, Panel, usePageTitle } from "../components/bits";
import { ProblemNotice } from "../components/problem-notice";
import { OperationRow } from "../components/reference/operation";
import { Code, Words } from "../components/reference/parts";
import { formatCount } from "../lib/format";
import { matching, type Reference } from "../lib/reference";

/** Made by tools/gen/openapi_docs.py. */
async function readReference(signal: AbortSignal): Promise<Reference> {
  const response = await fetch("/api-reference.json", { signal });
  if (!response.ok) throw new Error(`api-reference.json: ${response.status}`);
  return (await response.json()) as Reference;
}

function Errors({ errors }: { readonly errors: Reference["errors"] }) {
  return (
    <Stack as="section" gap="8px" aria-label="Errors">
      <Heading as="h2" fontSize="16px" fontWeight="600">Errors</Heading>
      <Text color="fg.muted">A failure is <Code>{'{"success":false,"error":{"code","message","fields","request_id"}}'}</Code>; the codes:</Text>
      <Panel>
        <Box as="ul" aria-label="Errors">
          {errors.map(({ code, status, retry, text }) => (
            <Flex as="li" key={code} listStyleType="none" gap="12px" wrap="wrap" padding="8px 16px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }} fontSize="13px">
              <Text as="span" fontVariantNumeric="tabular-nums" color="fg.muted">{status}</Text>
              <Text as="span" fontFamily="mono" fontSize="12px" fontWeight="600">{code}</Text>
              <Text as="span">{text}{retry && " Trying again may help."}</Text>
            </Flex>
          ))}
        </Box>
      </Panel>
    </Stack>
  );
}

function Operations({ reference }: { readonly reference: Reference }) {
  const [text, setText] = useState("");
  const groups = matching(reference, useDeferredValue(text));
  return (
    <Stack gap="24px">
      <Stack gap="12px" maxWidth="720px" color="fg.muted">
        {reference.about.split(/\n{2,}/).map((paragraph) => <Text key={paragraph}><Words text={paragraph} /></Text>)}
        <Text>Addresses are below <Code>{reference.base}</Code>. For tools all this is <Box asChild color="fg" textDecoration="underline"><a href="/openapi.json">one OpenAPI document</a></Box>.</Text>
      </Stack>
      <Input aria-label="Find an operation" placeholder="Find an operation" value={text} onChange={(event) => setText(event.currentTarget.value)} bg="bg.panel" borderColor="border.emphasized" maxWidth="400px" fontSize={{ base: "16px", sm: "14px" }} _placeholder={{ color: "fg.subtle" }} />
      {groups.length === 0 && <Panel><Empty icon={<Search size={18} />} title="No operation is called so" text="Try a part of its address, such as files, or a method." /></Panel>}
      {groups.map(({ name, about, operations }) => (
        <Stack key={name} as="section" gap="8px" aria-label={name}>
          <Stack gap="0">
            <Heading as="h2" fontSize="16px" fontWeight="600" textTransform="capitalize">{name}</Heading>
            <Text color="fg.muted" fontSize="13px">{about} {formatCount(operations.length, "operation")}.</Text>
          </Stack>
          <Panel><Box as="ul" aria-label={name}>{operations.map((one) => <OperationRow key={one.id} operation={one} base={reference.base} />)}</Box></Panel>
        </Stack>
      ))}
      <Errors errors={reference.errors} />
    </Stack>
  );
}

export default function ReferencePage() {
  usePageTitle("API reference");
  const { data, error, refetch } = useQuery({ queryKey: ["reference"], queryFn: ({ signal }) => readReference(signal), staleTime: Number.POSITIVE_INFINITY });
  return (
    <Box as="main" width="100%" maxWidth="980px" marginX="auto" paddingX={{ base: "16px", md: "24px" }} paddingY={{ base: "24px", md: "40px" }}>
      <Stack gap="20px">
        <Box><Button size="xs" variant="ghost" colorPalette="gray" color="fg.muted" marginLeft="-8px" asChild><Link to="/sessions"><ArrowLeft size={14} />Coditect</Link></Button></Box>
        <Heading as="h1" fontSize="22px" lineHeight="32px" fontWeight="600" letterSpacing="-0.02em">API reference{data !== undefined && ` ${data.version}`}</Heading>
        {data !== undefined ? <Operations reference={data} /> : error !== null ? <ProblemNotice error={error} retry={() => void refetch()} /> : <ListSkeleton rows={12} />}
      </Stack>
    </Box>
  );
}
