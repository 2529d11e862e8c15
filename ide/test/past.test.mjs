/*
 * The past of files in the page: versions in the Timeline, a look at one beside the present file, a way back that can be undone,
 * deleted files found; saves that meet what others do to the file at the worst moment, which disk.cjs holds; and the desk, which
 * another browser finds as it was left. That one asks for more contrast, and has it: light or dark, from the first page on.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { BUNDLE, IDE, descendants, eventually, launchBrowser, openFile, ready, runCommand, says, stand } from './harness.mjs';

const SHOTS = join(IDE, 'test/shots');
const HOUR = 3_600_000;
let it;
let chromium;
let page;

const version = name => page.locator('.theia-timeline .timeline-item', { hasText: name });
const toast = text => page.locator('.theia-notification-toasts .theia-notification-list-item-container', { hasText: text });
const onDisk = name => readFileSync(join(it.workspace, name), 'utf8');
const tab = (name, where = page) => where.locator('#theia-main-content-panel .lm-TabBar-tab', { hasText: name });

before(async () => {
    assert.ok(BUNDLE, 'CODITECT_IDE_BUNDLE names the bundle to test');
    mkdirSync(SHOTS, { recursive: true });
    it = await stand({ files: { 'notes.txt': 'third\n', 'other.txt': 'other\n', 'logo.bin': '1', 'mine.md': 'mine\n', 'broken.json': '{"a": ' } });
    const now = Date.now();
    it.door.past.set('notes.txt', [
        ...Array.from({ length: 60 }, (_, i) => ({ version: i + 1, op: 'write', text: `draft ${i}\n`, at: now - 72 * HOUR + i * 1000 })),
        { version: 101, op: 'write', text: 'first\n', at: now - 26 * HOUR },
        { version: 102, op: 'write', text: 'third\n', at: now - 1000 }
    ]);
    it.door.past.set('gone.txt', [{ version: 90, op: 'write', text: 'was here\n', at: now - HOUR }, { version: 103, op: 'delete', text: 'was here\n', at: now - HOUR / 2 }]);
    it.door.past.set('other.txt', [{ version: 91, op: 'delete', text: 'made again since\n', at: now - HOUR }]);
    it.door.homePast.set('.config/tool.toml', [{ version: 3, op: 'write', text: 'mine\n', at: now - HOUR }, { version: 4, op: 'delete', text: 'mine\n', at: now - HOUR / 4 }]);
    it.door.past.set('logo.bin', [{ version: 92, op: 'write', text: 'a\0b', at: now - HOUR }]);
    it.door.onRestore = (path, text, at, isHome) => { // the mirror follows: by a file in the other's place, with the time that it had
        writeFileSync(join(it.directory, 'draft'), text);
        utimesSync(join(it.directory, 'draft'), at / 1000, at / 1000);
        const to = join(isHome ? it.home : it.workspace, path);
        mkdirSync(dirname(to), { recursive: true });
        renameSync(join(it.directory, 'draft'), to);
    };
    chromium = await launchBrowser({ colorScheme: 'light' });
    page = await chromium.context.newPage();
    it.gateway.halve = /\/plugin-worker\.js/;
    await page.goto(it.gateway.ideUrl);
    await ready(page);
});
after(async () => {
    await page?.screenshot({ path: join(SHOTS, 'past-last.png') });
    await chromium?.browser.close();
    await it?.close();
});

test('the Timeline has the versions of the open file, page by page', { timeout: 120_000 }, async () => {
    await openFile(page, 'notes.txt');
    await runCommand(page, 'Show Versions of the File');
    await version('6 B · in workspace').first().waitFor();
    const first = await page.locator('.theia-timeline .timeline-item').allInnerTexts();
    assert.match(first[0], /^(\d\d:\d\d:\d\d|\d+ \w+( \d{4})?, \d\d:\d\d)\s*6 B · in workspace$/); // a moment ago may be yesterday
    await page.screenshot({ path: join(SHOTS, 'timeline-light.png') });
    await page.locator('.theia-timeline .theia-TreeContainer').first().hover();
    const more = version('Load more');
    await eventually('the list’s end', async () => {
        await page.mouse.wheel(0, 5000);
        return more.isVisible();
    });
    await more.click();
    await eventually('there is no more', async () => {
        await page.mouse.wheel(0, 5000);
        return await more.count() === 0 && await version('8 B · in workspace').count() > 0;
    });
    await eventually('back to the newest', async () => {
        await page.mouse.wheel(0, -5000);
        return version('6 B · in workspace').first().isVisible();
    });
});

test('a version is shown beside the present file, comes back, and that is undone', { timeout: 120_000 }, async () => {
    const old = page.locator('.theia-timeline .timeline-item').nth(1);
    await old.click();
    await tab('notes.txt (').waitFor();
    await page.locator('.monaco-diff-editor .original .view-line', { hasText: 'first' }).waitFor();
    await page.locator('.monaco-diff-editor .modified .view-line', { hasText: 'third' }).waitFor();
    await page.screenshot({ path: join(SHOTS, 'timeline-diff-light.png') });
    await page.locator('.lm-TabBar-toolbar .codicon-discard >> visible=true').click();
    await eventually('it is the first version again', () => onDisk('notes.txt') === 'first\n');
    await toast('notes.txt is as it was').locator('button', { hasText: 'Undo' }).click();
    await eventually('it is the third again', () => onDisk('notes.txt') === 'third\n');
    assert.deepEqual(it.door.restored, [['notes.txt', 101], ['notes.txt', 102]]);
    await toast('notes.txt is as it was').locator('.codicon-close').first().click();
});

const lines = () => page.locator('.monaco-editor .view-lines >> visible=true').last().innerText().then(text => text.replaceAll('\u00a0', ' ').trimEnd());
const dialogs = () => page.locator('.dialogBlock').count();

test('what was typed a moment ago is stored before a version comes back, and a step back is no text that nobody saves', { timeout: 120_000 }, async () => {
    await openFile(page, 'other.txt');
    await runCommand(page, 'Show Versions of the File');
    await version('Deleted in workspace').waitFor();
    await openFile(page, 'other.txt');
    await page.keyboard.press('Control+End');
    const before = it.door.wholeSyncs;
    await page.keyboard.type('typed, ');
    await version('Deleted in workspace').click({ button: 'right' });
    await page.locator('.lm-Menu-item', { hasText: 'Restore This Version' }).click();
    await eventually('it is restored', () => it.door.restored.length === 3);
    assert.ok(it.door.wholeSyncs > before, 'what a program wrote is a version too');
    await eventually('the editor follows', async () => await lines() === 'made again since');
    assert.equal(onDisk('other.txt'), 'made again since\n');
    assert.equal(await dialogs(), 0);
    await says(page, 'All changes persisted');

    await page.locator('.monaco-editor .view-lines >> visible=true').last().click();
    await page.keyboard.press('Control+z');
    await eventually('what was typed is there again, and saved', () => onDisk('other.txt') === 'other\ntyped, ');
    assert.equal(await dialogs(), 0);
    it.door.onRestore('other.txt', 'made again since\n', Date.now() - HOUR);
    await eventually('the editor follows', async () => await lines() === 'made again since');
});

/** Types in the editor, and changes the file elsewhere before that is saved; the question stands there then. */
async function bothChange(name, theirs) {
    await openFile(page, name);
    await page.keyboard.press('Control+Home');
    return eventually('both have changed it', async () => {
        await page.keyboard.type('m');
        writeFileSync(join(it.workspace, name), theirs);
        return toast(`${name} was changed elsewhere`).waitFor({ timeout: 4_000 }).then(() => true, () => false);
    });
}

test('what is typed meets what somebody else wrote: nobody is interrupted, nothing is written over, mine is kept', { timeout: 120_000 }, async () => {
    await bothChange('other.txt', 'theirs\n');
    assert.equal(await dialogs(), 0);
    await says(page, 'Not saved: other.txt');
    await page.keyboard.type('ine ');
    await page.screenshot({ path: join(SHOTS, 'both-light.png') });
    assert.equal(onDisk('other.txt'), 'theirs\n');
    await toast('other.txt was changed elsewhere').locator('button', { hasText: 'Compare' }).click();
    await tab('other.txt (theirs').waitFor();
    await page.locator('.monaco-diff-editor .original .view-line', { hasText: 'theirs' }).waitFor();
    await page.locator('.monaco-diff-editor .modified .view-line', { hasText: 'mine' }).waitFor();
    await page.screenshot({ path: join(SHOTS, 'both-diff-light.png') });
    await toast('other.txt was changed elsewhere').locator('button', { hasText: 'Keep Mine' }).click();
    await eventually('mine is saved', () => /^m+ine /.test(onDisk('other.txt')));
    await says(page, 'All changes persisted');
    assert.equal(await dialogs(), 0);
});

/** By the keyboard alone: the row of the list that is open, by a part of its words. */
async function pick(words) {
    const row = page.locator('.quick-input-widget .monaco-list-row', { hasText: words });
    await row.waitFor();
    await page.keyboard.type(words);
    await row.and(page.locator('.focused')).waitFor();
    await page.keyboard.press('Enter');
}

test('or theirs is taken, by the keyboard and with the question out of sight, and mine is one step back', { timeout: 120_000 }, async () => {
    await bothChange('notes.txt', 'theirs\n');
    await eventually('Escape hides the question', async () => {
        await page.keyboard.press('Escape');
        return await toast('notes.txt was changed elsewhere').count() === 0;
    });
    await says(page, 'Not saved: notes.txt');
    await runCommand(page, 'Show What Is Persisted');
    await pick('workspace/notes.txt');
    await page.locator('.quick-input-title', { hasText: 'notes.txt was changed here and elsewhere' }).waitFor();
    await page.screenshot({ path: join(SHOTS, 'both-list-light.png') });
    await pick('Take Theirs');
    await eventually('the editor follows', async () => await lines() === 'theirs');
    await says(page, 'All changes persisted');
    assert.equal(onDisk('notes.txt'), 'theirs\n');
    await page.locator('.monaco-editor .view-lines >> visible=true').last().click();
    await page.keyboard.press('Control+z');
    await eventually('mine is there again, and saved', () => /^m+third/.test(onDisk('notes.txt')));
    await says(page, 'All changes persisted');
});

test('what is typed after theirs was taken goes into theirs, and nothing of mine with it', { timeout: 120_000 }, async () => {
    const theirs = 'their line\n'.repeat(500); // so much that a save sends what was changed alone
    await bothChange('other.txt', theirs);
    await toast('other.txt was changed elsewhere').locator('button', { hasText: 'Take Theirs' }).click();
    await eventually('the editor follows', async () => (await lines()).startsWith('their line'));
    await page.locator('.monaco-editor .view-lines >> visible=true').last().click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('z');
    await eventually('it is saved, and nothing else', () => onDisk('other.txt') === `z${theirs}`); // a write may be looked at in its middle
    await says(page, 'All changes persisted');
});

const shows = text => eventually(`the editor shows ${text}`, async () => (text === '' ? await lines() === '' : (await lines()).startsWith(text)));
const MINE = 'a line of mine\n'.repeat(200); // so long that a save sends what was changed alone
const THEIRS = 'theirs\n'.repeat(300);
const asked = () => toast('mine.md was changed elsewhere');
const choose = button => asked().locator('button', { hasText: button }).click();

/** The file has this content, the editor follows, and the keyboard is at its beginning. */
async function begin(text) {
    it.disk.watch(join(it.workspace, 'mine.md'));
    writeFileSync(join(it.workspace, 'mine.md'), text);
    await openFile(page, 'mine.md');
    await shows(text.split('\n')[0]);
    await says(page, 'All changes persisted');
    await page.keyboard.press('Control+Home');
}

/** What is typed now stands against a file that came after the page had looked at it; the question stands there then. */
async function meet(typed) {
    it.disk.put('before', THEIRS);
    await page.keyboard.type(typed);
    await asked().waitFor();
    assert.equal(onDisk('mine.md'), THEIRS);
    await says(page, 'Not saved: mine.md');
}

async function keepMine(text) {
    await choose('Keep Mine');
    await eventually('mine is saved', () => existsSync(join(it.workspace, 'mine.md')) && onDisk('mine.md') === text);
    await says(page, 'All changes persisted');
}

for (const [what, text] of [['the whole text', 'mine\n'], ['what was changed', MINE]]) {
    test(`a save of ${what} neither takes the next file for its own, nor writes over one that came before it`, { timeout: 120_000 }, async () => {
        await begin(text);
        it.disk.put('after', THEIRS);
        await page.keyboard.type('x');
        await shows('theirs');
        assert.equal(onDisk('mine.md'), THEIRS);
        await says(page, 'All changes persisted');
        assert.equal(await asked().count(), 0);

        await begin(text);
        await meet('x');
        await keepMine(`x${text}`);
    });
}

test('what is typed while a save is on its way is saved with the next one', { timeout: 120_000 }, async () => {
    await begin('\n');
    it.disk.put('save');
    await page.keyboard.type('a'); // saved by itself: a second save of it, by hand, might come before or after
    await eventually('the save is on its way', () => it.disk.has('saving'));
    await page.keyboard.type('b');
    it.disk.drop('save');
    await eventually('both are saved', () => onDisk('mine.md') === 'ab\n');
    await says(page, 'All changes persisted');
    assert.equal(it.disk.saves, 2);
    assert.deepEqual(readdirSync(it.workspace).filter(name => name.startsWith('.coditect-')), []);
});

test('theirs that cannot be read takes the place of nothing', { timeout: 120_000 }, async () => {
    await begin('\n');
    await meet('mine');
    rmSync(join(it.workspace, 'mine.md'));
    await choose('Take Theirs');
    await asked().waitFor();
    await shows('mine');
    await says(page, 'Not saved: mine.md');
    await keepMine('mine\n');
});

test('what is typed while theirs is read is not given up', { timeout: 120_000 }, async () => {
    await begin('\n');
    await meet('mine');
    it.disk.put('read');
    await choose('Take Theirs');
    await eventually('theirs is read', () => it.disk.has('reading'));
    await page.locator('.monaco-editor .view-lines >> visible=true').last().click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('more of ');
    it.disk.drop('read');
    await asked().waitFor();
    await says(page, 'Not saved: mine.md');
    await keepMine('more of mine\n');
});

test('a file that changed while something was typed that is undone is looked at again', { timeout: 120_000 }, async () => {
    await begin('mine\n');
    it.disk.put('read');
    writeFileSync(join(it.workspace, 'mine.md'), THEIRS);
    await eventually('theirs is read', () => it.disk.has('reading'));
    await Promise.all([page.keyboard.type('x'), page.keyboard.press('Control+z')]); // in one go: between them it may be saved
    it.disk.drop('read');
    await shows('theirs');
    await says(page, 'All changes persisted');
    assert.equal(onDisk('mine.md'), THEIRS);
});

test('a save does not wait for extensions that are dead', { timeout: 120_000 }, async t => {
    await begin('\n');
    const [host] = descendants(it.backend.pid, 'plugin-host');
    process.kill(host, 'SIGSTOP');
    t.after(() => process.kill(host, 'SIGCONT'));
    await page.keyboard.type('x');
    await eventually('it is saved', () => onDisk('mine.md') === 'x\n');
    assert.equal(it.door.savings.get('mine.md'), createHash('sha256').update('x\n').digest('hex'), 'it is known whose it is');
    await says(page, 'All changes persisted');
});

test('extensions of the page have started, although the script of their worker was cut on its way', { timeout: 120_000 }, async () => {
    assert.equal(it.gateway.halve, undefined, 'it was cut');
    await openFile(page, 'broken.json');
    await page.locator('.monaco-editor .squiggly-error').first().waitFor();
    await tab('broken.json').locator('.lm-TabBar-tabCloseIcon').click();
});

test('two versions that were stored at the same time are told, compared, and the other one can be taken', { timeout: 120_000 }, async () => {
    const told = name => `${name} was changed here and elsewhere at the same time.`;
    const say = (number, name) => it.door.say({ message: told(name), notice: { number, text: told(name), path: join(it.workspace, name) } });
    say(1, 'notes.txt');
    await toast(told('notes.txt')).locator('button', { hasText: 'Compare' }).click();
    const [, theirs] = it.door.past.get('notes.txt').toReversed();
    await page.locator('.monaco-diff-editor .original .view-line', { hasText: theirs.text.trim() }).waitFor();
    await says(page, 'All changes persisted'); // what happened is no state
    const before = it.door.restored.length;
    await toast(told('notes.txt')).locator('button', { hasText: 'Take Theirs' }).click();
    await eventually('theirs is restored', () => it.door.restored.length > before);
    assert.deepEqual(it.door.restored.at(-1), ['notes.txt', theirs.version]);
    await eventually('it is on the disk', () => onDisk('notes.txt') === theirs.text);

    it.door.past.get('logo.bin').push({ version: 93, op: 'write', text: 'a\0c', at: Date.now() });
    say(2, 'logo.bin');
    await toast(told('logo.bin')).locator('button', { hasText: 'Compare' }).click();
    await toast('It is no text, so it cannot be shown').waitFor();
    await toast('It is no text, so it cannot be shown').locator('.codicon-close').first().click();
    await toast(told('logo.bin')).locator('button', { hasText: 'Keep Mine' }).click();
    it.door.past.get('logo.bin').pop();
    it.door.say({ message: undefined, notice: undefined });
});

test('what is no text is not shown as one, and can be restored', { timeout: 120_000 }, async () => {
    await page.locator('.theia-TreeNode', { hasText: 'logo.bin' }).click();
    await version('3 B · in workspace').click();
    await toast('It is no text, so it cannot be shown').locator('button', { hasText: 'Restore' }).click();
    await eventually('it is restored', () => it.door.restored.at(-1)?.[0] === 'logo.bin');
});

test('a file that was deleted is found, one that was made again is not', { timeout: 120_000 }, async () => {
    await runCommand(page, 'Find Deleted Files');
    const rows = page.locator('.quick-input-widget .monaco-list-row');
    await rows.filter({ hasText: 'gone.txt' }).waitFor();
    assert.equal(await rows.filter({ hasText: 'other.txt' }).count(), 0);
    await page.screenshot({ path: join(SHOTS, 'deleted-light.png') });
    await rows.filter({ hasText: 'gone.txt' }).click();
    await rows.filter({ hasText: 'Look at it first' }).click();
    await page.locator('.monaco-editor .view-line >> visible=true', { hasText: 'was here' }).first().waitFor();
    await page.locator('.lm-TabBar-toolbar .codicon-discard >> visible=true').click();
    await page.locator('.theia-TreeNode', { hasText: 'gone.txt' }).waitFor();
    assert.equal(onDisk('gone.txt'), 'was here\n');
});

test('so is one of the home, which says where it was', { timeout: 120_000 }, async () => {
    await runCommand(page, 'Find Deleted Files');
    const row = page.locator('.quick-input-widget .monaco-list-row', { hasText: 'tool.toml' });
    await row.waitFor();
    assert.match(await row.innerText(), /home\/\.config|~\/\.config/);
    await row.click();
    await page.locator('.quick-input-widget .monaco-list-row', { hasText: 'Restore' }).click();
    await eventually('it is back', () => existsSync(join(it.home, '.config/tool.toml')));
    assert.equal(readFileSync(join(it.home, '.config/tool.toml'), 'utf8'), 'mine\n');
    assert.deepEqual(it.door.restored.at(-1), ['.config/tool.toml', 4]);
    await toast('tool.toml is as it was').locator('.codicon-close').first().click();
});

test('while the store is away it says so', { timeout: 120_000 }, async () => {
    it.door.away = true;
    await page.locator('.theia-TreeNode', { hasText: 'notes.txt' }).click();
    await version('The store is out of reach').waitFor();
    await runCommand(page, 'Find Deleted Files');
    await toast('The store is out of reach').waitFor();
    it.door.away = false;
    await page.locator('.theia-TreeNode', { hasText: 'other.txt' }).click();
    await version('Restored in workspace').waitFor();
});

test('another browser finds the desk as it was left, also after the backend was killed', { timeout: 120_000 }, async () => {
    await openFile(page, 'notes.txt');
    for (const name of ['Welcome', 'gone.txt']) {
        await tab(name).first().click();
        await tab(name).first().locator('.lm-TabBar-tabCloseIcon').click();
        await eventually(`${name} is closed`, async () => await tab(name).count() === 0);
    }
    const names = where => where.locator('#theia-main-content-panel .lm-TabBar-tab').allInnerTexts().then(all => all.map(text => text.trim()));
    const left = await names(page);
    const kept = () => { // what is open, not the explorer's tree
        const desk = it.door.desk === undefined ? {} : JSON.parse(inflateRawSync(Buffer.from(it.door.desk, 'base64')).toString('utf8'));
        const [, layout] = Object.entries(desk).find(([key]) => key.endsWith(':layout')) ?? [];
        return layout ? JSON.stringify(JSON.parse(JSON.parse(layout)).mainPanel) : '';
    };
    await eventually('the desk is kept', () => kept().includes('other.txt') && !/gone\.txt|getting\.started/.test(kept()));
    await page.close();
    await it.restart();
    renameSync(join(it.workspace, 'mine.md'), join(it.directory, 'kept')); // the disk is filled again, and this one is still to come
    let come;
    it.door.awaitGate = new Promise(resolve => { come = resolve; });
    const other = await chromium.browser.newContext({ viewport: { width: 1400, height: 900 }, colorScheme: 'dark', contrast: 'more' });
    other.setDefaultTimeout(30_000);
    page = await other.newPage();
    await page.goto(it.gateway.ideUrl);
    await eventually('the file is waited for', () => it.door.awaited.includes('mine.md'));
    renameSync(join(it.directory, 'kept'), join(it.workspace, 'mine.md'));
    come();
    await ready(page);
    await tab('notes.txt').first().waitFor();
    await eventually(`open are ${left}`, async () => String(await names(page)) === String(left));
    await openFile(page, 'mine.md');
    await shows('x');
    await says(page, 'All changes persisted');
});

// That other browser is one whose system asks for more contrast.
const background = () => page.evaluate(() => getComputedStyle(document.body).getPropertyValue('--theia-editor-background').trim());
const becomes = (color, what) => eventually(what, async () => (await background()).toLowerCase() === color);

test('more contrast, when the system asks for it, and no longer than that', { timeout: 120_000 }, async () => {
    await becomes('#000000', 'it is the dark one of high contrast');
    await runCommand(page, 'Welcome');
    const border = await page.locator('.coditect-step').first().evaluate(node => getComputedStyle(node).borderTopColor);
    assert.equal(border, 'rgb(212, 212, 216)', 'a part has a border that is seen');
    await page.screenshot({ path: join(SHOTS, 'welcome-hc-dark.png') });
    await page.emulateMedia({ contrast: 'no-preference' });
    await becomes('#131316', 'it is dark');
    await page.emulateMedia({ contrast: 'more' });
    await becomes('#000000', 'it is of high contrast again');
});

test('a theme chosen by hand stays, and is there after a reload', { timeout: 120_000 }, async () => {
    await page.emulateMedia({ contrast: 'no-preference' });
    await becomes('#131316', 'it is dark');
    const settings = join(it.home, '.coditect-ide/settings.json');
    await eventually('that is stored', () => !existsSync(settings) || !readFileSync(settings, 'utf8').includes('coditect-hc'));
    await runCommand(page, 'Preferences: Color Theme');
    await page.locator('.quick-input-widget input').fill('High Contrast Light');
    await page.locator('.quick-input-widget .monaco-list-row.focused', { hasText: 'Coditect High Contrast Light' }).waitFor();
    assert.equal(await page.locator('.quick-input-widget .monaco-list-row', { hasText: 'Theia' }).count(), 0);
    await page.keyboard.press('Enter');
    await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
    await eventually('that is stored', () => existsSync(settings) && readFileSync(settings, 'utf8').includes('coditect-hc-light'));
    await page.reload();
    await ready(page);
    await becomes('#ffffff', 'it is light');
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).getPropertyValue('--theia-contrastBorder').trim().toLowerCase()), '#52525b');
    await page.screenshot({ path: join(SHOTS, 'welcome-hc-light.png') });
});
