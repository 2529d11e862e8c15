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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes_with_the_promised_cost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
