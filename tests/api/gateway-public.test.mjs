// IDEs of a server with a public address, behind a proxy that ends TLS: what browsers are told, and what counts as their own.
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { call, newSession, serverForFile, until } from "./harness.mjs";
import { makeBundle } from "./ide-bundle.mjs";

const platform = "coditect.example.com";
const origin = `https://${platform}`;
const server = await serverForFile({
  args: ["--rate-factor", "100000", "--ide", makeBundle(), "--node", process.execPath, "--public-url", origin, "--ide-url", "https://{session}.ide.example.com"],
});
const ada = await server.account("ada");
const session = (await newSession(ada)).id;
const host = `${session}.ide.example.com`;

function ask(path, headers = {}, method = "GET") {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port: server.port, path, method, headers: { Host: host, ...headers }, agent: false, setHost: false }, (reply) => {
      const pieces = [];
      reply.on("data", (piece) => pieces.push(piece)).on("end", () => resolve({ status: reply.statusCode, headers: reply.headers, text: Buffer.concat(pieces).toString() }));
    });
    request.on("error", reject).end();
  });
}

test("addresses, cookie and policy are the public ones", { timeout: 60_000 }, async () => {
  await ada.post(`/sessions/${session}/open`);
  const show = async (at) => (await ada.get(`/sessions/${session}`, { host: at })).data.workspace;
  await until("it runs", async () => (await show(platform)).state === "running", 60_000);
  assert.equal((await show(platform)).ide_url, `https://${host}/`);
  assert.equal((await show(`coditect.localhost:${server.port}`)).ide_url, `http://${session}.ide.coditect.localhost:${server.port}/`);
  const { data } = await ada.post("/auth/tickets", { session_id: session }, { host: platform });
  const url = new URL(data.url);
  assert.equal(url.origin, `https://${host}`);
  const entered = await ask(`${url.pathname}${url.search}`);
  assert.equal(entered.status, 303, entered.text);
  assert.match(entered.headers["set-cookie"][0], /^__Host-coditect-ide=\S+; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  const Cookie = entered.headers["set-cookie"][0].split(";")[0];
  const page = await ask("/", { Cookie });
  assert.equal(page.status, 200);
  assert.equal(page.headers["content-security-policy"], `frame-ancestors 'self' ${origin}`);
  assert.equal((await ask("/x", { Cookie, Origin: `https://${host}` }, "POST")).status, 200);
  for (const foreign of [`http://${host}`, origin, "https://other.ide.example.com"]) {
    assert.equal((await ask("/x", { Cookie, Origin: foreign }, "POST")).status, 403, foreign);
  }
});

test("nobody's name below the IDEs' is the platform", async () => {
  for (const name of ["other.ide.example.com", "ide.example.com"]) {
    assert.equal((await call(server.port, "GET", "/health", { host: name, foreign: true })).status, 404);
  }
  assert.equal((await call(server.port, "GET", "/health", { host: "example.com" })).status, 421);
  assert.equal((await call(server.port, "GET", "/health", { host: platform })).status, 200);
});
