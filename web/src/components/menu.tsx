// A button that opens a list of actions.
import { Box, IconButton, Menu, Portal } from "@chakra-ui/react";
import { Ellipsis } from "lucide-react";
import { type ReactElement, type ReactNode, useRef } from "react";

export interface Action {
  readonly label: string;
  readonly icon: ReactNode;
  readonly run: () => void;
  readonly grave?: boolean;
}

export function ActionMenu({ label, actions, trigger, head }: { readonly label: string; readonly actions: readonly Action[]; readonly trigger?: ReactElement; readonly head?: ReactNode }) {
  // Only once the menu is gone: it gives the focus back, which a dialog opened by then would lose.
  const chosen = useRef<Action>(undefined);
  const run = (): void => {
    const action = chosen.current;
    chosen.current = undefined;
    action?.run();
  };
  const select = (value: string): void => {
    chosen.current = actions.find((action) => action.label === value);
  };
  return (
    <Menu.Root lazyMount unmountOnExit positioning={{ placement: "bottom-end" }} onSelect={({ value }) => select(value)} onExitComplete={run}>
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
