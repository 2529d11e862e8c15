/* What extensions are told of the tabs counts right, in whatever order tabs are opened, moved and closed: no error is thrown. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BUNDLE, eventually, launchBrowser, ready, stand } from './harness.mjs';

const NAMES = ['alpha.txt', 'beta.txt', 'gamma.txt', 'delta.txt'];
const errors = [];
let it;
let chromium;
let page;

const tab = name => page.locator('#theia-main-content-panel .lm-TabBar-tab', { hasText: name });

async function open(name) {
    await page.locator('.theia-TreeNode', { hasText: name }).dblclick();
    await tab(name).and(page.locator('.lm-mod-current')).waitFor();
}

before(async () => {
    assert.ok(BUNDLE, 'CODITECT_IDE_BUNDLE names the bundle to test');
    it = await stand({ files: Object.fromEntries(NAMES.map(name => [name, `${name}\n`])) });
    chromium = await launchBrowser();
    page = await chromium.context.newPage();
    page.on('pageerror', error => errors.push(error.message));
    await page.goto(it.gateway.ideUrl);
    await ready(page);
});
after(async () => {
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
