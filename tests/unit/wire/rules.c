/* What a tenant leaves out. */
#include "wire_test.h"

static void test_same(void **state)
{
    assert_same(rules, "{\"ignore\":\"\"}");
    assert_same(rules, "{\"ignore\":\"*.log\\n!keep.log\\n\"}");
}

static void test_refused(void **state)
{
    assert_refused(rules, STR("{}"));
    assert_refused(rules, STR("[]"));
    assert_refused(rules, STR("{\"ignore\":7}"));
    assert_refused(rules, STR("{\"ignore\":null}"));
}

static void test_limit(void **state)
{
    for (size_t more = 0; more <= 1; more++) {
        ARENA_AUTO(arena);
        BUF_AUTO(text, 2 * WIRE_MAX_RULES);
        struct wire_rules rules;
        buf_add(&text, STR("{\"ignore\":\""));
        for (size_t i = 0; i < WIRE_MAX_RULES + more; i++) {
            buf_byte(&text, 'x');
        }
        buf_add(&text, STR("\"}"));
        assert_int_equal(wire_rules_read(&arena, buf_str(&text), &rules), more ? ERR_INVALID : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
