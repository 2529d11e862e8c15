// The session's past: a slider over its changes, the folder as it was at the chosen one, and what can be brought back from
// there. The server answers all of it, so that it works whether the workspace runs or not. The address names the moment (?at=)
// and the place, so that both can be sent to oneself.
import { Box, Button, Flex, IconButton, Text } from "@chakra-ui/react";
import { ChevronLeft, ChevronRight, Clock, Download, Folder, GitFork, RotateCcw, Share2 } from "lucide-react";
import { type ChangeEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { ApiError, type Change, type Entry, type Session } from "../../api/generated";
import { useLastOf } from "../../api/past";
import { refreshFiles, useChanges, useFolderAt } from "../../api/queries";
import { formatCount, formatExact, formatSize } from "../../lib/format";
import { authorWords, indexOf, lastAddress, momentOf, momentsOf, wordsOf } from "../../lib/past";
import { baseName, bodyPath, fileAddress, historyAddress, parentOf, sessionAddress, withParents } from "../../lib/paths";
import { shownName } from "../../lib/shown";
import { api } from "../../stores/auth";
import { Ago, Empty, ListSkeleton } from "../bits";
import { download, downloadAll, forkSession } from "../files/actions";
import { CompareChoice, useCompare, VersionDifference } from "../files/diff";
import { EntryRow } from "../files/entry-row";
import { Content } from "../files/file-view";
import { LinkTarget, linkWords } from "../files/link";
import { ShareDialog } from "../files/share";
import { checkSessionName, NameDialog } from "../modal";
import { type Action, ActionMenu } from "../menu";
import { ProblemNotice } from "../problem-notice";
import { say, sayProblem } from "../toaster";
import { ChangeList } from "./change-list";
import { RewindButton, RewindDialog, thenWords } from "./rewind";

interface MomentProps {
  readonly session: Session;
  readonly path: string;
  /** Newest first: each is the last change of a moment that is kept. */
  readonly moments: readonly Change[];
  /** Which of them is looked at. */
  readonly index: number;
}

interface SliderProps extends MomentProps {
  /** What the address names: undefined is now. */
  readonly wanted: number | undefined;
  /** At its left end: loads the changes before those. Absent: there are none, they are on their way, or did not come. */
  readonly more: (() => unknown) | undefined;
}

/** Slides at the pace of the hand; the address, and with it the folder, follows when the hand rests. */
const REST_MS = 150;

function Slider({ session, path, moments, index, wanted, more }: SliderProps) {
  const [, setParams] = useSearchParams();
  const [dragged, setDragged] = useState<number>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const go = (to: number): void => {
    setDragged(undefined);
    const chosen = to === 0 ? undefined : moments[to];
    setParams((before) => {
      if (chosen === undefined) before.delete("at");
      else before.set("at", String(momentOf(chosen)));
      return before;
    }, { replace: true });
  };
  const slide = (event: ChangeEvent<HTMLInputElement>): void => {
    const to = moments.length - 1 - Number(event.currentTarget.value);
    setDragged(to);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => go(to), REST_MS);
  };
  const at = dragged ?? index;
  const change = moments[at];
  const isAtEnd = at >= moments.length - 1;
  useEffect(() => {
    if (isAtEnd) void more?.();
  }, [isAtEnd, more]);
  const [forking, setForking] = useState(false);
  const [sharing, setSharing] = useState(false);
  const navigate = useNavigate();
  if (change === undefined) return undefined;
  const isNow = at === 0;
  const shown = moments[index];
  const moment = shown && momentOf(shown);
  // Of what is shown; while the hand slides, nothing is asked for.
  const isLater = at === index && wanted !== undefined && (wanted < momentOf(change) || change.moment !== undefined);
  const downloads: Action[] = [
    { label: "As tar.gz", icon: <Download size={15} />, run: () => void downloadAll(session.id, "tgz", moment) },
    { label: "As zip", icon: <Download size={15} />, run: () => void downloadAll(session.id, "zip", moment) },
  ];
  const fork = async (name: string): Promise<void> => {
    void navigate(sessionAddress(await forkSession(session.id, name, moment)));
  };
  return (
    <Box paddingX="16px" paddingY="12px" borderBottomWidth="1px" bg="bg.subtle" flexShrink="0">
      <Flex align="center" gap="8px">
        <IconButton size="xs" variant="outline" colorPalette="gray" aria-label="The change before" disabled={isAtEnd} onClick={() => go(at + 1)}><ChevronLeft size={14} /></IconButton>
        <Box asChild flex="1" minWidth="0" height="24px" cursor="pointer" css={{ accentColor: { base: "{colors.accent.solid}", _dark: "{colors.accent.fg}" }, colorScheme: { base: "light", _dark: "dark" } }}>
          <input type="range" min={0} max={Math.max(1, moments.length - 1)} step={1} value={moments.length - 1 - at} onChange={slide} disabled={moments.length < 2} aria-label="Moment" aria-valuetext={`${formatExact(change.at)}: ${wordsOf(change)}`} />
        </Box>
        <IconButton size="xs" variant="outline" colorPalette="gray" aria-label="The change after" disabled={isNow} onClick={() => go(at - 1)}><ChevronRight size={14} /></IconButton>
      </Flex>
      <Flex align="center" gap="8px" marginTop="8px" wrap="wrap">
        <Flex flex={{ base: "1 0 100%", md: "1" }} align="center" gap="8px" minWidth="200px">
          <Box flex="1" minWidth="0" data-testid="moment">
            <Text fontWeight="500" fontVariantNumeric="tabular-nums">{isNow ? "Now" : formatExact(change.at)}</Text>
            <Text color="fg.muted" fontSize="13px" truncate>{wordsOf(change)} · {authorWords[change.author.kind]} · <Ago time={change.at} /></Text>
            {isLater && <Text color="warn.fg" fontSize="13px">Not every moment of this time is kept any more. This is the next that is, with all that was changed up to it.</Text>}
          </Box>
          {!isNow && <Button size="xs" height="32px" variant="ghost" colorPalette="gray" onClick={() => go(0)}>Back to now</Button>}
        </Flex>
        <ActionMenu label="Download all" actions={downloads} trigger={<Button size="xs" height="32px" variant="outline" colorPalette="gray"><Download size={14} />Download all</Button>} />
        <Button size="xs" height="32px" variant="outline" colorPalette="gray" onClick={() => setSharing(true)}><Share2 size={14} />Share</Button>
        <Button size="xs" height="32px" variant="outline" colorPalette="gray" onClick={() => setForking(true)}><GitFork size={14} />Fork from here</Button>
      </Flex>
      {forking && <NameDialog title="Fork from here" label="Name of the copy" action="Fork" suggested={`Copy of ${session.name}`.slice(0, 100)} check={checkSessionName} submit={fork} onClose={() => setForking(false)} />}
      {sharing && <ShareDialog sessionId={session.id} moment={isNow ? undefined : { version: momentOf(change), at: change.at }} onClose={() => setSharing(false)} />}
      <Text srOnly>In {path === "" ? "the whole session" : path}</Text>
    </Box>
  );
}

function Places({ session, path, at }: { readonly session: Session; readonly path: string; readonly at: number | undefined }) {
  return (
    <Flex as="nav" aria-label="Path" align="center" gap="4px" height="40px" paddingX="16px" flexShrink="0" borderBottomWidth="1px" fontSize="13px" overflowX="auto" whiteSpace="nowrap">
      {withParents(path).map((part) => (
        <Flex key={part} align="center" gap="4px">
          {part !== "" && <Text as="span" color="fg.subtle" aria-hidden="true">/</Text>}
          {part === path ? <Text as="span" fontWeight="500" aria-current="page" fontSize="13px">{part === "" ? session.name : baseName(part)}</Text> : (
            <Box asChild color="fg.muted" _hover={{ color: "fg", textDecoration: "underline" }}><Link to={historyAddress(session.id, part, at)}>{part === "" ? session.name : baseName(part)}</Link></Box>
          )}
        </Flex>
      ))}
    </Flex>
  );
}

interface ThereProps {
  readonly sessionId: string;
  readonly path: string;
  readonly change: Change;
  /** The version of the moment. */
  readonly moment: number;
  /** For addresses: undefined is now. */
  readonly at: number | undefined;
  /** What the address names, for which the moment may stand. */
  readonly wanted: number | undefined;
}

/** By the moment: its folder may be another by now, or a file. */
async function restore(sessionId: string, entry: Entry, moment: number): Promise<void> {
  try {
    const done = await api.filesRewind({ sessionId, body: { ...bodyPath(entry), at: moment } });
    say(`“${shownName(entry)}” is as it was ${thenWords(done, moment)}`);
  } catch (error) {
    sayProblem(error);
  }
  refreshFiles(sessionId);
}

/** Over what was there then. */
function Bar({ words, children }: { readonly words: ReactNode; readonly children: ReactNode }) {
  return (
    <Flex minHeight="48px" flexShrink="0" align="center" gap="8px" wrap="wrap" paddingLeft="16px" paddingRight="8px" paddingY="8px" borderBottomWidth="1px">
      <Text color="fg.muted" fontSize="13px" flex="1" minWidth="120px" truncate fontVariantNumeric="tabular-nums">{words}</Text>
      {children}
    </Flex>
  );
}

/** Of what no address can carry, in its row. */
function UnnamedMenu({ sessionId, path, change, moment, at, entry }: ThereProps & { readonly entry: Entry }) {
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const bringBack = (): void => {
    if (entry.type === "dir") setAsking(true);
    else void restore(sessionId, entry, moment);
  };
  const actions: Action[] = [
    ...(entry.type === "file" ? [{ label: "Download", icon: <Download size={15} />, run: () => void download(sessionId, entry, undefined, moment) }] : []),
    at === undefined
      ? { label: "Show in Files", icon: <Folder size={15} />, run: () => void navigate(fileAddress(sessionId, path)) }
      : { label: "Restore", icon: <RotateCcw size={15} />, run: bringBack },
  ];
  return (
    <>
      <ActionMenu label={`Actions for ${shownName(entry)}`} actions={actions} />
      {asking && <RewindDialog sessionId={sessionId} folder={entry} moment={{ version: moment, at: change.at }} onClose={() => setAsking(false)} />}
    </>
  );
}

function FolderThen(props: ThereProps) {
  const { sessionId, path, change, moment, at } = props;
  const [, setParams] = useSearchParams();
  const { data, error, refetch } = useFolderAt(sessionId, path, moment);
  if (data === undefined) return error === null ? <ListSkeleton /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  const isEmpty = data.length === 0;
  return (
    <>
      {at !== undefined && (
        <Bar words={isEmpty ? "Empty at this moment" : `${formatCount(data.length, "item")} at this moment`}>
          <RewindButton sessionId={sessionId} folder={{ path }} moment={{ version: moment, at: change.at }} onDone={() => setParams({})} />
        </Bar>
      )}
      {isEmpty && <Empty icon={<Clock size={20} />} title="This folder was empty" text="Nothing was in it at this moment." />}
      <Box as="ul" aria-label="Entries">
        {data.map((entry) => (
          <EntryRow key={`${entry.path} ${entry.path_b64 ?? ""}`} entry={entry} to={historyAddress(sessionId, entry.path, at)}>
            {entry.path_b64 !== undefined && <UnnamedMenu {...props} entry={entry} />}
          </EntryRow>
        ))}
      </Box>
    </>
  );
}

type EntryProps = Pick<ThereProps, "sessionId" | "at" | "moment"> & { readonly entry: Entry };

function BackButton({ sessionId, entry, at, moment }: EntryProps) {
  if (at === undefined) return <Button size="xs" height="32px" variant="outline" colorPalette="gray" asChild><Link to={fileAddress(sessionId, entry.path)}>Show in Files</Link></Button>;
  return <Button size="xs" height="32px" onClick={() => void restore(sessionId, entry, moment)}><RotateCcw size={14} />Restore this {entry.type === "file" ? "file" : "link"}</Button>;
}

function LinkThen(props: EntryProps) {
  const { sessionId, entry, moment } = props;
  return (
    <>
      <Bar words={linkWords(entry)}><BackButton {...props} /></Bar>
      <LinkTarget tree={sessionId} entry={entry} at={moment} />
    </>
  );
}

function FileThen({ sessionId, entry, at, moment }: EntryProps) {
  const wanted = useCompare();
  const compare = at === undefined && wanted === "now" ? "off" : wanted;
  return (
    <>
      <Bar words={<>{formatSize(entry.size)} · changed <Ago time={entry.mtime} /></>}>
        <Flex gap="8px">
          <Button size="xs" height="32px" variant="outline" colorPalette="gray" onClick={() => void download(sessionId, entry, undefined, moment)}><Download size={14} />Download</Button>
          <BackButton sessionId={sessionId} entry={entry} at={at} moment={moment} />
        </Flex>
      </Bar>
      <Flex padding="8px 16px" borderBottomWidth="1px"><CompareChoice isCurrent={at === undefined} /></Flex>
      {compare === "off"
        ? <Content key={`${entry.path} ${entry.version}`} tree={sessionId} entry={entry} version={entry.version} size={entry.size} at={moment} />
        : <VersionDifference sessionId={sessionId} path={entry.path} version={entry.version} compare={compare} />}
    </>
  );
}

/** What stood at the path then: a folder is shown as a list, a file as itself, a link as where it leads. */
function There(props: ThereProps) {
  const { sessionId, path, moment, at, wanted } = props;
  const above = useFolderAt(sessionId, parentOf(path), moment);
  const isHere = above.data?.some((one) => one.path === path) === true;
  const last = useLastOf(sessionId, path, path !== "" && !above.isPending && !isHere);
  if (path === "") return <FolderThen {...props} />;
  if (above.isPending) return <ListSkeleton />;
  const entry = above.data?.find((one) => one.path === path && one.path_b64 === undefined);
  if (entry?.type === "dir") return <FolderThen {...props} />;
  if (entry?.type === "file") return <FileThen sessionId={sessionId} entry={entry} moment={moment} at={at} />;
  if (entry !== undefined) return <LinkThen sessionId={sessionId} entry={entry} moment={moment} at={at} />;
  if (above.error !== null && !(above.error instanceof ApiError && above.error.status === 404)) return <ProblemNotice error={above.error} retry={() => void above.refetch()} />;
  const up = <Button size="sm" variant="outline" colorPalette="gray" asChild><Link to={historyAddress(sessionId, "", at)}>To all files of then</Link></Button>;
  const address = last && lastAddress(sessionId, path, last, wanted);
  const then = address !== undefined && <Button size="sm" asChild><Link to={address}>To when it was here last</Link></Button>;
  const isThinned = last !== undefined && address === undefined;
  return <Empty icon={<Clock size={20} />} title={`“${baseName(path)}” was not here`} text={isThinned ? "The last moment at which it was here is not kept any more. Choose another moment, or look from above." : "At this moment nothing of that name was in this place. Choose another moment, or look from above."}><Flex gap="8px" wrap="wrap" justify="center">{up}{then}</Flex></Empty>;
}

export default function SessionHistory({ session, path }: { readonly session: Session; readonly path: string }) {
  const [params] = useSearchParams();
  const asked = Number(params.get("at") ?? Number.NaN);
  const wanted = Number.isSafeInteger(asked) && asked > 0 ? asked : undefined;
  const { data: changes, error, refetch, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = useChanges(session.id);
  // An address may name a moment that lies behind what is loaded.
  const oldest = changes?.at(-1)?.version ?? 0;
  const isMissing = wanted !== undefined && wanted < oldest && hasNextPage;
  const more = hasNextPage && !isFetchingNextPage && !isFetchNextPageError ? fetchNextPage : undefined;
  useEffect(() => {
    if (isMissing) void more?.();
  }, [isMissing, more]);
  if (changes === undefined) return error === null ? <ListSkeleton /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  if (isMissing) return isFetchNextPageError ? <ProblemNotice error={error} retry={() => void fetchNextPage()} /> : <ListSkeleton />;
  const moments = momentsOf(changes);
  const index = indexOf(moments, wanted);
  const change = moments[index];
  if (change === undefined) {
    const files = <Button size="sm" asChild><Link to={fileAddress(session.id, "")}>To the files</Link></Button>;
    return <Empty icon={<Clock size={20} />} title="Nothing has changed yet" text="Every change of a file will be a moment that you can come back to.">{files}</Empty>;
  }
  const moment = momentOf(change);
  const at = index === 0 ? undefined : moment;
  return (
    <Flex direction="column" flex="1" minHeight="0" bg="bg.panel" data-testid="history">
      <Slider session={session} path={path} moments={moments} index={index} wanted={wanted} more={more} />
      <Flex direction={{ base: "column", md: "row" }} flex="1" minHeight="0">
        <Flex direction="column" flex="1" minWidth="0" minHeight="0">
          <Places session={session} path={path} at={at} />
          <Box flex="1" minHeight="0" overflowY="auto" tabIndex={0} role="region" aria-label="Files at this moment"><There sessionId={session.id} path={path} change={change} moment={moment} at={at} wanted={wanted} /></Box>
        </Flex>
        <ChangeList session={session} changes={changes} moments={moments} shown={change} more={{ has: hasNextPage, isLoading: isFetchingNextPage, load: () => void fetchNextPage() }} />
      </Flex>
    </Flex>
  );
}
