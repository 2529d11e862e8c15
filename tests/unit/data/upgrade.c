#include "data/data_int.h"
#include "data/world.h"

/* As a server stored them whose records of people had version 1. */
#define TENANT "ten-01m80nfny4r2az96b67pmyqjb1"
#define HASH \
    "$argon2id$v=19$m=19456,t=2,p=1$cSpfINN8r4J6Ocr8mwyhWA$iTc/" \
    "BIYolKCO+heuSfX6ek+8aXwhRpAOZngYH2C5z/0"

static const struct str member_1 =
    STR("1 {\"id\":\"usr-01m80nfny4xx4s2e791hqc45zs\",\"tenant_id\":\"" TENANT
        "\",\"email\":\"ada-1@example.com\",\"name\":\"ada\",\"role\":\"owner\",\"created_at\":"
        "\"2026-11-22T03:41:03.812Z\",\"updated_at\":\"2026-11-22T03:41:03.812Z\",\"revision\":1}"
        "\0{\"password\":\"" HASH "\",\"password_changed_at\":\"2026-11-22T03:41:03.812Z\"}");

static const struct str removed_1 =
    STR("1 {\"id\":\"usr-01m80nfp5h7bedrzysf7mebe4m\",\"tenant_id\":\"" TENANT
        "\",\"name\":\"Bob\",\"role\":\"member\",\"removed_at\":\"2026-11-22T03:41:04.058Z\","
        "\"created_at\":\"2026-11-22T03:41:04.049Z\",\"updated_at\":\"2026-11-22T03:41:04.058Z\","
        "\"revision\":2}\0{\"password\":\"removed\",\"password_changed_at\":"
        "\"2026-11-22T03:41:04.049Z\"}");

/* As a server stored them whose people had no identities. */
static const struct str member_2 =
    STR("2 {\"id\":\"usr-01m80nfny4xx4s2e791hqc45zs\",\"tenant_id\":\"" TENANT
        "\",\"email\":\"ada-1@example.com\",\"name\":\"ada\",\"role\":\"owner\",\"created_at\":"
        "\"2026-11-22T03:41:03.812Z\",\"updated_at\":\"2026-11-22T03:41:03.812Z\",\"revision\":1}"
        "\0{\"password\":\"" HASH "\",\"password_changed_at\":\"2026-11-22T03:41:03.812Z\"}");

/* As a server stored them that did not count what tenants have in the store. */
static const struct str plan_1 =
    STR("1 {\"id\":\"pln-01m80nfny4r2az96b67pmyqjb1\",\"members\":50,\"storage\":-1,"
        "\"updated_at\":\"2026-11-22T03:41:03.812Z\"}\0{}");

static struct data_user read_user(struct arena *arena, struct str value)
{
    struct data_user user;
    assert_int_equal(data_record_decode(arena, &data_user_type, value, &user), 0);
    return user;
}

static void people_of_version_1(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct data_user member = read_user(&arena, member_1);
    assert_str(member.password, HASH);
    assert_str(member.email, "ada-1@example.com");
    assert_int_equal(member.role, DATA_ROLE_OWNER);
    struct data_user removed = read_user(&arena, removed_1);
    assert_int_equal(removed.password.n, 0);
    assert_str(removed.name, "Bob");
    assert_true(removed.removed_at == removed.updated_at && removed.removed_at > 0);
}

static void plans_of_version_1(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct data_plan plan;
    assert_int_equal(data_record_decode(&arena, &data_plan_type, plan_1, &plan), 0);
    assert_int_equal(plan.members, 50);
    assert_int_equal(plan.storage, -1);
    assert_int_equal(plan.stored, 0); /* as the settings say */
    struct str value = data_record_encode(&arena, &data_plan_type, &plan);
    assert_true(str_starts(value, STR("2 {")));
}

/* What is put is of today, is read as the same, and what replies copy is what it was. */
static void are_stored_in_todays_shape(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    const struct str old[] = {member_1, removed_1, member_2};
    for (size_t i = 0; i < 3; i++) {
        struct data_user user = read_user(&arena, old[i]);
        struct str reply = str_slice(old[i], 2, str_find(old[i], '\0', 0));
        assert_true(str_eq(user.reply, reply));
        struct str value = data_record_encode(&arena, &data_user_type, &user);
        assert_true(str_starts(value, STR("3 {")));
        struct data_user again = read_user(&arena, value);
        assert_true(str_eq(again.password, user.password) && str_eq(again.reply, reply));
    }
}

/* A hole or a wrong byte is damage in an older shape as in today's. */
static void notices_damage(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct data_user user;
    for (size_t n = 0; n < removed_1.n; n++) {
        assert_int_equal(
            data_record_decode(&arena, &data_user_type, str_slice(removed_1, 0, n), &user),
            ERR_CORRUPT);
    }
    static const struct str wrong[] = {
        STR("0 {}\0{}"),
        STR("1 {}\0{}"),
        STR("1 {}\0{\"password\":7}"),
        STR("1 {}\0{\"password\":\"removed\"}"),
        STR("1 {}\0[\"password\"]"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(data_record_decode(&arena, &data_user_type, wrong[i], &user), ERR_CORRUPT);
    }
    static const struct str unknown =
        STR("1 {\"more\":1}\0{\"password\":\"removed\",\"more\":true}");
    assert_int_equal(data_record_decode(&arena, &data_user_type, unknown, &user), ERR_CORRUPT);
}

static void says_that_a_newer_program_wrote(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct data_user user;
    static const struct str next = STR("4 {\"whatever\":true}");
    assert_int_equal(data_record_decode(&arena, &data_user_type, next, &user), ERR_NEWER);
    struct data_tenant tenant;
    assert_int_equal(data_record_decode(&arena, &data_tenant_type, next, &tenant), ERR_NEWER);
}

struct old {
    struct str value;
    struct scope scope;
    struct str id;
    struct data_user user; /* result */
};

static int put_old_fn(struct txn *txn, void *ctx)
{
    struct old *old = ctx;
    struct arena *arena = store_arena(txn);
    struct data_user user;
    int r = data_record_decode(arena, &data_user_type, old->value, &user);
    r = r < 0 ? r : data_user_put(txn, &old->scope, &user);
    /* with the entries that it had then, which an upgrade leaves alone */
    store_put(txn, data_key_record(arena, &old->scope, &data_user_type, old->id), old->value);
    return r;
}

static int change_fn(struct txn *txn, void *ctx)
{
    struct old *old = ctx;
    int r = data_user_get(txn, &old->scope, old->id, &old->user);
    old->user.role = DATA_ROLE_VIEWER;
    old->user.revision++;
    return r < 0 ? r : data_user_put(txn, &old->scope, &old->user);
}

static int delete_fn(struct txn *txn, void *ctx)
{
    struct old *old = ctx;
    return data_user_delete(txn, &old->scope, old->id);
}

static int tenant_fn(struct txn *txn, void *ctx)
{
    return data_tenant_put(txn, ctx,
                           &(struct data_tenant){.id = ((struct scope *)ctx)->tenant_id,
                                                 .name = STR("A"),
                                                 .created_at = 1000,
                                                 .updated_at = 1000,
                                                 .revision = 1});
}

/* Index entries of a record that was stored by another version stay right through all that happens to it. */
static void fit_their_indexes(void **state)
{
    struct world *w = *state;
    struct scope scope = {.tenant_id = STR(TENANT)};
    assert_int_equal(world_write(w, tenant_fn, &scope), 0);
    struct old all[] = {
        {.value = member_1, .scope = scope, .id = STR("usr-01m80nfny4xx4s2e791hqc45zs")},
        {.value = removed_1, .scope = scope, .id = STR("usr-01m80nfp5h7bedrzysf7mebe4m")},
    };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(world_write(w, put_old_fn, &all[i]), 0);
    }
    world_assert_consistent(w->store);
    assert_int_equal(world_write(w, change_fn, &all[0]), 0);
    assert_int_equal(all[0].user.revision, 2);
    assert_int_equal(world_write(w, change_fn, &all[1]), 0);
    world_assert_consistent(w->store);
    assert_int_equal(world_write(w, delete_fn, &all[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_of_version_1),
        cmocka_unit_test(plans_of_version_1),
        cmocka_unit_test(are_stored_in_todays_shape),
        cmocka_unit_test(notices_damage),
        cmocka_unit_test(says_that_a_newer_program_wrote),
        WORLD_TEST(fit_their_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
