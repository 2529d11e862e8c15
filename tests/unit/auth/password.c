#include "auth/hash_int.h"
#include "auth/world.h"

/* The real cost, once: the PHC string says it. */
static void hashes_with_the_promised_cost(void **state)
{
    (void)state;
    struct auth a = {.cheap_hash = false, .hashers = auth_hashers_create(/* apart= */ false)};
    char phc[AUTH_HASH_ROOM];
    char second[AUTH_HASH_ROOM];
    assert_int_equal(auth_password_hash(&a, WORLD_PASSWORD, phc), 0);
    assert_true(str_starts(str_from(phc), STR("$argon2id$v=19$m=19456,t=2,p=1$")));
    memcpy(a.dummy_hash, phc, sizeof phc);
    assert_int_equal(auth_password_verify(&a, str_from(phc), WORLD_PASSWORD), 0);
    assert_int_equal(auth_password_verify(&a, str_from(phc), STR("correct horse batterx")),
                     ERR_BAD_CREDENTIALS);
    assert_int_equal(auth_password_hash(&a, WORLD_PASSWORD, second), 0);
    assert_string_not_equal(phc, second);
    /* The account that does not exist is verified against the dummy and refused even if the dummy's password comes. */
    assert_int_equal(auth_password_verify(&a, STR_EMPTY, WORLD_PASSWORD), ERR_BAD_CREDENTIALS);
    auth_hashers_destroy(a.hashers);
}

static double cpu_seconds(const struct auth *a, struct str phc)
{
    struct timespec before;
    struct timespec after;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    assert_int_equal(auth_password_verify(a, phc, STR("wrong horse")), ERR_BAD_CREDENTIALS);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    return (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

/* By turns, and the least of each: what else the machine does only adds to it. */
static void unknown_accounts_cost_the_same(void **state)
{
    (void)state;
    struct auth a = {.cheap_hash = false, .hashers = auth_hashers_create(/* apart= */ false)};
    char phc[AUTH_HASH_ROOM];
    assert_int_equal(auth_password_hash(&a, STR("somebody's"), phc), 0);
    assert_int_equal(auth_password_hash(&a, STR("nobody's"), a.dummy_hash), 0);
    double known = cpu_seconds(&a, str_from(phc));
    double unknown = cpu_seconds(&a, STR_EMPTY);
    for (int i = 0; i < 4; i++) {
        double next = cpu_seconds(&a, str_from(phc));
        known = next < known ? next : known;
        next = cpu_seconds(&a, STR_EMPTY);
        unknown = next < unknown ? next : unknown;
    }
    assert_true(unknown > known / 2 && unknown < known * 2);
    auth_hashers_destroy(a.hashers);
}

enum { LOGINS = 200 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double login_seconds(struct people *p, const char *email)
{
    struct timespec before;
    struct timespec after;
    struct auth_result result;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    int r = people_login(p, email, STR("wrong horse battery"), &result);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    assert_int_equal(r, ERR_BAD_CREDENTIALS);
    return (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

/* Whole logins at the real cost, by turns: processor time and medians, so that a busy machine changes nothing. */
static void logins_do_not_tell_accounts_apart(void **state)
{
    (void)state;
    static struct people p;
    static double known[LOGINS / 2];
    static double unknown[LOGINS / 2];
    people_init(&p, "memory", NULL);
    auth_destroy(p.auth);
    struct auth_options options = {.store = p.w.store, .limits_given = true};
    assert_int_equal(auth_create(&options, &p.auth), 0);
    struct data_context ctx = people_request(&p);
    struct auth_result result;
    struct auth_register_input in = {.email = STR("ada@example.com"), .password = WORLD_PASSWORD};
    assert_int_equal(auth_register(p.auth, &ctx, &in, &result), 0);
    for (size_t i = 0; i < LOGINS / 2; i++) {
        known[i] = login_seconds(&p, "ada@example.com");
        unknown[i] = login_seconds(&p, "eve@example.com");
    }
    qsort(known, LOGINS / 2, sizeof *known, by_size);
    qsort(unknown, LOGINS / 2, sizeof *unknown, by_size);
    double ratio = unknown[LOGINS / 4] / known[LOGINS / 4];
    print_message("medians: known %.2f ms, unknown %.2f ms, ratio %.3f\n", known[LOGINS / 4] * 1e3,
                  unknown[LOGINS / 4] * 1e3, ratio);
    assert_true(ratio > 0.9 && ratio < 1.1);
    people_fini(&p);
}

static int check(struct people *p, const char *password, const char *email)
{
    struct data_context ctx = people_request(p);
    int r = auth_password_check(&ctx, "password", str_from(password), str_from(email));
    assert_true((r == 0) == (ctx.fault.message.n == 0));
    return r;
}

static void refuses_what_is_guessed_first(void **state)
{
    (void)state;
    static struct people p;
    people_init(&p, "memory", NULL);
    static const char *const bad[] = {"ada.lovelace@example.com", "Ada.Lovelace@Example.com",
                                      " ada.lovelace ", "ADA.LOVELACE"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(check(&p, bad[i], "ada.lovelace@example.com"), ERR_INVALID);
        assert_int_equal(check(&p, bad[i], "eve@example.com"), 0);
    }
    assert_int_equal(check(&p, "ada.lovelace1", "ada.lovelace@example.com"), 0);
    people_fini(&p);
}

static void refuses_the_commonest(void **state)
{
    (void)state;
    if (auth_common_passwords() == 0) {
        print_message("SKIP common passwords: built without the list\n");
        skip();
    }
    assert_true(auth_common_passwords() >= 3000);
    static struct people p;
    people_init(&p, "memory", NULL);
    static const char *const bad[] = {"password",   "PassWord", " password ", "12345678",
                                      "qwertyuiop", "iloveyou", "trustno1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(check(&p, bad[i], "ada@example.com"), ERR_INVALID);
    }
    /* Every row is found: the table is sorted as it is searched. */
    for (size_t i = 0; i < auth_common_count; i++) {
        struct str word =
            str_of(auth_common_text + auth_common_at[i], auth_common_at[i + 1] - auth_common_at[i]);
        assert_true(word.n >= AUTH_PASSWORD_MIN);
        assert_int_equal(check(&p, arena_str(&p.w.arena, word).p, "ada@example.com"), ERR_INVALID);
    }
    assert_int_equal(check(&p, "password of ada", "ada@example.com"), 0);
    assert_int_equal(check(&p, "passwordpasswore", "ada@example.com"), 0);
    people_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes_with_the_promised_cost),
                                       cmocka_unit_test(unknown_accounts_cost_the_same),
                                       cmocka_unit_test(logins_do_not_tell_accounts_apart),
                                       cmocka_unit_test(refuses_what_is_guessed_first),
                                       cmocka_unit_test(refuses_the_commonest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
