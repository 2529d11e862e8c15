// The browser's own list of choices, in our colours: it works by keyboard and on a phone as people know it.
import { Box } from "@chakra-ui/react";

interface SelectProps<Value extends string> {
  readonly label: string;
  readonly options: ReadonlyArray<{ readonly value: Value; readonly label: string; readonly group?: string }>;
  readonly value: Value;
  readonly onValue: (value: Value) => void;
  readonly width?: string | Readonly<Record<string, string>>;
  readonly height?: string;
}

export function Select<Value extends string>({ label, options, value, onValue, width = "auto", height = "32px" }: SelectProps<Value>) {
  const groups = [...new Set(options.map(({ group }) => group))];
  const optionsOf = (wanted: string | undefined) => options.filter(({ group }) => group === wanted).map((one) => <option key={one.value} value={one.value}>{one.label}</option>);
  return (
    <Box asChild height={height} width={width} minWidth="0" flexShrink="0" paddingX="8px" fontSize={{ base: "16px", sm: "14px" }} borderWidth="1px" borderColor="border.emphasized" borderRadius="l2" bg="bg.panel" color="fg" textOverflow="ellipsis" css={{ colorScheme: { base: "light", _dark: "dark" } }}>
      <select aria-label={label} value={value} onChange={(event) => onValue(event.currentTarget.value as Value)}>
        {groups.map((group) => (group === undefined ? optionsOf(group) : <optgroup key={group} label={group}>{optionsOf(group)}</optgroup>))}
      </select>
    </Box>
  );
}
