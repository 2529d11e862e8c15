// A button that opens a list of actions.
import { Box, IconButton, Menu, Portal } from "@chakra-ui/react";
import { Ellipsis } from "lucide-react";
import type { ReactElement, ReactNode } from "react";

export interface Action {
  readonly label: string;
  readonly icon: ReactNode;
  readonly run: () => void;
  readonly grave?: boolean;
}

export function ActionMenu({ label, actions, trigger, head }: { readonly label: string; readonly actions: readonly Action[]; readonly trigger?: ReactElement; readonly head?: ReactNode }) {
  const run = (value: string): void => actions.find((action) => action.label === value)?.run();
  return (
    <Menu.Root lazyMount unmountOnExit positioning={{ placement: "bottom-end" }} onSelect={({ value }) => run(value)}>
      <Menu.Trigger asChild>
        {trigger ?? <IconButton size="xs" variant="ghost" color="fg.muted" aria-label={label}><Ellipsis size={16} /></IconButton>}
      </Menu.Trigger>
      <Portal>
        <Menu.Positioner>
          <Menu.Content bg="bg.panel" borderWidth="1px" borderRadius="l3" boxShadow="lift" minWidth="184px" padding="4px">
            {head !== undefined && <Box padding="8px" borderBottomWidth="1px" marginBottom="4px">{head}</Box>}
            {actions.map(({ label: text, icon, grave }) => (
              <Menu.Item key={text} value={text} height="32px" paddingX="8px" gap="10px" borderRadius="l2" cursor="pointer" color={grave === true ? "bad.fg" : "fg"} _highlighted={{ bg: "bg.muted" }}>
                {icon}
                {text}
              </Menu.Item>
            ))}
          </Menu.Content>
        </Menu.Positioner>
      </Portal>
    </Menu.Root>
  );
}
