/*
 * The store over its own engine, LMDB and RocksDB, behind one driver interface: the same transactions, the same group commit.
 * Says whether SQLite is still the right engine.
 *
 *   store_engines DIRECTORY [SECONDS [ROUNDS]]
 *
 * Rounds take turns. writes: 64 threads, each transaction reads a 200-byte value, writes it back and another; puts: 64 threads,
 * one new value of 4 KiB; reads: 2 threads, one random key a transaction. Prints the medians, and what is written a transaction.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/rand.h"
#include "engine.h"

enum {
    THREADS = 64,
    READERS = 2,
    KEYS = 100000,
    PAGE = 1000,
    VALUE = 200,
    LARGE = 4096,
    ROUNDS = 15
};

struct bench {
    struct store *store;
    usec_t deadline;
    _Atomic uint64_t done;
};

struct step {
    uint64_t read, write;
    uint64_t stamp; /* makes each value another: SQLite does not write what is there already */
    char value[LARGE];
};

static struct str key_of(struct txn *txn, const char *kind, uint64_t n)
{
    return arena_printf(store_arena(txn), "t/bench/%s/%016llx", kind, (unsigned long long)n);
}

static int fill(struct txn *txn, void *ctx)
{
    const struct step *s = ctx;
    for (uint64_t i = s->read; i < s->read + PAGE; i++) {
        store_put(txn, key_of(txn, "record", i), str_of(s->value, VALUE));
    }
    return 0;
}

static int read_one(struct txn *txn, void *ctx)
{
    struct step *s = ctx;
    struct str value;
    int r = store_get(txn, key_of(txn, "record", s->read), &value);
    if (r == 0) {
        memcpy(s->value, value.p, VALUE);
    }
    return r;
}

static int write_two(struct txn *txn, void *ctx)
{
    struct step *s = ctx;
    int r = read_one(txn, s);
    memcpy(s->value, &s->stamp, sizeof s->stamp);
    store_put(txn, key_of(txn, "record", s->read), str_of(s->value, VALUE));
    store_put(txn, key_of(txn, "record", s->write), str_of(s->value, VALUE));
    return r;
}

static int put_large(struct txn *txn, void *ctx)
{
    const struct step *s = ctx;
    store_put(txn, key_of(txn, "chunk", s->write), str_of(s->value, LARGE));
    return 0;
}

static void *work(struct bench *b, store_fn *fn)
{
    struct step *s = MEM_NEW(struct step);
    while (time_monotonic() < b->deadline) {
        struct store_op op = store_op_new();
        s->read = rand_below(KEYS);
        s->stamp = rand_u64();
        s->write = fn == put_large ? rand_u64() : rand_below(KEYS);
        ASSERT(fn == read_one ? store_read(b->store, fn, s) == 0
                              : store_write(b->store, &op, fn, s) == 0);
        b->done++;
    }
    mem_free(s);
    return NULL;
}

static void *writes(void *ctx)
{
    return work(ctx, write_two);
}

static void *puts_large(void *ctx)
{
    return work(ctx, put_large);
}

static void *reads(void *ctx)
{
    return work(ctx, read_one);
}

static const struct {
    const char *name;
    int threads;
    void *(*client)(void *);
} loads[] = {{"writes", THREADS, writes}, {"puts", THREADS, puts_large}, {"reads", READERS, reads}};
enum { LOADS = 3, ENGINES = 3 };

static const char *const names[ENGINES] = {"sqlite", "lmdb", "rocksdb"};
static const struct store_driver *const drivers[ENGINES] = {NULL, &engine_lmdb, &engine_rocksdb};

struct number {
    double rate, cpu, blocks; /* a second; µs; KiB a transaction */
};

static struct number measure(struct bench *b, int load, double seconds)
{
    pthread_t ids[THREADS];
    struct rusage before, after;
    ASSERT(getrusage(RUSAGE_SELF, &before) == 0);
    usec_t started = time_monotonic();
    b->done = 0;
    b->deadline = started + (usec_t)(seconds * USEC_PER_SEC);
    for (int i = 0; i < loads[load].threads; i++) {
        ASSERT(pthread_create(&ids[i], NULL, loads[load].client, b) == 0);
    }
    for (int i = 0; i < loads[load].threads; i++) {
        ASSERT(pthread_join(ids[i], NULL) == 0);
    }
    ASSERT(getrusage(RUSAGE_SELF, &after) == 0);
    double done = (double)b->done;
    double cpu = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
                          before.ru_stime.tv_sec) *
                     1e6 +
                 (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                          after.ru_stime.tv_usec - before.ru_stime.tv_usec);
    return (struct number){done * 1e6 / (double)(time_monotonic() - started), cpu / done,
                           (double)(after.ru_oublock - before.ru_oublock) / 2 / done};
}

static void open_store(struct bench *b, const char *directory, int engine)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", directory, names[engine]);
    const struct store_options options = {
        .driver = "sqlite", .directory = path, .balloon = 1 << 20, .engine = drivers[engine]};
    ASSERT(store_open(&options, &b->store) == 0);
    struct step *s = MEM_NEW(struct step);
    for (s->read = 0; s->read < KEYS; s->read += PAGE) {
        ASSERT(store_write(b->store, NULL, fill, s) == 0);
    }
    mem_free(s);
}

static int compare(const void *a, const void *b)
{
    double x = ((const struct number *)a)->rate, y = ((const struct number *)b)->rate;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static struct number numbers[LOADS][ENGINES][ROUNDS];
    static struct bench benches[ENGINES];
    double seconds = argc > 2 ? atof(argv[2]) : 2;
    uint64_t rounds = 3;
    ASSERT(argc > 1 && (argc <= 3 || str_u64(str_from(argv[3]), ROUNDS, &rounds) == 0));
    for (int e = 0; e < ENGINES; e++) {
        open_store(&benches[e], argv[1], e);
    }
    for (uint64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < LOADS * ENGINES; i++) {
            numbers[i / ENGINES][i % ENGINES][round] =
                measure(&benches[i % ENGINES], i / ENGINES, seconds);
        }
    }
    for (int i = 0; i < LOADS * ENGINES; i++) {
        struct number *of = numbers[i / ENGINES][i % ENGINES];
        qsort(of, rounds, sizeof *of, compare);
        const struct number *middle = &of[rounds / 2];
        (void)printf("%-6s %-8s %8.0f/s, %6.2f us of processor time, %5.2f KiB to the disk\n",
                     loads[i / ENGINES].name, names[i % ENGINES], middle->rate, middle->cpu,
                     middle->blocks);
    }
    for (int e = 0; e < ENGINES; e++) {
        store_close(benches[e].store);
    }
    return 0;
}
