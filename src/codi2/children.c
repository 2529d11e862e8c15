#include "codi2/children.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "codi2/processes.h"

enum {
    LOG_ROOM = 512 * 1024,
    PIECE = 16 * 1024,
    PIECES = 16, /* read in one go */
    FIRST_PAUSE_S = 1,
    LAST_PAUSE_S = 60,
    WELL_AFTER_S = 60,
    POLL_MS = 20
};

static bool begins_with_any(struct str text, const char *const *beginnings)
{
    for (size_t i = 0; beginnings[i]; i++) {
        if (str_starts(text, str_from(beginnings[i]))) {
            return true;
        }
    }
    return false;
}

static size_t count_of(const char *const *texts)
{
    size_t n = 0;
    while (texts[n]) {
        n++;
    }
    return n;
}

char **codi2_child_environment(struct arena *arena, const char *const *dropped,
                               const char *const *ours)
{
    size_t n = 0;
    char **all =
        ARENA_ARRAY(arena, char *, count_of((const char *const *)environ) + count_of(ours) + 1);
    for (size_t i = 0; environ[i]; i++) {
        if (!begins_with_any(str_from(environ[i]), dropped)) {
            all[n++] = environ[i];
        }
    }
    for (size_t i = 0; ours[i]; i++) {
        all[n++] = (char *)arena_str(arena, str_from(ours[i])).p;
    }
    all[n] = NULL;
    return all;
}

void codi2_child_in_front(void)
{
    FD_AUTO int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    (void)!(fd >= 0 && fd_write_all(fd, STR("500")) == 0);
}

static _Noreturn void become(const struct codi2_keeper *k, int output)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setsid();
    codi2_child_in_front();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* as in a sandbox, where all ends with pid 1 */
    FD_AUTO int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0 || chdir(k->directory) < 0) {
        _exit(126);
    }
    execve(k->arguments[0], k->arguments, k->environment ? k->environment : environ);
    _exit(127);
}

void codi2_keeper_start(struct codi2_keeper *k)
{
    int ends[2] = {-1, -1};
    fd_close(&k->output);
    k->again_at = 0;
    k->started = time_monotonic();
    k->pid = pipe2(ends, O_CLOEXEC) < 0 ? -1 : fork();
    if (k->pid == 0) {
        become(k, ends[1]);
    }
    fd_close(&ends[1]);
    k->output = ends[0];
    if (k->output >= 0) {
        (void)fcntl(k->output, F_SETFL, O_NONBLOCK);
    }
    if (k->pid < 0) {
        k->pid = 0;
        k->again_at = k->started + LAST_PAUSE_S * USEC_PER_SEC;
        log_error("codi2", "%s: no process could be made: %m", k->name);
    }
}

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void keep(const struct codi2_keeper *k, struct str said)
{
    FD_AUTO int log = open_log(k->log);
    struct stat facts;
    if (log >= 0 && fstat(log, &facts) == 0 && facts.st_size > LOG_ROOM) {
        BUF_AUTO(old, 4096);
        buf_printf(&old, "%s.1", k->log);
        (void)rename(k->log, buf_z(&old));
        fd_close(&log);
        log = open_log(k->log);
    }
    if (log >= 0) {
        (void)!fd_write_all(log, said); /* a full disk keeps no log */
    }
}

void codi2_keeper_read(struct codi2_keeper *k)
{
    char piece[PIECE];
    for (int i = 0; k && k->output >= 0 && i < PIECES; i++) {
        ssize_t n = read(k->output, piece, sizeof piece);
        if (n == 0) {
            fd_close(&k->output); /* nobody holds the other end any more */
        }
        if (n <= 0) {
            return;
        }
        keep(k, str_of(piece, (size_t)n));
    }
}

static void note_end(struct codi2_keeper *k, int status)
{
    usec_t now = time_monotonic();
    bool was_well = now - k->started > WELL_AFTER_S * USEC_PER_SEC;
    k->pause = k->pause == 0 || was_well ? FIRST_PAUSE_S * USEC_PER_SEC : k->pause * 2;
    if (k->pause > LAST_PAUSE_S * USEC_PER_SEC) {
        k->pause = LAST_PAUSE_S * USEC_PER_SEC;
    }
    k->pid = 0;
    k->again_at = now + k->pause;
    log_warn("codi2", "%s ended with %s %d; it is started again in %d s", k->name,
             WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
             (int)(k->pause / USEC_PER_SEC));
}

int codi2_keeper_turn(struct codi2_keeper *k)
{
    if (!k->again_at) {
        return -1;
    }
    usec_t left = k->again_at - time_monotonic();
    if (left > 0) {
        return (int)(left / USEC_PER_MS) + 1;
    }
    codi2_keeper_start(k);
    return k->again_at ? LAST_PAUSE_S * 1000 : -1;
}

void codi2_children_reap(struct codi2_keeper *k, const struct codi2_mourner *mourner)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (k && pid == k->pid) {
            note_end(k, status);
        }
        mourner->reaped(mourner->ctx, pid, status);
    }
}

static void end_one(struct codi2_keeper *k, usec_t patience)
{
    usec_t deadline = time_monotonic() + patience;
    (void)kill(k->pid, SIGTERM);
    while (waitpid(k->pid, NULL, WNOHANG) == 0) {
        codi2_keeper_read(k);
        if (time_monotonic() > deadline) {
            (void)kill(k->pid, SIGKILL);
        }
        (void)poll(NULL, 0, POLL_MS);
    }
    k->pid = 0;
    k->again_at = 0;
}

/* Without a sandbox: what descends from us, again until nothing does. */
static void end_descendants(void)
{
    enum { ROUNDS = 50 };
    for (int round = 0; round < ROUNDS; round++) {
        ARENA_AUTO(arena);
        struct codi2_processes left;
        codi2_processes_read(&arena, &left);
        for (size_t i = 0; i < left.count; i++) {
            (void)kill(left.at[i].pid, SIGKILL);
        }
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        if (left.count == 0) {
            return;
        }
        (void)poll(NULL, 0, POLL_MS);
    }
}

void codi2_children_end(struct codi2_keeper *k, usec_t patience)
{
    if (getpid() != 1) {
        if (k && k->pid > 0) {
            end_one(k, patience);
        }
        end_descendants();
        return;
    }
    usec_t deadline = time_monotonic() + patience;
    (void)kill(-1, SIGTERM); /* everything in this pid namespace but ourselves */
    for (bool killed = false;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0 && errno == ECHILD) {
            break;
        }
        if (pid == 0) {
            codi2_keeper_read(k);
            (void)poll(NULL, 0, POLL_MS);
        }
        if (!killed && time_monotonic() > deadline) {
            killed = true;
            (void)kill(-1, SIGKILL);
        }
    }
    if (k) {
        k->pid = 0;
        k->again_at = 0;
    }
}
