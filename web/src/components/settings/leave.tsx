// The end of the person's account: asked once, with the password, since there is no way back.
import { Button, Stack, Text } from "@chakra-ui/react";
import { type FormEvent, useState } from "react";
import { limitsOfProofInput, type User } from "../../api/generated";
import { textProblem } from "../../lib/check";
import { fieldProblem } from "../../lib/problem";
import { deleteAccount } from "../../stores/auth";
import { TextField } from "../bits";
import { Modal } from "../modal";
import { FormProblem } from "../problem-notice";
import { useSending } from "../sending";
import { say } from "../toaster";
import { Section } from "./section";

function Dialog({ user, onClose }: { readonly user: User; readonly onClose: () => void }) {
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const leave = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = textProblem(limitsOfProofInput.password, password, "Enter your password.");
    setProblem(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      await deleteAccount(password);
      say(`The account ${user.email} is deleted`);
    });
  };
  return (
    <Modal title={`Delete the account ${user.email}?`} onClose={onClose} width="480px">
      <form onSubmit={leave} noValidate>
        <Stack gap="16px">
          <Text color="fg.muted">All your devices and keys are logged out at once, and your sessions with all files and their history are gone within 30 days. There is no way back.</Text>
          <FormProblem error={error} fields={["password"]} />
          <TextField label="Your password" type="password" name="password" value={password} onValue={setPassword} autoComplete="current-password" problem={problem ?? fieldProblem(error, "password")} />
          <Stack direction="row" justify="flex-end" gap="8px">
            <Button size="sm" variant="ghost" colorPalette="gray" onClick={onClose}>Cancel</Button>
            <Button size="sm" type="submit" variant="outline" colorPalette="gray" color="bad.fg" loading={busy} loadingText="Delete the account">Delete the account</Button>
          </Stack>
        </Stack>
      </form>
    </Modal>
  );
}

export function Leave({ user }: { readonly user: User }) {
  const [asking, setAsking] = useState(false);
  return (
    <Section title="Delete your account" text="Export first what you want to keep. The last owner of a team hands it over before.">
      <Button size="sm" variant="outline" colorPalette="gray" color="bad.fg" alignSelf="flex-start" onClick={() => setAsking(true)}>Delete your account</Button>
      {asking && <Dialog user={user} onClose={() => setAsking(false)} />}
    </Section>
  );
}
