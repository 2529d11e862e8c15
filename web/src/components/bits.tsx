// Small things that every page uses.
import { Box, Field, Flex, Heading, Input, Link as ChakraLink, Skeleton, Stack, Text } from "@chakra-ui/react";
import { Circle, CircleAlert, CirclePause, CirclePlay, LoaderCircle } from "lucide-react";
import { type ComponentProps, type ReactNode, useEffect, useState } from "react";
import { Link } from "react-router";
import type { Session } from "../api/generated";
import { formatAgo, formatExact } from "../lib/format";

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

interface EmptyProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly text: string;
  readonly children?: ReactNode;
}

export function Empty({ icon, title, text, children }: EmptyProps) {
  return (
    <Stack align="center" textAlign="center" gap="16px" paddingY="72px" paddingX="24px">
      <Flex boxSize="44px" borderRadius="l3" borderWidth="1px" bg="bg.panel" color="fg.muted" align="center" justify="center" boxShadow="card">
        {icon}
      </Flex>
      <Stack gap="4px">
        <Heading as="h2" textStyle="md" fontWeight="600">{title}</Heading>
        <Text color="fg.muted" maxWidth="360px">{text}</Text>
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

const looks = {
  good: { color: "good.fg", bg: "good.subtle" },
  warn: { color: "warn.fg", bg: "warn.subtle" },
  bad: { color: "bad.fg", bg: "bad.subtle" },
  calm: { color: "fg.muted", bg: "bg.muted" },
} as const;

function stateOf({ status, workspace }: Session): { look: keyof typeof looks; word: string; icon: ReactNode } {
  if (status === "deleted") return { look: "calm", word: "Deleted", icon: <Circle size={12} /> };
  if (workspace.state === "failed") return { look: "bad", word: "Failed", icon: <CircleAlert size={12} /> };
  if (workspace.state === "running") return { look: "good", word: "Running", icon: <CirclePlay size={12} /> };
  if (workspace.state === "stopping") return { look: "warn", word: "Pausing", icon: <LoaderCircle size={12} /> };
  if (workspace.state === "starting" || workspace.state === "restoring") {
    return { look: "warn", word: "Starting", icon: <LoaderCircle size={12} /> };
  }
  if (status === "paused") return { look: "calm", word: "Paused", icon: <CirclePause size={12} /> };
  return { look: "calm", word: "Ready", icon: <Circle size={12} /> };
}

export function SessionState({ session }: { readonly session: Session }) {
  const { look, word, icon } = stateOf(session);
  return (
    <Flex
      as="span" display="inline-flex" align="center" gap="5px" height="22px" paddingX="8px" borderRadius="full"
      fontSize="12px" fontWeight="500" whiteSpace="nowrap" title={session.workspace.error} {...looks[look]}
    >
      {icon}
      {word}
    </Flex>
  );
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
  readonly maxLength?: number;
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
        size="md" bg="bg.panel" borderColor="border.emphasized" fontSize={{ base: "16px", sm: "14px" }}
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
