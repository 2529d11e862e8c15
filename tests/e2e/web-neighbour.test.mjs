// A page whose access token runs out while somebody behind the same address guesses tokens, so that the address may ask no more
// without a login: the page renews, and nobody sees anything of it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guessTokens, movableClock, newSession } from "../api/harness.mjs";
import { launch, link, visible } from "./browser.mjs";

const clock = movableClock({ after });
const world = await launch({ args: [], env: clock.env });
const ada = await world.server.account("ada");
await newSession(ada, "Project A");
const context = await world.newContext();
const page = await context.newPage();

/** What the server says to each request of the API that the page makes, each behind guesses that have used all up. */
async function heard() {
  const told = [];
  await page.route("**/api/v5/**", async (route) => {
    await guessTokens(world.server);
    await route.continue();
  });
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith("/api/v5/")) told.push([pathname.slice("/api/v5/".length), response.status()]);
  });
  return told;
}

test("by the server's word, and by the page's own clock before it asks", async () => {
  await page.clock.install();
  await world.logIn(page, ada);
  await visible(link("Project A", page));
  const told = await heard();
  const asks = async (name, minutes) => {
    told.length = 0;
    await newSession(await again(), name);
    await page.clock.fastForward(minutes * 60_000); // as a page that slept
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true }))); // somebody comes back to it
    await visible(link(name, page));
    assert.ok(told.every(([, status]) => status < 400 || status === 401), JSON.stringify(told));
    assert.equal(await page.getByRole("alert").count(), 0);
    return told.map(([path, status]) => `${path} ${status}`);
  };
  clock.jump(16 * 60);
  const byWord = await asks("Made later", 5);
  assert.ok(byWord.some((one) => one.endsWith(" 401")) && byWord.includes("auth/refresh 200"), byWord.join());

  clock.jump(32 * 60);
  const byClock = await asks("Made last", 16);
  assert.ok(byClock.includes("auth/refresh 200") && !byClock.some((one) => one.endsWith(" 401")), byClock.join());
});

/** The same person on another device, whose token is new. */
async function again() {
  const { data } = await world.server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
  ada.token = data.token;
  return ada;
}
