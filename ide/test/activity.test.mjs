/* The built IDE tells the door that somebody is there: once when the page comes to sight, then at most once in 30 s. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BUNDLE, eventually, launchBrowser, ready, stand } from './harness.mjs';

let it;
let chromium;

before(async () => {
    assert.ok(BUNDLE, 'CODITECT_IDE_BUNDLE names the bundle to test');
    it = await stand({ files: { 'a.txt': 'a\n' } });
    chromium = await launchBrowser();
});
after(async () => {
    await chromium?.browser.close();
    await it?.close();
});

test('a page in sight is told at once, keys and pointer with the next word', { timeout: 120_000 }, async () => {
    const page = await chromium.context.newPage();
    await page.goto(it.gateway.ideUrl);
    await ready(page);
    await eventually('the page is told', () => it.door.activity.length > 0);
    const [first] = it.door.activity;
    assert.equal(first.kind, 'visible');
    for (let i = 0; i < 20; i++) {
        await page.mouse.move(100 + i, 100);
        await page.keyboard.press('Shift');
    }
    await eventually('input is told', () => it.door.activity.length > 1);
    const second = it.door.activity[1];
    assert.equal(second.kind, 'input');
    assert.ok(second.at - first.at >= 29_000, `${second.at - first.at} ms after the first`);
    assert.equal(it.door.activity.length, 2);

    await page.evaluate(() => Object.defineProperty(document, 'visibilityState', { value: 'hidden' }));
    await eventually('more than 30 s have passed', () => Date.now() - second.at > 36_000, 60_000);
    assert.equal(it.door.activity.length, 2, 'nobody sees it');
    await page.close();
});
