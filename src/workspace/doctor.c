/*
 * What of a sandbox this machine enforces. Nothing is concluded from versions and settings: a workspace is started in which this
 * same program stands in codi2's place, and says what it finds there. One line for each wall on standard output: a word, what
 * it is about, how it is and, behind ": ", what would mend it; in columns, which coditectd's doctor.c reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "workspace/workspace_int.h"

enum { PATIENCE_MS = 15000, TEXT_ROOM = 8192, FOUND_MISSING = 9 };
enum { TRIAL_MEMORY = 1 << 28, TRIAL_PROCESSES = 64, TRIAL_CPU = 50, TRIAL_FILES = 256 };

/* Enforced; by weaker means; missing, without which no stranger's code should run here. */
enum verdict { ENFORCED, WEAKER, MISSING };

static enum verdict say(enum verdict verdict, const char *about, const char *how)
{
    static const char *const words[] = {"enforced", "weaker", "MISSING"};
    (void)printf("%-9s %-16s %s\n", words[verdict], about, how);
    return verdict;
}

static enum verdict judge(bool good, const char *about, const char *how)
{
    if (good) {
        return say(ENFORCED, about, how);
    }
    (void)printf("%-9s %-16s not so (%s): install Debian's bubblewrap anew, on a kernel with "
                 "seccomp filters and namespaces\n",
                 "MISSING", about, how);
    return MISSING;
}

/* ---- inside ---- */

static struct str read_text(const char *path, char room[TEXT_ROOM])
{
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : fd_read_full(fd, room, TEXT_ROOM);
    return str_of(room, n > 0 ? (size_t)n : 0);
}

/* Of "Seccomp:\t2" the 2; empty when there is no such line. */
static struct str field(struct str text, struct str name)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        if (str_starts(line, name)) {
            return str_trim(str_slice(line, name.n, line.n));
        }
    }
    return STR_EMPTY;
}

static unsigned look_at_rights(void)
{
    char room[TEXT_ROOM];
    struct str status = read_text("/proc/self/status", room);
    struct str none = STR("0000000000000000");
    unsigned v = judge(str_eq(field(status, STR("Seccomp:")), STR("2")) &&
                           unshare(CLONE_NEWUSER) < 0 && errno == EPERM,
                       "system calls", "what a developer never needs is refused by a filter");
    v |= judge(str_eq(field(status, STR("CapEff:")), none) &&
                   str_eq(field(status, STR("CapBnd:")), none) &&
                   str_eq(field(status, STR("NoNewPrivs:")), STR("1")),
               "privileges", "no capability, and none can be had");
    return v;
}

static unsigned look_at_walls(bool online)
{
    char room[TEXT_ROOM];
    unsigned v = judge(getpid() == 1 && getppid() == 0, "processes", "only its own are seen");
    bool network = field(read_text("/proc/net/dev", room), STR("  tap0:")).n > 0;
    v |= judge(network == online, "network", "its own, without the machine's loopback");
    v |= judge(access("/etc/shadow", F_OK) < 0 && access("/root", F_OK) < 0 &&
                   access("/usr", W_OK) < 0 && access("/", W_OK) < 0,
               "files", "the machine's programs read-only, its other files not there");
    FD_AUTO int interrupts = open("/proc/interrupts", O_RDONLY | O_CLOEXEC);
    v |= judge(interrupts < 0 && access("/sys/kernel", F_OK) < 0, "/proc and /sys",
               "tell of processes and limits, not of the machine");
    return v;
}

static bool holds(const char *path, int64_t number)
{
    char room[TEXT_ROOM];
    BUF_AUTO(wanted, 32);
    buf_i64(&wanted, number);
    struct str text = str_trim(read_text(path, room));
    return str_starts(text, buf_str(&wanted));
}

static enum verdict limit(bool good, const char *about, const char *otherwise)
{
    return say(good ? ENFORCED : WEAKER, about, good ? "by a control group" : otherwise);
}

static unsigned look_at_limits(void)
{
    unsigned v = limit(holds("/sys/fs/cgroup/memory/memory.limit_in_bytes", TRIAL_MEMORY) ||
                           holds("/sys/fs/cgroup/memory.max", TRIAL_MEMORY),
                       "memory limit",
                       "codi2 ends the largest process: a control group wants root and a "
                       "writable /sys/fs/cgroup");
    v |= limit(holds("/sys/fs/cgroup/pids/pids.max", TRIAL_PROCESSES) ||
                   holds("/sys/fs/cgroup/pids.max", TRIAL_PROCESSES),
               "process limit",
               "by the user's limit of processes: a control group wants root and a "
               "writable /sys/fs/cgroup");
    v |= limit(holds("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", TRIAL_CPU * 1000) ||
                   holds("/sys/fs/cgroup/cpu.max", TRIAL_CPU * 1000),
               "processor share",
               "none, a busy workspace slows the others down: a control group wants root and a "
               "writable /sys/fs/cgroup");
    return v;
}

int workspace_doctor_inside(void)
{
    unsigned v = look_at_rights();
    v |= look_at_walls(/* online= */ true);
    v |= look_at_limits();
    return fflush(stdout) != 0 || (v & MISSING) ? FOUND_MISSING : 0;
}

/* ---- outside ---- */

/* A copy of this program where the workspace's user can reach it, which the original need not be. */
static int copy_self(const char *path)
{
    FD_AUTO int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    FD_AUTO int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    ssize_t n = from < 0 || to < 0 ? -1 : 1;
    while (n > 0) {
        n = sendfile(to, from, NULL, INT32_MAX);
    }
    return n < 0 || fchmod(to, 0755) < 0 ? err_from_errno(errno) : 0;
}

static int await_end(pid_t pid)
{
    FD_AUTO int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int status;
    if (fd < 0 || poll(&p, 1, PATIENCE_MS) != 1 || waitpid(pid, &status, 0) != pid) {
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What the programs of a sandbox say by themselves is worth reading when there is none. */
static int hide_errors(int *ret_kept)
{
    FD_AUTO int hidden = memfd_create("said", MFD_CLOEXEC);
    *ret_kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    return hidden < 0 || *ret_kept < 0 || dup2(hidden, STDERR_FILENO) < 0 ? -1 : 0;
}

static void show_errors(int kept, bool failed)
{
    char room[TEXT_ROOM];
    ssize_t n = pread(STDERR_FILENO, room, sizeof room, 0);
    if (dup2(kept, STDERR_FILENO) >= 0 && failed && n > 0) {
        (void)!fd_write_all(STDERR_FILENO, str_of(room, (size_t)n));
    }
    fd_close(&kept);
}

static unsigned try_workspace(const struct workspace_config *config)
{
    struct workspace_group group;
    struct workspace_sandbox sandbox;
    workspace_group_create(config, &group);
    int status = -1;
    int errors;
    bool hidden = hide_errors(&errors) == 0;
    if (workspace_sandbox_start(config, &group, &sandbox) == 0) {
        status = await_end(sandbox.holder);
        sandbox.holder = status < 0 ? sandbox.holder : 0;
        sandbox.error = "the trial workspace did not answer";
    }
    workspace_sandbox_fini(&sandbox);
    workspace_group_destroy(&group);
    if (hidden) {
        show_errors(errors, status < 0);
    }
    if (status == 0) {
        return say(ENFORCED, "sandbox", "a trial workspace was started, and ended");
    }
    return say(MISSING, "sandbox",
               status == FOUND_MISSING ? "walls are missing: mend what stands above"
                                       : sandbox.error);
}

int workspace_doctor(uid_t uid)
{
    char place[] = "/tmp/coditect-doctor-XXXXXX";
    ARENA_AUTO(arena);
    if (!mkdtemp(place) || chmod(place, 0711) < 0) {
        return log_err(1, "workspace", "%s cannot be made: %m", place);
    }
    const char *program = arena_printf(&arena, "%s/inside", place).p;
    const char *const arguments[] = {WORKSPACE_DOCTOR_INSIDE, NULL};
    const char *const environment[] = {NULL};
    bool root = geteuid() == 0;
    struct workspace_config config = {.session = str_from(place + strlen("/tmp/")),
                                      .run = place,
                                      .codi2 = program,
                                      .token = "none",
                                      .arguments = (const char **)arguments,
                                      .environment = (const char **)environment,
                                      .uid = root ? uid : geteuid(),
                                      .gid = root ? uid : getegid(),
                                      .network = true,
                                      .limits = {.memory = TRIAL_MEMORY,
                                                 .processes = TRIAL_PROCESSES,
                                                 .cpu = TRIAL_CPU,
                                                 .files = TRIAL_FILES}};
    unsigned v =
        root ? say(ENFORCED, "users", "each workspace runs as a user of its own")
             : say(WEAKER, "users", "all workspaces run as this user: start the server as root");
    (void)fflush(stdout);
    int error = copy_self(program);
    v |= error ? say(MISSING, "sandbox", "no place in /tmp for a trial: make room there")
               : try_workspace(&config);
    (void)unlink(program);
    (void)rmdir(place);
    return fflush(stdout) != 0 || (v & MISSING) ? 1 : 0;
}
