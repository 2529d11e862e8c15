// All that is the person's, to take along: an archive of each session and of the home, and what is known of the account.
import { Box, Button, Flex, Stack, Text } from "@chakra-ui/react";
import { Download } from "lucide-react";
import { useRef, useState } from "react";
import { ApiError, type Conversation, type Link, type Message, type Session, type User } from "../../api/generated";
import { useAllSessions } from "../../api/queries";
import { all } from "../../api/team";
import { formatCount, formatSize } from "../../lib/format";
import { api } from "../../stores/auth";
import { factsOf, ListSkeleton } from "../bits";
import { fetchArchive, fetchHome, save } from "../files/actions";
import { FormProblem, ProblemNotice } from "../problem-notice";
import { useSending } from "../sending";
import { say } from "../toaster";
import { Leave } from "./leave";
import { Section } from "./section";

function SessionRow({ session, isBusy, onTake }: { readonly session: Session; readonly isBusy: boolean; readonly onTake: () => void }) {
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="56px" paddingY="8px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box flex="1" minWidth="0">
        <Text lineClamp={2} overflowWrap="anywhere" fontWeight="500">{session.name}</Text>
        <Text lineClamp={2} overflowWrap="anywhere" color="fg.muted" fontSize="13px">{factsOf(session)}</Text>
      </Box>
      <Button size="xs" height="32px" variant="outline" colorPalette="gray" disabled={isBusy} aria-label={`Download ${session.name}`} onClick={onTake}><Download size={14} />Download</Button>
    </Flex>
  );
}

const PATIENCE = 5;

/** Who has much asks more often than is granted in a minute: whatever is asked for here is asked for so. */
async function patiently<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 429 || tries === PATIENCE) throw error;
      const seconds = error.retryAfter ?? PATIENCE;
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    }
  }
}

/** Of one session, whose workspace does not say that all it has written is stored; the others may. */
const isOfWorkspace = (error: unknown) => error instanceof ApiError && (error.status === 503 || error.status === 409);

/** All pages of a list. */
const whole: typeof all = (page) => all((cursor) => patiently(() => page(cursor)));

/** One after another: each may be long. A deleted one has its messages until it cannot be restored any more. */
async function fetchConversations(deleted: boolean): Promise<ReadonlyArray<Conversation & { readonly said: readonly Message[] }>> {
  const taken: Array<Conversation & { readonly said: readonly Message[] }> = [];
  for (const one of await whole((cursor) => api.conversationsList({ deleted, ...cursor }))) {
    taken.push({ ...one, said: await whole((cursor) => api.messagesList({ conversationId: one.id, ...cursor })) });
  }
  return taken;
}

/** What the person chose; what the team or nobody chose is not theirs. */
async function fetchChoices(): Promise<Readonly<Record<string, unknown>>> {
  const { data } = await patiently(() => api.settingsList());
  return Object.fromEntries(data.filter((one) => one.user !== undefined).map((one) => [`${one.category}.${one.key}`, one.user]));
}

/** To sessions, which they can read; a viewer makes none. */
async function fetchLinks(sessions: readonly Session[]): Promise<readonly Link[]> {
  const taken: Link[] = [];
  for (const session of sessions) taken.push(...(await patiently(() => api.sessionLinksList({ sessionId: session.id }))).data);
  return taken;
}

/** What the API tells of the person beside files. Of deleted sessions it tells what they are, not what is in them; the audit log is the team's. */
async function fetchAccount(user: User, sessions: readonly Session[]): Promise<Blob> {
  const account = {
    user,
    two_factor: await patiently(() => api.usersMeTotpGet()),
    devices: await whole((cursor) => api.authDevicesList(cursor)),
    keys: await whole((cursor) => api.authKeysList(cursor)),
    settings: await fetchChoices(),
    projects: await whole((cursor) => api.projectsList(cursor)),
    sessions,
    deleted_sessions: await whole((cursor) => api.sessionsList({ deleted: true, ...cursor })),
    links: await fetchLinks(sessions),
    conversations: await fetchConversations(false),
    deleted_conversations: await fetchConversations(true),
  };
  return new Blob([`${JSON.stringify(account, undefined, 2)}\n`], { type: "application/json" });
}

function Export({ user }: { readonly user: User }) {
  const { sessions, isComplete, error: unread, retry } = useAllSessions();
  const { busy, error, send } = useSending();
  const [at, setAt] = useState<string>();
  const [left, setLeft] = useState<readonly string[]>([]);
  const stop = useRef<AbortController>(undefined);
  if (!isComplete) return unread === undefined ? <ListSkeleton rows={3} /> : <ProblemNotice error={unread} retry={retry} />;
  const bytes = sessions.reduce((sum, one) => sum + one.bytes, 0);
  const take = (one?: Session) => send(async () => {
    const stopper = new AbortController();
    const { signal } = stopper;
    stop.current = stopper;
    setLeft([]);
    try {
      // What is shown may be of some seconds ago: all is what there is now.
      const wanted = one === undefined ? await whole((cursor) => api.sessionsList(cursor)) : [one];
      if (one === undefined) {
        save(await fetchAccount(user, wanted), "coditect-account.json");
        signal.throwIfAborted();
        setAt("home");
        await patiently(() => fetchHome(signal));
      }
      const missed: string[] = [];
      for (const session of wanted) {
        signal.throwIfAborted();
        setAt(session.name);
        try {
          await patiently(() => fetchArchive(session.id, "tgz", undefined, signal));
        } catch (error) {
          if (one !== undefined || !isOfWorkspace(error)) throw error;
          missed.push(session.name);
          setLeft([...missed]);
        }
      }
      const what = one !== undefined ? "It" : missed.length > 0 ? "The rest" : "All of it";
      say(`${what} is on its way: your browser shows when it is here`);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      setAt(undefined);
    }
  });
  return (
    <Stack gap="16px" align="flex-start">
      <FormProblem error={error} />
      {left.length > 0 && <Text role="alert" color="bad.fg" fontSize="13px" overflowWrap="anywhere">{`Left out, since it could not be made sure that their latest is stored: ${left.map((name) => `“${name}”`).join(", ")}. Try each again, or pause it first.`}</Text>}
      <Flex gap="12px" align="center" wrap="wrap">
        <Button size="sm" loading={busy} loadingText="Download everything" onClick={() => void take()}><Download size={14} />Download everything</Button>
        {busy && <Button size="sm" variant="outline" colorPalette="gray" onClick={() => stop.current?.abort()}>Stop</Button>}
        <Text role="status" color="fg.muted" fontSize="13px" fontVariantNumeric="tabular-nums">{at !== undefined ? `“${at}” is coming…` : `${formatCount(sessions.length, "session")}, ${formatSize(bytes)}, your home, and your account as JSON.`}</Text>
      </Flex>
      {sessions.length > 0 && (
        <Box as="ul" width="100%" aria-label="Sessions to download">
          {sessions.map((session) => <SessionRow key={session.id} session={session} isBusy={busy} onTake={() => void take(session)} />)}
        </Box>
      )}
    </Stack>
  );
}

export function YourData({ user }: { readonly user: User }) {
  return (
    <>
      <Section title="Export" text="Each session is one tar.gz with all of its files, as they are now. Your home, which they share, is one too, as it is stored: what a running workspace has not stored yet is not in it. Your account is one file, deleted conversations included. In none of them: earlier versions of files, files and conversations of deleted sessions (restore a session to take it along), how your IDE is arranged, and the audit log."><Export user={user} /></Section>
      <Leave user={user} />
    </>
  );
}
