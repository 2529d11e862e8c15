import { inject, injectable } from '@theia/core/shared/inversify';
import { ApplicationShell, FrontendApplicationContribution } from '@theia/core/lib/browser';

/** A session that is opened for the first time shows its files beside the welcome page. */
@injectable()
export class FirstLayout implements FrontendApplicationContribution {
    @inject(ApplicationShell)
    protected readonly shell!: ApplicationShell;

    protected first = false;

    initializeLayout(): void {
        this.first = true;
    }

    async onDidInitializeLayout(): Promise<void> {
        if (this.first) {
            await this.shell.revealWidget('explorer-view-container');
        }
    }
}
