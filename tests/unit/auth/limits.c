#include <pthread.h>

#include "auth/auth_int.h"
#include "auth/world.h"

static struct people people;

static int setup(void **state)
{
    struct auth_options options = {.limits_given = true};
    for (int i = 0; i < AUTH_LIMIT_KINDS; i++) {
        options.limits[i] = (struct auth_rate){6, 60 * USEC_PER_SEC};
    }
    options.limits[AUTH_LIMIT_REFRESH].burst = 0;
    people_init(&people, "memory", &options);
    *state = &people;
    return 0;
}

static int teardown(void **state)
{
    people_fini(*state);
    return 0;
}

static void grants_a_burst_and_then_a_trickle(void **state)
{
    struct people *p = *state;
    struct auth_limit_state s;
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, STR("a"), &s), 0);
        assert_int_equal(s.limit, 6);
        assert_int_equal(s.remaining, 5 - i);
        assert_int_equal(s.reset_ms, 10000 * (i + 1));
    }
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, STR("a"), &s), ERR_RATE_LIMITED);
    assert_int_equal(s.retry_after_ms, 10000);
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, STR("b"), NULL), 0);
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), NULL), 0);
    time_test_advance(s.retry_after_ms * USEC_PER_MS - 1);
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, STR("a"), NULL), ERR_RATE_LIMITED);
    time_test_advance(1);
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, STR("a"), NULL), 0);
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, STR("a"), NULL), ERR_RATE_LIMITED);
    auth_limit_return(p->auth, AUTH_LIMIT_USER, STR("a"));
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, STR("a"), NULL), 0);
    time_test_advance(3600 * USEC_PER_SEC);
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, STR("a"), &s), 0);
    assert_int_equal(s.remaining, 5);
}

static void no_limit_means_none(void **state)
{
    struct people *p = *state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_REFRESH, STR("a"), NULL), 0);
    }
}

static void the_table_is_bounded(void **state)
{
    struct people *p = *state;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, STR("first"), NULL), 0);
    }
    char key[32];
    for (int i = 0; i < AUTH_MAX_BUCKETS + 10; i++) {
        int n = snprintf(key, sizeof key, "%d", i);
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, str_of(key, (size_t)n), NULL), 0);
    }
    assert_int_equal(auth_limits_count(p->auth), AUTH_MAX_BUCKETS);
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, STR("first"), NULL),
                     0); /* forgotten meanwhile */
}

static void long_keys_stay_apart(void **state)
{
    struct people *p = *state;
    char key[400];
    memset(key, 'k', sizeof key);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, str_of(key, sizeof key), NULL), 0);
    }
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, str_of(key, sizeof key), NULL),
                     ERR_RATE_LIMITED);
    key[399] = 'x';
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_USER, str_of(key, sizeof key), NULL), 0);
}

static void a_network_is_one_caller(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    assert_str(auth_limit_network(&arena, STR("192.0.2.7")), "192.0.2.7");
    assert_str(auth_limit_network(&arena, STR("2001:db8:1:2:aaaa::1")), "2001:db8:1:2::/64");
    assert_str(auth_limit_network(&arena, STR("2001:db8:1:2:bbbb:cccc:dddd:eeee")),
               "2001:db8:1:2::/64");
    assert_str(auth_limit_network(&arena, STR("::ffff:192.0.2.7")), "::ffff:192.0.2.7");
    assert_str(auth_limit_network(&arena, STR("")), "");
    assert_str(auth_limit_network(&arena, STR("not an address")), "not an address");
}

static void *spend(void *arg)
{
    struct people *p = arg;
    intptr_t granted = 0;
    for (int i = 0; i < 100; i++) {
        granted += auth_limit(p->auth, AUTH_LIMIT_USER, STR("shared"), NULL) == 0;
    }
    return (void *)granted;
}

static void threads_share_a_bucket(void **state)
{
    struct people *p = *state;
    pthread_t threads[4];
    intptr_t granted = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, spend, p), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        granted += (intptr_t)result;
    }
    assert_int_equal(granted, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grants_a_burst_and_then_a_trickle, setup, teardown),
        cmocka_unit_test_setup_teardown(no_limit_means_none, setup, teardown),
        cmocka_unit_test_setup_teardown(the_table_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(long_keys_stay_apart, setup, teardown),
        cmocka_unit_test(a_network_is_one_caller),
        cmocka_unit_test_setup_teardown(threads_share_a_bucket, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
