/* The built backend without a browser: where it listens, whom it answers, what it gives on, when it ends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { BUNDLE, ask, descendants, eventually, stand } from './harness.mjs';

const PREFIX = '/ide/ses-1/';
const HANDSHAKE = '/socket.io/?EIO=4&transport=polling';
const UPGRADE = {
    Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'MDEyMzQ1Njc4OWFiY2RlZg=='
};
let it;

before(async () => {
    assert.ok(BUNDLE, 'CODITECT_IDE_BUNDLE names the bundle to test');
    it = await stand({ prefix: PREFIX });
});
after(() => it?.close());

const cookieOf = ({ headers }) => (headers['set-cookie'] ?? []).find(line => line.startsWith('theia-connection-token='));

test('without the secret everything but the health check is 401', async () => {
    for (const headers of [{}, { 'X-Coditect-Gateway': 'wrong' }, { 'X-Coditect-Gateway': '' }, { 'X-Coditect-Gateway': `${it.secret}x` }]) {
        for (const path of ['/', '/bundle.js', '/coditect/session', '/coditect/healthz?x', '/coditect/healthz/', HANDSHAKE]) {
            const { code, headers: given } = await ask(it.socket, path, headers);
            assert.equal(code, 401, `${path} with ${JSON.stringify(headers)}`);
            assert.equal(given['set-cookie'], undefined);
        }
        assert.equal((await ask(it.socket, '/socket.io/?EIO=4&transport=websocket', { ...UPGRADE, ...headers })).code, 401);
    }
    const health = await ask(it.socket, '/coditect/healthz');
    assert.deepEqual([health.code, JSON.parse(health.body)], [200, { status: 'ok' }]);
});

test('with the secret pages answer; a socket needs Theia’s cookie too', async () => {
    const through = { 'X-Coditect-Gateway': it.secret };
    const page = await ask(it.socket, '/', through);
    assert.equal(page.code, 200);
    assert.match(page.body, /<title>Coditect AI Agents<\/title>/);
    assert.match(page.body, /bundle\.js\?v=[0-9a-f]{16}"/);
    assert.equal((await ask(it.socket, '/icon.svg', through)).code, 200);
    assert.equal((await ask(it.socket, '/coditect/session', through)).code, 204);
    assert.equal((await ask(it.socket, HANDSHAKE, through)).code, 403);
    const cookie = cookieOf(page).split(';')[0];
    assert.equal((await ask(it.socket, HANDSHAKE, { ...through, Cookie: cookie })).code, 200);
    const upgrade = { ...through, ...UPGRADE, Cookie: cookie };
    assert.equal((await ask(it.socket, '/socket.io/?EIO=4&transport=websocket', upgrade)).code, 101);
    const foreign = { ...through, Cookie: cookie, Host: 'a.localhost', Origin: 'http://b.localhost' };
    assert.equal((await ask(it.socket, HANDSHAKE, foreign)).code, 403);
});

test('Theia’s cookie belongs to the session’s path', async () => {
    const cookie = cookieOf(await ask(it.socket, '/', { 'X-Coditect-Gateway': it.secret }));
    assert.match(cookie, /; Path=\/ide\/ses-1\/;/);
    assert.match(cookie, /HttpOnly/);
    assert.match(cookie, /SameSite=Strict/);
});

test('compressed files are served where there are some', async () => {
    const { headers } = await ask(it.socket, '/bundle.js', { 'X-Coditect-Gateway': it.secret, 'Accept-Encoding': 'gzip' });
    assert.equal(headers['content-encoding'], 'gzip');
    assert.ok(Number(headers['content-length']) < 8e6);
});

test('only this user may open the socket, and children do not inherit the secret', async () => {
    assert.equal(statSync(it.socket).mode & 0o777, 0o600);
    const [child] = await eventually('the backend has a child', () => {
        const children = descendants(it.backend.pid, 'ipc-bootstrap');
        return children.length > 0 && children;
    });
    assert.doesNotMatch(readFileSync(`/proc/${child}/environ`, 'utf8'), /CODITECT_GATEWAY_SECRET/);
});

test('a backend that was killed leaves a socket, and the next one takes its place', async () => {
    const ended = once(it.backend, 'exit');
    it.backend.kill('SIGKILL');
    await ended;
    assert.ok(statSync(it.socket).isSocket());
    await it.restart();
    assert.equal((await ask(it.socket, '/', { 'X-Coditect-Gateway': it.secret })).code, 200);
});

test('a backend whose output nobody reads any more ends, since whoever started it is gone', { timeout: 60_000 }, async () => {
    const ended = once(it.backend, 'exit');
    it.backend.stdout.destroy();
    it.backend.stderr.destroy();
    await ask(it.socket, '/%', { 'X-Coditect-Gateway': it.secret }).catch(() => undefined); // no address, which is written to the log
    await ended;
});
