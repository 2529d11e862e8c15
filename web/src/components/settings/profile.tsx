// How the person is named.
import { Button, Stack } from "@chakra-ui/react";
import { type FormEvent, useState } from "react";
import { limitsOfUserUpdate, type User } from "../../api/generated";
import { textProblem } from "../../lib/check";
import { fieldProblem } from "../../lib/problem";
import { api, setUser } from "../../stores/auth";
import { TextField } from "../bits";
import { FormProblem } from "../problem-notice";
import { useSending } from "../sending";
import { say } from "../toaster";
import { Section } from "./section";

function Name({ user }: { readonly user: User }) {
  const [name, setName] = useState(user.name ?? "");
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const wanted = name.trim();
  const save = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = textProblem(limitsOfUserUpdate.name, wanted, "Enter a name.");
    setProblem(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      setUser(await api.usersMePut({ body: { name: wanted } }));
      say("Your name is saved");
    });
  };
  return (
    <form onSubmit={save} noValidate>
      <Stack gap="16px" maxWidth="400px" align="flex-start">
        <FormProblem error={error} />
        <TextField label="Name" name="name" value={name} onValue={setName} autoComplete="name" problem={problem ?? fieldProblem(error, "name")} hint={user.email} />
        <Button size="sm" type="submit" disabled={wanted === (user.name ?? "")} loading={busy}>Save name</Button>
      </Stack>
    </form>
  );
}

export function Profile({ user }: { readonly user: User }) {
  return <Section title="Profile" text="How you are named here, by your team too."><Name user={user} /></Section>;
}
