/*
 * Other engines behind the store's driver interface, for comparison only: what an engine has to bring, and the rest of a driver
 * around it (engine.c): one writer thread that runs what waits in one transaction of the engine and commits it with one flush,
 * as the sqlite driver does.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include "store/store_int.h"

/* Failures of the engine end the program. A view is a snapshot, or the one transaction that writes. */
struct engine {
    void *(*open)(const char *directory);
    void (*close)(void *self);
    void *(*begin)(void *self, bool write);
    void (*end_read)(void *self, void *view);
    void (*commit)(void *self, void *view); /* durable */
    void (*put)(void *view, struct str key, struct str value);
    void (*remove)(void *view, struct str key);
    bool (*get)(void *view, struct arena *a, struct str key, struct str *ret_value);
    void (*scan)(void *view, struct arena *a, const struct store_range *range,
                 struct store_pairs *pairs); /* upwards */
};

extern const struct store_driver engine_lmdb, engine_rocksdb;

int engine_open(const struct engine *engine, const struct store_options *options, void **ret_self);
void engine_close(void *self);
int engine_read(void *self, struct txn *txn);
int engine_write(void *self, struct txn *txn);
int engine_get(struct txn *txn, struct str key, struct str *ret_value);
int engine_scan(struct txn *txn, const struct store_range *range, struct store_pair **ret_pairs,
                size_t *ret_count);

#define ENGINE_DRIVER(text, open_it) \
    { \
        .name = (text), .open = (open_it), .close = engine_close, .read = engine_read, \
        .write = engine_write, .get = engine_get, .scan = engine_scan, \
        .stats = store_driver_no_stats, .place = store_driver_no_place \
    }

#endif
