// Projects on the page of sessions: which one is shown, made, renamed, ended; and a session put into another one.
import { Box, Button, Flex, Stack, Text } from "@chakra-ui/react";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { limitsOfProjectInput, NONE, type Project, type Session } from "../api/generated";
import { refreshProjects, useProjects } from "../api/projects";
import { textProblem } from "../lib/check";
import { api } from "../stores/auth";
import { ListSkeleton, TextField } from "./bits";
import { ActionMenu } from "./menu";
import { Confirm, Modal, NameDialog } from "./modal";
import { FormProblem, ListProblem, ProblemNotice } from "./problem-notice";
import { Select } from "./select";
import { useSending } from "./sending";
import { say, sayProblem } from "./toaster";

const checkName = (name: string): string | undefined => textProblem(limitsOfProjectInput.name, name.trim(), "Enter a name.");

function Chip({ to, isCurrent, name, count }: { readonly to: string; readonly isCurrent: boolean; readonly name: string; readonly count: number }) {
  return (
    <Button asChild size="xs" height="32px" variant="outline" colorPalette="gray" flexShrink="0" maxWidth="220px" bg={isCurrent ? "accent.subtle" : "bg.panel"} borderColor={isCurrent ? "accent.border" : undefined} color={isCurrent ? "accent.fg" : "fg"}>
      <Link to={to} aria-current={isCurrent ? "page" : undefined} replace>
        <Text as="span" fontSize="13px" truncate>{name}</Text>
        <Text as="span" fontSize="12px" color={isCurrent ? "accent.fg" : "fg.muted"} fontVariantNumeric="tabular-nums">{count}</Text>
      </Link>
    </Button>
  );
}

function ProjectMenu({ project }: { readonly project: Project }) {
  const [asking, setAsking] = useState<"rename" | "delete">();
  const navigate = useNavigate();
  const close = (): void => setAsking(undefined);
  const rename = async (name: string): Promise<void> => {
    await api.projectsUpdate({ projectId: project.id, body: { name: name.trim() } });
    refreshProjects();
  };
  const remove = (): void => {
    api.projectsDelete({ projectId: project.id }).then(() => say(`The project “${project.name}” is gone; its sessions are in none`), sayProblem).finally(refreshProjects);
    void navigate("/sessions", { replace: true });
  };
  return (
    <>
      <ActionMenu
        label={`Actions for the project ${project.name}`}
        actions={[
          { label: "Rename project", icon: <Pencil size={15} />, run: () => setAsking("rename") },
          { label: "Delete project", icon: <Trash2 size={15} />, run: () => setAsking("delete"), grave: true },
        ]}
      />
      {asking === "rename" && <NameDialog title="Rename project" label="Name" action="Rename" initial={project.name} check={checkName} submit={rename} onClose={close} />}
      {asking === "delete" && <Confirm title={`Delete the project “${project.name}”?`} text="Its sessions stay, with all that is in them. They are in no project then." action="Delete project" onConfirm={remove} onClose={close} />}
    </>
  );
}

export function ProjectBar({ sessions, current }: { readonly sessions: readonly Session[]; readonly current: Project | undefined }) {
  const [params] = useSearchParams();
  const { projects, error, retry } = useProjects();
  const [making, setMaking] = useState(false);
  const navigate = useNavigate();
  const addressOf = (id: string | undefined): string => {
    const next = new URLSearchParams(params);
    if (id === undefined) next.delete("project");
    else next.set("project", id);
    return `/sessions${next.size > 0 ? `?${next}` : ""}`;
  };
  const make = async (name: string): Promise<void> => {
    const { id } = await api.projectsCreate({ body: { name: name.trim() } });
    refreshProjects();
    void navigate(addressOf(id), { replace: true });
  };
  return (
    <Flex align="center" gap="8px" wrap={error === undefined ? undefined : "wrap"}>
      <ListProblem error={error} retry={retry} />
      <Flex as="nav" aria-label="Projects" gap="6px" overflowX="auto" padding="2px" minWidth="0">
        {projects.length > 0 && <Chip to={addressOf(undefined)} isCurrent={current === undefined} name="All projects" count={sessions.length} />}
        {projects.map(({ id, name }) => <Chip key={id} to={addressOf(id)} isCurrent={current?.id === id} name={name} count={sessions.filter(({ project_id }) => project_id === id).length} />)}
      </Flex>
      {current !== undefined && <Box flexShrink="0"><ProjectMenu key={current.id} project={current} /></Box>}
      <Button size="xs" height="32px" variant="ghost" colorPalette="gray" color="fg.muted" flexShrink="0" marginLeft={projects.length === 0 ? "-8px" : undefined} onClick={() => setMaking(true)}><Plus size={14} />New project</Button>
      {making && <NameDialog title="New project" label="Name" action="Create" check={checkName} submit={make} onClose={() => setMaking(false)} />}
    </Flex>
  );
}

const nowhere = "";
const another = "new";

interface MoveProps {
  readonly session: Session;
  readonly onClose: () => void;
}

function MoveForm({ session, projects, onClose }: MoveProps & { readonly projects: readonly Project[] }) {
  const [wanted, setWanted] = useState(session.project_id ?? (projects.length === 0 ? another : nowhere));
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const move = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = wanted === another ? checkName(name) : undefined;
    setProblem(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      const id = wanted === another ? (await api.projectsCreate({ body: { name: name.trim() } })).id : wanted;
      await api.sessionsUpdate({ sessionId: session.id, body: { project_id: id === nowhere ? NONE : id } });
      refreshProjects();
      onClose();
    });
  };
  return (
    <form onSubmit={move} noValidate>
      <Stack gap="16px">
        <FormProblem error={error} />
        <Select label="Project" width="100%" height="40px" value={wanted} onValue={setWanted} options={[{ value: nowhere, label: "No project" }, ...projects.map((one) => ({ value: one.id, label: one.name })), { value: another, label: "New project…" }]} />
        {wanted === another && <TextField label="Name" name="name" value={name} onValue={setName} problem={problem} autoComplete="off" />}
        <Stack direction="row" justify="flex-end" gap="8px">
          <Button size="sm" variant="ghost" colorPalette="gray" onClick={onClose}>Cancel</Button>
          <Button size="sm" type="submit" loading={busy} loadingText="Move">Move</Button>
        </Stack>
      </Stack>
    </form>
  );
}

export function MoveDialog({ session, onClose }: MoveProps) {
  const { projects, isKnown, error, retry } = useProjects();
  return (
    <Modal title={`Move “${session.name}”`} onClose={onClose}>
      {isKnown && <MoveForm session={session} projects={projects} onClose={onClose} />}
      {!isKnown && (error === undefined ? <ListSkeleton rows={1} /> : <ProblemNotice error={error} retry={retry} />)}
    </Modal>
  );
}
