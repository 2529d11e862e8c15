/* The workspace daemon's door, as the IDE sees it; see src/codi2/door.h. */
import { once } from 'node:events';
import { createServer } from 'node:http';

/** A door that answers what it was last told to. */
export class FakeDoor {
    status = { state: 'persisted', pending: 0, seq: 1, revision: 1, not_kept: [] };
    syncs = 0;
    /** Those of them that leave nothing, quiet or not. */
    wholeSyncs = 0;
    /** What `POST /activity` brought, with the time. */
    activity = [];
    /** What `POST /held-back` brought. */
    choices = [];
    /** What `GET /not-kept` answers: path → why. */
    notKept = {};
    /** What `GET /desk` answers; undefined: there is none. */
    desk;
    /** Path below the workspace → its versions, oldest first: {version, op, text, at}. A restore adds one. homePast: below the home. */
    past = new Map();
    homePast = new Map();
    /** While true, the store is out of reach. */
    away = false;
    restored = [];
    /** Files that `GET /await` was asked for, and what it waits for. */
    awaited = [];
    awaitGate = Promise.resolve();
    /** What `POST /saving` brought: path → hash. */
    savings = new Map();
    savingCode = 204;
    /** What `POST /sync` waits for; then it answers `syncCode`. */
    syncGate = Promise.resolve();
    syncCode = 200;
    /** What each answer to `GET /status` waits for, also one that was asked for before. */
    statusGate = Promise.resolve();
    waiting = new Set();

    constructor(path) {
        this.server = createServer((req, res) => void this.answer(req, res));
        this.path = path;
    }

    async listen() {
        this.server.listen(this.path);
        await once(this.server, 'listening');
        return this;
    }

    say(change) {
        this.status = { ...this.status, ...change, revision: this.status.revision + 1 };
        this.waiting.forEach(wake => wake());
        this.waiting.clear();
    }

    leaveOut(notKept) {
        this.notKept = notKept;
        this.say({ not_kept: Object.keys(notKept), not_kept_at: this.status.revision + 1 });
    }

    async answer(req, res) {
        const url = new URL(req.url, 'http://door');
        const reply = (code, body) => res.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
        if (req.method === 'POST' && url.pathname === '/sync') {
            this.syncs += 1;
            this.wholeSyncs += url.search === '' ? 1 : 0;
            await this.syncGate;
            return reply(this.syncCode, this.syncCode === 200 ? { seq: this.status.seq } : { error: 'not now' });
        }
        if (req.method === 'POST' && url.pathname === '/activity') {
            const { kind } = JSON.parse(Buffer.concat(await req.toArray()).toString('utf8'));
            this.activity.push({ kind, at: Date.now() });
            return res.writeHead(204).end();
        }
        if (url.pathname === '/await') {
            this.awaited.push(url.searchParams.get('path'));
            await this.awaitGate;
            return res.writeHead(204).end();
        }
        if (req.method === 'POST' && url.pathname === '/saving') {
            const { path, hash } = JSON.parse(Buffer.concat(await req.toArray()).toString('utf8'));
            this.savings.set(path, hash);
            return res.writeHead(this.savingCode).end();
        }
        if (url.pathname === '/not-kept') {
            const list = Object.entries(this.notKept).map(([path, why]) => ({ path, why }));
            return reply(200, { at: this.status.not_kept_at ?? 0, not_kept: list, more: false });
        }
        if (req.method === 'POST' && url.pathname === '/held-back') {
            this.choices.push(JSON.parse(Buffer.concat(await req.toArray()).toString('utf8')).choice);
            this.say({ state: 'persisted', held_back: undefined, message: undefined });
            return reply(202, { held_back: 1200 });
        }
        if (/^\/(past|desk)/.test(url.pathname)) {
            return this.away ? reply(502, {}) : this.answerPast(req, url, reply, res);
        }
        const seen = url.searchParams.get('wait');
        if (seen !== null && Number(seen) === this.status.revision) {
            await new Promise(wake => {
                this.waiting.add(wake);
                setTimeout(wake, 3_000).unref();
            });
        }
        await this.statusGate;
        return reply(200, this.status);
    }

    /** As codi2 and the server behind it do: see src/wire/README.md. */
    async answerPast(req, url, reply, res) {
        const body = Buffer.concat(await req.toArray()).toString('utf8');
        const past = url.searchParams.get('root') === 'home' ? this.homePast : this.past;
        const facts = ({ version, op, text, at }) => ({ version, op, kind: 'file', size: text.length, at: at * 1000, author: { kind: 'terminal', id: '' } });
        const path = url.searchParams.get('path');
        switch (`${req.method} ${url.pathname}`) {
            case 'GET /desk':
                return this.desk === undefined ? reply(404, {}) : res.writeHead(200).end(this.desk);
            case 'PUT /desk':
                this.desk = body;
                return res.writeHead(204).end();
            case 'GET /past': {
                const from = Number(url.searchParams.get('cursor') ?? 0);
                const all = (past.get(path) ?? []).toReversed();
                return all.length === 0 ? reply(404, {})
                    : reply(200, { versions: all.slice(from, from + 50).map(facts), next: all.length > from + 50 ? String(from + 50) : '' });
            }
            case 'GET /past/content': {
                const found = (past.get(path) ?? []).find(({ version }) => version === Number(url.searchParams.get('version')));
                return found ? res.writeHead(200).end(found.text) : reply(404, {});
            }
            case 'GET /past/gone':
                return reply(200, { gone: [...past].flatMap(([where, all]) => all.filter(({ op }) => op === 'delete').map(one => ({ ...facts(one), path: where }))), next: 0 });
            case 'POST /past/restore': {
                const { path: where, version } = JSON.parse(body);
                const old = past.get(where).find(one => one.version === version);
                const next = { ...old, version: 1000 + this.restored.length, op: 'restore', at: Date.now() };
                past.get(where).push(next);
                this.restored.push([where, version]);
                this.onRestore?.(where, old.text, old.at, past === this.homePast);
                return reply(200, { version: next.version });
            }
        }
        return reply(404, {});
    }

    close() {
        this.server.closeAllConnections();
        this.server.close();
    }

    async reopen() {
        this.server = createServer((req, res) => void this.answer(req, res));
        await this.listen();
    }
}
