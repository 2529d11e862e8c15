/*
 * git runs below a guard of ours: a process that waits for it and writes its exit status into a pipe. Pid 1 reaps whatever ends
 * (children.c), so the status could be had from nobody else.
 *
 * 1. git gets no configuration but what is written here: what the person's files name (a program that knows passwords, an
 *    address in another's place) belongs to the terminal.
 * 2. Only the address's own protocol is spoken, after a redirection too: never file:, ssh: or ext:.
 * 3. No hook and no template runs, no submodule is fetched.
 */
#include "codi2/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "codi2/children.h"

enum { LINE = 512, EXIT_NO_GIT = 127, EXIT_KILLED = 255, KILL_WAIT_MS = 5000 };

/* All made before the fork: between fork and exec nothing is allocated. */
struct command {
    char **arguments;
    char **environment;
    const char *directory;
};

struct child {
    pid_t guard; /* leads a process group of its own */
    int said;    /* what git writes */
    int status;  /* one byte: how it ended */
};

/* ---- what it is started with ---- */

static char *text_of(struct str s)
{
    return (char *)s.p; /* of the arena, with a NUL behind; execve wants it writable */
}

static char **environment_of(struct arena *arena, struct str url)
{
    static const char *const dropped[] = {"GIT_",  "SSH_ASKPASS=",     "LANG=", "LANGUAGE=", "LC_",
                                          "HOME=", "XDG_CONFIG_HOME=", "PATH=", NULL};
    bool plain = str_starts(url, STR("http://"));
    const char *const ours[] = {"LC_ALL=C",
                                "HOME=/nonexistent", /* .netrc, attributes */
                                "PATH=/usr/local/bin:/usr/bin:/bin",
                                "GIT_ATTR_NOSYSTEM=1",
                                "GIT_CONFIG_NOSYSTEM=1",
                                "GIT_CONFIG_GLOBAL=/dev/null",
                                "GIT_TERMINAL_PROMPT=0",
                                plain ? "GIT_ALLOW_PROTOCOL=http:https"
                                      : "GIT_ALLOW_PROTOCOL=https",
                                NULL};
    return codi2_child_environment(arena, dropped, ours);
}

static char **arguments_of(struct arena *arena, const struct codi2_clone_options *o)
{
    const char *const fixed[] = {"git",
                                 "-c",
                                 "credential.helper=",
                                 "-c",
                                 "core.hooksPath=/dev/null",
                                 "-c",
                                 "gc.auto=0",
                                 "-c",
                                 "http.lowSpeedLimit=1",
                                 "-c",
                                 "http.lowSpeedTime=300",
                                 "clone",
                                 "--progress",
                                 "--template=",
                                 "--no-recurse-submodules"};
    enum { FIXED = sizeof fixed / sizeof fixed[0], OWN = 5 };
    char **all = ARENA_ARRAY(arena, char *, FIXED + OWN);
    size_t n = 0;
    for (; n < FIXED; n++) {
        all[n] = text_of(arena_str(arena, str_from(fixed[n])));
    }
    if (o->branch.n > 0) {
        all[n++] = text_of(arena_printf(arena, "--branch=" STR_FMT, STR_ARG(o->branch)));
    }
    all[n++] = text_of(arena_str(arena, STR("--")));
    all[n++] = text_of(arena_str(arena, o->url));
    all[n++] = text_of(arena_str(arena, o->folder));
    all[n] = NULL;
    return all;
}

/* ---- the processes ---- */

/* Whoever was gone before it was asked for sends no signal any more. */
static void end_with(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(EXIT_KILLED);
    }
}

static _Noreturn void become_git(const struct command *c, pid_t guard, int said)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    end_with(guard);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(said, STDOUT_FILENO) < 0 ||
        dup2(said, STDERR_FILENO) < 0 || chdir(c->directory) < 0) {
        _exit(EXIT_KILLED);
    }
    environ = c->environment; /* its PATH, too */
    execvp(c->arguments[0], c->arguments);
    _exit(EXIT_NO_GIT);
}

/* Holds nothing of codi2's but the one pipe, and goes when codi2 goes. */
static _Noreturn void guard(const struct command *c, pid_t codi2, int said, int told)
{
    (void)setpgid(0, 0);
    codi2_child_in_front(); /* git inherits it */
    end_with(codi2);
    pid_t self = getpid();
    pid_t git = fork();
    if (git == 0) {
        become_git(c, self, said);
    }
    int status = 0;
    if (dup2(told, STDIN_FILENO) < 0 || close_range(STDIN_FILENO + 1, ~0U, 0) < 0) {
        _exit(1);
    }
    while (git > 0 && waitpid(git, &status, 0) < 0 && errno == EINTR) {
    }
    unsigned char how =
        git > 0 && WIFEXITED(status) ? (unsigned char)WEXITSTATUS(status) : EXIT_KILLED;
    (void)!write(STDIN_FILENO, &how, 1);
    _exit(0);
}

static bool begin(const struct command *c, struct child *ret_child)
{
    int said[2] = {-1, -1};
    int told[2] = {-1, -1};
    bool piped = pipe2(said, O_CLOEXEC) == 0 && pipe2(told, O_CLOEXEC) == 0;
    pid_t codi2 = getpid();
    pid_t pid = piped ? fork() : -1;
    if (pid == 0) {
        guard(c, codi2, said[1], told[1]);
    }
    if (pid > 0) {
        (void)setpgid(pid, pid); /* both say it: whichever is first, there is a group to end */
    }
    fd_close(&said[1]);
    fd_close(&told[1]);
    if (pid < 0) {
        log_error("codi2", "git: no process could be made: %m");
        fd_close(&said[0]);
        fd_close(&told[0]);
        return false;
    }
    *ret_child = (struct child){.guard = pid, .said = said[0], .status = told[0]};
    return true;
}

/* The whole group, as long as the guard is there to lead it: its number is given to nobody else meanwhile. */
static void end(struct child *child)
{
    struct pollfd over = {.fd = child->status, .events = POLLIN};
    if (child->status >= 0 && poll(&over, 1, 0) == 0) {
        (void)kill(-child->guard, SIGKILL);
        (void)poll(&over, 1, KILL_WAIT_MS);
    }
    fd_close(&child->said);
    fd_close(&child->status);
}

/* ---- what it says ---- */

struct listener {
    const struct codi2_clone_options *options;
    struct codi2_clone_words words;
    char line[LINE];
    size_t n;
};

static void hear(struct listener *l, const char *bytes, size_t count)
{
    unsigned before = l->words.percent;
    for (size_t i = 0; i < count; i++) {
        bool ends = bytes[i] == '\n' || bytes[i] == '\r';
        if (ends) {
            codi2_clone_hear(&l->words, str_of(l->line, l->n));
            l->n = 0;
        } else if (l->n < LINE) {
            l->line[l->n++] = bytes[i];
        }
    }
    if (l->words.percent > before) {
        l->options->progress(l->options->ctx, l->words.percent);
    }
}

/* Until it has no more to say. False: stopped, or the deadline is over. */
static bool listen_to(struct listener *l, int said)
{
    const struct codi2_clone_options *o = l->options;
    for (;;) {
        char piece[4096];
        usec_t left = o->deadline - time_monotonic();
        struct pollfd p[] = {{.fd = said, .events = POLLIN}, {.fd = o->stop, .events = POLLIN}};
        int patience = left <= 0                  ? 0
                       : left > 60 * USEC_PER_SEC ? 60 * 1000
                                                  : (int)(left / 1000) + 1;
        (void)poll(p, 2, patience);
        if (p[1].revents || left <= 0) {
            return false;
        }
        ssize_t n = p[0].revents ? read(said, piece, sizeof piece) : -1;
        if (n > 0) {
            hear(l, piece, (size_t)n);
        } else if (n == 0) {
            hear(l, "\n", 1);
            return true;
        }
    }
}

static bool is_stopped(const struct codi2_clone_options *o)
{
    return poll(&(struct pollfd){.fd = o->stop, .events = POLLIN}, 1, 0) > 0;
}

enum codi2_cloned codi2_clone(const struct codi2_clone_options *o, struct buf *ret_why)
{
    ARENA_AUTO(arena);
    ASSERT(str_starts(o->url, STR("http")) && o->folder.n > 0 && o->folder.p[0] != '-');
    const struct command command = {.arguments = arguments_of(&arena, o),
                                    .environment = environment_of(&arena, o->url),
                                    .directory = o->root};
    struct listener listener = {.options = o};
    struct child child;
    codi2_clone_words_init(&listener.words);
    if (!begin(&command, &child)) {
        buf_add(ret_why, STR("The workspace has no room for another process."));
        return CODI2_CLONE_FAILED;
    }
    bool heard = listen_to(&listener, child.said);
    unsigned char how = EXIT_KILLED;
    if (heard && read(child.status, &how, 1) != 1) {
        how = EXIT_KILLED; /* somebody ended the guard */
    }
    end(&child);
    if (is_stopped(o)) {
        return CODI2_CLONE_STOPPED;
    }
    if (heard && how == 0) {
        return CODI2_CLONED;
    }
    if (!heard) {
        buf_add(ret_why, STR("It took too long."));
    } else if (how == EXIT_NO_GIT) {
        buf_add(ret_why, STR("git is not installed where workspaces run."));
    } else if (how == EXIT_KILLED) {
        buf_add(ret_why, STR("git was ended from outside, perhaps for want of memory."));
    } else {
        codi2_clone_why(&listener.words, ret_why);
    }
    return CODI2_CLONE_FAILED;
}
