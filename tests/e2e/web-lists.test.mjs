// Every page that reads something, in each state of its reading: under way, refused by a server in trouble, and there after
// "Try again". What a page says of a failure is what happened, what to do, and the request's id to copy.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession } from "../api/harness.mjs";
import { axe, button, gone, launch, link, look, setTheme, shot, unroute, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const { id } = await newSession(ada, "Project A");
await ada.write(`/sessions/${id}/files/hello.txt`, "hello\n");
const { token } = (await ada.post(`/sessions/${id}/links`, { name: "Grace", expires_in_days: 7 })).data;
const { id: project } = (await ada.post("/projects", { name: "Engines" })).data;
assert.equal((await ada.post("/tenant/invitations", { email: "grace@example.com", role: "member" })).status, 201);
const context = await world.newContext();
const page = await context.newPage();
await world.logIn(page, ada);

/** Nobody is logged in there. */
const outside = await (await world.newContext()).newPage();

const trouble = { status: 500, json: { success: false, error: { code: "internal", message: "Something went wrong on the server.", request_id: "req-trouble" } } };

const dialog = () => page.getByRole("dialog");
const share = async () => {
  await button("More actions for this folder", page).click();
  await page.getByRole("menuitem", { name: "Share" }).click();
};

const move = async () => {
  await page.getByRole("button", { name: "Actions for Project A" }).first().click();
  await page.getByRole("menuitem", { name: /^Move/ }).click();
};

/** within: the part that reads, where it is not the page's; open: how one gets there; isFile: no API's answer; on: not the page of who is logged in. */
const pages = [
  { name: "sessions", path: "/sessions", reads: /\/api\/v5\/sessions(\?.*)?$/, ready: () => page.getByRole("list", { name: "Sessions", exact: true }) },
  { name: "deleted", path: "/sessions?show=deleted", reads: /\/api\/v5\/sessions\?.*deleted=true/, ready: () => page.getByText("Nothing deleted") },
  { name: "devices", path: "/settings/security", reads: /\/auth\/devices/, ready: () => page.getByRole("list", { name: "Devices" }) },
  { name: "session", path: `/sessions/${id}/files`, reads: /\/api\/v5\/sessions\/ses-[^/]+$/, ready: () => page.getByTestId("files") },
  { name: "folder", path: `/sessions/${id}/files`, reads: /\/api\/v5\/sessions\/[^/]+\/files(\?.*)?$/, ready: () => page.getByRole("list", { name: "Entries" }) },
  { name: "file", path: `/sessions/${id}/files/hello.txt`, reads: /\/api\/v5\/.*\/files\/hello\.txt/, ready: () => page.getByTestId("text") },
  { name: "history", path: `/sessions/${id}/history`, reads: /\/api\/v5\/sessions\/[^/]+\/changes/, ready: () => page.getByRole("list", { name: "Changes" }) },
  { name: "members", path: "/settings/members", reads: /\/api\/v5\/tenant\/members/, ready: () => page.getByRole("list", { name: "Members" }) },
  { name: "keys", path: "/settings/keys", reads: /\/auth\/keys/, ready: () => button("Make a key", page) },
  { name: "team-sessions", path: "/settings/sessions", reads: /\/api\/v5\/tenant\/sessions/, ready: () => page.getByRole("list", { name: "Sessions of the team" }) },
  { name: "usage", path: "/settings/usage", reads: /\/api\/v5\/tenant$/, ready: () => page.getByText("Storage") },
  { name: "audit", path: "/settings/audit", reads: /\/api\/v5\/audit/, ready: () => page.getByRole("list", { name: "Audit log" }) },
  { name: "data", path: "/settings/data", reads: /\/api\/v5\/sessions(\?.*)?$/, ready: () => page.getByRole("list", { name: "Sessions to download" }) },
  { name: "notices", path: "/notices", isFile: true, reads: /\/notices\.json/, ready: () => page.getByRole("list", { name: "In your browser" }) },
  { name: "reference", path: "/docs/api", isFile: true, reads: /\/api-reference\.json/, ready: () => page.getByRole("heading", { name: "Errors" }) },
  { name: "ide", path: "/ide", reads: /\/api\/v5\/sessions(\?.*)?$/, ready: () => page.getByRole("heading", { name: "Project A" }) },
  { name: "project", path: `/sessions?project=${project}`, reads: /\/api\/v5\/sessions(\?.*)?$/, ready: () => page.getByText("Nothing is in “Engines” yet") },
  { name: "project-unread", path: `/sessions?project=${project}`, reads: /\/api\/v5\/projects(\?.*)?$/, ready: () => page.getByText("Nothing is in “Engines” yet") },
  { name: "move", path: "/sessions", open: move, within: dialog, reads: /\/api\/v5\/projects(\?.*)?$/, ready: () => button("Move", dialog()) },
  { name: "running", path: "/settings/usage", reads: /\/api\/v5\/workspaces(\?.*)?$/, ready: () => page.getByText("Nothing runs").or(page.getByRole("list", { name: "Running workspaces" })) },
  { name: "team-deleted", path: "/settings/sessions", open: () => page.getByRole("main").getByText("Deleted", { exact: true }).click(), reads: /\/api\/v5\/tenant\/sessions\?.*deleted=true/, ready: () => page.getByText("Nothing deleted") },
  { name: "moment", path: `/sessions/${id}/history?at=1`, reads: /\/api\/v5\/sessions\/[^/]+\/files\?.*at=/, ready: () => page.getByRole("list", { name: "Entries" }) },
  { name: "difference", path: `/sessions/${id}/history/hello.txt?at=1&compare=before`, reads: /\/api\/v5\/sessions\/[^/]+\/diff\//, ready: () => page.getByRole("region", { name: "Difference" }) },
  { name: "home", path: "/home", reads: /\/api\/v5\/users\/me\/home\/files(\?.*)?$/, ready: () => page.getByText("Your home is empty") },
  { name: "home-deleted", path: "/home?show=deleted", reads: /\/api\/v5\/users\/me\/home\/changes/, ready: () => page.getByLabel("Find by path") },
  { name: "appearance", path: "/settings/appearance", reads: /\/api\/v5\/settings(\?.*)?$/, ready: () => page.getByRole("list", { name: "Appearance" }) },
  { name: "defaults", path: "/settings/defaults", reads: /\/api\/v5\/settings(\?.*)?$/, ready: () => page.getByRole("list", { name: "Files" }) },
  { name: "two-factor", path: "/settings/security", reads: /\/api\/v5\/users\/me\/totp$/, ready: () => button("Set it up…", page) },
  { name: "invitations", path: "/settings/members", reads: /\/api\/v5\/tenant\/invitations/, ready: () => page.getByRole("list", { name: "Invitations" }) },
  { name: "versions", path: `/sessions/${id}/files/hello.txt?history`, reads: /\/api\/v5\/sessions\/[^/]+\/history\/hello\.txt/, ready: () => page.getByRole("list", { name: "Versions" }) },
  { name: "share", path: `/sessions/${id}/files`, open: share, within: dialog, reads: /\/api\/v5\/sessions\/[^/]+\/links/, ready: () => dialog().getByRole("list", { name: "Links" }) },
  { name: "team-name", path: "/settings/members", within: () => page.getByRole("region", { name: "Team" }), reads: /\/api\/v5\/tenant$/, ready: () => page.getByLabel("Name of the team") },
  { name: "register", path: "/register", on: outside, reads: /\/api\/v5\/auth\/registration$/, ready: () => button("Create account", outside) },
  { name: "shared", path: `/shared#token=${token}`, reads: /\/api\/v5\/shared$/, ready: () => page.getByRole("heading", { name: "Project A" }) },
  { name: "shared-file", path: `/shared?file=hello.txt#token=${token}`, reads: /\/api\/v5\/shared\/files\/hello\.txt/, ready: () => page.getByTestId("text") },
  { name: "shared-folder", path: `/shared?folder=#token=${token}`, reads: /\/api\/v5\/shared\/files(\?.*)?$/, ready: () => page.getByRole("list", { name: "Entries" }) },
];

for (const { name, path, open, on = page, within = () => on.locator("main"), isFile = false, reads, ready } of pages) {
  test(`${name}: under way, refused, and there at the next try`, async () => {
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    await on.route(reads, async (route) => {
      await held;
      await route.fulfill(trouble);
    });
    await on.goto(home + path);
    await open?.();
    await visible(within().getByLabel("Loading"));
    await setTheme(on, "dark");
    await axe(on, `${name} under way`);
    await shot(on, `${name}-loading`);
    await setTheme(on, "light");
    release();
    const alert = within().getByRole("alert").first();
    await visible(alert);
    if (!isFile) await visible(alert.getByRole("button", { name: "Copy request id req-trouble" }));
    await axe(on, `${name} refused`);
    if (name === "sessions" || name === "folder") await look(on, `${name}-error`);
    await unroute(on);
    await button("Try again", alert).click({ timeout: 10_000 }).catch(() => {}); // a page that reads again by itself may be quicker
    await visible(ready()).catch(async (error) => { await shot(on, `failed-${name}`); throw error; });
  });
}

test("a list of which only a part can be read says so wherever it is shown, and is whole after the next try", async () => {
  const reads = /\/api\/v5\/sessions(\?.*)?$/;
  const second = await newSession(ada, "Project B");
  const { data } = await ada.get("/sessions");
  await page.route(reads, (route) => {
    const isMore = new URL(route.request().url()).searchParams.has("cursor");
    const mine = data.filter((one) => (one.id === second.id) === isMore);
    return isMore && broken ? route.fulfill(trouble) : route.fulfill({ json: { success: true, data: mine, page: { total: 2, ...(isMore ? {} : { next: "more" }) } } });
  });
  let broken = true;
  const wider = await page.viewportSize();
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.goto(`${home}/sessions`);
  await visible(link("Project A", page.locator("main")));
  const panel = page.getByRole("navigation", { name: "Sessions", exact: true });
  const [inMain, inPanel] = [page.locator("main").getByRole("alert"), panel.getByRole("alert")];
  await visible(inMain);
  await visible(inPanel);
  await look(page, "sessions-in-part");
  await page.goto(`${home}/settings/data`);
  await visible(page.locator("main").getByRole("alert"));
  assert.equal(await page.getByText("Download everything").count(), 0, "a part is never taken for all");
  await page.goto(`${home}/sessions/${id}/files`);
  await page.getByTestId("session-switcher").click();
  const found = page.getByRole("dialog");
  await visible(found.getByRole("alert"));
  await found.getByRole("combobox").fill("Project B");
  assert.equal(await found.getByText("No session is called").count(), 0, "who has not read all cannot say so");
  await shot(page, "switcher-in-part");
  broken = false;
  await button("Try again", found).click();
  await visible(found.getByRole("option", { name: /Project B/ }));
  await gone(found.getByRole("alert"));
  await unroute(page);
  await page.setViewportSize(wider);
});

test("an answer that says no more than that there were too many requests is said with its time", async () => {
  const path = "**/api/v5/auth/devices";
  await page.route(path, (route) => route.fulfill({ status: 429, headers: { "Retry-After": "7" }, json: { success: false, error: { code: "rate_limited", message: "Too many requests.", request_id: "req-many" } } }));
  await page.goto(`${home}/settings/security`);
  await visible(page.getByText("Try again in 7 s."));
  assert.equal(await page.getByTestId("lost").count(), 0);
  await unroute(page);
});
