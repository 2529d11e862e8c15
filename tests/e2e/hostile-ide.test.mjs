// The IDE's page belongs to whatever runs in the workspace. Here it is hostile, in a real browser, in the platform's frame and
// logged in: nothing it does reaches the platform or another session. Both sessions' pages stay open and work all the while.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { COOKIE, makeBundle } from "../api/ide-bundle.mjs";
import { axe, button, launch, visible } from "./browser.mjs";

const world = await launch({ args: ["--rate-factor", "1000", "--ide", makeBundle(), "--node", process.execPath] });
const { home, server } = world;
const ada = await server.account("ada");
const context = await world.newContext();
const page = await context.newPage();
const sessions = {};
const frames = {};

/** In the platform's page: a call of its API, with the token that only the page's own memory has. */
const api = (method, path, body) => page.evaluate(async ({ method: m, path: p, body: b, token }) => {
  const reply = await fetch(`/api/v5${p}`, { method: m, headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` }, body: JSON.stringify(b) });
  return { status: reply.status, ...(await reply.json()) };
}, { method, path, body, token: ada.token });

const originOf = (name) => `http://${sessions[name]}.ide.coditect.localhost:${server.port}`;

/** A frame of the platform's page that enters the session by a ticket. */
async function enter(name) {
  const { data } = await api("POST", "/auth/tickets", { session_id: sessions[name] });
  const attached = page.waitForEvent("frameattached");
  await page.evaluate((url) => {
    const frame = document.createElement("iframe");
    frame.src = url;
    document.body.append(frame);
  }, data.url);
  const frame = await attached;
  await frame.waitForURL(`${originOf(name)}/`);
  assert.equal(await frame.evaluate(() => document.body.textContent), "the IDE");
  frames[name] = frame;
}

const count = (name) => frames[name].evaluate(() => fetch("/count").then((reply) => reply.json()).then((json) => json.count));

/** Still logged in: the page renews its token with nothing but its cookie. */
async function platformWorks() {
  const status = await page.evaluate(() => fetch("/api/v5/auth/refresh", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }).then((reply) => reply.status));
  assert.equal(status, 200, "the refresh cookie is there and good");
}

test("two sessions' pages run in the platform's frame", { timeout: 120_000 }, async () => {
  await page.goto(`${home}/login`);
  await visible(button("Log in", page));
  await axe(page, "login"); // the only page of ours here: what follows is called from it
  const { password, email } = ada;
  const status = await page.evaluate((body) => fetch("/api/v5/auth/login", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then((reply) => reply.status), { email, password, cookie: true });
  assert.equal(status, 200);
  for (const name of ["a", "b"]) {
    sessions[name] = (await newSession(ada, name)).id;
    await ada.post(`/sessions/${sessions[name]}/open`);
  }
  for (const name of ["a", "b"]) {
    await until(`${name} runs`, async () => (await ada.get(`/sessions/${sessions[name]}`)).data.workspace.state === "running", 60_000);
    await enter(name);
  }
  const cookies = await context.cookies(originOf("a"));
  const own = cookies.find(({ name }) => name === COOKIE);
  assert.deepEqual([own.httpOnly, own.secure, own.sameSite, own.domain], [true, true, "Strict", new URL(originOf("a")).hostname]);
  assert.ok(cookies.every(({ name }) => name !== "__Host-coditect-refresh"), "the platform's cookie is not sent here");
  assert.equal(await frames.a.evaluate(() => document.cookie), "", "no script sees a cookie");
  await platformWorks();
});

test("calls to the platform do nothing and say nothing", async () => {
  const answers = await frames.a.evaluate(async (platform) => {
    const results = [];
    for (const path of ["/auth/refresh", "/auth/logout", "/users/me", "/sessions"]) {
      for (const mode of ["cors", "no-cors"]) {
        for (const method of ["GET", "POST"]) {
          const options = { method, mode, credentials: "include", ...(method === "POST" ? { body: "{}" } : {}) };
          results.push(await fetch(`${platform}/api/v5${path}`, options).then((reply) => reply.type, () => "failed"));
        }
      }
    }
    return results;
  }, home);
  assert.ok(answers.every((type) => type === "failed" || type === "opaque"), answers.join());
  await platformWorks();
});

test("a form that logs the person out is refused", async () => {
  const replied = page.waitForResponse((reply) => reply.url().endsWith("/auth/logout"));
  await frames.a.evaluate((platform) => {
    const frame = document.createElement("iframe");
    frame.name = "target";
    document.body.append(frame);
    const form = document.createElement("form");
    Object.assign(form, { method: "POST", action: `${platform}/api/v5/auth/logout`, target: "target", enctype: "text/plain" });
    document.body.append(form);
    form.submit();
  }, home);
  assert.ok((await replied).status() >= 400);
  await platformWorks();
});

test("cookies are not shadowed", async () => {
  await frames.a.evaluate(() => {
    for (const name of ["__Host-coditect-refresh", "coditect-refresh", "__Host-coditect-ide", "coditect-ide"]) {
      for (const rest of ["; Domain=coditect.localhost; Path=/", "; Domain=coditect.localhost; Path=/api/v5/auth; Secure", "; Domain=ide.coditect.localhost; Path=/; Secure", "; Path=/; Secure", ""]) {
        document.cookie = `${name}=shadow${rest}`;
      }
    }
  });
  await platformWorks();
  const before = await count("b");
  assert.equal(await count("b"), before + 1, "the other session's page works");
});

test("headers of the workspace do not reach the browser's other cookies", async () => {
  assert.equal(await frames.b.evaluate(() => fetch("/hostile").then((reply) => reply.status)), 200);
  await platformWorks();
  await count("b");
  const names = (await context.cookies(home)).map(({ name }) => name);
  assert.ok(!names.some((name) => name.endsWith("theia-connection-token")), "no cookie for the parent domain");
});

test("one session's page does nothing in another", async () => {
  const before = await count("a");
  const answers = await frames.b.evaluate(async (other) => {
    const results = [];
    for (const mode of ["cors", "no-cors"]) {
      for (const method of ["GET", "POST"]) {
        results.push(await fetch(`${other}/file-upload`, { method, mode, credentials: "include", ...(method === "POST" ? { body: "x" } : {}) }).then((reply) => reply.type, () => "failed"));
      }
    }
    results.push(await new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve("loaded");
      image.onerror = () => resolve("failed");
      image.src = `${other}/icon.svg`;
    }));
    results.push(await new Promise((resolve) => {
      const socket = new WebSocket(`${other.replace("http", "ws")}/socket`);
      socket.onopen = () => resolve("opened");
      socket.onerror = () => resolve("failed");
    }));
    return results;
  }, originOf("a"));
  assert.ok(answers.every((type) => type === "failed" || type === "opaque"), answers.join());
  assert.equal(await count("a"), before + 1, "none of it came to the other workspace");
});

test("nobody but the platform frames an IDE, and nobody the platform", async () => {
  const texts = await frames.b.evaluate(async (urls) => {
    const results = [];
    for (const url of urls) {
      const frame = document.createElement("iframe");
      const loaded = new Promise((resolve) => {
        frame.onload = resolve;
      });
      frame.src = url;
      document.body.append(frame);
      await loaded;
      try {
        results.push(frame.contentDocument === null ? "other" : "own");
      } catch {
        results.push("other");
      }
    }
    return results;
  }, [`${home}/`, `${originOf("a")}/`]);
  assert.deepEqual(texts, ["other", "other"]);
  await until("what they show is the browser's own error", () => {
    const shown = page.frames().filter((frame) => frame.parentFrame() === frames.b).map((frame) => frame.url());
    return shown.length === 2 && shown.every((url) => url.startsWith("chrome-error:"));
  });
});

test("sockets: one's own, and none of the platform's", async () => {
  const [own, foreign] = await frames.a.evaluate((platform) => {
    const open = (url) => new Promise((resolve) => {
      const socket = new WebSocket(url);
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = () => resolve("failed");
    });
    return Promise.all([open(`ws://${location.host}/socket`), open(`${platform.replace("http", "ws")}/ws/sessions/x/events`)]);
  }, home);
  assert.equal(own, "hello");
  assert.equal(foreign, "failed");
});

test("a page whose cookie ended renews it from inside", async () => {
  await context.clearCookies({ name: COOKIE, domain: new URL(originOf("a")).hostname });
  assert.equal(await frames.a.evaluate(() => fetch("/coditect/session").then((reply) => reply.status)), 401);
  const { data } = await api("POST", "/auth/tickets", { session_id: sessions.a });
  assert.equal(await frames.a.evaluate((url) => fetch(url, { cache: "no-store", credentials: "same-origin" }).then((reply) => reply.status), data.url), 204);
  assert.equal(await frames.a.evaluate(() => fetch("/coditect/session").then((reply) => reply.status)), 200);
  assert.equal(await frames.a.evaluate((url) => fetch(url).then((reply) => reply.status), data.url), 401);
});
