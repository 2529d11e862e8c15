import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution } from '@theia/core/lib/browser';
import { ThemeService } from '@theia/core/lib/browser/theming';
import { PreferenceService } from '@theia/core/lib/common';
import { Deferred, timeout } from '@theia/core/lib/common/promise-util';
import { ThemeKind, themeFor, withContrast } from '../common/palette';
import { PlatformFrame } from './platform-frame';

const COLOR_THEME = 'workbench.colorTheme';
const READ_BACK_MS = 5_000;

/**
 * Light or dark follows the platform's page, and the page follows a choice made here. Where the system asks for more contrast,
 * our themes are those of high contrast; another extension's theme stays.
 */
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

    protected readonly contrast = matchMedia('(prefers-contrast: more)');

    /** The theme that this put last; until somebody chooses another one. */
    protected wanted: string | undefined;

    /** While themes are being stored: those that may be shown without being anybody's choice. */
    protected readonly echoes = new Set<string>();
    protected stored: Promise<void> = Promise.resolve();
    protected storing = 0;

    onStart(): void {
        this.platform.onTheme(theme => this.follow(theme));
        this.themes.onDidColorThemeChange(() => this.tell());
        this.contrast.addEventListener('change', () => this.adjust());
    }

    onDidInitializeLayout(): void {
        void this.ready();
    }

    protected async ready(): Promise<void> {
        // A theme set earlier is overwritten once, when Theia reads its preferences.
        await Promise.all([this.preferences.ready, this.platform.connect()]);
        if (this.contrast.matches) {
            this.adjust();
        }
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
            this.put(themeFor(theme, this.contrast.matches));
        }
    }

    protected adjust(): void {
        const wanted = withContrast(this.themes.getCurrentTheme().id, this.contrast.matches);
        if (wanted !== undefined) {
            this.put(wanted);
        }
    }

    protected put(id: string): void {
        this.wanted = id;
        this.echoes.add(this.themes.getCurrentTheme().id).add(String(this.preferences.get(COLOR_THEME))).add(id);
        this.themes.setCurrentTheme(id, /* persist= */ false);
        this.storing += 1;
        this.stored = this.stored.then(() => this.store(id)).finally(() => {
            this.storing -= 1;
            if (this.storing === 0) {
                this.echoes.clear();
            }
        });
    }

    /**
     * One after the other, and each until it is read back: Theia drops a change to the value that it still remembers,
     * and shows what it reads. What is not wanted any more is not stored.
     */
    protected async store(id: string): Promise<void> {
        if (this.wanted === id && this.preferences.get(COLOR_THEME) !== id) {
            const readBack = new Deferred<void>();
            const listener = this.preferences.onPreferenceChanged(({ preferenceName }) =>
                preferenceName === COLOR_THEME && this.preferences.get(COLOR_THEME) === id && readBack.resolve());
            await this.preferences.updateValue(COLOR_THEME, id);
            await Promise.race([readBack.promise, timeout(READ_BACK_MS)]);
            listener.dispose();
        }
        if (this.wanted === id) {
            this.themes.setCurrentTheme(id, /* persist= */ false);
        }
    }

    protected tell(): void {
        if (this.echoes.has(this.themes.getCurrentTheme().id)) {
            return;
        }
        this.wanted = undefined;
        const theme = this.ours();
        if (this.theirs !== undefined && this.theirs !== theme) {
            this.theirs = theme;
            this.platform.send({ type: 'coditect.theme.changed', theme });
        }
    }
}
