// The second step of logins: turned on with an authenticator app, shown, turned off.
import { Box, Button, Flex, QrCode, SimpleGrid, Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { limitsOfCodeInput, limitsOfProofInput, type NewTotp, type Totp } from "../../api/generated";
import { queryClient } from "../../api/queries";
import { problemsOf, textProblem } from "../../lib/check";
import { fieldProblem } from "../../lib/problem";
import { api } from "../../stores/auth";
import { Ago, ListSkeleton, TextField } from "../bits";
import { FormProblem, ProblemNotice } from "../problem-notice";
import { Secret } from "../secret";
import { useSending } from "../sending";
import { say } from "../toaster";

const refresh = (): void => void queryClient.invalidateQueries({ queryKey: ["totp"] });

interface ProofProps {
  readonly action: string;
  readonly isEnd?: boolean;
  readonly onProof: (password: string) => Promise<void>;
}

/** What it begins and ends with: one's own password, once more. */
function Proof({ action, isEnd = false, onProof }: ProofProps) {
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const prove = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = problemsOf({ password: textProblem(limitsOfProofInput.password, password, "Enter your password.") });
    setProblem(wrong?.password);
    if (wrong === undefined) void send(() => onProof(password));
  };
  return (
    <form onSubmit={prove} noValidate>
      <Stack gap="16px" maxWidth="400px" align="flex-start">
        <FormProblem error={error} fields={["password"]} />
        <TextField label="Your password, to go on" type="password" name="proof" value={password} onValue={setPassword} autoComplete="current-password" problem={problem ?? fieldProblem(error, "password")} />
        <Button size="sm" type="submit" variant={isEnd ? "outline" : "solid"} {...(isEnd ? { colorPalette: "gray", color: "bad.fg" } : {})} loading={busy}>{action}</Button>
      </Stack>
    </form>
  );
}

/** White behind it in the dark, too: apps read black on white. */
function Picture({ uri }: { readonly uri: string }) {
  return (
    <Box padding="12px" bg="white" borderRadius="l2" borderWidth="1px" alignSelf="flex-start">
      <QrCode.Root unstyled value={uri}>
        <QrCode.Frame unstyled role="img" aria-label="The secret as a picture for the app" style={{ width: 168, height: 168, display: "block", fill: "black" }}><QrCode.Pattern unstyled /></QrCode.Frame>
      </QrCode.Root>
    </Box>
  );
}

function FirstCode({ begun, onDone }: { readonly begun: NewTotp; readonly onDone: (codes: readonly string[]) => void }) {
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const confirm = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = textProblem(limitsOfCodeInput.code, code.trim(), "Enter what the app shows.");
    setProblem(wrong);
    if (wrong === undefined) void send(async () => onDone((await api.usersMeTotpConfirm({ body: { code: code.trim() } })).recovery_codes));
  };
  return (
    <form onSubmit={confirm} noValidate>
      <Stack gap="16px" maxWidth="440px" align="flex-start">
        <Text>Let your authenticator app read this, or type the secret into it; then enter the code that it shows.</Text>
        <Picture uri={begun.uri} />
        <Secret label="The secret" value={begun.secret}>Without a camera, type this in: time-based, 6 digits.</Secret>
        <FormProblem error={error} fields={["code"]} />
        <TextField label="Code of the app" name="code" value={code} onValue={setCode} autoComplete="one-time-code" problem={problem ?? fieldProblem(error, "code")} />
        <Button size="sm" type="submit" loading={busy}>Turn it on</Button>
      </Stack>
    </form>
  );
}

function RecoveryCodes({ codes, onClose }: { readonly codes: readonly string[]; readonly onClose: () => void }) {
  return (
    <Stack gap="16px" align="flex-start">
      <Text>Logins ask for a code now. Keep these recovery codes: each of them stands in for the app once, and they are shown only now.</Text>
      <SimpleGrid as="ul" aria-label="Recovery codes" columns={{ base: 1, sm: 2 }} columnGap="32px" rowGap="4px" fontFamily="mono" fontSize="13px">
        {codes.map((code) => <Box as="li" listStyleType="none" key={code}>{code}</Box>)}
      </SimpleGrid>
      <Secret label="All recovery codes" value={codes.join(" ")}>Copy them to where you keep passwords.</Secret>
      <Button size="sm" onClick={onClose}>I have kept them</Button>
    </Stack>
  );
}

function On({ state }: { readonly state: Totp }) {
  const [asking, setAsking] = useState(false);
  const end = async (password: string): Promise<void> => {
    await api.usersMeTotpEnd({ body: { password } });
    say("Logins ask for no code any more");
    refresh();
  };
  const left = state.recovery_codes_left;
  return (
    <Stack gap="16px" align="flex-start">
      <Text>
        <Text as="span" color="good.fg" fontWeight="500">On</Text>
        {state.since !== undefined && <>, set up <Ago time={state.since} /></>} · {left === 1 ? "1 recovery code is left" : `${left === 0 ? "no" : left} recovery codes are left`}
        {left < 3 && ". Turn it off and on again to get new ones."}
      </Text>
      {asking ? <Proof action="Turn it off" isEnd onProof={end} /> : <Button size="sm" variant="outline" colorPalette="gray" onClick={() => setAsking(true)}>Turn it off…</Button>}
    </Stack>
  );
}

function Off() {
  const [asking, setAsking] = useState(false);
  const [begun, setBegun] = useState<NewTotp>();
  const [codes, setCodes] = useState<readonly string[]>();
  if (codes !== undefined) return <RecoveryCodes codes={codes} onClose={refresh} />;
  if (begun !== undefined) return <FirstCode begun={begun} onDone={setCodes} />;
  if (asking) return <Proof action="Go on" onProof={async (password) => setBegun(await api.usersMeTotpBegin({ body: { password } }))} />;
  return <Flex><Button size="sm" onClick={() => setAsking(true)}>Set it up…</Button></Flex>;
}

export function TwoFactor() {
  const { data, error, refetch } = useQuery({ queryKey: ["totp"], queryFn: ({ signal }) => api.usersMeTotpGet({ signal }), refetchOnWindowFocus: false });
  if (data === undefined) return error === null ? <ListSkeleton rows={1} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  return data.enabled ? <On state={data} /> : <Off />;
}
