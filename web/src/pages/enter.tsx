// Logging in and registering: one form with a name more or less.
import { Box, Button, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { LogOut } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Link, useLocation } from "react-router";
import { limitsOfLoginInput, limitsOfRegisterInput, type RegisterInput } from "../api/generated";
import { useRegistration } from "../api/registration";
import { FormSkeleton, Logo, TextField, TextLink, usePageTitle } from "../components/bits";
import { FooterLink, Version } from "../components/footer";
import { FormProblem, ProblemNotice } from "../components/problem-notice";
import { sayProblem } from "../components/toaster";
import { atLeast, problemsOf, textProblem } from "../lib/check";
import { fieldProblem, isCode } from "../lib/problem";
import { type Confirmation, confirmationOf, invitationOf } from "../lib/roles";
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

const passwordLimits = { ...limitsOfRegisterInput.password, isRequired: true };

function check(kind: "login" | "register" | "ask", { email, password, name }: Texts) {
  const limits = kind === "login" ? limitsOfLoginInput.password : passwordLimits;
  return problemsOf({
    email: textProblem(limitsOfRegisterInput.email, email, "Enter an e-mail address, like ada@example.com."),
    password: kind === "ask" ? undefined : textProblem(limits, password, kind === "register" ? atLeast(limits) : "Enter your password."),
    name: kind === "register" ? textProblem(limitsOfRegisterInput.name, name, "") : undefined,
  });
}

interface EnterFormProps {
  readonly kind: "login" | "register";
  readonly invitation?: string | undefined;
  /** The address that a mailed link has confirmed. */
  readonly confirmed?: Confirmation | undefined;
  /** Only the address is asked for: a letter brings the rest. */
  readonly asks?: boolean;
  /** A letter is on its way there. */
  readonly onAsked?: (email: string) => void;
}

export function EnterForm({ kind, invitation, confirmed, asks = false, onAsked }: EnterFormProps) {
  const [email, setEmail] = useState(confirmed?.email ?? "");
  const [password, setPassword] = useState("");
  const [name, setName] = useState("");
  const [code, setCode] = useState("");
  const [asksCode, setAsksCode] = useState(false);
  const [problems, setProblems] = useState<ReturnType<typeof check>>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const isNew = kind === "register";
  const action = asks ? "Continue" : words[kind].action;

  const wanted = (): RegisterInput => ({
    email: email.trim(),
    ...(asks ? {} : { password }),
    ...(!asks && name.trim() !== "" ? { name: name.trim() } : {}),
    ...(invitation !== undefined ? { invitation } : {}),
    ...(confirmed !== undefined ? { confirmation: confirmed.confirmation } : {}),
  });

  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const found = check(asks ? "ask" : kind, { email: email.trim(), password, name: name.trim() });
    setProblems(found);
    setError(undefined);
    if (found !== undefined || busy) return;
    setBusy(true);
    try {
      if (!isNew) await login(email.trim(), password, asksCode ? code.trim() : "");
      else if (!(await register(wanted()))) onAsked?.(email.trim());
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
        {isNew && !asks && <TextField label="Name" name="name" value={name} onValue={setName} autoComplete="name" hint={invitation === undefined ? "Shown to you and nobody else. You may leave it empty." : "Shown to your team. You may leave it empty."} problem={problems?.name ?? fieldProblem(error, "name")} />}
        <TextField label="E-mail" type="email" name="email" value={email} onValue={setEmail} autoComplete="email" required readOnly={confirmed !== undefined} {...(asks ? { hint: "A letter goes there, with a link to open." } : {})} problem={problems?.email ?? fieldProblem(error, "email")} />
        {!asks && (
          <TextField
            label="Password" type="password" name="password" value={password} onValue={setPassword} required
            autoComplete={isNew ? "new-password" : "current-password"} problem={problems?.password ?? fieldProblem(error, "password")}
            {...(isNew ? { hint: atLeast(limitsOfRegisterInput.password) } : {})}
          />
        )}
        {asksCode && <TextField label="Code" name="code" value={code} onValue={setCode} autoComplete="one-time-code" autoFocus required hint="What your authenticator app shows, or a recovery code." />}
        <Button type="submit" size="md" loading={busy} loadingText={action}>{action}</Button>
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

/** Somebody who is logged in has opened a link for a new account. */
function AlreadyIn({ email, isInvited }: { readonly email: string; readonly isInvited: boolean }) {
  return (
    <Stack gap="16px" role="status">
      <Text>You are logged in as <Text as="span" fontWeight="500">{email}</Text>. {isInvited ? "An invitation makes a new account, under the address that was invited: log out to accept it." : "This link makes a new account: log out to go on."}</Text>
      <Flex gap="8px"><Button size="sm" onClick={() => void logout(false).catch(sayProblem)}>Log out</Button><Button size="sm" variant="outline" colorPalette="gray" asChild><Link to="/sessions">To your sessions</Link></Button></Flex>
    </Stack>
  );
}

/** Asks for the address alone where letters confirm them; who comes by such a letter chooses a password. */
function Register({ invitation, confirmed }: { readonly invitation: string | undefined; readonly confirmed: Confirmation | undefined }) {
  const [asked, setAsked] = useState<string>();
  const { data, error, refetch } = useRegistration(confirmed === undefined);
  if (asked !== undefined) {
    return (
      <Stack gap="12px" role="status">
        <Text>A letter is on its way to <Text as="span" fontWeight="500">{asked}</Text>. Open its link within 24 hours to go on.</Text>
        <Text color="fg.muted">Nothing there? Look among the spam, or <Button variant="plain" height="auto" minWidth="0" padding="0" color="fg" textDecoration="underline" verticalAlign="baseline" onClick={() => setAsked(undefined)}>ask once more</Button>.</Text>
      </Stack>
    );
  }
  if (confirmed !== undefined) return <EnterForm kind="register" invitation={invitation} confirmed={confirmed} />;
  if (error !== null) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data === undefined) return <FormSkeleton fields={3} />;
  if (data.registration === "closed" || (data.registration === "invite" && invitation === undefined)) {
    return <Text role="status">{data.registration === "closed" ? "Registration is closed here." : "Registration is by invitation here: open the link that you were given."}</Text>;
  }
  return <EnterForm kind="register" invitation={invitation} asks={data.confirm} onAsked={setAsked} />;
}

export default function Enter({ kind }: { readonly kind: "login" | "register" }) {
  const { search, hash } = useLocation();
  const invitation = kind === "register" ? invitationOf(hash) : undefined;
  const confirmed = kind === "register" ? confirmationOf(hash) : undefined;
  const { title, lead, ask, other, to } = confirmed !== undefined ? { ...words.register, title: "Finish your account", lead: "Your address is confirmed: choose a password." } : invitation === undefined ? words[kind] : { ...words.register, title: "You are invited", lead: "Create your account, with the address that was invited, to join the team." };
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
          {email !== undefined ? <AlreadyIn email={email} isInvited={invitation !== undefined} /> : kind === "login" ? <EnterForm kind="login" /> : <Register key={hash} invitation={invitation} confirmed={confirmed} />}
          <Text color="fg.muted" hidden={email !== undefined}>{ask} <TextLink to={to + search}>{other}</TextLink></Text>
        </Stack>
      </Box>
      <Flex as="footer" position="absolute" bottom="12px" insetInline="0" justify="center" gap="16px" fontSize="12px"><FooterLink to="/notices">Notices</FooterLink><Version /></Flex>
    </Flex>
  );
}
