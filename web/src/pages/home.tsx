// The person's own home: its files with their versions, and what was deleted. The server answers all of it, so that a dotfile can be
// had back while no workspace runs; a running one gets what is restored as any change.
//
//   /home/…             a folder, or a file with ?history&version= as in a session
//   /home?show=deleted  what was deleted
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { Download, House, Inbox, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { useChanges, useFolder, useKept } from "../api/queries";
import { Ago, Empty, ListSkeleton, usePageTitle } from "../components/bits";
import { takeHome } from "../components/files/actions";
import { Deletions, FindByPath } from "../components/files/deletions";
import { EntryRow } from "../components/files/entry-row";
import { Tree } from "../components/files/tree";
import { ProblemNotice } from "../components/problem-notice";
import { Breadcrumbs, Place } from "../components/session/files";
import { formatCount } from "../lib/format";
import { keptWords } from "../lib/past";
import { baseName, fileAddress, HOME } from "../lib/paths";

function Folder({ path }: { readonly path: string }) {
  const { data, error, refetch } = useFolder(HOME, path);
  if (data === undefined) return error === null ? <ListSkeleton /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data.length === 0 && path === "") {
    return <Empty icon={<House size={20} />} title="Your home is empty" text="What programs keep in it, such as dotfiles, keys and the shell’s history, is stored here with every version once you work in a session." />;
  }
  return (
    <>
      <Text color="fg.muted" fontSize="13px" padding="12px 16px" borderBottomWidth="1px">{formatCount(data.length, "item")}{path === "" && ", as stored. All your sessions share them; tool chains and caches stay on each session’s disk and are not here."}</Text>
      {data.length === 0 && <Empty icon={<Inbox size={20} />} title="This folder is empty" text="There is nothing in it." />}
      <Box as="ul" aria-label="Entries">
        {data.map((entry) => (
          <EntryRow key={entry.path_b64 ?? entry.path} entry={entry} to={fileAddress(HOME, entry.path)}>
            <Text width="110px" textAlign="end" color="fg.muted" display={{ base: "none", lg: "block" }} fontSize="13px" whiteSpace="nowrap"><Ago time={entry.mtime} /></Text>
          </EntryRow>
        ))}
      </Box>
    </>
  );
}

function Deleted() {
  const { data, error, refetch } = useChanges(HOME);
  const [text, setText] = useState("");
  const kept = useKept(HOME);
  if (data === undefined) return error === null ? <ListSkeleton /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  return (
    <>
      <Box padding="8px 16px" borderBottomWidth="1px"><Box maxWidth="388px"><FindByPath value={text} onValue={setText} /></Box></Box>
      <Deletions tree={HOME} changes={data} text={text.trim()} />
      {kept !== undefined && <Text color="fg.muted" fontSize="12px" padding="12px 16px 16px">{keptWords(kept)}</Text>}
    </>
  );
}

export default function HomePage() {
  const { "*": path = "" } = useParams();
  const isDeleted = useSearchParams()[0].get("show") === "deleted";
  const isEmpty = useFolder(HOME, "").data?.length === 0 && path === "";
  usePageTitle(path === "" ? "Your home" : `${baseName(path)} · Your home`);
  const other = isDeleted ? { to: fileAddress(HOME, ""), label: "Files", Icon: House } : { to: `${fileAddress(HOME, "")}?show=deleted`, label: "Deleted", Icon: Trash2 };
  return (
    <Flex flex="1" minHeight="0" bg="bg.panel" data-testid="home">
      {!isEmpty && (
        <Box width="260px" flexShrink="0" borderEndWidth="1px" display={{ base: "none", md: "block" }} overflow="auto" bg="bg">
          <Tree tree={HOME} current={path} />
        </Box>
      )}
      <Flex direction="column" flex="1" minWidth="0" minHeight="0">
        <Text as="h1" srOnly>Your home</Text>
        <Breadcrumbs tree={HOME} path={path} name="Your home">
          {path === "" && <Flex gap="8px" flexShrink="0">
            <Button size="xs" height="32px" variant="ghost" colorPalette="gray" asChild><Link to={other.to}><other.Icon size={14} />{other.label}</Link></Button>
            {!isEmpty && <Button size="xs" height="32px" variant="outline" colorPalette="gray" onClick={() => void takeHome()}><Download size={14} />Download all</Button>}
          </Flex>}
        </Breadcrumbs>
        <Flex direction="column" flex="1" minHeight="0" overflowY="auto">
          {isDeleted ? <Deleted /> : <Place tree={HOME} path={path} folder={<Folder key={path} path={path} />} />}
        </Flex>
      </Flex>
    </Flex>
  );
}
