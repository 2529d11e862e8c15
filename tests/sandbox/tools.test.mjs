// What a person finds in a workspace: each tool answers inside the sandbox and does its first piece of work.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { place, start, until } from "./sandbox.mjs";

// The Node.js that scripts/up would hand over: shown at /opt/coditect/node unless it is the system's own. Where it lies is
// often below /root, which the workspace's user cannot pass (the broker shows it elsewhere): a copy serves here.
const node = realpathSync(process.execPath);
const nodeHome = dirname(dirname(node));
const binds = [];
if (!nodeHome.startsWith("/usr")) {
  const source = join(place, "node");
  execFileSync("cp", ["-a", nodeHome, source]);
  chmodSync(source, 0o755);
  binds.push({ source, target: "/opt/coditect/node", writable: false });
}

let count = 0;

/** Runs a script of bash in codi2's place; its exit status and what it printed. */
async function inside(script, more = {}) {
  const session = `ses-tools-${count++}`;
  const program = join(place, `${session}.sh`);
  writeFileSync(program, `#!/bin/bash\ncd /workspace\n( ${script}\n) > output 2>&1 < /dev/null\necho $? > status.part; mv status.part status\n`, { mode: 0o755 });
  const workspace = start(session, { codi2: program, network: false, binds, memory: 1 << 30, ...more });
  const status = join(workspace.tree, "status");
  await workspace.ended;
  await until("the script has ended", () => existsSync(status));
  return { status: Number(readFileSync(status, "utf8")), output: readFileSync(join(workspace.tree, "output"), "utf8"), tree: workspace.tree };
}

async function works(script, more) {
  const result = await inside(script, more);
  assert.equal(result.status, 0, `${script}:\n${result.output}`);
  return result;
}

const versions = {
  bash: "--version", cc: "--version", curl: "--version", file: "--version", "g++": "--version", gcc: "--version", gdb: "--version",
  git: "--version", less: "--version", make: "--version", node: "--version", npm: "--version", npx: "--version", ps: "--version",
  python3: "--version", ssh: "-V", tmux: "-V", unzip: "-v", vim: "--version", wget: "--version", xz: "--version",
};

test("every tool is there", async (t) => {
  const lines = Object.entries(versions).map(([tool, option]) => `if text=$(${tool} ${option} 2>&1); then echo "${tool}: $text" | head -n 1; else echo "${tool}: absent"; fi`);
  const { output } = await works(lines.join("\n"));
  const said = Object.fromEntries(output.trim().split("\n").map((line) => line.split(/: (.*)/s)));
  for (const tool of Object.keys(versions)) {
    await t.test(tool, () => assert.match(said[tool] ?? "absent", /\d/));
  }
});

test("Node.js runs what it is given, and npm installs for the person", async () => {
  const { output } = await works(`
    node -e 'console.log(Number(process.versions.node.split(".")[0]) >= 20, process.execPath)'
    mkdir -p tool && cd tool
    printf '{"name":"tool","version":"1.0.0","bin":{"say-hello":"hello.js"}}' > package.json
    printf '#!/usr/bin/env node\\nconsole.log("hello")\\n' > hello.js && chmod +x hello.js
    npm install --global --offline --no-audit --no-fund --loglevel=error . && say-hello`);
  assert.match(output, /^true /m);
  assert.match(output, /^hello$/m);
});

test("git commits, and says what it needs when it does not know the person", async () => {
  const { output } = await works(`
    set -e
    git init -q -b main repository && cd repository && echo text > file && git add file
    if git commit -q -m first; then echo "committed by nobody"; exit 1; fi
    git config --global user.name Dev && git config --global user.email dev@example.com
    git commit -q -m first && git log --format='%an %s'
    git clone -q . ../clone && test -f ../clone/file`);
  assert.match(output, /Please tell me who you are/);
  assert.match(output, /git config --global user.email/);
  assert.match(output, /^Dev first$/m);
});

test("a C program is compiled, run and debugged", async () => {
  const { output } = await works(`
    set -e
    printf '#include <stdio.h>\\nint main(void) { puts("compiled"); return 0; }\\n' > main.c
    printf 'main: main.c\\n\\tcc -g -Wall -o main main.c\\n' > Makefile
    make -s && ./main
    gdb -q -batch -ex 'break main' -ex run -ex 'print 40 + 2' ./main`);
  assert.match(output, /^compiled$/m);
  assert.match(output, /Breakpoint 1, main/);
  assert.match(output, /= 42$/m);
});

test("Python makes an environment with pip", async () => {
  const { output } = await works("python3 -m venv env && . env/bin/activate && python -c 'import sys, ssl; print(sys.prefix)' && pip --version");
  assert.match(output, /^\/workspace\/env$/m);
  assert.match(output, /^pip \d/m);
});

test("tmux runs a shell on a terminal of its own", async () => {
  const { output } = await works(`
    mkfifo ready; tmux new-session -d -s work 'tty > ready; exec cat' && cat ready; tmux kill-server 2> /dev/null; true`);
  assert.match(output, /^\/dev\/pts\/\d+$/m);
});

test("vim edits a file", async () => {
  const { output } = await works("echo old > file && vim -es -u NONE -c '%s/old/new/' -c 'wq' file; cat file");
  assert.match(output, /^new$/m);
});

test("the shell is at home in every kind of start", async () => {
  const { output } = await works(`
    env -i HOME=$HOME PATH=$PATH bash -l -c 'echo "login: $PATH"; command -v node'
    printf 'id: '; id -un; printf 'home: '; cd && pwd; printf 'place: '; hostname; umask
    printf 'locale: '; python3 -c 'print("ü")'
    getent hosts localhost`);
  assert.match(output, /^login: .*\/opt\/coditect\/node\/bin.*\/usr\/bin/m);
  assert.match(output, /^id: dev$/m);
  assert.match(output, /^home: \/home\/dev$/m);
  assert.match(output, /^place: coditect$/m);
  assert.match(output, /^0022$/m);
  assert.match(output, /^locale: ü$/m);
  assert.match(output, /localhost/);
});

test("TLS finds the trusted authorities", async () => {
  const { output } = await works("python3 -c 'import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 50)'; openssl version -d");
  assert.match(output, /^True$/m);
});

test("the packages that bring the tools are those of scripts/packages.txt", () => {
  const owners = execFileSync("dpkg-query", ["-S", "/usr/bin/gdb", "/usr/bin/git", "/usr/bin/less", "/usr/bin/unzip", "/usr/bin/wget", "/usr/bin/xz"], { encoding: "utf8" });
  const listed = readFileSync(new URL("../../scripts/packages.txt", import.meta.url), "utf8").split("\n").filter((line) => /^\S*run/.test(line)).map((line) => line.split(/\s+/)[1]);
  for (const line of owners.trim().split("\n")) {
    assert.ok(listed.includes(line.split(":")[0]), line);
  }
});
