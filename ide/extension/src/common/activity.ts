/* When to say that somebody is there: at most once in a while, and nothing for a page that nobody sees. */

/** `input`: keys or pointer were used; `visible`: the page is before somebody's eyes. */
export const ACTIVITY_KINDS = ['input', 'visible'] as const;
export type ActivityKind = (typeof ACTIVITY_KINDS)[number];

const TELL_EVERY_MS = 30_000;

/** Times are those of one clock that never goes back. */
export class ActivityTeller {
    protected toldAt = -Infinity;
    protected touched = false;
    protected shown = true;

    constructor(protected readonly tell: (kind: ActivityKind) => void) {}

    touch(now: number): void {
        this.touched = true;
        this.turn(now, true);
    }

    /** An IDE that the page around keeps behind others is before nobody's eyes, whatever the browser says. */
    show(shown: boolean): void {
        this.shown = shown;
    }

    /** To be called every few seconds, and when the page comes to sight. */
    turn(now: number, visible: boolean): void {
        if (now - this.toldAt < TELL_EVERY_MS || !((visible && this.shown) || this.touched)) {
            return;
        }
        const kind = this.touched ? 'input' : 'visible';
        this.toldAt = now;
        this.touched = false;
        this.tell(kind);
    }
}
