// A setting of the team that is lines: written in peace and saved by a button; what the server refuses stays, with its reason. What
// somebody else saves meanwhile is told before it can be overwritten.
import { Box, Button, chakra, Flex, Stack, Text } from "@chakra-ui/react";
import { useId, useState } from "react";
import type { Setting } from "../../api/generated";
import { saveLines } from "../../api/settings";
import { fieldProblem, isCode } from "../../lib/problem";
import { helpOf, linesProblem, valueAt, wordsOf } from "../../lib/settings";
import { FormProblem } from "../problem-notice";
import { useSending } from "../sending";
import { say } from "../toaster";

const LEAST_ROWS = 4;
const MOST_ROWS = 16;

export function SettingLines({ setting }: { readonly setting: Setting }) {
  const saved = String(valueAt(setting, "tenant"));
  const [text, setText] = useState(saved);
  const [base, setBase] = useState({ saved, revision: setting.tenant_revision });
  const { busy, error, send } = useSending();
  const id = useId();
  const follow = (): void => setBase({ saved, revision: setting.tenant_revision });
  const isOther = base.revision !== setting.tenant_revision;
  if (isOther && (text === base.saved || text === saved)) {
    follow();
    setText(saved);
  }
  const isMeanwhile = isOther && text !== base.saved && text !== saved; // what is being written stays
  const label = wordsOf(setting.key);
  const isChanged = text !== saved;
  const refused = fieldProblem(error, "value");
  const problem = linesProblem(setting, text) ?? (refused === undefined ? undefined : `It ${refused}.`);
  const save = (): void => {
    void send(async () => {
      await saveLines(setting, text, base.revision);
      say(text === "" ? "Saved: the list is empty" : "Saved: workspaces that run take it up within seconds");
    });
  };
  return (
    <Stack as="li" listStyleType="none" gap="8px" paddingY="14px" _first={{ paddingTop: 0 }} _last={{ paddingBottom: 0 }}>
      <Box>
        <chakra.label htmlFor={id} fontWeight="500">{label}</chakra.label>
        <Text color="fg.muted" fontSize="13px" id={`${id}-help`}>{helpOf(setting)}</Text>
      </Box>
      {isMeanwhile
        ? (
          <Stack role="alert" gap="8px" padding="12px" bg="bad.subtle" borderRadius="l2" align="flex-start">
            <Text fontWeight="500" color="bad.fg">Somebody else changed these lines meanwhile. They are now:</Text>
            <Text as="pre" fontFamily="mono" fontSize="13px" whiteSpace="pre-wrap" overflowWrap="anywhere" maxHeight="240px" overflowY="auto" width="100%">{saved === "" ? "(none)" : saved}</Text>
            <Flex gap="8px" wrap="wrap">
              <Button size="sm" variant="outline" colorPalette="gray" onClick={() => setText(saved)}>Take theirs</Button>
              <Button size="sm" variant="outline" colorPalette="gray" onClick={follow}>Keep mine, to save it over theirs</Button>
            </Flex>
          </Stack>
        )
        : <FormProblem error={isCode(error, "precondition") ? undefined : error} fields={["value"]} />}
      <chakra.textarea
        id={id} aria-describedby={`${id}-help${problem === undefined ? "" : ` ${id}-problem`}`} aria-invalid={problem !== undefined}
        value={text} onChange={(event) => setText(event.currentTarget.value)} rows={Math.min(MOST_ROWS, Math.max(LEAST_ROWS, text.split("\n").length))}
        placeholder={"*.iso\n/data/\n!/data/small.csv"} fontFamily="mono" fontSize={{ base: "16px", sm: "13px" }} width="100%" paddingX="10px" paddingY="8px" bg="bg.panel" borderWidth="1px" borderRadius="l2" focusVisibleRing="inside" _placeholder={{ color: "fg.muted" }} borderColor={problem === undefined ? "border.emphasized" : "bad.fg"} autoComplete="off" autoCapitalize="off" spellCheck={false} wrap="off" resize="vertical"
      />
      {problem !== undefined && <Text id={`${id}-problem`} role="alert" color="bad.fg" fontSize="13px">{problem}</Text>}
      <Flex gap="8px">
        <Button size="sm" loading={busy} disabled={!isChanged || isMeanwhile || linesProblem(setting, text) !== undefined} onClick={save}>Save {label.toLowerCase()}</Button>
        {isChanged && <Button size="sm" variant="ghost" colorPalette="gray" disabled={busy} onClick={() => setText(saved)}>Discard changes</Button>}
      </Flex>
    </Stack>
  );
}
