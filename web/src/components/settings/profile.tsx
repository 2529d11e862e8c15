// How the person is named, and the address that logs in.
import { Button, Stack, Text } from "@chakra-ui/react";
import { type FormEvent, useState } from "react";
import { limitsOfEmailInput, limitsOfUserUpdate, type User } from "../../api/generated";
import { problemsOf, textProblem } from "../../lib/check";
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
        <FormProblem error={error} fields={["name"]} />
        <TextField label="Name" name="name" value={name} onValue={setName} autoComplete="name" problem={problem ?? fieldProblem(error, "name")} />
        <Button size="sm" type="submit" disabled={wanted === (user.name ?? "")} loading={busy}>Save name</Button>
      </Stack>
    </form>
  );
}

const check = (email: string, password: string) => problemsOf({
  email: textProblem(limitsOfEmailInput.email, email, "Enter the new address."),
  password: textProblem({ ...limitsOfEmailInput.password, isRequired: true }, password, "Enter your password."),
});

function Address({ user }: { readonly user: User }) {
  const [email, setEmail] = useState(user.email);
  const [password, setPassword] = useState("");
  const [asked, setAsked] = useState<string>();
  const [problems, setProblems] = useState<ReturnType<typeof check>>();
  const { busy, error, send } = useSending();
  const wanted = email.trim();
  const save = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = check(wanted, password);
    setProblems(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      const reply = await api.usersMeEmail({ body: { email: wanted, password } });
      setPassword("");
      if ("done" in reply) {
        setAsked(wanted);
        setEmail(user.email);
        return;
      }
      setUser(reply);
      say("Your address is changed: log in with it from now on");
    });
  };
  return (
    <form onSubmit={save} noValidate>
      <Stack gap="16px" maxWidth="400px" align="flex-start">
        <FormProblem error={error} fields={["email", "password"]} />
        {asked !== undefined && <Text role="status">A letter is on its way to <Text as="span" fontWeight="500">{asked}</Text>. Open its link within 24 hours; until then you log in with your address of now.</Text>}
        <TextField label="E-mail" type="email" name="email" value={email} onValue={setEmail} autoComplete="email" problem={problems?.email ?? fieldProblem(error, "email")} />
        {wanted !== user.email && <TextField label="Your password" type="password" name="password" value={password} onValue={setPassword} autoComplete="current-password" problem={problems?.password ?? fieldProblem(error, "password")} />}
        <Button size="sm" type="submit" disabled={wanted === user.email} loading={busy}>Change address</Button>
      </Stack>
    </form>
  );
}

export function Profile({ user }: { readonly user: User }) {
  return (
    <>
      <Section title="Profile" text="How you are named here, by your team too."><Name user={user} /></Section>
      <Section title="Address" text="You log in with it. Your devices stay logged in."><Address key={user.email} user={user} /></Section>
    </>
  );
}
