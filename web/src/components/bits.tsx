// Small things that every page uses.
import { Box, Field, Flex, Heading, Input, Link as ChakraLink, Skeleton, Stack, Text } from "@chakra-ui/react";
import { Circle, CircleAlert, CirclePause, CirclePlay, CircleStop, LoaderCircle, type LucideIcon } from "lucide-react";
import { type ComponentProps, type ReactNode, useEffect, useState } from "react";
import { Link } from "react-router";
import type { Session } from "../api/generated";
import { formatAgo, formatCount, formatExact, formatSize } from "../lib/format";
import { cloningOf, type Phase, phaseOf, phaseWords } from "../lib/workspace";

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Coditect`;
  }, [title]);
}

export function Logo({ size = 24 }: { readonly size?: number }) {
  return <img src="/icon.svg" width={size} height={size} alt="" />;
}

/** True after a moment: what is there at once shows no skeleton. */
function useLate(ms: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return late;
}

export function ListSkeleton({ rows = 5 }: { readonly rows?: number }) {
  const late = useLate(150);
  return (
    <Stack gap="0" aria-busy="true" aria-label="Loading" role="status" visibility={late ? "visible" : "hidden"}>
      {Array.from({ length: rows }, (_, i) => (
        <Flex key={i} height="40px" align="center" paddingX="16px" gap="16px">
          <Skeleton height="12px" width={`${30 + ((i * 17) % 25)}%`} />
          <Skeleton height="12px" width="12%" marginLeft="auto" />
        </Flex>
      ))}
    </Stack>
  );
}

/** In the place of a form, about as high as it will be. */
export function FormSkeleton({ fields }: { readonly fields: number }) {
  const late = useLate(150);
  return (
    <Stack gap="20px" aria-busy="true" aria-label="Loading" role="status" visibility={late ? "visible" : "hidden"}>
      {Array.from({ length: fields }, (_, i) => <Stack key={i} gap="10px"><Skeleton height="12px" width="72px" /><Skeleton height="40px" /></Stack>)}
      <Skeleton height="40px" width="120px" />
    </Stack>
  );
}

interface EmptyProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly text: string;
  /** Of a section that has a heading of its own, not all of a page. */
  readonly isPart?: boolean;
  readonly children?: ReactNode;
}

export function Empty({ icon, title, text, isPart = false, children }: EmptyProps) {
  return (
    <Stack align="center" textAlign="center" gap="16px" paddingY={isPart ? "24px" : "72px"} paddingX="24px">
      <Flex boxSize="44px" borderRadius="l3" borderWidth="1px" bg="bg.panel" color="fg.muted" align="center" justify="center" boxShadow="card">
        {icon}
      </Flex>
      <Stack gap="4px">
        <Heading as="h2" textStyle="md" fontWeight="600">{title}</Heading>
        <Text color="fg.muted" maxWidth="360px" textWrap="balance">{text}</Text>
      </Stack>
      {children}
    </Stack>
  );
}

/** Relative, with the exact time on hover; counts on by itself. */
export function Ago({ time }: { readonly time: string }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return <time dateTime={time} title={formatExact(time)}>{formatAgo(time, Math.max(now, Date.parse(time)))}</time>;
}

export type Look = "good" | "warn" | "bad" | "calm";

export const looks = {
  good: { color: "good.fg", bg: "good.subtle" },
  warn: { color: "warn.fg", bg: "warn.subtle" },
  bad: { color: "bad.fg", bg: "bad.subtle" },
  calm: { color: "fg.muted", bg: "bg.muted" },
} as const satisfies Record<Look, object>;

const phaseLooks: Readonly<Record<Phase, readonly [Look, LucideIcon]>> = {
  deleted: ["calm", Circle],
  failed: ["bad", CircleAlert],
  forking: ["warn", LoaderCircle],
  paused: ["calm", CirclePause],
  pausing: ["warn", LoaderCircle],
  restoring: ["warn", LoaderCircle],
  running: ["good", CirclePlay],
  starting: ["warn", LoaderCircle],
  stopped: ["calm", CircleStop],
};

/** Something is under way. */
export function Turning({ on, children }: { readonly on: boolean; readonly children: ReactNode }) {
  return on ? <Box as="span" display="inline-flex" animation="spin 1.2s linear infinite">{children}</Box> : children;
}

export function SessionState({ session }: { readonly session: Session }) {
  const phase = phaseOf(session);
  const isCloned = cloningOf(session) === "now";
  const [look, Icon] = isCloned ? phaseLooks.restoring : phaseLooks[phase];
  return (
    <Flex
      as="span" display="inline-flex" align="center" gap="5px" height="22px" paddingX="8px" borderRadius="full" flexShrink="0"
      fontSize="12px" fontWeight="500" whiteSpace="nowrap" title={session.workspace.error} {...looks[look]}
    >
      <Turning on={Icon === LoaderCircle}><Icon size={12} /></Turning>
      {isCloned ? "Cloning" : phaseWords[phase]}
    </Flex>
  );
}

/** Files and size, in words. */
export function factsOf(session: Session): string {
  const { files, bytes } = session;
  if (files === 0 && !["failed", undefined].includes(cloningOf(session))) return "Not cloned yet";
  return files === 0 ? "Empty" : `${formatCount(files, "item")}, ${formatSize(bytes)}`;
}

type TextInput = ComponentProps<typeof Input>;

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly problem?: string | undefined;
  readonly hint?: string;
  readonly type?: string;
  readonly name?: string;
  readonly autoComplete?: string;
  readonly autoFocus?: boolean;
  readonly required?: boolean;
  readonly readOnly?: boolean;
  readonly inputRef?: TextInput["ref"];
}

export function TextField({ label, problem, hint, onValue, inputRef, required, ...input }: TextFieldProps) {
  return (
    <Field.Root invalid={problem !== undefined}>
      <Field.Label textStyle="sm" fontWeight="500">{label}</Field.Label>
      <Input
        {...input}
        {...(inputRef !== undefined ? { ref: inputRef } : {})}
        aria-required={required}
        onChange={(event) => onValue(event.currentTarget.value)}
        size="md" bg="bg.panel" borderColor="border.emphasized" _invalid={{ borderColor: "bad.fg" }} fontSize={{ base: "16px", sm: "14px" }}
      />
      {problem !== undefined ? (
        <Field.ErrorText color="bad.fg" fontSize="13px">{problem}</Field.ErrorText>
      ) : (
        hint !== undefined && <Field.HelperText color="fg.muted" fontSize="13px">{hint}</Field.HelperText>
      )}
    </Field.Root>
  );
}

export function TextLink({ to, children }: { readonly to: string; readonly children: ReactNode }) {
  return <ChakraLink asChild color="accent.fg" fontWeight="500" textDecoration="underline" textUnderlineOffset="3px"><Link to={to}>{children}</Link></ChakraLink>;
}

export function Panel({ children }: { readonly children: ReactNode }) {
  return <Box bg="bg.panel" borderWidth="1px" borderRadius="l3" boxShadow="card" overflow="hidden">{children}</Box>;
}
