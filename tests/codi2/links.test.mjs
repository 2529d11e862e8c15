// Files with several names (hard links), written to through a name that is gone, is something else by now, or is not mirrored: a
// barrier has the other names in step all the same. The kernel names a file by the name that it was opened under.
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { halt, resume } from "../api/halt.mjs";
import { expected, same, told } from "./model.mjs";
import { World, until } from "./world.mjs";

const LIMIT = { timeout: 60_000 };

/** A world where `kept` is in the store, and what there is to do with it. */
async function begin(t, args = []) {
  const world = new World(t);
  await world.startServer();
  await world.startCodi2(args);
  const at = (name) => world.tree(name);
  fs.writeFileSync(at("kept"), "first");
  await world.sync();
  let opened = [];
  t.after(() => opened.forEach((fd) => fs.closeSync(fd)));
  const open = (name) => opened[opened.push(fs.openSync(name, "a")) - 1];
  const close = () => { opened.forEach((fd) => fs.closeSync(fd)); opened = []; };
  const check = async (words) => {
    await world.sync();
    const here = Object.entries(expected(world.tree())).filter(([path]) => !path.startsWith("node_modules"));
    same(await told(world), Object.fromEntries(here), words);
  };
  /** Through a descriptor: while it is open, and in the moment before it is closed. */
  const write = async (fd) => {
    for (const words of ["once", "once more"]) {
      fs.writeSync(fd, words);
      await check(`written ${words}`);
    }
    fs.writeSync(fd, "at last");
    close();
    await check("written at last");
  };
  return { world, at, open, write, check };
}

const gone = {
  "is deleted": ({ at }) => fs.rmSync(at("name")),
  "is a symbolic link now": ({ at }) => { fs.rmSync(at("name")); fs.symlinkSync("elsewhere", at("name")); },
  "is a folder now": ({ at }) => { fs.rmSync(at("name")); fs.mkdirSync(at("name")); },
  "is another file now": ({ at }) => { fs.rmSync(at("name")); fs.writeFileSync(at("name"), "another"); },
  "was replaced by a rename": ({ at }) => { fs.writeFileSync(at("new"), "another"); fs.renameSync(at("new"), at("name")); },
  "was renamed": ({ at }) => fs.renameSync(at("name"), at("renamed")),
  "was moved into another folder": ({ at }) => { fs.mkdirSync(at("folder")); fs.renameSync(at("name"), at("folder/name")); },
  "was moved to where nothing is kept": ({ at }) => { fs.mkdirSync(at("node_modules")); fs.renameSync(at("name"), at("node_modules/name")); },
  "was moved out of the tree": ({ at, world }) => fs.renameSync(at("name"), world.path("outside")),
};
for (const [words, go] of Object.entries(gone)) {
  test(`a file is written to through another name, which ${words}`, LIMIT, async (t) => {
    const it = await begin(t);
    fs.linkSync(it.at("kept"), it.at("name"));
    const fd = it.open(it.at("name"));
    await it.check("two names");
    go(it);
    await it.check("one name");
    await it.write(fd);
  });

  test(`the same, and nobody saw the two names at once: ${words}`, LIMIT, async (t) => {
    const it = await begin(t);
    fs.writeFileSync(it.at("name"), "first");
    const fd = it.open(it.at("name"));
    await it.check("one name");
    await halt(t, it.world.codi2.pid);
    fs.linkSync(it.at("name"), it.at("second"));
    go(it);
    resume(it.world.codi2.pid);
    await it.check("the other name");
    await it.write(fd);
  });
}

test("nobody saw the file before, nor its first name, which is deleted", LIMIT, async (t) => {
  for (const end of ["is deleted", "is a symbolic link now"]) {
    const it = await begin(t);
    await halt(t, it.world.codi2.pid);
    fs.writeFileSync(it.at("name"), "first");
    const fd = it.open(it.at("name"));
    fs.linkSync(it.at("name"), it.at("second"));
    gone[end](it);
    resume(it.world.codi2.pid);
    await it.check("the other name");
    await it.write(fd);
  }
});

test("a folder with one of the names moves, and goes", LIMIT, async (t) => {
  const it = await begin(t);
  fs.mkdirSync(it.at("folder/deep"), { recursive: true });
  fs.linkSync(it.at("kept"), it.at("folder/deep/name"));
  const fd = it.open(it.at("folder/deep/name"));
  await it.check("two names");
  fs.renameSync(it.at("folder"), it.at("moved"));
  fs.writeSync(fd, "in a folder that moved");
  await it.check("moved");
  fs.rmSync(it.at("moved"), { recursive: true });
  await it.write(fd);
});

test("a name that the rules leave out, beside one that is kept", LIMIT, async (t) => {
  const it = await begin(t);
  fs.writeFileSync(it.at(".coditectignore"), "left-out\n");
  await it.world.sync();
  fs.linkSync(it.at("kept"), it.at("left-out"));
  await it.world.sync();
  const stored = async (words) => {
    await it.world.sync();
    const { kept } = await told(it.world);
    same({ kept }, { kept: expected(it.world.tree()).kept }, words);
  };
  fs.appendFileSync(it.at("left-out"), "more");
  await stored("written to");
  fs.chmodSync(it.at("left-out"), 0o600);
  await stored("its mode");
});

test("many names of one file all change with it", LIMIT, async (t) => {
  const it = await begin(t);
  for (let i = 0; i < 20; i++) fs.linkSync(it.at("kept"), it.at(`name-${i}`));
  await it.check("many names");
  fs.appendFileSync(it.at("name-7"), "more");
  await it.check("written to");
});

test("a file that was made without a name, and is written to still", LIMIT, async (t) => {
  const it = await begin(t);
  const program = spawn("python3", ["-c", `
import os, sys
fd = os.open(sys.argv[1], os.O_TMPFILE | os.O_WRONLY)
os.write(fd, b"first")
for line in sys.stdin:
    if line == "link\\n":
        os.link(str(fd), sys.argv[2], src_dir_fd=os.open("/proc/self/fd", os.O_PATH))
    else:
        os.write(fd, line.encode())
    print("done", flush=True)
`, it.world.tree(), it.at("named")], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => program.kill("SIGKILL"));
  const lines = createInterface({ input: program.stdout });
  for (const words of ["link", "more", "and more"]) {
    program.stdin.write(`${words}\n`);
    await once(lines, "line");
    await it.check(words);
  }
});

/** Without a barrier: from when it is known that something changed until it is stored nothing is called persisted. */
async function trueUntilStored(it, words) {
  const isStored = async () => (await told(it.world)).second === expected(it.world.tree()).second;
  const isCalledPersisted = async () => (await it.world.status()).state === "persisted";
  await until(`${words}: known`, async () => !(await isCalledPersisted()) || isStored(), 10);
  await until(`${words}: stored`, async () => {
    const said = await isCalledPersisted();
    const stored = await isStored();
    if (said && !stored) throw new Error("it is called persisted");
    return stored;
  }, 10);
}

test("no barrier, and nobody saw the two names at once: nothing is called persisted that is not", LIMIT, async (t) => {
  const it = await begin(t);
  await halt(t, it.world.codi2.pid);
  const fd = it.open(it.at("name"));
  fs.linkSync(it.at("name"), it.at("second"));
  fs.rmSync(it.at("name"));
  resume(it.world.codi2.pid);
  await it.check("the other name");
  for (const words of ["once", "once more"]) {
    fs.writeSync(fd, words);
    await trueUntilStored(it, words);
  }
});

test("no barrier, and a file that was made without a name", LIMIT, async (t) => {
  const it = await begin(t);
  const program = spawn("python3", ["-c", `
import os, sys
fd = os.open(sys.argv[1], os.O_TMPFILE | os.O_WRONLY)
os.link(str(fd), sys.argv[2], src_dir_fd=os.open("/proc/self/fd", os.O_PATH), follow_symlinks=True)
for line in sys.stdin:
    os.write(fd, line.encode())
    print("done", flush=True)
`, it.world.tree(), it.at("second")], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => program.kill("SIGKILL"));
  await until("it has a name", () => fs.existsSync(it.at("second")));
  await it.check("a name");
  const lines = createInterface({ input: program.stdout });
  for (const words of ["once", "once more"]) {
    program.stdin.write(`${words}\n`);
    await once(lines, "line");
    await trueUntilStored(it, words);
  }
});

test("a deleted file that is written to for ever does not keep the rest from being called persisted", LIMIT, async (t) => {
  const it = await begin(t);
  const fd = it.open(it.at("name"));
  fs.rmSync(it.at("name"));
  await it.check("deleted");
  const writing = setInterval(() => fs.writeSync(fd, "more"), 100);
  t.after(() => clearInterval(writing));
  await until("it is looked for", async () => (await it.world.status()).state !== "persisted");
  // While it is sought hardly any answer says so. Once it is given up most do: a write is known to be none of the tree after a look.
  const persisted = [];
  await until("it is given up", async () => {
    persisted.push((await it.world.status()).state === "persisted");
    return persisted.slice(-200).filter(Boolean).length > 100;
  }, 50);
  clearInterval(writing);
});

test("memory is mapped from a name that is gone, or outside", LIMIT, async (t) => {
  for (const go of [gone["is deleted"], gone["is another file now"], gone["was moved out of the tree"]]) {
    const it = await begin(t);
    fs.linkSync(it.at("kept"), it.at("name"));
    const program = spawn("python3", ["-c", `
import mmap, sys
file = open(sys.argv[1], "r+b")
memory = mmap.mmap(file.fileno(), 0)
file.close()
print("mapped", flush=True)
for line in sys.stdin:
    memory[0:1] = line[0].encode()
    print("done", flush=True)
`, it.at("name")], { stdio: ["pipe", "pipe", "inherit"] });
    t.after(() => program.kill("SIGKILL"));
    const lines = createInterface({ input: program.stdout });
    await once(lines, "line");
    await it.check("two names");
    go(it);
    await it.check("one name");
    for (const letter of ["A", "B", "C"]) {
      program.stdin.write(`${letter}\n`);
      await once(lines, "line");
      await it.check(`${letter} in memory`);
    }
  }
});

test("a name outside the tree is noticed by a look at all, and known from then on", LIMIT, async (t) => {
  const it = await begin(t, ["--sweep", "2"]);
  fs.linkSync(it.at("kept"), it.world.path("outside"));
  const fd = it.open(it.world.path("outside"));
  fs.writeSync(fd, "unseen");
  await until("a look at all", () => it.check("unseen").then(() => true));
  await it.write(fd);
});
