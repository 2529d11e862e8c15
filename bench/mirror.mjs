// What a workspace's mirror takes for what a workspace does at once: a checkout, a large file, doing nothing, coming back.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { inside, open, reaches } from "../tests/workspaces/inside.mjs";
import { quantile, short } from "./measure.mjs";
import { withSession } from "./workspace.mjs";

const CHANGES = 100;

const secondsOf = (work) => {
  const begin = performance.now();
  work();
  return (performance.now() - begin) / 1000;
};

/** Waits for the store for as long as it takes: a barrier alone gives up after 30 s. */
const persisted = `persisted() { until curl -sf -o /dev/null -X POST --unix-socket /run/coditect/door/door.sock http://door/sync; do :; done; }`;

const making = (files, bytes) => `python3 - <<'END'
import os
for i in range(${files}):
    folder = f"part-{i // 100}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/file-{i}.txt", "wb") as file:
        file.write(os.urandom(${bytes}))
END`;

const git = "git -c user.name=Ada -c user.email=ada@example.com -c gc.auto=0 -c core.fsync=none";

function checkout(server, me, session) {
  inside(server, session, `mkdir repository && cd repository && git init -q -b files && ${making(10_000, 600)}
    ${git} add -A && ${git} commit -q -m files && ${git} checkout -q --orphan none && ${git} rm -q -rf . && ${git} commit -q --allow-empty -m none`);
  inside(server, session, `${persisted}; persisted`);
  const ours = secondsOf(() => inside(server, session, `${persisted}; cd repository && git checkout -q files && persisted`));
  inside(server, session, "cp -a repository /tmp/repository && cd /tmp/repository && git checkout -q none");
  const theirs = secondsOf(() => inside(server, session, "cd /tmp/repository && git checkout -q files"));
  return { what: "git checkout of 10,000 files → persisted", ours: `${short(ours)} s`, yardstick: `the checkout alone: ${short(theirs)} s`, ratio: `${short(ours / theirs)}×` };
}

function large(server, me, session) {
  const from = mkdtempSync(join(server.data, "bench-"));
  execFileSync("dd", ["if=/dev/urandom", `of=${from}/large`, "bs=1M", "count=1024", "status=none"]);
  const tree = join(server.data, "workspaces", session, "tree");
  const rate = (work) => 1024 / secondsOf(work);
  const theirs = rate(() => execFileSync("dd", [`if=${from}/large`, `of=${from}/copy`, "bs=1M", "conv=fsync", "status=none"]));
  const ours = rate(() => {
    // Made with its rights: a chmod afterwards is one more change, for which all of it is read again.
    execFileSync("sh", ["-c", 'umask 022; cp "$1" "$2"', "cp", join(from, "large"), join(tree, "large")]);
    inside(server, session, `${persisted}; persisted`);
  });
  rmSync(from, { recursive: true });
  inside(server, session, `${persisted}; rm large; persisted`);
  return { what: "1 GiB of new content → persisted", ours: `${short(ours)} MiB/s`, yardstick: `dd with fsync, same disk: ${short(theirs)} MiB/s`, ratio: `${short(ours / theirs)}×` };
}

/** Of codi2, pid 1 in the sandbox: seconds of processor time, and resident MiB. */
function use(server, session) {
  const [stat, status] = inside(server, session, "cat /proc/1/stat && cat /proc/1/status").split(/\n(?=Name:)/);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, rss: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024, most: Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024 };
}

async function idle(server, me, session) {
  inside(server, session, `mkdir many && cd many && ${making(100_000, 20)}`);
  inside(server, session, `${persisted}; persisted`);
  await wait(5000);
  const before = use(server, session);
  await wait(30_000);
  const after = use(server, session);
  await lose(server, me, session);
  await open(me, session);
  assert.equal(Number(inside(server, session, "find many -type f | wc -l")), 100_000);
  inside(server, session, `${persisted}; persisted`);
  const back = use(server, session);
  const memory = ({ rss, most }) => `${short(rss)} MiB resident, ${short(most)} MiB at most`;
  return [
    { what: "codi2 with 100,000 files and nothing to do", ours: `${short(((after.cpu - before.cpu) / 30) * 100)} % of a core, ${memory(after)}`, yardstick: "", ratio: "" },
    { what: "codi2 after 100,000 files came back to an empty disk", ours: memory(back), yardstick: "", ratio: "" },
  ];
}

/** The workspace stops, and its disk is gone. */
async function lose(server, me, session) {
  assert.equal((await me.post(`/sessions/${session}/pause`)).status, 200);
  await reaches(me, session, "stopped");
  rmSync(join(server.data, "workspaces", session), { recursive: true });
}

async function comeBack(server, me, session) {
  inside(server, session, `mkdir half && cd half && ${making(10_000, 50_000)}`);
  inside(server, session, `${persisted}; persisted`);
  const home = join(server.data, "workspaces", session);
  const copy = mkdtempSync(join(server.data, "bench-"));
  execFileSync("cp", ["-a", join(home, "tree"), join(copy, "from")]);
  await lose(server, me, session);
  const begin = performance.now();
  await open(me, session);
  const ours = (performance.now() - begin) / 1000;
  assert.equal(Number(inside(server, session, "find half -type f | wc -l")), 10_000);
  const theirs = secondsOf(() => execFileSync("cp", ["-a", join(copy, "from"), join(copy, "to")]));
  return { what: "open → 10,000 files, 500 MB on an empty disk", ours: `${short(ours)} s`, yardstick: `cp -a of the same files: ${short(theirs)} s`, ratio: `${short(ours / theirs)}×` };
}

/** Milliseconds from the answer to a PUT until the file is seen on the workspace's disk, whole. */
async function arrive(server, me, session) {
  const tree = join(server.data, "workspaces", session, "tree");
  inside(server, session, `${persisted}; persisted`);
  const took = [];
  const puts = [];
  for (let i = 0; i < CHANGES; i++) {
    const path = join(tree, `from-outside-${i}`);
    const begin = performance.now();
    const put = await me.write(`/sessions/${session}/files/from-outside-${i}`, "x".repeat(4096));
    assert.ok(put.status < 300, put.text());
    const answered = performance.now();
    for (let size; size === undefined; await wait(1)) size = statSync(path, { throwIfNoEntry: false })?.size;
    assert.equal(statSync(path).size, 4096);
    puts.push(answered - begin);
    took.push(performance.now() - answered);
  }
  const row = (name, part) => ({ what: `a change by the API → the workspace's disk, ${name}`, ours: `${short(quantile(took, part))} ms`, yardstick: `its durable PUT: ${short(quantile(puts, part))} ms`, ratio: `${short(quantile(took, part) / quantile(puts, part))}×` });
  return [row("p50", 0.5), row("p99", 0.99)];
}

const row = (part) => () =>
  withSession([], async (server, me, session) => {
    await open(me, session);
    const rows = await part(server, me, session);
    return Array.isArray(rows) ? rows : [rows];
  });

export const mirror = { checkout: row(checkout), large: row(large), idle: row(idle), arrive: row(arrive), back: row(comeBack) };
