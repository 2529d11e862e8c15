/*
 * Every fault at every call in turn: the body runs with the fault at call 1, at call 2, and so on, until it is through
 * before the fault comes. Each time it must end as if nothing had happened.
 */
#include "store_test.h"

enum { MOST_CALLS = 1000, TRANSFERS = 4 };

struct transfer {
    unsigned number;
    bool replayed;
};

static int transfer(struct txn *txn, void *ctx)
{
    struct transfer *t = ctx;
    struct str result;
    t->replayed = store_replayed(txn, &result);
    if (t->replayed) {
        return str_eq(result, STR("done")) ? 0 : ERR_INTERNAL;
    }
    struct str value;
    int r = store_get(txn, STR("amount"), &value);
    if (r && r != ERR_NOT_FOUND) {
        return r;
    }
    struct store_range all = {STR("item/"), STR("item0"), .limit = 100};
    struct store_pair *pairs;
    size_t count;
    int e = store_scan(txn, &all, &pairs, &count);
    if (e) {
        return e;
    }
    char amount = (char)((r == 0 ? value.p[0] : 0) + 1);
    store_put(txn, STR("amount"), str_of(&amount, 1));
    store_put(txn, arena_printf(store_arena(txn), "item/%zu", count), STR("x"));
    store_add(txn, STR("total"), 1);
    store_append(txn, STR("feed"), arena_printf(store_arena(txn), "%u", t->number));
    store_result(txn, STR("done"));
    return 0;
}

struct facts {
    size_t items, events;
    int amount, total;
};

static int look(struct txn *txn, void *ctx)
{
    struct facts *f = ctx;
    struct str value;
    struct store_pair *pairs;
    struct store_event *events;
    int r = store_get(txn, STR("amount"), &value);
    f->amount = r == 0 ? value.p[0] : -1;
    r = r ? r : store_get(txn, STR("total"), &value);
    f->total = r == 0 ? value.p[0] : -1;
    struct store_range items = {STR("item/"), STR("item0"), .limit = 100};
    r = r ? r : store_scan(txn, &items, &pairs, &f->items);
    struct store_feed_range feed = {.feed = STR("feed"), .limit = 100};
    return r ? r : store_feed(txn, &feed, &events, &f->events);
}

static int write_again(struct store *s, const struct store_op *op, struct transfer *t)
{
    int r;
    while ((r = store_write(s, op, transfer, t)) == ERR_TIMEOUT) {
    }
    return r;
}

static void run_body(struct store *s)
{
    for (unsigned i = 0; i < TRANSFERS; i++) {
        const uint8_t id[16] = {1, (uint8_t)i};
        struct store_op op = i % 2 ? store_op_derived(id) : store_op_new();
        struct transfer t = {.number = i};
        assert_int_equal(write_again(s, &op, &t), 0);
        if (i % 2) {
            assert_int_equal(write_again(s, &op, &t), 0);
            assert_true(t.replayed);
        }
    }
    struct facts f;
    int r;
    while ((r = store_read(s, look, &f)) == ERR_TIMEOUT) {
    }
    assert_int_equal(r, 0);
    assert_int_equal(f.items, TRANSFERS);
    assert_int_equal(f.events, TRANSFERS);
    assert_int_equal(f.amount, TRANSFERS);
    assert_int_equal(f.total, TRANSFERS);
}

/* False: the body ended before the fault came. */
static bool fault_at(enum store_fault kind, uint64_t at)
{
    const struct store_faults faults = {.at = at, .kind = kind};
    const struct store_options options = {.driver = "memory", .faults = &faults};
    struct store *s;
    assert_int_equal(store_open(&options, &s), 0);
    run_body(s);
    struct store_stats stats;
    store_stats(s, &stats);
    store_close(s);
    return stats.faults > 0;
}

static void every_fault_at_every_call(void **state)
{
    (void)state;
    for (enum store_fault kind = 0; kind < STORE_FAULT_COUNT; kind++) {
        uint64_t at = 1;
        while (fault_at(kind, at)) {
            at++;
            assert_true(at < MOST_CALLS);
        }
        print_message("fault %d: %llu calls\n", kind, (unsigned long long)at - 1);
        assert_true(at > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_fault_at_every_call)};
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
