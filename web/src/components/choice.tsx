// One of a few, as a row of buttons.
import { Button, Flex } from "@chakra-ui/react";
import type { ReactNode } from "react";

interface ChoiceProps<Value> {
  readonly label: string;
  readonly options: ReadonlyArray<{ readonly value: Value; readonly label: string; readonly icon?: ReactNode }>;
  readonly value: Value;
  readonly onValue: (value: Value) => void;
}

export function Choice<Value extends string | number | boolean>({ label, options, value: chosen, onValue }: ChoiceProps<Value>) {
  return (
    <Flex role="group" aria-label={label} gap="2px" padding="3px" bg="bg.muted" borderRadius="l3" alignSelf="flex-start">
      {options.map(({ value, label: text, icon }) => (
        <Button
          key={String(value)} size="xs" height="32px" variant="ghost" colorPalette="gray" aria-pressed={chosen === value} onClick={() => onValue(value)}
          bg={chosen === value ? "bg.panel" : undefined} color={chosen === value ? "fg" : "fg.muted"} boxShadow={chosen === value ? "card" : undefined}
        >
          {icon}
          {text}
        </Button>
      ))}
    </Flex>
  );
}
