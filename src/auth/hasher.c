/*
 * A hasher: reads a password, hashes it, answers, forgets it. Its program was begun anew, so that it has none of the server's
 * memory, and no environment, files or sockets but the one to the server and standard error.
 *
 * 1. Before the first password comes, the kernel is told to kill it for any call that is not listed below: it can open, send and
 *    start nothing, and runs no memory that was not its program's.
 * 2. It ends when the server does, which is the other end of its socket. What a terminal or a service manager sends to the whole
 *    group is the server's to follow, whose requests are answered till then.
 */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/hash_int.h"
#include "auth/hasher.h"
#include "base/assert.h"
#include "base/log.h"

struct builder {
    scmp_filter_ctx filter;
    int error; /* the first */
};

static void allow(struct builder *b, const char *call, unsigned count,
                  const struct scmp_arg_cmp *when)
{
    int number = seccomp_syscall_resolve_name(call);
    ASSERT(number != __NR_SCMP_ERROR);
    int r = seccomp_rule_add_array(b->filter, SCMP_ACT_ALLOW, number, count, when);
    b->error = b->error ? b->error : r;
}

static void allow_descriptor(struct builder *b, const char *call, int fd)
{
    const struct scmp_arg_cmp is = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (uint64_t)fd};
    allow(b, call, 1, &is);
}

/* Memory that nothing is run from and no file lies behind. */
static void allow_memory(struct builder *b)
{
    const struct scmp_arg_cmp when[] = {
        {.arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0},
        {.arg = 3, .op = SCMP_CMP_MASKED_EQ, .datum_a = MAP_ANONYMOUS, .datum_b = MAP_ANONYMOUS}};
    allow(b, "mmap", 2, when);
}

/* What libsodium, malloc and the loop below ask of the kernel; the last one, sanitizers do. */
static int build(struct builder *b)
{
    static const char *const calls[] = {
        "munmap",    "mremap",     "madvise",         "brk",
        "getrandom", "exit_group", "restart_syscall", "sigaltstack"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        allow(b, calls[i], 0, NULL);
    }
    allow_memory(b);
    allow_descriptor(b, "read", STDIN_FILENO);
    allow_descriptor(b, "write", STDIN_FILENO);
    allow_descriptor(b, "write", STDERR_FILENO);
    return b->error;
}

/* Nobody else's to look at either: no core, no debugger of the same user. */
int auth_hasher_confine(void)
{
    struct builder b = {.filter = seccomp_init(SCMP_ACT_KILL_PROCESS)};
    int r = b.filter ? build(&b) : -ENOMEM;
    /* Kernels before 5.16 slow down what has a filter, against strangers' code in it; there is none here. */
    r = r < 0 ? r : seccomp_attr_set(b.filter, SCMP_FLTATR_CTL_SSB, 1);
    if (r == 0 && (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) < 0 ||
                   prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)) {
        r = -errno;
    }
    r = r < 0 ? r : seccomp_load(b.filter);
    seccomp_release(b.filter);
    errno = -r;
    return r < 0 ? log_err(ERR_INTERNAL, "auth", "a hasher cannot be confined: %m") : 0;
}

/* False when the server is gone. */
static bool serve_one(void)
{
    struct auth_hash_request request;
    struct auth_hash_reply reply;
    ssize_t n;
    do {
        n = read(STDIN_FILENO, &request, sizeof request);
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof request) {
        return false;
    }
    auth_hash_answer(&request, &reply);
    explicit_bzero(&request, sizeof request);
    n = write(STDIN_FILENO, &reply, sizeof reply);
    explicit_bzero(&reply, sizeof reply);
    return n == (ssize_t)sizeof reply;
}

bool auth_hasher_is_meant(int count, char **arguments)
{
    int type = 0;
    socklen_t n = sizeof type;
    return count == 2 && str_eq(str_from(arguments[1]), STR(AUTH_HASHER)) &&
           getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_SEQPACKET;
}

_Noreturn void auth_hasher_run(void)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    if (sodium_init() < 0 || auth_hasher_confine() < 0) {
        _exit(1);
    }
    while (serve_one()) {
    }
    _exit(0); /* nothing to tidy up, and no call for it */
}
