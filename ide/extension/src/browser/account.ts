/*
 * The account's menu: who is logged in, and what the platform does for them. This page can do none of it: it belongs to one
 * session, and whatever runs there. So the platform's page around it is asked, and where there is none that does so, its pages
 * are opened in a tab of their own.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import {
    CommonMenus, FrontendApplication, FrontendApplicationContribution, KeybindingContribution, KeybindingRegistry, codicon
} from '@theia/core/lib/browser';
import { WindowService } from '@theia/core/lib/browser/window/window-service';
import {
    Command, CommandContribution, CommandRegistry, MenuContribution, MenuModelRegistry, MenuPath
} from '@theia/core/lib/common';
import { Person, PlatformAction } from '../common/frame-messages';
import { SessionInfo, WorkspaceService } from '../common/workspace-service';
import { PlatformFrame } from './platform-frame';

const MENU: MenuPath = ['coditect-account-menu'];
const WHO: Command = { id: 'coditect.who' };

interface Entry {
    readonly action: PlatformAction;
    readonly label: string;
    readonly group: string;
    /** Where it is done without a page that does it. */
    readonly page: (session: string) => string;
    /** For the keyboard while it is in this frame, where the platform's page hears no key. */
    readonly keys?: string;
}

const ACCOUNT: Entry = { action: 'account', label: 'Account and Settings', group: '1_account', page: () => 'settings' };
const ENTRIES: readonly Entry[] = [
    ACCOUNT,
    { action: 'palette', label: 'Switch Session…', group: '1_account', page: () => 'sessions', keys: 'ctrlcmd+alt+k' },
    { action: 'sessions', label: 'All Sessions', group: '1_account', page: () => 'sessions' },
    { action: 'history', label: 'History of This Session', group: '2_session', page: session => `sessions/${session}/history` },
    { action: 'pause', label: 'Pause This Session…', group: '2_session', page: session => `sessions/${session}` },
    { action: 'logout', label: 'Log Out…', group: '3_leave', page: () => 'settings' }
];

@injectable()
export class Account implements FrontendApplicationContribution, CommandContribution, KeybindingContribution, MenuContribution {
    @inject(PlatformFrame)
    protected readonly platform!: PlatformFrame;

    @inject(WorkspaceService)
    protected readonly workspace!: WorkspaceService;

    @inject(WindowService)
    protected readonly windows!: WindowService;

    @inject(MenuModelRegistry)
    protected readonly menus!: MenuModelRegistry;

    protected person: Person | undefined;
    protected session: SessionInfo | undefined;

    onStart(app: FrontendApplication): void {
        void app.shell.initialized.then(() => app.shell.leftPanelHandler.addBottomMenu({
            id: 'coditect-account', iconClass: codicon('account'), title: 'Account', menuPath: MENU, order: 1
        }));
        this.platform.onPerson(person => {
            this.person = person;
            this.menus.unregisterMenuAction(WHO.id, [...MENU, '0_who']);
            this.showWho();
        });
        void this.workspace.session().then(session => {
            this.session = session;
        });
    }

    registerCommands(commands: CommandRegistry): void {
        commands.registerCommand(WHO, { execute: () => this.run(ACCOUNT) });
        for (const entry of ENTRIES) {
            const command = { id: `coditect.${entry.action}`, category: 'Coditect', label: entry.label };
            commands.registerCommand(command, { execute: () => this.run(entry), isEnabled: () => this.canRun() });
        }
    }

    registerMenus(menus: MenuModelRegistry): void {
        this.showWho();
        ENTRIES.forEach(({ action, label, group }, i) =>
            menus.registerMenuAction([...MENU, group], { commandId: `coditect.${action}`, label, order: String(i) }));
        menus.registerMenuAction(CommonMenus.FILE_OPEN, { commandId: 'coditect.palette', order: 'a00' });
    }

    registerKeybindings(keybindings: KeybindingRegistry): void {
        for (const { action, keys } of ENTRIES) {
            if (keys !== undefined) {
                keybindings.registerKeybinding({ command: `coditect.${action}`, keybinding: keys });
            }
        }
    }

    protected showWho(): void {
        const { name, email } = this.person ?? { name: '', email: '' };
        const label = name && email ? `${name} · ${email}` : name || email || 'Logged in to Coditect';
        this.menus.registerMenuAction([...MENU, '0_who'], { commandId: WHO.id, label });
    }

    protected canRun(): boolean {
        return this.person !== undefined || this.session === undefined || this.session.platformOrigins.length > 0;
    }

    protected run({ action, page }: Entry): void {
        const [origin] = this.session?.platformOrigins ?? [];
        if (this.person) {
            this.platform.send({ type: 'coditect.do', action });
        } else if (origin !== undefined) {
            this.windows.openNewWindow(`${origin}/${page(this.session?.id ?? '')}`, { external: true });
        }
    }
}
