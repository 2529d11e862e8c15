// A version of a file that is not there any more, or of a link, as the address names it: what its deletion took away, or an older one.
import { Box, Flex } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { useSearchParams } from "react-router";
import type { Entry } from "../../api/generated";
import { ListSkeleton } from "../bits";
import { Content } from "./file-view";
import { History, OldVersion, useHistory } from "./history";

interface GoneProps {
  readonly tree: string;
  readonly path: string;
  /** What is there now. */
  readonly link?: Entry | undefined;
  /** Shown where the address names no version of a file. */
  readonly children: ReactNode;
}

export function GoneFile({ tree, path, link, children }: GoneProps) {
  const [params, setParams] = useSearchParams();
  const isOpen = params.has("history") && params.has("version");
  const { data, isLoading } = useHistory(tree, path, isOpen);
  if (isLoading) return <ListSkeleton />;
  const wanted = Number(params.get("version"));
  const version = isOpen ? data?.find((one) => one.version === wanted && one.hash !== undefined) : undefined;
  if (version === undefined || wanted === link?.version) return children;
  const size = version.size ?? 0;
  const entry: Entry = { path, type: "file", size, mode: 0, mtime: version.at, version: link?.version ?? 0 }; // 0: none is the current one
  const show = (to: number): void => setParams({ history: "", version: String(to) }, { replace: true });
  const close = (): void => setParams({}, { replace: true });
  return (
    <Flex direction={{ base: "column-reverse", md: "row" }} flex="1" minHeight="0">
      <Box flex="1" minWidth="0" overflowY="auto">
        <OldVersion tree={tree} entry={entry} version={version} onDone={link === undefined ? () => undefined : close} />
        <Content key={`${path} ${wanted}`} tree={tree} entry={entry} version={wanted} size={size} />
      </Box>
      <History tree={tree} entry={entry} shown={wanted} onShow={show} onClose={close} isGone={link === undefined} />
    </Flex>
  );
}
