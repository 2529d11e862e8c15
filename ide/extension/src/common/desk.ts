/*
 * The desk: how the person has arranged this session's page. It is kept by the store and not by the browser, so that another
 * browser shows the same. One text, the last one stands.
 */

import { isFields } from './door';

export const DESK_SERVICE_PATH = '/services/coditect-desk';
export const DeskService = Symbol('CoditectDeskService');

/** `empty`: nothing was kept yet. `away`: it cannot be told what was. `none`: this IDE runs without a workspace service. */
export type DeskRead = { readonly text: string } | { readonly not: 'empty' | 'away' | 'none' };

/** `kept`: it is in the store. `large`: it will not be. `away`: not now. */
export type DeskKept = 'kept' | 'large' | 'away';

export interface DeskService {
    read(): Promise<DeskRead>;
    keep(text: string): Promise<DeskKept>;
}

/** Bytes of a desk as the page has it; a hundred open editors are about a third of it. */
export const MAX_DESK = 1024 * 1024;

/** Key → JSON. What is not understood of it is left out. */
export function toDesk(text: string): Map<string, string> {
    const desk = new Map<string, string>();
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch {
        return desk;
    }
    for (const [key, one] of Object.entries(isFields(value) ? value : {})) {
        if (typeof one === 'string') {
            desk.set(key, one);
        }
    }
    return desk;
}

export const fromDesk = (desk: ReadonlyMap<string, string>): string => JSON.stringify(Object.fromEntries(desk));
