#include "base/str.h"

#include "base/buf.h"
#include "unit.h"

static void equality_and_order(void **state)
{
    (void)state;
    assert_true(str_eq(STR_EMPTY, STR("")));
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_true(str_eq_nocase(STR("Host"), STR("hOST")));
    assert_false(str_eq_nocase(STR("Host["), STR("Host{")));
    static const char *const words[] = {"Host", "Cookie", NULL};
    assert_true(str_in_nocase(STR("cookie"), words));
    assert_false(str_in_nocase(STR("cook"), words));
    assert_false(str_in_nocase(STR_EMPTY, words));
    assert_true(str_is_word(STR("aZ09_-"), 6));
    assert_false(str_is_word(STR("aZ09_-"), 5));
    assert_false(str_is_word(STR_EMPTY, 5));
    assert_false(str_is_word(STR("a.b"), 5));
    assert_false(str_is_word(str_of("a\0b", 3), 5));
    assert_true(str_eq_constant(STR("secret"), STR("secret")));
    assert_false(str_eq_constant(STR("secret"), STR("secreT")));
    assert_false(str_eq_constant(STR("secret"), STR("secret ")));
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR("\xFF"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR_EMPTY, STR("")), 0);
}

static void ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR_EMPTY, STR_EMPTY));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_true(str_ends(STR_EMPTY, STR_EMPTY));
    assert_false(str_ends(STR("c"), STR("bc")));
}

static void parts(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("a/b/c"), '/', 2), 3);
    assert_int_equal(str_find(STR("abc"), '/', 0), 3);
    assert_int_equal(str_find(STR("abc"), 'a', 9), 3);
    assert_str(str_slice(STR("abc"), 1, 99), "bc");
    assert_str(str_slice(STR("abc"), 3, 1), "");
    assert_str(str_slice(STR_EMPTY, 0, 5), "");
    assert_str(str_trim(STR(" \t a b \t")), "a b");
    assert_str(str_trim(STR(" \t ")), "");
}

/* Joins the parts with '|', each followed by one. */
static void assert_split(struct str s, const char *wanted)
{
    BUF_AUTO(joined, 100);
    struct str part;
    while (str_split(&s, ',', &part)) {
        buf_add(&joined, part);
        buf_byte(&joined, '|');
    }
    assert_string_equal(buf_z(&joined), wanted);
}

static void split(void **state)
{
    (void)state;
    assert_split(STR("a,b"), "a|b|");
    assert_split(STR("a,"), "a||");
    assert_split(STR(""), "|");
    assert_split(STR_EMPTY, "");
    assert_split(STR(",,"), "|||");
}

static void numbers(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_int_equal(str_u64(STR("18446744073709551615"), UINT64_MAX, &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(str_u64(STR("007"), 7, &value), 0);
    assert_true(value == 7);
    static const char *const refused[] = {"",
                                          "-1",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "0x1",
                                          "8",
                                          "10",
                                          "71",
                                          "18446744073709551616",
                                          "99999999999999999999999"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        value = 3;
        assert_int_equal(str_u64(str_from(refused[i]), 7, &value), ERR_INVALID);
        assert_true(value == 3);
    }
    assert_int_equal(str_u64(STR("18446744073709551616"), UINT64_MAX, &value), ERR_INVALID);
    assert_int_equal(str_u64(STR("1"), 0, &value), ERR_INVALID);
}

static void utf8(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "abc",
        "\xC2\x80",
        "\xDF\xBF",
        "\xE0\xA0\x80",
        "\xED\x9F\xBF",
        "\xEE\x80\x80",
        "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF",
    };
    static const char *const bad[] = {
        "\x80",
        "\xC0\x80",         /* overlong */
        "\xC1\xBF",         /* overlong */
        "\xE0\x9F\xBF",     /* overlong */
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xED\xA0\x80",     /* surrogate */
        "\xF4\x90\x80\x80", /* beyond U+10FFFF */
        "\xF5\x80\x80\x80",
        "\xE2\x82", /* cut */
        "\xF0\x9F\x98",
        "a\xFF",
        "\xC2\x41",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(str_is_utf8(str_from(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(str_is_utf8(str_from(bad[i])));
    }
    assert_int_equal(str_utf8_length(STR_EMPTY), 0);
}

/* Every code point is written so that it is read back with the length it was written with. */
static void every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        if (code == 0xD800) {
            code = 0xE000;
        }
        char bytes[4];
        size_t length = str_put_utf8(bytes, code);
        assert_int_equal(str_utf8_length(str_of(bytes, length)), length);
    }
    char bytes[4];
    assert_int_equal(str_put_utf8(bytes, 0x1F600), 4);
    assert_memory_equal(bytes, "\xF0\x9F\x98\x80", 4);
    assert_dies(str_put_utf8(bytes, 0xD800));
    assert_dies(str_put_utf8(bytes, 0x110000));
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(str_distance(STR_EMPTY, STR_EMPTY), 0);
    assert_int_equal(str_distance(STR("abc"), STR_EMPTY), 3);
    assert_int_equal(str_distance(STR_EMPTY, STR("abc")), 3);
    assert_int_equal(str_distance(STR("kitten"), STR("sitting")), 3);
    assert_int_equal(str_distance(STR("lisetn"), STR("listen")), 2);
    assert_int_equal(str_distance(STR("abc"), STR("abc")), 0);
    char longest[STR_DISTANCE_MOST + 1];
    memset(longest, 'x', sizeof longest);
    assert_int_equal(str_distance(STR("x"), str_of(longest, STR_DISTANCE_MOST)),
                     STR_DISTANCE_MOST - 1);
    assert_dies((void)str_distance(STR("x"), str_of(longest, sizeof longest)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_and_order),
        cmocka_unit_test(ends),
        cmocka_unit_test(parts),
        cmocka_unit_test(split),
        cmocka_unit_test(numbers),
        cmocka_unit_test(utf8),
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
