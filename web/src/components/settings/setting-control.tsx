// What a setting is changed with, by its type: what is chosen counts at once, what is typed when one leaves the field or presses
// Enter. What the setting's bounds do not allow is said, and not sent.
import { Box, Flex, IconButton, Input, Stack, Text } from "@chakra-ui/react";
import { Minus, Plus } from "lucide-react";
import { type KeyboardEvent, useId, useState } from "react";
import type { Setting, SettingValue } from "../../api/generated";
import { readValue, wordsOf } from "../../lib/settings";
import { Choice } from "../choice";
import { Select } from "../select";

interface ControlProps {
  readonly label: string;
  readonly setting: Setting;
  readonly value: SettingValue;
  readonly onValue: (value: SettingValue) => void;
}

/** So many stand beside each other on a phone. */
const MOST_BUTTONS = 3;

function Switch({ label, isOn, onValue }: { readonly label: string; readonly isOn: boolean; readonly onValue: (isOn: boolean) => void }) {
  return (
    <Flex asChild align="center" width="36px" height="20px" padding="2px" marginY="6px" borderRadius="full" cursor="pointer" bg={isOn ? "accent.solid" : "border.emphasized"} focusVisibleRing="outside" transition="background 120ms">
      <button type="button" role="switch" aria-checked={isOn} aria-label={label} onClick={() => onValue(!isOn)}>
        <Box boxSize="16px" borderRadius="full" bg="white" boxShadow="card" transform={isOn ? "translateX(16px)" : undefined} transition="transform 120ms" />
      </button>
    </Flex>
  );
}

function Typed({ label, setting, value, onValue }: ControlProps) {
  const [text, setText] = useState(String(value));
  const [last, setLast] = useState(value);
  const [taken, setTaken] = useState<SettingValue>(); // on its way to be the setting's value
  const [problem, setProblem] = useState<string>();
  const id = useId();
  if (last !== value) {
    setLast(value);
    setTaken(undefined);
    if (value !== taken) { // else it was taken from here, where something else may be written by now
      setText(String(value));
      setProblem(undefined);
    }
  }
  const take = (typed: string): void => {
    const read = readValue(setting, typed);
    setProblem("problem" in read ? read.problem : undefined);
    if (!("value" in read)) return;
    setText(String(read.value));
    if (read.value === value && (taken ?? value) === value) return; // else it goes back on what is on its way
    setTaken(read.value);
    onValue(read.value);
  };
  const isNumber = setting.type === "number";
  const step = (by: number): void => {
    const now = readValue(setting, text); // as it stands there: of a step just before the setting hears a moment later
    const next = String(Number("value" in now ? now.value : value) + by);
    setText(next);
    take(next);
  };
  const onKey = (event: KeyboardEvent): void => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") take(text);
    else if (isNumber && by !== undefined) {
      event.preventDefault();
      step(by);
    }
  };
  const field = (
    <Input
      aria-label={label} aria-invalid={problem !== undefined} aria-describedby={problem !== undefined ? id : undefined} value={text} onChange={(event) => setText(event.currentTarget.value)} onBlur={() => take(text)} onKeyDown={onKey}
      size="sm" height="32px" bg="bg.panel" borderColor={problem !== undefined ? "bad.fg" : "border.emphasized"} fontSize={{ base: "16px", sm: "14px" }} autoComplete="off" spellCheck={false}
      {...(isNumber ? { inputMode: "numeric", width: "64px", textAlign: "center", fontVariantNumeric: "tabular-nums" } : { width: { base: "280px", sm: "340px" }, fontFamily: "mono" })}
    />
  );
  const button = (by: number, word: string) => (
    <IconButton size="xs" boxSize="32px" variant="outline" colorPalette="gray" aria-label={`${word} ${label.toLowerCase()}`} disabled={"problem" in readValue(setting, String(Number(value) + by))} onClick={() => step(by)}>
      {by < 0 ? <Minus size={14} /> : <Plus size={14} />}
    </IconButton>
  );
  return (
    <Stack gap="4px" align="flex-end" maxWidth="100%">
      <Flex align="center" gap="6px">
        {isNumber && button(-1, "Less")}
        {field}
        {isNumber && button(1, "More")}
        {isNumber && setting.unit !== undefined && <Text color="fg.muted" fontSize="13px" minWidth="56px" whiteSpace="nowrap">{setting.unit}</Text>}
      </Flex>
      {problem !== undefined && <Text id={id} role="alert" color="bad.fg" fontSize="13px">{problem}</Text>}
    </Stack>
  );
}

export function SettingControl(props: ControlProps) {
  const { label, setting, value, onValue } = props;
  if (setting.type === "boolean") return <Switch label={label} isOn={value === true} onValue={onValue} />;
  if (setting.type !== "choice") return <Typed {...props} />;
  const options = (setting.choices ?? []).map((one) => ({ value: one, label: wordsOf(one) }));
  return options.length > MOST_BUTTONS
    ? <Select label={label} options={options} value={String(value)} onValue={onValue} />
    : <Choice label={label} options={options} value={String(value)} onValue={onValue} />;
}
