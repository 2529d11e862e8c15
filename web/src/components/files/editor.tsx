// A light editor for one text: a phone's way to change a file, where the IDE has no room. It saves by itself (saver.ts), a second
// after the last key, so that nothing hangs on a button; whoever changed the file meanwhile is never written over unasked.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, FileQuestion, Pencil } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { Entry } from "../../api/generated";
import { refreshFiles } from "../../api/queries";
import { useReading } from "../../api/settings";
import { TEXT_LIMIT } from "../../lib/content";
import { type Editable, editableOf } from "../../lib/edit";
import { baseName } from "../../lib/paths";
import { changeProblemOf, isCode } from "../../lib/problem";
import { api } from "../../stores/auth";
import { Empty, ListSkeleton } from "../bits";
import { ProblemNotice } from "../problem-notice";
import { keptSaver, Saver, type Saving, versionOf } from "./saver";

interface EditorProps {
  readonly sessionId: string;
  readonly path: string;
  /** Undefined: there is none any more, and what was typed is all that is left. */
  readonly entry: Entry | undefined;
  readonly onDone: () => void;
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
  /** What was typed goes. */
  readonly onDrop: () => void;
}

const calm = { size: "xs", height: "32px", variant: "outline", colorPalette: "gray", bg: "bg.panel" } as const;

function Trouble({ saving: { error, isLate }, onTry, onTop, onDrop }: TroubleProps) {
  if (error === undefined) return undefined;
  const { title, advice } = changeProblemOf(error);
  const isConflict = isCode(error, "precondition");
  return (
    <Flex role="alert" align="center" wrap="wrap" gap="8px" padding="8px 8px 8px 16px" bg="bad.subtle" color="bad.fg" fontSize="13px">
      <Text fontSize="13px" flex="1 1 200px">{title} {isConflict ? "If you keep yours, theirs stays in the history; if not, yours is lost." : isLate ? "It is tried again by itself." : advice}</Text>
      <Flex gap="8px">
        {!isLate && <Button {...calm} onClick={onDrop}>{isConflict ? "Show theirs" : "Discard mine"}</Button>}
        {isConflict ? <Button size="xs" height="32px" onClick={onTop}>Keep mine</Button> : <Button {...calm} onClick={onTry}>Try now</Button>}
      </Flex>
    </Flex>
  );
}

interface AreaProps {
  readonly saver: Saver;
  readonly onDone: () => void;
}

function Area({ saver, onDone }: AreaProps) {
  const { sessionId, path } = saver.at;
  const [saving, setSaving] = useState(saver.state);
  const [text, setText] = useState(saver.typed);
  const { size, tab, isWrapped, fonts } = useReading();
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    area.current?.focus();
    saver.come(setSaving);
    return () => saver.leave();
  }, [saver]);
  const press = (event: KeyboardEvent): void => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    saver.save();
  };
  const drop = (): void => {
    saver.drop();
    refreshFiles(sessionId);
    onDone();
  };
  return (
    <>
      <Flex height="48px" flexShrink="0" align="center" gap="8px" paddingLeft="16px" paddingRight="8px" borderBottomWidth="1px">
        <Word saving={saving} isSaved={saver.isSaved} />
        <Button size="xs" height="32px" onClick={onDone}>Done</Button>
      </Flex>
      <Trouble saving={saving} onTry={() => saver.save()} onTop={() => saver.save(true)} onDrop={drop} />
      <Box asChild flex="1" minHeight="240px" width="100%" padding="12px 16px" resize="none" outline="none" bg="bg.panel" fontFamily="mono" fontSize={{ base: "16px", md: `${size}px` }} lineHeight="1.6" whiteSpace={isWrapped ? "pre-wrap" : "pre"} _focusVisible={{ boxShadow: "inset 0 0 0 2px {colors.accent.solid}" }} css={{ tabSize: tab }}>
        <textarea
          ref={area} aria-label={`Text of ${baseName(path)}`} value={text} spellCheck={false} autoCapitalize="off" autoCorrect="off" autoComplete="off" {...(fonts !== undefined ? { style: { fontFamily: fonts } } : {})} onKeyDown={press}
          onChange={({ currentTarget }) => {
            setText(currentTarget.value);
            saver.type(currentTarget.value);
          }}
        />
      </Box>
    </>
  );
}

type FreshProps = Pick<EditorProps, "sessionId" | "onDone"> & { readonly entry: Entry };

interface Beginning {
  readonly version: number;
  readonly editable: Editable;
}

function Begun({ entry, sessionId, beginning, onDone }: FreshProps & { readonly beginning: Beginning }) {
  const [saver] = useState(() => new Saver({ sessionId, path: entry.path }, beginning.version, beginning.editable));
  return <Area saver={saver} onDone={onDone} />;
}

/**
 * What is saved since editing began makes a new version of the file, and no new text. It begins with what stands now: the entry may be
 * older than what was saved here a moment ago.
 */
function Fresh({ sessionId, entry, onDone }: FreshProps) {
  const { data, error, refetch } = useQuery({
    queryKey: ["edit", sessionId, entry.path, entry.version],
    queryFn: async ({ signal }) => {
      const response = await api.filesGet({ sessionId, path: entry.path, signal });
      const version = versionOf(response) ?? entry.version;
      if (Number(response.headers.get("Content-Length") ?? 0) > TEXT_LIMIT) {
        await response.body?.cancel();
        return { version, editable: undefined };
      }
      return { version, editable: editableOf(new Uint8Array(await response.arrayBuffer())) };
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  // First, so that nothing takes away what is typed: all that is shown is asked for again once the server is back.
  if (data?.editable !== undefined) return <Begun sessionId={sessionId} entry={entry} beginning={{ version: data.version, editable: data.editable }} onDone={onDone} />;
  if (error !== null) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data === undefined) return <ListSkeleton />;
  return (
    <Empty icon={<FileQuestion size={20} />} title="Not to be edited here" text="It is no plain text, is too large, or its lines end in more than one way, which this editor would change. Open it in the IDE.">
      <Button size="sm" variant="outline" colorPalette="gray" onClick={onDone}>Back</Button>
    </Empty>
  );
}

/** Goes on where an unsaved text was left, else with the file as it is when editing begins: gone later, it is edited on. */
export function Editor({ sessionId, path, entry, onDone }: EditorProps) {
  const [begin] = useState(() => ({ kept: keptSaver({ sessionId, path }), entry }));
  if (begin.kept !== undefined) return <Area saver={begin.kept} onDone={onDone} />;
  return begin.entry === undefined ? undefined : <Fresh sessionId={sessionId} entry={begin.entry} onDone={onDone} />;
}
