// The folders and files of a session or of the home; a folder is read when it is opened.
import { Box, Flex, Text } from "@chakra-ui/react";
import { ChevronDown, ChevronRight, File, Folder, Link2 } from "lucide-react";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import type { Entry } from "../../api/generated";
import { useFolder } from "../../api/queries";
import { fileAddress } from "../../lib/paths";
import { shownName } from "../../lib/shown";

export function EntryIcon({ entry, size = 15 }: { readonly entry: Entry; readonly size?: number }) {
  if (entry.type === "dir") return <Folder size={size} />;
  return entry.type === "symlink" ? <Link2 size={size} /> : <File size={size} />;
}

interface NodeProps {
  readonly tree: string;
  readonly entry: Entry;
  readonly current: string;
  readonly depth: number;
}

function TreeNode({ tree, entry, current, depth }: NodeProps) {
  const holds = current === entry.path || current.startsWith(`${entry.path}/`);
  const [open, setOpen] = useState(holds);
  useEffect(() => {
    if (holds) setOpen(true);
  }, [holds]);
  const here = current === entry.path;
  const isFolder = entry.type === "dir";
  const Arrow = open ? ChevronDown : ChevronRight;
  return (
    <Box as="li" listStyleType="none">
      <Flex align="center" height="28px" borderRadius="l2" paddingLeft={`${4 + depth * 14}px`} bg={here ? "accent.subtle" : undefined} color={here ? "accent.fg" : "fg"} _hover={{ bg: here ? "accent.subtle" : "bg.muted" }}>
        {isFolder ? (
          <Box asChild color="fg.muted" padding="3px" borderRadius="l1" cursor="pointer">
            <button type="button" aria-expanded={open} aria-label={`${open ? "Close" : "Show"} ${shownName(entry)}`} onClick={() => setOpen(!open)}><Arrow size={14} /></button>
          </Box>
        ) : <Box width="20px" flexShrink="0" />}
        <Flex asChild flex="1" minWidth="0" align="center" gap="7px" paddingX="4px" height="100%">
          <Link to={fileAddress(tree, entry.path)} aria-current={here ? "page" : undefined}>
            <Box color={here ? "accent.fg" : "fg.muted"} flexShrink="0"><EntryIcon entry={entry} size={14} /></Box>
            <Text truncate fontSize="13px">{shownName(entry)}</Text>
          </Link>
        </Flex>
      </Flex>
      {isFolder && open && <Branch tree={tree} path={entry.path} current={current} depth={depth + 1} />}
    </Box>
  );
}

function Branch({ tree, path, current, depth }: { readonly tree: string; readonly path: string; readonly current: string; readonly depth: number }) {
  const { data } = useFolder(tree, path);
  return (
    <Box as="ul">
      {data?.filter((entry) => entry.path_b64 === undefined).map((entry) => <TreeNode key={entry.path} tree={tree} entry={entry} current={current} depth={depth} />)}
    </Box>
  );
}

export function Tree({ tree, current }: { readonly tree: string; readonly current: string }) {
  return <Box as="nav" aria-label="Files" padding="12px"><Branch tree={tree} path="" current={current} depth={0} /></Box>;
}
