// A new session: blank, from a git repository, from an archive; and what its pages say while the repository is not there. The
// workspace that clones is told of (session-stage.mjs); tests/workspaces/source.test.mjs has the real one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { button, escape, gone, look, settles, value, visible } from "./browser.mjs";
import { openStage } from "./session-stage.mjs";

const { world, home, page, ada, asked, tell, running, ready, poke, until } = await openStage();
const scratch = mkdtempSync(join(tmpdir(), "coditect-new-"));
after(() => rmSync(scratch, { recursive: true }));
mkdirSync(join(scratch, "src"));
writeFileSync(join(scratch, "src/a.txt"), "one\n");
execFileSync("tar", ["czf", "engine.tar.gz", "src"], { cwd: scratch });
const good = { name: "engine.tar.gz", mimeType: "application/gzip", buffer: readFileSync(join(scratch, "engine.tar.gz")) };
// Refused at its beginning; more of it is to come than the server still takes.
const damaged = join(scratch, "damaged.tar");
writeFileSync(damaged, Buffer.alloc(40 * 1024 * 1024, "no archive"));

const url = "https://git.example.com/team/engine.git";
const dialog = page.getByRole("dialog");
const bar = page.getByTestId("source");
const named = (name) => dialog.getByLabel(name, { exact: true });
const idNow = () => /ses-[0-9a-z]{26}/.exec(page.url())[0];
const sessions = async () => (await ada.get("/sessions")).data;

async function begin(choice) {
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.goto(`${home}/sessions`);
  await button("New session", page).first().click();
  await visible(dialog);
  if (choice !== undefined) await button(choice, dialog).click();
}

test("from a repository: what is wrong stands beside the field, and a name is suggested", async () => {
  await begin("Git repository");
  await button("Create", dialog).click();
  await visible(dialog.getByText("Enter the repository’s address."));
  await named("Address").fill("git@git.example.com:engine.git");
  await named("Name").fill("Engine");
  await button("Create", dialog).click();
  await visible(dialog.getByText("Only addresses that begin with https:// are taken."));
  await look(page, "new git");
  await named("Name").fill("");
  await escape(page, dialog);
  await begin("Git repository");
  await named("Address").fill(url);
  await value(named("Name"), "engine");
  await named("Branch or tag").fill("no..name");
  await button("Create", dialog).click();
  await visible(dialog.getByText("No branch and no tag can have this name."));
  await named("Branch or tag").fill("next");
  await button("Create", dialog).click();
  await page.waitForURL(/\/sessions\/ses-/);
  await gone(dialog);
  const { name, source } = (await ada.get(`/sessions/${idNow()}`)).data;
  assert.deepEqual([name, source], ["engine", { kind: "git", url, branch: "next", state: "pending" }]);
  await visible(bar.and(page.locator("[data-cloning=soon]")));
});

test("while it is cloned the pages say how far, and its end", async () => {
  const id = idNow();
  const source = { kind: "git", url, branch: "next" };
  const ide = { state: "running", connected: true };
  running(id);
  await ready();
  await page.goto(`${home}/sessions/${id}/files`);
  tell(id, "active", ide, { ...source, state: "cloning", percent: 42 });
  await poke();
  await visible(bar.getByText("Cloning the repository: 42 %"));
  await look(page, "cloning");
  await page.goto(`${home}/sessions`);
  const card = page.getByRole("listitem").filter({ has: page.getByRole("link", { name: "engine", exact: true }) }).last();
  await visible(card.getByText("Cloning"));
  await visible(card.getByText("42 %"));

  const message = "Nobody answers at git.example.com.";
  tell(id, "active", ide, { ...source, state: "failed", message });
  await page.goto(`${home}/sessions`);
  await visible(card.getByText(`Not cloned. ${message}`));
  await page.goto(`${home}/sessions/${id}/files`);
  await visible(bar.and(page.getByRole("alert")).getByText(message));
  const again = page.waitForResponse((response) => response.url().endsWith(`/sessions/${id}/clone`));
  await button("Try again", bar).click();
  assert.equal((await again).status(), 202);
  tell(id, "active", ide, { ...source, state: "pending" }); // not before: the page may ask at any time
  await gone(bar.and(page.getByRole("alert")));
  await poke();
  await visible(bar.and(page.locator("[data-cloning=soon]")));
  // It is there, with something to say, until that is taken away.
  const word = "The disk was lost before all of it was stored: engine holds what was, and it was cloned again.";
  tell(id, "active", ide, { ...source, state: "done", folder: "engine-2", message: word });
  await poke();
  await visible(bar.and(page.locator("[data-cloning=done]")).getByText(word));
  await visible(bar.getByText("The repository is here, in “engine-2”"));
  await button("Take this away", bar).click();
  await gone(bar);
  await settles(() => page.evaluate(() => JSON.parse(localStorage.getItem("coditect-heard"))), [id]);
});

test("from an archive: stopped, tried again, whole", async () => {
  await begin("Archive");
  await named("Name").fill("Other");
  await button("Create", dialog).click();
  await visible(dialog.getByText("Choose an archive."));
  const two = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    for (const name of ["a.zip", "b.zip"]) transfer.items.add(new File(["x"], name));
    return transfer;
  });
  await page.getByTestId("archive-drop").dispatchEvent("drop", { dataTransfer: two });
  await visible(dialog.getByText("One archive at a time"));
  await named("Archive").setInputFiles(good);
  await visible(dialog.getByText("engine.tar.gz"));

  const held = [];
  await page.route(/\/archive(\?|$)/, (route) => held.push(route));
  await button("Create", dialog).click();
  await visible(dialog.getByRole("heading", { name: "Filling “Other”" }));
  await visible(page.getByTestId("upload-progress"));
  await button("Stop", dialog).click();
  await visible(dialog.getByRole("alert").getByText("It was stopped."));
  const [made] = (await sessions()).filter(({ name }) => name === "Other");
  assert.equal(made.files, 0, "the session is there");
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await button("Try again", dialog).click();
  await page.waitForURL(`${home}/sessions/${made.id}`);
  await gone(dialog);
  assert.equal((await ada.get(`/sessions/${made.id}/files/src/a.txt`)).body.toString(), "one\n");
  await until("it is opened", () => asked.open.includes(made.id));
  assert.equal((await sessions()).filter(({ name }) => name === "Other").length, 1);
});

test("an archive that waits for other uploads is stopped, too, and said to be no more once it waits again", async () => {
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.goto(`${home}/sessions/${idNow()}/files`);
  const held = [];
  await page.route((address) => /\/(files\/other|archive)/.test(address.pathname), (route) => (route.request().method() === "GET" ? route.fallback() : held.push(route)));
  await page.getByLabel("Files to upload").setInputFiles([1, 2, 3].map((n) => ({ name: `other${n}`, mimeType: "text/plain", buffer: Buffer.from("x") })));
  await until("three are sent", () => held.length === 3);
  await page.evaluate(() => { // a load would end what is sent
    history.pushState({}, "", "/sessions");
    dispatchEvent(new PopStateEvent("popstate", { state: {} }));
  });
  await button("New session", page).first().click();
  await button("Archive", dialog).click();
  await named("Archive").setInputFiles(good);
  await named("Name").fill("Queued");
  await button("Create", dialog).click();
  await visible(dialog.getByText("Waiting for other uploads engine.tar.gz"));
  await button("Stop", dialog).click();
  await visible(dialog.getByRole("alert").getByText("It was stopped."));
  await button("Try again", dialog).click();
  await visible(dialog.getByText("Waiting for other uploads engine.tar.gz"));
  await button("Close", dialog).click();
  await page.waitForURL(/\/sessions\/ses-[^/]+\/files$/);
  await visible(page.getByText("Uploading 1 file"));
  assert.equal(await page.getByText("It was stopped.").count(), 0);
  for (const route of held) await route.continue();
  await until("its turn comes", () => held.length === 4);
  await held[3].fulfill({ status: 503, json: { success: false, error: { code: "unavailable", message: "Not now.", request_id: "req-7" } } });
  await visible(page.getByText(/^Not now\..* Request req-7$/));
  await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("an archive that is none: said, and the session kept, given another one or deleted", async () => {
  const failing = async (name) => {
    await begin("Archive");
    await named("Archive").setInputFiles(damaged);
    await value(named("Name"), "damaged");
    await named("Name").fill(name);
    await button("Create", dialog).click();
    await visible(dialog.getByRole("heading", { name: `“${name}” is not complete` }));
    await visible(dialog.getByRole("alert").getByText(/is damaged, or is no tar/));
  };
  await failing("Mended");
  await look(page, "not complete");
  await named("Archive").setInputFiles(good);
  await button("Try again", dialog).click();
  await page.waitForURL(/\/sessions\/ses-/);
  assert.equal((await ada.get(`/sessions/${idNow()}/files/src/a.txt`)).body.toString(), "one\n");

  await failing("Left");
  await button("Close", dialog).click();
  await page.waitForURL(/\/sessions\/ses-[^/]+\/files$/);
  await visible(page.getByText("1 file could not be uploaded"));

  await failing("Dropped");
  const { id } = (await sessions()).find(({ name }) => name === "Dropped");
  const removed = page.waitForRequest((request) => request.method() === "DELETE"); // the stage answers it
  await button("Delete it", dialog).click();
  assert.ok((await removed).url().endsWith(`/sessions/${id}`));
  await gone(dialog);
  await visible(page.getByText("“Dropped” was deleted"));
  const restored = page.waitForRequest((request) => request.url().endsWith(`/sessions/${id}/restore`));
  await button("Undo", page).click();
  await restored;
});

test("nothing refused by the policy", () => assert.deepEqual(world.refused, []));
