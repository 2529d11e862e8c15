/*
 * coditect-workspace: supervises one workspace. It makes the sandbox, waits for its end, passes requests to end on, and
 * keeps {run}/state true. It is not a child of the server and outlives it; everything it started dies with it.
 *
 * As root it stays root, since only root can put limits on; therefore it reads nothing that a workspace can write: its
 * input is the configuration on standard input, bubblewrap's report, and signals.
 *
 * SIGTERM or SIGINT: codi2 is asked to end (it persists what it can); after the grace period everything is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "workspace/workspace_int.h"

enum { LOG_LOOK_MS = 10000, EXIT_WRONG = 2, ANNOUNCE = 3 };

static const usec_t ask_again = USEC_PER_SEC;
static const usec_t first_pause =
    100 * USEC_PER_MS; /* before the network helper is started again */
static const usec_t last_pause = 60 * USEC_PER_SEC;
static const usec_t network_well = 60 * USEC_PER_SEC; /* it ran so long: its end is a new story */

struct supervisor {
    struct workspace_config config;
    struct workspace_group group;
    struct workspace_sandbox sandbox;
    struct workspace_state state;
    int announce;      /* see take_announce */
    usec_t kill_at;    /* monotonic; 0: nobody asked for the end yet */
    usec_t ask_at;     /* when codi2 is asked again */
    usec_t network_at; /* when the network helper is started again; 0: it runs, or none is wanted */
    usec_t network_since; /* it runs */
    usec_t network_pause;
    bool ended;
};

static int report(struct supervisor *s)
{
    int error = workspace_state_write(&s->config, &s->state);
    if (error) {
        log_warn("workspace", "the state file is out of date");
    }
    return error;
}

static void begin_end(struct supervisor *s)
{
    if (s->kill_at) {
        return;
    }
    s->kill_at = time_monotonic() + s->config.grace;
    s->state.phase = "stopping";
    (void)report(s);
}

/*
 * Again and again: the first process of a namespace does not see a signal that comes before it handles it, and codi2 may
 * just be beginning.
 */
static void ask_to_end(struct supervisor *s)
{
    usec_t now = time_monotonic();
    if (s->kill_at && now >= s->ask_at) {
        (void)kill(s->sandbox.codi2, SIGTERM);
        s->ask_at = now + ask_again;
    }
}

/* The workspace is offline until the next one is up; connections that went through this one are lost. */
static void note_network_end(struct supervisor *s)
{
    usec_t now = time_monotonic();
    bool was_well = now - s->network_since > network_well;
    usec_t pause = was_well || s->network_pause == 0 ? first_pause : 2 * s->network_pause;
    s->network_pause = pause < last_pause ? pause : last_pause;
    s->network_at = now + s->network_pause;
    s->sandbox.slirp = 0;
    log_warn("workspace", "the network helper ended: it is started again in %d ms",
             (int)(s->network_pause / USEC_PER_MS));
}

static void mend_network(struct supervisor *s)
{
    usec_t now = time_monotonic();
    if (!s->network_at || now < s->network_at) {
        return;
    }
    s->network_at = 0;
    s->network_since = now;
    if (workspace_sandbox_network(&s->config, &s->sandbox) != 0) {
        note_network_end(s);
    }
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == s->sandbox.slirp) {
            note_network_end(s);
        } else if (pid == s->sandbox.holder) {
            s->sandbox.holder = 0;
            s->ended = true;
            s->state.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
            s->state.exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
            s->state.stored = WIFEXITED(status) && WEXITSTATUS(status) == 0; /* codi2's word */
        }
    }
}

static void handle_signal(struct supervisor *s, int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != (ssize_t)sizeof info) {
        return;
    }
    if (info.ssi_signo == SIGCHLD) {
        reap(s);
    } else {
        begin_end(s);
    }
}

/* Until codi2 is asked again or killed, the network is mended, or the log is looked at. */
static int milliseconds_to_turn(const struct supervisor *s)
{
    usec_t now = time_monotonic();
    usec_t next = now + LOG_LOOK_MS * USEC_PER_MS;
    if (s->kill_at) {
        next = s->ask_at < s->kill_at ? s->ask_at : s->kill_at;
    }
    if (s->network_at && s->network_at < next) {
        next = s->network_at;
    }
    return next <= now ? 0 : (int)((next - now) / USEC_PER_MS) + 1;
}

static void supervise(struct supervisor *s, int signals)
{
    while (!s->ended) {
        ask_to_end(s);
        mend_network(s);
        struct pollfd p = {.fd = signals, .events = POLLIN};
        int n = poll(&p, 1, milliseconds_to_turn(s));
        workspace_log_trim(STDERR_FILENO);
        if (n > 0) {
            handle_signal(s, signals);
        } else if (n == 0 && s->kill_at && time_monotonic() >= s->kill_at) {
            log_warn("workspace", "the workspace did not end in time: killed");
            (void)kill(s->sandbox.holder, SIGKILL);
            s->kill_at = time_monotonic() + USEC_PER_SEC;
        }
    }
}

static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int take_run_directory(struct supervisor *s)
{
    int error = workspace_lock(&s->config);
    if (!error) {
        s->state.stored = workspace_state_was_stored(&s->config);
    }
    if (error == ERR_BUSY && workspace_ask_older(&s->config)) {
        log_warn("workspace", "an older run of this workspace was left: it is asked to end");
        (void)report(s);
        fd_close(&s->announce);
        error = workspace_lock_after(&s->config);
        s->state.stored = !error && workspace_state_was_stored(&s->config); /* its last word */
    }
    return error == ERR_BUSY ? log_err(error, "workspace", "this workspace runs already") : error;
}

static int run(struct supervisor *s)
{
    workspace_group_create(&s->config, &s->group);
    s->state.limits = workspace_group_name(&s->group);
    s->config.codi2_watches_memory = s->group.kind == WORKSPACE_GROUP_NONE;
    FD_AUTO int signals = open_signals(); /* first: no child may end unnoticed */
    bool stored = s->state.stored;
    /* On the disk before anybody can write: the word of the last run is over. */
    s->state.stored = false;
    int untold = report(s);
    fd_close(&s->announce);
    s->sandbox.slirp_exit = -1;
    int error = signals < 0      ? ERR_INTERNAL
                : s->group.taken ? ERR_BUSY
                : untold         ? untold
                                 : workspace_sandbox_start(&s->config, &s->group, &s->sandbox);
    if (error) {
        s->state.stored = stored;
        s->state.phase = "ended";
        s->state.exit_code = 1;
        s->state.error = s->group.taken
                             ? "this workspace runs for a server with another data directory"
                         : untold           ? "its state cannot be written: is the disk full?"
                         : s->sandbox.error ? s->sandbox.error
                                            : "out of descriptors";
        log_error("workspace", "%s", s->state.error);
    } else {
        s->state.phase = "running";
        s->state.sandbox = s->sandbox.holder;
        s->state.codi2 = s->sandbox.codi2;
        (void)report(s);
        supervise(s, signals);
        s->state.phase = "ended";
    }
    workspace_sandbox_fini(&s->sandbox);
    workspace_group_destroy(&s->group);
    (void)report(s);
    return error;
}

/* What is not the ordinary life: no configuration is read. */
static int handle_words(char **argv)
{
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("coditect-workspace %s\n", CODITECT_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "--clear") == 0 && argv[2] && workspace_is_label(str_from(argv[2]))) {
        workspace_group_clear(str_from(argv[2]));
        return 0;
    }
    uint64_t uid;
    if (strcmp(argv[1], "--doctor") == 0 && argv[2] &&
        str_u64(str_from(argv[2]), INT32_MAX, &uid) == 0 && uid > 0) {
        log_setup(LOG_WARN, LOG_TEXT);
        return workspace_doctor((uid_t)uid);
    }
    if (argv[2] && argv[3] && strcmp(argv[3], WORKSPACE_DOCTOR_INSIDE) == 0) {
        return workspace_doctor_inside(); /* called as codi2 is */
    }
    (void)fprintf(stderr,
                  "%s: reads its configuration from standard input; --clear SESSION removes "
                  "what a killed one left; --doctor UID tells what a sandbox enforces here\n",
                  argv[0]);
    return EXIT_WRONG;
}

/*
 * Descriptor 3, when whoever starts us gives one: it is closed when the state file speaks of this process, so that nobody has
 * to wonder in between whether the workspace runs. Asked before anything else is opened.
 */
static int take_announce(void)
{
    return fcntl(ANNOUNCE, F_SETFD, FD_CLOEXEC) < 0 ? -1 : ANNOUNCE;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return handle_words(argv);
    }
    (void)umask(022);
    log_setup(LOG_INFO, LOG_JSON);
    ARENA_AUTO(arena);
    struct supervisor s = {
        .announce = take_announce(),
        .state = {.phase = "starting", .exit_code = -1, .limits = "none"},
    };
    if (workspace_config_read(STDIN_FILENO, &arena, &s.config) != 0 ||
        take_run_directory(&s) != 0) {
        return EXIT_WRONG;
    }
    return run(&s) == 0 ? 0 : 1;
}
