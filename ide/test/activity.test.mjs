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
    await page.clock.install(); // the page's clock goes by itself, and forward when it is told to
    await page.goto(it.gateway.ideUrl);
    await ready(page);
    await eventually('the page is told', () => it.door.activity.length > 0);
    const kinds = () => it.door.activity.map(({ kind }) => kind);
    assert.deepEqual(kinds(), ['visible']);
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
    await see('visible');
    await page.keyboard.press('Shift');
    await eventually('the next input is told', () => it.door.activity.length > 2);
    assert.deepEqual(kinds(), ['visible', 'input', 'input'], 'while nobody saw it nothing was told');
    await page.close();
});
