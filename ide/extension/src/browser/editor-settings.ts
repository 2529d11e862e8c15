import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution } from '@theia/core/lib/browser';
import { Disposable, PreferenceSchemaService } from '@theia/core/lib/common';
import { PreferenceValue, toPreferences } from '../common/editor-settings';
import { PlatformFrame } from './platform-frame';

/**
 * What the person chose for editors on the platform's settings page counts here, too, from the moment the page says it. As
 * defaults: who sets something in the IDE's own settings has it.
 */
@injectable()
export class EditorSettings implements FrontendApplicationContribution {
    @inject(PreferenceSchemaService)
    protected readonly schemas!: PreferenceSchemaService;

    @inject(PlatformFrame)
    protected readonly platform!: PlatformFrame;

    protected readonly put = new Map<string, { readonly value: PreferenceValue; readonly override: Disposable }>();

    onStart(): void {
        this.platform.onEditor(settings => this.follow(settings));
    }

    protected follow(settings: Readonly<Record<string, unknown>>): void {
        const wanted = toPreferences(settings);
        for (const [key, value] of wanted) {
            const before = this.put.get(key);
            if (before?.value !== value) {
                // The new one stands before the old one goes: nothing falls back to what was before both.
                this.put.set(key, { value, override: this.schemas.registerOverride(key, undefined, value) });
                before?.override.dispose();
            }
        }
    }
}
