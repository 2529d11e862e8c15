/*
 * Inside the store: what a driver is, and what the common layer (store.c, txn.c) gives to it.
 *
 * The common layer keeps a transaction's own writes in an ordered set (writes.c) and lays them over the driver's reads, so
 * a driver only reads committed state, runs the function by store_txn_run, and applies the finished set. Rolling back is
 * dropping the set.
 */
#ifndef STORE_STORE_INT_H
#define STORE_STORE_INT_H

#include <stdatomic.h>

#include "base/lock.h"
#include "base/map.h"
#include "base/vec.h"
#include "store/store.h"

/* ---- writes.c: a transaction's own writes -------------------------------------------------------------------------- */

enum store_write_kind { STORE_WRITE_PUT, STORE_WRITE_DELETE, STORE_WRITE_ADD };

struct store_entry { /* a node of a treap, in the transaction's arena */
    struct store_entry *left, *right;
    uint64_t priority;
    enum store_write_kind kind;
    struct str key;
    struct str value; /* PUT */
    int64_t by;       /* ADD */
};

struct store_append_entry {
    struct store_append_entry *next;
    struct str feed;
    struct str value;
};

struct store_interval {
    struct str begin, end;
};

/* Zero-initialised is empty. All memory is the arena's. To apply: first the ranges, then the entries. */
struct store_writes {
    struct arena *arena;
    struct store_entry *root;
    struct store_interval *ranges; /* STORE_MAX_RANGES of them, taken with the first */
    struct store_append_entry *appends, **appends_end; /* in order */
    size_t entry_count, range_count, append_count;
    size_t puts;  /* entries that are no deletions, and appends */
    size_t bytes; /* keys and values */
    uint64_t random;
};

void store_writes_init(struct store_writes *w, struct arena *arena);
bool store_writes_empty(const struct store_writes *w);

/* Key and value are copied. */
void store_writes_put(struct store_writes *w, struct str key, struct str value);
void store_writes_delete(struct store_writes *w, struct str key);
int store_writes_add(struct store_writes *w, struct str key,
                     int64_t by) BASE_MUST_USE; /* ERR_CORRUPT: no counter */
void store_writes_settle(struct store_writes *w, struct store_entry *add,
                         int64_t value); /* makes an ADD a PUT of value */

struct store_entry *store_writes_find(const struct store_writes *w, struct str key); /* or NULL */
bool store_writes_cleared(const struct store_writes *w,
                          struct str key); /* lies in a deleted range */
void store_writes_range(struct store_writes *w, struct str begin, struct str end);
void store_writes_append(struct store_writes *w, struct str feed, struct str value);

/* Smallest entry with key >= (or > when after) key; largest with key < key. NULL when there is none. */
struct store_entry *store_writes_from(const struct store_writes *w, struct str key, bool after);
struct store_entry *store_writes_below(const struct store_writes *w, struct str key);

/* ---- drivers ------------------------------------------------------------------------------------------------------- */

enum { STORE_MAGIC = 0x53746f72, STORE_TXN_MAGIC = 0x54786e21 };
enum { STORE_FORMAT = 4 }; /* what meta/format says */

/* What a driver's call may return besides 0 and ERR_*: see write. */
enum { STORE_CONFLICT = 1, STORE_UNKNOWN = 2 };

struct store_driver {
    const char *name;

    /* A commit may end without a verdict, even while the process lives: every op leaves a marker. */
    bool unknown_results;

    int (*open)(const struct store_options *options, void **ret_self);
    void (*close)(void *self);

    /* Sets txn->view to a snapshot of what is committed, calls store_txn_run(txn) on this thread, ends the snapshot. */
    int (*read)(void *self, struct txn *txn);

    /*
     * Sets txn->view to a serialisable view, calls store_txn_run(txn), and when that says true applies txn->writes and
     * makes them durable. 0: it ran, txn->status tells its result, and if that is 0 it is durable. ERR_*: nothing was
     * kept. STORE_CONFLICT: nothing was kept, running it again may help. STORE_UNKNOWN: it was kept or never will be.
     */
    int (*write)(void *self, struct txn *txn);

    /* Reads of txn->view, the transaction's own writes left out; results in txn->arena. As store_get and store_scan, and
     * STORE_CONFLICT. */
    int (*get)(struct txn *txn, struct str key, struct str *ret_value);
    int (*scan)(struct txn *txn, const struct store_range *range, struct store_pair **ret_pairs,
                size_t *ret_count);

    /* Adds the driver's own numbers. */
    void (*stats)(void *self, struct store_stats *stats);

    /* What the files in use are, whatever is in them: a copy has another number. Up to INT64_MAX; 0: that is not known. */
    uint64_t (*place)(void *self);
};

void store_driver_no_stats(void *self, struct store_stats *stats);
uint64_t store_driver_no_place(void *self);

extern const struct store_driver store_memory;
extern const struct store_driver store_sqlite;
extern const struct store_driver store_faulty; /* wraps the driver that the options name */

const struct store_driver *store_driver_named(const char *name); /* NULL when unknown */

struct store {
    uint32_t magic;
    const struct store_driver *driver;
    void *self;
    _Atomic uint16_t epoch;
    _Atomic uint64_t id;
    _Atomic uint64_t reads, writes, retries, replays, bytes_written;
    struct lock watch_lock;
    struct map *watches; /* key → first struct store_watch */
    _Atomic size_t watch_count;
};

/* One call of store_read or store_write; on the caller's stack. */
struct txn {
    uint32_t magic;
    struct store *store;
    const struct store_call *call;
    void *view; /* the driver's */
    bool writable;
    bool look_for_marker; /* set by store_write_call before a run */
    bool keep_marker;
    bool found_marker; /* the operation already happened */
    bool asked_replayed;
    int status; /* of the last run: 0 or ERR_* */
    int broken; /* a read failed: ERR_* or STORE_CONFLICT; stronger than status */
    int error;  /* a limit was passed: ERR_TOO_LARGE */
    struct arena arena;
    struct store_writes writes;
    struct str result;
};

/* Runs the function (twice in paranoid builds). True: commit txn->writes; false: drop them, txn->status or txn->broken
 * tells why. */
bool store_txn_run(struct txn *txn);

/* Before applying: turns additions into puts by reading the view, and appends into puts under commit_number. False: as
 * store_txn_run. Drivers with atomic additions and versionstamps do without. */
bool store_txn_settle(struct txn *txn, uint64_t commit_number);

/* txn.c, for store.c */
void store_txn_init(struct txn *txn, struct store *s, const struct store_call *call, bool writable);
void store_txn_fini(struct txn *txn);

/* A growing list of pairs in an arena, for scan. */
struct store_pairs {
    struct store_pair *at;
    size_t n, room, bytes;
};
/* ERR_TOO_LARGE over STORE_MAX_SCAN_BYTES. */
int store_pairs_add(struct store_pairs *pairs, struct arena *a,
                    struct store_pair pair) BASE_MUST_USE;

/* marker.c */
enum { STORE_MARKER_HOURS = 6 /* width of a bucket */, STORE_MARKER_KEEP_HOURS = 24 };
int store_marker_find(struct txn *txn, bool *ret_found, struct str *ret_result);
void store_marker_put(struct txn *txn);

/* watch.c: wakes the watches of all that was written, or (NULL) all there are. */
void store_watch_notify(struct store *s, const struct store_writes *writes);

/* The 8-byte little-endian counter in value, or ERR_CORRUPT. */
int store_counter(struct str value, int64_t *ret_value) BASE_MUST_USE;

/* feed.c: writes the appends of a set as entries under this commit. */
void store_feed_settle(struct store_writes *w, uint16_t epoch, uint64_t commit_number);

/* store.c: whether snapshots give it, and store_load takes it. */
bool store_is_snapshot_key(struct str key);

/* Numbers in keys: big endian, so that byte order is their order. */
static inline void store_big(char *to, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++) {
        to[i] = (char)(value >> (8 * (bytes - 1 - i)));
    }
}

static inline uint64_t store_unbig(const char *from, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | (uint8_t)from[i];
    }
    return value;
}

#endif
