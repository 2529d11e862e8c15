// How many sockets of an IDE a login may open, at its real value.
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { newSession, serverForFile } from "./harness.mjs";
import { makeBundle } from "./ide-bundle.mjs";

const server = await serverForFile({ args: ["--ide", makeBundle(), "--node", process.execPath] });
const ada = await server.account("ada");
const session = (await newSession(ada)).id;
const platform = `coditect.localhost:${server.port}`;
const host = `${session}.ide.coditect.localhost:${server.port}`;
const handshake = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };

/** The answer's head; a socket that it opens is closed. */
function ask(path, headers) {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port: server.port, path, headers: { Host: host, ...headers }, agent: false, setHost: false });
    const done = (reply, socket) => {
      socket?.destroy();
      reply.resume();
      resolve({ status: reply.statusCode, headers: reply.headers });
    };
    request.on("error", reject).on("upgrade", done).on("response", (reply) => done(reply)).end();
  });
}

async function enter(client) {
  const reply = await client.post("/auth/tickets", { session_id: session }, { host: platform });
  assert.equal(reply.status, 200, reply.text());
  const url = new URL(reply.data.url);
  return (await ask(`${url.pathname}${url.search}`)).headers["set-cookie"][0].split(";")[0];
}

test("a login's sockets end at 300 a minute; its pages and another login go on", { timeout: 180_000 }, async () => {
  assert.equal((await ada.post(`/sessions/${session}/open`)).status, 202);
  while ((await ada.get(`/sessions/${session}`, { host: platform })).data.workspace.state !== "running") await wait(1000);
  const login = await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
  const [Cookie, other] = [await enter(ada), await enter(Object.assign(server.anonymous(), { token: login.data.token }))];
  const replies = [];
  for (let i = 0; i < 3000 && !replies.some(({ status }) => status === 429); i += 10) {
    replies.push(...await Promise.all(Array.from({ length: 10 }, () => ask("/socket", { Cookie, ...handshake }))));
  }
  const refused = replies.find(({ status }) => status === 429);
  const opened = replies.filter(({ status }) => status === 101).length;
  assert.ok(refused && opened >= 300, `${opened} opened`);
  assert.deepEqual([refused.headers["ratelimit-limit"], refused.headers["ratelimit-remaining"]], ["300", "0"]);
  assert.ok(Number(refused.headers["retry-after"]) >= 1 && Number(refused.headers["ratelimit-reset"]) >= 55);
  assert.equal((await ask("/", { Cookie })).status, 200);
  assert.equal((await ask("/socket", { Cookie: other, ...handshake })).status, 101);
});
