/*
 * Inside the sqlite driver: one table kv(key, value) in {directory}/store.db, its large values in a second one or beside it.
 *
 * Threads: the writer thread alone uses struct store_sqlite.writer, checkpoints, closes and reopens. Readers borrow read-only
 * connections from the pool. A connection is used by one thread at a time.
 */
#ifndef STORE_SQLITE_INT_H
#define STORE_SQLITE_INT_H

#include <pthread.h>
#include <sqlite3.h>

#include "store/store_int.h"

enum {
    SQLITE_GROUP_BYTES = 1 << 20,    /* content of one group commit */
    SQLITE_ALONE_BYTES = 4 << 20,    /* the same, when nobody has saved for a while */
    SQLITE_BESIDE_BYTES = 256 << 10, /* the same, when somebody waits for a small save in it */
    SQLITE_GROUP_JOBS = 512,         /* functions of one group commit */
    SQLITE_LARGE_JOB = 16 << 10,     /* an op that announces more waits behind the smaller ones */
    SQLITE_MAX_READERS = 32,         /* connections; more readers wait */
    SQLITE_PAGE = 4096,
    SQLITE_APART = 768,   /* a longer value lies apart: with its key it would not fit into a cell */
    SQLITE_BESIDE = 4096, /* a longer one beside the database, in a transaction */
    SQLITE_BESIDE_JOB = 32 << 10, /* that writes more than this: for less a flush more costs more */
    /* Bytes: several times what a group can append, since a power cut may bring back what had been cut. */
    SQLITE_MOST_LEFT = 128 << 20,
    SQLITE_LOG_PATIENCE = 6, /* times the log's limit: then readers are held up for a checkpoint */
    SQLITE_IDLE_PART = 8,    /* of the log's limit: enough for a checkpoint by an idle writer */
    SQLITE_LARGE_PART = 4,   /* the same, once the log has uploads while others save */
    SQLITE_ALONE_LOGS = 4, /* times the log's limit, while uploads have the writer for themselves */
};

/* ---- sqlite_connection.c ------------------------------------------------------------------------------------------- */

enum store_statement {
    STORE_STATEMENT_GET,
    STORE_STATEMENT_GET_HOLD, /* always one row: keeps the snapshot while it stands on it */
    STORE_STATEMENT_GET_LARGE,
    STORE_STATEMENT_SCAN_UP,
    STORE_STATEMENT_SCAN_DOWN,
    STORE_STATEMENT_BEGIN_READ,
    STORE_STATEMENT_COMMIT,
    STORE_STATEMENT_READER_COUNT,
    STORE_STATEMENT_BEGIN_WRITE = STORE_STATEMENT_READER_COUNT,
    STORE_STATEMENT_ROLLBACK,
    STORE_STATEMENT_PUT,
    STORE_STATEMENT_PUT_LARGE,
    STORE_STATEMENT_PUT_BESIDE,
    STORE_STATEMENT_NEW_SEGMENT,
    STORE_STATEMENT_SEGMENT_SIZE,
    STORE_STATEMENT_DELETE,
    STORE_STATEMENT_DELETE_RANGE,
    STORE_STATEMENT_COUNT,
};

struct store_segment;

struct store_connection {
    struct store_connection *next; /* in the pool */
    sqlite3 *db;
    char *path;
    const struct store_disk *disk;
    struct store_segment *segment; /* writer: where large values go; NULL: into the database */
    bool beside;                   /* writer: those of this transaction do */
    sqlite3_stmt *statements[STORE_STATEMENT_COUNT];
    bool writer;
    bool holding;     /* reader: GET_HOLD stands on its row */
    bool begun;       /* reader: BEGIN_READ has been run */
    uint64_t version; /* reader: commits before its snapshot */
    bool failed;      /* to be closed, not used again */
};

struct store_connection_options {
    const char *path;
    const char *vfs;
    const struct store_disk *disk; /* NULL: the system's */
    bool writer;
    bool no_sync;
};

/* sqlite_combine.c: the name of the VFS that stands before the one called name (NULL: the system's), for a writer that flushes. */
const char *store_combining_vfs(const char *name);

/* ERR_CORRUPT, ERR_NO_SPACE, ERR_IO. */
int store_connection_open(const struct store_connection_options *options,
                          struct store_connection **ret_c) BASE_MUST_USE;
void store_connection_close(
    struct store_connection *c); /* NULL allowed; what is not committed is lost */
/* In one transaction, what is not there yet, and the format in data that has one; older: '1' to '3' of such data, else 0. A code of
 * SQLite; a transaction may be left open. */
int store_connection_create_tables(sqlite3 *db, char older);
/* A query's only number. ERR_NOT_FOUND: it has no row; else as store_connection_run. */
int store_connection_number(struct store_connection *c, const char *text,
                            int64_t *ret_number) BASE_MUST_USE;

/* ERR_NO_SPACE, ERR_CORRUPT, ERR_IO; logged when it is none of a full disk. */
int store_connection_run(struct store_connection *c, enum store_statement statement) BASE_MUST_USE;
int store_connection_get(struct store_connection *c, struct arena *a, struct str key,
                         struct str *ret_value) BASE_MUST_USE;
/* The value that lies apart under a number which this connection's snapshot named. ERR_CORRUPT: it is gone or damaged. */
int store_connection_large(struct store_connection *c, struct arena *a, sqlite3_int64 number,
                           struct str *ret_value) BASE_MUST_USE;
int store_connection_scan(struct store_connection *c, struct arena *a,
                          const struct store_range *range, struct store_pairs *pairs) BASE_MUST_USE;
int store_connection_put(struct store_connection *c, struct str key,
                         struct str value) BASE_MUST_USE;
int store_connection_apply(struct store_connection *c, const struct store_writes *w) BASE_MUST_USE;
size_t store_connection_unused(
    struct store_connection *c); /* bytes that the database holds and does not use */
/* Gives up to 4 MiB of unused space back to the disk, in one transaction. ERR_NO_SPACE, ERR_IO. */
int store_connection_shrink(struct store_connection *c) BASE_MUST_USE;
void store_connection_end_read(struct store_connection *c);
int store_connection_error(struct store_connection *c,
                           const char *what); /* the code of the last failure */

/* ---- sqlite_disk.c, sqlite_segment.c: large values beside the database --------------------------------------------- */

extern const struct store_disk store_system_disk;

struct store_place {
    int64_t segment;
    uint64_t at;
    size_t bytes;
    uint64_t checksum;
};

struct store_segment_row {
    int64_t number; /* 0: there is none */
    uint64_t size;
};

#define STORE_OLDER \
    "%s is older than the files beside it: put all store.db* of one moment there, or restore a " \
    "backup"

struct store_segment { /* the one that the writer appends to */
    const struct store_disk *disk;
    const char *path; /* of the database */
    size_t most;      /* bytes; then comes the next */
    int file;         /* -1: none is open */
    int64_t number;   /* 0: none */
    uint64_t end, flushed;
    int64_t avoided; /* the highest number of one whose flush failed; 0: none */
    bool made;       /* its name is not flushed yet */
    bool dirty;      /* the transaction that is open appended something, or began to */
};

const char *store_segment_path(struct arena *a, const char *database, int64_t number);
/* For who reads the log: the server's own directory is not theirs. */
const char *store_full_path(struct arena *a, const char *path);
/* ERR_CORRUPT: it is not what was written there; ERR_IO. */
int store_place_read(const struct store_connection *c, struct arena *a,
                     const struct store_place *place, struct str *ret_value) BASE_MUST_USE;
/* In a transaction of the writer; what fails fails it, and the connection unless it is for want of space (ERR_NO_SPACE). */
int store_segment_append(struct store_segment *s, struct store_connection *writer, struct str value,
                         struct store_place *ret_place) BASE_MUST_USE;
int store_segment_flush(struct store_segment *s, struct store_connection *writer) BASE_MUST_USE;
/* Outside of one: opens what the last commit left, without what came behind it. ERR_IO; ERR_CORRUPT: the database does not fit its
 * files, and these were left alone. */
int store_segment_settle(struct store_segment *s, struct store_connection *writer) BASE_MUST_USE;
void store_segment_close(struct store_segment *s);
/* Is each file there, and long enough, of which this connection's snapshot names something? ERR_CORRUPT: no (logged); ERR_IO. */
int store_segment_check(struct store_connection *c) BASE_MUST_USE;
/* The highest number that a segment was ever given; 0: there never was one. */
int store_segment_given(struct store_connection *c, int64_t *ret_number) BASE_MUST_USE;

/* sqlite_connection.c, for it. */
int store_connection_new_segment(struct store_connection *c, int64_t *ret_number) BASE_MUST_USE;
int store_connection_segment_size(struct store_connection *c,
                                  const struct store_segment_row *row) BASE_MUST_USE;

/* ---- sqlite_readers.c ---------------------------------------------------------------------------------------------- */

struct store_readers {
    struct lock lock;
    struct lock_cond changed;
    struct store_connection *idle;
    size_t count; /* open, idle or not */
    size_t busy;
    bool closed;
    bool paused;
};

struct store_sqlite;
void store_readers_init(struct store_readers *r);
void store_readers_fini(struct store_readers *r);
int store_readers_take(struct store_sqlite *d,
                       struct store_connection **ret_c) BASE_MUST_USE; /* ERR_UNAVAILABLE */
void store_readers_give(struct store_sqlite *d, struct store_connection *c);
/* Of the snapshots of idle connections. */
void store_readers_let_go(struct store_readers *r);
/* None is out and none has a snapshot until resume. */
void store_readers_pause(struct store_readers *r);
void store_readers_resume(struct store_readers *r);
/* Waits for those that are out; take fails until open. */
void store_readers_close(struct store_readers *r);
void store_readers_open(struct store_readers *r);

/* ---- sqlite_space.c: the balloon ------------------------------------------------------------------------------------ */

struct store_space {
    char *path; /* of the balloon */
    char *directory;
    size_t size;
    bool inflated;
    _Atomic bool full;
    usec_t looked;  /* when space was last looked for */
    usec_t refused; /* when the disk, with room for it, gave none; 0: never */
};

void store_space_init(struct store_space *space, const char *directory, size_t size);
void store_space_fini(struct store_space *space);
void store_space_inflate(struct store_space *space); /* when there is room for it */
void store_space_hit(struct store_space *space);     /* the disk is full: gives the balloon up */

bool store_space_due(
    const struct store_space *space); /* it was not looked for in the last second */
/* While full, at most once a second: is there room again? unused: bytes that are free inside the database. */
void store_space_look(struct store_space *space, size_t unused);

/* ---- sqlite_writer.c ------------------------------------------------------------------------------------------------ */

struct store_job { /* on the stack of the thread that waits for it */
    struct store_job *next;
    struct txn *txn;
    struct lock_cond done_cond;
    int result;
    bool taken; /* by the writer: the waiter may not give up any more */
    bool done;
};

struct store_jobs {
    struct store_job *first, **end;
};

struct store_queue {
    struct lock lock;
    struct lock_cond changed;
    struct store_jobs small, large;
    _Atomic size_t waiting; /* jobs in both, for stats: changed under the lock */
    usec_t small_at;        /* when the last small one came; monotonic */
    bool stop;
};

struct store_sqlite {
    char *directory, *path;
    char *vfs;
    const struct store_disk *disk;
    bool no_sync;
    int lock_fd;
    struct store_connection *writer; /* NULL: closed after a failure */
    usec_t reopened;                 /* when that was last tried */
    uint64_t commit_number, stored_commit_number;
    int wal_frames; /* after the last good commit */
    int wal_limit;  /* frames after which a checkpoint is due */
    int wal_held; /* frames before which nobody is held up again: somebody outside the pool reads */
    bool wal_checkpointed; /* all of them are in the database */
    bool wal_large;        /* a large operation is among them */
    bool wal_alone;        /* the last group was of uploads alone */
    bool shrinks;          /* the last idle moment gave space back to the disk */
    bool untidy;           /* since then something was committed */
    struct store_segment segment;
    usec_t swept;       /* when garbage was last looked for */
    bool keeps_holes;   /* the file system takes no space back from within a file */
    bool keeps_garbage; /* giving space back failed: not tried again before the next opening */
    bool early;         /* control runs: space of what is deleted goes before the commit */
    struct store_readers readers;
    struct store_space space;
    struct store_queue queue;
    pthread_t thread;
    bool thread_started;
    _Atomic uint64_t commits;
    _Atomic uint64_t
        version; /* changes before a commit is acknowledged: snapshots of another version are old */
};

void store_queue_init(struct store_queue *q);
void store_queue_fini(struct store_queue *q);
void *store_writer_main(void *self);
int store_writer_submit(struct store_sqlite *d, struct txn *txn);

/* sqlite.c: opens the writer's connection, after a failure only what had been flushed. */
int store_sqlite_connect(struct store_sqlite *d);
void store_sqlite_disconnect(struct store_sqlite *d);

/* sqlite_migrate.c: not connected yet. Makes data of formats 1 to 3 format 4; leaves other data alone. ERR_IO,
 * ERR_NO_SPACE; ERR_BUSY: somebody reads the old log. */
int store_sqlite_migrate(const struct store_sqlite *d) BASE_MUST_USE;

/* sqlite_garbage.c: of the segments. A step once all of the log is in the database and no transaction is open. ERR_NO_SPACE, ERR_IO,
 * ERR_CORRUPT; a transaction may be left open. */
bool store_garbage_waits(struct store_sqlite *d);
int store_garbage_step(struct store_sqlite *d) BASE_MUST_USE;
void store_garbage_early(struct store_sqlite *d); /* the control: within a transaction */

/* sqlite_checkpoint.c */
/* At the opening: the log that a former process left is copied into the database, if that can be done now. ERR_IO. */
int store_sqlite_settle_log(struct store_sqlite *d) BASE_MUST_USE;
bool store_sqlite_log_waits(const struct store_sqlite *d); /* an idle writer should checkpoint */
void store_sqlite_checkpoint(struct store_sqlite *d, bool idle);
void store_sqlite_empty_log(struct store_sqlite *d); /* the writer thread has ended */
int store_sqlite_cut_log(
    struct store_sqlite *d); /* both sides closed: drops what follows the last good commit */

#endif
