// trusted_proxies: whom the server believes for whom a request is. A proxy is whoever connects from 127.0.0.2 here; everybody else
// on this machine comes from 127.0.0.1, and can write the same headers.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, test } from "node:test";
import { Client, Server, call, serverForFile } from "./harness.mjs";

const server = await serverForFile({ args: ["--trusted-proxies", "127.0.0.2,2001:db8::/32"] });
const proxy = new Agent({ localAddress: "127.0.0.2" });
const direct = new Agent({ localAddress: "127.0.0.1" });
after(() => [proxy, direct].forEach((agent) => agent.destroy()));

let number = 0;
const password = "correct horse battery";
const person = () => ({ email: `person-${++number}@example.com`, password });

function register(agent, forwarded, options = {}) {
  const headers = forwarded === undefined ? {} : { "X-Forwarded-For": forwarded };
  return call(server.port, "POST", "/api/v5/auth/register", { agent, json: { ...person(), ...options.json }, headers: { ...headers, ...options.headers } });
}

/** What the login noted. */
async function addressOf(reply) {
  assert.equal(reply.status, 201, reply.text());
  const { data } = await new Client(server, reply.data.token).get("/auth/devices", { agent: direct });
  return data[0].address;
}

test("a login notes the client that a trusted proxy names, and never what others claim", async () => {
  assert.equal(await addressOf(await register(proxy, "192.0.2.10")), "192.0.2.10");
  assert.equal(await addressOf(await register(proxy, "2001:DB8:1::1, [2001:db9:0::9]:443, 2001:db8::2")), "2001:db9::9");
  assert.equal(await addressOf(await register(proxy, "10.9.9.9, 192.0.2.11")), "192.0.2.11", "the client wrote the first one");
  assert.equal(await addressOf(await register(proxy, "<script>")), "127.0.0.2");
  assert.equal(await addressOf(await register(proxy, undefined)), "127.0.0.2");
  assert.equal(await addressOf(await register(direct, "192.0.2.12")), "127.0.0.1");
});

test("nobody gets around a limit by making up addresses", async () => {
  const statuses = async (agent, forwarded) => {
    const all = [];
    for (let i = 0; i < 8; i++) all.push((await register(agent, forwarded(i))).status);
    return all.filter((status) => status === 429).length;
  };
  assert.ok((await statuses(direct, (i) => `192.0.2.${100 + i}`)) >= 3, "straight to the server");
  assert.ok((await statuses(proxy, (i) => `192.0.2.${100 + i}, 198.51.100.7`)) >= 3, "through the proxy");
  assert.equal(await statuses(proxy, (i) => `192.0.2.${200 + i}`), 0, "these are really eight clients");
});

test("the scheme of the platform's own pages is the proxy's to say", async () => {
  const Host = `localhost:${server.port}`;
  const refresh = async (agent, scheme, proto) => {
    const registered = await register(proxy, `192.0.2.${50 + number}`, { json: { cookie: true } });
    const Cookie = registered.headers["set-cookie"][0].split(";")[0];
    const headers = { Host, Cookie, Origin: `${scheme}://${Host}`, ...(proto && { "X-Forwarded-Proto": proto }) };
    return (await call(server.port, "POST", "/api/v5/auth/refresh", { agent, headers })).status;
  };
  assert.equal(await refresh(proxy, "https", "https"), 200);
  assert.equal(await refresh(proxy, "http", "https"), 403);
  assert.equal(await refresh(proxy, "https", "http"), 403);
  assert.equal(await refresh(direct, "https", "https"), 403, "said by nobody that is believed");
  assert.equal(await refresh(direct, "http", "https"), 200);
});

test("/doctor tells what of a request arrived", async () => {
  const Host = `localhost:${server.port}`;
  const ask = async (agent, headers) => (await call(server.port, "GET", "/api/v5/doctor", { agent, headers: { Host, ...headers } })).data;
  const { time, ...bare } = await ask(direct, {});
  assert.deepEqual(bare, { host: Host, own_origin: false, secure: false, upgrade: false, address: bare.address });
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
  const handshake = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "Y29kaXRlY3QgZG9jdG9yIQ==" };
  const whole = await ask(proxy, { ...handshake, Origin: `https://${Host}`, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.77" });
  assert.deepEqual({ ...whole, time: undefined }, { host: Host, origin: `https://${Host}`, own_origin: true, secure: true, upgrade: true, address: "192.0.2.77", time: undefined });
  assert.equal((await ask(direct, { ...handshake, Origin: "https://evil.example" })).own_origin, false);
  assert.equal((await ask(direct, { Upgrade: "websocket" })).upgrade, false);
});

test("flags of cookies come from public_url, whatever a header says", async (t) => {
  const plain = await Server.start({ args: ["--public-url", "http://coditect.example.com", "--trusted-proxies", "127.0.0.2"] });
  t.after(() => plain.stop());
  for (const agent of [proxy, direct]) {
    const headers = { "X-Forwarded-Proto": "https" };
    const reply = await call(plain.port, "POST", "/api/v5/auth/register", { agent, headers, host: "coditect.example.com", json: { ...person(), cookie: true } });
    assert.match(reply.headers["set-cookie"][0], /^coditect-refresh=[^;]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
  }
});

test("a server without trusted proxies believes nobody", async (t) => {
  const alone = await Server.start();
  t.after(() => alone.stop());
  const reply = await call(alone.port, "POST", "/api/v5/auth/register", { agent: proxy, json: person(), headers: { "X-Forwarded-For": "192.0.2.1" } });
  const { data } = await new Client(alone, reply.data.token).get("/auth/devices");
  assert.equal(data[0].address, "127.0.0.2");
});
