/* The themes in a browser: whoever asks the system for more contrast has it, light or dark, from the first page on. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BUNDLE, IDE, eventually, launchBrowser, ready, runCommand, stand } from './harness.mjs';

const SHOTS = join(IDE, 'test/shots');
let it;
let chromium;
let page;

const background = () => page.evaluate(() => getComputedStyle(document.body).getPropertyValue('--theia-editor-background').trim());
const becomes = (color, what) => eventually(what, async () => (await background()).toLowerCase() === color);

before(async () => {
    assert.ok(BUNDLE, 'CODITECT_IDE_BUNDLE names the bundle to test');
    mkdirSync(SHOTS, { recursive: true });
    it = await stand({ files: { 'main.ts': 'export const answer: number = 42; // why\n' } });
    chromium = await launchBrowser({ colorScheme: 'dark', contrast: 'more' });
    page = await chromium.context.newPage();
    await page.goto(it.gateway.ideUrl);
    await ready(page);
});
after(async () => {
    await chromium?.browser.close();
    await it?.close();
});

test('more contrast, when the system asks for it, and no longer than that', { timeout: 120_000 }, async () => {
    await becomes('#000000', 'it is the dark one of high contrast');
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
