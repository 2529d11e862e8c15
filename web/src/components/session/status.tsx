// The truth about the session in the header: what is persisted, what keeps the workspace awake, when it will pause.
import { Box, Button, Popover, Portal, Stack, Text } from "@chakra-ui/react";
import { CircleAlert, CircleCheck, CirclePause, CirclePlay, CloudOff, LoaderCircle, type LucideIcon, TriangleAlert } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { Link } from "react-router";
import type { Session } from "../../api/generated";
import { formatClock, formatUntil } from "../../lib/format";
import { ideAddress } from "../../lib/paths";
import type { Persistence } from "../../lib/frame";
import { connectionLost, type Mood, phaseOf, type Status, statusOf, takesAPlace } from "../../lib/workspace";
import { type Look, looks, Turning } from "../bits";
import { useCloseOnBlur } from "./switcher";

const moods: Readonly<Record<Mood, readonly [Look, LucideIcon]>> = {
  good: ["good", CircleCheck],
  busy: ["warn", LoaderCircle],
  attention: ["warn", TriangleAlert],
  bad: ["bad", CircleAlert],
  calm: ["calm", CirclePause],
};

/** Within this time of its pause the header says so without being asked. */
const SOON_MS = 10 * 60_000;

function useNow(ms: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return now;
}

function checked(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  return seconds < 2 ? "Asked just now." : `Asked ${seconds} s ago.`;
}

function Line({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Box borderTopWidth="1px" paddingTop="12px">
      <Text fontSize="12px" fontWeight="500" color="fg.muted">{title}</Text>
      <Box marginTop="2px">{children}</Box>
    </Box>
  );
}

/** "browser, process make" as a person says it. */
function awakeWords(awake: string): readonly string[] {
  return awake.split(/,\s*/).map((one) => (one === "browser" ? "A page that shows it" : one.replace(/^process (.+)$/, "The program “$1”, which is at work")));
}

function Awake({ session, now }: { readonly session: Session; readonly now: number }) {
  const { awake, pauses_at: pausesAt } = session.workspace;
  if (awake !== undefined && awake !== "") return <Line title="What keeps it awake">{awakeWords(awake).map((one) => <Text key={one}>{one}</Text>)}</Line>;
  if (pausesAt === undefined) return undefined;
  return (
    <Line title="When it pauses">
      <Text>{formatUntil(pausesAt, now).replace(/^i/, "I")}, at {formatClock(pausesAt)}, unless it is used before. Everything is persisted first.</Text>
    </Line>
  );
}

interface StatusProps {
  readonly session: Session;
  readonly lost: boolean;
  /** When the server was last heard, in ms. */
  readonly heardAt: number;
  readonly onPause: () => void;
  /** By the IDE on this page. */
  readonly said: Persistence | undefined;
}

interface DetailsProps extends StatusProps {
  readonly status: Status;
  readonly onClose: () => void;
}

function Details({ session, status, heardAt, onPause, lost, said, onClose }: DetailsProps) {
  const now = useNow(1000);
  const { message } = session.workspace;
  const isRunning = phaseOf(session) === "running";
  return (
    <Stack gap="12px">
      <Box>
        <Text fontWeight="600">{status.word}</Text>
        <Text color="fg.muted" marginTop="2px">{status.detail}</Text>
        {!lost && message !== undefined && message !== "" && message !== status.detail && <Text marginTop="6px">{message}</Text>}
        <Text color="fg.muted" fontSize="12px" marginTop="6px" fontVariantNumeric="tabular-nums">{isRunning && !lost && said !== undefined ? "As the IDE on this page says, live." : checked(heardAt, now)}</Text>
      </Box>
      {isRunning && !lost && <Awake session={session} now={now} />}
      {["failed", "paused", "stopped"].includes(phaseOf(session)) && (
        <Button size="sm" asChild><Link to={ideAddress(session.id)} state={{ open: true }} onClick={onClose}><CirclePlay size={15} />Open</Link></Button>
      )}
      {takesAPlace(session) && <Button size="sm" variant="outline" colorPalette="gray" onClick={onPause} disabled={lost}><CirclePause size={15} />Pause session</Button>}
    </Stack>
  );
}

function PausesSoon({ session }: { readonly session: Session }) {
  const now = useNow(15_000);
  const { pauses_at: pausesAt, awake } = session.workspace;
  if (phaseOf(session) !== "running" || pausesAt === undefined || (awake !== undefined && awake !== "")) return undefined;
  if (Date.parse(pausesAt) - now > SOON_MS) return undefined;
  return <Text fontSize="13px" color="warn.fg" whiteSpace="nowrap" display={{ base: "none", lg: "block" }} title={formatClock(pausesAt)} data-testid="pauses-soon">Pauses {formatUntil(pausesAt, now)}</Text>;
}

export function StatusButton(props: StatusProps) {
  const { session, lost, onPause, said } = props;
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  useCloseOnBlur(isOpen, close);
  const status = lost ? connectionLost : statusOf(session, said);
  const [look, MoodIcon] = moods[status.mood];
  const Icon = lost ? CloudOff : MoodIcon;
  return (
    <>
      <PausesSoon session={session} />
      <Popover.Root lazyMount unmountOnExit open={isOpen} onOpenChange={({ open }) => setOpen(open)} positioning={{ placement: "bottom-end", gutter: 12 }}>
        <Popover.Trigger asChild>
          <Button variant="ghost" colorPalette="gray" size="xs" height="28px" borderRadius="full" paddingX="10px" gap="6px" {...looks[look]} data-testid="persistence" data-phase={phaseOf(session)} aria-label={`State: ${status.word}`}>
            <Turning on={Icon === LoaderCircle}><Icon size={13} /></Turning>
            <Text as="span" fontSize="12px" display={{ base: "none", md: "inline" }} aria-live="polite">{status.word}</Text>
          </Button>
        </Popover.Trigger>
        <Portal>
          <Popover.Positioner>
            <Popover.Content bg="bg.panel" borderWidth="1px" borderRadius="l3" boxShadow="lift" width="min(340px, calc(100vw - 24px))" padding="16px" aria-label="State of the session">
              <Details {...props} status={status} onClose={close} onPause={() => { close(); onPause(); }} />
            </Popover.Content>
          </Popover.Positioner>
        </Portal>
      </Popover.Root>
    </>
  );
}
