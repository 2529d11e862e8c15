// Links and names that are no text, in a session's past: no address of the app carries such a name, and a link is no file.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { button, gone, launch, link, look, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const page = await (await world.newContext()).newPage();
const entries = page.getByRole("list", { name: "Entries" });
const row = (name) => entries.getByRole("listitem").filter({ hasText: name });
const changes = page.getByRole("list", { name: "Changes" }).getByRole("link");

async function choose(name, action) {
  await button(`Actions for ${name}`, page).click();
  await page.getByRole("menuitem", { name: action }).click();
}

test("a link is shown as where it led, then and now, and comes back", async () => {
  const { id } = await newSession(ada, "Links");
  const files = `/sessions/${id}/files`;
  const target = (path) => page.getByText(path, { exact: true });
  await ada.write(`${files}/b?type=symlink`, "docs/a.txt");
  await ada.write(`${files}/b?type=symlink`, Buffer.from("docs/\xff\n", "latin1"));
  await ada.write(`${files}/last.txt`, "last\n");
  await world.logIn(page, ada);
  await page.goto(`${home}/sessions/${id}/history`);
  const saved = changes.filter({ hasText: "Saved b" });
  await saved.first().click();
  await visible(target("docs/\\xff\\n"));
  await saved.last().click();
  await visible(target("docs/a.txt"));
  await visible(page.getByText(/^Symbolic link/));
  assert.equal(await page.getByText("was not here").count(), 0);
  await look(page, "session-history-link");
  await button("Restore this link", page).click();
  await visible(page.getByText("“b” is as it was then"));
  const now = await ada.get(`${files}/b`);
  assert.deepEqual([now.text(), now.headers["file-type"]], ["docs/a.txt", "symlink"]);

  await page.getByRole("navigation", { name: "Path" }).getByRole("link", { name: "Links" }).click();
  await entries.getByRole("link", { name: "b", exact: true }).click();
  await visible(target("docs/a.txt"));
  await button("Back to now", page).click();
  await link("Show in Files", page).click();
  await page.waitForURL(`${home}${files}/b`);
  await visible(target("docs/a.txt"));
  await look(page, "file-link");
  await link("History", page.getByTestId("files")).click();
  await visible(link("Show in Files", page));
  await page.goto(`${home}${files}`);
  await entries.getByRole("link", { name: "b", exact: true }).click();
  await visible(target("docs/a.txt"));

  // One that is gone is led to as a file is, and its version, once it is there again, is an older one of the link.
  await ada.delete(`${files}/b`);
  await page.goto(`${home}${files}/b`);
  await link("Show it as it was", page).click();
  await visible(page.getByText("This is what was there last."));
  await visible(page.getByTestId("text").getByText("docs/a.txt"));
  await button("Restore this version", page).click();
  const versions = page.getByRole("list", { name: "Versions" });
  await visible(versions.getByText("Restored · current"));
  await versions.getByText("Restored · current").click();
  await visible(page.getByText(/^Symbolic link/));
});

test("a name that is no text is brought back and downloaded from its row", async () => {
  const { id } = await newSession(ada, "Bytes");
  const files = `/sessions/${id}/files`;
  const read = async (path) => { const reply = await ada.get(`${files}/${path}`); return reply.status === 200 ? reply.text() : reply.status; };
  await ada.write(`${files}/d/b%FEd`, "the first");
  await ada.write(`${files}/d/b%FFd`, "the other");
  await ada.write(`${files}/d/f%FF/x`, "x1");
  await ada.write(`${files}/d/l%FF?type=symlink`, "x");
  await ada.write(`${files}/d/b%FEd`, "changed");
  await ada.write(`${files}/d/f%FF/x`, "x2");
  await ada.delete(`${files}/d/l%FF`);
  await page.goto(`${home}/sessions/${id}/history`);

  await changes.filter({ hasText: "Saved d/l\\xff" }).click();
  await visible(row("l\\xff"));
  assert.equal(await page.getByText("was not here").count(), 0);
  await look(page, "session-history-bytes");
  await choose("l\\xff", "Restore");
  await until("the link is back", async () => await read("d/l%FF") === "x");
  const coming = page.waitForEvent("download");
  await choose("b\\xfed", "Download");
  assert.equal(readFileSync(await (await coming).path(), "utf8"), "the first");
  await choose("b\\xfed", "Restore");
  await until("the file is as it was", async () => await read("d/b%FEd") === "the first");
  assert.equal(await read("d/b%FFd"), "the other");
  await choose("f\\xff", "Restore");
  const dialog = page.getByRole("dialog");
  await visible(dialog.getByText("Restore “f\\xff”?"));
  await button("Restore", dialog).click();
  await page.getByText("“f\\xff” is as it was then: 1 item changed").hover(); // a message under the pointer stays
  assert.equal(await read("d/f%FF/x"), "x1");
  await button("Undo", page).click();
  await until("it is as it was before", async () => await read("d/f%FF/x") === "x2");

  await changes.filter({ hasText: "Saved d/f\\xff/x" }).first().click(); // its folder has no address: the one above shows it
  await visible(row("f\\xff"));
  assert.equal(await page.getByText("was not here").count(), 0);
  await button("Back to now", page).click();
  await gone(button("Back to now", page));
  await choose("b\\xfed", "Show in Files");
  await page.waitForURL(`${home}${files}/d`);
  const present = page.waitForEvent("download");
  await choose("b\\xffd", "Download");
  assert.equal(readFileSync(await (await present).path(), "utf8"), "the other");
});

test("nothing refused by the policy", () => assert.deepEqual(world.refused, []));
