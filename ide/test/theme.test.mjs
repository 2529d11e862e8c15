/*
 * Which theme is shown, in every order in which the page, the system, a person and the settings' file may speak. Theia's services
 * of themes and of settings are the real ones; what the file is written and when it is read, the frame around and the system are not.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { IDE, fromModules, modulesDirectory } from './harness.mjs';

const PLATFORM = 'http://coditect.localhost';
const THEME = 'workbench.colorTheme';
const scratch = mkdtempSync(join(tmpdir(), 'coditect-ide-theme-'));
after(() => rmSync(scratch, { recursive: true }));

/** The extension's modules as they are now, beside Theia's core; of Theia's Monaco only the class that keeps themes in the browser. */
function extension() {
    const typescript = fromModules('typescript');
    for (const [folder, names] of [['common', readdirSync(join(IDE, 'extension/src/common'))], ['browser', ['platform-frame.ts', 'setting-preferences.ts', 'theme-service.ts', 'theme-sync.ts']]]) {
        mkdirSync(join(scratch, folder));
        for (const name of names) {
            const { outputText } = typescript.transpileModule(readFileSync(join(IDE, 'extension/src', folder, name), 'utf8'), {
                compilerOptions: {
                    module: typescript.ModuleKind.CommonJS, target: typescript.ScriptTarget.ES2022,
                    experimentalDecorators: true, useDefineForClassFields: false
                }
            });
            writeFileSync(join(scratch, folder, name.replace(/\.ts$/, '.js')), outputText);
        }
    }
    const monaco = join(scratch, 'node_modules/@theia/monaco/lib/browser');
    mkdirSync(monaco, { recursive: true });
    symlinkSync(join(modulesDirectory(), 'node_modules/@theia/core'), join(scratch, 'node_modules/@theia/core'));
    writeFileSync(join(monaco, 'monaco-indexed-db.js'), 'exports.ThemeServiceWithDB = require("@theia/core/lib/browser/theming").ThemeService;');
    return createRequire(join(scratch, 'x.js'));
}

/** Only what the services look at. */
const system = { queries: new Map(), listeners: new Set(), parent: { heard: [] } };
system.parent.postMessage = (message, origin) => origin === PLATFORM && system.parent.heard.push(message);
globalThis.window = globalThis;
globalThis.localStorage = { getItem: () => undefined };
globalThis.addEventListener = (type, listener) => type === 'message' && system.listeners.add(listener);
globalThis.matchMedia = query => {
    if (!system.queries.has(query)) {
        system.queries.set(query, Object.assign(new EventTarget(), { matches: false }));
    }
    return system.queries.get(query);
};

fromModules('reflect-metadata');
const load = extension();
const { Container } = load('@theia/core/shared/inversify');
const { Emitter } = load('@theia/core/lib/common');
const { BuiltinThemeProvider, ThemeService } = load('@theia/core/lib/browser/theming');
const { FrontendApplicationConfigProvider } = load('@theia/core/lib/browser/frontend-application-config-provider');
const Preferences = load('@theia/core/lib/common/preferences');
const { QuickInputService } = load('@theia/core/lib/common/quick-pick-service');
const { WorkspaceService } = load('./common/workspace-service');
const { PlatformFrame } = load('./browser/platform-frame');
const { SettingPreferences } = load('./browser/setting-preferences');
const { FollowingThemes } = load('./browser/theme-service');
const { ThemeSync } = load('./browser/theme-sync');

FrontendApplicationConfigProvider.set({ applicationName: 'test', defaultTheme: { light: 'coditect-light', dark: 'coditect-dark' } });
const theme = (id, type) => ({ id, type, label: id });
BuiltinThemeProvider.themes.splice(0, Infinity,
    theme('coditect-light', 'light'), theme('coditect-dark', 'dark'), theme('coditect-hc-light', 'hcLight'), theme('coditect-hc-dark', 'hc'),
    theme('paper', 'light'), theme('linen', 'light'), theme('slate', 'dark'), theme('night', 'dark'));

/** The settings' file: writes wait until the test lets them through, and what is read is what the test says was. */
class SettingsFile {
    changed = new Emitter();
    onDidPreferencesChanged = this.changed.event;
    ready = Promise.resolve();
    writes = [];

    constructor(value) {
        this.value = value;
    }
    canHandleScope() {
        return true;
    }
    get(name) {
        return name === THEME ? this.value : undefined;
    }
    resolve(name) {
        return { value: this.get(name) };
    }
    setPreference(_name, value) {
        return new Promise((resolve, reject) => this.writes.push({ value, done: () => resolve(true), fail: () => reject(new Error('no room')) }));
    }
    /** As after a write, and as when something else changed the file; again and again, early and late. */
    read(value) {
        const oldValue = this.value;
        this.value = value;
        if (value !== oldValue) {
            this.changed.fire({ [THEME]: { preferenceName: THEME, newValue: value, oldValue, scope: Preferences.PreferenceScope.User } });
        }
    }
}

const turn = () => new Promise(resolve => setImmediate(resolve));

/** One IDE, in the platform's frame or alone, with what its settings say when it starts. */
async function start({ framed = true, settings } = {}) {
    system.listeners.clear();
    system.queries.clear();
    system.parent.heard = [];
    globalThis.parent = framed ? system.parent : globalThis;
    const { PreferenceScope } = Preferences;
    const file = new SettingsFile(settings);
    const standard = new SettingsFile('coditect-light');
    const shows = new Emitter();
    const hides = new Emitter();
    const container = new Container({ defaultScope: 'Singleton' });
    container.bind(Preferences.PreferenceProviderProvider).toConstantValue(scope => scope === PreferenceScope.User ? file : standard);
    container.bind(Preferences.PreferenceSchemaService).toConstantValue({
        validScopes: [PreferenceScope.Default, PreferenceScope.User], overrideIdentifiers: new Set(), getSchemaProperty: () => undefined
    });
    container.bind(Preferences.PreferenceLanguageOverrideService).toConstantValue({ overriddenPreferenceName: () => undefined });
    container.bind(Preferences.PreferenceConfigurations).toConstantValue({});
    container.bind(WorkspaceService).toConstantValue({ session: async () => ({ platformOrigins: [PLATFORM] }) });
    container.bind(QuickInputService).toConstantValue({ onShow: shows.event, onHide: hides.event });
    container.bind(SettingPreferences).toSelf();
    container.bind(Preferences.PreferenceService).toService(SettingPreferences);
    container.bind(FollowingThemes).toSelf();
    container.bind(ThemeService).toService(FollowingThemes);
    container.bind(PlatformFrame).toSelf();
    container.bind(ThemeSync).toSelf();
    const sync = container.get(ThemeSync);
    const themes = container.get(ThemeService);
    sync.initialize();
    sync.onStart();
    sync.onDidInitializeLayout();
    await turn();
    return {
        file,
        shown: () => themes.getCurrentTheme().id,
        told: () => system.parent.heard.filter(({ type }) => type === 'coditect.theme.changed').map(message => message.theme),
        ready: () => system.parent.heard.find(({ type }) => type === 'coditect.ready'),
        page: wanted => system.listeners.forEach(hear => hear({ source: system.parent, origin: PLATFORM, data: { type: 'coditect.theme', theme: wanted } })),
        contrast: more => Object.assign(matchMedia('(prefers-contrast: more)'), { matches: more }).dispatchEvent(new Event('change')),
        /** As Theia's list of themes does. */
        open: () => shows.fire(),
        look: id => themes.setCurrentTheme(id, false),
        close: () => hides.fire(),
        pick: id => themes.setCurrentTheme(id),
        /** As the view of the settings does. */
        set: id => container.get(SettingPreferences).set(THEME, id, PreferenceScope.User),
        /** The oldest write is done and read back. */
        async write() {
            const { value, done } = file.writes.shift();
            file.read(value);
            done();
            await turn();
        }
    };
}

function* ordersOf(all) {
    if (all.length === 0) {
        yield [];
    }
    for (const one of all) {
        for (const rest of ordersOf(all.filter(other => other !== one))) {
            yield [one, ...rest];
        }
    }
}

test('the page’s word, the system’s and what is read from the settings give one theme, whatever comes first', async () => {
    for (const order of ordersOf(['page', 'contrast', 'late', 'later'])) {
        const it = await start({ settings: 'coditect-light' });
        const say = { page: () => it.page('dark'), contrast: () => it.contrast(true), late: () => it.file.read('coditect-dark'), later: () => it.file.read('paper') };
        for (const one of order) {
            say[one]();
            await turn();
        }
        assert.equal(it.shown(), 'coditect-hc-dark', order.join());
        assert.deepEqual([it.told(), it.file.writes], [[], []], order.join());
    }
});

test('quick changes of scheme and contrast, the settings being read in between, leave the last of each', async () => {
    const it = await start();
    for (const [kind, more, wanted] of [['light', true, 'coditect-hc-light'], ['dark', false, 'coditect-dark'], ['dark', true, 'coditect-hc-dark'], ['light', false, 'coditect-light']]) {
        for (const late of ['coditect-light', 'coditect-dark', undefined]) {
            it.contrast(more);
            it.file.read(late);
            it.page(kind);
            assert.equal(it.shown(), wanted);
            it.page(kind === 'dark' ? 'light' : 'dark');
            it.contrast(!more);
            it.page(kind);
            it.contrast(more);
            await turn();
            assert.equal(it.shown(), wanted);
        }
    }
    assert.deepEqual([it.told(), it.file.writes], [[], []]);
});

test('what somebody chooses here is told once and stored, and what the page says after it counts, however late it is read back', async () => {
    for (const order of ordersOf(['page', 'write', 'again'])) {
        const it = await start({ settings: 'slate' });
        it.page('dark');
        it.pick('paper');
        assert.deepEqual([it.shown(), it.told()], ['paper', ['light']], 'at once');
        it.page('light'); // as the page answers
        await turn();
        assert.deepEqual(it.file.writes.map(({ value }) => value), ['paper']);
        const say = { page: () => it.page('dark'), write: () => it.write(), again: () => it.file.read('slate') };
        for (const one of order) {
            await say[one]();
        }
        const stored = order.indexOf('again') > order.indexOf('write') ? 'slate' : 'paper';
        assert.equal(it.shown(), stored === 'slate' ? 'slate' : 'coditect-dark', order.join());
        it.page('light');
        assert.equal(it.shown(), stored === 'slate' ? 'coditect-light' : 'paper', order.join());
        assert.deepEqual(it.told(), ['light'], order.join());
    }
});

test('a choice right after another one is what stays, also the one that was there before', async () => {
    const it = await start({ settings: 'slate' });
    it.page('dark');
    it.pick('night');
    await turn();
    it.pick('slate');
    await turn();
    assert.equal(it.shown(), 'slate');
    await it.write();
    assert.equal(it.shown(), 'slate', 'the earlier one is read back');
    assert.deepEqual(it.file.writes.map(({ value }) => value), ['slate'], 'and written over');
    await it.write();
    assert.deepEqual([it.shown(), it.file.value, it.file.writes, it.told()], ['slate', 'slate', [], []]);
});

test('a page that turns before a choice is being stored is not turned back by that', async () => {
    const it = await start({ settings: 'slate' });
    it.page('dark');
    it.pick('paper');
    it.page('dark');
    await turn();
    await it.write();
    assert.deepEqual([it.shown(), it.file.value, it.told()], ['coditect-dark', 'paper', ['light']]);
});

test('what cannot be stored is shown all the same, until something else is chosen', async () => {
    const it = await start();
    it.pick('paper');
    await turn();
    it.file.writes.shift().fail();
    await turn();
    assert.equal(it.shown(), 'paper');
    it.pick('linen');
    await turn();
    await it.write();
    assert.deepEqual([it.shown(), it.file.value], ['linen', 'linen']);
});

test('a theme that is set as a setting is told at once, and shown when it is read back', async () => {
    const it = await start();
    it.page('dark');
    const isSet = it.set('paper');
    assert.deepEqual([it.shown(), it.told()], ['coditect-light', ['light']]);
    it.page('light');
    await it.write();
    await isSet;
    assert.equal(it.shown(), 'paper');
    const later = it.set('night');
    it.page('dark');
    it.page('light'); // somebody turns the page back before the setting is read
    await it.write();
    await later;
    assert.deepEqual([it.shown(), it.told()], ['coditect-light', ['light', 'dark']]);
});

test('what other windows write into the settings turns no page, and is shown while its kind is', async () => {
    const it = await start();
    it.page('dark');
    it.file.read('paper');
    assert.equal(it.shown(), 'coditect-dark');
    it.page('light');
    assert.equal(it.shown(), 'paper');
    it.file.read('linen');
    assert.equal(it.shown(), 'linen');
    it.file.read(undefined); // the file is on its way
    assert.equal(it.shown(), 'coditect-light');
    it.file.read('linen');
    it.contrast(true);
    assert.equal(it.shown(), 'linen', 'another’s theme stays');
    assert.deepEqual(it.told(), []);
});

test('what a list shows before it is chosen is told to nobody, and ends with the list', async () => {
    const it = await start();
    it.page('light');
    it.open();
    it.look('slate');
    assert.deepEqual([it.shown(), it.told()], ['slate', []]);
    it.page('dark');
    it.look('coditect-light'); // the theme that it opened with, taken back
    it.close();
    assert.equal(it.shown(), 'coditect-dark');
    it.look('paper'); // it shows with a delay
    assert.equal(it.shown(), 'coditect-dark');
    it.open();
    it.look('paper');
    it.pick('paper');
    it.close();
    assert.deepEqual([it.shown(), it.told()], ['paper', ['light']]);
});

test('in a frame an IDE starts with the kind it was last seen in, alone with what the settings say', async () => {
    const framed = await start({ settings: 'slate' });
    assert.deepEqual([framed.shown(), framed.ready()], ['coditect-light', { type: 'coditect.ready', theme: 'light' }]);
    framed.page('dark');
    assert.equal(framed.shown(), 'slate');
    const alone = await start({ framed: false, settings: 'slate' });
    assert.equal(alone.shown(), 'slate');
    alone.file.read('paper');
    assert.equal(alone.shown(), 'paper');
    alone.pick('coditect-dark');
    alone.contrast(true);
    assert.equal(alone.shown(), 'coditect-hc-dark');
    await turn();
    await alone.write();
    alone.contrast(false);
    assert.deepEqual([alone.shown(), alone.file.value], ['coditect-dark', 'coditect-dark']);
});
