// The web app in a browser, against the real coditectd: a person registers, makes a session, brings files in, reads, renames,
// deletes and takes back, logs out, and comes back to where she was. Every page is held against axe in both themes and two
// widths, no request leaves the server's own address, and nothing is refused by the page's own security policy.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { until } from "../api/harness.mjs";
import * as e2e from "./browser.mjs";

const { escape, gone, visible, web } = e2e;
const world = await e2e.launch();
const { home } = world;
const downloads = mkdtempSync(join(tmpdir(), "coditect-web-"));
after(() => rmSync(downloads, { recursive: true }));

const context = await world.newContext();
const page = await context.newPage();

const button = (name, where = page) => e2e.button(name, where);
const link = (name, where = page) => e2e.link(name, where);
const look = (name) => e2e.look(page, name);

const ada = { name: "Ada Lovelace", email: "ada@example.com", password: "a password to test with" };
let sessionUrl = "";

test("register, with what is wrong said beside its field", async () => {
  await page.goto(`${home}/settings`);
  await page.waitForURL(/\/login\?next=%2Fsettings$/);
  await visible(page.getByRole("heading", { name: "Log in" }));
  await look("login");
  await link("Create one").click();
  await page.getByLabel("E-mail").fill("nobody");
  await button("Create account").click();
  await visible(page.getByText("Enter an e-mail address"));
  await look("register");
  await page.getByLabel("Name", { exact: true }).fill(ada.name);
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").fill(ada.password);
  await button("Create account").click();
  await page.waitForURL(`${home}/settings`);
  await link("Coditect, to your sessions").click();
  await visible(page.getByText("Create your first session"));
  await look("sessions-empty");
});

test("no token lies where scripts of a later visit could find it", async () => {
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  assert.doesNotMatch(stored, /ey[A-Za-z0-9_-]{10,}\.|log-/);
  const [cookie] = await context.cookies();
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict", JSON.stringify(cookie));
});

test("create a session, bring files in, read them", async () => {
  await page.keyboard.press("n");
  await page.getByLabel("Name", { exact: true }).fill("Project A");
  await look("new-session");
  await button("Create", page.getByRole("dialog")).click();
  await page.waitForURL(/\/sessions\/ses-[0-9a-z]{26}$/);
  sessionUrl = page.url();
  await page.goto(`${sessionUrl}/files`); // they are there whether the workspace runs or not
  await visible(page.getByText("This folder is empty"));
  await look("session-empty");
  await button("New folder").click();
  await page.getByLabel("Name", { exact: true }).fill("src");
  await button("Create", page.getByRole("dialog")).click();
  await link("src").first().click();
  await page.waitForURL(/\/files\/src$/);
  const text = Buffer.from('#include <stdio.h>\n\nint main(void)\n{\n    puts("Grüße");\n}\n');
  const picture = readFileSync(join(web, "icon.svg"));
  await page.getByLabel("Files to upload").setInputFiles([
    { name: "hello.c", mimeType: "text/plain", buffer: text },
    { name: "100% ü?.txt", mimeType: "text/plain", buffer: Buffer.from("odd\n") },
    { name: "logo.svg", mimeType: "image/svg+xml", buffer: picture },
    { name: "data.bin", mimeType: "application/octet-stream", buffer: Buffer.from([0, 1, 2, 255]) },
  ]);
  await visible(page.getByText("Uploaded 4 files"));
  await visible(page.getByRole("list", { name: "Entries" }).getByText("hello.c"));
  await look("folder");
  await button("Close the list of uploads").click();
  await page.getByRole("list", { name: "Entries" }).getByRole("link", { name: "hello.c" }).click();
  await page.waitForURL(/\/files\/src\/hello\.c$/);
  assert.equal(await page.getByTestId("text").textContent(), text.toString());
  await look("file");
  const [saved] = await Promise.all([page.waitForEvent("download"), button("Download").click()]);
  assert.equal(saved.suggestedFilename(), "hello.c");
  await saved.saveAs(join(downloads, "hello.c"));
  assert.deepEqual(readFileSync(join(downloads, "hello.c")), text);
});

test("a picture, bytes that are no text, an odd name, a path that is not there", async () => {
  await page.goto(`${sessionUrl}/files/src/logo.svg`);
  await visible(page.getByRole("img", { name: "logo.svg" }));
  assert.ok(await page.getByRole("img", { name: "logo.svg" }).evaluate((image) => image.decode().then(() => image.naturalWidth > 0)));
  await look("picture");
  await page.goto(`${sessionUrl}/files/src/data.bin`);
  await visible(page.getByText("This file is not text"));
  await page.goto(`${sessionUrl}/files/src/100%25%20%C3%BC%3F.txt`);
  assert.equal(await page.getByTestId("text").textContent(), "odd\n");
  await page.goto(`${sessionUrl}/files/src/none.c`);
  await visible(page.getByText("“none.c” is not here."));
  await look("file-gone");
});

test("drop a file, replace it after being asked", async () => {
  await page.goto(`${sessionUrl}/files/src`);
  await visible(page.getByRole("list", { name: "Entries" }));
  const transfer = await page.evaluateHandle(() => {
    const made = new DataTransfer();
    made.items.add(new File(["dropped\n"], "hello.c"));
    return made;
  });
  await page.getByRole("list", { name: "Entries" }).dispatchEvent("drop", { dataTransfer: transfer });
  await visible(page.getByText("Replace “hello.c”?"));
  await button("Replace").click();
  await visible(page.getByText("Uploaded 1 file"));
  await page.getByRole("list", { name: "Entries" }).getByRole("link", { name: "hello.c" }).click();
  await page.waitForFunction(() => document.querySelector("[data-testid=text]")?.textContent === "dropped\n");
});

test("a file that is picked goes to the folder of the address, at every instant", async () => {
  await page.goto(`${sessionUrl}/files`);
  await visible(page.getByRole("list", { name: "Entries" }));
  const instant = await page.evaluate(async () => {
    const old = document.querySelector("input[type=file]");
    const list = document.querySelector("ul[aria-label=Entries]");
    list.querySelector("a").click();
    // What a click has caused is done before the next event of a person can come.
    for (let i = 0; i < 3; i++) await Promise.resolve();
    return { address: location.pathname.replace(/.*\/files/, ""), old: old.isConnected, list: list.isConnected };
  });
  assert.deepEqual(instant, { address: "/src", old: false, list: false });
  await page.getByLabel("Files to upload").setInputFiles({ name: "quick.txt", mimeType: "text/plain", buffer: Buffer.from("quick\n") });
  await visible(page.getByRole("list", { name: "Entries" }).getByRole("link", { name: "quick.txt" }));
  assert.match(page.url(), /\/files\/src$/);
  await page.getByRole("list", { name: "Entries" }).getByRole("link", { name: "hello.c" }).click();
  await visible(page.getByTestId("text"));
});

test("rename a file, delete it and take that back", async () => {
  await button("Actions for hello.c").click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByLabel("Name", { exact: true }).fill("data.bin");
  await button("Rename", page.getByRole("dialog")).click();
  await visible(page.getByRole("dialog").getByRole("alert"));
  await page.getByLabel("Name", { exact: true }).fill("main.c");
  await button("Rename", page.getByRole("dialog")).click();
  await page.waitForURL(/\/files\/src\/main\.c$/);
  await visible(page.getByTestId("text"));
  await button("Actions for main.c").click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Undo" }).hover(); // a message under the pointer stays
  await page.waitForURL(/\/files\/src$/);
  const row = page.getByRole("list", { name: "Entries" }).getByRole("link", { name: "main.c" });
  await gone(row);
  await page.getByRole("button", { name: "Undo" }).click();
  await visible(row);
});

test("sessions: rename, pause, delete, take back", async () => {
  await page.goto(`${home}/sessions`);
  await visible(link("Project A"));
  await look("sessions");
  await button("Actions for Project A").click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Analytical Engine");
  await button("Rename", page.getByRole("dialog")).click();
  await visible(link("Analytical Engine"));
  await button("Actions for Analytical Engine").click();
  await look("session-menu");
  await page.getByRole("menuitem", { name: "Pause" }).click();
  await visible(page.getByRole("list", { name: "Sessions" }).getByText(/^Paus(ed|ing)$/));
  await button("Actions for Analytical Engine").click();
  await page.getByRole("menuitem", { name: "Files" }).click();
  await visible(page.getByRole("list", { name: "Entries" }).getByRole("link", { name: "src" }));
  await page.goto(`${home}/sessions`);
  await button("Actions for Analytical Engine").click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await gone(link("Analytical Engine"));
  await link("Deleted").click();
  await visible(button("Restore Analytical Engine"));
  await look("sessions-deleted");
  await button("Restore Analytical Engine").click();
  await link("Current").click();
  await visible(link("Analytical Engine"));
});

test("palette, shortcuts and pages that are not there, by keyboard", async () => {
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("analy");
  await look("palette");
  await page.keyboard.press("Enter");
  await page.waitForURL(sessionUrl);
  await gone(page.getByRole("dialog"));
  await page.keyboard.press("?");
  await visible(page.getByText("Keyboard shortcuts"));
  await look("shortcuts");
  await escape(page, page.getByRole("dialog"));
  await page.goto(`${home}/nowhere`);
  await visible(page.getByText("There is no page here"));
  await look("not-found");
  await page.goto(`${home}/sessions/ses-01jd5k7c9r3m8xq2w4e6y8t0za`);
  await visible(page.getByRole("button", { name: /^Copy request id req-/ }));
  await look("session-gone");
});

test("settings: name, theme, a wrong password, another device", async () => {
  const other = await world.newContext();
  const otherPage = await other.newPage();
  await otherPage.goto(`${home}/login`);
  await otherPage.getByLabel("E-mail").fill(ada.email);
  await otherPage.getByLabel("Password").fill(ada.password);
  await button("Log in", otherPage).click();
  await otherPage.waitForURL(`${home}/sessions`);

  await page.goto(`${home}/settings`);
  await look("settings");
  await page.getByLabel("Name", { exact: true }).fill("Countess Lovelace");
  await button("Save name").click();
  await visible(button("Account of Countess Lovelace"));
  const parts = page.getByRole("navigation", { name: "Settings" });
  await link("Appearance and editor", parts).click();
  await page.waitForURL(`${home}/settings/appearance`);
  const theme = page.getByRole("group", { name: "Theme" });
  const kept = page.waitForResponse((reply) => reply.request().method() === "PUT" && reply.url().endsWith("/settings/appearance/theme"));
  await button("Dark", theme).click();
  await page.waitForFunction(() => document.documentElement.classList.contains("dark"));
  await (await kept).finished(); // a reload would stop what is not sent yet
  await page.reload();
  await visible(button("System", theme));
  assert.ok(await page.evaluate(() => document.documentElement.classList.contains("dark")));
  await button("System", theme).click();
  await link("Password and devices", parts).click();
  await visible(page.getByRole("list", { name: "Devices" }));
  await look("settings-security");
  await page.getByLabel("Present password").fill("not the password");
  await page.getByLabel("New password").fill("another password");
  await button("Change password").click();
  await visible(page.getByText("The password is wrong."));
  await page.getByRole("list", { name: "Devices" }).getByRole("button", { name: /^Log out / }).click();
  await gone(page.getByRole("list", { name: "Devices" }).getByRole("button", { name: /^Log out / }));
  await otherPage.reload();
  await otherPage.waitForURL(/\/login/);
  await other.close();
});

test("a password changed, all others logged out, everywhere logged out", async () => {
  const grace = await world.server.account("grace");
  let { password } = grace;
  const here = await (await world.newContext()).newPage();
  const there = await (await world.newContext()).newPage();
  const devices = here.getByRole("list", { name: "Devices" }).getByRole("listitem");
  const security = async () => {
    await here.goto(`${home}/settings/security`);
    await visible(devices);
  };
  const isIn = async () => {
    await there.reload();
    await visible(there.getByRole("button", { name: /^Account of / }));
  };
  const isOut = async () => {
    await there.reload();
    await there.waitForURL(/\/login/);
  };
  const change = async (fresh) => {
    await here.getByLabel("Present password").fill(password);
    await here.getByLabel("New password").fill(fresh);
    await button("Change password", here).click();
    await visible(here.getByText("Your password is changed"));
    const statuses = await Promise.all([password, fresh].map(async (one) => (await world.server.anonymous().post("/auth/login", { email: grace.email, password: one })).status));
    assert.deepEqual(statuses, [401, 200]);
    password = fresh;
  };
  await world.logIn(here, grace);
  await world.logIn(there, grace);
  await security();
  await here.getByText("Log out everywhere else, and end all API keys", { exact: true }).click(); // it is wanted unless she says otherwise
  await change("a second password to test");
  await isIn();
  await here.reload();
  await visible(devices);
  await change("a third password to test with");
  await isOut();

  await world.logIn(there, { ...grace, password });
  await security();
  await until("all are told", async () => await devices.count() > 1);
  await button("Log out all others", here).click();
  await visible(here.getByText("All other devices are logged out"));
  await until("this one alone", async () => await devices.count() === 1);
  await gone(button("Log out all others", here));
  await isOut();

  await world.logIn(there, { ...grace, password });
  await security();
  await button("Log out everywhere", here).click();
  await button("Log out everywhere", here.getByRole("dialog")).click();
  await here.waitForURL(/\/login/);
  await isOut();
  await Promise.all([here, there].map((one) => one.context().close()));
});

test("a key for scripts: shown once, good for what it may, and ended", async () => {
  await link("API keys", page.getByRole("navigation", { name: "Settings" })).click();
  const list = page.getByRole("list", { name: "API keys" });
  const answer = (key, method) => page.evaluate(([bearer, verb]) => fetch("/api/v5/sessions", {
    method: verb, headers: { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" }, ...(verb === "POST" ? { body: JSON.stringify({ name: "By a key" }) } : {}),
  }).then((reply) => reply.status), [key, method]);
  await page.getByLabel("What it is for").fill("nightly build");
  await button("Make a key").click();
  const key = await page.getByLabel("The new key").inputValue();
  await visible(list.getByText("nightly build"));
  await visible(list.getByText(/^Reads · never used · ends in/));
  await look("settings-keys");
  assert.deepEqual([await answer(key, "GET"), await answer(key, "POST")], [200, 403]);
  await button("End nightly build").click();
  await button("End the key", page.getByRole("dialog")).click();
  await gone(list);
  assert.equal(await answer(key, "GET"), 401);
});

test("one refresh at a time among tabs; a logout ends them all; back to where she was", async () => {
  let atOnce = 0;
  let most = 0;
  let count = 0;
  context.on("request", (request) => {
    if (!request.url().endsWith("/auth/refresh")) return;
    count += 1;
    atOnce += 1;
    most = Math.max(most, atOnce);
  });
  const ended = (request) => { if (request.url().endsWith("/auth/refresh")) atOnce -= 1; };
  context.on("requestfinished", ended);
  context.on("requestfailed", ended);
  const tabs = await Promise.all([1, 2, 3].map(() => context.newPage()));
  await Promise.all(tabs.map((tab) => tab.goto(`${sessionUrl}/files/src`)));
  await Promise.all(tabs.map((tab) => visible(tab.getByRole("list", { name: "Entries" }))));
  assert.ok(count >= 3, `${count} refreshes`);
  assert.equal(most, 1);
  await page.goto(`${sessionUrl}/files/src/main.c`);
  await visible(page.getByTestId("text"));
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await Promise.all([page, ...tabs].map((tab) => tab.waitForURL(/\/login\?next=/)));
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").fill("wrong password");
  await button("Log in").click();
  await visible(page.getByRole("alert"));
  await look("login-refused");
  await page.getByLabel("Password").fill(ada.password);
  await button("Log in").click();
  await page.waitForURL(`${sessionUrl}/files/src/main.c`);
  await visible(page.getByTestId("text"));
});

test("what was asked for without a network is shown once it is back", async () => {
  await context.setOffline(true);
  await page.getByRole("link", { name: "Sessions" }).first().click();
  await link("Deleted").click();
  await context.setOffline(false);
  await visible(page.getByText("Nothing deleted"));
});

test("a first load under 300 kB compressed", async () => {
  const fresh = await world.newContext();
  const first = await fresh.newPage();
  const loaded = new Set();
  fresh.on("response", (response) => loaded.add(new URL(response.url()).pathname));
  await first.goto(`${home}/login`);
  await visible(first.getByRole("button", { name: "Log in" }));
  await first.evaluate(() => document.fonts.ready);
  await until("the font is ours", () => [...loaded].some((path) => path.endsWith(".woff2")));
  const files = [...loaded].filter((path) => !path.startsWith("/api/")).map((path) => (path === "/login" ? "/index.html" : path));
  const size = (path) => {
    try {
      return readFileSync(join(web, `${path}.gz`)).length;
    } catch {
      return readFileSync(join(web, path)).length;
    }
  };
  const total = files.reduce((sum, path) => sum + size(path), 0);
  assert.ok(total < 300 * 1000, `${total} bytes: ${files.join(" ")}`);
  await fresh.close();
});
