// A link by e-mail for who forgot the password. What is said afterwards is the same whether or not somebody has the address.
import { Button, Stack, Text } from "@chakra-ui/react";
import { type FormEvent, useState } from "react";
import { limitsOfResetAskInput } from "../api/generated";
import { TextField, TextLink } from "../components/bits";
import { Narrow } from "../components/narrow";
import { FormProblem } from "../components/problem-notice";
import { useSending } from "../components/sending";
import { textProblem } from "../lib/check";
import { fieldProblem, isCode, problemOf } from "../lib/problem";
import { api } from "../stores/auth";

function Ask({ onDone }: { readonly onDone: (email: string) => void }) {
  const [email, setEmail] = useState("");
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const ask = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = textProblem(limitsOfResetAskInput.email, email.trim(), "Enter an e-mail address, like ada@example.com.");
    setProblem(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      await api.authResetAsk({ body: { email: email.trim() } });
      onDone(email.trim());
    });
  };
  // No fault of theirs: nobody sends mail here.
  if (isCode(error, "forbidden")) return <Text role="alert">{problemOf(error).title}</Text>;
  return (
    <form onSubmit={ask} noValidate>
      <Stack gap="20px">
        <FormProblem error={error} />
        <TextField label="E-mail" type="email" name="email" value={email} onValue={setEmail} required autoComplete="email" problem={problem ?? fieldProblem(error, "email")} />
        <Button type="submit" size="md" loading={busy} loadingText="Send a link">Send a link</Button>
      </Stack>
    </form>
  );
}

export default function Forgot() {
  const [asked, setAsked] = useState<string>();
  return (
    <Narrow title="Forgot your password?" lead="A link by e-mail lets you set another.">
      {asked === undefined && <Ask onDone={setAsked} />}
      {asked !== undefined && <Text role="status">If <Text as="span" fontWeight="500">{asked}</Text> has an account, a link is on its way. It works for 30 minutes.</Text>}
      <Text><TextLink to="/login">Log in</TextLink></Text>
    </Narrow>
  );
}
