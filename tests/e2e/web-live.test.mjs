// What happens in a session comes to its page as it happens: by one socket, so that nothing needs to be asked for. Without one, or
// while nobody looks, the page asks as before. The page's time is the test's, so that minutes cost nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, until } from "../api/harness.mjs";
import { gone, launch, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const ada = await server.account("ada");
const session = await newSession(ada, "Project A");
const at = `/sessions/${session.id}`;
const write = (path) => ada.write(`${at}/files/${path}`, "x");
await write("first.txt");
const context = await world.newContext();
const page = await context.newPage();
await world.logIn(page, ada);
await page.clock.install();

/** Requests of the page, as "list", "session" …; and its sockets, open or not. */
const asked = [];
const sockets = [];
const kinds = [[/\/files\?|\/files$/, "folder"], [/\/changes/, "changes"], [new RegExp(`${at}$`), "session"], [/\/api\/v5\/sessions(\?|$)/, "sessions"]];
page.on("request", (request) => {
  if (request.isNavigationRequest()) for (const one of sockets) one.isOpen = false; // with their page; nobody tells
  asked.push(kinds.find(([pattern]) => pattern.test(request.url()))?.[1]);
});
const underWay = new Set();
page.on("request", (request) => underWay.add(request));
for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => underWay.delete(request));
const count = (kind) => asked.filter((one) => one === kind).length;
page.on("websocket", (socket) => {
  const one = { url: socket.url(), told: [], isOpen: true };
  sockets.push(one);
  socket.on("framereceived", ({ payload }) => one.told.push(JSON.parse(payload).type));
  socket.on("close", () => { one.isOpen = false; });
});
const open = () => sockets.filter(({ isOpen }) => isOpen);
const isLive = () => until("events come", async () => {
  await page.clock.runFor(500);
  return open().at(-1)?.told.includes("ready");
});
const entry = (name) => page.getByRole("list", { name: "Entries" }).getByText(name, { exact: true });

/** Since it has an answer to all that it asked. */
async function forget() {
  await page.waitForLoadState("networkidle"); // once for a page that was loaded
  await until("all is answered", () => underWay.size === 0);
  asked.length = 0;
}

test("files: what others do is shown at once, and no folder is asked for by the clock", async () => {
  await page.goto(`${home}${at}/files`);
  await visible(entry("first.txt"));
  await isLive();
  const now = () => page.evaluate(() => Date.now());
  const begun = await now();
  await forget();
  await page.clock.runFor(60_000);
  const most = (ms) => Math.floor((taken - begun) / ms) + 1; // the clock goes by itself, too
  const taken = await now();
  assert.deepEqual([count("folder"), count("session") <= most(20_000), count("sessions") <= most(30_000)], [0, true, true], asked.join());
  await write("second.txt");
  await visible(entry("second.txt"));
  await write("made/on/the-way.txt"); // its folder is no change of its own
  await visible(entry("made"));
  await page.clock.runFor(1000);
  await ada.delete(`${at}/files/second.txt`);
  await gone(entry("second.txt"));
  assert.equal(open().length, 1);
});

test("what becomes of the session stands in its header and in the list beside it, which is not asked for", async () => {
  const list = page.getByRole("navigation", { name: "Sessions", exact: true });
  await page.keyboard.press("[");
  await visible(list.getByText("Project A", { exact: true }));
  asked.length = 0;
  await until("the list was just asked for", async () => { // so that it is not within the next seconds
    await page.clock.runFor(1000);
    return count("sessions") > 0;
  });
  await forget();
  assert.equal((await ada.put(at, { name: "Another name" })).status, 200);
  await visible(page.getByTestId("session-tab").getByText("Another name"));
  await visible(list.getByText("Another name", { exact: true }));
  assert.equal(count("sessions"), 0);
});

test("history: a change is there as soon as it is made, by what was told alone", async () => {
  await page.goto(`${home}${at}/history`);
  await visible(page.getByText("first.txt"));
  await isLive();
  await forget();
  await write("told.txt");
  await visible(page.getByText("told.txt"));
  assert.equal(count("changes"), 0);
});

test("who does not look has no socket; back again, the page goes on where it was", async () => {
  await page.goto(`${home}${at}/files`);
  await isLive();
  const look = (state) => page.evaluate((now) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, value: now });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, state);
  await look("hidden");
  await until("the socket is closed", () => open().length === 0);
  await write("unseen.txt");
  const before = sockets.length;
  await page.clock.runFor(20_000);
  assert.equal(sockets.length, before);
  await look("visible");
  await visible(entry("unseen.txt"));
  await isLive();
  assert.match(open()[0].url, /\?since=/);
});

test("the server ends and is back: so is the socket, from its cursor", async () => {
  await server.kill9();
  await until("the socket is gone", () => open().length === 0);
  await server.run();
  await write("afterwards.txt");
  await isLive();
  assert.match(open()[0].url, /\?since=/);
  await visible(entry("afterwards.txt"));
});

test("where sockets are refused the page asks as it did, and knocks seldom", async () => {
  let knocks = 0;
  await page.routeWebSocket(/\/ws\/sessions\//, (socket) => {
    knocks += 1;
    return socket.close({ code: 1013 });
  });
  await page.goto(`${home}${at}/files`);
  await visible(entry("first.txt"));
  await page.clock.runFor(2000);
  await forget();
  await write("third.txt");
  await page.clock.runFor(11_000);
  await visible(entry("third.txt"));
  assert.ok(count("folder") > 0);
  await page.clock.runFor(60_000);
  assert.ok(knocks > 1 && knocks <= 10, `${knocks} in a minute`);
});
