/* What the daemon has to say, in the page: what is not kept in the explorer, notifications, and choices that reach the door. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BUNDLE, IDE, eventually, launchBrowser, openFile, ready, says, stand } from './harness.mjs';

const SHOTS = join(IDE, 'test/shots');
let it;
let chromium;
let page;

const row = name => page.locator('.theia-TreeNode', { hasText: name });
const sign = name => row(name).locator('.coditect-not-kept');
const toast = text => page.locator('.theia-notification-toasts .theia-notification-list-item-container', { hasText: text });
const press = (text, button) => toast(text).locator('button', { hasText: button }).click();
const color = name => row(name).locator('.theia-TreeNodeSegmentGrow').evaluate(node => getComputedStyle(node).color);

before(async () => {
    assert.ok(BUNDLE, 'CODITECT_IDE_BUNDLE names the bundle to test');
    mkdirSync(SHOTS, { recursive: true });
    it = await stand({ files: { 'main.ts': 'export {};\n', 'secret.key': 'x\n', 'node_modules/left/index.js': '1\n', 'node_modules/right/index.js': '1\n', 'big.iso': '1' } });
    chromium = await launchBrowser();
    page = await chromium.context.newPage();
    await page.goto(it.gateway.ideUrl);
    await ready(page);
    await row('main.ts').waitFor();
});
after(async () => {
    await page?.screenshot({ path: join(SHOTS, 'news-last.png') });
    await chromium?.browser.close();
    await it?.close();
});

test('the explorer shows what is not kept, and no longer than it is so', { timeout: 120_000 }, async () => {
    assert.equal(await page.locator('.coditect-not-kept').count(), 0);
    it.door.leaveOut({ [`${it.workspace}/node_modules`]: 'ignored', [`${it.workspace}/big.iso`]: 'too_large' });
    await sign('node_modules').waitFor();
    await sign('big.iso').waitFor();
    assert.equal(await sign('main.ts').count(), 0);
    assert.match(await row('big.iso').locator('.theia-TreeNodeTail').getAttribute('title'), /larger than 64 GiB/);
    const dimmed = await color('node_modules'); // before it is selected
    assert.notEqual(dimmed, await color('main.ts'));
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
    it.door.say({ state: 'persisted', pending: 0, message: undefined });
    await says(page, 'All changes persisted');
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
    const long = 'x'.repeat(20_000);
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
