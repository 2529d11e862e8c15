/*
 * Keeps the arrangement of the page over a reload. Theia stores it when the page goes away; a page in a frame has no size
 * any more by then, and every view would be stored as closed. So it is stored before: when somebody is about to leave, and
 * when the focus leaves the frame, after which it may be taken away without a word.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplication, FrontendApplicationContribution, StorageService, WidgetManager } from '@theia/core/lib/browser';
import { FrontendApplicationStateService } from '@theia/core/lib/browser/frontend-application-state';
import { ShellLayoutRestorer } from '@theia/core/lib/browser/shell/shell-layout-restorer';
import { ILogger } from '@theia/core/lib/common';

@injectable()
export class SizedLayoutRestorer extends ShellLayoutRestorer {
    constructor(
        @inject(WidgetManager) widgets: WidgetManager,
        @inject(ILogger) logger: ILogger,
        @inject(StorageService) storage: StorageService
    ) {
        super(widgets, logger, storage);
    }

    override storeLayout(app: FrontendApplication): void {
        const { offsetWidth, offsetHeight } = app.shell.node;
        if (offsetWidth > 0 && offsetHeight > 0) {
            super.storeLayout(app);
        }
    }
}

@injectable()
export class LayoutKeeper implements FrontendApplicationContribution {
    @inject(ShellLayoutRestorer)
    protected readonly restorer!: ShellLayoutRestorer;

    @inject(FrontendApplicationStateService)
    protected readonly states!: FrontendApplicationStateService;

    onStart(app: FrontendApplication): void {
        for (const event of ['beforeunload', 'blur']) {
            window.addEventListener(event, () => {
                if (this.states.state === 'ready') {
                    this.restorer.storeLayout(app);
                }
            });
        }
    }
}
