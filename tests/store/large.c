/* Values that lie apart from their keys: read alone and in scans, and gone when their keys are. */
#include <sqlite3.h>

#include "store_test.h"

enum { KEYS = 6, MOST = 100000 };

/* Around what still lies beside its key, and what a store takes at most. */
static const size_t sizes[] = {0, 768, 769, 4096, 65536, MOST};
enum { SIZES = sizeof sizes / sizeof *sizes };

struct step {
    unsigned key;
    size_t size;
};

static struct str key_of(struct txn *txn, unsigned key)
{
    return arena_printf(store_arena(txn), "value/%u", key);
}

static bool is_value(struct str value, unsigned key, size_t size)
{
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] != (char)('a' + key)) {
            return false;
        }
    }
    return value.n == size;
}

static int put(struct txn *txn, void *ctx)
{
    const struct step *s = ctx;
    char *bytes = arena_alloc(store_arena(txn), MOST);
    memset(bytes, (int)('a' + s->key), MOST);
    store_put(txn, key_of(txn, s->key), str_of(bytes, s->size));
    return 0;
}

static int get(struct txn *txn, void *ctx)
{
    const struct step *s = ctx;
    struct str value;
    int r = store_get(txn, key_of(txn, s->key), &value);
    return r ? r : is_value(value, s->key, s->size) ? 0 : ERR_CORRUPT;
}

/* All keys, upwards and downwards, with the size that each has. */
static int scan(struct txn *txn, void *ctx)
{
    const size_t *expected = ctx;
    for (int reverse = 0; reverse < 2; reverse++) {
        struct store_range all = {STR("value/"), STR("value0"), .limit = 100, .reverse = reverse};
        struct store_pair *pairs;
        size_t count;
        int r = store_scan(txn, &all, &pairs, &count);
        if (r || count != KEYS) {
            return r ? r : ERR_CORRUPT;
        }
        for (unsigned i = 0; i < KEYS; i++) {
            unsigned key = reverse ? KEYS - 1 - i : i;
            if (!is_value(pairs[i].value, key, expected[key])) {
                return ERR_CORRUPT;
            }
        }
    }
    return 0;
}

static int delete_one(struct txn *txn, void *ctx)
{
    store_delete(txn, key_of(txn, *(unsigned *)ctx));
    return 0;
}

static int delete_all(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_delete_range(txn, STR("value/"), STR("value0"));
    return 0;
}

/* What lies apart is exactly what keys name, beside the database what is longest, and the accounts of its files are right. */
static void assert_apart(const struct store_test *t, int64_t count, int64_t beside)
{
    char path[128];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/store.db", t->directory);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(store_test_ask(db, "SELECT count(*) FROM large"), count);
    assert_int_equal(store_test_ask(db, "SELECT count(*) FROM kv JOIN large ON kv.value = number"
                                        " WHERE typeof(kv.value) = 'integer'"),
                     count);
    assert_int_equal(store_test_ask(db, "SELECT count(*) FROM large WHERE segment IS NOT NULL"),
                     beside);
    assert_int_equal(
        store_test_ask(
            db, "SELECT count(*) FROM segment WHERE live <>"
                " (SELECT coalesce(sum(bytes), 0) FROM large WHERE segment = segment.number)"),
        0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void each_size_over_each_other(void **state)
{
    (void)state;
    struct store_test t = {.name = "sqlite", .driver = "sqlite"};
    store_test_begin(&t);
    size_t expected[KEYS];
    for (unsigned round = 0; round < SIZES; round++) {
        for (unsigned key = 0; key < KEYS; key++) {
            struct step s = {key, expected[key] = sizes[(key + round) % SIZES]};
            assert_int_equal(store_write(t.store, NULL, put, &s), 0);
            assert_int_equal(store_read(t.store, get, &s), 0);
            assert_int_equal(store_write(t.store, NULL, get, &s), 0);
        }
        assert_int_equal(store_read(t.store, scan, expected), 0);
        assert_int_equal(store_write(t.store, NULL, scan, expected), 0);
        assert_apart(&t, SIZES - 2, 2);
    }
    store_test_close(&t);
    store_test_open(&t);
    assert_int_equal(store_read(t.store, scan, expected), 0);
    unsigned one = 1;
    assert_true(expected[one] <= 768);
    assert_int_equal(store_write(t.store, NULL, delete_one, &one), 0);
    assert_apart(&t, SIZES - 2, 2);
    one = 3;
    assert_true(expected[one] > 768);
    assert_int_equal(store_write(t.store, NULL, delete_one, &one), 0);
    assert_apart(&t, SIZES - 3, expected[3] > 4096 ? 1 : 2);
    assert_int_equal(store_write(t.store, NULL, delete_all, NULL), 0);
    assert_apart(&t, 0, 0);
    store_test_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_size_over_each_other)};
    return cmocka_run_group_tests_name("large", tests, NULL, NULL);
}
