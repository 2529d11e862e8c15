#include "base/assert.h"

#include "unit.h"

struct thing {
    unsigned magic;
};

static void say_and_fail(void)
{
    assert_context("PUT /x");
    ASSERT(1 + 1 == 3);
}

static void says_where_and_what(void **state)
{
    (void)state;
    char text[400];
    int status = unit_capture(say_and_fail, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "assertion failed: "));
    assert_non_null(strstr(text, "tests/unit/base/assert.c:"));
    assert_non_null(strstr(text, ": 1 + 1 == 3\n  while: PUT /x\n"));
}

static void magic(void **state)
{
    (void)state;
    struct thing thing = {.magic = 7};
    struct thing *none = NULL;
    ASSERT_MAGIC(&thing, 7);
    assert_dies(({
        ASSERT_MAGIC(&thing, 8);
        0;
    }));
    assert_dies(({
        ASSERT_MAGIC(none, 7);
        0;
    }));
    assert_dies(({
        UNREACHABLE();
        0;
    }));
}

static void context_can_be_read(void **state)
{
    (void)state;
    assert_null(assert_context_now());
    assert_context("here");
    assert_string_equal(assert_context_now(), "here");
    assert_context(NULL);
    assert_null(assert_context_now());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_where_and_what),
        cmocka_unit_test(magic),
        cmocka_unit_test(context_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
