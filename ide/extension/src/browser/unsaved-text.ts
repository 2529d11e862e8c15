/*
 * Carries what is typed and not saved over the one reload that nobody asked for: when the backend was restarted, the
 * page starts again (Theia cannot go on with another backend), and finds its unsaved text in its session storage.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution, OpenerService, open } from '@theia/core/lib/browser';
import { URI } from '@theia/core/lib/common';
import { MonacoTextModelService } from '@theia/monaco/lib/browser/monaco-text-model-service';

const KEY = 'coditect.unsaved-text';

type Texts = readonly (readonly [address: string, text: string])[];

function isTexts(value: unknown): value is Texts {
    return Array.isArray(value) && value.every(pair =>
        Array.isArray(pair) && pair.length === 2 && pair.every(part => typeof part === 'string'));
}

@injectable()
export class UnsavedText implements FrontendApplicationContribution {
    @inject(MonacoTextModelService)
    protected readonly models!: MonacoTextModelService;

    @inject(OpenerService)
    protected readonly opener!: OpenerService;

    /** Whether all of it is stored: not when there is more than a browser keeps, about 5 MB. */
    keep(): boolean {
        const texts: Texts = this.models.models
            .filter(model => model.dirty && /^(file|untitled):/.test(model.uri))
            .map(model => [model.uri, model.getText()]);
        try {
            sessionStorage.setItem(KEY, JSON.stringify(texts));
            return true;
        } catch {
            return false;
        }
    }

    async onDidInitializeLayout(): Promise<void> {
        const stored = sessionStorage.getItem(KEY);
        sessionStorage.removeItem(KEY);
        const texts: unknown = JSON.parse(stored ?? '[]');
        for (const [address, text] of isTexts(texts) ? texts : []) {
            const uri = new URI(address);
            const reference = await this.models.createModelReference(uri);
            reference.object.textEditorModel.setValue(text);
            await open(this.opener, uri);
            reference.dispose();
        }
    }
}
