// The session's page in every state, also those that are hard to bring about for real (session-stage.mjs).
import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute, button, escape, gone, link, look, setTheme, settles, visible } from "./browser.mjs";
import { openStage } from "./session-stage.mjs";

const stage = await openStage();
const { world, home, server, ide, context, page, ada, a, b, told, asked, tell, running, answers, answerOne, status, startUp, frame, framesCount, heard, ready, poke, until } = stage;

test("open: each step with how far it is, then the IDE, with a ticket and the page's theme", async () => {
  await button("Open Project A", page).click();
  await page.waitForURL(`${home}/sessions/${a.id}`);
  await startUp.and(page.locator("[data-stage=starting]")).waitFor();
  await settles(() => asked.open, [a.id]);
  await look(page, "starting");
  tell(a.id, "active", { state: "restoring", step: "Restoring files", done: 1240, total: 5000 });
  await startUp.and(page.locator("[data-stage=restoring]")).waitFor();
  await visible(page.getByText("1,240 of 5,000"));
  await attribute(page.getByTestId("progress").getByRole("progressbar"), "aria-valuenow", "25");
  await look(page, "restoring");
  tell(a.id, "active", { state: "restoring", step: "Restoring files", done: 4999, total: 5000 });
  await visible(page.getByText("4,999 of 5,000"));
  running(a.id);
  await ready();
  assert.deepEqual(asked.tickets, [a.id]);
  assert.deepEqual(ide.served, [a.id]);
  const element = page.getByTestId("ide-frame");
  assert.equal(await element.getAttribute("title"), "IDE of Project A");
  assert.equal(await element.getAttribute("allow"), "clipboard-read; clipboard-write; keyboard-map");
  assert.doesNotMatch(await element.getAttribute("sandbox"), /top-navigation/);
  const words = [{ type: "coditect.theme", theme: "light" }, { type: "coditect.person", name: "ada", email: ada.email }, { type: "coditect.shown", shown: true }];
  const settings = Object.fromEntries((await ada.get("/settings")).data.filter(({ category }) => category === "editor").map(({ key, value }) => [key, value]));
  assert.ok(settings.font_size > 0);
  words.push({ type: "coditect.editor", settings });
  await settles(heard, words.map((data) => ({ data, origin: home, fromParent: true })), "all is told");
  await attribute(status, "aria-label", "State: All changes persisted");
  await look(page, "ide");
});

test("what somebody chooses for editors elsewhere is said to the IDE when she is back on the page", async () => {
  await ada.put("/settings/editor/font_size", { value: 17 });
  await until("the IDE has heard it", async () => {
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
    return (await heard()).at(-1).data.settings?.font_size === 17;
  });
});

test("a theme chosen on either side is the theme of both", async () => {
  await setTheme(page, "dark");
  await until("the IDE is dark", async () => (await heard()).at(-1).data.theme === "dark");
  const answered = page.waitForResponse((reply) => reply.request().method() === "PUT" && reply.url().endsWith("/settings/appearance/theme"));
  await frame().evaluate(() => globalThis.say({ type: "coditect.theme.changed", theme: "light" }));
  await page.waitForFunction(() => document.documentElement.classList.contains("light"));
  await settles(() => page.evaluate(() => localStorage.getItem("coditect-theme")), "light");
  await (await answered).finished(); // the page takes it for what is chosen: before that nothing can be set back
  await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
  await until("it is kept", async () => (await ada.get("/settings")).data.find(({ key }) => key === "theme").user === "light");
  await ada.delete("/settings/appearance/theme");
  await page.evaluate(() => {
    localStorage.removeItem("coditect-theme");
    dispatchEvent(new StorageEvent("storage", { key: "coditect-theme" })); // as another tab would cause
  });
  await page.emulateMedia({ colorScheme: "light" });
});

test("a theme that is chosen in the IDE stays when another setting changes before it is kept", async () => {
  const chosen = async () => (await ada.get("/settings")).data.find(({ key }) => key === "theme").user;
  const seen = () => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
  const isShown = (theme) => page.evaluate((one) => document.documentElement.classList.contains(one), theme);
  await until("the system's light is shown", () => isShown("light")); // a moment behind the end of the test before
  await ada.put("/settings/appearance/theme", { value: "dark" }); // as on another device
  await until("the page follows", async () => {
    await seen();
    return isShown("dark");
  });
  await ada.put("/settings/editor/font_size", { value: 18 });
  let [isAsked, free] = [false];
  const held = new Promise((resolve) => { free = resolve; });
  const isList = (url) => url.pathname.endsWith("/api/v5/settings");
  await page.route(isList, async (route) => {
    const { json } = await ada.get("/settings");
    isAsked = true;
    await held;
    await route.fulfill({ json }).catch(() => undefined); // not wanted any more
  });
  await until("the page asks", async () => {
    await seen();
    return isAsked;
  });
  await frame().evaluate(() => globalThis.say({ type: "coditect.theme.changed", theme: "light" }));
  await until("it is shown", () => isShown("light"));
  free();
  await until("the other setting is known", async () => {
    await seen();
    return (await heard()).some(({ data }) => data.settings?.font_size === 18);
  });
  await until("it is kept", async () => (await chosen()) === "light");
  assert.equal(await isShown("light"), true);
  await page.unroute(isList);
  await ada.delete("/settings/appearance/theme");
  await page.evaluate(() => {
    localStorage.removeItem("coditect-theme");
    dispatchEvent(new StorageEvent("storage", { key: "coditect-theme" })); // as another tab would cause
  });
});

test("a new ticket comes when the IDE asks, not more often than it needs one, and nobody else is heard", async () => {
  const before = asked.tickets.length;
  await frame().evaluate(() => {
    for (let i = 0; i < 50; i++) globalThis.say({ type: "coditect.ticket.request" });
  });
  await until("a ticket", async () => (await heard()).some(({ data }) => data.type === "coditect.ticket"));
  const tickets = (await heard()).filter(({ data }) => data.type === "coditect.ticket");
  assert.equal(tickets.length, 1);
  assert.ok(tickets[0].data.url.startsWith(ide.url(a.id)), tickets[0].data.url);
  assert.equal(asked.tickets.length, before + 1);
  // From the page's own window, and from a frame within the IDE's.
  await page.evaluate(() => globalThis.postMessage({ type: "coditect.theme.changed", theme: "dark" }, "*"));
  await frame().evaluate(() => new Promise((resolve) => {
    const inner = document.createElement("iframe");
    inner.srcdoc = "<script>top.postMessage({ type: 'coditect.theme.changed', theme: 'dark' }, '*'); parent.done();</" + "script>";
    globalThis.done = resolve;
    document.body.append(inner);
  }));
  await page.evaluate(() => {
    globalThis.all = new Promise((resolve) => { addEventListener("message", ({ data }) => data.theme === "light" && requestAnimationFrame(resolve)); });
  });
  await frame().evaluate(() => globalThis.say({ type: "coditect.theme.changed", theme: "light" })); // the last that is heard
  await page.evaluate(() => globalThis.all.then(() => undefined));
  assert.equal(await page.evaluate(() => document.documentElement.classList.contains("dark")), false);
});

test("the IDE's page cannot lead this one elsewhere, not even at a click", async () => {
  await frame().evaluate((elsewhere) => {
    const trap = Object.assign(document.createElement("button"), { id: "trap", textContent: "Click me" });
    trap.onclick = () => {
      try {
        top.location.href = elsewhere;
      } catch {
        trap.textContent = "refused";
      }
    };
    document.body.append(trap);
  }, `${home}/login?next=%2Fsettings`);
  await frame().locator("#trap").click();
  await visible(frame().locator("#trap", { hasText: "refused" }));
  await frame().evaluate(() => document.querySelector("#trap").remove());
});

test("the files beside the IDE, and back to the same frame", async () => {
  await frame().locator("textarea").fill("typed and not saved");
  await link("Files", page).click();
  await page.waitForURL(`${home}/sessions/${a.id}/files`);
  await visible(page.getByRole("list", { name: "Entries" }).getByText("hello.txt"));
  await link("IDE", page).click();
  assert.equal(await frame().locator("textarea").inputValue(), "typed and not saved");
  assert.deepEqual(ide.served, [a.id]);
});

test("what is persisted, what keeps it awake, when it pauses", async () => {
  const word = (text) => page.locator(`[data-testid=persistence][aria-label="State: ${text}"]`).waitFor();
  const now = (more) => {
    running(a.id, more);
    return poke();
  };
  await now({ pending: 3, awake: "browser, process make" });
  await word("Persisting 3 changes…");
  await status.click();
  await visible(page.getByText("The program “make”, which is at work"));
  await look(page, "status");
  await escape(page, page.getByText("The program “make”, which is at work"));
  await now({ quiet: 2 });
  await word("Persisted; 2 quiet files wait");
  await now({ connected: false, pending: 5 });
  await word("Offline: 5 changes waiting");
  const full = "Your storage is full. What you change stays on this workspace's disk, and is stored once there is room.";
  await now({ pending: 2, message: full, trouble: full });
  await word("Your storage is full: 2 changes waiting");
  await status.click();
  await visible(page.getByText(full));
  await look(page, "full");
  await escape(page, page.getByText(full));
  await now({ failed: 1, message: "note.txt was changed elsewhere, too." });
  await word("1 file needs attention");
  await status.click();
  await visible(page.getByText("note.txt was changed elsewhere, too."));
  await look(page, "not-stored");
  await escape(page, page.getByText("note.txt was changed elsewhere, too."));
  await now({ failed: 3, damaged: 2 });
  await word("2 files are damaged, 1 other needs attention");
  await status.click();
  await visible(page.getByText(/^What the server has of 2 files is damaged: they are not restored/));
  await look(page, "damaged");
  await escape(page, page.getByText(/^What the server has of 2 files is damaged/));
  await now({ held_back: 1200, message: "1,200 files disappeared at once." });
  await word("1,200 deletions held back");
  await now({ pauses_at: new Date(Date.now() + 9.4 * 60_000).toISOString() });
  await word("All changes persisted");
  await visible(page.getByTestId("pauses-soon").getByText("Pauses in 9 minutes"));
  await status.click();
  await visible(page.getByText(/^In \d+ minutes, at \d\d:\d\d, unless it is used before/));
  await escape(page, page.getByText(/unless it is used before/));
});

test("what the IDE says of persistence is said at once, unless the server knows better", async () => {
  const word = (text) => page.locator(`[data-testid=persistence][aria-label="State: ${text}"]`).waitFor();
  await frame().evaluate(() => globalThis.persistence("busy", "Persisting 2 files…"));
  await word("Persisting 2 files…");
  await status.click();
  await visible(page.getByText("As the IDE on this page says, live."));
  await escape(page, page.getByText("As the IDE on this page says, live."));
  const long = "<b>Conflict</b>, and so on. ".repeat(10); // text and nothing else, as much as a status bar has room for
  await frame().evaluate((text) => globalThis.persistence("attention", text), long);
  await word(long.slice(0, 60));
  await frame().evaluate(() => globalThis.persistence("busy", "Persisting 2 files…"));
  running(a.id, { connected: false });
  await poke();
  await word("Offline: changes wait");
  running(a.id);
  await poke();
  await word("Persisting 2 files…");
  await frame().evaluate(() => globalThis.persistence("good", "All changes persisted"));
  await word("All changes persisted");
});

test("the server goes away and comes back: said at once, the frame stays", async () => {
  await context.route("**/api/v5/**", (route) => route.abort("connectionrefused"));
  await poke();
  await page.locator('[data-testid=persistence][aria-label="State: Connection lost"]').waitFor();
  await visible(page.getByTestId("lost").getByText("The server cannot be reached."));
  await visible(page.locator("footer").getByText("Offline"));
  assert.equal(await frame().locator("textarea").inputValue(), "typed and not saved");
  await look(page, "lost");
  await context.unroute("**/api/v5/**");
  // It also tries by itself, and may be faster than the hand.
  await button("Try now", page).click({ timeout: 3000 }).catch(() => undefined);
  await gone(page.getByTestId("lost"));
  await visible(page.locator("footer").getByText("Connected"));
  assert.deepEqual(ide.served, [a.id]);
});

test("one request that fails is not the end of the server", async () => {
  await context.route(/\/api\/v5\/sessions\/ses-[0-9a-z]+$/, (route) => route.abort("blockedbyclient"));
  await poke();
  await page.locator('[data-testid=persistence][aria-label="State: Connection lost"]').waitFor();
  await visible(page.locator("footer").getByText("Connected"));
  assert.equal(await page.getByTestId("lost").count(), 0);
  await context.unroute(/\/api\/v5\/sessions\/ses-[0-9a-z]+$/);
  await poke();
  await page.locator('[data-testid=persistence][aria-label="State: All changes persisted"]').waitFor();
});

test("the workspace dies and is started again: the frame outlives it", async () => {
  await frame().evaluate(() => globalThis.persistence("bad", "Connection lost"));
  tell(a.id, "active", { state: "starting" });
  await poke();
  await visible(page.getByRole("heading", { name: "Starting “Project A” again" }));
  const before = asked.tickets.length;
  await frame().evaluate(() => globalThis.say({ type: "coditect.ticket.request" }));
  running(a.id);
  await until("what was asked meanwhile is answered", () => asked.tickets.length === before + 1);
  await startUp.and(page.locator("[data-stage=loading]")).waitFor(); // until the IDE has found its way back
  await frame().evaluate(() => globalThis.persistence("good", "All changes persisted"));
  await gone(startUp);
  assert.equal(await frame().locator("textarea").inputValue(), "typed and not saved");
  assert.deepEqual(ide.served, [a.id]);
});

test("another session by the switcher, by keyboard alone; the first one runs on", async () => {
  await page.getByTestId("session-switcher").focus();
  await page.keyboard.press("Enter");
  await visible(page.getByRole("combobox", { name: "Find a session" }));
  await look(page, "switcher");
  await page.keyboard.type("project b");
  await visible(page.getByRole("option", { name: /Project B.*Stopped/ }));
  await page.keyboard.press("Enter");
  await page.waitForURL(`${home}/sessions/${b.id}`);
  await visible(page.getByRole("heading", { name: "Opening “Project B”" }));
  assert.deepEqual(asked.pause, []);
  running(b.id);
  await ready();
  assert.equal(ide.served.at(-1), b.id);
  await settles(framesCount, 2);
  await page.getByTestId("session-switcher").click();
  const options = page.getByRole("option");
  await visible(options.nth(0).and(options.filter({ hasText: /^Project B/ }))); // those used last come first
  await visible(options.nth(1).and(options.filter({ hasText: /^Project A.*Running/ })));
  await escape(page, page.getByRole("option"));
});

test("cancel while it starts pauses it; a paused one says so and opens again", async () => {
  tell(b.id, "active", { state: "starting" });
  await poke();
  await button("Cancel", page).click();
  await visible(page.getByTestId("pausing"));
  await settles(() => asked.pause, [b.id]);
  await look(page, "pausing");
  tell(b.id, "paused");
  await poke();
  await visible(page.getByTestId("paused"));
  await look(page, "paused");
  const opened = asked.open.length;
  await page.reload();
  await visible(page.getByTestId("paused")); // arriving is no wish to start what was paused
  assert.equal(asked.open.length, opened);
  await link("Files", page).click(); // nor is looking at the files
  await visible(page.getByTestId("files"));
  assert.equal(asked.open.length, opened);
  await status.click();
  await link("Open", page).click();
  await visible(startUp);
  await settles(() => asked.open.length, opened + 1);
});

test("failed: why, and once more", async () => {
  tell(b.id, "active", { state: "failed", error: "The kernel does not permit namespaces: set kernel.unprivileged_userns_clone to 1." });
  await poke();
  await visible(page.getByText("The kernel does not permit namespaces"));
  await look(page, "failed");
  await button("Try again", page).click();
  await visible(startUp);
});

test("what is stored of a session that failed is in its history, and comes back from there", async () => {
  tell(b.id, "active", { state: "failed", error: "The kernel does not permit namespaces." });
  await poke();
  await ada.write(`/sessions/${b.id}/files/kept.txt`, "one\n");
  await ada.write(`/sessions/${b.id}/files/kept.txt`, "two\n");
  await link("Look at the history", page).click();
  await page.waitForURL(`${home}/sessions/${b.id}/history`);
  await visible(page.getByTestId("moment").getByText("Saved kept.txt"));
  await button("The change before", page).click();
  await page.getByRole("list", { name: "Entries" }).getByRole("link", { name: "kept.txt" }).click();
  await visible(page.getByTestId("text").getByText("one"));
  await button("Restore this file", page).click();
  await until("the version before is back", async () => (await ada.get(`/sessions/${b.id}/files/kept.txt`)).text() === "one\n");
  await link("IDE", page).click();
  await visible(page.getByTestId("failed").or(startUp));
});

test("too many run: pausing one of them opens this one", async () => {
  tell(b.id, "paused");
  await poke();
  await visible(page.getByTestId("paused"));
  stage.refusal = ["too_many_running", "At most 4 workspaces run at once. Pause one of: \"Project A\"."];
  await page.getByTestId("open-session").click();
  await visible(page.getByTestId("too-many"));
  await look(page, "too-many");
  await button("Pause Project A", page).click();
  await visible(startUp);
  await settles(() => [asked.pause.at(-1), asked.open.at(-1)], [a.id, b.id]);
});

test("an IDE that never answers is said to be so, and loaded again", async () => {
  ide.silent = true;
  const clock = await page.context().newPage();
  await clock.clock.install();
  await clock.goto(`${home}/sessions/${b.id}`);
  running(b.id);
  await clock.clock.runFor(3000);
  await clock.getByTestId("startup").and(clock.locator("[data-stage=loading]")).waitFor();
  await until("the IDE's page came", () => ide.served.at(-1) === b.id);
  await clock.clock.runFor(70_000);
  await visible(clock.getByText("The IDE has not answered yet."));
  ide.silent = false;
  await button("Load it again", clock).click();
  await clock.locator("[data-testid=ide][data-ready=true]").waitFor();
  await clock.close();
});

test("deleted elsewhere: restored, or gone for good", async () => {
  tell(b.id, "deleted");
  await poke();
  await visible(page.getByText("“Project B” was deleted"));
  await until("its frame is gone", () => frame() === undefined);
  await look(page, "deleted");
  told.set(b.id, { gone: true });
  await poke();
  await visible(page.getByText("This session is gone"));
  await look(page, "gone");
  tell(b.id, "paused");
});

test("a server without the IDE shows the files", async () => {
  tell(a.id, "active", { state: "running", connected: true });
  await page.goto(`${home}/sessions/${a.id}`);
  await page.waitForURL(`${home}/sessions/${a.id}/files`);
  await visible(page.getByRole("list", { name: "Entries" }).getByText("hello.txt"));
  assert.equal(await link("IDE", page).count(), 0);
});

test("a small screen: files first, with a hint; the IDE when asked for", async () => {
  running(a.id);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${home}/sessions/${a.id}`);
  await page.waitForURL(`${home}/sessions/${a.id}/files`);
  await visible(page.getByText("On a small screen the files come first"));
  await button("Got it", page).click();
  await page.reload();
  await visible(page.getByRole("list", { name: "Entries" }));
  assert.equal(await button("Got it", page).count(), 0);
  await link("IDE", page).click();
  await ready();
  await visible(page.getByText("The IDE is made for a larger screen."));
  await page.setViewportSize({ width: 1400, height: 900 });
});

test("a page from 127.0.0.1 moves to where the IDE works, or says where that is", async () => {
  const other = await world.newContext();
  await answers(other);
  world.own = new RegExp(`${world.own.source}|^http://127\\.0\\.0\\.1:${server.port}$`);
  const there = await other.newPage();
  await there.goto(`http://127.0.0.1:${server.port}/login?next=%2Fsettings`);
  await there.waitForURL(`${home}/login?next=%2Fsettings`);
  // A browser that does not know the name stays.
  await other.route(`${home}/**`, (route) => route.abort("namenotresolved"));
  await there.goto(`http://127.0.0.1:${server.port}/login?next=${encodeURIComponent(`/sessions/${a.id}`)}`);
  await there.getByLabel("E-mail").fill(ada.email);
  await there.getByLabel("Password").fill(ada.password);
  await button("Log in", there).click();
  const move = there.getByRole("link", { name: `Go to coditect.localhost:${server.port}` });
  await visible(move);
  await attribute(move, "href", `${home}/sessions/${a.id}`);
  await other.close();
});

test("logged out elsewhere: the page says so, and leads back after logging in", async () => {
  await page.goto(`${home}/sessions/${a.id}/ide`);
  await ready();
  const login = await server.anonymous().post("/auth/login", { email: ada.email, password: ada.password });
  await server.anonymous().post("/auth/logout", { everywhere: true }, { token: login.data.token });
  await context.unroute(/\/api\/v5\/sessions\/ses-[0-9a-z]+(\/open|\/pause)?$/); // now the server itself is asked
  await poke();
  await page.waitForURL(/\/login\?next=/);
  await visible(page.getByText("You were logged out."));
  await until("no frame is left", () => framesCount() === 0);
  await look(page, "logged-out");
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").fill(ada.password);
  await button("Log in", page).click();
  await page.waitForURL(`${home}/sessions/${a.id}/ide`);
});
