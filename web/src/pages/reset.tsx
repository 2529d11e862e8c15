// Another password, by a link that somebody of the team made, or that came by e-mail. Whoever has the link need not be logged in, and is not afterwards.
import { Button, Stack, Text } from "@chakra-ui/react";
import { type FormEvent, useState } from "react";
import { useLocation } from "react-router";
import { limitsOfResetInput } from "../api/generated";
import { TextField, TextLink } from "../components/bits";
import { Narrow } from "../components/narrow";
import { FormProblem } from "../components/problem-notice";
import { useSending } from "../components/sending";
import { atLeast, textProblem } from "../lib/check";
import { fieldProblem } from "../lib/problem";
import { resetOf } from "../lib/roles";
import { api } from "../stores/auth";

function NewPassword({ token, onDone }: { readonly token: string; readonly onDone: () => void }) {
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const set = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = textProblem(limitsOfResetInput.new_password, password, atLeast(limitsOfResetInput.new_password));
    setProblem(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      await api.authReset({ body: { token, new_password: password } });
      onDone();
    });
  };
  return (
    <form onSubmit={set} noValidate>
      <Stack gap="20px">
        <FormProblem error={error} />
        <TextField label="New password" type="password" name="password" value={password} onValue={setPassword} required autoComplete="new-password" hint={atLeast(limitsOfResetInput.new_password)} problem={problem ?? fieldProblem(error, "new_password")} />
        <Button type="submit" size="md" loading={busy} loadingText="Set password">Set password</Button>
      </Stack>
    </form>
  );
}

function ByLink({ token }: { readonly token: string }) {
  const [isDone, setDone] = useState(false);
  return isDone ? <Text role="status">It is set. You are logged out everywhere, and your API keys have ended.</Text> : <NewPassword token={token} onDone={() => setDone(true)} />;
}

export default function Reset() {
  const token = resetOf(useLocation().hash);
  return (
    <Narrow title="Set another password">
      {/* Another link that is opened in the same tab changes what stands behind the address's '#' alone: it begins anew. */}
      {token === undefined ? <Text role="alert">This address is not complete: open the whole link that you were given.</Text> : <ByLink key={token} token={token} />}
      <Text><TextLink to="/login">Log in</TextLink></Text>
    </Narrow>
  );
}
