// The system call filter and what else of the kernel is hidden, tried from inside a real sandbox, by root and by an ordinary
// user; each with a control without the wall, which shows that the test can fail.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { build, callers, isRoot, place, shared, start, until, without } from "./sandbox.mjs";

const read = (text) => new Map(text.trim().split("\n").map((line) => line.split(" ")).map(([kind, name, outcome]) => [`${kind} ${name}`, outcome]));

const kinds = ["mount", "cgroup", "uts", "ipc", "user", "pid", "net"];
const notPermitted = {
  mount: ["mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"],
  namespace: ["setns", ...kinds.flatMap((kind) => [`unshare-${kind}`, `clone-${kind}`]), "unshare-time", "mount-inside"],
  module: ["init_module", "finit_module", "delete_module"],
  kexec: ["kexec_load", "kexec_file_load"],
  bpf: ["bpf"],
  machine: ["reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "vhangup"],
  clock: ["clock_settime", "settimeofday"],
  ...(process.arch === "x64" ? { ports: ["iopl", "ioperm"] } : {}),
  keys: ["add_key", "request_key", "keyctl"],
  handle: ["open_by_handle_at"],
  watching: ["userfaultfd", "perf_event_open", "fanotify_init"],
  typing: ["TIOCSTI", "TIOCSTI-high-bits", "TIOCLINUX"],
  personality: ["executable-data", "page-zero", "fixed-and-executable", "top-bit", "top-bit-and-executable", "all-but-one"],
};
const old = ["lookup_dcookie", "nfsservctl", ...(process.arch === "x64" ? ["_sysctl", "create_module", "get_kernel_syms", "query_module", "sysfs", "uselib", "ustat"] : [])];
const expected = new Map([
  ...Object.entries(notPermitted).flatMap(([kind, names]) => names.map((name) => [`${kind} ${name}`, "EPERM"])),
  ...["io_uring_setup", "io_uring_enter", "io_uring_register"].map((name) => [`uring ${name}`, "ENOSYS"]),
  ["aio io_setup", "ENOSYS"],
  ["clone3 clone3", "ENOSYS"],
  ...old.map((name) => [`old ${name}`, "ENOSYS"]),
  ...["x25", "rds", "packet", "alg", "vsock", "hidden-alg", "most"].map((name) => [`family ${name}`, "EAFNOSUPPORT"]),
  ...(process.arch === "x64" ? [["architecture int-0x80", "SYS"]] : []),
]);
const allowed = new Map([
  ...["unix", "inet", "inet6", "netlink"].map((name) => [`family ${name}`, "succeeded"]),
  ...["question", "none", "fixed-addresses", "old-name"].map((name) => [`personality ${name}`, "succeeded"]),
  ["namespace unshare-thread-state", "succeeded"], ["debugger ptrace", "succeeded"], ["typing TIOCGWINSZ", "succeeded"],
  ["handle name_to_handle_at", "ENOENT"],
]);
// What root alone is told apart by: these kernels need not have the family, the call or 32-bit programs at all. Of the calls of
// older kernels ustat is in all.
const mayBeAbsent = /^family (x25|rds|alg|vsock|hidden-alg|most)$|^architecture |^old (?!ustat)/;

let count = 0;

async function callsInside(caller, env = process.env) {
  const workspace = start(`ses-calls-${count++}`, { codi2: shared("tests/sandbox/sandbox-calls"), caller, env, network: false });
  await workspace.ended;
  return read(readFileSync(join(workspace.tree, "calls"), "utf8"));
}

for (const caller of callers) {
  test(`${caller.name}: what a developer never needs is refused inside, and the rest is not`, { timeout: 60_000 }, async (t) => {
    const found = await callsInside(caller);
    for (const [name, outcome] of [...expected, ...allowed]) {
      await t.test(name, () => assert.equal(found.get(name), outcome));
    }
    await t.test("every call is one of these", () => {
      const others = [...found.keys()].filter((name) => !expected.has(name) && !allowed.has(name) && !name.startsWith("status "));
      assert.deepEqual(others, []);
    });
    await t.test("no capability, no new privileges, a filter", () => {
      for (const name of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) assert.equal(found.get(`status ${name}`), "0", name);
      assert.equal(found.get("status NoNewPrivs"), "1");
      assert.equal(found.get("status Seccomp"), "2");
    });
  });
}

test("control: inside, without the filter, it is the filter that is missed", { timeout: 60_000 }, async () => {
  const found = await callsInside(callers[0], without("--seccomp"));
  assert.equal(found.get("status Seccomp"), "0");
  for (const name of ["namespace unshare-user", "namespace clone-user", "namespace mount-inside", "personality executable-data", "personality page-zero"]) {
    assert.equal(found.get(name), "succeeded", name);
  }
  for (const name of ["keys add_key", "keys keyctl", "clone3 clone3", "uring io_uring_setup", "aio io_setup"]) assert.notEqual(found.get(name), expected.get(name), name);
});

test("control: to root, whom nothing else refuses it, each call says something else without the filter", { skip: isRoot ? false : "only root" }, () => {
  const calls = join(build, "tests/sandbox/sandbox-calls");
  const bare = read(execFileSync(calls, { encoding: "utf8" }));
  const filtered = read(execFileSync(join(build, "tests/sandbox/filtered"), [calls], { encoding: "utf8" }));
  for (const [name, outcome] of expected) {
    assert.equal(filtered.get(name), outcome, name);
    if (!mayBeAbsent.test(name)) assert.notEqual(bare.get(name), outcome, name);
  }
  for (const [name, outcome] of allowed) assert.deepEqual([bare.get(name), filtered.get(name)], [outcome, outcome], name);
});

/** Runs a script of bash in codi2's place; what it printed. */
async function script(caller, text, more = {}) {
  const session = `ses-hidden-${count++}`;
  const program = join(place, `${session}.sh`);
  writeFileSync(program, `#!/bin/bash\ncd /workspace\n(\n${text}\n) > output.part 2>&1 < /dev/null\nmv output.part output\n`, { mode: 0o755 });
  const workspace = start(session, { codi2: program, caller, network: false, ...more });
  await workspace.ended;
  const output = join(workspace.tree, "output");
  await until("the script has ended", () => existsSync(output));
  return { output: readFileSync(output, "utf8"), workspace };
}

const files = ["interrupts", "iomem", "ioports", "kallsyms", "kcore", "keys", "key-users", "kmsg", "kpagecount", "latency_stats", "modules", "sched_debug", "slabinfo",
  "sysrq-trigger", "timer_list", "timer_stats", "vmallocinfo"];
const folders = ["acpi", "asound", "bus", "driver", "fs", "irq", "scsi"];

const lookAround = `
for f in ${files.join(" ")}; do
  if [ ! -e /proc/$f ]; then echo "$f absent"; elif head -c 1 /proc/$f > /dev/null 2>&1; then echo "$f read"; else echo "$f hidden"; fi
done
for d in ${folders.join(" ")}; do
  if [ ! -e /proc/$d ]; then echo "$d absent"; elif [ -n "$(ls -A /proc/$d)" ]; then echo "$d shown"; else echo "$d hidden"; fi
done
: > /proc/acpi/x && echo "written acpi"
echo h > /proc/sysrq-trigger && echo "written sysrq-trigger"
echo x > /proc/sys/kernel/core_pattern && echo "written sys"
echo "sys: $(ls /sys | tr '\\n' ' ')"; echo "devices: $(cd /sys/devices; echo * */*)"
find /sys -type f -writable | head -n 3 | sed 's/^/writable /'; mkdir /sys/x 2> /dev/null && echo "made in sys"; mkdir /sys/fs/x 2> /dev/null && echo "made in fs"
for f in $(find /sys -name cgroup.procs -o -name cgroup.event_control); do (echo 1 > $f) 2> /dev/null && echo "written $f"; done
echo "count: $(nproc) $(lscpu | grep -c '^CPU(s):')"
true`;

for (const caller of callers) {
  test(`${caller.name}: /proc shows processes, /sys the processors and the own limits, neither can be written`, { timeout: 60_000 }, async () => {
    const { output } = await script(caller, lookAround);
    const lines = new Map(output.split("\n").map((line) => line.split(" ")).map(([name, ...rest]) => [name, rest]));
    for (const name of [...files, ...folders]) assert.match(lines.get(name)?.[0] ?? "", /^(absent|hidden)$/, `${name}: ${output}`);
    assert.deepEqual([lines.get("interrupts")[0], lines.get("fs")[0]], ["hidden", "hidden"]); // every kernel has these
    assert.doesNotMatch(output, /^(written|writable|made)/m);
    assert.match(output, /^sys: devices (fs )?$/m);
    assert.match(output, /^devices: system system\/cpu$/m);
    assert.match(output, /^count: [1-9]\d* 1$/m);
  });
}

test("control: without the covers /proc tells of the machine", { timeout: 60_000 }, async () => {
  const path = without();
  writeFileSync(join(path.PATH.split(":")[0], "bwrap"), `#!/bin/bash
words=()
while [ $# -gt 0 ]; do
  if [[ $1 == --ro-bind && $3 == /proc/* ]]; then shift 3; elif [[ $1 == --tmpfs && $2 == /proc/* || $1 == --remount-ro && $2 == /proc/* ]]; then shift 2; else words+=("$1"); shift; fi
done
exec /usr/bin/bwrap "\${words[@]}"
`, { mode: 0o755 });
  const { output } = await script(callers[0], lookAround, { env: path });
  assert.match(output, /^interrupts read$/m);
  assert.match(output, /^fs shown$/m);
});

test("programs see the limit of the workspace as theirs", { skip: isRoot ? false : "control groups are root's" }, async (t) => {
  const { output, workspace } = await script(callers[0], "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2> /dev/null; cat /proc/self/cgroup");
  if (workspace.state().limits === "rlimit") return t.skip("no control groups here");
  assert.match(output, new RegExp(`^${256 << 20}$`, "m"));
  assert.doesNotMatch(output, /coditect/); // where it lies among the machine's groups is not told
});
