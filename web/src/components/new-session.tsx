// A new session: blank, from a git repository, which its workspace clones, or from an archive, which this page sends. The
// session is made first; an archive that does not arrive whole is said to be so, and stays here until somebody decides.
import { Box, Button, CloseButton, Flex, Progress, Stack, Text } from "@chakra-ui/react";
import { FileArchive, RotateCw, Trash2, TriangleAlert, Upload as UploadIcon } from "lucide-react";
import { type ChangeEvent, type DragEvent, type FormEvent, type RefObject, useEffect, useRef, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { limitsOfSessionInput, type Session, type SessionInput } from "../api/generated";
import { useProjects } from "../api/projects";
import { refreshFiles, useSessionChange } from "../api/queries";
import { nameOfArchive, nameOfRepository } from "../lib/beginning";
import { problemsOf, textProblem } from "../lib/check";
import { droppedFiles } from "../lib/drop";
import { formatSize } from "../lib/format";
import { newKey } from "../lib/key";
import { fileAddress, sessionAddress } from "../lib/paths";
import { fieldProblem } from "../lib/problem";
import { api } from "../stores/auth";
import { dropUpload, retryUpload, stopUpload, type Upload, upload, useUploads } from "../stores/uploads";
import { TextField } from "./bits";
import { Choice } from "./choice";
import { checkSessionName, Modal } from "./modal";
import { FormProblem } from "./problem-notice";
import { useSending } from "./sending";
import { useDeletion } from "./session/deletion";
import { sayProblem } from "./toaster";

type Beginning = "blank" | "git" | "archive";

const beginnings: ReadonlyArray<{ readonly value: Beginning; readonly label: string }> = [
  { value: "blank", label: "Blank" },
  { value: "git", label: "Git repository" },
  { value: "archive", label: "Archive" },
];

interface PickerProps {
  readonly file: File | undefined;
  readonly onFile: (file: File | undefined) => void;
  readonly problem?: string | undefined;
}

/** An archive, dropped or chosen. What it is by its bytes the server says, whatever its name. */
function ArchivePicker({ file, onFile, problem }: PickerProps) {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const [refusal, setRefusal] = useState<string>();
  const take = (files: readonly File[]): void => {
    const [first] = files;
    setRefusal(files.length > 1 ? "One archive at a time: pack a folder before you drop it here." : undefined);
    if (files.length === 1 && first !== undefined) onFile(first);
  };
  const chosen = (event: ChangeEvent<HTMLInputElement>): void => {
    take(Array.from(event.currentTarget.files ?? []));
    event.currentTarget.value = "";
  };
  const dropped = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    droppedFiles(event.dataTransfer).then((all) => take(all.map((one) => one.file)), sayProblem);
  };
  const wrong = refusal ?? problem;
  return (
    <Box>
      <Flex
        direction="column" align="center" justify="center" gap="10px" minHeight={file === undefined ? "112px" : "72px"} padding={file === undefined ? "16px" : "12px 16px"} borderRadius="l3" borderWidth="1px" borderStyle={file === undefined ? "dashed" : "solid"} data-testid="archive-drop"
        borderColor={isOver ? "accent.solid" : wrong === undefined ? "border.emphasized" : "bad.fg"} bg={isOver ? "accent.subtle" : "bg.subtle"}
        onDragEnter={() => setOver(true)} onDragLeave={() => setOver(false)} onDragOver={(event) => event.preventDefault()} onDrop={dropped}
      >
        <input ref={input} type="file" accept=".tar,.tar.gz,.tgz,.gz,.zip" hidden onChange={chosen} aria-label="Archive" />
        {file === undefined ? (
          <>
            <Button size="xs" height="32px" variant="outline" colorPalette="gray" bg="bg.panel" onClick={() => input.current?.click()}><UploadIcon size={14} />Choose an archive</Button>
            <Text color="fg.muted" fontSize="13px" textAlign="center">or drop a .zip, .tar or .tar.gz here</Text>
          </>
        ) : (
          <Flex align="center" gap="12px" width="100%">
            <Box color="accent.fg" flexShrink="0"><FileArchive size={20} /></Box>
            <Box flex="1" minWidth="0">
              <Text truncate fontWeight="500" title={file.name}>{file.name}</Text>
              <Text color="fg.muted" fontSize="13px" fontVariantNumeric="tabular-nums">{formatSize(file.size)}</Text>
            </Box>
            <Button size="xs" height="32px" variant="ghost" colorPalette="gray" onClick={() => input.current?.click()}>Change</Button>
            <CloseButton size="xs" color="fg.muted" aria-label="Take the archive away" onClick={() => onFile(undefined)} />
          </Flex>
        )}
      </Flex>
      {wrong !== undefined && <Text role="alert" color="bad.fg" fontSize="13px" marginTop="6px">{wrong}</Text>}
    </Box>
  );
}

/** One key for each request tried in this dialog: sending it twice makes one session. */
function useCreate() {
  const keys = useRef(new Map<string, string>());
  return useSessionChange((body: SessionInput) => {
    const asked = JSON.stringify(body);
    const idempotencyKey = keys.current.get(asked) ?? newKey();
    keys.current.set(asked, idempotencyKey);
    return api.sessionsCreate({ idempotencyKey, body });
  });
}

interface FormProps {
  readonly nameInput: RefObject<HTMLInputElement | null>;
  readonly onMade: (session: Session, file: File | undefined) => void;
  readonly onClose: () => void;
}

const limits = limitsOfSessionInput;

function NewSessionForm({ nameInput, onMade, onClose }: FormProps) {
  const [beginning, setBeginning] = useState<Beginning>("blank");
  const [typed, setTyped] = useState<string>();
  const [url, setUrl] = useState("");
  const [branch, setBranch] = useState("");
  const [file, setFile] = useState<File>();
  const [problems, setProblems] = useState<ReturnType<typeof problemsOf<"name" | "git_url" | "git_branch" | "archive">>>();
  const { busy, error, send } = useSending();
  const create = useCreate();
  // Made beside the sessions of a project, it belongs to them.
  const asked = useSearchParams()[0].get("project") ?? undefined;
  const { projects, isKnown } = useProjects();
  const project = isKnown ? projects.find(({ id }) => id === asked)?.id : asked;
  const isGit = beginning === "git";
  const isArchive = beginning === "archive";
  const suggested = isGit ? nameOfRepository(url, limits.name.most) : isArchive && file !== undefined ? nameOfArchive(file.name, limits.name.most) : "";
  const name = typed ?? suggested;
  const choose = (next: Beginning): void => {
    setBeginning(next);
    setProblems(undefined);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = problemsOf({
      name: checkSessionName(name),
      git_url: isGit ? textProblem({ ...limits.git_url, isRequired: true }, url.trim(), "Enter the repository’s address.") : undefined,
      git_branch: isGit ? textProblem(limits.git_branch, branch.trim(), "") : undefined,
      archive: isArchive && file === undefined ? "Choose an archive." : undefined,
    });
    setProblems(wrong);
    if (wrong !== undefined) return;
    const git = isGit ? { git_url: url.trim(), ...(branch.trim() !== "" ? { git_branch: branch.trim() } : {}) } : {};
    void send(async () => onMade(await create.mutateAsync({ name: name.trim(), ...(project !== undefined ? { project_id: project } : {}), ...git }), isArchive ? file : undefined));
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="16px">
        <Choice label="What it begins with" options={beginnings} value={beginning} onValue={choose} />
        {isGit && (
          <>
            <TextField label="Address" type="url" name="git-url" value={url} onValue={setUrl} autoComplete="off" problem={problems?.git_url ?? fieldProblem(error, "git_url")} hint="It begins with https://. A private repository is cloned in the session's terminal." />
            <TextField label="Branch or tag" name="git-branch" value={branch} onValue={setBranch} autoComplete="off" problem={problems?.git_branch ?? fieldProblem(error, "git_branch")} hint="Empty: the one that the repository names itself." />
          </>
        )}
        {isArchive && <ArchivePicker file={file} onFile={setFile} problem={file === undefined ? problems?.archive : undefined} />}
        <TextField label="Name" name="name" value={name} onValue={setTyped} problem={problems?.name ?? fieldProblem(error, "name")} autoComplete="off" inputRef={nameInput} />
        <FormProblem error={error} fields={isGit ? ["name", "git_url", "git_branch"] : ["name"]} />
        <Stack direction="row" justify="flex-end" gap="8px" paddingTop="4px">
          <Button size="sm" variant="ghost" colorPalette="gray" onClick={onClose}>Cancel</Button>
          <Button size="sm" type="submit" loading={busy} loadingText="Create">Create</Button>
        </Stack>
      </Stack>
    </form>
  );
}

function OnItsWay({ sent, file, state }: Upload) {
  const isSent = sent >= file.size;
  const word = state === "waiting" ? "Waiting for other uploads" : isSent ? "Unpacking" : "Uploading";
  return (
    <Stack gap="10px" role="status">
      <Flex gap="12px" fontVariantNumeric="tabular-nums">
        <Text flex="1" truncate title={file.name}>{word} {file.name}</Text>
        {!isSent && <Text color="fg.muted" whiteSpace="nowrap">{formatSize(sent)} of {formatSize(file.size)}</Text>}
      </Flex>
      <Progress.Root value={isSent ? null : Math.round((100 * sent) / file.size)} size="xs" aria-label="Progress" data-testid="upload-progress">
        <Progress.Track bg="bg.emphasized" borderRadius="full"><Progress.Range bg="accent.solid" borderRadius="full" /></Progress.Track>
      </Progress.Root>
    </Stack>
  );
}

interface Made {
  readonly session: Session;
  readonly uploadId: number;
}

interface FillingProps extends Made {
  readonly one: Upload;
  readonly onClose: () => void;
}

/** The session is there; of its archive it has a part, or nothing. */
function Incomplete({ session, uploadId, one, onClose }: FillingProps) {
  const navigate = useNavigate();
  const [file, setFile] = useState<File | undefined>(one.file);
  const { remove, isRemoving } = useDeletion();
  const openAsItIs = (): void => {
    dropUpload(uploadId);
    void navigate(sessionAddress(session.id), { state: { open: true } });
    onClose();
  };
  const drop = async (): Promise<void> => {
    if (!await remove(session)) return;
    dropUpload(uploadId);
    onClose();
  };
  return (
    <Stack gap="16px">
      <Flex role="alert" gap="10px" padding="12px" bg="bad.subtle" borderRadius="l2" align="flex-start">
        <Flex color="bad.fg" paddingTop="2px" flexShrink="0"><TriangleAlert size={16} /></Flex>
        <Stack gap="2px" minWidth="0" overflowWrap="anywhere">
          <Text fontWeight="500" color="bad.fg">{one.problem}</Text>
          {one.requestId !== undefined && <Text color="fg.muted">Request {one.requestId}</Text>}
          <Text color="fg.muted">The session was created. Of the archive it has what came before, or nothing.</Text>
        </Stack>
      </Flex>
      <ArchivePicker file={file} onFile={setFile} />
      <Flex gap="8px" wrap="wrap" justify="flex-end">
        <Button size="sm" variant="ghost" colorPalette="gray" loading={isRemoving} onClick={() => void drop()}><Trash2 size={14} />Delete it</Button>
        <Button size="sm" variant="outline" colorPalette="gray" onClick={openAsItIs}>Open as it is</Button>
        <Button size="sm" autoFocus disabled={file === undefined} onClick={() => file !== undefined && retryUpload(uploadId, file)}><RotateCw size={14} />Try again</Button>
      </Flex>
    </Stack>
  );
}

function Filling(props: FillingProps) {
  const { session, uploadId, one, onClose } = props;
  const navigate = useNavigate();
  const isDone = one.state === "done";
  useEffect(() => {
    if (!isDone) return;
    refreshFiles(session.id);
    void navigate(sessionAddress(session.id), { state: { open: true } });
    onClose();
  }, [isDone, session.id, navigate, onClose]);
  if (one.state === "failed") return <Incomplete {...props} />;
  return (
    <Stack gap="20px">
      <OnItsWay {...one} />
      <Flex justify="flex-end"><Button size="sm" autoFocus variant="outline" colorPalette="gray" onClick={() => stopUpload(uploadId)}>Stop</Button></Flex>
    </Stack>
  );
}

/** One dialog from the first field to the last byte: a second one in its place would take the focus, and with it the first's end. */
export function NewSession({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate();
  const nameInput = useRef<HTMLInputElement>(null);
  const [made, setMade] = useState<Made>();
  const one = useUploads(({ uploads }) => uploads.find(({ id }) => id === made?.uploadId));
  const take = (session: Session, file: File | undefined): void => {
    if (file !== undefined) return setMade({ session, uploadId: upload(session.id, [{ path: "", file }], true)[0] ?? 0 });
    void navigate(sessionAddress(session.id), { state: { open: true } });
    onClose();
  };
  // What is on its way goes on, and the file page shows it.
  const leave = (): void => {
    if (made !== undefined) void navigate(fileAddress(made.session.id, ""));
    onClose();
  };
  const title = made === undefined ? "New session" : one?.state === "failed" ? `“${made.session.name}” is not complete` : `Filling “${made.session.name}”`;
  return (
    <Modal title={title} onClose={leave} width="460px" focus={() => nameInput.current}>
      {made === undefined && <NewSessionForm nameInput={nameInput} onMade={take} onClose={onClose} />}
      {made !== undefined && one !== undefined && <Filling {...made} one={one} onClose={onClose} />}
    </Modal>
  );
}
