// Read-only links to a session: made, shown once, ended.
import { Box, Button, Flex, Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { Link2, Unlink } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type Link, limitsOfLinkInput, numbersOfLinkInput } from "../../api/generated";
import { queryClient } from "../../api/queries";
import { dayChoices, textProblem } from "../../lib/check";
import { formatExact, formatUntil } from "../../lib/format";
import { momentWords } from "../../lib/past";
import { fieldProblem } from "../../lib/problem";
import { may } from "../../lib/roles";
import { api, useAuth } from "../../stores/auth";
import { Ago, ListSkeleton, TextField } from "../bits";
import { Modal } from "../modal";
import { FormProblem, ProblemNotice } from "../problem-notice";
import { Secret } from "../secret";
import { Select } from "../select";
import { useSending } from "../sending";
import { say, sayProblem } from "../toaster";

const life = numbersOfLinkInput.expires_in_days;

interface OfSession {
  readonly sessionId: string;
}

interface OfMoment extends OfSession {
  readonly moment?: { readonly version: number; readonly at: string } | undefined;
}

const keyOf = (sessionId: string): readonly string[] => ["links", sessionId];
const refresh = (sessionId: string): void => void queryClient.invalidateQueries({ queryKey: keyOf(sessionId) });

function Row({ link }: { readonly link: Link }) {
  const isGone = link.moment_gone === true;
  const end = (): void => {
    api.sessionLinkDelete({ sessionId: link.session_id, linkId: link.id }).then(() => say(`“${link.name}” opens nothing any more`), sayProblem).finally(() => refresh(link.session_id));
  };
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="56px" paddingY="8px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box color={isGone ? "warn.fg" : "fg.muted"} flexShrink="0">{isGone ? <Unlink size={18} /> : <Link2 size={18} />}</Box>
      <Box flex="1" minWidth="0">
        <Text truncate fontWeight="500" title={link.name}>{link.name}</Text>
        {link.at !== undefined && <Text color="fg.muted" fontSize="13px">{momentWords(link.at, link.moment_at)}</Text>}
        {isGone && <Text color="warn.fg" fontSize="13px">Opens nothing any more: this moment is not kept</Text>}
        <Text color="fg.muted" fontSize="13px" truncate>
          {link.last_used_at === undefined ? "never used" : <>used <Ago time={link.last_used_at} /></>} · ends {formatUntil(link.expires_at)}
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

function NewLink({ sessionId, moment }: OfMoment) {
  const [name, setName] = useState("");
  const [days, setDays] = useState(String(life.usual));
  const [made, setMade] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const make = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = textProblem(limitsOfLinkInput.name, name.trim(), "Say whom it is for.");
    setProblem(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      const body = { name: name.trim(), expires_in_days: Number(days), ...(moment !== undefined ? { at: moment.version } : {}) };
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
          <Select label="How long it works" options={dayChoices(life)} value={days} onValue={setDays} />
          <Button size="sm" type="submit" loading={busy}>Make a link</Button>
        </Flex>
        {made !== undefined && <Secret key={made} label="The new link" value={made}>Copy it now: it is shown only this once.</Secret>}
      </Stack>
    </form>
  );
}

/** moment: the links that are made here show that one alone. Who may make none ends those that there are. */
export function ShareDialog({ sessionId, moment, onClose }: OfMoment & { readonly onClose: () => void }) {
  const mayMake = useAuth(({ state }) => state.status === "in" && may(state.user.role, "sessions.write"));
  return (
    <Modal title={moment === undefined ? "Share" : "Share this moment"} onClose={onClose}>
      <Stack gap="16px">
        <Text color="fg.muted">
          {moment === undefined
            ? "Whoever has a link reads the files as they are, without an account: all of them, .env and .git too. Older versions stay yours."
            : <>Whoever has a link reads the files as they were on <Text as="span" color="fg" fontWeight="500">{formatExact(moment.at)}</Text>, without an account: all of them, .env and .git too. It works as long as this moment is kept.</>}
        </Text>
        {mayMake ? <NewLink sessionId={sessionId} moment={moment} /> : <Text>Your role makes no links; ask an owner or admin.</Text>}
        <Links sessionId={sessionId} />
      </Stack>
    </Modal>
  );
}
