// Read-only links to a session: made, shown once, ended.
import { Box, Button, Flex, Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { Link2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type Link, limitsOfLinkInput } from "../../api/generated";
import { queryClient } from "../../api/queries";
import { textProblem } from "../../lib/check";
import { formatUntil } from "../../lib/format";
import { fieldProblem } from "../../lib/problem";
import { api } from "../../stores/auth";
import { Ago, ListSkeleton, TextField } from "../bits";
import { Modal } from "../modal";
import { FormProblem, ProblemNotice } from "../problem-notice";
import { Secret } from "../secret";
import { Select } from "../select";
import { useSending } from "../sending";
import { say, sayProblem } from "../toaster";

const DAYS = [
  { value: "1", label: "1 day" },
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "365", label: "365 days" },
] as const;

interface OfSession {
  readonly sessionId: string;
}

const keyOf = (sessionId: string): readonly string[] => ["links", sessionId];
const refresh = (sessionId: string): void => void queryClient.invalidateQueries({ queryKey: keyOf(sessionId) });

function Row({ link }: { readonly link: Link }) {
  const end = (): void => {
    api.sessionLinkDelete({ sessionId: link.session_id, linkId: link.id }).then(() => say(`“${link.name}” opens nothing any more`), sayProblem).finally(() => refresh(link.session_id));
  };
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="56px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box color="fg.muted" flexShrink="0"><Link2 size={18} /></Box>
      <Box flex="1" minWidth="0">
        <Text truncate fontWeight="500" title={link.name}>{link.name}</Text>
        <Text color="fg.muted" fontSize="13px" truncate>
          {link.at === undefined ? "" : `Version ${link.at} · `}{link.last_used_at === undefined ? "never used" : <>used <Ago time={link.last_used_at} /></>} · ends {formatUntil(link.expires_at)}
        </Text>
      </Box>
      <Button size="xs" variant="outline" colorPalette="gray" aria-label={`End ${link.name}`} onClick={end}>End</Button>
    </Flex>
  );
}

function Links({ sessionId }: OfSession) {
  const { data, error, refetch } = useQuery({ queryKey: keyOf(sessionId), queryFn: async ({ signal }) => (await api.sessionLinksList({ sessionId, signal })).data });
  if (data === undefined) return error === null ? <ListSkeleton rows={1} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  return data.length === 0 ? undefined : <Box as="ul" aria-label="Links" maxHeight="240px" overflowY="auto">{data.map((one) => <Row key={one.id} link={one} />)}</Box>;
}

function NewLink({ sessionId, at }: OfSession & { readonly at: number | undefined }) {
  const [name, setName] = useState("");
  const [days, setDays] = useState<(typeof DAYS)[number]["value"]>("7");
  const [made, setMade] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const make = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = textProblem(limitsOfLinkInput.name, name.trim(), "Say whom it is for.");
    setProblem(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      const body = { name: name.trim(), expires_in_days: Number(days), ...(at !== undefined ? { at } : {}) };
      setMade((await api.sessionLinkCreate({ sessionId, body })).url);
      setName("");
      refresh(sessionId);
    });
  };
  return (
    <form onSubmit={make} noValidate>
      <Stack gap="16px" align="stretch">
        <FormProblem error={error} />
        <TextField label="Whom it is for" name="link-name" value={name} onValue={setName} autoComplete="off" problem={problem ?? fieldProblem(error, "name")} />
        <Flex gap="8px" align="center" justify="space-between">
          <Select label="How long it works" options={DAYS} value={days} onValue={setDays} />
          <Button size="sm" type="submit" loading={busy}>Make a link</Button>
        </Flex>
        {made !== undefined && <Secret key={made} label="The new link" value={made}>Copy it now: it is shown only this once.</Secret>}
      </Stack>
    </form>
  );
}

/** at: the links that are made here show this moment alone. */
export function ShareDialog({ sessionId, at, onClose }: OfSession & { readonly at?: number | undefined; readonly onClose: () => void }) {
  return (
    <Modal title={at === undefined ? "Share" : `Share version ${at}`} onClose={onClose}>
      <Stack gap="16px">
        <Text color="fg.muted">
          {at === undefined ? "Whoever has a link reads the files as they are, without an account: all of them, .env and .git too. Older versions stay yours." : "Whoever has a link reads the files as they were then, without an account. It works as long as this version is kept."}
        </Text>
        <NewLink sessionId={sessionId} at={at} />
        <Links sessionId={sessionId} />
      </Stack>
    </Modal>
  );
}
