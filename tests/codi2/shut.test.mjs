// Folders that the person's own modes shut: what the store holds of them comes, changes and goes all the same, and the mode stays.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { World, owner, until } from "./world.mjs";

const author = { kind: "api", id: "usr-other" };
const hash = (text) => createHash("sha256").update(text).digest("hex");
const put = (path, base, text) => ({ change: "put", path, base, author, kind: "file", mode: 0o644, mtime: 1e15, size: text.length, hash: hash(text), bytes: Buffer.from(text).toString("base64") });

const modes = {
  "go": 0o555, "go/pkg": 0o555, "go/pkg/mod": 0o555, // as Go's cache of modules is
  "shut": 0, "shut/in": 0o500,
  "odd": 0o111,
};

function make(world) {
  const names = Object.keys(modes);
  for (const name of names) {
    fs.mkdirSync(world.tree(name));
    for (const file of ["changes", "goes", "leaves", "stays"]) fs.writeFileSync(world.tree(name, file), `${name} ${file}`);
  }
  return async () => { // what is in one that cannot be entered is as it was before
    for (const name of names.toReversed()) {
      if (modes[name] === 0) await world.sync();
      fs.chmodSync(world.tree(name), modes[name]);
    }
  };
}

/** As whoever may read everything sees it: modes of folders, content of files. */
function look(root) {
  const all = {};
  const visit = (path) => {
    for (const name of fs.readdirSync(join(root, path)).sort()) {
      const at = path ? `${path}/${name}` : name;
      const facts = fs.lstatSync(join(root, at));
      const shut = facts.isDirectory() && (facts.mode & 0o700) !== 0o700 && process.getuid() !== 0;
      if (shut) fs.chmodSync(join(root, at), 0o700);
      all[at] = facts.isDirectory() ? (facts.mode & 0o777).toString(8) : fs.readFileSync(join(root, at), "utf8");
      if (facts.isDirectory()) visit(at);
      if (shut) fs.chmodSync(join(root, at), facts.mode & 0o7777);
    }
  };
  visit("");
  return all;
}

async function begun(t) {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2([], {}, owner);
  const shut = make(world);
  await world.sync();
  await shut();
  await world.sync();
  t.after(() => { for (const name of Object.keys(modes)) if (fs.existsSync(world.tree(name))) fs.chmodSync(world.tree(name), 0o700); });
  return world;
}

test("they come back to an empty disk, with all that is in them and as shut as they were", { timeout: 60_000 }, async (t) => {
  const world = await begun(t);
  const before = look(world.tree());
  const [stored, count] = [await world.stored(), (await world.events()).length];
  await world.kill("codi2");
  for (const name of Object.keys(modes)) fs.chmodSync(world.tree(name), 0o700);
  for (const name of ["tree", "index"]) fs.rmSync(world.path(name), { recursive: true });
  world.disk();
  await world.startCodi2([], {}, owner);
  await until("restored", async () => (await world.status()).state === "persisted");
  await world.sync();
  assert.deepEqual(look(world.tree()), before);
  assert.deepEqual([await world.stored(), (await world.events()).length], [stored, count], "and nothing of it is a change");
});

test("what others change, delete, add and move in them is so on the disk, and holds nothing else up", { timeout: 60_000 }, async (t) => {
  const world = await begun(t);
  const version = Object.fromEntries((await world.entries()).map((e) => [e.path, e.version]));
  const expected = look(world.tree());
  for (const name of Object.keys(modes)) {
    const at = (file) => `${name}/${file}`;
    assert.ok(await world.change(
      put(at("changes"), version[at("changes")], "of others"),
      put(at("new"), 0, "new of others"),
      { change: "delete", path: at("goes"), base: version[at("goes")], author },
      { change: "move", path: at("leaves"), to: `moved from ${name.replaceAll("/", "-")}`, base: version[at("leaves")], to_base: 0, author },
    ));
    expected[`moved from ${name.replaceAll("/", "-")}`] = expected[at("leaves")];
    expected[at("changes")] = "of others";
    expected[at("new")] = "new of others";
    delete expected[at("goes")];
    delete expected[at("leaves")];
  }
  await until("they are on the disk", () => { assert.deepEqual(look(world.tree()), expected); return true; });
  const count = (await world.events()).length;
  fs.writeFileSync(world.tree("other"), "goes on");
  await world.sync();
  await until("it says so", async () => (await world.status()).state === "persisted");
  assert.equal((await world.events()).length, count + 1, "the disk says nothing new of them");
  assert.deepEqual(look(world.tree()), { ...expected, other: "goes on" });
});

test("whole folders of that kind are moved and deleted, with what a program left in them to be made again", { timeout: 60_000 }, async (t) => {
  const world = await begun(t);
  const version = Object.fromEntries((await world.entries()).map((e) => [e.path, e.version]));
  fs.chmodSync(world.tree("go/pkg"), 0o700);
  fs.mkdirSync(world.tree("go/pkg/node_modules/a/b"), { recursive: true });
  fs.writeFileSync(world.tree("go/pkg/node_modules/a/b/c"), "can be made again");
  for (const name of ["a/b", "a", ""]) fs.chmodSync(world.tree("go/pkg/node_modules", name), 0o555);
  fs.chmodSync(world.tree("go/pkg"), 0o555);
  await world.sync();
  const before = look(world.tree());
  assert.ok(await world.change({ change: "delete", path: "go", base: version.go, author }, { change: "move", path: "shut/in", to: "in", base: version["shut/in"], to_base: 0, author }));
  const expected = Object.fromEntries(Object.entries(before).filter(([path]) => !/^go(\/|$)/.test(path)).map(([path, what]) => [path.replace(/^shut\/in/, "in"), what]));
  await until("they are so on the disk", () => { assert.deepEqual(look(world.tree()), expected); return true; });
  const count = (await world.events()).length;
  await world.sync();
  await until("it says so", async () => (await world.status()).state === "persisted");
  assert.equal((await world.events()).length, count);
});

test("a root that is shut from the start is not called persisted, and is noticed when it opens", { timeout: 60_000 }, async (t) => {
  const world = new World(t);
  await world.startServer();
  fs.writeFileSync(world.tree("before"), "before");
  fs.chmodSync(world.tree(), 0o300);
  await world.startCodi2([], {}, owner);
  fs.writeFileSync(world.tree("while"), "while");
  assert.notEqual((await world.door("POST", "/sync")).status, 200);
  const { state, message } = await world.status();
  assert.notEqual(state, "persisted");
  assert.match(message, /its mode shuts it/);
  fs.chmodSync(world.tree(), 0o755);
  await until("it is noticed", async () => Object.keys(await world.stored()).length === 2);
  await until("it is persisted", async () => (await world.status()).state === "persisted");
  fs.chmodSync(world.tree(), 0o300); // it is watched by now
  fs.writeFileSync(world.tree("later"), "later");
  await world.sync();
  assert.deepEqual(Object.keys(await world.stored()), ["before", "later", "while"]);
  fs.chmodSync(world.tree(), 0o700); // so that it can go
});
