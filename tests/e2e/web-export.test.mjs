// "Download everything" while one session writes on, one stands still and one is paused: what is to be had comes, as it is now; what
// cannot be made sure of is named, and comes once it can. The workspaces are real.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { halt, resume } from "../api/halt.mjs";
import { newSession, until } from "../api/harness.mjs";
import { inside, open, reaches, stateOf } from "../workspaces/inside.mjs";
import { button, disabled, gone, launch, look, visible } from "./browser.mjs";

const world = await launch();
const { home, server } = world;
const page = await (await world.newContext()).newPage();
const taken = [];
page.on("download", (download) => taken.push(download));
const names = () => taken.map((one) => one.suggestedFilename());

/** A file's text in an archive that was downloaded. */
async function textOf(archive, path) {
  const download = taken.findLast((one) => one.suggestedFilename() === archive);
  return execFileSync("tar", ["xzOf", await download.path(), path], { encoding: "utf8", maxBuffer: 1 << 26 });
}

test("all of one's data while sessions are at work, stand still and are paused", { timeout: 240_000, skip: process.getuid() !== 0 && "wants root" }, async (t) => {
  const ada = await server.account("ada");
  const made = {};
  for (const name of ["Paused", "Still", "Working"]) {
    made[name] = (await newSession(ada, name)).id;
    await open(ada, made[name]);
    inside(server, made[name], "echo first > a.txt");
  }
  inside(server, made.Paused, "echo before the pause > a.txt");
  assert.equal((await ada.post(`/sessions/${made.Paused}/pause`)).status, 200);
  await reaches(ada, made.Paused, "stopped");
  inside(server, made.Working, "setsid bash -c 'while sleep .02; do date +%N >> log.txt; done' > /dev/null 2>&1 &");

  await world.logIn(page, ada);
  await page.goto(`${home}/settings/data`);
  const list = page.getByRole("list", { name: "Sessions to download" });
  await visible(list.getByText("Working"));
  const { codi2 } = stateOf(server, made.Still);
  await halt(t, codi2); // what is written now is nowhere but on its disk
  try {
    inside(server, made.Still, "echo second > a.txt");
    inside(server, made.Working, "seq 200000 > numbers.txt; echo second > a.txt");
    await button("Download everything", page).click();
    await visible(page.getByRole("status").getByText(/^“Still” is coming…/));
    await disabled(button("Download Paused", page), "one after the other");
    await visible(page.getByText(/^The rest is on its way/));
    await until("they came", () => names().length >= 4);
    assert.deepEqual(names().sort(), ["Paused.tar.gz", "Working.tar.gz", "coditect-account.json", "home.tar.gz"]);
    const left = page.getByRole("alert").filter({ hasText: "“Still”" });
    assert.doesNotMatch(await left.innerText(), /Working|Paused/);
    assert.equal(await textOf("Paused.tar.gz", "a.txt"), "before the pause\n");
    assert.equal(await textOf("Working.tar.gz", "a.txt"), "second\n");
    assert.equal((await textOf("Working.tar.gz", "numbers.txt")).length, 1_288_895);
    assert.ok((await textOf("Working.tar.gz", "log.txt")).length > 0);
    await look(page, "settings-data-left");
    await button("Download Still", page).click();
    await visible(page.getByText("The workspace does not say that all it has written is in the store"));
    assert.equal(names().includes("Still.tar.gz"), false, "no archive that leaves out what was written");
  } finally {
    resume(codi2);
  }
  await button("Download Still", page).click();
  await until("it comes", () => names().includes("Still.tar.gz"), 30_000);
  assert.equal(await textOf("Still.tar.gz", "a.txt"), "second\n");
  await gone(page.getByText(/^Left out/));
});
