// The person's home by the page: its files, their versions, what was deleted; each brought back while nothing runs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { homeOf, program } from "../api/homes.mjs";
import { button, counts, gone, launch, link, look, visible } from "./browser.mjs";

const world = await launch({ program });
const { home, server } = world;
const ada = await server.account("ada");
const mine = homeOf(server, ada);
const page = await (await world.newContext()).newPage();
const entries = page.getByRole("list", { name: "Entries" });
const textOf = async (path) => (await ada.get(`/users/me/home/files/${path}`)).text();

test("an empty home says what will be there", async () => {
  await world.logIn(page, ada);
  await link("Your home", page).click();
  await page.waitForURL(`${home}/home`);
  await visible(page.getByText("Your home is empty"));
  assert.equal(await button("Download all", page).count(), 0);
  assert.equal(await page.getByRole("navigation", { name: "Files" }).count(), 0);
  await look(page, "home-empty");
});

test("a dotfile that was overwritten: its versions, one of them shown, and back", async () => {
  await mine.write(".bashrc", "alias good=yes");
  for (let i = 1; i <= 3; i++) await mine.write(".bashrc", `draft ${i}`);
  await mine.write(".config/tool/rc", "x");
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.goto(`${home}/home`);
  await visible(entries.getByText(".config"));
  await visible(page.getByText("2 items, as stored."));
  await look(page, "home");
  await entries.getByRole("link", { name: ".bashrc" }).click();
  await page.waitForURL(`${home}/home/.bashrc`);
  const text = page.getByTestId("text");
  await visible(text.getByText("draft 3", { exact: true }));
  assert.equal(await page.getByRole("button", { name: /^Actions for/ }).count(), 0, "what is renamed and deleted in a session is a workspace's to do in a home");
  await button("History", page).click();
  const versions = page.getByRole("list", { name: "Versions" }).getByRole("listitem");
  await visible(versions.first().getByText("Saved · current"));
  await counts(versions, 4);
  assert.equal(await button("What changed", page).count(), 0);
  await versions.nth(3).getByRole("button").click();
  await visible(text.getByText("alias good=yes", { exact: true }));
  await look(page, "home-history");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("status").getByRole("button", { name: "Download" }).click()]);
  assert.match(download.suggestedFilename(), /bashrc$/); // a browser may take the dot away
  await button("Restore this version", page).click();
  await visible(page.getByText(/^“\.bashrc” is as it was on /));
  await visible(versions.first().getByText("Restored · current"));
  assert.equal(await textOf(".bashrc"), "alias good=yes");
});

test("a folder of it, and back by the path above", async () => {
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.goto(`${home}/home/.config`);
  await entries.getByRole("link", { name: "tool" }).click();
  await visible(entries.getByText("rc"));
  await page.getByRole("navigation", { name: "Path" }).getByRole("link", { name: "Your home" }).click();
  await page.waitForURL(`${home}/home`);
  await page.goto(`${home}/home/nowhere`);
  await visible(page.getByText("“nowhere” is not here."));
  await link("To all files", page).click();
  await page.waitForURL(`${home}/home`);
});

test("what was deleted is found and brought back", async () => {
  await mine.write(".vimrc", "set number");
  await mine.remove(".vimrc");
  await mine.remove(".config");
  await link("Deleted", page).click();
  const deleted = page.getByRole("list", { name: "Deleted" }).getByRole("listitem");
  await visible(deleted.filter({ hasText: ".vimrc" }));
  await look(page, "home-deleted");
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.getByLabel("Find by path").fill("VIM");
  await gone(deleted.filter({ hasText: ".config" }));
  await button("Restore .vimrc", page).click();
  await visible(page.getByText("“.vimrc” is back"));
  await page.getByLabel("Find by path").fill("");
  await button("Restore .config", page).click();
  await visible(page.getByText("“.config” is back"));
  await visible(page.getByText("Nothing is deleted."));
  assert.deepEqual([await textOf(".vimrc"), await textOf(".config/tool/rc")], ["set number", "x"]);
  await link("Files", page).click();
  await visible(entries.getByText(".vimrc"));
  const [all] = await Promise.all([page.waitForEvent("download"), button("Download all", page).click()]);
  assert.equal(all.suggestedFilename(), "home.tar.gz");
});
