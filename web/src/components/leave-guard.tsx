// What takes an IDE away waits for the IDE's own saving (a second after the last key), and asks where saving cannot help; so does
// logging out with the light editor's, which takes its unsaved texts away. Going elsewhere in the app costs nothing, by the browser's
// Back neither: IDEs and texts stay. Leaving the app is held by the browser's own question.
import { Flex, Spinner, Text } from "@chakra-ui/react";
import { useEffect, useRef, useState } from "react";
import type { Risk } from "../lib/frame";
import { baseName } from "../lib/paths";
import { useAuth } from "../stores/auth";
import { askToLeave, isDownloading, type Leaving, useLeaving } from "../stores/leaving";
import { useOpen } from "../stores/open";
import { useUnsaved } from "../stores/unsaved";
import { useUploads } from "../stores/uploads";
import { Confirm } from "./modal";
import { sayProblem } from "./toaster";

/** Longer than the IDE waits before it saves, and a round trip. */
const PATIENCE_MS = 2000;

function worst(risks: readonly Risk[]): Risk {
  return risks.includes("lost") ? "lost" : risks.includes("soon") ? "soon" : "none";
}

function isUploading(): boolean {
  return useUploads.getState().uploads.some(({ state }) => state === "waiting" || state === "sending");
}

const isIn = (): boolean => useAuth.getState().state.status === "in";

/** Whether something goes with the page. Of what was typed also once a login has ended: it is saved after the next. */
function isHeld(): boolean {
  const ides = isIn() ? useOpen.getState().sessions.map(({ risk }) => risk) : [];
  return worst([...ides, ...Object.values(useUnsaved.getState())]) !== "none" || isUploading();
}

// The browser asks before the page goes.
globalThis.addEventListener("beforeunload", (event) => {
  if (!isDownloading() && isHeld()) event.preventDefault();
});

function run({ go }: Leaving): void {
  askToLeave(undefined);
  Promise.resolve(go()).catch(sayProblem);
}

function Guard({ asked }: { readonly asked: Leaving }) {
  const all = useOpen(({ sessions }) => sessions);
  const texts = useUnsaved();
  const sessions = all.filter(({ id }) => asked.ids === "all" || asked.ids.includes(id));
  const unsaved = asked.ids === "all" ? Object.entries(texts).filter(([, one]) => one !== "none") : [];
  const risk = worst([...sessions.map((one) => one.risk), ...unsaved.map(([, one]) => one)]);
  const isTyped = unsaved.length > 0;
  const [isLate, setLate] = useState(false);
  // Whoever was asked once is not sent off by a word that changes meanwhile.
  const wasAsked = useRef(false);
  wasAsked.current ||= risk === "lost" || isLate;
  const asks = wasAsked.current;
  useEffect(() => {
    if (asks) return undefined;
    const timer = setTimeout(() => (isTyped ? setLate(true) : run(asked)), risk === "none" ? 0 : PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [asked, asks, risk, isTyped]);
  if (asks) {
    const said = sessions.find((one) => one.risk === "lost")?.said;
    const words = [said && `${said.text}. ${said.detail}`, isTyped && `Not saved: ${unsaved.map(([key]) => baseName(key)).join(", ")}.`, "What is typed and not saved is lost."];
    return (
      <Confirm
        title={asked.title} text={words.filter(Boolean).join(" ")} action={asked.action}
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
  const asked = useLeaving((leaving) => leaving.asked);
  return asked === undefined ? undefined : <Guard key={asked.title} asked={asked} />;
}
