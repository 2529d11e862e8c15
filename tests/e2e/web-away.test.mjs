// The server goes away under the page and comes back: killed as by a power cut and started again on the same data. Nothing that
// was typed is lost, the page says so meanwhile, and goes on by itself. The app's service worker runs here.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { button, gone, launch, link, look, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
await newSession(ada, "Project A");
const context = await world.newContext({ workers: true });
const page = await context.newPage();
const lost = page.getByTestId("lost");
const footer = page.locator("footer");

test("the bar comes, what was typed stays, and goes through once the server is back", async () => {
  await world.logIn(page, ada);
  await visible(link("Project A", page));
  await visible(footer.getByText("Connected"));
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.keyboard.press("n");
  await page.getByLabel("Name", { exact: true }).fill("Typed before the end");
  await server.kill9();
  await button("Create", page.getByRole("dialog")).click();
  await visible(page.getByRole("dialog").getByText("The server cannot be reached."));
  await visible(lost);
  await visible(footer.getByText("Offline"));
  await look(page, "away");
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Typed before the end");
  const said = visible(page.getByText("The server is back")); // for some seconds
  await server.run();
  await gone(lost);
  await said;
  await visible(footer.getByText("Connected"));
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Typed before the end");
  await button("Create", page.getByRole("dialog")).click();
  await page.waitForURL(/\/sessions\/ses-/);
  const { data } = await ada.get("/sessions");
  assert.deepEqual(data.map(({ name }) => name).sort(), ["Project A", "Typed before the end"]); // once
});

test("what changed meanwhile is shown as soon as the server is back, without a reload", async () => {
  await page.goto(`${home}/sessions`);
  await visible(link("Project A", page));
  await page.evaluate(() => { globalThis.mark = "the same page"; });
  await server.kill9();
  await context.setOffline(true); // as a browser notices it
  await visible(lost);
  await context.setOffline(false);
  await server.run();
  await newSession(ada, "Made meanwhile");
  await visible(link("Made meanwhile", page));
  assert.equal(await page.evaluate(() => globalThis.mark), "the same page");
});

test("files on their way when the server ends are sent again at a click", async () => {
  const { data } = await ada.get("/sessions");
  const { id } = data.find(({ name }) => name === "Project A");
  await page.goto(`${home}/sessions/${id}/files`);
  await visible(page.getByText("This folder is empty"));
  await server.kill9();
  await page.getByLabel("Files to upload").setInputFiles({ name: "kept.txt", mimeType: "text/plain", buffer: Buffer.from("kept\n") });
  await visible(page.getByText("1 file could not be uploaded"));
  await look(page, "upload-failed");
  await server.run();
  await gone(lost);
  await button("Try again", page).click();
  await visible(page.getByText("Uploaded 1 file"));
  assert.equal((await ada.get(`/sessions/${id}/files/kept.txt`)).text(), "kept\n");
});

test("a page that is loaded while the server is away is ours, and becomes the one that was wanted", async () => {
  await server.kill9();
  await page.goto(`${home}/settings/security`);
  await visible(page.getByRole("heading", { name: "The server cannot be reached" }));
  assert.equal(page.url(), `${home}/settings/security`);
  await look(page, "offline");
  await server.run();
  await visible(page.getByRole("list", { name: "Devices" }));
  assert.equal(page.url(), `${home}/settings/security`);
});

test("an app that was loaded and finds no server goes on by itself", async () => {
  const other = await world.newContext();
  const fresh = await other.newPage();
  await other.route("**/api/v5/**", (route) => route.abort("connectionrefused"));
  await fresh.goto(`${home}/sessions`);
  await visible(fresh.getByTestId("unreachable"));
  await look(fresh, "unreachable");
  await other.unroute("**/api/v5/**");
  await fresh.waitForURL(/\/login$/);
  await other.close();
});

test("the worker keeps nothing but the page that stands in", async () => {
  const kept = await page.evaluate(async () => {
    const names = await caches.keys();
    const all = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)));
    return all.flat().sort();
  });
  assert.deepEqual(kept, ["/icon.svg", "/offline.css", "/offline.html", "/offline.js"]);
  await until("one login only", async () => (await ada.get("/auth/devices")).data.length === 2);
});
