/*
 * Theia keeps what belongs to a page (its plugin host, its terminals' channels) for frontendConnectionTimeout after
 * its socket closed; ours is eight hours, so that a laptop that slept finds its terminals. Three things of stock Theia
 * do not fit such a time:
 *  1. Nothing bounds how many pages are waited for: each holds a plugin host of some 90 MB. Only the latest few are.
 *  2. What is on the way when a socket is cut is lost, and what the backend has to say meanwhile fills a small buffer
 *     and then throws in whoever says it. See common/reliable-stream.ts; a page for which too much waits is given up,
 *     and starts again when it comes back.
 *  3. A socket that died silently ends a minute after its page came back on another one, and took that one with it.
 */

import { injectable } from '@theia/core/shared/inversify';
import { Disposable, DisposableCollection, Emitter } from '@theia/core/lib/common';
import { WriteBuffer } from '@theia/core/lib/common/message-rpc';
import { Uint8ArrayReadBuffer, Uint8ArrayWriteBuffer } from '@theia/core/lib/common/message-rpc/uint8-array-message-buffer';
import {
    ReconnectableSocketChannel,
    WebsocketFrontendConnectionService
} from '@theia/core/lib/node/messaging/websocket-frontend-connection-service';
import type { Socket } from 'socket.io';
import { RECEIVED, RESUME, ReliableStream } from '../common/reliable-stream';

const MAX_ABSENT_PAGES = 3;

@injectable()
export class ReliableChannel extends ReconnectableSocketChannel {
    protected readonly overflowed = new Emitter<void>();
    readonly onOverflow = this.overflowed.event;

    protected readonly stream = new ReliableStream({
        message: data => void this.socket?.send(data),
        received: count => void this.socket?.emit(RECEIVED, count),
        overflow: () => this.overflowed.fire()
    });

    override connect(socket: Socket): void {
        this.socket?.disconnect(true); // now, and not when it times out: its end must not be taken for the new one's
        this.disposables.dispose();
        this.stream.pause();
        this.socket = socket;
        const on = <T>(event: string, listener: (value: T) => void): Disposable => {
            socket.on(event, listener);
            return Disposable.create(() => socket.off(event, listener));
        };
        this.disposables = new DisposableCollection(
            on<Error>('error', error => this.onErrorEmitter.fire(error)),
            on<Buffer>('message', data => {
                this.stream.arrived(data.byteLength);
                this.onMessageEmitter.fire(() => new Uint8ArrayReadBuffer(data));
            }),
            on<number>(RECEIVED, count => this.stream.confirm(count)),
            on<number>(RESUME, count => {
                socket.emit(RESUME, this.stream.received);
                this.stream.resume(count);
            })
        );
    }

    override disconnect(): void {
        super.disconnect();
        this.stream.pause();
    }

    override getWriteBuffer(): WriteBuffer {
        const buffer = new Uint8ArrayWriteBuffer();
        buffer.onCommit(data => this.stream.send(data));
        return buffer;
    }
}

@injectable()
export class PatientConnections extends WebsocketFrontendConnectionService {
    protected override createConnection(socket: Socket, frontEndId: string): ReconnectableSocketChannel {
        // closeTimeouts has one entry for each absent page, the longest absent first.
        while (this.closeTimeouts.size > MAX_ABSENT_PAGES) {
            const [longestAbsent] = this.closeTimeouts.keys();
            this.closeConnection(longestAbsent, 'too many absent pages');
        }
        const channel = super.createConnection(socket, frontEndId);
        if (channel instanceof ReliableChannel) {
            // Not at once: it is found out in the middle of a write to the channel.
            channel.onOverflow(() => setImmediate(() => this.giveUp(frontEndId, channel)));
        }
        return channel;
    }

    /** The page's last word may come after its socket has gone; and may be about a page that nobody knows. */
    override markForClose(frontEndId: string): void {
        if (this.closeTimeouts.has(frontEndId)) {
            this.closeConnection(frontEndId, 'its page left');
        } else if (this.connectionsByFrontend.has(frontEndId)) {
            super.markForClose(frontEndId);
        }
    }

    /** Of a page that a tab showed before. One that is connected is shown somewhere: a tab can be duplicated, ids and all. */
    clearUp(frontEndId: string): void {
        if (this.closeTimeouts.has(frontEndId)) {
            this.closeConnection(frontEndId, 'its tab shows another page');
        }
    }

    protected giveUp(frontEndId: string, channel: ReliableChannel): void {
        if (this.connectionsByFrontend.get(frontEndId) === channel) {
            this.closeConnection(frontEndId, 'too much waits for an absent page');
        }
    }
}
