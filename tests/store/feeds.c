/* What every driver does with operations, feeds and watches. */
#include "base/mem.h"
#include "store_test.h"

/* ---- operations ---------------------------------------------------------------------------------------------------- */

struct once {
    bool replayed;
    char result[32];
};

static int increment_once(struct txn *txn, void *ctx)
{
    struct once *o = ctx;
    memset(o, 0, sizeof *o);
    struct str result;
    o->replayed = store_replayed(txn, &result);
    if (!o->replayed) {
        store_add(txn, STR("once"), 1);
        result = STR("first result");
        store_result(txn, result);
    }
    (void)snprintf(o->result, sizeof o->result, STR_FMT, STR_ARG(result));
    return 0;
}

static int write_op(struct store_test *t, const struct store_op *op, store_fn *fn, void *ctx)
{
    int r;
    do {
        r = store_write(t->store, op, fn, ctx);
    } while (r == ERR_TIMEOUT && t->fault_rate);
    return r;
}

static void a_repeated_operation_happens_once(void **state)
{
    struct store_test *t = *state;
    ARENA_AUTO(a);
    const uint8_t id[16] = {7};
    struct once o;
    for (int i = 0; i < 3; i++) {
        struct store_op op = store_op_derived(id);
        op.made += (usec_t)i * 12 * 3600 * USEC_PER_SEC; /* it is looked for a day back */
        assert_int_equal(write_op(t, &op, increment_once, &o), 0);
        assert_string_equal(o.result, "first result");
        assert_true(i == 0 || o.replayed);
    }
    struct str value;
    assert_int_equal(store_test_get(t, &a, "once", &value), 0);
    assert_memory_equal(value.p, "\1\0\0\0\0\0\0\0", 8);
}

static int fail_once(struct txn *txn, void *ctx)
{
    struct once *o = ctx;
    struct str result;
    o->replayed = store_replayed(txn, &result);
    store_put(txn, STR("half"), STR("x"));
    return ERR_PRECONDITION;
}

static void a_failed_operation_leaves_no_marker(void **state)
{
    struct store_test *t = *state;
    const uint8_t id[16] = {9};
    struct store_op op = store_op_derived(id);
    struct once o;
    assert_int_equal(write_op(t, &op, fail_once, &o), ERR_PRECONDITION);
    assert_int_equal(write_op(t, &op, fail_once, &o), ERR_PRECONDITION);
    assert_false(o.replayed);
    assert_int_equal(write_op(t, &op, increment_once, &o), 0);
    assert_false(o.replayed && !t->fault_rate);
}

static int count_markers(struct txn *txn, void *ctx)
{
    struct store_pair *pairs;
    const struct store_range markers = {STR("op/"), STR("op0"), .limit = 10000};
    return store_scan(txn, &markers, &pairs, ctx);
}

/* i below 40: 30 hours and more, in a bucket that ended over 24 hours ago; the last ten: from none to a minute under 24 hours. */
static usec_t age_of(int i)
{
    const usec_t minute = 60 * USEC_PER_SEC;
    return i < 40 ? (30 + i) * 60 * minute : (i - 40) * (24 * 60 - 1) * minute / 9;
}

static void old_markers_are_dropped(void **state)
{
    struct store_test *t = *state;
    struct once o;
    uint8_t id[16] = {0};
    for (int i = 0; i < 50; i++) {
        id[0] = (uint8_t)i;
        struct store_op op = store_op_derived(id);
        op.made -= age_of(i);
        assert_int_equal(write_op(t, &op, increment_once, &o), 0);
    }
    int r;
    do {
        r = store_drop_markers(t->store);
    } while (r == ERR_TIMEOUT && t->fault_rate);
    assert_int_equal(r, 0);
    size_t count = 0;
    assert_int_equal(store_test_read(t, count_markers, &count), 0);
    assert_int_equal(count, 10);
    for (int i = 40; i < 50; i++) {
        id[0] = (uint8_t)i;
        struct store_op again = store_op_derived(id);
        assert_int_equal(write_op(t, &again, increment_once, &o), 0);
        assert_true(o.replayed);
    }
}

/* ---- feeds --------------------------------------------------------------------------------------------------------- */

struct feed_page {
    struct str feed;
    uint8_t from[STORE_POSITION_SIZE];
    size_t limit;
    size_t count;
    char values[256]; /* joined */
    uint8_t last[STORE_POSITION_SIZE];
};

static int read_feed(struct txn *txn, void *ctx)
{
    struct feed_page *p = ctx;
    struct store_event *events;
    p->values[0] = '\0';
    struct store_feed_range range = {.feed = p->feed, .limit = p->limit};
    memcpy(range.behind, p->from, sizeof range.behind);
    int r = store_feed(txn, &range, &events, &p->count);
    if (r) {
        return r;
    }
    size_t at = 0;
    for (size_t i = 0; i < p->count; i++) {
        at += (size_t)snprintf(p->values + at, sizeof p->values - at, STR_FMT " ",
                               STR_ARG(events[i].value));
        memcpy(p->last, events[i].position, sizeof p->last);
    }
    return 0;
}

static int read_end(struct txn *txn, void *ctx)
{
    struct feed_page *p = ctx;
    return store_feed_end(txn, p->feed, p->from);
}

struct events {
    struct str feed;
    int from, to;
};

static int append_events(struct txn *txn, void *ctx)
{
    const struct events *e = ctx;
    for (int i = e->from; i < e->to; i++) {
        store_append(txn, e->feed, arena_printf(store_arena(txn), "e%d", i));
    }
    return 0;
}

static void append(struct store_test *t, struct str feed, int from, int to)
{
    struct events e = {feed, from, to};
    assert_int_equal(store_test_write(t, append_events, &e), 0);
}

static void expect_page(struct store_test *t, struct feed_page *p, const char *values)
{
    assert_int_equal(store_test_read(t, read_feed, p), 0);
    assert_string_equal(p->values, values);
}

static void a_feed_keeps_order_and_resumes(void **state)
{
    struct store_test *t = *state;
    struct feed_page p = {.feed = STR("feed"), .limit = 3};
    expect_page(t, &p, "");
    append(t, STR("feed"), 0, 2);
    append(t, STR("feed2"), 90, 92);
    append(t, STR("fee"), 80, 82);
    append(t, STR("feed"), 2, 5);
    expect_page(t, &p, "e0 e1 e2 ");
    memcpy(p.from, p.last, sizeof p.from);
    expect_page(t, &p, "e3 e4 ");
    memcpy(p.from, p.last, sizeof p.from);
    expect_page(t, &p, "");
    append(t, STR("feed"), 5, 6);
    expect_page(t, &p, "e5 ");
    struct feed_page end = {.feed = STR("feed"), .limit = 9};
    assert_int_equal(store_test_read(t, read_end, &end), 0);
    expect_page(t, &end, "");
    append(t, STR("feed"), 6, 7);
    expect_page(t, &end, "e6 ");
}

static int trim(struct store_test *t, const char *feed, usec_t older_than, size_t keep)
{
    int r;
    do {
        r = store_feed_trim(t->store, str_from(feed), older_than, keep);
    } while (r == ERR_TIMEOUT && t->fault_rate);
    return r;
}

static void a_trimmed_feed_asks_for_resync(void **state)
{
    struct store_test *t = *state;
    struct feed_page old = {.feed = STR("feed"), .limit = 1};
    append(t, STR("feed"), 0, 2500);
    expect_page(t, &old, "e0 ");
    memcpy(old.from, old.last, sizeof old.from);
    assert_int_equal(trim(t, "feed", 0, 2499), 0);
    expect_page(t, &old, "e1 "); /* what follows e0 is all there */
    assert_int_equal(trim(t, "feed", 0, 2), 0);
    assert_int_equal(store_test_read(t, read_feed, &old), ERR_RESYNC);
    struct feed_page p = {.feed = STR("feed"), .limit = 9};
    expect_page(t, &p, "e2498 e2499 ");
    assert_int_equal(trim(t, "feed", time_now() + USEC_PER_SEC, 9), 0);
    expect_page(t, &p, "");
    memcpy(p.from, p.last, sizeof p.from);
    expect_page(t, &p, "");
    assert_int_equal(store_test_read(t, read_end, &p), 0);
    append(t, STR("feed"), 7, 8);
    expect_page(t, &p, "e7 ");
}

static int raise_epoch(struct store_test *t)
{
    int r;
    do {
        r = store_raise_epoch(t->store);
    } while (r == ERR_TIMEOUT && t->fault_rate);
    return r;
}

static void another_epoch_asks_for_resync(void **state)
{
    struct store_test *t = *state;
    struct feed_page p = {.feed = STR("feed"), .limit = 9};
    append(t, STR("feed"), 0, 2);
    expect_page(t, &p, "e0 e1 ");
    memcpy(p.from, p.last, sizeof p.from);
    assert_int_equal(raise_epoch(t), 0);
    assert_int_equal(store_test_read(t, read_feed, &p), ERR_RESYNC);
    assert_int_equal(store_test_read(t, read_end, &p), 0);
    append(t, STR("feed"), 2, 3);
    expect_page(t, &p, "e2 ");
    assert_true(memcmp(p.last, p.from, sizeof p.last) > 0);
}

/* ---- watches ------------------------------------------------------------------------------------------------------- */

static void count_wake(void *ctx)
{
    ++*(_Atomic int *)ctx;
}

static void assert_woken(const struct store_test *t, int times, int least)
{
    assert_true(times >= least);
    assert_true(times == least || t->fault_rate);
}

static int clear_watched(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_delete_range(txn, STR("w"), STR("x"));
    return 0;
}

static void watches_wake(void **state)
{
    struct store_test *t = *state;
    _Atomic int a = 0, b = 0, feed = 0;
    struct store_watch *wa = store_watch(t->store, STR("wa"), count_wake, &a);
    struct store_watch *wa2 = store_watch(t->store, STR("wa"), count_wake, &a);
    struct store_watch *wb = store_watch(t->store, STR("wb"), count_wake, &b);
    struct store_watch *wf = store_watch(t->store, STR("feed"), count_wake, &feed);
    for (int i = 1; i <= 20;
         i++) { /* exact without faults; with them a wake may be spurious, never missing */
        store_test_put(t, "wa", "1");
        assert_woken(t, a, 4 * i - 2);
        append(t, STR("feed"), 0, 3);
        assert_woken(t, feed, i);
        assert_woken(t, b, i - 1);
        assert_int_equal(store_test_write(t, clear_watched, NULL), 0);
        assert_woken(t, a, 4 * i);
        assert_woken(t, b, i);
    }
    store_unwatch(wa);
    int before = a;
    store_test_put(t, "wa", "2");
    assert_woken(t, a, before + 1);
    store_unwatch(wa2);
    store_unwatch(wb);
    store_unwatch(wf);
    store_unwatch(NULL);
    before = a;
    store_test_put(t, "wa", "3");
    assert_int_equal(a, before);
}

static void watches_have_a_limit(void **state)
{
    struct store_test *t = *state;
    struct store_watch **watches = mem_alloc(STORE_MAX_WATCHES * sizeof *watches);
    _Atomic int woken = 0;
    for (unsigned i = 0; i < STORE_MAX_WATCHES; i++) {
        watches[i] = store_watch(t->store, str_of(&i, sizeof i), count_wake, &woken);
        assert_non_null(watches[i]);
    }
    assert_null(store_watch(t->store, STR("one too many"), count_wake, &woken));
    for (unsigned i = 0; i < STORE_MAX_WATCHES; i++) {
        store_unwatch(watches[i]);
    }
    mem_free(watches);
    struct store_watch *again =
        store_watch(t->store, STR("there is room again"), count_wake, &woken);
    assert_non_null(again);
    store_unwatch(again);
    assert_int_equal(woken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeated_operation_happens_once),
        cmocka_unit_test(a_failed_operation_leaves_no_marker),
        cmocka_unit_test(old_markers_are_dropped),
        cmocka_unit_test(a_feed_keeps_order_and_resumes),
        cmocka_unit_test(a_trimmed_feed_asks_for_resync),
        cmocka_unit_test(another_epoch_asks_for_resync),
        cmocka_unit_test(watches_wake),
        cmocka_unit_test(watches_have_a_limit),
    };
    return store_test_every_driver(tests, sizeof tests / sizeof *tests);
}
