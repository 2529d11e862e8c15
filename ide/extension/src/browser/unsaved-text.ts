/*
 * Carries what is typed and not saved over the one reload that nobody asked for: when the backend was restarted, the
 * page starts again (Theia cannot go on with another backend), and finds its unsaved text in its session storage. With it goes the
 * version of the file that it stands on: what somebody else wrote meanwhile is not written over.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution, OpenerService, open } from '@theia/core/lib/browser';
import { URI } from '@theia/core/lib/common';
import { FileResourceVersion } from '@theia/filesystem/lib/browser/file-resource';
import { MonacoEditorModel } from '@theia/monaco/lib/browser/monaco-editor-model';
import { MonacoTextModelService } from '@theia/monaco/lib/browser/monaco-text-model-service';
import { FileModel } from './file-model';

const KEY = 'coditect.unsaved-text';

interface Text {
    readonly address: string;
    readonly text: string;
    readonly base?: FileResourceVersion;
}

function isTexts(value: unknown): value is Text[] {
    return Array.isArray(value) && value.every((one: Partial<Text> | undefined) =>
        typeof one?.address === 'string' && typeof one.text === 'string' && (one.base === undefined || FileResourceVersion.is(one.base)));
}

function baseOf(model: MonacoEditorModel): FileResourceVersion | undefined {
    const base = model instanceof FileModel ? model.base : undefined;
    return FileResourceVersion.is(base) ? base : undefined;
}

@injectable()
export class UnsavedText implements FrontendApplicationContribution {
    @inject(MonacoTextModelService)
    protected readonly models!: MonacoTextModelService;

    @inject(OpenerService)
    protected readonly opener!: OpenerService;

    /** Whether all of it is stored: not when there is more than a browser keeps, about 5 MB. */
    keep(): boolean {
        const texts: Text[] = this.models.models
            .filter(model => model.dirty && /^(file|untitled):/.test(model.uri))
            .map(model => ({ address: model.uri, text: model.getText(), base: baseOf(model) }));
        try {
            sessionStorage.setItem(KEY, JSON.stringify(texts));
            return true;
        } catch {
            return false;
        }
    }

    async onDidInitializeLayout(): Promise<void> {
        const stored = sessionStorage.getItem(KEY);
        const texts: unknown = JSON.parse(stored ?? '[]');
        const left: Text[] = [];
        for (const one of isTexts(texts) ? texts : []) {
            try {
                await this.bringBack(one);
            } catch (error) {
                console.error(error);
                left.push(one); // the tab's next page tries again
            }
        }
        if (left.length > 0) {
            sessionStorage.setItem(KEY, JSON.stringify(left));
        } else {
            sessionStorage.removeItem(KEY);
        }
    }

    protected async bringBack({ address, text, base }: Text): Promise<void> {
        const uri = new URI(address);
        const reference = await this.models.createModelReference(uri);
        const { object: model } = reference;
        if (model instanceof FileModel) {
            model.bringBack(text, base);
        } else {
            model.textEditorModel.setValue(text);
        }
        await open(this.opener, uri);
        reference.dispose();
    }
}
