/*
 * What the workspace's daemon says about persistence at its door (GET /status, POST /sync, …), checked field by
 * field: it comes from outside this process.
 */

export const DOOR_STATES = ['persisted', 'persisting', 'offline', 'restoring', 'conflict'] as const;
export type DoorState = (typeof DOOR_STATES)[number];

/** What is to become of deletions that are held back. */
export const HELD_BACK_CHOICES = ['restore', 'delete'] as const;
export type HeldBackChoice = (typeof HELD_BACK_CHOICES)[number];

export interface DoorStatus {
    readonly state: DoorState;
    /** Changes that are not in the store yet. */
    readonly pending: number;
    /** The change up to which everything is in the store. */
    readonly seq: number;
    /** Grows with every change of this status; `GET /status?wait={revision}` answers when it is another one. */
    readonly revision: number;
    /** Deletions that nobody saw and that wait for the person's word. */
    readonly heldBack: number;
    readonly restoring?: { readonly done: number; readonly total: number };
    /** Paths that are left out on purpose, for example node_modules. */
    readonly notKept: readonly string[];
    readonly message?: string;
}

const MAX_NOT_KEPT = 1000;

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function count(value: unknown): number {
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function text(value: unknown): string | undefined {
    return typeof value === 'string' && value.length > 0 ? value : undefined;
}

/** Throws an `Error` when `value` is no status. Unknown fields are left out. */
export function toDoorStatus(value: unknown): DoorStatus {
    if (!isFields(value)) {
        throw new Error('the status is not an object');
    }
    const state = DOOR_STATES.find(known => known === value.state);
    if (state === undefined) {
        throw new Error(`the status has no known state: ${String(value.state)}`);
    }
    const notKept = Array.isArray(value.not_kept) ? value.not_kept : [];
    return {
        state,
        pending: count(value.pending),
        seq: count(value.seq),
        revision: count(value.revision),
        heldBack: count(value.held_back),
        restoring: isFields(value.restoring)
            ? { done: count(value.restoring.done), total: count(value.restoring.total) }
            : undefined,
        notKept: notKept.filter((path): path is string => typeof path === 'string').slice(0, MAX_NOT_KEPT),
        message: text(value.message)
    };
}

/** The `seq` in the answer of the barrier. Throws an `Error` when there is none. */
export function toBarrierSeq(value: unknown): number {
    if (!isFields(value) || typeof value.seq !== 'number' || !Number.isSafeInteger(value.seq)) {
        throw new Error('the barrier answered without a seq');
    }
    return value.seq;
}
