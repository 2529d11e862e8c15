/* What a workspace says of itself is read with bounds, whatever it says. */
#include "unit.h"
#include "workspaces/keeper_int.h"

static int read_report(struct arena *arena, const char *text, struct report *ret_report)
{
    return workspaces_report_read(arena, str_from(text), ret_report);
}

static void reads_what_codi2_says(void **state)
{
    ARENA_AUTO(arena);
    struct report r;
    assert_int_equal(
        read_report(
            &arena,
            "{\"revision\":9,\"state\":\"restoring\",\"pending\":3,\"pending_ms\":1700,\"seq\":41,"
            "\"restoring\":{\"done\":64,\"total\":5000},\"quiet\":2,\"held_back\":1200,"
            "\"failed\":[{}],\"failed_count\":12,\"damaged_count\":4,"
            "\"message\":\"One moment.\",\"ide\":\"starting\","
            "\"activity\":{\"idle_ms\":7,\"awake\":[\"browser\",\"process make\"]}}",
            &r),
        0);
    assert_int_equal(r.state, REPORT_RESTORING);
    assert_int_equal(r.pending, 3);
    assert_int_equal(r.pending_ms, 1700);
    assert_int_equal(r.quiet, 2);
    assert_int_equal(r.done, 64);
    assert_int_equal(r.total, 5000);
    assert_int_equal(r.held_back, 1200);
    assert_int_equal(r.failed, 12);
    assert_int_equal(r.damaged, 4);
    assert_int_equal(r.idle_ms, 7);
    assert_string_equal(r.message, "One moment.");
    assert_string_equal(r.awake, "browser, process make");
    assert_true(r.works);
}

static void somebody_who_was_there_is_no_work(void **state)
{
    ARENA_AUTO(arena);
    struct report r;
    assert_int_equal(
        read_report(&arena, "{\"state\":\"x\",\"activity\":{\"awake\":[\"browser\"]}}", &r), 0);
    assert_false(r.works);
    assert_int_equal(read_report(&arena, "{\"state\":\"x\"}", &r), 0);
    assert_false(r.works);
}

static void tells_trouble_from_news(void **state)
{
    ARENA_AUTO(arena);
    static const struct {
        const char *text;
        const char *trouble;
    } rows[] = {
        {"{\"state\":\"persisted\"}", ""},
        {"{\"state\":\"offline\"}",
         "The store is out of reach. Changes wait on the workspace's disk."},
        {"{\"state\":\"offline\",\"message\":\"Your storage is full.\"}", "Your storage is full."},
        {"{\"state\":\"persisted\",\"message\":\"Not every folder.\",\"notice\":{\"text\":\"x\"}}",
         "Not every folder."},
        {"{\"state\":\"persisted\",\"message\":\"It ended.\",\"notice\":{\"text\":\"It ended.\"}}",
         ""},
        {"{\"state\":\"offline\",\"message\":\"It ended.\",\"notice\":{\"text\":\"It ended.\"}}",
         "The store is out of reach. Changes wait on the workspace's disk."},
        {"{\"state\":\"persisted\",\"message\":\"A word.\",\"notice\":[]}", "A word."},
        {"{\"state\":\"persisting\",\"message\":\"A word.\"}", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report r;
        assert_int_equal(read_report(&arena, rows[i].text, &r), 0);
        assert_string_equal(r.trouble, rows[i].trouble);
    }
}

static void counts_what_an_older_codi2_names(void **state)
{
    ARENA_AUTO(arena);
    static const struct {
        const char *text;
        int64_t failed;
    } rows[] = {
        {"{\"state\":\"x\"}", 0},
        {"{\"state\":\"x\",\"failed\":[]}", 0},
        {"{\"state\":\"x\",\"failed\":[{\"path\":\"/workspace/a\",\"why\":\"unreadable\"},7]}", 2},
        {"{\"state\":\"x\",\"failed\":3,\"failed_count\":-3}", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report r;
        assert_int_equal(read_report(&arena, rows[i].text, &r), 0);
        assert_int_equal(r.failed, rows[i].failed);
    }
}

static void tells_states_apart(void **state)
{
    ARENA_AUTO(arena);
    static const struct {
        const char *text;
        enum report_state state;
    } rows[] = {
        {"{\"state\":\"persisted\"}", REPORT_READY},
        {"{\"state\":\"persisting\",\"ide\":\"running\"}", REPORT_READY},
        {"{\"state\":\"offline\",\"ide\":\"failed\"}", REPORT_READY},
        {"{\"state\":\"persisted\",\"ide\":\"starting\"}", REPORT_IDE},
        {"{\"state\":\"restoring\"}", REPORT_RESTORING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report r;
        assert_int_equal(read_report(&arena, rows[i].text, &r), 0);
        assert_int_equal(r.state, rows[i].state);
    }
}

static void refuses_what_is_no_report(void **state)
{
    ARENA_AUTO(arena);
    static const char *const rows[] = {
        "", "[]", "7", "{}", "{\"state\":7}", "{\"state\":\"x\"", "{\"state\":null}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report r;
        assert_int_equal(read_report(&arena, rows[i], &r), ERR_INVALID);
    }
}

static void bounds_what_is_too_much(void **state)
{
    ARENA_AUTO(arena);
    BUF_AUTO(text, 65536);
    buf_add(&text, STR("{\"state\":\"x\",\"pending\":9223372036854775807,\"held_back\":-1,"
                       "\"restoring\":[],\"activity\":{\"idle_ms\":1.5,\"awake\":[1,\"\",\""));
    for (unsigned i = 0; i < 300; i++) {
        buf_byte(&text, 'a');
    }
    buf_add(&text, STR("\",\"b\",\"c\"]},\"message\":\""));
    for (unsigned i = 0; i < 200; i++) {
        buf_add(&text, STR("é"));
    }
    buf_add(&text, STR("\"}"));
    struct report r;
    assert_int_equal(workspaces_report_read(&arena, buf_str(&text), &r), 0);
    assert_int_equal(r.pending, INT64_C(9007199254740991));
    assert_int_equal(r.held_back, 0);
    assert_int_equal(r.idle_ms, 0);
    assert_string_equal(r.awake, "b, c");
    assert_int_equal(strlen(r.message), REPORT_MESSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_codi2_says),
        cmocka_unit_test(somebody_who_was_there_is_no_work),
        cmocka_unit_test(tells_trouble_from_news),
        cmocka_unit_test(counts_what_an_older_codi2_names),
        cmocka_unit_test(tells_states_apart),
        cmocka_unit_test(refuses_what_is_no_report),
        cmocka_unit_test(bounds_what_is_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
