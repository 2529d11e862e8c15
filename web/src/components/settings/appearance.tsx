// How the pages and the IDE look and behave: what a person chose, and what a team gives to all who chose nothing. The server's
// list is what is shown; a row that is new there is new here.
import { Box, Flex, IconButton, Stack, Text } from "@chakra-ui/react";
import { RotateCcw } from "lucide-react";
import type { Setting } from "../../api/generated";
import { choose, chooseTheme, useSettings } from "../../api/settings";
import { formatValue, helpOf, inheritedAt, isChosenAt, type Level, valueAt, wordsOf } from "../../lib/settings";
import { isThemeChoice } from "../../stores/theme";
import { ListSkeleton, looks } from "../bits";
import { CodeText } from "../files/code";
import { ProblemNotice } from "../problem-notice";
import { Section } from "./section";
import { SettingControl } from "./setting-control";
import { SettingLines } from "./setting-lines";

/** What a category is about, where its name alone does not say it. */
const texts: Readonly<Record<Level, Readonly<Record<string, string>>>> = {
  user: { appearance: "Wherever you log in.", editor: "In the IDE, at once, and where these pages show a file. What the IDE’s own settings say wins there." },
  tenant: { appearance: "For members who chose nothing.", editor: "For members who chose nothing.", files: "In the sessions of all members. A session’s own .coditectignore and .coditectquiet count after them." },
};

function Row({ setting, level }: { readonly setting: Setting; readonly level: Level }) {
  const { category, key } = setting;
  const label = wordsOf(key);
  const isChosen = isChosenAt(setting, level);
  const back = `Back to ${formatValue(setting, inheritedAt(setting, level))}`;
  const set = (value: Setting["value"]): void => {
    if (level === "user" && category === "appearance" && key === "theme" && isThemeChoice(value)) chooseTheme(value);
    else choose(level, setting, value);
  };
  return (
    <Flex as="li" listStyleType="none" gap="8px 24px" align="flex-start" justify="space-between" wrap="wrap" paddingY="14px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0, paddingBottom: 0 }} _first={{ paddingTop: 0 }}>
      <Box flex="1" minWidth="200px">
        <Flex align="center" gap="8px" minHeight="24px">
          <Text fontWeight="500">{label}</Text>
          {isChosen && (
            <IconButton size="2xs" variant="ghost" colorPalette="gray" color="fg.muted" aria-label={`${label}: ${back.toLowerCase()}`} title={back} onClick={() => choose(level, setting, undefined)}>
              <RotateCcw size={14} />
            </IconButton>
          )}
          {level === "user" && setting.source === "tenant" && <Text as="span" fontSize="12px" fontWeight="500" paddingX="8px" borderRadius="full" {...looks.calm}>Your team’s</Text>}
        </Flex>
        <Text color="fg.muted" fontSize="13px">{helpOf(setting)}</Text>
      </Box>
      <SettingControl label={label} setting={setting} value={valueAt(setting, level)} onValue={set} />
    </Flex>
  );
}

const example = "int main(void)\n{\n\tputs(\"Every acknowledged byte survives, every version can be had back, and a line that is long shows what happens to long lines.\");\n}\n";

function Settings({ level }: { readonly level: Level }) {
  const { data, error, refetch } = useSettings();
  if (data === undefined) return error === null ? <ListSkeleton rows={8} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  const shown = data.filter(({ scope }) => level === "tenant" || scope === "user");
  return [...new Set(shown.map(({ category }) => category))].map((category) => {
    const text = texts[level][category];
    return (
      <Section key={category} title={wordsOf(category)} {...(text !== undefined ? { text } : {})}>
        <Stack as="ul" gap="0" aria-label={wordsOf(category)}>
          {shown.filter((one) => one.category === category).map((one) => (one.type === "patterns" ? <SettingLines key={one.key} setting={one} /> : <Row key={one.key} setting={one} level={level} />))}
        </Stack>
        {level === "user" && category === "editor" && <Box borderWidth="1px" borderRadius="l2" overflow="hidden" data-testid="reading-example"><CodeText text={example} /></Box>}
      </Section>
    );
  });
}

export function Appearance() {
  return <Settings level="user" />;
}

/** For owners and admins. */
export function Defaults() {
  return <Settings level="tenant" />;
}
