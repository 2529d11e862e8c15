/*
 * Theia keeps what belongs to a page (its plugin host, its terminals' channels) for frontendConnectionTimeout after
 * its socket closed; ours is eight hours, so that a laptop that slept finds its terminals. Two things of stock Theia
 * do not fit such a time:
 *  1. Nothing bounds how many pages are waited for: each holds a plugin host of some 90 MB. Only the latest few are.
 *  2. What the backend has to say meanwhile fills a buffer of 100 KiB and then throws in whoever says it, for example
 *     a terminal with a long build. Ours is larger and is allocated as it fills.
 */

import { injectable } from '@theia/core/shared/inversify';
import { SocketWriteBuffer } from '@theia/core/lib/common/messaging/socket-write-buffer';
import {
    ReconnectableSocketChannel,
    WebsocketFrontendConnectionService
} from '@theia/core/lib/node/messaging/websocket-frontend-connection-service';
import type { Socket } from 'socket.io';

const MAX_ABSENT_PAGES = 3;

@injectable()
export class PatientConnections extends WebsocketFrontendConnectionService {
    protected override createConnection(socket: Socket, frontEndId: string): ReconnectableSocketChannel {
        // closeTimeouts has one entry for each absent page, the longest absent first.
        while (this.closeTimeouts.size > MAX_ABSENT_PAGES) {
            const [longestAbsent] = this.closeTimeouts.keys();
            this.closeConnection(longestAbsent, 'too many absent pages');
        }
        return super.createConnection(socket, frontEndId);
    }
}
const FIRST_BYTES = 64 * 1024;
const MAX_BYTES = 8 * 1024 * 1024;

@injectable()
export class GrowingWriteBuffer extends SocketWriteBuffer {
    protected override get maxBufferSize(): number {
        return MAX_BYTES;
    }

    protected override ensureWriteBuffer(byteLength: number): void {
        const needed = (this.disconnectedBuffer ? this.bufferWritePosition : 0) + byteLength;
        if (needed > this.maxBufferSize) {
            throw new Error(`More than ${this.maxBufferSize} bytes wait for an absent page`);
        }
        if (!this.disconnectedBuffer) {
            this.bufferWritePosition = 0;
        }
        if (needed > (this.disconnectedBuffer?.byteLength ?? 0)) {
            const grown = new Uint8Array(Math.min(this.maxBufferSize, Math.max(FIRST_BYTES, 2 * needed)));
            grown.set(this.disconnectedBuffer?.subarray(0, this.bufferWritePosition) ?? []);
            this.disconnectedBuffer = grown;
        }
    }
}
