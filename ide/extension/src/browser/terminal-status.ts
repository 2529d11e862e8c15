/* What is written in a terminal may not be storable at present: then its tab says so, and why. The rest stands in the status bar. */
import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution, Title, Widget } from '@theia/core/lib/browser';
import { TabBarDecorator } from '@theia/core/lib/browser/shell/tab-bar-decorator';
import { WidgetDecoration } from '@theia/core/lib/browser/widget-decoration';
import { Emitter } from '@theia/core/lib/common';
import { TerminalWidget } from '@theia/terminal/lib/browser/base/terminal-widget';
import { Words, whyNothingIsStored } from '../common/persistence-text';
import { Persistence } from './persistence';

@injectable()
export class TerminalStatus implements TabBarDecorator, FrontendApplicationContribution {
    readonly id = 'coditect-terminal-status';

    @inject(Persistence)
    protected readonly persistence!: Persistence;

    protected readonly changed = new Emitter<void>();
    readonly onDidChangeDecorations = this.changed.event;

    protected why: Words | undefined;

    onStart(): void {
        this.persistence.onDidChange(known => {
            const why = whyNothingIsStored(known);
            if (why?.detail !== this.why?.detail) {
                this.why = why;
                this.changed.fire();
            }
        });
    }

    decorate({ owner }: Title<Widget>): WidgetDecoration.Data[] {
        return this.why && owner instanceof TerminalWidget
            ? [{ tailDecorations: [{ data: 'not stored', tooltip: this.why.detail }] }]
            : [];
    }
}
