#include <locale.h>

#include "cli/cli_int.h"

#include "unit.h"

static void escaped(struct str in, const char *expected)
{
    ARENA_AUTO(arena);
    assert_str(cli_escaped(&arena, in), expected);
}

static void plain_text_stays(void **state)
{
    (void)state;
    escaped(STR("Project A: äöü 漢字 🙂 ~'\""), "Project A: äöü 漢字 🙂 ~'\"");
    escaped(STR_EMPTY, "");
}

static void what_moves_a_terminal_is_shown(void **state)
{
    (void)state;
    escaped(STR("a\nb\tc\rd"), "a\\nb\\tc\\rd");
    escaped(STR("\x1b]0;x\x07"), "\\x1b]0;x\\a");
    escaped(STR("\x00\x01\x7f"), "\\x00\\x01\\x7f");
    escaped(STR("\xc2\x9b"
                "31m"),
            "\\u009b31m"); /* the one-character form of ESC [ */
    escaped(STR("\u202egnp.exe"), "\\u202egnp.exe");
    escaped(STR("\u2066\u2069\u2028\ufeff\u200f"), "\\u2066\\u2069\\u2028\\ufeff\\u200f");
}

static void a_backslash_is_not_mistaken(void **state)
{
    (void)state;
    escaped(STR("a\\n"), "a\\\\n");
}

static void bytes_that_are_no_text(void **state)
{
    (void)state;
    escaped(str_of("a\xff\xc3", 3), "a\\xff\\xc3");
    escaped(str_of("\xc0\xaf", 2), "\\xc0\\xaf");
}

static void every_escape_is_safe(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x3000; code++) {
        ARENA_AUTO(arena);
        char bytes[4];
        struct str s = cli_escaped(&arena, str_of(bytes, str_put_utf8(bytes, code)));
        assert_true(str_is_utf8(s));
        for (size_t i = 0; i < s.n; i++) {
            unsigned char c = (unsigned char)s.p[i];
            assert_true(c >= 0x20 && c != 0x7f);
            assert_false(c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0);
        }
    }
}

static void widths(void **state)
{
    (void)state;
    assert_int_equal(cli_width(STR("abc")), 3);
    assert_int_equal(cli_width(STR("äöü")), 3);
    assert_int_equal(cli_width(STR("漢字")), 4);
}

static void sizes_and_times(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    assert_str(cli_size_text(&arena, 0), "0 B");
    assert_str(cli_size_text(&arena, 1023), "1023 B");
    assert_str(cli_size_text(&arena, 1536), "1.5 KiB");
    assert_str(cli_size_text(&arena, INT64_C(5) << 30), "5.0 GiB");
    assert_str(cli_size_text(&arena, INT64_C(500) << 20), "500 MiB");
    assert_str(cli_time_text(&arena, STR("2026-11-21T04:05:06.789Z")), "2026-11-21 04:05:06");
    assert_str(cli_time_text(&arena, STR("soon")), "soon");
}

static void modes(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct cli_entry entry = {.type = STR("file"), .mode = 0754};
    assert_str(cli_mode_text(&arena, &entry), "-rwxr-xr--");
    entry = (struct cli_entry){.type = STR("dir"), .mode = 0};
    assert_str(cli_mode_text(&arena, &entry), "d---------");
}

int main(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays),
        cmocka_unit_test(what_moves_a_terminal_is_shown),
        cmocka_unit_test(a_backslash_is_not_mistaken),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(every_escape_is_safe),
        cmocka_unit_test(widths),
        cmocka_unit_test(sizes_and_times),
        cmocka_unit_test(modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
