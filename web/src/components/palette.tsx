// The command palette and the list of shortcuts.
import { Box, Flex, Input, Kbd, Stack, Text } from "@chakra-ui/react";
import { Folder, LayoutList, Monitor, Moon, Plus, Settings, Sun } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { useSessions } from "../api/queries";
import { sessionAddress } from "../lib/paths";
import { showOverlay } from "../stores/overlay";
import { chooseTheme } from "../stores/theme";
import { Modal } from "./modal";

interface Command {
  readonly label: string;
  readonly kind: string;
  readonly icon: ReactNode;
  readonly run: () => void;
}

const MOST = 8;

function useCommands(): readonly Command[] {
  const navigate = useNavigate();
  const sessions = useSessions().data ?? [];
  return [
    ...sessions.map(({ id, name }) => ({ label: name, kind: "Session", icon: <Folder size={15} />, run: () => void navigate(sessionAddress(id), { state: { open: true } }) })),
    { label: "New session", kind: "Action", icon: <Plus size={15} />, run: () => showOverlay("new-session") },
    { label: "Sessions", kind: "Page", icon: <LayoutList size={15} />, run: () => void navigate("/sessions") },
    { label: "Settings", kind: "Page", icon: <Settings size={15} />, run: () => void navigate("/settings") },
    { label: "Light theme", kind: "Action", icon: <Sun size={15} />, run: () => chooseTheme("light") },
    { label: "Dark theme", kind: "Action", icon: <Moon size={15} />, run: () => chooseTheme("dark") },
    { label: "Theme of the system", kind: "Action", icon: <Monitor size={15} />, run: () => chooseTheme("system") },
  ];
}

export function Palette({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const wanted = text.trim().toLowerCase();
  const found = useCommands().filter(({ label, kind }) => `${label} ${kind}`.toLowerCase().includes(wanted)).slice(0, MOST);
  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    onClose();
    command.run();
  };
  const key = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt((at + (event.key === "ArrowDown" ? 1 : -1) + found.length) % Math.max(1, found.length));
    } else if (event.key === "Enter") run(found[at]);
  };
  return (
    <Modal title="Go to or do" onClose={onClose} width="520px" focus={() => input.current}>
      <Input
        ref={input} role="combobox" aria-label="Search sessions, pages and actions" aria-expanded="true" aria-controls="palette-list"
        aria-activedescendant={found[at] !== undefined ? `palette-${at}` : undefined} placeholder="Search sessions, pages and actions"
        value={text} onKeyDown={key} borderColor="border.emphasized" fontSize={{ base: "16px", sm: "14px" }} _placeholder={{ color: "fg.subtle" }}
        onChange={(event) => { setText(event.currentTarget.value); setAt(0); }}
      />
      <Stack id="palette-list" role="listbox" aria-label="Results" gap="0" marginTop="8px" minHeight="320px">
        {found.map((command, i) => (
          <Flex
            key={`${command.kind} ${i} ${command.label}`} id={`palette-${i}`} role="option" aria-selected={i === at} height="40px" paddingX="12px" gap="12px" align="center"
            borderRadius="l2" cursor="pointer" bg={i === at ? "bg.muted" : undefined} onMouseMove={() => setAt(i)} onClick={() => run(command)}
          >
            <Box color="fg.muted" flexShrink="0">{command.icon}</Box>
            <Text truncate flex="1">{command.label}</Text>
            <Text color="fg.muted" fontSize="12px">{command.kind}</Text>
          </Flex>
        ))}
        {found.length === 0 && <Text color="fg.muted" padding="12px" role="option" aria-selected="false">Nothing is called “{text}”.</Text>}
      </Stack>
    </Modal>
  );
}

const shortcuts: ReadonlyArray<readonly [string, readonly string[]]> = [
  ["Go to or do anything", ["Ctrl", "K"]],
  ["New session", ["N"]],
  ["Switch session", ["S"]],
  ["Sessions", ["G", "S"]],
  ["Settings", ["G", "E"]],
  ["These shortcuts", ["?"]],
  ["Close a dialog", ["Esc"]],
];

export function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  return (
    <Modal title="Keyboard shortcuts" onClose={onClose}>
      <Stack as="dl" gap="0" margin="0">
        {shortcuts.map(([what, keys]) => (
          <Flex key={what} height="40px" align="center" justify="space-between" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
            <Text as="dt">{what}</Text>
            <Flex as="dd" gap="4px" margin="0">{keys.map((one) => <Kbd key={one} variant="outline" color="fg.muted">{one}</Kbd>)}</Flex>
          </Flex>
        ))}
      </Stack>
    </Modal>
  );
}
