/*
 * The yardstick of durable small writes: SQLite driven directly. So many threads hand a value to one writer, which takes all
 * that wait into one transaction and commits it (WAL, synchronous=FULL): what a careful program without us would do.
 *
 *   sqlite_put DIRECTORY SECONDS THREADS BYTES     a put is one row with a short key and so many bytes
 *   sqlite_put DIRECTORY SECONDS THREADS ROWS      a put is the rows that this file describes: see put_rows.py
 *
 * Prints {"rate":…,"p50_us":…,"p99_us":…,"cpu_us":…}, the last per put. The database lies in DIRECTORY and is left there.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/encode.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"

enum {
    MOST_THREADS = 256,
    MOST_BYTES = 1 << 20,
    MOST_SAMPLES = 1 << 20,
    MOST_ROWS = 64,
    MOST_KEY = 512,
    MOST_TEXT = 64 * 1024,
    HASH_DIGITS = 64,
    NAMES = 1000,
};

struct row {
    char key[MOST_KEY];
    char mask[MOST_KEY]; /* what varies: the letters of put_rows.py */
    size_t n;
    size_t bytes; /* of the value */
};

struct job {
    struct job *next;
    struct lock_cond cond;
    char hash[HASH_DIGITS + 1]; /* made by who waits, as our hash is */
    bool done;
};

struct bench {
    struct lock lock;
    struct lock_cond work;
    struct job *jobs;
    bool stop;
    usec_t deadline;
    struct row rows[MOST_ROWS];
    size_t row_count;
    char *value;  /* MOST_BYTES; the writer's alone */
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

/* Writes digits over each run of the letter. */
static void fill_digits(const struct row *row, char *key, char letter, const char *digits)
{
    size_t taken = 0;
    for (size_t i = 0; i < row->n; i++) {
        taken = row->mask[i] == letter ? taken : 0;
        if (row->mask[i] == letter) {
            key[i] = digits[taken++];
        }
    }
}

static void fill_key(const struct row *row, const struct job *job, uint64_t number, char *key)
{
    char text[32];
    char big[8];
    memcpy(key, row->key, row->n);
    fill_digits(row, key, 'H', job->hash);
    (void)snprintf(text, sizeof text, "%016llx", (unsigned long long)number);
    fill_digits(row, key, 'S', text);
    (void)snprintf(text, sizeof text, "%04llu", (unsigned long long)(number % NAMES));
    fill_digits(row, key, 'P', text);
    for (int i = 0; i < 8; i++) {
        big[i] = (char)(number >> (56 - 8 * i));
    }
    fill_digits(row, key, 'C', big);
}

static void write_put(const struct bench *b, sqlite3_stmt *put, const struct job *job,
                      uint64_t number)
{
    char key[MOST_KEY];
    memcpy(b->value, &number,
           sizeof number); /* SQLite writes no page whose bytes are there already */
    for (size_t i = 0; i < b->row_count; i++) {
        const struct row *row = &b->rows[i];
        fill_key(row, job, number, key);
        (void)sqlite3_bind_blob(put, 1, key, (int)row->n, SQLITE_STATIC);
        (void)sqlite3_bind_blob(put, 2, b->value, (int)row->bytes, SQLITE_STATIC);
        step(put);
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
    uint64_t number = 0;
    while ((jobs = take(b))) {
        step(begin);
        for (const struct job *job = jobs; job; job = job->next) {
            write_put(b, put, job, ++number);
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

static void make_hash(struct job *job)
{
    uint8_t bytes[HASH_DIGITS / 2];
    rand_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(job->hash + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void *put_values(void *ctx)
{
    struct bench *b = ctx;
    struct job job = {0};
    lock_cond_init(&job.cond);
    usec_t begin;
    while ((begin = time_monotonic()) < b->deadline) {
        make_hash(&job);
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

static double cpu_us(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void report(struct bench *b, uint64_t seconds)
{
    ASSERT(b->samples > 0);
    qsort(b->took, b->samples, sizeof *b->took, compare);
    (void)printf("{\"rate\":%.1f,\"p50_us\":%lld,\"p99_us\":%lld,\"cpu_us\":%.1f}\n",
                 (double)b->samples / (double)seconds, (long long)b->took[b->samples / 2],
                 (long long)b->took[b->samples * 99 / 100], cpu_us() / (double)b->samples);
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

static int read_row(struct str line, struct row *row)
{
    struct str parts[3];
    for (int i = 0; i < 3; i++) {
        if (!str_split(&line, ' ', &parts[i])) {
            return ERR_INVALID;
        }
    }
    uint64_t bytes;
    BUF_AUTO(key, MOST_KEY);
    if (line.p || encode_unhex(&key, parts[0]) < 0 || key.error || parts[1].n != key.n ||
        str_u64(parts[2], MOST_BYTES, &bytes) < 0) {
        return ERR_INVALID;
    }
    row->n = key.n;
    row->bytes = bytes;
    memcpy(row->key, buf_str(&key).p, key.n);
    memcpy(row->mask, parts[1].p, key.n);
    return 0;
}

static int read_rows(struct bench *b, const char *path)
{
    char text[MOST_TEXT];
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    struct str rest = str_trim(str_of(text, n > 0 ? (size_t)n : 0));
    struct str line;
    while (rest.n > 0 && str_split(&rest, '\n', &line)) {
        if (b->row_count == MOST_ROWS || read_row(line, &b->rows[b->row_count]) < 0) {
            return ERR_INVALID;
        }
        b->row_count++;
    }
    return b->row_count > 0 ? 0 : ERR_INVALID;
}

/* A number: one row of so many bytes under 8 random digits. */
static int choose_rows(struct bench *b, const char *what)
{
    uint64_t bytes;
    if (str_u64(str_from(what), MOST_BYTES, &bytes) < 0) {
        return read_rows(b, what);
    }
    b->rows[0] = (struct row){.mask = "HHHHHHHH", .n = 8, .bytes = bytes};
    b->row_count = 1;
    return 0;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    uint64_t seconds, threads;
    if (argc != 5 || str_u64(str_from(argv[2]), 60, &seconds) < 0 || seconds == 0 ||
        str_u64(str_from(argv[3]), MOST_THREADS, &threads) < 0 || threads == 0 ||
        choose_rows(&b, argv[4]) < 0) {
        (void)fprintf(stderr, "usage: sqlite_put DIRECTORY SECONDS THREADS BYTES|ROWS\n");
        return 2;
    }
    b.deadline = time_monotonic() + (usec_t)seconds * USEC_PER_SEC;
    lock_init(&b.lock, LOCK_TEST);
    lock_cond_init(&b.work);
    b.value = mem_alloc(MOST_BYTES);
    rand_bytes(b.value, MOST_BYTES);
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
