// From a click to the IDE: the steps, how far the present one is, and what takes its time.
import { Box, Button, Flex, Heading, Progress, Spinner, Stack, Text } from "@chakra-ui/react";
import { Check, Circle, FolderOpen, X } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Session } from "../../api/generated";
import { fileAddress } from "../../lib/paths";
import { phaseOf, shareDone, stageOf, type Stage } from "../../lib/workspace";
import { Elapsed, useSeconds } from "./view";

const stages = [
  { stage: "starting", title: "Start the workspace", why: "Its sandbox, tools and network are set up. This takes a few seconds." },
  { stage: "restoring", title: "Bring your files back", why: "They are copied to the workspace’s own disk, so that everything there is fast. More files take longer." },
  { stage: "loading", title: "Load the IDE", why: "The first time in a browser takes longest; after that most of it is already here." },
] as const;

/** Without a change for this long, something may be wrong. */
const STALLED_S = 60;

function StageIcon({ state }: { readonly state: "done" | "now" | "later" }) {
  if (state === "done") return <Box color="good.fg"><Check size={16} aria-label="Done" /></Box>;
  if (state === "now") return <Spinner size="xs" color="accent.fg" borderWidth="2px" />;
  return <Box color="border.emphasized"><Circle size={14} /></Box>;
}

function amount({ done = 0, total }: Session["workspace"]): string {
  return total === undefined || total <= 0 ? "" : `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
}

function Bar({ session }: { readonly session: Session }) {
  const share = shareDone(session.workspace);
  return (
    <Progress.Root value={share === undefined ? null : Math.round(100 * share)} size="xs" marginTop="10px" aria-label="Progress" data-testid="progress">
      <Progress.Track bg="bg.emphasized" borderRadius="full"><Progress.Range bg="accent.solid" borderRadius="full" /></Progress.Track>
    </Progress.Root>
  );
}

function Now({ session, stage, why }: { readonly session: Session; readonly stage: Stage; readonly why: string }) {
  const { step } = session.workspace;
  // While it runs, what loads is the page, and the server's last step is over.
  const isServers = phaseOf(session) !== "running";
  const howFar = stage === "restoring" ? amount(session.workspace) : "";
  return (
    <Box paddingTop="2px">
      <Text color="fg.muted" fontSize="13px">{why}</Text>
      {isServers && (step !== undefined || howFar !== "") && (
        <Flex fontSize="13px" marginTop="8px" gap="12px" fontVariantNumeric="tabular-nums" data-testid="step">
          <Text fontSize="13px" truncate flex="1">{step}</Text>
          <Text fontSize="13px" whiteSpace="nowrap">{howFar}</Text>
        </Flex>
      )}
      {stage === "restoring" && <Bar session={session} />}
    </Box>
  );
}

interface StartUpProps {
  readonly session: Session;
  /** The page does not reach the server. */
  readonly lost: boolean;
  /** It ran a moment ago, and nobody asked for its end. */
  readonly isAgain?: boolean;
  readonly onCancel: () => void;
  /** What helps when nothing moves for long. */
  readonly stalled: ReactNode;
}

export function StartUp({ session, lost, isAgain = false, onCancel, stalled }: StartUpProps) {
  const stage = stageOf(session);
  const at = stages.findIndex((one) => one.stage === stage);
  const { step, done, total } = session.workspace;
  const seconds = useSeconds(stage);
  const still = useSeconds(`${stage} ${step} ${done} ${total}`);
  return (
    <Flex flex="1" align="center" justify="center" padding="24px" overflowY="auto" data-testid="startup" data-stage={stage}>
      <Stack gap="20px" width="100%" maxWidth="440px" marginY="auto">
        <Box>
          <Heading as="h2" fontSize="18px" lineHeight="28px" fontWeight="600" letterSpacing="-0.01em" overflowWrap="anywhere">{isAgain ? "Starting" : "Opening"} “{session.name}”{isAgain && " again"}</Heading>
          {isAgain && <Text color="fg.muted" marginTop="4px">The workspace ended by itself and is started again. What you typed is kept in this page.</Text>}
        </Box>
        <Stack as="ol" gap="16px" aria-label="Steps">
          {stages.map((one, i) => {
            const state = i < at ? "done" : i === at ? "now" : "later";
            return (
              <Flex as="li" key={one.stage} gap="12px" listStyleType="none" aria-current={state === "now" ? "step" : undefined}>
                <Flex width="16px" height="20px" align="center" justify="center" flexShrink="0"><StageIcon state={state} /></Flex>
                <Box flex="1" minWidth="0">
                  <Flex justify="space-between" gap="12px">
                    <Text fontWeight={state === "now" ? "600" : "400"} color={state === "later" ? "fg.muted" : "fg"} role={state === "now" ? "status" : undefined}>{one.title}</Text>
                    {state === "now" && <Elapsed seconds={seconds} />}
                  </Flex>
                  {state === "now" && <Now session={session} stage={stage} why={one.why} />}
                </Box>
              </Flex>
            );
          })}
        </Stack>
        {lost && <Text role="alert" color="bad.fg">The server cannot be reached just now. This page asks again every few seconds.</Text>}
        {!lost && still >= STALLED_S && <Stack role="alert" gap="10px" padding="12px" bg="warn.subtle" borderRadius="l2" align="flex-start">{stalled}</Stack>}
        <Flex gap="8px">
          <Button size="sm" variant="outline" colorPalette="gray" onClick={onCancel}><X size={14} />Cancel</Button>
          <Button size="sm" variant="ghost" colorPalette="gray" color="fg.muted" asChild><Link to={fileAddress(session.id, "")}><FolderOpen size={14} />Files meanwhile</Link></Button>
        </Flex>
      </Stack>
    </Flex>
  );
}
