// A past that grew old, of which fewer moments are kept, by the page: what it shows, and brings back, is what it says.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Client, movableClock, newSession, until } from "../api/harness.mjs";
import { button, launch, visible } from "./browser.mjs";

const hour = 3600;
const clock = movableClock({ after });
const begin = hour - Math.floor(Date.now() / 1000) % hour; // the next hour
clock.jump(begin);
const world = await launch({ args: ["--rate-factor", "1000", "--store-collect", "1", "--history-all", "2d", "--jwt-expiry", "1d"], env: clock.env });
const { home, server } = world;
let ada = await server.account("ada");
const { id } = await newSession(ada, "Old");
const base = `/sessions/${id}`;
const write = async (path, text) => (await ada.write(`${base}/files/${path}`, text)).data.version;
const read = async (path) => (await ada.get(`${base}/files/${path}`)).text();

await write("lost.txt", "old");
clock.jump(begin + 2 * hour);
await write("lost.txt", "of the hour in which it was deleted");
await ada.delete(`${base}/files/lost.txt`);
clock.jump(begin + 3 * 24 * hour);
const { email, password } = ada;
ada = Object.assign(new Client(server, (await server.anonymous().post("/auth/login", { email, password })).data.token), { email, password });
await until("two days are kept whole", async () => (await ada.get(`${base}/history/lost.txt`)).data.length === 2);

const page = await (await world.newContext()).newPage();
await world.logIn(page, ada);

test("what was deleted comes back as it was when it was deleted", async () => {
  await page.goto(`${home}${base}/history?show=deleted`);
  await button("Restore lost.txt", page).click();
  await visible(page.getByText("“lost.txt” is back"));
  assert.equal(await read("lost.txt"), "of the hour in which it was deleted");
});
