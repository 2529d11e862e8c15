/*
 * Follows the door while somebody looks, and answers the frontends.
 *
 * 1. One long poll at the door at a time, however many frontends there are.
 * 2. Frontends ask; nothing is pushed. A frontend that sleeps costs nothing, and what it shows when it comes back is
 *    an answer to its own question.
 * 3. When the door does not answer, that is the report: an old status is never given out as the present one.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { inject, injectable, postConstruct } from '@theia/core/shared/inversify';
import { ApplicationPackage } from '@theia/core/shared/@theia/application-package';
import { Emitter } from '@theia/core/lib/common';
import { ACTIVITY_KINDS, ActivityKind } from '../common/activity';
import { HELD_BACK_CHOICES, HeldBackChoice, NotKept } from '../common/door';
import {
    Barrier, DoorReport, NumberedReport, REPORT_WAIT_MS, SessionInfo, WorkspaceService
} from '../common/workspace-service';
import { Door } from './door';
import { Environment } from './environment';
import { Mirror } from './mirror';

const FOLLOW_AFTER_LAST_QUESTION_MS = 60_000;
const RETRY_MS = 1_000;

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

@injectable()
export class WorkspaceServiceImpl implements WorkspaceService {
    @inject(Environment)
    protected readonly environment!: Environment;

    @inject(Mirror)
    protected readonly mirror!: Mirror;

    @inject(ApplicationPackage)
    protected readonly application!: ApplicationPackage;

    protected door: Door | undefined;
    protected latest: NumberedReport | undefined;
    protected lastQuestion = 0;
    protected following = false;
    protected readonly reported = new Emitter<void>();

    @postConstruct()
    protected init(): void {
        this.door = this.environment.door === undefined ? undefined : new Door(this.environment.door);
    }

    async session(): Promise<SessionInfo> {
        const { sessionId, sessionName, platformOrigins } = this.environment;
        return {
            id: sessionId,
            name: sessionName,
            version: this.application.pck.version ?? '',
            platformOrigins
        };
    }

    async report(seen: number): Promise<NumberedReport> {
        if (!this.door) {
            this.latest ??= { number: 1, report: { kind: 'none' } };
        } else {
            this.lastQuestion = Date.now();
            void this.follow(this.door);
        }
        const end = Date.now() + REPORT_WAIT_MS;
        while (!this.latest || (this.latest.number === seen && Date.now() < end)) {
            await this.nextReport(Math.max(0, end - Date.now()));
            if (!this.latest && Date.now() >= end) {
                return { number: 0, report: { kind: 'unreachable', reason: 'no answer yet' } };
            }
        }
        return this.latest;
    }

    async sync(what: Barrier): Promise<number> {
        if (!this.door) {
            throw new Error('there is no workspace service');
        }
        return this.mirror.confirms(this.door, what);
    }

    async active(kind: ActivityKind): Promise<void> {
        const known = ACTIVITY_KINDS.find(one => one === kind); // it comes from a page
        if (this.door && known !== undefined) {
            await this.door.active(known);
        }
    }

    async notKept(): Promise<readonly NotKept[]> {
        return this.door ? this.door.notKept() : [];
    }

    async choose(choice: HeldBackChoice): Promise<void> {
        const known = HELD_BACK_CHOICES.find(one => one === choice);
        if (!this.door || known === undefined) {
            throw new Error('there is nothing to choose');
        }
        await this.door.choose(known);
    }

    protected nextReport(atMostMs: number): Promise<void> {
        return new Promise(resolve => {
            const done = (): void => {
                clearTimeout(timer);
                listener.dispose();
                resolve();
            };
            const timer = setTimeout(done, atMostMs);
            const listener = this.reported.event(done);
        });
    }

    protected async follow(door: Door): Promise<void> {
        if (this.following) {
            return;
        }
        this.following = true;
        let seen: number | undefined;
        while (Date.now() - this.lastQuestion < FOLLOW_AFTER_LAST_QUESTION_MS) {
            try {
                const status = await door.status(seen);
                seen = status.revision;
                this.put({ kind: 'status', status });
            } catch (error) {
                seen = undefined;
                this.put({ kind: 'unreachable', reason: wordsOf(error) });
                await delay(RETRY_MS);
            }
        }
        // Nobody looks any more; the next question must not be answered by what was true now.
        this.latest = undefined;
        this.following = false;
    }

    protected put(report: DoorReport): void {
        if (JSON.stringify(report) !== JSON.stringify(this.latest?.report)) {
            this.numbered += 1;
            this.latest = { number: this.numbered, report };
            this.reported.fire();
        }
    }

    protected numbered = 0;
}
