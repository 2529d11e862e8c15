// What a read-only link shows: a session's files, without a login. The link's token stands behind the address's '#', which browsers
// send to no server, and goes in a header.
import { Box, Button, Flex, Heading, IconButton, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { Clock, Download, FolderOpen, Inbox, Unlink } from "lucide-react";
import { useMemo } from "react";
import { Link, useLocation, useSearchParams } from "react-router";
import { ApiError, type Client, createClient, encodePath, type Entry } from "../api/generated";
import { inOrder } from "../api/queries";
import { Ago, Empty, ListSkeleton, Logo, usePageTitle } from "../components/bits";
import { fetchToDisk, save } from "../components/files/actions";
import { BlobContent, limitOf } from "../components/files/file-view";
import { linkWords, Target } from "../components/files/link";
import { EntryIcon } from "../components/files/tree";
import { ProblemNotice } from "../components/problem-notice";
import { sayProblem } from "../components/toaster";
import { sentName } from "../lib/content";
import { formatSize, formatUntil } from "../lib/format";
import { momentWords } from "../lib/past";
import { baseName, parentOf, sentPath } from "../lib/paths";
import { resetOf } from "../lib/roles";
import { shown as inWords, shownName } from "../lib/shown";
import { watchedFetch } from "../stores/connection";

const PAGE = 1000;

interface Shown {
  readonly client: Client;
  readonly token: string;
  readonly hash: string;
}

const isEnded = (error: unknown): boolean => error instanceof ApiError && error.status === 401;

async function listFolder(client: Client, path: string, signal: AbortSignal): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const { data, page } = await client.sharedFilesList({ path, limit: PAGE, signal, ...(cursor !== "" ? { cursor } : {}) });
    entries.push(...data);
    cursor = page.next ?? undefined;
  }
  return inOrder(entries);
}

const useFolder = ({ client, hash }: Shown, path: string) => useQuery({ queryKey: ["shared", hash, "folder", path], queryFn: ({ signal }) => listFolder(client, path, signal) });

function To({ path, isFile, hash, children }: { readonly path: string; readonly isFile: boolean; readonly hash: string; readonly children: string }) {
  const search = path === "" ? "" : `?${new URLSearchParams(isFile ? { file: path } : { folder: path }).toString()}`;
  return <Link to={{ pathname: "/shared", search, hash }}>{children}</Link>;
}

interface Wanted {
  readonly url: string;
  readonly token: string;
  /** Where the reply names none. */
  readonly name: string;
  /** By way of the page, where the browser cannot alone. */
  readonly load: () => Promise<Response>;
}

async function fetchOut({ url, token, name, load }: Wanted): Promise<void> {
  try {
    if (await fetchToDisk({ url: `/api/v5${url}`, token, name })) return;
    const response = await load();
    save(await response.blob(), sentName(response.headers.get("Content-Disposition")) ?? name);
  } catch (error) {
    sayProblem(error);
  }
}

function fetchFile({ client, token }: Shown, entry: Entry): void {
  const path = sentPath(entry);
  void fetchOut({ url: `/shared/files/${encodePath(path)}`, token, name: baseName(entry.path), load: () => client.sharedFilesGet({ path }) });
}

function Row({ entry, shown }: { readonly entry: Entry; readonly shown: Shown }) {
  const name = shownName(entry);
  const isUnnamed = entry.path_b64 !== undefined; // an address cannot carry a name that is no text
  return (
    <Flex as="li" listStyleType="none" height="40px" align="center" gap="12px" paddingX="16px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }} _hover={{ bg: "bg.subtle" }}>
      <Box color={entry.type === "dir" ? "accent.fg" : "fg.muted"} flexShrink="0"><EntryIcon entry={entry} size={16} /></Box>
      <Text flex="1" minWidth="0" truncate>{isUnnamed ? name : <To path={entry.path} isFile={entry.type !== "dir"} hash={shown.hash}>{name}</To>}</Text>
      {isUnnamed && entry.type === "file" && <IconButton size="xs" height="32px" variant="ghost" colorPalette="gray" aria-label={`Download ${name}`} onClick={() => fetchFile(shown, entry)}><Download size={14} /></IconButton>}
      <Text color="fg.muted" fontVariantNumeric="tabular-nums" whiteSpace="nowrap" fontSize="13px">{entry.type === "file" && formatSize(entry.size)}</Text>
      <Text width="130px" textAlign="end" color="fg.muted" display={{ base: "none", md: "block" }} fontSize="13px" whiteSpace="nowrap"><Ago time={entry.mtime} /></Text>
    </Flex>
  );
}

function Folder({ shown, path }: { readonly shown: Shown; readonly path: string }) {
  const { data, error, refetch } = useFolder(shown, path);
  if (isEnded(error)) return <Ended />;
  if (error !== null) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data === undefined) return <ListSkeleton />;
  if (data.length === 0) return <Empty icon={<Inbox size={20} />} title="This folder is empty" text="There is nothing in it." />;
  return <Box as="ul" aria-label="Entries">{data.map((entry) => <Row key={`${entry.path} ${entry.path_b64 ?? ""}`} entry={entry} shown={shown} />)}</Box>;
}

function Bytes({ shown, entry }: { readonly shown: Shown; readonly entry: Entry }) {
  const { client, hash } = shown;
  const limit = limitOf(entry);
  const { data, error, refetch } = useQuery({
    queryKey: ["shared", hash, "bytes", entry.path, entry.version],
    // An empty file has no range.
    queryFn: async ({ signal }) => (await client.sharedFilesGet({ path: entry.path, signal, ...(entry.size > limit ? { range: `bytes=0-${limit - 1}` } : {}) })).blob(),
  });
  if (isEnded(error)) return <Ended />;
  return (
    <>
      <Flex height="48px" align="center" gap="8px" paddingLeft="16px" paddingRight="8px" borderBottomWidth="1px">
        <Text color="fg.muted" fontSize="13px" flex="1" truncate fontVariantNumeric="tabular-nums">{formatSize(entry.size)} · changed <Ago time={entry.mtime} /></Text>
        <Button size="xs" height="32px" variant="outline" colorPalette="gray" onClick={() => fetchFile(shown, entry)}><Download size={14} />Download</Button>
      </Flex>
      {error !== null && <ProblemNotice error={error} retry={() => void refetch()} />}
      {error === null && (data === undefined ? <ListSkeleton /> : <BlobContent blob={data} entry={entry} size={entry.size} />)}
    </>
  );
}

function SharedLink({ shown: { client, hash }, entry }: { readonly shown: Shown; readonly entry: Entry }) {
  return (
    <>
      <Flex height="48px" align="center" paddingX="16px" borderBottomWidth="1px"><Text color="fg.muted" fontSize="13px" flex="1" truncate>{linkWords(entry)}</Text></Flex>
      <Target of={["shared", hash, entry.path, entry.version]} load={(signal) => client.sharedFilesGet({ path: entry.path, signal })} />
    </>
  );
}

function File({ shown, path }: { readonly shown: Shown; readonly path: string }) {
  const { data, error, refetch } = useFolder(shown, parentOf(path));
  const entry = data?.find((one) => one.path === path && one.path_b64 === undefined);
  if (isEnded(error)) return <Ended />;
  if (error !== null) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data === undefined) return <ListSkeleton />;
  if (entry === undefined) return <Empty icon={<Inbox size={20} />} title="This file is not there" text="It may have been moved or deleted." />;
  return entry.type === "symlink" ? <SharedLink key={path} shown={shown} entry={entry} /> : <Bytes key={path} shown={shown} entry={entry} />;
}

function Trail({ path, hash }: { readonly path: string; readonly hash: string }) {
  const parts = path === "" ? [] : path.split("/");
  return (
    <Flex as="nav" aria-label="Path" gap="6px" wrap="wrap" minHeight="40px" align="center" overflowWrap="anywhere">
      <To path="" isFile={false} hash={hash}>All files</To>
      {parts.map((part, i) => {
        const own = parts.slice(0, i + 1).join("/");
        return <Flex as="span" key={own} gap="6px"><Text as="span" color="fg.subtle">/</Text>{i + 1 === parts.length ? <Text as="span" aria-current="page">{inWords(part)}</Text> : <To path={own} isFile={false} hash={hash}>{inWords(part)}</To>}</Flex>;
      })}
    </Flex>
  );
}

function Ended() {
  return <Empty icon={<Unlink size={20} />} title="This link does not work any more" text="It has expired or was ended. Ask who gave it to you for another one." />;
}

function Thinned() {
  return <Empty icon={<Clock size={20} />} title="This moment is not kept any more" text="The link showed the files as they were at one moment. Of an older past fewer moments are kept, and this one is gone." />;
}

function Files({ shown }: { readonly shown: Shown }) {
  const { client, token, hash } = shown;
  const [params] = useSearchParams();
  const { data, error, refetch } = useQuery({ queryKey: ["shared", hash], queryFn: ({ signal }) => client.sharedGet({ signal }) });
  usePageTitle(data?.name ?? "Shared files");
  const file = params.get("file");
  const path = file ?? params.get("folder") ?? "";
  const fetchAll = (): void => {
    void fetchOut({ url: "/shared/archive?format=zip", token, name: "files.zip", load: () => client.sharedArchive({ format: "zip" }) });
  };
  if (isEnded(error)) return <Ended />;
  if (error instanceof ApiError && error.status === 404) return <Thinned />;
  if (error !== null) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data === undefined) return <ListSkeleton />;
  return (
    <>
      <Flex align="center" gap="12px" minHeight="56px" wrap="wrap">
        <Box color="accent.fg"><FolderOpen size={20} /></Box>
        <Box flex="1 1 240px" minWidth="0">
          <Heading as="h1" fontSize="20px" lineHeight="28px" fontWeight="600" truncate title={data.name}>{data.name}</Heading>
          <Text color="fg.muted" fontSize="13px">{data.at === undefined ? "Read only" : `${momentWords(data.at, data.moment_at)}, read only`} · the link ends {formatUntil(data.expires_at)}</Text>
        </Box>
        <Button size="sm" variant="outline" colorPalette="gray" onClick={fetchAll}><Download size={14} />Download all</Button>
      </Flex>
      <Trail path={path} hash={hash} />
      <Box borderWidth="1px" borderRadius="l2" bg="bg.panel" overflow="hidden">
        {file === null ? <Folder shown={shown} path={path} /> : <File shown={shown} path={file} />}
      </Box>
    </>
  );
}

export default function Shared() {
  const { hash } = useLocation();
  const token = resetOf(hash);
  const client = useMemo(() => createClient({ token: () => token, fetch: watchedFetch }), [token]);
  return (
    <Box as="main" width="100%" maxWidth="1120px" marginX="auto" padding={{ base: "16px", md: "24px" }}>
      <meta name="robots" content="noindex" />
      <Box marginBottom="16px"><Logo size={28} /></Box>
      {token === undefined ? <Text role="alert">This address is not complete: open the whole link that you were given.</Text> : <Files shown={{ client, token, hash }} />}
    </Box>
  );
}
