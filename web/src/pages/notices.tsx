// Whose work this is made of: each package with its version and licence, from the lock files, and the licences' words.
import { Box, Button, Flex, Heading, Input, Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { Link } from "react-router";
import { Empty, ListSkeleton, Logo, Panel, usePageTitle } from "../components/bits";
import { ProblemNotice } from "../components/problem-notice";
import { formatCount } from "../lib/format";

interface Package {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** Which of the texts; absent: the package came without one. */
  readonly text?: number;
}

interface Notices {
  readonly parts: ReadonlyArray<{ readonly title: string; readonly packages: readonly Package[] }>;
  readonly texts: readonly string[];
}

/** Made by web/notices.mjs. */
async function readNotices(signal: AbortSignal): Promise<Notices> {
  const response = await fetch("/notices.json", { signal });
  if (!response.ok) throw new Error(`notices.json: ${response.status}`);
  return (await response.json()) as Notices;
}

const cut = { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" } as const;

/** Of a list and all in it, once: there are thousands of rows, and a component of the library for each part of each takes seconds. */
const rowStyles = {
  fontSize: "13px",
  "& > li": { listStyleType: "none", borderBottomWidth: "1px", borderColor: "border.muted", contentVisibility: "auto", containIntrinsicHeight: "auto 40px" },
  "& > li:last-child": { borderBottomWidth: "0" },
  "& > li > div": { minHeight: "40px", display: "flex", alignItems: "center", gap: "12px", paddingX: "16px" },
  "& > li > div > span:first-of-type": { ...cut, flex: "1", minWidth: "0" },
  "& small": { fontSize: "inherit", color: "fg.muted", fontVariantNumeric: "tabular-nums" },
  "& > li > div > span:last-of-type": { ...cut, color: "fg.muted", maxWidth: "40%" },
  "& button": { width: "52px", height: "32px", flexShrink: "0", borderRadius: "l2", fontWeight: "500", cursor: "pointer" },
  "& button:hover": { bg: "bg.muted" },
  "& i": { width: "52px", flexShrink: "0" },
  "& pre": { fontFamily: "mono", fontSize: "12px", lineHeight: "18px", whiteSpace: "pre-wrap", overflowWrap: "anywhere", padding: "4px 16px 16px", color: "fg.muted" },
} as const;

function Row({ one, text }: { readonly one: Package; readonly text: string | undefined }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <div>
        <span title={one.name}>{one.name} <small>{one.version}</small></span>
        <span title={one.licence}>{one.licence}</span>
        {text === undefined
          ? <i />
          : <button type="button" aria-expanded={isOpen} aria-label={`${isOpen ? "Hide" : "Show"} the licence of ${one.name}`} onClick={() => setOpen(!isOpen)}>{isOpen ? "Hide" : "Show"}</button>}
      </div>
      {isOpen && <pre>{text}</pre>}
    </li>
  );
}

function List({ notices }: { readonly notices: Notices }) {
  const [text, setText] = useState("");
  const wanted = useDeferredValue(text.trim().toLowerCase());
  const parts = notices.parts.map(({ title, packages }) => ({ title, packages: packages.filter(({ name, licence }) => `${name} ${licence}`.toLowerCase().includes(wanted)) }));
  return (
    <Stack gap="24px">
      <Input aria-label="Find a package or a licence" placeholder="Find a package or a licence" value={text} onChange={(event) => setText(event.currentTarget.value)} bg="bg.panel" borderColor="border.emphasized" maxWidth="400px" fontSize={{ base: "16px", sm: "14px" }} _placeholder={{ color: "fg.subtle" }} />
      {parts.every(({ packages }) => packages.length === 0) && <Panel><Empty icon={<Logo size={20} />} title="Nothing is called so" text="Try a part of the name, or a licence such as MIT." /></Panel>}
      {parts.filter(({ packages }) => packages.length > 0).map(({ title, packages }) => (
        <Stack key={title} as="section" gap="8px" aria-label={title}>
          <Flex align="baseline" gap="8px"><Heading as="h2" fontSize="16px" fontWeight="600">{title}</Heading><Text color="fg.muted" fontSize="13px">{formatCount(packages.length, "package")}</Text></Flex>
          <Panel><Box as="ul" aria-label={title} css={rowStyles}>{packages.map((one) => <Row key={`${one.name} ${one.version}`} one={one} text={one.text === undefined ? undefined : notices.texts[one.text]} />)}</Box></Panel>
        </Stack>
      ))}
    </Stack>
  );
}

export default function NoticesPage() {
  usePageTitle("Open source notices");
  const { data, error, refetch } = useQuery({ queryKey: ["notices"], queryFn: ({ signal }) => readNotices(signal), staleTime: Number.POSITIVE_INFINITY });
  return (
    <Box as="main" width="100%" maxWidth="820px" marginX="auto" paddingX={{ base: "16px", md: "24px" }} paddingY={{ base: "24px", md: "40px" }}>
      <Stack gap="20px">
        <Box><Button size="xs" variant="ghost" colorPalette="gray" color="fg.muted" marginLeft="-8px" asChild><Link to="/sessions"><ArrowLeft size={14} />Coditect</Link></Button></Box>
        <Stack gap="4px">
          <Heading as="h1" fontSize="22px" lineHeight="32px" fontWeight="600" letterSpacing="-0.02em">Open source notices</Heading>
          <Text color="fg.muted">Coditect is made with the work of many others. These packages are part of what runs in your browser and in your workspaces.</Text>
        </Stack>
        {data !== undefined ? <List notices={data} /> : error !== null ? <ProblemNotice error={error} retry={() => void refetch()} /> : <ListSkeleton rows={12} />}
      </Stack>
    </Box>
  );
}
