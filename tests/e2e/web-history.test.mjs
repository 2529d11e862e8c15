// The versions of a file and the past of a session, by the page: looked at, brought back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { button, gone, launch, link, look, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const page = await (await world.newContext()).newPage();

test("versions are listed, shown and restored", async () => {
  const { id } = await newSession(ada, "Story");
  const file = `/sessions/${id}/files/notes/plan.txt`;
  for (let i = 1; i <= 60; i++) await ada.write(file, `draft ${i}\n`);
  await world.logIn(page, ada);
  await page.goto(`${home}${file}`);
  const text = page.getByTestId("text");
  await visible(text.getByText("draft 60", { exact: true }));
  await button("History", page).click();
  const versions = page.getByRole("list", { name: "Versions" }).getByRole("listitem");
  await visible(versions.first().getByText("Saved · current"));
  assert.equal(await versions.count(), 50);
  await button("Show older versions", page).click();
  await page.waitForFunction(() => document.querySelectorAll("[aria-label=Versions] li").length === 60);
  await gone(button("Show older versions", page));

  await versions.nth(57).getByRole("button").click();
  await visible(text.getByText("draft 3", { exact: true }));
  await visible(page.getByText("It is not the current one."));
  const address = page.url();
  await look(page, "history");
  await button("Restore this version", page).click();
  await visible(versions.first().getByText("Restored · current"));
  await visible(text.getByText("draft 3", { exact: true }));
  await gone(page.getByText("It is not the current one."));
  assert.equal((await ada.get(file)).body.toString(), "draft 3\n");

  await versions.nth(1).getByRole("button").click();
  await visible(text.getByText("draft 60", { exact: true }));
  await page.goto(address); // of an old version: it can be sent to oneself
  await visible(text.getByText("draft 3", { exact: true }));
  await button("Close the history", page).click();
  await gone(page.getByRole("complementary", { name: "History" }));
});

test("the session's past: its changes, the folder at a moment, back from there, and a fork", async () => {
  const { id } = await newSession(ada, "Time");
  const files = `/sessions/${id}/files`;
  await ada.write(`${files}/src/a.txt`, "first\n");
  await ada.write(`${files}/src/a.txt`, "second\n");
  await ada.write(`${files}/gone.txt`, "soon gone\n");
  await ada.delete(`${files}/gone.txt`);
  await page.goto(`${home}${files}`);
  await link("History", page).click();
  await page.waitForURL(`${home}/sessions/${id}/history`);
  const moment = page.getByTestId("moment");
  const entries = page.getByRole("list", { name: "Entries" });
  const changes = page.getByRole("list", { name: "Changes" }).getByRole("link");
  await visible(moment.getByText("Deleted gone.txt"));
  await visible(entries.getByText("src"));
  assert.equal(await entries.getByText("gone.txt").count(), 0);
  await look(page, "session-history");

  const slider = page.getByRole("slider", { name: "Moment" });
  await slider.focus();
  await page.keyboard.press("ArrowLeft");
  await visible(entries.getByText("gone.txt"));
  await visible(moment.getByText("Saved gone.txt"));
  assert.match(await slider.getAttribute("aria-valuetext"), /Saved gone\.txt/);
  assert.ok(await slider.evaluate((input) => input === document.activeElement), "the keyboard stays on the slider");
  await entries.getByRole("link", { name: "gone.txt" }).click();
  await visible(page.getByTestId("text").getByText("soon gone"));
  const address = page.url();
  await look(page, "session-history-file");
  await button("Restore this file", page).click();
  await visible(changes.first().getByText("Restored gone.txt"));
  assert.equal((await ada.get(`${files}/gone.txt`)).text(), "soon gone\n");

  await changes.filter({ hasText: "Saved src/a.txt" }).last().click();
  await visible(page.getByTestId("text").getByText("first"));
  await page.getByRole("navigation", { name: "Path" }).getByRole("link", { name: "Time" }).click();
  await visible(entries.getByText("src"));
  assert.equal(await entries.getByText("gone.txt").count(), 0);
  await button("Fork from here", page).click();
  await button("Fork", page.getByRole("dialog")).click();
  await page.waitForURL((url) => url.pathname.startsWith("/sessions/ses-") && !url.pathname.includes(id));
  const [copy] = /ses-[0-9a-z]{26}/.exec(page.url());
  await until("the copy is whole", async () => (await ada.get(`/sessions/${copy}`)).data.status !== "forking");
  assert.equal((await ada.get(`/sessions/${copy}/files/src/a.txt`)).text(), "first\n");
  assert.equal((await ada.get(`/sessions/${copy}/files/gone.txt`)).status, 404);

  await page.goto(address);
  await visible(page.getByTestId("text").getByText("soon gone"));
  await button("Back to now", page).click();
  await visible(link("Show in Files", page));
  await page.goto(`${home}/sessions/${id}/history/nothing?at=1`);
  await visible(page.getByText("“nothing” was not here"));
});

test("a session without a past says so", async () => {
  const { id } = await newSession(ada, "New");
  await page.goto(`${home}/sessions/${id}/history`);
  await visible(page.getByText("Nothing has changed yet"));
  await look(page, "session-history-empty");
});

test("nothing refused by the policy", () => assert.deepEqual(world.refused, []));
