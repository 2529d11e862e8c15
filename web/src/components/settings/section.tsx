// A part of a settings page: what it is about, and what can be done there.
import { Heading, Stack, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Panel } from "../bits";

interface SectionProps {
  readonly title: string;
  readonly text?: string;
  readonly children: ReactNode;
}

export function Section({ title, text, children }: SectionProps) {
  return (
    <Panel>
      <Stack as="section" gap="20px" padding={{ base: "16px", md: "24px" }} aria-label={title}>
        <Stack gap="2px">
          <Heading as="h2" fontSize="16px" fontWeight="600">{title}</Heading>
          {text !== undefined && <Text color="fg.muted">{text}</Text>}
        </Stack>
        {children}
      </Stack>
    </Panel>
  );
}
