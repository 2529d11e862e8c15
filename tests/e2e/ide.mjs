// The real IDE, in the platform's frame and before a real workspace, for the tests here: how a person gets there, and what she
// does in it. Selectors of Theia's own stand here and nowhere else.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { root, until } from "../api/harness.mjs";
import { button, launch, link } from "./browser.mjs";

/** The machine may be busy. */
export const DEADLINE_MS = 60_000;

const cache = process.env.CODITECT_CACHE ?? join(homedir(), ".cache/coditect");

/** The IDE, built. */
const bundle = execFileSync(join(root, "ide/build"), [join(cache, "ide")], { encoding: "utf8" }).trim().split("\n").at(-1);

/** The product as scripts/up starts it, and a browser. */
export const launchProduct = () => launch({ args: ["--rate-factor", "1000", "--ide", bundle, "--node", process.execPath] });

export const ideOrigin = (world, session) => `http://${session}.ide.coditect.localhost:${world.server.port}`;

/** What the status bar says. */
export const word = (frame) => frame.locator(".coditect-persistence").innerText().then((text) => text.trim());

export async function says(frame, text) {
  let last;
  await until(`the status bar says “${text}”`, async () => {
    last = await word(frame);
    return last === text;
  }, DEADLINE_MS).catch((error) => {
    throw new Error(`${error.message}; it says “${last}”`);
  });
}

/** The IDE's frame in the page, once a person can work in it. */
export async function ready(page, origin) {
  await page.locator("[data-testid=ide][data-ready=true]").waitFor();
  const frame = page.frames().find((one) => one.url().startsWith(origin));
  assert.ok(frame, "there is a frame of the IDE's origin");
  await frame.locator("#theia-app-shell").waitFor();
  await frame.locator(".theia-preload").waitFor({ state: "detached" });
  await frame.locator(".coditect-persistence").waitFor();
  return frame;
}

/** By the button and the dialog; the id of the new session, whose page is shown. */
export async function createSession(page, home, name) {
  await page.goto(`${home}/sessions`);
  await button("New session", page).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await button("Create", page.getByRole("dialog")).click();
  await page.waitForURL(/\/sessions\/ses-[0-9a-z]{26}/);
  return /ses-[0-9a-z]{26}/.exec(page.url())[0];
}
