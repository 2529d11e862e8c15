// From a key or a click to the next frame that shows what it did, in a browser with the real pages: a list of many sessions, the
// command palette, and the tabs of two sessions whose IDEs are open. Beside them a page with nothing but a field and a button, in
// the same browser: what a frame costs on this machine.
import assert from "node:assert/strict";
import { newSession } from "../tests/api/harness.mjs";
import { inTurn, quantile, ratio, short, spread } from "./measure.mjs";

const SESSIONS = 200;
const ROUNDS = 5;
const SWITCHES = 20;

const bundle = process.env.CODITECT_BENCH_IDE;

/** The browser's own account of what a person waits for: events of one interaction count once, by the longest. To 8 ms. */
function observe() {
  const taken = new Map();
  new PerformanceObserver((list) => {
    for (const { interactionId: id, duration } of list.getEntries()) if (id > 0) taken.set(id, Math.max(duration, taken.get(id) ?? 0));
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
  globalThis.takeInteractions = async (count) => {
    // An entry comes after its frame; one that took less than 16 ms never does.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const all = [...taken.values()];
    taken.clear();
    return [...all, ...Array(Math.max(0, count - all.length)).fill(16)];
  };
}

/** What is done there, one after the other: interact(…) for each; the milliseconds of each. */
async function interactions(page, run) {
  let count = 0;
  const nextFrame = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  const interact = async (act, shown) => {
    count += 1;
    await act();
    await nextFrame(); // a person does not press the next key within the same one, nor looks for a button by its role before it is shown
    await shown?.waitFor();
  };
  await page.evaluate(() => globalThis.takeInteractions(0));
  await run({
    press: (key, shown) => interact(() => page.keyboard.press(key), shown),
    click: (target, shown) => interact(() => target.click(), shown),
    type: async (text) => {
      for (const letter of text) await interact(() => page.keyboard.press(letter));
    },
  });
  return page.evaluate((wanted) => globalThis.takeInteractions(wanted), count);
}

async function onList(page, { press, click, type }) {
  const panel = page.getByRole("navigation", { name: "Sessions", exact: true });
  const cards = page.locator("main [data-testid=open-session]");
  await page.getByLabel("Find a session by name").focus();
  await type("project");
  for (let i = 0; i < "project".length; i++) await press("Backspace");
  await cards.nth(10).waitFor();
  await click(page.getByRole("button", { name: /^Actions for/ }).nth(3), page.getByRole("menuitem", { name: "Rename" }));
  await press("ArrowDown");
  await press("Escape");
  await page.getByRole("menuitem", { name: "Rename" }).waitFor({ state: "hidden" });
  await click(page.locator("main").getByRole("button", { name: "New session" }), page.getByRole("dialog"));
  await press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await click(page.getByRole("button", { name: "Show more" }), cards.nth(70));
  await click(panel.getByRole("link", { name: "Settings" }), page.getByRole("button", { name: "Save name" }));
  await click(panel.getByRole("link", { name: "All sessions" }), cards.first());
}

async function inPalette(page, { press, type }) {
  const field = page.getByRole("combobox", { name: "Search sessions, pages and actions" });
  await press("Control+k", field);
  await type("project 1");
  for (const key of ["ArrowDown", "ArrowDown", "PageDown", "ArrowUp"]) await press(key);
  for (let i = 0; i < 9; i++) await press("Backspace");
  await press("Escape");
  await field.waitFor({ state: "hidden" });
}

const EMPTY = `<!doctype html><title>Nothing</title><label>Field <input></label> <button type="button">Button</button><p></p>
<script>document.querySelector("button").onclick = () => { document.querySelector("p").textContent = performance.now(); };</script>`;

async function onNothing(page, { click, type }) {
  await page.getByLabel("Field").focus();
  await type("project");
  for (let i = 0; i < 5; i++) await click(page.getByRole("button"));
}

/** From the press of a tab to the frame in which the other IDE is to be seen, by real clicks. */
async function switches(page, ids) {
  await page.evaluate(() => {
    const isFirst = globalThis.switched === undefined;
    globalThis.switched = [];
    if (isFirst) addEventListener("pointerdown", ({ timeStamp, target }) => {
      const [id] = /ses-[0-9a-z]+/.exec(target.closest("a")?.href ?? "") ?? [];
      const look = () => {
        if (getComputedStyle(document.querySelector(`[data-session=${id}]`)).visibility !== "visible") return requestAnimationFrame(look);
        return setTimeout(() => globalThis.switched.push(performance.now() - timeStamp)); // behind the frame
      };
      if (id !== undefined) requestAnimationFrame(look);
    }, true);
  });
  const tabs = page.getByRole("navigation", { name: "Open sessions" }).getByRole("link");
  for (let i = 0; i < SWITCHES; i++) {
    await tabs.and(page.locator(`[href*=${ids[i % 2]}]`)).click();
    await page.waitForFunction((count) => globalThis.switched.length === count, i + 1);
  }
  return page.evaluate(() => globalThis.switched);
}

/** A page of the person's in the app, observed. */
async function pageOf(world, person) {
  const page = await (await world.newContext()).newPage();
  await page.addInitScript(observe);
  await world.logIn(page, person);
  return page;
}

async function openIde(page, world, { id }) {
  await page.goto(`${world.home}/sessions/${id}/ide`);
  const open = page.getByTestId("open-session");
  const ready = page.locator(`[data-session=${id}] [data-ready=true]`);
  await open.or(ready).first().waitFor({ timeout: 60_000 });
  if (await open.count() > 0) await open.click();
  await ready.waitFor({ timeout: 120_000 });
  const frame = page.frames().find((one) => one.url().includes(`//${id}.ide.`));
  await frame.locator(".theia-preload").waitFor({ state: "detached", timeout: 120_000 });
  await frame.locator(".coditect-welcome").waitFor({ timeout: 60_000 });
}

function row(what, ours, theirs) {
  const words = (rounds) => `p50 ${spread(rounds.map((values) => quantile(values, 0.5)), " ms")}, p98 ${spread(rounds.map((values) => quantile(values, 0.98)), " ms")}`;
  const longest = short(Math.max(...ours.flat()));
  const all = (rounds) => rounds.map((values) => quantile(values, 0.98));
  return {
    what: `${what}, to the next paint`,
    ours: `${words(ours)}, longest ${longest} ms, of ${ours.flat().length}`,
    yardstick: `a page with a field and a button: ${words(theirs)}`,
    ratio: `${ratio(all(ours), all(theirs))} (p98)`,
  };
}

async function measure(world) {
  const person = await world.server.account("bench");
  const made = [];
  for (let i = 0; i < SESSIONS; i++) made.push(await newSession(person, `Project ${String(i + 1).padStart(3, "0")}`));
  const empty = await (await world.newContext()).newPage();
  await empty.addInitScript(observe);
  await empty.route("**/*", (route) => route.fulfill({ contentType: "text/html", body: EMPTY }));
  await empty.goto(`${world.home}/nothing`);
  const nothing = () => interactions(empty, (acts) => onNothing(empty, acts));

  const page = await pageOf(world, person);
  await page.getByRole("button", { name: "Show more" }).waitFor();
  const rows = [];
  for (const [what, run] of [[`a list of ${SESSIONS} sessions`, onList], [`the command palette over ${SESSIONS} sessions`, inPalette]]) {
    await interactions(page, (acts) => run(page, acts)); // what is compiled at first is compiled then
    const { ours, theirs } = await inTurn(ROUNDS, () => interactions(page, (acts) => run(page, acts)), nothing);
    rows.push(row(what, ours, theirs));
  }
  await page.context().close();

  const beside = await pageOf(world, person);
  const two = made.slice(0, 2);
  await openIde(beside, world, two[0]);
  await beside.getByTestId("session-switcher").click();
  await beside.getByRole("combobox", { name: "Find a session" }).fill(two[1].name);
  await beside.getByRole("option", { name: new RegExp(`^${two[1].name}`) }).first().click();
  await beside.locator(`[data-session=${two[1].id}] [data-ready=true]`).waitFor({ timeout: 120_000 });
  await beside.waitForTimeout(5_000); // what an IDE still does after its start is no part of a switch
  const { ours, theirs } = await inTurn(ROUNDS, () => switches(beside, two.map(({ id }) => id)), nothing);
  rows.push(row("a switch between two open IDEs", ours, theirs));
  return rows;
}

export async function paint() {
  assert.ok(bundle, "the IDE is not built: CODITECT_BENCH_IDE names no directory");
  // Not at the top: it builds the web app, which no other row wants.
  const { openWorld } = await import("../tests/e2e/browser.mjs");
  const world = await openWorld({ args: ["--rate-factor", "100000", "--log-requests", "none", "--ide", bundle, "--node", process.execPath] });
  try {
    return await measure(world);
  } finally {
    await world.end();
  }
}
