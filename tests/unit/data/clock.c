/* The time that deletions by age go by. */
#include "data/data_int.h"
#include "data/world.h"

static const usec_t hour = 3600 * USEC_PER_SEC;

static int get_fn(struct txn *txn, void *ret_now)
{
    return data_clock_get(txn, ret_now);
}

static usec_t now_of(struct world *w)
{
    usec_t now = 0;
    assert_int_equal(store_read(w->store, get_fn, &now), 0);
    return now;
}

static usec_t follow(struct world *w, usec_t most)
{
    usec_t behind = 0;
    assert_int_equal(data_clock_follow(w->store, most, &behind), 0);
    return behind;
}

static void begins_with_the_clock(void **state)
{
    struct world *w = *state;
    assert_true(now_of(w) == WORLD_NOW);
    time_test_advance(hour);
    assert_true(now_of(w) == WORLD_NOW + hour);
    assert_true(follow(w, 0) == 0);
    time_test_advance(9 * hour);
    assert_true(now_of(w) == WORLD_NOW + 2 * hour); /* of nine */
}

static void follows_a_leap_slowly(void **state)
{
    struct world *w = *state;
    assert_true(follow(w, 0) == 0);
    time_test_set(WORLD_NOW + 1000 * hour, 0);
    assert_true(follow(w, 8 * hour) == 992 * hour);
    assert_true(now_of(w) == WORLD_NOW + 9 * hour);
    time_test_set(WORLD_NOW, 0); /* right again */
    assert_true(now_of(w) == WORLD_NOW);
    assert_true(follow(w, 8 * hour) == 0);
    time_test_set(WORLD_NOW + hour - 1, 0);
    assert_true(follow(w, 8 * hour) == 0);
    assert_true(now_of(w) == WORLD_NOW + hour - 1); /* less than an hour is believed */
}

static void follows_it_back(void **state)
{
    struct world *w = *state;
    assert_true(follow(w, 0) == 0);
    time_test_set(WORLD_NOW - 1000 * hour, 0);
    assert_true(now_of(w) == WORLD_NOW - 1000 * hour);
    assert_true(follow(w, 8 * hour) == -992 * hour);
    time_test_set(WORLD_NOW, 0);
    assert_true(now_of(w) == WORLD_NOW - 7 * hour);
    assert_true(follow(w, 8 * hour) == 0);
    assert_true(now_of(w) == WORLD_NOW);
}

static int damage_fn(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_put(txn, DATA_CLOCK_KEY, STR("x"));
    return 0;
}

static void says_nothing_when_damaged(void **state)
{
    struct world *w = *state;
    struct data_report report;
    usec_t now;
    assert_int_equal(world_write(w, damage_fn, NULL), 0);
    assert_int_equal(store_read(w->store, get_fn, &now), ERR_CORRUPT);
    assert_int_equal(data_check(w->store, NULL, &report), 0);
    assert_int_equal(report.faults, 1);
    data_report_fini(&report);
    assert_true(follow(w, 0) == 0);
    assert_true(now_of(w) == WORLD_NOW);
    world_assert_consistent(w->store);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(begins_with_the_clock),
        WORLD_TEST(follows_a_leap_slowly),
        WORLD_TEST(follows_it_back),
        WORLD_TEST(says_nothing_when_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
