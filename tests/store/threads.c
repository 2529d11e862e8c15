/* What every driver does under many threads (random.c: whether it does it right). */
#include <pthread.h>

#include "store_test.h"

enum { CROWD = 40, CROWD_READS = 25, LARGE_OPS = 5 };

struct crowd {
    struct store_test *t;
    _Atomic bool stop;
    _Atomic unsigned wrong;
};

static int scan_crowd(struct txn *txn, void *ctx)
{
    (void)ctx;
    const struct store_range range = {STR("crowd/"), STR("crowd0"), .limit = 10};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(txn, &range, &pairs, &count);
    return r ? r : (count == 1 ? 0 : ERR_INTERNAL);
}

static void *read_in_crowd(void *ctx)
{
    struct crowd *c = ctx;
    for (int i = 0; i < CROWD_READS; i++) {
        c->wrong += store_test_read(c->t, scan_crowd, NULL) != 0;
    }
    return NULL;
}

static void *write_in_crowd(void *ctx)
{
    struct crowd *c = ctx;
    while (!c->stop) {
        store_test_put(c->t, "crowd/one", "x");
    }
    return NULL;
}

/* More readers than there are connections, beside a writer. */
static void a_crowd_of_readers_is_served(void **state)
{
    struct crowd c = {.t = *state};
    store_test_put(c.t, "crowd/one", "x");
    pthread_t readers[CROWD], writer;
    assert_int_equal(pthread_create(&writer, NULL, write_in_crowd, &c), 0);
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_in_crowd, &c), 0);
    }
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    }
    c.stop = true;
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(c.wrong, 0);
}

static int put_much(struct txn *txn, void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 20; i++) {
        struct str value = str_of(arena_alloc(store_arena(txn), 60000), 60000);
        store_put(txn, arena_printf(store_arena(txn), "much/%d", i), value);
    }
    return 0;
}

/* An operation that announces much goes behind the others, but it does not wait for ever. */
static void large_operations_do_not_starve(void **state)
{
    struct crowd c = {.t = *state};
    pthread_t writers[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, write_in_crowd, &c), 0);
    }
    for (int i = 0; i < LARGE_OPS; i++) {
        struct store_op op = store_op_new();
        op.bytes = 4 << 20;
        int r;
        do {
            r = store_write(c.t->store, &op, put_much, NULL);
        } while (r == ERR_TIMEOUT && c.t->fault_rate);
        c.wrong += r != 0;
    }
    c.stop = true;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(writers[i], NULL), 0);
    }
    assert_int_equal(c.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_of_readers_is_served),
        cmocka_unit_test(large_operations_do_not_starve),
    };
    return store_test_every_driver(tests, sizeof tests / sizeof *tests);
}
