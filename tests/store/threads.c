/* What every driver does under many threads (random.c: whether it does it right). */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "store_test.h"

enum { CROWD = 40, CROWD_READS = 25, LARGE_OPS = 5, PATIENCE_MS = 20000 };

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

struct held { /* shared by its threads */
    struct store *store;
    bool until_they_leave;  /* not only until all wait */
    _Atomic bool held;      /* since the first run */
    _Atomic unsigned begun; /* writers */
    bool counted;           /* as many as there are */
};

static uint64_t waiting(struct store *s)
{
    struct store_stats stats;
    store_stats(s, &stats);
    return stats.waiting;
}

static bool wait_until(struct store *s, uint64_t n)
{
    for (int i = 0; i < PATIENCE_MS && waiting(s) != n; i++) {
        (void)poll(NULL, 0, 1);
    }
    return waiting(s) == n;
}

/* Holds the writer up, which no function of the product may: so that what is counted does not depend on how fast it is. */
static int hold_up(struct txn *txn, void *ctx)
{
    struct held *h = ctx;
    if (!atomic_exchange(&h->held, true)) { /* a second run finds nobody any more */
        h->counted = wait_until(h->store, CROWD);
        h->counted = h->counted && (!h->until_they_leave || wait_until(h->store, 0));
    }
    store_put(txn, STR("held"), STR("x"));
    return 0;
}

static int put_little(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_put(txn, STR("little"), STR("x"));
    return 0;
}

static void *write_behind(void *ctx)
{
    struct held *h = ctx;
    struct store_op op = store_op_new();
    op.bytes = h->begun++ % 2 ? 4 << 20 : 0; /* both of the writer's queues */
    int r = store_write(h->store, &op, put_little, NULL);
    assert_int_equal(r, h->until_they_leave ? ERR_TIMEOUT : 0);
    return NULL;
}

static void *hold_writer(void *ctx)
{
    struct held *h = ctx;
    struct store_op op = store_op_new();
    assert_int_equal(store_write(h->store, &op, hold_up, h), 0);
    return NULL;
}

static void who_waits_is_counted(void **state)
{
    const struct store_test *t = *state;
    if (strcmp(t->driver, "sqlite") != 0 || t->fault_rate) {
        assert_int_equal(waiting(t->store), 0);
        return; /* nobody queues there */
    }
    for (int leave = 0; leave < 2; leave++) {
        struct held h = {.store = t->store, .until_they_leave = leave};
        pthread_t holder, writers[CROWD];
        assert_int_equal(waiting(t->store), 0);
        assert_int_equal(pthread_create(&holder, NULL, hold_writer, &h), 0);
        while (!h.held) {
            (void)poll(NULL, 0, 1);
        }
        for (int i = 0; i < CROWD; i++) {
            assert_int_equal(pthread_create(&writers[i], NULL, write_behind, &h), 0);
        }
        for (int i = 0; i < CROWD; i++) {
            assert_int_equal(pthread_join(writers[i], NULL), 0);
        }
        assert_int_equal(pthread_join(holder, NULL), 0);
        assert_true(h.counted);
        assert_int_equal(waiting(t->store), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_of_readers_is_served),
        cmocka_unit_test(large_operations_do_not_starve),
        cmocka_unit_test(who_waits_is_counted),
    };
    return store_test_every_driver(tests, sizeof tests / sizeof *tests);
}
