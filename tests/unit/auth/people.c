/* Everybody, tenant by tenant: each account once, also when a tenant has more than a page of them. */
#include "auth/world.h"

PEOPLE_SETUP

enum { MEMBERS = 45 };

static void join(struct people *p, struct data_context *owner, const char *email)
{
    struct data_invitation invitation;
    struct str token;
    owner->op = store_op_new();
    struct auth_invitation_input in = {.email = str_from(email), .role = DATA_ROLE_VIEWER};
    assert_int_equal(auth_invitation_create(owner, &in, &invitation, &token), 0);
    struct data_context ctx = people_request(p);
    struct auth_result result;
    struct auth_register_input as = {
        .email = str_from(email), .password = WORLD_PASSWORD, .invitation = token};
    assert_int_equal(auth_register(p->auth, &ctx, &as, &result), 0);
}

struct seen {
    size_t all, owners, logins, unseen;
};

static struct seen see(struct people *p, struct str tenant)
{
    struct seen seen = {0};
    struct auth_people_walk walk = {.ended = false};
    while (!walk.ended) {
        struct auth_people people;
        assert_int_equal(auth_people_next(p->w.store, &p->w.arena, &walk, &people), 0);
        assert_true(people.n <= 20);
        for (size_t i = 0; i < people.n; i++) {
            const struct auth_person *one = &people.at[i];
            bool theirs = tenant.n == 0 || str_eq(one->user.tenant_id, tenant);
            seen.all += theirs;
            seen.owners += theirs && one->user.role == DATA_ROLE_OWNER;
            seen.logins += theirs ? one->logins : 0;
            seen.unseen += theirs && one->last_access == 0;
            assert_true(one->tenant.n > 0);
        }
    }
    return seen;
}

static void each_account_once(void **state)
{
    struct people *p = *state;
    assert_int_equal(see(p, STR_EMPTY).all, 0);
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    for (int i = 1; i < MEMBERS; i++) {
        join(p, &ada, arena_printf(&p->w.arena, "m%d@example.com", i).p);
    }
    struct seen all = see(p, STR_EMPTY), adas = see(p, ada.scope.tenant_id);
    assert_int_equal(all.all, MEMBERS + 1);
    assert_int_equal(all.owners, 2);
    assert_int_equal(adas.all, MEMBERS);
    assert_int_equal(adas.logins, MEMBERS);
    assert_int_equal(adas.unseen, 0);
    eve.op = store_op_new();
    assert_int_equal(auth_logout(p->auth, &eve, /* everywhere= */ true), 0);
    assert_int_equal(see(p, eve.scope.tenant_id).unseen, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(each_account_once), TEST_SQLITE(each_account_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
