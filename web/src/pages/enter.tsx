// Logging in and registering: one form with a name more or less.
import { Box, Button, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { LogOut } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Link, useLocation } from "react-router";
import { limitsOfLoginInput, limitsOfRegisterInput } from "../api/generated";
import { Logo, TextField, TextLink, usePageTitle } from "../components/bits";
import { FooterLink, Version } from "../components/footer";
import { FormProblem } from "../components/problem-notice";
import { sayProblem } from "../components/toaster";
import { atLeast, problemsOf, textProblem } from "../lib/check";
import { fieldProblem, isCode } from "../lib/problem";
import { invitationOf } from "../lib/roles";
import { login, logout, register, useAuth } from "../stores/auth";

const words = {
  login: { title: "Log in", lead: "Welcome back.", action: "Log in", ask: "No account yet?", other: "Create one", to: "/register" },
  register: { title: "Create your account", lead: "A workspace that never loses work.", action: "Create account", ask: "Have an account already?", other: "Log in", to: "/login" },
} as const;

interface Texts {
  readonly email: string;
  readonly password: string;
  readonly name: string;
}

function check(kind: "login" | "register", { email, password, name }: Texts) {
  const limits = kind === "register" ? limitsOfRegisterInput : limitsOfLoginInput;
  return problemsOf({
    email: textProblem(limits.email, email, "Enter an e-mail address, like ada@example.com."),
    password: textProblem(limits.password, password, kind === "register" ? atLeast(limits.password) : "Enter your password."),
    name: kind === "register" ? textProblem(limitsOfRegisterInput.name, name, "") : undefined,
  });
}

function EnterForm({ kind, invitation }: { readonly kind: "login" | "register"; readonly invitation: string | undefined }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [name, setName] = useState("");
  const [code, setCode] = useState("");
  const [asksCode, setAsksCode] = useState(false);
  const [problems, setProblems] = useState<ReturnType<typeof check>>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const isNew = kind === "register";

  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const found = check(kind, { email: email.trim(), password, name: name.trim() });
    setProblems(found);
    setError(undefined);
    if (found !== undefined || busy) return;
    setBusy(true);
    try {
      await (isNew ? register(email.trim(), password, name.trim(), invitation) : login(email.trim(), password, asksCode ? code.trim() : ""));
    } catch (failure) {
      // The password was right: the code is asked for, which is no failure.
      const needsCode = isCode(failure, "code_needed");
      setAsksCode(asksCode || needsCode);
      setError(needsCode ? undefined : failure);
      setBusy(false);
    }
  };

  return (
    <form onSubmit={(event) => void send(event)} noValidate>
      <Stack gap="20px">
        <FormProblem error={error} />
        {isNew && <TextField label="Name" name="name" value={name} onValue={setName} autoComplete="name" hint={invitation === undefined ? "Shown to you and nobody else. You may leave it empty." : "Shown to your team. You may leave it empty."} problem={problems?.name ?? fieldProblem(error, "name")} />}
        <TextField label="E-mail" type="email" name="email" value={email} onValue={setEmail} autoComplete="email" required problem={problems?.email ?? fieldProblem(error, "email")} />
        <TextField
          label="Password" type="password" name="password" value={password} onValue={setPassword} required
          autoComplete={isNew ? "new-password" : "current-password"} problem={problems?.password ?? fieldProblem(error, "password")}
          {...(isNew ? { hint: atLeast(limitsOfRegisterInput.password) } : {})}
        />
        {asksCode && <TextField label="Code" name="code" value={code} onValue={setCode} autoComplete="one-time-code" autoFocus required hint="What your authenticator app shows, or a recovery code." problem={fieldProblem(error, "code")} />}
        <Button type="submit" size="md" loading={busy} loadingText={words[kind].action}>{words[kind].action}</Button>
        {!isNew && <Text><TextLink to="/forgot">Forgot password?</TextLink></Text>}
      </Stack>
    </form>
  );
}

function EndedNotice() {
  return (
    <Flex role="status" gap="10px" padding="12px" bg="bg.muted" borderRadius="l2" align="flex-start">
      <Flex color="fg.muted" paddingTop="3px" flexShrink="0"><LogOut size={15} /></Flex>
      <Text><Text as="span" fontWeight="500">You were logged out.</Text> Log in to go on where you were. What was saved is kept.</Text>
    </Flex>
  );
}

/** Somebody who is logged in has opened the link of an invitation. */
function AlreadyIn({ email }: { readonly email: string }) {
  return (
    <Stack gap="16px" role="status">
      <Text>You are logged in as <Text as="span" fontWeight="500">{email}</Text>. An invitation makes a new account, under the address that was invited: log out to accept it.</Text>
      <Flex gap="8px"><Button size="sm" onClick={() => void logout(false).catch(sayProblem)}>Log out</Button><Button size="sm" variant="outline" colorPalette="gray" asChild><Link to="/sessions">To your sessions</Link></Button></Flex>
    </Stack>
  );
}

export default function Enter({ kind }: { readonly kind: "login" | "register" }) {
  const { search, hash } = useLocation();
  const invitation = kind === "register" ? invitationOf(hash) : undefined;
  const { title, lead, ask, other, to } = invitation === undefined ? words[kind] : { ...words.register, title: "You are invited", lead: "Create your account, with the address that was invited, to join the team." };
  const email = useAuth(({ state }) => (state.status === "in" ? state.user.email : undefined));
  const ended = useAuth(({ state }) => state.status === "out" && state.ended);
  usePageTitle(title);
  return (
    <Flex as="main" position="relative" minHeight="100dvh" align={{ base: "flex-start", sm: "center" }} justify="center" padding="24px">
      <Box width="100%" maxWidth="400px" paddingTop={{ base: "32px", sm: "0" }} paddingBottom={{ base: "40px", sm: "8vh" }}>
        <Stack gap="32px">
          <Stack gap="20px">
            <Logo size={40} />
            <Stack gap="4px">
              <Heading as="h1" fontSize="24px" lineHeight="32px" fontWeight="600" letterSpacing="-0.02em">{title}</Heading>
              <Text color="fg.muted">{lead}</Text>
            </Stack>
          </Stack>
          {ended && kind === "login" && <EndedNotice />}
          {email !== undefined ? <AlreadyIn email={email} /> : <EnterForm key={kind} kind={kind} invitation={invitation} />}
          <Text color="fg.muted" hidden={email !== undefined}>{ask} <TextLink to={to + search}>{other}</TextLink></Text>
        </Stack>
      </Box>
      <Flex as="footer" position="absolute" bottom="12px" insetInline="0" justify="center" gap="16px" fontSize="12px"><FooterLink to="/notices">Notices</FooterLink><Version /></Flex>
    </Flex>
  );
}
