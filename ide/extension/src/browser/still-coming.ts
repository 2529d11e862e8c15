/*
 * While the disk is filled from the store, a search finds less than there is, and git calls what is not there yet deleted. Neither is
 * to look like the truth: the views say so, by their style (style/index.css), and terminals on their tabs (terminal-status.ts).
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
