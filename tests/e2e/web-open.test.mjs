// What opens over a page, held against axe in both themes and two widths while it is open: the menus, the dialogs that other files
// only answer, and a message with its way back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession } from "../api/harness.mjs";
import { button, launch, look, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const a = await newSession(ada, "Project A");
const b = await newSession(ada, "A session whose name is longer than any card of a phone has room for, so that it is cut somewhere");
await ada.write(`/sessions/${a.id}/files/src/hello.txt`, "hello\n");
await ada.write(`/sessions/${a.id}/files/readme.md`, "# Project A\n");
const project = (await ada.post("/projects", { name: "Engine" })).data;
await ada.put(`/sessions/${b.id}`, { project_id: project.id });
await ada.post("/auth/keys", { name: "nightly build" });
await ada.post(`/sessions/${a.id}/links`, { name: "Grace" });
const { url } = (await ada.post("/tenant/invitations", { email: "grace@example.com", role: "member" })).data;
const invited = server.anonymous();
await invited.post("/auth/register", { email: "grace@example.com", password: "a password to test with", name: "Grace Hopper", invitation: new URL(url).hash.slice("#invitation=".length) });

const page = await (await world.newContext()).newPage();
await world.logIn(page, ada);

const dialog = page.getByRole("dialog");
const press = (name) => button(name, page).first().click();
const choose = async (menu, item) => {
  await press(menu);
  await page.getByRole("menuitem", { name: item, exact: true }).click();
};
const files = `/sessions/${a.id}/files`;
const history = `/sessions/${a.id}/history`;

const opens = [
  { name: "account", path: "/sessions", open: () => page.getByRole("button", { name: /^Account of/ }).click(), shown: page.getByRole("menuitem", { name: "Log out" }) },
  { name: "session-rename", path: "/sessions", open: () => choose("Actions for Project A", "Rename") },
  { name: "project-new", path: "/sessions", open: () => press("New project") },
  { name: "project-menu", path: `/sessions?project=${project.id}`, open: () => press("Actions for the project Engine"), shown: page.getByRole("menuitem", { name: "Delete project" }) },
  { name: "project-delete", path: `/sessions?project=${project.id}`, open: () => choose("Actions for the project Engine", "Delete project") },
  { name: "palette-all", path: "/sessions", open: () => page.keyboard.press("Control+k"), shown: page.getByRole("option", { name: /Project A/ }) },
  { name: "new-git", path: "/sessions", open: async () => { await press("New session"); await button("Git repository", dialog).click(); }, shown: page.getByLabel("Branch or tag") },
  { name: "new-archive", path: "/sessions", open: async () => { await press("New session"); await button("Archive", dialog).click(); } },
  { name: "undo", path: files, open: () => choose("Actions for readme.md", "Delete"), shown: page.getByRole("button", { name: "Undo" }) },
  { name: "folder-new", path: files, open: () => press("New folder") },
  { name: "folder-menu", path: files, open: () => press("More actions for this folder"), shown: page.getByRole("menuitem", { name: "Fork this session" }) },
  { name: "entry-menu", path: files, open: () => press("Actions for src"), shown: page.getByRole("menuitem", { name: "Rename" }) },
  { name: "fork", path: files, open: () => choose("More actions for this folder", "Fork this session") },
  { name: "share", path: files, open: () => choose("More actions for this folder", "Share"), shown: page.getByRole("list", { name: "Links" }) },
  { name: "history-download", path: history, open: () => press("Download all"), shown: page.getByRole("menuitem").first() },
  { name: "history-fork", path: history, open: () => press("Fork from here") },
  { name: "history-share", path: history, open: () => press("Share") },
  { name: "devices-all", path: "/settings/security", open: () => press("Log out everywhere") },
  { name: "key-end", path: "/settings/keys", open: () => press("End nightly build") },
  { name: "member-menu", path: "/settings/members", open: () => press("Actions for Grace Hopper"), shown: page.getByRole("menuitem", { name: "Remove" }) },
  { name: "member-remove", path: "/settings/members", open: () => choose("Actions for Grace Hopper", "Remove") },
  { name: "owner", path: "/settings/members", open: () => press("Make owner") },
  { name: "team-delete", path: "/settings/sessions", open: () => press("Delete Project A") },
  { name: "leave", path: "/settings/data", open: () => press("Delete your account") },
];

for (const { name, path, open, shown = dialog } of opens) {
  test(`open: ${name}`, async () => {
    await page.setViewportSize({ width: 1400, height: 900 });
    await page.goto(home + path);
    await visible(page.getByRole("button", { name: /^Account of/ }));
    await open();
    await visible(shown);
    await look(page, `open-${name}`);
    if (shown !== dialog) return;
    await page.setViewportSize({ width: 390, height: 844 });
    const [title, close] = await Promise.all([dialog.getByRole("heading").first().boundingBox(), button("Close", dialog).boundingBox()]);
    assert.ok(title.x + title.width <= close.x, `the title ends at ${title.x + title.width}, the button begins at ${close.x}`);
  });
}
