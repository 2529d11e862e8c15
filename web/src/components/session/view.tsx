// What stands in the place of the IDE while there is none: one sentence, what to do, and the actions.
import { Box, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { type ReactNode, useEffect, useState } from "react";
import { type Look, looks } from "../bits";

interface ViewProps {
  readonly icon: ReactNode;
  readonly look?: Look;
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  readonly role?: "alert" | "status";
  readonly testId?: string;
}

export function View({ icon, look = "calm", title, children, actions, role = "status", testId }: ViewProps) {
  return (
    <Flex flex="1" align="center" justify="center" padding="24px" overflowY="auto" data-testid={testId}>
      <Stack role={role} align="center" textAlign="center" gap="16px" width="100%" maxWidth="440px" marginY="auto">
        <Flex boxSize="44px" borderRadius="l3" align="center" justify="center" {...looks[look]}>{icon}</Flex>
        <Stack gap="6px" align="center" width="100%">
          <Heading as="h2" textStyle="md" fontWeight="600" overflowWrap="anywhere">{title}</Heading>
          <Box color="fg.muted" width="100%" overflowWrap="anywhere">{children}</Box>
        </Stack>
        {actions !== undefined && <Flex gap="8px" wrap="wrap" justify="center">{actions}</Flex>}
      </Stack>
    </Flex>
  );
}

/** Whole seconds since the component came, or since key changed. */
export function useSeconds(key: string): number {
  const [since, setSince] = useState({ key, at: Date.now() });
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    setSince((before) => (before.key === key ? before : { key, at: Date.now() }));
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [key]);
  return since.key === key ? Math.max(0, Math.floor((now - since.at) / 1000)) : 0;
}

export function Elapsed({ seconds }: { readonly seconds: number }) {
  const text = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return <Text as="span" fontVariantNumeric="tabular-nums" color="fg.muted" fontSize="13px" aria-hidden="true">{text}</Text>;
}
