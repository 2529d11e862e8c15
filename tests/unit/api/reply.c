#include "api/api_int.h"

#include "unit.h"

static void tags(void **state)
{
    (void)state;
    uint64_t revision = 0;
    bool any = false;
    assert_int_equal(api_etag_parse(STR("\"17\""), &revision, &any), 0);
    assert_int_equal(revision, 17);
    assert_false(any);
    assert_int_equal(api_etag_parse(STR("*"), &revision, &any), 0);
    assert_true(any);
    static const char *const others[] = {"",
                                         "\"\"",
                                         "17",
                                         "\"0\"",
                                         "\"-1\"",
                                         "W/\"17\"",
                                         "\"1\", \"2\"",
                                         "\"17\" ",
                                         "\"1x\"",
                                         "\"",
                                         "\"9223372036854775808\""};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        revision = 5;
        assert_int_equal(api_etag_parse(str_from(others[i]), &revision, &any), ERR_PRECONDITION);
        assert_int_equal(revision, 5);
    }
}

static void matches_of_records(void **state)
{
    (void)state;
    int64_t revision = 9;
    assert_int_equal(api_if_match(STR_EMPTY, &revision), 0);
    assert_int_equal(revision, 0);
    assert_int_equal(api_if_match(STR("*"), &revision), 0);
    assert_int_equal(revision, 0);
    assert_int_equal(api_if_match(STR("\"3\""), &revision), 0);
    assert_int_equal(revision, 3);
    assert_int_equal(api_if_match(STR("x"), &revision), ERR_PRECONDITION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags),
        cmocka_unit_test(matches_of_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
