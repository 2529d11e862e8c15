// A dialog that traps focus and closes on Escape, and the two kinds of it: asking for a name, and asking "really?".
import { Button, CloseButton, Dialog, Portal, Stack, Text } from "@chakra-ui/react";
import { type FormEvent, type ReactNode, useRef, useState } from "react";
import { limitsOfSessionInput } from "../api/generated";
import { textProblem } from "../lib/check";
import { TextField } from "./bits";
import { FormProblem } from "./problem-notice";

interface ModalProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly width?: string;
  readonly focus?: () => HTMLElement | null;
  /** Near the upper edge: for what grows and shrinks while one types. */
  readonly atTop?: boolean;
}

export function Modal({ title, onClose, children, width = "420px", focus, atTop = false }: ModalProps) {
  return (
    <Dialog.Root
      open
      onOpenChange={({ open }) => !open && onClose()}
      preventScroll={false} // pages scroll within themselves; to hold the document would style all of it anew
      placement={atTop ? "top" : "center"}
      {...(focus !== undefined ? { initialFocusEl: focus } : {})}
    >
      <Portal>
        <Dialog.Backdrop bg="blackAlpha.500" />
        <Dialog.Positioner padding={atTop ? { base: "16px", sm: "12vh 16px 16px" } : "16px"}>
          <Dialog.Content bg="bg.panel" borderRadius="l3" borderWidth="1px" boxShadow="lift" maxWidth={width} margin="0">
            {/* Beside what closes it, not under it. */}
            <Dialog.Header padding="20px 52px 0 20px">
              <Dialog.Title textStyle="md" fontWeight="600">{title}</Dialog.Title>
            </Dialog.Header>
            <Dialog.Body padding="16px 20px 20px">{children}</Dialog.Body>
            <Dialog.CloseTrigger asChild top="12px" insetEnd="12px"><CloseButton size="sm" color="fg.muted" /></Dialog.CloseTrigger>
          </Dialog.Content>
        </Dialog.Positioner>
      </Portal>
    </Dialog.Root>
  );
}

function Actions({ onClose, children }: { readonly onClose: () => void; readonly children: ReactNode }) {
  return (
    <Stack direction="row" justify="flex-end" gap="8px" paddingTop="4px">
      <Button size="sm" variant="ghost" colorPalette="gray" onClick={onClose}>Cancel</Button>
      {children}
    </Stack>
  );
}

interface NameDialogProps {
  readonly title: string;
  readonly label: string;
  readonly action: string;
  /** The present name: unchanged, there is nothing to do. */
  readonly initial?: string;
  /** A name for something new. */
  readonly suggested?: string;
  readonly check: (name: string) => string | undefined;
  readonly submit: (name: string) => Promise<void>;
  readonly onClose: () => void;
}

export function NameDialog({ title, label, action, initial = "", suggested = initial, check, submit, onClose }: NameDialogProps) {
  const [name, setName] = useState(suggested);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [error, setError] = useState<unknown>();
  const input = useRef<HTMLInputElement>(null);

  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const wrong = check(name);
    setProblem(wrong);
    if (wrong !== undefined || busy) return;
    if (name === initial) return onClose();
    setBusy(true);
    setError(undefined);
    try {
      await submit(name);
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  return (
    <Modal title={title} onClose={onClose} focus={() => input.current}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <Stack gap="16px">
          <TextField label={label} name="name" value={name} onValue={setName} problem={problem} autoComplete="off" inputRef={input} />
          <FormProblem error={error} />
          <Actions onClose={onClose}><Button size="sm" type="submit" loading={busy} loadingText={action}>{action}</Button></Actions>
        </Stack>
      </form>
    </Modal>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

export function Confirm({ title, text, action, onConfirm, onClose }: ConfirmProps) {
  const confirm = (): void => {
    onClose();
    onConfirm();
  };
  return (
    <Modal title={title} onClose={onClose}>
      <Stack gap="16px">
        <Text color="fg.muted" overflowWrap="anywhere">{text}</Text>
        <Actions onClose={onClose}><Button size="sm" onClick={confirm}>{action}</Button></Actions>
      </Stack>
    </Modal>
  );
}

export function checkSessionName(name: string): string | undefined {
  return textProblem(limitsOfSessionInput.name, name.trim(), "Enter a name.");
}
