import { injectable } from '@theia/core/shared/inversify';
import { Emitter } from '@theia/core/lib/common';
import { PreferenceScope, PreferenceServiceImpl } from '@theia/core/lib/common/preferences';

export interface Setting {
    readonly name: string;
    readonly value: unknown;
}

/** Says what is set in this window, at the moment it is: what is read from the files does not say who wrote it, and when. */
@injectable()
export class SettingPreferences extends PreferenceServiceImpl {
    protected readonly setEmitter = new Emitter<Setting>();
    readonly onSet = this.setEmitter.event;

    override set(name: string, value: unknown, scope: PreferenceScope | undefined, resourceUri?: string): Promise<void> {
        this.setEmitter.fire({ name, value });
        return super.set(name, value, scope, resourceUri);
    }
}
