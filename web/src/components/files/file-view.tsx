// One file: its text with line numbers, its picture, or that it is neither.
import { Box, Button, Flex, Image, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { Download, FileQuestion, History as HistoryIcon, Pencil, SquarePen, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import type { Entry } from "../../api/generated";
import { treeOf } from "../../api/trees";
import { asText, IMAGE_LIMIT, imageType, TEXT_LIMIT } from "../../lib/content";
import { formatSize } from "../../lib/format";
import type { Risk } from "../../lib/frame";
import { baseName, fileAddress, HOME, nameProblem, parentOf } from "../../lib/paths";
import { may } from "../../lib/roles";
import { api, useAuth } from "../../stores/auth";
import { unsavedKey, useUnsaved } from "../../stores/unsaved";
import { Ago, Empty, ListSkeleton } from "../bits";
import { ActionMenu } from "../menu";
import { NameDialog } from "../modal";
import { ProblemNotice } from "../problem-notice";
import { download, remove, rename } from "./actions";
import { CodeText } from "./code";
import { CompareChoice, useCompare, VersionDifference } from "./diff";
import { Editor } from "./editor";
import { History, OldVersion, useHistory } from "./history";

interface FileProps {
  /** A session's id, or HOME. */
  readonly tree: string;
  readonly entry: Entry;
}

/** A version of the file: the current one, or one of its history. */
interface ContentProps extends FileProps {
  readonly version: number;
  readonly size: number;
  /** The entry is one of this moment of a session. */
  readonly at?: number | undefined;
}

function useBytes({ tree, entry, version, size, at }: ContentProps, limit: number) {
  return useQuery({
    queryKey: ["bytes", tree, entry.path, version, limit],
    queryFn: async ({ signal }) => {
      // An empty file has no range.
      const range = size > limit ? { range: `bytes=0-${limit - 1}` } : {};
      const asked = { path: entry.path, signal, ...range };
      const response = at !== undefined
        ? await api.filesGet({ ...asked, sessionId: tree, at })
        : await treeOf(tree).get({ ...asked, ...(version !== entry.version ? { version } : {}) });
      return response.blob();
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
}

function Picture({ blob, entry }: { readonly blob: Blob; readonly entry: Entry }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([blob], { type: imageType(entry.path) ?? "" }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob, entry.path]);
  return (
    <Flex padding="24px" justify="center" bg="bg.subtle" minHeight="240px" align="center">
      {url !== undefined && <Image src={url} alt={baseName(entry.path)} maxWidth="100%" maxHeight="70vh" objectFit="contain" />}
    </Flex>
  );
}

function Code({ text, cut }: { readonly text: string; readonly cut: boolean }) {
  return (
    <>
      <CodeText text={text} />
      {cut && <Text padding="12px 16px" borderTopWidth="1px" color="fg.muted">These are the first {formatSize(TEXT_LIMIT)}. Download the file to see all of it.</Text>}
    </>
  );
}

function TextContent({ blob, cut }: { readonly blob: Blob; readonly cut: boolean }) {
  const [text, setText] = useState<string | false>();
  useEffect(() => {
    void blob.arrayBuffer().then((buffer) => setText(asText(new Uint8Array(buffer), cut) ?? false));
  }, [blob, cut]);
  if (text === undefined) return <ListSkeleton />;
  if (text === false) return <Empty icon={<FileQuestion size={20} />} title="This file is not text" text="Download it to open it with the program that made it." />;
  return text === "" ? <Empty icon={<FileQuestion size={20} />} title="This file is empty" text="It has no bytes." /> : <Code text={text} cut={cut} />;
}

interface Sized {
  readonly entry: Entry;
  readonly size: number;
}

const isPicture = ({ entry, size }: Sized): boolean => imageType(entry.path) !== undefined && size <= IMAGE_LIMIT;

/** How much of a file is fetched to show it. */
export function limitOf(entry: Entry, size = entry.size): number {
  return isPicture({ entry, size }) ? IMAGE_LIMIT : TEXT_LIMIT;
}

/** blob: the first bytes of the file, as limitOf says. */
export function BlobContent({ blob, ...of }: Sized & { readonly blob: Blob }) {
  return isPicture(of) ? <Picture blob={blob} entry={of.entry} /> : <TextContent blob={blob} cut={of.size > TEXT_LIMIT} />;
}

export function Content(props: ContentProps) {
  const { entry, size } = props;
  const { data, error, refetch } = useBytes(props, limitOf(entry, size));
  if (error !== null) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data === undefined) return <ListSkeleton />;
  return <BlobContent blob={data} entry={entry} size={size} />;
}

/** What the address says of the history: whether it is open, and which version of it is looked at. */
function useShown({ tree, entry }: FileProps) {
  const [params, setParams] = useSearchParams();
  const isOpen = params.has("history");
  const { data } = useHistory(tree, entry.path, isOpen);
  const wanted = Number(params.get("version"));
  const old = isOpen && wanted !== entry.version ? data?.find(({ version, op }) => version === wanted && op !== "delete") : undefined;
  return {
    isOpen,
    old,
    close: () => setParams({}, { replace: true }),
    open: () => setParams({ history: "" }),
    show: (version: number) => {
      setParams((before) => {
        if (version === entry.version) before.delete("version");
        else before.set("version", String(version));
        return before;
      }, { replace: true });
    },
  };
}

/** What is done with a session's file; one of the home is a workspace's to change. */
function FileMenu({ tree: sessionId, entry }: FileProps) {
  const navigate = useNavigate();
  const [renaming, setRenaming] = useState(false);
  const submit = async (name: string): Promise<void> => {
    const to = await rename(sessionId, entry, name);
    void navigate(fileAddress(sessionId, to), { replace: true });
  };
  const drop = async (): Promise<void> => {
    if (await remove(sessionId, entry)) void navigate(fileAddress(sessionId, parentOf(entry.path)), { replace: true });
  };
  return (
    <>
      <ActionMenu
        label={`Actions for ${baseName(entry.path)}`}
        actions={[
          { label: "Rename", icon: <Pencil size={15} />, run: () => setRenaming(true) },
          { label: "Delete", icon: <Trash2 size={15} />, run: () => void drop(), grave: true },
        ]}
      />
      {renaming && <NameDialog title="Rename file" label="Name" action="Rename" initial={baseName(entry.path)} check={nameProblem} submit={submit} onClose={() => setRenaming(false)} />}
    </>
  );
}

interface PlaceProps {
  readonly tree: string;
  readonly path: string;
  /** Undefined: there is none. */
  readonly entry: Entry | undefined;
}

const isPlainText = (entry: Entry): boolean => entry.size <= TEXT_LIMIT && imageType(entry.path) === undefined && entry.path_b64 === undefined;

export function useRiskOf(tree: string, path: string): Risk {
  return useUnsaved((texts) => texts[unsavedKey(tree, path)] ?? "none");
}

/** Whether the file is edited, as the address says; undefined where there is nothing to edit. What was typed can always be gone back to. */
function useEditing({ tree, path, entry }: PlaceProps) {
  const [params, setParams] = useSearchParams();
  const navigate = useNavigate();
  const mayWrite = useAuth(({ state }) => state.status === "in" && may(state.user.role, "files.write"));
  const risk = useRiskOf(tree, path);
  // What was typed is all there is: when the file is there again, its editor stays.
  const isUnnamed = entry === undefined && risk !== "none" && !params.has("edit");
  useEffect(() => {
    if (isUnnamed) setParams({ edit: "" }, { replace: true });
  }, [isUnnamed, setParams]);
  if (tree === HOME || (risk === "none" && !(mayWrite && entry !== undefined && isPlainText(entry)))) return undefined;
  if (entry === undefined) return { risk, isOn: true, begin: () => undefined, end: () => void navigate(fileAddress(tree, parentOf(path))) };
  return { risk, isOn: params.has("edit"), begin: () => setParams({ edit: "" }), end: () => setParams({}, { replace: true }) };
}

type Editing = ReturnType<typeof useEditing>;

function Facts({ entry, risk }: { readonly entry: Entry; readonly risk: Risk }) {
  const isLost = risk === "lost";
  if (risk !== "none") return <Text role="status" color={isLost ? "bad.fg" : "warn.fg"} fontSize="13px" flex="1" truncate>{isLost ? "Your text is not saved" : "Saving your text…"}</Text>;
  return <Text color="fg.muted" fontSize="13px" flex="1" truncate fontVariantNumeric="tabular-nums">{formatSize(entry.size)} · <Box as="span" display={{ base: "none", md: "inline" }}>changed </Box><Ago time={entry.mtime} /></Text>;
}

/** The file, or what was typed into it, also when it is gone meanwhile. */
export function FileView({ tree, path, entry }: PlaceProps) {
  const editing = useEditing({ tree, path, entry });
  if (editing?.isOn === true) return <Flex direction="column" flex="1" minWidth="0" minHeight="0"><Editor key={path} sessionId={tree} path={path} entry={entry} onDone={editing.end} /></Flex>;
  return entry === undefined ? undefined : <OneFile tree={tree} entry={entry} editing={editing} />;
}

function OneFile({ tree, entry, editing }: FileProps & { readonly editing: Editing }) {
  const { isOpen, old, close, open, show } = useShown({ tree, entry });
  const isHome = tree === HOME;
  const risk = editing?.risk ?? "none";
  const wanted = useCompare();
  const compare = isHome || (old === undefined && wanted === "now") ? "off" : wanted;
  const shown = { version: old?.version ?? entry.version, size: old?.size ?? entry.size };
  return (
    <Flex direction="column" flex="1" minWidth="0" minHeight="0">
      <Flex height="48px" flexShrink="0" align="center" gap="8px" paddingLeft="16px" paddingRight="8px" borderBottomWidth="1px">
        <Facts entry={entry} risk={risk} />
        {editing !== undefined && <Button size="xs" height="32px" variant="ghost" colorPalette="gray" onClick={editing.begin}><SquarePen size={14} />Edit</Button>}
        <Button size="xs" height="32px" variant="ghost" colorPalette="gray" aria-expanded={isOpen} onClick={isOpen ? close : open}><HistoryIcon size={14} />History</Button>
        <Button size="xs" height="32px" variant="outline" colorPalette="gray" display={{ base: risk === "none" ? "inline-flex" : "none", sm: "inline-flex" }} onClick={() => void download(tree, entry)}><Download size={14} />Download</Button>
        {!isHome && <FileMenu tree={tree} entry={entry} />}
      </Flex>
      <Flex direction={{ base: "column-reverse", md: "row" }} flex="1" minHeight="0">
        <Box flex="1" minWidth="0" overflowY="auto">
          {old !== undefined && <OldVersion tree={tree} entry={entry} version={old} onDone={open} />}
          {isOpen && !isHome && <Flex padding="8px 16px" borderBottomWidth="1px"><CompareChoice isCurrent={old === undefined} /></Flex>}
          {isOpen && compare !== "off"
            ? <VersionDifference sessionId={tree} path={entry.path} version={shown.version} compare={compare} />
            : <Content key={`${entry.path} ${shown.version}`} tree={tree} entry={entry} {...shown} />}
        </Box>
        {isOpen && <History tree={tree} entry={entry} shown={shown.version} onShow={show} onClose={close} />}
      </Flex>
    </Flex>
  );
}
