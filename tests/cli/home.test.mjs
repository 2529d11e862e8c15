// home: a dotfile that was overwritten or deleted is had back from the shell, while nothing runs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { serverForFile } from "../api/harness.mjs";
import { homeOf, program } from "../api/homes.mjs";
import { Cli, person } from "./cli.mjs";

const server = await serverForFile({ program });
const ada = await person(server, "ada");
const mine = homeOf(server, ada.person);
const lines = (end) => end.stdout.split("\n").slice(1, -1).map((line) => line.trim().split(/ {2,}/));

test("listed, read, its versions, and back", async () => {
  assert.equal((await ada.ok("home", "ls")).stdout, "");
  assert.deepEqual((await ada.ok("home", "ls", "--json")).json, []);
  const first = await mine.write(".bashrc", "alias good=yes");
  const second = await mine.write(".bashrc", "oops");
  await mine.write(".config/tool/rc", "x");
  assert.equal((await ada.ok("home", "ls", "-q")).stdout, ".bashrc\n.config\n");
  assert.equal((await ada.ok("home", "ls", "-rq", ".config/")).stdout, ".config/tool\n.config/tool/rc\n");
  assert.match((await ada.ok("home", "ls")).stdout, /^MODE .*PATH\n-rw-r--r-- +4 B .* \.bashrc\n/);
  assert.equal((await ada.ok("home", "cat", ".bashrc", "/.config/tool/rc")).stdout, "oopsx");
  assert.equal((await ada.ok("home", "cat", "--version", String(first), ".bashrc")).stdout, "alias good=yes");
  assert.deepEqual(lines(await ada.ok("home", "history", ".bashrc")).map(([version, op]) => [Number(version), op]), [[second, "write"], [first, "write"]]);
  assert.equal((await ada.ok("home", "restore", ".bashrc", String(first))).stdout, "");
  assert.equal((await ada.ok("home", "cat", ".bashrc")).stdout, "alias good=yes");
  assert.deepEqual((await ada.ok("home", "history", "--json", ".bashrc")).json.map(({ op }) => op), ["restore", "write", "write"]);
});

test("what was deleted is found and comes back", async () => {
  await mine.write(".vimrc", "set number");
  const gone = await mine.remove(".vimrc");
  const [row] = lines(await ada.ok("home", "changes", "--op", "delete", "--limit", "1"));
  assert.deepEqual([Number(row[0]), row[1], row.at(-1)], [gone, "delete", ".vimrc"]);
  assert.equal((await ada.ok("home", "changes", ".config", "--json")).json.length, 1);
  await ada.fails(4, /\.vimrc/, "home", "cat", ".vimrc");
  await ada.ok("home", "restore", ".vimrc", String(gone));
  assert.equal((await ada.ok("home", "cat", ".vimrc")).stdout, "set number");
});

test("all of it as an archive", async () => {
  const names = (bytes) => execFileSync("tar", ["-tzf", "-"], { input: bytes, encoding: "utf8" }).trim().split("\n");
  const all = [".bashrc", ".config/", ".config/tool/", ".config/tool/rc", ".vimrc"];
  assert.deepEqual(names((await ada.ok("home", "archive", "-")).bytes), all);
  await ada.ok("home", "archive");
  assert.deepEqual(names(readFileSync(join(ada.files, "home.tar.gz"))), all);
  await ada.ok("home", "archive", "mine.zip");
  assert.equal(readFileSync(join(ada.files, "mine.zip")).subarray(0, 2).toString(), "PK");
  await ada.ok("home", "archive", "mine.tgz");
  assert.deepEqual(names(readFileSync(join(ada.files, "mine.tgz"))), all);
  for (const other of ["mine.rar", "mine", "mine.tar", "mine.zip.part"]) {
    await ada.fails(2, /none of \.tar\.gz, \.tgz and \.zip/, "home", "archive", other);
    assert.equal(existsSync(join(ada.files, other)), false);
  }
  mkdirSync(join(ada.files, "folder.rar")); // a folder has any name
  await ada.ok("home", "archive", "folder.rar");
  assert.deepEqual(names(readFileSync(join(ada.files, "folder.rar/home.tar.gz"))), all);
});

test("what cannot be", async () => {
  await ada.fails(2, /a path in the home is missing/, "home", "cat", "/");
  await ada.fails(2, /VERSION/, "home", "restore", ".bashrc", "x");
  await ada.fails(2, /PATH/, "home", "history");
  await ada.fails(4, /nowhere/, "home", "history", "nowhere");
  await ada.fails(4, /nowhere/, "home", "ls", "nowhere");
  await ada.fails(4, /No such file/, "home", "archive", "nowhere/x.zip");
  const { key } = (await ada.person.post("/auth/keys", { name: "ci", access: "write" })).data;
  const end = await new Cli(server).run(["home", "ls"], { env: { CODITECT_URL: ada.url, CODITECT_TOKEN: key } });
  assert.equal(end.status, 5, end.stderr);
  assert.match(end.stderr, /may not/);
});
