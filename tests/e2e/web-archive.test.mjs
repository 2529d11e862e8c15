// A session's files as an archive, by the page: out of one session, into another.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { button, escape, gone, launch, look, setTheme, shot, value, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const context = await world.newContext();
const page = await context.newPage();

const menu = async (item) => {
  await button("More actions for this folder", page).click();
  await page.getByRole("menuitem", { name: item }).click();
};

test("out of one session, into another", async () => {
  const from = await newSession(ada, "Näme");
  await ada.write(`/sessions/${from.id}/files/src/a.txt`, "one\n");
  await ada.write(`/sessions/${from.id}/files/b`, "two\n");
  const to = await newSession(ada, "Copy");
  await world.logIn(page, ada);

  await page.goto(`${home}/sessions/${from.id}/files`);
  const archives = [];
  for (const [item, name] of [["Download all as tar.gz", "Näme.tar.gz"], ["Download all as zip", "Näme.zip"]]) {
    const downloaded = page.waitForEvent("download");
    await menu(item);
    const download = await downloaded;
    assert.equal(download.suggestedFilename(), name);
    archives.push({ name, mimeType: "application/octet-stream", buffer: readFileSync(await download.path()) });
  }

  await page.goto(`${home}/sessions/${to.id}/files`);
  await visible(page.getByText("This folder is empty"));
  await page.getByLabel("Archive to unpack").setInputFiles(archives[0]);
  await visible(page.getByText("Uploaded 1 file"));
  await visible(page.getByRole("list", { name: "Entries" }).getByText("src"));
  assert.equal((await ada.get(`/sessions/${to.id}/files/src/a.txt`)).body.toString(), "one\n");

  await page.getByLabel("Archive to unpack").setInputFiles({ name: "no.zip", mimeType: "application/zip", buffer: Buffer.from("PK no archive") });
  await visible(page.getByText("1 file could not be uploaded"));
  await visible(page.getByText(/is damaged, or is no tar/));
  await look(page, "archive");
  for (const [width, height] of [[1400, 900], [390, 844]]) {
    await page.setViewportSize({ width, height });
    for (const theme of ["light", "dark"]) {
      await setTheme(page, theme);
      await button("More actions for this folder", page).click();
      await visible(page.getByRole("menuitem", { name: "Unpack an archive here" }));
      await shot(page, `archive-${theme}-${width}`);
      await escape(page, page.getByRole("menuitem", { name: "Unpack an archive here" }));
    }
  }
});

/** The worker's word for the first download that is asked of it is another one than its own. */
const answerFirst = (tab, word) => tab.evaluate((last) => {
  globalThis.answered = 0;
  const own = ServiceWorker.prototype.postMessage;
  ServiceWorker.prototype.postMessage = function post(data, ports) {
    ServiceWorker.prototype.postMessage = own;
    globalThis.answered += 1;
    for (const said of new Set(["taken", last])) ports[0].postMessage(said);
  };
}, word);

async function fetchFile(tab) {
  await button("Actions for näme.txt", tab).click();
  await tab.getByRole("menuitem", { name: "Download", exact: true }).click();
}

/** Leaving would be asked for, and whoever stayed would have no download. */
async function asIsWhileSomethingIsSent(tab) {
  const asked = [];
  const note = (dialog) => asked.push(dialog.type()) && dialog.dismiss();
  tab.on("dialog", note);
  await tab.evaluate(() => {
    globalThis.sendNow = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function hold(body) { globalThis.sendHeld = () => globalThis.sendNow.call(this, body); };
  });
  await tab.getByLabel("Files to upload").setInputFiles({ name: "held.txt", mimeType: "text/plain", buffer: Buffer.from("held\n") });
  await tab.waitForFunction(() => globalThis.sendHeld !== undefined);
  const coming = tab.waitForEvent("download");
  await fetchFile(tab);
  assert.match(new URL((await coming).url()).pathname, /^\/download\//);
  assert.deepEqual(asked, []);
  await tab.evaluate(() => globalThis.location.reload()).catch(() => undefined);
  await until("whoever leaves is asked", () => asked.join() === "beforeunload");
  tab.off("dialog", note);
  await tab.evaluate(() => {
    XMLHttpRequest.prototype.send = globalThis.sendNow;
    globalThis.sendHeld();
  });
  await visible(tab.getByText("Uploaded 1 file"));
}

/** As when it was ended after it said that it is ready: the page fetches the file itself. */
async function evenIfTheWorkerForgot(tab) {
  await answerFirst(tab, "ready");
  await tab.evaluate(() => { // a second is long enough to wait for what does not come
    const own = globalThis.setTimeout;
    globalThis.setTimeout = (run, ms, ...rest) => own(run, ms === 10_000 ? 1_000 : ms, ...rest);
  });
  let came;
  tab.once("download", (download) => { came = download; });
  await fetchFile(tab);
  await until("it comes all the same", () => came !== undefined);
  assert.match(came.url(), /^blob:/);
  assert.equal(came.suggestedFilename(), "näme.txt");
}

test("what is downloaded goes to the disk, not through the page's memory", async () => {
  const from = await newSession(ada, "Disk");
  await newSession(ada, "Other disk");
  await ada.write(`/sessions/${from.id}/files/${encodeURIComponent("näme.txt")}`, "one\n");
  const tab = await (await world.newContext({ workers: true })).newPage();
  await world.logIn(tab, ada);
  await tab.goto(`${home}/sessions/${from.id}/files`);
  await visible(tab.getByRole("list", { name: "Entries" }).getByText("näme.txt"));
  await tab.waitForFunction(() => navigator.serviceWorker.controller !== null);
  for (const [menu, item, begins, called] of [["More actions for this folder", "Download all as zip", "PK", "Disk.zip"], ["Actions for näme.txt", "Download", "one", "näme.txt"]]) {
    const coming = tab.waitForEvent("download");
    await button(menu, tab).click();
    await tab.getByRole("menuitem", { name: item, exact: true }).click();
    const download = await coming;
    assert.match(new URL(download.url()).pathname, /^\/download\/[0-9a-f-]{36}\//);
    assert.equal(download.suggestedFilename(), called);
    assert.ok(readFileSync(await download.path(), "latin1").startsWith(begins));
  }
  await visible(tab.getByRole("list", { name: "Entries" })); // the page stays
  await asIsWhileSomethingIsSent(tab);
  await evenIfTheWorkerForgot(tab);
  const both = [];
  tab.on("download", (download) => both.push(download.suggestedFilename()));
  await tab.goto(`${home}/settings/data`);
  await answerFirst(tab, "late"); // as behind other long answers
  await button("Download everything", tab).click();
  await visible(tab.getByText(/^All of it is on its way/));
  const all = (await ada.get("/sessions")).data.map(({ name }) => `${name}.tar.gz`);
  await until("every archive and the account came", () => both.length > all.length + 1, 60_000);
  assert.deepEqual(both.sort(), [...all, "home.tar.gz", "coditect-account.json"].sort());
  assert.equal(await tab.evaluate(() => globalThis.answered), 1);
  both.length = 0;
  await answerFirst(tab, "taken"); // and nothing more
  await button("Download Disk", tab).click();
  await until("it is asked for", () => tab.evaluate(() => globalThis.answered === 1));
  await button("Stop", tab).click();
  await gone(button("Stop", tab));
  assert.deepEqual(both, []);
  await tab.context().close();
});

test("a fork", async () => {
  const from = await newSession(ada, "Origin");
  await ada.write(`/sessions/${from.id}/files/src/a.txt`, "one\n");
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.goto(`${home}/sessions/${from.id}/files`);
  await visible(page.getByRole("list", { name: "Entries" }).getByText("src"));
  await menu("Fork this session");
  const dialog = page.getByRole("dialog");
  await value(dialog.getByLabel("Name of the copy"), "Copy of Origin");
  await shot(page, "fork");
  await button("Fork", dialog).click();
  await page.waitForURL((url) => url.pathname.startsWith("/sessions/ses-") && !url.pathname.includes(from.id));
  const [id] = /ses-[0-9a-z]{26}/.exec(page.url());
  await page.goto(`${home}/sessions/${id}/files/src/a.txt`);
  await visible(page.getByTestId("text").getByText("one"));
  const { data } = await ada.get(`/sessions/${id}`);
  assert.deepEqual([data.name, data.forked_from], ["Copy of Origin", from.id]);
});

test("nothing refused by the policy", () => assert.deepEqual(world.refused, []));
