// What changed in a file between two of its versions, line by line.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { Download, Equal, FileQuestion } from "lucide-react";
import { useMemo } from "react";
import { useSearchParams } from "react-router";
import type { Diff, DiffHunk } from "../../api/generated";
import { useReading } from "../../api/settings";
import { type Compare, compareOf, type DiffRow, rowsOf, type Sides, sidesOf } from "../../lib/diff";
import { formatCount } from "../../lib/format";
import { baseName } from "../../lib/paths";
import { api } from "../../stores/auth";
import { Empty, ListSkeleton } from "../bits";
import { Choice } from "../choice";
import { ProblemNotice } from "../problem-notice";
import { sayProblem } from "../toaster";
import { save } from "./actions";

/** What of a version is looked at, as the address says. */
export function useCompare(): Compare {
  return compareOf(useSearchParams()[0].get("compare"));
}

/** isCurrent: there is nothing newer to compare with. */
export function CompareChoice({ isCurrent }: { readonly isCurrent: boolean }) {
  const [params, setParams] = useSearchParams();
  const compare = compareOf(params.get("compare"));
  const choose = (to: Compare): void => {
    setParams((before) => {
      if (to === "off") before.delete("compare");
      else before.set("compare", to);
      return before;
    }, { replace: true });
  };
  const options: ReadonlyArray<{ readonly value: Compare; readonly label: string }> = [
    { value: "off", label: "File" },
    { value: "before", label: "What changed" },
    ...(isCurrent ? [] : [{ value: "now", label: "Compared with now" } as const]),
  ];
  return <Choice label="What to show" options={options} value={isCurrent && compare === "now" ? "off" : compare} onValue={choose} />;
}

const signs = { same: " ", add: "+", remove: "−" } as const;
const tones = {
  same: {},
  add: { bg: "good.subtle" },
  remove: { bg: "bad.subtle" },
} as const;

function Line({ row, width, isWrapped }: { readonly row: DiffRow; readonly width: string; readonly isWrapped: boolean }) {
  const { op, text, from, to, isOpen } = row;
  const number = { width, flexShrink: "0", textAlign: "end", color: "fg.muted", userSelect: "none", fontVariantNumeric: "tabular-nums", paddingEnd: "12px" } as const;
  return (
    <Flex {...tones[op]}>
      <Box as="span" aria-hidden="true" {...number}>{from}</Box>
      <Box as="span" aria-hidden="true" {...number}>{to}</Box>
      <Box as="span" width="2ch" flexShrink="0" userSelect="none" aria-hidden="true" color={op === "add" ? "good.fg" : op === "remove" ? "bad.fg" : "fg.muted"}>{signs[op]}</Box>
      <Box as={op === "add" ? "ins" : op === "remove" ? "del" : "span"} flex="1" minWidth={isWrapped ? "0" : "max-content"} textDecoration="none" whiteSpace={isWrapped ? "pre-wrap" : "pre"} overflowWrap={isWrapped ? "anywhere" : undefined} paddingEnd="16px">
        {text}
        {isOpen && <Text as="span" color="fg.muted" userSelect="none"> (no line break at the end)</Text>}
      </Box>
    </Flex>
  );
}

function Hunk({ hunk, width }: { readonly hunk: DiffHunk; readonly width: string }) {
  const { isWrapped } = useReading();
  const rows = useMemo(() => rowsOf(hunk), [hunk]);
  return (
    <Box borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box bg="bg.subtle" color="fg.muted" paddingX="16px" fontFamily="body" fontSize="12px" lineHeight="28px">
        {hunk.to_count === 0 ? `At line ${hunk.to_line}` : `Lines ${hunk.to_line} to ${hunk.to_line + hunk.to_count - 1}`}
      </Box>
      {rows.map((row, i) => <Line key={i} row={row} width={width} isWrapped={isWrapped} />)}
    </Box>
  );
}

interface SidesProps extends Sides {
  readonly sessionId: string;
  readonly path: string;
}

/** The whole, as patch knows it. */
async function takePatch(sides: SidesProps): Promise<void> {
  try {
    const response = await api.filesDiffText({ ...sides, format: "unified" });
    save(await response.blob(), `${baseName(sides.path)}.patch`);
  } catch (error) {
    sayProblem(error);
  }
}

const nothing: Readonly<Record<Exclude<Diff["compared"], "text">, readonly [string, string]>> = {
  equal: ["Nothing differs", "Both versions have the same content."],
  binary: ["This file is not text", "Both versions differ. Download them to compare them with the program that made them."],
  too_large: ["Too large to compare", "Both versions differ. Download them to compare them on your own computer."],
};

/** "Its mode changed from 644 to 755."; empty: it did not. */
function modeWords({ from, to }: Diff): string {
  if (from?.type !== "file" || to?.type !== "file" || from.mode === to.mode) return "";
  const octal = (mode: number): string => mode.toString(8).padStart(3, "0");
  return `Its mode changed from ${octal(from.mode)} to ${octal(to.mode)}.`;
}

function Difference(sides: SidesProps) {
  const { sessionId, path, from, to } = sides;
  const { size, tab, fonts } = useReading();
  const { data, error, refetch } = useQuery({
    // Between two versions nothing changes; now does, and is asked for with the files.
    queryKey: to === undefined ? ["files", sessionId, path, "diff", from] : ["diff", sessionId, path, from ?? "before", to],
    queryFn: ({ signal }) => api.filesDiff({ ...sides, signal }),
    gcTime: 60_000,
  });
  if (data === undefined) return error === null ? <ListSkeleton /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  const mode = modeWords(data);
  if (data.compared !== "text") {
    const [title, text] = data.compared === "equal" && mode !== "" ? ["Only the mode differs", `Both versions have the same content. ${mode}`] : nothing[data.compared];
    return <Empty icon={data.compared === "equal" ? <Equal size={20} /> : <FileQuestion size={20} />} title={title} text={text} />;
  }
  const hunks = data.hunks ?? [];
  const last = hunks.at(-1);
  const width = `${String(Math.max(last === undefined ? 0 : last.from_line + last.from_count, last === undefined ? 0 : last.to_line + last.to_count)).length + 3}ch`;
  return (
    <>
      <Flex align="center" gap="12px" wrap="wrap" paddingX="16px" paddingY="8px" borderBottomWidth="1px" fontSize="13px" fontVariantNumeric="tabular-nums">
        <Text color="good.fg" fontWeight="500">+{formatCount(data.added ?? 0, "line")}</Text>
        <Text color="bad.fg" fontWeight="500">−{formatCount(data.removed ?? 0, "line")}</Text>
        {data.from === undefined && <Text color="fg.muted">Nothing of it is kept from before.</Text>}
        {data.to === undefined && <Text color="fg.muted">It is not there afterwards.</Text>}
        {mode !== "" && <Text color="fg.muted">{mode}</Text>}
        <Button size="xs" variant="ghost" color="fg.muted" marginStart="auto" onClick={() => void takePatch(sides)}><Download size={14} />Patch</Button>
      </Flex>
      <Box overflowX="auto" tabIndex={0} role="region" aria-label="Difference" fontFamily="mono" {...(fonts !== undefined ? { style: { fontFamily: fonts } } : {})} fontSize={`${size}px`} lineHeight={`${size + 7}px`} css={{ tabSize: tab }}>
        <Box minWidth="max-content" width="100%" css={{ "@supports (width: stretch)": { width: "stretch" } }}>
          {hunks.map((hunk) => <Hunk key={`${hunk.from_line} ${hunk.to_line}`} hunk={hunk} width={width} />)}
        </Box>
      </Box>
      {data.more === true && <Text padding="12px 16px" borderTopWidth="1px" color="fg.muted">More differs than is shown here. The patch has all of it.</Text>}
    </>
  );
}

/** The version of a file that is looked at, against another one. */
export function VersionDifference({ sessionId, path, version, compare }: { readonly sessionId: string; readonly path: string; readonly version: number; readonly compare: Exclude<Compare, "off"> }) {
  return <Difference sessionId={sessionId} path={path} {...sidesOf(compare, version)} />;
}
