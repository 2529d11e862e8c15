/* What needs no browser: the sources compile strictly, the lock files name no host, and the words are right. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { common } from './common.mjs';
import { IDE, modulesDirectory } from './harness.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'coditect-ide-sources-'));
after(() => rmSync(scratch, { recursive: true }));
const { toDoorStatus, toBarrierSeq, wordsFor, isFilling, toPlatformMessage, ReliableStream, MAX_WAITING_BYTES, ActivityTeller, ROLES, themeFor, inContrast, toAllNotKept, NotKeptPaths, tooltipFor, NewsTeller, inPlainWords, toVersions, toGoneIn, toText, sizeOf, timeOf, MAX_TEXT, toDesk, fromDesk, toPreferences } = common;

test('the extension compiles strictly', () => {
    const project = join(scratch, 'extension');
    cpSync(join(IDE, 'extension'), project, { recursive: true, filter: path => !/[\\/](node_modules|lib)([\\/]|$)/.test(path) });
    symlinkSync(join(modulesDirectory(), 'node_modules'), join(scratch, 'node_modules'));
    const tsc = join(modulesDirectory(), 'node_modules/typescript/bin/tsc');
    try {
        execFileSync(process.execPath, [tsc, '-p', project, '--noEmit', '--preserveSymlinks'], { encoding: 'utf8' });
    } catch (error) {
        assert.fail(error.stdout);
    }
});

test('the extension says neither any nor null where it need not', () => {
    const files = readdirSync(join(IDE, 'extension/src'), { recursive: true }).filter(name => /\.tsx?$/.test(name));
    assert.ok(files.length > 15);
    for (const name of files) {
        const text = readFileSync(join(IDE, 'extension/src', name), 'utf8');
        assert.doesNotMatch(text, /:\s*any\b|<any>|as any\b/, `${name}: any`);
        assert.doesNotMatch(text, /(?<![!=]== )\bnull\b/, `${name}: null`);
    }
});

test('lock files name no host, and Theia is pinned to one version', () => {
    for (const name of ['package-lock.json', 'plugins/package-lock.json']) {
        const lock = JSON.parse(readFileSync(join(IDE, name), 'utf8'));
        for (const [path, { resolved, link }] of Object.entries(lock.packages)) {
            assert.ok(resolved === undefined || link, `${name}: ${path} is resolved from ${resolved}`);
        }
    }
    const { packages } = JSON.parse(readFileSync(join(IDE, 'package-lock.json'), 'utf8'));
    const theia = Object.entries(packages).filter(([path]) => /^node_modules\/@theia\/(?!monaco-editor-core)[^/]+$/.test(path));
    assert.deepEqual([...new Set(theia.map(([, { version }]) => version))], ['1.74.1']);
    assert.deepEqual(Object.keys(packages).filter(path => /node_modules\/.*node_modules\/@theia\//.test(path)), []);
    for (const name of ['app', 'extension']) {
        const { dependencies } = JSON.parse(readFileSync(join(IDE, name, 'package.json'), 'utf8'));
        for (const [dependency, version] of Object.entries(dependencies)) {
            assert.match(version, /^\d+\.\d+\.\d+$/, `${name}: ${dependency} is not pinned`);
        }
    }
});

const status = change => ({
    kind: 'status',
    status: { state: 'persisted', pending: 0, quiet: 0, seq: 7, revision: 1, heldBack: 0, notKept: [], notKeptAt: 0, failed: [], failedCount: change.failed?.length ?? 0, notices: [], moreNotices: 0, ...change }
});
const saidOf = knowledge => wordsFor({ link: 'open', unconfirmed: 0, typed: 0, untitled: 0, kept: [], notSaved: [], ...knowledge });
const text = knowledge => saidOf(knowledge).text;

test('the words say what is known, and the worst first', () => {
    assert.equal(text({ report: status({ state: 'persisting', pending: 3 }) }), 'Persisting 3 files…');
    assert.equal(text({ report: status({ state: 'persisting', pending: 1 }) }), 'Persisting 1 file…');
    assert.equal(text({ report: status({ state: 'persisting', pending: 0 }) }), 'Persisting…');
    assert.equal(text({ report: status({ state: 'persisting', pending: 1 }), unconfirmed: 4 }), 'Persisting 4 files…');
    assert.equal(text({ report: status({ state: 'offline', pending: 5 }) }), 'Offline: 5 changes waiting');
    assert.equal(text({ report: status({ state: 'offline', pending: 1 }) }), 'Offline: 1 change waiting');
    assert.equal(text({ report: status({ state: 'offline' }), unconfirmed: 2 }), 'Offline: 2 changes waiting');
    assert.equal(text({ report: status({ state: 'offline' }) }), 'Offline');
    assert.equal(text({ report: status({ state: 'restoring', restoring: { done: 1200, total: 5000 } }) }), 'Restoring 1,200 of 5,000 files…');
    assert.equal(text({ report: status({ state: 'restoring' }) }), 'Restoring files…');
    assert.equal(text({ report: status({ state: 'conflict', heldBack: 1200 }), unconfirmed: 1 }), '1,200 deletions held back');
    assert.equal(text({ report: status({ state: 'conflict' }) }), 'Waiting for your choice');
    const failed = [{ path: '/workspace/secret', why: 'unreadable' }];
    assert.equal(text({ report: status({ failed }) }), '1 file not stored');
    assert.equal(text({ report: status({ failed, failedCount: 1200 }) }), '1,200 files not stored');
    assert.equal(text({ report: status({ failed }), unconfirmed: 1 }), 'Persisting 1 file…');
    assert.match(saidOf({ report: status({ failed }) }).detail, /^\/workspace\/secret could not be stored: its permissions/);
    const damaged = { path: '/workspace/lost', why: 'damaged' };
    assert.equal(text({ report: status({ failed: [damaged] }) }), '1 file not restored');
    assert.match(saidOf({ report: status({ failed: [damaged] }) }).detail, /^\/workspace\/lost could not be restored: what the store has of it is damaged/);
    assert.equal(text({ report: status({ failed: [...failed, damaged] }) }), '2 files not stored or not restored');
    assert.equal(text({ report: status({}), untitled: 1 }), '1 editor not saved to a file yet');
    assert.equal(text({ report: { kind: 'unreachable', reason: 'ECONNREFUSED' } }), 'Connection lost');
    assert.equal(text({ report: { kind: 'none' } }), 'Not persisted');
    assert.equal(text({ link: 'connecting' }), 'Connecting…');
    assert.equal(text({}), 'Connecting…');

    const notSaved = [{ path: '/workspace/src/notes.md', why: 'There is no room.' }];
    assert.equal(text({ report: status({}), notSaved }), 'Not saved: notes.md');
    assert.equal(text({ report: status({ state: 'persisting', pending: 2 }), unconfirmed: 1, notSaved }), 'Not saved: notes.md');
    assert.equal(text({ report: status({}), notSaved: [...notSaved, { path: '/workspace/b', why: 'x' }] }), 'Not saved: 2 files');
    assert.equal(text({ link: 'lost', report: status({}), notSaved }), 'Connection lost');

    const restoring = { done: 3, total: 4000 };
    const held = [{ state: 'restoring' }, { state: 'restoring', restoring }, { state: 'offline', restoring }, { state: 'conflict', restoring }, { state: 'offline' }, {}];
    assert.deepEqual(held.map(change => isFilling({ report: status(change) })), [true, true, true, true, false, false], 'files are coming until all are there');
});

test('each state has its words, and says what is so and what to do', () => {
    const blind = 'Not every folder can be watched: it may take 10 seconds until a change is noticed.';
    const full = 'This workspace’s disk is full. Delete what you do not need; what is on the disk is stored once there is room.';
    const quota = 'Your storage is full. What you change stays on this workspace’s disk, and is stored once there is room.';
    const notice = { number: 1, text: 'node was ended.' };
    const both = { path: '/workspace/a/notes.md', why: 'It was changed elsewhere, too: choose which of the two stays.', choice: true };
    for (const [known, words, mood, detail] of [
        [{ report: status({}) }, 'All changes persisted', 'good', /Everything .* is in the store/],
        [{ report: status({ quiet: 1 }) }, 'Persisted; 1 quiet file waits', 'good', /^Everything else .* This file is .* this workspace’s disk only/],
        [{ report: status({ quiet: 2 }) }, 'Persisted; 2 quiet files wait', 'good', /^Everything else .* These files are /],
        [{ report: status({ quiet: 2 }), unconfirmed: 1 }, 'Persisting 1 file…', 'busy', /on their way/], // dirty in an editor
        [{ report: status({ state: 'persisting', pending: 7 }) }, 'Persisting 7 files…', 'busy', /on their way/], // uploading
        [{ report: status({}), notSaved: [both] }, 'Not saved: notes.md', 'bad', /changed elsewhere, too: choose .* still in the editor/],
        [{ report: status({ state: 'conflict', heldBack: 3 }) }, '3 deletions held back', 'attention', /The store keeps them/],
        [{ report: status({ state: 'offline', pending: 2, message: quota }) }, 'Your storage is full: 2 changes waiting', 'bad', /stored once there is room/],
        [{ report: status({ state: 'offline', pending: 2, message: full }) }, 'This workspace’s disk is full: 2 changes waiting', 'bad', /Delete what you do not need/],
        [{ report: status({ state: 'offline', message: 'This workspace’s disk cannot be read or written. What was persisted is safe.' }) }, 'This workspace’s disk cannot be read or written', 'bad', /persisted is safe/],
        [{ report: status({ message: blind }) }, 'Not every folder can be watched', 'attention', /10 seconds/],
        [{ report: status({ message: notice.text, notice }) }, 'All changes persisted', 'good', /Everything/],
        [{ report: status({ state: 'offline', message: notice.text, notice }) }, 'Offline', 'attention', /out of reach/],
        [{ link: 'lost', report: status({}), unconfirmed: 3 }, 'Connection lost', 'bad', /still in the editor/],
        // what nothing saves by itself, beside each of the others
        [{ report: status({ quiet: 1 }), typed: 1 }, '1 file not saved yet', 'attention', /^Save it to persist it\.$/],
        [{ report: status({}), kept: ['/workspace/late.txt'] }, '1 file not saved yet', 'attention', /waits for its file/],
        [{ report: status({}), untitled: 2 }, '2 editors not saved to a file yet', 'attention', /with a name/],
        [{ report: status({}), typed: 1, untitled: 1, kept: ['/a'] }, '3 files not saved yet', 'attention', /persist it\. Save it with a name .* waits/],
        [{ report: status({}), unconfirmed: 2, typed: 1 }, 'Persisting 2 files, 1 not saved', 'attention', /on their way to the store\. Save it/],
        [{ report: status({ state: 'offline', pending: 1, quiet: 1 }), untitled: 1 }, 'Offline: 2 changes waiting, 1 not saved', 'attention', /out of reach.* Save it/],
        [{ report: status({ message: blind }), typed: 1 }, 'Not every folder can be watched, 1 not saved', 'attention', /10 seconds/],
        [{ report: status({ failed: [{ path: '/a', why: 'unreadable' }] }), untitled: 1 }, '1 file not stored, 1 not saved', 'attention', /permissions/],
        [{ report: status({ state: 'offline', message: full }), typed: 1 }, 'This workspace’s disk is full', 'bad', /Delete/],
        [{ link: 'lost', report: status({}), typed: 1 }, 'Connection lost', 'bad', /still in the editor/]
    ]) {
        const said = saidOf(known);
        assert.ok(said.text === words && said.mood === mood && detail.test(said.detail), `${words}: ${JSON.stringify(said)}`);
    }
});

test('what the door says of the past is checked field by field', () => {
    const version = { version: 7, op: 'write', kind: 'file', size: 1536, at: 1_700_000_000_000_000, author: { kind: 'terminal', id: 't' } };
    const good = { version: 7, op: 'write', kind: 'file', size: 1536, at: 1_700_000_000_000, author: 'terminal' };
    const odd = [{ ...version, op: 'eat' }, { ...version, kind: 'pipe' }, { ...version, size: '1' }, { ...version, author: 'ada' }, 7, undefined];
    assert.deepEqual(toVersions({ versions: [version, ...odd], next: 'c' }), { versions: [good], next: 'c' });
    assert.deepEqual(toVersions({ versions: Array(9000).fill(version) }).versions.length, 500);
    const gone = [{ ...version, path: 'a/b' }, version, { ...version, path: 7 }];
    assert.deepEqual(toGoneIn({ gone, next: 3 }, '/workspace'), { gone: [{ ...good, path: '/workspace/a/b' }], next: 3 });
    for (const bad of [undefined, {}, [], { versions: {} }, 'x']) {
        assert.throws(() => toVersions(bad), Error);
        assert.throws(() => toGoneIn(bad, '/'), Error);
    }
    const bytes = words => new TextEncoder().encode(words);
    assert.deepEqual(toText(bytes('naïve')), { found: 'naïve' });
    assert.deepEqual(toText(bytes('a\0b')), { not: 'binary' });
    assert.deepEqual(toText(new Uint8Array(MAX_TEXT).fill(97)).not, undefined);
    assert.deepEqual(toText(new Uint8Array(MAX_TEXT + 1).fill(97)), { not: 'large' });
    assert.deepEqual([0, 1023, 1536, 5 << 20].map(size => sizeOf({ size })), ['0 B', '1023 B', '1.5 KiB', '5.0 MiB']);
    const now = new Date(2026, 10, 21, 15, 0).getTime();
    const at = (...when) => timeOf({ at: new Date(...when).getTime() }, now);
    assert.deepEqual([at(2026, 10, 21, 9, 5, 7), at(2026, 10, 20, 23, 59), at(2025, 0, 2, 3, 4)], ['09:05:07', '20 Nov, 23:59', '2 Jan 2025, 03:04']);
});

test('a desk that is not understood is an empty one', () => {
    const desk = new Map([['layout', '{"a":1}'], ['x', '"y"']]);
    assert.deepEqual(toDesk(fromDesk(desk)), desk);
    assert.deepEqual(toDesk('{"a":1,"b":"2","c":null}'), new Map([['b', '2']]));
    for (const bad of ['', '{', '[]', '7', 'null', '["a"]']) {
        assert.deepEqual([...toDesk(bad)].length, 0, bad);
    }
});

test('a status is checked field by field', () => {
    const good = toDoorStatus({ state: 'offline', pending: 5, quiet: 2, seq: 9, revision: 3, not_kept: ['node_modules', 7], message: '', more: 1 });
    assert.deepEqual(good, {
        state: 'offline', pending: 5, quiet: 2, seq: 9, revision: 3, heldBack: 0, restoring: undefined, notKept: ['node_modules'],
        notKeptAt: 0, failed: [], failedCount: 0, message: undefined, notice: undefined, notices: [], moreNotices: 0
    });
    assert.deepEqual(toDoorStatus({ state: 'restoring', restoring: { done: 1, total: 'x' } }).restoring, { done: 1, total: 0 });
    assert.equal(toDoorStatus({ state: 'persisted', pending: -1 }).pending, 0);
    assert.equal(toDoorStatus({ state: 'conflict', held_back: 1200 }).heldBack, 1200);
    assert.equal(toDoorStatus({ state: 'persisted', not_kept: Array(5000).fill('x') }).notKept.length, 1000);
    const list = [{ path: '/workspace/a', why: 'ignored' }, { path: '', why: 'ignored' }, { path: '/x', why: 'odd' }, 7, undefined];
    assert.deepEqual(toAllNotKept({ not_kept: list }), [{ path: '/workspace/a', why: 'ignored' }]);
    assert.deepEqual(toDoorStatus({ state: 'persisted', failed: list }).failed, [{ path: '/workspace/a', why: 'ignored' }]);
    assert.deepEqual([undefined, 12, 'x'].map(failed_count => toDoorStatus({ state: 'persisted', failed: list, failed_count }).failedCount), [1, 12, 1]);
    const told = { number: 2, text: 'x', path: '/workspace/x' };
    const two = [{ notice: told }, { notice: { number: 2 }, notices: [told, { number: 3 }, 7] }]; // an older workspace has no list
    assert.deepEqual(two.map(one => toDoorStatus({ state: 'persisted', ...one })).map(({ notice, notices }) => [notice, notices]), [[told, [told]], [undefined, [told]]]);
    for (const bad of [undefined, {}, { not_kept: 1 }, []]) {
        assert.deepEqual(toAllNotKept(bad), []);
    }
    assert.equal(toAllNotKept({ not_kept: Array(20_000).fill({ path: '/a', why: 'special' }) }).length, 10_000);
    for (const bad of [undefined, null, [], 'persisted', {}, { state: 'fine' }, { state: 1 }]) {
        assert.throws(() => toDoorStatus(bad), Error);
    }
    assert.equal(toBarrierSeq({ seq: 4 }), 4);
    for (const bad of [undefined, {}, { seq: '4' }, { seq: 1.5 }]) {
        assert.throws(() => toBarrierSeq(bad), Error);
    }
});

test('messages of the platform are told from all others', () => {
    assert.deepEqual(toPlatformMessage({ type: 'coditect.theme', theme: 'dark', x: 1 }), { type: 'coditect.theme', theme: 'dark' });
    assert.deepEqual(toPlatformMessage({ type: 'coditect.ticket', url: '/t' }), { type: 'coditect.ticket', url: '/t' });
    const person = { type: 'coditect.person', name: 'Ada', email: 'ada@example.com' };
    assert.deepEqual(toPlatformMessage({ ...person, more: 1 }), person);
    assert.equal(toPlatformMessage({ ...person, name: 'x'.repeat(5000) }).name.length, 200);
    assert.equal(toPlatformMessage({ ...person, email: 1 }), undefined);
    assert.deepEqual(toPlatformMessage({ type: 'coditect.shown', shown: false, x: 1 }), { type: 'coditect.shown', shown: false });
    assert.equal(toPlatformMessage({ type: 'coditect.shown', shown: 'no' }), undefined);
    assert.deepEqual(toPlatformMessage({ type: 'coditect.editor', settings: { font_size: 14 }, x: 1 }), { type: 'coditect.editor', settings: { font_size: 14 } });
    for (const settings of [undefined, null, 'font_size', 1]) {
        assert.equal(toPlatformMessage({ type: 'coditect.editor', settings }), undefined);
    }
    for (const other of [undefined, null, 'coditect.theme', {}, { type: 'coditect.theme', theme: 'blue' }, { type: 'coditect.ticket' }]) {
        assert.equal(toPlatformMessage(other), undefined);
    }
});

/** The rows of the platform's settings: one a line, as flow mappings. */
function editorRows() {
    const rows = readFileSync(join(IDE, '../spec/preferences.yaml'), 'utf8').split('\n').filter(line => line.startsWith('- {category: editor,'));
    const member = (row, name) => row.match(new RegExp(`[{ ]${name}: (?:"([^"]*)"|([^,}]*))`))?.slice(1).find(one => one !== undefined);
    return rows.map(row => {
        const standard = member(row, 'default');
        const value = { number: Number, boolean: text => text === 'true' }[member(row, 'type')]?.(standard) ?? standard;
        return { key: member(row, 'key'), value, choices: row.match(/choices: \[([^\]]*)\]/)?.[1].split(',').map(one => one.trim().replaceAll('"', '')) };
    });
}

test('each of the platform’s editor settings is a preference, and its default is what the IDE has', () => {
    const rows = editorRows();
    assert.ok(rows.length >= 9);
    const ours = JSON.parse(readFileSync(join(IDE, 'app/package.json'), 'utf8')).theia.frontend.config.preferences;
    for (const { key, value, choices = [] } of rows) {
        for (const one of [value, ...choices]) {
            assert.notEqual(toPreferences({ [key]: one }).size, 0, `${key}: ${one}`);
        }
        for (const [name, preference] of toPreferences({ [key]: value })) {
            assert.ok(!(name in ours) || ours[name] === preference, `${name}: ${preference}`);
        }
    }
    assert.deepEqual([...toPreferences({ font_size: 20, word_wrap: true, auto_save: 'on_focus_change' })], [
        ['editor.fontSize', 20], ['editor.lineHeight', 27], ['editor.wordWrap', 'on'], ['files.autoSave', 'onFocusChange']
    ]);
    const bad = { font_size: '20', tab_size: 17, insert_spaces: 1, line_numbers: 'toString', font_family: 'x'.repeat(201), unknown: true };
    assert.equal(toPreferences(bad).size, 0);
});

test('somebody who is there is told, and nobody for an IDE that lies behind others', () => {
    const told = [];
    const teller = new ActivityTeller(kind => told.push(kind));
    teller.turn(0, true);
    teller.show(false);
    teller.turn(40_000, true);
    assert.deepEqual(told, ['visible']);
    teller.touch(80_000); // keys are somebody's, wherever it lies
    teller.show(true);
    teller.turn(100_000, true);
    assert.deepEqual(told, ['visible', 'input']);
    teller.turn(120_000, true);
    assert.deepEqual(told, ['visible', 'input', 'visible']);
});

/** Two ends and a link between them that delivers later, and drops everything on the way when it is cut. */
function pair() {
    let link = [];
    const arrived = { a: [], b: [] };
    const end = to => new ReliableStream({
        message: data => link.push(() => {
            ends[to].arrived(data.byteLength);
            arrived[to].push(data[0] + 256 * data[1] + 65536 * data[2]);
        }),
        received: count => link.push(() => ends[to].confirm(count)),
        overflow: () => assert.fail('overflow')
    });
    const ends = { a: end('b'), b: end('a') };
    return {
        ...ends,
        arrived,
        deliver: n => link.splice(0, n).forEach(step => step()),
        cut: () => {
            link = [];
            ends.a.pause();
            ends.b.pause();
        },
        resume: () => {
            ends.b.resume(ends.a.received);
            ends.a.resume(ends.b.received);
        }
    };
}

test('a stream that is cut again and again delivers everything once and in order', () => {
    for (let seed = 1; seed <= 50; seed++) {
        let state = seed;
        const random = n => {
            state = (state * 1103515245 + 12345) % 2147483648;
            return Math.floor((state / 2147483648) * n);
        };
        const it = pair();
        const sent = { a: 0, b: 0 };
        for (let step = 0; step < 3000; step++) {
            const what = random(100);
            if (what < 59) {
                const from = what % 2 ? 'a' : 'b';
                it[from].send(Uint8Array.of(sent[from] & 255, (sent[from] >> 8) & 255, sent[from] >> 16));
                sent[from] += 1;
            } else if (what < 96) {
                it.deliver(random(5));
            } else {
                const twice = what === 96; // asked on the same socket
                twice || it.cut();
                what === 97 || it.resume();
            }
        }
        it.cut();
        it.resume();
        it.deliver(Infinity);
        const upTo = n => Array.from({ length: n }, (_, i) => i);
        assert.deepEqual(it.arrived, { a: upTo(sent.b), b: upTo(sent.a) }, `seed ${seed}`);
    }
});

test('what waits is bounded during a pause, and counts that cannot be are ignored', () => {
    let overflows = 0;
    const sent = [];
    const stream = new ReliableStream({ message: data => sent.push(data), received: () => {}, overflow: () => { overflows += 1; } });
    const megabyte = new Uint8Array(1024 * 1024);
    for (let bytes = 0; bytes < MAX_WAITING_BYTES; bytes += megabyte.length) {
        stream.send(megabyte);
    }
    assert.equal(overflows, 0);
    for (const count of [-1, 9, 1e9, NaN, Infinity, 0.5, '1', undefined]) {
        stream.confirm(count);
    }
    stream.resume(0);
    assert.equal(sent.length, 8);
    stream.pause();
    stream.send(new Uint8Array(1));
    stream.send(new Uint8Array(1));
    assert.equal(overflows, 1);
    stream.resume(0);
    assert.equal(sent.length, 8);
});

test('activity is told at most once in 30 s, and not for a page that nobody sees', () => {
    const told = [];
    let now = 0;
    const teller = new ActivityTeller(kind => told.push(`${now / 1000} ${kind}`));
    const at = (seconds, visible, touched = false) => {
        now = seconds * 1000;
        if (touched) {
            teller.touch(now);
        } else {
            teller.turn(now, visible);
        }
    };
    at(0, false);
    at(1, true);
    at(2, true, true); // too soon; remembered
    at(30, true);
    at(31, true);
    at(32, false); // even when it is hidden by then
    at(70, false);
    at(100, true);
    for (let second = 101; second < 161; second += 1) {
        at(second, true, true);
    }
    assert.deepEqual(told, ['1 visible', '31 input', '100 visible', '130 input', '160 input']);
});

/** Contrast of two colours as WCAG counts it. */
function contrast(one, other) {
    const luminance = color => {
        const [r, g, b] = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16) / 255)
            .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [dim, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dim + 0.05);
}

test('every text can be read on what it stands on, in each theme', () => {
    for (const [name, r] of Object.entries(ROLES)) {
        const wanted = name.startsWith('hc') ? 7 : 4.5;
        const grounds = { page: r.page, panel: r.panel, frame: r.frame, raised: r.raised, hover: r.hover };
        const pairs = [['onAccent', r.onAccent, 'accent', r.accent], ['onAccent', r.onAccent, 'accentHover', r.accentHover]];
        for (const [ground, below] of Object.entries(grounds)) {
            for (const role of ['text', 'soft', 'faint', 'accentText', 'good', 'warn', 'bad']) {
                pairs.push([role, r[role], ground, below]);
            }
        }
        for (const [role, color] of Object.entries(r.code)) {
            pairs.push([`code.${role}`, color, 'page', r.page]);
        }
        r.terminal.forEach((color, i) => pairs.push([`terminal ${i}`, color, 'panel', r.panel]));
        pairs.push(['text', r.text, 'selected', r.selected], ['accentText', r.accentText, 'selected', r.selected]);
        pairs.push(['text', r.text, 'selection', r.selection], ['text', r.text, 'match', r.match]);
        const weak = pairs.map(([what, color, ground, below]) => [`${name}: ${what} on ${ground}`, contrast(color, below)])
            .filter(([, has]) => has < wanted).map(([what, has]) => `${what} has ${has.toFixed(2)}`);
        assert.deepEqual(weak, []);
        assert.ok(contrast(r.focus, r.page) >= 3 && contrast(r.focus, r.frame) >= 3, `${name}: what has the focus is seen`);
        if (name.startsWith('hc')) {
            assert.ok(contrast(r.line, r.page) >= 4.5, `${name}: lines are seen`);
        }
    }
});

test('the IDE has the colours of the platform’s pages', () => {
    const tokens = readFileSync(join(IDE, '../web/src/theme.ts'), 'utf8');
    const token = (group, name) => {
        const [, body] = tokens.match(new RegExp(`\\b${group}: \\{\\s([^}]*)`)) ?? [];
        return body?.match(new RegExp(`\\b${name}: both\\("(#\\w{6})", "(#\\w{6})"\\)`))?.slice(1);
    };
    for (const [role, group, name] of [
        ['panel', 'bg', 'DEFAULT'], ['page', 'bg', 'panel'], ['text', 'fg', 'DEFAULT'], ['soft', 'fg', 'muted'],
        ['line', 'border', 'DEFAULT'], ['accent', 'accent', 'solid'], ['accentText', 'accent', 'fg'], ['focus', 'accent', 'focusRing']
    ]) {
        assert.deepEqual([ROLES.light[role], ROLES.dark[role]], token(group, name), `${role} is ${group}.${name}`);
    }
});

test('a system that asks for more contrast has the twins of our themes; others’ themes stay', () => {
    assert.deepEqual([themeFor('light'), themeFor('dark')], ['coditect-light', 'coditect-dark']);
    assert.deepEqual(['coditect-light', 'coditect-dark', 'coditect-hc-light', 'solarized'].map(inContrast), ['coditect-hc-light', 'coditect-hc-dark', 'coditect-hc-light', 'solarized']);
});

test('what is not kept is found for the path that is named and all below it', () => {
    const paths = new NotKeptPaths([{ path: '/workspace/node_modules', why: 'ignored' }, { path: '/workspace/a/pipe', why: 'special' }]);
    assert.deepEqual(paths.find('/workspace/node_modules'), { why: 'ignored', itself: true });
    assert.deepEqual(paths.find('/workspace/node_modules/x/y.js'), { why: 'ignored', itself: false });
    assert.deepEqual(paths.find('/workspace/a/pipe'), { why: 'special', itself: true });
    for (const path of ['/workspace', '/workspace/a', '/workspace/node_modules2', '/', '']) {
        assert.equal(paths.find(path), undefined, path);
    }
    assert.match(tooltipFor({ why: 'too_large', itself: true }), /^Not kept: it is larger than 64 GiB/);
    assert.match(tooltipFor({ why: 'refused', itself: true }), /^Not kept: the store does not take it/);
    assert.match(tooltipFor({ why: 'ignored', itself: false }), /folder above/);
    assert.match(tooltipFor({ why: 'damaged', itself: true }), /^The latest version could not be restored/);
});

test('news are told once each, and again when they come again', () => {
    const teller = new NewsTeller();
    const take = change => teller.take(status(change)).map(({ kind, text: words }) => `${kind}: ${words}`);
    assert.deepEqual(teller.take({ kind: 'none' }), []);
    assert.deepEqual(take({}), []);
    const notice = { number: 1, text: 'The workspace ran out of memory: node was ended.' };
    assert.deepEqual(take({ notices: [notice] }), [`happened: ${notice.text}`]);
    for (const again of [{ notices: [notice] }, {}, { notices: [notice] }]) assert.deepEqual(take(again), [], 'the same number is the same notice');
    assert.deepEqual(take({ notices: [notice, { ...notice, number: 2 }] }), [`happened: ${notice.text}`]);

    const [both, ...ten] = Array.from({ length: 11 }, (_, i) => ({ number: 3 + i, text: 'both', path: `/workspace/${i}` }));
    assert.deepEqual(teller.take(status({ state: 'offline', message: 'both', notice: both, notices: [both] })), [{ kind: 'both', text: 'both', path: both.path }]);
    assert.equal(take({ notices: [both, ...ten], moreNotices: 2 }).length, 11, 'each of ten, and how many more there were');
    assert.deepEqual(take({ notices: ten, moreNotices: 2 }), []);

    assert.match(take({ state: 'conflict', heldBack: 1200 })[0], /^held-back: 1,200 files are missing/);
    assert.deepEqual(take({ state: 'conflict', heldBack: 900 }), []);
    assert.deepEqual(take({}), []);
    assert.equal(take({ state: 'conflict', heldBack: 2000 }).length, 1);

    const failed = ['a', 'b', 'c', 'd', 'e'].map(name => ({ path: `/workspace/dir/${name}`, why: 'unreadable' }));
    assert.match(take({ failed: [{ path: '/workspace/dir/lost', why: 'damaged' }] })[0], /^failed: lost could not be restored: what the store has of it is damaged/);
    assert.match(take({ failed: failed.slice(0, 1) })[0], /^failed: a could not be stored: its permissions/);
    assert.deepEqual(take({ failed: failed.slice(0, 1) }), []);
    const many = take({ failed });
    assert.equal(many.length, 4, 'three by name, the rest by number');
    assert.match(many[3], /^happened: 1 more could not be stored/);
    assert.deepEqual(take({ failed: failed.slice(1) }), []);
    assert.equal(take({ failed }).length, 1, 'what was stored meanwhile and fails again is news');

    assert.deepEqual(take({ state: 'offline', message: 'Your storage is full.', failed }), ['blocked: Your storage is full.']);
    assert.deepEqual(take({ state: 'offline', message: 'Your storage is full.', failed }), []);
    assert.deepEqual(take({ state: 'offline', failed }), [], 'a store out of reach is the status bar’s alone');
    assert.equal(take({ state: 'offline', message: 'Your storage is full.', failed }).length, 1);
});

test('errors are said in plain words when they are understood, and as they are when not', () => {
    const full = "Failed to save 'notes.md': Unable to write file '/workspace/src/notes.md' (Unknown (FileSystemError): Error: ENOSPC: no space left on device, write)";
    assert.match(inPlainWords(full), /no room left on this workspace’s disk, so notes\.md was not saved/);
    assert.match(inPlainWords("Unable to read file '/workspace/a.md' (Error: '/a.md' is still being restored)"), /^A\.md is still on its way from the store\./);
    assert.match(inPlainWords("EACCES: permission denied, open '/workspace/secret'"), /^The permissions of secret do not allow this/);
    assert.match(inPlainWords("EROFS: read-only file system, mkdir '/usr/x'"), /^X lies where a session cannot write/);
    assert.match(inPlainWords('POST /sync: 503'), /^The workspace did not answer/);
    assert.match(inPlainWords('Pending response rejected since connection got disposed'), /^The workspace did not answer/);
    assert.match(inPlainWords('connect ECONNREFUSED /run/coditect/door.sock'), /^The workspace did not answer/);
    assert.match(inPlainWords('forkpty(3) failed.'), /as many programs as it may/);
    assert.match(inPlainWords('spawn ENOMEM'), /no memory left/);
    for (const other of ['', 'The workspace ran out of memory: node was ended.', 'Git: nothing to commit', 'Do you trust the authors?', 'GET /x was discussed']) {
        assert.equal(inPlainWords(other), undefined, other);
    }
});
