// IDEs on a port of their own, for a browser that stays at localhost: the same way in, below the session's path. Cookies do not
// tell ports apart, so what such a page can do to the platform is tried here again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { call, freePort, newSession, until } from "../api/harness.mjs";
import { makeBundle } from "../api/ide-bundle.mjs";
import { axe, button, launch, visible } from "./browser.mjs";

const idePort = await freePort();
const world = await launch({ args: ["--rate-factor", "1000", "--ide", makeBundle(), "--node", process.execPath, "--ide-listen", `127.0.0.1:${idePort}`] });
const { server } = world;
const home = `http://localhost:${server.port}`;
const ada = await server.account("ada");
const context = await world.newContext();
// As a browser that does not know the name: else the page would move there, where IDEs have origins of their own.
await context.route("http://coditect.localhost:*/**", (route) => route.abort("namenotresolved"));
const page = await context.newPage();
let session, frame;

const ticket = () => page.evaluate(async ([id, token]) => {
  const reply = await fetch("/api/v5/auth/tickets", { method: "POST", headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` }, body: JSON.stringify({ session_id: id }) });
  return (await reply.json()).data.url;
}, [session, ada.token]);

async function platformWorks() {
  const status = await page.evaluate(() => fetch("/api/v5/auth/refresh", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }).then((reply) => reply.status));
  assert.equal(status, 200, "the refresh cookie is there and good");
}

test("a frame enters by a ticket, below the session's path", { timeout: 120_000 }, async () => {
  await page.goto(`${home}/login`);
  await visible(button("Log in", page));
  await axe(page, "login at localhost"); // the only page of ours here: what follows is called from it
  const { email, password } = ada;
  const status = await page.evaluate((body) => fetch("/api/v5/auth/login", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then((reply) => reply.status), { email, password, cookie: true });
  assert.equal(status, 200);
  session = (await newSession(ada)).id;
  await ada.post(`/sessions/${session}/open`);
  await until("it runs", async () => (await ada.get(`/sessions/${session}`)).data.workspace.state === "running", 60_000);
  const base = `http://localhost:${idePort}/ide/${session}/`;
  assert.equal((await ada.get(`/sessions/${session}`, { host: `localhost:${server.port}` })).data.workspace.ide_url, base);
  const attached = page.waitForEvent("frameattached");
  await page.evaluate((url) => {
    const element = document.createElement("iframe");
    element.src = url;
    document.body.append(element);
  }, await ticket());
  frame = await attached;
  await frame.waitForURL(base);
  assert.equal(await frame.evaluate(() => document.body.textContent), "the IDE");
  const cookies = (await context.cookies(base)).filter(({ path }) => path === `/ide/${session}/`);
  const shown = cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]).sort();
  assert.deepEqual(shown, [["__Secure-coditect-ide", true, "Strict"], ["theia-connection-token", true, "Strict"]]);
});

test("requests and sockets below it reach the workspace, with nothing of the platform's", async () => {
  const got = await frame.evaluate(() => fetch("count?x").then((reply) => reply.json()));
  assert.equal(got.url, "/count?x");
  assert.equal(got.headers.cookie, "theia-connection-token=t");
  const hello = await frame.evaluate(() => new Promise((resolve) => {
    const socket = new WebSocket(`ws://${location.host}${location.pathname}socket`);
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = () => resolve("failed");
  }));
  assert.equal(hello, "hello");
  await platformWorks();
});

test("a hostile page there has no effect on the platform", async () => {
  const answers = await frame.evaluate(async (platform) => {
    const results = [];
    for (const path of ["/auth/refresh", "/auth/logout", "/users/me"]) {
      for (const mode of ["cors", "no-cors"]) {
        results.push(await fetch(`${platform}/api/v5${path}`, { method: "POST", mode, credentials: "include", body: "{}" }).then((reply) => reply.type, () => "failed"));
      }
    }
    document.cookie = "__Host-coditect-refresh=shadow; Path=/; Secure";
    document.cookie = "coditect-refresh=shadow; Path=/";
    document.cookie = "__Host-coditect-refresh=shadow; Path=/api/v5/auth; Secure";
    return results;
  }, home);
  assert.ok(answers.every((type) => type === "failed" || type === "opaque"), answers.join());
  await platformWorks();
});

test("nothing else is on that port, and nothing without the cookie", async () => {
  for (const path of ["/", "/api/v5/health", "/ide/", `/ide/ses-${"0".repeat(26)}/`, "/login"]) {
    const reply = await call(idePort, "GET", path, { host: `localhost:${idePort}`, foreign: true });
    assert.equal(reply.status, path.startsWith("/ide/ses-") ? 401 : 404, path);
  }
  assert.equal((await call(idePort, "GET", `/ide/${session}/`, { host: "rebound.example.com", foreign: true })).status, 421);
});
