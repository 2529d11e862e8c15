/*
 * What the workspace's daemon says about persistence at its door (GET /status, POST /sync, …), checked field by
 * field: it comes from outside this process.
 */

export const DOOR_STATES = ['persisted', 'persisting', 'offline', 'restoring', 'conflict'] as const;
export type DoorState = (typeof DOOR_STATES)[number];

/** What is to become of deletions that are held back. */
export const HELD_BACK_CHOICES = ['restore', 'delete'] as const;
export type HeldBackChoice = (typeof HELD_BACK_CHOICES)[number];

/** Something that happened; the number tells it from another in the same words. */
export interface Notice {
    readonly number: number;
    readonly text: string;
    /** The file that was changed here and elsewhere. */
    readonly path?: string;
}

export interface DoorStatus {
    readonly state: DoorState;
    /** Changes that are not in the store yet. */
    readonly pending: number;
    /** Files besides that are not in the store as they are, and wait to be still: ADR 25. */
    readonly quiet: number;
    /** The change up to which everything is in the store. */
    readonly seq: number;
    /** Grows with every change of this status; `GET /status?wait={revision}` answers when it is another one. */
    readonly revision: number;
    /** Deletions that nobody saw and that wait for the person's word. */
    readonly heldBack: number;
    readonly restoring?: { readonly done: number; readonly total: number };
    /** Paths that are left out, for example node_modules; the first of them. */
    readonly notKept: readonly string[];
    /** Changes when what is not kept does; `GET /not-kept` then tells all of it. */
    readonly notKeptAt: number;
    /** Those that somebody would want to be kept; the first of them. */
    readonly failed: readonly NotKept[];
    /** How many of these there are. */
    readonly failedCount: number;
    readonly message?: string;
    /** The last one, while it is of the last minute. */
    readonly notice?: Notice;
    /** All that were not told yet, or within the last minute. */
    readonly notices: readonly Notice[];
    /** How many others there were that nobody was told of. */
    readonly moreNotices: number;
}

export const NOT_KEPT_REASONS = ['ignored', 'special', 'unreadable', 'too_large', 'bad_name', 'refused', 'damaged'] as const;
export type NotKeptReason = (typeof NOT_KEPT_REASONS)[number];

/** A path, or a folder with all below it, that is not in the store; or that the store has, and cannot give. */
export interface NotKept {
    readonly path: string;
    readonly why: NotKeptReason;
}

const MAX_NOT_KEPT = 1000;
const MAX_ALL_NOT_KEPT = 10_000;
const MAX_NOTICES = 100;

type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function count(value: unknown): number {
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function text(value: unknown): string | undefined {
    return typeof value === 'string' && value.length > 0 ? value : undefined;
}

function toNotKept(value: unknown): NotKept | undefined {
    const path = isFields(value) ? text(value.path) : undefined;
    const why = isFields(value) ? NOT_KEPT_REASONS.find(known => known === value.why) : undefined;
    return path !== undefined && why !== undefined ? { path, why } : undefined;
}

function toNotice(value: unknown): Notice | undefined {
    const words = isFields(value) ? text(value.text) : undefined;
    return isFields(value) && words !== undefined ? { number: count(value.number), text: words, path: text(value.path) } : undefined;
}

/** What `GET /not-kept` answers. Entries that are not understood are left out. */
export function toAllNotKept(value: unknown): readonly NotKept[] {
    const list = isFields(value) && Array.isArray(value.not_kept) ? value.not_kept : [];
    return list.slice(0, MAX_ALL_NOT_KEPT).map(toNotKept).filter(one => one !== undefined);
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
    const notices = Array.isArray(value.notices) ? value.notices : [value.notice];
    const failed = toAllNotKept({ not_kept: value.failed });
    return {
        state,
        pending: count(value.pending),
        quiet: count(value.quiet),
        seq: count(value.seq),
        revision: count(value.revision),
        heldBack: count(value.held_back),
        restoring: isFields(value.restoring)
            ? { done: count(value.restoring.done), total: count(value.restoring.total) }
            : undefined,
        notKept: notKept.filter((path): path is string => typeof path === 'string').slice(0, MAX_NOT_KEPT),
        notKeptAt: count(value.not_kept_at),
        failed,
        failedCount: Math.max(count(value.failed_count), failed.length),
        message: text(value.message),
        notice: toNotice(value.notice),
        notices: notices.slice(0, MAX_NOTICES).map(toNotice).filter(one => one !== undefined),
        moreNotices: count(value.more_notices)
    };
}

/** The `seq` in the answer of the barrier. Throws an `Error` when there is none. */
export function toBarrierSeq(value: unknown): number {
    if (!isFields(value) || typeof value.seq !== 'number' || !Number.isSafeInteger(value.seq)) {
        throw new Error('the barrier answered without a seq');
    }
    return value.seq;
}
