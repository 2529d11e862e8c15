/* Deleting gives space back to the disk while nobody waits, and what is left is whole. */
#include <poll.h>
#include <sys/stat.h>

#include "store_test.h"

enum { VALUES = 300, VALUE = 60000, STAY = 10 };

struct value {
    unsigned number;
    bool found;
};

static struct str key_of(struct txn *txn, const struct value *v)
{
    return arena_printf(store_arena(txn), "value/%03u", v->number);
}

static int put(struct txn *txn, void *ctx)
{
    const struct value *v = ctx;
    char *bytes = arena_alloc(store_arena(txn), VALUE);
    memset(bytes, (int)('a' + v->number % 26), VALUE);
    store_put(txn, key_of(txn, v), str_of(bytes, VALUE));
    return 0;
}

static int get(struct txn *txn, void *ctx)
{
    struct value *v = ctx;
    struct str value;
    int r = store_get(txn, key_of(txn, v), &value);
    char letter = (char)('a' + v->number % 26);
    v->found = r == 0 && value.n == VALUE && value.p[0] == letter && value.p[VALUE - 1] == letter;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* Every STAY-th is left: what stays lies between what goes. */
static int delete_most(struct txn *txn, void *ctx)
{
    (void)ctx;
    for (unsigned i = 0; i < VALUES; i++) {
        if (i % STAY != 0) {
            store_delete(txn, key_of(txn, &(struct value){.number = i}));
        }
    }
    return 0;
}

static off_t size_of(const struct store_test *t)
{
    char path[128];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/store.db", t->directory);
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

static void a_file_shrinks_when_idle(void **state)
{
    (void)state;
    struct store_test t = {.name = "sqlite", .driver = "sqlite"};
    store_test_begin(&t);
    for (unsigned i = 0; i < VALUES; i++) {
        assert_int_equal(store_write(t.store, NULL, put, &(struct value){.number = i}), 0);
    }
    store_test_close(&t);
    store_test_open(&t);
    off_t full = size_of(&t);
    assert_true(full > VALUES * VALUE);
    assert_int_equal(store_write(t.store, NULL, delete_most, NULL), 0);
    usec_t deadline = time_monotonic() + 60 * USEC_PER_SEC;
    while (size_of(&t) > full / 2) {
        assert_true(time_monotonic() < deadline);
        (void)poll(NULL, 0, 20);
    }
    for (unsigned i = 0; i < VALUES; i++) {
        struct value v = {.number = i};
        assert_int_equal(store_read(t.store, get, &v), 0);
        assert_int_equal(v.found, i % STAY == 0);
    }
    store_test_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_shrinks_when_idle)};
    return cmocka_run_group_tests_name("shrink", tests, NULL, NULL);
}
