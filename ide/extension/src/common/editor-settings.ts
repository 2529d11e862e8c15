/*
 * The platform's settings of category "editor" (spec/preferences.yaml) as Theia's preferences. They are the IDE's defaults:
 * what the person or the workspace's own settings.json says wins over them.
 */

export type PreferenceValue = string | number | boolean;

const MAX_FONTS = 200;
const MAX_SIZE = 72;
const MAX_TAB = 16;
/** As much room as the pages give between lines; the IDE's own default is a fixed height, which large letters would not fit. */
const LEADING = 7;

type Row = (value: unknown) => readonly (readonly [string, PreferenceValue])[];

const isWhole = (value: unknown, most: number): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;

const flag = (name: string): Row => value => typeof value === 'boolean' ? [[name, value]] : [];

const oneOf = (name: string, values: Readonly<Record<string, string>>): Row => value => {
    const ours = typeof value === 'string' && Object.hasOwn(values, value) ? values[value] : undefined;
    return ours === undefined ? [] : [[name, ours]];
};

const ROWS: Readonly<Record<string, Row>> = {
    font_family: value => typeof value === 'string' && value !== '' && value.length <= MAX_FONTS ? [['editor.fontFamily', value]] : [],
    font_size: value => isWhole(value, MAX_SIZE) ? [['editor.fontSize', value], ['editor.lineHeight', value + LEADING]] : [],
    tab_size: value => isWhole(value, MAX_TAB) ? [['editor.tabSize', value]] : [],
    insert_spaces: flag('editor.insertSpaces'),
    word_wrap: value => typeof value === 'boolean' ? [['editor.wordWrap', value ? 'on' : 'off']] : [],
    line_numbers: oneOf('editor.lineNumbers', { on: 'on', off: 'off', relative: 'relative' }),
    minimap: flag('editor.minimap.enabled'),
    format_on_save: flag('editor.formatOnSave'),
    auto_save: oneOf('files.autoSave', { after_delay: 'afterDelay', on_focus_change: 'onFocusChange', off: 'off' })
};

/** Settings that are not known, and values that are none, count for nothing. */
export function toPreferences(settings: Readonly<Record<string, unknown>>): ReadonlyMap<string, PreferenceValue> {
    return new Map(Object.entries(ROWS).flatMap(([key, row]) => row(settings[key])));
}
