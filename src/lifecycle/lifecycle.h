/*
 * What happens to sessions over time and touches more than their record: the copying of forks, the end of what was deleted, and
 * what follows for them when a member's role changes or the member goes; and what of its quota a tenant uses.
 */
#ifndef LIFECYCLE_LIFECYCLE_H
#define LIFECYCLE_LIFECYCLE_H

#include "auth/auth.h"
#include "data/data.h"
#include "files/upkeep.h"
#include "sessions/sessions.h"

/* What a tenant has of what its quota limits. */
struct lifecycle_usage {
    uint64_t members;
    uint64_t sessions; /* not deleted */
    uint64_t running;  /* workspaces */
    uint64_t bytes;    /* of files, deleted sessions' included */
    struct files_held held;
};
int lifecycle_usage(struct data_context *ctx, struct lifecycle_usage *ret_usage) BASE_MUST_USE;

enum {
    LIFECYCLE_RELATED_MAX = 24,    /* sessions in an answer */
    LIFECYCLE_RELATED_FILES = 256, /* entries of each that are compared */
};

/* In the order in which they are told. */
enum lifecycle_reason {
    LIFECYCLE_FORK_OF,     /* the session that was asked about began as this one */
    LIFECYCLE_FORK,        /* this one began as it */
    LIFECYCLE_SAME_ORIGIN, /* both began as a third */
    LIFECYCLE_PROJECT,
    LIFECYCLE_NAME,
    LIFECYCLE_REPOSITORY,
    LIFECYCLE_FILES,
    LIFECYCLE_REASONS
};

struct lifecycle_relation {
    struct sessions_view view;
    unsigned score;   /* 1 to 100 */
    unsigned reasons; /* bit n: enum lifecycle_reason n */
    unsigned shared;  /* files with the same content at the same path, of those compared */
};

struct lifecycle_related {
    struct lifecycle_relation *at; /* the closest first */
    size_t n;                      /* at most LIFECYCLE_RELATED_MAX */
};

/* (scan) Those of the caller's sessions that have to do with this one. ERR_NOT_FOUND (also: deleted). */
int lifecycle_related(struct data_context *ctx, struct str id,
                      struct lifecycle_related *ret_related) BASE_MUST_USE;

/*
 * A thread that copies forks: those that a server before it left in hand, and new ones as soon as they are made. Several are
 * copied in turns, so that a small one does not wait for a large one.
 */
struct lifecycle_forker;

/* ERR_BUSY: no thread. store outlives it. */
int lifecycle_forker_start(struct store *store, struct lifecycle_forker **ret_forker) BASE_MUST_USE;

/* What is not whole yet is found again by the next start. NULL allowed. */
void lifecycle_forker_stop(struct lifecycle_forker *f);

/* Deletes what this machine holds of a session whose files are gone; host_uid: whose they are, 0: the server's own. Harmless
 * when there is nothing. A failure: it is asked again later. */
struct lifecycle_disks {
    int (*remove)(void *ctx, struct str session, int64_t host_uid);
    void *ctx;
};

/*
 * A duty: takes away sessions that cannot be restored any more, until the deadline (of time_monotonic): files, disk, record.
 * *ret_more: not all. Stopped at any point, the next call goes on. disks NULL: this machine has none. ERR_CORRUPT,
 * ERR_NEWER: one cannot be read and stays, which is logged; the others went.
 */
int lifecycle_purge(struct store *store, const struct lifecycle_disks *disks, usec_t deadline,
                    bool *ret_more) BASE_MUST_USE;

/* As auth_member_put_in; who may only read from now on has nothing running and no link. */
int lifecycle_member_put(struct data_context *ctx, const struct auth_member_change *in,
                         struct data_user *ret_user) BASE_MUST_USE;

/* As auth_member_remove_in; what runs of the member's is paused. Their sessions stay. */
int lifecycle_member_remove(struct data_context *ctx, struct str user_id,
                            int64_t revision) BASE_MUST_USE;

/*
 * (hash) The caller's account ends: logins and keys at once, what runs is paused. The duty below takes the rest away. revision: If-Match;
 * 0: whatever. ERR_BAD_CREDENTIALS (field password), ERR_CONFLICT: others are left without an owner; ERR_PRECONDITION, ERR_RATE_LIMITED.
 */
int lifecycle_account_delete(struct auth *a, struct data_context *ctx, struct str password,
                             int64_t revision) BASE_MUST_USE;

/*
 * A duty: of accounts that were deleted, deletes the sessions (lifecycle_purge takes them away within 30 days), the home, and last
 * the record, until the deadline (of time_monotonic). *ret_more: not all that can be done now. ERR_CORRUPT, ERR_NEWER as above.
 */
int lifecycle_leavers(struct store *store, usec_t deadline, bool *ret_more) BASE_MUST_USE;

#endif
