// The person's home: one tree in the store, and a copy on the disk of each session.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { test } from "node:test";
import { openLink } from "./link.mjs";
import { until, World } from "./world.mjs";

const read = (world, path) => fs.readFileSync(world.path("home", path), "utf8");
const write = (world, path, text = path) => {
  fs.mkdirSync(world.path("home", path, ".."), { recursive: true });
  fs.writeFileSync(world.path("home", path), text);
};
const past = async (world, path) => {
  const { status, body } = await world.door("GET", `/past?root=home&path=${encodeURIComponent(path)}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body.versions;
};
const content = async (world, path, { version }) => (await world.door("GET", `/past/content?root=home&path=${encodeURIComponent(path)}&version=${version}`)).body;

/** Two sessions of one person; the second one's link to the server can be cut. */
async function both(t, env) {
  const one = new World(t);
  const two = new World(t, one);
  await one.startServer(env);
  const link = await openLink(t, two.path("link.sock"), one.path("wire.sock"));
  await one.startWithHome();
  await two.startWithHome(["--wire", two.path("link.sock")]);
  one.root = two.root = "home";
  return { one, two, link };
}

test("written in two sessions at once, the last that reaches the store stands in both, with history, and nobody is asked", { timeout: 60_000 }, async (t) => {
  const { one, two, link } = await both(t);
  write(one, ".bashrc", "both");
  write(one, "only-one", "1");
  await one.sync();
  await until("the second session has it", () => read(two, ".bashrc") === "both" && read(two, "only-one") === "1");
  await two.sync();

  link("cut");
  await until("the link is cut", async () => (await two.door("GET", "/past/gone?root=home")).status === 502);
  write(two, ".bashrc", "the second's");
  write(two, ".config/new", "the second's");
  write(one, ".bashrc", "the first's");
  write(one, ".config/new", "the first's");
  await one.sync();
  link("flow");
  await two.sync();
  for (const path of [".bashrc", ".config/new"]) {
    await until(`${path} stands in both`, () => read(one, path) === "the second's" && read(two, path) === "the second's");
    const versions = await past(one, path);
    const texts = await Promise.all(versions.map((version) => content(one, path, version)));
    assert.deepEqual(texts.slice(0, 2), ["the second's", "the first's"], path);
  }
  for (const world of [one, two]) {
    await world.sync();
    const { state, notice, message, held_back: held } = await world.status();
    assert.deepEqual({ state, notice, message, held }, { state: "persisted", notice: undefined, message: undefined, held: undefined });
  }

  write(one, ".bashrc", "later");
  await one.sync();
  await until("what is written later stands", () => read(two, ".bashrc") === "later");
  fs.rmSync(two.path("home/only-one"));
  await two.sync();
  await until("what is deleted goes", () => !fs.existsSync(one.path("home/only-one")));
});

test("who saves over what another session wrote is told; a program is not", { timeout: 60_000 }, async (t) => {
  const { one, two, link } = await both(t);
  for (const path of [".bashrc", ".config/mine"]) write(one, path, "both");
  await one.sync();
  await until("the second session has it", () => [".bashrc", ".config/mine"].every((path) => fs.existsSync(two.path("home", path))));
  await two.sync();
  link("cut");
  await until("the link is cut", async () => (await two.door("GET", "/past/gone?root=home")).status === 502);
  const hash = createHash("sha256").update("the editor's").digest("hex");
  assert.equal((await two.door("POST", "/saving?root=home", {}, JSON.stringify({ path: ".config/mine", hash }))).status, 204);
  write(two, ".config/mine", "the editor's");
  write(two, ".bashrc", "a program's");
  for (const path of [".bashrc", ".config/mine"]) write(one, path, "the first's");
  await one.sync();
  link("flow");
  await two.sync();
  await until("what was saved stands", () => read(one, ".config/mine") === "the editor's" && read(one, ".bashrc") === "a program's");
  const { notice } = await two.status();
  assert.match(JSON.stringify(notice), /\.config\/mine was changed here and elsewhere/);
  assert.equal((await one.status()).notice, undefined);
});

const OF_THE_IDE = ".coditect-ide"; // configurationFolder of ide/app/package.json

for (const path of [`${OF_THE_IDE}/settings.json`, `${OF_THE_IDE}/keymaps.json`]) {
  test(`${path} of the home has its history at the door, comes back from it, and is none of the workspace's`, { timeout: 60_000 }, async (t) => {
    const { one, two } = await both(t);
    for (const text of ["one", "two"]) {
      write(one, path, text);
      await one.sync();
    }
    const versions = await past(two, path);
    const texts = await Promise.all(versions.map((version) => content(two, path, version)));
    assert.equal(texts[0], "two", "from any session of the person");
    const first = versions[texts.indexOf("one")]; // the empty file that a write begins with may have its version, too
    assert.equal((await one.door("GET", `/past?path=${encodeURIComponent(path)}`)).status, 404);

    const restored = await two.door("POST", "/past/restore?root=home", {}, JSON.stringify({ path, version: first.version }));
    assert.equal(restored.status, 200, JSON.stringify(restored.body));
    await until("it is back in both", () => [one, two].every((world) => read(world, path) === "one"));

    fs.rmSync(one.path("home", path));
    await one.sync();
    const gone = async (root) => (await two.door("GET", `/past/gone${root}`)).body.gone.map((entry) => entry.path);
    assert.deepEqual(await gone("?root=home"), [path]);
    assert.deepEqual(await gone(""), []);
  });
}

test("tool chains stay on the disk, are told, and are not sent; what is written beside them, and what is taken back, is", { timeout: 60_000 }, async (t) => {
  const { one, two } = await both(t);
  const kept = [".cargo/config.toml", ".gradle/gradle.properties", ".local/bin/mine", ".bashrc", ".config/key-map.json", "go/src/mine.go"];
  const left = [".rustup/toolchains/rustc", ".cargo/registry/crate", ".cargo/bin/tool", ".nvm/versions/node", "go/pkg/mod/x", ".local/share/pnpm/x", ".gradle/caches/x", ".cache/x"];
  for (const path of [...kept, ...left]) write(one, path);
  fs.mkdirSync(one.tree(".rustup"));
  fs.writeFileSync(one.tree(".rustup/file"), "of the workspace, where it is no tool chain");
  await one.sync();
  const files = async () => Object.entries(await one.stored()).filter(([, facts]) => facts.startsWith("file")).map(([path]) => path).sort();
  assert.deepEqual(await files(), [...kept].sort());
  one.root = "workspace";
  assert.deepEqual(await files(), [".rustup/file"]);
  one.root = "home";
  const told = (await one.door("GET", "/not-kept")).body.not_kept;
  const folders = [".cache", ".cargo/bin", ".cargo/registry", ".gradle/caches", ".local/share/pnpm", ".nvm", ".rustup", "go/pkg"];
  assert.deepEqual(told.map(({ path, why }) => `${path} ${why}`).sort(), folders.map((path) => `/home/dev/${path} ignored`));
  await until("the rest is in the other session", () => kept.every((path) => fs.existsSync(two.path("home", path))));
  assert.deepEqual(left.filter((path) => fs.existsSync(two.path("home", path))), []);

  write(two, ".nvm/of-two");
  write(one, ".coditectignore", "!/.nvm/\n/.config/secret\n");
  write(one, ".config/secret");
  await one.sync();
  await until("the other session keeps what it has of it, too", async () => { await two.sync(); return (await files()).includes(".nvm/of-two"); });
  assert.deepEqual(await files(), [...kept, ".coditectignore", ".nvm/versions/node", ".nvm/of-two"].sort());

  const cargo = (await one.entries()).find(({ path }) => path === ".cargo");
  write(two, ".cargo/registry/of-two");
  assert.ok(await one.change({ change: "delete", path: ".cargo", base: cargo.version, author: { kind: "api", id: "usr-other" } }));
  await until("what was stored of the folder is deleted", () => [one, two].every((world) => !fs.existsSync(world.path("home/.cargo/config.toml"))));
  await two.sync();
  assert.ok(fs.existsSync(two.path("home/.cargo/registry/of-two")) && fs.existsSync(one.path("home/.cargo/bin/tool")), "no session loses its tools for it");
});

test("what a home had in the store before it was left out stays there, and in step", { timeout: 60_000 }, async (t) => {
  const { one, two } = await both(t);
  write(one, ".coditectignore", "!/.rustup/\n");
  write(one, ".rustup/settings.toml", "old");
  await one.sync();
  fs.rmSync(one.path("home/.coditectignore")); // from here on it is left out, as in a home from before there was a list
  await one.sync();
  await until("the other has it", () => read(two, ".rustup/settings.toml") === "old");
  await two.sync();
  write(one, ".rustup/settings.toml", "new");
  write(one, ".rustup/new");
  await one.sync();
  await until("its changes come, too", () => read(two, ".rustup/settings.toml") === "new");
  assert.deepEqual(Object.keys(await one.stored()).sort(), [".rustup", ".rustup/settings.toml"]);
});

test("a home that holds more than a lowered limit takes what is smaller, other and deleted, and what grows waits", { timeout: 60_000 }, async (t) => {
  const { one, two } = await both(t);
  const large = "x".repeat(600_000);
  for (const path of ["first", "second", "third"]) write(one, path, large);
  for (const path of [".history", ".settings", "note"]) write(one, path, "12345");
  await one.sync();
  await until("the other has it", () => fs.existsSync(two.path("home/third")) && fs.existsSync(two.path("home/note")));
  await two.sync();
  await one.kill("server");
  await one.startServer({ WIRE_HOME_QUOTA: "1000000" });
  const size = async (path) => (await one.entries()).find((entry) => entry.path === path)?.size;
  const hash = async (path) => (await one.entries()).find((entry) => entry.path === path)?.hash;
  const stored = (what, check) => until(what, async () => (await two.sync(), check()));

  write(two, ".settings", "54321");
  write(two, "first", "x".repeat(500_000));
  await stored("the same size, and smaller", async () => await size("first") === 500_000 && await hash(".settings") === createHash("sha256").update("54321").digest("hex"));
  fs.rmSync(two.path("home/note"));
  await stored("deleted", async () => await size("note") === undefined);
  assert.equal((await two.status()).message, undefined, "nothing waits");

  fs.appendFileSync(two.path("home/.history"), "678");
  await until("it is told", async () => /^The storage for your home is full\. What you change stays/.test((await two.status()).message));
  assert.equal(await size(".history"), 5);
  fs.truncateSync(two.path("home/second"), 400_000);
  await stored("with what takes its place it goes, above the limit, too", async () => await size("second") === 400_000 && await size(".history") === 8);
  fs.appendFileSync(two.path("home/.history"), "9");
  await until("it waits again", async () => (await two.status()).message !== undefined);
  fs.rmSync(two.path("home/third"));
  await stored("deleted", async () => await size("third") === undefined && await size(".history") === 9);
  assert.equal((await two.status()).message, undefined);
  await until("the other has all of it", () => read(one, ".history") === "123456789" && !fs.existsSync(one.path("home/third")));
});

test("the home is full: it is said in both sessions, nothing is cut short, the workspace goes on, and room is room again", { timeout: 60_000 }, async (t) => {
  const { one, two } = await both(t, { WIRE_HOME_QUOTA: "1000000" });
  const large = "x".repeat(600_000);
  write(one, "first", large);
  await one.sync();
  await until("the other has it", () => fs.existsSync(two.path("home/first")));
  write(two, "second", large);
  await until("it is told", async () => /^The storage for your home is full\. What you change stays/.test((await two.status()).message));
  assert.equal((await one.status()).message, undefined, "nothing of it waits there");
  assert.equal((await two.door("POST", "/sync")).status, 503);
  assert.equal((await two.door("POST", "/sync?root=workspace")).status, 200, "which has all of its own");
  assert.equal((await two.door("POST", "/sync?root=other")).status, 404);
  fs.writeFileSync(two.tree("large"), large + large);
  two.root = "workspace";
  await until("the workspace has no such limit", async () => (await two.entries()).some(({ path, size }) => path === "large" && size === 1_200_000));
  assert.deepEqual((await one.entries()).map(({ path }) => path), ["first"]);
  assert.equal(read(two, "second"), large);
  fs.rmSync(one.path("home/first"));
  await one.sync();
  await until("there is room", async () => { await two.sync(); return (await two.status()).message === undefined; });
  assert.equal(await until("it came", () => fs.existsSync(one.path("home/second")) && read(one, "second") === large), true);
});
