/*
 * The colour themes, made from one set of roles each (common/palette.ts). They take the place of Theia's own.
 */

import { injectable } from '@theia/core/shared/inversify';
import { BuiltinThemeProvider } from '@theia/core/lib/browser/theming';
import { Theme, ThemeType } from '@theia/core/lib/common/theme';
import { MonacoThemeRegistry } from '@theia/monaco/lib/browser/textmate/monaco-theme-registry';
import { ROLES, Roles, THEME_IDS, ThemeName } from '../common/palette';

const ANSI = [
    'Black', 'Red', 'Green', 'Yellow', 'Blue', 'Magenta', 'Cyan', 'White',
    'BrightBlack', 'BrightRed', 'BrightGreen', 'BrightYellow', 'BrightBlue', 'BrightMagenta', 'BrightCyan', 'BrightWhite'
];

function workbenchColors(r: Roles): Record<string, string> {
    return {
        'focusBorder': r.focus,
        'foreground': r.text,
        'disabledForeground': r.faint,
        'descriptionForeground': r.faint,
        'errorForeground': r.bad,
        'icon.foreground': r.soft,
        'selection.background': r.selection,
        'widget.shadow': '#00000026',
        'widget.border': r.line,
        'sash.hoverBorder': r.focus,
        'progressBar.background': r.accent,
        'textLink.foreground': r.accentText,
        'textLink.activeForeground': r.accentText,
        'textPreformat.foreground': r.accentText,
        'textBlockQuote.background': r.panel,
        'textBlockQuote.border': r.line,
        'textCodeBlock.background': r.frame,

        'button.background': r.accent,
        'button.foreground': r.onAccent,
        'button.hoverBackground': r.accentHover,
        'button.secondaryBackground': r.hover,
        'button.secondaryForeground': r.text,
        'button.secondaryHoverBackground': r.line,
        'secondaryButton.background': r.hover,
        'secondaryButton.foreground': r.text,
        'secondaryButton.hoverBackground': r.line,
        'checkbox.background': r.raised,
        'checkbox.border': r.strongLine,
        'checkbox.foreground': r.text,
        'badge.background': r.accent,
        'badge.foreground': r.onAccent,

        'input.background': r.raised,
        'input.border': r.strongLine,
        'input.foreground': r.text,
        'input.placeholderForeground': r.faint,
        'inputOption.activeBackground': r.selected,
        'inputOption.activeBorder': r.focus,
        'inputOption.activeForeground': r.accentText,
        'dropdown.background': r.raised,
        'dropdown.border': r.strongLine,
        'dropdown.foreground': r.text,
        'quickInput.background': r.raised,
        'quickInput.foreground': r.text,
        'quickInputTitle.background': r.panel,
        'quickInputList.focusBackground': r.selected,
        'quickInputList.focusForeground': r.text,
        'quickInputList.focusIconForeground': r.text,
        'pickerGroup.border': r.line,
        'pickerGroup.foreground': r.accentText,
        'keybindingLabel.background': r.hover,
        'keybindingLabel.border': r.line,
        'keybindingLabel.bottomBorder': r.line,
        'keybindingLabel.foreground': r.soft,

        'menu.background': r.raised,
        'menu.foreground': r.text,
        'menu.border': r.line,
        'menu.selectionBackground': r.selected,
        'menu.selectionForeground': r.text,
        'menu.separatorBackground': r.line,
        'menubar.selectionBackground': r.hover,
        'menubar.selectionForeground': r.text,

        'list.activeSelectionBackground': r.selected,
        'list.activeSelectionForeground': r.text,
        'list.activeSelectionIconForeground': r.text,
        'list.inactiveSelectionBackground': r.hover,
        'list.inactiveSelectionForeground': r.text,
        'list.focusBackground': r.selected,
        'list.focusForeground': r.text,
        'list.focusOutline': '#00000000',
        'list.hoverBackground': r.hover,
        'list.hoverForeground': r.text,
        'list.highlightForeground': r.accentText,
        'list.warningForeground': r.warn,
        'list.errorForeground': r.bad,
        'tree.indentGuidesStroke': r.line,

        'titleBar.activeBackground': r.frame,
        'titleBar.activeForeground': r.soft,
        'titleBar.border': r.line,
        'activityBar.background': r.frame,
        'activityBar.foreground': r.text,
        'activityBar.inactiveForeground': r.faint,
        'activityBar.border': r.line,
        'activityBar.activeBorder': r.focus,
        'activityBar.activeBackground': r.frame,
        'activityBarBadge.background': r.accent,
        'activityBarBadge.foreground': r.onAccent,
        'sideBar.background': r.panel,
        'sideBar.foreground': r.text,
        'sideBar.border': r.line,
        'sideBarTitle.foreground': r.soft,
        'sideBarSectionHeader.background': r.panel,
        'sideBarSectionHeader.foreground': r.soft,
        'sideBarSectionHeader.border': r.line,
        'panel.background': r.panel,
        'panel.border': r.line,
        'panelTitle.activeBorder': r.focus,
        'panelTitle.activeForeground': r.text,
        'panelTitle.inactiveForeground': r.faint,
        'statusBar.background': r.frame,
        'statusBar.foreground': r.soft,
        'statusBar.border': r.line,
        'statusBar.noFolderBackground': r.frame,
        'statusBar.noFolderForeground': r.soft,
        'statusBar.noFolderBorder': r.line,
        'statusBar.debuggingBackground': r.accent,
        'statusBar.debuggingForeground': r.onAccent,
        'statusBar.offlineBackground': r.frame,
        'statusBar.offlineForeground': r.soft,
        'statusBarItem.hoverBackground': r.hover,
        'statusBarItem.activeBackground': r.line,
        'statusBarItem.prominentBackground': r.hover,
        'statusBarItem.remoteBackground': r.frame,
        'statusBarItem.remoteForeground': r.soft,

        'editorGroup.border': r.line,
        'editorGroup.dropBackground': `${r.accent}22`,
        'editorGroupHeader.tabsBackground': r.frame,
        'editorGroupHeader.tabsBorder': r.line,
        'editorGroupHeader.noTabsBackground': r.page,
        'tab.activeBackground': r.page,
        'tab.activeForeground': r.text,
        'tab.activeBorderTop': r.focus,
        'tab.unfocusedActiveBorderTop': r.strongLine,
        'tab.inactiveBackground': r.frame,
        'tab.inactiveForeground': r.faint,
        'tab.hoverBackground': r.hover,
        'tab.border': r.line,
        'breadcrumb.background': r.page,
        'breadcrumb.foreground': r.faint,
        'breadcrumb.focusForeground': r.text,
        'breadcrumb.activeSelectionForeground': r.text,
        'breadcrumbPicker.background': r.raised,

        'editor.background': r.page,
        'editor.foreground': r.text,
        'editor.selectionBackground': r.selection,
        'editor.inactiveSelectionBackground': `${r.selection}88`,
        'editor.selectionHighlightBackground': `${r.selection}66`,
        'editor.wordHighlightBackground': `${r.selection}55`,
        'editor.wordHighlightStrongBackground': `${r.selection}77`,
        'editor.findMatchBackground': r.match,
        'editor.findMatchHighlightBackground': `${r.match}77`,
        'editor.lineHighlightBackground': r.panel,
        'editor.lineHighlightBorder': '#00000000',
        'editorCursor.foreground': r.focus,
        'editorLineNumber.foreground': r.faint,
        'editorLineNumber.activeForeground': r.text,
        'editorIndentGuide.background1': r.line,
        'editorIndentGuide.activeBackground1': r.strongLine,
        'editorWhitespace.foreground': r.strongLine,
        'editorRuler.foreground': r.line,
        'editorBracketMatch.background': `${r.accent}22`,
        'editorBracketMatch.border': r.accent,
        'editorGutter.addedBackground': r.good,
        'editorGutter.modifiedBackground': r.accent,
        'editorGutter.deletedBackground': r.bad,
        'editorError.foreground': r.bad,
        'editorWarning.foreground': r.warn,
        'editorInfo.foreground': r.accent,
        'editorWidget.background': r.raised,
        'editorWidget.foreground': r.text,
        'editorWidget.border': r.line,
        'editorHoverWidget.background': r.raised,
        'editorHoverWidget.border': r.line,
        'editorSuggestWidget.background': r.raised,
        'editorSuggestWidget.border': r.line,
        'editorSuggestWidget.selectedBackground': r.selected,
        'editorSuggestWidget.selectedForeground': r.text,
        'editorSuggestWidget.highlightForeground': r.accentText,
        'editorOverviewRuler.border': '#00000000',
        'minimap.background': r.page,
        'minimapSlider.background': `${r.faint}22`,
        'minimapSlider.hoverBackground': `${r.faint}33`,
        'minimapSlider.activeBackground': `${r.faint}44`,
        'scrollbar.shadow': '#00000000',
        'scrollbarSlider.background': `${r.faint}33`,
        'scrollbarSlider.hoverBackground': `${r.faint}55`,
        'scrollbarSlider.activeBackground': `${r.faint}77`,
        'diffEditor.insertedTextBackground': `${r.good}22`,
        'diffEditor.removedTextBackground': `${r.bad}22`,
        'peekView.border': r.accent,
        'peekViewEditor.background': r.panel,
        'peekViewResult.background': r.panel,
        'peekViewTitle.background': r.raised,

        'notifications.background': r.raised,
        'notifications.foreground': r.text,
        'notifications.border': r.line,
        'notificationCenterHeader.background': r.panel,
        'notificationToast.border': r.line,
        'notificationsInfoIcon.foreground': r.accentText,
        'notificationsWarningIcon.foreground': r.warn,
        'notificationsErrorIcon.foreground': r.bad,
        'settings.headerForeground': r.text,
        'settings.modifiedItemIndicator': r.accent,
        'settings.focusedRowBackground': r.panel,
        'welcomePage.background': r.page,

        'gitDecoration.addedResourceForeground': r.good,
        'gitDecoration.untrackedResourceForeground': r.good,
        'gitDecoration.modifiedResourceForeground': r.warn,
        'gitDecoration.deletedResourceForeground': r.bad,
        'gitDecoration.conflictingResourceForeground': r.bad,
        'gitDecoration.ignoredResourceForeground': r.faint,

        'terminal.background': r.panel,
        'terminal.foreground': r.text,
        'terminal.selectionBackground': r.selection,
        'terminalCursor.foreground': r.focus,
        ...Object.fromEntries(ANSI.map((name, i) => [`terminal.ansi${name}`, r.terminal[i]]))
    };
}

/** What only the themes of high contrast have: a border around everything. */
function strongColors(r: Roles): Record<string, string> {
    return {
        'contrastBorder': r.line,
        'contrastActiveBorder': r.focus,
        'list.focusOutline': r.focus,
        'widget.shadow': '#00000000',
        'editor.lineHighlightBorder': r.line,
        'editor.selectionHighlightBackground': r.selection,
        'tab.activeBorderTop': r.focus,
        'menu.border': r.strongLine,
        'quickInput.border': r.strongLine,
        'editorWidget.border': r.strongLine
    };
}

interface TokenRule {
    readonly scope: readonly string[];
    readonly settings: { readonly foreground?: string; readonly fontStyle?: string };
}

function tokenColors({ code, bad, good, accentText }: Roles): TokenRule[] {
    const rule = (foreground: string, scope: string[], fontStyle?: string): TokenRule => ({
        scope,
        settings: { foreground, fontStyle }
    });
    return [
        rule(code.name, ['variable', 'meta.embedded', 'source', 'text']),
        rule(code.comment, ['comment', 'punctuation.definition.comment', 'string.quoted.docstring'], 'italic'),
        rule(code.keyword, [
            'keyword', 'storage', 'storage.type', 'storage.modifier', 'keyword.control', 'keyword.operator.new',
            'keyword.operator.expression', 'keyword.operator.logical.python', 'variable.language', 'constant.language'
        ]),
        rule(code.punctuation, ['keyword.operator', 'punctuation', 'meta.brace', 'storage.type.function.arrow']),
        rule(code.string, ['string', 'punctuation.definition.string', 'markup.inline.raw', 'markup.fenced_code.block']),
        rule(code.number, ['constant.numeric', 'constant.character', 'constant.other', 'keyword.other.unit', 'string.regexp']),
        rule(code.call, [
            'entity.name.function', 'support.function', 'meta.function-call.generic', 'variable.function',
            'entity.name.command', 'support.function.builtin'
        ]),
        rule(code.type, [
            'entity.name.type', 'entity.name.class', 'entity.name.namespace', 'entity.other.inherited-class',
            'support.class', 'support.type', 'support.type.primitive', 'meta.type.annotation'
        ]),
        rule(code.property, [
            'variable.other.property', 'variable.other.object.property', 'support.variable.property',
            'support.type.property-name', 'meta.object-literal.key', 'entity.other.attribute-name', 'entity.name.tag.yaml',
            'entity.name.variable.field'
        ]),
        rule(code.tag, ['entity.name.tag', 'meta.preprocessor', 'keyword.control.directive', 'entity.name.function.decorator']),
        rule(code.name, ['variable.parameter', 'variable.other.readwrite', 'variable.other.object']),
        rule(accentText, ['markup.heading', 'entity.name.section'], 'bold'),
        rule(accentText, ['markup.underline.link', 'string.other.link']),
        rule(code.name, ['markup.bold'], 'bold'),
        rule(code.name, ['markup.italic'], 'italic'),
        rule(good, ['markup.inserted']),
        rule(bad, ['markup.deleted', 'invalid'])
    ];
}

interface Facts {
    readonly label: string;
    readonly type: ThemeType;
    /** Monaco's own theme below ours. */
    readonly base: 'vs' | 'vs-dark' | 'hc-black' | 'hc-light';
}

const FACTS: Readonly<Record<ThemeName, Facts>> = {
    light: { label: 'Coditect Light', type: 'light', base: 'vs' },
    dark: { label: 'Coditect Dark', type: 'dark', base: 'vs-dark' },
    hcLight: { label: 'Coditect High Contrast Light', type: 'hcLight', base: 'hc-light' },
    hcDark: { label: 'Coditect High Contrast', type: 'hc', base: 'hc-black' }
};
const NAMES = Object.keys(FACTS) as readonly ThemeName[];

/** Must run before `ThemeService` exists: it picks the first theme of a page when it is made. */
export function replaceTheiasThemes(): void {
    const ours: Theme[] = NAMES.map(name => ({
        id: THEME_IDS[name], type: FACTS[name].type, label: FACTS[name].label, editorTheme: THEME_IDS[name]
    }));
    BuiltinThemeProvider.themes.splice(0, BuiltinThemeProvider.themes.length, ...ours);
}

@injectable()
export class CoditectThemeRegistry extends MonacoThemeRegistry {
    override initializeDefaultThemes(): void {
        super.initializeDefaultThemes();
        for (const name of NAMES) {
            const { label, base } = FACTS[name];
            const strong = base.startsWith('hc') ? strongColors(ROLES[name]) : {};
            const file = {
                name: label, colors: { ...workbenchColors(ROLES[name]), ...strong }, tokenColors: tokenColors(ROLES[name])
            };
            this.register(file, undefined, THEME_IDS[name], base);
        }
    }
}
