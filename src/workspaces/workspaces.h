/*
 * Workspaces: the running side of sessions. This header: how processes are started and found again on this machine.
 */
#ifndef WORKSPACES_WORKSPACES_H
#define WORKSPACES_WORKSPACES_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"

/* ---- The broker: see broker_int.h ---- */

struct workspaces_broker_options {
    const char *data;       /* directory, absolute; exists */
    const char *supervisor; /* coditect-workspace, absolute */
    const char *codi2;      /* absolute */
    const char *node;       /* Node.js: absolute, bin/node or the directory above bin; NULL: none */
    const char *ide;        /* bundle directory or NULL */
    const char *web;        /* the built web app, for the server alone, or NULL */
    /*
     * Scheme, host and port at which browsers reach the platform, such as http://coditect.localhost:8080: the page that may
     * frame the IDE and talk to it. One for all workspaces, so it stands here and not in a request. NULL: not known.
     */
    const char *platform_origin;
    const char *server_user; /* whom the server becomes when started as root; NULL: as it is */
    uid_t first_uid;         /* users of the workspaces when started as root */
    uid_t last_uid;
};

struct workspaces_broker;

/* What the options named, as the server must name it from now on: NULL where they had NULL. */
struct workspaces_paths {
    const char *data;
    const char *ide;
    const char *web;
    bool users; /* each workspace runs as a user of its own; else all run as the caller */
};

/*
 * Splits the process by right, before any thread exists. Returns in the child: the server, without rights, connected to
 * the broker; the paths (in arena) are the ones that both see. The parent never returns: it serves requests, passes
 * SIGTERM and SIGINT on, and exits with the server's status. When the parent dies the server is sent SIGTERM. As root
 * without the user server_user the server stays root, and the log warns. ERR_INVALID: node is no Node.js. ERR_FORBIDDEN: a
 * path cannot be shown to the users who need it.
 */
int workspaces_broker_fork(const struct workspaces_broker_options *options, struct arena *arena,
                           struct workspaces_broker **ret_broker,
                           struct workspaces_paths *ret_paths) BASE_MUST_USE;
void workspaces_broker_destroy(struct workspaces_broker *b);

/* ---- The local runtime ---- */

struct workspaces_local; /* thread safe */

struct workspaces_local *workspaces_local_create(struct workspaces_broker *broker,
                                                 const char *data);
void workspaces_local_destroy(struct workspaces_local *l); /* takes the broker with it */

struct workspaces_start {
    struct str tenant, user, session;
    struct str name;    /* the session's, for the IDE to show; at most 400 bytes */
    struct str token;   /* codi2's, good for this session's wire alone */
    int64_t generation; /* of the store */
    uid_t uid;      /* in the broker's range; the caller's own where everything runs as one user */
    int64_t memory; /* bytes, 0: unlimited */
    int64_t processes;
    int64_t cpu; /* hundredths of a processor, 0: a fair share of all */
    bool network;
};

/*
 * Starts a supervisor; it reports through its state, unless it has ended. ERR_INVALID, ERR_BUSY, ERR_NO_SPACE, ERR_TIMEOUT (it
 * was killed); ret_text (in arena) says why.
 */
int workspaces_local_start(struct workspaces_local *l, struct arena *arena,
                           const struct workspaces_start *start,
                           struct str *ret_text) BASE_MUST_USE;

enum workspaces_phase {
    WORKSPACES_GONE,
    WORKSPACES_STARTING,
    WORKSPACES_RUNNING,
    WORKSPACES_STOPPING,
    WORKSPACES_ENDED
};

/* Whether a process of the workspace is there. */
static inline bool workspaces_lives(enum workspaces_phase phase)
{
    return phase != WORKSPACES_GONE && phase != WORKSPACES_ENDED;
}

struct workspaces_process {
    enum workspaces_phase phase; /* GONE: no state, or its process is dead without having said so */
    int unread; /* not 0: why there is a state that cannot be read; then GONE is no word, and it may run */
    int64_t generation;
    pid_t pid; /* of the supervisor */
    uint64_t start_time;
    int exit_code; /* -1: not ended */
    bool stored;   /* whatever was written in the session's files on this machine is in the store */
    struct str error;
    struct str limits;
};

/* What the machine knows of a session's workspace; always answers. Strings in arena. */
void workspaces_local_look(struct workspaces_local *l, struct arena *arena, struct str session,
                           struct workspaces_process *ret_process);

/* Asks a supervisor to end (force: kills it, and with it everything in the sandbox). ERR_NOT_FOUND: it is gone. */
int workspaces_local_stop(struct workspaces_local *l, struct str session,
                          const struct workspaces_process *process, bool force) BASE_MUST_USE;

/* What it uses now; processes count their threads. False: it does not run on this machine, or nobody counts (use.c). */
struct workspaces_use {
    uint64_t memory; /* bytes */
    uint64_t processes;
};
bool workspaces_local_use(struct workspaces_local *l, struct arena *arena, struct str session,
                          struct workspaces_use *ret_use);

/*
 * Deletes all that this machine holds of a session. ERR_BUSY: its supervisor runs. ERR_IO: something was left (uid is not
 * its user).
 */
int workspaces_local_remove(struct workspaces_local *l, struct str session,
                            uid_t uid) BASE_MUST_USE;

/* Ids of the sessions that this machine has ever run a workspace of, in arena. ERR_IO: not all can be told. */
struct workspaces_sessions {
    struct str *at;
    size_t n;
};
int workspaces_local_list(struct workspaces_local *l, struct arena *arena,
                          struct workspaces_sessions *ret_sessions) BASE_MUST_USE;

/* The door's socket of a session, NUL-terminated, in arena. */
struct str workspaces_local_door(struct workspaces_local *l, struct arena *arena,
                                 struct str session);

/* ---- The keeper: makes what is wanted so ---- */

struct auth;
struct auth_workspace;
struct space;
struct store;

struct workspaces_keeper_options {
    struct store *store; /* all three outlive the keeper */
    struct auth *auth;
    struct workspaces_local *local;
    uid_t first_uid; /* the range given to the broker; 0: everything runs as the caller */
    uid_t last_uid;
    int64_t memory;    /* bytes a workspace may use, 0: unlimited */
    int64_t processes; /* that it may have, 0: unlimited */
    int64_t cpu;       /* hundredths of a processor, 0: a fair share of all */
    bool network;
    usec_t idle_limit;         /* without use until it is paused; 0: never */
    const struct space *space; /* of the data; low: nothing starts, scarce: see keeper_space.c */
};

struct workspaces_keeper; /* thread safe */

/* Starts its thread. ERR_BUSY: none is to be had. */
int workspaces_keeper_start(const struct workspaces_keeper_options *options,
                            struct workspaces_keeper **ret_keeper) BASE_MUST_USE;

/* Ends the thread: from now on nothing is started or ended; reports are still taken. Twice is harmless. */
void workspaces_keeper_halt(struct workspaces_keeper *k);

/* Workspaces run on. NULL allowed. */
void workspaces_keeper_stop(struct workspaces_keeper *k);

/* What a workspace says about itself (src/wire/README.md, POST /wire/status). ERR_INVALID. */
int workspaces_keeper_report(struct workspaces_keeper *k, struct arena *arena,
                             const struct auth_workspace *who, struct str text) BASE_MUST_USE;

/* How far this machine's workspaces are behind the store, as of the last turn; those that failed are not among them. */
struct workspaces_lags {
    usec_t most;   /* a change in one has not been in the store for so long at most; 0: all is */
    uint64_t late; /* those for which that is more than 60 s */
};

void workspaces_keeper_lags(struct workspaces_keeper *k, struct workspaces_lags *ret_lags);

#endif
