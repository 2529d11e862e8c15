/*
 * Makes one call of each class that the sandbox's filter refuses, and some that it must not, and writes a line for each: class,
 * name, and what came of it. As pid 1 of a sandbox on /workspace/calls, else on standard output. Nothing is changed by a call
 * that succeeds or that root makes without the filter: what is named is not there, what is counted is out of range. Calls of
 * the kernel that libc has no function for, with bare numbers: nothing else shows what the filter sees.
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOWHERE ((long)"/proc/nowhere/coditect") /* nobody can make it */

enum { ODD = 0x7fff, PERF_ANY = 1 };

static FILE *out;

struct call {
    const char *class;
    const char *name;
    long number;
    long arguments[5];
};

static void say(const char *class, const char *name, const char *outcome)
{
    (void)fprintf(out, "%s %s %s\n", class, name, outcome);
    (void)fflush(out);
}

static void say_result(const char *class, const char *name, long result)
{
    say(class, name, result < 0 ? strerrorname_np(errno) : "succeeded");
}

/* What each of these says to root without the filter is another error than the filter's. */
static const struct call calls[] = {
    {"mount", "mount", SYS_mount, {NOWHERE, NOWHERE, NOWHERE, 0, 0}},
    {"mount", "umount2", SYS_umount2, {NOWHERE}},
    {"mount", "pivot_root", SYS_pivot_root, {NOWHERE, NOWHERE}},
    {"mount", "chroot", SYS_chroot, {NOWHERE}},
    {"mount", "move_mount", SYS_move_mount, {-1, NOWHERE, -1, NOWHERE, 0}},
    {"mount", "open_tree", SYS_open_tree, {-1, NOWHERE, 1}},
    {"mount", "fsopen", SYS_fsopen, {NOWHERE}},
    {"mount", "fsconfig", SYS_fsconfig, {-1}},
    {"mount", "fsmount", SYS_fsmount, {-1}},
    {"mount", "fspick", SYS_fspick, {-1, NOWHERE}},
    {"mount", "mount_setattr", SYS_mount_setattr, {-1, NOWHERE}},
    {"namespace", "setns", SYS_setns, {-1}},
    {"namespace", "unshare-thread-state", SYS_unshare, {CLONE_FS}},
    {"module", "init_module", SYS_init_module, {0, 0, NOWHERE}},
    {"module", "finit_module", SYS_finit_module, {-1, NOWHERE, 0}},
    {"module", "delete_module", SYS_delete_module, {NOWHERE}},
    {"kexec", "kexec_load", SYS_kexec_load, {0, ODD}},
    {"kexec", "kexec_file_load", SYS_kexec_file_load, {-1, -1, 0, 0, ODD}},
    {"bpf", "bpf", SYS_bpf, {ODD}},
    {"machine", "reboot", SYS_reboot, {0, 0, 0}},
    {"machine", "swapon", SYS_swapon, {NOWHERE}},
    {"machine", "swapoff", SYS_swapoff, {NOWHERE}},
    {"machine", "acct", SYS_acct, {NOWHERE}},
    {"machine", "quotactl", SYS_quotactl, {ODD, NOWHERE}},
    {"machine", "quotactl_fd", SYS_quotactl_fd, {-1}},
    {"machine", "syslog", SYS_syslog, {ODD}},
    {"clock", "clock_settime", SYS_clock_settime, {0, 0}},
    {"clock", "settimeofday", SYS_settimeofday, {-1, 0}},
#ifdef __x86_64__
    {"ports", "iopl", SYS_iopl, {ODD}},
    {"ports", "ioperm", SYS_ioperm, {ODD, -1}},
#endif
    {"keys", "add_key", SYS_add_key, {0}},
    {"keys", "request_key", SYS_request_key, {0}},
    {"keys", "keyctl", SYS_keyctl, {ODD}},
    {"handle", "open_by_handle_at", SYS_open_by_handle_at, {-1, 0, 0}},
    {"watching", "userfaultfd", SYS_userfaultfd, {ODD}},
    {"watching", "perf_event_open", SYS_perf_event_open, {0}},
    {"watching", "fanotify_init", SYS_fanotify_init, {-1}},
    {"uring", "io_uring_setup", SYS_io_uring_setup, {0, 0}},
    {"uring", "io_uring_enter", SYS_io_uring_enter, {-1}},
    {"uring", "io_uring_register", SYS_io_uring_register, {-1}},
    {"aio", "io_setup", SYS_io_setup, {1, NOWHERE}},
    {"clone3", "clone3", SYS_clone3, {0}},
    {"handle", "name_to_handle_at", SYS_name_to_handle_at, {-1, NOWHERE}},
/* Of older kernels; vm86, umount and stime have no number on the machines that we build for. */
#ifdef __x86_64__
    {"old", "_sysctl", SYS__sysctl, {0}},
    {"old", "create_module", SYS_create_module, {NOWHERE, 0}},
    {"old", "get_kernel_syms", SYS_get_kernel_syms, {0}},
    {"old", "query_module", SYS_query_module, {NOWHERE, ODD}},
    {"old", "sysfs", SYS_sysfs, {ODD}},
    {"old", "uselib", SYS_uselib, {NOWHERE}},
    {"old", "ustat", SYS_ustat, {-1, 0}},
#endif
    {"old", "lookup_dcookie", SYS_lookup_dcookie, {-1, 0, 0}},
    {"old", "nfsservctl", SYS_nfsservctl, {ODD, 0, 0}},
};

static void make_calls(void)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const struct call *c = &calls[i];
        const long *a = c->arguments;
        say_result(c->class, c->name, syscall(c->number, a[0], a[1], a[2], a[3], a[4]));
    }
}

/* In a child, since what it does to itself stays. */
static void in_child(const char *class, const char *name, long (*body)(void))
{
    pid_t child = fork();
    if (child == 0) {
        errno = 0;
        long result = body();
        _exit(result < 0 ? errno : 0);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        say(class, name, sigabbrev_np(WTERMSIG(status)));
    } else {
        errno = WEXITSTATUS(status);
        say_result(class, name, WEXITSTATUS(status) == 0 ? 0 : -1);
    }
}

static long kind; /* of namespace, for the next two */

static long new_namespace(void)
{
    return unshare((int)kind);
}

static long clone_into_namespace(void)
{
    long child = syscall(SYS_clone, kind | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        _exit(0);
    }
    return child;
}

/* Each alone: what is not asked for with a user's namespace is refused to all but root, the filter or not. */
static void try_namespaces(void)
{
    static const struct {
        const char *unshare;
        const char *clone; /* NULL: it has no such flag */
        long kind;
    } kinds[] = {{"unshare-mount", "clone-mount", CLONE_NEWNS},
                 {"unshare-cgroup", "clone-cgroup", CLONE_NEWCGROUP},
                 {"unshare-uts", "clone-uts", CLONE_NEWUTS},
                 {"unshare-ipc", "clone-ipc", CLONE_NEWIPC},
                 {"unshare-user", "clone-user", CLONE_NEWUSER},
                 {"unshare-pid", "clone-pid", CLONE_NEWPID},
                 {"unshare-net", "clone-net", CLONE_NEWNET},
                 {"unshare-time", NULL, CLONE_NEWTIME}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        kind = kinds[i].kind;
        in_child("namespace", kinds[i].unshare, new_namespace);
        if (kinds[i].clone) {
            in_child("namespace", kinds[i].clone, clone_into_namespace);
        }
    }
}

/* Without a terminal, so that none is hung up. */
static long hang_up(void)
{
    (void)setsid();
    return syscall(SYS_vhangup);
}

/* Where a namespace of one's own can be had, so can everything in it: what the filter is for. */
static long mount_as_root_of_a_namespace(void)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
        return -1;
    }
    return mount("none", "/tmp", "tmpfs", 0, NULL);
}

static long foreign_call(void)
{
#ifdef __x86_64__
    enum { GETPID_OF_I386 = 20 };
    long result = GETPID_OF_I386;
    __asm__ volatile("int $0x80" : "+a"(result)::"memory", "r8", "r9", "r10", "r11");
    return result > 0 ? 0 : -1;
#else
    return 0;
#endif
}

static long trace_child(void)
{
    pid_t child = fork();
    if (child == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)raise(SIGSTOP);
        _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_EXITKILL) < 0) {
        return -1;
    }
    return ptrace(PTRACE_DETACH, child, NULL, NULL);
}

static void try_children(void)
{
    in_child("machine", "vhangup", hang_up);
    in_child("namespace", "mount-inside", mount_as_root_of_a_namespace);
    in_child("architecture", "int-0x80", foreign_call);
    in_child("debugger", "ptrace", trace_child);
}

/* On a terminal of our own: the setting that forbids it to everybody answers EIO. */
static void try_typing(void)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char name[64] = "";
    int line = -1;
    if (terminal >= 0 && unlockpt(terminal) == 0 && ptsname_r(terminal, name, sizeof name) == 0) {
        line = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    struct winsize size;
    say_result("typing", "TIOCGWINSZ", ioctl(line, TIOCGWINSZ, &size));
    say_result("typing", "TIOCSTI", ioctl(line, TIOCSTI, "x"));
    say_result("typing", "TIOCSTI-high-bits", syscall(SYS_ioctl, line, 0x100000000 | TIOCSTI, "x"));
    char command = 0;
    say_result("typing", "TIOCLINUX", ioctl(line, TIOCLINUX, &command));
}

static void try_families(void)
{
    static const struct {
        const char *name;
        long family;
    } families[] = {{"unix", AF_UNIX},     {"inet", AF_INET},
                    {"inet6", AF_INET6},   {"netlink", AF_NETLINK},
                    {"x25", AF_X25},       {"rds", AF_RDS},
                    {"packet", AF_PACKET}, {"alg", AF_ALG},
                    {"vsock", AF_VSOCK},   {"hidden-alg", 0x100000000 | AF_ALG},
                    {"most", ODD}};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        long type = families[i].family == AF_UNIX ? SOCK_STREAM : SOCK_DGRAM;
        type = (int)families[i].family == AF_ALG || families[i].family == AF_X25 ? SOCK_SEQPACKET
                                                                                 : type;
        long fd = syscall(SYS_socket, families[i].family, type, 0);
        say_result("family", families[i].name, fd);
    }
}

/* Each is put back at once, so that the next call finds an ordinary process. */
static void try_personalities(void)
{
    static const struct {
        const char *name;
        long value;
    } values[] = {{"question", 0xffffffff},
                  {"none", 0},
                  {"fixed-addresses", ADDR_NO_RANDOMIZE},
                  {"old-name", UNAME26},
                  {"executable-data", READ_IMPLIES_EXEC},
                  {"page-zero", MMAP_PAGE_ZERO},
                  {"fixed-and-executable", ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC},
                  {"top-bit", 0x80000000},
                  {"top-bit-and-executable", 0x80000000 | READ_IMPLIES_EXEC},
                  {"all-but-one", 0xfffffffe}};
    long now = syscall(SYS_personality, 0xffffffff);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        say_result("personality", values[i].name, syscall(SYS_personality, values[i].value));
        (void)syscall(SYS_personality, now);
    }
}

static void tell_status(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    while (status && fgets(line, sizeof line, status)) {
        char name[32];
        unsigned long long value;
        if (sscanf(line, "%31[A-Za-z_]: %llx", name, &value) == 2 &&
            (strncmp(name, "Cap", 3) == 0 || strcmp(name, "NoNewPrivs") == 0 ||
             strcmp(name, "Seccomp") == 0)) {
            char text[32];
            (void)snprintf(text, sizeof text, "%llx", value);
            say("status", name, text);
        }
    }
    if (status) {
        (void)fclose(status);
    }
}

static void make_all(void)
{
    make_calls();
    try_namespaces();
    try_children();
    try_typing();
    try_families();
    try_personalities();
    tell_status();
}

int main(void)
{
    if (getpid() != 1) {
        out = stdout;
        make_all();
        return 0;
    }
    out = fopen("/workspace/calls.part", "we");
    if (!out) {
        return 1;
    }
    pid_t child = fork(); /* a program of the person */
    if (child == 0) {
        make_all();
        _exit(0);
    }
    (void)waitpid(child, NULL, 0);
    (void)fclose(out);
    return rename("/workspace/calls.part", "/workspace/calls") < 0;
}
