/* Answers the frontends' questions about the past of files, by the door's word; a path of the disk is brought to the root it lies in. */

import { inject, injectable } from '@theia/core/shared/inversify';
import { Gone, GoneCursor, GonePage, Past, PastService, Versions } from '../common/past';
import { Door } from './door';
import { Environment, Place } from './environment';

@injectable()
export class PastServiceImpl implements PastService {
    @inject(Environment)
    protected readonly environment!: Environment;

    versions(path: string, cursor: string): Promise<Past<Versions>> {
        return this.of(path, (door, place) => door.versions(place.path, place.root, cursor));
    }

    text(path: string, version: number): Promise<Past<string>> {
        return this.of(path, (door, place) => door.versionText(place.path, place.root, version));
    }

    gone(cursor: GoneCursor): Promise<Past<GonePage>> {
        const wanted = [...this.environment.roots].filter(([root]) => root in cursor);
        return this.asked(async door => {
            const gone: Gone[] = [];
            const next: Record<string, number> = {};
            for (const [root, folder] of wanted) {
                const page = await door.gone(root, folder, cursor[root] ?? 0);
                if ('not' in page) {
                    return page;
                }
                gone.push(...page.found.gone);
                if (page.found.next > 0) {
                    next[root] = page.found.next;
                }
            }
            return { found: { gone: gone.sort((a, b) => b.at - a.at), next } };
        });
    }

    restore(path: string, version: number): Promise<Past<number>> {
        return this.of(path, (door, place) => door.restore(place.path, place.root, version));
    }

    protected async of<T>(path: string, ask: (door: Door, place: Place) => Promise<Past<T>>): Promise<Past<T>> {
        const place = this.environment.placeOf(path);
        return place ? this.asked(door => ask(door, place)) : { not: 'elsewhere' };
    }

    protected async asked<T>(ask: (door: Door) => Promise<Past<T>>): Promise<Past<T>> {
        if (this.environment.door === undefined) {
            return { not: 'none' };
        }
        try {
            return await ask(new Door(this.environment.door));
        } catch (error) {
            console.warn(error);
            return { not: 'away' };
        }
    }
}
