// Sends one operation with the page's own login, or a link's token, and shows what came back.
import { Box, Button, Flex, Input, Stack, Text } from "@chakra-ui/react";
import { Send } from "lucide-react";
import { useState } from "react";
import { asCurl, exampleBody, type Field, type Operation, requestOf, tokenOf } from "../../lib/reference";
import { api, useAuth } from "../../stores/auth";
import { watchedFetch } from "../../stores/connection";
import { TextLink } from "../bits";
import { Block } from "./parts";

interface Answer {
  readonly title: string;
  readonly headers: string;
  readonly body: string;
}

const MOST = 20_000;

function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2).slice(0, MOST);
  } catch {
    return text.slice(0, MOST);
  }
}

/** Among the values: the token of a link, which no page has. */
const LINK: Field = { in: "header", name: "Token of the link", required: true, type: "string" };
const keyOf = (field: Field): string => `${field.in}.${field.name}`;

async function send(operation: Operation, base: string, values: Readonly<Record<string, string>>, body: string): Promise<Answer> {
  const { path, init } = requestOf(operation, base, values, body);
  // Asked first, so that a token that has just run out is renewed.
  if (operation.roles.length > 0) await api.usersMeGet();
  const token = tokenOf(operation) === "LINK" ? values[keyOf(LINK)]?.trim() : useAuth.getState().token;
  const begin = performance.now();
  const response = await watchedFetch(path, { ...init, headers: { ...init.headers, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) } });
  const text = await response.text();
  const took = Math.round(performance.now() - begin);
  return { title: `${response.status} ${response.statusText} in ${took} ms`, headers: [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n"), body: readable(text) };
}

interface FieldProps {
  readonly field: Field;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

function OneField({ field, value, onValue }: FieldProps) {
  return (
    <Stack as="label" gap="2px" fontSize="13px">
      <Text as="span" fontFamily="mono" fontSize="12px">{field.name}{field.required ? " (required)" : ""}</Text>
      <Input size="sm" required={field.required} value={value} onChange={(event) => onValue(event.currentTarget.value)} bg="bg.panel" borderColor="border.emphasized" fontFamily="mono" fontSize={{ base: "16px", sm: "13px" }} />
    </Stack>
  );
}

export function TryIt({ operation, base }: { readonly operation: Operation; readonly base: string }) {
  const isIn = useAuth(({ state }) => state.status === "in");
  const bears = tokenOf(operation);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [body, setBody] = useState(() => exampleBody(operation));
  const [answer, setAnswer] = useState<Answer>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (): Promise<void> => {
    setBusy(true);
    try {
      setAnswer(await send(operation, base, values, body));
    } catch (error) {
      setAnswer({ title: "No answer", headers: "", body: error instanceof Error ? error.message : String(error) });
    } finally {
      setBusy(false);
    }
  };
  if (operation.socket === true) return <Text fontSize="13px" color="fg.muted">This is a WebSocket, which is opened by a program and not by a form.</Text>;
  if (bears === "TOKEN" && !isIn) return <Text fontSize="13px" color="fg.muted"><TextLink to="/login?next=%2Fdocs%2Fapi">Log in</TextLink> to try this call with your own account.</Text>;
  const fields = [...(bears === "LINK" ? [LINK] : []), ...operation.fields.filter((field) => field.in !== "body")];
  return (
    <Stack as="form" aria-label={`Try ${operation.id}`} gap="12px" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      {fields.map((field) => {
        const key = keyOf(field);
        return <OneField key={key} field={field} value={values[key] ?? ""} onValue={(value) => setValues({ ...values, [key]: value })} />;
      })}
      {operation.body !== "none" && (
        <Stack as="label" gap="2px" fontSize="13px">
          <Text as="span" fontFamily="mono" fontSize="12px">Body</Text>
          <Input asChild height="auto" paddingY="8px" bg="bg.panel" borderColor="border.emphasized" fontFamily="mono" fontSize={{ base: "16px", sm: "12px" }}>
            <textarea value={body} onChange={(event) => setBody(event.currentTarget.value)} rows={Math.min(10, body.split("\n").length + 1)} spellCheck={false} />
          </Input>
        </Stack>
      )}
      {operation.method !== "GET" && <Text fontSize="13px" color="fg.muted">This is no rehearsal: what it changes is changed in your account.</Text>}
      <Flex><Button type="submit" size="sm" loading={isBusy}><Send size={14} />Send</Button></Flex>
      <Block label={`${operation.id} for a terminal`}>{asCurl(requestOf(operation, base, values, body), location.origin, bears)}</Block>
      <Box role="status">
        {answer !== undefined && (
          <Stack gap="8px">
            <Text fontSize="13px" fontWeight="600">{answer.title}</Text>
            {answer.headers !== "" && <Block label="Headers of the reply">{answer.headers}</Block>}
            {answer.body !== "" && <Block label="Body of the reply">{answer.body}</Block>}
          </Stack>
        )}
      </Box>
    </Stack>
  );
}
