/* The status bar's word on persistence, and its details on a click. */

import { inject, injectable } from '@theia/core/shared/inversify';
import {
    FrontendApplicationContribution, QuickInputService, QuickPickItem, QuickPickItemOrSeparator, StatusBar, StatusBarAlignment, codicon
} from '@theia/core/lib/browser';
import { ApplicationConnectionStatusContribution } from '@theia/core/lib/browser/connection-status-service';
import { Command, CommandContribution, CommandRegistry, MessageService, URI } from '@theia/core/lib/common';
import { DoorStatus, HeldBackChoice } from '../common/door';
import { failureOf } from '../common/not-kept';
import { Knowledge, NotSaved, Words, wordsFor } from '../common/persistence-text';
import { WorkspaceService } from '../common/workspace-service';
import { Conflicts } from './conflicts';
import { Persistence } from './persistence';
import { PlatformFrame } from './platform-frame';
import { UnsavedText } from './unsaved-text';

export const SHOW_PERSISTENCE: Command = { id: 'coditect.persistence', category: 'Coditect', label: 'Show What Is Persisted' };

const ITEM_ID = 'coditect-persistence';

@injectable()
export class PersistenceItem implements FrontendApplicationContribution, CommandContribution {
    @inject(StatusBar)
    protected readonly bar!: StatusBar;

    @inject(Persistence)
    protected readonly persistence!: Persistence;

    @inject(QuickInputService)
    protected readonly quickInput!: QuickInputService;

    @inject(PlatformFrame)
    protected readonly platform!: PlatformFrame;

    @inject(WorkspaceService)
    protected readonly workspace!: WorkspaceService;

    @inject(MessageService)
    protected readonly messages!: MessageService;

    @inject(Conflicts)
    protected readonly conflicts!: Conflicts;

    @inject(UnsavedText)
    protected readonly unsaved!: UnsavedText;

    protected shown = '';

    onStart(): void {
        this.persistence.onDidChange(() => this.show());
        this.show();
    }

    onDidInitializeLayout(): void {
        void this.platform.connect().then(() => this.tell(wordsFor(this.persistence.knowledge)));
    }

    registerCommands(commands: CommandRegistry): void {
        commands.registerCommand(SHOW_PERSISTENCE, { execute: () => this.showDetails() });
    }

    protected show(): void {
        const words = wordsFor(this.persistence.knowledge);
        const now = JSON.stringify(words);
        if (now !== this.shown) {
            this.shown = now;
            this.tell(words);
            // Not awaited: it waits for a later state of the start than the one this runs in.
            void this.bar.setElement(ITEM_ID, {
                name: 'Persistence',
                text: `$(${words.icon}) ${words.text}`,
                tooltip: words.detail,
                className: `coditect-persistence coditect-${words.mood}`,
                alignment: StatusBarAlignment.LEFT,
                priority: 10_000,
                command: SHOW_PERSISTENCE.id,
                accessibilityInformation: { label: words.text }
            });
        }
    }

    /** The page around this IDE says the same as the status bar, at the same time. */
    protected tell({ mood, text, detail }: Words): void {
        this.platform.send({ type: 'coditect.persistence', mood, text, detail });
    }

    protected async showDetails(): Promise<void> {
        const { knowledge } = this.persistence;
        const words = wordsFor(knowledge);
        const status = knowledge.link === 'open' && knowledge.report?.kind === 'status' ? knowledge.report.status : undefined;
        const choices = status && status.heldBack > 0 ? CHOICES : [];
        const kept = knowledge.kept.map(keptItem);
        const picked = await this.quickInput.showQuickPick(
            [...headline(words), ...choices, ...knowledge.notSaved.map(notSavedItem), ...kept, ...(status ? details(status, knowledge) : [])],
            { title: 'Persistence', placeholder: words.text, canSelectMany: false }
        );
        const choice = choices.find(one => one === picked);
        const both = knowledge.notSaved.find(({ path, choice: open }) => open && picked?.label === path);
        if (both) {
            await this.conflicts.askInList(URI.fromFilePath(both.path));
        } else if (picked && kept.includes(picked)) {
            await this.unsaved.openAt(picked.label);
        } else if (choice) {
            await this.workspace.choose(choice.choice).catch(() =>
                this.messages.error('Your choice did not reach the workspace. Please try again.'));
        }
    }
}

/** Nothing of the past is lost by either: deleted files stay in the history. */
const CHOICES: (QuickPickItem & { readonly choice: HeldBackChoice })[] = [
    { choice: 'restore', label: 'Restore the missing files', description: 'from the store', iconClasses: icon('discard') },
    { choice: 'delete', label: 'Delete them in the store too', description: 'their history stays', iconClasses: icon('trash') }
];

function headline(words: Words): QuickPickItemOrSeparator[] {
    return [{ label: words.text, detail: words.detail, iconClasses: icon(words.icon) }];
}

function notSavedItem({ path, why, choice }: NotSaved): QuickPickItem {
    return { label: path, description: choice ? 'Choose which of the two stays' : 'not saved', detail: why, iconClasses: icon('error') };
}

function keptItem(path: string): QuickPickItem {
    return { label: path, description: 'Open what was typed as a new file', detail: 'It waits for this file, and is not saved yet.', iconClasses: icon('circle-filled') };
}

function icon(name: string): string[] {
    return codicon(name.replace('~spin', '')).split(' ');
}

function details(status: DoorStatus, { unconfirmed, typed, untitled }: Knowledge): QuickPickItemOrSeparator[] {
    const n = (value: number): string => value.toLocaleString('en');
    const items: QuickPickItemOrSeparator[] = [
        { label: `${n(status.pending)} waiting to be stored`, description: 'changes in the workspace', iconClasses: icon('cloud-upload') },
        ...(status.quiet > 0 ? [{ label: `${n(status.quiet)} quiet`, description: 'not stored as they are, until they are still', iconClasses: icon('watch') }] : []),
        { label: `${n(unconfirmed)} in editors`, description: 'typed or saved, not confirmed yet', iconClasses: icon('edit') },
        ...(typed + untitled > 0 ? [{ label: `${n(typed + untitled)} not saved`, description: 'only in their editors', iconClasses: icon('circle-filled') }] : []),
        { label: `Change ${n(status.seq)}`, description: 'everything up to it is in the store', iconClasses: icon('history') },
        ...status.failed.map(({ path, why }) => ({ label: path, description: failureOf(why), iconClasses: icon('warning') })),
        { type: 'separator', label: 'Not kept' }
    ];
    const failed = new Set(status.failed.map(({ path }) => path));
    const notKept = status.notKept.filter(path => !failed.has(path));
    if (notKept.length === 0) {
        return [...items, { label: 'Nothing is left out', iconClasses: icon('check') }];
    }
    return [...items, ...notKept.map(path => ({
        label: path,
        description: 'stays on this workspace’s disk only',
        iconClasses: icon('circle-slash')
    }))];
}

/** Theia's own "Offline" item would say the same in a word that has another meaning here. */
@injectable()
export class QuietConnectionStatus extends ApplicationConnectionStatusContribution {
    protected override handleOffline(): void {
        document.body.classList.add('theia-mod-offline');
        this.toDisposeOnOnline.push({ dispose: () => document.body.classList.remove('theia-mod-offline') });
    }
}
