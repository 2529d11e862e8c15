/* The client of the workspace daemon's door: HTTP/1.1 on a unix socket, small JSON answers. */

import { request } from 'node:http';
import { ActivityKind } from '../common/activity';
import { DoorStatus, HeldBackChoice, NotKept, isFields, toAllNotKept, toBarrierSeq, toDoorStatus } from '../common/door';
import { Barrier } from '../common/workspace-service';
import { Place } from './environment';
import { GoneIn, MAX_TEXT, Past, Versions, WhyNot, toGoneIn, toText, toVersions } from '../common/past';

const MAX_REPLY_BYTES = 2 * 1024 * 1024;
const STATUS_TIMEOUT_MS = 6_000; // the door answers a waiting status after 3 s; whoever stands still answers nothing
const SYNC_TIMEOUT_MS = 60_000;
const SHORT_TIMEOUT_MS = 10_000;
const AWAIT_TIMEOUT_MS = 30_000; // the door answers after 20 s

export class Door {
    constructor(protected readonly socketPath: string) {}

    /** With `seen`, waits until the status has another revision, or for 3 s. */
    async status(seen?: number, signal?: AbortSignal): Promise<DoorStatus> {
        const path = seen === undefined ? '/status' : `/status?wait=${seen}`;
        return toDoorStatus(await this.call('GET', path, STATUS_TIMEOUT_MS, signal));
    }

    async notKept(): Promise<readonly NotKept[]> {
        return toAllNotKept(await this.call('GET', '/not-kept', SHORT_TIMEOUT_MS));
    }

    /** `saves`: all but quiet files that nobody saves here, else each save would store each log that is written meanwhile. */
    async sync(what: Barrier): Promise<number> {
        return toBarrierSeq(await this.call('POST', what === 'saves' ? '/sync?quiet=left' : '/sync', SYNC_TIMEOUT_MS));
    }

    async active(kind: ActivityKind): Promise<void> {
        await this.call('POST', '/activity', SHORT_TIMEOUT_MS, undefined, JSON.stringify({ kind }));
    }

    async choose(choice: HeldBackChoice): Promise<void> {
        await this.call('POST', '/held-back', SYNC_TIMEOUT_MS, undefined, JSON.stringify({ choice }));
    }

    async versions(path: string, root: string, cursor: string): Promise<Past<Versions>> {
        const query = new URLSearchParams({ root, path, ...(cursor === '' ? {} : { cursor }) });
        return this.past(`/past?${query}`, value => ({ found: toVersions(value) }));
    }

    async versionText(path: string, root: string, version: number): Promise<Past<string>> {
        const query = new URLSearchParams({ root, path, version: String(version) });
        const { code, content } = await this.exchange('GET', `/past/content?${query}`, { mostBytes: MAX_TEXT + 1 });
        return code === 200 ? toText(content) : { not: whyOf(code) };
    }

    /** folder: where the root lies on the disk. */
    async gone(root: string, folder: string, before: number): Promise<Past<GoneIn>> {
        const query = new URLSearchParams({ root, ...(before === 0 ? {} : { before: String(before) }) });
        return this.past(`/past/gone?${query}`, value => ({ found: toGoneIn(value, folder) }));
    }

    async restore(path: string, root: string, version: number): Promise<Past<number>> {
        const { code, content } = await this.exchange('POST', `/past/restore?root=${root}`, { body: JSON.stringify({ path, version }) });
        const answer: unknown = code === 200 ? JSON.parse(content.toString('utf8')) : undefined;
        return isFields(answer) ? { found: Number(answer.version) } : { not: whyOf(code) };
    }

    /** Whether what the store has of the file is on the disk; false: it is still to come. Waits for it, and hurries it. */
    async hasCome({ path, root }: Place): Promise<boolean> {
        const query = new URLSearchParams({ root, path });
        const { code } = await this.exchange('GET', `/await?${query}`, { timeoutMs: AWAIT_TIMEOUT_MS });
        if (code !== 204 && code !== 503) {
            throw new Error(`GET /await: ${code}`);
        }
        return code === 204;
    }

    /** The person is about to save this content; its hash is SHA-256. */
    async saving({ path, root }: Place, hash: string): Promise<void> {
        await this.call('POST', `/saving?root=${root}`, SHORT_TIMEOUT_MS, undefined, JSON.stringify({ path, hash }));
    }

    /** `undefined`: there is none yet. */
    async desk(): Promise<string | undefined> {
        const { code, content } = await this.exchange('GET', '/desk', {});
        if (code !== 200 && code !== 404) {
            throw new Error(`GET /desk: ${code}`);
        }
        return code === 200 ? content.toString('utf8') : undefined;
    }

    async keepDesk(text: string): Promise<void> {
        await this.call('PUT', '/desk', SHORT_TIMEOUT_MS, undefined, text);
    }

    protected async past<T>(path: string, read: (value: unknown) => Past<T>): Promise<Past<T>> {
        const { code, content } = await this.exchange('GET', path, {});
        return code === 200 ? read(JSON.parse(content.toString('utf8'))) : { not: whyOf(code) };
    }

    protected async call(method: string, path: string, timeoutMs: number, signal?: AbortSignal, body = ''): Promise<unknown> {
        const { code, content } = await this.exchange(method, path, { timeoutMs, signal, body });
        if (code === 204) {
            return undefined;
        }
        if (code !== 200 && code !== 202) {
            throw new Error(`${method} ${path}: ${code}`);
        }
        try {
            return JSON.parse(content.toString('utf8'));
        } catch {
            throw new Error(`${method} ${path}: no JSON`);
        }
    }

    /** Stops reading behind `mostBytes`: what is answered then is longer than that, and no more is known of it. */
    protected exchange(method: string, path: string, { body = '', timeoutMs = SHORT_TIMEOUT_MS, signal, mostBytes }: Exchange): Promise<Answer> {
        return new Promise((resolve, reject) => {
            const deadline = AbortSignal.timeout(timeoutMs);
            const call = request({
                socketPath: this.socketPath,
                method,
                path,
                headers: { Host: 'door', 'Content-Length': Buffer.byteLength(body) },
                agent: false,
                signal: signal ? AbortSignal.any([signal, deadline]) : deadline
            });
            call.on('error', reject);
            call.on('response', reply => {
                const parts: Buffer[] = [];
                let size = 0;
                const answer = (): void => resolve({ code: reply.statusCode ?? 0, content: Buffer.concat(parts) });
                reply.on('error', reject);
                reply.on('data', (part: Buffer) => {
                    size += part.length;
                    parts.push(part);
                    if (mostBytes !== undefined && size >= mostBytes) {
                        answer();
                        call.destroy();
                    } else if (size > MAX_REPLY_BYTES && mostBytes === undefined) {
                        call.destroy(new Error('the answer is too large'));
                    }
                });
                reply.on('end', answer);
            });
            call.end(body);
        });
    }
}

interface Exchange {
    readonly body?: string;
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
    readonly mostBytes?: number;
}

interface Answer {
    readonly code: number;
    readonly content: Buffer;
}

function whyOf(code: number): WhyNot {
    switch (code) {
        case 404: return 'nothing';
        case 409: return 'taken';
        case 507: return 'full';
        default: return 'away';
    }
}
