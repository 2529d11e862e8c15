// A page for who is not logged in: a title, and one thing to do.
import { Box, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Logo, usePageTitle } from "./bits";

interface NarrowProps {
  readonly title: string;
  readonly lead?: string;
  readonly children: ReactNode;
}

export function Narrow({ title, lead, children }: NarrowProps) {
  usePageTitle(title);
  return (
    <Flex as="main" minHeight="100dvh" align={{ base: "flex-start", sm: "center" }} justify="center" padding="24px">
      <Box width="100%" maxWidth="400px" paddingTop={{ base: "32px", sm: "0" }} paddingBottom={{ base: "40px", sm: "8vh" }}>
        <Stack gap="32px">
          <Stack gap="20px">
            <Logo size={40} />
            <Stack gap="4px">
              <Heading as="h1" fontSize="24px" lineHeight="32px" fontWeight="600" letterSpacing="-0.02em">{title}</Heading>
              {lead !== undefined && <Text color="fg.muted">{lead}</Text>}
            </Stack>
          </Stack>
          {children}
        </Stack>
      </Box>
    </Flex>
  );
}
