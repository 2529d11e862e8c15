#include "data/world.h"

static int name(struct arena *arena, struct str text, struct str *ret_name)
{
    struct data_context ctx = {.arena = arena};
    int r = data_text_name(&ctx, &(struct data_name_rule){.field = "name"}, text, ret_name);
    if (r < 0) {
        assert_str(ctx.fault.field, "name");
        assert_true(ctx.fault.message.n > 0);
    }
    return r;
}

static void keeps_names_byte_for_byte(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a",
        "Project A",
        "Ωμέγα",
        "日本語のプロジェクト",
        "👩‍💻 zalgo ẗ̴",
        "<script>alert(1)</script>",
        "'; DROP TABLE sessions;--",
        "../../etc/passwd",
        "\xc2\xa0non-breaking",
    };
    ARENA_AUTO(arena);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct str kept;
        assert_int_equal(name(&arena, str_from(good[i]), &kept), 0);
        assert_str(kept, good[i]);
    }
    struct str trimmed;
    assert_int_equal(name(&arena, STR("  a b \t"), &trimmed), 0);
    assert_str(trimmed, "a b");
}

static void refuses_other_names(void **state)
{
    (void)state;
    static const struct str bad[] = {
        STR(""),      STR("   "),       STR("a\nb"), STR("a\0b"),
        STR("a\x7f"), STR("a\xc2\x85"), STR("\xff"), STR("a\xed\xa0\x80"),
    };
    ARENA_AUTO(arena);
    struct str kept;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(name(&arena, bad[i], &kept), ERR_INVALID);
    }
}

static void counts_characters_not_bytes(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    BUF_AUTO(text, 4096);
    for (int i = 0; i < DATA_NAME_MAX; i++) {
        buf_add(&text, STR("語"));
    }
    struct str kept;
    assert_int_equal(name(&arena, buf_str(&text), &kept), 0);
    assert_int_equal(kept.n, 300);
    buf_byte(&text, 'x');
    assert_int_equal(name(&arena, buf_str(&text), &kept), ERR_INVALID);
}

static void cuts_between_characters(void **state)
{
    (void)state;
    assert_str(data_text_cut(STR("abc"), 3), "abc");
    assert_str(data_text_cut(STR("ab語"), 4), "ab");
    assert_str(data_text_cut(STR("ab語"), 5), "ab語");
    assert_int_equal(data_text_cut(STR("語"), 2).n, 0);
    assert_int_equal(data_text_cut(STR("a\xff"), 5).n, 0);
}

static void compares_without_case(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
    } same[] = {
        {"Project A", "pROJECT a"}, {"ÜBUNG", "übung"},
        {"Straße", "STRASSE"},      {"e\xcc\x81", "\xc3\x89"}, /* composed or not */
        {"ΣΊΣΥΦΟΣ", "σίσυφος"},     {"", ""},
    };
    ARENA_AUTO(arena);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct str one = data_text_fold(&arena, str_from(same[i].one));
        assert_true(str_eq(one, data_text_fold(&arena, str_from(same[i].other))));
        assert_true(data_text_has(one, one));
        assert_true(data_text_has(one, STR_EMPTY));
    }
    assert_true(data_text_has(STR("compilers"), STR("pile")));
    assert_false(data_text_has(STR("compilers"), STR("pier")));
    assert_false(data_text_has(STR_EMPTY, STR("a")));
    BUF_AUTO(text, 4096); /* what grows most: a name of a hundred */
    for (int i = 0; i < DATA_NAME_MAX; i++) {
        buf_add(&text, STR("\xce\x90")); /* three characters each */
    }
    assert_true(data_text_fold(&arena, buf_str(&text)).n <= DATA_PICK_KEY - DATA_ID_ROOM - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_without_case),   cmocka_unit_test(keeps_names_byte_for_byte),
        cmocka_unit_test(refuses_other_names),     cmocka_unit_test(counts_characters_not_bytes),
        cmocka_unit_test(cuts_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
