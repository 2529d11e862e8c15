#include "codi2/children.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

enum { LOG_ROOM = 1 << 20, FIRST_PAUSE_S = 1, LAST_PAUSE_S = 60, WELL_AFTER_S = 60, POLL_MS = 20 };

static _Noreturn void become(const struct codi2_keeper *k)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    FD_AUTO int log = open(k->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    FD_AUTO int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0 || chdir(k->directory) < 0) {
        _exit(126);
    }
    execve(k->arguments[0], k->arguments, k->environment ? k->environment : environ);
    _exit(127);
}

void codi2_keeper_start(struct codi2_keeper *k)
{
    struct stat facts;
    if (stat(k->log, &facts) == 0 && facts.st_size > LOG_ROOM) {
        (void)!truncate(k->log, 0);
    }
    k->again_at = 0;
    k->started = time_monotonic();
    k->pid = fork();
    if (k->pid == 0) {
        become(k);
    }
    if (k->pid < 0) {
        k->pid = 0;
        k->again_at = k->started + LAST_PAUSE_S * USEC_PER_SEC;
        log_error("codi2", "%s: no process could be made: %m", k->name);
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

void codi2_children_reap(struct codi2_keeper *k)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == k->pid) {
            note_end(k, status);
        }
    }
}

void codi2_children_end(struct codi2_keeper *k, usec_t patience)
{
    if (getpid() != 1) {
        if (k->pid > 0) {
            (void)kill(k->pid, SIGTERM);
        }
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
            (void)poll(NULL, 0, POLL_MS);
        }
        if (!killed && time_monotonic() > deadline) {
            killed = true;
            (void)kill(-1, SIGKILL);
        }
    }
    k->pid = 0;
    k->again_at = 0;
}
