/* Which names and paths are legal. */
#include "unit.h"

#include "base/mem.h"
#include "content/content.h"

static struct str repeated(char *to, size_t n, const char *unit)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = unit[i % strlen(unit)];
    }
    return str_of(to, n);
}

static void test_legal(void **state)
{
    static const char *const legal[] = {"",     "a",     "a/b", ".a", "..a", "...", "a b/\xff\xfe",
                                        "a\nb", "~/-/\\"};
    for (size_t i = 0; i < sizeof legal / sizeof *legal; i++) {
        assert_int_equal(content_path_check(str_from(legal[i])), 0);
    }
}

static void test_illegal(void **state)
{
    static const char *const illegal[] = {"/",  "/a",  "a/",     "a//b", ".",
                                          "..", "a/.", "a/../b", "./a"};
    for (size_t i = 0; i < sizeof illegal / sizeof *illegal; i++) {
        assert_int_equal(content_path_check(str_from(illegal[i])), ERR_INVALID);
    }
    assert_int_equal(content_path_check(STR("a\0b")), ERR_INVALID);
    assert_int_equal(content_name_check(STR("a/b")), ERR_INVALID);
    assert_int_equal(content_name_check(STR_EMPTY), ERR_INVALID);
}

static void test_limits(void **state)
{
    MEM_AUTO char *text = mem_alloc(5000);
    assert_int_equal(content_name_check(repeated(text, CONTENT_MAX_NAME, "x")), 0);
    assert_int_equal(content_name_check(repeated(text, CONTENT_MAX_NAME + 1, "x")), ERR_INVALID);
    assert_int_equal(content_path_check(repeated(text, 2 * CONTENT_MAX_DEPTH - 1, "a/")), 0);
    assert_int_equal(content_path_check(repeated(text, 2 * CONTENT_MAX_DEPTH + 1, "a/")),
                     ERR_INVALID);
    static const char unit[] = "0123456789012345678901234567890123456789/";
    assert_int_equal(content_path_check(repeated(text, CONTENT_MAX_PATH, unit)), 0);
    assert_int_equal(content_path_check(repeated(text, CONTENT_MAX_PATH + 1, unit)), ERR_INVALID);
}

static void test_parts(void **state)
{
    struct str folder;
    struct str name;
    content_path_split(STR("a/b/c"), &folder, &name);
    assert_true(str_eq(folder, STR("a/b")) && str_eq(name, STR("c")));
    content_path_split(STR("c"), &folder, &name);
    assert_true(folder.n == 0 && str_eq(name, STR("c")));
    assert_true(content_path_within(STR("a/b"), STR("a")));
    assert_true(content_path_within(STR("a"), STR("a")));
    assert_true(content_path_within(STR("a"), STR_EMPTY));
    assert_false(content_path_within(STR("ab"), STR("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_legal), cmocka_unit_test(test_illegal),
                                       cmocka_unit_test(test_limits), cmocka_unit_test(test_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
