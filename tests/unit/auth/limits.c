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

/* Refusals in a row double the wait, up to the moment at which the bucket is full. */
static void who_asks_again_too_early_waits_longer(void **state)
{
    static const int waits[] = {10, 20, 40, 60, 60};
    struct people *p = *state;
    struct auth_limit_state s;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), NULL), 0);
    }
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), &s), ERR_RATE_LIMITED);
        assert_int_equal(s.retry_after_ms, 1000 * waits[i]);
        assert_int_equal(s.remaining, 0);
        assert_int_equal(s.reset_ms, 60000);
    }
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("b"), NULL), 0);
    time_test_advance(30 * USEC_PER_SEC); /* three tokens are there, and the wait is not over */
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), &s), ERR_RATE_LIMITED);
    assert_int_equal(s.retry_after_ms, 30000);
    time_test_advance(30 * USEC_PER_SEC);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), NULL), 0);
    }
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), &s), ERR_RATE_LIMITED);
    assert_int_equal(s.retry_after_ms, 10000); /* granted in between: it begins anew */
    time_test_advance(10 * USEC_PER_SEC);
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), NULL), 0);
}

/* One who does as told, and one who asks every second: a full bucket is there for both. */
static void two_behind_one_address_wait_for_no_more_than_a_full_bucket(void **state)
{
    struct people *p = *state;
    struct auth_limit_state s;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), &s), ERR_RATE_LIMITED);
    }
    assert_int_equal(s.retry_after_ms, 60000);
    for (int i = 1; i < 60; i++) {
        time_test_advance(USEC_PER_SEC);
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), &s), ERR_RATE_LIMITED);
        assert_int_equal(s.retry_after_ms, 1000 * (60 - i));
        assert_int_equal(s.reset_ms, s.retry_after_ms);
    }
    time_test_advance(USEC_PER_SEC);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_LOGIN, STR("a"), NULL), 0);
    }
}

/* More right passwords at once than there are tokens: those past the burst are refused, and close nothing. */
static void who_was_right_ends_the_wait(void **state)
{
    struct people *p = *state;
    struct auth_limit_state s;
    for (int i = 0; i < 9; i++) {
        assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_PASSWORD, STR("a"), &s),
                         i < 6 ? 0 : ERR_RATE_LIMITED);
    }
    assert_int_equal(s.retry_after_ms, 40000);
    for (int i = 0; i < 6; i++) {
        auth_limit_return(p->auth, AUTH_LIMIT_PASSWORD, STR("a"));
    }
    assert_int_equal(auth_limit(p->auth, AUTH_LIMIT_PASSWORD, STR("a"), &s), 0);
    assert_int_equal(s.remaining, 5);
}

/* Nor does a stranger who asks on and on keep somebody from what is counted by whom it is about. */
static void what_strangers_share_never_backs_off(void **state)
{
    static const enum auth_limit_kind kinds[] = {AUTH_LIMIT_MAIL, AUTH_LIMIT_APP_CODE};
    struct people *p = *state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct auth_limit_state s;
        for (int i = 0; i < 100; i++) {
            (void)!auth_limit(p->auth, kinds[k], STR("ada"), &s);
        }
        assert_int_equal(s.retry_after_ms, 10000);
        time_test_advance(10 * USEC_PER_SEC);
        assert_int_equal(auth_limit(p->auth, kinds[k], STR("ada"), NULL), 0);
    }
}

/* Who has got hold of a token and tries passwords with it. */
static void a_stolen_token_keeps_its_owner_from_nothing(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context thief = ada;
    thief.client.address = STR("198.51.100.1");
    struct auth_password_input in = {.old_password = STR("wrong horse"),
                                     .new_password = STR("another horse battery")};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(auth_password_change(p->auth, &thief, &in), ERR_BAD_CREDENTIALS);
    }
    assert_int_equal(auth_password_change(p->auth, &thief, &in), ERR_RATE_LIMITED);
    in.old_password = WORLD_PASSWORD;
    assert_int_equal(auth_password_change(p->auth, &thief, &in), ERR_RATE_LIMITED);
    assert_int_equal(auth_password_change(p->auth, &ada, &in), 0);
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
        cmocka_unit_test_setup_teardown(who_asks_again_too_early_waits_longer, setup, teardown),
        cmocka_unit_test_setup_teardown(two_behind_one_address_wait_for_no_more_than_a_full_bucket,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(who_was_right_ends_the_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(what_strangers_share_never_backs_off, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stolen_token_keeps_its_owner_from_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_limit_means_none, setup, teardown),
        cmocka_unit_test_setup_teardown(the_table_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(long_keys_stay_apart, setup, teardown),
        cmocka_unit_test(a_network_is_one_caller),
        cmocka_unit_test_setup_teardown(threads_share_a_bucket, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
