import { injectable } from '@theia/core/shared/inversify';
import { Emitter } from '@theia/core/lib/common';
import { Theme, getThemeMode } from '@theia/core/lib/common/theme';
import { ThemeServiceWithDB } from '@theia/monaco/lib/browser/monaco-indexed-db';
import { ThemeKind } from '../common/palette';
import { KnownTheme, ThemeOrder } from '../common/theme-order';

export const COLOR_THEME = 'workbench.colorTheme';

/** Theia's themes, of which the one is shown that common/theme-order.ts wants. */
@injectable()
export class FollowingThemes extends ThemeServiceWithDB {
    protected readonly order = new ThemeOrder();
    protected readonly contrast = matchMedia('(prefers-contrast: more)');
    protected storing: Promise<void> = Promise.resolve();

    /** While a list is open, themes are shown that nobody has chosen yet. */
    protected previews = false;

    protected readonly turnEmitter = new Emitter<ThemeKind>();
    /** Somebody chose here what the page does not have. */
    readonly onDidTurn = this.turnEmitter.event;

    protected override init(): void {
        super.init();
        this.contrast.addEventListener('change', () => this.validateActiveTheme());
    }

    get kind(): ThemeKind {
        return getThemeMode(this.getCurrentTheme().type);
    }

    follow(kind: ThemeKind): void {
        this.order.follow(kind);
        this.validateActiveTheme();
    }

    /** Somebody sets it here as a setting: its kind counts now, the theme itself when it is read back. */
    set(id: unknown): void {
        const theme = this.known(id);
        if (theme && !this.order.isPending(theme.id)) {
            this.turned(this.order.turn(theme.kind));
        }
    }

    preview(isOpen: boolean): void {
        this.previews = isOpen;
        if (!isOpen) {
            this.validateActiveTheme();
        }
    }

    /** What a list shows before one is chosen, and takes back, ends with the list: the theme it opened with may be an old one. */
    override setCurrentTheme(id: string, persist = true): void {
        const theme = this.known(id);
        if (persist && theme) {
            const news = this.order.choose(theme);
            this.storing = this.storing.then(() => this.store(id)).catch(error => console.warn('The theme could not be stored.', error));
            this.turned(news);
        } else {
            const wanted = this.preferences.isReady && !this.previews ? this.getConfiguredTheme() : undefined;
            super.setCurrentTheme(wanted?.id ?? id, /* persist= */ false);
        }
    }

    protected override getConfiguredTheme(): Theme | undefined {
        const id = this.order.wanted(this.known(this.preferences.get(COLOR_THEME)), this.contrast.matches);
        return id === undefined ? undefined : this.tryGetTheme(id);
    }

    protected known(id: unknown): KnownTheme | undefined {
        const theme = typeof id === 'string' ? this.tryGetTheme(id) : undefined;
        return theme && { id: theme.id, kind: getThemeMode(theme.type) };
    }

    protected turned(news: ThemeKind | undefined): void {
        this.validateActiveTheme();
        if (news) {
            this.turnEmitter.fire(news);
        }
    }

    /** One after the other: Theia drops a change to the value that it still remembers from before. */
    protected async store(id: string): Promise<void> {
        if (this.order.isPending(id)) {
            await this.preferences.updateValue(COLOR_THEME, id);
            this.order.settle(id);
            this.validateActiveTheme();
        }
    }
}
