/*
 * The IDE in the platform's frame, below a path: the theme in step, the ticket that opens a closed session again, and
 * nobody else heard.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { BUNDLE, IDE, eventually, launchBrowser, ready, says, stand } from './harness.mjs';

const PREFIX = '/ide/ses-1/';
const SHOTS = join(IDE, 'test/shots');

/** A page that frames the IDE, notes what it hears, and gives the tickets that it is told to give. */
const PAGE = `<!DOCTYPE html><title>platform</title>
<style>body{margin:0}iframe{border:0;width:100vw;height:100vh;display:block}</style>
<iframe id="ide" allow="clipboard-read; clipboard-write"></iframe>
<script>
window.heard = [];
window.tickets = [];
addEventListener('message', event => {
    heard.push({ origin: event.origin, ...event.data });
    if (event.data.type === 'coditect.ticket.request') {
        tickets.forEach(url => event.source.postMessage({ type: 'coditect.ticket', url }, event.origin));
    }
});
const ide = document.getElementById('ide');
window.say = message => ide.contentWindow.postMessage(message, '*');
ide.src = 'http://ses-1.ide.coditect.localhost:' + location.port + '${PREFIX}';
</script>`;

let it;
let chromium;
let page;
let frame;

const heard = type => page.evaluate(wanted => heard.filter(message => message.type === wanted), type);
const say = message => page.evaluate(words => say(words), message);
const settings = () => join(it.home, '.coditect-ide/settings.json');
const isDark = () => frame.locator('body.theia-dark').count().then(count => count > 0);

async function framed(where) {
    const it = await chromium.context.newPage();
    await it.goto(where);
    const inside = await eventually('the frame is there', () => it.frames().find(one => one.url().includes('ses-1.ide')));
    await ready(inside);
    return { page: it, frame: inside };
}

before(async () => {
    assert.ok(BUNDLE, 'CODITECT_IDE_BUNDLE names the bundle to test');
    mkdirSync(SHOTS, { recursive: true });
    it = await stand({
        prefix: PREFIX,
        platformPage: PAGE,
        files: { 'main.ts': 'export const answer: number = 42;\n', 'data.json': '{ "a": 1 }\n' }
    });
    chromium = await launchBrowser({ colorScheme: 'light' });
    ({ page, frame } = await framed(it.gateway.platformOrigin));
});
beforeEach(() => {
    it.gateway.closed = false;
});
after(async () => {
    await page?.screenshot({ path: join(SHOTS, 'frame-last.png') });
    await chromium?.browser.close();
    await it?.close();
});

test('it tells the platform that it is ready, from its own origin', async () => {
    const [ready] = await eventually('it says so', async () => (await heard('coditect.ready')).length > 0 && heard('coditect.ready'));
    assert.deepEqual(ready, { origin: new URL(it.gateway.ideUrl).origin, type: 'coditect.ready', theme: 'light' });
});

const stored = () => {
    const text = existsSync(settings()) ? readFileSync(settings(), 'utf8') : '{}';
    try {
        return JSON.parse(text)['workbench.colorTheme'];
    } catch {
        return 'a part of it: it is being written';
    }
};
const hasTheme = type => eventually(`it is ${type}`, () => frame.locator(`body.theia-${type}`).count());
const told = async () => (await heard('coditect.theme.changed')).map(({ theme }) => theme);

async function pickTheme(label) {
    await frame.locator('.coditect-link', { hasText: 'Colour theme' }).click();
    await frame.locator('.quick-input-widget input').fill(label);
    await frame.locator('.quick-input-widget .monaco-list-row.focused', { hasText: label }).waitFor();
    await page.keyboard.press('Enter');
}

test('the platform’s theme becomes the IDE’s, and stays', async () => {
    for (const theme of ['dark', 'light', 'dark']) {
        await say({ type: 'coditect.theme', theme });
        await hasTheme(theme);
    }
    await page.screenshot({ path: join(SHOTS, 'welcome-dark.png') });
    assert.equal(stored(), undefined, 'nothing is written into the IDE’s settings');
    assert.deepEqual(await told(), [], 'what the platform said itself is not told back');
});

test('a theme chosen in the IDE is told to the platform and stored, and shown while its kind is', async () => {
    await pickTheme('Coditect High Contrast Light');
    await hasTheme('hcLight');
    await eventually('it is stored', () => stored() === 'coditect-hc-light');
    await eventually('it is told', async () => (await told()).length > 0);
    assert.deepEqual(await told(), ['light']);
    for (const [theme, type] of [['light', 'hcLight'], ['dark', 'dark'], ['light', 'hcLight']]) {
        await say({ type: 'coditect.theme', theme });
        await hasTheme(type);
    }
    await pickTheme('Coditect Light');
    await hasTheme('light');
    await eventually('what is the default is stored as nothing', () => stored() === undefined);
    assert.deepEqual(await told(), ['light']);
});

test('what another window or program writes into the settings turns no page', async () => {
    const write = theme => writeFileSync(settings(), JSON.stringify({ 'workbench.colorTheme': theme }));
    await say({ type: 'coditect.theme', theme: 'dark' });
    await hasTheme('dark');
    write('coditect-hc-dark');
    await hasTheme('hc');
    write('coditect-light');
    await hasTheme('dark');
    assert.deepEqual(await told(), ['light']);
    await say({ type: 'coditect.theme', theme: 'light' });
    await hasTheme('light');
    writeFileSync(settings(), '{}');
});

async function accountMenu() {
    await frame.locator('.theia-sidebar-menu .codicon-account').click();
    await frame.locator('.lm-Menu').waitFor();
    return frame.locator('.lm-Menu-item[data-type=command]');
}

test('the account menu: until the page around says who is logged in, it leads to the platform’s pages', async () => {
    const items = await accountMenu();
    assert.deepEqual((await items.locator('.lm-Menu-itemLabel').allInnerTexts()).map(text => text.trim()), [
        'Logged in to Coditect', 'Account and Settings', 'Switch Session…', 'All Sessions', 'History of This Session', 'Pause This Session…', 'Log Out…'
    ]);
    const [opened] = await Promise.all([chromium.context.waitForEvent('page'), items.filter({ hasText: 'Pause This Session' }).click()]);
    await opened.waitForURL(`${it.gateway.platformOrigin}/sessions/ses-1`);
    await opened.close();
    assert.deepEqual(await heard('coditect.do'), []);
});

test('the account menu: it names the person, and asks the page around to do what only that may', async () => {
    await say({ type: 'coditect.person', name: 'Ada Lovelace', email: 'ada@example.com' });
    const wanted = [['Account and Settings', 'account'], ['Switch Session', 'palette'], ['All Sessions', 'sessions'], ['History of This Session', 'history'], ['Pause This Session', 'pause'], ['Log Out', 'logout']];
    for (const [label] of wanted) {
        const items = await accountMenu();
        await items.filter({ hasText: 'Ada Lovelace · ada@example.com' }).waitFor();
        if (label === 'Log Out') {
            await page.screenshot({ path: join(SHOTS, 'account.png') });
        }
        await items.filter({ hasText: label }).click();
    }
    await eventually('all is asked for', async () => (await heard('coditect.do')).length === wanted.length);
    assert.deepEqual((await heard('coditect.do')).map(({ action }) => action), wanted.map(([, action]) => action));
});

test('messages that are none of the platform’s change nothing', async () => {
    for (const message of ['coditect.theme', { type: 'coditect.theme', theme: 'blue' }, { type: 'coditect.theme' }, [1]]) {
        await say(message);
    }
    // A window in the IDE's own origin is not the platform either.
    await frame.evaluate(() => new Promise(resolve => {
        addEventListener('message', ({ data }) => data?.theme === 'dark' && resolve());
        window.postMessage({ type: 'coditect.theme', theme: 'dark' }, '*');
    }));
    await says(frame, 'All changes persisted');
    assert.equal(await isDark(), false);
});

test('below a path the language servers in the browser find their files', async () => {
    await frame.locator('.theia-TreeNode', { hasText: 'data.json' }).dblclick();
    await frame.locator('.monaco-editor .view-lines >> visible=true').first().click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('{');
    await frame.locator('.monaco-editor .squiggly-error').first().waitFor({ timeout: 30_000 });
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Control+s');
    await says(frame, 'All changes persisted');
});

test('what the person chose for editors on the platform’s page counts at once, and the IDE’s own settings win', async () => {
    const lines = frame.locator('.monaco-editor .view-lines >> visible=true').first();
    const style = () => lines.evaluate(element => [getComputedStyle(element).fontSize, getComputedStyle(element).lineHeight]);
    assert.deepEqual(await style(), ['13px', '20px']);
    await say({ type: 'coditect.editor', settings: { font_size: 19, line_numbers: 'off', word_wrap: 'perhaps' } });
    await eventually('larger letters', async () => (await style()).join() === '19px,26px');
    await eventually('no numbers', async () => await frame.locator('.monaco-editor .line-numbers >> visible=true').count() === 0);
    const before = existsSync(settings()) ? JSON.parse(readFileSync(settings(), 'utf8')) : {};
    assert.equal('editor.fontSize' in before, false, 'nothing is written into the IDE’s settings');
    writeFileSync(settings(), JSON.stringify({ ...before, 'editor.fontSize': 15 }));
    await eventually('the IDE’s own size', async () => (await style())[0] === '15px');
    await say({ type: 'coditect.editor', settings: { font_size: 22, line_numbers: 'on' } });
    await eventually('numbers', async () => await frame.locator('.monaco-editor .line-numbers >> visible=true').count() > 0);
    assert.equal((await style())[0], '15px');
    writeFileSync(settings(), JSON.stringify(before));
    await eventually('the platform’s size', async () => (await style())[0] === '22px');
    await say({ type: 'coditect.editor', settings: { font_size: 13, line_numbers: 'on' } });
    await eventually('as it was', async () => (await style())[0] === '13px');
});

test('the platform hears what the status bar says about persistence', async () => {
    await eventually('it is told', async () => (await heard('coditect.persistence')).at(-1)?.text === 'All changes persisted');
    const told = await heard('coditect.persistence');
    assert.ok(told.some(({ mood, text }) => mood === 'busy' && text.startsWith('Persisting')), JSON.stringify(told));
    assert.equal(told.at(-1).mood, 'good');
    assert.deepEqual(new Set(told.map(({ origin }) => origin)), new Set([new URL(it.gateway.ideUrl).origin]));
});

test('the cookie is the session’s own', async () => {
    const [cookie] = (await chromium.context.cookies()).filter(({ name }) => name === 'theia-connection-token');
    assert.deepEqual([cookie.path, cookie.httpOnly, cookie.sameSite], [PREFIX, true, 'Strict']);
});

test('a session whose cookie ended asks for a ticket, fetches it on its own origin only, and goes on', async () => {
    await page.evaluate(port => tickets.push(`http://elsewhere.localhost:${port}/ticket`, '/ticket'), it.gateway.port);
    it.gateway.closed = true;
    it.gateway.dropAll();
    await says(frame, 'Connection lost');
    await says(frame, 'All changes persisted');
    assert.equal(it.gateway.tickets, 1);
    assert.equal((await heard('coditect.ticket.request')).length, 1);
    assert.deepEqual([...chromium.requested].filter(url => url.includes('elsewhere')), []);
});

test('without a ticket it says what to do, and goes on by itself when the session is open again', async () => {
    await page.evaluate(() => tickets.splice(0));
    // a ticket may be asked for once in ten seconds
    it.gateway.closed = true;
    it.gateway.dropAll();
    await says(frame, 'Connection lost');
    await frame.locator('.theia-notification-message', { hasText: 'Your sign-in has ended' }).first().waitFor({ timeout: 45_000 });
    it.gateway.closed = false;
    await says(frame, 'All changes persisted');
});

test('a page of another origin that frames the IDE is neither told nor heard', async () => {
    const other = await framed(`http://other.coditect.localhost:${it.gateway.port}/`);
    await says(other.frame, 'All changes persisted');
    await other.frame.evaluate(() => {
        window.arrived = new Promise(resolve => addEventListener('message', ({ data }) => data?.theme === 'dark' && resolve()));
    });
    await other.page.evaluate(() => window.say({ type: 'coditect.theme', theme: 'dark' }));
    await other.frame.evaluate(() => window.arrived);
    await says(other.frame, 'All changes persisted');
    assert.equal(await other.frame.locator('body.theia-dark').count(), 0);
    assert.deepEqual(await other.page.evaluate(() => heard), []);
    await other.page.close();
});

test('dark and light editors, for the eye', async () => {
    await frame.locator('.theia-TreeNode', { hasText: 'main.ts' }).dblclick();
    await frame.locator('.lm-TabBar-tab.lm-mod-current', { hasText: 'main.ts' }).waitFor();
    await page.screenshot({ path: join(SHOTS, 'editor-light.png') });
    await say({ type: 'coditect.theme', theme: 'dark' });
    await eventually('it is dark', isDark);
    await page.screenshot({ path: join(SHOTS, 'editor-dark.png') });
});
