/*
 * What files were: the answers of the door's /past, checked field by field, since they come from outside this process; and the
 * backend's side of it, which the frontend calls.
 */

import { isFields } from './door';

export const PAST_SERVICE_PATH = '/services/coditect-past';
export const PastService = Symbol('CoditectPastService');

const OPS = ['write', 'delete', 'move', 'restore'] as const;
const KINDS = ['file', 'dir', 'symlink'] as const;
const AUTHORS = ['user', 'terminal', 'agent', 'api'] as const;

export interface Version {
    readonly version: number;
    readonly op: (typeof OPS)[number];
    readonly kind: (typeof KINDS)[number];
    readonly size: number;
    /** Milliseconds since 1970. */
    readonly at: number;
    readonly author: (typeof AUTHORS)[number];
}

export interface Versions {
    /** Newest first. */
    readonly versions: readonly Version[];
    /** Where the next page begins; empty: there is none. */
    readonly next: string;
}

/** A file or folder that was deleted; its version is that of the deletion, and holds what was there before. */
export interface Gone extends Version {
    /** On the workspace's disk. */
    readonly path: string;
}

/** Of one folder that is stored. */
export interface GoneIn {
    readonly gone: readonly Gone[];
    /** 0: there is no further page. */
    readonly next: number;
}

/** Where the next page begins, by the store's names of the folders; one that is not named has none. Empty: there is none. */
export type GoneCursor = Readonly<Record<string, number>>;

/** Of all folders that are stored. */
export interface GonePage {
    /** Latest first. */
    readonly gone: readonly Gone[];
    readonly next: GoneCursor;
}

export const LATEST_GONE: GoneCursor = { workspace: 0, home: 0 };

/**
 * `none`: this IDE runs without a workspace service. `away`: the store is out of reach. `nothing`: nothing is stored of it.
 * `elsewhere`: the path lies in no folder that is stored. `large`, `binary`: no text that could be shown. `full`: the store's
 * limit is reached. `taken`: something else stands there.
 */
export type WhyNot = 'none' | 'away' | 'nothing' | 'elsewhere' | 'large' | 'binary' | 'full' | 'taken';

export type Past<T> = { readonly found: T } | { readonly not: WhyNot };

/** Paths are those of the workspace's disk. No call rejects for what the door says. */
export interface PastService {
    versions(path: string, cursor: string): Promise<Past<Versions>>;
    /** The text of a version, at most `MAX_TEXT` bytes. */
    text(path: string, version: number): Promise<Past<string>>;
    gone(cursor: GoneCursor): Promise<Past<GonePage>>;
    /** Makes a version the present one, as a new one whose number is told. */
    restore(path: string, version: number): Promise<Past<number>>;
}

export const MAX_TEXT = 5 * 1024 * 1024;

const MAX_PAGE = 500;

function toVersion(value: unknown): Version | undefined {
    if (!isFields(value) || !isFields(value.author)) {
        return undefined;
    }
    const { author: { kind: by } } = value;
    const op = OPS.find(one => one === value.op);
    const kind = KINDS.find(one => one === value.kind);
    const author = AUTHORS.find(one => one === by);
    const numbers = [value.version, value.size, value.at];
    if (op === undefined || kind === undefined || author === undefined || !numbers.every(one => Number.isSafeInteger(one))) {
        return undefined;
    }
    return { version: Number(value.version), op, kind, size: Number(value.size), at: Math.floor(Number(value.at) / 1000), author };
}

/** Throws an `Error` when `value` is no page. What is not understood of it is left out. */
export function toVersions(value: unknown): Versions {
    if (!isFields(value) || !Array.isArray(value.versions)) {
        throw new Error('no versions were answered');
    }
    const versions = value.versions.slice(0, MAX_PAGE).map(toVersion).filter(one => one !== undefined);
    return { versions, next: typeof value.next === 'string' ? value.next : '' };
}

/** As `toVersions`; a path that is answered lies below `folder`. */
export function toGoneIn(value: unknown, folder: string): GoneIn {
    if (!isFields(value) || !Array.isArray(value.gone)) {
        throw new Error('no deletions were answered');
    }
    const gone = value.gone.slice(0, MAX_PAGE).map((one: unknown) => {
        const version = toVersion(one);
        const path = isFields(one) && typeof one.path === 'string' ? one.path : '';
        return version && path ? { ...version, path: `${folder}/${path}` } : undefined;
    }).filter(one => one !== undefined);
    return { gone, next: Number.isSafeInteger(value.next) ? Number(value.next) : 0 };
}

/** In bytes that no text has. */
const BINARY_WITHIN = 8_000;

export function toText(bytes: Uint8Array): Past<string> {
    if (bytes.length > MAX_TEXT) {
        return { not: 'large' };
    }
    return bytes.subarray(0, BINARY_WITHIN).includes(0) ? { not: 'binary' } : { found: new TextDecoder().decode(bytes) };
}

const OP_WORDS: Readonly<Record<Version['op'], string>> = { write: 'Saved', delete: 'Deleted', move: 'Moved here', restore: 'Restored' };
const AUTHOR_WORDS: Readonly<Record<Version['author'], string>> = {
    user: 'by you', terminal: 'in workspace', agent: 'by an agent', api: 'by web or API'
};

export const opOf = ({ op }: Version): string => OP_WORDS[op];
export const authorOf = ({ author }: Version): string => AUTHOR_WORDS[author];

/** Binary units with one decimal, as everywhere in the product. */
export function sizeOf({ size }: Version): string {
    const units = ['B', 'KiB', 'MiB', 'GiB'];
    let value = size;
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        unit += 1;
    }
    return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** As short as it can be understood on that day. */
export function timeOf({ at }: Pick<Version, 'at'>, now: number): string {
    const then = new Date(at);
    const today = new Date(now);
    const clock = then.toLocaleTimeString('en-GB');
    if (then.toDateString() === today.toDateString()) {
        return clock;
    }
    const year = then.getFullYear() === today.getFullYear() ? '' : ` ${then.getFullYear()}`;
    return `${then.getDate()} ${then.toLocaleString('en', { month: 'short' })}${year}, ${clock.slice(0, 5)}`;
}

const WHY: Readonly<Record<WhyNot, string>> = {
    none: 'This IDE runs without a workspace service, which keeps versions.',
    away: 'The store is out of reach. Versions are there again when it is.',
    nothing: 'Nothing is stored of it yet.',
    elsewhere: 'Only what lies in the workspace or in your home is stored.',
    large: 'It is larger than 5 MiB, so it is not shown here. It can still be restored.',
    binary: 'It is no text, so it cannot be shown. It can still be restored.',
    full: 'There is no room left for another version. Delete what you do not need, or ask for more.',
    taken: 'Something else stands there now. Move it away and try again.'
};

export const whyNot = (why: WhyNot): string => WHY[why];
