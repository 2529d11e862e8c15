// doctor: what a proxy does to a request, each way in which one can be wrong.
import assert from "node:assert/strict";
import { createServer, request as ask } from "node:http";
import { test } from "node:test";
import { serverForFile } from "../api/harness.mjs";
import { Cli, person } from "./cli.mjs";

const server = await serverForFile();
const cli = new Cli(server);

/** A proxy on a port of its own; change(headers) is what it does wrong. Passes on plain requests only. */
async function through(change, run) {
  const proxy = createServer((incoming, response) => {
    const headers = { ...incoming.headers };
    change(headers);
    incoming.pipe(ask({ host: "127.0.0.1", port: server.port, method: incoming.method, path: incoming.url, headers, setHost: false }, (reply) => {
      response.writeHead(reply.statusCode, reply.headers);
      reply.pipe(response);
    }));
  });
  proxy.shouldUpgradeCallback = () => false; // a handshake is a request like others
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    return await run(`http://127.0.0.1:${proxy.address().port}`);
  } finally {
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  }
}

const verdicts = (end) => Object.fromEntries(end.json.map(({ about, verdict }) => [about, verdict]));

test("straight to the server: nothing is wrong", async () => {
  const end = await cli.run(["doctor", cli.url]);
  assert.equal(end.status, 0, end.stderr);
  assert.match(end.stdout, /^weaker +TLS .*\ngood +Host .*\ngood +Origin .*\ngood +Upgrade .*\nweaker +address .*\ngood +clock .*\n$/);
  const ada = await person(server, "ada");
  assert.equal((await ada.run(["doctor", "--json"])).json.length, 6); // the present login's
});

test("each thing that a proxy does wrong is found, with its remedy", async () => {
  for (const [about, remedy, change] of [
    ["Host", /proxy_set_header Host/, (headers) => { headers.host = `localhost:${server.port}`; headers.origin = undefined; delete headers.origin; }],
    ["Upgrade", /proxy_http_version 1\.1/, (headers) => { delete headers.upgrade; headers.connection = "close"; }],
    ["Upgrade", /Connection \$connection_upgrade/, (headers) => { headers.connection = "close"; }],
    ["Origin", /must not take it away/, (headers) => { delete headers.origin; }],
    ["Origin", /must not take it away/, (headers) => { headers.origin = "https://else.example"; }],
  ]) {
    const end = await through(change, (url) => cli.run(["doctor", "--json", url]));
    assert.equal(end.status, 1, end.stderr);
    assert.equal(verdicts(end)[about], "WRONG", end.stdout);
    assert.match(end.json.find((one) => one.about === about).how, remedy);
  }
  const good = await through(() => undefined, (url) => cli.run(["doctor", "--json", url]));
  assert.equal(good.status, 0, good.stdout);
});

test("nobody there, something else there, no address: said", async () => {
  await cli.fails(3, /not logged in/, "doctor");
  await cli.fails(6, /does not answer/, "doctor", "http://127.0.0.1:1");
  await cli.fails(2, /https/, "doctor", "http://example.com");
  const other = createServer((_, response) => response.end("hello"));
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  await cli.fails(1, /does not answer as Coditect/, "doctor", `http://127.0.0.1:${other.address().port}`);
  other.closeAllConnections();
  await new Promise((resolve) => other.close(resolve));
});
