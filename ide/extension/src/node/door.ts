/* The client of the workspace daemon's door: HTTP/1.1 on a unix socket, small JSON answers. */

import { request } from 'node:http';
import { ActivityKind } from '../common/activity';
import { DoorStatus, HeldBackChoice, NotKept, toAllNotKept, toBarrierSeq, toDoorStatus } from '../common/door';

const MAX_REPLY_BYTES = 2 * 1024 * 1024;
const STATUS_TIMEOUT_MS = 35_000; // the door answers a waiting status after 25 s
const SYNC_TIMEOUT_MS = 60_000;
const SHORT_TIMEOUT_MS = 10_000;

export class Door {
    constructor(protected readonly socketPath: string) {}

    /** With `seen`, waits until the status has another revision, or for 25 s. */
    async status(seen?: number, signal?: AbortSignal): Promise<DoorStatus> {
        const path = seen === undefined ? '/status' : `/status?wait=${seen}`;
        return toDoorStatus(await this.call('GET', path, STATUS_TIMEOUT_MS, signal));
    }

    async notKept(): Promise<readonly NotKept[]> {
        return toAllNotKept(await this.call('GET', '/not-kept', SHORT_TIMEOUT_MS));
    }

    async sync(): Promise<number> {
        return toBarrierSeq(await this.call('POST', '/sync', SYNC_TIMEOUT_MS));
    }

    async active(kind: ActivityKind): Promise<void> {
        await this.call('POST', '/activity', SHORT_TIMEOUT_MS, undefined, JSON.stringify({ kind }));
    }

    async choose(choice: HeldBackChoice): Promise<void> {
        await this.call('POST', '/held-back', SYNC_TIMEOUT_MS, undefined, JSON.stringify({ choice }));
    }

    protected call(
        method: string,
        path: string,
        timeoutMs: number,
        signal?: AbortSignal,
        body = ''
    ): Promise<unknown> {
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
                reply.on('error', reject);
                reply.on('data', (part: Buffer) => {
                    size += part.length;
                    if (size > MAX_REPLY_BYTES) {
                        call.destroy(new Error('the answer is too large'));
                    } else {
                        parts.push(part);
                    }
                });
                reply.on('end', () => {
                    if (reply.statusCode === 204) {
                        resolve(undefined);
                        return;
                    }
                    if (reply.statusCode !== 200 && reply.statusCode !== 202) {
                        reject(new Error(`${method} ${path}: ${reply.statusCode}`));
                        return;
                    }
                    try {
                        resolve(JSON.parse(Buffer.concat(parts).toString('utf8')));
                    } catch {
                        reject(new Error(`${method} ${path}: no JSON`));
                    }
                });
            });
            call.end(body);
        });
    }
}
