/*
 * What the disk's mirror is asked for a file: that it comes, while the disk is filled from the store, and to whom a save belongs.
 *
 * 1. A file that is not there may be on its way. Who wants it waits, and gets it before all others; after a minute it is said that
 *    it is still to come, and never that it is not there, or is empty.
 * 2. Without a mirror, or when it does not answer, the disk's word counts.
 */
import { createHash } from 'node:crypto';
import { timeout } from '@theia/core/lib/common/promise-util';
import { inject, injectable } from '@theia/core/shared/inversify';
import { Barrier } from '../common/workspace-service';
import { Door } from './door';
import { Environment, Place } from './environment';

const MOST_ASKED = 3;
const ASKED_MS = 20_000; // the door answers after as long, and one that has no room at once

class StillToCome extends Error {
    constructor(path: string) {
        super(`'/${path}' is still being restored`);
    }
}

@injectable()
export class Mirror {
    @inject(Environment)
    protected readonly environment!: Environment;

    /** One question for all who wait for the same file. */
    protected readonly asked = new Map<string, Promise<boolean>>();

    /** Saves that the mirror was not told of, and how many of these a barrier covers. */
    protected untold = 0;
    protected confirmed = 0;

    /** False: there is no more to come of it than what is there. */
    async brings(path: string): Promise<boolean> {
        const place = this.environment.placeOf(path);
        if (this.environment.door === undefined || !place) {
            return false;
        }
        const question = this.asked.get(path) ?? this.ask(new Door(this.environment.door), place);
        this.asked.set(path, question);
        try {
            return await question;
        } finally {
            this.asked.delete(path);
        }
    }

    protected async ask(door: Door, place: Place): Promise<boolean> {
        for (let i = 0; i < MOST_ASKED; i++) {
            const next = performance.now() + ASKED_MS;
            const came = await door.hasCome(place).catch(() => undefined);
            if (came !== false) {
                return came === true;
            }
            await timeout(Math.max(0, next - performance.now()));
        }
        throw new StillToCome(place.path);
    }

    /** Before the save, or it is taken for a program's. False: the mirror could not be told. */
    async saving(path: string, content: Uint8Array): Promise<boolean> {
        const place = this.environment.placeOf(path);
        if (this.environment.door !== undefined && place) {
            const hash = createHash('sha256').update(content).digest('hex');
            return new Door(this.environment.door).saving(place, hash).then(() => true, () => false);
        }
        return true;
    }

    /** After a save that the mirror could not be told of. */
    savedUntold(): void {
        this.untold += 1;
    }

    /** What it was not told of may wait as a program's: then the barrier is one of everything. */
    async confirms(door: Door, what: Barrier): Promise<number> {
        const upTo = this.untold;
        const seq = await door.sync(upTo > this.confirmed ? 'all' : what);
        this.confirmed = Math.max(this.confirmed, upTo);
        return seq;
    }
}
