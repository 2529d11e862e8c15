/*
 * What can be done with the past of a file: a look at a version beside the present file, a version back, deleted files found.
 *
 * 1. Nothing is lost by a way back: what is typed is saved and stored before, so it is a version too, and the last step offers
 *    to undo it.
 * 2. It is the store that restores; the workspace follows, as it does after a change by any other page.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import {
    CommonMenus, DiffUris, LabelProvider, NavigatableWidget, OpenerService, QuickInputService, QuickPickItem, Widget, codicon, open
} from '@theia/core/lib/browser';
import { TabBarToolbarContribution, TabBarToolbarRegistry } from '@theia/core/lib/browser/shell/tab-bar-toolbar';
import { WidgetManager } from '@theia/core/lib/browser/widget-manager';
import {
    Command, CommandContribution, CommandRegistry, MenuContribution, MenuModelRegistry, MessageService, URI
} from '@theia/core/lib/common';
import { ApplicationShell } from '@theia/core/lib/browser/shell';
import { EditorWidget } from '@theia/editor/lib/browser';
import { FileService } from '@theia/filesystem/lib/browser/file-service';
import { MonacoEditorModel } from '@theia/monaco/lib/browser/monaco-editor-model';
import { MonacoTextModelService } from '@theia/monaco/lib/browser/monaco-text-model-service';
import { FileNavigatorContribution, NavigatorContextMenu } from '@theia/navigator/lib/browser/navigator-contribution';
import { TIMELINE_ITEM_CONTEXT_MENU } from '@theia/timeline/lib/browser/timeline-tree-widget';
import { TimelineWidget } from '@theia/timeline/lib/browser/timeline-widget';
import { TimelineItem } from '@theia/timeline/lib/common/timeline-model';
import { Gone, GoneCursor, LATEST_GONE, PastService, sizeOf, timeOf, whyNot } from '../common/past';
import { WorkspaceService } from '../common/workspace-service';
import { PastFile, PastFiles, addressOf, pastFileOf } from './past-files';
import { COMPARE_ID, PastTimeline, VERSION_CONTEXT } from './timeline';

const COMPARE: Command = { id: COMPARE_ID, label: 'Compare with the Present File' };
const OPEN: Command = { id: 'coditect.past.open', label: 'Open This Version' };
const RESTORE: Command = { id: 'coditect.past.restore', label: 'Restore This Version' };
const RESTORE_SHOWN: Command = { id: 'coditect.past.restore-shown', category: 'Coditect', label: 'Restore This Version', iconClass: codicon('discard') };
const SHOW_VERSIONS: Command = { id: 'coditect.past.show', category: 'Coditect', label: 'Show Versions of the File' };
const FIND_DELETED: Command = { id: 'coditect.past.deleted', category: 'Coditect', label: 'Find Deleted Files…' };

const UNDO = 'Undo';
const SHOW_IT = 'Show it';

interface GoneItem extends QuickPickItem {
    readonly gone?: Gone;
}

/** From a click in the list, or from its context menu. */
function fileFrom(argument: unknown): PastFile | undefined {
    const address = typeof argument === 'object' && argument !== null ? (argument as Partial<TimelineItem>).uri : argument;
    return typeof address === 'string' ? pastFileOf(new URI(address)) : undefined;
}

const MOST_SAVES = 5;

/**
 * A save that was asked for ends without a word when the IDE begins one by itself in the same moment; that one is still on its way
 * then. What it wrote would meet the version that comes back.
 */
export async function saved(model: MonacoEditorModel | undefined): Promise<boolean> {
    for (let i = 0; model?.dirty && i < MOST_SAVES; i++) {
        await model.save();
    }
    return !model?.dirty;
}

@injectable()
export class PastCommands implements CommandContribution, MenuContribution, TabBarToolbarContribution {
    @inject(PastService)
    protected readonly past!: PastService;

    @inject(PastFiles)
    protected readonly pastFiles!: PastFiles;

    @inject(PastTimeline)
    protected readonly timeline!: PastTimeline;

    @inject(WorkspaceService)
    protected readonly workspace!: WorkspaceService;

    @inject(FileService)
    protected readonly files!: FileService;

    @inject(MonacoTextModelService)
    protected readonly models!: MonacoTextModelService;

    @inject(OpenerService)
    protected readonly opener!: OpenerService;

    @inject(LabelProvider)
    protected readonly labels!: LabelProvider;

    @inject(MessageService)
    protected readonly messages!: MessageService;

    @inject(QuickInputService)
    protected readonly quickInput!: QuickInputService;

    @inject(ApplicationShell)
    protected readonly shell!: ApplicationShell;

    @inject(FileNavigatorContribution)
    protected readonly navigator!: FileNavigatorContribution;

    @inject(WidgetManager)
    protected readonly widgets!: WidgetManager;

    registerCommands(commands: CommandRegistry): void {
        const withFile = (run: (file: PastFile) => Promise<void>) => ({
            execute: async (argument: unknown) => {
                const file = fileFrom(argument);
                return file ? run(file) : undefined;
            },
            isVisible: (argument: unknown) => fileFrom(argument) !== undefined
        });
        commands.registerCommand(COMPARE, withFile(file => this.compare(file)));
        commands.registerCommand(OPEN, withFile(file => this.show(file, addressOf(file))));
        commands.registerCommand(RESTORE, withFile(file => this.restore(file)));
        commands.registerCommand(RESTORE_SHOWN, {
            execute: async (widget: unknown) => {
                const file = this.shownIn(widget);
                return file ? this.restore(file) : undefined;
            },
            isEnabled: (widget: unknown) => this.shownIn(widget) !== undefined,
            isVisible: (widget: unknown) => this.shownIn(widget) !== undefined
        });
        commands.registerCommand(SHOW_VERSIONS, { execute: () => this.showVersions() });
        commands.registerCommand(FIND_DELETED, { execute: () => this.findDeleted(LATEST_GONE, []) });
    }

    registerMenus(menus: MenuModelRegistry): void {
        const when = `timelineItem == ${VERSION_CONTEXT}`;
        [COMPARE, OPEN].forEach(({ id, label }, i) =>
            menus.registerMenuAction([...TIMELINE_ITEM_CONTEXT_MENU, '1_look'], { commandId: id, label, order: String(i), when }));
        menus.registerMenuAction([...TIMELINE_ITEM_CONTEXT_MENU, '2_restore'], { commandId: RESTORE.id, label: RESTORE.label, when });
        menus.registerMenuAction(CommonMenus.FILE_OPEN, { commandId: FIND_DELETED.id, label: FIND_DELETED.label, order: 'z10' });
        menus.registerMenuAction(NavigatorContextMenu.COMPARE, { commandId: SHOW_VERSIONS.id, label: 'Show Versions', order: 'z10' });
    }

    registerToolbarItems(registry: TabBarToolbarRegistry): void {
        registry.registerItem({
            id: RESTORE_SHOWN.id, command: RESTORE_SHOWN.id, icon: codicon('discard'), tooltip: 'Restore this version', priority: -1,
            isVisible: (widget?: Widget) => this.shownIn(widget) !== undefined
        });
    }

    /** The version in an editor, or on the left of a comparison. */
    protected shownIn(widget: unknown): PastFile | undefined {
        const shown = widget instanceof Widget ? widget : this.shell.currentWidget;
        return shown instanceof EditorWidget ? pastFileOf(shown.editor.uri) : undefined;
    }

    async compare(file: PastFile): Promise<void> {
        const present = URI.fromFilePath(file.path);
        if (!await this.files.exists(present)) {
            return this.show(file, addressOf(file));
        }
        const label = `${present.path.base} (${timeOf(file, Date.now())} ↔ now)`;
        return this.show(file, DiffUris.encode(addressOf(file), present, label));
    }

    /** Read first, so that what cannot be shown is said, and no empty editor stands there. */
    protected async show(file: PastFile, address: URI): Promise<void> {
        const text = await this.pastFiles.text(file).catch(() => ({ not: 'away' as const }));
        if ('found' in text) {
            await open(this.opener, address, { mode: 'activate' });
        } else if (text.not === 'large' || text.not === 'binary') {
            if (await this.messages.info(`${this.nameOf(file)}: ${whyNot(text.not)}`, { timeout: 0 }, 'Restore') === 'Restore') {
                await this.restore(file);
            }
        } else {
            this.refuse(file, whyNot(text.not));
        }
    }

    async restore(file: PastFile): Promise<void> {
        const uri = URI.fromFilePath(file.path);
        const model = this.models.get(uri.toString());
        try {
            if (!await saved(model)) {
                return this.refuse(file, 'What is typed in its editor could not be saved before, so nothing was restored.');
            }
            await this.workspace.sync('all');
        } catch {
            return this.refuse(file, 'What you changed last could not be stored before, so nothing was restored. Try again when the status bar says that all is persisted.');
        }
        const before = await this.past.versions(file.path, '');
        const done = await this.past.restore(file.path, file.version);
        if ('not' in done) {
            return this.refuse(file, whyNot(done.not));
        }
        this.timeline.refresh();
        const [last] = 'found' in before ? before.found.versions : [];
        const wasThere = last !== undefined && last.op !== 'delete';
        const text = `${this.nameOf(file)} is as it was: ${timeOf(file, Date.now())}.`;
        const answer = await this.messages.info(text, { timeout: 30_000 }, wasThere ? UNDO : SHOW_IT);
        if (answer === UNDO && last) {
            await this.restore({ path: file.path, version: last.version, at: last.at });
        } else if (answer === SHOW_IT) {
            await open(this.opener, uri);
        }
    }

    protected refuse(file: PastFile, why: string): void {
        void this.messages.warn(`${this.nameOf(file)}: ${why}`, { timeout: 0 });
    }

    protected nameOf({ path }: PastFile): string {
        return path.slice(path.lastIndexOf('/') + 1);
    }

    protected async showVersions(): Promise<void> {
        const chosen = this.shell.currentWidget;
        const explorer = await this.navigator.openView({ activate: false, reveal: true });
        const view = await this.widgets.getOrCreateWidget<TimelineWidget>(TimelineWidget.ID);
        await this.shell.revealWidget(view.id) ?? explorer;
        if (NavigatableWidget.is(chosen)) {
            view.refresh(chosen.getResourceUri());
        }
        await this.shell.activateWidget(view.id);
    }

    /** What is gone and was not made again, in the workspace and in the home; a page at a time. */
    protected async findDeleted(cursor: GoneCursor, known: readonly GoneItem[]): Promise<void> {
        const page = await this.past.gone(cursor).catch(() => ({ not: 'away' as const }));
        if ('not' in page) {
            void this.messages.warn(whyNot(page.not));
            return;
        }
        const items = [...known];
        for (const gone of page.found.gone) {
            const isKnown = items.some(item => item.gone?.path === gone.path);
            if (!isKnown && !await this.files.exists(URI.fromFilePath(gone.path))) {
                items.push(await this.itemOf(gone));
            }
        }
        const { next } = page.found;
        const older: GoneItem[] = Object.keys(next).length === 0 ? [] : [{ label: 'Look further back', iconClasses: codicon('history').split(' ') }];
        const none: GoneItem[] = items.length + older.length === 0 ? [{ label: 'No file is missing', description: 'all that was deleted is there again' }] : [];
        const picked = await this.pick<GoneItem>([...items, ...older, ...none], 'Deleted files', 'A name, or a part of it');
        if (picked?.gone) {
            await this.askAbout(picked.gone);
        } else if (picked && picked === older[0]) {
            await this.findDeleted(next, items);
        }
    }

    protected pick<T extends QuickPickItem>(items: T[], title: string, placeholder = ''): Promise<T | undefined> {
        return this.quickInput.showQuickPick<T>(items, { title, placeholder, canSelectMany: false });
    }

    protected async itemOf(gone: Gone): Promise<GoneItem> {
        const uri = URI.fromFilePath(gone.path);
        const size = gone.kind === 'dir' ? 'folder' : sizeOf(gone);
        return {
            gone,
            label: uri.path.base,
            description: this.labels.getDetails(uri) || undefined,
            detail: `deleted ${timeOf(gone, Date.now())} · ${size}`,
            iconClasses: codicon(gone.kind === 'dir' ? 'folder' : 'file').split(' ')
        };
    }

    protected async askAbout(gone: Gone): Promise<void> {
        const restore: QuickPickItem = { label: 'Restore', description: gone.path, iconClasses: codicon('discard').split(' ') };
        const look: QuickPickItem = { label: 'Look at it first', iconClasses: codicon('eye').split(' ') };
        const picked = await this.pick(gone.kind === 'dir' ? [restore] : [restore, look], gone.path.slice(gone.path.lastIndexOf('/') + 1));
        if (picked === restore) {
            await this.restore(gone);
        } else if (picked === look) {
            await this.show(gone, addressOf(gone));
        }
    }
}
