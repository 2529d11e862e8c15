/* A snapshot stands on one moment beside a store that goes on; what it gives makes the same store again. */
#include "base/mem.h"
#include "store_test.h"

enum { PAIRS = 400, LARGE = 5000 };

/* Two keys that always say the same, and large values between them. */
static int both(struct txn *txn, void *ctx)
{
    const int *round = ctx;
    struct arena *a = store_arena(txn);
    struct str value = arena_printf(a, "%d", *round);
    char *large = arena_alloc(a, LARGE);
    memset(large, 'a' + *round % 26, LARGE);
    store_put(txn, STR("a"), value);
    store_put(txn, arena_printf(a, "m/%03d", *round % PAIRS), str_of(large, LARGE));
    store_put(txn, STR("z"), value);
    return 0;
}

static void write_round(struct store_test *t, int round)
{
    assert_int_equal(store_test_write(t, both, &round), 0);
}

static void it_stands_still_while_others_write(void **state)
{
    struct store_test *t = *state;
    int round = 0;
    while (round < 50) {
        write_round(t, round++);
    }
    struct store_snapshot *s;
    struct store_snapshot_pair pair;
    struct str value, first = STR_EMPTY;
    ARENA_AUTO(a);
    assert_int_equal(store_snapshot_open(t->directory, &s), 0);
    size_t apart = 0;
    while (store_snapshot_next(s, &pair) == 0) {
        for (int i = 0; i < 20; i++) { /* a log that asks for checkpoints, and does not get them */
            write_round(t, round++);
        }
        apart += pair.apart;
        assert_int_equal(store_snapshot_value(s, &value), 0);
        if (str_eq(pair.key, STR("a"))) {
            first = arena_str(&a, value);
        } else if (str_eq(pair.key, STR("z"))) {
            assert_true(str_eq(value, first));
        } else if (pair.apart) {
            assert_int_equal(value.n, LARGE);
        }
    }
    assert_true(str_eq(first, STR("49")));
    assert_int_equal(apart, 50);
    store_snapshot_close(s);
    write_round(t, round);
    assert_int_equal(store_test_get(t, &a, "z", &value), 0);
    uint64_t found;
    assert_int_equal(str_u64(value, UINT32_MAX, &found), 0);
    assert_int_equal(found, round);
}

static void renewed_it_goes_on_behind_the_last_key(void **state)
{
    struct store_test *t = *state;
    for (int i = 0; i < 5; i++) {
        write_round(t, i);
    }
    struct store_snapshot *s;
    struct store_snapshot_pair pair;
    struct str value;
    assert_int_equal(store_snapshot_open(t->directory, &s), 0);
    do {
        assert_int_equal(store_snapshot_next(s, &pair), 0);
    } while (!str_eq(pair.key, STR("a")));
    write_round(t, 5);
    assert_int_equal(store_snapshot_renew(s), 0);
    size_t between = 0;
    while (store_snapshot_next(s, &pair) == 0 && !str_eq(pair.key, STR("z"))) {
        assert_true(str_cmp(pair.key, STR("a")) > 0);
        between += str_starts(pair.key, STR("m/"));
    }
    assert_int_equal(between, 6);
    assert_int_equal(store_snapshot_value(s, &value), 0);
    assert_true(str_eq(value, STR("5")));
    store_snapshot_close(s);
}

static void what_it_gives_is_loaded_again(void **state)
{
    struct store_test *t = *state;
    write_round(t, 7);
    struct store_test other = {.name = "sqlite", .driver = "sqlite"};
    store_test_begin(&other);
    struct store_snapshot *s;
    struct store_snapshot_pair pair;
    assert_int_equal(store_snapshot_open(t->directory, &s), 0);
    while (store_snapshot_next(s, &pair) == 0) {
        struct store_pair copy = {.key = pair.key};
        assert_int_equal(store_snapshot_value(s, &copy.value), 0);
        assert_int_equal(store_load(other.store, &copy, 1), 0);
    }
    store_snapshot_close(s);
    ARENA_AUTO(a);
    struct str value;
    assert_int_equal(store_test_get(&other, &a, "m/007", &value), 0);
    assert_int_equal(value.n, LARGE);
    const struct store_pair engine = {STR("meta/format"), STR("9")};
    assert_int_equal(store_load(other.store, &engine, 1), ERR_CORRUPT);
    store_test_end(&other);
}

static void without_a_store_there_is_none(void **state)
{
    (void)state;
    struct store_snapshot *s = NULL;
    assert_int_equal(store_snapshot_open("/nowhere", &s), ERR_NOT_FOUND);
    assert_null(s);
}

static int begin(void **state)
{
    struct store_test *t = MEM_NEW(struct store_test);
    *t = (struct store_test){.name = "sqlite", .driver = "sqlite"};
    store_test_begin(t);
    *state = t;
    return 0;
}

static int end(void **state)
{
    store_test_end(*state);
    mem_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_stands_still_while_others_write, begin, end),
        cmocka_unit_test_setup_teardown(renewed_it_goes_on_behind_the_last_key, begin, end),
        cmocka_unit_test_setup_teardown(what_it_gives_is_loaded_again, begin, end),
        cmocka_unit_test(without_a_store_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
