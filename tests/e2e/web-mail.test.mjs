// Links by e-mail, as a person has them: asked for on a page, opened from the mail.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { freePort, until } from "../api/harness.mjs";
import { linkIn, MailServer } from "../api/smtp.mjs";
import { button, launch, link, look, visible } from "./browser.mjs";

const mail = await MailServer.start();
after(() => mail.stop());
const port = await freePort();
const world = await launch({ port, args: ["--rate-factor", "1000", "--public-url", `http://coditect.localhost:${port}`, ...mail.args()] });
const { home, server } = world;
const page = await (await world.newContext()).newPage();
const linkTo = async (address, where, n = 1) => {
  await until(`mail ${n} for ${address}`, () => mail.to(address).length >= n);
  return `${home}/${where}#token=${linkIn(mail.to(address)[n - 1], where)}`;
};

test("who forgot the password asks for a link, and sets another by it", async () => {
  const ada = await server.account("ada");
  await page.goto(`${home}/login`);
  await look(page, "login-forgot");
  await link("Forgot password?", page).click();
  await page.waitForURL(`${home}/forgot`);
  await button("Send a link", page).click();
  await visible(page.getByText("Enter an e-mail address, like ada@example.com."));
  await page.getByLabel("E-mail").fill(ada.email);
  await look(page, "forgot");
  await page.keyboard.press("Enter");
  await visible(page.getByText("a link is on its way"));
  await look(page, "forgot-asked");
  await page.goto(await linkTo(ada.email, "reset"));
  await page.getByLabel("New password").fill("another password to test");
  await look(page, "reset");
  await button("Set password", page).click();
  await visible(page.getByText("It is set"));
  await world.logIn(page, { email: ada.email, password: "another password to test" });
  assert.equal((await ada.get("/users/me")).status, 401);
});
