#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

#define NEW_PASSWORD STR("better horse staple")

struct team {
    struct data_context ada; /* the owner */
    struct data_context mel; /* an admin */
};

static struct team team(struct people *p)
{
    struct team t = {.ada = people_request_of(p, "ada@example.com")};
    t.mel = people_join(p, &t.ada, "mel@example.com", DATA_ROLE_ADMIN);
    return t;
}

static struct str make(struct team *t)
{
    struct auth_reset reset;
    assert_int_equal(auth_member_reset(&t->ada, t->mel.scope.user_id, &reset), 0);
    assert_true(reset.token.n <= AUTH_RESET_MAX);
    assert_int_equal(reset.expires_at, time_now() + AUTH_RESET_MINUTES * 60 * USEC_PER_SEC);
    return reset.token;
}

static int use(struct people *p, struct str token, struct str password)
{
    struct data_context nobody = people_request(p);
    struct auth_reset_input in = {token, password};
    int r = auth_reset_use(p->auth, &nobody, &in);
    if (r == ERR_FORBIDDEN) {
        assert_true(str_starts(nobody.fault.message, STR("This link does not hold")));
    }
    return r;
}

static int enter(struct people *p, struct str password)
{
    struct auth_result result;
    return people_login(p, "mel@example.com", password, &result);
}

static void sets_a_password_once_and_ends_logins(void **state)
{
    struct people *p = *state;
    struct team t = team(p);
    struct str token = make(&t);
    assert_int_equal(enter(p, WORLD_PASSWORD), 0); /* nothing happened yet */
    assert_int_equal(use(p, token, STR("short")), ERR_INVALID);
    assert_int_equal(use(p, token, STR("mel@example.com")), ERR_INVALID);
    assert_int_equal(use(p, token, NEW_PASSWORD), 0);
    assert_int_equal(use(p, token, NEW_PASSWORD), ERR_FORBIDDEN);
    assert_int_equal(auth_still(p->auth, &t.mel), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_still(p->auth, &t.ada), 0);
    assert_int_equal(enter(p, WORLD_PASSWORD), ERR_BAD_CREDENTIALS);
    assert_int_equal(enter(p, NEW_PASSWORD), 0);
}

static void refuses_whatever_is_no_link_alike(void **state)
{
    struct people *p = *state;
    struct team t = team(p);
    struct str first = make(&t);
    struct str token = make(&t);
    assert_int_equal(use(p, first, NEW_PASSWORD), ERR_FORBIDDEN); /* replaced */
    struct str bad[] = {STR(""),
                        STR("x"),
                        STR("a.b.c"),
                        str_slice(token, 0, token.n - 1),
                        arena_printf(&p->w.arena, STR_FMT ".", STR_ARG(token)),
                        str_slice(token, DATA_ID_SIZE + 1, token.n)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(use(p, bad[i], NEW_PASSWORD), ERR_FORBIDDEN);
    }
    time_test_advance(AUTH_RESET_MINUTES * 60 * USEC_PER_SEC);
    assert_int_equal(use(p, token, NEW_PASSWORD), ERR_FORBIDDEN);
    size_t ended;
    assert_int_equal(auth_purge(p->auth, &ended),
                     0); /* and the record is gone: the checker looks */
    struct str late = make(&t);
    struct auth_password_input own = {WORLD_PASSWORD, STR("a third password"), false};
    assert_int_equal(auth_password_change(p->auth, &t.mel, &own), 0);
    assert_int_equal(use(p, late, NEW_PASSWORD), ERR_FORBIDDEN);
}

static void is_for_nobody_above(void **state)
{
    struct people *p = *state;
    struct team t = team(p);
    struct auth_reset reset;
    struct str ada = t.ada.scope.user_id;
    assert_int_equal(auth_member_reset(&t.mel, ada, &reset), ERR_FORBIDDEN);
    assert_int_equal(auth_member_reset(&t.ada, ada, &reset), ERR_CONFLICT);
    assert_int_equal(auth_member_reset(&t.ada, STR("x"), &reset), ERR_NOT_FOUND);
    struct data_context eve = people_request_of(p, "eve@example.com");
    assert_int_equal(auth_member_reset(&eve, ada, &reset), ERR_NOT_FOUND);
    assert_int_equal(auth_member_reset(&eve, t.mel.scope.user_id, &reset), ERR_NOT_FOUND);
}

static struct str record_of(struct people *p, const struct data_context *who)
{
    struct str user = who->scope.user_id;
    struct str id = arena_printf(&p->w.arena, "rst" STR_FMT, STR_ARG(str_slice(user, 3, user.n)));
    return people_key(p, who, "reset", id);
}

/* how: its value instead; empty: it is gone. */
static void keeps_no_other_from_going(struct people *p, struct str how)
{
    struct team t = team(p);
    (void)make(&t);
    time_test_advance(USEC_PER_SEC);
    struct data_context console = people_request(p);
    struct auth_reset reset;
    assert_int_equal(auth_console_reset(&console, STR("ada@example.com"), &reset), 0);
    struct str lost = people_damage(p, record_of(p, &t.mel), how);
    assert_true(lost.n > 0);
    time_test_advance(AUTH_RESET_MINUTES * 60 * USEC_PER_SEC);
    size_t ended;
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(people_damage(p, record_of(p, &t.ada), STR_EMPTY).n, 0);
    (void)people_damage(p, record_of(p, &t.mel), lost);
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(people_damage(p, record_of(p, &t.mel), STR_EMPTY).n, 0);
}
PEOPLE_UNREADABLE(keeps_no_other_from_going)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sets_a_password_once_and_ends_logins),
        TEST_SQLITE(sets_a_password_once_and_ends_logins),
        TEST(refuses_whatever_is_no_link_alike),
        TEST(is_for_nobody_above),
        TEST(a_lost_record_keeps_no_other_from_going),
        TEST(a_damaged_record_keeps_no_other_from_going),
        TEST(a_newer_record_keeps_no_other_from_going),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
