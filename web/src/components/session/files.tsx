// The files of a session, which can be read and changed whether its workspace runs or not.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { ApiError, type Session } from "../../api/generated";
import { useLastOf } from "../../api/past";
import { useFolder } from "../../api/queries";
import { lastAddress } from "../../lib/past";
import { baseName, fileAddress, HOME, parentOf, withParents } from "../../lib/paths";
import { shown } from "../../lib/shown";
import { factsOf, ListSkeleton } from "../bits";
import { FileView, useRiskOf } from "../files/file-view";
import { Folder } from "../files/folder";
import { GoneFile } from "../files/gone-file";
import { LinkView } from "../files/link";
import { Tree } from "../files/tree";
import { Uploads } from "../files/uploads";
import { ProblemNotice } from "../problem-notice";

interface WhereProps {
  /** A session's id, or HOME. */
  readonly tree: string;
  readonly path: string;
}

/** name: of the tree. children: at the end of the line. */
export function Breadcrumbs({ tree, path, name, children }: WhereProps & { readonly name: string; readonly children: ReactNode }) {
  return (
    <Flex align="center" height="44px" flexShrink="0" paddingX="16px" gap="16px" borderBottomWidth="1px" bg="bg.subtle" fontSize="13px">
      <Flex as="nav" aria-label="Path" align="center" gap="4px" flex="1" minWidth="0" overflowX="auto" whiteSpace="nowrap">
        {withParents(path).map((part) => (
          <Flex key={part} align="center" gap="4px">
            {part !== "" && <Text as="span" color="fg.subtle" aria-hidden="true">/</Text>}
            {part === path ? <Text as="span" fontWeight="500" aria-current="page" fontSize="13px">{part === "" ? name : shown(baseName(part))}</Text> : (
              <Box asChild color="fg.muted" _hover={{ color: "fg", textDecoration: "underline" }}><Link to={fileAddress(tree, part)}>{part === "" ? name : shown(baseName(part))}</Link></Box>
            )}
          </Flex>
        ))}
      </Flex>
      {children}
    </Flex>
  );
}

/** Nothing is at the path: where it was deleted or moved, its past leads to it. */
function Gone({ tree, path }: WhereProps) {
  const last = useLastOf(tree, path, tree !== HOME);
  const how = { delete: "was deleted", move: "was moved away" };
  const error = new ApiError(404, {
    code: last === undefined ? "not_found" : "gone",
    message: `“${baseName(path)}” ${last === undefined ? "is not here" : how[last.op]}.`,
    request_id: "",
  });
  const up = <Button size="sm" variant="outline" colorPalette="gray" asChild><Link to={fileAddress(tree, "")}>To all files</Link></Button>;
  const address = last && lastAddress(tree, path, last);
  const then = address !== undefined && <Button size="sm" asChild><Link to={address}>Show it as it was</Link></Button>;
  return <ProblemNotice error={error} action={<>{up}{then}</>} />;
}

/** What stands at the path: a folder is shown as a list, a file as itself. */
export function Place({ tree, path, folder }: WhereProps & { readonly folder: ReactNode }) {
  const above = useFolder(tree, parentOf(path), path !== "");
  const isTyped = useRiskOf(tree, path) !== "none";
  if (path === "") return folder;
  if (above.isPending) return <ListSkeleton />;
  const entry = above.data?.find((one) => one.path === path && one.path_b64 === undefined);
  if (entry?.type === "dir" && !isTyped) return folder;
  const file = entry?.type === "file" ? entry : undefined;
  if (file !== undefined || isTyped) return <FileView tree={tree} path={path} entry={file} />;
  if (entry !== undefined) return <GoneFile tree={tree} path={path} link={entry}><LinkView tree={tree} entry={entry} /></GoneFile>;
  const isGone = above.error === null || (above.error instanceof ApiError && above.error.status < 500);
  return isGone ? <GoneFile tree={tree} path={path}><Gone tree={tree} path={path} /></GoneFile> : <ProblemNotice error={above.error} retry={() => void above.refetch()} />;
}

export function Files({ session, path }: { readonly session: Session; readonly path: string }) {
  return (
    <Flex flex="1" minHeight="0" bg="bg.panel" data-testid="files">
      <Box width="260px" flexShrink="0" borderEndWidth="1px" display={{ base: "none", md: "block" }} overflow="auto" bg="bg">
        <Tree tree={session.id} current={path} />
      </Box>
      <Flex direction="column" flex="1" minWidth="0" minHeight="0">
        <Breadcrumbs tree={session.id} path={path} name={session.name}>
          <Text color="fg.muted" fontSize="13px" whiteSpace="nowrap" fontVariantNumeric="tabular-nums" display={{ base: "none", sm: "block" }}>{factsOf(session)}</Text>
        </Breadcrumbs>
        <Flex direction="column" flex="1" minHeight="0" overflowY="auto"><Place tree={session.id} path={path} folder={<Folder key={path} sessionId={session.id} path={path} />} /></Flex>
      </Flex>
      <Uploads sessionId={session.id} />
    </Flex>
  );
}
