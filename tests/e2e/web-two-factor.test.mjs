// The second step of a login by the page, and another password by a link.
import assert from "node:assert/strict";
import { test } from "node:test";
import { totpCode } from "../api/harness.mjs";
import { button, gone, launch, link, look, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const page = await (await world.newContext()).newPage();
let codes = [];

test("it is set up with an app, by a picture or a secret, and shows recovery codes once", async () => {
  await world.logIn(page, ada);
  await page.goto(`${home}/settings/security`);
  await button("Set it up…", page).click();
  await page.getByLabel("Your password, to go on").fill("wrong password");
  await button("Go on", page).click();
  await visible(page.getByText("The password is wrong."));
  await page.getByLabel("Your password, to go on").fill(ada.password);
  await button("Go on", page).click();
  await visible(page.getByRole("img", { name: "The secret as a picture for the app" }));
  await look(page, "two-factor-begun");
  const secret = await page.getByLabel("The secret", { exact: true }).inputValue();
  await page.getByLabel("Code of the app").fill("000000");
  await button("Turn it on", page).click();
  await visible(page.getByText("This is not what the app shows."));
  await page.getByLabel("Code of the app").fill(totpCode(secret));
  await button("Turn it on", page).click();
  const list = page.getByRole("list", { name: "Recovery codes" });
  await visible(list);
  await look(page, "two-factor-codes");
  codes = await list.getByRole("listitem").allTextContents();
  assert.equal(codes.length, 10);
  await button("I have kept them", page).click();
  await visible(page.getByText("10 recovery codes are left"));
  await look(page, "two-factor-on");
});

test("a login asks for a code after the password, and takes it once", async () => {
  const theirs = await (await world.newContext()).newPage();
  await theirs.goto(`${home}/login`);
  await theirs.getByLabel("E-mail").fill(ada.email);
  await theirs.getByLabel("Password").fill(ada.password);
  await button("Log in", theirs).click();
  const code = theirs.getByLabel("Code", { exact: true });
  await visible(code);
  await look(theirs, "two-factor-login");
  await code.fill("000000");
  await button("Log in", theirs).click();
  await visible(theirs.getByText("Wait for the next code of your app"));
  await code.fill(codes[0]);
  await button("Log in", theirs).click();
  await theirs.waitForURL(`${home}/sessions`);
});

test("it is turned off with the password", async () => {
  await button("Turn it off…", page).click();
  await page.getByLabel("Your password, to go on").fill(ada.password);
  await button("Turn it off", page).click();
  await visible(button("Set it up…", page));
});

test("a link sets another password; half a link says so", async () => {
  const email = "grace@example.com";
  const { token } = (await ada.post("/tenant/invitations", { email, role: "member" })).data;
  const { data } = await server.anonymous().post("/auth/register", { email, password: "a long password", invitation: token });
  const made = (await ada.post(`/tenant/members/${data.user.id}/reset`)).data;
  const theirs = await (await world.newContext()).newPage();
  await theirs.goto(`${home}/reset`);
  await visible(theirs.getByText("This address is not complete"));
  await theirs.goto(`${home}/reset#token=${made.token}`); // only what stands behind the hash has changed
  await theirs.getByLabel("New password").fill("short");
  await button("Set password", theirs).click();
  await visible(theirs.getByText("At least 8 characters."));
  await theirs.getByLabel("New password").fill("battery staple horse");
  await look(theirs, "reset");
  await button("Set password", theirs).click();
  await visible(theirs.getByText("It is set"));
  await gone(theirs.getByLabel("New password"));
  const second = (await ada.post(`/tenant/members/${data.user.id}/reset`)).data;
  await theirs.goto(`${home}/reset#token=${second.token}`);
  await theirs.getByLabel("New password").fill("staple battery horse");
  await gone(theirs.getByText("It is set"));
  await button("Set password", theirs).click();
  await visible(theirs.getByText("It is set"));
  await link("Log in", theirs).click();
  await theirs.waitForURL(`${home}/login`);
});
