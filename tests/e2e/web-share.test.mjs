// A read-only link to a session: made and ended by its person's page, and what somebody without an account sees by it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { newSession } from "../api/harness.mjs";
import { button, escape, gone, launch, link, look, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const session = await newSession(ada, "Project A");
await ada.write(`/sessions/${session.id}/files/src/hello.c`, "int main(void) {}\n");
await ada.write(`/sessions/${session.id}/files/empty`, "");
await ada.write(`/sessions/${session.id}/files/bytes.bin`, Buffer.from([0, 1, 2]));
const page = await (await world.newContext()).newPage();
const asked = [];
const guest = await (await world.newContext()).newPage();
guest.on("request", (request) => asked.push(request));
let address;

test("its person makes a link and copies it once", async () => {
  await world.logIn(page, ada);
  await page.goto(`${home}/sessions/${session.id}/files`);
  await button("More actions for this folder", page).click();
  await page.getByRole("menuitem", { name: "Share" }).click();
  const dialog = page.getByRole("dialog");
  await button("Make a link", dialog).click();
  await visible(dialog.getByText("Say whom it is for."));
  await dialog.getByLabel("Whom it is for").fill("Grace");
  await dialog.getByLabel("How long it works").selectOption("30");
  await button("Make a link", dialog).click();
  address = await dialog.getByLabel("The new link").inputValue();
  assert.match(address, /\/shared#token=cdl_/);
  await visible(dialog.getByRole("list", { name: "Links" }).getByText("Grace"));
  await look(page, "share dialog");
});

test("whoever has it reads the files, and no address tells the token", async () => {
  const reply = await guest.goto(address.replace(/^https?:\/\/[^/]+/, home));
  assert.equal(reply.status(), 200);
  await visible(guest.getByRole("heading", { name: "Project A" }));
  assert.equal(await guest.locator('meta[name="robots"]').getAttribute("content"), "noindex");
  await look(guest, "shared folder");
  await link("src", guest).click();
  await link("hello.c", guest).click();
  await visible(guest.getByText("int main(void) {}"));
  await look(guest, "shared file");
  const downloaded = guest.waitForEvent("download"); // without a worker
  await button("Download", guest).click();
  assert.equal(readFileSync(await (await downloaded).path(), "utf8"), "int main(void) {}\n");
  await guest.reload();
  await visible(guest.getByText("int main(void) {}"));
  await link("All files", guest).click();
  await link("empty", guest).click();
  await visible(guest.getByText("This file is empty"));
  await link("All files", guest).click();
  await link("bytes.bin", guest).click();
  await visible(guest.getByText("This file is not text"));
  const token = address.split("token=")[1];
  for (const request of asked) {
    assert.ok(!request.url().split("#")[0].includes(token), request.url());
    assert.ok(!(request.headers().referer ?? "").includes(token));
    assert.ok(request.url().startsWith(home) || !request.url().startsWith("http"), `${request.url()} is somebody else's`);
  }
});

test("a link is shown as where it leads, and a name that is no text is downloaded from its row", async () => {
  await ada.write(`/sessions/${session.id}/files/odd/link?type=symlink`, Buffer.from("src/\xff\n", "latin1"));
  await ada.write(`/sessions/${session.id}/files/odd/b%FFd`, "its bytes");
  await ada.write(`/sessions/${session.id}/files/odd/b%EF%BF%BDd`, "another's"); // what the first looks like as text
  await ada.write(`/sessions/${session.id}/files/odd/l%FF?type=symlink`, "x");
  await link("All files", guest).click();
  await guest.reload(); // a list that was just asked for is not asked for again
  await link("odd", guest).click();
  const entries = guest.getByRole("list", { name: "Entries" });
  await visible(entries.getByText("b\\xffd", { exact: true }));
  await visible(entries.getByText("l\\xff", { exact: true }));
  await look(guest, "shared odd names");
  const coming = guest.waitForEvent("download");
  await button("Download b\\xffd", guest).click();
  assert.equal(readFileSync(await (await coming).path(), "utf8"), "its bytes");
  await link("link", entries).click();
  await visible(guest.getByText("src/\\xff\\n", { exact: true }));
  await visible(guest.getByText(/^Symbolic link/));
  await look(guest, "shared link");
  await guest.reload();
  await visible(guest.getByText("src/\\xff\\n", { exact: true }));
});

test("what is downloaded goes to the disk, not through the page's memory", async () => {
  const tab = await (await world.newContext({ workers: true })).newPage();
  await tab.goto(address.replace(/^https?:\/\/[^/]+/, home));
  await link("src", tab).click();
  await link("hello.c", tab).click();
  await visible(tab.getByText("int main(void) {}"));
  await tab.waitForFunction(() => navigator.serviceWorker.controller !== null);
  for (const [name, begins, called] of [["Download", "int main", "hello.c"], ["Download all", "PK", "Project A.zip"]]) {
    const coming = tab.waitForEvent("download");
    await button(name, tab).click();
    const download = await coming;
    assert.match(new URL(download.url()).pathname, /^\/download\/[0-9a-f-]{36}\//);
    assert.equal(download.suggestedFilename(), called);
    assert.ok(readFileSync(await download.path(), "latin1").startsWith(begins));
  }
  await assert.rejects(tab.goto(`${home}/download/${crypto.randomUUID()}/unknown`), /ERR_ABORTED/);
  await visible(tab.getByText("int main(void) {}")); // the page stays
  await ada.delete(`/sessions/${session.id}/files/src/hello.c`);
  await button("Download", tab).click();
  await visible(tab.getByText("Not found."));
  await ada.write(`/sessions/${session.id}/files/src/hello.c`, "int main(void) {}\n");
  const words = (url) => tab.evaluate(([to, token]) => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const said = [];
    port1.onmessage = ({ data }) => said.push(data) === 2 && resolve(said);
    navigator.serviceWorker.controller.postMessage({ kind: "download", id: crypto.randomUUID(), url: to, token }, [port2]);
  }), [url, address.split("token=")[1]]);
  assert.deepEqual(await words("/api/v5/shared/archive?format=zip"), ["taken", "ready"]);
  for (const url of ["/offline.html", "/api/v5/shared/../../../offline.html", "http://elsewhere.example/api/v5/shared/archive?format=zip"]) {
    assert.deepEqual(await words(url), ["taken", "refused"], `the token is not sent to ${url}`);
  }
  await tab.context().close();
});

test("one moment is shared from the history, and both sides say which", async () => {
  await ada.write(`/sessions/${session.id}/files/src/hello.c`, "int main(void) { return 1; }\n");
  await page.setViewportSize({ width: 1400, height: 844 });
  await page.goto(`${home}/sessions/${session.id}/history`);
  const moment = page.getByTestId("moment");
  await visible(moment.getByText("Now", { exact: true }));
  await button("Share", page).click();
  const dialog = page.getByRole("dialog");
  await visible(dialog.getByText("reads the files as they are, without"));
  await escape(page, dialog);
  await button("The change before", page).click();
  await gone(moment.getByText("Now", { exact: true }));
  const when = await moment.locator("p").first().textContent();
  await button("Share", page).click();
  await visible(dialog.getByRole("heading", { name: "Share this moment" }));
  await visible(dialog.getByText(when, { exact: true }));
  await dialog.getByLabel("Whom it is for").fill("Hedy");
  await button("Make a link", dialog).click();
  const then = await dialog.getByLabel("The new link").inputValue();
  await visible(dialog.getByText(`As of ${when}`, { exact: true }));
  await look(page, "share moment dialog");

  await guest.goto(then.replace(/^https?:\/\/[^/]+/, home));
  await visible(guest.getByText(`As of ${when}, read only`));
  await link("src", guest).click();
  await link("hello.c", guest).click();
  await visible(guest.getByText("int main(void) {}", { exact: true }));
  await look(guest, "shared moment");
  await guest.route("**/api/v5/shared", (route) => route.fulfill({ status: 404, json: { success: false, error: { code: "not_found", message: "It is not kept.", request_id: "r" } } }));
  await guest.reload();
  await visible(guest.getByText("This moment is not kept any more"));
  await look(guest, "shared thinned");
  await guest.unroute("**/api/v5/shared");
  await guest.goto(address.replace(/^https?:\/\/[^/]+/, home));
});

test("its person sees which links open nothing any more", async () => {
  await page.route(/\/links(\?|$)/, async (route) => {
    if (route.request().method() !== "GET") return route.fallback();
    const { json } = await ada.get(`/sessions/${session.id}/links`);
    return route.fulfill({ status: 200, json: { ...json, data: json.data.map((one) => ({ ...one, ...(one.name === "Hedy" ? { moment_gone: true } : {}) })) } });
  });
  await page.reload(); // a list that was just asked for is not asked for again
  await button("Share", page).click();
  const row = page.getByRole("list", { name: "Links" }).getByRole("listitem").filter({ hasText: "Hedy" });
  await visible(row.getByText("Opens nothing any more"));
  await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("a link that was ended says so", async () => {
  await button("End Grace", page).click();
  await visible(page.getByText("“Grace” opens nothing any more"));
  await guest.reload();
  await visible(guest.getByText("This link does not work any more"));
  await look(guest, "shared ended");
  await guest.goto(`${home}/shared`);
  await visible(guest.getByText("This address is not complete"));
});

test("who may make no link is told so", async () => {
  const invited = { email: "vic@example.com", role: "member" };
  const { token: invitation } = (await ada.post("/tenant/invitations", invited)).data;
  const password = "a password to test with";
  const vic = server.anonymous();
  const { data } = await vic.post("/auth/register", { email: invited.email, password, name: "vic", invitation });
  const { id } = await newSession(Object.assign(vic, { token: data.token }), "Once mine to share");
  assert.equal((await ada.put(`/tenant/members/${data.user.id}`, { role: "viewer" })).status, 200);
  const theirs = await (await world.newContext()).newPage();
  await world.logIn(theirs, { email: invited.email, password });
  await theirs.goto(`${home}/sessions/${id}/files`);
  await button("More actions for this folder", theirs).click();
  await theirs.getByRole("menuitem", { name: "Share" }).click();
  const dialog = theirs.getByRole("dialog");
  await visible(dialog.getByText("Your role makes no links; ask an owner or admin."));
  await gone(button("Make a link", dialog));
  await theirs.context().close();
});
