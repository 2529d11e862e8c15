/*
 * coditect-workspace: the supervisor of one workspace. Private to this folder; other programs meet it through its
 * configuration (JSON on standard input, see config.c) and its state file (see state.c).
 */
#ifndef WORKSPACE_INT_H
#define WORKSPACE_INT_H

#include <signal.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"

enum {
    WORKSPACE_MAX_CONFIG = 64 * 1024,
    WORKSPACE_MAX_ARGUMENTS = 64,
    WORKSPACE_MAX_ENVIRONMENT = 64,
    WORKSPACE_MAX_BINDS = 32,
    WORKSPACE_TOKEN_FD = 3, /* where codi2 finds its token */
};

struct workspace_bind {
    const char *source;
    const char *target;
    bool writable;
};

struct workspace_limits {
    int64_t memory;    /* bytes; 0: none */
    int64_t processes; /* 0: none */
    int64_t cpu;       /* hundredths of a processor; 0: none, only a fair share */
    int64_t files;     /* open descriptors of one process */
};

/* All strings live in the arena given to workspace_config_read. */
struct workspace_config {
    struct str session; /* a DNS label */
    int64_t generation; /* the store's; an older workspace is fenced off */
    const char *run;    /* directory of this workspace's run-time files, absolute */
    const char *codi2;  /* the daemon's binary on the host */
    const char *token; /* handed to codi2 through a pipe, never in an argument or the environment */
    const char **arguments;   /* of codi2, NULL at the end */
    const char **environment; /* name and value in turn, NULL at the end */
    struct workspace_bind binds[WORKSPACE_MAX_BINDS];
    size_t bind_count;
    uid_t uid; /* the unprivileged host user; the caller's own when it is no root */
    gid_t gid;
    bool network; /* user-mode networking; else loopback alone */
    struct workspace_limits limits;
    bool codi2_watches_memory; /* no control group does; not part of the text */
    usec_t grace;              /* from the request to end until everything is killed */
};

/* A DNS label, as session ids are. */
bool workspace_is_label(struct str s);

/* Checks the configuration; text must live as long as the arena. ERR_INVALID: ret_problem (in arena) is set instead. */
int workspace_config_parse(struct str text, struct arena *arena,
                           struct workspace_config *ret_config,
                           const char **ret_problem) BASE_MUST_USE;
/* The same from a descriptor; what is wrong is logged. ERR_INVALID, ERR_TOO_LARGE. */
int workspace_config_read(int fd, struct arena *arena,
                          struct workspace_config *ret_config) BASE_MUST_USE;

/*
 * The state file {run}/state: one JSON object, replaced atomically. It lets a server that started later find this
 * workspace: pid and start time name the process beyond doubt, since pids come again; the number of the run directory shows a
 * copy of that directory to be one.
 */
struct workspace_state {
    const char *phase;  /* "starting", "running", "stopping", "ended" */
    pid_t sandbox;      /* bubblewrap on the host; 0 before it runs */
    pid_t codi2;        /* as the host sees it; 0 before it runs */
    int exit_code;      /* of the sandbox, when ended; -1 before */
    int exit_signal;    /* 0: none */
    bool stored;        /* whatever was written in the session's files here is in the store */
    const char *error;  /* NULL, or why it could not start */
    const char *limits; /* what enforces them: "cgroup2", "cgroup1", "rlimit" */
};
int workspace_state_write(const struct workspace_config *config,
                          const struct workspace_state *state) BASE_MUST_USE;
/* What the state file says of that, as the run before left it. True also when there was none. */
bool workspace_state_was_stored(const struct workspace_config *config);

/*
 * The run directory is one supervisor's at a time: its lock is held until the process ends. ERR_BUSY: another one runs. When that
 * one is of an older generation the other two ask it to end, and wait as long as our own grace period (ERR_BUSY); so the newer
 * claim wins even when nobody knows of the older process any more.
 */
int workspace_lock(const struct workspace_config *config) BASE_MUST_USE;
bool workspace_ask_older(const struct workspace_config *config);
int workspace_lock_after(const struct workspace_config *config) BASE_MUST_USE;

/*
 * The log (standard error, which all that runs here shares) is cut to its newest part when it has grown beyond its limit;
 * called now and then. Does nothing when fd is no regular file open for reading and appending.
 */
enum { WORKSPACE_LOG_MOST = 1 << 20, WORKSPACE_LOG_KEPT = 256 << 10 };
void workspace_log_trim(int fd);

/*
 * Limits. The group is made before the sandbox starts and its processes are put in before they execute anything; without
 * cgroups RLIMIT_NPROC under the unprivileged uid is what is left, and the state says so.
 */
struct workspace_group {
    enum { WORKSPACE_GROUP_NONE, WORKSPACE_GROUP_V1, WORKSPACE_GROUP_V2 } kind;
    char name[80];
    bool cpu; /* that controller is there too */
    bool
        taken; /* no group: somebody's of that name lives, of a server with another data directory */
};
/* The session's group is removed, and what lives in it ended. */
void workspace_group_clear(struct str session);
void workspace_group_create(const struct workspace_config *config,
                            struct workspace_group *ret_group);
int workspace_group_enter(const struct workspace_group *group)
    BASE_MUST_USE;                                                 /* the calling process */
void workspace_group_destroy(const struct workspace_group *group); /* ends what is left in it */
const char *workspace_group_name(const struct workspace_group *group);
/* Its directory: 0 memory, 1 pids, 2 cpu; all the same in version 2. Of a group that is there. */
void workspace_group_path(const struct workspace_group *group, size_t controller, struct buf *out);
int workspace_rlimits(const struct workspace_config *config)
    BASE_MUST_USE; /* the calling process, before it drops root */

/* The sandbox: a holder process that becomes bubblewrap, and slirp4netns beside it. */
struct workspace_sandbox {
    pid_t holder;      /* bubblewrap, after its exec */
    pid_t codi2;       /* pid 1 of the sandbox, as the host sees it */
    pid_t slirp;       /* 0: none */
    int slirp_exit;    /* closing it ends slirp4netns, also when this process dies */
    const char *error; /* static; set when sandbox_start failed */
};
int workspace_sandbox_start(const struct workspace_config *config,
                            const struct workspace_group *group,
                            struct workspace_sandbox *ret_sandbox) BASE_MUST_USE;
/* Starts the network helper again when it has ended; does not wait until it is up. */
int workspace_sandbox_network(const struct workspace_config *config,
                              struct workspace_sandbox *sandbox) BASE_MUST_USE;
void workspace_sandbox_fini(struct workspace_sandbox *sandbox);

/* What the state says when the kernel refuses namespaces, and when the network helper does not start. Static. */
const char *workspace_namespace_remedy(void);
const char *workspace_network_remedy(void);

/* The arguments of bubblewrap, NULL at the end, in the arena. It inherits both descriptors. */
struct workspace_bwrap_fds {
    int info;   /* where it reports its child */
    int filter; /* of workspace_filter_open */
};
char **workspace_bwrap_arguments(struct arena *arena, const struct workspace_config *config,
                                 const struct workspace_group *group,
                                 const struct workspace_bwrap_fds *fds);

/*
 * What of a sandbox is enforced here, a line each on standard output; a trial workspace runs as uid. 0, or 1: something
 * without which there is no sandbox is missing. The other one is that trial's inside.
 */
#define WORKSPACE_DOCTOR_INSIDE "--doctor-inside"
int workspace_doctor(uid_t uid);
int workspace_doctor_inside(void);

/* The system call filter as a program for seccomp(2), in a file of memory. ERR_INTERNAL: logged. */
int workspace_filter_open(int *ret_fd) BASE_MUST_USE;

#endif
