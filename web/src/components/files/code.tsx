// Text with its line numbers, as the person wants it shown (lib/settings.ts).
import { Box, Flex } from "@chakra-ui/react";
import { useMemo } from "react";
import { useReading } from "../../api/settings";

/** What a file's text ends with is no line of its own. */
function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  return lines.length > 1 && lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** One block of text beside one of numbers: thousands of lines cost two elements. */
function Plain({ text, isNumbered }: { readonly text: string; readonly isNumbered: boolean }) {
  const numbers = useMemo(() => linesOf(text).map((_, i) => i + 1).join("\n"), [text]);
  return (
    <>
      {isNumbered && <Box as="pre" aria-hidden="true" color="fg.subtle" textAlign="end" paddingX="16px" userSelect="none" fontVariantNumeric="tabular-nums" fontFamily="inherit" position="sticky" left="0" bg="bg.panel">{numbers}</Box>}
      <Box as="pre" flex="1" paddingRight="16px" paddingLeft={isNumbered ? undefined : "16px"} fontFamily="inherit" data-testid="text">{text}</Box>
    </>
  );
}

/** Each line is an element: only so its number stands beside its beginning. Those out of sight are not laid out. */
function Wrapped({ text, isNumbered }: { readonly text: string; readonly isNumbered: boolean }) {
  const lines = useMemo(() => text.match(/[^\n]*\n|[^\n]+$/g) ?? [], [text]);
  const width = isNumbered ? `${String(lines.length).length + 4}ch` : "16px";
  return (
    <Box as="pre" flex="1" minWidth="0" paddingRight="16px" fontFamily="inherit" whiteSpace="pre-wrap" overflowWrap="anywhere" data-testid="text" css={{ counterReset: "line" }}>
      {lines.map((line, i) => (
        <Box
          as="span" key={i} display="block" paddingLeft={width} position="relative" contentVisibility="auto" containIntrinsicSize="auto 20px" css={{
            counterIncrement: "line",
            "&::before": { display: isNumbered ? "inline" : "none", content: "counter(line)", position: "absolute", left: "0", width: `calc(${width} - 16px)`, textAlign: "end", color: "fg.subtle", userSelect: "none" },
          }}
        >
          {line}
        </Box>
      ))}
    </Box>
  );
}

export function CodeText({ text }: { readonly text: string }) {
  const { size, tab, isWrapped, isNumbered, fonts } = useReading();
  return (
    <Flex fontFamily="mono" {...(fonts !== undefined ? { style: { fontFamily: fonts } } : {})} fontSize={`${size}px`} lineHeight={`${size + 7}px`} paddingY="12px" overflowX="auto" tabIndex={0} role="region" aria-label="Content" css={{ tabSize: tab }}>
      {isWrapped ? <Wrapped text={text} isNumbered={isNumbered} /> : <Plain text={text} isNumbered={isNumbered} />}
    </Flex>
  );
}
