/* Names of terminals, and what is said on their sockets. */
#include "codi2/terminal_words.h"

#include "unit.h"

static void names(void **state)
{
    (void)state;
    char longest[CODI2_TERMINAL_ID + 2];
    memset(longest, 'a', sizeof longest);
    assert_true(codi2_terminal_is_id(str_of(longest, CODI2_TERMINAL_ID)));
    assert_false(codi2_terminal_is_id(str_of(longest, CODI2_TERMINAL_ID + 1)));
    static const char *const good[] = {"a", "main", "A-Z_09", "-", "_"};
    static const char *const bad[] = {"", "a b", "a/b", "a.b", "..", "a%20", "\xc3\xa4", "a\n"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(codi2_terminal_is_id(str_from(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(codi2_terminal_is_id(str_from(bad[i])));
    }
    assert_false(codi2_terminal_is_id(str_of("a\0b", 3)));
}

static void sides(void **state)
{
    (void)state;
    unsigned side = 7;
    assert_int_equal(codi2_terminal_side(STR("1"), &side), 0);
    assert_int_equal(side, 1);
    assert_int_equal(codi2_terminal_side(STR("1000"), &side), 0);
    assert_int_equal(side, 1000);
    static const char *const bad[] = {"",  "0", "1001", "-1", "+1", "1.0", "99999999999999999999",
                                      " 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(codi2_terminal_side(str_from(bad[i]), &side), ERR_INVALID);
    }
    assert_int_equal(side, 1000);
}

static void words(void **state)
{
    (void)state;
    struct codi2_size size = {7, 8};
    static const char *const bad[] = {"",
                                      "null",
                                      "1",
                                      "\"resize\"",
                                      "[]",
                                      "{}",
                                      "{",
                                      "{\"type\":\"resize\"}",
                                      "{\"type\":1,\"cols\":80,\"rows\":24}",
                                      "{\"type\":\"close\",\"cols\":80,\"rows\":24}",
                                      "{\"type\":\"resize\",\"cols\":80}",
                                      "{\"type\":\"resize\",\"cols\":80,\"rows\":0}",
                                      "{\"type\":\"resize\",\"cols\":80,\"rows\":1001}",
                                      "{\"type\":\"resize\",\"cols\":-1,\"rows\":24}",
                                      "{\"type\":\"resize\",\"cols\":80.5,\"rows\":24}",
                                      "{\"type\":\"resize\",\"cols\":1e9,\"rows\":24}",
                                      "{\"type\":\"resize\",\"cols\":\"80\",\"rows\":24}",
                                      "{\"type\":\"resize\",\"cols\":80,\"rows\":24} x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(codi2_terminal_word(str_from(bad[i]), &size), ERR_INVALID);
    }
    assert_int_equal(size.cols, 7);
    assert_int_equal(size.rows, 8);
    struct str word = STR("{\"rows\":24,\"more\":{},\"type\":\"resize\",\"cols\":1000}");
    assert_int_equal(codi2_terminal_word(word, &size), 0);
    assert_int_equal(size.cols, 1000);
    assert_int_equal(size.rows, 24);
    char large[CODI2_TERMINAL_WORD + 1];
    memset(large, ' ', sizeof large);
    memcpy(large, word.p, word.n);
    assert_int_equal(codi2_terminal_word(str_of(large, CODI2_TERMINAL_WORD), &size), 0);
    assert_int_equal(codi2_terminal_word(str_of(large, sizeof large), &size), ERR_INVALID);
}

static void said(struct buf *out, const char *text)
{
    assert_str(buf_str(out), text);
    buf_clear(out);
}

static void what_is_said(void **state)
{
    (void)state;
    BUF_AUTO(out, CODI2_TERMINAL_WORD);
    const struct codi2_opened opened = {
        .id = STR("main"), .run = STR("0123456789abcdef"), .offset = 12, .size = {80, 24}};
    codi2_terminal_say_opened(&out, &opened);
    said(&out,
         "{\"type\":\"opened\",\"terminal\":\"main\",\"run\":\"0123456789abcdef\",\"offset\":12,"
         "\"cols\":80,\"rows\":24,\"new\":false}");
    codi2_terminal_say_missed(&out, 3, 15);
    said(&out, "{\"type\":\"missed\",\"bytes\":3,\"offset\":15}");
    codi2_terminal_say_ended(&out, &(struct codi2_exit){.number = 7});
    said(&out, "{\"type\":\"ended\",\"exit_code\":7}");
    codi2_terminal_say_ended(&out, &(struct codi2_exit){.by_signal = true, .number = 9});
    said(&out, "{\"type\":\"ended\",\"signal\":9}");
    codi2_terminal_say_ended(&out, &(struct codi2_exit){.hung_up = true});
    said(&out, "{\"type\":\"ended\"}");
    codi2_terminal_say_gone(&out);
    said(&out, "{\"type\":\"gone\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(sides),
        cmocka_unit_test(words),
        cmocka_unit_test(what_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
