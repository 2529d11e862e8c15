// The real IDE, in the platform's frame and before a real workspace, for the tests here: how a person gets there, and what she
// does in it. What Theia calls its things stands here and nowhere else.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { root, until } from "../api/harness.mjs";
import { processesOf } from "../workspaces/inside.mjs";
import { button, launch, shot } from "./browser.mjs";

/** The machine may be busy. */
export const DEADLINE_MS = 60_000;
export const PERSISTED = "All changes persisted";

const cache = process.env.CODITECT_CACHE ?? join(homedir(), ".cache/coditect");

/** The IDE, built. */
const bundle = execFileSync(join(root, "ide/build"), [join(cache, "ide")], { encoding: "utf8" }).trim().split("\n").at(-1);

/** The product as scripts/up starts it, and a browser. */
export const launchProduct = (args = []) => launch({ args: ["--rate-factor", "1000", "--memory", "2000", "--ide", bundle, "--node", process.execPath, ...args] });

export const originOf = (world, session) => `http://${session}.ide.coditect.localhost:${world.server.port}`;

/** A browser's window of its own, as patient as a shared machine needs it. */
export async function newPage(world) {
  const context = await world.newContext();
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  page.on("dialog", (dialog) => dialog.accept()); // "leave the page?"
  return page;
}

/**
 * Tests of one story: each needs the one before, so that after a failure the rest is left out. page(): the one to be looked at
 * then.
 */
export function story(page) {
  let broken;
  return (name, run) => test(name, { timeout: 300_000 }, async (t) => {
    if (broken !== undefined) return t.skip(`“${broken}” failed`);
    broken = name;
    try {
      await run(t);
      broken = undefined;
    } catch (error) {
      await shot(page(), `failed-${name.replaceAll(/\W+/g, "-")}`).catch(() => {});
      throw error;
    }
    return undefined;
  });
}

// ---- The platform's pages ----

export async function register(page, home, { name, email, password }) {
  await page.goto(`${home}/register`);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await button("Create account", page).click();
  await page.waitForURL(`${home}/sessions`);
}

/** By the button and the dialog; the id of the new session, whose page is shown. */
export async function createSession(page, home, name) {
  await page.goto(`${home}/sessions`);
  await button("New session", page).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await button("Create", page.getByRole("dialog")).click();
  await page.waitForURL(/\/sessions\/ses-[0-9a-z]{26}/);
  return /ses-[0-9a-z]{26}/.exec(page.url())[0];
}

/** What the header says of persistence. */
export const headerSays = (page, text) => page.locator(`[data-testid=persistence][aria-label="State: ${text}"]`).waitFor();

// ---- The IDE ----

/** The IDE's frame in the page, once a person can work in it. */
export async function ready(page, origin) {
  await page.locator("[data-testid=ide][data-ready=true]").waitFor();
  const frame = page.frames().find((one) => one.url().startsWith(origin));
  assert.ok(frame, `no frame of ${origin}: ${page.frames().map((one) => one.url()).join()}`);
  await frame.locator("#theia-app-shell").waitFor();
  await frame.locator(".theia-preload").waitFor({ state: "detached" });
  await frame.locator(".coditect-persistence").waitFor();
  return frame;
}

/** What the status bar says. */
const word = (frame) => frame.locator(".coditect-persistence").innerText().then((text) => text.trim());

export async function says(frame, wanted) {
  let last;
  await until("", async () => {
    last = await word(frame);
    return wanted instanceof RegExp ? wanted.test(last) : last === wanted;
  }, DEADLINE_MS).catch(() => assert.fail(`the status bar says “${last}”, not “${wanted}”`));
}

/** Each word that the status bar shows from now on. */
export async function noteWords(frame) {
  await frame.evaluate(() => {
    const item = () => document.querySelector(".coditect-persistence")?.innerText.trim();
    globalThis.words = [item()];
    const bar = document.querySelector("#theia-statusBar");
    new MutationObserver(() => {
      const now = item();
      if (now !== undefined && now !== globalThis.words.at(-1)) globalThis.words.push(now);
    }).observe(bar, { childList: true, subtree: true, characterData: true });
  });
}
export const words = (frame) => frame.evaluate(() => globalThis.words);

/** After a save by the keyboard: that it goes on is said within a frame or two of the page, and then that it is done. */
export async function isSaved(frame) {
  await until("the status bar says that it persists", async () => (await words(frame)).slice(1).some((one) => one.startsWith("Persisting")), DEADLINE_MS);
  await says(frame, PERSISTED);
}

export async function menu(frame, name, item) {
  await frame.locator(".lm-MenuBar-item", { hasText: name }).first().click();
  await frame.locator(".lm-Menu-item", { hasText: item }).first().click();
}

export async function command(page, frame, label) {
  await page.keyboard.press("F1");
  await frame.locator(".quick-input-widget input").waitFor();
  await page.keyboard.type(label);
  await frame.locator(".quick-input-widget .monaco-list-row.focused", { hasText: label }).first().waitFor();
  await page.keyboard.press("Enter");
}

const editorText = (frame) => frame.locator(".monaco-editor .view-lines >> visible=true").first();
export const tab = (frame, name) => frame.locator(".lm-TabBar-tab", { hasText: name }).first();
const currentTab = (frame, name) => frame.locator(".lm-TabBar-tab.lm-mod-current", { hasText: name }).first();
export const inExplorer = (frame, name) => frame.locator(".theia-TreeNode", { hasText: name }).first();

/** By the explorer's button and its dialog; the editor has the keyboard then. */
export async function newFile(frame, name) {
  await frame.locator(".theia-view-container-part-header", { hasText: "workspace" }).locator(".label").hover();
  await frame.getByRole("button", { name: "New File..." }).click();
  await frame.locator(".dialogBlock input").fill(name);
  await frame.locator(".dialogBlock button", { hasText: "OK" }).click();
  await currentTab(frame, name).waitFor();
  await editorText(frame).click();
}

/** By the explorer; the text that is seen. */
export async function openFile(frame, name) {
  await inExplorer(frame, name).dblclick();
  await currentTab(frame, name).waitFor();
  await editorText(frame).waitFor();
}

/** Gives the present editor the keyboard. */
export const enterEditor = (frame) => editorText(frame).click();

/** The text in the present editor; a short one, since only what is seen is there. */
export async function shows(frame, text) {
  let last;
  await until("", async () => {
    const lines = await editorText(frame).locator(".view-line").allInnerTexts();
    last = lines.map((line) => line.replaceAll("\u00a0", " ").replaceAll("\n", "")).join("\n");
    return last === text;
  }, DEADLINE_MS).catch(() => assert.fail(`the editor shows ${JSON.stringify(last)}, not ${JSON.stringify(text)}`));
}

/** The session's terminal; a new session has one. */
export async function showTerminal(page, frame) {
  await command(page, frame, "Terminal: Show Terminal");
  await frame.locator(".xterm-screen >> visible=true").first().waitFor();
}

/** Types into the terminal that is shown. */
export async function enter(page, frame, line) {
  await frame.locator(".xterm-screen >> visible=true").first().click();
  await page.keyboard.type(line);
  await page.keyboard.press("Enter");
}

/** How many processes of the workspace have this word on their command line. */
export function processesNamed(server, session, part) {
  return processesOf(server, session).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(part);
    } catch {
      return false; // it ended meanwhile
    }
  }).length;
}

// ---- The session's files, as the server has them ----

/** The bytes that the server has; undefined while it has none. */
export async function stored(client, session, path) {
  const reply = await client.get(`/sessions/${session}/files/${path}`);
  return reply.status === 200 ? reply.body : undefined;
}

export async function isStored(client, session, path, text) {
  let last;
  await until("", async () => {
    last = (await stored(client, session, path))?.toString();
    return last === text;
  }, DEADLINE_MS).catch(() => assert.fail(`${path} is ${JSON.stringify(last)}, not ${JSON.stringify(text)}`));
}
