#include "data/world.h"

static const struct scope scope = {.tenant_id = {"ten-00000000000000000000000001", DATA_ID_SIZE}};
static const struct str session = {"ses-00000000000000000000000002", DATA_ID_SIZE};

static void spells_keys(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    assert_str(DATA_KEY(&arena, &scope, DATA_SPACE_ENTRY, session, STR("1"), STR("a/b\xff")),
               "t/ten-00000000000000000000000001/entry/ses-00000000000000000000000002/1/a/b\xff");
    assert_str(DATA_PREFIX(&arena, &scope, DATA_SPACE_ENTRY, session),
               "t/ten-00000000000000000000000001/entry/ses-00000000000000000000000002/");
    assert_str(data_key_secret(&arena, "access"), "g/key/access");
    assert_str(data_feed_tenant(&arena, &scope), "tenant/ten-00000000000000000000000001");
    assert_str(data_feed_session(&arena, session), "session/ses-00000000000000000000000002");
}

static void orders_numbers(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0,   1,     9,          10,        255,
                                       256, 65535, UINT32_MAX, INT64_MAX, UINT64_MAX};
    ARENA_AUTO(arena);
    struct str before = STR_EMPTY;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct str text = data_key_number(&arena, numbers[i]);
        uint64_t back;
        assert_int_equal(data_key_number_read(text, &back), 0);
        assert_true(back == numbers[i] && str_cmp(before, text) < 0);
        back = numbers[i] + 1;
        struct str key = arena_printf(&arena, "t/x/" STR_FMT, STR_ARG(text));
        assert_int_equal(data_key_number_last(key, &back), 0);
        assert_true(back == numbers[i]);
        before = text;
    }
    uint64_t back;
    assert_int_equal(data_key_number_read(STR("1"), &back), ERR_INVALID);
    assert_int_equal(data_key_number_read(STR("000000000000000A"), &back), ERR_INVALID);
    assert_int_equal(data_key_number_last(STR("t/00000000"), &back), ERR_CORRUPT);
    assert_int_equal(data_key_number_last(STR("t/x/000000000000000A"), &back), ERR_CORRUPT);
}

/* Each of these would make a key of somebody else's, or two meanings of one key. */
static void dies_rather_than_leave_the_tenant(void **state)
{
    (void)state;
    struct scope nobody = {0};
    struct scope forged = {.tenant_id = STR("ten-0000000000000000000000000/")};
    ARENA_AUTO(arena);
    assert_dies((DATA_KEY(&arena, &nobody, DATA_SPACE_ENTRY, session), 0));
    assert_dies((DATA_KEY(&arena, &forged, DATA_SPACE_ENTRY, session), 0));
    assert_dies((DATA_KEY(&arena, &scope, DATA_SPACE_ENTRY, STR("a/b"), STR("c")), 0));
    assert_dies((DATA_KEY(&arena, &scope, DATA_SPACE_ENTRY, STR(""), STR("c")), 0));
    assert_dies((DATA_PREFIX(&arena, &scope, DATA_SPACE_ENTRY, STR("a/b")), 0));
    assert_dies((data_feed_session(&arena, STR("ses-1")), 0));
}

static void knows_whose_a_key_is(void **state)
{
    (void)state;
#define TENANT "ten-00000000000000000000000001"
#define OTHER "ten-00000000000000000000000002"
#define PERSON "usr-00000000000000000000000003"
    static const struct {
        const char *key, *value;
        enum data_belonging whose;
    } rows[] = {
        {"t/" TENANT "/tenant/" TENANT, "", DATA_OWN_RECORD},
        {"t/" TENANT "/tenant/" OTHER, "", DATA_OWN},
        {"t/" TENANT "/user/" PERSON, "", DATA_OWN},
        {"t/" TENANT "/loginx", "", DATA_OWN},
        {"t/" TENANT "/login/x", "", DATA_ALIEN},
        {"t/" TENANT "/i/login.user/x", "", DATA_ALIEN},
        {"t/" OTHER "/user/" PERSON, "", DATA_ALIEN},
        {"t/" TENANT, "", DATA_ALIEN},
        {"t/ten-1/user/x", "", DATA_ALIEN},
        {"g/user.email/a@b", TENANT "/" PERSON, DATA_OWN_ABROAD},
        {"g/user.email/a@b", OTHER "/" PERSON, DATA_ALIEN},
        {"g/user.email/a@b", "", DATA_ALIEN},
        {"g/login.id/x", TENANT "/" PERSON, DATA_ALIEN},
        {"g/key/access", TENANT "/" PERSON, DATA_ALIEN},
        {"g/clock", "", DATA_ALIEN},
        {"g/bell/fork", TENANT "/" PERSON, DATA_ALIEN},
        {"g/loose/0000000000000001/" TENANT "/00ff", "", DATA_OWN_ABROAD},
        {"g/loose/0000000000000001/" OTHER "/00ff", "", DATA_ALIEN},
        {"g/loose/1/" TENANT "/00ff", "", DATA_ALIEN},
        {"tenant/" TENANT, "", DATA_ALIEN},
        {"meta/epoch", "", DATA_ALIEN},
        {"", "", DATA_ALIEN},
        {"t", "", DATA_ALIEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(
            data_key_belongs(STR(TENANT), str_from(rows[i].key), str_from(rows[i].value)),
            rows[i].whose);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spells_keys),
        cmocka_unit_test(orders_numbers),
        cmocka_unit_test(knows_whose_a_key_is),
        cmocka_unit_test(dies_rather_than_leave_the_tenant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
