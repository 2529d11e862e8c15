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
    bad_name: 'its path is too long.'
};

/** The rest of a sentence about it. */
export const reasonOf = (why: NotKeptReason): string => REASONS[why];

export function tooltipFor({ why, itself }: Found): string {
    return itself ? `Not kept: ${reasonOf(why)}` : 'Not kept, as the folder above it.';
}
