// coditectd --doctor says what is enforced, and says it of walls that are taken away: each row is seen in both ways.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { freePort } from "../api/harness.mjs";
import { build, callers, folder, isRoot, place, shared, without } from "./sandbox.mjs";

// Beside each other, as installed, where an ordinary user reaches them.
for (const name of ["src/coditectd/coditectd", "src/workspace/coditect-workspace", "src/codi2/codi2"]) shared(name);

const trials = () => readdirSync("/tmp").filter((name) => name.startsWith("coditect-doctor-"));

// /tmp is everybody's: what is there after a run may be the trial of a doctor beside it, which takes seconds; ours would stay.
const suspects = new Set();
after(async () => {
  for (const deadline = Date.now() + 60_000; trials().some((name) => suspects.has(name)) && Date.now() < deadline;) await wait(100);
  assert.deepEqual(trials().filter((name) => suspects.has(name)), [], "nothing of a trial is left");
});

function doctor(caller, { args = [], env = process.env, before = [], program = join(place, "coditectd") } = {}) {
  const data = folder(join(place, `data-${caller.uid}`), caller.uid);
  const already = trials();
  const [command, ...words] = [...caller.before, ...before, program, "--data", data, "--user", "daemon", "--listen", "127.0.0.1:0", ...args, "--doctor"];
  const result = spawnSync(command, words, { encoding: "utf8", env, timeout: 60_000 });
  for (const name of trials()) if (!already.includes(name)) suspects.add(name);
  const lines = result.stdout.trim().split("\n");
  for (const line of lines) assert.match(line, /^(enforced {2}[^ ].{15} \S|(weaker  |MISSING ) {2}[^ ].{15} \S.*: \S)/, result.stdout + result.stderr); // a remedy each
  return { status: result.status, text: result.stdout, log: result.stderr, data, rows: new Map(lines.map((line) => [line.slice(10, 26).trim(), line.slice(0, 9).trim()])) };
}

const walls = ["system calls", "privileges", "processes", "network", "files", "/proc and /sys", "sandbox"];

for (const caller of callers) {
  test(`${caller.name}: every wall stands, and what is weaker is said`, { timeout: 60_000 }, () => {
    const { status, rows, text, log, data } = doctor(caller);
    assert.equal(status, 0, text + log);
    assert.equal(log, "");
    for (const wall of [...walls, "address", "origins", "store"]) assert.equal(rows.get(wall), "enforced", wall);
    const root = isRoot && caller.before.length === 0;
    assert.equal(rows.get("users"), root ? "enforced" : "weaker");
    if (!root) for (const limit of ["memory limit", "process limit", "processor share"]) assert.equal(rows.get(limit), "weaker", limit);
    assert.deepEqual(readdirSync(data), []); // it looks, and changes nothing
  });
}

test("settings that weaken are told", async () => {
  const [platform, ides] = [await freePort(), await freePort()];
  const { status, rows } = doctor(callers[0], { args: ["--listen", `0.0.0.0:${platform}`, "--ide-listen", `127.0.0.1:${ides}`] });
  assert.deepEqual([status, rows.get("address"), rows.get("origins")], [0, "weaker", "weaker"]);
  const full = doctor(callers[0], { args: ["--disk-low", "16777216"] });
  assert.deepEqual([full.status, full.rows.get("room on disk")], [0, "weaker"]);
});

test("of a large disk no more is asked for than the server asks for", () => {
  const room = (free, args = []) => {
    const env = { ...process.env, LD_PRELOAD: join(build, "tests/sandbox/disk.so"), DISK_FREE: `${free}`, ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0` };
    const { text, log } = doctor(callers[0], { env, args });
    return /^(\w+) +room on disk +(.*)$/m.exec(text + log)?.slice(1).join(" ");
  };
  assert.match(room(17), /^enforced 17408 of 1048576 MiB are free/); // not 5 % of it
  assert.match(room(15), /^weaker 15360 of .* no workspace will be started/);
  assert.match(room(15, ["--disk-low-percent", "1"]), /^enforced 15360/);
});

test("a server that would stay root is missing something", { skip: isRoot ? false : "only root" }, () => {
  const { status, rows } = doctor(callers[0], { args: ["--user", "no-such-user"] });
  assert.deepEqual([status, rows.get("server's user")], [1, "MISSING"]);
});

test("a kernel without namespaces: missing, with the remedy", () => {
  const { status, rows, text } = doctor(callers[0], { before: [join(build, "tests/sandbox/no-namespaces")] });
  assert.deepEqual([status, rows.get("sandbox")], [1, "MISSING"]);
  assert.match(text, /the kernel refuses user namespaces: boot one/);
});

test("workspaces that could not reach the network: missing, with the remedy", { skip: isRoot ? false : "only root" }, () => {
  const seeing = (commands) => doctor(callers[0], { before: ["unshare", "--mount", "sh", "-ec", `mount -t tmpfs none /dev/net; ${commands} exec "$@"`, "-"] });
  const none = seeing("");
  assert.deepEqual([none.status, none.rows.get("sandbox")], [1, "MISSING"]);
  assert.match(none.text, /there is no \/dev\/net\/tun .*modprobe tun/);
  const shut = seeing("mknod -m 0600 /dev/net/tun c 10 200;");
  assert.deepEqual([shut.status, shut.rows.get("sandbox")], [1, "MISSING"]);
  assert.match(shut.text, /chmod 0666 \/dev\/net\/tun/);
});

test("a wall that is taken away is missed", async (t) => {
  await t.test("the filter", () => {
    const { status, rows } = doctor(callers[0], { env: without("--seccomp") });
    assert.deepEqual([status, rows.get("system calls"), rows.get("privileges"), rows.get("sandbox")], [1, "MISSING", "enforced", "MISSING"]);
  });
  await t.test("the covers of /proc", () => {
    const env = without();
    const path = env.PATH.split(":")[0];
    writeFileSync(join(path, "bwrap"), `#!/bin/bash
words=()
while [ $# -gt 0 ]; do if [[ $1 == --ro-bind && $3 == /proc/* ]]; then shift 3; else words+=("$1"); shift; fi; done
exec /usr/bin/bwrap "\${words[@]}"
`, { mode: 0o755 });
    const { status, rows } = doctor(callers[0], { env });
    assert.deepEqual([status, rows.get("/proc and /sys"), rows.get("system calls")], [1, "MISSING", "enforced"]);
  });
  await t.test("more of the machine's files", () => {
    const env = without();
    const path = env.PATH.split(":")[0];
    writeFileSync(join(path, "bwrap"), '#!/bin/bash\nset -- "${@/#--cap-drop/--ro-bind\n/root\n/root\n--cap-drop}"\nmapfile -t words < <(printf "%s\\n" "$@")\nexec /usr/bin/bwrap "${words[@]}"\n', { mode: 0o755 });
    const { status, rows } = doctor(callers[0], { env });
    assert.deepEqual([status, rows.get("files")], [1, "MISSING"]);
  });
});

test("what is not installed is named", () => {
  const path = folder(join(place, "poor"), false);
  symlinkSync("/usr/bin/slirp4netns", join(path, "slirp4netns"));
  const poor = doctor({ ...callers[0], before: [] }, { env: { PATH: path } });
  assert.deepEqual([poor.status, poor.rows.get("sandbox")], [1, "MISSING"]);
  assert.match(poor.text, /install the Debian package bubblewrap/);
  const alone = join(place, "alone/bin");
  mkdirSync(alone, { recursive: true });
  copyFileSync(join(place, "coditectd"), join(alone, "coditectd"));
  const lonely = doctor(callers[0], { program: join(alone, "coditectd") });
  assert.deepEqual([lonely.status, lonely.rows.get("codi2"), lonely.rows.get("sandbox")], [1, "MISSING", "MISSING"]);
});
