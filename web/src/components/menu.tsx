// A button that opens a list of actions.
import { Box, type ButtonProps, IconButton, Menu, Portal, useMenu } from "@chakra-ui/react";
import { Ellipsis } from "lucide-react";
import { cloneElement, type KeyboardEvent, type PointerEvent, type ReactElement, type ReactNode, useEffect, useId, useRef, useState } from "react";

export interface Action {
  readonly label: string;
  readonly icon: ReactNode;
  readonly run: () => void;
  readonly grave?: boolean;
}

interface MenuProps {
  readonly label: string;
  readonly actions: readonly Action[];
  readonly trigger?: ReactElement<ButtonProps>;
  readonly head?: ReactNode;
}

interface ListProps extends Pick<MenuProps, "actions" | "head"> {
  /** Of the button; the list's own follows from it. */
  readonly id: string;
  readonly isOpen: boolean;
  readonly setOpen: (isOpen: boolean) => void;
  /** Which action is highlighted at first: none, unless an arrow has opened the list. */
  readonly at: 0 | -1 | undefined;
  readonly onGone: () => void;
}

const listOf = (id: string): string => `${id}-list`;

function List({ id, actions, head, isOpen, setOpen, at, onGone }: ListProps) {
  // Only once the menu is gone: it gives the focus back, which a dialog opened by then would lose.
  const chosen = useRef<Action>(undefined);
  const highlighted = at === undefined ? undefined : actions.at(at)?.label;
  const menu = useMenu({
    ids: { trigger: id, content: listOf(id) }, positioning: { placement: "bottom-end" }, defaultOpen: true, ...(highlighted !== undefined ? { defaultHighlightedValue: highlighted } : {}),
    onOpenChange: ({ open }) => setOpen(open),
    onSelect: ({ value }) => { chosen.current = actions.find(({ label }) => label === value); },
  });
  useEffect(() => menu.api.setOpen(isOpen), [isOpen]);
  const end = (): void => {
    // One that is closed before its first frame takes the focus in that frame, after it has given it back.
    const isLost = document.activeElement === document.body || document.getElementById(listOf(id))?.contains(document.activeElement) === true;
    if (isLost) document.getElementById(id)?.focus({ preventScroll: true });
    onGone();
    chosen.current?.run();
  };
  return (
    <Menu.RootProvider value={menu} onExitComplete={end}>
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
    </Menu.RootProvider>
  );
}

/** The list is there from the press until it has faded: of a hundred menus on a page a person opens one. */
export function ActionMenu({ label, trigger, ...shown }: MenuProps) {
  const id = useId();
  const [isThere, setThere] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState<0 | -1>();
  const open = (first?: 0 | -1): void => {
    setAt(first);
    setThere(true);
    setOpen(true);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    open(event.key === "ArrowDown" ? 0 : -1);
  };
  const button = trigger ?? <IconButton size="xs" variant="ghost" colorPalette="gray" color="fg.muted" aria-label={label}><Ellipsis size={16} /></IconButton>;
  return (
    <>
      {cloneElement(button, {
        id, "aria-haspopup": "menu", "aria-expanded": isOpen, ...(isThere ? { "aria-controls": listOf(id) } : {}),
        onPointerDown: (event: PointerEvent) => { if (event.button === 0) event.preventDefault(); }, // the focus goes to the list
        onClick: () => (isOpen ? setOpen(false) : open()),
        onKeyDown,
      })}
      {isThere && <List {...shown} id={id} isOpen={isOpen} setOpen={setOpen} at={at} onGone={() => setThere(false)} />}
    </>
  );
}
