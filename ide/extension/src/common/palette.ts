/*
 * What the IDE's colours are: roles, once for each theme. Neutral greys and one accent, indigo, the same as the platform's
 * pages have (a test holds the two against each other). Pure, so that every pair can be measured.
 *
 *  1. Text has a contrast of 4.5:1 on what it stands on, 7:1 in the themes of high contrast.
 *  2. Those have lines where the others have shades: every part has a border that is seen, every shade is one colour.
 */

export type ThemeKind = 'light' | 'dark';

export const THEME_IDS = {
    light: 'coditect-light', dark: 'coditect-dark', hcLight: 'coditect-hc-light', hcDark: 'coditect-hc-dark'
} as const;

export type ThemeName = keyof typeof THEME_IDS;

export function themeFor(kind: ThemeKind): string {
    return THEME_IDS[kind];
}

/** What a system that asks for more contrast makes of a theme: another's stays. */
export function inContrast(id: string): string {
    return id === THEME_IDS.light ? THEME_IDS.hcLight : id === THEME_IDS.dark ? THEME_IDS.hcDark : id;
}

export interface Roles {
    /** Editor, panels beside it, and the frame around both. */
    readonly page: string;
    readonly panel: string;
    readonly frame: string;
    readonly raised: string;
    readonly line: string;
    readonly strongLine: string;
    readonly hover: string;
    readonly selected: string;
    readonly text: string;
    readonly soft: string;
    readonly faint: string;
    /** The accent as a fill with `onAccent` on it, and as text on the page. */
    readonly accent: string;
    readonly accentHover: string;
    readonly accentText: string;
    readonly onAccent: string;
    readonly focus: string;
    /** Behind text. */
    readonly selection: string;
    readonly match: string;
    readonly good: string;
    readonly warn: string;
    readonly bad: string;
    readonly code: {
        readonly comment: string;
        readonly keyword: string;
        readonly string: string;
        readonly number: string;
        readonly call: string;
        readonly type: string;
        readonly name: string;
        readonly property: string;
        readonly tag: string;
        readonly punctuation: string;
    };
    readonly terminal: readonly string[];
}

const light: Roles = {
    page: '#ffffff', panel: '#fafafa', frame: '#f4f4f5', raised: '#ffffff', line: '#e4e4e7', strongLine: '#cfcfd4',
    hover: '#ececee', selected: '#e0e7ff', text: '#18181b', soft: '#52525b', faint: '#63636b',
    accent: '#4f46e5', accentHover: '#4338ca', accentText: '#4338ca', onAccent: '#ffffff', focus: '#6366f1',
    selection: '#c7d2fe', match: '#fde68a',
    good: '#166534', warn: '#854d0e', bad: '#b42318',
    code: {
        comment: '#696971', keyword: '#6d28d9', string: '#047857', number: '#b45309', call: '#1d4ed8',
        type: '#0e7490', name: '#27272a', property: '#3f3f9a', tag: '#be185d', punctuation: '#52525b'
    },
    terminal: [
        '#27272a', '#b42318', '#166534', '#854d0e', '#4338ca', '#a21caf', '#0e7490', '#63636b',
        '#52525b', '#dc2626', '#15803d', '#a16207', '#4f46e5', '#c026d3', '#0f7a96', '#3f3f46'
    ]
};

const dark: Roles = {
    page: '#131316', panel: '#0c0c0e', frame: '#0c0c0e', raised: '#18181b', line: '#26262a', strongLine: '#3a3a40',
    hover: '#222226', selected: '#2a2c58', text: '#ededef', soft: '#a4a4ad', faint: '#8e8e98',
    accent: '#5558e8', accentHover: '#4b4edc', accentText: '#a5b4fc', onAccent: '#ffffff', focus: '#818cf8',
    selection: '#3b3e7d', match: '#713f12',
    good: '#4ade80', warn: '#fbbf24', bad: '#f98a80',
    code: {
        comment: '#8e8e98', keyword: '#c4b5fd', string: '#86efac', number: '#fcd34d', call: '#93c5fd',
        type: '#67e8f9', name: '#ededef', property: '#c7d2fe', tag: '#f9a8d4', punctuation: '#a4a4ad'
    },
    terminal: [
        '#8e8e98', '#f98a80', '#4ade80', '#fbbf24', '#818cf8', '#e879f9', '#22d3ee', '#d4d4d8',
        '#a4a4ad', '#fca5a5', '#86efac', '#fde68a', '#a5b4fc', '#f0abfc', '#67e8f9', '#fafafa'
    ]
};

const hcLight: Roles = {
    page: '#ffffff', panel: '#ffffff', frame: '#ffffff', raised: '#ffffff', line: '#52525b', strongLine: '#18181b',
    hover: '#ececee', selected: '#e0e7ff', text: '#000000', soft: '#18181b', faint: '#3f3f46',
    accent: '#3730a3', accentHover: '#312e81', accentText: '#3730a3', onAccent: '#ffffff', focus: '#3730a3',
    selection: '#c7d2fe', match: '#fde68a',
    good: '#14532d', warn: '#713f12', bad: '#8f1a12',
    code: {
        comment: '#3f3f46', keyword: '#4c1d95', string: '#14532d', number: '#713f12', call: '#1e3a8a',
        type: '#164e63', name: '#000000', property: '#312e81', tag: '#831843', punctuation: '#18181b'
    },
    terminal: [
        '#000000', '#8f1a12', '#14532d', '#713f12', '#3730a3', '#701a75', '#164e63', '#3f3f46',
        '#27272a', '#991b1b', '#166534', '#78350f', '#3730a3', '#86198f', '#155e75', '#18181b'
    ]
};

const hcDark: Roles = {
    page: '#000000', panel: '#000000', frame: '#000000', raised: '#000000', line: '#8e8e98', strongLine: '#d4d4d8',
    hover: '#222226', selected: '#2a2c58', text: '#ffffff', soft: '#ededef', faint: '#c9c9cf',
    accent: '#c7d2fe', accentHover: '#e0e7ff', accentText: '#c7d2fe', onAccent: '#000000', focus: '#c7d2fe',
    selection: '#3b3e7d', match: '#713f12',
    good: '#86efac', warn: '#fcd34d', bad: '#fca5a5',
    code: {
        comment: '#c9c9cf', keyword: '#ddd6fe', string: '#bbf7d0', number: '#fde68a', call: '#bfdbfe',
        type: '#a5f3fc', name: '#ffffff', property: '#e0e7ff', tag: '#fbcfe8', punctuation: '#ededef'
    },
    terminal: [
        '#c9c9cf', '#fca5a5', '#86efac', '#fcd34d', '#c7d2fe', '#f5d0fe', '#a5f3fc', '#ededef',
        '#d4d4d8', '#fecaca', '#bbf7d0', '#fde68a', '#e0e7ff', '#fae8ff', '#cffafe', '#ffffff'
    ]
};

export const ROLES: Readonly<Record<ThemeName, Roles>> = { light, dark, hcLight, hcDark };
