// The versions of a file, by the page: looked at, brought back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession } from "../api/harness.mjs";
import { button, gone, launch, look, visible } from "./browser.mjs";

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

test("nothing refused by the policy", () => assert.deepEqual(world.refused, []));
