import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution } from '@theia/core/lib/browser';
import { ThemeService } from '@theia/core/lib/browser/theming';
import { PreferenceService } from '@theia/core/lib/common';
import { ThemeKind } from '../common/frame-messages';
import { PlatformFrame } from './platform-frame';
import { THEME_IDS } from './themes';

/** Light or dark follows the platform's page, and the page follows a choice made here. */
@injectable()
export class ThemeSync implements FrontendApplicationContribution {
    @inject(ThemeService)
    protected readonly themes!: ThemeService;

    @inject(PreferenceService)
    protected readonly preferences!: PreferenceService;

    @inject(PlatformFrame)
    protected readonly platform!: PlatformFrame;

    /** What the platform is known to have; it is told of changes only. */
    protected theirs: ThemeKind | undefined;

    onStart(): void {
        this.platform.onTheme(theme => this.follow(theme));
        this.themes.onDidColorThemeChange(() => this.tell());
    }

    onDidInitializeLayout(): void {
        void this.ready();
    }

    protected async ready(): Promise<void> {
        // A theme set earlier is overwritten once, when Theia reads its preferences.
        await Promise.all([this.preferences.ready, this.platform.connect()]);
        this.theirs = this.ours();
        this.platform.send({ type: 'coditect.ready', theme: this.theirs });
    }

    protected ours(): ThemeKind {
        const { type } = this.themes.getCurrentTheme();
        return type === 'light' || type === 'hcLight' ? 'light' : 'dark';
    }

    /** A theme of the wanted kind that the person chose stays. */
    protected follow(theme: ThemeKind): void {
        this.theirs = theme;
        if (this.ours() !== theme) {
            this.themes.setCurrentTheme(THEME_IDS[theme]);
        }
    }

    protected tell(): void {
        const theme = this.ours();
        if (this.theirs !== undefined && this.theirs !== theme) {
            this.theirs = theme;
            this.platform.send({ type: 'coditect.theme.changed', theme });
        }
    }
}
