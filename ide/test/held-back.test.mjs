/* Deletions that are held back: the status bar says so, and a click on it leads to a choice, which reaches the door. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BUNDLE, eventually, launchBrowser, ready, says, stand } from './harness.mjs';

let it;
let chromium;

before(async () => {
    assert.ok(BUNDLE, 'CODITECT_IDE_BUNDLE names the bundle to test');
    it = await stand();
    chromium = await launchBrowser();
});
after(async () => {
    await chromium?.browser.close();
    await it?.close();
});

test('the status bar leads to the choice', { timeout: 120_000 }, async () => {
    const page = await chromium.context.newPage();
    await page.goto(it.gateway.ideUrl);
    await ready(page);
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
    await page.close();
});
