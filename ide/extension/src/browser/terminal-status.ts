/*
 * What is written in a terminal may not be storable at present, and what its commands look for may still be on its way from the store:
 * then its tab says so, and why. The rest stands in the status bar.
 */
import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution, Title, Widget } from '@theia/core/lib/browser';
import { TabBarDecorator } from '@theia/core/lib/browser/shell/tab-bar-decorator';
import { WidgetDecoration } from '@theia/core/lib/browser/widget-decoration';
import { Emitter } from '@theia/core/lib/common';
import { TerminalWidget } from '@theia/terminal/lib/browser/base/terminal-widget';
import { isFilling, whyNothingIsStored } from '../common/persistence-text';
import { Persistence } from './persistence';

interface Said {
    readonly data: string;
    readonly tooltip: string;
}

const FILLING: Said = { data: 'files are coming', tooltip: 'Files are still coming from the store: a command finds less than there is.' };

const tooltipsOf = (said: readonly Said[]): string => said.map(({ tooltip }) => tooltip).join('\n');

@injectable()
export class TerminalStatus implements TabBarDecorator, FrontendApplicationContribution {
    readonly id = 'coditect-terminal-status';

    @inject(Persistence)
    protected readonly persistence!: Persistence;

    protected readonly changed = new Emitter<void>();
    readonly onDidChangeDecorations = this.changed.event;

    protected said: readonly Said[] = [];

    onStart(): void {
        this.persistence.onDidChange(known => {
            const why = whyNothingIsStored(known)?.detail;
            const said = [
                ...(why !== undefined ? [{ data: 'not stored', tooltip: why }] : []),
                ...(isFilling(known) ? [FILLING] : [])
            ];
            if (tooltipsOf(said) !== tooltipsOf(this.said)) {
                this.said = said;
                this.changed.fire();
            }
        });
    }

    decorate({ owner }: Title<Widget>): WidgetDecoration.Data[] {
        return this.said.length > 0 && owner instanceof TerminalWidget ? [{ tailDecorations: [...this.said] }] : [];
    }
}
