import { inject, injectable } from '@theia/core/shared/inversify';
import { CommonMenus, QuickInputService } from '@theia/core/lib/browser';
import {
    Command, CommandContribution, CommandRegistry, MenuContribution, MenuModelRegistry
} from '@theia/core/lib/common';
import { TerminalService } from '@theia/terminal/lib/browser/base/terminal-service';
import { WorkspaceCommands } from '@theia/workspace/lib/browser';
import { WorkspaceService as TheiasWorkspace } from '@theia/workspace/lib/browser/workspace-service';
import { SHOW_PERSISTENCE } from './persistence-item';

export const CLONE: Command = { id: 'coditect.clone', category: 'Git', label: 'Clone into This Workspace…' };

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
        const [root] = await this.workspace.roots;
        const terminal = await this.terminals.newTerminal({ title: 'Clone', cwd: root?.resource.toString() });
        await terminal.start();
        this.terminals.open(terminal, { mode: 'activate' });
        terminal.sendText(`git clone -- '${address.trim()}'\n`);
    }
}
