// A file changed on the page, as on a phone: it saves by itself, byte for byte what a text area does not touch, never over what
// somebody else saved meanwhile unasked, and waits for a server that is away. What is typed goes only when somebody says so.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { button, comeIn, gone, launch, link, logOut, look, settles, unroute, value, visible } from "./browser.mjs";

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
const narrow = () => page.setViewportSize({ width: 390, height: 844 });
const conflict = page.getByRole("alert").filter({ has: button("Keep mine", page) });
/** What is saved meets this; resolves to what takes it away again. */
async function meet(path, answer) {
  const where = `**/files/${path}`;
  await page.route(where, (route) => (route.request().method() === "PUT" ? answer(route) : route.continue()));
  return () => unroute(page);
}
const refuse = (route) => route.abort("connectionrefused");
const area = (path) => page.getByLabel(`Text of ${path.split("/").at(-1)}`);
const state = (word) => page.getByTestId("edit-state").getByText(word, { exact: true });

async function edit(path) {
  await page.goto(`${home}/sessions/${id}/files/${path}`);
  await button("Edit", page).click();
  await visible(area(path));
}

test("what is typed is saved without a button, and shown as it is", { timeout: 120_000 }, async () => {
  await write("notes.md", "one\n");
  await edit("notes.md");
  await value(area("notes.md"), "one\n");
  await visible(state("Saved"));
  await area("notes.md").press("Control+End");
  await page.keyboard.type("two é");
  await visible(state("Saved"));
  await becomes("notes.md", "one\ntwo é");
  await look(page, "edit");
  await narrow();
  await page.keyboard.type("!");
  await button("Done", page).click(); // at once: what is typed goes along
  await becomes("notes.md", "one\ntwo é!");
  await visible(page.getByTestId("text").getByText("two é!"));
  const { data } = await ada.get(`/sessions/${id}/history/notes.md`);
  assert.ok(data.length >= 3 && data.every(({ author }) => author.kind === "api"), JSON.stringify(data));
});

/** The list of the folder comes only once what is returned is called. */
async function holdList() {
  let free;
  const held = new Promise((resolve) => { free = resolve; });
  const isList = (url) => url.pathname.endsWith(`/sessions/${id}/files`);
  await page.route(isList, async (route) => {
    await held;
    await route.continue().catch(() => undefined); // not wanted any more
  });
  return async () => {
    free();
    await unroute(page);
  };
}

test("editing begins with the file as it stands, also where the list is older than that", { timeout: 120_000 }, async (t) => {
  await write("older.txt", "first\n");
  await edit("older.txt");
  const free = await holdList();
  t.after(free);
  await area("older.txt").fill("mine\n");
  await becomes("older.txt", "mine\n");
  await visible(state("Saved"));
  await button("Done", page).click();
  await visible(page.getByTestId("text").getByText("mine")); // as it was saved, with no list of it yet
  await write("older.txt", "newer\n");
  await button("Edit", page).click();
  await visible(area("older.txt"));
  await value(area("older.txt"), "newer\n");
  await area("older.txt").fill("newest\n");
  await becomes("older.txt", "newest\n");
  await visible(state("Saved"));
  assert.equal(await conflict.count(), 0);
  await button("Done", page).click();
  await write("older.txt", "x".repeat(1024 * 1024 + 1));
  await button("Edit", page).click();
  await visible(page.getByText("Not to be edited here"));
  assert.equal(await area("older.txt").count(), 0);
  await free();
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
  await narrow();
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
    await narrow();
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
  const end = await meet("late.txt", refuse);
  await area("late.txt").fill("second\n");
  await visible(state("Not saved"));
  await visible(page.getByText("It is tried again by itself."));
  const asked = page.waitForEvent("dialog");
  const left = page.evaluate(() => location.reload()).catch(() => undefined);
  const dialog = await asked;
  assert.equal(dialog.type(), "beforeunload");
  await dialog.dismiss();
  await left;
  await end();
  await becomes("late.txt", "second\n");
  await visible(state("Saved"));
  await gone(page.getByRole("alert"));
});

test("the server is away: done, elsewhere in the app and back, the text is there, and saved when the server is", { timeout: 120_000 }, async () => {
  await write("away.txt", "first\n");
  await edit("away.txt");
  await server.kill9();
  await area("away.txt").fill("typed while it was away\n");
  await visible(state("Not saved"));
  await button("Done", page).click();
  await visible(page.getByText("Saving your text…"));
  await look(page, "edit-late");
  await narrow();
  await link("Project A", page.getByRole("navigation", { name: "Path" })).click();
  await link("away.txt", page).click();
  await button("Edit", page).click();
  await visible(area("away.txt"));
  assert.equal(await area("away.txt").inputValue(), "typed while it was away\n");
  await button("Done", page).click();
  await server.run();
  await becomes("away.txt", "typed while it was away\n");
  await gone(page.getByText("Saving your text…"));
  await visible(page.getByTestId("text").getByText("typed while it was away"));
});

test("the answer to a save is lost: nobody else changed it", { timeout: 120_000 }, async () => {
  await write("lost.txt", "first\n");
  await edit("lost.txt");
  let lost = 0;
  const end = await meet("lost.txt", async (route) => {
    if (lost > 0) return route.continue();
    lost += 1;
    await write("lost.txt", route.request().postDataBuffer());
    await area("lost.txt").fill("second\nthird\n"); // there is more by then
    return route.abort("connectionreset");
  });
  await area("lost.txt").fill("second\n");
  await becomes("lost.txt", "second\nthird\n");
  await visible(state("Saved"));
  await end();
  assert.equal(lost, 1);
  assert.equal(await conflict.count(), 0);
  await area("lost.txt").fill("fourth\n");
  await becomes("lost.txt", "fourth\n");
  await visible(state("Saved"));
});

test("left behind, it meets what somebody else saved: a message says so, and the text and the choice are there again", { timeout: 120_000 }, async () => {
  await write("left.txt", "first\n");
  await edit("left.txt");
  const end = await meet("left.txt", refuse);
  await area("left.txt").fill("mine\n");
  await visible(state("Not saved"));
  await button("Done", page).click();
  await write("left.txt", "theirs\n");
  await end();
  await visible(page.getByText("“left.txt” is not saved"));
  await visible(page.getByText("Your text is not saved"));
  await look(page, "edit-left");
  await narrow();
  for (const _ of ["as it was left", "and left again in the conflict"]) {
    await button("Edit", page).click();
    await visible(conflict);
    assert.equal(await area("left.txt").inputValue(), "mine\n");
    await button("Done", page).click();
    await link("Project A", page.getByRole("navigation", { name: "Path" })).click();
    await link("left.txt", page).click();
    await visible(page.getByTestId("text").getByText("theirs"));
  }
  assert.equal(await stored("left.txt"), "theirs\n", "never unasked");
  await button("Edit", page).click();
  await button("Keep mine", page).click();
  await becomes("left.txt", "mine\n");
  await visible(state("Saved"));
  await button("Done", page).click();
  await gone(page.getByText("Your text is not saved"));
});

test("somebody else deleted it meanwhile: what is typed stays, and is saved where it was", { timeout: 120_000 }, async (t) => {
  await write("gone.txt", "first\n");
  await edit("gone.txt");
  const end = await meet("gone.txt", refuse);
  await area("gone.txt").fill("mine\n");
  await visible(state("Not saved"));
  const heard = page.waitForResponse((response) => response.ok() && new URL(response.url()).pathname.endsWith(`/sessions/${id}/files`));
  await ada.delete(`/sessions/${id}/files/gone.txt`);
  await heard;
  await end();
  await visible(conflict);
  assert.equal(await area("gone.txt").inputValue(), "mine\n");
  const free = await holdList();
  t.after(free);
  await area("gone.txt").focus();
  await area("gone.txt").evaluate((element) => { globalThis.kept = element; });
  await button("Keep mine", page).click();
  await becomes("gone.txt", "mine\n");
  await visible(state("Saved"));
  assert.equal(await page.evaluate(() => globalThis.kept.isConnected), true, "the same editor, while no list says that the file is there");
  await free();
  await area("gone.txt").fill("mine, and more\n");
  await becomes("gone.txt", "mine, and more\n");
  assert.equal(await page.evaluate(() => globalThis.kept.isConnected), true);
  await button("Done", page).click();
  await visible(page.getByTestId("text").getByText("mine, and more"));
});

test("a text that is all there is of its file, gone to by the file's address, stays in its editor when it is saved", { timeout: 120_000 }, async () => {
  await write("again.txt", "first\n");
  await edit("again.txt");
  const end = await meet("again.txt", refuse);
  await area("again.txt").fill("mine\n");
  await visible(state("Not saved"));
  await button("Done", page).click();
  await visible(page.getByTestId("text"));
  await ada.delete(`/sessions/${id}/files/again.txt`);
  await end();
  await visible(conflict); // the list has heard of it: there is nothing else to show
  await settles(() => new URL(page.url()).search, "?edit=");
  await button("Keep mine", page).click();
  await becomes("again.txt", "mine\n");
  await visible(state("Saved"));
  assert.equal(await area("again.txt").inputValue(), "mine\n");
});

/** A dialog that says why has no message beside it, which would go by itself after twelve seconds. */
const saysAlone = (message) => message.first().waitFor({ state: "hidden", timeout: 8_000 });

async function renameTo(path, name) {
  await page.getByRole("button", { name: `Actions for ${path}` }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await button("Rename", dialog).click();
  return dialog;
}

test("a file or a folder that gets another name takes along what is typed", { timeout: 120_000 }, async () => {
  for (const [path, what, name, to] of [["before.txt", "before.txt", "after.txt", "after.txt"], ["first/in.txt", "first", "second", "second/in.txt"]]) {
    await write(path, "first\n");
    await edit(path);
    let take;
    const taken = new Promise((resolve) => { take = resolve; });
    const end = await meet(path, async (route) => {
      await taken;
      await route.continue();
    });
    const asked = [];
    const note = (request) => { asked.push(`${request.method()} ${new URL(request.url()).pathname.split("/").at(-1)}`); };
    page.on("request", note);
    await area(path).fill("mine\n");
    await button("Done", page).click();
    if (what !== path) await link("Project A", page.getByRole("navigation", { name: "Path" })).click();
    const dialog = await renameTo(what, name);
    await page.waitForTimeout(500); // time to be wrong in
    assert.deepEqual(asked.filter((one) => one.startsWith("POST")), [], "not before the text is saved");
    take();
    await gone(dialog);
    page.off("request", note);
    await end();
    await becomes(to, "mine\n");
    assert.equal((await ada.get(`/sessions/${id}/files/${path}`)).status, 404);
    assert.equal(await page.getByText("is not saved").count(), 0);
  }
});

test("a text that cannot be saved keeps its file's name, and says why", { timeout: 120_000 }, async () => {
  await write("named.txt", "first\n");
  await edit("named.txt");
  await write("named.txt", "theirs\n");
  await area("named.txt").fill("mine\n");
  await visible(conflict);
  await button("Done", page).click();
  const dialog = await renameTo("named.txt", "other.txt");
  await visible(dialog.getByText("“named.txt” has text of yours that is not saved."));
  await saysAlone(page.getByText("“named.txt” is not saved"));
  await look(page, "edit-rename");
  await narrow();
  await button("Cancel", dialog).click();
  assert.equal(await stored("named.txt"), "theirs\n");
  await button("Edit", page).click();
  assert.equal(await area("named.txt").inputValue(), "mine\n");
  await button("Keep mine", page).click();
  await becomes("named.txt", "mine\n");
});

test("what the server will not take is given up by a click alone", { timeout: 120_000 }, async () => {
  await write("full.txt", "first\n");
  await edit("full.txt");
  const end = await meet("full.txt", (route) => route.fulfill({ status: 507, json: { success: false, error: { code: "no_space", message: "There is no room for it.", request_id: "r" } } }));
  await area("full.txt").fill("mine\n");
  await visible(page.getByText("There is no room for it."));
  await look(page, "edit-full");
  await narrow();
  await button("Done", page).click();
  const said = page.getByText("“full.txt” is not saved");
  await visible(said);
  const dialog = await renameTo("full.txt", "other.txt");
  await visible(dialog.getByText("There is no room for it."));
  await saysAlone(said);
  await button("Cancel", dialog).click();
  await button("Edit", page).click();
  assert.equal(await area("full.txt").inputValue(), "mine\n");
  await button("Discard mine", page).click();
  await visible(page.getByTestId("text").getByText("first"));
  await end();
  await button("Edit", page).click();
  await value(area("full.txt"), "first\n");
});

const enter = () => comeIn(page, ada);
const leave = () => logOut(page);

test("logging out waits for it, asks where it is not saved, and leaves nothing to the next person", { timeout: 120_000 }, async () => {
  await write("out.txt", "first\n");
  await edit("out.txt");
  await page.setViewportSize({ width: 1400, height: 900 });
  const end = await meet("out.txt", (route) => route.fulfill({ status: 503, json: { success: false, error: { code: "busy", message: "It has too much to do.", request_id: "r" } } }));
  await area("out.txt").fill("mine\n");
  const saving = visible(page.getByText("Saving what you typed…")); // for two seconds
  await leave();
  await saving;
  await visible(page.getByText("Not saved: out.txt. What is typed and not saved is lost."));
  await look(page, "edit-logout");
  await button("Cancel", page.getByRole("dialog")).click();
  assert.equal(await area("out.txt").inputValue(), "mine\n");
  await leave();
  await button("Log out", page.getByRole("dialog")).click();
  await page.waitForURL(/\/login/);
  await end();
  await enter();
  await visible(area("out.txt"));
  assert.equal(await area("out.txt").inputValue(), "first\n");
  await page.waitForTimeout(1500);
  assert.equal(await stored("out.txt"), "first\n");
  // What is saved in time is not asked for.
  await area("out.txt").fill("second\n");
  await leave();
  await page.waitForURL(/\/login/);
  await becomes("out.txt", "second\n");
  await enter();
});

test("a login that ends by itself takes nothing: it is saved after the next", { timeout: 120_000 }, async () => {
  await write("ended.txt", "first\n");
  await edit("ended.txt");
  const end = await meet("ended.txt", refuse);
  await area("ended.txt").fill("mine\n");
  await visible(state("Not saved"));
  const theirs = (await ada.get("/auth/devices")).data.filter(({ current }) => !current);
  for (const device of theirs) await ada.delete(`/auth/devices/${device.id}`);
  await end();
  await page.waitForURL(/\/login/);
  await visible(page.getByText("“ended.txt” is not saved"));
  const asked = page.waitForEvent("dialog");
  const left = page.evaluate(() => location.reload()).catch(() => undefined);
  await (await asked).dismiss();
  await left;
  await visible(page.getByText("You were logged out."));
  await enter();
  await becomes("ended.txt", "mine\n");
  await visible(area("ended.txt"));
  assert.equal(await area("ended.txt").inputValue(), "mine\n");
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
