/* What the platform's page and the IDE in its frame say to each other by postMessage. */

import { ThemeKind } from './palette';

/** Platform → IDE. */
export type PlatformMessage =
    | { readonly type: 'coditect.theme'; readonly theme: ThemeKind }
    | { readonly type: 'coditect.ticket'; readonly url: string }
    | Person
    | Shown
    | Editor;

/** The person's settings of category "editor": `toPreferences` makes something of them. */
export interface Editor {
    readonly type: 'coditect.editor';
    readonly settings: Readonly<Record<string, unknown>>;
}

/** Whether the person looks at this IDE. One that the page keeps behind others is visible to the browser all the same. */
export interface Shown {
    readonly type: 'coditect.shown';
    readonly shown: boolean;
}

/** Who is logged in; and that this page does what `coditect.do` asks for. */
export interface Person {
    readonly type: 'coditect.person';
    readonly name: string;
    readonly email: string;
}

/** What the platform's page is asked to do, since only it may; it asks back where something would end. */
export const PLATFORM_ACTIONS = ['palette', 'account', 'sessions', 'history', 'pause', 'logout'] as const;
export type PlatformAction = (typeof PLATFORM_ACTIONS)[number];

/** What the status bar says about persistence, for the page to say the same. */
export interface PersistenceMessage {
    readonly type: 'coditect.persistence';
    readonly mood: 'good' | 'busy' | 'attention' | 'bad';
    readonly text: string;
    readonly detail: string;
}

/** IDE → platform. */
export type IdeMessage =
    | PersistenceMessage
    | { readonly type: 'coditect.ready'; readonly theme: ThemeKind }
    | { readonly type: 'coditect.theme.changed'; readonly theme: ThemeKind }
    | { readonly type: 'coditect.ticket.request' }
    | { readonly type: 'coditect.do'; readonly action: PlatformAction };

const MAX_NAME = 200;

/** `undefined` for everything that is no message of ours. */
export function toPlatformMessage(data: unknown): PlatformMessage | undefined {
    if (typeof data !== 'object' || data === null || !('type' in data)) {
        return undefined;
    }
    if (data.type === 'coditect.theme' && 'theme' in data && (data.theme === 'light' || data.theme === 'dark')) {
        return { type: data.type, theme: data.theme };
    }
    if (data.type === 'coditect.ticket' && 'url' in data && typeof data.url === 'string') {
        return { type: data.type, url: data.url };
    }
    if (data.type === 'coditect.shown' && 'shown' in data && typeof data.shown === 'boolean') {
        return { type: data.type, shown: data.shown };
    }
    if (data.type === 'coditect.editor' && 'settings' in data && typeof data.settings === 'object' && data.settings !== null) {
        return { type: data.type, settings: { ...data.settings } };
    }
    if (data.type === 'coditect.person' && 'name' in data && typeof data.name === 'string'
        && 'email' in data && typeof data.email === 'string') {
        return { type: data.type, name: data.name.slice(0, MAX_NAME), email: data.email.slice(0, MAX_NAME) };
    }
    return undefined;
}
