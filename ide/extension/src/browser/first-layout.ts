import { inject, injectable } from '@theia/core/shared/inversify';
import { ApplicationShell, FrontendApplicationContribution } from '@theia/core/lib/browser';
import { FrontendApplicationStateService } from '@theia/core/lib/browser/frontend-application-state';

/**
 * A session that is opened for the first time shows its files beside the welcome page. Once the shell stands: before that
 * Theia moves the panel's edge more than once between two frames of a slow machine, and the moves add up.
 */
@injectable()
export class FirstLayout implements FrontendApplicationContribution {
    @inject(ApplicationShell)
    protected readonly shell!: ApplicationShell;

    @inject(FrontendApplicationStateService)
    protected readonly states!: FrontendApplicationStateService;

    async initializeLayout(): Promise<void> {
        void this.states.reachedState('ready').then(() => this.shell.revealWidget('explorer-view-container'));
    }
}
