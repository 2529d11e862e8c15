// A browser and the web app for the tests here: what is built, opened, looked at and held against axe in one way. Whatever a
// file tests, it fails when a page asked a foreign host, broke its security policy or threw.
//
// CODITECT_E2E_SHOTS: a directory for a picture of each page.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { root, Server, until } from "../api/harness.mjs";

const cache = process.env.CODITECT_CACHE ?? join(homedir(), ".cache/coditect");

/** The web app, built. */
export const web = execFileSync(join(root, "web/build"), [join(cache, "web")], { encoding: "utf8" }).trim().split("\n").at(-1);

/** Where web/build installed the packages of the lock file: the same arithmetic as there. */
function fromModules() {
  const names = ["package-lock.json", "package.json", ".npmrc"];
  const sum = (bytes) => createHash("sha256").update(bytes).digest("hex");
  const sums = names.map((name) => `${sum(readFileSync(join(root, "web", name)))}  ${name}\n`).join("");
  return createRequire(join(cache, "web-modules", sum(sums).slice(0, 16), "package.json"));
}

const require = fromModules();
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const shots = process.env.CODITECT_E2E_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

export const visible = (locator) => locator.first().waitFor({ state: "visible" });
export const gone = (locator) => locator.first().waitFor({ state: "hidden" });

/** What is read becomes what is wanted: a page is drawn some time after the server, an address or another part of it says so. */
export async function settles(read, wanted, what = "what is read") {
  let last;
  await until(what, async () => {
    last = [await read()];
    return isDeepStrictEqual(last[0], wanted);
  }).catch((error) => {
    if (last !== undefined) assert.deepEqual(last[0], wanted, what);
    throw error;
  });
}
export const attribute = (locator, name, wanted) => settles(() => locator.getAttribute(name), wanted, `${name} of ${locator}`);
export const value = (locator, wanted, what) => settles(() => locator.inputValue(), wanted, what);
export const counts = (locator, wanted, what = `how many ${locator}`) => settles(() => locator.count(), wanted, what);
export const texts = (locator, wanted) => settles(() => locator.allTextContents(), wanted, `what ${locator} say`);
export const disabled = (locator, what = `${locator} is disabled`) => settles(() => locator.isDisabled(), true, what);

/** Escape, until what is open has heard it: a page under load may show it before it listens. */
export async function escape(page, locator) {
  await until(`Escape closes ${locator}`, async () => {
    await page.keyboard.press("Escape");
    return locator.first().waitFor({ state: "hidden", timeout: 1_000 }).then(() => true, () => false);
  });
}

export const button = (name, where) => where.getByRole("button", { name, exact: true });
export const link = (name, where) => where.getByRole("link", { name, exact: true });

/**
 * Takes all routes of a page away, once nobody is under way in them: what is, Playwright would answer itself, and the answer of
 * the handler would be one too many.
 */
export const unroute = (page) => page.unrouteAll({ behavior: "wait" });

/** A server that serves the web app at its own name, and a browser. */
export async function openWorld({ args = ["--rate-factor", "1000"], port, program, env } = {}) {
  const server = await Server.start({ port, env, ...(program === undefined ? {} : { program }), args: ["--web", web, ...args] });
  try {
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    return new World(server, browser);
  } catch (error) {
    await server.stop(); // nobody else knows of it
    throw error;
  }
}

/** One that ends with the test file. */
export async function launch(options) {
  const world = await openWorld(options);
  after(() => world.end());
  return world;
}

/** In every document of every page, frames too: what its policy refuses is told to the test. */
function tellRefused() {
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile, lineNumber, disposition }) => {
    console.error(`policy violated: ${violatedDirective} ${blockedURI} at ${sourceFile}:${lineNumber} (${disposition}) on ${location.origin}`);
  });
}

/** Nothing that a page of ours did: somebody who may not frame it was refused; and what Theia throws when a tab is closed. */
const others = /frame-ancestors|^Error: INVALID tab/;

class World {
  /** Requests that left for a host that is none of ours, and what a page's security policy refused or a script threw. */
  foreign = [];
  refused = [];
  constructor(server, browser) {
    this.server = server;
    this.browser = browser;
    this.home = `http://coditect.localhost:${server.port}`;
    this.own = /^https?:\/\/(([a-z0-9-]+\.ide\.)?coditect\.)?localhost:\d+$/;
  }

  /** workers: whether the app's service worker runs, which makes its requests invisible to routes of the test. options: the browser's. */
  async newContext({ workers = false, ...options } = {}) {
    const context = await this.browser.newContext({ ...options, viewport: { width: 1400, height: 900 }, reducedMotion: "reduce", acceptDownloads: true, serviceWorkers: workers ? "allow" : "block" });
    context.setDefaultTimeout(30_000); // a loaded machine: what is there costs no wait
    await context.addInitScript(tellRefused);
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && !this.own.test(url.origin)) this.foreign.push(request.url());
    });
    context.on("console", (message) => {
      const text = message.text();
      if (/Content Security Policy|Refused to|^policy violated: /.test(text)) this.refused.push(text);
    });
    context.on("weberror", (error) => this.refused.push(error.error().stack));
    return context;
  }

  async end() {
    // What a route's handler still asks of the server finds none: nobody waits for its answer.
    const routed = this.browser.contexts().flatMap((context) => [context, ...context.pages()]);
    const freed = routed.map((one) => one.unrouteAll({ behavior: "ignoreErrors" }).catch(() => undefined));
    try {
      await this.browser.close();
      await Promise.all(freed);
    } finally {
      await this.server.stop();
    }
    this.isQuiet();
  }

  /** Nothing left for a foreign host, no policy refused anything, no script threw. */
  isQuiet() {
    assert.deepEqual(this.foreign, []);
    assert.deepEqual(this.refused.filter((text) => !others.test(text)), []);
  }

  /** By the cookie that the form gets (which is tested in web-story): a page less to load for each who logs in. */
  async logIn(page, { email, password }) {
    const headers = { "User-Agent": await page.evaluate(() => navigator.userAgent), Host: new URL(this.home).host };
    const reply = await this.server.anonymous().post("/auth/login", { email, password, cookie: true }, { headers });
    assert.equal(reply.status, 200, reply.text());
    const [cookie] = reply.headers["set-cookie"];
    const [, name, value] = /^([^=]+)=([^;]+)/.exec(cookie);
    const secure = /; Secure/.test(cookie);
    const url = secure ? this.home.replace("http:", "https:") : this.home; // as where it may be set
    await page.context().addCookies([{ name, value, url, secure, httpOnly: true, sameSite: "Strict" }]);
    await page.goto(`${this.home}/sessions`);
    await visible(page.getByRole("button", { name: /^Account of / }));
  }
}

export async function setTheme(page, theme) {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await page.waitForFunction((dark) => document.documentElement.classList.contains("dark") === dark, theme === "dark");
}

/** A picture of the page as it is, where pictures are wanted. */
export async function shot(page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
}

/** page: or a frame. within: a selector of the part to look at, without it all. rules: which, without it all but those of `without`. */
export async function axe(page, name, { within = ":root", rules, without = [] } = {}) {
  if (await page.evaluate(() => globalThis.axe === undefined)) await page.evaluate(axeSource);
  const off = Object.fromEntries(without.map((rule) => [rule, { enabled: false }]));
  const shown = await page.evaluate(async ([include, options]) => {
    // The frame is another page's, with a test of its own.
    const { violations } = await globalThis.axe.run({ include: [include], exclude: ["iframe"] }, { resultTypes: ["violations"], iframes: false, ...options });
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    return serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} ${node.any[0]?.message ?? ""}`).join("\n  ")}`);
  }, [within, rules ? { runOnly: rules } : { rules: off }]);
  assert.deepEqual(shown, [], name);
}

/**
 * Both themes, two widths: nothing serious for axe, nothing wider than the page. The colours are held in all four; the tree is
 * the same in both themes, so the rules about it are held once at each width.
 */
export async function look(page, name) {
  for (const [theme, widths] of [["light", [1400, 390]], ["dark", [390, 1400]]]) {
    await setTheme(page, theme);
    for (const width of widths) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      await axe(page, `${name} ${theme} ${width}`, width === widths[0] ? {} : { rules: ["color-contrast"] });
      // What floats takes its new place a moment after the page its new width.
      await settles(() => page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth)), 0, `how much wider ${name} is than a page of ${width}`);
      await shot(page, `${name}-${theme}-${width}`);
    }
  }
  await setTheme(page, "light");
}

/** By the form that the page shows. */
export async function comeIn(page, { email, password }) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await button("Log in", page).click();
  await visible(page.getByRole("button", { name: /^Account of/ }));
}

export async function logOut(page) {
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
}
