// Keeps what is typed into a file at the server. A text that is not saved outlives its editor: it is tried again behind other pages,
// and whoever edits the file again goes on where she was, with what went wrong.
//
// 1. One request at a time. A text whose answer was lost is sent again before a newer one: then "changed elsewhere" is true unless
//    the file holds just that text.
// 2. A text is in `kept`, and its risk in stores/unsaved.ts, exactly while it is not saved.
import { ApiError, type Entry } from "../../api/generated";
import { noteEntry, refreshFiles } from "../../api/queries";
import type { Editable } from "../../lib/edit";
import type { Risk } from "../../lib/frame";
import { baseName } from "../../lib/paths";
import { changeProblemOf, isCode } from "../../lib/problem";
import { api, useAuth } from "../../stores/auth";
import { useConnection } from "../../stores/connection";
import { unsavedKey, useUnsaved } from "../../stores/unsaved";
import { sayWrong } from "../toaster";

/** After the last key. */
const PAUSE_MS = 1000;
const MOST_RETRY_MS = 30_000;

export interface Saving {
  readonly isBusy: boolean;
  readonly error: unknown;
  /** It is tried again by itself: the server is away, or has too much to do. */
  readonly isLate: boolean;
}

interface At {
  readonly sessionId: string;
  readonly path: string;
}

interface Written {
  readonly version: number;
  /** Undefined: it stood there already. */
  readonly entry?: Entry;
}

const loggedOut = new ApiError(401, { code: "unauthenticated", message: "Log in again.", request_id: "" });

const unsaved = (path: string): ApiError => new ApiError(409, { code: "unsaved", message: `“${baseName(path)}” has text of yours that is not saved.`, request_id: "" });

const still: Saving = { isBusy: false, error: undefined, isLate: false };

const kept = new Map<string, Saver>();

const keyOf = ({ sessionId, path }: At): string => unsavedKey(sessionId, path);

const personNow = (): string | undefined => {
  const { state } = useAuth.getState();
  return state.status === "in" ? state.user.id : undefined;
};

/** What passes by waiting. */
function passes(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 429 || (error.status >= 500 && error.status !== 507);
}

/** Of the file whose bytes these are. */
export function versionOf(response: Response): number | undefined {
  const version = /"(\d+)"/.exec(response.headers.get("ETag") ?? "")?.[1];
  return version === undefined ? undefined : Number(version);
}

/** The version of the file that stands, if it holds just these bytes. */
async function versionWith(at: At, bytes: Uint8Array): Promise<number | undefined> {
  const response = await api.filesGet(at);
  // Somebody may have put anything there. A proxy that packs it says no length.
  if (Number(response.headers.get("Content-Length") ?? bytes.length) !== bytes.length) {
    await response.body?.cancel();
    return undefined;
  }
  const stored = new Uint8Array(await response.arrayBuffer());
  return stored.length === bytes.length && stored.every((byte, i) => byte === bytes[i]) ? versionOf(response) : undefined;
}

export class Saver {
  typed: string;
  state: Saving = still;
  readonly personId = personNow();
  private saved: string;
  /** Sent, and nobody knows whether it arrived. */
  private unsure: string | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private tries = 0;
  private sent: Promise<void> = Promise.resolve();
  private isOver = false;
  /** Whoever waits for it says what is wrong: no message stands beside that. */
  private isAwaited = false;
  private takeBack: () => void = () => undefined;
  /** Undefined: nobody looks at it. */
  private tell: ((state: Saving) => void) | undefined;

  constructor(readonly at: At, private version: number, private readonly editable: Editable) {
    this.typed = editable.text;
    this.saved = editable.text;
  }

  get isSaved(): boolean {
    return this.typed === this.saved && this.unsure === undefined && !this.state.isBusy;
  }

  private get isConflict(): boolean {
    return isCode(this.state.error, "precondition");
  }

  private get risk(): Risk {
    if (this.isSaved || this.isOver) return "none";
    return this.state.error === undefined || this.state.isLate ? "soon" : "lost";
  }

  type(text: string): void {
    this.typed = text;
    this.note();
    if (!this.state.isBusy && !this.isConflict) this.later(PAUSE_MS);
  }

  /** onTop: of what somebody else saved, which stays in the history. */
  save(onTop = false): void {
    clearTimeout(this.timer);
    if (this.isOver || this.state.isBusy) return;
    if (this.isSaved && !onTop) {
      if (this.state.error !== undefined) this.show(still); // typed back to what is stored
      return;
    }
    const text = onTop ? this.typed : this.unsure ?? this.typed;
    if (personNow() !== this.personId) { // another's login, which this browser may have by now, would sign it
      this.failed(text, loggedOut);
      return;
    }
    this.show({ ...still, isBusy: true });
    this.sent = this.put(text, onTop).then((written) => this.took(text, written), (error: unknown) => this.failed(text, error));
  }

  /** All of it is saved now. Rejects with what keeps it from being so. */
  async finish(): Promise<void> {
    this.isAwaited = true;
    this.takeBack();
    do {
      this.again();
      await this.sent;
    } while (this.risk === "soon" && this.state.error === undefined);
    this.isAwaited = false;
    if (this.risk !== "none") throw this.isConflict ? unsaved(this.at.path) : this.state.error;
  }

  /** Somebody looks at it; what went wrong may go now. */
  come(tell: (state: Saving) => void): void {
    this.tell = tell;
    tell(this.state);
    if (this.state.error !== undefined) this.again();
  }

  /** Nobody looks at it any more: what is typed is saved at once. */
  leave(): void {
    this.tell = undefined;
    if (this.isConflict && this.risk === "lost") this.complain();
    this.again();
  }

  /** As long as there is nothing to choose. */
  again(onlySoon = false): void {
    if (!this.isConflict && !(onlySoon && this.risk !== "soon")) this.save();
  }

  /** What is typed is given up. */
  drop(): void {
    clearTimeout(this.timer);
    this.isOver = true;
    this.note();
  }

  private async put(text: string, onTop: boolean): Promise<Written> {
    const body = this.editable.encode(text);
    try {
      const entry = await api.filesPut({ ...this.at, body, ...(onTop ? {} : { ifMatch: `"${this.version}"` }) });
      return { version: entry.version, entry };
    } catch (refusal) {
      if (!isCode(refusal, "precondition")) throw refusal;
      const version = await versionWith(this.at, body).catch((error: unknown) => {
        if (!isCode(error, "not_found")) throw error;
        return undefined;
      });
      if (version === undefined) throw refusal;
      return { version };
    }
  }

  private took(text: string, { version, entry }: Written): void {
    this.version = version;
    this.saved = text;
    this.unsure = undefined;
    this.tries = 0;
    if (entry !== undefined) noteEntry(this.at.sessionId, entry); // first: a file that was gone is there, or its page would go
    this.show(still);
    if (!this.isSaved) this.later(this.tell === undefined ? 0 : PAUSE_MS);
    refreshFiles(this.at.sessionId);
  }

  private failed(text: string, error: unknown): void {
    const isLate = passes(error);
    if (isLate) this.unsure = text;
    else if (!isCode(error, "unauthenticated")) this.unsure = undefined; // else it was not looked at
    this.show({ isBusy: false, error, isLate });
    if (isLate) this.later(Math.min(MOST_RETRY_MS, PAUSE_MS * 2 ** this.tries++));
    else if (this.tell === undefined && !this.isOver && !this.isAwaited) this.complain();
  }

  private complain(): void {
    const { title, advice, ...rest } = changeProblemOf(this.state.error);
    const what = "What you typed is kept on this page: edit the file again to go on.";
    const why = this.isConflict ? { advice: `${title} ${what}` } : { ...rest, advice: `${title} ${advice} ${what}` };
    this.takeBack = sayWrong({ ...why, title: `“${baseName(this.at.path)}” is not saved` });
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), ms);
  }

  private show(state: Saving): void {
    if (this.isOver) return; // perhaps another one is at it
    this.state = state;
    this.note();
    this.tell?.(state);
  }

  private note(): void {
    const key = keyOf(this.at);
    const { risk } = this;
    if (risk === "none") kept.delete(key);
    else kept.set(key, this);
    if ((useUnsaved.getState()[key] ?? "none") !== risk) useUnsaved.setState({ [key]: risk });
  }
}

/** Of a text that is not saved. */
export function keptSaver(at: At): Saver | undefined {
  return kept.get(keyOf(at));
}

/** What was typed into a file, or below a folder, before it gets another address. Rejects where it cannot be saved. */
export async function finishBelow({ sessionId, path }: At): Promise<void> {
  const texts = [...kept.values()].filter(({ at }) => at.sessionId === sessionId && (at.path === path || at.path.startsWith(`${path}/`)));
  for (const saver of texts) await saver.finish();
}

const againAll = (): void => {
  for (const saver of [...kept.values()]) saver.again(true);
};

// A phone ends a page that is not looked at without asking.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") againAll();
});

useConnection.subscribe(({ isLost }, before) => {
  if (before.isLost && !isLost) againAll();
});

// Whoever logs out was asked, and nobody else finds what she typed. A login that ended by itself takes nothing: it goes on once
// the same person is back.
useAuth.subscribe(({ state }, before) => {
  const isSame = state.status === before.state.status && (state.status !== "in" || before.state.status !== "in" || state.user.id === before.state.user.id);
  if (isSame || state.status === "unknown") return;
  for (const saver of [...kept.values()]) {
    if (state.status === "out" ? !state.ended : state.user.id !== saver.personId) saver.drop();
    else if (state.status === "in") saver.again();
  }
});
