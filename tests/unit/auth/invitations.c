#include "auth/world.h"

PEOPLE_SETUP

static const usec_t day = 24 * 3600 * USEC_PER_SEC;

static struct str invite(struct data_context *by, const char *email)
{
    struct data_invitation invitation;
    struct str token;
    by->op = store_op_new();
    struct auth_invitation_input in = {.email = str_from(email), .role = DATA_ROLE_MEMBER};
    assert_int_equal(auth_invitation_create(by, &in, &invitation, &token), 0);
    assert_true(token.n <= AUTH_INVITATION_MAX);
    return token;
}

static int take_up(struct people *p, const char *email, struct str token)
{
    struct data_context ctx = people_request(p);
    struct auth_result result;
    struct auth_register_input in = {
        .email = str_from(email), .password = WORLD_PASSWORD, .invitation = token};
    return auth_register(p->auth, &ctx, &in, &result);
}

static size_t open_ones(struct data_context *by)
{
    struct auth_invitations list;
    assert_int_equal(
        auth_invitations_list(by, &(struct auth_invitations_input){.limit = DATA_MAX_LIST}, &list),
        0);
    return list.n;
}

static void ends_by_age_and_is_purged(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str token = invite(&ada, "mel@example.com");
    time_test_advance(AUTH_INVITATION_DAYS * day - USEC_PER_SEC);
    struct str later = invite(&ada, "max@example.com");
    size_t ended;
    assert_int_equal(auth_invitations_purge(p->w.store, &ended), 0);
    assert_int_equal(ended, 0);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(take_up(p, "mel@example.com", token), ERR_FORBIDDEN);
    assert_int_equal(auth_invitations_purge(p->w.store, &ended), 0);
    assert_int_equal(ended, 1);
    assert_int_equal(open_ones(&ada), 1);
    assert_int_equal(take_up(p, "max@example.com", later), 0);
    assert_int_equal(open_ones(&ada), 0);
}

/* how: its value instead; empty: it is gone. */
static void keeps_no_other_from_going(struct people *p, struct str how)
{
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str token = invite(&ada, "mel@example.com");
    struct str tenant = ada.scope.tenant_id;
    struct str id = str_slice(token, tenant.n + 1, 2 * tenant.n + 1);
    struct str key = people_key(p, &ada, "invitation", id);
    struct str lost = people_damage(p, key, how);
    assert_true(lost.n > 0);
    time_test_advance(USEC_PER_SEC);
    (void)invite(&ada, "max@example.com");
    time_test_advance(AUTH_INVITATION_DAYS * day);
    size_t ended;
    assert_int_equal(auth_invitations_purge(p->w.store, &ended), 0);
    assert_int_equal(ended, 1);
    (void)people_damage(p, key, lost);
    assert_int_equal(auth_invitations_purge(p->w.store, &ended), 0);
    assert_int_equal(ended, 1);
}
PEOPLE_UNREADABLE(keeps_no_other_from_going)

static void a_changed_secret_is_refused(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str token = invite(&ada, "mel@example.com");
    char *changed = arena_alloc(&p->w.arena, token.n);
    for (size_t i = 0; i < token.n; i++) {
        memcpy(changed, token.p, token.n);
        changed[i] = changed[i] == 'b' ? 'c' : 'b';
        assert_int_equal(take_up(p, "mel@example.com", str_of(changed, token.n)), ERR_FORBIDDEN);
    }
    assert_int_equal(take_up(p, "mel@example.com", str_slice(token, 0, token.n - 1)),
                     ERR_FORBIDDEN);
    assert_int_equal(take_up(p, "mel@example.com", token), 0);
    assert_int_equal(take_up(p, "mel2@example.com", token), ERR_FORBIDDEN);
}

static void takes_no_taken_address(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    (void)people_register(p, "eve@example.com");
    struct str token = invite(&ada, "eve@example.com");
    assert_int_equal(take_up(p, "eve@example.com", token), ERR_EXISTS);
    assert_int_equal(open_ones(&ada), 1);
}

static void registration_by_invitation_alone(void **state)
{
    (void)state;
    struct people p;
    people_init(&p, "memory", &(struct auth_options){.limits_given = true});
    struct data_context ada = people_request_of(&p, "ada@example.com");
    struct str token = invite(&ada, "mel@example.com");
    struct str second = invite(&ada, "max@example.com");
    auth_destroy(p.auth);
    static const char *const domains[] = {"Example.com"};
    struct auth_options options = {.store = p.w.store,
                                   .cheap_hash = true,
                                   .limits_given = true,
                                   .registration = AUTH_REGISTRATION_INVITE};
    assert_int_equal(auth_create(&options, &p.auth), 0);
    struct data_context ctx = people_request(&p);
    struct auth_result result;
    struct auth_register_input in = {.email = STR("x@example.com"), .password = WORLD_PASSWORD};
    assert_int_equal(auth_register(p.auth, &ctx, &in, &result), ERR_FORBIDDEN);
    assert_int_equal(take_up(&p, "mel@example.com", token), 0);
    auth_destroy(p.auth);
    options.registration = AUTH_REGISTRATION_OPEN;
    options.domains = domains;
    options.domain_count = 1;
    assert_int_equal(auth_create(&options, &p.auth), 0);
    assert_int_equal(auth_register(p.auth, &ctx, &in, &result), 0);
    in.email = STR("x@sub.example.com");
    assert_int_equal(auth_register(p.auth, &ctx, &in, &result), ERR_FORBIDDEN);
    auth_destroy(p.auth);
    options.registration = AUTH_REGISTRATION_CLOSED;
    assert_int_equal(auth_create(&options, &p.auth), 0);
    assert_int_equal(take_up(&p, "max@example.com", second), ERR_FORBIDDEN);
    people_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ends_by_age_and_is_purged),
        TEST_SQLITE(ends_by_age_and_is_purged),
        TEST(a_lost_record_keeps_no_other_from_going),
        TEST(a_damaged_record_keeps_no_other_from_going),
        TEST(a_newer_record_keeps_no_other_from_going),
        TEST(a_changed_secret_is_refused),
        TEST(takes_no_taken_address),
        cmocka_unit_test(registration_by_invitation_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
