// Two people, one browser: what one has typed or sent is never done by the login of the other.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { button, comeIn, launch, link, logOut, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const [ada, bob] = [await server.account("ada"), await server.account("bob")];
const { id } = await newSession(ada, "Project A");

const write = (path, text) => ada.write(`/sessions/${id}/files/${path}`, text);
const stored = async (path) => (await ada.get(`/sessions/${id}/files/${path}`)).body.toString();
const becomes = (path, text) => until(`${path} is stored`, async () => (await stored(path)) === text);

test("the login of another person, who uses the browser by then, signs nothing of it", { timeout: 120_000 }, async () => {
  const context = await world.newContext();
  const [mine, other] = [await context.newPage(), await context.newPage()];
  await world.logIn(mine, ada);
  await write("signed.txt", "first\n");
  await mine.goto(`${home}/sessions/${id}/files/signed.txt`);
  await button("Edit", mine).click();
  const signed = [];
  let isAway = true;
  await mine.route("**/files/signed.txt", async (route) => {
    if (route.request().method() !== "PUT") return route.continue();
    if (isAway) return route.abort("connectionrefused");
    signed.push(await route.request().headerValue("Authorization"));
    return route.continue();
  });
  await mine.getByLabel("Text of signed.txt").fill("mine\n");
  await visible(mine.getByTestId("edit-state").getByText("Not saved", { exact: true }));
  const said = visible(mine.getByText("“signed.txt” is not saved"));
  await other.goto(`${home}/sessions`);
  await logOut(other);
  await other.waitForURL(/\/login/);
  const asked = mine.waitForEvent("dialog");
  await comeIn(other, bob);
  await (await asked).dismiss(); // the page stays, with what is typed
  isAway = false;
  await said;
  assert.deepEqual(signed, []);
  assert.equal(await stored("signed.txt"), "first\n");
  await comeIn(mine, ada);
  await becomes("signed.txt", "mine\n");
  assert.equal(signed.length, 1);
  await visible(button("Account of ada", other)); // it starts again as who is logged in now: a context that is closed meanwhile never is
  await context.close();
});

test("a page that slept while the browser got another person's login does nothing with that", { timeout: 120_000 }, async () => {
  const context = await world.newContext();
  const [mine, other] = [await context.newPage(), await context.newPage()];
  await mine.addInitScript(() => { globalThis.BroadcastChannel = class { postMessage() {} }; }); // it hears of nothing
  const network = await context.newCDPSession(mine);
  const asleep = (offline) => network.send("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await network.send("Network.enable");
  await world.logIn(mine, ada);
  await write("slept.txt", "first\n");
  await mine.goto(`${home}/sessions/${id}/files`);
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const answers = [];
  await mine.route("**/files/up-*", async (route) => {
    await held;
    await route.continue();
  });
  mine.on("response", (response) => { if (response.url().includes("/files/up-")) answers.push(response.status()); });
  await mine.getByLabel("Files to upload").setInputFiles([1, 2, 3, 4].map((i) => ({ name: `up-${i}.txt`, mimeType: "text/plain", buffer: Buffer.from("x") })));
  await link("slept.txt", mine.getByRole("list", { name: "Entries" })).click();
  await button("Edit", mine).click();
  await visible(mine.getByLabel("Text of slept.txt"));
  const people = new Set();
  mine.on("request", (request) => {
    const claims = request.headers().authorization?.split(".")[1];
    if (claims !== undefined) people.add(JSON.parse(Buffer.from(claims, "base64url")).sub);
  });
  await asleep(true);
  await mine.getByLabel("Text of slept.txt").fill("mine\n");
  await visible(mine.getByTestId("edit-state").getByText("Not saved", { exact: true }));
  await other.goto(`${home}/sessions`);
  await logOut(other);
  await other.waitForURL(/\/login/);
  await comeIn(other, bob);
  await asleep(false);
  await visible(mine.getByText("You were logged out."));
  release();
  await until("all uploads are refused", () => answers.length >= 4);
  assert.deepEqual([...new Set(answers)], [401]);
  assert.equal(await stored("slept.txt"), "first\n");
  await comeIn(mine, ada);
  await becomes("slept.txt", "mine\n");
  assert.equal(people.size, 1, "nothing was asked as bob");
  await context.close();
});
