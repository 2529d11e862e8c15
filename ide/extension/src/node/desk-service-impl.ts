/* The desk, by the door: packed, since it is text that repeats itself, and written in the order in which it came. */

import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { inject, injectable } from '@theia/core/shared/inversify';
import { DeskKept, DeskRead, DeskService, MAX_DESK } from '../common/desk';
import { Door } from './door';
import { Environment } from './environment';

/** The store's bound. */
const MAX_PACKED = 64 * 1024;

const pack = promisify(deflateRaw);
const unpack = promisify(inflateRaw);

@injectable()
export class DeskServiceImpl implements DeskService {
    @inject(Environment)
    protected readonly environment!: Environment;

    protected last: Promise<unknown> = Promise.resolve();

    async read(): Promise<DeskRead> {
        if (this.environment.door === undefined) {
            return { not: 'none' };
        }
        try {
            const packed = await new Door(this.environment.door).desk();
            if (packed === undefined) {
                return { not: 'empty' };
            }
            const text = await unpack(Buffer.from(packed, 'base64'), { maxOutputLength: MAX_DESK });
            return { text: text.toString('utf8') };
        } catch (error) {
            console.warn(error);
            return { not: 'away' };
        }
    }

    keep(text: string): Promise<DeskKept> {
        const result = this.last.then(() => this.write(text));
        this.last = result;
        return result;
    }

    protected async write(text: string): Promise<DeskKept> {
        const bytes = Buffer.from(text, 'utf8');
        if (this.environment.door === undefined || bytes.length > MAX_DESK) {
            return 'large';
        }
        const packed = (await pack(bytes)).toString('base64');
        if (packed.length > MAX_PACKED) {
            return 'large';
        }
        try {
            await new Door(this.environment.door).keepDesk(packed);
            return 'kept';
        } catch (error) {
            console.warn(error);
            return 'away';
        }
    }
}
