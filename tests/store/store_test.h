/* What the store's tests share: a store of any driver in a directory of its own, and short transactions. */
#ifndef STORE_TEST_H
#define STORE_TEST_H

#include "base/fd.h"
#include "store/store.h"
#include "unit.h"

struct sqlite3;

struct store_test {
    const char *name;   /* of the driver, as printed */
    const char *driver; /* "memory", "sqlite" */
    uint32_t fault_rate;
    char directory[64]; /* of sqlite; made by store_test_begin */
    struct store *store;
};

void store_test_make_directory(char to[static 64]);
void store_test_make_quick_directory(
    char to[static 64]); /* in memory where there is such a place */
void store_test_remove_directory(const char *directory);

/* Asserts that they work. */
void store_test_begin(struct store_test *t);
void store_test_open(struct store_test *t);
void store_test_close(struct store_test *t);
void store_test_end(struct store_test *t);

/* The first number that a query of a database answers, which it must. */
int64_t store_test_ask(struct sqlite3 *db, const char *sql);

/* How many files beside the database it has begun. */
int64_t store_test_segments(const struct store_test *t);

/* Repeats what a fault of the faulty driver ended without being kept; each write has its own operation. */
int store_test_write(struct store_test *t, store_fn *fn, void *ctx);
int store_test_read(struct store_test *t, store_fn *fn, void *ctx);

/* One key in one transaction. get: the value in the caller's arena. */
void store_test_put(struct store_test *t, const char *key, const char *value);
int store_test_get(struct store_test *t, struct arena *a, const char *key, struct str *ret_value);

/* CODITECT_TEST_SEED, or a new one; printed either way. */
uint64_t store_test_seed(const char *what);
bool store_test_all(void); /* CODITECT_TEST_ALL=1 */

/* splitmix64 on state. */
uint64_t store_test_random(uint64_t *state);

/*
 * Runs the tests once for each driver, each test with a new store as its state: memory, sqlite, and both behind faults (every
 * seventh call meets a conflict, a timeout or an unknown result). Returns what main returns.
 */
int store_test_every_driver(const struct CMUnitTest *tests, size_t count);

#endif
