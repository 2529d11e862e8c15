/* What is not kept, by path: the daemon names a folder once for all below it. Which paths these are is its word alone. */

import { NotKept, NotKeptReason } from './door';

export interface Found {
    readonly why: NotKeptReason;
    /** The path itself was named, and not a folder above it. */
    readonly itself: boolean;
}

export class NotKeptPaths {
    protected readonly reasons: ReadonlyMap<string, NotKeptReason>;

    constructor(list: readonly NotKept[]) {
        this.reasons = new Map(list.map(({ path, why }) => [path, why]));
    }

    find(path: string): Found | undefined {
        for (let at = path; at.length > 1; at = at.slice(0, at.lastIndexOf('/'))) {
            const why = this.reasons.get(at);
            if (why !== undefined) {
                return { why, itself: at === path };
            }
        }
        return undefined;
    }
}

const REASONS: Readonly<Record<NotKeptReason, string>> = {
    ignored: 'it can be made again, or a list leaves it out. A line “!name” in .coditectignore keeps it.',
    special: 'a socket, pipe or device is no file.',
    unreadable: 'its permissions do not let it be read.',
    too_large: 'it is larger than 64 GiB.',
    bad_name: 'its path is too long.',
    refused: 'the store does not take it.',
    damaged: 'what the store has of it is damaged. It is tried again; its history may have an older version.'
};

/** The rest of a sentence about it. */
export const failureOf = (why: NotKeptReason): string => `could not be ${why === 'damaged' ? 'restored' : 'stored'}: ${REASONS[why]}`;

export function tooltipFor({ why, itself }: Found): string {
    if (why === 'damaged') {
        return `The latest version ${failureOf(why)}`;
    }
    return itself ? `Not kept: ${REASONS[why]}` : 'Not kept, as the folder above it.';
}
