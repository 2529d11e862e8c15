/*
 * The store: one ordered, transactional map from bytes to bytes, with FoundationDB's model and FoundationDB's limits on
 * every driver. Knows nothing of the product.
 *
 * A transaction is a function. store_write runs it against a serialisable transaction and returns when the result is
 * durable. The function touches only txn and ctx, allocates from store_arena(txn), does no I/O, hashing, compression,
 * parsing or locking, calls no store_read or store_write (asserted), and may run MORE THAN ONCE and on another thread while
 * the caller waits: it resets its results first. In CODITECT_PARANOID builds every function runs twice, the first time
 * rolled back. What a function returns other than 0 rolls the transaction back and is store_write's result.
 *
 * struct store is used by any number of threads; a txn only by the function that it was given to.
 *
 * Keys that start with "op/", "meta/" or the byte 255 belong to the store (asserted).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/time.h"

enum {
    STORE_MAX_KEY = 10000,
    STORE_MAX_VALUE = 100000,
    STORE_MAX_TXN_BYTES = 10000000,  /* keys and values written; what is read is not counted */
    STORE_MAX_RANGES = 1000,         /* store_delete_range in one transaction */
    STORE_MAX_APPENDS = 10000,       /* store_append in one transaction */
    STORE_MAX_SCAN = 10000,          /* pairs of one store_scan or store_feed */
    STORE_MAX_SCAN_BYTES = 32 << 20, /* keys and values that one of them returns */
    STORE_MAX_RESULT = 4096,
    STORE_MAX_EVENT = 200, /* bytes of a feed's entry */
    STORE_POSITION_SIZE = 12,
    STORE_MAX_SECONDS = 5, /* one transaction with all its attempts */
};

struct store;
struct txn;
typedef int store_fn(struct txn *txn, void *ctx);

/* Identity of an operation: what makes a repeated store_write harmless. */
struct store_op {
    uint8_t id[16];
    usec_t made; /* decides the bucket of the marker */
    bool
        from_client; /* the id may have been used before: its marker is looked for first, 24 hours back */
    bool
        reserve; /* frees space or keeps state: may use the space that is held back for a full disk */
    size_t
        bytes; /* about what it writes, when more than a few KiB: small operations go before large ones */
};

struct store_op store_op_new(void); /* random id; kept for the operation's own retries alone */
struct store_op store_op_derived(
    const uint8_t id[static 16]); /* from a client's key, a batch id, a ticket */

/* Faults for tests, in front of any driver. With rate 0 the call number at (1, 2, …; 0: none) suffers kind; with a rate one
 * call in so many suffers some kind, chosen by seed. Calls are those of all threads. */
enum store_fault {
    STORE_FAULT_CONFLICT,     /* another transaction was first: nothing kept */
    STORE_FAULT_TIMEOUT,      /* no answer: nothing kept */
    STORE_FAULT_UNKNOWN_LOST, /* the commit's result is unknown: nothing kept */
    STORE_FAULT_UNKNOWN_KEPT, /* the commit's result is unknown: kept */
    STORE_FAULT_COUNT,
};
struct store_faults {
    uint64_t seed;
    uint32_t rate;
    uint64_t at;
    enum store_fault kind;
};

struct store_driver; /* see store_int.h */

/*
 * Where the embedded engine's files of large values lie: the system's disk, or one of tests that loses power. Each call returns 0
 * or ERR_*, from any thread; a file is used by one thread at a time.
 */
struct store_disk {
    int (*open)(const char *path, bool write, int *ret_file); /* write: too. ERR_NOT_FOUND */
    int (*make)(const char *path, int *ret_file); /* for writing, a new one. ERR_NO_SPACE */
    void (*close)(int file);
    int (*size)(int file, uint64_t *ret_size);
    int (*read)(int file, void *to, size_t n, uint64_t at); /* ERR_CORRUPT: it ends before */
    int (*write)(int file, struct str bytes, uint64_t at);  /* ERR_NO_SPACE */
    int (*flush)(int file);                                 /* ERR_NO_SPACE */
    int (*cut)(int file, uint64_t size);                    /* it is as long as that */
    int (*punch)(int file, uint64_t at,
                 uint64_t n);        /* its space goes back; ERR_UNAVAILABLE: not here */
    int (*remove)(const char *path); /* ERR_NOT_FOUND */
    /* Of its directory: what was made and removed is sure. ERR_NO_SPACE */
    int (*flush_names)(const char *path);
};

struct store_options {
    const char *driver;                /* "sqlite", "memory" */
    const char *directory;             /* of the data, made when absent; NULL for memory */
    const struct store_faults *faults; /* NULL: none; copied */
    size_t balloon;                    /* bytes held back for a full disk; 0: 256 MiB */
    size_t checkpoint;      /* bytes of log that are copied into the database at once; 0: 4 MiB */
    size_t segment;         /* bytes of a file of large values; 0: 256 MiB */
    const char *sqlite_vfs; /* tests: a registered SQLite VFS; NULL: the system's */
    const struct store_disk *disk;     /* tests: NULL: the system's */
    const struct store_driver *engine; /* benchmarks: in the place of driver */
    bool
        unsafe_no_sync; /* commits are not flushed: for the crash tests' control run, and for a restore, which flushes at its end */
    bool unsafe_early;  /* what is deleted is gone before the commit: for control runs alone */
};

/* ERR_BUSY: another process holds the directory (its pid is logged). ERR_CORRUPT: the format is newer or unreadable. ERR_IO. */
int store_open(const struct store_options *options, struct store **ret_store) BASE_MUST_USE;

/* Waits for what runs; NULL allowed. No call may begin afterwards; all watches have ended (asserted). */
void store_close(struct store *s);

/*
 * store_read(s, fn, ctx): a read-only transaction on one snapshot, on the caller's thread. It sees every write whose
 * store_write had returned. ERR_UNAVAILABLE, ERR_TIMEOUT or what fn returned.
 *
 * store_write(s, op, fn, ctx): ERR_UNAVAILABLE (nothing was kept), ERR_UNKNOWN_RESULT (repeat it under the same op to
 * know), ERR_NO_SPACE, ERR_TOO_LARGE (limits above), ERR_TIMEOUT, or what fn returned. op NULL: running fn twice is as good
 * as once (housekeeping); such an fn may not add or append.
 *
 * When the operation already happened (the marker of op is found): for an op of store_op_new fn is not run again, since ctx
 * still holds what the kept run left there; for one from a client fn runs on a transaction that is rolled back in any case
 * and must begin with store_replayed, or be refused before it (what the kept run wrote to is gone, say).
 */
struct store_call {
    const struct store_op *op;
    store_fn *fn;
    void *ctx;
    const char *name; /* of fn, for the log when it takes over 5 ms */
};
#define store_read(s, fn, ctx) store_read_call((s), &(struct store_call){NULL, (fn), (ctx), #fn})
#define store_write(s, op, fn, ctx) \
    store_write_call((s), &(struct store_call){(op), (fn), (ctx), #fn})
int store_read_call(struct store *s, const struct store_call *call) BASE_MUST_USE;
int store_write_call(struct store *s, const struct store_call *call) BASE_MUST_USE;

/* In fn: what a repetition of this operation is given (at most STORE_MAX_RESULT bytes, copied). */
void store_result(struct txn *txn, struct str result);

/*
 * In fn: true when this operation already happened; ret_result is then what the first run gave to store_result (or empty),
 * in the arena. fn decodes it into ctx and returns. An fn that succeeds without asking is rolled back with
 * ERR_CONFLICT.
 */
bool store_replayed(struct txn *txn, struct str *ret_result);

/* Reset before each run, gone after the transaction: results are copied out to memory of ctx. */
struct arena *store_arena(struct txn *txn);

/*
 * Reads see the transaction's own writes. What they return lies in the arena. ERR_NOT_FOUND; ERR_UNAVAILABLE, ERR_TIMEOUT,
 * ERR_CORRUPT must be passed on (the transaction is rolled back in any case, and run again where that can help).
 */
int store_get(struct txn *txn, struct str key, struct str *ret_value) BASE_MUST_USE;

/* Writes are kept in memory until fn has returned 0. A key, value or transaction over the limits makes the transaction fail
 * with ERR_TOO_LARGE after fn. The bytes are copied. */
void store_put(struct txn *txn, struct str key, struct str value);
void store_delete(struct txn *txn, struct str key);
void store_delete_range(struct txn *txn, struct str begin, struct str end); /* [begin, end) */

/* Adds to an 8-byte little-endian counter (absent: 0). Commutes; only under an op. ERR_CORRUPT when it is no counter. */
void store_add(struct txn *txn, struct str key, int64_t by);

struct store_pair {
    struct str key;
    struct str value;
};

struct store_range {
    struct str begin; /* inclusive */
    struct str end;   /* exclusive */
    size_t limit;     /* pairs, 1 to STORE_MAX_SCAN */
    bool reverse;     /* from the end downwards */
    bool
        judged; /* the caller judges values: one that is damaged comes empty instead of ERR_CORRUPT */
};

/* At most limit pairs in byte order of keys (or against it). ERR_TOO_LARGE: over STORE_MAX_SCAN_BYTES; ask for fewer. */
int store_scan(struct txn *txn, const struct store_range *range, struct store_pair **ret_pairs,
               size_t *ret_count) BASE_MUST_USE;

/* The first key behind all keys that start with prefix (its last byte below 255 raised by one), in the arena; asserts that
 * there is one. */
struct str store_after(struct arena *a, struct str prefix);

/*
 * Feeds: append-only lists. A feed is named by a key without a zero byte; its entries lie under that key, a zero byte and
 * their position. The position (2 bytes epoch, 8 commit number, 2 order in the transaction; big endian) is given at commit
 * and not known inside; positions of a feed ascend in the order in which its entries become visible. A feed cannot be read
 * in a transaction that appends to it (asserted).
 */
void store_append(struct txn *txn, struct str feed, struct str value); /* only under an op */

struct store_event {
    uint8_t position[STORE_POSITION_SIZE];
    usec_t at; /* time of the append */
    struct str value;
};

struct store_feed_range {
    struct str feed;
    uint8_t behind[STORE_POSITION_SIZE]; /* all 0: from the first kept */
    size_t limit;                        /* events, 1 to STORE_MAX_SCAN */
};

/* Entries in order. ERR_RESYNC: what follows the position is no longer kept, or it is of another epoch. */
int store_feed(struct txn *txn, const struct store_feed_range *range,
               struct store_event **ret_events, size_t *ret_count) BASE_MUST_USE;

/* The position behind which a reader finds only what comes from now on. */
int store_feed_end(struct txn *txn, struct str feed,
                   uint8_t ret_position[static STORE_POSITION_SIZE]) BASE_MUST_USE;

/* Outside of transactions: drops entries appended before older_than and all but the newest keep, in pages. */
int store_feed_trim(struct store *s, struct str feed, usec_t older_than, size_t keep) BASE_MUST_USE;

/* After a restore or a migration: every position given out before is answered ERR_RESYNC, and store_id is another. */
int store_raise_epoch(struct store *s) BASE_MUST_USE;

/*
 * Which store this is, 1 to 2^53: random, made with it, and made anew for what was restored from a backup or put back or copied as
 * files. Whoever keeps what the store once said asks by it whether it is still true. The same in each run, unless its files
 * became others; what was written over them in place, as a volume that is rolled back, is not noticed.
 */
uint64_t store_id(const struct store *s);

/*
 * Calls wake(ctx) at least once after each change of key (or of the feed of that name), coalesced, possibly spuriously,
 * from any thread and with a lock of the store held: wake only posts a message. Ends with store_unwatch, after which wake is
 * never called and does not run. At most STORE_MAX_WATCHES a store: NULL beyond.
 */
enum { STORE_MAX_WATCHES = 100000 };
struct store_watch;
struct store_watch *store_watch(struct store *s, struct str key, void (*wake)(void *ctx),
                                void *ctx);
void store_unwatch(struct store_watch *w); /* NULL allowed */

/* Drops markers that are older than 24 h; called hourly. */
int store_drop_markers(struct store *s) BASE_MUST_USE;

/*
 * A snapshot: everything as it was at one moment, read by one thread in order of keys, beside a server of this or another
 * process that goes on writing, or of a store that nobody has open. Of the embedded engine only (a cluster's transactions end
 * after 5 s). Nobody waits for it, but the engine's log grows until it is closed or renewed: no pause between two steps.
 *
 * The engine's own notes (meta/, but for the epoch) are left out. Pairs are borrowed until the next call.
 */
struct store_snapshot;
struct store_snapshot_pair {
    struct str key;
    struct str value; /* unless apart */
    bool apart; /* store_snapshot_value reads it: whoever has it already does not pay for it */
};
/* ERR_NOT_FOUND: there is no store in directory; ERR_CORRUPT: none of this format; ERR_IO. */
int store_snapshot_open(const char *directory, struct store_snapshot **ret_s) BASE_MUST_USE;
void store_snapshot_close(struct store_snapshot *s); /* NULL allowed */
/* From now on what follows the pair read last is as it is now. */
int store_snapshot_renew(struct store_snapshot *s) BASE_MUST_USE;
/* ERR_NOT_FOUND: that was the last; ERR_CORRUPT, ERR_IO. */
int store_snapshot_next(struct store_snapshot *s,
                        struct store_snapshot_pair *ret_pair) BASE_MUST_USE;
/* Of the moment it stands on: are the engine's other files there, and long enough? ERR_CORRUPT: not all (logged); ERR_IO. */
int store_snapshot_files(struct store_snapshot *s) BASE_MUST_USE;
/* Of the pair just read. ERR_CORRUPT: this value is damaged, others need not be. */
int store_snapshot_value(struct store_snapshot *s, struct str *ret_value) BASE_MUST_USE;

/*
 * Puts what a snapshot gave back, into a store that nobody uses yet; then store_raise_epoch. At most STORE_MAX_TXN_BYTES at
 * once. ERR_CORRUPT: no snapshot gives such a pair; else as store_write.
 */
int store_load(struct store *s, const struct store_pair *pairs, size_t count) BASE_MUST_USE;

/* Facts for metrics and doctor, since store_open. */
struct store_stats {
    uint64_t reads;         /* store_read calls */
    uint64_t writes;        /* store_write calls that were kept */
    uint64_t commits;       /* flushes: writes / commits is the mean group */
    uint64_t retries;       /* runs after a conflict or an unknown result */
    uint64_t replays;       /* operations that had already happened */
    uint64_t bytes_written; /* keys and values */
    uint64_t waiting;       /* store_write calls that wait for the writer now */
    uint64_t faults;        /* that tests put in */
    bool disk_full;         /* only deletions are taken */
};
void store_stats(struct store *s, struct store_stats *ret_stats);

/* Tests: other faults from now on, for a store that was opened with some; the next call is number 1 again. */
void store_set_faults(struct store *s, const struct store_faults *faults);

#endif
