// Keys for scripts: made, shown once, ended.
import { Box, Button, Checkbox, Flex, Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type Key, limitsOfKeyInput, numbersOfKeyInput } from "../../api/generated";
import { queryClient } from "../../api/queries";
import { dayChoices, textProblem } from "../../lib/check";
import { formatUntil } from "../../lib/format";
import { fieldProblem } from "../../lib/problem";
import { api } from "../../stores/auth";
import { Ago, ListSkeleton, TextField } from "../bits";
import { Confirm } from "../modal";
import { FormProblem, ProblemNotice } from "../problem-notice";
import { Secret } from "../secret";
import { Select } from "../select";
import { useSending } from "../sending";
import { say, sayProblem } from "../toaster";
import { Section } from "./section";

/** All of them: a person has at most 50. */
const MOST = 50;

const life = numbersOfKeyInput.expires_in_days;

const refresh = (): void => void queryClient.invalidateQueries({ queryKey: ["keys"] });

function Row({ one }: { readonly one: Key }) {
  const [asking, setAsking] = useState(false);
  const end = (): void => {
    api.authKeyDelete({ keyId: one.id }).then(() => say(`“${one.name}” is worth nothing any more`), sayProblem).finally(refresh);
  };
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="56px" paddingY="8px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box color="fg.muted" flexShrink="0"><KeyRound size={18} /></Box>
      <Box flex="1" minWidth="0">
        <Text lineClamp={2} overflowWrap="anywhere" fontWeight="500" title={one.name}>{one.name}</Text>
        <Text lineClamp={2} overflowWrap="anywhere" color="fg.muted" fontSize="13px">
          {one.access === "write" ? "Reads and writes" : "Reads"} · {one.last_used_at === undefined ? "never used" : <>used <Ago time={one.last_used_at} /></>} · ends {formatUntil(one.expires_at)}
        </Text>
      </Box>
      <Button size="xs" variant="outline" colorPalette="gray" aria-label={`End ${one.name}`} onClick={() => setAsking(true)}>End</Button>
      {asking && <Confirm title={`End “${one.name}”?`} text="What uses this key is refused from then on." action="End the key" onConfirm={end} onClose={() => setAsking(false)} />}
    </Flex>
  );
}

function NewKey() {
  const [name, setName] = useState("");
  const [writes, setWrites] = useState(false);
  const [days, setDays] = useState(String(life.usual));
  const [made, setMade] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const make = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = textProblem(limitsOfKeyInput.name, name.trim(), "Say what it is for.");
    setProblem(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      setMade((await api.authKeyCreate({ body: { name: name.trim(), access: writes ? "write" : "read", expires_in_days: Number(days) } })).key);
      setName("");
      refresh();
    });
  };
  return (
    <form onSubmit={make} noValidate>
      <Stack gap="16px" align="flex-start">
        <FormProblem error={error} fields={["name"]} />
        <Box width="100%" maxWidth="400px"><TextField label="What it is for" name="key-name" value={name} onValue={setName} autoComplete="off" problem={problem ?? fieldProblem(error, "name")} /></Box>
        <Checkbox.Root checked={writes} onCheckedChange={({ checked }) => setWrites(checked === true)}>
          <Checkbox.HiddenInput />
          <Checkbox.Control borderColor="border.emphasized" />
          <Checkbox.Label>It may change things, too</Checkbox.Label>
        </Checkbox.Root>
        <Flex gap="8px" align="center" width="100%" maxWidth="400px" justify="space-between">
          <Flex gap="8px" align="center"><Text color="fg.muted">It ends after</Text><Select label="How long it works" options={dayChoices(life)} value={days} onValue={setDays} /></Flex>
          <Button size="sm" type="submit" loading={busy}>Make a key</Button>
        </Flex>
        {made !== undefined && <Secret key={made} label="The new key" value={made}>Copy it now: it is shown only this once. Send it as a bearer’s token.</Secret>}
      </Stack>
    </form>
  );
}

function Keys() {
  const { data, error, refetch } = useQuery({ queryKey: ["keys"], queryFn: async ({ signal }) => (await api.authKeysList({ limit: MOST, signal })).data });
  if (data === undefined) return error === null ? <ListSkeleton rows={2} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  return (
    <Stack gap="16px">
      {data.length > 0 && <Box as="ul" aria-label="API keys">{data.map((one) => <Row key={one.id} one={one} />)}</Box>}
      <NewKey />
    </Stack>
  );
}

export function ApiKeys() {
  return <Section title="API keys" text="For scripts. A key does not open your account: no devices, no password, no members."><Keys /></Section>;
}
