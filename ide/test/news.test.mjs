/*
 * What the daemon has to say, in the page: what is not kept in the explorer, notifications, and choices that reach the door; and
 * what the page tells others: extensions of its tabs, the door of somebody who is there. One stand for all, since a page takes
 * seconds to start; the tests run in order.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BUNDLE, IDE, descendants, eventually, launchBrowser, openFile, ready, runCommand, says, stand } from './harness.mjs';

const NAMES = ['alpha.txt', 'beta.txt', 'gamma.txt', 'delta.txt'];
const errors = [];
const SHOTS = join(IDE, 'test/shots');
let it;
let chromium;
let page;

const row = name => page.locator('.theia-TreeNode', { hasText: name });
const sign = name => row(name).locator('.coditect-not-kept');
const toast = text => page.locator('.theia-notification-toasts .theia-notification-list-item-container', { hasText: text });
const press = (text, button) => toast(text).locator('button', { hasText: button }).click();
const color = name => row(name).locator('.theia-TreeNodeSegmentGrow').evaluate(node => getComputedStyle(node).color);

const tab = name => page.locator('#theia-main-content-panel .lm-TabBar-tab', { hasText: name });

async function open(name) {
    await page.locator('.theia-TreeNode', { hasText: name }).dblclick();
    await tab(name).and(page.locator('.lm-mod-current')).waitFor();
}

before(async () => {
    assert.ok(BUNDLE, 'CODITECT_IDE_BUNDLE names the bundle to test');
    mkdirSync(SHOTS, { recursive: true });
    it = await stand({ files: { 'main.ts': 'export {};\n', 'secret.key': 'x\n', 'node_modules/left/index.js': '1\n', 'node_modules/right/index.js': '1\n', 'big.iso': '1', ...Object.fromEntries(NAMES.map(name => [name, `${name}\n`])) } });
    chromium = await launchBrowser();
    page = await chromium.context.newPage();
    page.on('pageerror', error => errors.push(error.message));
    await page.goto(it.gateway.ideUrl);
    await ready(page);
    await row('main.ts').waitFor();
});
after(async () => {
    await page?.screenshot({ path: join(SHOTS, 'news-last.png') }).catch(() => undefined); // the last test has closed it
    await chromium?.browser.close();
    await it?.close();
});

const first = () => page.locator('#theia-main-content-panel .lm-TabBar-tab').first().innerText().then(text => text.trim());

async function close(name) {
    await tab(name).click();
    await tab(name).locator('.lm-TabBar-tabCloseIcon').click();
    await tab(name).waitFor({ state: 'detached' });
}

async function visit(...names) {
    for (const name of names) {
        await tab(name).click();
        await tab(name).and(page.locator('.lm-mod-current')).waitFor();
    }
}

/** What the extensions' host has to say of a tab has arrived by the time a list is shown. */
async function quiet() {
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget input').waitFor();
    await page.keyboard.press('Escape');
    assert.deepEqual(errors, []);
}

test('a tab that is opened between others pushes those behind it along', { timeout: 120_000 }, async () => {
    await open('alpha.txt');
    await open('beta.txt');
    await visit('alpha.txt');
    await open('gamma.txt'); // beside alpha.txt, before beta.txt
    await close('beta.txt');
    await visit('gamma.txt', 'alpha.txt', 'gamma.txt');
    await quiet();
});

test('a tab that is moved to the front, too', { timeout: 120_000 }, async () => {
    await open('delta.txt');
    await tab('delta.txt').dragTo(tab('Welcome'));
    await eventually('it was moved', async () => (await first()) === 'delta.txt');
    await close('alpha.txt');
    await visit('Welcome', 'gamma.txt', 'delta.txt');
    await close('Welcome');
    await visit('gamma.txt', 'delta.txt');
    await quiet();
});

test('the explorer shows what is not kept, and no longer than it is so', { timeout: 120_000 }, async () => {
    assert.equal(await page.locator('.coditect-not-kept').count(), 0);
    it.door.leaveOut({ [`${it.workspace}/node_modules`]: 'ignored', [`${it.workspace}/big.iso`]: 'too_large' });
    await sign('node_modules').waitFor();
    await sign('big.iso').waitFor();
    assert.equal(await sign('main.ts').count(), 0);
    assert.match(await row('big.iso').locator('.theia-TreeNodeTail').getAttribute('title'), /larger than 64 GiB/);
    const dimmed = await color('node_modules'); // before it is selected
    assert.notEqual(dimmed, await color('main.ts'), 'from the first moment on: it is no extension’s colour');
    await row('node_modules').click();
    await row('left').waitFor();
    await eventually('what lies in it is dimmed as well', async () => (await color('left')) === dimmed);
    assert.equal(await sign('left').count(), 0, 'one sign is enough');
    await page.screenshot({ path: join(SHOTS, 'not-kept.png') });
    it.door.leaveOut({ [`${it.workspace}/node_modules`]: 'ignored' });
    await sign('big.iso').waitFor({ state: 'detached' });
    await sign('node_modules').waitFor();
});

test('a change that could not be stored is told once, leads to the file, and the status bar does not call it persisted', { timeout: 120_000 }, async () => {
    const failed = [{ path: `${it.workspace}/secret.key`, why: 'unreadable' }];
    it.door.say({ failed });
    await toast('secret.key could not be stored').waitFor();
    await says(page, '1 file not stored');
    await page.screenshot({ path: join(SHOTS, 'failed.png') });
    await press('secret.key could not be stored', 'Show');
    await page.locator('.lm-TabBar-tab.lm-mod-current', { hasText: 'secret.key' }).waitFor();
    it.door.say({ failed: [] });
    await says(page, 'All changes persisted');
});

test('a full store is told with what it means', { timeout: 120_000 }, async () => {
    it.door.say({ state: 'offline', pending: 2, message: 'Your storage is full. What you change stays on this workspace’s disk.' });
    await toast('Your storage is full').waitFor();
    await says(page, 'Your storage is full: 2 changes waiting');
    await runCommand(page, 'Create New Terminal');
    const sign = page.locator('#theia-bottom-content-panel .lm-TabBar-tab', { hasText: 'not stored' });
    await sign.first().waitFor();
    await page.screenshot({ path: join(SHOTS, 'full.png') });
    assert.equal(await toast('Your storage is full').count(), 1);
    it.door.say({ state: 'persisted', pending: 0, message: undefined });
    await says(page, 'All changes persisted');
    await eventually('the signs are gone', async () => await sign.count() === 0);
});

test('while files are still coming no explorer, search or terminal passes for one that knows them all', { timeout: 120_000 }, async () => {
    const sign = page.locator('#theia-bottom-content-panel .lm-TabBar-tab', { hasText: 'files are coming' });
    const notice = view => page.locator(view).first().evaluate(node => getComputedStyle(node, '::before').content);
    const views = [['search-view-container', '.t-siw-search-container', /not found/], ['scm-view-container', '#scm-view', /Do not commit now/], ['explorer-view-container', '#files', /not shown/]];
    const full = 'This workspace’s disk is full. Delete what you do not need.';
    it.door.say({ state: 'restoring', restoring: { done: 3, total: 4000 } });
    await says(page, 'Restoring 3 of 4,000 files…');
    for (const [shot, state, message, said] of [['coming', 'restoring'], ['stuck', 'offline', full, 'This workspace’s disk is full']]) {
        it.door.say({ state, message });
        if (said !== undefined) await says(page, said);
        await sign.first().waitFor();
        for (const [tab, view, words] of views) {
            await page.locator(`#shell-tab-${tab}`).click();
            await page.locator(view).first().waitFor({ state: 'visible' });
            await eventually(`${view} says so`, async () => words.test(await notice(view)));
            await page.screenshot({ path: join(SHOTS, `${shot}-${view.replaceAll(/\W/g, '')}.png`) });
        }
        await row('main.ts').waitFor(); // and what there is is shown
    }
    it.door.say({ state: 'persisted', restoring: undefined, message: undefined });
    await says(page, 'All changes persisted');
    await eventually('the signs are gone', async () => await sign.count() === 0);
    for (const [, view] of views) await eventually(`${view} says nothing`, async () => await notice(view) === 'none');
});

test('a program that was ended for want of memory is named', { timeout: 120_000 }, async () => {
    const text = 'The workspace ran out of memory: node was ended.';
    for (const number of [1, 2]) { // the second time it is news again
        it.door.say({ notice: { number, text }, message: text });
        await toast(text).waitFor();
        await toast(text).locator('.codicon-close').click();
        await toast(text).waitFor({ state: 'detached' });
    }
    it.door.say({ notice: undefined, message: undefined });
});

test('a save for which the disk has no room is told in plain words, and works once there is room', { timeout: 120_000, skip: process.getuid() !== 0 && 'a small disk wants root' }, async t => {
    const disk = join(it.workspace, 'disk');
    const note = join(disk, 'note.txt');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', disk]);
    t.after(() => execFileSync('umount', ['--lazy', disk]));
    writeFileSync(note, 'short\n');
    await openFile(page, 'note.txt');
    const filler = openSync(join(disk, 'filler'), 'w');
    assert.throws(() => { for (;;) writeSync(filler, Buffer.alloc(4096)); }, { code: 'ENOSPC' });
    closeSync(filler);
    const long = `${'x'.repeat(99)}\n`.repeat(60); // more than the page that the file has
    await page.keyboard.press('Control+Home');
    await page.keyboard.insertText(long);
    await page.keyboard.press('Control+s');
    const told = 'There is no room left on this workspace’s disk, so';
    await toast(told).first().waitFor();
    assert.equal(readFileSync(note, 'utf8'), 'short\n', 'what was there before is there');
    await says(page, 'Not saved: note.txt');
    await page.screenshot({ path: join(SHOTS, 'no-room.png') });
    rmSync(join(disk, 'filler'));
    await press(told, 'Save Again');
    await says(page, 'All changes persisted');
    await eventually('it is saved', () => readFileSync(note, 'utf8') === `${long}short\n`);
});

test('deletions that are held back ask for the choice, which reaches the door', { timeout: 120_000 }, async () => {
    it.door.say({ state: 'conflict', held_back: 1200 });
    await toast('1,200 files are missing').waitFor();
    await page.screenshot({ path: join(SHOTS, 'held-back.png') });
    await press('1,200 files are missing', 'Restore');
    await eventually('the door heard of it', () => it.door.choices.at(-1) === 'restore');
    await says(page, 'All changes persisted');
});

test('the status bar leads to the choice', { timeout: 120_000 }, async () => {
    it.door.choices.length = 0;
    for (const [label, choice] of [['Restore the missing files', 'restore'], ['Delete them in the store too', 'delete']]) {
        it.door.say({ state: 'conflict', held_back: 1200, message: 'Many files are missing.' });
        await says(page, '1,200 deletions held back');
        await page.locator('.coditect-persistence').click();
        await page.locator('.quick-input-widget .monaco-list-row', { hasText: label }).click();
        await eventually('the door heard of it', () => it.door.choices.at(-1) === choice);
        await says(page, 'All changes persisted');
    }
    assert.deepEqual(it.door.choices, ['restore', 'delete']);

    it.door.say({ state: 'persisting', pending: 3 });
    await says(page, 'Persisting 3 files…');
    await page.locator('.coditect-persistence').click();
    await page.locator('.quick-input-widget .monaco-list-row', { hasText: '3 waiting to be stored' }).waitFor();
    assert.equal(await page.locator('.quick-input-widget .monaco-list-row', { hasText: 'Restore the missing' }).count(), 0);
    await page.keyboard.press('Escape');
    it.door.say({ state: 'persisted', pending: 0 });
});

test('a page in sight is told at once, keys and pointer with the next word', { timeout: 120_000 }, async () => {
    assert.equal(descendants(it.backend.pid, 'plugin-host').length, 1);
    await page.goto('about:blank'); // nobody else is there
    await eventually('its last word is said', async () => descendants(it.backend.pid, 'plugin-host').length === 0);
    it.door.activity.length = 0;
    await page.close();
    page = await chromium.context.newPage();
    await page.clock.install(); // the page's clock goes by itself, and forward when it is told to
    await page.goto(it.gateway.ideUrl);
    await ready(page);
    await eventually('the page is told', () => it.door.activity.length > 0);
    const kinds = () => it.door.activity.map(({ kind }) => kind);
    const told = kinds();
    assert.deepEqual(new Set(told), new Set(['visible']));
    await page.clock.fastForward(31_000); // the start took as long as it took: from here on the time is known
    await eventually('the page is told again', () => it.door.activity.length > told.length);
    it.door.activity.splice(0, told.length);
    for (let i = 0; i < 20; i++) {
        await page.mouse.move(100 + i, 100);
        await page.keyboard.press('Shift');
    }
    await page.clock.fastForward(31_000);
    await eventually('input is told', () => it.door.activity.length > 1);
    assert.deepEqual(kinds(), ['visible', 'input'], 'once, and not before its time');

    const see = state => page.evaluate(value => Object.defineProperty(document, 'visibilityState', { value, configurable: true }), state);
    await see('hidden');
    await page.clock.fastForward(36_000);
    await page.keyboard.press('Shift'); // still hidden: in sight, the page itself might be told before
    await eventually('the next input is told', () => it.door.activity.length > 2);
    assert.deepEqual(kinds(), ['visible', 'input', 'input'], 'while nobody saw it nothing was told');
});
