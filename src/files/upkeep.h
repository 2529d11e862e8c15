/*
 * The upkeep of all trees: what the server does on its own, of any tenant, and nobody asks for. Functions block; each is safe
 * beside all others and beside everything in files.h, and may be cut off at any point.
 */
#ifndef FILES_UPKEEP_H
#define FILES_UPKEEP_H

#include "files/files.h"

/* ---- Collection of what nothing names ---- */

struct files_collect_input {
    /* What an upload had within so many hours is spared: it may be about to be named. A shorter time loses nothing (a commit
     * that finds content gone says so and it is sent again), but makes uploads send twice. 0: nothing is spared. */
    unsigned spare_hours;
    bool careless; /* for a test's control run only: what is named is not asked */
};

struct files_collected {
    size_t looked; /* at so many in the queue; 0: nothing is due */
    size_t chunks; /* chunks and pages that were deleted */
};

/* Deletes the oldest of what nothing names, of any tenant: at most DATA_MAX_LIST, in transactions of at most about 2,000 keys
 * each. Safe beside everything else. */
int files_collect(struct store *store, const struct files_collect_input *in,
                  struct files_collected *ret_collected) BASE_MUST_USE;

/*
 * In the caller's transaction: takes away the next of all that is kept of a tree (entries first, its versions behind them,
 * its counters last), at most FILES_PURGE keys. Nobody is asked whether that may be: the caller knows. *ret_more: not all yet.
 */
enum { FILES_PURGE = 250 };
int files_purge(struct txn *txn, const struct scope *scope, struct str session,
                bool *ret_more) BASE_MUST_USE;

/* ---- Forks (fork.c) ---- */

struct files_fork_input {
    struct str from;
    uint64_t at;      /* a moment of it, above 0 */
    struct str to;    /* a session in which nothing was ever changed but by this */
    struct str after; /* cursor: what the last step gave; empty: from the start */
    size_t limit;     /* entries; 0: as many as a transaction takes */
    /* Runs in the transaction: may it still? NULL: not asked. Same rules as store_fn. */
    int (*guard)(struct txn *txn, void *guard_ctx);
    void *guard_ctx;
};

struct files_forked {
    bool more;
    struct str next; /* the cursor; while there is more */
};

/*
 * The next entries of a tree that begins as another one was at a moment: with the version that each was and who made it when,
 * not with what came before. Content is shared. Every moment of the new tree up to `at` is `at`. Harmless when repeated. Until
 * the last step the origin is not deleted, and the new tree is not changed by others: who calls sees to that. ERR_NOT_FOUND:
 * a session is gone, or at lies ahead; ERR_CORRUPT: something else was written to the new tree.
 */
int files_fork_step(struct data_context *ctx, const struct files_fork_input *in,
                    struct files_forked *ret_forked) BASE_MUST_USE;

/* ---- How much a tenant has in the store (held.c) ---- */

/* Its content with all its history, each chunk once, before compression. */
struct files_held {
    uint64_t bytes;
    bool
        whole; /* else a store from before, or what was damaged, is still being counted, and there is more */
};
int files_held(struct txn *txn, const struct scope *scope,
               struct files_held *ret_held) BASE_MUST_USE;

/* How far files_held_count came among the tenants; zero: at the first. */
struct files_held_place {
    char tenant[64];
};

/*
 * Counts what is in a store from before there were counters, or where they are damaged, tenant after tenant, in short transactions,
 * until the deadline (of time_monotonic). Where all is counted a tenant costs a read. *ret_more: not all tenants were looked at; the next call goes on
 * with place.
 */
int files_held_count(struct store *store, struct files_held_place *place, usec_t deadline,
                     bool *ret_more) BASE_MUST_USE;

/* ---- Retention (thin.c) ---- */

/* Ages from which fewer moments of the past are kept. */
struct files_keep {
    usec_t all;    /* until then every version is */
    usec_t hourly; /* until then what each hour ended with */
    usec_t daily;  /* until then what each day ended with; then only what is there now */
    usec_t step;   /* how long one call of files_thin may take, about */
};

/* How far files_thin came among the trees; zero: at the first. */
struct files_thin_place {
    char tenant[64];
    char tree[64];
};

/*
 * Takes away versions of files, and deleted folders with all in them, that no kept moment shows, tree after tree, each in transactions
 * of a few changes, or keys. What they named alone is queued for files_collect. A tree of which nothing is due costs some reads. *ret_more: not all trees were looked at;
 * the next call goes on with place. ERR_CORRUPT: a tree is damaged and stays as it is, which is logged; the call went on,
 * and *ret_more is set.
 */
int files_thin(struct store *store, const struct files_keep *keep, struct files_thin_place *place,
               bool *ret_more) BASE_MUST_USE;

/* ---- Is all content what its hash says? ---- */

struct files_scrubbed;

struct files_scrub {
    /* Called for each piece: the key of the store, and which files have it, safe for a terminal, at most 4 KiB. */
    void (*damaged)(void *ctx, struct str what);
    void *ctx;
    /* Called after each page; below 0 ends it, and is returned. NULL: nothing. */
    int (*page)(void *ctx, const struct files_scrubbed *so_far);
};

struct files_scrubbed {
    uint64_t chunks; /* and pages */
    uint64_t versions;
    uint64_t damaged; /* of both, and chunks that are gone */
};

/* Reads everything of all tenants; beside writers, in bounded memory. 0 also when something is damaged. */
int files_scrub(struct store *store, const struct files_scrub *in,
                struct files_scrubbed *ret_scrubbed) BASE_MUST_USE;

/* ---- The checker's part: see data_check ---- */

/* Judges entries, versions and chunks: is what they name there? */
int files_judge(const struct data_found *found, const char **ret_fault) BASE_MUST_USE;

#endif
