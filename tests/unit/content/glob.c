/* Patterns: classes, stars, escapes, and time. */
#include "unit.h"

#include "base/mem.h"
#include "content/content_int.h"

struct row {
    const char *pattern;
    const char *text;
    bool matches;
};

static const struct row names[] = {
    {"a", "a", true},
    {"a", "b", false},
    {"*", "", true},
    {"*", "abc", true},
    {"a*c", "abbc", true},
    {"a*c", "abbd", false},
    {"*.o", "x.o", true},
    {"*.o", ".o", true},
    {"?", "x", true},
    {"?", "", false},
    {"a?c", "abc", true},
    {"[abc]", "b", true},
    {"[!abc]", "b", false},
    {"[^abc]", "d", true},
    {"[a-c]x", "bx", true},
    {"[]a]", "]", true},
    {"[a", "[a", true},
    {"[", "[", true},
    {"\\*", "*", true},
    {"\\*", "x", false},
    {"a\\", "a\\", false},
    {"**", "abc", true},
    {"a**b", "axxb", true},
    {"[a-]", "-", true},
    {"[\\]]", "]", true},
    {"*a*b*c*", "xaybzc", true},
    {"*a*b*c*", "xaybz", false},
    {"[\x80-\xff]", "\xc3", true},
    {"[[:digit:]]", "7", true},
    {"[[:digit:]]", "x", false},
    {"[![:digit:]]", "7", false},
    {"[[:digit:]]", "[", false},
    {"v[[:digit:]._-]x", "v_x", true},
    {"[x[:upper:][:space:]]", "B", true},
    {"[x[:upper:][:space:]]", " ", true},
    {"[x[:upper:][:space:]]", "b", false},
    {"[[:alpha:]]", "\xc3", false},
    {"[[:none:]]", "n", false},
    {"[[:]", ":", true},
    {"[[:x]", "x", true},
    {"[[:digit:]", "7", false},
};

static const struct row paths[] = {
    {"a/b", "a/b", true},         {"a/b", "a/b/c", false},
    {"a/b", "a", false},          {"**/x", "x", true},
    {"**/x", "a/b/x", true},      {"a/**", "a/b", true},
    {"a/**", "a/b/c", true},      {"a/**", "a", false},
    {"a/**/b", "a/b", true},      {"a/**/b", "a/x/y/b", true},
    {"a/**/b", "a/x/y/c", false}, {"a/*", "a/b/c", false},
    {"a/*", "a/b", true},         {"**/a/**/b/**", "x/a/y/b/z", true},
    {"**", "a/b", true},          {"a", "a/b", false},
    {"**/**/x", "x", true},       {"a//b", "a/b", false},
};

static void test_names(void **state)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (content_glob_name(str_from(names[i].pattern), str_from(names[i].text)) !=
            names[i].matches) {
            fail_msg("'%s' and '%s'", names[i].pattern, names[i].text);
        }
    }
}

static void test_paths(void **state)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (content_glob_path(str_from(paths[i].pattern), str_from(paths[i].text)) !=
            paths[i].matches) {
            fail_msg("'%s' and '%s'", paths[i].pattern, paths[i].text);
        }
    }
}

/* What takes for ever with backtracking: a*a*a*…b against aaaa…; the test's timeout is the assertion. */
static void test_time_is_bounded(void **state)
{
    MEM_AUTO char *pattern = mem_alloc(1001);
    MEM_AUTO char *text = mem_alloc(4096);
    for (size_t i = 0; i < 1000; i++) {
        pattern[i] = i % 2 ? '*' : 'a';
    }
    pattern[1000] = 'b';
    memset(text, 'a', 4096);
    assert_false(content_glob_name(str_of(pattern, 1001), str_of(text, 4096)));
    for (size_t i = 0; i + 4 < 1000; i += 5) {
        memcpy(pattern + i, "**/a/", 5);
    }
    for (size_t i = 1; i < 4096; i += 2) {
        text[i] = '/';
    }
    assert_false(content_glob_path(str_of(pattern, 1001), str_of(text, 4095)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_paths),
                                       cmocka_unit_test(test_time_is_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
