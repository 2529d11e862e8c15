/*
 * While the disk is filled from the store, the explorer shows less than there is, a search finds less, and git calls what is not there yet deleted.
 * None is to look like the truth: the views say so, by their style (style/index.css), and terminals on their tabs (terminal-status.ts).
 */
import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution } from '@theia/core/lib/browser';
import { isFilling } from '../common/persistence-text';
import { Persistence } from './persistence';

@injectable()
export class StillComing implements FrontendApplicationContribution {
    @inject(Persistence)
    protected readonly persistence!: Persistence;

    onStart(): void {
        this.persistence.onDidChange(known => document.body.classList.toggle('coditect-filling', isFilling(known)));
    }
}
