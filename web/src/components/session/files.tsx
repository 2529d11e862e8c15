// The files of a session, which can be read and changed whether its workspace runs or not.
import { Box, Button, Flex, Text } from "@chakra-ui/react";
import { Link } from "react-router";
import { ApiError, type Session } from "../../api/generated";
import { useFolder } from "../../api/queries";
import { baseName, fileAddress, parentOf, withParents } from "../../lib/paths";
import { factsOf, ListSkeleton } from "../bits";
import { FileView } from "../files/file-view";
import { Folder } from "../files/folder";
import { Tree } from "../files/tree";
import { Uploads } from "../files/uploads";
import { ProblemNotice } from "../problem-notice";

function Breadcrumbs({ session, path }: { readonly session: Session; readonly path: string }) {
  return (
    <Flex align="center" height="44px" flexShrink="0" paddingX="16px" gap="16px" borderBottomWidth="1px" bg="bg.subtle" fontSize="13px">
      <Flex as="nav" aria-label="Path" align="center" gap="4px" flex="1" minWidth="0" overflowX="auto" whiteSpace="nowrap">
        {withParents(path).map((part) => (
          <Flex key={part} align="center" gap="4px">
            {part !== "" && <Text as="span" color="fg.subtle" aria-hidden="true">/</Text>}
            {part === path ? <Text as="span" fontWeight="500" aria-current="page" fontSize="13px">{part === "" ? session.name : baseName(part)}</Text> : (
              <Box asChild color="fg.muted" _hover={{ color: "fg", textDecoration: "underline" }}><Link to={fileAddress(session.id, part)}>{part === "" ? session.name : baseName(part)}</Link></Box>
            )}
          </Flex>
        ))}
      </Flex>
      <Text color="fg.muted" fontSize="13px" whiteSpace="nowrap" fontVariantNumeric="tabular-nums" display={{ base: "none", sm: "block" }}>{factsOf(session)}</Text>
    </Flex>
  );
}

/** What stands at the path: a folder is shown as a list, a file as itself. */
function Place({ session, path }: { readonly session: Session; readonly path: string }) {
  const above = useFolder(session.id, parentOf(path), path !== "");
  if (path === "") return <Folder key="" sessionId={session.id} path="" />;
  if (above.isPending) return <ListSkeleton />;
  const entry = above.data?.find((one) => one.path === path && one.path_b64 === undefined);
  if (entry?.type === "dir") return <Folder key={path} sessionId={session.id} path={path} />;
  if (entry?.type === "file") return <FileView sessionId={session.id} entry={entry} />;
  const gone = new ApiError(404, { code: "not_found", message: `“${baseName(path)}” is not here.`, request_id: "" });
  const up = <Button size="sm" variant="outline" colorPalette="gray" asChild><Link to={fileAddress(session.id, "")}>To all files</Link></Button>;
  const isGone = above.error === null || (above.error instanceof ApiError && above.error.status < 500);
  return <ProblemNotice error={isGone ? gone : above.error} {...(isGone ? { action: up } : { retry: () => void above.refetch() })} />;
}

export function Files({ session, path }: { readonly session: Session; readonly path: string }) {
  return (
    <Flex flex="1" minHeight="0" bg="bg.panel" data-testid="files">
      <Box width="260px" flexShrink="0" borderEndWidth="1px" display={{ base: "none", md: "block" }} overflow="auto" bg="bg">
        <Tree sessionId={session.id} current={path} />
      </Box>
      <Flex direction="column" flex="1" minWidth="0" minHeight="0">
        <Breadcrumbs session={session} path={path} />
        <Flex direction="column" flex="1" minHeight="0" overflowY="auto"><Place session={session} path={path} /></Flex>
      </Flex>
      <Uploads sessionId={session.id} />
    </Flex>
  );
}
