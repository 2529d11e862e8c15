// Short messages at the edge of the page, some with one action.
import { Toaster as ChakraToaster, createToaster, Portal, Stack, Toast } from "@chakra-ui/react";
import { changeProblemOf, type Problem, problemOf } from "../lib/problem";

const toaster = createToaster({ placement: "bottom-end", max: 4, offsets: { top: "16px", right: "16px", bottom: "38px", left: "16px" } });

export function say(title: string, undo?: () => void): void {
  toaster.create({ title, type: "info", duration: 7000, ...(undo !== undefined ? { action: { label: "Undo", onClick: undo } } : {}) });
}

/** What takes it back before its time. */
export function sayWrong({ title, advice, requestId }: Problem): () => void {
  const id = toaster.create({
    title,
    description: requestId !== undefined ? `${advice} Request ${requestId}` : advice,
    type: "error",
    duration: 12_000,
  });
  return () => toaster.dismiss(id);
}

export function sayProblem(error: unknown): void {
  sayWrong(problemOf(error));
}

/** Of a change that was sent with the version that the page showed. */
export function sayChangeProblem(error: unknown): void {
  sayWrong(changeProblemOf(error));
}

export function Toaster() {
  return (
    <Portal>
      <ChakraToaster toaster={toaster} insetInline={{ base: "16px", sm: "auto" }}>
        {(toast) => (
          <Toast.Root
            width={{ base: "100%", sm: "360px" }}
            bg="bg.panel"
            color="fg"
            borderWidth="1px"
            borderColor={toast.type === "error" ? "bad.fg" : "border.emphasized"}
            borderRadius="l3"
            boxShadow="lift"
            paddingY="12px"
            alignItems="center"
          >
            <Stack gap="2px" flex="1" minWidth="0">
              <Toast.Title textStyle="sm" fontWeight="500">{toast.title}</Toast.Title>
              {toast.description !== undefined && (
                <Toast.Description textStyle="sm" color="fg.muted" overflowWrap="anywhere">{toast.description}</Toast.Description>
              )}
            </Stack>
            {toast.action !== undefined && (
              <Toast.ActionTrigger
                color="accent.fg"
                fontWeight="600"
                border="none"
                cursor="pointer"
                _hover={{ bg: "bg.muted" }}
              >
                {toast.action.label}
              </Toast.ActionTrigger>
            )}
            <Toast.CloseTrigger aria-label="Close" position="static" color="fg.muted" cursor="pointer" />
          </Toast.Root>
        )}
      </ChakraToaster>
    </Portal>
  );
}
