/* What the operator lets a tenant have: by its plan, else by the settings; at once here, and soon on other servers. */
#include "auth/auth_int.h"
#include "auth/world.h"

PEOPLE_SETUP

static int set(struct people *p, struct str tenant, const struct auth_plan_change *limits)
{
    struct data_context ctx = people_request(p);
    struct auth_plan_change change = *limits;
    change.tenant_id = tenant;
    ctx.client.address = STR("console");
    return auth_plan_set(p->auth, &ctx, &change);
}

static int set_one(struct people *p, struct str tenant, enum auth_plan_limit limit, int64_t value)
{
    struct auth_plan_change change = {.given = 1U << limit};
    change.limits[limit] = value;
    return set(p, tenant, &change);
}

static struct data_quota quota_of(struct auth *a, struct str tenant)
{
    struct data_quota quota;
    auth_plan_quota(a, tenant, &quota);
    return quota;
}

static void begin(struct people *p)
{
    people_fini(p);
    people_init(p, "memory",
                &(struct auth_options){.limits_given = true,
                                       .quota = {.members = 10, .sessions = 20, .tenant = 30}});
}

static void a_plan_takes_the_place_of_settings(void **state)
{
    struct people *p = *state;
    begin(p);
    struct str ada = people_register(p, "ada@example.com").scope.tenant_id;
    struct str eve = people_register(p, "eve@example.com").scope.tenant_id;
    struct auth_plan_change change = {.given = 1U << AUTH_PLAN_MEMBERS | 1U << AUTH_PLAN_STORAGE |
                                               1U << AUTH_PLAN_REQUESTS | 1U << AUTH_PLAN_RUNNING,
                                      .limits = {[AUTH_PLAN_MEMBERS] = 2,
                                                 [AUTH_PLAN_STORAGE] = AUTH_PLAN_NONE,
                                                 [AUTH_PLAN_REQUESTS] = 7,
                                                 [AUTH_PLAN_RUNNING] = AUTH_PLAN_MOST}};
    assert_int_equal(set(p, ada, &change), 0);
    for (int i = 0; i < 2; i++) {
        struct data_quota quota = quota_of(p->auth, ada);
        assert_int_equal(quota.members, 2);
        assert_int_equal(quota.sessions, 20);
        assert_int_equal(quota.tenant, 0);
        assert_int_equal(quota.requests, 7);
        assert_int_equal(quota.running, AUTH_PLAN_MOST);
        quota = quota_of(p->auth, eve);
        assert_int_equal(quota.members, 10);
        assert_int_equal(quota.tenant, 30);
        assert_int_equal(quota.requests, 0);
        assert_int_equal(auth_look_again(p->auth), 0); /* the store says so too */
    }
    assert_int_equal(set_one(p, ada, AUTH_PLAN_SESSIONS, 5), 0); /* the others stay */
    assert_int_equal(quota_of(p->auth, ada).sessions, 5);
    assert_int_equal(quota_of(p->auth, ada).members, 2);
    for (unsigned i = 0; i < AUTH_PLAN_LIMITS; i++) {
        assert_int_equal(set_one(p, ada, (enum auth_plan_limit)i, AUTH_PLAN_AS_SET), 0);
    }
    assert_int_equal(quota_of(p->auth, ada).members, 10);
    assert_int_equal(set_one(p, ada, AUTH_PLAN_MEMBERS, AUTH_PLAN_AS_SET), 0); /* once more */
}

static void what_is_no_limit_is_refused(void **state)
{
    struct people *p = *state;
    struct str ada = people_register(p, "ada@example.com").scope.tenant_id;
    char other[DATA_ID_ROOM];
    assert_int_equal(set_one(p, ada, AUTH_PLAN_MEMBERS, -2), ERR_INVALID);
    assert_int_equal(set_one(p, ada, AUTH_PLAN_MEMBERS, AUTH_PLAN_MOST + 1), ERR_INVALID);
    assert_int_equal(set_one(p, ada, AUTH_PLAN_REQUESTS, AUTH_PLAN_NONE), ERR_INVALID);
    assert_int_equal(set_one(p, STR("ten-"), AUTH_PLAN_MEMBERS, 1), ERR_INVALID);
    assert_int_equal(set_one(p, data_id_new(other, "ten"), AUTH_PLAN_MEMBERS, 1), ERR_NOT_FOUND);
    assert_int_equal(quota_of(p->auth, ada).members, 0);
}

static void it_is_in_the_tenants_audit_log(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct auth_plan_change change = {
        .given = 1U << AUTH_PLAN_MEMBERS | 1U << AUTH_PLAN_REQUESTS,
        .limits = {[AUTH_PLAN_MEMBERS] = 3, [AUTH_PLAN_REQUESTS] = 4}};
    assert_int_equal(set(p, ada.scope.tenant_id, &change), 0);
    struct auth_audit_input in = {.limit = 10, .action = STR("tenant.limits")};
    struct auth_audit_page page;
    assert_int_equal(auth_audit_list(&ada, &in, &page), 0);
    assert_int_equal(page.n, 1);
    assert_str(page.at[0].changed, "members,requests");
    assert_str(page.at[0].address, "console");
    assert_int_equal(page.at[0].actor_id.n, 0);
    assert_true(str_eq(page.at[0].target, ada.scope.tenant_id));
}

static void nobody_joins_beyond_the_plan(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_invitation invitation;
    struct str token;
    struct auth_invitation_input in = {.email = STR("mel@example.com"), .role = DATA_ROLE_MEMBER};
    assert_int_equal(auth_invitation_create(&ada, &in, &invitation, &token), 0);
    assert_int_equal(set_one(p, ada.scope.tenant_id, AUTH_PLAN_MEMBERS, 1), 0);
    struct auth_register_input as = {
        .email = in.email, .password = WORLD_PASSWORD, .invitation = token};
    struct auth_result result;
    struct data_context mel = people_request(p);
    assert_int_equal(auth_register(p->auth, &mel, &as, &result), ERR_LIMIT);
    assert_int_equal(set_one(p, ada.scope.tenant_id, AUTH_PLAN_MEMBERS, 2), 0);
    mel = people_request(p);
    assert_int_equal(auth_register(p->auth, &mel, &as, &result), 0);
    assert_str(result.scope.tenant_id, arena_str(&p->w.arena, ada.scope.tenant_id).p);
}

enum { MANY = 205 };

static int many_fn(struct txn *txn, void *ctx)
{
    char(*ids)[DATA_ID_ROOM] = ctx;
    for (size_t i = 0; i < MANY; i++) {
        usec_t now = time_now();
        struct scope scope = {.tenant_id = str_from(ids[i])};
        char plan_id[DATA_ID_ROOM] = "pln";
        memcpy(plan_id + 3, ids[i] + 3, sizeof plan_id - 3);
        struct data_tenant tenant = {.id = scope.tenant_id,
                                     .name = STR("one"),
                                     .created_at = now,
                                     .updated_at = now,
                                     .revision = 1};
        struct data_plan plan = {
            .id = str_from(plan_id), .members = (int64_t)i + 1, .updated_at = now};
        int r = data_tenant_put(txn, &scope, &tenant);
        r = r < 0 ? r : data_plan_put(txn, &scope, &plan);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void more_than_a_page_of_plans(void **state)
{
    struct people *p = *state;
    static char ids[MANY][DATA_ID_ROOM];
    struct store_op op = store_op_new();
    for (size_t i = 0; i < MANY; i++) {
        (void)data_id_new(ids[i], "ten");
    }
    assert_int_equal(store_write(p->w.store, &op, many_fn, ids), 0);
    assert_int_equal(quota_of(p->auth, str_from(ids[0])).members, 0);
    assert_int_equal(auth_look_again(p->auth), 0); /* another server wrote them */
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(quota_of(p->auth, str_from(ids[i])).members, i + 1);
    }
    size_t n = 0;
    struct data_context ctx = people_request(p);
    struct data_tenant tenant = {.id = STR_EMPTY};
    int r;
    while ((r = auth_tenant_next(&ctx, tenant.id, &tenant)) == 0) {
        assert_str(tenant.name, "one");
        n++;
    }
    assert_int_equal(r, ERR_NOT_FOUND);
    assert_int_equal(n, MANY);
}

static void another_server_learns_of_it(void **state)
{
    struct people *p = *state;
    struct str ada = people_register(p, "ada@example.com").scope.tenant_id;
    struct auth *other;
    struct auth_options options = {.store = p->w.store, .cheap_hash = true, .limits_given = true};
    assert_int_equal(auth_create(&options, &other), 0);
    assert_int_equal(set_one(p, ada, AUTH_PLAN_MEMBERS, 4), 0);
    assert_int_equal(quota_of(other, ada).members, 0);
    assert_int_equal(auth_look_again(other), 0);
    assert_int_equal(quota_of(other, ada).members, 4);
    auth_destroy(other);
    assert_int_equal(auth_create(&options, &other), 0); /* and one that starts */
    assert_int_equal(quota_of(other, ada).members, 4);
    auth_destroy(other);
}

struct leaving {
    struct data_context *ctx;
    struct str proof;
};

static int leave_fn(struct txn *txn, void *ctx)
{
    const struct leaving *l = ctx;
    bool last;
    return auth_leave_in(txn, l->ctx, l->proof, &last);
}

static int plans_fn(struct txn *txn, void *ctx)
{
    const struct data_query query = {.index = DATA_PLAN_BY_UPDATED, .limit = 10};
    struct data_place *places;
    return data_places(txn, &data_plan_type, &query, &places, ctx);
}

static size_t plans_in(struct people *p)
{
    size_t n = 0;
    assert_int_equal(store_read(p->w.store, plans_fn, &n), 0);
    return n;
}

/* The last one's leaving ends the tenant: its plan is no more, here and on other servers, and another's stays. */
static void it_ends_with_its_tenant(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str eve = people_register(p, "eve@example.com").scope.tenant_id;
    assert_int_equal(set_one(p, ada.scope.tenant_id, AUTH_PLAN_MEMBERS, 4), 0);
    assert_int_equal(set_one(p, eve, AUTH_PLAN_MEMBERS, 5), 0);
    assert_int_equal(plans_in(p), 2);
    struct leaving l = {.ctx = &ada};
    struct store_op op = store_op_new();
    assert_int_equal(auth_leave_prove(p->auth, &ada, WORLD_PASSWORD, &l.proof), 0);
    assert_int_equal(store_write(p->w.store, &op, leave_fn, &l), 0);
    assert_int_equal(plans_in(p), 1);
    assert_int_equal(auth_look_again(p->auth), 0);
    assert_int_equal(quota_of(p->auth, ada.scope.tenant_id).members, 0);
    assert_int_equal(quota_of(p->auth, eve).members, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plan_takes_the_place_of_settings),
        TEST(what_is_no_limit_is_refused),
        TEST(it_is_in_the_tenants_audit_log),
        TEST_SQLITE(it_is_in_the_tenants_audit_log),
        TEST(nobody_joins_beyond_the_plan),
        TEST(more_than_a_page_of_plans),
        TEST_SQLITE(more_than_a_page_of_plans),
        TEST(another_server_learns_of_it),
        TEST(it_ends_with_its_tenant),
        TEST_SQLITE(it_ends_with_its_tenant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
