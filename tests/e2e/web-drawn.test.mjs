// What a key or a click costs on a page of many sessions, counted in what no load of the machine changes: how many parts React
// draws, and how many elements the browser styles. `scripts/bench paint` measures the time itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { attribute, button, counts, escape, gone, launch, settles, visible } from "./browser.mjs";

const SESSIONS = 60;

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
for (let i = 1; i <= SESSIONS; i++) await newSession(ada, `Project ${String(i).padStart(2, "0")}`);

/** As React's own tools count: of each commit those parts that ran, in those branches that were gone into. */
function countDrawn() {
  const PERFORMED = 1;
  const isOurs = ({ tag }) => tag === 0 || tag === 11 || tag === 15; // functions, with a ref, memoised
  const count = (now, before) => {
    let sum = isOurs(now) && (now.flags & PERFORMED) !== 0 ? 1 : 0;
    if (before !== null && now.child === before.child) return sum;
    for (let child = now.child; child !== null; child = child.sibling) sum += count(child, before === null ? null : child.alternate);
    return sum;
  };
  globalThis.drawn = 0;
  globalThis.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
    supportsFiber: true,
    inject: () => 1,
    onCommitFiberUnmount: () => undefined,
    onPostCommitFiberRoot: () => undefined,
    onCommitFiberRoot: (id, { current }) => { globalThis.drawn += count(current, current.alternate); },
  };
}

const context = await world.newContext();
const page = await context.newPage();
await page.addInitScript(countDrawn);
await world.logIn(page, ada);
const cards = page.locator("main [data-testid=open-session]");
const field = page.getByRole("combobox", { name: "Search sessions, pages and actions" });

const still = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestIdleCallback(resolve))));

/** How many parts are drawn from there until nothing is left to do. */
async function drawnBy(act) {
  await still();
  const before = await page.evaluate(() => globalThis.drawn);
  await act();
  await still();
  return await page.evaluate(() => globalThis.drawn) - before;
}

/** How many elements are styled from there until nothing is left to do. */
async function styledBy(act) {
  await still();
  await world.browser.startTracing(page, { categories: ["devtools.timeline"] });
  await act();
  await still();
  const { traceEvents } = JSON.parse(await world.browser.stopTracing());
  return traceEvents.filter(({ name }) => name === "UpdateLayoutTree").reduce((sum, { args }) => sum + (args.elementCount ?? 0), 0);
}

async function openList() {
  await page.goto(`${home}/sessions`);
  await visible(cards.nth(SESSIONS - 1));
}

test("the font for code is loaded where there is code, not for the list", async () => {
  await openList();
  const families = await page.evaluate(async () => {
    await document.fonts.ready;
    return [...new Set([...document.fonts].filter(({ status }) => status !== "unloaded").map(({ family }) => family.replaceAll('"', "")))];
  });
  assert.deepEqual(families, ["Inter Variable"]);
});

test("a letter that takes no card away draws none anew, nor an item of the panel", async () => {
  await openList();
  await page.getByLabel("Find a session by name").focus();
  const drawn = await drawnBy(() => page.keyboard.press("p"));
  assert.ok(drawn > 0 && drawn < 5 * SESSIONS, `${drawn} parts`);
  await counts(cards, SESSIONS);
});

test("an arrow in the palette draws the two options that change, a letter no more than its options", async () => {
  await openList();
  await page.keyboard.press("Control+k");
  await visible(field);
  await until("all of them", async () => await page.getByRole("option").count() >= 50);
  const options = await page.getByRole("option").count();
  const arrow = await drawnBy(() => page.keyboard.press("ArrowDown"));
  const letter = await drawnBy(() => page.keyboard.press("p"));
  assert.ok(arrow > 0 && arrow < 2 * options, `${arrow} parts by an arrow`);
  assert.ok(letter > 0 && letter < 6 * options, `${letter} parts by a letter`);
  await escape(page, field);
});

test("a dialog that opens and closes styles itself, not the page behind it", async () => {
  await openList();
  const all = await page.evaluate(() => document.querySelectorAll("#root *").length);
  for (const [key, shown] of [["Control+k", field], ["n", page.getByRole("dialog", { name: "New session" })]]) {
    const styled = await styledBy(async () => {
      await page.keyboard.press(key);
      await visible(shown);
    });
    const closed = await styledBy(() => escape(page, shown));
    // What is in the dialog is styled as it comes, is placed and gets its layer: thrice; the page behind it would be as often, ten times all.
    assert.ok(styled > 0 && styled < 5 * all, `${styled} of ${all} elements by ${key}`);
    assert.ok(closed < all / 2, `${closed} of ${all} elements by Escape after ${key}`);
  }
});

test("the list is drawn with a few parts for each card, its menu once it is opened", async () => {
  await openList();
  await page.goto(`${home}/settings`);
  await visible(button("Save name", page));
  const drawn = await drawnBy(async () => {
    await page.getByRole("navigation", { name: "Sessions", exact: true }).getByRole("link", { name: "All sessions" }).click();
    await visible(cards.nth(SESSIONS - 1));
  });
  assert.ok(drawn < 40 * SESSIONS, `${drawn} parts for ${SESSIONS} cards`);
  // By keyboard, as before it was there: an arrow opens it at its end, Escape gives the focus back.
  await button("Actions for Project 07", page).focus();
  const first = page.getByRole("menuitem", { name: "Open", exact: true });
  for (const [key, at] of [["ArrowDown", "Open"], ["ArrowUp", "Delete"]]) {
    await page.keyboard.press(key);
    await visible(first);
    await page.getByRole("menuitem", { name: at, exact: true }).and(page.locator("[data-highlighted]")).waitFor();
    await escape(page, first);
    await page.waitForFunction(() => document.activeElement.ariaLabel === "Actions for Project 07");
  }
  await button("Actions for Project 07", page).click();
  await visible(first);
  await attribute(button("Actions for Project 07", page), "aria-expanded", "true");
  await button("Actions for Project 07", page).click();
  await gone(first);
});

test("a menu that takes the focus once more while it fades gives it back in the end", async () => {
  await openList();
  const opener = button("Actions for Project 07", page);
  const menu = page.getByRole("menu");
  await opener.press("ArrowDown");
  await visible(menu);
  // As a frame does that comes late on a busy machine: it is for the menu that opens, and finds one that has closed.
  await menu.evaluate((list) => document.getElementById(list.getAttribute("aria-labelledby")).addEventListener("focus", () => list.focus(), { once: true }));
  await escape(page, menu);
  await settles(() => page.evaluate(() => document.activeElement.ariaLabel), "Actions for Project 07", "what has the focus");
});

test("the name of a session leads to it on this page, with a key in another tab", async () => {
  await openList();
  const panel = page.getByRole("navigation", { name: "Sessions", exact: true });
  for (const where of [panel, page.locator("main")]) {
    const other = context.waitForEvent("page");
    await where.getByRole("link", { name: /^Project 03/ }).click({ modifiers: ["ControlOrMeta"] });
    const tab = await other;
    await tab.waitForURL(/\/sessions\/ses-/);
    await tab.close();
    assert.equal(page.url(), `${home}/sessions`);
    await where.getByRole("link", { name: /^Project 03/ }).click();
    await page.waitForURL(/\/sessions\/ses-/);
    await openList();
  }
});
