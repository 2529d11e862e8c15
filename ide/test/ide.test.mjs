/*
 * The IDE in a browser, as a person meets it: through a gateway, framed by nothing, with a door that says what each
 * test wants. One stand for all tests of this file; they run in order.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import {
    ALL_PLUGINS, BUNDLE, IDE, descendants, eventually, launchBrowser, openFile, persistenceText, ready, runCommand, says, stand
} from './harness.mjs';

const FILES = {
    'main.ts': 'const answer: number = 42; // why\nexport function twice(n: number) { return `${n * 2}`; }\n',
    'data.json': '{ "name": "x", "list": [1, 2, true] }\n',
    'style.css': 'body > p { color: #ff0000; margin: 0 4px; /* why */ }\n',
    'page.html': '<!DOCTYPE html>\n<p class="x">text <!-- why --></p>\n',
    'notes.md': '# Title\n\nSome *text* and `code` and [a link](x).\n',
    'app.py': 'import os\n\ndef twice(n: int) -> str:\n    """Doc."""\n    return f"{n * 2}"  # why\n\n',
    'main.c': '#include <stdio.h>\nint main(void) { printf("%d\\n", 42); return 0; /* why */ }\n',
    'words.txt': 'mine\n',
    'run.sh': '#!/bin/sh\n# why\nfor x in 1 2; do echo "$x"; done\n',
    'conf.yaml': 'name: x # why\nlist: [1, "two"]\n',
    'package.json': '{ "name": "x", "dependencies": { "left-pad": "1" } }\n',
    'tsconfig.json': '{ "compilerOptions": { "strict": true } }\n'
};
const SHOTS = join(IDE, 'test/shots');

let it;
let chromium;
let page;
const problems = [];
/** Texts of all errors that were shown, also of those that went away. */
const shown = [];

const onDisk = name => readFileSync(join(it.workspace, name), 'utf8');

before(async () => {
    assert.ok(BUNDLE, 'CODITECT_IDE_BUNDLE names the bundle to test');
    mkdirSync(SHOTS, { recursive: true });
    it = await stand({ files: FILES, plugins: ALL_PLUGINS });
    chromium = await launchBrowser({ colorScheme: 'light' });
    page = await chromium.context.newPage();
    await page.exposeFunction('errorWasShown', text => shown.push(text));
    await page.addInitScript(() => {
        new MutationObserver(() => {
            for (const icon of document.querySelectorAll('.theia-notification-list-item .codicon-error:not([data-seen])')) {
                icon.dataset.seen = 'yes';
                window.errorWasShown(icon.closest('.theia-notification-list-item').innerText);
            }
        }).observe(document, { childList: true, subtree: true });
        // When the page itself was told that a socket ended, which under load is long after it did.
        const { WebSocket } = window;
        window.WebSocket = class extends WebSocket {
            constructor(...all) {
                super(...all);
                this.addEventListener('close', () => { window.cutAt ??= performance.now(); });
            }
        };
    });
    page.on('pageerror', error => problems.push(error.message));
    page.on('response', reply => reply.status() >= 400 && problems.push(`${reply.status()} ${reply.url()}`));
    await page.goto(it.gateway.ideUrl);
    await ready(page);
});
beforeEach(() => {
    it.gateway.closed = false;
    it.door.syncCode = 200;
});
after(async () => {
    await page?.screenshot({ path: join(SHOTS, 'last.png') });
    await chromium?.browser.close();
    await it?.close();
});

test('it opens as the product: title, name of the session, first steps, its files', async () => {
    await page.locator('.coditect-welcome h1', { hasText: 'Project A' }).waitFor();
    await eventually('the title says it', async () => /Coditect AI Agents$/.test(await page.title()));
    const welcome = await page.locator('.coditect-welcome').innerText();
    for (const words of ['Open a file', 'New file', 'Open a terminal', 'Clone a repository', 'What is kept', 'What is not']) {
        assert.ok(welcome.includes(words), words);
    }
    await page.locator('.theia-TreeNode', { hasText: 'main.ts' }).waitFor();
    await eventually('its font is there', () => page.evaluate(() => [...document.fonts].some(font => font.status === 'loaded' && font.family.includes('Inter Variable'))));
    await page.screenshot({ path: join(SHOTS, 'welcome-light.png') });
});

test('the about dialog names product and version', async () => {
    await runCommand(page, 'About');
    for (const part of ['Coditect AI Agents', '5.0.0', '1.74.1']) { // it asks the backend for them
        await page.locator('.coditect-about', { hasText: part }).waitFor();
    }
    // A dialog that is seen may not have the keyboard yet.
    await eventually('Escape closes it', async () => {
        await page.keyboard.press('Escape');
        return await page.locator('.coditect-about').count() === 0;
    });
});

test('the status bar says what the door says', async () => {
    await says(page, 'All changes persisted');
    it.door.say({ state: 'persisting', pending: 3 });
    await says(page, 'Persisting 3 files…');
    it.door.say({ state: 'offline', pending: 5 });
    await says(page, 'Offline: 5 changes waiting');
    it.door.say({ state: 'restoring', pending: 0, restoring: { done: 10, total: 5000 } });
    await says(page, 'Restoring 10 of 5,000 files…');
    it.door.say({ state: 'conflict', restoring: undefined, held_back: 1200 });
    await says(page, '1,200 deletions held back');
    it.door.say({ held_back: undefined });
    it.door.say({ state: 'persisted', not_kept: ['node_modules', 'web/dist'] });
    await says(page, 'All changes persisted');
});

test('a click on the item shows pending, seq and what is not kept', async () => {
    it.door.say({ pending: 0, seq: 1234 });
    await page.locator('.coditect-persistence').click();
    const list = page.locator('.quick-input-widget');
    await list.getByText('Change 1,234').waitFor();
    const text = await list.innerText();
    for (const words of ['0 waiting to be stored', 'node_modules', 'web/dist']) {
        assert.ok(text.includes(words), words);
    }
    await page.keyboard.press('Escape');
});

test('lists to choose from have their rows at once, also where less motion is asked for', async () => {
    const row = page.locator('.quick-input-widget .monaco-list-row').first();
    for (const reducedMotion of ['reduce', 'no-preference']) {
        await page.emulateMedia({ reducedMotion });
        for (const show of [() => page.keyboard.press('F1'), () => page.locator('.coditect-persistence').click()]) {
            await show();
            await row.waitFor();
            await page.keyboard.press('Escape');
            await row.waitFor({ state: 'hidden' });
        }
    }
});

test('from the key press to the barrier’s answer it says "Persisting"', async () => {
    await openFile(page, 'notes.md');
    let open;
    it.door.syncGate = new Promise(resolve => { open = resolve; });
    const before = it.door.syncs;
    await page.keyboard.press('Control+End');
    await page.keyboard.type('typed');
    await says(page, 'Persisting 1 file…');
    await page.keyboard.press('Control+s');
    await eventually('the file is on the disk', () => onDisk('notes.md').endsWith('typed'));
    await eventually('the barrier was asked', () => it.door.syncs > before);
    it.door.say({ state: 'persisted', seq: 1235 }); // a status that is newer than the save, and may not know of it
    await new Promise(resolve => setTimeout(resolve, 500));
    assert.equal(await persistenceText(page), 'Persisting 1 file…');
    open();
    await says(page, 'All changes persisted');
});

test('a barrier that is refused is asked again, and until then nothing is called persisted', async () => {
    it.door.syncCode = 503;
    const before = it.door.syncs;
    await page.keyboard.type(' more');
    await page.keyboard.press('Control+s');
    await eventually('the barrier was asked three times', () => it.door.syncs >= before + 3);
    assert.equal(await persistenceText(page), 'Persisting 1 file…');
    it.door.syncCode = 200;
    await says(page, 'All changes persisted');
});

test('a save that the mirror could not be told of is confirmed by a barrier of everything, once', async () => {
    const whole = it.door.wholeSyncs;
    it.door.savingCode = 503;
    for (const text of [' untold', ' told']) {
        const before = it.door.syncs;
        await page.keyboard.insertText(text); // at once: key by key it may be saved in two parts
        await page.keyboard.press('Control+s');
        await eventually('it is on the disk', () => onDisk('notes.md').endsWith(text));
        await eventually('the barrier was asked', () => it.door.syncs > before);
        await says(page, 'All changes persisted');
        assert.equal(it.door.wholeSyncs, whole + 1);
        it.door.savingCode = 204;
    }
});

test('an editor that is no file yet is not called persisted', async () => {
    await runCommand(page, 'New Untitled Text File');
    await page.locator('.lm-TabBar-tab.lm-mod-current', { hasText: 'Untitled' }).waitFor();
    await page.keyboard.type('x');
    await says(page, '1 editor not saved to a file yet');
    await page.locator('.lm-TabBar-tab.lm-mod-current', { hasText: 'Untitled' }).locator('.lm-TabBar-tabCloseIcon').click();
    await page.locator('.dialogBlock button', { hasText: "Don't Save" }).click();
    await says(page, 'All changes persisted');
});

test('without auto save what is typed is called not saved, until it is saved', async () => {
    await openFile(page, 'notes.md');
    await runCommand(page, 'Auto Save');
    const before = onDisk('notes.md');
    await openFile(page, 'notes.md');
    await page.keyboard.press('Control+End');
    await page.keyboard.type('kept back');
    await says(page, '1 file not saved yet');
    it.door.say({ state: 'offline', pending: 2 });
    await says(page, 'Offline: 2 changes waiting, 1 not saved');
    it.door.say({ state: 'persisted', pending: 0 });
    await says(page, '1 file not saved yet');
    assert.equal(onDisk('notes.md'), before);
    await page.locator('.coditect-persistence').click();
    await page.locator('.quick-input-widget', { hasText: '1 not saved' }).waitFor();
    await page.keyboard.press('Escape');
    await page.screenshot({ path: join(SHOTS, 'not-saved-light.png') });
    await openFile(page, 'notes.md');
    await page.keyboard.press('Control+s');
    await says(page, 'All changes persisted');
    assert.equal(onDisk('notes.md'), `${before}kept back`);
    await runCommand(page, 'Auto Save');
});

test('a door that does not answer is a lost connection, not the last known state', async () => {
    it.door.close();
    await says(page, 'Connection lost');
    await it.door.reopen();
    await says(page, 'All changes persisted');
});

test('a door that is open and answers nothing is a lost connection, too, and soon', async () => {
    let open;
    it.door.statusGate = new Promise(resolve => { open = resolve; });
    await says(page, 'Connection lost', 20_000);
    open();
    await says(page, 'All changes persisted');
});

test('without the backend it says so at once, and finds back', async () => {
    await page.evaluate(() => {
        window.cutAt = undefined;
        const bar = document.querySelector('#theia-statusBar');
        new MutationObserver((_, observer) => {
            if (window.cutAt !== undefined && bar.innerText.includes('Connection lost')) {
                window.saidAfter = performance.now() - window.cutAt;
                observer.disconnect();
            }
        }).observe(bar, { childList: true, subtree: true, characterData: true });
    });
    it.gateway.closed = true;
    it.gateway.dropAll();
    await says(page, 'Connection lost');
    const after = await page.evaluate(() => window.saidAfter);
    assert.ok(after < 3_000, `${after} ms after the page knew`); // of an answer that does not come it knows after three at least
    await page.keyboard.press('End');
    it.gateway.closed = false;
    await says(page, 'All changes persisted');
    problems.length = 0; // the 401 of the closed gateway are meant
});

test('a save that is cut on its way arrives all the same, once', async () => {
    await openFile(page, 'notes.md');
    await page.keyboard.press('Control+End');
    const before = onDisk('notes.md');
    for (let i = 0; i < 5; i++) {
        await page.keyboard.type(String(i));
        await page.keyboard.press('Control+s');
        await new Promise(resolve => setTimeout(resolve, 8 * i));
        // Looked for in each frame of the page: from outside a moment may be missed.
        const noticed = page.waitForFunction(() => document.querySelector('.coditect-persistence').innerText.trim() !== 'All changes persisted');
        it.gateway.cuts.push(i % 4); // and the next socket, while the two ends tell each other how much they have
        it.gateway.dropAll();
        await noticed;
        await says(page, 'All changes persisted');
    }
    assert.equal(onDisk('notes.md'), `${before}01234`);
});

for (const [name, language] of [
    ['main.ts', 'TypeScript'], ['data.json', 'JSON'], ['style.css', 'CSS'], ['page.html', 'HTML'], ['notes.md', 'Markdown'],
    ['app.py', 'Python'], ['main.c', 'C'], ['run.sh', 'Shell Script'], ['conf.yaml', 'YAML']
]) {
    test(`${language} is highlighted`, async () => {
        await openFile(page, name);
        await page.locator('#theia-statusBar .element', { hasText: new RegExp(`^${language}$`) }).waitFor();
        await eventually('there are three colours at least', () => page.evaluate(() => {
            const editor = [...document.querySelectorAll('.monaco-editor')].find(e => e.offsetParent);
            const colours = [...editor.querySelectorAll('.view-line span span')].map(span => getComputedStyle(span).color);
            return new Set(colours).size >= 3;
        }));
    });
}

/** Types `typed` at the end of `name`, asks for completion, and puts the file back. */
async function completes(name, typed, expected) {
    await openFile(page, name);
    await page.keyboard.press('Control+End');
    await page.keyboard.type(typed);
    const suggestion = page.locator('.suggest-widget.visible .monaco-list-row', { hasText: expected }).first();
    await eventually(`${expected} is suggested`, async () => {
        await page.keyboard.press('Control+Space');
        return suggestion.waitFor({ timeout: 2_000 }).then(() => true, () => page.keyboard.press('Escape').then(() => false));
    }, 45_000);
    await page.keyboard.press('Escape');
    for (const _ of typed) {
        await page.keyboard.press('Backspace');
    }
    await page.keyboard.press('Control+s');
}

test('TypeScript completes', () => completes('main.ts', '"abc".toUpp', 'toUpperCase'));
test('CSS completes', () => completes('style.css', 'p { backgr', 'background-color'));
test('Python completes', () => completes('app.py', 'os.getcw', 'getcwd'));

test('Enter after a word that was typed to its end ends the line, also while that word is suggested', async () => {
    await openFile(page, 'words.txt');
    await page.keyboard.press('Control+End');
    const suggestion = page.locator('.suggest-widget.visible .monaco-list-row.focused', { hasText: 'mine' });
    await eventually('the word is suggested', async () => { // as it is typed, once the editor knows the words of the file
        await page.keyboard.type('min');
        const known = await suggestion.waitFor({ timeout: 3_000 }).then(() => true, () => false);
        for (let i = 0; !known && i < 'min'.length; i++) await page.keyboard.press('Backspace');
        return known;
    });
    await page.keyboard.type('e\n');
    await page.keyboard.press('Control+s');
    await eventually('the line has its end', () => onDisk('words.txt') === 'mine\nmine\n');
});

test('JSON is checked', async () => {
    await openFile(page, 'data.json');
    await page.keyboard.press('Control+End');
    await page.keyboard.type('{');
    await page.locator('.monaco-editor .squiggly-error').first().waitFor({ timeout: 30_000 });
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Control+s');
});

test('Markdown has a preview', async () => {
    await openFile(page, 'notes.md');
    await page.locator('.monaco-editor .view-lines >> visible=true').first().click();
    await page.keyboard.press('Control+Shift+v');
    const preview = await eventually('the preview shows the title', async () => {
        for (const frame of page.frames()) {
            if (await frame.locator('h1', { hasText: 'Title' }).count().catch(() => 0)) {
                return frame;
            }
        }
        return undefined;
    });
    assert.equal(new URL(preview.url()).origin, new URL(it.gateway.ideUrl).origin);
    await page.screenshot({ path: join(SHOTS, 'preview-light.png') });
});

test('files that name schemas are opened without a question to anybody', async () => {
    await openFile(page, 'package.json');
    await openFile(page, 'tsconfig.json');
});

test('a terminal runs a command, and the explorer shows the file it made', async () => {
    await page.locator('.lm-TabBar-tab', { hasText: 'Welcome' }).click();
    await page.locator('.coditect-step', { hasText: 'Open a terminal' }).click();
    await page.locator('.xterm-screen').click();
    await page.keyboard.type('echo "$((6 * 7)) $PWD" > made.txt; env > env.txt\n');
    await eventually('the file is there', () => existsSync(join(it.workspace, 'made.txt')) && onDisk('made.txt') !== '');
    assert.equal(onDisk('made.txt'), `42 ${it.workspace}\n`);
    await page.locator('.theia-TreeNode', { hasText: 'made.txt' }).waitFor();
    await eventually('the environment is there', () => onDisk('env.txt').includes('PWD='));
    assert.doesNotMatch(onDisk('env.txt'), new RegExp(it.secret));
});

test('what a terminal says while nobody listens is there afterwards', async () => {
    await page.keyboard.type('mark=the-same; touch begun; until [ -e cut ]; do sleep .1; done; head -c 400000 /dev/zero | tr "\\0" x; echo; touch done.txt\n');
    await eventually('it begins', () => existsSync(join(it.workspace, 'begun')));
    it.gateway.closed = true;
    it.gateway.dropAll();
    await says(page, 'Connection lost');
    writeFileSync(join(it.workspace, 'cut'), '');
    await eventually('the command ended', () => existsSync(join(it.workspace, 'done.txt')));
    it.gateway.closed = false;
    await says(page, 'All changes persisted');
    await page.locator('.xterm-screen').click();
    await page.keyboard.type('echo still here > alive.txt\n');
    await eventually('the same shell goes on', () => existsSync(join(it.workspace, 'alive.txt')));
    problems.length = 0;
});

test('when more waits for a page than is kept, it starts again', async () => {
    await page.evaluate(() => { window.notReloaded = true; });
    for (const name of ['begun', 'cut']) {
        rmSync(join(it.workspace, name));
    }
    await page.keyboard.type('touch begun; until [ -e cut ]; do sleep .1; done; head -c 30000000 /dev/zero | tr "\\0" x; echo; touch much.txt\n');
    await eventually('it begins', () => existsSync(join(it.workspace, 'begun')));
    it.gateway.closed = true;
    it.gateway.dropAll();
    await says(page, 'Connection lost');
    writeFileSync(join(it.workspace, 'cut'), '');
    await eventually('the command ended', () => existsSync(join(it.workspace, 'much.txt')), 60_000);
    await eventually('the page is given up, and its plugin host ends', () => descendants(it.backend.pid, 'plugin-host').length === 0);
    it.gateway.closed = false;
    await eventually('the page started again', () => page.evaluate(() => !window.notReloaded).catch(() => false));
    await ready(page);
    await says(page, 'All changes persisted');
    problems.length = 0;
});

test('chat without a model says so, before a question and after one', async () => {
    await runCommand(page, 'Toggle AI Chat');
    await page.locator('.coditect-chat-welcome', { hasText: 'No AI model is set up' }).waitFor();
    await page.locator('#chat-view-widget .monaco-editor.focused').waitFor();
    await page.keyboard.type('hello');
    await page.keyboard.press('Enter');
    await page.locator('.theia-ResponseNode', { hasText: 'No AI model is set up' }).waitFor();
    await page.screenshot({ path: join(SHOTS, 'chat-light.png') });
    assert.equal(await page.evaluate(() => document.scrollingElement.scrollTop), 0, 'the page itself never scrolls');
});

test('after a reload there is one plugin host, and the terminal is still there', async () => {
    await eventually('there is a plugin host', () => descendants(it.backend.pid, 'plugin-host').length === 1);
    await page.reload();
    await ready(page);
    await says(page, 'All changes persisted');
    await eventually('one plugin host is left', () => descendants(it.backend.pid, 'plugin-host').length === 1);
    await page.locator('.xterm-screen').click();
    await page.keyboard.type('echo $mark > again.txt\n');
    await eventually('the shell is the same', () => existsSync(join(it.workspace, 'again.txt')) && onDisk('again.txt') === 'the-same\n');
});

const notYet = () => page.locator('.theia-notification-list-item-container', { hasText: 'What was typed into late.txt' });

test('text that a page left is in an editor after a reload, also that of an older build; what cannot be yet holds nothing up', async () => {
    const addressOf = name => `file://${join(it.workspace, name)}`;
    writeFileSync(join(it.workspace, 'older.txt'), '');
    mkdirSync(join(it.workspace, 'late.txt')); // no editor opens a folder
    const texts = [17, [addressOf('older.txt'), 'of an older build\n'], { address: addressOf('late.txt'), text: 'of a file that comes late\n' }];
    await page.evaluate(text => sessionStorage.setItem('coditect.unsaved-text', text), JSON.stringify(texts));
    await page.reload();
    await ready(page);
    await eventually('it is saved', () => onDisk('older.txt') === 'of an older build\n');
    await notYet().first().waitFor();
    await says(page, '1 file not saved yet');
});

test('after the backend was restarted the page starts again, with the text that was not saved', async () => {
    await openFile(page, 'run.sh');
    await page.keyboard.press('Control+End');
    it.gateway.closed = true;
    it.gateway.dropAll();
    await says(page, 'Connection lost');
    await page.keyboard.type('# typed while it was away');
    await page.locator('#theia-main-content-panel .lm-TabBar-tab', { hasText: 'conf.yaml' }).click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('# here');
    writeFileSync(join(it.workspace, 'conf.yaml'), 'theirs: 1\n');
    await it.restart();
    it.gateway.closed = false;
    await eventually('the text is on the disk', () => onDisk('run.sh').endsWith('# typed while it was away'), 60_000);
    const both = page.locator('.theia-notification-toasts .theia-notification-list-item-container', { hasText: 'conf.yaml was changed elsewhere' });
    await both.waitFor();
    assert.equal(onDisk('conf.yaml'), 'theirs: 1\n', 'what somebody else wrote meanwhile is not written over');
    await both.locator('button', { hasText: 'Keep Mine' }).click();
    await eventually('mine is saved', () => onDisk('conf.yaml').startsWith('# here'));
    await notYet().first().waitFor();
    rmdirSync(join(it.workspace, 'late.txt'));
    writeFileSync(join(it.workspace, 'late.txt'), '');
    await eventually('what could not be opened over two pages is there', () => onDisk('late.txt') === 'of a file that comes late\n');
    await eventually('nothing waits', () => page.evaluate(() => !sessionStorage.getItem('coditect.unsaved-text')));
    await says(page, 'All changes persisted');
    await openFile(page, 'main.c');
    problems.length = 0; // 401 while it was away
});

test('nothing outside of this machine was asked for', () => {
    assert.deepEqual(chromium.foreign(), []);
});

test('no error was shown to the person', async () => {
    assert.deepEqual(shown, []);
});

test('no request failed and no error was thrown', () => {
    assert.deepEqual(problems, []);
});
