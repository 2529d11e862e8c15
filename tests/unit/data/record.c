#include "data/data_int.h"
#include "data/world.h"

static struct data_user example(void)
{
    return (struct data_user){
        .id = STR("usr-00000000000000000000000001"),
        .tenant_id = STR("ten-00000000000000000000000001"),
        .email = STR("ada@example.com"),
        .name = STR("Ada \"語\" \\ </script>"),
        .role = DATA_ROLE_ADMIN,
        .created_at = 1800000000123456,
        .updated_at = 1800000000123000,
        .revision = 9007199254740991,
        .password = STR("$argon2id$secret"),
        .password_changed_at = 1000,
    };
}

static void comes_back(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct data_user user = example();
    struct data_user back;
    struct str value = data_record_encode(&arena, &data_user_type, &user);
    assert_int_equal(data_record_decode(&arena, &data_user_type, value, &back), 0);
    assert_true(str_eq(back.name, user.name) && str_eq(back.password, user.password));
    assert_int_equal(back.role, DATA_ROLE_ADMIN);
    assert_int_equal(back.created_at, 1800000000123000);
    assert_int_equal(user.created_at, back.created_at);
    assert_int_equal(back.revision, 9007199254740991);
    assert_true(str_eq(back.reply, user.reply));
}

static void replies_hold_nothing_private(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct data_user user = example();
    (void)data_record_encode(&arena, &data_user_type, &user);
    assert_str(
        user.reply,
        "{\"id\":\"usr-00000000000000000000000001\",\"tenant_id\":\"ten-"
        "00000000000000000000000001\","
        "\"email\":\"ada@example.com\",\"name\":\"Ada \\\"語\\\" \\\\ "
        "</script>\",\"role\":\"admin\","
        "\"created_at\":\"2027-01-15T08:00:00.123Z\",\"updated_at\":\"2027-01-15T08:00:00.123Z\","
        "\"revision\":9007199254740991}");
}

static void leaves_out_what_is_absent(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct data_user user = example();
    user.name = STR_EMPTY;
    struct data_user back;
    struct str value = data_record_encode(&arena, &data_user_type, &user);
    assert_int_equal(data_record_decode(&arena, &data_user_type, value, &back), 0);
    assert_int_equal(back.name.n, 0);
    ARENA_AUTO(longer);
    data_user_copy(&longer, &back);
    assert_true(str_eq(back.email, user.email) && back.email.p != user.email.p);
}

/* Every cut and every changed byte is either noticed or still a record within the bounds. */
static void notices_damage(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct data_user user = example();
    struct str value = data_record_encode(&arena, &data_user_type, &user);
    struct data_user back;
    for (size_t n = 0; n < value.n; n++) {
        assert_int_equal(data_record_decode(&arena, &data_user_type, str_slice(value, 0, n), &back),
                         ERR_CORRUPT);
    }
    for (size_t i = 0; i < value.n; i++) {
        struct str copy = arena_str(&arena, value);
        ((char *)copy.p)[i] ^= 0x01;
        int r = data_record_decode(&arena, &data_user_type, copy, &back);
        assert_true(r == 0 || r == (i == 0 ? ERR_NEWER : ERR_CORRUPT));
        if (r == 0) {
            assert_true(data_id_is(back.id, "usr") && back.role >= DATA_ROLE_OWNER &&
                        back.role <= DATA_ROLE_VIEWER);
        }
    }
}

static void dies_rather_than_write_nonsense(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct data_user user = example();
    user.role = 0;
    assert_dies((data_record_encode(&arena, &data_user_type, &user), 0));
    user = example();
    user.id = STR("usr-1");
    assert_dies((data_record_encode(&arena, &data_user_type, &user), 0));
    user = example();
    user.password_changed_at = 0; /* not optional */
    assert_dies((data_record_encode(&arena, &data_user_type, &user), 0));
    user = example();
    user.name = STR("\xff");
    assert_dies((data_record_encode(&arena, &data_user_type, &user), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(replies_hold_nothing_private),
        cmocka_unit_test(leaves_out_what_is_absent),
        cmocka_unit_test(notices_damage),
        cmocka_unit_test(dies_rather_than_write_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
