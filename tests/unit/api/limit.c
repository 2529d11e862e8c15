#include "api/api_int.h"

#include "unit.h"

static const usec_t start = 1000 * USEC_PER_SEC;

static struct api_limit_result take(struct api_limiter *l, enum api_rate_class rate, struct str who,
                                    usec_t now)
{
    return api_limiter_take(l, &(struct api_limit_ask){.rate = rate, .who = who}, now);
}

static struct api_limit_result take_by_plan(struct api_limiter *l, uint64_t requests)
{
    const struct api_limit_ask ask = {
        .rate = API_RATE_USER, .who = STR("ada"), .requests = requests};
    return api_limiter_take(l, &ask, start);
}

static void a_plan_says_how_many_and_holds_at_once(void **state)
{
    (void)state;
    struct api_limiter *l = api_limiter_create(1000);
    struct api_limit_result r = {.limit = 0};
    for (unsigned i = 0; i < 6; i++) {
        assert_true(take_by_plan(l, 12).allowed);
    }
    r = take_by_plan(l, 12);
    assert_int_equal(r.limit, 12);
    assert_int_equal(r.remaining, 5);
    r = take_by_plan(l, 2); /* 5 of 12 were left: less than one of 2 */
    assert_false(r.allowed);
    assert_int_equal(r.limit, 2);
    assert_true(take_by_plan(l, 0).allowed); /* as everybody again */
    assert_int_equal(take_by_plan(l, UINT64_MAX).limit, UINT32_MAX);
    assert_int_equal(take(l, API_RATE_NONE, STR("ada"), start).limit, 0);
    api_limiter_destroy(l);
}

static void a_bucket_empties_and_fills(void **state)
{
    (void)state;
    struct api_limiter *l = api_limiter_create(1);
    struct api_limit_result r;
    for (uint32_t i = 0; i < 100; i++) {
        r = take(l, API_RATE_USER, STR("ada"), start);
        assert_true(r.allowed);
        assert_int_equal(r.limit, 100);
        assert_int_equal(r.remaining, 99 - i);
    }
    assert_int_equal(r.reset_s, 60);
    r = take(l, API_RATE_USER, STR("ada"), start);
    assert_false(r.allowed);
    assert_int_equal(r.remaining, 0);
    assert_int_equal(r.retry_s, 1);
    assert_true(take(l, API_RATE_USER, STR("eve"), start).allowed);
    assert_true(take(l, API_RATE_FILES, STR("ada"), start).allowed);

    assert_false(take(l, API_RATE_USER, STR("ada"), start + 599 * USEC_PER_MS).allowed);
    assert_true(take(l, API_RATE_USER, STR("ada"), start + 600 * USEC_PER_MS).allowed);
    assert_false(take(l, API_RATE_USER, STR("ada"), start + 601 * USEC_PER_MS).allowed);
    r = take(l, API_RATE_USER, STR("ada"), start + 3600 * USEC_PER_SEC);
    assert_int_equal(r.remaining, 99);
    api_limiter_destroy(l);
}

static void time_that_goes_back_gives_nothing(void **state)
{
    (void)state;
    struct api_limiter *l = api_limiter_create(1);
    for (int i = 0; i < 100; i++) {
        assert_true(take(l, API_RATE_USER, STR("ada"), start).allowed);
    }
    assert_false(take(l, API_RATE_USER, STR("ada"), start - USEC_PER_SEC).allowed);
    assert_false(take(l, API_RATE_USER, STR("ada"), start).allowed);
    api_limiter_destroy(l);
}

static void the_factor_multiplies(void **state)
{
    (void)state;
    struct api_limiter *l = api_limiter_create(1000);
    assert_int_equal(take(l, API_RATE_USER, STR("ada"), start).limit, 100000);
    api_limiter_destroy(l);
    l = api_limiter_create(API_MAX_RATE_FACTOR);
    for (int i = 0; i < 1000; i++) {
        assert_true(take(l, API_RATE_FILES, STR("ada"), start).allowed);
    }
    api_limiter_destroy(l);
}

static void classes_without_a_count(void **state)
{
    (void)state;
    struct api_limiter *l = api_limiter_create(1);
    for (int i = 0; i < 10000; i++) {
        assert_true(take(l, API_RATE_NONE, STR("ada"), start).allowed);
    }
    api_limiter_destroy(l);
}

/* A flood of other addresses does not give a held-back client its tokens again. */
static void the_table_is_full(void **state)
{
    (void)state;
    struct api_limiter *l = api_limiter_create(1);
    for (int i = 0; i < 100; i++) {
        assert_true(take(l, API_RATE_USER, STR("held back"), start).allowed);
    }
    for (uint64_t i = 0; i < 200000; i++) {
        assert_true(take(l, API_RATE_USER, str_of(&i, sizeof i), start).allowed);
    }
    assert_false(take(l, API_RATE_USER, STR("held back"), start).allowed);
    api_limiter_destroy(l);
}

static void who_counts_as_one(void **state)
{
    (void)state;
    ARENA_AUTO(a);
    assert_true(str_eq(api_limit_address(&a, STR("2001:db8:1:2::1")),
                       api_limit_address(&a, STR("2001:db8:1:2:ff::9"))));
    assert_false(str_eq(api_limit_address(&a, STR("2001:db8:1:2::1")),
                        api_limit_address(&a, STR("2001:db8:1:3::1"))));
    assert_false(
        str_eq(api_limit_address(&a, STR("192.0.2.1")), api_limit_address(&a, STR("192.0.2.2"))));
    assert_false(str_eq(api_limit_address(&a, STR("::ffff:192.0.2.1")),
                        api_limit_address(&a, STR("::ffff:192.0.2.2"))));
    assert_str(api_limit_address(&a, STR("unix")), "unix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_empties_and_fills),
        cmocka_unit_test(time_that_goes_back_gives_nothing),
        cmocka_unit_test(the_factor_multiplies),
        cmocka_unit_test(a_plan_says_how_many_and_holds_at_once),
        cmocka_unit_test(classes_without_a_count),
        cmocka_unit_test(the_table_is_full),
        cmocka_unit_test(who_counts_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
