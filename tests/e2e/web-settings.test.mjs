// The settings: each part by its address; what forms refuse is what the server refuses; all of one's data; what owners and
// admins see of the team: everybody's sessions and the audit log; the team handed over.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { halt, resume } from "../api/halt.mjs";
import { newSession, until } from "../api/harness.mjs";
import { attribute, button, counts, disabled, gone, launch, link, look, settles, unroute, value, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const page = await (await world.newContext()).newPage();
const parts = page.getByRole("navigation", { name: "Settings" });
const rows = page.getByRole("list", { name: "Audit log" }).getByRole("button");

async function member(name, role) {
  const { url } = (await ada.post("/tenant/invitations", { email: `${name}@example.com`, role })).data;
  const invitation = new URL(url).hash.slice("#invitation=".length);
  const client = server.anonymous();
  const { data } = await client.post("/auth/register", { email: `${name}@example.com`, password: "a password to test with", name, invitation });
  return Object.assign(client, { token: data.token, user: data.user });
}

const one = await newSession(ada, "Project A");
const two = await newSession(ada, "Project B");
await ada.write(`/sessions/${one.id}/files/src/hello.txt`, "hello\n");
const grace = await member("grace", "member");
const hers = await newSession(grace, "Compiler");
await ada.delete(`/sessions/${two.id}`);

test("each part has an address; one that is none says so", async () => {
  await world.logIn(page, ada);
  await page.goto(`${home}/settings`);
  for (const [name, address] of [["Appearance and editor", "appearance"], ["Defaults", "defaults"], ["Your data", "data"], ["Audit log", "audit"], ["Usage", "usage"], ["Members", "members"], ["Profile", ""]]) {
    await link(name, parts).click();
    await page.waitForURL(`${home}/settings${address && `/${address}`}`);
    await visible(parts.locator(`a[aria-current=page]`, { hasText: name }));
  }
  await page.goto(`${home}/members`); // where it was before
  await page.waitForURL(`${home}/settings/members`);
  await page.goto(`${home}/settings/nothing`);
  await visible(page.getByText("There is no page here"));
});

test("a form sends what the server takes and nothing that it refuses, by the same bounds", async () => {
  await page.goto(`${home}/settings`);
  const field = page.getByLabel("Name", { exact: true });
  let sent = 0;
  page.on("request", (request) => { sent += request.method() === "PUT" && request.url().endsWith("/users/me"); });
  // After each that is refused a good one: its request is the only one, also when the other's would have come late.
  for (const [name, isGood] of [["x".repeat(100), true], ["x".repeat(101), false], ["🚀".repeat(100), true], ["🚀".repeat(101), false], ["Zoë O’Neill", true], ["one\u0085two", false], ["Zoë", true], ["bell\u0007", false], ["Ada", true]]) {
    const before = sent;
    await field.fill(name);
    await button("Save name", page).click();
    if (isGood) await until(`saved: ${name}`, async () => sent > before && (await ada.get("/users/me")).data.name === name);
    else await visible(page.getByText(/^(At most 100 characters|No control characters)/));
    assert.equal(sent - before, isGood ? 1 : 0, name);
    assert.equal((await ada.put("/users/me", { name })).status, isGood ? 200 : 400, name);
  }
});

/** What the server says of a setting, to this person. */
const setting = async (who, name) => (await who.get("/settings")).data.find(({ category, key }) => `${category}.${key}` === name);

/** As on a busy machine: what a setting has become is drawn only once the returned is called. */
async function holdDrawing() {
  await page.evaluate(() => {
    const own = globalThis.setTimeout;
    const held = [];
    globalThis.setTimeout = (run, ms, ...rest) => (ms ? own(run, ms, ...rest) : held.push(() => run(...rest)));
    globalThis.release = () => {
      globalThis.setTimeout = own;
      for (const run of held) run();
    };
  });
  return () => page.evaluate(() => globalThis.release());
}

test("a setting is chosen, said to be chosen, taken back; what its bounds do not allow is not sent", async () => {
  await page.goto(`${home}/settings/appearance`);
  const rows = await ada.get("/settings");
  for (const { key, scope, help } of rows.data) {
    const sentence = page.getByText(new RegExp(`^${help.slice(0, 20)}`, "i"));
    await visible(page.getByRole("list", { name: "Editor" }));
    await counts(sentence, scope === "user" ? 1 : 0, key);
  }
  const size = page.getByLabel("Font size", { exact: true });
  let sent = 0;
  const note = (request) => { sent += request.method() === "PUT" && /\/settings\//.test(request.url()); };
  page.on("request", note);
  for (const [typed, good] of [["73", false], ["72", true], ["5", false], ["10", true], ["12.5", false], ["6", true]]) {
    const before = sent;
    await size.fill(typed);
    await size.press("Enter");
    if (good) await until(`chosen: ${typed}`, async () => sent > before && (await setting(ada, "editor.font_size")).user === Number(typed));
    else await visible(page.getByText("A whole number from 6 to 72 px."));
    assert.equal(sent - before, good ? 1 : 0, typed);
    assert.equal((await ada.put("/settings/editor/font_size", { value: Number(typed) })).status, good ? 200 : 400, typed);
  }
  await disabled(page.getByRole("button", { name: "Less font size" }));
  await button("More font size", page).click();
  await size.press("ArrowUp");
  await until("by button and by key", async () => (await setting(ada, "editor.font_size")).user === 8);
  await size.evaluate(async (field) => { // a held key is faster than what it chose is drawn
    for (let step = 0; step < 3; step++) {
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true, cancelable: true }));
      for (let i = 0; i < 3; i++) await Promise.resolve();
    }
  });
  await until("each step counts", async () => (await setting(ada, "editor.font_size")).user === 11);
  const drawn = (px) => until(`${px} px are drawn`, () => page.getByTestId("reading-example").getByRole("region").evaluate((element, one) => getComputedStyle(element).fontSize === `${one}px`, px));
  let release = await holdDrawing();
  await size.fill("20");
  await size.press("Enter");
  await until("the first is chosen", async () => (await setting(ada, "editor.font_size")).user === 20);
  await size.fill("21");
  await release();
  await drawn(20);
  await value(size, "21", "what is typed meanwhile stays");
  await size.press("Enter");
  await drawn(21);
  const before = sent;
  release = await holdDrawing();
  for (const typed of ["22", "21"]) {
    await size.fill(typed);
    await size.press("Enter");
  }
  await until("whoever goes back on a choice is heard", async () => sent >= before + 2 && (await setting(ada, "editor.font_size")).user === 21);
  await release();
  await value(size, "21");
  await button("Font size: back to 13 px", page).click();
  await until("taken back", async () => (await setting(ada, "editor.font_size")).source === "default");
  await gone(button("Font size: back to 13 px", page));
  await value(size, "13");
  const minimap = page.getByRole("switch", { name: "Minimap" });
  await minimap.press("Space");
  await until("on", async () => (await setting(ada, "editor.minimap")).value === true);
  await attribute(minimap, "aria-checked", "true");
  await button("Reduced", page.getByRole("group", { name: "Motion" })).click();
  await until("still", () => page.evaluate(() => document.documentElement.hasAttribute("data-still")));
  await page.route("**/api/v5/settings/editor/word_wrap", (route) => route.abort("connectionrefused"));
  await page.getByRole("switch", { name: "Word wrap" }).click();
  await attribute(page.getByRole("switch", { name: "Word wrap" }), "aria-checked", "false"); // what did not go through is taken back
  await unroute(page);
  page.off("request", note);
});

test("what was chosen last is stored, also when the page is closed before it is sent", async (t) => {
  const other = await page.context().newPage();
  await other.goto(`${home}/settings/appearance`);
  await visible(other.getByRole("list", { name: "Editor" }));
  await halt(t, server.serverPid);
  await page.evaluate(() => { // all connections that a browser makes to one host are taken: the first choice waits for one, and the others for it
    for (let i = 0; i < 6; i++) void fetch(`/api/v5/health?${i}`, { cache: "no-store" }).catch(() => undefined);
  });
  await other.getByRole("switch", { name: "Word wrap" }).click();
  for (const name of ["Dark", "System"]) await button(name, other.getByRole("group", { name: "Theme" })).click();
  await other.waitForFunction(() => localStorage.getItem("coditect-theme") === "system");
  await other.close();
  resume(server.serverPid);
  await until("what was on its way is stored", async () => (await setting(ada, "editor.word_wrap")).user === true);
  await until("what waited is stored", async () => (await setting(ada, "appearance.theme")).user === "system");
  for (const one of ["editor/word_wrap", "appearance/theme"]) await ada.delete(`/settings/${one}`);
});

test("what a team gives to its members counts until they choose, and says whose it is", async () => {
  await page.goto(`${home}/settings/defaults`);
  await page.getByLabel("Tab size", { exact: true }).fill("8");
  await page.getByLabel("Running", { exact: true }).fill("6"); // which takes the keyboard from the other
  await page.getByLabel("Running", { exact: true }).press("Enter");
  await until("the team's", async () => (await setting(grace, "editor.tab_size")).source === "tenant" && (await setting(grace, "workspaces.running")).value === 6);
  await look(page, "settings-defaults");
  await page.goto(`${home}/settings/appearance`);
  await visible(page.getByText("Your team’s"));
  await value(page.getByLabel("Tab size", { exact: true }), "8");
  await page.getByLabel("Tab size", { exact: true }).fill("2");
  await page.getByLabel("Tab size", { exact: true }).press("Enter");
  await until("her own", async () => (await setting(ada, "editor.tab_size")).user === 2);
  await button("Tab size: back to 8 columns", page).click();
  await visible(page.getByText("Your team’s"));
  await until("the team's again", async () => (await setting(ada, "editor.tab_size")).source === "tenant"); // another page would stop what is not sent yet
  await page.goto(`${home}/settings/defaults`);
  await button("Tab size: back to 4 columns", page).click();
  await until("no more", async () => (await setting(grace, "editor.tab_size")).source === "default");
});

test("what the team's workspaces do not store: written, refused with its line, saved, taken back", async () => {
  await page.goto(`${home}/settings/defaults`);
  const lines = page.getByRole("textbox", { name: "Ignore" });
  const save = button("Save ignore", page);
  await visible(lines);
  await disabled(save, "nothing was written");
  await lines.fill("*.iso\n*");
  await save.click();
  await visible(page.getByText(/line 2: the pattern names everything/));
  assert.equal(await lines.inputValue(), "*.iso\n*", "what was refused stays to be mended");
  await attribute(lines, "aria-invalid", "true");
  await look(page, "settings-ignore-refused");
  await lines.fill(`${"x".repeat(100)}\n`.repeat(100));
  await visible(page.getByText(/At most 8192 bytes; these are 10100/));
  await disabled(save);
  await button("Discard changes", page).click();
  await value(lines, "");
  await lines.fill("*.iso\n/data/\n!keep.iso\n");
  await save.press("Enter");
  await until("the team's", async () => (await setting(ada, "files.ignore")).tenant === "*.iso\n/data/\n!keep.iso\n");
  await disabled(save, "nothing is left to save");
  await until("it is said, too", async () => (await page.locator("[data-loading]").count()) === 0); // the spinner hides the button's name
  await look(page, "settings-ignore");
  await page.reload();
  await value(lines, "*.iso\n/data/\n!keep.iso\n");
  await lines.fill("");
  await save.click();
  await until("no more", async () => (await setting(ada, "files.ignore")).source === "default");
});

test("what somebody else changes meanwhile is told, and not overwritten unseen", async () => {
  await page.goto(`${home}/settings/defaults`);
  const lines = page.getByRole("textbox", { name: "Ignore" });
  const tabs = page.getByLabel("Tab size", { exact: true });
  const theirs = page.getByText("Somebody else changed these lines meanwhile.");
  await visible(lines);
  await ada.put("/tenant/settings/editor/tab_size", { value: 6 });
  await tabs.fill("8");
  await tabs.press("Enter");
  await visible(page.getByText("It was changed elsewhere meanwhile."));
  await value(tabs, "6", "what is there now");
  assert.equal((await setting(ada, "editor.tab_size")).tenant, 6);
  await tabs.fill("8");
  await tabs.press("Enter");
  await until("once more, knowing it", async () => (await setting(ada, "editor.tab_size")).tenant === 8);

  await ada.put("/tenant/settings/files/ignore", { value: "*.iso\n" });
  await lines.fill("*.log\n");
  await button("Save ignore", page).click();
  await visible(theirs);
  await visible(page.getByText("*.iso", { exact: true }));
  await disabled(button("Save ignore", page));
  assert.equal(await lines.inputValue(), "*.log\n", "what is being written stays");
  await look(page, "settings-ignore-meanwhile");
  await button("Keep mine, to save it over theirs", page).click();
  await gone(theirs);
  await ada.put("/tenant/settings/files/ignore", { value: "*.zip\n" });
  await button("Save ignore", page).click();
  await visible(page.getByText("*.zip", { exact: true }));
  assert.equal((await setting(ada, "files.ignore")).tenant, "*.zip\n", "once more, by a third");
  await button("Take theirs", page).click();
  await gone(theirs);
  await value(lines, "*.zip\n");
  await lines.fill("*.zip\n*.log\n");
  await button("Save ignore", page).click();
  await until("on top of theirs", async () => (await setting(ada, "files.ignore")).tenant === "*.zip\n*.log\n");
  for (const one of ["editor/tab_size", "files/ignore"]) await ada.delete(`/tenant/settings/${one}`);
});

test("files are read as the person likes", async () => {
  await page.goto(`${home}/settings/appearance`);
  const example = page.getByTestId("reading-example").getByRole("region");
  const shown = () => example.evaluate((element) => [getComputedStyle(element).fontSize, getComputedStyle(element).tabSize, element.scrollWidth > element.clientWidth]);
  await settles(shown, ["13px", "4", true]);
  for (const [field, value] of [["Font size", "16"], ["Tab size", "8"]]) {
    await page.getByLabel(field, { exact: true }).fill(value);
    await page.getByLabel(field, { exact: true }).press("Enter");
  }
  await page.getByRole("switch", { name: "Word wrap" }).click();
  await until("as she likes", async () => (await shown()).join() === "16px,8,false");
  await until("kept", async () => (await setting(ada, "editor.word_wrap")).user === true);
  await look(page, "settings-appearance");
  await page.goto(`${home}/sessions/${one.id}/files/src/hello.txt`);
  await visible(page.getByTestId("text").getByText("hello"));
  assert.equal(await page.getByTestId("text").textContent(), "hello\n");
  await until("as chosen", () => page.getByTestId("text").evaluate((element) => getComputedStyle(element).fontSize === "16px"));
});

test("all of one's data: an archive of each session, and the account", async () => {
  const project = (await ada.post("/projects", { name: "Engine" })).data;
  const link = (await ada.post(`/sessions/${one.id}/links`, { name: "Grace" })).data.link;
  const talk = (await ada.post("/conversations", { session_id: one.id, name: "Why it is slow" })).data;
  const said = (await ada.post(`/conversations/${talk.id}/messages`, { role: "user", content: "Why is it slow?" })).data;
  const over = (await ada.post("/conversations", { session_id: one.id, name: "Over" })).data;
  const last = (await ada.post(`/conversations/${over.id}/messages`, { role: "user", content: "Never mind." })).data;
  await ada.delete(`/conversations/${over.id}`);
  const key = (await ada.post("/auth/keys", { name: "nightly build" })).data;
  await page.goto(`${home}/settings/data`);
  await visible(page.getByRole("list", { name: "Sessions to download" }).getByText("Project A"));
  await visible(page.getByText(/In none of them: earlier versions of files, files and conversations of deleted sessions/));
  await look(page, "settings-data");
  const refused = new Set(); // each once, as when she has more conversations than requests a minute
  const refuse = (route) => {
    const { pathname } = new URL(route.request().url());
    if (refused.has(pathname)) return route.fallback();
    refused.add(pathname);
    return route.fulfill({ status: 429, headers: { "Retry-After": "0" }, json: { success: false, error: { code: "rate_limited", message: "Too many requests.", request_id: "req-0" } } });
  };
  const places = ["sessions/*/links", "conversations?*", "conversations", "conversations/*/messages*", "settings", "users/me/totp", "auth/devices", "auth/keys*", "projects?*", "sessions/*/archive?*"];
  for (const place of places) await page.route(`**/api/v5/${place}`, refuse);
  const taken = [];
  page.on("download", (download) => taken.push(download));
  await button("Download everything", page).click();
  await visible(page.getByText(/^All of it is on its way/));
  await until("all came", () => taken.length >= 3);
  assert.deepEqual(taken.map((download) => download.suggestedFilename()), ["coditect-account.json", "home.tar.gz", "Project A.tar.gz"]);
  const text = readFileSync(await taken[0].path(), "utf8");
  const account = JSON.parse(text);
  assert.equal(account.user.email, ada.email);
  assert.deepEqual([account.sessions.map(({ name }) => name), account.deleted_sessions.map(({ name }) => name)], [["Project A"], ["Project B"]]);
  assert.deepEqual(account.conversations.map(({ id, name, said: messages }) => [id, name, messages]), [[talk.id, "Why it is slow", [said]]]);
  assert.deepEqual(account.keys.map(({ id, name }) => [id, name]), [[key.record.id, "nightly build"]]);
  assert.ok(!text.includes(key.key), "a key itself is in no export");
  assert.deepEqual([account.projects, account.links].map((some) => some.map(({ id }) => id)), [[project.id], [link.id]]);
  assert.deepEqual(account.deleted_conversations.map(({ id, said: messages }) => [id, messages]), [[over.id, [last]]]);
  assert.deepEqual([account.settings["editor.word_wrap"], account.two_factor.enabled], [true, false]);
  for (const part of ["/links", "/conversations", "/messages", "/keys", "/settings", "/totp", "/devices", "/archive"]) assert.ok([...refused].some((path) => path.endsWith(part)), part);
  await unroute(page);
  assert.ok(account.devices.length > 0);
  assert.match(execFileSync("tar", ["tzf", await taken[2].path()], { encoding: "utf8" }), /src\/hello\.txt/);
});

test("sessions of the team: deleted, restored, by whose they are", async () => {
  await page.goto(`${home}/settings/sessions`);
  const list = page.getByRole("list", { name: "Sessions of the team" });
  await visible(list.getByText("Compiler"));
  const names = async () => (await list.getByRole("listitem").allInnerTexts()).map((text) => text.split("\n")[0]);
  await page.getByLabel("Order", { exact: true }).selectOption({ label: "Name" });
  await until("by name", async () => (await names()).join() === "Compiler,Project A");
  await page.getByLabel("Order", { exact: true }).selectOption({ label: "Newest" });
  await until("the newest first", async () => (await names()).join() === "Compiler,Project A");
  await ada.put(`/sessions/${one.id}`, { name: "A Project" });
  await page.reload();
  await page.getByLabel("Order", { exact: true }).selectOption({ label: "Name" });
  await until("by name again", async () => (await names()).join() === "A Project,Compiler");
  await ada.put(`/sessions/${one.id}`, { name: "Project A" });
  await page.reload();
  await visible(list.getByText("Project A"));
  await look(page, "settings-sessions");
  await page.getByLabel("Whose sessions").selectOption({ label: "grace" });
  await gone(list.getByText("Project A"));
  await button("Delete Compiler", list).click();
  await button("Delete", page.getByRole("dialog")).click();
  await visible(page.getByText("Nobody who was chosen has any."));
  await button("Deleted", page).click();
  await button("Restore Compiler", list).click();
  await visible(page.getByText("“Compiler” is back"));
  await until("it is back", async () => (await grace.get(`/sessions/${hers.id}`)).status === 200);
});

test("the audit log: what happened, looked for by person, action, session and time, in detail, and exported", async () => {
  await page.goto(`${home}/settings/audit`);
  await visible(rows.filter({ hasText: "deleted the session" }));
  await visible(rows.filter({ hasText: "grace" }).filter({ hasText: "created the session Compiler" }));
  await look(page, "settings-audit");
  await page.getByLabel("What", { exact: true }).selectOption({ label: "Deleted the session" });
  await until("deletions alone", async () => (await rows.allTextContents()).every((text) => /deleted the session/.test(text)) && await rows.count() === 2);
  await page.waitForURL(/what=session\.delete/);
  await page.getByLabel("Session", { exact: true }).selectOption({ label: "Compiler" });
  await until("of one session", async () => await rows.count() === 1);
  await rows.first().click();
  await visible(page.getByText(hers.id));
  await visible(page.getByText(/^req-/));
  await look(page, "settings-audit-detail");
  const saved = page.waitForEvent("download");
  await button("Export", page).click();
  const lines = readFileSync(await (await saved).path(), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ action, target }) => [action, target]), [["session.delete", hers.id]]);
  await page.reload();
  await until("the address says what is looked for", async () => await rows.count() === 1);
  await page.goto(`${home}/settings/audit?who=${grace.user.id}&when=hour`);
  await visible(rows.filter({ hasText: "registered" }));
  assert.ok((await rows.allTextContents()).every((text) => text.startsWith("grace")));
  await page.getByLabel("What", { exact: true }).selectOption({ label: "All of the team" });
  await visible(page.getByText("Nothing of that kind happened"));
});

test("another address: asked with the password, and the one to log in with from then on", async () => {
  await page.goto(`${home}/settings`);
  const field = page.getByLabel("E-mail", { exact: true });
  await field.fill("ada at home");
  await page.getByLabel("Your password").fill(ada.password);
  await button("Change address", page).click();
  await visible(page.getByText("Enter an e-mail address"));
  await field.fill("countess@example.com");
  await page.getByLabel("Your password").fill("not this one");
  await button("Change address", page).click();
  await visible(page.getByText("The password is wrong."));
  assert.equal(await page.getByRole("alert").count(), 0, "once is enough");
  await look(page, "settings-address");
  await page.getByLabel("Your password").fill(ada.password);
  await button("Change address", page).click();
  await visible(page.getByText("Your address is changed"));
  assert.equal((await server.anonymous().post("/auth/login", { email: "countess@example.com", password: ada.password })).status, 200);
});

test("usage: what the team has and may have, and what runs", async () => {
  await page.route("**/api/v5/workspaces?**", async (route) => {
    const real = await ada.get("/workspaces");
    const some = real.data.slice(0, 1).map((workspace) => ({ ...workspace, state: "running", wanted: true }));
    await route.fulfill({ json: { ...real.json, data: some } });
  });
  await page.route("**/api/v5/tenant", async (route) => {
    const { json } = await ada.get("/tenant");
    const usage = { members: { used: 2, limit: 10 }, sessions: { used: 1700 }, running: { used: 4, limit: 4 }, bytes: { used: 900 * 1024 * 1024, limit: 1024 ** 3 }, stored: { used: 1.5 * 1024 ** 3, limit: 4 * 1024 ** 3 } };
    await route.fulfill({ json: { ...json, data: { ...json.data, usage } } });
  });
  await page.goto(`${home}/settings/usage`);
  const meter = (name, wanted) => attribute(page.getByRole("meter", { name, exact: true }), "aria-valuetext", wanted);
  await meter("Storage", "900.0 MiB of 1.0 GiB");
  await meter("Storage with history", "1.5 GiB of 4.0 GiB");
  assert.equal(await page.getByRole("meter", { name: "Sessions" }).count(), 0, "there is no limit");
  await visible(page.getByText("1700, no limit"));
  await visible(page.getByText("· full"));
  await visible(page.getByRole("list", { name: "Running workspaces" }));
  await look(page, "settings-usage");
  await page.unroute("**/api/v5/tenant");
  await page.reload();
  await visible(page.getByText(/^2(, no limit| of)/));
  await page.getByRole("button", { name: /^Pause / }).click();
  await button("Pause", page.getByRole("dialog")).click();
  await visible(page.getByText(/^“.*” pauses$/));
  await unroute(page);
  await page.reload();
  await visible(page.getByText("Nothing runs"));
});

test("a refused password is seen as one", async () => {
  await server.anonymous().post("/auth/login", { email: "grace@example.com", password: "not this one" });
  await until("it is written", async () => (await ada.get("/audit?action=login")).data.some(({ outcome }) => outcome === "denied"));
  await page.goto(`${home}/settings/audit?what=login`);
  await visible(rows.filter({ hasText: "Refused" }).filter({ hasText: "grace" }));
});

test("the team handed over: the owner is an admin then", async () => {
  await page.goto(`${home}/settings/members`);
  await page.getByLabel("New owner").selectOption({ label: "grace" });
  await button("Make owner", page).click();
  await button("Make owner", page.getByRole("dialog")).click();
  await visible(page.getByText("grace is the owner now"));
  await gone(button("Make owner", page));
  assert.equal((await grace.get("/users/me")).data.role, "owner");
  assert.equal((await ada.get("/users/me")).data.role, "admin");
});

test("who is no admin is not led to what admins see, and told so at its address", async () => {
  const viewer = await member("vera", "viewer");
  const theirs = await (await world.newContext()).newPage();
  await world.logIn(theirs, { email: viewer.user.email, password: "a password to test with" });
  await theirs.goto(`${home}/settings/audit`);
  await visible(theirs.getByRole("alert"));
  assert.equal(await link("Audit log", theirs.getByRole("navigation", { name: "Settings" })).count(), 0);
  assert.equal(await link("Sessions of the team", theirs.getByRole("navigation", { name: "Settings" })).count(), 0);
});

test("who leaves is asked for the password, and is gone", async () => {
  const gina = await server.account("gina");
  const theirs = await (await world.newContext()).newPage();
  await world.logIn(theirs, gina);
  await theirs.goto(`${home}/settings/data`);
  await button("Delete your account", theirs).click();
  const dialog = theirs.getByRole("dialog");
  await button("Delete the account", dialog).click();
  await visible(dialog.getByText("Enter your password."));
  await dialog.getByLabel("Your password").fill("not this one");
  await button("Delete the account", dialog).click();
  await visible(dialog.getByText("The password is wrong."));
  await look(theirs, "settings-leave");
  await dialog.getByLabel("Your password").fill(gina.password);
  await button("Delete the account", dialog).click();
  await theirs.waitForURL(/\/login/);
  await visible(theirs.getByText(`The account ${gina.email} is deleted`));
  assert.equal((await server.anonymous().post("/auth/login", { email: gina.email, password: gina.password })).status, 401);
});
