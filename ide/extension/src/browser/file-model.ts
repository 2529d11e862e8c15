/*
 * The text of a file in an editor. When the file changed on the disk and the editor follows, Theia goes on to take the text of before
 * for the file's: a step back then shows old text, calls it saved, and saves nothing. Here the text that was read last is the file's.
 */
import { inject, injectable } from '@theia/core/shared/inversify';
import { CancellationToken, ILogger } from '@theia/core/lib/common';
import { Resource } from '@theia/core/lib/common/resource';
import { EditorPreferences } from '@theia/editor/lib/common/editor-preferences';
import { MonacoEditorModel } from '@theia/monaco/lib/browser/monaco-editor-model';
import { MonacoEditorModelFactory } from '@theia/monaco/lib/browser/monaco-text-model-service';
import { MonacoToProtocolConverter } from '@theia/monaco/lib/browser/monaco-to-protocol-converter';
import { ProtocolToMonacoConverter } from '@theia/monaco/lib/browser/protocol-to-monaco-converter';

class FileModel extends MonacoEditorModel {
    protected override async doSync(token: CancellationToken): Promise<void> {
        await super.doSync(token);
        if (!this.dirty) {
            this['updateSavedVersionId']();
        }
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

    createModel(resource: Resource): MonacoEditorModel {
        return new FileModel(resource, this.m2p, this.p2m, this.logger, this.preferences);
    }
}
