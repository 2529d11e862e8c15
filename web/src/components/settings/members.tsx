// Who belongs to the team, with which role, and who is invited. What a person may not do is not offered; the server decides.
import { Box, Button, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { KeyRound, ShieldOff, UserMinus, UserPlus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type Invitation, limitsOfInvitationInput, type Member, type User } from "../../api/generated";
import { useRegistration } from "../../api/registration";
import { nameOf, refreshTeam, useInvitations, useMembers } from "../../api/team";
import { textProblem } from "../../lib/check";
import { formatUntil } from "../../lib/format";
import { fieldProblem } from "../../lib/problem";
import { may, mayChange, type Role, roleWords, rolesUpTo } from "../../lib/roles";
import { api } from "../../stores/auth";
import { Ago, ListSkeleton, TextField } from "../bits";
import { type Action, ActionMenu } from "../menu";
import { Confirm, Modal } from "../modal";
import { FormProblem, ProblemNotice } from "../problem-notice";
import { Secret } from "../secret";
import { Select } from "../select";
import { useSending } from "../sending";
import { say, sayChangeProblem, sayProblem } from "../toaster";
import { Section } from "./section";
import { TeamName } from "./team-name";

interface RoleSelectProps {
  readonly label: string;
  readonly mine: Role;
  readonly role: Role;
  readonly onRole: (role: Role) => void;
  /** As tall as the field beside it. */
  readonly isTall?: boolean;
}

function RoleSelect({ label, mine, role, onRole, isTall = false }: RoleSelectProps) {
  return <Select label={label} width="112px" height={isTall ? "40px" : "32px"} value={role} onValue={onRole} options={rolesUpTo(mine).map((value) => ({ value, label: roleWords[value].name }))} />;
}

type Asking = "remove" | "link" | "code";

/** What is asked before something is done to a member. */
function MemberDialog({ asking, member, onClose }: { readonly asking: Asking; readonly member: Member; readonly onClose: () => void }) {
  const [made, setMade] = useState<string>();
  const { busy, error, send } = useSending();
  const name = nameOf(member);
  const remove = (): void => {
    api.tenantMemberRemove({ userId: member.id }).then(() => say(`${name} is no member any more`), sayProblem).finally(refreshTeam);
  };
  const endCode = (): void => {
    api.tenantMemberTotpEnd({ userId: member.id }).then(() => say(`Logins of ${name} ask for no code any more`), sayProblem).finally(refreshTeam);
  };
  if (asking === "remove") return <Confirm title={`Remove “${name}”?`} text="They are logged out everywhere at once, and their workspaces pause. Their sessions are kept, and stay with the team." action="Remove" onConfirm={remove} onClose={onClose} />;
  if (asking === "code") return <Confirm title={`End the second step of “${name}”?`} text="For somebody who has lost the app and the recovery codes: their logins ask for the password alone, until they set it up again." action="End the second step" onConfirm={endCode} onClose={onClose} />;
  const make = () => send(async () => setMade((await api.tenantMemberReset({ userId: member.id })).url));
  return (
    <Modal title={`Another password for “${name}”`} onClose={onClose} width="480px">
      <Stack gap="16px" align="flex-start">
        <FormProblem error={error} />
        {made === undefined
          ? (
            <>
              <Text color="fg.muted">You get a link to give to them. Who has it sets another password, once, within 30 minutes, and is logged out everywhere else; their API keys end. Nothing changes before.</Text>
              <Button size="sm" loading={busy} onClick={() => void make()}>Make the link</Button>
            </>
          )
          : <Secret label="Link to set another password" value={made}>Give this link to <Text as="span" fontWeight="500">{name}</Text> alone. It is shown only now.</Secret>}
      </Stack>
    </Modal>
  );
}

function MemberRow({ member, me }: { readonly member: Member; readonly me: User }) {
  const [asking, setAsking] = useState<Asking>();
  const name = nameOf(member);
  const isMe = member.id === me.id;
  const change = (role: Role): void => {
    api.tenantMemberUpdate({ userId: member.id, ifMatch: `"${member.revision}"`, body: { role } })
      .then(() => say(`${name} is ${roleWords[role].name.toLowerCase()} now`), sayChangeProblem).finally(refreshTeam);
  };
  const actions: readonly Action[] = [
    { label: "Another password", icon: <KeyRound size={15} />, run: () => setAsking("link") },
    ...(member.two_factor_at !== undefined ? [{ label: "End the second step", icon: <ShieldOff size={15} />, run: () => setAsking("code") }] : []),
    { label: "Remove", icon: <UserMinus size={15} />, run: () => setAsking("remove"), grave: true },
  ];
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="60px" paddingY="8px" wrap="wrap" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box flex="1" minWidth="160px">
        <Text lineClamp={2} overflowWrap="anywhere" fontWeight="500">{name}{isMe && <Text as="span" color="fg.muted" fontWeight="400"> (you)</Text>}</Text>
        <Text lineClamp={2} overflowWrap="anywhere" color="fg.muted" fontSize="13px">{member.email} · joined <Ago time={member.created_at} />{member.two_factor_at !== undefined && " · logs in with a code"}</Text>
      </Box>
      {!isMe && mayChange(me.role, member.role) ? (
        <Flex gap="8px" align="center">
          <RoleSelect label={`Role of ${name}`} mine={me.role} role={member.role} onRole={change} />
          <ActionMenu label={`Actions for ${name}`} actions={actions} />
        </Flex>
      ) : <Text color="fg.muted" fontSize="13px">{roleWords[member.role].name}</Text>}
      {asking !== undefined && <MemberDialog asking={asking} member={member} onClose={() => setAsking(undefined)} />}
    </Flex>
  );
}

function InvitationRow({ invitation, me }: { readonly invitation: Invitation; readonly me: User }) {
  const withdraw = (): void => {
    api.tenantInvitationDelete({ invitationId: invitation.id }).then(() => say(`The invitation of ${invitation.email} is withdrawn`), sayProblem).finally(refreshTeam);
  };
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="56px" paddingY="8px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box flex="1" minWidth="0">
        <Text lineClamp={2} overflowWrap="anywhere" fontWeight="500">{invitation.email}</Text>
        <Text lineClamp={2} overflowWrap="anywhere" color="fg.muted" fontSize="13px">{roleWords[invitation.role].name} · ends {formatUntil(invitation.expires_at)}</Text>
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
  const { busy, error, send } = useSending();
  const invite = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = textProblem(limitsOfInvitationInput.email, email.trim(), "Enter an e-mail address, like ada@example.com.");
    setProblem(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      setMade(await api.tenantInvitationCreate({ body: { email: email.trim(), role } }));
      setEmail("");
      refreshTeam();
    });
  };
  return (
    <form onSubmit={invite} noValidate>
      <Stack gap="16px" align="flex-start">
        <FormProblem error={error} fields={["email"]} />
        <Flex gap="8px" wrap="wrap" align="flex-start" width="100%">
          <Box flex="1" minWidth="200px"><TextField label="E-mail" type="email" name="email" value={email} onValue={setEmail} autoComplete="off" problem={problem ?? fieldProblem(error, "email")} /></Box>
          <Stack gap="6px"><Text textStyle="sm" fontWeight="500" aria-hidden="true">Role</Text><RoleSelect label="Role" mine={me.role} role={role} onRole={setRole} isTall /></Stack>
        </Flex>
        <Text color="fg.muted" fontSize="13px">{roleWords[role].name}: {roleWords[role].may}</Text>
        <Button size="sm" type="submit" loading={busy} loadingText="Invite"><UserPlus size={14} />Invite</Button>
        {made !== undefined && <Secret key={made.url} label="Link of the invitation" value={made.url}>Send this link to <Text as="span" fontWeight="500">{made.email}</Text>. It works once, and is shown only now.</Secret>}
      </Stack>
    </form>
  );
}

/** The form, where there is somebody to whom it would be of use. */
function Inviting({ me }: { readonly me: User }) {
  const { data, error } = useRegistration();
  if (data === undefined && error === null) return <ListSkeleton rows={1} />;
  if (data?.registration === "closed") return <Text color="fg.muted">Registration is closed here: nobody could accept an invitation.</Text>;
  return <Invite me={me} />;
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

/** The owner alone may: gives the team to somebody else, and is an admin from then on. */
function Transfer({ me }: { readonly me: User }) {
  const { data } = useMembers();
  const others = (data ?? []).filter(({ id, role }) => id !== me.id && role !== "owner");
  const [wanted, setWanted] = useState("");
  const [asking, setAsking] = useState(false);
  const heir = others.find(({ id }) => id === wanted) ?? others[0];
  if (heir === undefined) return undefined;
  const transfer = (): void => {
    api.tenantTransfer({ body: { user_id: heir.id } }).then(() => say(`${nameOf(heir)} is the owner now`), sayProblem).finally(refreshTeam);
  };
  return (
    <Section title="Hand the team over" text="The new owner may do everything. You stay, as an admin.">
      <Flex gap="8px" wrap="wrap">
        <Select label="New owner" width={{ base: "100%", sm: "240px" }} height="36px" value={heir.id} onValue={setWanted} options={others.map((one) => ({ value: one.id, label: nameOf(one) }))} />
        <Button size="sm" variant="outline" colorPalette="gray" color="bad.fg" onClick={() => setAsking(true)}>Make owner</Button>
      </Flex>
      {asking && <Confirm title={`Make “${nameOf(heir)}” the owner?`} text="Only an owner can give it back to you." action="Make owner" onConfirm={transfer} onClose={() => setAsking(false)} />}
    </Section>
  );
}

export function MembersSettings({ user }: { readonly user: User }) {
  return (
    <>
      {may(user.role, "tenant.settings") && <Section title="Team"><TeamName /></Section>}
      <Section title="Members"><Members me={user} /></Section>
      {may(user.role, "tenant.manage") && (
        <Section title="Invite somebody">
          <Inviting me={user} />
          <Invitations me={user} />
        </Section>
      )}
      {may(user.role, "tenant.own") && <Transfer me={user} />}
    </>
  );
}
