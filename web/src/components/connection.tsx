// What a person sees of the connection to the server: a bar while it is lost, a word when it is back, and a whole page when
// nothing could be loaded yet.
import { Box, Button, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { CloudOff, RotateCw } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { queryClient } from "../api/queries";
import { look, useConnection } from "../stores/connection";
import { Logo } from "./bits";
import { say } from "./toaster";

function useSecondsLeft(until: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [until]);
  return Math.max(0, Math.ceil((until - now) / 1000));
}

function Next() {
  const seconds = useSecondsLeft(useConnection(({ nextAt }) => nextAt));
  // Not read out: it changes each second.
  return <span aria-hidden="true">{seconds === 0 ? "Trying now…" : `Trying again in ${seconds} s.`}</span>;
}

/** All that is shown is asked for again once the server is back. */
export function useReconnection(): void {
  const isLost = useConnection((connection) => connection.isLost);
  const wasLost = useRef(false);
  useEffect(() => {
    if (wasLost.current && !isLost) {
      void queryClient.invalidateQueries();
      say("The server is back");
    }
    wasLost.current = isLost;
  }, [isLost]);
}

/** Over every page while the server is away. */
export function LostBar() {
  const isLost = useConnection((connection) => connection.isLost);
  if (!isLost) return undefined;
  return (
    <Flex role="alert" align="center" gap="12px" paddingX="16px" minHeight="44px" paddingY="8px" bg="bad.subtle" borderBottomWidth="1px" flexShrink="0" data-testid="lost">
      <Box color="bad.fg" flexShrink="0"><CloudOff size={15} /></Box>
      <Text flex="1" fontSize="13px"><Text as="span" fontWeight="600" color="bad.fg" fontSize="13px">The server cannot be reached.</Text> What you type stays in this page. <Next /></Text>
      <Button size="xs" variant="outline" colorPalette="gray" onClick={look}>Try now</Button>
    </Flex>
  );
}

/** Before anything else could be shown. */
export function Unreachable() {
  return (
    <Flex as="main" flex="1" minHeight="100dvh" align="center" justify="center" padding="24px" data-testid="unreachable">
      <Stack role="alert" align="center" textAlign="center" gap="20px" maxWidth="400px">
        <Logo size={40} />
        <Stack gap="6px">
          <Heading as="h1" fontSize="20px" lineHeight="28px" fontWeight="600" letterSpacing="-0.01em">The server cannot be reached</Heading>
          <Text color="fg.muted">Check your connection. This page goes on by itself as soon as the server answers; what you saved is kept there. <Next /></Text>
        </Stack>
        <Button size="sm" variant="outline" colorPalette="gray" onClick={look}><RotateCw size={14} />Try now</Button>
      </Stack>
    </Flex>
  );
}
