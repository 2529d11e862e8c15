/*
 * What the workspace's daemon tells the IDE by environment. Read once, at load; the secret is then taken out of
 * the environment, so that terminals and extensions do not inherit it.
 */

import { homedir } from 'node:os';
import { relative } from 'node:path';
import { injectable } from '@theia/core/shared/inversify';

const words = (value: string | undefined): string[] => (value ?? '').split(/\s+/).filter(word => word.length > 0);

function taken(name: string): string | undefined {
    const value = process.env[name];
    delete process.env[name];
    return value ? value : undefined;
}

/** A file as the store names it. */
export interface Place {
    readonly root: string;
    readonly path: string;
}

const gatewaySecret = taken('CODITECT_GATEWAY_SECRET');

@injectable()
export class Environment {
    /** Where to listen. Unset: Theia's own --hostname and --port. */
    readonly socket = process.env.CODITECT_IDE_SOCKET || undefined;
    /** The daemon's door. Unset: nothing is persisted, and the IDE says so. */
    readonly door = process.env.CODITECT_DOOR || undefined;
    /** What the gateway must send. Unset: everybody who can open the socket may talk. */
    readonly gatewaySecret = gatewaySecret;
    /** The path below which the browser sees the IDE, with both slashes. */
    readonly basePath = `/${words(process.env.CODITECT_BASE_PATH).join('').replace(/^\/+|\/+$/g, '')}/`.replace('//', '/');
    readonly sessionId = process.env.CODITECT_SESSION_ID ?? '';
    readonly sessionName = process.env.CODITECT_SESSION_NAME ?? '';
    readonly platformOrigins = words(process.env.CODITECT_PLATFORM_ORIGIN);
    /** The folders that are stored, by the store's names for them. */
    readonly roots: ReadonlyMap<string, string> = new Map([
        ['workspace', process.argv.slice(2).find(word => word.startsWith('/')) ?? '/workspace'],
        ['home', homedir()]
    ]);

    /** `undefined`: it lies where nothing is stored. */
    placeOf(path: string): Place | undefined {
        for (const [root, folder] of this.roots) {
            const below = relative(folder, path);
            if (below !== '' && below !== '..' && !below.startsWith('../')) {
                return { root, path: below };
            }
        }
        return undefined;
    }
}
