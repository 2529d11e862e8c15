/*
 * What is known about persistence, kept true.
 *
 * 1. A file counts from the first key press until the barrier has confirmed it: dirty in an editor, then saved, then
 *    `sync()` answered for it. A status that is merely "persisted" may be older than the save and confirms nothing.
 * 2. That holds where the IDE saves by itself, at once. Else what is typed is not on its way, and counts as typed until somebody
 *    saves it; so does text of the page before this one until it is in an editor.
 * 3. A save that failed is no change on its way: it counts as not saved until a save succeeds, or the text is given up.
 * 4. As soon as the backend is out of reach the link is lost, whatever was known before; it is open again when a
 *    question asked on the new connection was answered.
 */

import { inject, injectable, postConstruct } from '@theia/core/shared/inversify';
import { SaveableService } from '@theia/core/lib/browser/saveable-service';
import { WebSocketConnectionSource } from '@theia/core/lib/browser/messaging/ws-connection-source';
import { Emitter, URI } from '@theia/core/lib/common';
import { timeout } from '@theia/core/lib/common/promise-util';
import { FileService } from '@theia/filesystem/lib/browser/file-service';
import { MonacoEditorModel } from '@theia/monaco/lib/browser/monaco-editor-model';
import { MonacoTextModelService } from '@theia/monaco/lib/browser/monaco-text-model-service';
import { inPlainWords } from '../common/plain-words';
import { Knowledge, NotSaved } from '../common/persistence-text';
import { DoorReport, REPORT_WAIT_MS, WorkspaceService } from '../common/workspace-service';
import { FailedSaves } from './failed-saves';
import { UnsavedText } from './unsaved-text';

const ANSWER_BY_MS = REPORT_WAIT_MS + 3_000;
const SYNC_BY_MS = 65_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

/** What is saved later than this is not on its way: the platform's page waits two seconds before it takes an IDE away. */
const AT_ONCE_MS = 1_500;
/** `user-storage` is where the IDE's own settings lie: files in the person's home. */
const FILES = ['file', 'user-storage'];

const CHANGED_ELSEWHERE = 'It was changed elsewhere, too: choose which of the two stays.';

class Interrupted extends Error {}

@injectable()
export class Persistence {
    @inject(WebSocketConnectionSource)
    protected readonly source!: WebSocketConnectionSource;

    @inject(WorkspaceService)
    protected readonly workspace!: WorkspaceService;

    @inject(FileService)
    protected readonly files!: FileService;

    @inject(MonacoTextModelService)
    protected readonly models!: MonacoTextModelService;

    @inject(FailedSaves)
    protected readonly failedSaves!: FailedSaves;

    @inject(SaveableService)
    protected readonly saveables!: SaveableService;

    @inject(UnsavedText)
    protected readonly unsaved!: UnsavedText;

    protected link: Knowledge['link'] = 'connecting';
    protected last: DoorReport | undefined;
    protected readonly dirty = new Set<string>();
    /** By address. */
    protected readonly notSaved = new Map<string, NotSaved>();
    protected readonly untitled = new Set<string>();
    /** Saved, not confirmed: address → number of the save. */
    protected readonly saved = new Map<string, number>();
    protected saves = 0;
    protected confirming = false;

    protected readonly changed = new Emitter<Knowledge>();
    readonly onDidChange = this.changed.event;

    /** Ends what waits for an answer of a connection that is gone. */
    protected readonly closed = new Emitter<void>();

    @postConstruct()
    protected init(): void {
        this.models.models.forEach(model => this.watch(model));
        this.models.onDidCreate(model => this.watch(model));
        this.files.onDidRunOperation(({ resource }) => this.wrote(resource));
        this.failedSaves.onFailed(({ uri, text, outOfSync }) => {
            const why = outOfSync ? CHANGED_ELSEWHERE : inPlainWords(text) ?? text;
            this.notSaved.set(uri.toString(), { path: uri.path.toString(), why, choice: outOfSync });
            this.fire();
        });
        this.saveables.onDidAutoSaveChange(() => this.fire());
        this.saveables.onDidAutoSaveDelayChange(() => this.fire());
        this.unsaved.onDidChange(() => this.fire());
        this.source.onSocketDidClose(() => this.lose());
        window.addEventListener('offline', () => this.lose());
        void this.follow();
    }

    get knowledge(): Knowledge {
        const dirty = [...this.dirty].filter(key => !this.notSaved.has(key));
        const saved = [...this.saved.keys()].filter(key => !this.notSaved.has(key));
        return {
            link: this.link,
            report: this.last,
            unconfirmed: new Set(this.savesAtOnce ? [...dirty, ...saved] : saved).size,
            typed: this.savesAtOnce ? 0 : dirty.length,
            untitled: this.untitled.size,
            kept: this.unsaved.paths,
            notSaved: [...this.notSaved.values()]
        };
    }

    protected get savesAtOnce(): boolean {
        const { autoSave, autoSaveDelay, autoSaveWhenNoErrors } = this.saveables;
        return autoSave === 'afterDelay' && autoSaveDelay <= AT_ONCE_MS && !autoSaveWhenNoErrors;
    }

    protected fire(): void {
        this.changed.fire(this.knowledge);
    }

    protected watch(model: MonacoEditorModel): void {
        const uri = new URI(model.uri);
        const among = FILES.includes(uri.scheme) ? this.dirty : uri.scheme === 'untitled' ? this.untitled : undefined;
        if (!among) {
            return;
        }
        const key = uri.toString();
        const look = (): void => {
            if (model.dirty) {
                among.add(key);
            } else if (among.delete(key)) {
                this.wrote(uri); // it becomes clean after its bytes are on the disk
            }
            this.fire();
        };
        model.onDirtyChanged(look);
        model.onDispose(() => {
            among.delete(key);
            this.notSaved.delete(key);
            this.fire();
        });
        look();
    }

    protected wrote(uri: URI): void {
        if (FILES.includes(uri.scheme)) {
            this.notSaved.delete(uri.toString());
            this.saves += 1;
            this.saved.set(uri.toString(), this.saves);
            this.fire();
            void this.confirm();
        }
    }

    /** Runs the barrier until nothing is left to confirm. One barrier confirms all saves before it. */
    protected async confirm(): Promise<void> {
        if (this.confirming) {
            return;
        }
        this.confirming = true;
        let pause = FIRST_RETRY_MS;
        while (this.saved.size > 0 && this.last?.kind !== 'none') {
            const upTo = this.saves;
            try {
                await this.answerOf(this.workspace.sync('saves'), SYNC_BY_MS);
                this.saved.forEach((save, key) => save <= upTo && this.saved.delete(key));
                pause = FIRST_RETRY_MS;
                this.fire();
            } catch {
                await timeout(pause);
                pause = Math.min(2 * pause, LAST_RETRY_MS);
                await this.connected();
            }
        }
        this.confirming = false;
    }

    protected async follow(): Promise<never> {
        let seen = 0;
        for (;;) {
            await this.connected();
            try {
                const { number, report } = await this.answerOf(this.workspace.report(seen), ANSWER_BY_MS);
                seen = number;
                this.last = report;
                this.link = 'open';
                this.fire();
            } catch {
                seen = 0;
                this.lose();
                await timeout(FIRST_RETRY_MS);
            }
        }
    }

    protected lose(): void {
        this.closed.fire();
        if (this.link !== 'lost') {
            this.link = 'lost';
            this.fire();
        }
    }

    protected connected(): Promise<void> {
        return this.source.socket.connected
            ? Promise.resolve()
            : new Promise(resolve => {
                const listener = this.source.onSocketDidOpen(() => {
                    listener.dispose();
                    resolve();
                });
            });
    }

    /** The answer, unless the connection closes first or it takes longer than `byMs`. */
    protected answerOf<T>(answer: Promise<T>, byMs: number): Promise<T> {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Interrupted('no answer in time')), byMs);
            const listener = this.closed.event(() => reject(new Interrupted('the connection closed')));
            answer.then(resolve, reject).finally(() => {
                clearTimeout(timer);
                listener.dispose();
            });
        });
    }
}
