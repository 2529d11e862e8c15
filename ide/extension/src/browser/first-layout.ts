/*
 * How the page is arranged when it begins.
 *
 * 1. A session that is opened for the first time shows its files beside the welcome page. Once the shell stands: earlier,
 *    Theia moves the panel's edge several times, and on a busy machine the moves add up to two or three times the width.
 * 2. While the page is busy, what lies within a panel may miss the news of its size, and stays too narrow or too wide. So
 *    the browser is asked too: whoever has another size than before is told.
 *  3. On a page as narrow as a phone, the panel beside the editor is closed: there is room for one of them.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import { ApplicationShell, FrontendApplicationContribution, Widget } from '@theia/core/lib/browser';
import { FrontendApplicationStateService } from '@theia/core/lib/browser/frontend-application-state';
import { MessageLoop } from '@theia/core/shared/@lumino/messaging';

@injectable()
export class FirstLayout implements FrontendApplicationContribution {
    @inject(ApplicationShell)
    protected readonly shell!: ApplicationShell;

    @inject(FrontendApplicationStateService)
    protected readonly states!: FrontendApplicationStateService;

    protected readonly narrow = matchMedia('(max-width: 600px)');

    protected readonly widgets = new WeakMap<Element, Widget>();
    protected readonly observer = new ResizeObserver(entries => entries.forEach(({ target }) => this.tell(target)));

    onStart(): void {
        const { mainPanel, bottomPanel, leftPanelHandler, rightPanelHandler } = this.shell;
        for (const panel of [mainPanel, bottomPanel, leftPanelHandler.dockPanel, rightPanelHandler.dockPanel]) {
            this.watch(panel);
        }
        this.shell.onDidAddWidget(widget => this.watch(widget));
        this.narrow.addEventListener('change', () => this.makeRoom());
        void this.states.reachedState('ready').then(() => this.makeRoom());
    }

    initializeLayout(): void {
        void this.states.reachedState('ready').then(() => this.narrow.matches ? undefined : this.shell.revealWidget('explorer-view-container'));
    }

    protected makeRoom(): void {
        const { leftPanelHandler, rightPanelHandler } = this.shell;
        if (this.narrow.matches) {
            void leftPanelHandler.collapse();
            void rightPanelHandler.collapse();
        }
        rightPanelHandler.container.setHidden(this.narrow.matches);
    }

    protected watch(widget: Widget): void {
        const { node } = widget;
        this.widgets.set(node, widget);
        this.observer.observe(node);
        widget.disposed.connect(() => this.observer.unobserve(node));
    }

    protected tell(node: Element): void {
        const widget = this.widgets.get(node);
        if (widget?.isVisible) {
            MessageLoop.sendMessage(widget, Widget.ResizeMessage.UnknownSize);
        }
    }
}
