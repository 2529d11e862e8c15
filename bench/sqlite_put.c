/*
 * The yardstick of durable small writes: SQLite driven directly. So many threads hand a value to one writer, which takes all
 * that wait into one transaction and commits it (WAL, synchronous=FULL): what a careful program without us would do.
 *
 *   sqlite_put DIRECTORY SECONDS THREADS BYTES
 *
 * Prints {"rate":…,"p50_us":…,"p99_us":…}. The database lies in DIRECTORY and is left there.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"

enum { MOST_THREADS = 256, MOST_BYTES = 1 << 20, MOST_SAMPLES = 1 << 20 };

struct job {
    struct job *next;
    struct lock_cond cond;
    uint64_t key;
    bool done;
};

struct bench {
    struct lock lock;
    struct lock_cond work;
    struct job *jobs;
    bool stop;
    usec_t deadline;
    size_t bytes;
    char *value;
    usec_t *took; /* MOST_SAMPLES */
    size_t samples;
};

static void exec(sqlite3 *db, const char *sql)
{
    ASSERT(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static void step(sqlite3_stmt *s)
{
    ASSERT(sqlite3_step(s) == SQLITE_DONE);
    (void)sqlite3_reset(s);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    ASSERT(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK);
    return s;
}

/* All that wait; NULL: stop. */
static struct job *take(struct bench *b)
{
    LOCK_SCOPE(&b->lock);
    while (!b->jobs && !b->stop) {
        lock_cond_wait(&b->work, &b->lock);
    }
    struct job *jobs = b->jobs;
    b->jobs = NULL;
    return jobs;
}

static void finish(struct bench *b, struct job *jobs)
{
    LOCK_SCOPE(&b->lock);
    for (struct job *job = jobs, *next; job; job = next) {
        next = job->next;
        job->done = true;
        lock_cond_signal(&job->cond);
    }
}

struct writer {
    struct bench *bench;
    const char *path;
};

static void *write_groups(void *ctx)
{
    const struct writer *w = ctx;
    struct bench *b = w->bench;
    sqlite3 *db;
    ASSERT(sqlite3_open(w->path, &db) == SQLITE_OK);
    exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1024;"
             "CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID");
    sqlite3_stmt *put = prepare(db, "INSERT OR REPLACE INTO kv(key, value) VALUES (?1, ?2)");
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *commit = prepare(db, "COMMIT");
    struct job *jobs;
    while ((jobs = take(b))) {
        step(begin);
        for (const struct job *job = jobs; job; job = job->next) {
            (void)sqlite3_bind_blob(put, 1, &job->key, sizeof job->key, SQLITE_STATIC);
            (void)sqlite3_bind_blob(put, 2, b->value, (int)b->bytes, SQLITE_STATIC);
            step(put);
        }
        step(commit);
        finish(b, jobs);
    }
    (void)sqlite3_finalize(put);
    (void)sqlite3_finalize(begin);
    (void)sqlite3_finalize(commit);
    ASSERT(sqlite3_close(db) == SQLITE_OK);
    return NULL;
}

static void *put_values(void *ctx)
{
    struct bench *b = ctx;
    struct job job = {0};
    lock_cond_init(&job.cond);
    usec_t begin;
    while ((begin = time_monotonic()) < b->deadline) {
        rand_bytes(&job.key, sizeof job.key);
        lock_take(&b->lock);
        job.done = false;
        job.next = b->jobs;
        b->jobs = &job;
        lock_cond_signal(&b->work);
        while (!job.done) {
            lock_cond_wait(&job.cond, &b->lock);
        }
        ASSERT(b->samples < MOST_SAMPLES);
        b->took[b->samples++] = time_monotonic() - begin;
        lock_release(&b->lock);
    }
    lock_cond_fini(&job.cond);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    usec_t left = *(const usec_t *)a, right = *(const usec_t *)b;
    return (left > right) - (left < right);
}

static void report(struct bench *b, uint64_t seconds)
{
    ASSERT(b->samples > 0);
    qsort(b->took, b->samples, sizeof *b->took, compare);
    (void)printf("{\"rate\":%.1f,\"p50_us\":%lld,\"p99_us\":%lld}\n",
                 (double)b->samples / (double)seconds, (long long)b->took[b->samples / 2],
                 (long long)b->took[b->samples * 99 / 100]);
}

static void run(struct bench *b, const char *path, uint64_t threads)
{
    pthread_t writer, clients[MOST_THREADS];
    struct writer w = {b, path};
    ASSERT(pthread_create(&writer, NULL, write_groups, &w) == 0);
    for (uint64_t i = 0; i < threads; i++) {
        ASSERT(pthread_create(&clients[i], NULL, put_values, b) == 0);
    }
    for (uint64_t i = 0; i < threads; i++) {
        ASSERT(pthread_join(clients[i], NULL) == 0);
    }
    lock_take(&b->lock);
    b->stop = true;
    lock_cond_signal(&b->work);
    lock_release(&b->lock);
    ASSERT(pthread_join(writer, NULL) == 0);
}

int main(int argc, char **argv)
{
    uint64_t seconds, threads, bytes;
    if (argc != 5 || str_u64(str_from(argv[2]), 60, &seconds) < 0 || seconds == 0 ||
        str_u64(str_from(argv[3]), MOST_THREADS, &threads) < 0 || threads == 0 ||
        str_u64(str_from(argv[4]), MOST_BYTES, &bytes) < 0) {
        (void)fprintf(stderr, "usage: sqlite_put DIRECTORY SECONDS THREADS BYTES\n");
        return 2;
    }
    struct bench b = {.bytes = bytes,
                      .deadline = time_monotonic() + (usec_t)seconds * USEC_PER_SEC};
    lock_init(&b.lock, LOCK_TEST);
    lock_cond_init(&b.work);
    b.value = mem_alloc(bytes + 1);
    rand_bytes(b.value, bytes);
    b.took = mem_alloc(MOST_SAMPLES * sizeof *b.took);
    BUF_AUTO(path, 4096);
    buf_printf(&path, "%s/direct.db", argv[1]);
    run(&b, buf_z(&path), threads);
    report(&b, seconds);
    mem_free(b.value);
    mem_free(b.took);
    lock_cond_fini(&b.work);
    lock_fini(&b.lock);
    return 0;
}
