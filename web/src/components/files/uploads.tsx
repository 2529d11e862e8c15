// What is on its way, what has arrived, and what did not.
import { Box, Button, CloseButton, Flex, Spinner, Text } from "@chakra-ui/react";
import { Check, CircleAlert, Clock } from "lucide-react";
import { useEffect } from "react";
import { refreshFiles } from "../../api/queries";
import { formatCount, formatSize } from "../../lib/format";
import { baseName } from "../../lib/paths";
import { clearUploads, retryUploads, stopUpload, type Upload, useUploads } from "../../stores/uploads";

function UploadIcon({ state }: { readonly state: Upload["state"] }) {
  if (state === "sending") return <Spinner size="xs" role="img" aria-label="Uploading" />;
  if (state === "waiting") return <Clock size={14} aria-label="Waiting" />;
  if (state === "done") return <Box color="good.fg"><Check size={14} aria-label="Uploaded" /></Box>;
  return <Box color="bad.fg"><CircleAlert size={14} aria-label="Failed" /></Box>;
}

function headline(uploads: readonly Upload[]): string {
  const failed = uploads.filter(({ state }) => state === "failed").length;
  const open = uploads.filter(({ state }) => state === "waiting" || state === "sending").length;
  if (open > 0) return `Uploading ${formatCount(open, "file")}`;
  return failed > 0 ? `${formatCount(failed, "file")} could not be uploaded` : `Uploaded ${formatCount(uploads.length, "file")}`;
}

export function Uploads({ sessionId }: { readonly sessionId: string }) {
  const all = useUploads((state) => state.uploads);
  const uploads = all.filter((one) => one.sessionId === sessionId);
  const done = uploads.filter(({ state }) => state === "done").length;
  useEffect(() => {
    if (done > 0) refreshFiles(sessionId);
  }, [done, sessionId]);
  if (uploads.length === 0) return undefined;
  return (
    <Box role="status" position="fixed" insetEnd="16px" bottom="38px" width="min(360px, calc(100vw - 32px))" bg="bg.panel" borderWidth="1px" borderRadius="l3" boxShadow="lift" zIndex="popover" overflow="hidden">
      <Flex height="44px" align="center" paddingLeft="16px" paddingRight="8px" gap="8px" borderBottomWidth="1px">
        <Text fontWeight="500" flex="1">{headline(uploads)}</Text>
        {uploads.some(({ state }) => state === "failed") && <Button size="xs" variant="ghost" color="accent.fg" onClick={retryUploads}>Try again</Button>}
        <CloseButton size="xs" color="fg.muted" aria-label="Close the list of uploads" onClick={clearUploads} />
      </Flex>
      <Box as="ul" maxHeight="240px" overflowY="auto" paddingY="4px">
        {uploads.slice(0, 100).map(({ id, path, file, isArchive, state, problem, requestId, sent }) => (
          <Flex as="li" listStyleType="none" key={id} align="center" gap="10px" paddingX="16px" minHeight="36px" color="fg.muted">
            <UploadIcon state={state} />
            <Box flex="1" minWidth="0">
              <Text truncate color="fg" title={path}>{isArchive ? file.name : baseName(path)}</Text>
              {problem !== undefined && <Text fontSize="12px" color="bad.fg" overflowWrap="anywhere">{problem}{requestId !== undefined && ` Request ${requestId}`}</Text>}
            </Box>
            <Text fontSize="12px" fontVariantNumeric="tabular-nums" whiteSpace="nowrap">{state === "sending" && sent < file.size ? `${Math.floor((100 * sent) / file.size)} % of ${formatSize(file.size)}` : formatSize(file.size)}</Text>
            {state === "sending" && <CloseButton size="2xs" color="fg.muted" aria-label={`Stop ${file.name}`} onClick={() => stopUpload(id)} />}
          </Flex>
        ))}
      </Box>
    </Box>
  );
}
