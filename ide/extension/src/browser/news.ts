/* Notifications of what the workspace's daemon has to say; see common/news.ts for what is said and when. */

import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution, OpenerService, open } from '@theia/core/lib/browser';
import { FrontendApplicationStateService } from '@theia/core/lib/browser/frontend-application-state';
import { CommandRegistry, MessageService, URI } from '@theia/core/lib/common';
import { News, NewsTeller } from '../common/news';
import { HeldBackChoice } from '../common/door';
import { WorkspaceService } from '../common/workspace-service';
import { SHOW_TERMINAL } from './commands';
import { Conflicts } from './conflicts';
import { Persistence } from './persistence';
import { SHOW_PERSISTENCE } from './persistence-item';

const CHOICES: Readonly<Record<string, HeldBackChoice>> = { 'Restore': 'restore', 'Delete': 'delete' };
const DETAILS = 'Details';
const SHOW = 'Show';

/** What makes room where there is none: a word for it, and a command. */
function remedies(text: string): ReadonlyMap<string, string> {
    if (/^Your storage is full/.test(text)) {
        return new Map([['Delete Sessions', 'coditect.sessions']]);
    }
    return /^This workspace.s disk is full/.test(text) ? new Map([['Open a Terminal', SHOW_TERMINAL.id]]) : new Map();
}

@injectable()
export class NewsContribution implements FrontendApplicationContribution {
    @inject(Persistence)
    protected readonly persistence!: Persistence;

    @inject(FrontendApplicationStateService)
    protected readonly states!: FrontendApplicationStateService;

    @inject(MessageService)
    protected readonly messages!: MessageService;

    @inject(WorkspaceService)
    protected readonly workspace!: WorkspaceService;

    @inject(CommandRegistry)
    protected readonly commands!: CommandRegistry;

    @inject(OpenerService)
    protected readonly opener!: OpenerService;

    @inject(Conflicts)
    protected readonly conflicts!: Conflicts;

    protected readonly teller = new NewsTeller();

    onStart(): void {
        void this.states.reachedState('ready').then(() => {
            this.persistence.onDidChange(() => this.look());
            this.look();
        });
    }

    protected look(): void {
        const { link, report } = this.persistence.knowledge;
        if (link === 'open' && report) {
            this.teller.take(report).forEach(news => void this.tell(news));
        }
    }

    protected async tell(news: News): Promise<void> {
        switch (news.kind) {
            case 'held-back':
                return this.askFor(await this.messages.warn(news.text, { timeout: 0 }, ...Object.keys(CHOICES), DETAILS));
            case 'failed':
                if (await this.messages.warn(news.text, { timeout: 0 }, SHOW) === SHOW) {
                    await open(this.opener, URI.fromFilePath(news.path)).catch(() => this.details());
                }
                return;
            case 'both':
                return this.conflicts.tell(news.text, news.path);
            case 'blocked':
                return this.helpWith(await this.messages.error(news.text, { timeout: 0 }, ...remedies(news.text).keys(), DETAILS), news.text);
            case 'happened':
                await this.messages.warn(news.text, { timeout: 0 });
        }
    }

    protected async askFor(answer: string | undefined): Promise<void> {
        const choice = answer === undefined ? undefined : CHOICES[answer];
        if (choice) {
            await this.workspace.choose(choice).catch(() =>
                this.messages.error('Your choice did not reach the workspace. The status bar offers it again.'));
        } else if (answer === DETAILS) {
            this.details();
        }
    }

    protected helpWith(answer: string | undefined, text: string): void {
        const command = answer === undefined ? undefined : remedies(text).get(answer);
        if (command !== undefined) {
            void this.commands.executeCommand(command);
        } else if (answer === DETAILS) {
            this.details();
        }
    }

    protected details(): void {
        void this.commands.executeCommand(SHOW_PERSISTENCE.id);
    }
}
