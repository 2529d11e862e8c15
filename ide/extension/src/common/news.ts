/*
 * What of a report is worth a notification: each thing once, when it is new. The status bar says what is; this says what has
 * happened and wants to be known, or wants a word. Pure, so that every case can be tested.
 */

import { NotKept, Notice } from './door';
import { failureOf } from './not-kept';
import { DoorReport } from './workspace-service';

export type News =
    /** Deletions wait for a choice. */
    | { readonly kind: 'held-back'; readonly text: string }
    /** A file is not in the store and will not be by itself. */
    | { readonly kind: 'failed'; readonly text: string; readonly path: string }
    /** Nothing can be stored at present, for a reason that somebody can do something about. */
    | { readonly kind: 'blocked'; readonly text: string }
    /** A file was changed here and elsewhere; both are stored. */
    | { readonly kind: 'both'; readonly text: string; readonly path: string }
    /** Something happened in the workspace, for example that a program was ended. */
    | { readonly kind: 'happened'; readonly text: string };

const MOST_AT_ONCE = 3;

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export class NewsTeller {
    protected failed = new Set<string>();
    protected heldBack = false;
    protected blocked = '';
    protected noticed = new Set<string>();
    protected moreNoticed = 0;

    take(report: DoorReport): News[] {
        if (report.kind !== 'status') {
            return [];
        }
        const { failed, heldBack, state, message, notice, notices, moreNotices } = report.status;
        return [...this.takeHeldBack(heldBack), ...this.takeFailed(failed),
            ...this.takeBlocked(state === 'offline' && message !== notice?.text ? message : undefined),
            ...this.takeNotices(notices), ...this.takeMore(moreNotices)];
    }

    protected takeHeldBack(count: number): News[] {
        const isNew = count > 0 && !this.heldBack;
        this.heldBack = count > 0;
        return isNew ? [{
            kind: 'held-back',
            text: `${count.toLocaleString('en')} files are missing, and nobody was seen deleting them. ` +
                'They are still in the store: restore them here, or delete them there too?'
        }] : [];
    }

    protected takeFailed(failed: readonly NotKept[]): News[] {
        const news = failed.filter(({ path }) => !this.failed.has(path));
        this.failed = new Set(failed.map(({ path }) => path));
        const shown = news.slice(0, MOST_AT_ONCE).map(({ path, why }): News =>
            ({ kind: 'failed', text: `${nameOf(path)} ${failureOf(why)}`, path }));
        const more = news.length - shown.length;
        const damaged = news.slice(MOST_AT_ONCE).every(({ why }) => why === 'damaged');
        return more > 0
            ? [...shown, { kind: 'happened', text: `${more} more could not be ${damaged ? 'restored' : 'stored'}. A click on the status bar names them.` }]
            : shown;
    }

    protected takeBlocked(message: string | undefined): News[] {
        const isNew = message !== undefined && message !== this.blocked;
        this.blocked = message ?? '';
        return isNew ? [{ kind: 'blocked', text: message }] : [];
    }

    protected takeNotices(notices: readonly Notice[]): News[] {
        const keyOf = ({ number, text }: Notice): string => `${number} ${text}`;
        const news = notices.filter(notice => !this.noticed.has(keyOf(notice)));
        this.noticed = notices.length > 0 ? new Set(notices.map(keyOf)) : this.noticed;
        return news.map(({ text, path }): News => path === undefined ? { kind: 'happened', text } : { kind: 'both', text, path });
    }

    protected takeMore(count: number): News[] {
        const isNew = count > this.moreNoticed;
        this.moreNoticed = count;
        return isNew ? [{
            kind: 'happened',
            text: `${count.toLocaleString('en')} more such ${count === 1 ? 'notice' : 'notices'} came before these. ` +
                'What was changed elsewhere is in the history of each file.'
        }] : [];
    }
}
