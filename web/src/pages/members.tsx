// Who belongs to the team, with which role, and who is invited. What a person may not do is not offered; the server decides.
import { Box, Button, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { type FormEvent, useState } from "react";
import type { Invitation, Member, User } from "../api/generated";
import { queryClient } from "../api/queries";
import { Ago, ListSkeleton, Panel, TextField, usePageTitle } from "../components/bits";
import { Confirm } from "../components/modal";
import { FormProblem, ProblemNotice } from "../components/problem-notice";
import { Secret } from "../components/secret";
import { PageMain } from "../components/shell";
import { say, sayProblem } from "../components/toaster";
import { formatUntil } from "../lib/format";
import { fieldProblem } from "../lib/problem";
import { mayChange, type Role, roleWords, rolesUpTo } from "../lib/roles";
import { api, setUser, useAuth } from "../stores/auth";

/** All pages of a list: a team is small. */
async function all<One>(page: (cursor: string | undefined) => Promise<{ readonly data: readonly One[]; readonly page: { readonly next?: string | null } }>): Promise<readonly One[]> {
  const found: One[] = [];
  let cursor: string | undefined;
  do {
    const { data, page: { next } } = await page(cursor);
    found.push(...data);
    cursor = next ?? undefined;
  } while (cursor !== undefined);
  return found;
}

const useMembers = () => useQuery({ queryKey: ["members"], queryFn: ({ signal }) => all((cursor) => api.tenantMembersList({ signal, ...(cursor !== undefined ? { cursor } : {}) })) });

const useInvitations = () => useQuery({ queryKey: ["invitations"], queryFn: ({ signal }) => all((cursor) => api.tenantInvitationsList({ signal, ...(cursor !== undefined ? { cursor } : {}) })) });

function refresh(): void {
  void queryClient.invalidateQueries({ queryKey: ["members"] });
  void queryClient.invalidateQueries({ queryKey: ["invitations"] });
}

interface RoleSelectProps {
  readonly label: string;
  readonly mine: Role;
  readonly role: Role;
  readonly onRole: (role: Role) => void;
  /** As tall as the field beside it. */
  readonly isTall?: boolean;
}

function RoleSelect({ label, mine, role, onRole, isTall = false }: RoleSelectProps) {
  return (
    <Box asChild height={isTall ? "40px" : "32px"} width="112px" flexShrink="0" paddingX="8px" fontSize="14px" borderWidth="1px" borderColor="border.emphasized" borderRadius="l2" bg="bg.panel" color="fg" css={{ colorScheme: { base: "light", _dark: "dark" } }}>
      <select aria-label={label} value={role} onChange={(event) => onRole(event.currentTarget.value as Role)}>
        {rolesUpTo(mine).map((one) => <option key={one} value={one}>{roleWords[one].name}</option>)}
      </select>
    </Box>
  );
}

function MemberRow({ member, me }: { readonly member: Member; readonly me: User }) {
  const [asking, setAsking] = useState(false);
  const name = member.name ?? member.email ?? "Somebody";
  const isMe = member.id === me.id;
  const change = (role: Role): void => {
    api.tenantMemberUpdate({ userId: member.id, ifMatch: `"${member.revision}"`, body: { role } })
      .then(() => say(`${name} is ${roleWords[role].name.toLowerCase()} now`), sayProblem).finally(refresh);
  };
  const remove = (): void => {
    api.tenantMemberRemove({ userId: member.id }).then(() => say(`${name} is no member any more`), sayProblem).finally(refresh);
  };
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="60px" paddingY="8px" wrap="wrap" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box flex="1" minWidth="160px">
        <Text truncate fontWeight="500">{name}{isMe && <Text as="span" color="fg.muted" fontWeight="400"> (you)</Text>}</Text>
        <Text truncate color="fg.muted" fontSize="13px">{member.email} · since <Ago time={member.created_at} /></Text>
      </Box>
      {!isMe && mayChange(me.role, member.role) ? (
        <Flex gap="8px" align="center">
          <RoleSelect label={`Role of ${name}`} mine={me.role} role={member.role} onRole={change} />
          <Button size="xs" height="32px" variant="outline" color="bad.fg" aria-label={`Remove ${name}`} onClick={() => setAsking(true)}>Remove</Button>
        </Flex>
      ) : <Text color="fg.muted" fontSize="13px">{roleWords[member.role].name}</Text>}
      {asking && (
        <Confirm
          title={`Remove “${name}”?`} text="They are logged out everywhere at once, and their workspaces pause. Their sessions are kept, and stay with the team."
          action="Remove" onConfirm={remove} onClose={() => setAsking(false)}
        />
      )}
    </Flex>
  );
}

function InvitationRow({ invitation, me }: { readonly invitation: Invitation; readonly me: User }) {
  const withdraw = (): void => {
    api.tenantInvitationDelete({ invitationId: invitation.id }).then(() => say(`The invitation of ${invitation.email} is withdrawn`), sayProblem).finally(refresh);
  };
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="56px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box flex="1" minWidth="0">
        <Text truncate fontWeight="500">{invitation.email}</Text>
        <Text truncate color="fg.muted" fontSize="13px">{roleWords[invitation.role].name} · ends {formatUntil(invitation.expires_at)}</Text>
      </Box>
      {mayChange(me.role, invitation.role) && <Button size="xs" height="32px" variant="outline" colorPalette="gray" aria-label={`Withdraw the invitation of ${invitation.email}`} onClick={withdraw}>Withdraw</Button>}
    </Flex>
  );
}

function Invite({ me }: { readonly me: User }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [made, setMade] = useState<{ readonly email: string; readonly url: string }>();
  const [problem, setProblem] = useState<string>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const wrong = /^\S+@\S+$/.test(email.trim()) ? undefined : "Enter an e-mail address, like ada@example.com.";
    setProblem(wrong);
    setError(undefined);
    if (wrong !== undefined) return;
    setBusy(true);
    try {
      setMade(await api.tenantInvitationCreate({ body: { email: email.trim(), role } }));
      setEmail("");
      refresh();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void send(event)} noValidate>
      <Stack gap="16px" align="flex-start">
        <FormProblem error={error} />
        <Flex gap="8px" wrap="wrap" align="flex-start" width="100%">
          <Box flex="1" minWidth="200px"><TextField label="E-mail" type="email" name="email" value={email} onValue={setEmail} maxLength={254} autoComplete="off" problem={problem ?? fieldProblem(error, "email")} /></Box>
          <Stack gap="6px"><Text textStyle="sm" fontWeight="500" aria-hidden="true">Role</Text><RoleSelect label="Role" mine={me.role} role={role} onRole={setRole} isTall /></Stack>
        </Flex>
        <Text color="fg.muted" fontSize="13px">{roleWords[role].name}: {roleWords[role].may}</Text>
        <Button size="sm" type="submit" loading={busy} loadingText="Invite"><UserPlus size={14} />Invite</Button>
        {made !== undefined && <Secret key={made.url} label="Link of the invitation" value={made.url}>Send this link to <Text as="span" fontWeight="500">{made.email}</Text>. It works once, and is shown only now.</Secret>}
      </Stack>
    </form>
  );
}

function Invitations({ me }: { readonly me: User }) {
  const { data, error, refetch } = useInvitations();
  if (data === undefined) return error === null ? <ListSkeleton rows={1} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data.length === 0) return undefined;
  return (
    <Box>
      <Heading as="h3" fontSize="14px" fontWeight="500">Not accepted yet</Heading>
      <Box as="ul" aria-label="Invitations">{data.map((one) => <InvitationRow key={one.id} invitation={one} me={me} />)}</Box>
    </Box>
  );
}

function Members({ me }: { readonly me: User }) {
  const { data, error, refetch } = useMembers();
  if (data === undefined) return error === null ? <ListSkeleton rows={3} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  return <Box as="ul" aria-label="Members">{data.map((member) => <MemberRow key={member.id} member={member} me={me} />)}</Box>;
}

/** Somebody may have changed one's own role since the login. */
function useMyself(): void {
  useQuery({
    queryKey: ["me"],
    queryFn: async ({ signal }) => {
      const user = await api.usersMeGet({ signal });
      setUser(user);
      return user;
    },
  });
}

export default function MembersPage() {
  const state = useAuth((auth) => auth.state);
  usePageTitle("Members");
  useMyself();
  if (state.status !== "in") return undefined;
  const me = state.user;
  return (
    <PageMain width="720px">
      <Stack gap="20px">
        <Heading as="h1" fontSize="22px" lineHeight="32px" fontWeight="600" letterSpacing="-0.02em">Members</Heading>
        <Panel><Box paddingX={{ base: "16px", md: "24px" }} paddingY="8px"><Members me={me} /></Box></Panel>
        {mayChange(me.role, "viewer") && (
          <Panel>
            <Stack as="section" gap="20px" padding={{ base: "16px", md: "24px" }} aria-label="Invite somebody">
              <Heading as="h2" fontSize="16px" fontWeight="600">Invite somebody</Heading>
              <Invite me={me} />
              <Invitations me={me} />
            </Stack>
          </Panel>
        )}
      </Stack>
    </PageMain>
  );
}
