/* The page that a session opens with: what to do first, and what is kept. */

import * as React from '@theia/core/shared/react';
import { inject, injectable } from '@theia/core/shared/inversify';
import { CommonCommands, codicon } from '@theia/core/lib/browser';
import { quickCommand } from '@theia/core/lib/browser/quick-input/quick-command-service';
import { KeybindingRegistry } from '@theia/core/lib/browser/keybinding';
import { GettingStartedWidget } from '@theia/getting-started/lib/browser/getting-started-widget';
import { SessionInfo, WorkspaceService } from '../common/workspace-service';
import { wordsFor } from '../common/persistence-text';
import { CLONE, SHOW_TERMINAL } from './commands';
import { Persistence } from './persistence';

interface Step {
    readonly icon: string;
    readonly label: string;
    readonly hint: string;
    readonly command: string;
}

const STEPS: readonly Step[] = [
    { icon: 'go-to-file', label: 'Open a file', hint: 'By a part of its name', command: 'file-search.openFile' },
    { icon: 'new-file', label: 'New file', hint: 'In this workspace', command: 'file.newFile' },
    { icon: 'terminal', label: 'Open a terminal', hint: 'A shell in /workspace', command: SHOW_TERMINAL.id },
    { icon: 'repo-clone', label: 'Clone a repository', hint: 'With git, by its address', command: CLONE.id }
];

const KEPT: readonly string[] = [
    'Every file in this workspace, as soon as the status bar says so, with the history of git',
    'Your home directory: shell history, editor settings, keys',
    'Terminals and open editors, while the page is reloaded or the laptop sleeps'
];

const NOT_KEPT: readonly string[] = [
    'Programs that run, once the session is paused',
    'What can be made again, unless git tracks it: node_modules, caches, target, dist, and tools installed in the home',
    'Files outside of /workspace and /home/dev'
];

@injectable()
export class Welcome extends GettingStartedWidget {
    @inject(WorkspaceService)
    protected readonly session!: WorkspaceService;

    @inject(KeybindingRegistry)
    protected readonly keys!: KeybindingRegistry;

    @inject(Persistence)
    protected readonly persistence!: Persistence;

    protected info: SessionInfo | undefined;

    protected override async doInit(): Promise<void> {
        this.id = GettingStartedWidget.ID;
        this.title.label = 'Welcome';
        this.title.caption = 'Welcome';
        this.title.iconClass = 'coditect-tab-icon';
        this.title.closable = true;
        this.toDispose.push(this.persistence.onDidChange(() => this.update()));
        this.update();
        this.info = await this.session.session();
        this.update();
    }

    protected override render(): React.ReactNode {
        return <div className='coditect-welcome'>
            <div className='coditect-welcome-column'>
                <header>
                    <span className='coditect-mark' />
                    <div>
                        <h1>{this.info?.name || 'Your session'}</h1>
                        <p>{this.applicationName}{this.info?.version ? ` ${this.info.version}` : ''}</p>
                    </div>
                </header>
                <section className='coditect-steps'>{STEPS.map(step => this.renderStep(step))}</section>
                {this.renderTruth()}
                <section className='coditect-kept'>
                    <div>
                        <h2>What is kept</h2>
                        <ul>{KEPT.map(line => <li key={line}><i className={codicon('check')} />{line}</li>)}</ul>
                    </div>
                    <div>
                        <h2>What is not</h2>
                        <ul>{NOT_KEPT.map(line => <li key={line}><i className={codicon('dash')} />{line}</li>)}</ul>
                    </div>
                </section>
                <footer>
                    {this.renderLink('All commands', quickCommand.id)}
                    {this.renderLink('Settings', CommonCommands.OPEN_PREFERENCES.id)}
                    {this.renderLink('Colour theme', CommonCommands.SELECT_COLOR_THEME.id)}
                </footer>
            </div>
        </div>;
    }

    protected renderStep({ icon, label, hint, command }: Step): React.ReactNode {
        return <button key={command} className='coditect-step' onClick={() => this.run(command)}>
            <i className={codicon(icon)} />
            <span><b>{label}</b><small>{hint}</small></span>
            <kbd>{this.shortcut(command)}</kbd>
        </button>;
    }

    /** The status bar's sentence, larger: somebody new looks here first. */
    protected renderTruth(): React.ReactNode {
        const words = wordsFor(this.persistence.knowledge);
        return <section className={`coditect-truth coditect-${words.mood}`}>
            <i className={codicon(words.icon.replace('~spin', ''))} />
            <span><b>{words.text}</b><small>{words.detail}</small></span>
        </section>;
    }

    protected renderLink(label: string, command: string): React.ReactNode {
        return <button className='coditect-link' onClick={() => this.run(command)}>
            {label}<kbd>{this.shortcut(command)}</kbd>
        </button>;
    }

    protected shortcut(command: string): string {
        const [first] = this.keys.getKeybindingsForCommand(command);
        return first ? this.keys.acceleratorFor(first, '+').join(' ') : '';
    }

    protected run(command: string): void {
        void this.commandRegistry.executeCommand(command);
    }
}
