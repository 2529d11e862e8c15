#include "auth/auth_int.h"
#include "auth/world.h"

/* The real cost, once: the PHC string says it. */
static void hashes_with_the_promised_cost(void **state)
{
    (void)state;
    struct auth a = {.cheap_hash = false};
    char phc[AUTH_HASH_ROOM];
    char second[AUTH_HASH_ROOM];
    assert_int_equal(auth_password_hash(&a, WORLD_PASSWORD, phc), 0);
    assert_true(str_starts(str_from(phc), STR("$argon2id$v=19$m=19456,t=2,p=1$")));
    memcpy(a.dummy_hash, phc, sizeof phc);
    assert_true(auth_password_verify(&a, str_from(phc), WORLD_PASSWORD));
    assert_false(auth_password_verify(&a, str_from(phc), STR("correct horse batterx")));
    assert_int_equal(auth_password_hash(&a, WORLD_PASSWORD, second), 0);
    assert_string_not_equal(phc, second);
    /* The account that does not exist is verified against the dummy and refused even if the dummy's password comes. */
    assert_false(auth_password_verify(&a, STR_EMPTY, WORLD_PASSWORD));
}

static double cpu_seconds(const struct auth *a, struct str phc)
{
    struct timespec before;
    struct timespec after;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    for (int i = 0; i < 5; i++) {
        assert_false(auth_password_verify(a, phc, STR("wrong horse")));
    }
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    return (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

static void unknown_accounts_cost_the_same(void **state)
{
    (void)state;
    struct auth a = {.cheap_hash = false};
    char phc[AUTH_HASH_ROOM];
    assert_int_equal(auth_password_hash(&a, STR("somebody's"), phc), 0);
    assert_int_equal(auth_password_hash(&a, STR("nobody's"), a.dummy_hash), 0);
    double known = cpu_seconds(&a, str_from(phc));
    double unknown = cpu_seconds(&a, STR_EMPTY);
    assert_true(unknown > known / 2 && unknown < known * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes_with_the_promised_cost),
                                       cmocka_unit_test(unknown_accounts_cost_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
