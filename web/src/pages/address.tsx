// Another address to log in with, confirmed by the link that was mailed there: by the person alone whose address it becomes.
import { Button, Stack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { useLocation } from "react-router";
import { TextLink } from "../components/bits";
import { Narrow } from "../components/narrow";
import { FormProblem } from "../components/problem-notice";
import { useSending } from "../components/sending";
import { type Confirmation, confirmationOf } from "../lib/roles";
import { api, setUser, useAuth } from "../stores/auth";
import { EnterForm } from "./enter";

function Confirm({ link, onDone }: { readonly link: Confirmation; readonly onDone: () => void }) {
  const { busy, error, send } = useSending();
  const confirm = (): Promise<void> => send(async () => {
    const reply = await api.usersMeEmail({ body: link });
    if (!("done" in reply)) setUser(reply);
    onDone();
  });
  return (
    <Stack gap="20px" align="flex-start">
      <FormProblem error={error} />
      <Text>From then on you log in with <Text as="span" fontWeight="500">{link.email}</Text>. Your devices stay logged in.</Text>
      <Button size="md" loading={busy} loadingText="Confirm address" onClick={() => void confirm()}>Confirm address</Button>
    </Stack>
  );
}

function Opened({ link }: { readonly link: Confirmation | undefined }) {
  const isIn = useAuth(({ state }) => state.status === "in");
  const [isDone, setDone] = useState(false);
  if (link === undefined) return <Narrow title="Confirm your address"><Text role="alert">This address is not complete: open the whole link that you were given.</Text></Narrow>;
  if (isDone) return <Narrow title="Your address is changed"><Text role="status">Log in with <Text as="span" fontWeight="500">{link.email}</Text> from now on.</Text><Text><TextLink to="/sessions">To your sessions</TextLink></Text></Narrow>;
  if (!isIn) return <Narrow title="Confirm your address" lead="Log in first, with the address and password of now."><EnterForm kind="login" /></Narrow>;
  return <Narrow title="Confirm your address"><Confirm link={link} onDone={() => setDone(true)} /></Narrow>;
}

/** Another link that is opened in the same tab begins anew. */
export default function Address() {
  const { hash } = useLocation();
  return <Opened key={hash} link={confirmationOf(hash)} />;
}
