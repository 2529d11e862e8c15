// The versions of a file and the past of a session, by the page: looked at, brought back.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { button, counts, disabled, gone, launch, link, look, settles, texts, unroute, visible } from "./browser.mjs";

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
  await visible(page.getByText("Every version is kept for 7 days, the last of each hour for 30 days, the last of each day for 1 year."));
  await counts(versions, 50);
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
  await until("the slider says it", async () => /Saved gone\.txt/.test(await slider.getAttribute("aria-valuetext")));
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
  for (const [name, begins] of [["As tar.gz", "\x1f\x8b"], ["As zip", "PK"]]) {
    const coming = page.waitForEvent("download");
    await button("Download all", page).click();
    await page.getByRole("menuitem", { name }).click();
    assert.equal(readFileSync(await (await coming).path(), "latin1").slice(0, 2), begins);
    await gone(page.getByRole("menu"));
  }
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

test("the slider leads to the first change, however many are loaded at first", async () => {
  const { id } = await newSession(ada, "Long");
  for (let i = 1; i <= 6; i++) await ada.write(`/sessions/${id}/files/${i}.txt`, `${i}\n`);
  const few = (url) => url.pathname.endsWith(`/sessions/${id}/changes`);
  let isBroken = true;
  let asked = 0;
  let refused = 0;
  await page.route(few, (route) => {
    const url = new URL(route.request().url());
    const isFirst = !url.searchParams.has("cursor");
    if (isFirst) asked++;
    if (isBroken && !isFirst) {
      refused++;
      return route.fulfill({ status: 500, json: { success: false, error: { code: "internal", message: "Something went wrong on the server.", request_id: "r" } } });
    }
    url.searchParams.set("limit", "2");
    return route.continue({ url: String(url) });
  });
  await page.goto(`${home}/sessions/${id}/history`);
  const at = (i) => visible(page.getByTestId("moment").getByText(`Saved ${i}.txt`));
  const before = button("The change before", page);
  await at(6);
  await before.click();
  await until("what was before is asked for", () => refused > 0);
  for (const [way, i] of [["after", 6], ["before", 5], ["after", 6], ["before", 5]]) {
    await button(`The change ${way}`, page).click();
    await at(i);
  }
  assert.ok(refused <= asked, "what did not come is asked for again when all is, and not by itself");
  isBroken = false;
  await button("Load older changes", page).click();
  for (const i of [4, 3, 2, 1]) {
    await before.click();
    await at(i);
  }
  await disabled(before);
  await page.goto(`${home}/sessions/${id}/history?at=1`);
  isBroken = true;
  await page.reload();
  await visible(page.getByText("Something went wrong on the server."));
  isBroken = false;
  await until("it comes, at the latest when it is asked to", async () => {
    await button("Try again", page).click({ timeout: 1_000 }).catch(() => undefined);
    return page.getByTestId("moment").getByText("Saved 1.txt").isVisible();
  });
  await unroute(page);
});

test("two versions of a file compared, in its history and in the session's", async () => {
  const { id } = await newSession(ada, "Compare");
  const file = `/sessions/${id}/files/poem.txt`;
  const lines = Array.from({ length: 40 }, (_, i) => `line ${i + 1}`);
  await ada.write(file, `${lines.join("\n")}\n`);
  await ada.write(file, `${lines.with(9, "line ten").toSpliced(29, 2).join("\n")}\n`);
  await ada.write(file, `${lines.with(9, "LINE TEN").toSpliced(29, 2).join("\n")}\nthe end`);
  const difference = page.getByRole("region", { name: "Difference" });
  await page.goto(`${home}${file}?history`);
  await button("What changed", page).click();
  await visible(difference.locator("ins", { hasText: "the end" }));
  await texts(difference.locator("del"), ["line ten"]);
  await page.getByRole("list", { name: "Versions" }).getByRole("button").nth(1).click();
  await visible(difference.locator("del", { hasText: /^line 30$/ }));
  await texts(difference.locator("ins"), ["line ten"]);
  await button("Compared with now", page).click();
  await visible(difference.locator("ins", { hasText: "LINE TEN" }));
  await texts(difference.locator("del"), ["line ten"]);
  await look(page, "file-compared");
  const address = page.url();
  const saved = page.waitForEvent("download");
  await button("Patch", page).click();
  const patch = readFileSync(await (await saved).path(), "utf8");
  assert.match(patch, /^-line ten\n\+LINE TEN$/m);
  await page.goto(address);
  await visible(difference.locator("ins", { hasText: "LINE TEN" }));
  await button("File", page).click();
  await visible(page.getByTestId("text"));

  const [newest, , first] = (await ada.get(`/sessions/${id}/changes`)).data;
  await page.goto(`${home}/sessions/${id}/history/poem.txt?at=${first.version}`);
  await visible(page.getByTestId("text"));
  await button("Compared with now", page).click();
  await visible(difference.locator("del", { hasText: /^line 31$/ }));
  await texts(difference.locator("ins"), ["LINE TEN", "the end (no line break at the end)"]);
  await look(page, "session-history-compared");
  await ada.write(file, `${lines.join("\n")}\n`);
  await page.goto(`${home}/sessions/${id}/history/poem.txt?at=${first.version}&compare=now`);
  await visible(page.getByText("Nothing differs"));
  await ada.write(`/sessions/${id}/files/poem.bin`, Buffer.from([0, 1, 2, newest.version]));
  await page.goto(`${home}/sessions/${id}/files/poem.bin?history&compare=before`);
  await visible(page.getByText("This file is not text"));
});

test("a folder and the whole session back to a moment, and that undone", async () => {
  const { id } = await newSession(ada, "Back");
  const files = `/sessions/${id}/files`;
  const read = async (path) => { const reply = await ada.get(`${files}/${path}`); return reply.status === 200 ? reply.text() : reply.status; };
  await ada.write(`${files}/src/a.txt`, "a1\n");
  const first = (await ada.get(`/sessions/${id}/changes?limit=1`)).data[0].version;
  await ada.write(`${files}/top.txt`, "top\n");
  await ada.write(`${files}/src/a.txt`, "a2\n");
  await ada.write(`${files}/src/b.txt`, "b\n");
  const entries = page.getByRole("list", { name: "Entries" });
  await page.goto(`${home}/sessions/${id}/history/src?at=${first}`);
  await visible(entries.getByText("a.txt"));
  await button("Restore this folder", page).click();
  await visible(page.getByText("you can undo this"));
  await look(page, "session-history-restore");
  await button("Restore", page.getByRole("dialog")).click();
  await page.getByText("“src” is as it was then: 2 items changed").hover(); // a message under the pointer stays
  assert.deepEqual([await read("src/a.txt"), await read("src/b.txt"), await read("top.txt")], ["a1\n", 404, "top\n"]);
  await visible(page.getByRole("list", { name: "Changes" }).getByText("Restored src to an earlier moment, 2 items"));
  await button("Undo", page).click();
  await visible(page.getByText("It is as it was before"));
  assert.deepEqual([await read("src/a.txt"), await read("src/b.txt"), await read("top.txt")], ["a2\n", "b\n", "top\n"]);

  await ada.delete(`${files}/src?recursive=true`);
  await page.goto(`${home}/sessions/${id}/history/src?at=${first}`);
  await button("Restore this folder", page).click();
  await button("Restore", page.getByRole("dialog")).click();
  await page.getByText("“src” is as it was then").hover();
  assert.equal(await read("src/a.txt"), "a1\n");
  await button("Undo", page).click();
  await until("it is away again", async () => await read("src/a.txt") === 404);

  await page.goto(`${home}/sessions/${id}/history?at=${first}`);
  await button("Restore everything", page).click();
  await button("Restore", page.getByRole("dialog")).click();
  await visible(page.getByText(/^Everything is as it was then/));
  await look(page, "session-history-restored");
  assert.deepEqual([await read("src/a.txt"), await read("src/b.txt"), await read("top.txt")], ["a1\n", 404, 404]);
});

test("a restore that takes long tells how far it is", async () => {
  const { id } = await newSession(ada, "Long");
  await ada.write(`/sessions/${id}/files/a`, "1\n");
  await ada.write(`/sessions/${id}/files/a`, "2\n");
  let release;
  const asked = [];
  const held = new Promise((resolve) => { release = resolve; });
  await page.route("**/files:restore", async (route) => {
    asked.push(route.request().headers()["idempotency-key"]);
    if (asked.length === 1) return route.fulfill({ json: { success: true, data: { done: false, changed: 1234, moment: 1, before: 2 } } });
    await held;
    return route.fulfill({ json: { success: true, data: { done: true, version: 3, changed: 5000, moment: 1, before: 2 } } });
  });
  await page.goto(`${home}/sessions/${id}/history?at=1`);
  await button("Restore everything", page).click();
  await button("Restore", page.getByRole("dialog")).click();
  await visible(page.getByText("1,234 items changed so far"));
  release();
  await visible(page.getByText("Everything is as it was then: 5,000 items changed"));
  assert.equal(asked.length, 2);
  assert.equal(new Set(asked).size, 1, "the same wish");
  await unroute(page);
});

test("what was deleted is found and brought back, a folder with all that was in it", async () => {
  const { id } = await newSession(ada, "Lost and found");
  const files = `/sessions/${id}/files`;
  await ada.write(`${files}/notes.txt`, "notes\n");
  await ada.write(`${files}/deep/er/b.txt`, "b\n");
  await ada.write(`${files}/kept.txt`, "kept\n");
  for (const path of ["notes.txt", "kept.txt", "deep?recursive=true"]) await ada.delete(`${files}/${path}`);
  await ada.write(`${files}/kept.txt`, "again\n");
  await page.goto(`${home}${files}`);
  await button("More actions for this folder", page).click();
  await page.getByRole("menuitem", { name: "Deleted files" }).click();
  const deleted = page.getByRole("list", { name: "Deleted" }).getByRole("listitem");
  await visible(deleted.filter({ hasText: "notes.txt" }));
  assert.equal(await deleted.filter({ hasText: "kept.txt" }).count(), 0, "it is back");
  await look(page, "session-history-deleted");
  await page.getByLabel("Find by path").fill("NOTES");
  await gone(deleted.filter({ hasText: "deep" }));
  await button("Restore notes.txt", page).click();
  await visible(page.getByText("“notes.txt” is back"));
  await page.getByLabel("Find by path").fill("");
  await gone(deleted.filter({ hasText: "notes.txt" }));
  await button("Restore deep", page).click();
  await visible(page.getByText("“deep” is back"));
  assert.equal((await ada.get(`${files}/notes.txt`)).text(), "notes\n");
  assert.equal((await ada.get(`${files}/deep/er/b.txt`)).text(), "b\n");
  await visible(page.getByText("Nothing is deleted."));
});

test("names that are no text come back, each as itself", async () => {
  const { id } = await newSession(ada, "Names");
  const files = `/sessions/${id}/files`;
  const names = ["b%FEd", "f%FFf/x", "100%25+%FF"];
  for (const name of names) await ada.write(`${files}/${name}`, name);
  await ada.write(`${files}/b%FFd`, "the other");
  for (const path of ["b%FFd", "b%FEd", "f%FFf?recursive=true", "100%25+%FF"]) await ada.delete(`${files}/${path}`);
  await page.goto(`${home}/sessions/${id}/history?show=deleted`);
  const deleted = page.getByRole("list", { name: "Deleted" }).getByRole("listitem");
  await visible(deleted);
  await settles(async () => (await deleted.locator("p:first-child").allTextContents()).sort(), ["100%+\\xff", "b\\xfed", "b\\xffd", "f\\xfff/"]);
  for (let left = 4; left > 0; left--) {
    await deleted.first().getByRole("button").click();
    if (left > 1) await page.waitForFunction((n) => document.querySelectorAll("[aria-label=Deleted] li").length === n, left - 1);
  }
  await visible(page.getByText("Nothing is deleted."));
  for (const name of names) assert.equal((await ada.get(`${files}/${name}`)).text(), name);
  assert.equal((await ada.get(`${files}/b%FFd`)).text(), "the other");
});

test("a deletion is undone to what it took away, not to what the list knew", async () => {
  const { id } = await newSession(ada, "Undone");
  const file = `/sessions/${id}/files/doc.txt`;
  await ada.write(file, "listed");
  await page.goto(`${home}/sessions/${id}/files`);
  await visible(page.getByRole("list", { name: "Entries" }).getByText("doc.txt"));
  const own = (url) => url.pathname.endsWith("/doc.txt");
  await page.route(own, async (route) => {
    if (route.request().method() === "DELETE") await ada.write(file, "newer");
    return route.continue();
  });
  await button("Actions for doc.txt", page).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByText("“doc.txt” was deleted").hover();
  await button("Undo", page).click();
  await visible(page.getByText("“doc.txt” is back"));
  assert.equal((await ada.get(file)).text(), "newer");
  await unroute(page);
});

test("what went with its folder is found by its path or its name, and leads to its past", async () => {
  const { id } = await newSession(ada, "Along");
  const files = `/sessions/${id}/files`;
  await ada.write(`${files}/src/a/x.c`, "int x;\n");
  await ada.write(`${files}/src/a/y.c`, "int y;\n");
  await ada.write(`${files}/src/b/z.c`, "int z;\n");
  await ada.write(`${files}/m/two`, "2\n");
  await ada.delete(`${files}/src?recursive=true`);
  await ada.post(`${files}:move`, { from: "m", to: "k" });
  await page.goto(`${home}/sessions/${id}/history?show=deleted`);
  const find = page.getByLabel("Find by path");
  const deleted = page.getByRole("list", { name: "Deleted" }).getByRole("listitem");
  await find.fill("src/a/x.c");
  await visible(deleted.filter({ hasText: "x.c" }).getByText("src/a · with src/"));
  await find.fill("x.C");
  await visible(deleted.filter({ hasText: "x.c" }));
  await counts(deleted, 1);
  await look(page, "session-history-along");
  await button("Restore src/a/x.c", page).click();
  await visible(page.getByText("“x.c” is back"));
  assert.equal((await ada.get(`${files}/src/a/x.c`)).text(), "int x;\n");
  await gone(deleted.filter({ hasText: "x.c" }));
  await find.fill("never");
  await visible(page.getByText("Nothing that was deleted is called so."));

  // A page of what is not there any more leads to when it was.
  await page.goto(`${home}${files}/src/a/y.c`);
  await visible(page.getByRole("alert").getByText("“y.c” was deleted."));
  await look(page, "file-deleted");
  await link("Show it as it was", page).click();
  await page.waitForURL((url) => url.pathname.endsWith("/files/src/a/y.c") && url.searchParams.has("version"));
  await visible(page.getByTestId("text").getByText("int y;"));
  await visible(page.getByText("This is what was there last."));
  await look(page, "file-gone");
  await button("Restore this version", page).click();
  await until("it is back", async () => (await ada.get(`${files}/src/a/y.c`)).status === 200);
  await page.goto(`${home}/sessions/${id}/history/src/b/z.c`);
  await link("To when it was here last", page).click();
  await visible(page.getByTestId("text").getByText("int z;"));
  await page.goto(`${home}/sessions/${id}/history/src/b`);
  await link("To when it was here last", page).click();
  await visible(page.getByRole("list", { name: "Entries" }).getByText("z.c"));
  await page.goto(`${home}${files}/m/two`);
  await visible(page.getByRole("alert").getByText("“two” was moved away."));
  await link("Show it as it was", page).click();
  await visible(page.getByTestId("text").getByText("2"));
  await visible(page.getByRole("list", { name: "Versions" }).getByText("Moved away"));
  await page.goto(`${home}${files}/never`);
  await visible(page.getByRole("alert").getByText("“never” is not here."));
});

test("what went with its folder and came back is not offered, nor brought back over what is there", async () => {
  const { id } = await newSession(ada, "Back again");
  const base = `/sessions/${id}`;
  const file = `${base}/files/d/a.txt`;
  const below = `${base}/files/d/sub/b.txt`;
  await ada.write(file, "1");
  await ada.write(below, "1");
  const { version } = (await ada.delete(`${base}/files/d?recursive=true`)).data;
  const asOfThen = (await ada.get(`${base}/changes?limit=1`)).json;
  await ada.post(`${base}/history/d:restore`, { version });
  await ada.write(file, "2");
  await ada.write(below, "2");
  await page.goto(`${home}${base}/history?show=deleted`);
  const row = page.getByRole("list", { name: "Deleted" }).getByRole("listitem");
  const asked = page.waitForResponse((reply) => new URL(reply.url()).searchParams.get("path") === "d/a.txt");
  await page.getByLabel("Find by path").fill("d/a.txt");
  await asked;
  await visible(page.getByText("Nothing that was deleted is called so."));
  assert.equal(await row.count(), 0);

  const stale = (url) => url.pathname.endsWith(`${base}/changes`) && url.searchParams.has("path");
  await page.route(stale, (route) => route.fulfill({ json: asOfThen })); // a page that has not heard of what came since
  await page.reload();
  for (const [path, name] of [["d/a.txt", "a.txt"], ["d/sub", "sub"]]) {
    await page.getByLabel("Find by path").fill(path);
    await button(`Restore ${path}`, page).click();
    await visible(page.getByText(`“${name}” is there already`));
  }
  for (const path of [file, below]) assert.equal((await ada.get(path)).text(), "2");
  await unroute(page);
});

test("the changes of a path tell that a folder above it was renamed", async () => {
  const { id } = await newSession(ada, "Renamed");
  const files = `/sessions/${id}/files`;
  await ada.write(`${files}/m/two`, "2\n");
  await ada.post(`${files}:move`, { from: "m", to: "k" });
  await ada.write(`${files}/other`, "1\n");
  await page.goto(`${home}/sessions/${id}/history`);
  const changes = page.getByRole("list", { name: "Changes" }).getByRole("link");
  await visible(changes.filter({ hasText: "Saved other" }));
  await page.getByLabel("Find by path").fill("k/two");
  await visible(changes.filter({ hasText: "Moved m to k" }));
  await visible(changes.filter({ hasText: "Saved m/two" }));
  await counts(changes, 2);
});

test("that only the mode of a file changed is told", async () => {
  const { id } = await newSession(ada, "Mode");
  const file = `/sessions/${id}/files/tool`;
  await ada.write(file, "#!/bin/sh\n");
  await ada.write(`${file}?mode=755`, "#!/bin/sh\n");
  await page.goto(`${home}${file}?history&compare=before`);
  await visible(page.getByText("Only the mode differs"));
  await visible(page.getByText("Its mode changed from 644 to 755."));
});

test("a session without a past says so", async () => {
  const { id } = await newSession(ada, "New");
  await page.goto(`${home}/sessions/${id}/history`);
  await visible(page.getByText("Nothing has changed yet"));
  await look(page, "session-history-empty");
});

test("nothing refused by the policy", () => assert.deepEqual(world.refused, []));
