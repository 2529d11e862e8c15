/*
 * Which theme is shown. Three have a say: the platform's page (light or dark), the system (more contrast), and the person, who
 * chooses a theme in the IDE or has one in its settings.
 *
 *  1. Light or dark is the last word of the page or of somebody who chooses here. Without a page it is what the settings say.
 *  2. What is read from the settings is no such word: it comes late, and twice, and other windows and programs write there, so
 *     nobody knows when it was said. It is shown while it is of the kind that is shown; else our theme of that kind is.
 *  3. Nothing is written into the settings but what somebody chose. What the page and the system say is not: it needs no
 *     recognising when it is read back.
 */

import { ThemeKind, inContrast, themeFor } from './palette';

export interface KnownTheme {
    readonly id: string;
    readonly kind: ThemeKind;
}

export class ThemeOrder {
    /** Undefined: there is no page. */
    protected kind: ThemeKind | undefined;

    /** What was chosen here and is not in the settings yet. */
    protected chosen: KnownTheme | undefined;

    /** The page's word. */
    follow(kind: ThemeKind): void {
        this.kind = kind;
    }

    /** Somebody's word, here. Gives what the page must be told. */
    turn(kind: ThemeKind): ThemeKind | undefined {
        if (this.kind === undefined || this.kind === kind) {
            return undefined;
        }
        this.kind = kind;
        return kind;
    }

    choose(theme: KnownTheme): ThemeKind | undefined {
        this.chosen = theme;
        return this.turn(theme.kind);
    }

    isPending(id: string): boolean {
        return this.chosen?.id === id;
    }

    /** From now on the settings say it, and whoever changes them. */
    settle(id: string): void {
        this.chosen = this.isPending(id) ? undefined : this.chosen;
    }

    /** settings: what they say now, where it is known; undefined: whatever is shown may stay. */
    wanted(settings: KnownTheme | undefined, more: boolean): string | undefined {
        const preferred = this.chosen ?? settings;
        const kind = this.kind ?? preferred?.kind;
        if (kind === undefined) {
            return undefined;
        }
        const id = preferred?.kind === kind ? preferred.id : themeFor(kind);
        return more ? inContrast(id) : id;
    }
}
