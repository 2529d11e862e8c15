/*
 * Carries what is typed and not saved over the one reload that nobody asked for: when the backend was restarted, the
 * page starts again (Theia cannot go on with another backend), and finds its unsaved text in its session storage.
 *
 * 1. With a text goes the version of the file that it stands on: what somebody else wrote meanwhile is not written over.
 * 2. A text lies in the storage until it is in an editor, over any number of reloads. A file may be still to come, so nothing
 *    waits for that: it is tried again and again, beside all else.
 * 3. What was typed into the file before its text came back is not written over either: the person is told, once.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution, OpenerService, WidgetOpenerOptions, open } from '@theia/core/lib/browser';
import { Emitter, MessageService, URI, UntitledResourceResolver } from '@theia/core/lib/common';
import { timeout } from '@theia/core/lib/common/promise-util';
import { FileResourceVersion } from '@theia/filesystem/lib/browser/file-resource';
import { MonacoEditorModel } from '@theia/monaco/lib/browser/monaco-editor-model';
import { MonacoTextModelService } from '@theia/monaco/lib/browser/monaco-text-model-service';
import { Unsaved, toUnsaved } from '../common/unsaved';
import { FileModel } from './file-model';

const KEY = 'coditect.unsaved-text';
const AGAIN_MS = 5_000;
const OPEN = 'Open as New File';
/** Whoever types elsewhere by now goes on there. */
const BESIDE: WidgetOpenerOptions = { mode: 'open' };

function baseOf(model: MonacoEditorModel): FileResourceVersion | undefined {
    const base = model instanceof FileModel ? model.base : undefined;
    return FileResourceVersion.is(base) ? base : undefined;
}

function put(model: MonacoEditorModel, { text, base }: Unsaved): void {
    if (model instanceof FileModel) {
        model.bringBack(text, FileResourceVersion.is(base) ? base : undefined);
    } else {
        model.textEditorModel.setValue(text);
    }
}

@injectable()
export class UnsavedText implements FrontendApplicationContribution {
    @inject(MonacoTextModelService)
    protected readonly models!: MonacoTextModelService;

    @inject(OpenerService)
    protected readonly opener!: OpenerService;

    @inject(MessageService)
    protected readonly messages!: MessageService;

    @inject(UntitledResourceResolver)
    protected readonly untitled!: UntitledResourceResolver;

    /** Of the page before this one, and in no editor yet. */
    protected waiting = toUnsaved(sessionStorage.getItem(KEY) ?? '[]');
    protected readonly changed = new Emitter<void>();
    readonly onDidChange = this.changed.event;

    /** The page is about to start again: what it leaves is in the storage. */
    protected isKept = false;

    get paths(): readonly string[] {
        return this.waiting.map(({ address }) => new URI(address).path.toString());
    }

    /** Whether all of it is stored: not when there is more than a browser keeps, about 5 MB. */
    keep(): boolean {
        const typed = this.models.models
            .filter(model => model.dirty && /^(file|untitled):/.test(model.uri))
            .map((model): Unsaved => ({ address: model.uri, text: model.getText(), base: baseOf(model) }));
        try {
            sessionStorage.setItem(KEY, JSON.stringify([...typed, ...this.waiting]));
            this.isKept = true;
        } catch {
            this.isKept = false;
        }
        return this.isKept;
    }

    onDidInitializeLayout(): void {
        this.store();
        this.waiting.forEach(one => void this.bringBack(one));
    }

    protected store(): void {
        if (this.isKept) {
            return;
        }
        if (this.waiting.length > 0) {
            sessionStorage.setItem(KEY, JSON.stringify(this.waiting));
        } else {
            sessionStorage.removeItem(KEY);
        }
    }

    protected isWaiting(one: Unsaved): boolean {
        return this.waiting.includes(one);
    }

    protected hasCome(one: Unsaved): void {
        this.waiting = this.waiting.filter(other => other !== one);
        this.store();
        this.changed.fire();
    }

    protected async bringBack(one: Unsaved): Promise<void> {
        for (let i = 0; this.isWaiting(one); i++) {
            try {
                await this.tryOnce(one);
                return;
            } catch (error) {
                if (i === 0) {
                    console.error(error);
                    void this.tell(one, 'comes back when the file can be opened');
                }
            }
            await timeout(AGAIN_MS);
        }
    }

    protected async tryOnce(one: Unsaved): Promise<void> {
        const uri = new URI(one.address);
        const reference = await this.models.createModelReference(uri);
        try {
            await open(this.opener, uri, BESIDE); // before the text comes: only an editor that was there saves by itself
            const { object: model } = reference;
            const isThere = model.getText() === one.text;
            if (!this.isWaiting(one)) {
                return; // the person has opened it elsewhere
            }
            if (!isThere && model.dirty) {
                void this.tell(one, 'is kept beside what was typed since', 0);
                return;
            }
            if (!isThere) {
                put(model, one);
            }
            this.hasCome(one);
        } finally {
            reference.dispose();
        }
    }

    /** Until it is answered, or for this long. */
    protected async tell(one: Unsaved, what: string, forMs?: number): Promise<void> {
        const text = `What was typed into ${new URI(one.address).path.base}, and not saved before this page started again, ${what}.`;
        if (await this.messages.warn(text, { timeout: forMs }, OPEN) === OPEN) {
            await this.openAsNew(one);
        }
    }

    protected async openAsNew(one: Unsaved): Promise<void> {
        if (this.isWaiting(one)) {
            const { uri } = await this.untitled.createUntitledResource(one.text);
            await open(this.opener, uri);
            this.hasCome(one);
        }
    }

    /** For whoever has closed the notice. */
    async openAt(path: string): Promise<void> {
        const one = this.waiting[this.paths.indexOf(path)];
        if (one) {
            await this.openAsNew(one);
        }
    }
}
