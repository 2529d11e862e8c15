/*
 * What a small save feels while others upload: p50 and p99 of a durable 4 KiB write by 4 threads, alone and beside 16
 * threads that write 64 KiB chunks, 4 a transaction.
 *
 *   store_load [directory [seconds [MiB of log]]]
 *
 * Times are those of a disk that others use too. What a save had to wait for can be counted: "meanwhile" is what this process
 * wrote between a save's beginning and its end, whatever the disk does.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/store.h"

enum { SAVERS = 4, UPLOADERS = 16, SAVE = 4096, CHUNK = 65536, CHUNKS = 4, MOST_SAMPLES = 1 << 20 };

struct load {
    struct store *store;
    usec_t deadline;
    _Atomic size_t samples;
    _Atomic uint64_t uploaded; /* bytes */
    usec_t *took;
    uint64_t *wrote; /* meanwhile, bytes */
    int io;          /* /proc/self/io */
    char *noise;
};

struct content {
    const struct load *load;
    uint64_t id;
};

static void random_noise(struct load *l)
{
    l->noise = mem_alloc(CHUNK * CHUNKS);
    rand_bytes(l->noise, CHUNK * CHUNKS);
}

static int save(struct txn *txn, void *ctx)
{
    const struct content *c = ctx;
    struct arena *a = store_arena(txn);
    unsigned file = (unsigned)(c->id % 1000);
    store_put(txn, arena_printf(a, "t/bench/entry/%03u", file), str_of(c->load->noise, 300));
    store_put(txn, arena_printf(a, "t/bench/version/%03u/%016llx", file, (unsigned long long)c->id),
              str_of(c->load->noise, 200));
    store_put(txn, arena_printf(a, "t/bench/chunk/%016llx", (unsigned long long)c->id),
              str_of(c->load->noise, SAVE));
    return 0;
}

static int upload(struct txn *txn, void *ctx)
{
    const struct content *c = ctx;
    for (unsigned i = 0; i < CHUNKS; i++) {
        struct str key =
            arena_printf(store_arena(txn), "t/bench/chunk/%016llx%u", (unsigned long long)c->id, i);
        store_put(txn, key, str_of(c->load->noise + (size_t)i * CHUNK, CHUNK));
    }
    return 0;
}

/* Bytes that this process has written so far. */
static uint64_t written(const struct load *l)
{
    char text[256];
    ssize_t n = pread(l->io, text, sizeof text - 1, 0);
    ASSERT(n > 0);
    text[n] = '\0';
    const char *at = strstr(text, "wchar: ");
    ASSERT(at != NULL);
    return strtoull(at + strlen("wchar: "), NULL, 10);
}

static void *saver(void *ctx)
{
    struct load *l = ctx;
    while (time_monotonic() < l->deadline) {
        struct content c = {l, rand_u64()};
        struct store_op op = store_op_new();
        uint64_t before = written(l);
        usec_t started = time_monotonic();
        ASSERT(store_write(l->store, &op, save, &c) == 0);
        usec_t took = time_monotonic() - started;
        size_t at = l->samples++;
        ASSERT(at < MOST_SAMPLES);
        l->took[at] = took;
        l->wrote[at] = written(l) - before;
    }
    return NULL;
}

static void *uploader(void *ctx)
{
    struct load *l = ctx;
    while (time_monotonic() < l->deadline) {
        struct content c = {l, rand_u64()};
        struct store_op op = store_op_new();
        op.bytes = CHUNKS * CHUNK;
        ASSERT(store_write(l->store, &op, upload, &c) == 0);
        l->uploaded += CHUNKS * CHUNK;
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;
    return (x > y) - (x < y);
}

static int compare_bytes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double measure(struct load *l, double seconds, int uploaders)
{
    pthread_t ids[SAVERS + UPLOADERS];
    l->samples = 0;
    l->uploaded = 0;
    l->deadline = time_monotonic() + (usec_t)(seconds * USEC_PER_SEC);
    int n = 0;
    for (int i = 0; i < SAVERS; i++) {
        ASSERT(pthread_create(&ids[n++], NULL, saver, l) == 0);
    }
    for (int i = 0; i < uploaders; i++) {
        ASSERT(pthread_create(&ids[n++], NULL, uploader, l) == 0);
    }
    while (n > 0) {
        ASSERT(pthread_join(ids[--n], NULL) == 0);
    }
    ASSERT(l->samples > 0);
    qsort(l->took, l->samples, sizeof *l->took, compare);
    qsort(l->wrote, l->samples, sizeof *l->wrote, compare_bytes);
    double p99 = (double)l->took[l->samples * 99 / 100] / 1000;
    printf("%2d uploaders %7.1f MB/s: %6zu saves, p50 %.2f ms, p99 %.2f ms; meanwhile p50 %.2f MB, "
           "p99 %.2f MB\n",
           uploaders, (double)l->uploaded / 1e6 / seconds, (size_t)l->samples,
           (double)l->took[l->samples / 2] / 1000, p99, (double)l->wrote[l->samples / 2] / 1e6,
           (double)l->wrote[l->samples * 99 / 100] / 1e6);
    return p99;
}

int main(int argc, char **argv)
{
    char made[] = "/tmp/coditect-bench-XXXXXX";
    double seconds = argc > 2 ? atof(argv[2]) : 5;
    struct load l = {.took = mem_alloc(MOST_SAMPLES * sizeof *l.took),
                     .wrote = mem_alloc(MOST_SAMPLES * sizeof *l.wrote),
                     .io = open("/proc/self/io", O_RDONLY | O_CLOEXEC)};
    ASSERT(l.io >= 0);
    random_noise(&l);
    const struct store_options options = {
        .driver = "sqlite",
        .directory = argc > 1 ? argv[1] : mkdtemp(made),
        .balloon = 1 << 20,
        .checkpoint = argc > 3 ? (size_t)atof(argv[3]) << 20 : 0,
    };
    ASSERT(options.directory && store_open(&options, &l.store) == 0);
    double alone = measure(&l, seconds, 0);
    double beside = measure(&l, seconds, UPLOADERS);
    printf("p99 beside uploads / alone: %.1f (goal 3.0)\n", beside / alone);
    store_close(l.store);
    mem_free(l.noise);
    (void)close(l.io);
    mem_free(l.took);
    mem_free(l.wrote);
    return 0;
}
