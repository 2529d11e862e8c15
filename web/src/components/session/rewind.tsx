// A folder, or the whole session, back to a moment. It is one change of its own, so that it can be undone: by going back to the
// moment before it.
import { Button, Stack, Text } from "@chakra-ui/react";
import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { ApiError, type Rewound } from "../../api/generated";
import { refreshFiles } from "../../api/queries";
import { formatCount, formatExact } from "../../lib/format";
import { newKey } from "../../lib/key";
import { bodyPath, type Named, sentPath } from "../../lib/paths";
import { shownName } from "../../lib/shown";
import { api } from "../../stores/auth";
import { Modal } from "../modal";
import { FormProblem } from "../problem-notice";
import { useSending } from "../sending";
import { say, sayProblem } from "../toaster";

/** The moment may have gone since the page was told of it. */
export const thenWords = ({ moment }: Rewound, at: number): string => (moment === at ? "then" : "somewhat later: that moment is not kept any more");

/** What the store cannot read any more stays as it is. */
const damagedWords = ({ damaged = 0 }: Rewound): string => (damaged > 0 ? `, but ${formatCount(damaged, "item")} in the store ${damaged === 1 ? "is" : "are"} damaged and stayed as ${damaged === 1 ? "it is" : "they are"}` : "");

/** Asks until all of it is done, which may take several calls. */
async function rewind(sessionId: string, what: Named, at: number, tell: (changed: number) => void): Promise<Rewound> {
  const idempotencyKey = newKey();
  for (;;) {
    const rewound = await api.filesRewind({ sessionId, idempotencyKey, body: { at, ...bodyPath(what) } });
    if (rewound.done) return rewound;
    tell(rewound.changed);
  }
}

async function undo(sessionId: string, what: Named, before: number): Promise<void> {
  try {
    await rewind(sessionId, what, before, () => undefined).catch((error: unknown) => {
      if (what.path === "" || !(error instanceof ApiError) || error.status !== 404) throw error;
      return api.filesDelete({ sessionId, path: sentPath(what), recursive: true }); // nothing was there before
    });
    say("It is as it was before");
  } catch (error) {
    sayProblem(error);
  }
  refreshFiles(sessionId);
}

interface RewindProps {
  readonly sessionId: string;
  /** A folder; with the path "", the whole session. */
  readonly folder: Named;
  readonly moment: { readonly version: number; readonly at: string };
  readonly onDone?: () => void;
}

export function RewindDialog({ sessionId, folder, moment, onDone, onClose }: RewindProps & { readonly onClose: () => void }) {
  const [changed, setChanged] = useState<number>();
  const { busy, error, send } = useSending();
  const isAll = folder.path === "";
  const what = isAll ? "Everything" : `“${shownName(folder)}”`;
  const restore = () => send(async () => {
    const rewound = await rewind(sessionId, folder, moment.version, setChanged);
    const then = thenWords(rewound, moment.version);
    refreshFiles(sessionId);
    onClose();
    const but = damagedWords(rewound);
    if (rewound.changed === 0) return say(`${what} is already as it was ${then}${but}`);
    say(`${what} is as it was ${then}: ${formatCount(rewound.changed, "item")} changed${but}`, () => void undo(sessionId, folder, rewound.before));
    onDone?.();
  });
  return (
    <Modal title={`Restore ${isAll ? "everything" : what}?`} onClose={onClose}>
      <Stack gap="16px">
        <FormProblem error={error} />
        <Text color="fg.muted" overflowWrap="anywhere">
          {isAll ? "All files of the session become" : "All that is in this folder becomes"} what they were on {formatExact(moment.at)}. What was changed since stays in the history, and you can undo this.
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
      <Button size="xs" height="32px" onClick={() => setAsking(true)}><RotateCcw size={14} />{props.folder.path === "" ? "Restore everything" : "Restore this folder"}</Button>
      {asking && <RewindDialog {...props} onClose={() => setAsking(false)} />}
    </>
  );
}
