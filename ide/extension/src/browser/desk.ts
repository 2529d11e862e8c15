/*
 * Theia's storage for the page's arrangement, kept by the store.
 *
 * 1. Read once, before the page is arranged; written a moment after each change, one write at a time, until it is in the store.
 * 2. What could not be read is not written over: the page then works with what this browser knows, and the next one asks again.
 * 3. What is too large for the desk stays in this browser, the layout last.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import { LocalStorageService } from '@theia/core/lib/browser/storage-service';
import { timeout } from '@theia/core/lib/common/promise-util';
import { DeskRead, DeskService, fromDesk, toDesk } from '../common/desk';

const READ_BY_MS = 5_000;
const SETTLED_MS = 500;
const BETWEEN_MS = 5_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
/** A key that is larger is no arrangement. */
const MAX_VALUE = 256 * 1024;
/** What a browser sends of a page that goes away. */
const MAX_LAST_WORD = 60_000;
/** Behind the workspace's address, when the page knows it. */
const LAYOUT_KEY = /(^|:)(layout|perspective-layouts)$/;

@injectable()
export class Desk extends LocalStorageService {
    @inject(DeskService)
    protected readonly service!: DeskService;

    protected content = new Map<string, string>();
    protected opening: Promise<void> | undefined;
    /** The store's own was read: from then on it may be written. */
    protected known = false;
    protected kept = '';
    protected keeping = false;

    protected override init(): void {
        super.init();
        window.addEventListener('pagehide', () => this.lastWord());
    }

    override async getData<T>(key: string, defaultValue?: T): Promise<T | undefined> {
        await this.open();
        const value = this.content.get(key);
        return value === undefined ? super.getData(key, defaultValue) : JSON.parse(value);
    }

    override async setData<T>(key: string, data?: T): Promise<void> {
        await super.setData(key, data); // for this browser, should the store be away when the page is loaded next
        const value = data === undefined ? undefined : JSON.stringify(data);
        if (value === undefined || value.length > MAX_VALUE) {
            this.content.delete(key);
        } else {
            this.content.set(key, value);
        }
        void this.keep();
    }

    protected open(): Promise<void> {
        this.opening ??= Promise.race([this.service.read(), timeout(READ_BY_MS)])
            .catch(() => undefined)
            .then((read: DeskRead | void) => {
                const found = read && 'text' in read ? toDesk(read.text) : new Map<string, string>();
                this.known = read !== undefined && ('text' in read || read.not === 'empty');
                this.content = new Map([...found, ...this.content]); // what was set meanwhile is newer
                this.kept = fromDesk(found);
            });
        return this.opening;
    }

    protected async keep(): Promise<void> {
        if (this.keeping) {
            return;
        }
        this.keeping = true;
        await this.open();
        let pause = FIRST_RETRY_MS;
        await timeout(SETTLED_MS);
        while (this.known && fromDesk(this.content) !== this.kept) {
            const text = fromDesk(this.content);
            const result = await this.service.keep(text).catch(() => 'away');
            if (result === 'kept') {
                this.kept = text;
                pause = FIRST_RETRY_MS;
            } else if (result === 'large' && !this.shrink()) {
                break;
            }
            await timeout(result === 'away' ? pause : BETWEEN_MS);
            pause = result === 'away' ? Math.min(2 * pause, LAST_RETRY_MS) : pause;
        }
        this.keeping = false;
    }

    /** Takes the largest away that is no layout. */
    protected shrink(): boolean {
        const [largest] = [...this.content].filter(([key]) => !LAYOUT_KEY.test(key)).sort(([, a], [, b]) => b.length - a.length);
        if (largest) {
            this.content.delete(largest[0]);
        } else {
            console.warn('The arrangement of this page is too large to be kept; this browser alone remembers it.');
        }
        return largest !== undefined;
    }

    /** A call on the socket would be lost when the socket ends with the page; a beacon is not. */
    protected lastWord(): void {
        const text = fromDesk(this.content);
        if (this.known && text !== this.kept && text.length < MAX_LAST_WORD) {
            navigator.sendBeacon(`${location.pathname.replace(/\/*$/, '/')}coditect/desk`, text);
        }
    }
}
