// A file changed on the page, as on a phone: it saves by itself, byte for byte what a text area does not touch, never over what
// somebody else saved meanwhile unasked, and waits for a server that is away.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { button, gone, launch, look, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const { id } = await newSession(ada, "Project A");
const page = await (await world.newContext()).newPage();
await page.setViewportSize({ width: 390, height: 844 });
await world.logIn(page, ada);

const write = (path, text) => ada.write(`/sessions/${id}/files/${path}`, text);
const stored = async (path) => (await ada.get(`/sessions/${id}/files/${path}`)).body.toString();
const becomes = (path, text) => until(`${path} is stored`, async () => (await stored(path)) === text);
const area = (path) => page.getByLabel(`Text of ${path}`);
const state = (word) => page.getByTestId("edit-state").getByText(word, { exact: true });

async function edit(path) {
  await page.goto(`${home}/sessions/${id}/files/${path}`);
  await button("Edit", page).click();
  await visible(area(path));
}

test("what is typed is saved without a button, and shown as it is", { timeout: 120_000 }, async () => {
  await write("notes.md", "one\n");
  await edit("notes.md");
  assert.equal(await area("notes.md").inputValue(), "one\n");
  await visible(state("Saved"));
  await area("notes.md").press("Control+End");
  await page.keyboard.type("two é");
  await visible(state("Saved"));
  await becomes("notes.md", "one\ntwo é");
  await look(page, "edit");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.keyboard.type("!");
  await button("Done", page).click(); // at once: what is typed goes along
  await becomes("notes.md", "one\ntwo é!");
  await visible(page.getByTestId("text").getByText("two é!"));
  const { data } = await ada.get(`/sessions/${id}/history/notes.md`);
  assert.ok(data.length >= 3 && data.every(({ author }) => author.kind === "api"), JSON.stringify(data));
});

test("line ends and the mark at the beginning stay; what a text area would change is not edited", { timeout: 120_000 }, async () => {
  await write("windows.txt", "\uFEFFa\r\nb\r\n");
  await edit("windows.txt");
  await area("windows.txt").fill("a\nb\nc\n");
  await becomes("windows.txt", "\uFEFFa\r\nb\r\nc\r\n");
  await write("mixed.txt", "a\r\nb\n");
  await page.goto(`${home}/sessions/${id}/files/mixed.txt`);
  await button("Edit", page).click();
  await visible(page.getByText("Not to be edited here"));
  await look(page, "edit-not");
  await page.setViewportSize({ width: 390, height: 844 });
  await button("Back", page).click();
  await visible(page.getByTestId("text"));
});

test("somebody else saved it meanwhile: neither is lost, and the person chooses", { timeout: 120_000 }, async () => {
  for (const [choice, expected] of [["Keep mine", "mine\n"], ["Show theirs", "theirs\n"]]) {
    await write("shared.txt", "first\n");
    await edit("shared.txt");
    await write("shared.txt", "theirs\n");
    await area("shared.txt").fill("mine\n");
    await visible(state("Not saved"));
    await visible(page.getByText("It was changed elsewhere meanwhile."));
    await page.keyboard.type("more");
    await page.waitForTimeout(1500);
    assert.equal(await stored("shared.txt"), "theirs\n", "never unasked");
    await look(page, "edit-conflict");
    await page.setViewportSize({ width: 390, height: 844 });
    await area("shared.txt").fill("mine\n");
    await button(choice, page).click();
    await becomes("shared.txt", expected);
    if (choice === "Keep mine") await visible(state("Saved"));
    else await visible(page.getByTestId("text").getByText("theirs"));
    const hashes = (await ada.get(`/sessions/${id}/history/shared.txt`)).data.map(({ hash }) => hash);
    assert.ok(new Set(hashes).size >= 2);
  }
});

test("while the server is away it is tried again, and nobody leaves unasked", { timeout: 120_000 }, async () => {
  await write("late.txt", "first\n");
  await edit("late.txt");
  await page.route("**/files/late.txt", (route) => (route.request().method() === "PUT" ? route.abort("connectionrefused") : route.continue()));
  await area("late.txt").fill("second\n");
  await visible(state("Not saved"));
  await visible(page.getByText("It is tried again by itself."));
  const asked = page.waitForEvent("dialog");
  const left = page.evaluate(() => location.reload()).catch(() => undefined);
  const dialog = await asked;
  assert.equal(dialog.type(), "beforeunload");
  await dialog.dismiss();
  await left;
  await page.unroute("**/files/late.txt");
  await becomes("late.txt", "second\n");
  await visible(state("Saved"));
  await gone(page.getByRole("alert"));
});

test("a picture, and what is too large to be shown whole, have no such button", { timeout: 120_000 }, async () => {
  await write("picture.png", "no picture");
  await page.goto(`${home}/sessions/${id}/files/picture.png`);
  await visible(button("Download", page));
  assert.equal(await button("Edit", page).count(), 0);
  await write("large.txt", "x".repeat(1024 * 1024 + 1));
  await page.goto(`${home}/sessions/${id}/files/large.txt?edit`);
  await visible(button("Download", page));
  assert.equal(await button("Edit", page).count(), 0);
});
