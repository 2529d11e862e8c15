/*
 * A stream of messages that survives its socket. Theia's own connection loses what is on the way when a socket is cut,
 * in both directions; a save that is lost so never ends, and the editor saves nothing any more.
 *
 * Both ends count. What was sent is kept until the other end confirmed it; after a cut the ends tell each other how
 * much they have, and send the rest again.
 *
 *  1. A message is delivered exactly once, and in the order of `send`.
 *  2. Nothing is sent between `pause` and `resume`: the other end's count must be known first.
 *  3. On one socket it is resumed once: to resume again would be to say everything again.
 *  4. What waits during a pause is at most MAX_WAITING_BYTES; beyond, the stream is broken for good.
 *
 * Wire: socket.io events `message` (bytes), RECEIVED (count, now and then) and RESUME (count, on each new socket; asked
 * by the page, answered by the backend).
 */

export const RECEIVED = 'coditect.received';
export const RESUME = 'coditect.resume';

const CONFIRM_EVERY_MESSAGES = 64;
const CONFIRM_EVERY_BYTES = 256 * 1024;
export const MAX_WAITING_BYTES = 8 * 1024 * 1024;

export interface Wire {
    message(data: Uint8Array): void;
    received(count: number): void;
    /** The stream is broken: more waits than is kept. Called once. */
    overflow(): void;
}

export class ReliableStream {
    protected readonly kept: Uint8Array[] = [];
    protected keptBytes = 0;
    /** How many messages the other end has; `kept` are those after them. */
    protected confirmed = 0;
    protected open = false;
    protected broken = false;

    protected count = 0;
    protected unconfirmedMessages = 0;
    protected unconfirmedBytes = 0;

    constructor(protected readonly wire: Wire) {}

    /** How many messages have arrived here. */
    get received(): number {
        return this.count;
    }

    send(data: Uint8Array): void {
        if (this.broken) {
            return;
        }
        this.kept.push(data);
        this.keptBytes += data.byteLength;
        if (this.open) {
            this.wire.message(data);
        } else if (this.keptBytes > MAX_WAITING_BYTES) {
            this.broken = true;
            this.kept.length = 0;
            this.wire.overflow();
        }
    }

    /** A message of `bytes` arrived. */
    arrived(bytes: number): void {
        this.count += 1;
        this.unconfirmedMessages += 1;
        this.unconfirmedBytes += bytes;
        if (this.unconfirmedMessages >= CONFIRM_EVERY_MESSAGES || this.unconfirmedBytes >= CONFIRM_EVERY_BYTES) {
            this.unconfirmedMessages = 0;
            this.unconfirmedBytes = 0;
            this.wire.received(this.count);
        }
    }

    /** The other end has `count` messages. Counts that cannot be are ignored: they come from outside. */
    confirm(count: number): void {
        const done = count - this.confirmed;
        if (Number.isSafeInteger(count) && done > 0 && done <= this.kept.length) {
            this.keptBytes -= this.kept.splice(0, done).reduce((sum, data) => sum + data.byteLength, 0);
            this.confirmed = count;
        }
    }

    /** A new socket is there, and the other end has `count` messages: it gets the rest. */
    resume(count: number): void {
        this.confirm(count);
        if (!this.open) {
            this.open = true;
            this.kept.forEach(data => this.wire.message(data));
        }
    }

    pause(): void {
        this.open = false;
    }
}
