// How the app looks, and how files are shown in it: on this device.
import { Box, Flex, Text } from "@chakra-ui/react";
import { Monitor, Moon, Sun } from "lucide-react";
import type { ReactNode } from "react";
import { chooseReading, sizes, tabs, useReading } from "../../stores/reading";
import { chooseTheme, type ThemeChoice, useTheme } from "../../stores/theme";
import { Choice } from "../choice";
import { CodeText } from "../files/code";
import { Section } from "./section";

const themes: ReadonlyArray<{ readonly value: ThemeChoice; readonly label: string; readonly icon: ReactNode }> = [
  { value: "system", label: "System", icon: <Monitor size={15} /> },
  { value: "light", label: "Light", icon: <Sun size={15} /> },
  { value: "dark", label: "Dark", icon: <Moon size={15} /> },
];

function Line({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <Flex gap="8px 16px" align="center" wrap="wrap">
      <Text width="120px" fontWeight="500" aria-hidden="true">{label}</Text>
      {children}
    </Flex>
  );
}

const example = "int main(void)\n{\n\tputs(\"Every acknowledged byte survives, every version can be had back, and a line that is long shows what happens to long lines.\");\n}\n";

function Files() {
  const { size, tab, isWrapped } = useReading();
  return (
    <>
      <Line label="Letters"><Choice label="Letters" options={sizes.map((value) => ({ value, label: String(value) }))} value={size} onValue={(value) => chooseReading({ size: value })} /></Line>
      <Line label="Tab width"><Choice label="Tab width" options={tabs.map((value) => ({ value, label: String(value) }))} value={tab} onValue={(value) => chooseReading({ tab: value })} /></Line>
      <Line label="Long lines"><Choice label="Long lines" options={[{ value: false, label: "Scroll" }, { value: true, label: "Wrap" }]} value={isWrapped} onValue={(value) => chooseReading({ isWrapped: value })} /></Line>
      <Box borderWidth="1px" borderRadius="l2" overflow="hidden" data-testid="reading-example"><CodeText text={example} /></Box>
    </>
  );
}

export function Appearance() {
  const choice = useTheme((theme) => theme.choice);
  return (
    <>
      <Section title="Theme" text="On this device. The IDE follows."><Choice label="Theme" options={themes} value={choice} onValue={chooseTheme} /></Section>
      <Section title="Files in the browser" text="On this device. The IDE has settings of its own, which go with you into every session."><Files /></Section>
    </>
  );
}
