// A team by the page: somebody is invited, comes by the link, gets another role, is removed; and what each role is offered.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../api/harness.mjs";
import { button, counts, disabled, escape, gone, launch, link, look, texts, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const page = await (await world.newContext()).newPage();
const theirs = await (await world.newContext()).newPage();
const members = (where) => where.getByRole("list", { name: "Members" }).getByRole("listitem");
let address = "";

async function invite(email, role) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Role", { exact: true }).selectOption({ label: role });
  await button("Invite", page).click();
  await visible(page.getByText(`Send this link to ${email}`));
  return page.getByLabel("Link of the invitation").inputValue();
}

test("invite somebody: the link is shown once, and withdrawn it is of no use", async () => {
  await world.logIn(page, ada);
  await link("Members", page).click();
  await visible(members(page).getByText("(you)"));
  await page.getByLabel("E-mail").fill("nobody");
  await button("Invite", page).click();
  await visible(page.getByText("Enter an e-mail address"));
  const first = await invite("grace@example.com", "Viewer");
  await look(page, "members-invited");
  await page.reload();
  await visible(page.getByRole("list", { name: "Invitations" }).getByText("grace@example.com"));
  assert.equal(await page.getByLabel("Link of the invitation").count(), 0);
  await button("Withdraw the invitation of grace@example.com", page).click();
  await gone(page.getByRole("list", { name: "Invitations" }));
  address = await invite("grace@example.com", "Member");
  await theirs.goto(first);
  await theirs.getByLabel("E-mail").fill("grace@example.com");
  await theirs.getByLabel("Password").fill("a password to test with");
  await button("Create account", theirs).click();
  await visible(theirs.getByRole("alert"));
});

test("the team gets a name, and nobody's is overwritten unseen", async () => {
  const field = page.getByLabel("Name of the team");
  const called = async () => (await ada.get("/tenant")).data.name;
  const save = button("Save name", page);
  await disabled(save, "nothing was changed");
  await field.fill("x".repeat(101));
  await save.click();
  await visible(page.getByText(/^At most 100 characters/));
  await field.fill(" Analytical Engines ");
  await save.click();
  await until("named", async () => (await called()) === "Analytical Engines");
  await until("as it is now", async () => (await field.inputValue()) === "Analytical Engines" && await save.isDisabled());
  await look(page, "team-name");
  await ada.put("/tenant", { name: "Difference Engines" });
  await field.fill("Looms");
  await save.click();
  await visible(page.getByText("Somebody else named it “Difference Engines” meanwhile."));
  assert.deepEqual([await called(), await field.inputValue()], ["Difference Engines", "Looms"]);
  await look(page, "team-name-meanwhile");
  await button("Save mine", page).click();
  await until("knowing it", async () => (await called()) === "Looms");
  await gone(page.getByText("Somebody else named it"));
});

test("who comes by the link belongs to the team, with the role, and is offered what the role may", async () => {
  await theirs.goto(address);
  await theirs.reload(); // only what stands behind the hash has changed
  await visible(theirs.getByRole("heading", { name: "You are invited" }));
  await look(theirs, "invited");
  await theirs.getByLabel("Name", { exact: true }).fill("Grace Hopper");
  await theirs.getByLabel("E-mail").fill("grace@example.com");
  await theirs.getByLabel("Password").fill("a password to test with");
  await button("Create account", theirs).click();
  await theirs.waitForURL(`${home}/sessions`);
  await link("Members", theirs).click();
  await visible(members(theirs).getByText("Grace Hopper"));
  await counts(members(theirs), 2);
  assert.equal(await theirs.getByRole("region", { name: "Invite somebody" }).count(), 0);
  assert.equal(await theirs.getByLabel("Name of the team").count(), 0);
  assert.equal(await theirs.getByRole("button", { name: /^Actions for/ }).count(), 0);
  await theirs.goto(address);
  await visible(theirs.getByText("You are logged in as grace@example.com"));
  await look(theirs, "invited-already-in");
});

test("who forgot the password gets a link from an admin, which sets another", async () => {
  await page.reload();
  await button("Actions for Grace Hopper", page).click();
  await page.getByRole("menuitem", { name: "Another password" }).click();
  await button("Make the link", page).click();
  const made = await page.getByLabel("Link to set another password").inputValue();
  await look(page, "members-reset");
  await escape(page, page.getByRole("dialog"));
  const token = new URL(made).hash.slice("#token=".length);
  assert.equal((await server.anonymous().post("/auth/reset", { token, new_password: "another password to test" })).status, 200);
  await theirs.goto(`${home}/sessions`);
  await theirs.waitForURL(/\/login/);
  await world.logIn(theirs, { email: "grace@example.com", password: "another password to test" });
});

test("another role holds from then on; removed, she is out", async () => {
  await page.reload();
  await page.getByLabel("Role of Grace Hopper").selectOption({ label: "Admin" });
  await visible(page.getByText("Grace Hopper is admin now"));
  await look(page, "members");
  await theirs.goto(`${home}/members`);
  await visible(theirs.getByRole("region", { name: "Invite somebody" }));
  assert.equal(await theirs.getByLabel("Role of ada").count(), 0, "above her own");
  await texts(theirs.getByLabel("Role", { exact: true }).locator("option"), ["Admin", "Member", "Viewer"]);
  await button("Actions for Grace Hopper", page).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await visible(page.getByText("Their sessions are kept"));
  await button("Remove", page.getByRole("dialog")).click();
  await gone(members(page).getByText("Grace Hopper"));
  await until("removed", async () => (await ada.get("/tenant/members")).data.length === 1);
  await theirs.reload();
  await theirs.waitForURL(/\/login/);
});
