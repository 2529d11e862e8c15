// Above a session's page, while the repository that it begins with is not there: how far it is, or why it was not cloned. And
// what there is to say once it is there, until it is taken away.
import { Box, Button, CloseButton, Flex, Progress, Spinner, Text } from "@chakra-ui/react";
import { GitBranch, RotateCw, TriangleAlert } from "lucide-react";
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import type { Session, SessionSource } from "../../api/generated";
import { refreshFiles, useSessionChange } from "../../api/queries";
import { ideAddress } from "../../lib/paths";
import { cloningOf, cloningWords, wordOfSource } from "../../lib/workspace";
import { api } from "../../stores/auth";
import { noteHeard, useHeard } from "../../stores/heard";
import { say, sayProblem } from "../toaster";
import type { ViewName } from "./place";
import { useShown } from "./tools";

/** What was cloned while somebody looked is said, and shown at once. */
function useArrival({ id }: Session, { state, folder }: SessionSource): void {
  const before = useRef(state);
  useEffect(() => {
    if (state === "done" && before.current !== "done") {
      refreshFiles(id);
      say(`The repository is here, in “${folder ?? ""}”`);
    }
    before.current = state;
  }, [id, state, folder]);
}

function Bar({ session, source, view }: { readonly session: Session; readonly source: SessionSource; readonly view: ViewName }) {
  useArrival(session, source);
  const again = useSessionChange(() => api.sessionsClone({ sessionId: session.id }));
  const isHeard = useHeard(({ ids }) => ids.includes(session.id));
  const cloning = cloningOf(session);
  const word = isHeard ? undefined : wordOfSource(session);
  if (cloning === undefined && word === undefined) return undefined;
  const isFailed = cloning === "failed";
  const isAtWork = cloning === "soon" || cloning === "now";
  return (
    <Box flexShrink="0" borderBottomWidth="1px" bg={isFailed ? "bad.subtle" : "bg.subtle"} role={isFailed ? "alert" : "status"} data-testid="source" data-cloning={cloning ?? "done"}>
      <Flex align="center" gap="12px" paddingX={{ base: "12px", md: "16px" }} paddingY="8px" minHeight="48px">
        <Flex width="16px" justify="center" flexShrink="0" color={isFailed ? "bad.fg" : "fg.muted"}>
          {isFailed ? <TriangleAlert size={16} /> : isAtWork ? <Spinner size="xs" color="accent.fg" borderWidth="2px" /> : <GitBranch size={15} />}
        </Flex>
        <Box flex="1" minWidth="0" fontSize="13px">
          <Text fontSize="13px" fontWeight="500" color={isFailed ? "bad.fg" : "fg"}>{cloningWords(session)}</Text>
          <Text fontSize="13px" color="fg.muted" overflowWrap="anywhere" lineClamp={3}>{(isFailed ? source.message : word) ?? source.url}</Text>
        </Box>
        {isFailed && <Button size="xs" height="32px" variant="outline" colorPalette="gray" bg="bg.panel" loading={again.isPending} onClick={() => again.mutate(undefined, { onError: sayProblem })}><RotateCw size={13} />Try again</Button>}
        {word !== undefined && <CloseButton size="xs" color="fg.muted" aria-label="Take this away" onClick={() => noteHeard(session.id)} />}
        {cloning === "waits" && view !== "ide" && <Button size="xs" height="32px" variant="outline" colorPalette="gray" bg="bg.panel" asChild><Link to={ideAddress(session.id)} state={{ open: true }}>Open</Link></Button>}
      </Flex>
      {isAtWork && (
        <Progress.Root value={cloning === "now" ? source.percent ?? null : null} size="xs" aria-label="Cloning" borderRadius="0">
          <Progress.Track bg="bg.emphasized" height="2px"><Progress.Range bg="accent.solid" /></Progress.Track>
        </Progress.Root>
      )}
    </Box>
  );
}

export function SourceBar() {
  const shown = useShown();
  if (shown === undefined) return undefined;
  const { session, view } = shown;
  return session.source === undefined ? undefined : <Bar key={session.id} session={session} source={session.source} view={view} />;
}
