// What a session's workspace is doing, in words for a person.
import type { Session, Workspace } from "../api/generated";
import { formatCount } from "./format";
import type { Persistence } from "./frame";

export type Phase = "deleted" | "failed" | "forking" | "paused" | "pausing" | "restoring" | "running" | "starting" | "stopped";

export function phaseOf({ status, workspace: { state } }: Pick<Session, "status" | "workspace">): Phase {
  if (status === "deleted" || status === "forking") return status;
  if (status === "paused") return state === "stopped" || state === "failed" ? "paused" : "pausing";
  return state === "stopping" ? "pausing" : state;
}

export const phaseWords: Readonly<Record<Phase, string>> = {
  deleted: "Deleted",
  failed: "Failed",
  forking: "Copying",
  paused: "Paused",
  pausing: "Pausing",
  restoring: "Restoring",
  running: "Running",
  starting: "Starting",
  stopped: "Stopped",
};

/** It will be something else soon, without anybody doing anything. */
export function isMoving(session: Pick<Session, "status" | "workspace">): boolean {
  return ["forking", "pausing", "restoring", "starting"].includes(phaseOf(session));
}

/** Steps from a click to the IDE, as a person sees them. */
export type Stage = "starting" | "restoring" | "loading";

/** The IDE is started last, in a workspace that has its files already. */
export function stageOf(session: Pick<Session, "status" | "workspace">): Stage {
  const phase = phaseOf(session);
  if (phase === "restoring") return "restoring";
  return phase === "running" || session.workspace.step === "Starting the IDE" ? "loading" : "starting";
}

type Sourced = Pick<Session, "status" | "workspace" | "source">;

/** waits: for its workspace; soon: that runs, or is about to; now: it is being cloned. */
export type Cloning = "waits" | "soon" | "now" | "failed";

/** Of the repository that a session begins with; undefined: it begins with none, or it is there. */
export function cloningOf(session: Sourced): Cloning | undefined {
  const { source, status, workspace } = session;
  if (source === undefined || source.state === "done" || status === "deleted") return undefined;
  if (source.state === "failed") return "failed";
  if (!["restoring", "running", "starting"].includes(phaseOf(session))) return "waits";
  return source.state === "cloning" && workspace.state === "running" ? "now" : "soon";
}

/** What else there is to say of a repository that is there. */
export function wordOfSource({ source, status }: Sourced): string | undefined {
  return source?.state === "done" && status !== "deleted" ? source.message : undefined;
}

/** Without the address, which stands beside it. */
export function cloningWords(session: Sourced): string {
  const cloning = cloningOf(session);
  const { percent, folder = "" } = session.source ?? {};
  if (cloning === undefined) return `The repository is here, in “${folder}”`;
  if (cloning === "failed") return "The repository was not cloned";
  if (cloning === "now") return percent === undefined ? "Cloning the repository" : `Cloning the repository: ${percent} %`;
  return cloning === "soon" ? "The repository is about to be cloned" : "The repository is cloned when the workspace runs";
}

/** The workspace has a repository to clone, or is at it. */
export function isCloning(session: Sourced): boolean {
  const cloning = cloningOf(session);
  return cloning === "soon" || cloning === "now";
}

/** Something is not as it should stay: worth asking soon whether it still is so. */
export function isUnsettled(session: Sourced): boolean {
  const { workspace } = session;
  return workspace.state === "running" && (!workspace.connected || (workspace.pending ?? 0) > 0 || workspace.trouble !== undefined || isCloning(session));
}

/** It counts as running: where too many run, one of these has to be paused. */
export function takesAPlace(session: Pick<Session, "status" | "workspace">): boolean {
  return ["failed", "restoring", "running", "starting"].includes(phaseOf(session));
}

/** From 0 to 1; undefined while nobody knows how much there is. */
export function shareDone({ done, total }: Pick<Workspace, "done" | "total">): number | undefined {
  if (total === undefined || total <= 0) return undefined;
  return Math.min(1, (done ?? 0) / total);
}

export type Mood = Persistence["mood"] | "calm";

export interface Status {
  readonly mood: Mood;
  readonly word: string;
  readonly detail: string;
}

/** In the words of the IDE's status bar (ide/extension/src/common/persistence-text.ts). */
function resting(files: number): Status {
  return {
    mood: "good",
    word: `Persisted; ${formatCount(files, "quiet file waits", "quiet files wait")}`,
    detail: `Everything else is on the server. ${files === 1 ? "This file is" : "These files are"} written to all the time: what is new in them is stored once they are still for 10 seconds, at the latest after a minute, and before this workspace pauses. Until then it is on the workspace’s disk only. .coditectquiet and the team’s settings say which files are quiet.`,
  };
}

/** "Your storage is full", without what that means for what waits. */
function firstSentence(text: string): string {
  const [first = text] = text.split(/(?<=\.) |: /);
  return first.replace(/\.$/, "");
}

/** The store takes nothing, or changes are noticed late: what waits is at risk, and is not on its way. */
function troubled(trouble: string, waiting: number): Status {
  const why = firstSentence(trouble);
  if (waiting === 0) return { mood: "attention", word: why, detail: trouble };
  return { mood: "bad", word: `${why}: ${formatCount(waiting, "change")} waiting`, detail: trouble };
}

interface Words {
  readonly word: string;
  readonly detail: string;
}

function damagedWords(files: number): Words {
  const [they, them] = files === 1 ? ["it is", "it"] : ["they are", "them"];
  return {
    word: formatCount(files, "file is damaged", "files are damaged"),
    detail: `What the server has of ${formatCount(files, "file")} is damaged: ${they} not restored, and what the workspace has of ${them} stays. Storing the same bytes again, from anywhere, mends ${them}; the history may have an older version.`,
  };
}

function unstoredWords(files: number, others: boolean): Words {
  const [file, they] = files === 1 ? ["file is", "it is"] : ["files are", "they are"];
  return {
    word: others ? formatCount(files, "other needs attention", "others need attention") : formatCount(files, "file needs attention", "files need attention"),
    detail: `${files.toLocaleString("en")} ${file} not stored as ${they} in the workspace: a file may be shut, too large, or its name too long.`,
  };
}

/** The workspace and the server differ in these, and it does not pass by itself: not stored, or (damaged) not restored. */
function unlike(failed: number, damaged: number): Status {
  const said: Words[] = [];
  if (damaged > 0) said.push(damagedWords(damaged));
  if (failed > damaged) said.push(unstoredWords(failed - damaged, damaged > 0));
  const names = `Everything else that was saved is on the server, or on its way. The IDE’s status bar names ${failed === 1 ? "it" : "them"} and says why.`;
  return { mood: "attention", word: said.map(({ word }) => word).join(", "), detail: [...said.map(({ detail }) => detail), names].join(" ") };
}

function running(workspace: Workspace): Status {
  const { connected, pending = 0, quiet = 0, held_back: heldBack = 0, trouble, failed = 0, damaged = 0 } = workspace;
  if (!connected) {
    const waiting = pending + quiet > 0 ? `${formatCount(pending + quiet, "change")} waiting` : "changes wait";
    return { mood: "bad", word: `Offline: ${waiting}`, detail: "The workspace does not reach the server. Changes stay on its disk and follow as soon as it does." };
  }
  if (heldBack > 0) {
    return { mood: "attention", word: `${formatCount(heldBack, "deletion")} held back`, detail: "Many files disappeared at once. They are kept here until you say that they may go." };
  }
  if (trouble !== undefined) return troubled(trouble, pending);
  if (failed > 0) return unlike(failed, damaged);
  if (pending > 0) return { mood: "busy", word: `Persisting ${formatCount(pending, "change")}…`, detail: "What was saved is on its way to the server." };
  if (quiet > 0) return resting(quiet);
  return { mood: "good", word: "All changes persisted", detail: "Everything saved in the workspace is on the server. It survives whatever happens to the workspace." };
}

const others: Readonly<Record<Exclude<Phase, "running">, Status>> = {
  deleted: { mood: "calm", word: "Deleted", detail: "It can be restored for 30 days." },
  failed: { mood: "bad", word: "Failed", detail: "The workspace does not run. Your files are kept on the server." },
  forking: { mood: "busy", word: "Copying", detail: "The files are being copied." },
  paused: { mood: "calm", word: "Paused", detail: "Your files are kept on the server. The workspace starts when you open the session." },
  pausing: { mood: "busy", word: "Pausing", detail: "Everything is persisted first, then the workspace stops." },
  restoring: { mood: "busy", word: "Restoring", detail: "Your files are being brought back into the workspace." },
  starting: { mood: "busy", word: "Starting", detail: "The workspace is being started." },
  stopped: { mood: "calm", word: "Stopped", detail: "Your files are kept on the server. The workspace starts when you open the session." },
};

export const connectionLost: Status = {
  mood: "bad",
  word: "Connection lost",
  detail: "This page does not reach the server, so it does not know. It asks again every few seconds.",
};

/**
 * What is known of the session, never more. said: by the IDE on this page, which knows each change at once; the server
 * knows better when it has not heard of the workspace.
 */
export function statusOf(session: Pick<Session, "status" | "workspace">, said?: Persistence): Status {
  const phase = phaseOf(session);
  if (phase !== "running") return others[phase];
  if (said === undefined || !session.workspace.connected) return running(session.workspace);
  return { mood: said.mood, word: said.text, detail: said.detail };
}
