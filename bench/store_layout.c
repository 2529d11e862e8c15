/*
 * Why the store's file looks as it does: SQLite driven directly by one thread, with the rows of a save (one value of 4 KiB under
 * a hash, five small ones under ordered keys) in groups of 32 saves, over sizes of a page, layouts of the table and lengths of
 * the log before it is copied into the file.
 *
 *   store_layout DIRECTORY [SECONDS [ROUNDS]]
 *
 * Rounds take turns. Prints the medians for each choice: saves a second, processor time and KiB written for each, the file's
 * size over the bytes of keys and values in it, and then, a second: reads of one small value, rows of scans of 100 neighbours,
 * and small values written anew, 32 to a transaction.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"

enum {
    GROUP = 32,
    SMALL_ROWS = 5,
    SMALL = 200,
    LARGE = 4096,
    FILL = 20000,
    READS = 1000,
    SCAN = 100
};
enum { CHOICES = 8, ROUNDS = 9 };

enum layout {
    ONE_TREE, /* WITHOUT ROWID: the values lie in the tree of the keys */
    ROWID,    /* a table and an index of its keys */
    APART, /* WITHOUT ROWID; large values in order of writing in another table, their number in the tree */
};

static const struct choice {
    const char *name;
    int page;
    enum layout layout;
    int log; /* MiB before a checkpoint */
} choices[CHOICES] = {
    {"large values apart, page 4 KiB, log 4 MiB (the store's)", 4096, APART, 4},
    {"all in one tree", 4096, ONE_TREE, 4},
    {"table with rowid and index", 4096, ROWID, 4},
    {"page 8 KiB", 8192, APART, 4},
    {"page 16 KiB", 16384, APART, 4},
    {"log 1 MiB", 4096, APART, 1},
    {"log 16 MiB", 4096, APART, 16},
    {"log 64 MiB", 4096, APART, 64},
};

struct base {
    sqlite3 *db;
    sqlite3_stmt *put, *append, *get, *scan, *begin, *commit;
    char path[512];
    uint64_t saves;
};

struct number {
    double rate, cpu, disk, space, reads, scans, updates;
};

static void exec(sqlite3 *db, const char *sql)
{
    ASSERT(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    ASSERT(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) == SQLITE_OK);
    return s;
}

static void step(sqlite3_stmt *s)
{
    ASSERT(sqlite3_step(s) == SQLITE_DONE);
    (void)sqlite3_reset(s);
}

static void put(sqlite3_stmt *s, const char *key, struct str value)
{
    (void)sqlite3_bind_blob(s, 1, key, (int)strlen(key), SQLITE_STATIC);
    (void)sqlite3_bind_blob(s, 2, value.p, (int)value.n, SQLITE_STATIC);
    step(s);
}

static void put_large(struct base *b, const char *key, struct str value)
{
    if (!b->append) {
        put(b->put, key, value);
        return;
    }
    (void)sqlite3_bind_blob(b->append, 1, value.p, (int)value.n, SQLITE_STATIC);
    step(b->append);
    (void)sqlite3_bind_blob(b->put, 1, key, (int)strlen(key), SQLITE_STATIC);
    (void)sqlite3_bind_int64(b->put, 2, sqlite3_last_insert_rowid(b->db));
    step(b->put);
}

static void save(struct base *b)
{
    char key[128], value[LARGE];
    uint64_t n = b->saves++;
    rand_bytes(value, sizeof value);
    (void)snprintf(key, sizeof key, "t/ten-00000000000000/chunk/%016llx%016llx%016llx%016llx",
                   (unsigned long long)rand_u64(), (unsigned long long)rand_u64(),
                   (unsigned long long)rand_u64(), (unsigned long long)rand_u64());
    put_large(b, key, str_of(value, LARGE));
    for (int i = 0; i < SMALL_ROWS; i++) {
        (void)snprintf(key, sizeof key, "t/ten-00000000000000/kind-%d/ses-0000000000000000/%016llx",
                       i, (unsigned long long)n);
        put(b->put, key, str_of(value, SMALL));
    }
}

static void save_group(struct base *b)
{
    step(b->begin);
    for (int i = 0; i < GROUP; i++) {
        save(b);
    }
    step(b->commit);
}

static void open_base(struct base *b, const char *directory, const struct choice *c)
{
    char text[256];
    (void)snprintf(b->path, sizeof b->path, "%s/%d.db", directory, (int)(c - choices));
    ASSERT(sqlite3_open(b->path, &b->db) == SQLITE_OK);
    (void)snprintf(text, sizeof text,
                   "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
                   "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=%d; PRAGMA cache_size=-8192;"
                   "PRAGMA mmap_size=1073741824",
                   c->page, c->log * 1024 * 1024 / c->page);
    exec(b->db, text);
    exec(b->db, c->layout == ROWID
                    ? "CREATE TABLE kv(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)"
                    : "CREATE TABLE kv(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)"
                      " WITHOUT ROWID");
    if (c->layout == APART) {
        exec(b->db,
             "CREATE TABLE large(number INTEGER PRIMARY KEY, value BLOB NOT NULL);"
             "CREATE TRIGGER put_large AFTER UPDATE ON kv WHEN typeof(old.value) = 'integer'"
             " BEGIN DELETE FROM large WHERE number = old.value; END;"
             "CREATE TRIGGER delete_large AFTER DELETE ON kv WHEN typeof(old.value) = 'integer'"
             " BEGIN DELETE FROM large WHERE number = old.value; END");
        b->append = prepare(b->db, "INSERT INTO large(value) VALUES (?1)");
    }
    b->put = prepare(b->db, "INSERT INTO kv(key, value) VALUES (?1, ?2)"
                            " ON CONFLICT(key) DO UPDATE SET value = excluded.value");
    b->get = prepare(b->db, "SELECT value FROM kv WHERE key = ?1");
    b->scan = prepare(b->db, "SELECT key, value FROM kv WHERE key >= ?1 ORDER BY key LIMIT 100");
    b->begin = prepare(b->db, "BEGIN IMMEDIATE");
    b->commit = prepare(b->db, "COMMIT");
    exec(b->db, "PRAGMA synchronous=OFF");
    while (b->saves < FILL) {
        save_group(b);
    }
    exec(b->db, "PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)");
}

static void close_base(struct base *b)
{
    sqlite3_stmt *const all[] = {b->put, b->append, b->get, b->scan, b->begin, b->commit};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        (void)sqlite3_finalize(all[i]);
    }
    ASSERT(sqlite3_close(b->db) == SQLITE_OK);
}

static void bind_some_key(struct base *b, sqlite3_stmt *s, char to[static 128])
{
    (void)snprintf(to, 128, "t/ten-00000000000000/kind-%d/ses-0000000000000000/%016llx",
                   (int)rand_below(SMALL_ROWS), (unsigned long long)rand_below(b->saves - SCAN));
    (void)sqlite3_bind_blob(s, 1, to, (int)strlen(to), SQLITE_STATIC);
}

static uint64_t read_some(struct base *b)
{
    char key[128];
    for (int i = 0; i < READS; i++) {
        bind_some_key(b, b->get, key);
        ASSERT(sqlite3_step(b->get) == SQLITE_ROW && sqlite3_column_bytes(b->get, 0) == SMALL);
        (void)sqlite3_reset(b->get);
    }
    return READS;
}

static uint64_t scan_some(struct base *b)
{
    char key[128];
    bind_some_key(b, b->scan, key);
    for (int i = 0; i < SCAN; i++) {
        ASSERT(sqlite3_step(b->scan) == SQLITE_ROW && sqlite3_column_bytes(b->scan, 1) > 0);
    }
    (void)sqlite3_reset(b->scan);
    return SCAN;
}

static uint64_t update_some(struct base *b)
{
    char key[128], value[SMALL];
    step(b->begin);
    for (int i = 0; i < GROUP; i++) {
        rand_bytes(value, sizeof value);
        bind_some_key(b, b->put, key);
        put(b->put, key, str_of(value, SMALL));
    }
    step(b->commit);
    return GROUP;
}

static double rate_of(struct base *b, uint64_t (*what)(struct base *b), double seconds)
{
    usec_t started = time_monotonic(), end = started + (usec_t)(seconds * USEC_PER_SEC);
    uint64_t done = 0;
    while (time_monotonic() < end) {
        done += what(b);
    }
    return (double)done * 1e6 / (double)(time_monotonic() - started);
}

static double cpu(const struct rusage *r)
{
    return (double)(r->ru_utime.tv_sec + r->ru_stime.tv_sec) * 1e6 +
           (double)(r->ru_utime.tv_usec + r->ru_stime.tv_usec);
}

/* Keys and values, without what SQLite needs to find them. */
static double bytes_of(uint64_t saves)
{
    enum { LARGE_KEY = 91, SMALL_KEY = 65 };
    return (double)saves * (LARGE + LARGE_KEY + SMALL_ROWS * (SMALL + SMALL_KEY));
}

static struct number measure(struct base *b, double seconds)
{
    struct rusage before, after;
    struct stat st;
    usec_t started = time_monotonic(), until = started + (usec_t)(seconds * USEC_PER_SEC);
    uint64_t saves = b->saves;
    ASSERT(getrusage(RUSAGE_SELF, &before) == 0);
    while (time_monotonic() < until) {
        save_group(b);
    }
    double took = (double)(time_monotonic() - started) / 1e6;
    ASSERT(getrusage(RUSAGE_SELF, &after) == 0);
    double done = (double)(b->saves - saves);
    struct number n = {
        .rate = done / took,
        .cpu = (cpu(&after) - cpu(&before)) / done,
        .disk = (double)(after.ru_oublock - before.ru_oublock) / 2 / done,
    };
    exec(b->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    ASSERT(stat(b->path, &st) == 0);
    n.space = (double)st.st_size / bytes_of(b->saves);
    n.reads = rate_of(b, read_some, seconds / 4);
    n.scans = rate_of(b, scan_some, seconds / 4);
    n.updates = rate_of(b, update_some, seconds / 2);
    return n;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle(const struct number *of, uint64_t rounds, size_t offset)
{
    double values[ROUNDS];
    for (uint64_t i = 0; i < rounds; i++) {
        memcpy(&values[i], (const char *)&of[i] + offset, sizeof values[i]);
    }
    qsort(values, rounds, sizeof *values, compare);
    return values[rounds / 2];
}

#define MIDDLE(of, rounds, field) middle(of, rounds, offsetof(struct number, field))

int main(int argc, char **argv)
{
    static struct number numbers[CHOICES][ROUNDS];
    static struct base bases[CHOICES];
    double seconds = argc > 2 ? atof(argv[2]) : 2;
    uint64_t rounds = 3;
    ASSERT(argc > 1 && (argc <= 3 || str_u64(str_from(argv[3]), ROUNDS, &rounds) == 0));
    for (int i = 0; i < CHOICES; i++) {
        open_base(&bases[i], argv[1], &choices[i]);
    }
    for (uint64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < CHOICES; i++) {
            numbers[i][round] = measure(&bases[i], seconds);
        }
    }
    for (int i = 0; i < CHOICES; i++) {
        const struct number *of = numbers[i];
        (void)printf("%s: %.0f/s, %.1f us of processor time, %.1f KiB to the disk, %.2f of the "
                     "bytes kept; reads %.0f/s, rows of scans %.0f/s, updates %.0f/s\n",
                     choices[i].name, MIDDLE(of, rounds, rate), MIDDLE(of, rounds, cpu),
                     MIDDLE(of, rounds, disk), MIDDLE(of, rounds, space), MIDDLE(of, rounds, reads),
                     MIDDLE(of, rounds, scans), MIDDLE(of, rounds, updates));
        close_base(&bases[i]);
    }
    return 0;
}
