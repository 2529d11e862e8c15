/*
 * The text of a file in an editor. Some things of stock Theia lose text or the truth about it:
 *  1. When the file changed on the disk and the editor follows, the text of before goes on to be taken for the file's: a step back
 *     shows old text, calls it saved, and saves nothing. And what was typed into the text that is given up is sent with the next save,
 *     into the new one. Here the text that was read last is the file's, and nothing is left of what was typed before.
 *  2. What is typed while a save is on its way counts as saved when that ends. Here the text that was sent is the saved one.
 *  3. A save waits for extensions that may change the text, for ever when they died.
 *  4. A text that is given up for the file's counts as saved although the file could not be read, and with it what is typed until the
 *     file was read. Here it is given up when the file's stands in its place, or not at all.
 *  5. A file that changed while something was typed is not looked at again when that is undone. Here it is.
 */
import { inject, injectable } from '@theia/core/shared/inversify';
import { SaveOptions, Saveable } from '@theia/core/lib/browser';
import { CancellationToken, ILogger } from '@theia/core/lib/common';
import { timeout } from '@theia/core/lib/common/promise-util';
import { Resource, ResourceVersion } from '@theia/core/lib/common/resource';
import { EditorPreferences } from '@theia/editor/lib/common/editor-preferences';
import { MonacoEditorModel } from '@theia/monaco/lib/browser/monaco-editor-model';
import { MonacoEditorModelFactory } from '@theia/monaco/lib/browser/monaco-text-model-service';
import { MonacoToProtocolConverter } from '@theia/monaco/lib/browser/monaco-to-protocol-converter';
import { ProtocolToMonacoConverter } from '@theia/monaco/lib/browser/protocol-to-monaco-converter';
import { IModelContentChangedEvent } from '@theia/monaco-editor-core/esm/vs/editor/common/textModelEvents';
import { IModelService } from '@theia/monaco-editor-core/esm/vs/editor/common/services/model';
import { StandaloneServices } from '@theia/monaco-editor-core/esm/vs/editor/standalone/browser/standaloneServices';

/** Extensions end after 1.75 s by themselves. */
const WILL_SAVE_MS = 6_000;

export class FileModel extends MonacoEditorModel {
    protected isSaving = false;
    /** The file was to be looked at, and was not taken since. */
    protected isStale = false;
    /** The version of the text that is on its way to the disk. */
    protected sent = 0;

    /** The version of the file that the text stands on. */
    get base(): ResourceVersion | undefined {
        return this.resourceVersion;
    }

    /** A text of before a reload. When the file is another by now, its save is refused, as if it had been typed here. */
    bringBack(text: string, base: ResourceVersion | undefined): void {
        if (text !== this.getText()) {
            this.model.setValue(text);
            this.resourceVersion = base ?? this.resourceVersion;
        }
    }

    override async revert(options?: Saveable.RevertOptions): Promise<void> {
        if (options?.soft) {
            return super.revert(options);
        }
        this.cancelSave();
        this.cancelSync();
        const givenUp = this.model.getVersionId();
        return this.run(() => this.takeTheFiles(givenUp));
    }

    protected async takeTheFiles(givenUp: number): Promise<void> {
        const value = await this.readContents();
        if (value !== undefined && this.model.getVersionId() === givenUp) {
            this.resourceVersion = this.resource.version;
            const take = (): void => StandaloneServices.get(IModelService).updateModel(this.model, value);
            this.updateModel(take, { ignoreDirty: true, ignoreContentChanges: true });
            this.setDirty(false);
        }
    }

    protected override fireDidChangeContent(event: IModelContentChangedEvent): void {
        super.fireDidChangeContent(event);
        if (!this.dirty && !this.ignoreDirtyEdits && (this.isStale || this.resource.version !== this.resourceVersion)) {
            void this.sync();
        }
    }

    override sync(): Promise<void> {
        this.isStale = true;
        return super.sync();
    }

    protected override updateModel<T>(doUpdate: () => T, options?: Partial<MonacoEditorModel.ApplyEditsOptions>): T {
        const result = super.updateModel(doUpdate, options);
        if (options?.ignoreContentChanges) { // the file's text was read
            this.isStale = false;
            this.contentChanges.length = 0;
            this['updateSavedVersionId']();
        }
        return result;
    }

    protected override async doSave(token: CancellationToken, overwriteEncoding?: boolean, options?: SaveOptions): Promise<void> {
        this.isSaving = true;
        try {
            await super.doSave(token, overwriteEncoding, options);
        } finally {
            this.isSaving = false;
        }
    }

    protected override async fireWillSaveModel(token: CancellationToken, options?: SaveOptions): Promise<void> {
        await Promise.race([super.fireWillSaveModel(token, options), timeout(WILL_SAVE_MS)]);
        this.sent = this.model.getAlternativeVersionId();
    }

    protected override setDirty(dirty: boolean): void {
        if (dirty || !this.isSaving || this.contentChanges.length === 0) {
            super.setDirty(dirty);
        }
    }

    protected override fireDidSaveModel(): void {
        if (this.dirty) {
            this.bufferSavedVersionId = this.sent;
        }
        super.fireDidSaveModel();
    }
}

@injectable()
export class FileModels implements MonacoEditorModelFactory {
    readonly scheme = 'file';

    @inject(MonacoToProtocolConverter)
    protected readonly m2p!: MonacoToProtocolConverter;

    @inject(ProtocolToMonacoConverter)
    protected readonly p2m!: ProtocolToMonacoConverter;

    @inject(ILogger)
    protected readonly logger!: ILogger;

    @inject(EditorPreferences)
    protected readonly preferences!: EditorPreferences;

    createModel(resource: Resource): FileModel {
        return new FileModel(resource, this.m2p, this.p2m, this.logger, this.preferences);
    }
}
