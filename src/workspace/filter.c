/*
 * The system call filter: what a developer never needs of the kernel is refused to everything inside, codi2 included. Allowed
 * is what is not listed, as build tools and debuggers want most calls; listed is what Docker's default profile refuses to a
 * container without capabilities, and why something differs stands in docs/adr/0019-the-system-call-filter.md.
 *
 * 1. Most of these calls want a capability that nobody inside has. They are listed all the same: the filter answers before
 *    the kernel's own code, with its mistakes, is reached, and it does not depend on the capability being asked for first.
 * 2. EPERM where a program should learn that it may not; ENOSYS where it should take the older way, as with clone3, whose
 *    flags lie in memory where no filter can see them.
 * 3. A program of another architecture (32-bit calls of this processor, x32) would be another list: it is killed.
 * 4. Comparisons see 64 bits of an argument of which the kernel may read 32: they are masked, so that no high bit hides a value.
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "workspace/workspace_int.h"

static const char *const not_permitted[] = {
    /* the file system's shape */
    "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
    "fsconfig", "fsmount", "fspick", "mount_setattr",
    /* other namespaces; new ones are refused by their flags, below */
    "setns",
    /* the kernel's code, now and at the next boot */
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf",
    /* the machine */
    "reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "vhangup",
    /* its clock */
    "clock_settime", "settimeofday", "stime",
    /* its ports */
    "iopl", "ioperm",
    /* the kernel's keys, which know no namespaces */
    "add_key", "request_key", "keyctl",
    /* files by number, past the folders that hide them; the number itself may be asked for */
    "open_by_handle_at",
    /* what exploits like: to stop the kernel half way, to look at it from beside */
    "userfaultfd", "perf_event_open", "fanotify_init"};

static const char *const not_there[] = {"clone3", /* libc then uses clone */
                                        "io_uring_setup", "io_uring_enter", "io_uring_register",
                                        /* writes that the mirror hears nothing of */
                                        "io_setup",
                                        /* of older kernels */
                                        "_sysctl", "create_module", "get_kernel_syms",
                                        "lookup_dcookie", "nfsservctl", "query_module", "sysfs",
                                        "uselib", "ustat", "vm86", "vm86old"};

/* Of clone (on the machines that we build for) and of unshare. */
static const uint64_t namespaces[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                      CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

static const uint64_t low = UINT32_MAX;

struct builder {
    scmp_filter_ctx filter;
    int error; /* the first */
};

static void refuse(struct builder *b, const char *call, int error)
{
    int number = seccomp_syscall_resolve_name(call);
    ASSERT(number != __NR_SCMP_ERROR);
    int r = seccomp_rule_add_array(b->filter, SCMP_ACT_ERRNO((uint32_t)error), number, 0, NULL);
    b->error = b->error ? b->error : r;
}

static void refuse_when(struct builder *b, const char *call, int error, struct scmp_arg_cmp when)
{
    int number = seccomp_syscall_resolve_name(call);
    ASSERT(number != __NR_SCMP_ERROR);
    int r = seccomp_rule_add_array(b->filter, SCMP_ACT_ERRNO((uint32_t)error), number, 1, &when);
    b->error = b->error ? b->error : r;
}

static struct scmp_arg_cmp masked(unsigned argument, uint64_t mask, uint64_t value)
{
    return (struct scmp_arg_cmp){
        .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

static void refuse_namespaces(struct builder *b)
{
    for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0]; i++) {
        refuse_when(b, "clone", EPERM, masked(0, namespaces[i], namespaces[i]));
        refuse_when(b, "unshare", EPERM, masked(0, namespaces[i], namespaces[i]));
    }
    refuse_when(b, "unshare", EPERM, masked(0, CLONE_NEWTIME, CLONE_NEWTIME));
}

/* Unix, internet and netlink (which addresses are there) are what programs use; each other family is a module of its own. */
static void refuse_families(struct builder *b)
{
    static const char *const calls[] = {"socket", "socketpair"};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        for (unsigned family = AF_INET + 1; family < AF_NETLINK; family++) {
            if (family != AF_INET6) {
                refuse_when(b, calls[i], EAFNOSUPPORT, masked(0, low, family));
            }
        }
        refuse_when(b, calls[i], EAFNOSUPPORT,
                    (struct scmp_arg_cmp){
                        .arg = 0, .op = SCMP_CMP_GT, .datum_a = AF_NETLINK}); /* high bits too */
    }
}

/* Characters put into a terminal's input as if they had been typed, and the console's clipboard. */
static void refuse_typing(struct builder *b)
{
    refuse_when(b, "ioctl", EPERM, masked(1, low, TIOCSTI));
    refuse_when(b, "ioctl", EPERM, masked(1, low, TIOCLINUX));
}

/*
 * Allowed are the question (all bits set), and what debuggers and sanitizers do: addresses that stay the same. A rule has one
 * comparison, so the top bit parts the question, which alone may have it, from the rest.
 */
static void refuse_personalities(struct builder *b)
{
    const uint64_t fine = PER_LINUX32 | UNAME26 | ADDR_NO_RANDOMIZE;
    const uint64_t top = UINT64_C(1) << 31;
    for (uint64_t bit = 1; bit < top; bit <<= 1) {
        refuse_when(b, "personality", EPERM, masked(0, top | bit, top));
        if (!(fine & bit)) {
            refuse_when(b, "personality", EPERM, masked(0, top | bit, bit));
        }
    }
}

static int build(struct builder *b)
{
    int r = seccomp_attr_set(b->filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    b->error = r;
    for (size_t i = 0; i < sizeof not_permitted / sizeof not_permitted[0]; i++) {
        refuse(b, not_permitted[i], EPERM);
    }
    for (size_t i = 0; i < sizeof not_there / sizeof not_there[0]; i++) {
        refuse(b, not_there[i], ENOSYS);
    }
    refuse_namespaces(b);
    refuse_families(b);
    refuse_typing(b);
    refuse_personalities(b);
    return b->error;
}

int workspace_filter_open(int *ret_fd)
{
    struct builder b = {.filter = seccomp_init(SCMP_ACT_ALLOW)};
    FD_AUTO int fd = memfd_create("filter", MFD_CLOEXEC);
    int r = !b.filter || fd < 0 ? -ENOMEM : build(&b);
    if (r == 0) {
        r = seccomp_export_bpf(b.filter, fd);
    }
    seccomp_release(b.filter);
    if (r < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        errno = r < 0 ? -r : errno;
        return log_err(ERR_INTERNAL, "workspace", "the system call filter cannot be made: %m");
    }
    *ret_fd = FD_TAKE(fd);
    return 0;
}
