/*
 * Keeps the arrangement of the page: a moment after it changed, so that it survives whatever ends the page or the machine, and
 * when somebody is about to leave. Theia stores it when the page goes away; a page in a frame has no size any more by then, and
 * every view would be stored as closed. A page as narrow as a phone has no room for most of the desk, and leaves it as it is.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplication, FrontendApplicationContribution, StorageService, WidgetManager } from '@theia/core/lib/browser';
import { FrontendApplicationStateService } from '@theia/core/lib/browser/frontend-application-state';
import { ShellLayoutRestorer } from '@theia/core/lib/browser/shell/shell-layout-restorer';
import { ILogger } from '@theia/core/lib/common';

const SETTLED_MS = 700;
const NARROW = 600;

@injectable()
export class SizedLayoutRestorer extends ShellLayoutRestorer {
    constructor(
        @inject(WidgetManager) widgets: WidgetManager,
        @inject(ILogger) logger: ILogger,
        @inject(StorageService) storage: StorageService
    ) {
        super(widgets, logger, storage);
    }

    /** Without a word in the log: it happens with every tab. */
    override storeLayout(app: FrontendApplication): void {
        const { offsetWidth, offsetHeight } = app.shell.node;
        if (this.shouldStoreLayout && offsetWidth > NARROW && offsetHeight > 0) {
            try {
                this.storePerspectiveLayouts(app);
            } catch (error) {
                this.logger.error('The layout cannot be stored', error);
            }
        }
    }
}

@injectable()
export class LayoutKeeper implements FrontendApplicationContribution {
    @inject(ShellLayoutRestorer)
    protected readonly restorer!: ShellLayoutRestorer;

    @inject(FrontendApplicationStateService)
    protected readonly states!: FrontendApplicationStateService;

    protected timer: ReturnType<typeof setTimeout> | undefined;

    onStart(app: FrontendApplication): void {
        const store = (): void => {
            if (this.states.state === 'ready') {
                this.restorer.storeLayout(app);
            }
        };
        const soon = (): void => {
            clearTimeout(this.timer);
            this.timer = setTimeout(store, SETTLED_MS);
        };
        for (const event of ['beforeunload', 'blur']) {
            window.addEventListener(event, store);
        }
        const { shell } = app;
        for (const changed of [shell.onDidAddWidget, shell.onDidRemoveWidget, shell.onDidChangeCurrentWidget]) {
            changed(soon);
        }
        for (const event of ['pointerup', 'keyup']) { // panels, cursors, what is unfolded
            window.addEventListener(event, soon, { capture: true, passive: true });
        }
    }
}
