/* The page's end of the connection that survives its sockets; see common/reliable-stream.ts. */

import { injectable } from '@theia/core/shared/inversify';
import { WebSocketConnectionSource } from '@theia/core/lib/browser/messaging/ws-connection-source';
import { Disposable, DisposableCollection } from '@theia/core/lib/common';
import { AbstractChannel, ForwardingChannel } from '@theia/core/lib/common/message-rpc/channel';
import { Uint8ArrayReadBuffer, Uint8ArrayWriteBuffer } from '@theia/core/lib/common/message-rpc/uint8-array-message-buffer';
import { ConnectionManagementMessages } from '@theia/core/lib/common/messaging/connection-management';
import { RECEIVED, RESUME, ReliableStream } from '../common/reliable-stream';

@injectable()
export class ReliableConnection extends WebSocketConnectionSource {
    /** More waits for the backend than is kept: this page cannot go on, and starts again when it may. */
    protected overflowed = false;

    protected override createChannel(): AbstractChannel {
        const { socket } = this;
        const stream = new ReliableStream({
            message: data => socket.emit('message', data),
            received: count => socket.emit(RECEIVED, count),
            overflow: () => {
                this.overflowed = true;
            }
        });
        const on = <T,>(event: string, listener: (value: T) => void): Disposable => {
            socket.on(event, listener);
            return Disposable.create(() => socket.off(event, listener));
        };
        const listeners = new DisposableCollection(
            on<ArrayBuffer>('message', data => {
                this.onIncomingMessageActivityEmitter.fire();
                stream.arrived(data.byteLength);
                this.currentChannel.onMessageEmitter.fire(() => new Uint8ArrayReadBuffer(new Uint8Array(data)));
            }),
            on<number>(RECEIVED, count => stream.confirm(count)),
            on<number>(RESUME, count => stream.resume(count)),
            // One for all sockets: a second one, left by a socket that was cut before the answer, would resume twice.
            on<boolean>(ConnectionManagementMessages.RECONNECT, known => {
                if (known) {
                    socket.emit(RESUME, stream.received);
                }
            }),
            on('disconnect', () => stream.pause())
        );
        socket.emit(RESUME, stream.received);
        return new ForwardingChannel(
            'any',
            () => listeners.dispose(),
            () => {
                const buffer = new Uint8ArrayWriteBuffer();
                buffer.onCommit(data => stream.send(data));
                return buffer;
            }
        );
    }

    protected override negogiateReconnect(): void {
        if (this.overflowed) {
            this.socket.once(ConnectionManagementMessages.RECONNECT, () => location.reload());
            this.socket.emit(ConnectionManagementMessages.RECONNECT, 'nobody'); // is answered as to a page that is not known
            return;
        }
        super.negogiateReconnect();
    }
}
