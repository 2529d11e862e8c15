// The list of a folder: upload by drop, new folder, and what can be done with each entry.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { Download, FolderPlus, GitFork, Inbox, PackageOpen, Pencil, Share2, Trash2, Upload } from "lucide-react";
import { type ChangeEvent, type DragEvent, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";
import type { Entry } from "../../api/generated";
import { useFolder, useSession } from "../../api/queries";
import { type Dropped, droppedFiles } from "../../lib/drop";
import { formatCount, formatSize } from "../../lib/format";
import { baseName, fileAddress, historyAddress, joinPath, nameProblem, sessionAddress } from "../../lib/paths";
import { shown, shownName } from "../../lib/shown";
import { upload } from "../../stores/uploads";
import { Ago, Empty, ListSkeleton } from "../bits";
import { type Action, ActionMenu } from "../menu";
import { checkSessionName, Confirm, NameDialog } from "../modal";
import { ProblemNotice } from "../problem-notice";
import { sayProblem } from "../toaster";
import { download, downloadAll, forkSession, makeFolder, remove, rename } from "./actions";
import { ShareDialog } from "./share";
import { EntryIcon } from "./tree";

function Row({ sessionId, entry, onRename }: { readonly sessionId: string; readonly entry: Entry; readonly onRename: () => void }) {
  const name = shownName(entry);
  // An address cannot carry a name that is no text; with a new name it can.
  const isNamed = entry.path_b64 === undefined;
  const actions: Action[] = [
    ...(entry.type === "file" ? [{ label: "Download", icon: <Download size={15} />, run: () => void download(sessionId, entry) }] : []),
    { label: "Rename", icon: <Pencil size={15} />, run: onRename },
    ...(isNamed ? [{ label: "Delete", icon: <Trash2 size={15} />, run: () => void remove(sessionId, entry), grave: true }] : []),
  ];
  return (
    <Flex as="li" listStyleType="none" height="40px" align="center" gap="12px" paddingLeft="16px" paddingRight="8px" position="relative" borderBottomWidth="1px" borderColor="border.muted" _hover={{ bg: "bg.subtle" }}>
      <Box color={entry.type === "dir" ? "accent.fg" : "fg.muted"} flexShrink="0"><EntryIcon entry={entry} size={16} /></Box>
      <Text flex="1" minWidth="0" truncate>
        {isNamed ? (
          <Link to={fileAddress(sessionId, entry.path)}>
            <Box as="span" position="absolute" inset="0" aria-hidden="true" />
            {name}
          </Link>
        ) : name}
        {!isNamed && <Text as="span" color="warn.fg" fontSize="13px"> · rename to open</Text>}
      </Text>
      <Text width="90px" textAlign="end" color="fg.muted" fontVariantNumeric="tabular-nums" whiteSpace="nowrap" fontSize="13px">{entry.type === "file" && formatSize(entry.size)}</Text>
      <Text width="130px" color="fg.muted" display={{ base: "none", lg: "block" }} fontSize="13px" whiteSpace="nowrap"><Ago time={entry.mtime} /></Text>
      <Box position="relative"><ActionMenu label={`Actions for ${name}`} actions={actions} /></Box>
    </Flex>
  );
}

interface Asked {
  readonly files: ReadonlyArray<Dropped>;
  readonly replaced: readonly string[];
}

function useUpload(sessionId: string, folder: string, entries: readonly Entry[]) {
  const [asked, setAsked] = useState<Asked>();
  const send = (files: ReadonlyArray<Dropped>): void => {
    upload(sessionId, files.map(({ path, file }) => ({ path: joinPath(folder, path), file })));
  };
  const offer = (files: ReadonlyArray<Dropped>): void => {
    const there = new Set(entries.map(({ path }) => baseName(path)));
    const replaced = [...new Set(files.map(({ path }) => path.split("/")[0] ?? ""))].filter((name) => there.has(name));
    if (replaced.length > 0) setAsked({ files, replaced });
    else send(files);
  };
  const question = asked !== undefined && (
    <Confirm
      title={asked.replaced.length === 1 ? `Replace “${asked.replaced[0]}”?` : `Replace ${formatCount(asked.replaced.length, "item")}?`}
      text={`Already here: ${asked.replaced.join(", ")}. The present versions stay in the history.`}
      action="Replace" onConfirm={() => send(asked.files)} onClose={() => setAsked(undefined)}
    />
  );
  return { offer, question };
}

function UploadButton({ offer }: { readonly offer: (files: ReadonlyArray<Dropped>) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const chosen = (event: ChangeEvent<HTMLInputElement>): void => {
    offer(Array.from(event.currentTarget.files ?? [], (file) => ({ path: file.name, file })));
    event.currentTarget.value = "";
  };
  return (
    <>
      <input ref={input} type="file" multiple hidden onChange={chosen} aria-label="Files to upload" />
      <Button size="xs" height="32px" variant="outline" colorPalette="gray" onClick={() => input.current?.click()}><Upload size={14} />Upload</Button>
    </>
  );
}

/** What is done with the folder as a whole. */
function FolderMenu({ sessionId, path }: { readonly sessionId: string; readonly path: string }) {
  const navigate = useNavigate();
  const name = useSession(sessionId).data?.name ?? "";
  const [forking, setForking] = useState(false);
  const [sharing, setSharing] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const fork = async (copy: string): Promise<void> => {
    void navigate(sessionAddress(await forkSession(sessionId, copy)));
  };
  const chosen = (event: ChangeEvent<HTMLInputElement>): void => {
    upload(sessionId, Array.from(event.currentTarget.files ?? [], (file) => ({ path, file })), true);
    event.currentTarget.value = "";
  };
  const actions: Action[] = [
    { label: "Deleted files", icon: <Trash2 size={15} />, run: () => void navigate(`${historyAddress(sessionId, "")}?show=deleted`) },
    { label: "Unpack an archive here", icon: <PackageOpen size={15} />, run: () => input.current?.click() },
    ...(path === "" ? [
      { label: "Download all as tar.gz", icon: <Download size={15} />, run: () => void downloadAll(sessionId, "tgz") },
      { label: "Download all as zip", icon: <Download size={15} />, run: () => void downloadAll(sessionId, "zip") },
      { label: "Share", icon: <Share2 size={15} />, run: () => setSharing(true) },
      { label: "Fork this session", icon: <GitFork size={15} />, run: () => setForking(true) },
    ] : []),
  ];
  return (
    <>
      <input ref={input} type="file" accept=".tar,.tar.gz,.tgz,.gz,.zip" hidden onChange={chosen} aria-label="Archive to unpack" />
      <ActionMenu label="More actions for this folder" actions={actions} />
      {sharing && <ShareDialog sessionId={sessionId} onClose={() => setSharing(false)} />}
      {forking && <NameDialog title="Fork this session" label="Name of the copy" action="Fork" suggested={`Copy of ${name}`.slice(0, 100)} check={checkSessionName} submit={fork} onClose={() => setForking(false)} />}
    </>
  );
}

function useDrop(offer: (files: ReadonlyArray<Dropped>) => void) {
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  const move = (step: number): void => {
    depth.current += step;
    setOver(depth.current > 0);
  };
  const target = {
    onDragEnter: () => move(1),
    onDragLeave: () => move(-1),
    onDragOver: (event: DragEvent) => event.preventDefault(),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      move(-depth.current);
      droppedFiles(event.dataTransfer).then((files) => files.length > 0 && offer(files), sayProblem);
    },
  };
  return { over, target };
}

function List({ sessionId, entries }: { readonly sessionId: string; readonly entries: readonly Entry[] }) {
  const navigate = useNavigate();
  const [renaming, setRenaming] = useState<Entry>();
  if (entries.length === 0) {
    return <Empty icon={<Inbox size={20} />} title="This folder is empty" text="Drop files or folders here, or use Upload." />;
  }
  const submit = async (entry: Entry, name: string): Promise<void> => {
    await rename(sessionId, entry, name);
    void navigate(".", { replace: true });
  };
  return (
    <>
      <Box as="ul" aria-label="Entries">
        {entries.map((entry) => <Row key={entry.path_b64 ?? entry.path} sessionId={sessionId} entry={entry} onRename={() => setRenaming(entry)} />)}
      </Box>
      {renaming !== undefined && (
        <NameDialog title={`Rename ${renaming.type === "dir" ? "folder" : "file"}`} label="Name" action="Rename" initial={baseName(renaming.path)} check={nameProblem} submit={(name) => submit(renaming, name)} onClose={() => setRenaming(undefined)} />
      )}
    </>
  );
}

export function Folder({ sessionId, path }: { readonly sessionId: string; readonly path: string }) {
  const { data, error, isPending, refetch } = useFolder(sessionId, path);
  const [making, setMaking] = useState(false);
  const { offer, question } = useUpload(sessionId, path, data ?? []);
  const { over, target } = useDrop(offer);
  if (isPending) return <ListSkeleton />;
  if (data === undefined) return <ProblemNotice error={error} retry={() => void refetch()} />;
  return (
    <Box flex="1" minHeight="320px" position="relative" {...target}>
      <Flex height="48px" align="center" gap="8px" paddingX="16px" borderBottomWidth="1px">
        <Text color="fg.muted" fontSize="13px" flex="1">{formatCount(data.length, "item")}</Text>
        <Button size="xs" height="32px" variant="ghost" colorPalette="gray" onClick={() => setMaking(true)}><FolderPlus size={14} />New folder</Button>
        <UploadButton offer={offer} />
        <FolderMenu sessionId={sessionId} path={path} />
      </Flex>
      <List sessionId={sessionId} entries={data} />
      {over && (
        <Flex position="absolute" inset="8px" borderWidth="2px" borderStyle="dashed" borderColor="accent.solid" borderRadius="l3" bg="accent.subtle" color="accent.fg" align="center" justify="center" gap="10px" fontWeight="500" pointerEvents="none" zIndex="1">
          <Upload size={18} /> Drop to upload to {path === "" ? "this session" : `“${shown(baseName(path))}”`}
        </Flex>
      )}
      {making && <NameDialog title="New folder" label="Name" action="Create" check={nameProblem} submit={(name) => makeFolder(sessionId, path, name)} onClose={() => setMaking(false)} />}
      {question}
    </Box>
  );
}
