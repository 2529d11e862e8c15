/* What was typed and not saved when a page started again, as it lies in the storage of its tab. */

import { isFields } from './door';

export interface Unsaved {
    readonly address: string;
    readonly text: string;
    /** The version of the file that it stands on. */
    readonly base?: object;
}

function toOne(value: unknown): Unsaved | undefined {
    const one: unknown = Array.isArray(value) ? { address: value[0], text: value[1] } : value;
    const { address, text, base } = isFields(one) ? one : {};
    return typeof address === 'string' && typeof text === 'string' ? { address, text, base: isFields(base) ? base : undefined } : undefined;
}

/** The page of an older build wrote pairs of address and text. What is not understood is left out, and nothing else with it. */
export function toUnsaved(stored: string): Unsaved[] {
    let value: unknown;
    try {
        value = JSON.parse(stored);
    } catch {
        return [];
    }
    return (Array.isArray(value) ? value : []).map(toOne).filter(one => one !== undefined);
}
