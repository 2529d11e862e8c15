// Leaving a session takes its frame away, and with it what was typed and not saved. So a way out waits for the IDE's own
// saving (a second after the last key), and asks where saving cannot help. The browser's Back is not held: it is gone by then.
import { Box, Flex, Spinner, Text } from "@chakra-ui/react";
import { useContext, useEffect, useRef, useState } from "react";
import { type Navigator, UNSAFE_NavigationContext } from "react-router";
import type { Session } from "../../api/generated";
import { type Persistence, riskOfLeaving } from "../../lib/frame";
import { Confirm } from "../modal";

/** Longer than the IDE waits before it saves, and a round trip. */
const PATIENCE_MS = 2000;

interface Held {
  readonly go: () => void;
  readonly asks: boolean;
}

type To = Parameters<Navigator["push"]>[0];

function pathOf(to: To): string {
  return typeof to === "string" ? to : (to.pathname ?? "");
}

/** said: by the IDE; undefined when there is none that runs. */
export function LeaveGuard({ session, said }: { readonly session: Session; readonly said: Persistence | undefined }) {
  const { navigator } = useContext(UNSAFE_NavigationContext);
  const [held, setHeld] = useState<Held>();
  const risk = riskOfLeaving(said);
  const present = useRef(risk);
  present.current = risk;
  useEffect(() => {
    const push = navigator.push;
    navigator.push = (to, state, options) => {
      const go = (): void => push(to, state, options);
      if (pathOf(to).startsWith(`/sessions/${session.id}/`) || present.current === "none") go();
      else setHeld({ go, asks: present.current === "lost" });
    };
    return () => {
      navigator.push = push;
    };
  }, [navigator, session.id]);
  useEffect(() => {
    if (held === undefined || held.asks) return undefined;
    if (risk === "lost") setHeld({ ...held, asks: true });
    const timer = setTimeout(held.go, risk === "none" ? 0 : PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [held, risk]);
  if (held === undefined) return undefined;
  if (held.asks) {
    return (
      <Confirm
        title={`Leave “${session.name}”?`} text={`${said?.text ?? ""}. ${said?.detail ?? ""} What is typed and not saved is lost when you leave.`} action="Leave"
        onConfirm={held.go} onClose={() => setHeld(undefined)}
      />
    );
  }
  return (
    <Flex role="status" position="fixed" top="56px" insetInline="0" justify="center" zIndex="popover" pointerEvents="none">
      <Flex align="center" gap="10px" paddingX="14px" height="36px" bg="bg.panel" borderWidth="1px" borderRadius="full" boxShadow="lift">
        <Spinner size="xs" color="accent.fg" />
        <Box><Text fontSize="13px">Saving what you typed…</Text></Box>
      </Flex>
    </Flex>
  );
}
