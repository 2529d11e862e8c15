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
        const texts: unknown = JSON.parse(stored ?? '[]');
        const left: (readonly [string, string])[] = [];
        for (const [address, text] of isTexts(texts) ? texts : []) {
            try {
                await this.bringBack(new URI(address), text);
            } catch (error) {
                console.error(error);
                left.push([address, text]); // the tab's next page tries again
            }
        }
        if (left.length > 0) {
            sessionStorage.setItem(KEY, JSON.stringify(left));
        } else {
            sessionStorage.removeItem(KEY);
        }
    }

    protected async bringBack(uri: URI, text: string): Promise<void> {
        const reference = await this.models.createModelReference(uri);
        reference.object.textEditorModel.setValue(text);
        await open(this.opener, uri);
        reference.dispose();
    }
}
