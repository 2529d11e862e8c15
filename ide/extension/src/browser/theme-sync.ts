import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution } from '@theia/core/lib/browser';
import { QuickInputService } from '@theia/core/lib/common/quick-pick-service';
import { PlatformFrame } from './platform-frame';
import { SettingPreferences } from './setting-preferences';
import { COLOR_THEME, FollowingThemes } from './theme-service';

/** Who has a say in the theme (common/theme-order.ts): the platform's page, the system, and whoever chooses here, which the page is told. */
@injectable()
export class ThemeSync implements FrontendApplicationContribution {
    @inject(FollowingThemes)
    protected readonly themes!: FollowingThemes;

    @inject(SettingPreferences)
    protected readonly preferences!: SettingPreferences;

    @inject(QuickInputService)
    protected readonly lists!: QuickInputService;

    @inject(PlatformFrame)
    protected readonly platform!: PlatformFrame;

    /** Until the page says what it has, it is taken for what the IDE was last seen in. */
    initialize(): void {
        if (this.platform.framed) {
            void this.themes.initialized.then(() => this.themes.follow(this.themes.kind));
        }
    }

    onStart(): void {
        this.platform.onTheme(kind => this.themes.follow(kind));
        this.themes.onDidTurn(theme => this.platform.send({ type: 'coditect.theme.changed', theme }));
        this.preferences.onSet(({ name, value }) => name === COLOR_THEME && this.themes.set(value));
        this.lists.onShow(() => this.themes.preview(true));
        this.lists.onHide(() => this.themes.preview(false));
    }

    onDidInitializeLayout(): void {
        void this.ready();
    }

    protected async ready(): Promise<void> {
        // A theme set earlier is overwritten once, when Theia reads its preferences.
        await Promise.all([this.preferences.ready, this.platform.connect()]);
        this.platform.send({ type: 'coditect.ready', theme: this.themes.kind });
    }
}
