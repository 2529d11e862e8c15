/*
 * As many hashers as there are cores: memory stays bounded, and the lane can have more threads, of which some wait for their commits.
 *
 * They are processes because libsodium maps 19 MiB for each hash and gives them back: whoever maps memory in the same process waits
 * for that, the other hashes and the store's writer alike (ADR 30).
 *
 * 1. A hasher that is taken is its thread's alone, from the question to the answer.
 * 2. One that did not answer as it should is ended, and begun anew when it is taken next.
 * 3. The one that was free last is taken first: a server where few log in has few processes.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/hash_int.h"
#include "auth/hasher.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    HASHERS_MAGIC = 0x68617368,
    PATIENCE = 30, /* seconds for one answer; a hash takes a fiftieth part of one */
};

struct hasher {
    struct hasher *next; /* free ones */
    pid_t pid;
    int socket; /* -1: not begun */
};

struct auth_hashers {
    unsigned magic;
    bool apart;
    struct lock lock;
    struct lock_cond given;
    struct hasher *free;
    unsigned count;
    struct hasher all[];
};

struct auth_hashers *auth_hashers_create(bool apart)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count = cores > 0 ? (unsigned)cores : 1;
    struct auth_hashers *h = mem_alloc(sizeof *h + count * sizeof *h->all);
    h->magic = HASHERS_MAGIC;
    h->apart = apart;
    h->count = count;
    lock_init(&h->lock, LOCK_HASHERS);
    lock_cond_init(&h->given);
    for (unsigned i = 0; i < count; i++) {
        h->all[i] = (struct hasher){.next = h->free, .socket = -1};
        h->free = &h->all[i];
    }
    return h;
}

/* Whatever it does: it keeps nothing. Its status as wait(2) has it. */
static int end(struct hasher *one)
{
    int status = 0;
    if (one->socket >= 0) {
        fd_close(&one->socket);
        (void)kill(one->pid, SIGKILL);
        while (waitpid(one->pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    return status;
}

void auth_hashers_destroy(struct auth_hashers *h)
{
    if (!h) {
        return;
    }
    ASSERT_MAGIC(h, HASHERS_MAGIC);
    for (unsigned i = 0; i < h->count; i++) {
        (void)end(&h->all[i]);
    }
    lock_cond_fini(&h->given);
    lock_fini(&h->lock);
    h->magic = 0;
    mem_free(h);
}

static struct hasher *take(struct auth_hashers *h)
{
    LOCK_SCOPE(&h->lock);
    while (!h->free) {
        lock_cond_wait(&h->given, &h->lock);
    }
    struct hasher *one = h->free;
    h->free = one->next;
    return one;
}

static void give(struct auth_hashers *h, struct hasher *one)
{
    LOCK_SCOPE(&h->lock);
    one->next = h->free;
    h->free = one;
    lock_cond_signal(&h->given);
}

/*
 * This program, as it was begun, also when another build has been put in its place since. Without environment: secrets come that way.
 */
static int spawn(int socket, pid_t *ret_pid)
{
    char name[] = "coditectd";
    char word[] = AUTH_HASHER;
    char *const arguments[] = {name, word, NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ERR_BUSY;
    }
    int r = posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
    r = r ? r : posix_spawn_file_actions_addclose(&actions, STDOUT_FILENO);
    r = r ? r : posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    r = r ? r : posix_spawn(ret_pid, "/proc/self/exe", &actions, NULL, arguments, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    errno = r;
    return r ? log_err(ERR_BUSY, "auth", "a hasher cannot be begun: %m") : 0;
}

static int begin(struct hasher *one)
{
    const struct timeval patience = {.tv_sec = PATIENCE};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return log_err(ERR_BUSY, "auth", "a hasher cannot be begun: %m");
    }
    FD_AUTO int ours = ends[0];
    FD_AUTO int theirs = ends[1];
    if (setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0) {
        return log_err(ERR_BUSY, "auth", "a hasher cannot be begun: %m");
    }
    int r = spawn(theirs, &one->pid);
    if (r == 0) {
        one->socket = FD_TAKE(ours);
    }
    return r;
}

static bool put(const struct hasher *one, const struct auth_hash_request *request)
{
    return one->socket >= 0 &&
           send(one->socket, request, sizeof *request, MSG_NOSIGNAL) == (ssize_t)sizeof *request;
}

/* It is told all passwords, and believed no further than that. */
static bool is_answer(const struct auth_hash_reply *reply)
{
    bool known =
        reply->error == 0 || reply->error == ERR_BAD_CREDENTIALS || reply->error == ERR_BUSY;
    return known && memchr(reply->phc, '\0', sizeof reply->phc);
}

static bool get(const struct hasher *one, struct auth_hash_reply *ret_reply)
{
    ssize_t n;
    do {
        n = recv(one->socket, ret_reply, sizeof *ret_reply, 0);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *ret_reply && is_answer(ret_reply);
}

/* One that ended while nobody asked it (the kernel may need memory) is noticed here, before it has the password: ask another. */
static int ask(struct hasher *one, const struct auth_hash_request *request,
               struct auth_hash_reply *ret_reply)
{
    if (!put(one, request)) {
        (void)end(one);
        int r = begin(one);
        if (r < 0) {
            return r;
        }
        if (!put(one, request)) {
            (void)end(one);
            return ERR_BUSY;
        }
    }
    if (!get(one, ret_reply)) {
        int status = end(one);
        log_warn("auth", "a hasher ended without an answer: %s %d",
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        return ERR_BUSY;
    }
    return 0;
}

int auth_hashers_ask(struct auth_hashers *h, const struct auth_hash_request *request,
                     struct auth_hash_reply *ret_reply)
{
    ASSERT_MAGIC(h, HASHERS_MAGIC);
    struct hasher *one = take(h);
    int r = 0;
    if (h->apart) {
        r = ask(one, request, ret_reply);
    } else {
        auth_hash_answer(request, ret_reply);
    }
    give(h, one);
    return r < 0 ? r : ret_reply->error;
}
