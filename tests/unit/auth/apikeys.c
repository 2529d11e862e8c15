/* API keys: kept as a hash, used until their end, noted seldom, gone with their person. */
#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

static const usec_t day = 24 * 60 * 60 * USEC_PER_SEC;

struct made {
    struct data_apikey key;
    struct str token;
};

static struct made make(struct data_context *ctx, int64_t days)
{
    struct made m;
    struct auth_apikey_input in = {
        .name = STR("script"), .access = DATA_APIKEY_ACCESS_WRITE, .days = days};
    assert_int_equal(auth_apikey_create(ctx, &in, &m.key, &m.token), 0);
    assert_true(auth_apikey_is(m.token));
    return m;
}

static int use(struct people *p, struct str token, struct data_context *ret_ctx)
{
    enum data_apikey_access access;
    *ret_ctx = people_request(p);
    return auth_apikey_authenticate(p->auth, ret_ctx, token, &access);
}

static int works(struct people *p, struct str token)
{
    struct data_context ctx;
    return use(p, token, &ctx);
}

static void comes_in_as_its_person(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct made m = make(&ada, 1);
    struct data_context ctx;
    assert_int_equal(use(p, m.token, &ctx), 0);
    assert_true(str_eq(ctx.scope.user_id, ada.scope.user_id));
    assert_true(str_eq(ctx.scope.tenant_id, ada.scope.tenant_id));
    assert_int_equal(ctx.scope.role, DATA_ROLE_OWNER);
    assert_int_equal(ctx.scope.login_id.n, 0);
    assert_null(memmem(m.key.reply.p, m.key.reply.n, m.key.hash.p, m.key.hash.n));
    assert_int_equal(people_use(p, m.token), ERR_UNAUTHENTICATED); /* it is no login's token */
}

static void refuses_any_other_byte(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct made m = make(&ada, 1);
    for (size_t i = 0; i <= m.token.n; i++) {
        char *copy = arena_alloc(&p->w.arena, m.token.n);
        memcpy(copy, m.token.p, m.token.n);
        if (i < m.token.n) {
            copy[i] = copy[i] == 'a' ? 'b' : 'a';
        }
        struct str bad = str_of(copy, i < m.token.n ? m.token.n : m.token.n - 1);
        assert_int_equal(works(p, bad), ERR_UNAUTHENTICATED);
    }
    assert_int_equal(works(p, m.token), 0);
}

static void ends_by_its_age(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct made soon = make(&ada, 1);
    struct made later = make(&ada, 2);
    size_t ended;
    time_test_advance(day - 1);
    assert_int_equal(works(p, soon.token), 0);
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(ended, 0);
    time_test_advance(1);
    assert_int_equal(works(p, soon.token), ERR_UNAUTHENTICATED); /* before anybody purged */
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(ended, 1);
    struct auth_apikeys keys;
    assert_int_equal(auth_apikeys_list(&ada, 100, STR_EMPTY, &keys), 0);
    assert_int_equal(keys.n, 1);
    assert_true(str_eq(keys.at[0].id, later.key.id));
    assert_int_equal(works(p, later.token), 0);
    struct auth_audit_page page; /* it was the server, not Ada */
    const struct auth_audit_input in = {.limit = 1, .action = STR("key.expire")};
    assert_int_equal(auth_audit_list(&ada, &in, &page), 0);
    assert_int_equal(page.n, 1);
    assert_int_equal(page.at[0].actor_id.n, 0);
}

/* how: its value instead; empty: it is gone. */
static void keeps_no_other_from_going(struct people *p, struct str how)
{
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct made gone = make(&ada, 1);
    time_test_advance(USEC_PER_SEC);
    (void)make(&ada, 1);
    struct str key = people_key(p, &ada, "apikey", gone.key.id);
    struct str lost = people_damage(p, key, how);
    assert_true(lost.n > 0);
    time_test_advance(day);
    size_t ended;
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(ended, 1);
    (void)people_damage(p, key, lost);
    assert_int_equal(auth_purge(p->auth, &ended), 0);
    assert_int_equal(ended, 1);
}
PEOPLE_UNREADABLE(keeps_no_other_from_going)

static usec_t last_use(struct data_context *ctx)
{
    struct auth_apikeys keys;
    assert_int_equal(auth_apikeys_list(ctx, 100, STR_EMPTY, &keys), 0);
    return keys.at[0].last_used_at;
}

static void notes_its_use_seldom_and_later(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct made m = make(&ada, 1);
    struct store_stats before;
    struct store_stats after;
    store_stats(p->w.store, &before);
    assert_int_equal(works(p, m.token), 0);
    store_stats(p->w.store, &after);
    assert_int_equal(after.writes, before.writes);
    assert_int_equal(last_use(&ada), 0);
    assert_int_equal(auth_flush(p->auth), 0);
    usec_t first = last_use(&ada);
    assert_int_equal(first, time_now());
    time_test_advance(299 * USEC_PER_SEC);
    assert_int_equal(works(p, m.token), 0);
    assert_int_equal(auth_flush(p->auth), 0);
    assert_int_equal(last_use(&ada), first);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(works(p, m.token), 0);
    assert_int_equal(auth_apikey_revoke(&ada, m.key.id), 0);
    assert_int_equal(auth_flush(p->auth), 0); /* a note of a key that is gone */
}

static void belongs_to_one_person(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct made m = make(&ada, 1);
    assert_int_equal(auth_apikey_revoke(&eve, m.key.id), ERR_NOT_FOUND);
    /* A colleague of the same tenant. */
    struct data_context colleague = ada;
    colleague.scope.user_id = eve.scope.user_id;
    assert_int_equal(auth_apikey_revoke(&colleague, m.key.id), ERR_NOT_FOUND);
    assert_int_equal(works(p, m.token), 0);
    assert_int_equal(auth_apikey_revoke(&ada, m.key.id), 0);
    assert_int_equal(works(p, m.token), ERR_UNAUTHENTICATED);
}

static void are_a_bounded_number(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct made first = make(&ada, 1);
    for (int i = 1; i < AUTH_MAX_APIKEYS; i++) {
        (void)make(&ada, 1);
    }
    struct made m;
    struct auth_apikey_input in = {
        .name = STR("script"), .access = DATA_APIKEY_ACCESS_READ, .days = 1};
    assert_int_equal(auth_apikey_create(&ada, &in, &m.key, &m.token), ERR_LIMIT);
    assert_int_equal(auth_apikey_revoke(&ada, first.key.id), 0);
    (void)make(&ada, 1);
}

/* Whoever had the old password could have made keys. */
static void ends_with_the_password(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct made hers = make(&eve, 1);
    struct made m = make(&ada, 1);
    struct auth_password_input in = {WORLD_PASSWORD, STR("a new password"), false};
    assert_int_equal(auth_password_change(p->auth, &ada, &in), 0);
    assert_int_equal(works(p, m.token), 0);
    in = (struct auth_password_input){STR("a new password"), STR("a third password"), true};
    assert_int_equal(auth_password_change(p->auth, &ada, &in), 0);
    assert_int_equal(works(p, m.token), ERR_UNAUTHENTICATED);
    m = make(&ada, 1);
    struct data_context console = people_request(p);
    struct auth_reset reset;
    assert_int_equal(auth_console_reset(&console, STR("ada@example.com"), &reset), 0);
    assert_int_equal(works(p, m.token), 0);
    const struct auth_reset_input by = {reset.token, STR("a fourth password")};
    assert_int_equal(auth_reset_use(p->auth, &console, &by), 0);
    assert_int_equal(works(p, m.token), ERR_UNAUTHENTICATED);
    assert_int_equal(works(p, hers.token), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(comes_in_as_its_person),
        TEST_SQLITE(comes_in_as_its_person),
        TEST(refuses_any_other_byte),
        TEST(ends_by_its_age),
        TEST_SQLITE(ends_by_its_age),
        TEST(notes_its_use_seldom_and_later),
        TEST(belongs_to_one_person),
        TEST(are_a_bounded_number),
        TEST(ends_with_the_password),
        TEST(a_lost_record_keeps_no_other_from_going),
        TEST(a_damaged_record_keeps_no_other_from_going),
        TEST(a_newer_record_keeps_no_other_from_going),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
