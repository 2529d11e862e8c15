// A light editor for one text: a phone's way to change a file, where the IDE has no room. It saves by itself, a second after the
// last key, so that nothing hangs on a button; whoever changed the file meanwhile is never written over unasked.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, FileQuestion, Pencil } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { ApiError, type Entry } from "../../api/generated";
import { refreshFiles } from "../../api/queries";
import { useReading } from "../../api/settings";
import { type Editable, editableOf } from "../../lib/edit";
import { baseName } from "../../lib/paths";
import { changeProblemOf, isCode } from "../../lib/problem";
import { api } from "../../stores/auth";
import { Empty, ListSkeleton } from "../bits";
import { ProblemNotice } from "../problem-notice";

/** After the last key. */
const PAUSE_MS = 1000;
const MOST_RETRY_MS = 30_000;

interface EditorProps {
  readonly sessionId: string;
  readonly entry: Entry;
  readonly onDone: () => void;
}

interface Saving {
  readonly isBusy: boolean;
  readonly error: unknown;
  /** It is tried again by itself: the server is away, or has too much to do. */
  readonly isLate: boolean;
}

const still: Saving = { isBusy: false, error: undefined, isLate: false };

/** What passes by waiting. */
function passes(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 429 || (error.status >= 500 && error.status !== 507);
}

/** Keeps what is typed at the server; one request at a time, each of the newest text. */
class Saver {
  typed: string;
  private saved: string;
  private state: Saving = still;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private tries = 0;
  private isGone = false;

  constructor(private readonly at: { readonly sessionId: string; readonly path: string }, private version: number, private readonly editable: Editable, private readonly tell: (state: Saving) => void) {
    this.typed = editable.text;
    this.saved = editable.text;
  }

  get isSaved(): boolean {
    return this.typed === this.saved && !this.state.isBusy;
  }

  type(text: string): void {
    this.typed = text;
    if (this.state.isBusy || isCode(this.state.error, "precondition")) return;
    this.later(PAUSE_MS);
  }

  /** onTop: of what somebody else saved, which stays in the history. */
  save(onTop = false): void {
    clearTimeout(this.timer);
    if (this.state.isBusy || (this.typed === this.saved && !onTop)) return;
    const text = this.typed;
    this.show({ ...still, isBusy: true });
    const body = this.editable.encode(text);
    api.filesPut({ ...this.at, body, ...(onTop ? {} : { ifMatch: `"${this.version}"` }) }).then(({ version }) => {
      this.version = version;
      this.saved = text;
      this.tries = 0;
      this.show(still);
      if (this.typed !== text) this.later(this.isGone ? 0 : PAUSE_MS);
    }, (error: unknown) => {
      this.show({ isBusy: false, error, isLate: passes(error) });
      if (passes(error)) this.later(Math.min(MOST_RETRY_MS, PAUSE_MS * 2 ** this.tries++));
    }).finally(() => refreshFiles(this.at.sessionId));
  }

  /** Nobody looks at it any more: what is typed is saved at once. */
  leave(): void {
    this.isGone = true;
    if (!isCode(this.state.error, "precondition")) this.save();
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), ms);
  }

  private show(state: Saving): void {
    this.state = state;
    if (!this.isGone) this.tell(state);
  }
}

function Word({ saving, isSaved }: { readonly saving: Saving; readonly isSaved: boolean }) {
  const isWrong = saving.error !== undefined;
  return (
    <Flex role="status" align="center" gap="6px" flex="1" minWidth="0" color={isWrong ? "bad.fg" : isSaved ? "good.fg" : "fg.muted"} fontSize="13px" data-testid="edit-state">
      {isWrong ? <CircleAlert size={15} /> : isSaved ? <CircleCheck size={15} /> : <Pencil size={15} />}
      <Text truncate>{isWrong ? "Not saved" : isSaved ? "Saved" : saving.isBusy ? "Saving" : "Typing"}</Text>
    </Flex>
  );
}

interface TroubleProps {
  readonly saving: Saving;
  readonly onTry: () => void;
  readonly onTop: () => void;
  readonly onTheirs: () => void;
}

function Trouble({ saving: { error, isLate }, onTry, onTop, onTheirs }: TroubleProps) {
  if (error === undefined) return undefined;
  const { title, advice } = changeProblemOf(error);
  const isConflict = isCode(error, "precondition");
  return (
    <Flex role="alert" align="center" wrap="wrap" gap="8px" padding="8px 16px" bg="bad.subtle" color="bad.fg" fontSize="13px">
      <Text fontSize="13px" flex="1 1 200px">{title} {isConflict ? "Both stay in the history." : isLate ? "It is tried again by itself." : advice}</Text>
      {isConflict ? (
        <Flex gap="8px">
          <Button size="xs" height="32px" variant="outline" colorPalette="gray" bg="bg.panel" onClick={onTheirs}>Show theirs</Button>
          <Button size="xs" height="32px" onClick={onTop}>Keep mine</Button>
        </Flex>
      ) : <Button size="xs" height="32px" variant="outline" colorPalette="gray" bg="bg.panel" onClick={onTry}>Try now</Button>}
    </Flex>
  );
}

function Area({ sessionId, entry, editable, onDone }: EditorProps & { readonly editable: Editable }) {
  const [saving, setSaving] = useState(still);
  const [text, setText] = useState(editable.text);
  const [saver] = useState(() => new Saver({ sessionId, path: entry.path }, entry.version, editable, setSaving));
  const { size, tab, isWrapped, fonts } = useReading();
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    area.current?.focus();
    const hold = (event: BeforeUnloadEvent): void => {
      if (!saver.isSaved) event.preventDefault();
    };
    // A phone ends a page that is not looked at without asking.
    const hide = (): void => {
      if (document.visibilityState === "hidden") saver.save();
    };
    globalThis.addEventListener("beforeunload", hold);
    document.addEventListener("visibilitychange", hide);
    return () => {
      globalThis.removeEventListener("beforeunload", hold);
      document.removeEventListener("visibilitychange", hide);
      saver.leave();
    };
  }, [saver]);
  const press = (event: KeyboardEvent): void => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    saver.save();
  };
  return (
    <>
      <Flex height="48px" flexShrink="0" align="center" gap="8px" paddingLeft="16px" paddingRight="8px" borderBottomWidth="1px">
        <Word saving={saving} isSaved={saver.isSaved} />
        <Button size="xs" height="32px" onClick={onDone}>Done</Button>
      </Flex>
      <Trouble saving={saving} onTry={() => saver.save()} onTop={() => saver.save(true)} onTheirs={() => { saver.typed = editable.text; onDone(); }} />
      <Box asChild flex="1" minHeight="240px" width="100%" padding="12px 16px" resize="none" outline="none" bg="bg.panel" fontFamily="mono" fontSize={{ base: "16px", md: `${size}px` }} lineHeight="1.6" whiteSpace={isWrapped ? "pre-wrap" : "pre"} _focusVisible={{ boxShadow: "inset 0 0 0 2px {colors.accent.solid}" }} css={{ tabSize: tab }}>
        <textarea
          ref={area} aria-label={`Text of ${baseName(entry.path)}`} value={text} spellCheck={false} autoCapitalize="off" autoCorrect="off" autoComplete="off" {...(fonts !== undefined ? { style: { fontFamily: fonts } } : {})} onKeyDown={press}
          onChange={({ currentTarget }) => {
            setText(currentTarget.value);
            saver.type(currentTarget.value);
          }}
        />
      </Box>
    </>
  );
}

/** The file as it was when editing began: what is saved since makes a new version, and no new text. */
export function Editor(props: EditorProps) {
  const { sessionId, onDone } = props;
  const [entry] = useState(props.entry);
  const { data, error, refetch } = useQuery({
    queryKey: ["edit", sessionId, entry.path, entry.version],
    queryFn: async ({ signal }) => {
      const response = await api.filesGet({ sessionId, path: entry.path, version: entry.version, signal });
      return { editable: editableOf(new Uint8Array(await response.arrayBuffer())) };
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  if (error !== null) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data === undefined) return <ListSkeleton />;
  if (data.editable !== undefined) return <Area sessionId={sessionId} entry={entry} editable={data.editable} onDone={onDone} />;
  return (
    <Empty icon={<FileQuestion size={20} />} title="Not to be edited here" text="It is no plain text, or its lines end in more than one way, which this editor would change. Open it in the IDE.">
      <Button size="sm" variant="outline" colorPalette="gray" onClick={onDone}>Back</Button>
    </Empty>
  );
}
