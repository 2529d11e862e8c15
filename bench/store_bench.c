/*
 * The store against SQLite driven directly, with the same keys, values and settings. Prints ratios; the absolute numbers are
 * those of this machine's disk at this moment, so rounds are interleaved and medians taken.
 *
 *   store_bench [directory [seconds [rounds]]]
 *
 * writes: 64 threads, each transaction reads a 200-byte value, writes it back changed and writes another; durable before it
 * counts. Both bear a stamp that no write before had: SQLite writes no page whose bytes are there already.
 *   ours      store_write
 *   group     one thread takes what waits, runs it in one SQLite transaction, commits, wakes
 *   single    every thread commits its own SQLite transaction
 * reads: 2 threads, one random key a transaction.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/store.h"

enum { THREADS = 64, READERS = 2, KEYS = 100000, VALUE = 200, MOST_ROUNDS = 15 };

struct bench {
    const char *directory;
    usec_t duration;
    usec_t deadline;
    struct store *store;
    char raw_path[256];
    _Atomic uint64_t done;

    /* group commit by hand */
    struct lock lock;
    struct lock_cond work;
    struct raw_job *jobs;
    bool stop;
};

struct raw_job {
    struct raw_job *next;
    struct lock_cond cond;
    uint64_t read, write, stamp;
    bool done;
};

struct raw {
    sqlite3 *db;
    sqlite3_stmt *get, *put, *begin, *commit;
};

static void make_key(char to[static 32], uint64_t n)
{
    ASSERT(snprintf(to, 32, "t/bench/record/%08u", (unsigned)n) < 32);
}

static void make_value(char to[static VALUE], uint64_t stamp)
{
    memset(to, 'v', VALUE);
    memcpy(to, &stamp, sizeof stamp);
}

/* ---- SQLite driven directly ---------------------------------------------------------------------------------------- */

static void raw_exec(sqlite3 *db, const char *sql)
{
    ASSERT(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3_stmt *raw_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    ASSERT(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) == SQLITE_OK);
    return s;
}

static void raw_open(struct raw *r, const char *path)
{
    ASSERT(sqlite3_open_v2(path, &r->db,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                           NULL) == SQLITE_OK);
    (void)sqlite3_busy_timeout(r->db, 60000);
    raw_exec(r->db,
             "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST; PRAGMA "
             "mmap_size=1073741824;"
             "PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=1024;"
             "CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID");
    r->get = raw_prepare(r->db, "SELECT value FROM kv WHERE key = ?1");
    r->put = raw_prepare(r->db, "INSERT INTO kv(key, value) VALUES (?1, ?2) ON CONFLICT(key) DO "
                                "UPDATE SET value = excluded.value");
    r->begin = raw_prepare(r->db, "BEGIN IMMEDIATE");
    r->commit = raw_prepare(r->db, "COMMIT");
}

static void raw_close(struct raw *r)
{
    (void)sqlite3_finalize(r->get);
    (void)sqlite3_finalize(r->put);
    (void)sqlite3_finalize(r->begin);
    (void)sqlite3_finalize(r->commit);
    ASSERT(sqlite3_close(r->db) == SQLITE_OK);
}

static void raw_run(sqlite3_stmt *s)
{
    ASSERT(sqlite3_step(s) == SQLITE_DONE);
    (void)sqlite3_reset(s);
}

static void raw_get(struct raw *r, uint64_t n, char to[static VALUE])
{
    char key[32];
    make_key(key, n);
    (void)sqlite3_bind_blob(r->get, 1, key, (int)strlen(key), SQLITE_STATIC);
    ASSERT(sqlite3_step(r->get) == SQLITE_ROW && sqlite3_column_bytes(r->get, 0) == VALUE);
    memcpy(to, sqlite3_column_blob(r->get, 0), VALUE);
    (void)sqlite3_reset(r->get);
}

static void raw_put(struct raw *r, uint64_t n, const char *value)
{
    char key[32];
    make_key(key, n);
    (void)sqlite3_bind_blob(r->put, 1, key, (int)strlen(key), SQLITE_STATIC);
    (void)sqlite3_bind_blob(r->put, 2, value, VALUE, SQLITE_STATIC);
    raw_run(r->put);
}

static void raw_transaction(struct raw *r, const struct raw_job *job)
{
    char value[VALUE];
    raw_get(r, job->read, value);
    make_value(value, job->stamp);
    raw_put(r, job->read, value);
    raw_put(r, job->write, value);
}

static void raw_fill(struct bench *b)
{
    struct raw r;
    raw_open(&r, b->raw_path);
    raw_run(r.begin);
    char value[VALUE];
    for (uint64_t i = 0; i < KEYS; i++) {
        make_value(value, i);
        raw_put(&r, i, value);
    }
    raw_run(r.commit);
    raw_close(&r);
}

static void *single_main(void *ctx)
{
    struct bench *b = ctx;
    struct raw r;
    raw_open(&r, b->raw_path);
    while (time_monotonic() < b->deadline) {
        const struct raw_job job = {
            .read = rand_below(KEYS), .write = rand_below(KEYS), .stamp = rand_u64()};
        raw_run(r.begin);
        raw_transaction(&r, &job);
        raw_run(r.commit);
        b->done++;
    }
    raw_close(&r);
    return NULL;
}

static void *group_client(void *ctx)
{
    struct bench *b = ctx;
    struct raw_job job = {0};
    lock_cond_init(&job.cond);
    while (time_monotonic() < b->deadline) {
        job.read = rand_below(KEYS);
        job.write = rand_below(KEYS);
        job.stamp = rand_u64();
        job.done = false;
        lock_take(&b->lock);
        job.next = b->jobs;
        b->jobs = &job;
        lock_cond_signal(&b->work);
        while (!job.done) {
            lock_cond_wait(&job.cond, &b->lock);
        }
        lock_release(&b->lock);
        b->done++;
    }
    lock_cond_fini(&job.cond);
    return NULL;
}

static struct raw_job *take_jobs(struct bench *b)
{
    LOCK_SCOPE(&b->lock);
    while (!b->jobs && !b->stop) {
        lock_cond_wait(&b->work, &b->lock);
    }
    struct raw_job *jobs = b->jobs;
    b->jobs = NULL;
    return jobs;
}

static void *group_writer(void *ctx)
{
    struct bench *b = ctx;
    struct raw r;
    raw_open(&r, b->raw_path);
    struct raw_job *jobs;
    while ((jobs = take_jobs(b))) {
        raw_run(r.begin);
        for (struct raw_job *job = jobs; job; job = job->next) {
            raw_transaction(&r, job);
        }
        raw_run(r.commit);
        LOCK_SCOPE(&b->lock);
        for (struct raw_job *job = jobs, *next; job; job = next) {
            next = job->next;
            job->done = true;
            lock_cond_signal(&job->cond);
        }
    }
    raw_close(&r);
    return NULL;
}

static void *raw_reader(void *ctx)
{
    struct bench *b = ctx;
    struct raw r;
    raw_open(&r, b->raw_path);
    char value[VALUE];
    while (time_monotonic() < b->deadline) {
        for (int i = 0; i < 100; i++) {
            raw_get(&r, rand_below(KEYS), value);
        }
        b->done += 100;
    }
    raw_close(&r);
    return NULL;
}

/* ---- ours ---------------------------------------------------------------------------------------------------------- */

struct pair {
    uint64_t read, write, stamp;
    char value[VALUE];
};

static int read_one(struct txn *txn, void *ctx)
{
    struct pair *p = ctx;
    char key[32];
    make_key(key, p->read);
    struct str value;
    int r = store_get(txn, str_from(key), &value);
    if (r == 0) {
        memcpy(p->value, value.p, VALUE);
    }
    return r;
}

static int write_pair(struct txn *txn, void *ctx)
{
    struct pair *p = ctx;
    int r = read_one(txn, p);
    if (r) {
        return r;
    }
    char key[32];
    make_value(p->value, p->stamp);
    make_key(key, p->read);
    store_put(txn, str_from(key), str_of(p->value, VALUE));
    make_key(key, p->write);
    store_put(txn, str_from(key), str_of(p->value, VALUE));
    return 0;
}

static int fill_page(struct txn *txn, void *ctx)
{
    const uint64_t *from = ctx;
    char key[32], value[VALUE];
    for (uint64_t i = *from; i < *from + 1000; i++) {
        make_key(key, i);
        make_value(value, i);
        store_put(txn, str_from(key), str_of(value, VALUE));
    }
    return 0;
}

static void *store_client(void *ctx)
{
    struct bench *b = ctx;
    while (time_monotonic() < b->deadline) {
        struct pair p = {.read = rand_below(KEYS), .write = rand_below(KEYS), .stamp = rand_u64()};
        struct store_op op = store_op_new();
        ASSERT(store_write(b->store, &op, write_pair, &p) == 0);
        b->done++;
    }
    return NULL;
}

static void *store_reader(void *ctx)
{
    struct bench *b = ctx;
    while (time_monotonic() < b->deadline) {
        for (int i = 0; i < 100; i++) {
            struct pair p = {.read = rand_below(KEYS)};
            ASSERT(store_read(b->store, read_one, &p) == 0);
        }
        b->done += 100;
    }
    return NULL;
}

/* ---- the run ------------------------------------------------------------------------------------------------------- */

struct rate {
    double per_second;
    double
        cpu; /* usec of processor time an operation: says more than the rate on a machine that others use, too */
    double written; /* KiB an operation */
};

static double cpu_usec(void)
{
    struct rusage r;
    ASSERT(getrusage(RUSAGE_SELF, &r) == 0);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* Bytes that this process has written so far. */
static double written(void)
{
    char text[256];
    FD_AUTO int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    ASSERT(n > 0);
    text[n] = '\0';
    const char *at = strstr(text, "wchar: ");
    ASSERT(at != NULL);
    return (double)strtoull(at + strlen("wchar: "), NULL, 10);
}

static struct rate run(struct bench *b, int threads, void *(*client)(void *))
{
    pthread_t ids[THREADS], writer;
    bool grouped = client == group_client;
    b->stop = false;
    b->done = 0;
    usec_t started = time_monotonic();
    double cpu = cpu_usec();
    double before = written();
    b->deadline = started + b->duration;
    if (grouped) {
        ASSERT(pthread_create(&writer, NULL, group_writer, b) == 0);
    }
    for (int i = 0; i < threads; i++) {
        ASSERT(pthread_create(&ids[i], NULL, client, b) == 0);
    }
    for (int i = 0; i < threads; i++) {
        ASSERT(pthread_join(ids[i], NULL) == 0);
    }
    if (grouped) {
        lock_take(&b->lock);
        b->stop = true;
        lock_cond_signal(&b->work);
        lock_release(&b->lock);
        ASSERT(pthread_join(writer, NULL) == 0);
    }
    double done = (double)b->done;
    return (struct rate){done * USEC_PER_SEC / (double)(time_monotonic() - started),
                         (cpu_usec() - cpu) / done, (written() - before) / 1024 / done};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

enum kind { OURS, GROUP, SINGLE, READS_OURS, READS_RAW, KINDS };

static const struct {
    const char *name;
    int threads;
    void *(*client)(void *);
} kinds[KINDS] = {
    [OURS] = {"writes ours", THREADS, store_client},
    [GROUP] = {"writes group", THREADS, group_client},
    [SINGLE] = {"writes single", THREADS, single_main},
    [READS_OURS] = {"reads ours", READERS, store_reader},
    [READS_RAW] = {"reads raw", READERS, raw_reader},
};

/* The median of what the rounds say, each compared with its neighbour in time. */
static void print_ratio(const struct rate rates[MOST_ROUNDS][KINDS], int rounds, enum kind a,
                        enum kind b)
{
    double rate[MOST_ROUNDS], cpu[MOST_ROUNDS];
    for (int i = 0; i < rounds; i++) {
        rate[i] = rates[i][a].per_second / rates[i][b].per_second;
        cpu[i] = rates[i][a].cpu / rates[i][b].cpu;
    }
    printf("%s / %s: rate %.2f, processor time %.2f\n", kinds[a].name, kinds[b].name,
           median(rate, rounds), median(cpu, rounds));
}

static void print_kind(const struct rate rates[MOST_ROUNDS][KINDS], int rounds, enum kind k)
{
    double rate[MOST_ROUNDS], cpu[MOST_ROUNDS], wrote[MOST_ROUNDS];
    for (int i = 0; i < rounds; i++) {
        rate[i] = rates[i][k].per_second;
        cpu[i] = rates[i][k].cpu;
        wrote[i] = rates[i][k].written;
    }
    double middle = median(rate, rounds);
    printf("%-13s %8.0f/s [%.0f - %.0f], %.2f us of processor time, %.2f KiB written\n",
           kinds[k].name, middle, rate[0], rate[rounds - 1], median(cpu, rounds),
           median(wrote, rounds));
}

static void measure(struct bench *b, int rounds)
{
    struct rate rates[MOST_ROUNDS][KINDS];
    for (int round = 0; round < rounds; round++) {
        for (int k = 0; k < KINDS; k++) {
            rates[round][k] = run(b, kinds[k].threads, kinds[k].client);
            ASSERT(kinds[k].threads != THREADS ||
                   rates[round][k].written * 1024 > VALUE); /* else nothing was made durable */
        }
    }
    for (int k = 0; k < KINDS; k++) {
        print_kind(rates, rounds, k);
    }
    print_ratio(rates, rounds, OURS, GROUP); /* goal: a rate of 0.70 */
    print_ratio(rates, rounds, OURS, SINGLE);
    print_ratio(rates, rounds, READS_OURS, READS_RAW); /* goal: 0.80 */
    struct store_stats stats;
    store_stats(b->store, &stats);
    printf("mean group %.1f\n", (double)stats.writes / (double)stats.commits);
}

int main(int argc, char **argv)
{
    char made[] = "/tmp/coditect-bench-XXXXXX";
    struct bench b = {.directory = argc > 1 ? argv[1] : mkdtemp(made)};
    b.duration = (usec_t)((argc > 2 ? atof(argv[2]) : 3) * USEC_PER_SEC);
    uint64_t rounds = 3;
    ASSERT(argc <= 3 || str_u64(str_from(argv[3]), MOST_ROUNDS, &rounds) == 0);
    ASSERT(b.directory && b.duration > 0 && rounds > 0);
    (void)snprintf(b.raw_path, sizeof b.raw_path, "%s/raw.db", b.directory);
    lock_init(&b.lock, LOCK_TEST);
    lock_cond_init(&b.work);
    const struct store_options options = {
        .driver = "sqlite", .directory = b.directory, .balloon = 1 << 20};
    ASSERT(store_open(&options, &b.store) == 0);
    for (uint64_t i = 0; i < KEYS; i += 1000) {
        ASSERT(store_write(b.store, NULL, fill_page, &i) == 0);
    }
    raw_fill(&b);
    measure(&b, (int)rounds);
    store_close(b.store);
    lock_cond_fini(&b.work);
    lock_fini(&b.lock);
    return 0;
}
