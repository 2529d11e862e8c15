// A folder, or the whole session, back to a moment. It is one change of its own, so that it can be undone: by going back to the
// moment before it.
import { Button, Stack, Text } from "@chakra-ui/react";
import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { refreshFiles } from "../../api/queries";
import { formatCount, formatExact } from "../../lib/format";
import { newKey } from "../../lib/key";
import { baseName } from "../../lib/paths";
import { api } from "../../stores/auth";
import { Modal } from "../modal";
import { FormProblem } from "../problem-notice";
import { useSending } from "../sending";
import { say, sayProblem } from "../toaster";

/** Asks until all of it is done, which may take several calls; resolves to how many items changed. */
async function rewind(sessionId: string, path: string, at: number, tell: (changed: number) => void): Promise<number> {
  const idempotencyKey = newKey();
  for (;;) {
    const { done, changed } = await api.filesRewind({ sessionId, idempotencyKey, body: { at, ...(path !== "" ? { path } : {}) } });
    if (done) return changed;
    tell(changed);
  }
}

async function undo(sessionId: string, path: string, before: number): Promise<void> {
  try {
    await rewind(sessionId, path, before, () => undefined);
    say("It is as it was before");
  } catch (error) {
    sayProblem(error);
  }
  refreshFiles(sessionId);
}

interface RewindProps {
  readonly sessionId: string;
  /** "" is the whole session. */
  readonly path: string;
  readonly moment: { readonly version: number; readonly at: string };
  readonly onDone: () => void;
}

function Dialog({ sessionId, path, moment, onDone, onClose }: RewindProps & { readonly onClose: () => void }) {
  const [changed, setChanged] = useState<number>();
  const { busy, error, send } = useSending();
  const what = path === "" ? "Everything" : `“${baseName(path)}”`;
  const restore = () => send(async () => {
    const before = (await api.filesChanges({ sessionId, limit: 1 })).data[0]?.version;
    const count = await rewind(sessionId, path, moment.version, setChanged);
    refreshFiles(sessionId);
    onClose();
    if (count === 0 || before === undefined) return say(`${what} is as it was then already`);
    say(`${what} is as it was then: ${formatCount(count, "item")} changed`, () => void undo(sessionId, path, before));
    onDone();
  });
  return (
    <Modal title={`Restore ${path === "" ? "everything" : what}?`} onClose={onClose}>
      <Stack gap="16px">
        <FormProblem error={error} />
        <Text color="fg.muted" overflowWrap="anywhere">
          {path === "" ? "All files of the session become" : "All that is in this folder becomes"} what they were on {formatExact(moment.at)}. What was changed since stays in the history, and you can undo this.
        </Text>
        {changed !== undefined && <Text role="status" fontVariantNumeric="tabular-nums">{formatCount(changed, "item")} changed so far. It goes on when this page is closed, too.</Text>}
        <Stack direction="row" justify="flex-end" gap="8px">
          <Button size="sm" variant="ghost" colorPalette="gray" onClick={onClose}>{busy ? "Close" : "Cancel"}</Button>
          <Button size="sm" loading={busy} loadingText="Restoring" onClick={() => void restore()}>Restore</Button>
        </Stack>
      </Stack>
    </Modal>
  );
}

export function RewindButton(props: RewindProps) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button size="xs" height="32px" onClick={() => setAsking(true)}><RotateCcw size={14} />{props.path === "" ? "Restore everything" : "Restore this folder"}</Button>
      {asking && <Dialog {...props} onClose={() => setAsking(false)} />}
    </>
  );
}
