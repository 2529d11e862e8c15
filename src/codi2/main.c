/*
 * codi2: the daemon of a workspace. Pid 1 of its sandbox: it mirrors /workspace and /home/dev into the store, answers at
 * the door, runs the IDE, reaps what dies, and at the end (SIGTERM) persists what it can before it goes.
 *
 * The main thread waits for signals and children; each mirror and the door have threads of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/fd.h"
#include "base/mem.h"
#include "codi2/door.h"
#include "codi2/memory.h"
#include "codi2/options.h"
#include "codi2/report.h"
#include "codi2/source.h"

enum { TOKEN_ROOM = 512, PERSIST_S = 18, END_S = 3, LONGEST_SWEEP_S = 86400 };

enum { EXIT_STALE = 3, EXIT_VERSION = 4, EXIT_NOT_PERSISTED = 5 };

struct daemon {
    struct codi2_options options;
    struct str token;
    uint64_t generation;
    uint64_t sweep; /* seconds */
    struct codi2_status *status;
    struct codi2_mirror *mirrors[CODI2_ROOTS];
    size_t mirror_count;
    struct codi2_door *door;
    struct codi2_ide *ide; /* NULL: none is configured */
    struct codi2_terminals *terminals;
    struct codi2_reporter *reporter;
    struct codi2_source *source;
    struct codi2_meter *meter;
    usec_t next_sample; /* monotonic */
    struct codi2_memory memory;
    int over; /* the end of a pipe into which on_over writes why */
};

/* ---- starting ---- */

static int read_token(int fd, struct arena *arena, struct str *ret_token)
{
    char *text = arena_alloc(arena, TOKEN_ROOM);
    ssize_t n = fd < 0 ? 0 : fd_read_full(fd, text, TOKEN_ROOM);
    if (n < 0 || n == TOKEN_ROOM) {
        return log_err(ERR_INVALID, "codi2", "the token cannot be read");
    }
    *ret_token = str_of(text, (size_t)n);
    fd_close(&fd);
    return 0;
}

static void on_over(void *ctx, int why)
{
    struct daemon *d = ctx;
    char reason = why == ERR_STALE ? EXIT_STALE : EXIT_VERSION;
    (void)!write(d->over, &reason, 1);
}

static struct codi2_link_options link_of(const struct daemon *d, const char *root)
{
    return (struct codi2_link_options){
        .socket = d->options.wire, .token = d->token, .root = root, .generation = d->generation};
}

static int start_mirror(struct daemon *d, const char *name, const char *root, const char *index)
{
    struct codi2_mirror_options options = {
        .number = (unsigned)d->mirror_count,
        .session = d->options.session,
        .root = root,
        .index = index,
        .home = strcmp(name, "home") == 0,
        .sweep = (usec_t)d->sweep * USEC_PER_SEC,
        .link = link_of(d, name),
        .status = d->status,
        .over = on_over,
        .ctx = d,
    };
    int error = codi2_mirror_start(&options, &d->mirrors[d->mirror_count]);
    if (error) {
        return log_err(error, "codi2", "%s cannot be mirrored: %s", root, err_row(error)->text);
    }
    d->mirror_count++;
    return 0;
}

static int start_mirrors(struct daemon *d)
{
    int error = start_mirror(d, "workspace", d->options.workspace, d->options.workspace_index);
    if (!error && d->options.home[0]) {
        return start_mirror(d, "home", d->options.home, d->options.home_index);
    }
    if (!error) { /* a root that is not there holds nobody up */
        codi2_status_set(d->status, 1,
                         &(struct codi2_facts){.health = CODI2_ONLINE, .barrier = UINT64_MAX});
    }
    return error;
}

static void open_ide(struct daemon *d)
{
    const struct codi2_options *o = &d->options;
    const struct codi2_ide_options options = {.bundle = o->ide,
                                              .node = o->node,
                                              .workspace = o->workspace,
                                              .door = o->door,
                                              .session = o->session,
                                              .session_name = o->session_name,
                                              .platform_origin = o->platform_origin,
                                              .base_path = o->base_path};
    if (o->ide[0] && codi2_ide_open(&options, &d->ide) != 0) {
        log_error("codi2", "there will be no IDE"); /* files are persisted all the same */
    }
}

/* ---- running ---- */

static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGCHLD);
    (void)signal(SIGPIPE, SIG_IGN);
    return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -1 : signalfd(-1, &set, SFD_CLOEXEC);
}

static int say_why(int over)
{
    char reason = EXIT_STALE;
    (void)!read(over, &reason, 1);
    if (reason == EXIT_VERSION) {
        log_error("codi2",
                  "the server speaks another version of the wire than ours (%d): bring both to the "
                  "same release",
                  WIRE_VERSION);
    } else {
        log_warn("codi2", "a newer workspace of this session has taken over");
    }
    return reason;
}

/* Milliseconds until the next. */
static int sample_when_due(struct daemon *d)
{
    usec_t now = time_monotonic();
    if (now >= d->next_sample) {
        const struct codi2_keeper *ide = codi2_ide_keeper(d->ide);
        struct codi2_busy busy;
        codi2_meter_sample(d->meter, ide ? ide->pid : 0, &busy);
        codi2_status_busy(d->status, &busy);
        d->next_sample = now + CODI2_SAMPLE_S * USEC_PER_SEC;
    }
    return (int)((d->next_sample - now) / USEC_PER_MS) + 1;
}

static int watch_memory(struct daemon *d)
{
    int wait;
    struct codi2_process ended;
    if (codi2_memory_turn(&d->memory, &ended, &wait)) {
        BUF_AUTO(notice, 256);
        buf_printf(&notice, "The workspace ran out of memory: %s was ended.",
                   ended.name[0] ? ended.name : "the largest process");
        codi2_status_notice(d->status, &(struct codi2_notice){.text = buf_str(&notice)});
        log_warn("codi2", "%s (%d)", buf_z(&notice), (int)ended.pid);
    }
    return wait;
}

static int sooner(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* The exit code: 0 when asked to end. */
static int wait_for_end(struct daemon *d, int signals, int over)
{
    struct codi2_keeper *ide = codi2_ide_keeper(d->ide);
    const struct codi2_mourner mourner = {codi2_terminals_reaped, d->terminals};
    for (;;) {
        int patience = sooner(codi2_ide_turn(d->ide), sample_when_due(d));
        patience = sooner(patience, watch_memory(d));
        codi2_status_ide(d->status, codi2_ide_look(d->ide));
        struct pollfd p[] = {{.fd = signals, .events = POLLIN},
                             {.fd = over, .events = POLLIN},
                             {.fd = ide ? ide->output : -1, .events = POLLIN}};
        (void)poll(p, sizeof p / sizeof p[0], patience);
        codi2_keeper_read(ide);
        struct signalfd_siginfo info;
        if (p[0].revents && read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
            if (info.ssi_signo != SIGCHLD) {
                return 0;
            }
            codi2_children_reap(ide, &mourner);
        }
        if (p[1].revents) {
            return say_why(over);
        }
    }
}

/*
 * What is on the disk is brought to the store; who was writing is ended first, so that there is an end. Whether it is, of the session's
 * files: the exit code says so, and the supervisor writes it down.
 */
static bool persist(struct daemon *d)
{
    uint64_t seq;
    uint64_t barrier = codi2_status_barrier(d->status, /* all= */ true);
    for (size_t i = 0; i < d->mirror_count; i++) {
        codi2_mirror_wake(d->mirrors[i]);
    }
    if (codi2_status_await(d->status, barrier, time_monotonic() + PERSIST_S * USEC_PER_SEC, &seq) ==
        0) {
        return true;
    }
    log_warn("codi2", "not everything could be persisted; the rest stays on this machine's disk");
    return codi2_status_await_workspace(d->status, barrier, time_monotonic(), &seq) == 0;
}

/* The exit code, for the reason why. */
static int stop(struct daemon *d, int why)
{
    codi2_source_cancel(d->source);    /* first: that its child is ended below is no failure */
    codi2_terminals_end(d->terminals); /* a shell that waits for its person ignores SIGTERM */
    codi2_children_end(codi2_ide_keeper(d->ide), END_S * USEC_PER_SEC);
    bool orderly = why == 0;
    if (orderly && !persist(d)) {
        why = EXIT_NOT_PERSISTED;
    }
    codi2_source_stop(d->source); /* behind: what it waits for holds no file up */
    codi2_door_close(d->door);
    codi2_reporter_stop(d->reporter, /* last_word= */ orderly);
    for (size_t i = 0; i < d->mirror_count; i++) {
        codi2_mirror_stop(d->mirrors[i]);
    }
    codi2_ide_close(d->ide);
    return why;
}

static int start(struct daemon *d)
{
    open_ide(d);
    codi2_status_ide(d->status, codi2_ide_look(d->ide)); /* before anything is said to anybody */
    int error = start_mirrors(d);
    const struct codi2_door_options door = {.socket = d->options.door,
                                            .session = str_from(d->options.session),
                                            .status = d->status,
                                            .ide = d->ide,
                                            .mirrors = d->mirrors,
                                            .mirror_count = d->mirror_count,
                                            .terminals = d->terminals,
                                            .wire = d->options.wire,
                                            .token = d->token};
    if (!error) {
        error = codi2_door_open(&door, &d->door);
    }
    const struct codi2_link_options link = link_of(d, "workspace");
    if (!error) {
        error = codi2_reporter_start(d->status, &link, &d->reporter);
    }
    const struct codi2_source_options source = {.root = d->options.workspace,
                                                .index = d->options.workspace_index,
                                                .link = link,
                                                .status = d->status,
                                                .mirrors = d->mirrors,
                                                .mirror_count = d->mirror_count};
    return error ? error : codi2_source_start(&source, &d->source);
}

static int run(struct daemon *d)
{
    int ends[2];
    FD_AUTO int signals = open_signals();
    if (signals < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        return 1;
    }
    FD_AUTO int over = ends[0];
    d->over = ends[1];
    d->status = codi2_status_create();
    d->meter = codi2_meter_create();
    d->terminals = codi2_terminals_create(d->options.workspace, d->status);
    int status = start(d) == 0 ? wait_for_end(d, signals, over) : 1;
    status = stop(d, status);
    codi2_terminals_destroy(d->terminals);
    codi2_meter_destroy(d->meter);
    codi2_status_destroy(d->status);
    fd_close(&d->over);
    return status;
}

/* ---- codi2 test ---- */

static bool check(const char *what, bool good)
{
    (void)printf("%-32s %s\n", what, good ? "ok" : "FAILED");
    return good;
}

static int self_test(const struct codi2_options *o, struct arena *arena)
{
    FD_AUTO int inotify = inotify_init1(IN_CLOEXEC);
    struct codi2_index *index = NULL;
    bool fresh;
    bool good = check("inotify", inotify >= 0);
    good = check("the session's tree can be read", access(o->workspace, R_OK | X_OK) == 0) && good;
    good = check("its index can be written",
                 codi2_index_open(o->workspace_index, o->workspace, &index, &fresh) == 0) &&
           good;
    codi2_index_close(index);
    struct codi2_link_options options = {.socket = o->wire, .root = "workspace"};
    struct codi2_link *link = codi2_link_create(&options);
    struct codi2_remotes none;
    int error = codi2_link_changes(link, arena, &(struct codi2_changes_query){0}, &none);
    /* Without the token the server refuses, which proves that it is there. */
    good = check("the server answers", error == 0 || error == ERR_UNAUTHENTICATED) && good;
    codi2_link_destroy(link);
    return good ? 0 : 1;
}

/* 0 for "". */
static int read_number(const char *text, const char *option, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text[0] && str_u64(str_from(text), INT64_MAX, &value) != 0) {
        return log_err(ERR_INVALID, "codi2", "%s wants a number", option);
    }
    *ret_value = value;
    return 0;
}

int main(int argc, char **argv)
{
    crash_setup();
    mem_be_small();
    ARENA_AUTO(arena);
    struct daemon d = {.over = -1};
    uint64_t memory;
    codi2_options_read(argc, argv, &arena, &d.options);
    log_setup(d.options.level, d.options.form);
    (void)umask(022);
    if (d.options.self_test) {
        return self_test(&d.options, &arena);
    }
    /* Nothing inside may read our memory (the token) or trace us. */
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || read_token(d.options.token_fd, &arena, &d.token) != 0) {
        return 2;
    }
    if (read_number(d.options.generation, "--generation", &d.generation) != 0 ||
        read_number(d.options.memory, "--memory", &memory) != 0 ||
        read_number(d.options.sweep, "--sweep", &d.sweep) != 0) {
        return 2;
    }
    if (d.sweep < 1 || d.sweep > LONGEST_SWEEP_S) {
        return log_err(2, "codi2", "--sweep wants 1 to 86400 seconds");
    }
    codi2_memory_init(&d.memory, memory);
    /* What loses its parent becomes our child, as it does in a sandbox: so all that runs here descends from us. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    log_info("codi2", "session %s of user %s", d.options.session, d.options.user);
    return run(&d);
}
