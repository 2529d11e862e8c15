// What takes an IDE away waits for the IDE's own saving (a second after the last key), and asks where saving cannot help. Going
// elsewhere in the app costs nothing, by the browser's Back neither: IDEs stay. Leaving the app is held by the browser's own question.
import { Flex, Spinner, Text } from "@chakra-ui/react";
import { useEffect, useRef } from "react";
import type { Risk } from "../lib/frame";
import { askToLeave, isDownloading, type Leaving, useLeaving } from "../stores/leaving";
import { type OpenSession, useOpen } from "../stores/open";
import { useUploads } from "../stores/uploads";
import { Confirm } from "./modal";
import { sayProblem } from "./toaster";

/** Longer than the IDE waits before it saves, and a round trip. */
const PATIENCE_MS = 2000;

function worst(sessions: readonly OpenSession[]): Risk {
  const risks = sessions.map(({ risk }) => risk);
  return risks.includes("lost") ? "lost" : risks.includes("soon") ? "soon" : "none";
}

function isUploading(): boolean {
  return useUploads.getState().uploads.some(({ state }) => state === "waiting" || state === "sending");
}

/** The browser asks before the page goes, when something would go with it. */
function useUnload(): void {
  useEffect(() => {
    const hold = (event: BeforeUnloadEvent): void => {
      if (!isDownloading() && (worst(useOpen.getState().sessions) !== "none" || isUploading())) event.preventDefault();
    };
    globalThis.addEventListener("beforeunload", hold);
    return () => globalThis.removeEventListener("beforeunload", hold);
  }, []);
}

function run({ go }: Leaving): void {
  askToLeave(undefined);
  Promise.resolve(go()).catch(sayProblem);
}

function Guard({ asked }: { readonly asked: Leaving }) {
  const all = useOpen(({ sessions }) => sessions);
  const sessions = all.filter(({ id }) => asked.ids === "all" || asked.ids.includes(id));
  const risk = worst(sessions);
  // Whoever was asked once is not sent off by a word that changes meanwhile.
  const wasAsked = useRef(false);
  wasAsked.current ||= risk === "lost";
  const asks = wasAsked.current;
  useEffect(() => {
    if (asks) return undefined;
    const timer = setTimeout(() => run(asked), risk === "none" ? 0 : PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [asked, asks, risk]);
  if (asks) {
    const said = sessions.find((one) => one.risk === "lost")?.said;
    return (
      <Confirm
        title={asked.title} text={`${said === undefined ? "" : `${said.text}. ${said.detail} `}What is typed and not saved is lost.`} action={asked.action}
        onConfirm={() => run(asked)} onClose={() => askToLeave(undefined)}
      />
    );
  }
  if (risk === "none") return undefined;
  return (
    <Flex role="status" position="fixed" top="56px" insetInline="0" justify="center" zIndex="popover" pointerEvents="none">
      <Flex align="center" gap="10px" paddingX="14px" height="36px" bg="bg.panel" borderWidth="1px" borderRadius="full" boxShadow="lift">
        <Spinner size="xs" color="accent.fg" />
        <Text fontSize="13px">Saving what you typed…</Text>
      </Flex>
    </Flex>
  );
}

export function LeaveGuard() {
  useUnload();
  const asked = useLeaving((leaving) => leaving.asked);
  return asked === undefined ? undefined : <Guard key={asked.title} asked={asked} />;
}
