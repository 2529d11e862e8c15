/* What a tenant leaves out. */
#include "wire_test.h"

static void test_same(void **state)
{
    assert_same(rules, "{\"ignore\":\"\",\"quiet\":\"\"}");
    assert_same(rules, "{\"ignore\":\"*.log\\n!keep.log\\n\",\"quiet\":\"*.db\\n\"}");
}

static void test_refused(void **state)
{
    assert_refused(rules, STR("{}"));
    assert_refused(rules, STR("[]"));
    assert_refused(rules, STR("{\"ignore\":7}"));
    assert_refused(rules, STR("{\"ignore\":null}"));
    assert_refused(rules, STR("{\"ignore\":\"\",\"quiet\":7}"));
    assert_refused(rules, STR("{\"quiet\":\"\"}"));
}

static void test_an_older_server_calls_nothing_quiet(void **state)
{
    ARENA_AUTO(arena);
    struct wire_rules rules;
    assert_int_equal(wire_rules_read(&arena, STR("{\"ignore\":\"*.log\"}"), &rules), 0);
    assert_str(rules.ignore, "*.log");
    assert_int_equal(rules.quiet.n, 0);
}

/* An older codi2 compares with the mark of what it knows. */
static void test_mark(void **state)
{
    uint64_t old = content_ignore_mark(STR("*.log\n"));
    uint64_t none = wire_rules_mark(&(struct wire_rules){STR("*.log\n"), STR_EMPTY});
    uint64_t both = wire_rules_mark(&(struct wire_rules){STR("*.log\n"), STR("*.db\n")});
    assert_int_equal(none, old);
    assert_int_not_equal(both, old);
    assert_int_not_equal(both,
                         wire_rules_mark(&(struct wire_rules){STR("*.log\n*.db\n"), STR_EMPTY}));
    assert_int_not_equal(both,
                         wire_rules_mark(&(struct wire_rules){STR_EMPTY, STR("*.log\n*.db\n")}));
    assert_int_not_equal(both,
                         wire_rules_mark(&(struct wire_rules){STR("*.log\n"), STR("*.db\n#")}));
}

static void test_limit(void **state)
{
    for (size_t more = 0; more <= 3; more++) { /* one too many in one list, and in the other */
        ARENA_AUTO(arena);
        BUF_AUTO(text, 2 * WIRE_MAX_RULES);
        struct wire_rules rules;
        buf_add(&text, more < 2 ? STR("{\"ignore\":\"") : STR("{\"ignore\":\"\",\"quiet\":\""));
        for (size_t i = 0; i < WIRE_MAX_RULES + more % 2; i++) {
            buf_byte(&text, 'x');
        }
        buf_add(&text, STR("\"}"));
        assert_int_equal(wire_rules_read(&arena, buf_str(&text), &rules),
                         more % 2 ? ERR_INVALID : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_an_older_server_calls_nothing_quiet),
        cmocka_unit_test(test_mark),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
