// What the server shows this once: to be copied now.
import { Button, Flex, Input, Stack, Text } from "@chakra-ui/react";
import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import { sayProblem } from "./toaster";

export function Secret({ label, value, children }: { readonly label: string; readonly value: string; readonly children: ReactNode }) {
  const [copied, setCopied] = useState(false);
  const copy = (): void => void navigator.clipboard.writeText(value).then(() => setCopied(true), sayProblem);
  return (
    <Stack gap="8px" role="status" padding="12px" bg="good.subtle" borderRadius="l2" width="100%">
      <Text fontSize="13px">{children}</Text>
      <Flex gap="8px">
        <Input readOnly value={value} aria-label={label} size="sm" fontFamily="mono" fontSize="13px" bg="bg.panel" borderColor="border.emphasized" onFocus={(event) => event.currentTarget.select()} />
        <Button size="sm" variant="outline" colorPalette="gray" bg="bg.panel" onClick={copy}>{copied ? <Check size={14} /> : <Copy size={14} />}{copied ? "Copied" : "Copy"}</Button>
      </Flex>
    </Stack>
  );
}
