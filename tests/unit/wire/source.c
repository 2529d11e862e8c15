/* What a session begins with. */
#include "wire_test.h"

#define NOTE(state, percent, folder, message) \
    "{\"attempt\":1,\"state\":\"" state "\",\"percent\":" percent ",\"folder\":\"" folder \
    "\",\"message\":\"" message "\"}"

static void test_same(void **state)
{
    assert_same(source, "{\"url\":\"https://example.com/a.git\",\"branch\":\"\",\"attempt\":1,"
                        "\"state\":\"pending\"}");
    assert_same(source, "{\"url\":\"https://example.com/a\",\"branch\":\"main\",\"attempt\":7,"
                        "\"state\":\"failed\"}");
    assert_same(source, "{\"url\":\"https://example.com/a\",\"branch\":\"\",\"attempt\":1,"
                        "\"state\":\"cloning\",\"folder\":\"a\"}");
    assert_same(source_note, NOTE("cloning", "40", "", ""));
    assert_same(source_note, NOTE("done", "100", "a", ""));
    assert_same(source_note, NOTE("failed", "0", "", "The host was not found."));
}

static void test_refused(void **state)
{
    assert_refused(source, STR("{}"));
    assert_refused(source, STR("{\"url\":\"u\",\"branch\":\"\",\"attempt\":1,\"state\":\"over\"}"));
    assert_refused(source,
                   STR("{\"url\":\"u\",\"branch\":\"\",\"attempt\":-1,\"state\":\"done\"}"));
    assert_refused(source, STR("{\"url\":\"u\",\"branch\":\"\",\"attempt\":1,\"state\":\"done\","
                               "\"folder\":1}"));
    assert_refused(source_note, STR(NOTE("pending", "0", "", "")));
    assert_refused(source_note, STR(NOTE("cloning", "101", "", "")));
    assert_refused(source_note, STR("{\"attempt\":1,\"state\":\"done\",\"percent\":0}"));
}

static void test_limits(void **state)
{
    static const struct {
        const char *head;
        const char *tail;
        size_t most;
        bool is_note;
    } rows[] = {
        {"{\"url\":\"", "\",\"branch\":\"\",\"attempt\":1,\"state\":\"done\"}", WIRE_MAX_URL,
         false},
        {"{\"url\":\"\",\"branch\":\"", "\",\"attempt\":1,\"state\":\"done\"}", WIRE_MAX_BRANCH,
         false},
        {"{\"attempt\":1,\"state\":\"done\",\"percent\":0,\"folder\":\"", "\",\"message\":\"\"}",
         WIRE_MAX_FOLDER, true},
        {"{\"attempt\":1,\"state\":\"failed\",\"percent\":0,\"folder\":\"\",\"message\":\"", "\"}",
         WIRE_MAX_SOURCE_TEXT, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t more = 0; more <= 1; more++) {
            ARENA_AUTO(arena);
            BUF_AUTO(text, 8192);
            struct wire_source source;
            struct wire_source_note note;
            buf_add(&text, str_from(rows[i].head));
            for (size_t n = rows[i].most + more; n > 0; n--) {
                buf_byte(&text, 'x');
            }
            buf_add(&text, str_from(rows[i].tail));
            int r = rows[i].is_note ? wire_source_note_read(&arena, buf_str(&text), &note)
                                    : wire_source_read(&arena, buf_str(&text), &source);
            assert_int_equal(r, more ? ERR_INVALID : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
