/*
 * The Timeline view with our versions of the open file.
 *
 * 1. All sources in one list, newest first: Theia shows the source that answered last, and with a git repository there are two.
 * 2. An answer to a question that is not the latest any more is dropped: whoever goes from file to file quickly sees the last one's.
 * 3. Nothing is asked while nobody looks; after a save the list is asked for anew.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import { URI as CodeUri } from '@theia/core/shared/vscode-uri';
import { FrontendApplicationContribution, ViewContainerPart } from '@theia/core/lib/browser';
import { Emitter, URI } from '@theia/core/lib/common';
import { TimelineService } from '@theia/timeline/lib/browser/timeline-service';
import { LOAD_MORE_COMMAND } from '@theia/timeline/lib/browser/timeline-tree-model';
import { TimelineTreeWidget } from '@theia/timeline/lib/browser/timeline-tree-widget';
import { TimelineWidget } from '@theia/timeline/lib/browser/timeline-widget';
import { Timeline, TimelineChangeEvent, TimelineItem, TimelineOptions, TimelineProvider } from '@theia/timeline/lib/common/timeline-model';
import { PastService, Version, WhyNot, authorOf, opOf, sizeOf, timeOf, whyNot } from '../common/past';
import { addressOf } from './past-files';
import { Persistence } from './persistence';

export const COMPARE_ID = 'coditect.past.compare';
export const VERSION_CONTEXT = 'coditect-version';

const ID = 'coditect';
const SETTLED_MS = 300;
const ICONS: Readonly<Record<Version['op'], string>> = { write: 'save', delete: 'trash', move: 'arrow-right', restore: 'discard' };

function itemOf(path: string, version: Version): TimelineItem {
    const file = addressOf({ path, ...version }).toString();
    const said = `${opOf(version)} ${authorOf(version)}`;
    const description = version.op === 'write' ? `${sizeOf(version)} · ${authorOf(version)}` : said;
    const exact = new Date(version.at).toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'medium' });
    return {
        source: ID, uri: file, id: file, handle: file,
        timestamp: version.at,
        label: timeOf(version, Date.now()),
        description,
        icon: ICONS[version.op],
        tooltip: `${said}, ${exact}, ${sizeOf(version)}`,
        ...(version.kind === 'dir' ? {} : { command: { id: COMPARE_ID, arguments: [file] }, contextValue: VERSION_CONTEXT }),
        accessibilityInformation: { label: `${exact}: ${said}, ${sizeOf(version)}` }
    };
}

/** A sentence in the list's place. */
function sentence(path: string, why: WhyNot): Timeline {
    return { source: ID, items: [{
        source: ID, uri: path, id: `${path} ${why}`, handle: '', timestamp: Date.now(), label: whyNot(why),
        icon: why === 'away' ? 'warning' : 'info', tooltip: whyNot(why)
    }] };
}

@injectable()
export class PastTimeline implements TimelineProvider, FrontendApplicationContribution {
    readonly id = ID;
    readonly label = 'Versions';
    readonly scheme = 'file';

    @inject(TimelineService)
    protected readonly timelines!: TimelineService;

    @inject(PastService)
    protected readonly past!: PastService;

    @inject(Persistence)
    protected readonly persistence!: Persistence;

    protected readonly changed = new Emitter<TimelineChangeEvent>();
    readonly onDidChange = this.changed.event;

    protected seq = -1;
    protected timer: ReturnType<typeof setTimeout> | undefined;

    onStart(): void {
        this.timelines.registerTimelineProvider(this);
        this.persistence.onDidChange(({ report }) => {
            const seq = report?.kind === 'status' ? report.status.seq : this.seq;
            if (seq !== this.seq) {
                this.seq = seq;
                clearTimeout(this.timer);
                this.timer = setTimeout(() => this.refresh(), SETTLED_MS);
            }
        });
    }

    refresh(): void {
        this.changed.fire({ id: ID, uri: undefined, reset: true });
    }

    async provideTimeline(uri: CodeUri, { cursor = '' }: TimelineOptions): Promise<Timeline | undefined> {
        if (uri.scheme !== 'file') {
            return undefined;
        }
        const page = await this.past.versions(uri.path, cursor).catch((): { not: WhyNot } => ({ not: 'away' }));
        if ('not' in page) {
            return sentence(uri.path, page.not);
        }
        const { versions, next } = page.found;
        return {
            source: ID,
            items: versions.map(version => itemOf(uri.path, version)),
            paging: next === '' ? undefined : { cursor: next }
        };
    }

    dispose(): void {
        clearTimeout(this.timer);
    }
}

/** Room for some versions when the view is unfolded for the first time. */
const UNFOLDED_PX = 300;

const MORE: TimelineItem = {
    source: ID, uri: '', id: 'more', handle: '', timestamp: 0, label: 'Load more', icon: 'ellipsis', command: LOAD_MORE_COMMAND
};

interface Source {
    readonly items: TimelineItem[];
    readonly cursor: string | undefined;
}

@injectable()
export class WholeTimeline extends TimelineWidget {
    protected readonly sources = new Map<string, Source>();
    protected asked = 0;

    override async loadTimeline(uri: URI, reset: boolean): Promise<void> {
        if (!this.isVisible) {
            return;
        }
        this.asked += 1;
        const question = this.asked;
        const ids = this.timelineService.getSources().map(({ id }) => id);
        const code = CodeUri.parse(uri.toString());
        await Promise.all(ids.map(async id => {
            const known = reset ? undefined : this.sources.get(id);
            if (known && known.cursor === undefined) {
                return;
            }
            const page = await this.timelineService.getTimeline(id, code, { cursor: known?.cursor, limit: TimelineTreeWidget.PAGE_SIZE },
                { cacheResults: true, resetCache: reset }).catch(() => undefined);
            if (question === this.asked) {
                this.sources.set(id, { items: [...known?.items ?? [], ...page?.items ?? []], cursor: page?.paging?.cursor });
                this.showAll();
            }
        }));
    }

    protected showAll(): void {
        const all = [...this.sources.values()];
        const items = all.flatMap(source => source.items).sort((a, b) => b.timestamp - a.timestamp);
        const more = all.some(({ cursor }) => cursor !== undefined) ? [MORE] : [];
        this.resourceWidget.model.updateTree([...items, ...more], /* hasMoreItems= */ false); // its own row is selected, and scrolled to
    }

    protected override onAfterAttach(...message: Parameters<TimelineWidget['onAfterAttach']>): void {
        super.onAfterAttach(...message);
        for (let above = this.parent; above; above = above.parent) {
            if (above instanceof ViewContainerPart) {
                above.uncollapsedSize ??= UNFOLDED_PX;
            }
        }
    }

    protected override onAfterShow(...message: Parameters<TimelineWidget['onAfterShow']>): void {
        super.onAfterShow(...message);
        this.refresh();
    }
}
