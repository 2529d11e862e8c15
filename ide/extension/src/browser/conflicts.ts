/*
 * A file that was changed in two places at once: here and by somebody else, on the web page, by the API, in another workspace.
 *
 * 1. Nothing is lost by any choice, or by none: what was stored is in the history, what was typed is in the editor, and taking the
 *    other's is one step back away.
 * 2. Nobody is asked in the middle of a word: the question stands beside the work. The status bar's list asks it, too, for whoever has
 *    closed it, or works by the keyboard; once it is answered there, it stands nowhere any more.
 */
import { inject, injectable } from '@theia/core/shared/inversify';
import { DiffUris, FrontendApplicationContribution, OpenerService, QuickInputService, QuickPickItem, codicon, open } from '@theia/core/lib/browser';
import { MessageService, MessageType, URI } from '@theia/core/lib/common';
import { Resource, ResourceResolver } from '@theia/core/lib/common/resource';
import { FileService } from '@theia/filesystem/lib/browser/file-service';
import { NotificationManager } from '@theia/messages/lib/browser/notifications-manager';
import { MonacoTextModelService } from '@theia/monaco/lib/browser/monaco-text-model-service';
import { PastService, Version } from '../common/past';
import { FailedSaves } from './failed-saves';
import { PastCommands, saved } from './past-commands';

const COMPARE = 'Compare';
const MINE = 'Keep Mine';
const THEIRS = 'Take Theirs';

const QUESTIONS = [[COMPARE, MINE, THEIRS], [MINE, THEIRS]];

const ITEMS: readonly QuickPickItem[] = [
    { label: MINE, description: 'saves what is in the editor; theirs stays in the history', iconClasses: codicon('edit').split(' ') },
    { label: THEIRS, description: 'mine is one step back in the editor', iconClasses: codicon('cloud-download').split(' ') },
    { label: COMPARE, description: 'theirs beside mine', iconClasses: codicon('diff').split(' ') }
];

function questionOf(uri: URI): string {
    return `${uri.path.base} was changed elsewhere while you changed it here. Nothing is written over until you choose.`;
}

const SCHEME = 'coditect-disk';

/** The file as it is on the disk, beside the text of an editor; read anew whenever it is shown. */
@injectable()
export class DiskFiles implements ResourceResolver {
    @inject(FileService)
    protected readonly files!: FileService;

    protected shown = 0;

    addressOf(uri: URI): URI {
        this.shown += 1;
        return uri.withScheme(SCHEME).withQuery(String(this.shown));
    }

    resolve(uri: URI): Resource {
        if (uri.scheme !== SCHEME) {
            throw new Error(`not on the disk: ${uri.toString()}`); // Theia asks the next resolver
        }
        const file = uri.withScheme('file').withQuery('');
        return {
            uri, readOnly: true, autosaveable: false,
            readContents: async () => (await this.files.read(file)).value,
            dispose: () => undefined
        };
    }
}

@injectable()
export class Conflicts implements FrontendApplicationContribution {
    @inject(FailedSaves)
    protected readonly failedSaves!: FailedSaves;

    @inject(MonacoTextModelService)
    protected readonly models!: MonacoTextModelService;

    @inject(MessageService)
    protected readonly messages!: MessageService;

    @inject(OpenerService)
    protected readonly opener!: OpenerService;

    @inject(QuickInputService)
    protected readonly quickInput!: QuickInputService;

    @inject(NotificationManager)
    protected readonly notices!: NotificationManager;

    @inject(DiskFiles)
    protected readonly disk!: DiskFiles;

    @inject(PastService)
    protected readonly past!: PastService;

    @inject(PastCommands)
    protected readonly pastCommands!: PastCommands;

    protected readonly asked = new Set<string>();

    onStart(): void {
        this.failedSaves.onFailed(({ uri, outOfSync }) => {
            if (outOfSync) {
                void this.ask(uri);
            }
        });
    }

    /** What is typed in an editor stands against what is on the disk. One question a file at a time. */
    async ask(uri: URI): Promise<void> {
        const key = uri.toString();
        if (this.asked.has(key)) {
            return;
        }
        this.asked.add(key);
        try {
            let answer: string | undefined;
            do { // theirs cannot be read, or more was typed meanwhile: the question stands
                answer = await this.answer(uri);
                await this.choose(uri, answer);
            } while (answer === THEIRS && this.models.get(key)?.dirty);
        } finally {
            this.asked.delete(key);
        }
    }

    protected async answer(uri: URI): Promise<string | undefined> {
        const [first = [], second = []] = QUESTIONS;
        const answer = await this.messages.warn(questionOf(uri), { timeout: 0 }, ...first);
        if (answer !== COMPARE) {
            return answer;
        }
        await this.compare(uri);
        return this.messages.warn(questionOf(uri), { timeout: 0 }, ...second);
    }

    protected async compare(uri: URI): Promise<void> {
        await open(this.opener, DiffUris.encode(this.disk.addressOf(uri), uri, `${uri.path.base} (theirs ↔ mine)`));
    }

    async askInList(uri: URI): Promise<void> {
        const picked = await this.quickInput.showQuickPick([...ITEMS], { title: `${uri.path.base} was changed here and elsewhere` });
        if (picked?.label === COMPARE) {
            await this.compare(uri);
        }
        await this.choose(uri, picked?.label);
        if (!this.models.get(uri.toString())?.dirty) {
            this.withdraw(uri);
        }
    }

    /** The question may also be one that Escape has hidden: it waits for its answer all the same. */
    protected withdraw(uri: URI): void {
        const type = MessageType.Warning;
        for (const actions of QUESTIONS) {
            this.notices.clear(this.notices['getMessageId']({ type, text: questionOf(uri), actions }));
        }
    }

    protected async choose(uri: URI, answer: string | undefined): Promise<void> {
        const key = uri.toString();
        const model = this.models.get(key);
        if (!model?.dirty) {
            return; // it was settled meanwhile
        }
        if (answer === MINE) {
            this.failedSaves.mayOverwrite.add(key);
            await saved(model);
            this.failedSaves.mayOverwrite.delete(key);
        } else if (answer === THEIRS) {
            await model.revert();
        }
    }

    /** Both were stored: the workspace's stands, the other one is before it in the history. */
    async tell(text: string, path: string): Promise<void> {
        const page = await this.past.versions(path, '').catch(() => undefined);
        const [, ...older] = page && 'found' in page ? page.found.versions : [];
        const here: readonly Version['author'][] = ['user', 'terminal']; // more may have been saved here meanwhile
        const theirs = older.find(({ author }) => !here.includes(author)) ?? older[0];
        if (!theirs) {
            await this.messages.warn(text, { timeout: 0 });
            return;
        }
        const file = { path, version: theirs.version, at: theirs.at };
        let answer = await this.messages.warn(text, { timeout: 0 }, COMPARE, MINE, THEIRS);
        if (answer === COMPARE) {
            await this.pastCommands.compare(file);
            answer = await this.messages.warn(text, { timeout: 0 }, MINE, THEIRS);
        }
        if (answer === THEIRS) {
            await this.pastCommands.restore(file);
        }
    }
}
