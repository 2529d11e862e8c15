/* A version of a file as something that an editor can show: `coditect-past:/workspace/a.txt?version=12`, never to be changed. */

import { inject, injectable } from '@theia/core/shared/inversify';
import { DiffUris } from '@theia/core/lib/browser';
import { URI } from '@theia/core/lib/common';
import { Resource, ResourceError, ResourceResolver } from '@theia/core/lib/common/resource';
import { Past, PastService, whyNot } from '../common/past';

const SCHEME = 'coditect-past';
const MOST_AT_HAND = 20;

export interface PastFile {
    /** On the disk. */
    readonly path: string;
    readonly version: number;
    /** Milliseconds since 1970. */
    readonly at: number;
}

export function addressOf({ path, version, at }: PastFile): URI {
    return new URI().withScheme(SCHEME).withPath(path).withQuery(`version=${version}&at=${at}`);
}

function numberIn(query: string, name: string): number {
    return Number(new URLSearchParams(query).get(name) ?? Number.NaN);
}

export function pastFileOf(uri: URI | undefined): PastFile | undefined {
    if (uri && DiffUris.isDiffUri(uri)) {
        const [left] = DiffUris.decode(uri);
        return pastFileOf(left);
    }
    return uri?.scheme === SCHEME
        ? { path: uri.path.toString(), version: numberIn(uri.query, 'version'), at: numberIn(uri.query, 'at') }
        : undefined;
}

class PastResource implements Resource {
    readonly readOnly = true;
    readonly autosaveable = false;

    constructor(readonly uri: URI, protected readonly read: () => Promise<Past<string>>) {}

    async readContents(): Promise<string> {
        const text = await this.read();
        if ('found' in text) {
            return text.found;
        }
        throw ResourceError.NotFound({ message: whyNot(text.not), data: { uri: this.uri } }); // never emptiness in its place
    }

    dispose(): void {
        // holds nothing
    }
}

@injectable()
export class PastFiles implements ResourceResolver {
    @inject(PastService)
    protected readonly past!: PastService;

    /** A version never changes, so what was read once is asked for no more. */
    protected readonly atHand = new Map<string, string>();

    resolve(uri: URI): Resource {
        const file = pastFileOf(uri);
        if (uri.scheme !== SCHEME || !file) {
            throw new Error(`not the past: ${uri.toString()}`); // Theia asks the next resolver
        }
        return new PastResource(uri, () => this.text(file));
    }

    async text(file: PastFile): Promise<Past<string>> {
        const key = addressOf(file).toString();
        const known = this.atHand.get(key);
        if (known !== undefined) {
            return { found: known };
        }
        const text = await this.past.text(file.path, file.version);
        if ('found' in text) {
            this.atHand.set(key, text.found);
            const [oldest] = this.atHand.keys();
            if (this.atHand.size > MOST_AT_HAND && oldest !== undefined) {
                this.atHand.delete(oldest);
            }
        }
        return text;
    }
}
