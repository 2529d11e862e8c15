import { inject, injectable } from '@theia/core/shared/inversify';
import { CommonMenus, QuickInputService } from '@theia/core/lib/browser';
import {
    Command, CommandContribution, CommandRegistry, MenuContribution, MenuModelRegistry
} from '@theia/core/lib/common';
import { TerminalService } from '@theia/terminal/lib/browser/base/terminal-service';
import { TerminalWidget } from '@theia/terminal/lib/browser/base/terminal-widget';
import { WorkspaceCommands } from '@theia/workspace/lib/browser';
import { WorkspaceService as TheiasWorkspace } from '@theia/workspace/lib/browser/workspace-service';
import { SHOW_PERSISTENCE } from './persistence-item';

export const CLONE: Command = { id: 'coditect.clone', category: 'Git', label: 'Clone into This Workspace…' };
export const SHOW_TERMINAL: Command = { id: 'coditect.terminal', category: 'Terminal', label: 'Show Terminal' };

/** What git takes and a shell reads as one word when it is quoted. */
function problemWith(address: string): string | undefined {
    const good = /^(https?:\/\/|ssh:\/\/|git:\/\/|[\w.-]+@[\w.-]+:)[^\s'"\\`$;|&<>]+$/.test(address.trim());
    return good ? undefined : 'An address such as https://example.com/project.git';
}

@injectable()
export class Commands implements CommandContribution, MenuContribution {
    @inject(QuickInputService)
    protected readonly quickInput!: QuickInputService;

    @inject(TerminalService)
    protected readonly terminals!: TerminalService;

    @inject(TheiasWorkspace)
    protected readonly workspace!: TheiasWorkspace;

    registerCommands(commands: CommandRegistry): void {
        commands.registerCommand(CLONE, { execute: () => this.clone() });
        commands.registerCommand(SHOW_TERMINAL, { execute: () => this.showTerminal() });
    }

    /** One session is one folder: what opens another one leads out of what is persisted. */
    registerMenus(menus: MenuModelRegistry): void {
        for (const { id } of [
            WorkspaceCommands.OPEN, WorkspaceCommands.OPEN_FOLDER, WorkspaceCommands.OPEN_WORKSPACE,
            WorkspaceCommands.OPEN_RECENT_WORKSPACE, WorkspaceCommands.ADD_FOLDER, WorkspaceCommands.SAVE_WORKSPACE_AS,
            WorkspaceCommands.CLOSE
        ]) {
            menus.unregisterMenuAction(id);
        }
        menus.registerMenuAction(CommonMenus.HELP, { commandId: SHOW_PERSISTENCE.id, label: 'What Is Persisted', order: 'a20' });
    }

    /** The terminal used last, or the first one. */
    protected async showTerminal(): Promise<void> {
        const [some] = this.terminals.all;
        const terminal = this.terminals.lastUsedTerminal ?? some ?? await this.newTerminal('bash');
        this.terminals.open(terminal, { mode: 'activate' });
    }

    protected async newTerminal(title: string): Promise<TerminalWidget> {
        const [root] = await this.workspace.roots;
        const terminal = await this.terminals.newTerminal({ title, cwd: root?.resource.toString() });
        await terminal.start();
        return terminal;
    }

    protected async clone(): Promise<void> {
        const address = await this.quickInput.input({
            title: 'Clone a repository',
            placeHolder: 'https://…',
            prompt: 'It is cloned by git in a terminal, into a new folder of this workspace.',
            ignoreFocusLost: true,
            validateInput: async value => (value === '' ? undefined : problemWith(value))
        });
        if (!address || problemWith(address)) {
            return;
        }
        const terminal = await this.newTerminal('Clone');
        this.terminals.open(terminal, { mode: 'activate' });
        terminal.sendText(`git clone -- '${address.trim()}'\n`);
    }
}
