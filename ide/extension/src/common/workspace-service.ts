import { ActivityKind } from './activity';
import { DoorStatus, HeldBackChoice, NotKept } from './door';

export const WORKSPACE_SERVICE_PATH = '/services/coditect-workspace';
export const WorkspaceService = Symbol('CoditectWorkspaceService');

export interface SessionInfo {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    /** The pages that may frame this IDE and talk to it. Empty: none. */
    readonly platformOrigins: readonly string[];
}

/** What the backend knows: the door's last word, or why there is none. */
export type DoorReport =
    | { readonly kind: 'status'; readonly status: DoorStatus }
    /** This IDE was started without a door: nothing is persisted. */
    | { readonly kind: 'none' }
    | { readonly kind: 'unreachable'; readonly reason: string };

export interface NumberedReport {
    /** Counts the backend's reports; not the door's revision, which starts again with the daemon. */
    readonly number: number;
    readonly report: DoorReport;
}

/** The longest time that `report` takes to answer: all that the page hears comes through the workspace's daemon, which may stand still. */
export const REPORT_WAIT_MS = 3_000;

/** Of everything, or of all but what programs write to quiet files. */
export type Barrier = 'all' | 'saves';

/** The backend's side of persistence, called by the frontend. */
export interface WorkspaceService {
    session(): Promise<SessionInfo>;
    /** The latest report; waits up to `REPORT_WAIT_MS` for another one than `seen`. */
    report(seen: number): Promise<NumberedReport>;
    /** The barrier: resolves when what was written before is in the store; rejects when it is not. */
    sync(what: Barrier): Promise<number>;
    /** Somebody is there; keeps the workspace awake for some minutes. Rejects when the door does not answer. */
    active(kind: ActivityKind): Promise<void>;
    /** All that is not kept. Rejects when the door does not answer. */
    notKept(): Promise<readonly NotKept[]>;
    /** Settles what is to become of deletions that are held back. Rejects when there are none. */
    choose(choice: HeldBackChoice): Promise<void>;
}
