/*
 * What the tests stand on: the built bundle started on a unix socket, a door that says what a test wants, a gateway
 * that adds the secret and can refuse, and a headless Chromium that may talk to this machine only.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FakeDoor } from './fake-door.mjs';

export const IDE = dirname(dirname(fileURLToPath(import.meta.url)));
export const BUNDLE = process.env.CODITECT_IDE_BUNDLE;

/** Where ide/build installed the packages of the lock file: the same arithmetic as there. */
export function modulesDirectory() {
    const sums = ['package-lock.json', 'package.json', '.npmrc']
        .map(name => createHash('sha256').update(readFileSync(join(IDE, name))).digest('hex') + '\n')
        .join('');
    const hash = createHash('sha256').update(sums).digest('hex').slice(0, 16);
    return join(process.env.CODITECT_CACHE || join(homedir(), '.cache/coditect'), 'ide-modules', hash);
}

export const fromModules = createRequire(join(modulesDirectory(), 'package.json'));

/** Waits until `predicate` gives something true, and gives it back. */
export async function eventually(what, predicate, withinMs = 45_000) {
    const end = Date.now() + withinMs;
    for (;;) {
        const value = await predicate();
        if (value) {
            return value;
        }
        if (Date.now() > end) {
            throw new Error(`in ${withinMs} ms it did not happen: ${what}`);
        }
        await new Promise(resolve => setTimeout(resolve, 50));
    }
}

/** Passes everything to the backend's socket, below `prefix`, with the secret; refuses with 401 while `closed`. */
export class FakeGateway {
    closed = false;
    tickets = 0;
    /** The reply to the next request for this is cut in its middle. */
    halve;
    /** One of the next sockets each: it is cut when the page has said so many things on it. */
    cuts = [];
    sockets = new Set();

    constructor({ backend, secret, prefix = '/', platformPage = '' }) {
        Object.assign(this, { backend, secret, prefix, platformPage });
        this.server = createServer((req, res) => this.pass(req, res));
        this.server.on('upgrade', (req, socket, head) => this.upgrade(req, socket, head));
        this.server.on('connection', socket => {
            this.sockets.add(socket);
            socket.on('close', () => this.sockets.delete(socket));
        });
    }

    async listen() {
        this.server.listen(0, '127.0.0.1');
        await once(this.server, 'listening');
        this.port = this.server.address().port;
        return this;
    }

    /** `*.localhost` is this machine, for Chromium: an origin for the platform and one for the session, one site. */
    get ideUrl() {
        return `http://ses-1.ide.coditect.localhost:${this.port}${this.prefix}`;
    }

    get platformOrigin() {
        return `http://coditect.localhost:${this.port}`;
    }

    dropAll() {
        this.sockets.forEach(socket => socket.destroy());
    }

    options(req) {
        return {
            socketPath: this.backend,
            method: req.method,
            path: req.url.slice(this.prefix.length - 1),
            headers: { ...req.headers, 'x-coditect-gateway': this.secret }
        };
    }

    pass(req, res) {
        if (!req.headers.host.startsWith('ses-1.ide.')) { // the platform, or whoever says so
            return res.writeHead(200, { 'Content-Type': 'text/html' }).end(this.platformPage);
        }
        if (req.url === '/ticket') {
            this.tickets += 1;
            this.closed = false;
            return res.writeHead(204).end();
        }
        if (this.closed || !req.url.startsWith(this.prefix)) {
            return res.writeHead(this.closed ? 401 : 404).end();
        }
        const up = request(this.options(req), reply => {
            res.writeHead(reply.statusCode, reply.rawHeaders);
            if (this.halve?.test(req.url)) {
                this.halve = undefined;
                reply.once('data', part => res.write(part, () => res.destroy()));
                return;
            }
            reply.pipe(res);
        });
        up.on('error', () => res.destroy());
        res.on('close', () => up.destroy());
        req.pipe(up);
    }

    upgrade(req, socket, head) {
        if (this.closed || !req.url.startsWith(this.prefix)) {
            return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
        }
        const { path, headers } = this.options(req);
        const up = connect(this.backend);
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
        up.write(`GET ${path} HTTP/1.1\r\n${lines}\r\n`);
        up.write(head);
        up.pipe(socket).pipe(up);
        let left = this.cuts.shift();
        socket.on('data', () => left-- === 1 && socket.destroy());
        up.on('error', () => socket.destroy());
        up.on('close', () => socket.destroy());
        socket.on('error', () => up.destroy());
        socket.on('close', () => up.destroy());
    }

    close() {
        this.server.close();
        this.dropAll();
    }
}

/** What others do to a file while the backend reads and writes it; see disk.cjs. */
export class Disk {
    constructor(directory) {
        this.directory = directory;
        mkdirSync(directory);
    }

    get env() {
        return { CODITECT_TEST_DISK: this.directory, NODE_OPTIONS: `--require ${join(IDE, 'test/disk.cjs')}` };
    }

    /** From now on this is about the file at `path`. */
    watch(path) {
        readdirSync(this.directory).forEach(name => rmSync(join(this.directory, name)));
        writeFileSync(join(this.directory, 'path'), path);
    }

    put(name, text = '') {
        const draft = join(this.directory, 'draft');
        writeFileSync(draft, text);
        utimesSync(draft, 1_700_000_000, 1_700_000_000); // an old file
        renameSync(draft, join(this.directory, name));
    }

    drop(name) {
        rmSync(join(this.directory, name));
    }

    has(name) {
        return existsSync(join(this.directory, name));
    }

    get saves() {
        return this.has('saves') ? readFileSync(join(this.directory, 'saves'), 'utf8').split('\n').length - 1 : 0;
    }
}

/** What the page's start costs is mostly the extensions of languages; a test that is not about them does with these. */
const FEW_PLUGINS = ['vscode.git', 'vscode.json', 'vscode.json-language-features', 'vscode.theme-defaults', 'vscode.typescript-basics'];
export const ALL_PLUGINS = BUNDLE ? readdirSync(join(BUNDLE, 'plugins')) : [];

export function startBackend({ directory, workspace, home, env = {} }) {
    const child = spawn(
        process.execPath,
        ['lib/backend/main.js', workspace, `--plugins=local-dir:${join(directory, 'plugins')}`],
        {
            cwd: join(BUNDLE, 'app'),
            stdio: ['ignore', 'pipe', 'pipe'],
            env: {
                PATH: process.env.PATH, LANG: 'C.UTF-8', TERM: 'xterm-256color', SHELL: '/bin/bash', HOME: home,
                CODITECT_IDE_SOCKET: join(directory, 'ide.sock'),
                ...env
            }
        }
    );
    child.log = '';
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', text => { child.log += text; });
    }
    return child;
}

/** One request to the backend's own socket, past the gateway. */
export function ask(socketPath, path, headers = {}) {
    return new Promise((resolve, reject) => {
        request({ socketPath, path, headers, agent: false }, reply => {
            let body = '';
            reply.setEncoding('utf8').on('data', part => { body += part; });
            reply.on('end', () => resolve({ code: reply.statusCode, headers: reply.headers, body }));
        }).on('error', reject).on('upgrade', (reply, socket) => {
            socket.destroy();
            resolve({ code: reply.statusCode, headers: reply.headers, body: '' });
        }).end();
    });
}

export function healthy(socketPath) {
    return eventually('the backend answers', () => ask(socketPath, '/coditect/healthz').then(r => r.code === 200, () => false), 90_000);
}

/** The whole stand: workspace, door, backend, gateway. `close()` ends and removes all of it. */
export async function stand({ files = {}, prefix = '/', env = {}, platformPage, plugins = FEW_PLUGINS } = {}) {
    // No letters of chance: whether a name that is typed finds a file that was open before goes by the letters of its whole path.
    const directory = join(tmpdir(), `coditect-ide-${randomInt(1e12)}`);
    const workspace = join(directory, 'workspace');
    const home = join(directory, 'home');
    for (const folder of [workspace, home, join(directory, 'plugins')]) mkdirSync(folder, { recursive: true });
    plugins.forEach(name => symlinkSync(join(BUNDLE, 'plugins', name), join(directory, 'plugins', name)));
    for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(workspace, name)), { recursive: true });
        writeFileSync(join(workspace, name), content);
    }
    const secret = randomUUID();
    const socket = join(directory, 'ide.sock');
    const door = await new FakeDoor(join(directory, 'door.sock')).listen();
    const gateway = await new FakeGateway({ backend: socket, secret, prefix, platformPage }).listen();
    const disk = new Disk(join(directory, 'disk'));
    const start = () => startBackend({
        directory, workspace, home,
        env: {
            ...disk.env,
            CODITECT_DOOR: door.path,
            CODITECT_GATEWAY_SECRET: secret,
            CODITECT_BASE_PATH: prefix,
            CODITECT_SESSION_ID: 'ses-1',
            CODITECT_SESSION_NAME: 'Project A',
            CODITECT_PLATFORM_ORIGIN: gateway.platformOrigin,
            ...env
        }
    });
    const it = { directory, workspace, home, secret, socket, door, gateway, disk, backend: start() };
    it.restart = async () => {
        await end(it.backend);
        it.backend = start();
        await healthy(socket);
    };
    it.close = async () => {
        gateway.close();
        door.close();
        await end(it.backend);
        rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    };
    await healthy(socket).catch(late => it.close().then(() => { throw late; })); // else its backend would hold the test's end up
    return it;
}

async function end(child) {
    if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
        await ended;
        clearTimeout(timer);
    }
}

/** Ids of the processes below `pid` whose command line contains `word`. */
export function descendants(pid, word) {
    const parents = new Map();
    for (const id of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
        try {
            const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
            parents.set(Number(id), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
        } catch {
            // it ended meanwhile
        }
    }
    const below = id => [...parents].filter(([, parent]) => parent === id).flatMap(([child]) => [child, ...below(child)]);
    return below(pid).filter(id => {
        try {
            return readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(word);
        } catch {
            return false;
        }
    });
}

export async function launchBrowser(options = {}) {
    const { chromium } = fromModules('playwright-core');
    const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
    const browser = await chromium.launch({
        executablePath,
        headless: true,
        args: [
            '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
            '--disable-component-update', '--disable-sync'
        ]
    });
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
    context.setDefaultTimeout(30_000);
    const requested = new Set();
    context.on('request', request => requested.add(request.url()));
    const foreign = () => [...requested].filter(url => /^(https?|wss?):/.test(url))
        .filter(url => !/(^|\.)localhost$/.test(new URL(url).hostname));
    return { browser, context, foreign, requested };
}

export async function ready(frame) {
    await frame.waitForSelector('#theia-app-shell', { timeout: 60_000 });
    await frame.waitForSelector('.theia-preload', { state: 'detached', timeout: 60_000 });
    await frame.waitForSelector('.coditect-persistence');
}

export const persistenceText = frame => frame.locator('.coditect-persistence').innerText().then(text => text.trim());

export function says(frame, text, withinMs) {
    return eventually(`the status bar says "${text}"`, async () => (await persistenceText(frame)) === text, withinMs).catch(async error => {
        throw new Error(`${error.message}; it says "${await persistenceText(frame)}"`);
    });
}

export async function openFile(page, name) {
    await page.keyboard.press('F1'); // not Control+p: a focused terminal gives that to its shell
    await page.waitForSelector('.quick-input-widget input', { state: 'visible' });
    await page.keyboard.press('Control+a');
    await page.keyboard.type(name);
    await page.locator('.quick-input-widget .monaco-list-row.focused', { hasText: name }).first().waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.lm-TabBar-tab.lm-mod-current', { hasText: name }).first().waitFor();
    await page.locator('.monaco-editor .view-lines >> visible=true').first().waitFor();
}

export async function runCommand(page, label) {
    await page.keyboard.press('F1');
    await page.waitForSelector('.quick-input-widget input', { state: 'visible' });
    await page.keyboard.type(label);
    await page.locator('.quick-input-widget .monaco-list-row.focused', { hasText: label }).first().waitFor();
    await page.keyboard.press('Enter');
}
