#include "auth/world.h"

/* A network that a stranger shares, at the standard limits. */

static const usec_t day = (usec_t)24 * 3600 * USEC_PER_SEC;

static int setup(void **state)
{
    static struct people p;
    people_init(&p, "memory", &(struct auth_options){0});
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    people_fini(*state);
    return 0;
}

struct attempt {
    const char *email;
    struct str password, known;
    struct data_context ctx; /* as it is afterwards */
};

static int attempt(struct people *p, struct attempt *in)
{
    struct auth_result result;
    const struct auth_login_input login = {
        .email = str_from(in->email), .password = in->password, .known = in->known};
    in->ctx = people_request(p);
    return auth_login(p->auth, &in->ctx, &login, &result);
}

static int comes_in(struct people *p, const char *email, struct str known)
{
    return attempt(p,
                   &(struct attempt){.email = email, .password = WORLD_PASSWORD, .known = known});
}

static struct str mark_of(struct people *p, const char *email)
{
    return auth_known_make(p->auth, &p->w.arena, str_from(email));
}

/* Whatever a stranger can use up where they are: logins of the network, and wrong passwords for her account. */
static void use_up(struct people *p)
{
    struct attempt guess = {.email = "ada@example.com", .password = STR("wrong horse")};
    for (int i = 0; i < 11; i++) {
        assert_int_equal(attempt(p, &guess), i < 10 ? ERR_BAD_CREDENTIALS : ERR_RATE_LIMITED);
    }
    char email[32];
    guess.email = email;
    int r = ERR_BAD_CREDENTIALS;
    for (int i = 0; r == ERR_BAD_CREDENTIALS && i < 60; i++) {
        (void)snprintf(email, sizeof email, "nobody%d@example.com", i);
        r = attempt(p, &guess);
    }
    assert_int_equal(r, ERR_RATE_LIMITED);
}

static void a_neighbour_locks_out_no_known_browser(void **state)
{
    struct people *p = *state;
    (void)people_register(p, "ada@example.com");
    struct str known = mark_of(p, "ada@example.com");
    use_up(p);
    assert_int_equal(comes_in(p, "ada@example.com", STR_EMPTY), ERR_RATE_LIMITED);
    assert_int_equal(comes_in(p, "ada@example.com", known), 0);
    struct attempt again = {
        .email = " ADA@example.com", .password = WORLD_PASSWORD, .known = known};
    assert_int_equal(attempt(p, &again), 0);
    assert_int_equal(again.ctx.limit.limit, 10);
    assert_int_equal(again.ctx.fault.retry_after_ms, 0);
}

/* It is no way past what everybody shares: not for guesses, and not for logins. */
static void a_known_browser_has_so_many(void **state)
{
    struct people *p = *state;
    (void)people_register(p, "ada@example.com");
    struct str known = mark_of(p, "ada@example.com");
    use_up(p);
    struct attempt guess = {
        .email = "ada@example.com", .password = STR("wrong horse"), .known = known};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(attempt(p, &guess), ERR_BAD_CREDENTIALS);
        assert_int_equal(comes_in(p, "ada@example.com", mark_of(p, "ada@example.com")), 0);
    }
    assert_int_equal(attempt(p, &guess), ERR_RATE_LIMITED);
    assert_int_equal(comes_in(p, "ada@example.com", known), ERR_RATE_LIMITED);
    time_test_advance(6 * USEC_PER_SEC);
    assert_int_equal(comes_in(p, "ada@example.com", known), 0);
}

static void a_known_browser_without_more_is_as_everybody(void **state)
{
    struct people *p = *state;
    (void)people_register(p, "ada@example.com");
    struct str known = mark_of(p, "ada@example.com");
    for (int i = 0; i < 15; i++) {
        assert_int_equal(comes_in(p, "ada@example.com", known), 0);
    }
    struct attempt guess = {
        .email = "ada@example.com", .password = STR("wrong horse"), .known = known};
    for (int i = 0; i < 11; i++) {
        assert_int_equal(attempt(p, &guess), i < 10 ? ERR_BAD_CREDENTIALS : ERR_RATE_LIMITED);
    }
}

/* Somebody else's, of an address without an account, changed, or too old. */
static void no_other_mark_is_taken(void **state)
{
    struct people *p = *state;
    (void)people_register(p, "ada@example.com");
    (void)people_register(p, "eve@example.com");
    struct str good = mark_of(p, "ada@example.com");
    struct str marks[] = {STR("x"),
                          STR("."),
                          STR("1.1"),
                          mark_of(p, "eve@example.com"),
                          str_slice(good, 0, good.n - 1),
                          arena_printf(&p->w.arena, "9" STR_FMT, STR_ARG(good))};
    use_up(p);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        assert_int_equal(comes_in(p, "ada@example.com", marks[i]), ERR_RATE_LIMITED);
    }
    assert_int_equal(comes_in(p, "ada@example.com", good), 0);
    time_test_advance(AUTH_KNOWN_DAYS * day);
    use_up(p);
    assert_int_equal(comes_in(p, "ada@example.com", good), ERR_RATE_LIMITED);
    assert_int_equal(comes_in(p, "ada@example.com", mark_of(p, "ada@example.com")), 0);
}

/* It is the same answer, by the same count, for an address whose account is gone. */
static void it_tells_nobody_who_has_an_account(void **state)
{
    struct people *p = *state;
    (void)people_register(p, "ada@example.com");
    struct str gone = mark_of(p, "gone@example.com");
    use_up(p);
    struct attempt of_nobody = {
        .email = "gone@example.com", .password = STR("wrong horse"), .known = gone};
    struct attempt of_ada = {.email = "ada@example.com",
                             .password = STR("wrong horse"),
                             .known = mark_of(p, "ada@example.com")};
    for (int i = 0; i < 12; i++) {
        int r = attempt(p, &of_nobody);
        assert_int_equal(r, i < 10 ? ERR_BAD_CREDENTIALS : ERR_RATE_LIMITED);
        assert_int_equal(attempt(p, &of_ada), r);
        assert_int_equal(of_nobody.ctx.limit.limit, of_ada.ctx.limit.limit);
        assert_int_equal(of_nobody.ctx.limit.remaining, of_ada.ctx.limit.remaining);
    }
}

#define ALONE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(a_neighbour_locks_out_no_known_browser),       ALONE(a_known_browser_has_so_many),
        ALONE(a_known_browser_without_more_is_as_everybody), ALONE(no_other_mark_is_taken),
        ALONE(it_tells_nobody_who_has_an_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
