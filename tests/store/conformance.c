/*
 * What every driver does, one suite for all: run over memory and sqlite, and over both behind faults (every seventh call
 * meets a conflict, a timeout or an unknown result).
 */
#include "store_test.h"

#include "base/lock.h"
#include "base/mem.h"

/* ---- single keys --------------------------------------------------------------------------------------------------- */

static void keeps_a_value(void **state)
{
    struct store_test *t = *state;
    ARENA_AUTO(a);
    struct str value;
    assert_int_equal(store_test_get(t, &a, "k", &value), ERR_NOT_FOUND);
    store_test_put(t, "k", "one");
    assert_int_equal(store_test_get(t, &a, "k", &value), 0);
    assert_str(value, "one");
    store_test_put(t, "k", "");
    assert_int_equal(store_test_get(t, &a, "k", &value), 0);
    assert_int_equal(value.n, 0);
}

static int write_every_byte(struct txn *txn, void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 255; i++) {
        const char key[2] = {(char)i, 0};
        store_put(txn, str_of(key, 1), str_of(key, 2));
        store_put(txn, str_of(key, 2), str_of(key, 1));
    }
    store_put(txn, STR_EMPTY, STR("empty"));
    return 0;
}

static int count_bytes(struct txn *txn, void *ctx)
{
    size_t *ret_count = ctx;
    struct store_pair *pairs;
    struct str value;
    int r = store_get(txn, STR_EMPTY, &value);
    if (r) {
        return r;
    }
    assert_str(value, "empty");
    struct store_range all = {STR("\x00"), STR("\xff"), .limit = 10000};
    r = store_scan(txn, &all, &pairs, ret_count);
    size_t seen = 0;
    for (size_t i = 0; r == 0 && i < *ret_count; i++) {
        if (str_starts(pairs[i].key, STR("meta/")) || str_starts(pairs[i].key, STR("op/"))) {
            continue;
        }
        assert_int_equal(pairs[i].key.n, 1 + seen % 2);
        assert_int_equal((uint8_t)pairs[i].key.p[0], seen / 2);
        seen++;
    }
    *ret_count = seen;
    return r;
}

static void keys_are_any_bytes_in_order(void **state)
{
    struct store_test *t = *state;
    size_t count = 0;
    assert_int_equal(store_test_write(t, write_every_byte, NULL), 0);
    assert_int_equal(store_test_read(t, count_bytes, &count), 0);
    assert_int_equal(count, 2 * 255);
}

/* ---- a transaction ------------------------------------------------------------------------------------------------- */

static int write_then_fail(struct txn *txn, void *ctx)
{
    store_put(txn, STR("failed"), STR("x"));
    store_delete_range(txn, STR("a"), STR("z"));
    return *(int *)ctx;
}

static void a_failing_function_leaves_nothing(void **state)
{
    struct store_test *t = *state;
    ARENA_AUTO(a);
    store_test_put(t, "kept", "1");
    int failure = ERR_PRECONDITION;
    assert_int_equal(store_test_write(t, write_then_fail, &failure), ERR_PRECONDITION);
    struct str value;
    assert_int_equal(store_test_get(t, &a, "failed", &value), ERR_NOT_FOUND);
    assert_int_equal(store_test_get(t, &a, "kept", &value), 0);
}

static int expect(struct txn *txn, struct str key, const char *value)
{
    struct str found;
    int r = store_get(txn, key, &found);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    if (!value) {
        assert_int_equal(r, ERR_NOT_FOUND);
    } else {
        assert_int_equal(r, 0);
        assert_str(found, value);
    }
    return 0;
}

static int see_own_gets(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_put(txn, STR("own/b"), STR("2"));
    int r = expect(txn, STR("own/b"), "2");
    store_delete(txn, STR("own/a"));
    r = r ? r : expect(txn, STR("own/a"), NULL);
    store_delete_range(txn, STR("own/"), STR("own0"));
    r = r ? r : expect(txn, STR("own/b"), NULL);
    r = r ? r : expect(txn, STR("own/c"), NULL);
    store_put(txn, STR("own/c"), STR("again"));
    return r ? r : expect(txn, STR("own/c"), "again");
}

static void gets_see_own_writes(void **state)
{
    struct store_test *t = *state;
    ARENA_AUTO(a);
    store_test_put(t, "own/a", "a");
    store_test_put(t, "own/c", "c");
    assert_int_equal(store_test_write(t, see_own_gets, NULL), 0);
    struct str value;
    assert_int_equal(store_test_get(t, &a, "own/a", &value), ERR_NOT_FOUND);
    assert_int_equal(store_test_get(t, &a, "own/b", &value), ERR_NOT_FOUND);
    assert_int_equal(store_test_get(t, &a, "own/c", &value), 0);
    assert_str(value, "again");
}

/* Keys of a scan joined by spaces. */
static int scan_text(struct txn *txn, struct store_range range, struct str *ret_text)
{
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(txn, &range, &pairs, &count);
    if (r) {
        return r;
    }
    struct str text = STR_EMPTY;
    for (size_t i = 0; i < count; i++) {
        text = arena_printf(store_arena(txn), STR_FMT " " STR_FMT "=" STR_FMT, STR_ARG(text),
                            STR_ARG(pairs[i].key), STR_ARG(pairs[i].value));
    }
    *ret_text = text;
    return 0;
}

static int expect_scan(struct txn *txn, struct store_range range, const char *expected)
{
    struct str text;
    int r = scan_text(txn, range, &text);
    if (r == 0) {
        assert_str(text, expected);
    }
    return r;
}

#define RANGE(b, e, ...) ((struct store_range){STR(b), STR(e), __VA_ARGS__})

static int fill_scan(struct txn *txn, void *ctx)
{
    (void)ctx;
    for (char c = 'a'; c <= 'h'; c++) {
        const char key[] = {'s', '/', c};
        store_put(txn, str_of(key, 3), STR("0"));
    }
    return 0;
}

static int scan_kept(struct txn *txn, void *ctx)
{
    (void)ctx;
    int r = expect_scan(txn, RANGE("s/b", "s/e", .limit = 10), " s/b=0 s/c=0 s/d=0");
    r = r ? r : expect_scan(txn, RANGE("s/b", "s/e", .limit = 2), " s/b=0 s/c=0");
    r = r ? r : expect_scan(txn, RANGE("s/b", "s/e", .limit = 2, .reverse = true), " s/d=0 s/c=0");
    r = r ? r : expect_scan(txn, RANGE("s/", "s0", .limit = 1, .reverse = true), " s/h=0");
    r = r ? r : expect_scan(txn, RANGE("s/i", "s0", .limit = 3), "");
    return r ? r : expect_scan(txn, RANGE("s/e", "s/b", .limit = 3), "");
}

static int scan_own(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_put(txn, STR("s/bb"), STR("new"));
    store_put(txn, STR("s/d"), STR("changed"));
    store_delete(txn, STR("s/c"));
    int r = expect_scan(txn, RANGE("s/", "s0", .limit = 4), " s/a=0 s/b=0 s/bb=new s/d=changed");
    r = r ? r
          : expect_scan(txn, RANGE("s/b", "s/e", .limit = 9, .reverse = true),
                        " s/d=changed s/bb=new s/b=0");
    store_delete_range(txn, STR("s/a"), STR("s/g"));
    r = r ? r : expect_scan(txn, RANGE("s/", "s0", .limit = 1), " s/g=0");
    r = r ? r : expect_scan(txn, RANGE("s/", "s0", .limit = 3, .reverse = true), " s/h=0 s/g=0");
    store_put(txn, STR("s/b"), STR("back"));
    store_add(txn, STR("s/f"), 0x4142434445464748);
    return r ? r
             : expect_scan(txn, RANGE("s/", "s0", .limit = 9),
                           " s/b=back s/f=HGFEDCBA s/g=0 s/h=0");
}

static int scan_result(struct txn *txn, void *ctx)
{
    (void)ctx;
    return expect_scan(txn, RANGE("s/", "s0", .limit = 9), " s/b=back s/f=HGFEDCBA s/g=0 s/h=0");
}

static void scans_see_own_writes(void **state)
{
    struct store_test *t = *state;
    assert_int_equal(store_test_write(t, fill_scan, NULL), 0);
    assert_int_equal(store_test_read(t, scan_kept, NULL), 0);
    assert_int_equal(store_test_write(t, scan_own, NULL), 0);
    assert_int_equal(store_test_read(t, scan_result, NULL), 0);
}

/* ---- counters ------------------------------------------------------------------------------------------------------ */

static int add_some(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_add(txn, STR("n"), 5);
    store_add(txn, STR("n"), -2);
    return 0;
}

static int add_and_read(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_add(txn, STR("n"), 1);
    int r = expect_scan(txn, RANGE("n", "n\x01", .limit = 2), " n=BAAAAAAA");
    store_add(txn, STR("n"), 1);
    return r ? r : expect(txn, STR("n"), "CAAAAAAA");
}

static void counters_add_up(void **state)
{
    struct store_test *t = *state;
    ARENA_AUTO(a);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(store_test_write(t, add_some, NULL), 0);
    }
    struct str value;
    assert_int_equal(store_test_get(t, &a, "n", &value), 0);
    assert_int_equal(value.n, 8);
    assert_memory_equal(value.p, "\x1e\0\0\0\0\0\0\0", 8);
    store_test_put(t, "n", "AAAAAAAA");
    assert_int_equal(store_test_write(t, add_and_read, NULL), 0);
    store_test_put(t, "n", "no counter");
    assert_int_equal(store_test_write(t, add_some, NULL), ERR_CORRUPT);
}

/* ---- limits -------------------------------------------------------------------------------------------------------- */

struct sizes {
    size_t key, value, count;
};

static int put_sizes(struct txn *txn, void *ctx)
{
    const struct sizes *z = ctx;
    char *key = arena_alloc(store_arena(txn), z->key + 1);
    char *value = arena_alloc(store_arena(txn), z->value + 1);
    memset(key, 'l', z->key);
    for (size_t i = 0; i < z->count; i++) {
        memcpy(key, &(uint32_t){(uint32_t)i & 0x7f7f7f7f}, 4);
        store_put(txn, str_of(key, z->key), str_of(value, z->value));
    }
    return 0;
}

static void limits_of_key_value_and_transaction(void **state)
{
    struct store_test *t = *state;
    struct sizes largest = {STORE_MAX_KEY, STORE_MAX_VALUE, 1};
    assert_int_equal(store_test_write(t, put_sizes, &largest), 0);
    struct sizes key = {STORE_MAX_KEY + 1, 1, 1};
    assert_int_equal(store_test_write(t, put_sizes, &key), ERR_TOO_LARGE);
    struct sizes value = {10, STORE_MAX_VALUE + 1, 1};
    assert_int_equal(store_test_write(t, put_sizes, &value), ERR_TOO_LARGE);
    struct sizes fits = {100, 99900, STORE_MAX_TXN_BYTES / 100000};
    assert_int_equal(store_test_write(t, put_sizes, &fits), 0);
    struct sizes exceeds = {100, 99900, STORE_MAX_TXN_BYTES / 100000 + 1};
    assert_int_equal(store_test_write(t, put_sizes, &exceeds), ERR_TOO_LARGE);
}

static int many_ranges(struct txn *txn, void *ctx)
{
    for (size_t i = 0; i < *(size_t *)ctx; i++) {
        struct str begin = arena_printf(store_arena(txn), "range/%zu", i);
        store_delete_range(txn, begin, store_after(store_arena(txn), begin));
    }
    return 0;
}

static int many_appends(struct txn *txn, void *ctx)
{
    for (size_t i = 0; i < *(size_t *)ctx; i++) {
        store_append(txn, STR("many"), STR("x"));
    }
    return 0;
}

static int long_event(struct txn *txn, void *ctx)
{
    size_t size = *(size_t *)ctx;
    store_append(txn, STR("long"), str_of(arena_alloc(store_arena(txn), size), size));
    return 0;
}

static int scan_too_much(struct txn *txn, void *ctx)
{
    size_t count;
    struct store_pair *pairs;
    struct store_range range = RANGE("", "\xff", .limit = *(size_t *)ctx);
    return store_scan(txn, &range, &pairs, &count);
}

static void limits_of_ranges_appends_and_scans(void **state)
{
    struct store_test *t = *state;
    size_t n = STORE_MAX_RANGES;
    assert_int_equal(store_test_write(t, many_ranges, &n), 0);
    n++;
    assert_int_equal(store_test_write(t, many_ranges, &n), ERR_TOO_LARGE);
    n = STORE_MAX_APPENDS;
    assert_int_equal(store_test_write(t, many_appends, &n), 0);
    n++;
    assert_int_equal(store_test_write(t, many_appends, &n), ERR_TOO_LARGE);
    n = STORE_MAX_EVENT;
    assert_int_equal(store_test_write(t, long_event, &n), 0);
    n++;
    assert_int_equal(store_test_write(t, long_event, &n), ERR_TOO_LARGE);
    for (char c = 'a'; c <= 'd'; c++) {
        struct sizes part = {100 + (size_t)c, 99000, 99};
        assert_int_equal(store_test_write(t, put_sizes, &part), 0);
    }
    n = STORE_MAX_SCAN;
    assert_int_equal(store_test_read(t, scan_too_much, &n), ERR_TOO_LARGE);
    n = 10;
    assert_int_equal(store_test_read(t, scan_too_much, &n), 0);
}

static int get_long_key(struct txn *txn, void *ctx)
{
    (void)ctx;
    struct str value;
    return store_get(
        txn, str_of(arena_alloc(store_arena(txn), STORE_MAX_KEY + 1), STORE_MAX_KEY + 1), &value);
}

static void a_long_key_cannot_be_asked_for(void **state)
{
    assert_int_equal(store_test_read(*state, get_long_key, NULL), ERR_TOO_LARGE);
}

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
    return store_scan(txn, &RANGE("op/", "op0", .limit = 10000), &pairs, ctx);
}

static void old_markers_are_dropped(void **state)
{
    struct store_test *t = *state;
    struct once o;
    uint8_t id[16] = {0};
    for (int i = 0; i < 50; i++) {
        id[0] = (uint8_t)i;
        struct store_op op = store_op_derived(id);
        if (i < 40) {
            op.made -= (usec_t)(31 + i) * 3600 * USEC_PER_SEC;
        }
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
}

/* ---- snapshots ----------------------------------------------------------------------------------------------------- */

struct snapshot_test {
    struct store_test *t;
    int gets;
    bool miss_first;
};

static void *put_from_thread(void *ctx)
{
    struct store_test *t = ctx;
    store_test_put(t, "snap/b", "after");
    store_test_put(t, "snap/c", "after");
    return NULL;
}

/* Breaks the rule that a function does nothing but read, to have something change meanwhile. */
static int read_while_written(struct txn *txn, void *ctx)
{
    const struct snapshot_test *s = ctx;
    int r = expect(txn, s->miss_first ? STR("snap/none") : STR("snap/a"),
                   s->miss_first ? NULL : "before");
    if (r) {
        return r;
    }
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, put_from_thread, s->t), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    r = expect(txn, STR("snap/b"), "before");
    r = r ? r : expect(txn, STR("snap/c"), NULL);
    return r ? r
             : expect_scan(txn, RANGE("snap/", "snap0", .limit = 5),
                           " snap/a=before snap/b=before");
}

static int clear_snap(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_delete_range(txn, STR("snap/"), STR("snap0"));
    store_put(txn, STR("snap/a"), STR("before"));
    store_put(txn, STR("snap/b"), STR("before"));
    return 0;
}

static int snapshot_body(struct txn *txn, void *ctx)
{
    return read_while_written(txn, ctx);
}

static void a_read_sees_one_snapshot(void **state)
{
    struct store_test *t = *state;
    ARENA_AUTO(a);
    if (CODITECT_PARANOID || t->fault_rate) {
        skip(); /* the function runs twice there; plain builds prove it */
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_test_write(t, clear_snap, NULL), 0);
        struct snapshot_test s = {.t = t, .miss_first = i == 1};
        assert_int_equal(store_test_read(t, snapshot_body, &s), 0);
        struct str value;
        assert_int_equal(store_test_get(t, &a, "snap/b", &value), 0);
        assert_str(value, "after");
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

/* ---- our own bugs are caught --------------------------------------------------------------------------------------- */

static int nested(struct txn *txn, void *ctx)
{
    (void)txn;
    struct store_test *t = ctx;
    return store_read(t->store, count_markers, NULL);
}

static int put_reserved(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_put(txn, STR("meta/format"), STR("2"));
    return 0;
}

static int put_something(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_put(txn, STR("something"), STR("x"));
    return 0;
}

static int run_in_new_store(store_fn *fn, bool write)
{
    struct store_test t = {.driver = "memory"};
    store_test_open(&t);
    return write ? store_write(t.store, NULL, fn, &t) : store_read(t.store, fn, &t);
}

static int read_own_feed(struct txn *txn, void *ctx)
{
    (void)ctx;
    struct store_event *events;
    size_t count;
    store_append(txn, STR("f"), STR("x"));
    return store_feed(txn, &(struct store_feed_range){.feed = STR("f"), .limit = 1}, &events,
                      &count);
}

static void misuse_dies(void **state)
{
    (void)state;
    assert_dies(run_in_new_store(nested, false));
    assert_dies(run_in_new_store(nested, true));
    assert_dies(run_in_new_store(put_reserved, true));
    assert_dies(run_in_new_store(put_something, false));
    assert_dies(run_in_new_store(add_some, true)); /* without an operation */
    assert_dies(run_in_new_store(read_own_feed, true));
}

/* ---- the run ------------------------------------------------------------------------------------------------------- */

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

#define CASE(f) \
    { \
#f, f, set_up, tear_down, t \
    }

static int run(struct store_test *t)
{
    const struct CMUnitTest tests[] = {
        CASE(keeps_a_value),
        CASE(keys_are_any_bytes_in_order),
        CASE(a_failing_function_leaves_nothing),
        CASE(gets_see_own_writes),
        CASE(scans_see_own_writes),
        CASE(counters_add_up),
        CASE(limits_of_key_value_and_transaction),
        CASE(limits_of_ranges_appends_and_scans),
        CASE(a_long_key_cannot_be_asked_for),
        CASE(a_repeated_operation_happens_once),
        CASE(a_failed_operation_leaves_no_marker),
        CASE(old_markers_are_dropped),
        CASE(a_read_sees_one_snapshot),
        CASE(a_feed_keeps_order_and_resumes),
        CASE(a_trimmed_feed_asks_for_resync),
        CASE(another_epoch_asks_for_resync),
        CASE(watches_wake),
    };
    print_message("driver: %s\n", t->name);
    return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}

int main(void)
{
    struct store_test drivers[] = {
        {.name = "memory", .driver = "memory"},
        {.name = "sqlite", .driver = "sqlite"},
        {.name = "faulty memory", .driver = "memory", .fault_rate = 7},
        {.name = "faulty sqlite", .driver = "sqlite", .fault_rate = 7},
    };
    const struct CMUnitTest misuse[] = {cmocka_unit_test(misuse_dies)};
    int failed = cmocka_run_group_tests_name("misuse", misuse, NULL, NULL);
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        failed += run(&drivers[i]);
    }
    return failed != 0;
}
