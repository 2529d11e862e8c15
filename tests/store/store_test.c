#include "store_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "base/rand.h"

void store_test_make_directory(char to[static 64])
{
    static const char template[] = "/tmp/coditect-store-XXXXXX";
    memcpy(to, template, sizeof template);
    assert_non_null(mkdtemp(to));
}

void store_test_make_quick_directory(char to[static 64])
{
    static const char template[] = "/dev/shm/coditect-store-XXXXXX";
    memcpy(to, template, sizeof template);
    if (!mkdtemp(to)) {
        store_test_make_directory(to);
    }
}

void store_test_remove_directory(const char *directory)
{
    DIR *d = opendir(directory);
    assert_non_null(d);
    const struct dirent *entry;
    while ((entry = readdir(d))) {
        (void)unlinkat(dirfd(d), entry->d_name, 0);
    }
    (void)closedir(d);
    assert_int_equal(rmdir(directory), 0);
}

void store_test_open(struct store_test *t)
{
    const struct store_faults faults = {.seed = 42, .rate = t->fault_rate};
    const struct store_options options = {
        .driver = t->driver,
        .directory = t->directory,
        .faults = t->fault_rate ? &faults : NULL,
        .balloon = 1 << 20,
        .segment = 256 << 10,
    };
    assert_int_equal(store_open(&options, &t->store), 0);
}

void store_test_begin(struct store_test *t)
{
    store_test_make_directory(t->directory);
    store_test_open(t);
}

void store_test_close(struct store_test *t)
{
    store_close(t->store);
    t->store = NULL;
}

void store_test_end(struct store_test *t)
{
    store_test_close(t);
    store_test_remove_directory(t->directory);
}

int64_t store_test_ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return number;
}

int64_t store_test_segments(const struct store_test *t)
{
    char path[128];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/store.db", t->directory);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    int64_t count = store_test_ask(db, "SELECT sum(seq) FROM sqlite_sequence");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return count;
}

int store_test_write(struct store_test *t, store_fn *fn, void *ctx)
{
    struct store_op op = store_op_new();
    int r;
    do {
        r = store_write(t->store, &op, fn, ctx);
    } while (r == ERR_TIMEOUT && t->fault_rate);
    return r;
}

int store_test_read(struct store_test *t, store_fn *fn, void *ctx)
{
    int r;
    do {
        r = store_read(t->store, fn, ctx);
    } while (r == ERR_TIMEOUT && t->fault_rate);
    return r;
}

struct one_key {
    struct arena *arena;
    struct str key;
    struct str value;
};

static int put_one(struct txn *txn, void *ctx)
{
    const struct one_key *k = ctx;
    store_put(txn, k->key, k->value);
    return 0;
}

static int get_one(struct txn *txn, void *ctx)
{
    struct one_key *k = ctx;
    struct str value;
    int r = store_get(txn, k->key, &value);
    if (r == 0) {
        k->value = arena_str(k->arena, value);
    }
    return r;
}

void store_test_put(struct store_test *t, const char *key, const char *value)
{
    struct one_key k = {.key = str_from(key), .value = str_from(value)};
    assert_int_equal(store_test_write(t, put_one, &k), 0);
}

int store_test_get(struct store_test *t, struct arena *a, const char *key, struct str *ret_value)
{
    struct one_key k = {.arena = a, .key = str_from(key)};
    int r = store_test_read(t, get_one, &k);
    *ret_value = k.value;
    return r;
}

uint64_t store_test_seed(const char *what)
{
    const char *given = getenv("CODITECT_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : rand_u64();
    print_message("%s: CODITECT_TEST_SEED=0x%llx\n", what, (unsigned long long)seed);
    return seed;
}

bool store_test_all(void)
{
    const char *all = getenv("CODITECT_TEST_ALL");
    return all && strcmp(all, "1") == 0;
}

uint64_t store_test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static int set_up(void **state)
{
    store_test_begin(*state);
    return 0;
}

static int tear_down(void **state)
{
    store_test_end(*state);
    return 0;
}

int store_test_every_driver(const struct CMUnitTest *tests, size_t count)
{
    struct store_test drivers[] = {
        {.name = "memory", .driver = "memory"},
        {.name = "sqlite", .driver = "sqlite"},
        {.name = "faulty memory", .driver = "memory", .fault_rate = 7},
        {.name = "faulty sqlite", .driver = "sqlite", .fault_rate = 7},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        struct CMUnitTest *own = mem_alloc(count * sizeof *own);
        for (size_t k = 0; k < count; k++) {
            own[k] = tests[k];
            own[k].setup_func = set_up;
            own[k].teardown_func = tear_down;
            own[k].initial_state = &drivers[i];
        }
        print_message("driver: %s\n", drivers[i].name);
        failed += _cmocka_run_group_tests(drivers[i].name, own, count, NULL, NULL);
        mem_free(own);
    }
    return failed != 0;
}
