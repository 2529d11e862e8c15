// How the real IDE looks and what it says of a real workspace: themes in step with the platform's page, what is not kept in its
// explorer, a file that cannot be stored, the account's menu, and a page as narrow as a phone.
import assert from "node:assert/strict";
import { Client, until } from "../api/harness.mjs";
import { axe, escape, setTheme, settles, shot, visible } from "./browser.mjs";
import * as ide from "./ide.mjs";

const world = await ide.launchProduct();
const ada = { name: "Ada Lovelace", email: "ada@example.com", password: "a password to test with" };
let page, frame, session, client;
const step = ide.story(() => page);
const errors = [];

const sign = (name) => ide.inExplorer(frame, name).locator(".coditect-not-kept");
const toast = (text) => frame.locator(".theia-notification-toasts .theia-notification-list-item-container", { hasText: text });

async function grounds(color) {
  await frame.waitForFunction((wanted) => getComputedStyle(document.body).getPropertyValue("--theia-editor-background").trim().toLowerCase() === wanted, color);
}

/** What Theia's own tabs, menus and status bar fail at: labels on what has no role, and lists with rows that are none. */
const THEIAS = ["aria-prohibited-attr", "aria-required-children", "listitem"];

/** Its lists to choose from fail at more: a mark of what could be checked, and names that join a row's texts by a comma. */
const LISTS = ["aria-allowed-attr", "label-content-name-mismatch"];

/** What is ours of what a session opens with. */
const PAGE = [".coditect-welcome", ".coditect-persistence"];

/** Patiently: after a change of the theme some colours are the old one's for a moment. */
async function held(name, options) {
  let found;
  await until("", () => axe(frame, name, options).then(() => true, (error) => { found = error; }), 30_000).catch(() => { throw found; });
}

/** Parts of ours against every rule of axe, and the whole IDE against those that Theia itself keeps. */
async function isAccessible(name, parts) {
  for (const within of parts) await held(`${name}: ${within}`, { within });
  await held(name, { without: THEIAS });
}

step("register, open a session", async () => {
  page = await ide.newPage(world);
  page.on("pageerror", (error) => errors.push(error.message));
  await ide.register(page, world.home, ada);
  session = await ide.createSession(page, world.home, "Project A");
  frame = await ide.ready(page, ide.originOf(world, session));
  await ide.says(frame, ide.PERSISTED);
});

step("light, dark, and high contrast when the system asks for it", async () => {
  await setTheme(page, "dark");
  await grounds("#131316");
  await shot(page, "ide-look-dark");
  await isAccessible("dark", PAGE);
  await page.emulateMedia({ colorScheme: "dark", contrast: "more", reducedMotion: "reduce" });
  await grounds("#000000");
  await frame.waitForFunction(() => getComputedStyle(document.querySelector(".coditect-step")).borderTopColor === "rgb(212, 212, 216)");
  await shot(page, "ide-look-high-contrast");
  await isAccessible("high contrast", PAGE);
  await page.emulateMedia({ colorScheme: "dark", contrast: "no-preference", reducedMotion: "reduce" });
  await grounds("#131316");
  await setTheme(page, "light");
  await grounds("#ffffff");
  await isAccessible("light", PAGE);
});

step("the chat, the list of commands and a dialog in every theme, high contrast too", async () => {
  const system = (colorScheme, contrast) => page.emulateMedia({ colorScheme, contrast, reducedMotion: "reduce" });
  await ide.command(page, frame, "Toggle AI Chat");
  await visible(frame.locator(".coditect-chat-welcome", { hasText: "No AI model is set up" }));
  for (const [scheme, contrast, color] of [["light", "more", "#ffffff"], ["dark", "no-preference", "#131316"], ["dark", "more", "#000000"], ["light", "no-preference", "#ffffff"]]) {
    const name = `${scheme}${contrast === "more" ? " in high contrast" : ""}`;
    await system(scheme, contrast);
    await grounds(color);
    await held(`chat, ${name}`, { within: ".coditect-chat-welcome" });
    await held(`beside the chat, ${name}`, { without: THEIAS });
    await shot(page, `ide-look-chat-${name.replaceAll(" ", "-")}`);
    await page.keyboard.press("F1");
    await visible(frame.locator(".quick-input-widget .monaco-list-row").first()); // before anything is typed
    await page.keyboard.type("About");
    await visible(frame.locator(".quick-input-widget .monaco-list-row.focused", { hasText: "About" }));
    await held(`commands, ${name}`, { within: ".quick-input-widget", without: [...THEIAS, ...LISTS] });
    await page.keyboard.press("Enter");
    await visible(frame.locator(".dialogBlock .coditect-about"));
    await held(`about, ${name}`, { within: ".dialogBlock" });
    await shot(page, `ide-look-about-${name.replaceAll(" ", "-")}`);
    await page.keyboard.press("Escape");
    await frame.locator(".dialogBlock").waitFor({ state: "detached" });
  }
  await ide.command(page, frame, "Toggle AI Chat");
  await frame.locator(".coditect-chat-welcome").waitFor({ state: "hidden" });
});

step("what the workspace does not keep is shown in the explorer, with the reason", async () => {
  await ide.showTerminal(page, frame);
  await ide.enter(page, frame, "mkdir node_modules && touch node_modules/x kept.txt && mkfifo pipe && echo 1 > shut.txt && chmod 0 shut.txt");
  await visible(ide.inExplorer(frame, "kept.txt"));
  for (const name of ["node_modules", "pipe", "shut.txt"]) await sign(name).waitFor();
  assert.equal(await sign("kept.txt").count(), 0);
  assert.match(await ide.inExplorer(frame, "node_modules").locator(".theia-TreeNodeTail").getAttribute("title"), /^Not kept: it can be made again/);
  await ide.command(page, frame, "Show What Is Persisted");
  await visible(frame.locator(".quick-input-widget .monaco-list-row", { hasText: "node_modules" }));
  await shot(page, "ide-look-persistence");
  await held("what is persisted", { within: ".quick-input-widget", without: [...THEIAS, ...LISTS] });
  await page.keyboard.press("Escape");
});

step("a file that cannot be stored is told, and holds nothing up", async () => {
  await toast("shut.txt could not be stored: its permissions").waitFor();
  await ide.says(frame, "1 file not stored");
  await shot(page, "ide-look-not-kept");
  await isAccessible("not kept", [".theia-TreeNode:has(.coditect-not-kept)", ".theia-notification-toasts", ".coditect-persistence"]);
  await ide.enter(page, frame, "chmod 600 shut.txt");
  await ide.says(frame, ide.PERSISTED);
  await sign("shut.txt").waitFor({ state: "detached" });
  await sign("node_modules").waitFor();
});

step("a save in the editor is the person's, what the terminal writes is not", async () => {
  const login = await world.server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
  client = new Client(world.server, login.data.token);
  await ide.newFile(frame, "mine.txt");
  await ide.says(frame, ide.PERSISTED); // the empty file
  await ide.noteWords(frame);
  await page.keyboard.type("mine\n");
  await page.keyboard.press("Control+s");
  await ide.isSaved(frame);
  await ide.isStored(client, session, "mine.txt", "mine\n");
  await ide.command(page, frame, "Show Versions of the File");
  await visible(frame.locator(".theia-timeline .timeline-item", { hasText: "5 B · by you" }));
  await ide.enter(page, frame, "echo theirs >> mine.txt");
  await visible(frame.locator(".theia-timeline .timeline-item", { hasText: "12 B · in workspace" }));
  const { data } = await client.get(`/sessions/${session}/history/mine.txt`);
  assert.deepEqual([12, 5].map((size) => data.find((one) => one.size === size).author.kind), ["terminal", "user"]);
});

step("what a file was: compared, brought back, undone", async () => {
  const version = frame.locator(".theia-timeline .timeline-item", { hasText: /4 B/ });
  for (const word of ["one", "two"]) {
    await ide.enter(page, frame, `echo ${word} > past.txt`);
    await ide.isStored(client, session, "past.txt", `${word}\n`);
  }
  await ide.openFile(frame, "past.txt");
  await ide.command(page, frame, "Show Versions of the File");
  await version.nth(1).click();
  await visible(frame.locator(".monaco-diff-editor .original .view-line", { hasText: "one" }));
  await visible(frame.locator(".monaco-diff-editor .modified .view-line", { hasText: "two" }));
  for (const [theme, color] of [["dark", "#131316"], ["light", "#ffffff"]]) {
    await setTheme(page, theme);
    await grounds(color);
    await shot(page, `ide-look-past-${theme}`);
    await held(`past ${theme}`, { within: ".theia-timeline" });
  }
  await frame.locator(".lm-TabBar-toolbar .codicon-discard >> visible=true").click();
  await ide.isStored(client, session, "past.txt", "one\n");
  await visible(frame.locator(".theia-timeline .timeline-item", { hasText: "Restored by you" }));
  await toast("past.txt is as it was").locator("button", { hasText: "Undo" }).click();
  await ide.isStored(client, session, "past.txt", "two\n");
});

step("the account's menu", async () => {
  await frame.locator(".theia-sidebar-menu .codicon-account").click();
  const labels = () => frame.locator(".lm-Menu-item[data-type=command] .lm-Menu-itemLabel").allInnerTexts();
  await settles(async () => (await labels()).slice(1).map((text) => text.trim()), ["Account and Settings", "Switch Session…", "All Sessions", "History of This Session", "Pause This Session…", "Log Out…"]);
  await shot(page, "ide-look-account");
  await held("account", { within: ".lm-Menu", without: THEIAS });
  await frame.locator(".lm-Menu-item", { hasText: "History of This Session" }).click();
  await page.waitForURL(`${world.home}/sessions/${session}/history`);
  await visible(page.getByRole("link", { name: "past.txt" }).or(page.getByText("past.txt")));
  await page.goBack(); // the IDE has stayed alive
  await visible(frame.locator(".theia-timeline .timeline-item"));
});

step("from the editor to another session by the keyboard, and back", async () => {
  const search = page.getByRole("combobox", { name: "Search sessions, pages and actions" });
  await ide.openFile(frame, "kept.txt");
  for (const open of [() => page.keyboard.press("Control+Alt+k"), () => ide.command(page, frame, "Coditect: Switch Session")]) {
    await frame.locator(".monaco-editor textarea, .monaco-editor .native-edit-context").first().focus();
    await open();
    await search.and(page.locator(":focus")).waitFor();
    await escape(page, search);
    await frame.waitForFunction(() => document.hasFocus()); // the keyboard is the IDE's again
  }
});

step("on a page as narrow as a phone the editor has the room", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await frame.waitForFunction(() => document.querySelector("#theia-main-content-panel").getBoundingClientRect().width > 280);
  await shot(page, "ide-look-390");
  await page.setViewportSize({ width: 1400, height: 900 });
  assert.deepEqual(errors.filter((text) => /tab|undefined|null/i.test(text)), []);
});
