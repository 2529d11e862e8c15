// Links by e-mail, as a person has them: asked for on a page, opened from the mail.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { freePort, until } from "../api/harness.mjs";
import { confirmationIn, linkIn, MailServer } from "../api/smtp.mjs";
import { button, launch, link, look, value, visible } from "./browser.mjs";

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

test("where addresses are confirmed, a new account asks for the address and goes on by the letter; another address likewise", async () => {
  const eve = await server.account("eve");
  await server.end("SIGTERM");
  server.args.push("--registration-confirm");
  await server.run();
  const linkOf = async (address) => {
    await until(`a letter for ${address}`, () => mail.to(address).length > 0);
    const { page: where, ...parts } = confirmationIn(mail.to(address)[0]);
    return `${home}/${where}#${new URLSearchParams(parts)}`;
  };
  const bob = await (await world.newContext()).newPage();
  await bob.goto(`${home}/register`);
  await bob.getByLabel("E-mail").fill("bob+new@example.com");
  assert.equal(await bob.getByLabel("Password").count(), 0, "nobody types a password that is not kept");
  await button("Continue", bob).click();
  await visible(bob.getByText("A letter is on its way to"));
  await look(bob, "register-asked");
  await bob.goto(await linkOf("bob+new@example.com"));
  await visible(bob.getByRole("heading", { name: "Finish your account" }));
  await value(bob.getByLabel("E-mail"), "bob+new@example.com");
  await bob.getByLabel("Name").fill("Bob");
  await bob.getByLabel("Password").fill("a password of my own");
  await look(bob, "register-confirmed");
  await button("Create account", bob).click();
  await bob.waitForURL(`${home}/sessions`);

  await world.logIn(page, eve);
  await page.goto(`${home}/settings`);
  await page.getByLabel("E-mail").fill("eve.new@example.com");
  await page.getByLabel("Your password").fill(eve.password);
  await button("Change address", page).click();
  await visible(page.getByText("A letter is on its way to"));
  await look(page, "profile-asked");
  const link = await linkOf("eve.new@example.com");
  // Opened where nobody is logged in: it asks, and goes on.
  const phone = await (await world.newContext()).newPage();
  await phone.goto(link);
  await phone.getByLabel("E-mail").fill(eve.email);
  await phone.getByLabel("Password").fill(eve.password);
  await button("Log in", phone).click();
  await visible(button("Confirm address", phone));
  await look(phone, "address");
  await button("Confirm address", phone).click();
  await visible(phone.getByText("from now on"));
  assert.equal((await server.anonymous().post("/auth/login", { email: "eve.new@example.com", password: eve.password })).status, 200);
  await until("the old address is told", () => mail.to(eve.email).length === 1);
});
