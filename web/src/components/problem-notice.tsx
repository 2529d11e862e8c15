// What happened, what to do, and the request id to copy.
import { Box, Button, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { Check, Copy, RotateCw, TriangleAlert } from "lucide-react";
import { type ReactNode, useState } from "react";
import { isAbout, problemOf } from "../lib/problem";

function CopyId({ id }: { readonly id: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(id);
    setCopied(true);
  };
  return (
    <Button size="xs" variant="ghost" color="fg.muted" fontFamily="mono" fontWeight="400" onClick={() => void copy()} aria-label={copied ? "Copied" : `Copy request id ${id}`}>
      {copied ? <Check size={12} /> : <Copy size={12} />}
      {copied ? "Copied" : id}
    </Button>
  );
}

interface NoticeProps {
  readonly error: unknown;
  readonly retry?: () => void;
  readonly action?: ReactNode;
}

/** In the place of what could not be shown. */
export function ProblemNotice({ error, retry, action }: NoticeProps) {
  const { title, advice, requestId } = problemOf(error);
  return (
    <Stack role="alert" align="center" gap="12px" paddingY="64px" paddingX="16px" textAlign="center">
      <Flex boxSize="40px" borderRadius="l3" bg="bad.subtle" color="bad.fg" align="center" justify="center">
        <TriangleAlert size={18} />
      </Flex>
      <Stack gap="4px">
        <Heading as="h2" textStyle="md" fontWeight="600">{title}</Heading>
        <Text color="fg.muted">{advice}</Text>
      </Stack>
      <Flex gap="8px">
        {retry !== undefined && (
          <Button size="sm" variant="outline" colorPalette="gray" onClick={retry}>
            <RotateCw size={14} /> Try again
          </Button>
        )}
        {action}
      </Flex>
      {requestId !== undefined && <CopyId id={requestId} />}
    </Stack>
  );
}

/** Below or in the place of a list of which not all could be read. */
export function ListProblem({ error, retry }: { readonly error: unknown; readonly retry: () => void }) {
  if (error === undefined) return undefined;
  return (
    <Flex role="alert" align="center" justify="space-between" wrap="wrap" gap="8px" padding="8px" fontSize="13px" color="bad.fg" bg="bad.subtle" borderRadius="l2">
      <Text fontSize="13px">Not all could be read. {problemOf(error).title}</Text>
      <Button size="xs" height="32px" variant="outline" colorPalette="gray" onClick={retry}><RotateCw size={14} />Try again</Button>
    </Flex>
  );
}

interface FormProblemProps {
  readonly error: unknown;
  /** Fields that say beside themselves what is wrong with them: a failure that is about these alone is not said twice. */
  readonly fields?: readonly string[];
}

/** Within a form. */
export function FormProblem({ error, fields = [] }: FormProblemProps) {
  if (error === null || error === undefined || isAbout(error, fields)) return undefined;
  const { title, advice, requestId } = problemOf(error);
  return (
    <Flex role="alert" gap="10px" padding="12px" bg="bad.subtle" borderRadius="l2" align="flex-start">
      <Flex color="bad.fg" paddingTop="2px" flexShrink="0"><TriangleAlert size={16} /></Flex>
      <Stack gap="2px" align="flex-start">
        <Text fontWeight="500" color="bad.fg">{title}</Text>
        <Text color="fg.muted">{advice}</Text>
        {requestId !== undefined && <Box marginStart="-10px"><CopyId id={requestId} /></Box>}
      </Stack>
    </Flex>
  );
}
