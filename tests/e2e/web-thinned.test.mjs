// A past that grew old, of which fewer moments are kept, by the page: what it shows, and brings back, is what it says.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Client, movableClock, newSession, until } from "../api/harness.mjs";
import { button, disabled, gone, launch, look, texts, unroute, visible } from "./browser.mjs";

const hour = 3600;
const clock = movableClock({ after });
const begin = hour - Math.floor(Date.now() / 1000) % hour; // the next hour
clock.jump(begin);
const world = await launch({ args: ["--rate-factor", "1000", "--store-collect", "1", "--store-pace", "1000000000", "--history-all", "2d", "--jwt-expiry", "1d"], env: clock.env });
const { home, server } = world;
let ada = await server.account("ada");
const { id } = await newSession(ada, "Old");
const base = `/sessions/${id}`;
const write = async (path, text) => (await ada.write(`${base}/files/${path}`, text)).data.version;
const read = async (path) => (await ada.get(`${base}/files/${path}`)).text();

await write("lost.txt", "old");
const first = await write("a.txt", "one\n");
await write("soon-gone.txt", "x");
await ada.delete(`${base}/files/soon-gone.txt`);
await write("went.txt", "long ago");
await write("folder/f.txt", "f\n");
await write("folder/sub/g.txt", "g\n");
const kept = await write("c.txt", "c\n");
clock.jump(begin + 2 * hour);
await write("lost.txt", "of the hour in which it was deleted");
await ada.delete(`${base}/files/lost.txt`);
await write("went.txt", "when it went");
await ada.delete(`${base}/files/went.txt`);
await ada.delete(`${base}/files/folder?recursive=true`);
await write("a.txt", "one\ntwo\n");
const then = await write("a.txt", "one\ntwo\nthree\n");
await write("c.txt", "d\n");
clock.jump(begin + 3 * 24 * hour);
const { email, password } = ada;
ada = Object.assign(new Client(server, (await server.anonymous().post("/auth/login", { email, password })).data.token), { email, password });
await until("two days are kept whole", async () => (await ada.get(`${base}/history/lost.txt`)).data.length === 2);

const page = await (await world.newContext()).newPage();
await world.logIn(page, ada);

test("what was deleted comes back as it was when it was deleted", async () => {
  await page.goto(`${home}${base}/history?show=deleted`);
  await button("Restore lost.txt", page).click();
  await visible(page.getByText("“lost.txt” is back"));
  assert.equal(await read("lost.txt"), "of the hour in which it was deleted");
});

test("of what is gone, a file leads to what was there last, a folder says that its last moment is not kept", async () => {
  const last = page.getByRole("link", { name: "To when it was here last" });
  for (const [address, name] of [["files", "Show it as it was"], ["history", "To when it was here last"]]) {
    await page.goto(`${home}${base}/${address}/went.txt`);
    await page.getByRole("link", { name }).click();
    await visible(page.getByTestId("text").getByText("when it went"));
  }
  await page.goto(`${home}${base}/history/folder`);
  await last.click();
  await visible(page.getByText("The last moment at which it was here is not kept any more."));
  await gone(last);
});

test("what went with a folder above it, and has no moment any more, comes back with that folder", async () => {
  await page.goto(`${home}${base}/history?show=deleted`);
  const find = page.getByLabel("Find by path");
  await find.fill("folder/sub");
  await button("Restore folder/sub", page).click();
  await visible(page.getByText("“sub” does not come back alone"));
  await visible(page.getByText("Restore “folder/”: it comes back with all that was in it."));
  await find.fill("");
  await button("Restore folder", page).click();
  await visible(page.getByText("“folder” is back"));
  assert.equal(await read("folder/sub/g.txt"), "g\n");
});

test("a moment that is gone is not shown as itself", async () => {
  const later = page.getByText("Not every moment of this time is kept any more.");
  const changes = page.getByRole("list", { name: "Changes" }).getByRole("link");
  const entries = page.getByRole("list", { name: "Entries" });
  await page.goto(`${home}${base}/history?at=${first}`);
  await visible(later);
  await visible(page.getByTestId("moment").getByText("Saved c.txt"));
  await visible(entries.getByText("c.txt"));
  await visible(changes.filter({ hasText: "Saved a.txt" }).last().getByText("moment not kept"));
  await look(page, "session-history-thinned");
  await page.setViewportSize({ width: 1400, height: 900 });

  await changes.filter({ hasText: "Saved c.txt" }).last().click();
  await page.waitForURL((url) => url.searchParams.get("at") === String(kept));
  await gone(later);
  const slider = page.getByRole("slider", { name: "Moment" });
  await disabled(button("The change before", page), "the hour is one moment");
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await page.waitForURL((url) => Number(url.searchParams.get("at")) > then);
  await visible(page.getByTestId("moment").getByText("Saved c.txt"));
  await page.keyboard.press("ArrowRight");
  await visible(page.getByTestId("moment").getByText("Restored lost.txt"));
});

test("what changed in a file is told against its version before, whose moment is gone", async () => {
  await page.goto(`${home}${base}/files/a.txt?history&compare=before`);
  const difference = page.getByRole("region", { name: "Difference" });
  await visible(difference);
  await texts(difference.locator("ins"), ["two", "three"]);
  await look(page, "file-thinned");
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.getByRole("list", { name: "Versions" }).getByRole("button").last().click();
  await visible(page.getByText("Nothing of it is kept from before."));
});

test("back to a moment, which is what it says, and that undone", async () => {
  await page.goto(`${home}${base}/history?at=${first}`);
  await button("Restore everything", page).click();
  await look(page, "session-history-thinned-restore");
  await page.setViewportSize({ width: 1400, height: 900 });
  await button("Restore", page.getByRole("dialog")).click();
  await page.getByText("Everything is as it was then").hover();
  assert.deepEqual([await read("a.txt"), await read("c.txt")], ["one\n", "c\n"]);
  await button("Undo", page).click();
  await visible(page.getByText("It is as it was before"));
  assert.deepEqual([await read("a.txt"), await read("c.txt")], ["one\ntwo\nthree\n", "d\n"]);
});

test("a moment that went while the page was open is said so", async () => {
  const all = (url) => url.pathname.endsWith("/changes");
  await page.route(all, async (route) => { // as it was before the past grew old
    const { json } = await ada.get(`${base}/changes?limit=500`);
    return route.fulfill({ json: { ...json, data: json.data.map(({ moment, ...one }) => one) } });
  });
  await page.goto(`${home}${base}/history?at=${first}`);
  await button("Restore everything", page).click();
  await button("Restore", page.getByRole("dialog")).click();
  await visible(page.getByText(/^Everything is as it was somewhat later: that moment is not kept any more/));
  await unroute(page);
});
